//! `token_type` (RFC 6749 §5.1, §7.1): Bearer, and the names that a server uses instead.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::config::ConfigError;
use crate::error::server_text::ServerText;
use crate::error::violation::Violation;
use crate::error::Error;
use crate::text::chars;
use crate::text::json::Value;

/// The token types that are read as Bearer, besides Bearer itself.
#[derive(Clone, Default)]
pub(crate) struct TokenTypes {
    /// Whether a missing token type is read as Bearer.
    pub missing_is_bearer: bool,
    /// Compared without case, like all types (§5.1).
    pub as_bearer: Vec<String>,
}

/// Types that are not Bearer: their holder must prove something more, or they are no access tokens (RFC 9449 §5, RFC 9200 §8.4,
/// RFC 8693 §2.2.1, draft-ietf-oauth-v2-http-mac).
const NEVER_BEARER: [&str; 4] = ["DPoP", "PoP", "N_A", "mac"];

impl TokenTypes {
    /// Only Bearer.
    pub(crate) const STRICT: Self = Self { missing_is_bearer: false, as_bearer: Vec::new() };

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let bad = |problem| Err(ConfigError::Client { name: "token_type_as_bearer", problem });
        for name in &self.as_bearer {
            if NEVER_BEARER.iter().any(|never| never.eq_ignore_ascii_case(name)) {
                return bad("is a token type that is no Bearer (RFC 9449, RFC 8693): remove it");
            }
            if name.is_empty() || !chars::is_nqschars(name) {
                return bad(
                    "is empty or has a character that no token type has (RFC 6749 section 8.1): write it as the server does, or \
                     use missing_token_type_is_bearer",
                );
            }
        }
        Ok(())
    }

    /// Checks that a token may be used as a bearer token (RFC 6750 §2.1).
    pub(super) fn check_bearer(&self, token_type: &Value<'_>) -> Result<(), Error> {
        let is_bearer = |kind: &str| {
            kind.eq_ignore_ascii_case("Bearer") || self.as_bearer.iter().any(|own| own.eq_ignore_ascii_case(kind))
        };
        Err(Error::Violation(match token_type {
            Value::Text(kind) if is_bearer(kind) => return Ok(()),
            Value::Text(kind) if !kind.is_empty() => Violation::TokenTypeUnsupported(ServerText::new(kind)),
            Value::None | Value::Text(_) if self.missing_is_bearer => return Ok(()),
            Value::None | Value::Text(_) => Violation::TokenTypeMissing,
            _ => Violation::MemberMalformed("token_type"),
        }))
    }
}
