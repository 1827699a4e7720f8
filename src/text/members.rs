//! Reads documents with many members one by one, so that an error names the member.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::Deserialize;

use super::json::{self, Value};
use super::texts::Texts;

/// Why a document cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not an object, or has a member twice (RFC 8259 §4).
    Malformed,
    /// This member has a wrong type.
    WrongType(&'static str),
}

/// Reads a document strictly.
pub(crate) fn parse<T: Members>(document: &[u8]) -> Result<T, Fault> {
    let read: Read<T> = json::strict(document).filter(|read: &Read<T>| !read.is_repeated).ok_or(Fault::Malformed)?;
    match read.wrong {
        Some(name) => Err(Fault::WrongType(name)),
        None => Ok(read.value),
    }
}

/// A type that the macro `members!` makes.
pub(crate) trait Members: Sized {
    fn read<'de, A: MapAccess<'de>>(map: A) -> Result<Read<Self>, A::Error>;
}

/// The members read from an object, and its faults; the caller decides how strict to be.
pub(crate) struct Read<T> {
    /// The members: the last one if a member comes twice (RFC 7519 §4), none of a wrong type.
    pub value: T,
    pub is_repeated: bool,
    /// The first member of a wrong type.
    pub wrong: Option<&'static str>,
}

impl<'de, T: Members> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(core::marker::PhantomData<T>);

        impl<'de, T: Members> Visitor<'de> for ObjectVisitor<T> {
            type Value = Read<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Read<T>, A::Error> {
                T::read(map)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(core::marker::PhantomData))
    }
}

/// The type of a member.
pub(crate) trait Member: Sized {
    /// `Ok(None)` for `null`.
    fn of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Option<Self>, WrongType>, D::Error>;
}

pub(crate) struct WrongType;

/// A member as it was found.
pub(crate) struct Found<T>(pub Result<Option<T>, WrongType>);

impl<'de, T: Member> Deserialize<'de> for Found<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::of(deserializer).map(Self)
    }
}

impl Member for String {
    fn of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Option<Self>, WrongType>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::None => Ok(None),
            Value::Text(text) => Ok(Some(text.into_owned())),
            _ => Err(WrongType),
        })
    }
}

/// Some servers write a boolean as a string.
impl Member for bool {
    fn of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Option<Self>, WrongType>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::None => Ok(None),
            Value::Bool(truth) => Ok(Some(truth)),
            Value::Text(text) if text == "true" => Ok(Some(true)),
            Value::Text(text) if text == "false" => Ok(Some(false)),
            _ => Err(WrongType),
        })
    }
}

/// How many elements of a list are kept: no server has more, and a hostile one must not fill the memory.
const MAX_NAMES: usize = 1024;

/// Elements that are not strings are left out.
impl Member for Vec<String> {
    fn of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Option<Self>, WrongType>, D::Error> {
        Ok(match Texts::read(deserializer, MAX_NAMES)? {
            Texts::Absent => Ok(None),
            Texts::List { texts, .. } => Ok(Some(texts)),
            Texts::One(_) | Texts::Other => Err(WrongType),
        })
    }
}

/// Defines a struct of optional members, and how it is read from an object. Unknown members are skipped without a copy.
macro_rules! members {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_attribute:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $name {
            $($(#[$field_attribute])* pub $field: $type,)*
        }

        impl $crate::text::members::Members for $name {
            fn read<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<$crate::text::members::Read<Self>, A::Error> {
                #[derive(serde::Deserialize)]
                #[serde(field_identifier)]
                #[allow(non_camel_case_types)]
                enum Known {
                    $($field,)*
                    #[serde(other)]
                    Unknown,
                }
                #[derive(Default)]
                struct Seen {
                    $($field: bool,)*
                }
                let mut seen = Seen::default();
                let mut read = $crate::text::members::Read { value: Self::default(), is_repeated: false, wrong: None };
                while let Some(known) = map.next_key::<Known>()? {
                    match known {
                        $(Known::$field => {
                            read.is_repeated |= core::mem::replace(&mut seen.$field, true);
                            let found: $crate::text::members::Found<_> = map.next_value()?;
                            read.value.$field = found.0.unwrap_or_else(|_| {
                                read.wrong = read.wrong.or(Some(stringify!($field)));
                                None
                            });
                        })*
                        Known::Unknown => {
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(read)
            }
        }
    };
}

pub(crate) use members;
