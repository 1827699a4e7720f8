// Invariant: a key set has only keys of the document, unchanged; it can be stored and used, whatever they are.
#![no_main]

#[allow(dead_code)] // not every target needs all of it
#[path = "../shared/jwt.rs"]
mod jwt;

use jwt::{decode, json as read, token, Told, ALGORITHMS, ALL};
use libfuzzer_sys::fuzz_target;
use oauth_proto::openid::id_token::Rules;
use oauth_proto::{IdTokenError, KeySet, RustCrypto, UnixTime};
use serde_json::{json, Value};

const JWKS_URI: &str = "https://as.example.com/jwks";
const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);
/// How many RSA keys are tried, because each takes time.
const MAX_USED: usize = 4;

fuzz_target!(|data: &[u8]| {
    let Ok(keys) = KeySet::parse(JWKS_URI, data, NOW) else { return };
    let document = read(data);
    let list = document.as_object().expect("an object")["keys"].as_array().expect("a list");
    assert!(keys.len() <= list.len());
    assert_eq!((keys.jwks_uri(), keys.fetched_at()), (JWKS_URI, NOW));

    let stored = serde_json::to_value(&keys).unwrap();
    assert_eq!(serde_json::from_value::<KeySet>(stored.clone()).as_ref().ok(), Some(&keys));
    assert_eq!(KeySet::parse(JWKS_URI, stored.to_string().as_bytes(), NOW).as_ref(), Ok(&keys), "a JWK set, too");

    let mut rest = list.iter();
    for key in stored["keys"].as_array().unwrap() {
        // In the order of the document, and none twice.
        assert!(rest.any(|jwk| is_of(key, jwk)), "{key} is not in the document");
    }
    assert_eq!(stored["keys"].as_array().map(Vec::len), Some(keys.len()));
    for key in stored["keys"].as_array().unwrap().iter().take(MAX_USED) {
        use_it(&keys, key);
    }
});

/// Whether a key is what this JWK says.
fn is_of(key: &Value, jwk: &Value) -> bool {
    let Some(members) = jwk.as_object() else { return false };
    let is_for_signatures = jwk["use"].is_null() || jwk["use"] == "sig";
    let operations = jwk["key_ops"].as_array();
    // An operation may contain spaces, which also separate operations.
    let may_verify = jwk["key_ops"].is_null()
        || operations.is_some_and(|list| {
            list.iter().any(|one| one.as_str().unwrap_or("").split(' ').any(|one| one == "verify"))
        });
    let algorithm = |jwk: &Value| {
        let name = jwk["alg"].as_str().map(str::to_owned);
        name.map(|name| ALGORITHMS.iter().find(|(other, _)| *other == name).map(|(_, algorithm)| *algorithm))
    };
    // Numbers are compared without leading zeros; coordinates keep them.
    let octets = |jwk: &Value, name: &str| {
        let octets = decode(jwk[name].as_str()?)?;
        let zeros = octets.iter().take_while(|octet| **octet == 0 && ["n", "e"].contains(&name)).count();
        Some(octets[zeros..].to_vec())
    };
    let issuer = match &jwk["issuer"] {
        issuer @ (Value::Null | Value::String(_)) => issuer.clone(),
        _ => "".into(),
    };
    let numbers: &[&str] = match key["kty"].as_str() {
        Some("RSA") => &["n", "e"],
        Some("EC") => &["x", "y"],
        Some("OKP") => &["x"],
        other => panic!("{other:?}"),
    };
    is_for_signatures
        && may_verify
        && key["kty"] == jwk["kty"]
        && (key["kty"] == "RSA" || key["crv"] == jwk["crv"])
        && key.get("kid").unwrap_or(&Value::Null) == members.get("kid").unwrap_or(&Value::Null)
        && key["issuer"] == issuer
        && algorithm(key) == algorithm(jwk)
        && numbers.iter().all(|name| octets(key, name).is_some_and(|own| Some(own) == octets(jwk, name)))
}

/// A token that names the key reaches the verifier, unless too many keys have its name; the real verifier finds it forged.
fn use_it(keys: &KeySet, key: &Value) {
    let algorithm = match (key["alg"].as_str(), key["kty"].as_str(), key["crv"].as_str()) {
        (Some(name), ..) => name,
        (None, Some("RSA"), _) => "PS256",
        (None, _, Some("P-256")) => "ES256",
        (None, _, Some("P-384")) => "ES384",
        (None, _, Some("P-521")) => "ES512",
        _ => "EdDSA",
    };
    let mut header = json!({ "alg": algorithm });
    if key["kid"].is_string() {
        header["kid"] = key["kid"].clone();
    }
    let claims = r#"{"iss":"https://as.example.com","sub":"u","aud":"app","exp":1750000300,"iat":1750000000}"#;
    let token = token(&header.to_string(), claims);
    let rules = Rules::new("https://as.example.com", "app").algorithms(&ALL);
    let told = Told::to_say(true);
    match rules.check(&token, keys, &told, NOW).err() {
        None => assert!(told.has_accepted(&token)),
        // `alg` may be for another kind of key, and the signature has the length for 2,048 bits.
        Some(error) => {
            let known = [IdTokenError::KeyNotFound, IdTokenError::KeyAmbiguous, IdTokenError::Signature];
            assert!(known.contains(&error) && told.accepted_none(), "{error}");
        }
    }
    assert!(rules.check(&token, keys, &RustCrypto, NOW).is_err());
}
