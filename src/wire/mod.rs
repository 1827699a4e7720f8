//! Wire formats, one file for each specification: pure functions and the types that they read and write. They keep no state and
//! take the time only as an argument, `now`, from which lifetimes count.

pub mod authorization;
pub mod challenge;
pub(crate) mod issuer;
pub(crate) mod jwt;
pub mod logout;
pub mod loopback;
pub mod metadata;
pub mod pkce;
pub mod redirect;
pub(crate) mod scope;
pub(crate) mod target;
pub mod token;

pub use authorization::{AuthorizationRequest, AuthorizationUrl, ResponseMode};
pub use logout::{LogoutParameters, LogoutUrl};
pub use target::Target;
