//! Whose an ID token is, read as far as it can be, whatever else is wrong with it. After a refresh that decides whether anything
//! of the answer may be used (OpenID Connect Core §12.2).

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::error::IdTokenError;
use super::id_token::MAX_ID_TOKEN_BYTES;
use super::jws::decode;
use crate::json::{self, Value};
use crate::secret::Secret;
use crate::texts::texts_or_none;

/// Claims of another type than they should have, and empty ones, count as absent: they name nobody.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Whose<'a> {
    #[serde(borrow, deserialize_with = "json::value")]
    iss: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    sub: Value<'a>,
    #[serde(deserialize_with = "texts_or_none")]
    pub aud: Vec<String>,
    #[serde(borrow, deserialize_with = "json::value")]
    azp: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    nonce: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    org_id: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    org_name: Value<'a>,
}

/// The payload of a signed token, if it can be decoded.
pub(super) fn payload(token: &str) -> Option<Secret> {
    if token.len() > MAX_ID_TOKEN_BYTES {
        return None;
    }
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    // Five parts are an encrypted one, of which nothing can be read.
    if parts.next().is_some() {
        return None;
    }
    String::from_utf8(decode(payload).ok()?).ok().map(Secret::new)
}

impl<'a> Whose<'a> {
    pub(super) fn read(payload: &'a Secret) -> Option<Self> {
        json::strict(payload.reveal().as_bytes())
    }

    /// Whether every claim that is there passes, the error otherwise.
    pub(super) fn check(&self, is_ours: impl Fn(Claim, &str) -> bool) -> Result<(), IdTokenError> {
        for (claim, value, error) in [
            (Claim::Issuer, &self.iss, IdTokenError::Issuer),
            (Claim::Subject, &self.sub, IdTokenError::SubjectMismatch),
            (Claim::AuthorizedParty, &self.azp, IdTokenError::AuthorizedParty),
            (Claim::Nonce, &self.nonce, IdTokenError::NonceMismatch),
            (Claim::OrganizationId, &self.org_id, IdTokenError::Organization),
            (Claim::OrganizationName, &self.org_name, IdTokenError::Organization),
        ] {
            if matches!(value, Value::Text(text) if !text.is_empty() && !is_ours(claim, text)) {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What tells whose a token is, beside `aud`.
#[derive(Clone, Copy)]
pub(super) enum Claim {
    Issuer,
    Subject,
    AuthorizedParty,
    Nonce,
    OrganizationId,
    OrganizationName,
}
