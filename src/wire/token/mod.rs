//! The token endpoint: requests (RFC 6749 §4.1.3, §6) and responses (RFC 6749 §5), as pure functions.

pub(crate) mod media_type;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod token_type;

pub use request::{ClientAuthentication, TokenEndpoint, TokenRequestFormat};
pub use response::{parse_response, TokenResponse, MAX_TOKEN_BYTES};
