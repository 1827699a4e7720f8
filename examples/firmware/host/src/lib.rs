//! The host of the firmware. It starts the firmware in QEMU, and is all that the firmware talks to: the user with a browser, the
//! authorization server, the API. It checks what it gets as a server does, so that a wrong firmware comes to no token.
//!
//! The firmware is built before: `.ci/firmware` does it, and says where in the environment variable `FIRMWARE`.

pub mod board;
pub mod memory;
pub mod server;
pub mod story;
