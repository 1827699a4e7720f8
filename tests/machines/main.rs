//! The two machines as wholes: against their tables, against models of them, for leaks, error by error, and for who is logged in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[cfg(feature = "openid")]
mod by_action;
mod errors;
mod leaks;
mod model;
mod properties;
mod stored_form;
mod support;
mod tables;
#[cfg(feature = "openid")]
mod who;
