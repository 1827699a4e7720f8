//! The claims that decide whether an ID token is accepted (OpenID Connect Core §2). A claim of the wrong type makes the token
//! malformed; `null` counts as absent. In claims that servers may use for something else and that matter only on request (`acr`,
//! `amr`, `org_id`, `org_name`, `tid`, `session_expiry`), a wrong type counts as absent too.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::{Deserializer, Error as _};
use serde::Deserialize;

use crate::secret::{as_text, Secret};
use crate::text::json;
use crate::text::texts::{texts_or_none, OneOrMany};
use crate::time::UnixTime;

#[derive(Clone, Deserialize)]
pub(super) struct Claims {
    #[serde(default)]
    pub iss: Option<String>,
    #[serde(default)]
    pub sub: Option<String>,
    #[serde(default)]
    pub aud: Option<OneOrMany>,
    #[serde(default)]
    pub exp: Option<NumericDate>,
    #[serde(default)]
    pub iat: Option<NumericDate>,
    #[serde(default)]
    pub nbf: Option<NumericDate>,
    #[serde(default)]
    pub auth_time: Option<NumericDate>,
    #[serde(default, deserialize_with = "as_text::optional::deserialize")]
    pub nonce: Option<Secret>,
    #[serde(default)]
    pub azp: Option<String>,
    #[serde(default, deserialize_with = "json::text_or_none")]
    pub acr: Option<String>,
    #[serde(default, deserialize_with = "texts_or_none")]
    pub amr: Vec<String>,
    #[serde(default)]
    pub at_hash: Option<String>,
    #[serde(default)]
    pub c_hash: Option<String>,
    #[serde(default, deserialize_with = "json::text_or_none")]
    pub org_id: Option<String>,
    #[serde(default, deserialize_with = "json::text_or_none")]
    pub org_name: Option<String>,
    #[serde(default, deserialize_with = "json::time_or_none")]
    pub session_expiry: Option<UnixTime>,
    #[serde(default, deserialize_with = "json::text_or_none")]
    pub tid: Option<String>,
}

impl Claims {
    pub(super) fn parse(payload: &str) -> Option<Self> {
        json::strict(payload.as_bytes())
    }
}

/// A time (RFC 7519 §2).
#[derive(Clone, Copy)]
pub(super) struct NumericDate(pub UnixTime);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = json::Value::deserialize(deserializer)?.seconds();
        time.map(Self).ok_or_else(|| D::Error::custom("no time"))
    }
}
