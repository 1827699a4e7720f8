//! One member of a JSON object by its name. The others are skipped without a copy.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::Deserialize;

use super::unfit::Unfit;

/// Reads the member of this name; `None` if it is absent or `null`.
///
/// # Errors
/// [`Unfit`] if its value does not fit the type, if it comes twice, or if `object` is not a JSON object.
pub(crate) fn read<'de, T: Deserialize<'de>>(object: &'de str, name: &str) -> Result<Option<T>, Unfit> {
    let mut deserializer = serde_json::Deserializer::from_str(object);
    let found = deserializer.deserialize_map(Find { name, value: PhantomData });
    found.and_then(|found| deserializer.end().map(|()| found)).map_err(|_| Unfit)
}

struct Find<'n, T> {
    name: &'n str,
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Find<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let (mut found, mut is_seen) = (None, false);
        while let Some(is_named) = map.next_key_seed(IsNamed(self.name))? {
            if !is_named {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if core::mem::replace(&mut is_seen, true) {
                return Err(A::Error::custom("a member comes twice"));
            }
            found = map.next_value()?;
        }
        Ok(found)
    }
}

/// Compares a name without a copy of it.
struct IsNamed<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for IsNamed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsNamed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    const OBJECT: &str = r#"{"a":1,"b":["x","y"],"\u0063":"text","d":null,"e":{"a":2},"twice":1,"twice":1}"#;

    #[test]
    fn a_member_is_found_by_its_name() {
        assert_eq!(read(OBJECT, "a"), Ok(Some(1)));
        assert_eq!(read::<Vec<&str>>(OBJECT, "b").unwrap().unwrap(), ["x", "y"]);
        assert_eq!(read::<String>(OBJECT, "c").unwrap().unwrap(), "text", "its name is escaped");
        assert_eq!(read::<String>(OBJECT, "d"), Ok(None));
        assert_eq!(read::<String>(OBJECT, "none"), Ok(None));
        assert_eq!(read::<IgnoredAny>(OBJECT, "e").map(|found| found.is_some()), Ok(true));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert_eq!(read::<String>(OBJECT, "a"), Err(Unfit));
        assert_eq!(read::<u8>(OBJECT, "twice"), Err(Unfit));
        for other in ["[]", "7", "{", "{} {}", ""] {
            assert_eq!(read::<u8>(other, "a"), Err(Unfit), "{other}");
        }
    }
}
