//! A member that is one text or a list of them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;

use crate::json;

/// Some servers write one text instead of a list; what is no text is left out.
#[cfg(feature = "openid")]
pub(crate) fn texts_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(Texts { is_strict: false }).map(|texts| texts.0)
}

/// `aud` may be one text or a list of them (RFC 7519 §4.1.3).
#[derive(Clone)]
pub(crate) struct OneOrMany(pub Vec<String>);

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
