//! `application/x-www-form-urlencoded` as in RFC 6749 Appendix B, in both directions.
//!
//! The `form_urlencoded` crate encodes. Decoding is this crate's own, to be strict: a broken percent sequence, or bytes that are
//! not UTF-8, are an error, where `form_urlencoded` would put U+FFFD.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use url::form_urlencoded::byte_serialize;

use super::chars;

/// The value could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecodable;

/// Whether `value` needs no encoding, as all values that this crate makes and most that servers make.
fn is_plain(value: &str) -> bool {
    chars::all(value.as_bytes(), |octet| {
        let letter = (octet | 0x20).wrapping_sub(b'a') < 26;
        let digit = octet.wrapping_sub(b'0') < 10;
        // No `||`: without branches the compiler can test many bytes at once.
        #[allow(clippy::needless_bitwise_bool)]
        let plain = letter | digit | (octet == b'-') | (octet == b'.') | (octet == b'_') | (octet == b'*');
        plain
    })
}

/// A name that needs no encoding, and a value that is checked only once for whether it needs any.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub name: &'a str,
    pub value: &'a str,
    plain: bool,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value, plain: is_plain(value) }
    }

    /// The encoded length, with `=` and the `&` before the pair.
    pub(crate) fn encoded_len(&self) -> usize {
        let value = if self.plain { self.value.len() } else { encoded_len(self.value) };
        value.saturating_add(self.name.len()).saturating_add(2)
    }

    /// Appends `name=value`, with `&` before it unless it is the first.
    pub(crate) fn push(&self, out: &mut String) {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(self.name);
        out.push('=');
        if self.plain {
            out.push_str(self.value);
        } else {
            push_encoded(out, self.value);
        }
    }
}

/// Appends `value`, encoded.
pub(crate) fn push_encoded(out: &mut String, value: &str) {
    if is_plain(value) {
        return out.push_str(value);
    }
    for piece in byte_serialize(value.as_bytes()) {
        out.push_str(piece);
    }
}

/// Appends `value`, encoded for the query of a URL: a space becomes `%20`, since some servers and proxies read `+` literally. A
/// `+` becomes `%2B` either way.
pub(crate) fn push_url_encoded(out: &mut String, value: &str) {
    if is_plain(value) {
        return out.push_str(value);
    }
    for piece in byte_serialize(value.as_bytes()) {
        out.push_str(url_piece(piece));
    }
}

/// How many bytes `value` takes in the query of a URL.
pub(crate) fn url_encoded_len(value: &str) -> usize {
    if is_plain(value) {
        return value.len();
    }
    byte_serialize(value.as_bytes()).map(|piece| url_piece(piece).len()).sum()
}

/// `form_urlencoded` returns each space as a separate piece.
fn url_piece(piece: &str) -> &str {
    if piece == "+" {
        URL_SPACE
    } else {
        piece
    }
}

/// A space in the query of a URL.
pub(crate) const URL_SPACE: &str = "%20";

/// Appends `&name=value`, the value encoded. `name` must need no encoding.
pub(crate) fn push_pair(out: &mut String, name: &str, value: &str) {
    out.push('&');
    out.push_str(name);
    out.push('=');
    push_encoded(out, value);
}

/// What separates a URL, which may already have a query, from the first added parameter.
pub(crate) fn separator(url: &str) -> &'static str {
    match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    }
}

/// How many bytes `value` takes when encoded: buffers for secrets are sized once and never move.
pub(crate) fn encoded_len(value: &str) -> usize {
    if is_plain(value) {
        return value.len();
    }
    byte_serialize(value.as_bytes()).map(str::len).sum()
}

/// The raw name and value of each pair: split at `&` and at the first `=`, not decoded (RFC 3986 §2.4). Empty pairs are
/// skipped; a pair without `=` has an empty value.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decodes a raw name or value once: `+` is a space, `%XX` a byte, and the bytes must be UTF-8.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, str>, Undecodable> {
    #[allow(clippy::needless_bitwise_bool)] // as above
    let encoded = |octet| (octet == b'%') | (octet == b'+');
    if chars::all(raw.as_bytes(), |octet| !encoded(octet)) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut octets = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(hex).ok_or(Undecodable)?;
                let low = rest.next().and_then(hex).ok_or(Undecodable)?;
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(octets).map(Cow::Owned).map_err(|_| Undecodable)
}

/// Decodes every pair of a query; an undecodable pair is an error.
pub(crate) fn decode_pairs(query: &str) -> Result<Vec<(String, String)>, Undecodable> {
    pairs(query).map(|(name, value)| Ok((decode(name)?.into_owned(), decode(value)?.into_owned()))).collect()
}

/// The fields of a `Serialize` struct or map of plain values, as pairs.
#[cfg(feature = "std")]
pub(crate) fn typed_pairs(parameters: &impl serde::Serialize) -> Option<Vec<(String, String)>> {
    decode_pairs(&serde_urlencoded::to_string(parameters).ok()?).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appendix_b_sample_round_trips() {
        let mut out = String::new();
        push_encoded(&mut out, " %&+\u{a3}\u{20ac}");
        assert_eq!(out, "+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(decode(&out).unwrap(), " %&+\u{a3}\u{20ac}");
        assert_eq!(encoded_len(" %&+\u{a3}\u{20ac}"), out.len());
    }

    #[test]
    fn in_a_url_a_space_is_no_plus() {
        for (value, encoded) in [("a b", "a%20b"), (" + ", "%20%2B%20"), ("  ", "%20%20"), ("a-b", "a-b")] {
            let mut out = String::new();
            push_url_encoded(&mut out, value);
            assert_eq!((out.as_str(), url_encoded_len(value)), (encoded, encoded.len()));
            assert_eq!(decode(&out).unwrap(), value);
        }
    }

    #[test]
    fn what_is_taken_for_plain_is_what_the_library_leaves_alone() {
        for octet in 0..=0x7f_u8 {
            let text = String::from(char::from(octet)).repeat(33);
            let encoded: String = byte_serialize(text.as_bytes()).collect();
            assert_eq!(is_plain(&text), encoded == text, "{octet:#x}");
        }
    }

    #[test]
    fn broken_sequences_are_errors() {
        for raw in ["%", "%4", "%zz", "%FF", "%E2%82", "a%2"] {
            assert_eq!(decode(raw), Err(Undecodable), "{raw}");
        }
    }
}
