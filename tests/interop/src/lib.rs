//! `oauth-proto` against `oidc-provider`, an OpenID-certified authorization server, over `ureq`.
//!
//! `tests/interop/run` installs the server and runs the tests; `server.mjs` is the server and the API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod app;
mod control;
mod http;
mod jwt;
mod loopback;
mod proxy;
mod server;
mod user_agent;

pub use app::*;
pub use http::{Answer, Http};
pub use jwt::header_of;
pub use loopback::{browser_loads, browser_posts, Loopback};
pub use proxy::{Proxy, Refusal, Trouble};
pub use server::Server;
pub use user_agent::{Landed, Person, UserAgent};
