//! Logins that are driven by `oauth_proto::drive`, at a server, a browser and a clock that say what the test wants.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod blocking;
mod dropped;
mod listener;
mod loops;
#[cfg(feature = "openid")]
mod verify;
mod world;
