#![cfg_attr(all(feature = "ureq", feature = "open", feature = "file-store"), doc = include_str!("../README.md"))]
//!
//! # Parts
//!
//! [`oauth_proto`] says what to do; this crate does it: it sends requests ([`transport`]), takes the user to the browser and back
//! ([`browser`]), stores the session ([`store`]), and puts tokens on API calls ([`api`]).
//!
//! Each part is usable alone, by the traits of [`oauth_proto::drive`] and by [`store::Store`]: bring your own transport, browser
//! or store in its place. The features choose the parts; none is on by default.
//!
//! | feature | adds |
//! | --- | --- |
//! | `ureq` | a blocking transport |
//! | `reqwest` | an async transport, with timers of `tokio` |
//! | `open` | opens the system's browser |
//! | `file-store` | a session in a file, for several processes |
//! | `openid`, `rustcrypto` | ID tokens, and their signatures: as in [`oauth_proto`] |

pub mod api;
pub mod browser;
mod clock;
pub mod store;
pub mod transport;

pub use clock::SystemClock;
pub use oauth_proto;
pub use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, SignOut, Target};
