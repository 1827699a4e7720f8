//! ID tokens for clients that rely on TLS alone: nobody signed them.
#![allow(dead_code)] // not every test uses all of it

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{json, Value};

/// What a login sends whose entropy is the octets 0 to 95.
pub const NONCE: &str = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8";

/// The issuer, the client and the user of [`id_token`].
pub const ISSUER: &str = "https://as.example.com";
pub const CLIENT_ID: &str = "s6BhdRkqt3";
pub const USER: &str = "248289761001";

/// Of [`USER`] at [`ISSUER`], for [`CLIENT_ID`], good for an hour; members of `more` take the place of its own.
pub fn id_token(nonce: Option<&str>, issued_at: u64, more: Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "sub": USER, "aud": CLIENT_ID, "iat": issued_at, "exp": issued_at + 3600,
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    if let Value::Object(more) = more {
        claims.as_object_mut().unwrap().extend(more);
    }
    token(&claims)
}

/// With any claims.
pub fn token(claims: &Value) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    [encode(r#"{"alg":"RS256"}"#), encode(&claims.to_string()), encode("nobody")].join(".")
}
