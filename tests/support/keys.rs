//! Keys and signatures for tests: a signature is the key's own octets and a checksum of the message. Anybody can make one.
#![allow(dead_code)] // not every test uses all of it

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{Algorithm, PublicKey, SignatureVerifier};
use serde_json::{json, Value};

/// The algorithm that all tokens here are signed with.
pub const ALGORITHM: &str = "EdDSA";

/// Takes the signatures that [`signed`] makes.
#[derive(Clone, Copy)]
pub struct Verifier;

impl SignatureVerifier for Verifier {
    fn algorithms(&self) -> &[Algorithm] {
        &[Algorithm::EdDsa]
    }

    fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        let PublicKey::Ed25519 { x } = key else { return false };
        algorithm == Algorithm::EdDsa && signature == sign(x[0], message)
    }
}

/// FNV-1a of the message, and the key in every octet.
fn sign(key: u8, message: &[u8]) -> [u8; 64] {
    let step = |sum: u64, octet: &u8| (sum ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
    let sum = message.iter().fold(0xcbf2_9ce4_8422_2325, step).to_le_bytes();
    core::array::from_fn(|index| sum[index % 8] ^ key)
}

/// An ID token that names one key and is signed with another, or with the same.
pub fn signed(claims: &Value, names: Option<u8>, signs: u8) -> String {
    let mut header = json!({ "alg": ALGORITHM, "typ": "JWT" });
    if let Some(number) = names {
        header["kid"] = format!("k{number}").into();
    }
    let message = [header, claims.clone()].map(|part| Base64UrlUnpadded::encode_string(part.to_string().as_bytes()));
    let message = message.join(".");
    let signature = Base64UrlUnpadded::encode_string(&sign(signs, message.as_bytes()));
    format!("{message}.{signature}")
}

/// The JWK set of these keys.
pub fn jwks(numbers: &[u8]) -> String {
    named(&numbers.iter().map(|number| (*number, *number)).collect::<Vec<_>>())
}

/// The JWK set of these keys, by their names.
pub fn named(keys: &[(u8, u8)]) -> String {
    let key = |(name, number): &(u8, u8)| {
        let x = Base64UrlUnpadded::encode_string(&[*number; 32]);
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": format!("k{name}"), "x": x })
    };
    json!({ "keys": keys.iter().map(key).collect::<Vec<_>>() }).to_string()
}
