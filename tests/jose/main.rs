//! Signed tokens: against another implementation, and bit by bit.
#![cfg(feature = "rustcrypto")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod bit_flips;
mod by_action;
mod differential;
mod objects;
#[path = "../support/signing.rs"]
mod signing;
mod time;
