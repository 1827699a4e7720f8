//! What the header of a JWT says, for tests that ask for the key.

use serde_json::Value;

/// The header (RFC 7515 §4), decoded.
pub fn header_of(jwt: &str) -> Value {
    let header = jwt.split('.').next().expect("a header");
    serde_json::from_slice(&decode(header)).expect("JSON")
}

/// RFC 4648 §5, without padding.
fn decode(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut octets = Vec::new();
    let (mut bits, mut length) = (0_usize, 0);
    for character in text.bytes() {
        bits = bits << 6 | ALPHABET.iter().position(|one| *one == character).expect("base64url");
        length += 6;
        if length >= 8 {
            length -= 8;
            octets.push(u8::try_from(bits >> length & 0xff).expect("an octet"));
        }
    }
    octets
}
