//! Stores: forms are whole at any time, private, and locked for threads and processes.
#![cfg(feature = "file-store")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod adopt;
#[cfg(unix)]
mod crash;
mod damaged;
mod files;
mod locks;
mod memory;
mod pending;
mod processes;
mod tools;
