//! Errors of an ID token.

use core::fmt;

/// The first rule that an ID token broke, mostly of OpenID Connect Core §3.1.3.7. It shows nothing of the token's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdTokenError {
    /// The token is longer than [`MAX_ID_TOKEN_BYTES`](crate::openid::id_token::MAX_ID_TOKEN_BYTES).
    TooLarge,
    /// The token is not a JWS of three parts with JSON objects (RFC 7515 §7.1), or a claim has the wrong type.
    Malformed,
    /// The token is encrypted (RFC 7516), which is not supported.
    Encrypted,
    /// `alg` is not one of the allowed algorithms (RFC 8725 §3.1); `none` never is.
    AlgorithmNotAllowed,
    /// `typ` names another kind of token (RFC 8725 §3.11).
    Type,
    /// The token has `crit` (RFC 7515 §4.1.11), and no extension is supported.
    Critical,
    /// The server has no key for the token (OpenID Connect Core §10.1).
    KeyNotFound,
    /// The token names no key, and too many fit (OpenID Connect Core §10.1).
    KeyAmbiguous,
    /// The signature is not valid (OpenID Connect Core §3.1.3.7 rule 6).
    Signature,
    /// A required claim is missing or empty (OpenID Connect Core §2).
    MissingClaim(&'static str),
    /// `iss` names another server (rule 2).
    Issuer,
    /// `aud` does not name this client, or names others that are not trusted (rule 3).
    Audience,
    /// `azp` names another client (rule 5).
    AuthorizedParty,
    /// `exp` has passed (rule 9).
    Expired,
    /// `nbf` is in the future (RFC 7519 §4.1.5).
    NotYetValid,
    /// `iat` is in the future (rule 10).
    IssuedAt,
    /// A `nonce` was sent, and the token has none (rule 11).
    NonceMissing,
    /// `nonce` is not the one that was sent (rule 11), or none was sent.
    NonceMismatch,
    /// `max_age` was requested and there is no `auth_time` (rule 13).
    AuthTimeMissing,
    /// The user authenticated longer ago than `max_age` allows (rule 13).
    AuthTimeTooOld,
    /// `max_age` was requested and `auth_time` is in the future, so it proves nothing (rule 13).
    AuthTimeInFuture,
    /// After a refresh, `auth_time` differs from the login's (§12.2).
    AuthTimeMismatch,
    /// `at_hash` belongs to another access token (§3.1.3.8).
    AccessTokenHash,
    /// `c_hash` belongs to another code (§3.3.2.11).
    CodeHash,
    /// After a refresh, `sub` names another user (§12.2).
    SubjectMismatch,
    /// `org_id` or `org_name` is not the requested organization (Auth0).
    Organization,
    /// `acr` is none of the required values (rule 12).
    AuthenticationContext,
}

impl IdTokenError {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        self.words().0
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TooLarge => ("id_token_too_large", "the ID token is too large: ask for fewer scopes or claims"),
            Self::Malformed => ("id_token_malformed", "the ID token is malformed (RFC 7519 section 7.2): tell the server's operator"),
            Self::Encrypted => (
                "id_token_encrypted",
                "the ID token is encrypted: register the client without id_token_encrypted_response_alg",
            ),
            Self::AlgorithmNotAllowed => (
                "id_token_alg_not_allowed",
                "the ID token's alg is not allowed (RFC 8725 section 3.1): allow it with ClientBuilder::id_token_algorithms if the client \
                 is registered for it",
            ),
            Self::Type => ("id_token_type", "the ID token's typ is of another kind of token (RFC 8725 section 3.11): tell the server's operator"),
            Self::Critical => {
                ("id_token_crit", "the ID token has critical header parameters (RFC 7515 section 4.1.11), and none is understood: tell the server's operator")
            }
            Self::KeyNotFound => {
                ("id_token_key_not_found", "the server has no key for the ID token (OpenID Connect Core section 10.1): is the jwks_uri this server's?")
            }
            Self::KeyAmbiguous => (
                "id_token_key_ambiguous",
                "the ID token names no key, and the server has many (OpenID Connect Core section 10.1): tell the server's operator",
            ),
            Self::Signature => {
                ("id_token_signature", "the ID token's signature is not valid (OpenID Connect Core section 3.1.3.7): is the jwks_uri this server's?")
            }
            Self::MissingClaim(_) => {
                ("id_token_missing_claim", "the ID token lacks a required claim (OpenID Connect Core section 2), so tell the server's operator")
            }
            Self::Issuer => {
                ("id_token_issuer", "the ID token's iss is another server's (OpenID Connect Core section 3.1.3.7): write the issuer exactly as the server does")
            }
            Self::Audience => (
                "id_token_audience",
                "the ID token is for another client, or for others too (OpenID Connect Core section 3.1.3.7): allow them with \
                 ClientBuilder::trusted_audience",
            ),
            Self::AuthorizedParty => {
                ("id_token_azp", "the ID token's azp is another client (OpenID Connect Core section 3.1.3.7): is the client id right?")
            }
            Self::Expired => ("id_token_expired", "the ID token has expired: is this device's clock right?"),
            Self::NotYetValid => ("id_token_not_yet_valid", "the ID token is not valid yet: is this device's clock right?"),
            Self::IssuedAt => {
                ("id_token_issued_at", "the ID token was issued in the future: is this device's clock right?")
            }
            Self::NonceMissing => {
                ("id_token_nonce_missing", "the ID token has no nonce (OpenID Connect Core section 3.1.3.7): tell the server's operator")
            }
            Self::NonceMismatch => {
                ("id_token_nonce_mismatch", "the ID token's nonce is another login's (OpenID Connect Core section 3.1.3.7): start a new login")
            }
            Self::AuthTimeMissing => (
                "id_token_auth_time_missing",
                "the ID token has no auth_time though max_age was asked for (OpenID Connect Core section 3.1.3.7): register the client with \
                 require_auth_time, or do without max_age",
            ),
            Self::AuthTimeTooOld => (
                "id_token_auth_time_too_old",
                "the user authenticated longer ago than max_age allows (OpenID Connect Core section 3.1.3.7): start a new login with \
                 prompt=login",
            ),
            Self::AuthTimeInFuture => (
                "id_token_auth_time_in_future",
                "the user authenticated in the future (OpenID Connect Core section 3.1.3.7): is this device's clock right, and the \
                 server's?",
            ),
            Self::AuthTimeMismatch => (
                "id_token_auth_time_mismatch",
                "the refreshed ID token has another auth_time (OpenID Connect Core section 12.2): start a new login",
            ),
            Self::AccessTokenHash => (
                "id_token_at_hash",
                "the ID token's at_hash is of another access token (OpenID Connect Core section 3.1.3.8): start a new login; if this stays so, \
                 tell the server's operator",
            ),
            Self::CodeHash => {
                ("id_token_c_hash", "the ID token's c_hash is of another code (OpenID Connect Core section 3.3.2.11): start a new login; if this stays so, tell \
                 the server's operator")
            }
            Self::SubjectMismatch => {
                ("id_token_sub_mismatch", "the refreshed ID token is another user's (OpenID Connect Core section 12.2): start a new login")
            }
            Self::Organization => {
                ("id_token_organization", "the ID token is not of the organization that was asked for: start a new login as one of its members")
            }
            Self::AuthenticationContext => (
                "id_token_acr",
                "the user was not authenticated in the way that was required (OpenID Connect Core section 3.1.3.7): start a new login, and have \
                 the server allow that way",
            ),
        }
    }
}

impl fmt::Display for IdTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)?;
        match self {
            Self::MissingClaim(name) => write!(f, ": {name}"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for IdTokenError {}
