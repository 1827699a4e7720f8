//! The example `login`: its embedded server checks what it says it checks, and the program tells its story.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod advice;
mod busy;
mod client;
mod discovery;
mod known;
mod landing;
mod logout;
mod openid;
mod program;
#[path = "../../login/server/mod.rs"]
mod server;
mod server_checks;
mod session;
mod visit;
