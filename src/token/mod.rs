//! The token endpoint: requests (RFC 6749 §4.1.3, §6) and responses (RFC 6749 §5), as pure functions.

mod media_type;
mod request;
mod response;
mod token_type;
mod tokens;

pub(crate) use request::Settings;
pub use request::{ClientAuthentication, TokenEndpoint, TokenRequestFormat};
#[cfg(feature = "openid")]
pub(crate) use response::{body, document, is_jwt, json_body};
pub use response::{parse_response, TokenResponse, MAX_TOKEN_BYTES};
pub(crate) use response::{parse_response_as, refused, remains, Remains};
pub(crate) use token_type::TokenTypes;
pub use tokens::Tokens;
