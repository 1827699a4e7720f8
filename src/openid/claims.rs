//! The claims of an ID token that decide whether it is believed (OpenID Connect Core §2), read strictly: one of the wrong
//! type makes the token malformed, it does not count as absent. (Those that other servers may use for something else, and
//! that count only if they are asked for, do: `acr`, `amr`, `org_id`, `org_name`; and `session_expiry`.)

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;

use crate::json;
use crate::secret::{as_text, Secret};
use crate::time::UnixTime;

#[derive(Clone, Deserialize)]
pub(super) struct Claims {
    #[serde(default, deserialize_with = "json::present")]
    pub iss: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub sub: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub aud: Option<OneOrMany>,
    #[serde(default, deserialize_with = "json::present")]
    pub exp: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub auth_time: Option<NumericDate>,
    #[serde(default, deserialize_with = "nonce")]
    pub nonce: Option<Secret>,
    #[serde(default, deserialize_with = "json::present")]
    pub azp: Option<String>,
    #[serde(default, deserialize_with = "json::text_or_none")]
    pub acr: Option<String>,
    #[serde(default, deserialize_with = "texts_or_none")]
    pub amr: Vec<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub at_hash: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub c_hash: Option<String>,
    #[serde(default, deserialize_with = "json::text_or_none")]
    pub org_id: Option<String>,
    #[serde(default, deserialize_with = "json::text_or_none")]
    pub org_name: Option<String>,
    #[serde(default, deserialize_with = "json::time_or_none")]
    pub session_expiry: Option<UnixTime>,
}

impl Claims {
    pub(super) fn parse(payload: &str) -> Option<Self> {
        json::strict(payload.as_bytes())
    }
}

fn nonce<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    as_text::deserialize(deserializer).map(Some)
}

/// Some servers write one text instead of a list; what is no text is left out.
pub(super) fn texts_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(Texts { is_strict: false }).map(|texts| texts.0)
}

/// `aud` may be one text or a list of them (RFC 7519 §4.1.3).
#[derive(Clone)]
pub(super) struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Texts { is_strict: true })
    }
}

struct Texts {
    is_strict: bool,
}

impl Texts {
    fn other<E: serde::de::Error>(&self) -> Result<OneOrMany, E> {
        if self.is_strict {
            Err(E::custom("neither a string nor a list of strings"))
        } else {
            Ok(OneOrMany(Vec::new()))
        }
    }
}

impl<'de> Visitor<'de> for Texts {
    type Value = OneOrMany;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E>(self, text: &str) -> Result<OneOrMany, E> {
        Ok(OneOrMany(alloc::vec![text.into()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
        let mut texts = Vec::new();
        while let Some(value) = list.next_element::<json::Value<'de>>()? {
            match value {
                json::Value::Text(text) => texts.push(text.into_owned()),
                _ if self.is_strict => return self.other(),
                _ => {}
            }
        }
        Ok(OneOrMany(texts))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<OneOrMany, E> {
        self.other()
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<OneOrMany, E> {
        self.other()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<OneOrMany, E> {
        self.other()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<OneOrMany, E> {
        self.other()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<OneOrMany, E> {
        self.other()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OneOrMany, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.other()
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
