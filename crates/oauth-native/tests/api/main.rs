//! The handle for API calls, against a token server and a store in memory: no sockets.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod calls;
mod dropped;
mod executor;
mod refreshes;
mod sign_out;
mod stores;
mod world;
