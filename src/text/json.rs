//! Reads JSON documents, and the members of a token endpoint's response in place: known members are borrowed, unknown ones
//! skipped without a copy, and a known member that comes twice is refused (RFC 8259 §4).

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;

use super::unfit::Unfit;
#[cfg(feature = "openid")]
use crate::time::UnixTime;

/// How deep containers may be nested.
pub(crate) const MAX_DEPTH: usize = 32;

/// A known member, of any type; the reader decides which types it accepts.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    /// Absent or `null`.
    #[default]
    None,
    Text(Cow<'a, str>),
    Bool(bool),
    Integer(u64),
    Negative,
    Float(f64),
    /// A list of strings, joined with spaces: some servers write a scope as a list.
    Texts(String),
    Other,
}

#[cfg(feature = "openid")]
impl Value<'_> {
    /// Seconds since 1970 (RFC 7519 §2); a fraction is cut off.
    pub(crate) fn seconds(&self) -> Option<UnixTime> {
        match self {
            Self::Integer(seconds) => Some(UnixTime::from_secs(*seconds)),
            // `as` saturates.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Self::Float(seconds) if *seconds >= 0.0 => Some(UnixTime::from_secs(*seconds as u64)),
            _ => None,
        }
    }
}

/// The members of RFC 6749 §5.1 and §5.2 and OpenID Connect Core §3.1.3.3, and those for the end of a grant, from
/// draft-ietf-oauth-refresh-token-expiration or with servers' own names.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Members<'a> {
    pub access_token: Value<'a>,
    pub token_type: Value<'a>,
    pub expires_in: Value<'a>,
    pub refresh_token: Value<'a>,
    pub scope: Value<'a>,
    pub id_token: Value<'a>,
    pub authorization_expires_in: Value<'a>,
    pub refresh_token_timeout: Value<'a>,
    pub refresh_token_expires_in: Value<'a>,
    pub refresh_expires_in: Value<'a>,
    pub error: Value<'a>,
    pub error_description: Value<'a>,
    pub error_uri: Value<'a>,
    /// Whether there are members besides the three of an error.
    pub has_more_than_error: bool,
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    TooDeep,
    Malformed,
}

/// The byte order mark that some servers put first; it may be skipped (RFC 8259 §8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn without_mark(document: &[u8]) -> &[u8] {
    document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document)
}

/// The text of a document within the depth limit. All of it must be UTF-8 (RFC 8259 §8.1), even skipped members.
fn text(document: &[u8]) -> Result<&str, Unreadable> {
    if !within_depth(document) {
        return Err(Unreadable::TooDeep);
    }
    core::str::from_utf8(without_mark(document)).map_err(|_| Unreadable::Malformed)
}

/// Reads a document that was checked before into any type that the caller wants.
pub(crate) fn read<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Result<T, Unfit> {
    serde_json::from_slice(without_mark(document)).map_err(|_| Unfit)
}

/// Whether the document begins like an object.
pub(crate) fn begins_as_object(document: &[u8]) -> bool {
    without_mark(document).iter().find(|octet| !b" \t\n\r".contains(octet)) == Some(&b'{')
}

/// Reads an object of known form from a document with nothing else in it, within the depth limit. All derived types refuse a
/// known member that comes twice; they would accept an array of their members' values, so that is refused here.
pub(crate) fn strict<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Option<T> {
    serde_json::from_str(object_text(document)?).ok()
}

/// The text of a document that may be an object.
pub(crate) fn object_text(document: &[u8]) -> Option<&str> {
    text(document).ok().filter(|_| begins_as_object(document))
}

/// Reads a member that may be absent, but not `null`.
#[cfg(feature = "openid")]
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads a member of any type.
#[cfg(feature = "openid")]
pub(crate) fn value<'a, 'de: 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Value<'a>, D::Error> {
    Value::deserialize(deserializer)
}

/// Reads a string; a value of another type counts as absent.
#[cfg(feature = "openid")]
pub(crate) fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Text(text) => Some(text.into_owned()),
        _ => None,
    })
}

/// Reads a time; a value of another type counts as absent.
#[cfg(feature = "openid")]
pub(crate) fn time_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixTime>, D::Error> {
    Value::deserialize(deserializer).map(|value| value.seconds())
}

/// Whether the document is one JSON object, with nothing else, within the depth limit.
pub(crate) fn is_object(document: &[u8]) -> bool {
    struct Object;

    impl<'de> Deserialize<'de> for Object {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            IgnoredAny::deserialize(deserializer).map(|_| Self)
        }
    }

    strict::<Object>(document).is_some()
}

/// Reads the members, if the body is one JSON object, with nothing else, within the depth limit.
pub(crate) fn members(body: &[u8]) -> Result<Members<'_>, Unreadable> {
    serde_json::from_str(text(body)?).map_err(|_| Unreadable::Malformed)
}

/// Whether containers nest no deeper than [`MAX_DEPTH`]. Brackets are counted first, which is cheap; only if there are more, the
/// depth is followed, skipping strings.
fn within_depth(body: &[u8]) -> bool {
    // Sums over 128 bytes fit in one byte, so the compiler can count many at once.
    let opening = |some: &[u8]| some.iter().fold(0_u8, |sum, octet| sum.wrapping_add(u8::from(octet | 0x20 == b'{')));
    let chunks = body.chunks_exact(128);
    let rest = usize::from(opening(chunks.remainder()));
    if chunks.fold(rest, |sum, some| sum.saturating_add(usize::from(opening(some)))) <= MAX_DEPTH {
        return true;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for octet in body {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        let mut seen = [false; 13];
        while let Some(name) = map.next_key()? {
            members.has_more_than_error |= !matches!(name, Name::Error | Name::ErrorDescription | Name::ErrorUri);
            let (index, slot) = match name {
                Name::AccessToken => (0, &mut members.access_token),
                Name::TokenType => (1, &mut members.token_type),
                Name::ExpiresIn => (2, &mut members.expires_in),
                Name::RefreshToken => (3, &mut members.refresh_token),
                Name::Scope => (4, &mut members.scope),
                Name::IdToken => (5, &mut members.id_token),
                Name::Error => (6, &mut members.error),
                Name::ErrorDescription => (7, &mut members.error_description),
                Name::ErrorUri => (8, &mut members.error_uri),
                Name::AuthorizationExpiresIn => (9, &mut members.authorization_expires_in),
                Name::RefreshTokenTimeout => (10, &mut members.refresh_token_timeout),
                Name::RefreshTokenExpiresIn => (11, &mut members.refresh_token_expires_in),
                Name::RefreshExpiresIn => (12, &mut members.refresh_expires_in),
                Name::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if seen.get_mut(index).is_none_or(|seen| core::mem::replace(seen, true)) {
                return Err(A::Error::custom("a member comes twice"));
            }
            *slot = map.next_value()?;
        }
        Ok(members)
    }
}

enum Name {
    AccessToken,
    TokenType,
    ExpiresIn,
    RefreshToken,
    Scope,
    IdToken,
    AuthorizationExpiresIn,
    RefreshTokenTimeout,
    RefreshTokenExpiresIn,
    RefreshExpiresIn,
    Error,
    ErrorDescription,
    ErrorUri,
    Unknown,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "access_token" => Name::AccessToken,
            "token_type" => Name::TokenType,
            "expires_in" => Name::ExpiresIn,
            "refresh_token" => Name::RefreshToken,
            "scope" => Name::Scope,
            "id_token" => Name::IdToken,
            "authorization_expires_in" => Name::AuthorizationExpiresIn,
            "refresh_token_timeout" => Name::RefreshTokenTimeout,
            "refresh_token_expires_in" => Name::RefreshTokenExpiresIn,
            "refresh_expires_in" => Name::RefreshExpiresIn,
            "error" => Name::Error,
            "error_description" => Name::ErrorDescription,
            "error_uri" => Name::ErrorUri,
            _ => Name::Unknown,
        })
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::None)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(u64::try_from(number).map_or(Value::Negative, Value::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let mut joined = String::new();
        let mut texts_only = true;
        while let Some(item) = list.next_element::<Item<'de>>()? {
            match item {
                Item::Text(text) if texts_only => {
                    if !joined.is_empty() {
                        joined.push(' ');
                    }
                    joined.push_str(&text);
                }
                _ => texts_only = false,
            }
        }
        Ok(if texts_only { Value::Texts(joined) } else { Value::Other })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let Some(name) = map.next_key::<Key<'de>>()? else { return Ok(Value::Other) };
        let number = match map.next_value()? {
            Value::Text(digits) if name.is_number() => number(&digits),
            _ => None,
        };
        let mut is_alone = true;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            is_alone = false;
        }
        match number.filter(|_| is_alone) {
            // Out of range: the same message as serde_json's without that feature.
            Some(Value::Float(number)) if !number.is_finite() => Err(A::Error::custom("number out of range")),
            Some(number) => Ok(number),
            None => Ok(Value::Other),
        }
    }
}

/// The name of an object's first member.
pub(crate) struct Key<'a>(pub Cow<'a, str>);

impl Key<'_> {
    /// Whether this is a number that is not a 64-bit integer, instead of an object. If any crate of an app turns on the feature
    /// `arbitrary_precision` of `serde_json`, it is on for this crate too, and such numbers come in this form.
    pub(crate) fn is_number(&self) -> bool {
        self.0 == "$serde_json::private::Number"
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Text(name) => Ok(Self(name)),
            _ => Err(D::Error::custom("no name")),
        }
    }
}

/// Reads a JSON number (RFC 8259 §6): its whole part, at most `u64::MAX`; infinite if no float can hold it. It goes digit by
/// digit, since the standard library's float parser is larger than the rest of this crate's JSON.
fn number(text: &str) -> Option<Value<'static>> {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.is_empty() || unsigned.is_empty() || ![whole, fraction, unsigned].into_iter().all(is_digits) {
        return None;
    }
    let far = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    let exponent = exponent.parse().unwrap_or(far);
    let digits = || whole.bytes().chain(fraction.bytes()).map(|octet| u64::from(octet & 15));
    let zeros = digits().take_while(|digit| *digit == 0).count();
    if digits().nth(zeros).is_none() {
        return Some(Value::Integer(0));
    }
    // The number of digits before the point.
    let len = |len: usize| i64::try_from(len).unwrap_or(i64::MAX);
    let places = len(whole.len()).saturating_sub(len(zeros)).saturating_add(exponent);
    if places > MAX_PLACES {
        return Some(Value::Float(f64::INFINITY));
    }
    if is_negative {
        return Some(Value::Negative);
    }
    let places = usize::try_from(places).unwrap_or(0);
    let significant = digits().skip(zeros).chain(core::iter::repeat(0)).take(places);
    Some(Value::Integer(significant.fold(0, |value: u64, digit| value.saturating_mul(10).saturating_add(digit))))
}

/// Floats go as far as 1.8e308.
const MAX_PLACES: i64 = 309;

/// An element of a list: a string, or a skipped value.
enum Item<'a> {
    Text(Cow<'a, str>),
    Other,
}

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The depth is limited already, so nested values are safe.
        Value::deserialize(deserializer).map(|value| match value {
            Value::Text(text) => Item::Text(text),
            _ => Item::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_members_must_be_utf_8_too() {
        assert!(members(b"{\"x\":\"\xc3\xa9\"}").is_ok());
        assert_eq!(members(b"{\"x\":\"\xff\"}"), Err(Unreadable::Malformed));
    }

    #[test]
    fn numbers_are_read_by_their_digits() {
        for (text, expected) in [
            ("0", 0),
            ("00012", 12),
            ("-0.0", 0),
            ("3600", 3600),
            ("3600.99", 3600),
            ("3.6e3", 3600),
            ("36E+2", 3600),
            ("360000e-2", 3600),
            ("0.0036e6", 3600),
            ("0.999", 0),
            ("1e-400", 0),
            ("0e999999999999999999999", 0),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", u64::MAX),
            ("1e308", u64::MAX),
        ] {
            assert_eq!(number(text), Some(Value::Integer(expected)), "{text}");
        }
        for text in ["-1", "-0.5", "-1e300", "-99999999999999999999"] {
            assert_eq!(number(text), Some(Value::Negative), "{text}");
        }
        for text in ["1e400", "-1e400", "1e999999999999999999999", &"9".repeat(400)] {
            assert_eq!(number(text), Some(Value::Float(f64::INFINITY)), "{text}");
        }
        for text in ["", "-", ".5", "1e", "1e+", "--1", "1e--1", "1.2.3", "0x1", "NaN", "inf", " 1", "1 ", "\u{661}"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn depth_counts_containers_and_not_text() {
        let nested = |depth: usize| [alloc::vec![b'['; depth], alloc::vec![b']'; depth]].concat();
        assert!(within_depth(&nested(MAX_DEPTH)));
        assert!(!within_depth(&nested(MAX_DEPTH + 1)));
        assert!(within_depth(&[b"{\"a\":\"\\\"", alloc::vec![b'['; 100].as_slice(), b"\"}"].concat()));
        assert!(within_depth(&b"[],".repeat(1000)));
    }
}
