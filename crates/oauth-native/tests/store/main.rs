//! Stores: forms are whole at any time, private, and locked for threads and processes.
#![cfg(feature = "file-store")]

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
