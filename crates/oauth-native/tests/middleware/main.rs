//! Tokens on the requests of each HTTP stack, over real sockets: a server that gives out tokens and refuses old ones.

#![cfg(all(feature = "ureq", feature = "reqwest-middleware", feature = "tower"))]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[allow(dead_code)] // the tests of the transports use all of it
#[path = "../transport/server.rs"]
mod server;
mod with_reqwest;
mod with_tower;
mod with_ureq;
mod world;
