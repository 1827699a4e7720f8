//! The handle for API calls, against a token server and a store in memory: no sockets.

#![allow(clippy::arithmetic_side_effects, clippy::missing_docs_in_private_items)]

mod calls;
mod dropped;
mod executor;
mod refreshes;
mod sign_out;
mod stores;
mod world;
