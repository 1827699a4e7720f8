//! No bit of a signed token, of its text or of its key can be another one.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::openid::id_token::Rules;
use oauth_proto::{Algorithm, IdTokenError, KeySet, RustCrypto, UnixTime};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{json, Value};

use crate::signing::{jwk, signed};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
/// Each bit of tokens with these is tried. (ES384 and RSA take too long for that without optimization.)
const QUICK: [&str; 2] = ["ES256", "EdDSA"];
const SLOW: [&str; 3] = ["RS256", "PS256", "ES384"];

/// A token that is good, and what it is checked with.
struct Good {
    algorithm: Algorithm,
    token: String,
    jwk: Value,
}

impl Good {
    fn new(name: &str) -> Self {
        let claims = json!({ "iss": "https://as.example.com", "sub": "u", "aud": "app", "exp": 1_700_000_300, "iat": 1_700_000_000 });
        let good = Self {
            algorithm: Algorithm::from_name(name).unwrap(),
            token: signed(name, &json!({ "alg": name }), &claims),
            jwk: jwk(name, "1"),
        };
        assert_eq!(good.check(&good.token, &good.jwk), Ok(()));
        good
    }

    fn check(&self, token: &str, jwk: &Value) -> Result<(), IdTokenError> {
        let document = json!({ "keys": [jwk] }).to_string();
        let keys = KeySet::parse("https://as.example.com/jwks", document.as_bytes(), NOW).unwrap();
        let rules = Rules::new("https://as.example.com", "app").algorithms(std::slice::from_ref(&self.algorithm));
        rules.check(token, &keys, &RustCrypto, NOW).map(drop)
    }

    /// One bit of the text, which stays ASCII.
    fn flip_text(&self, bit: usize) {
        let mut octets = self.token.clone().into_bytes();
        octets[bit / 7] ^= 1 << (bit % 7);
        let token = String::from_utf8(octets).unwrap();
        assert!(self.check(&token, &self.jwk).is_err(), "bit {bit} of the text: {token}");
    }

    fn text_bits(&self) -> usize {
        self.token.len() * 7
    }

    /// One bit of what header, payload or signature are decoded to.
    fn flip_part(&self, part: usize, bit: usize) {
        let mut parts: Vec<String> = self.token.split('.').map(str::to_owned).collect();
        parts[part] = flipped(&parts[part], bit);
        let result = self.check(&parts.join("."), &self.jwk);
        assert!(result.is_err(), "bit {bit} of part {part}");
        if part == 2 {
            assert_eq!(result, Err(IdTokenError::Signature), "bit {bit} of the signature");
        }
    }

    fn part_bits(&self, part: usize) -> usize {
        bits(self.token.split('.').nth(part).unwrap())
    }

    /// One bit of a number of the key: it is another key then, or none.
    fn flip_key(&self, member: &str, bit: usize) {
        let mut jwk = self.jwk.clone();
        jwk[member] = flipped(jwk[member].as_str().unwrap(), bit).into();
        let result = self.check(&self.token, &jwk);
        assert!(
            matches!(result, Err(IdTokenError::Signature | IdTokenError::KeyNotFound)),
            "bit {bit} of {member}: {result:?}"
        );
    }

    fn key_members(&self) -> Vec<(&'static str, usize)> {
        let bits = |member| self.jwk[member].as_str().map(|text| (member, bits(text)));
        ["n", "e", "x", "y"].into_iter().filter_map(bits).collect()
    }
}

fn flipped(encoded: &str, bit: usize) -> String {
    let mut octets = Base64UrlUnpadded::decode_vec(encoded).unwrap();
    octets[bit / 8] ^= 1 << (bit % 8);
    Base64UrlUnpadded::encode_string(&octets)
}

fn bits(encoded: &str) -> usize {
    Base64UrlUnpadded::decode_vec(encoded).unwrap().len() * 8
}

#[test]
fn every_bit_of_a_text() {
    for good in QUICK.map(Good::new) {
        (0..good.text_bits()).for_each(|bit| good.flip_text(bit));
    }
}

#[test]
fn every_bit_of_a_header_and_a_payload() {
    for good in [&QUICK[..], &SLOW].concat().into_iter().map(Good::new) {
        for part in 0..2 {
            (0..good.part_bits(part)).for_each(|bit| good.flip_part(part, bit));
        }
    }
}

#[test]
fn every_bit_of_a_signature() {
    for good in QUICK.map(Good::new) {
        (0..good.part_bits(2)).for_each(|bit| good.flip_part(2, bit));
    }
}

#[test]
fn every_bit_of_a_key() {
    for good in QUICK.map(Good::new) {
        for (member, bits) in good.key_members() {
            (0..bits).for_each(|bit| good.flip_key(member, bit));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bit_of_a_text_a_signature_and_a_key(name in prop::sample::select(&SLOW[..]), at: [Index; 4]) {
        let good = Good::new(name);
        good.flip_text(at[0].index(good.text_bits()));
        good.flip_part(2, at[1].index(good.part_bits(2)));
        let members = good.key_members();
        let (member, bits) = members[at[2].index(members.len())];
        good.flip_key(member, at[3].index(bits));
    }
}
