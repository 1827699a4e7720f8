//! ID tokens: the rules (OpenID Connect Core §3.1.3.7, §12.2, RFC 8725 §3) and the verified claims.
//!
//! # Order of checks
//! 1. Size.
//! 2. Three parts.
//! 3. `alg` against the allow-list, `crit`, `typ`.
//! 4. The claims' types.
//! 5. `iss`.
//! 6. `aud`, `azp`.
//! 7. `sub`.
//! 8. `nonce`.
//! 9. `acr`, organization.
//! 10. `at_hash`, `c_hash`.
//! 11. `exp`, `nbf`, `iat`, `auth_time`.
//! 12. The key and the signature, which cost most and may need newly fetched keys.

pub(crate) mod claims;
pub(crate) mod rules;
pub(crate) mod token;
pub(crate) mod unverified;
mod whose;

pub use self::rules::{Rules, MAX_CLOCK_LEEWAY_SECS};
pub use self::token::IdToken;
pub use super::jws::MAX_ID_TOKEN_BYTES;
