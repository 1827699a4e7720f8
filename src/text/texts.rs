//! Members that are one string or a list of strings.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;

use super::json;

/// Reads a list of strings, or one string, as some servers write. Elements that are not strings are left out.
#[cfg(feature = "openid")]
pub(crate) fn texts_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Texts::read(deserializer, usize::MAX)? {
        Texts::One(text) => alloc::vec![text],
        Texts::List { texts, .. } => texts,
        Texts::Absent | Texts::Other => Vec::new(),
    })
}

/// A value such as `aud`, which may be one string or a list of them (RFC 7519 §4.1.3).
#[derive(Clone)]
pub(crate) struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Texts::read(deserializer, usize::MAX)? {
            Texts::One(text) => Ok(Self(alloc::vec![text])),
            Texts::List { texts, has_others: false } => Ok(Self(texts)),
            _ => Err(D::Error::custom("neither a string nor a list of strings")),
        }
    }
}

/// A member of any type, with the strings in it.
pub(crate) enum Texts {
    /// `null`.
    Absent,
    One(String),
    /// Its strings, and whether it has other elements.
    List {
        texts: Vec<String>,
        has_others: bool,
    },
    Other,
}

impl Texts {
    /// Reads a member; of a list, at most `most` strings are kept.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D, most: usize) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor { most })
    }
}

struct TextsVisitor {
    most: usize,
}

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts::Absent)
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts::One(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let (mut texts, mut has_others) = (Vec::new(), false);
        while let Some(value) = list.next_element::<json::Value<'de>>()? {
            match value {
                json::Value::Text(text) if texts.len() < self.most => texts.push(text.into_owned()),
                json::Value::Text(_) => {}
                _ => has_others = true,
            }
        }
        Ok(Texts::List { texts, has_others })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Texts, E> {
        Ok(Texts::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Texts, E> {
        Ok(Texts::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Texts, E> {
        Ok(Texts::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Texts, E> {
        Ok(Texts::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Texts::Other)
    }
}
