//! What goes over the wire, one file for each specification: pure functions and the types they read and write. No state, and no
//! clock but the `now` that lifetimes count from.

pub mod authorization;
pub mod challenge;
pub(crate) mod issuer;
pub(crate) mod jwt;
pub mod logout;
pub mod metadata;
pub mod pkce;
pub mod redirect;
pub(crate) mod scope;
pub(crate) mod target;
pub mod token;

pub use authorization::{AuthorizationRequest, AuthorizationUrl, ResponseMode};
pub use logout::{LogoutParameters, LogoutUrl};
pub use target::Target;
