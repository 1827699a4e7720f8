//! What servers say of themselves: an authorization server (RFC 8414, OpenID Connect Discovery 1.0) and an API (RFC 9728).

pub(crate) mod document;
pub(crate) mod resource;
pub(crate) mod server;

pub use resource::ResourceMetadata;
pub use server::{well_known_url, ServerMetadata, WellKnown};
