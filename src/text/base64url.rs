//! Encodes 32 bytes as 43 base64url characters without padding (RFC 4648 §5), on the stack.
//!
//! A login encodes 32 bytes six times. The encoder of the `base64ct` crate takes any length, and was a sixth of a login's cost;
//! this one takes only 32 bytes. Like that one, it has no table and no branch that depends on the bytes; a test compares the two.

use core::fmt;

use crate::secret::wipe;

/// A buffer for the 43 characters of 32 bytes, and five bytes of scratch.
#[derive(Clone)]
#[repr(align(16))]
pub(crate) struct Base64Url32([u8; 48]);

impl Base64Url32 {
    pub(crate) fn new() -> Self {
        Self([0; 48])
    }

    /// Writes the characters to this buffer, and returns them.
    pub(crate) fn encode(&mut self, octets: &[u8; 32]) -> &str {
        let mut padded = [0; 33];
        for (to, from) in padded.iter_mut().zip(octets) {
            *to = *from;
        }
        for (four, three) in self.0.chunks_exact_mut(4).zip(padded.chunks_exact(3)) {
            if let ([w, x, y, z], &[a, b, c]) = (four, three) {
                *w = a >> 2;
                *x = (a << 4 & 0x30) | b >> 4;
                *y = (b << 2 & 0x3c) | c >> 6;
                *z = c & 0x3f;
            }
        }
        wipe(&mut padded);
        for sextet in &mut self.0 {
            *sextet = character(*sextet);
        }
        self.as_str()
    }

    /// The characters that were encoded last.
    pub(crate) fn as_str(&self) -> &str {
        // base64url is ASCII.
        self.0.get(..43).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// The same as bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.get(..43).unwrap_or_default()
    }

    pub(crate) fn wipe(&mut self) {
        wipe(&mut self.0);
    }
}

/// `A-Z a-z 0-9 - _` for 0 to 63. Each range adds a step when its border is passed.
fn character(sextet: u8) -> u8 {
    let if_over = |border: u8, step: u8| u8::from(sextet > border).wrapping_neg() & step;
    sextet
        .wrapping_add(b'A')
        .wrapping_add(if_over(25, b'a' - b'Z' - 1))
        .wrapping_add(if_over(51, b'0'.wrapping_sub(b'z').wrapping_sub(1)))
        .wrapping_add(if_over(61, b'-'.wrapping_sub(b'9').wrapping_sub(1)))
        .wrapping_add(if_over(62, b'_' - b'-' - 1))
}

impl fmt::Debug for Base64Url32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Base64Url32(..)")
    }
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding};

    use super::*;

    #[test]
    fn every_sextet_in_every_place_is_what_the_library_writes() {
        let mut room = Base64Url32::new();
        for place in 0..32 {
            for octet in 0..=u8::MAX {
                for rest in [0, 0x5a, 0xff] {
                    let mut octets = [rest; 32];
                    octets[place] = octet;
                    assert_eq!(room.encode(&octets), Base64UrlUnpadded::encode_string(&octets));
                }
            }
        }
        assert_eq!(room.as_bytes(), room.as_str().as_bytes());
    }
}
