#![cfg_attr(all(feature = "ureq", feature = "open", feature = "file-store"), doc = include_str!("../README.md"))]
//!
//! # Parts
//!
//! [`oauth_proto`] says what to do; this crate does it: it sends requests ([`transport`]), takes the user to the browser and back
//! ([`browser`]), stores the session ([`store`]), and puts tokens on API calls ([`api`]; `middleware` does so within an HTTP
//! stack). `docs/tauri.md` in the repository shows an app with Tauri.
//!
//! Each part is usable alone, by the traits of [`oauth_proto::drive`] and by [`store::Store`]: bring your own transport, browser
//! or store in its place. The features choose the parts; none is on by default.
//!
//! | feature | adds |
//! | --- | --- |
//! | `ureq` | a blocking transport, and a middleware for API calls |
//! | `reqwest`, `hyper` | an async transport each, with timers of `tokio` |
//! | `reqwest-middleware`, `tower` | a middleware for API calls; the former turns `reqwest` on |
//! | `open` | opens the system's browser |
//! | `file-store` | a session in a file, for several processes |
//! | `keyring` | a session in the system's keyring; turns on `file-store` |
//! | `tracing` | what happens, as events of the crate `tracing` |
//! | `openid`, `rustcrypto` | ID tokens, and their signatures: as in [`oauth_proto`] |
//!
//! # Events
//!
//! With the feature `tracing`, the parts tell what they do, as events of the crate `tracing` with the target `oauth_native`:
//! each request and response of the transports, the browser and its redirects, the store, refreshes, waits, refusals by the API,
//! sign-out. `info` has what happens to the user's login, `debug` also requests and the store, `trace` also each sleep of the
//! [`SystemClock`]; what went wrong is `warn`. No event has a code, a token, a `state`, a query, a body, a cookie, or a text that
//! a server has sent: URLs end before the query, and errors are given by their stable codes. The HTTP stacks have logs of their
//! own, which this does not change.

pub mod api;
pub mod browser;
mod clock;
#[cfg(any(feature = "tower", feature = "reqwest-middleware", feature = "ureq"))]
pub mod middleware;
pub mod store;
mod trace;
pub mod transport;

pub use clock::SystemClock;
pub use oauth_proto;
pub use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, SignOut, Target};
