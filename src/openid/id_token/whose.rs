//! Checks the user, issuer and audience of an ID token as far as it can be read: after a refresh this decides whether any of the
//! response may be used (OpenID Connect Core §12.2). And restores a stored token.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::claims::Claims;
use super::rules::{is_organization_id, Nonce, Rules};
use super::token::IdToken;
use crate::error::id_token::IdTokenError;
use crate::openid::jws::{decode, MAX_ID_TOKEN_BYTES};
use crate::secret::Secret;
use crate::text::json::{self, Value};
use crate::text::texts::texts_or_none;

impl Rules<'_> {
    /// Restores a stored token, which was checked before. Repeats the checks that need neither time nor keys: form, issuer and
    /// audience.
    pub(crate) fn restore(&self, token: &Secret) -> Option<IdToken> {
        let mut parts = token.reveal().split('.');
        let payload = Secret::new(String::from_utf8(decode(parts.nth(1)?).ok()?).ok()?);
        let claims = Claims::parse(payload.reveal())?;
        self.check_parties(&claims).ok()?;
        Some(IdToken::new(token.clone(), payload, claims))
    }

    /// Checks that a refreshed token is this user's and for this client, as far as it can be read, even if other checks fail.
    pub(crate) fn check_whose(&self, token: &str) -> Result<(), IdTokenError> {
        let Some(payload) = payload(token) else { return Ok(()) };
        let Some(whose) = Whose::read(&payload) else { return Ok(()) };
        let names_somebody = whose.aud.iter().any(|one| !one.is_empty());
        if names_somebody && !whose.aud.iter().any(|one| one == self.client_id) {
            return Err(IdTokenError::Audience);
        }
        let may_be_issuer = |issuer: &str| match self.template {
            Some(template) => template.may_be(issuer, text(&whose.tid)),
            None => issuer == self.issuer,
        };
        whose.check(|claim, value| match claim {
            Claim::Issuer => may_be_issuer(value) && self.previous.is_none_or(|previous| value == previous.issuer()),
            Claim::Subject => self.previous.is_none_or(|previous| value == previous.subject()),
            Claim::AuthorizedParty => value == self.client_id,
            Claim::Nonce => match self.nonce {
                Nonce::Sent(sent) | Nonce::Refreshed(Some(sent)) => bool::from(sent.as_bytes().ct_eq(value.as_bytes())),
                Nonce::None | Nonce::Refreshed(None) => true,
            },
            Claim::OrganizationId => self.organization.is_none_or(|id| !is_organization_id(id) || value == id),
            Claim::OrganizationName => {
                self.organization.is_none_or(|name| is_organization_id(name) || value.eq_ignore_ascii_case(name))
            }
        })
    }
}

/// The claims that tell whose a token is. Empty ones and those of the wrong type count as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Whose<'a> {
    #[serde(borrow, deserialize_with = "json::value")]
    iss: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    sub: Value<'a>,
    #[serde(deserialize_with = "texts_or_none")]
    aud: Vec<String>,
    #[serde(borrow, deserialize_with = "json::value")]
    azp: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    nonce: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    org_id: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    org_name: Value<'a>,
    #[serde(borrow, deserialize_with = "json::value")]
    tid: Value<'a>,
}

/// The payload of a signed token, if it can be decoded.
fn payload(token: &str) -> Option<Secret> {
    if token.len() > MAX_ID_TOKEN_BYTES {
        return None;
    }
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    // Five parts make an encrypted token, which cannot be read.
    if parts.next().is_some() {
        return None;
    }
    String::from_utf8(decode(payload).ok()?).ok().map(Secret::new)
}

impl<'a> Whose<'a> {
    fn read(payload: &'a Secret) -> Option<Self> {
        json::strict(payload.reveal().as_bytes())
    }

    /// Checks every claim that is present; returns the error of the first wrong one.
    fn check(&self, is_ours: impl Fn(Claim, &str) -> bool) -> Result<(), IdTokenError> {
        for (claim, value, error) in [
            (Claim::Issuer, &self.iss, IdTokenError::Issuer),
            (Claim::Subject, &self.sub, IdTokenError::SubjectMismatch),
            (Claim::AuthorizedParty, &self.azp, IdTokenError::AuthorizedParty),
            (Claim::Nonce, &self.nonce, IdTokenError::NonceMismatch),
            (Claim::OrganizationId, &self.org_id, IdTokenError::Organization),
            (Claim::OrganizationName, &self.org_name, IdTokenError::Organization),
        ] {
            if text(value).is_some_and(|text| !is_ours(claim, text)) {
                return Err(error);
            }
        }
        Ok(())
    }
}

fn text<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// One of those claims, except `aud`.
#[derive(Clone, Copy)]
enum Claim {
    Issuer,
    Subject,
    AuthorizedParty,
    Nonce,
    OrganizationId,
    OrganizationName,
}
