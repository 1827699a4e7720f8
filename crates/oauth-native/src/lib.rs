//! OAuth 2.0 and OpenID Connect for native apps on `std`, on top of [`oauth_proto`].
//!
//! [`oauth_proto`] says what to do; this crate does it: it sends requests ([`transport`]), takes the user to the browser and back
//! ([`browser`]), stores the session ([`store`]), and puts tokens on API calls ([`api`]).

pub mod api;
pub mod browser;
mod clock;
pub mod store;
pub mod transport;

pub use clock::SystemClock;
pub use oauth_proto;
