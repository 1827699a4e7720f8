//! Keys and signatures for tests: the signature of a key is its own octets, twice, whatever the message is.
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
        algorithm == Algorithm::EdDsa && !message.is_empty() && signature == [x.as_slice(), x.as_slice()].concat()
    }
}

/// An ID token that names one key and is signed with another, or with the same.
pub fn signed(claims: &Value, names: Option<u8>, signs: u8) -> String {
    let mut header = json!({ "alg": ALGORITHM, "typ": "JWT" });
    if let Some(number) = names {
        header["kid"] = format!("k{number}").into();
    }
    let parts = [header.to_string().into_bytes(), claims.to_string().into_bytes(), vec![signs; 64]];
    parts.map(|part| Base64UrlUnpadded::encode_string(&part)).join(".")
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
