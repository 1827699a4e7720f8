//! The transports at a server that misbehaves in every way that a socket allows. All stacks go through the same tests.
#![cfg(all(feature = "ureq", feature = "reqwest", feature = "hyper"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod app;
mod bodies;
mod connections;
mod failures;
mod heads;
mod proxies;
mod requests;
mod server;
mod stacks;
mod tls;
