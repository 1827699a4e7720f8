//! The browsers of `oauth_native::browser`, over real sockets and with scripted users.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod abuse;
mod deep_link;
mod logout;
mod loopback;
mod openers;
mod paste;
mod world;
