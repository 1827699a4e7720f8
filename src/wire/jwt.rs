//! The audience of an access token that is a JWT (RFC 9068 §2.2), for apps that want it checked. Nothing else is read: checking
//! the signature is the API's task.

use alloc::vec::Vec;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;

use crate::secret::wipe;
use crate::text::json;
use crate::text::texts::OneOrMany;

#[derive(Deserialize)]
struct Claims {
    aud: OneOrMany,
}

/// Whether the token names this audience or is not a JWT (three parts, the first two JSON objects). A JWT without a readable
/// audience names none.
pub(crate) fn is_for(token: &str, audience: &str) -> bool {
    let mut parts = token.splitn(4, '.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return true;
    };
    let is_signed = || decode(header).is_some_and(|octets| json::is_object(&octets)) && decode(signature).is_some();
    let Some(mut payload) = decode(payload) else { return true };
    let is_jwt = json::is_object(&payload) && is_signed();
    let names_it = |claims: Claims| claims.aud.0.iter().any(|other| other == audience);
    let is_for = !is_jwt || json::strict(&payload).is_some_and(names_it);
    wipe(&mut payload); // it may tell who the user is
    is_for
}

fn decode(part: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(part).ok()
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    const API: &str = "https://api.example.com/";

    fn part(octets: impl AsRef<[u8]>) -> String {
        Base64UrlUnpadded::encode_string(octets.as_ref())
    }

    fn jwt(payload: impl AsRef<[u8]>) -> String {
        format!("{}.{}.{}", part(r#"{"typ":"at+jwt","alg":"RS256"}"#), part(payload), part("signature"))
    }

    #[test]
    fn one_audience_or_several() {
        for (payload, expected) in [
            (r#"{"aud":"https://api.example.com/"}"#, true),
            (r#"{"sub":"5ba552d67","aud":["x","https://api.example.com/"],"exp":1}"#, true),
            (r#"{"aud":"https:\/\/api.example.com\u002f"}"#, true),
            (r#"{"aud":"https://api.example.com"}"#, false),
            (r#"{"aud":"HTTPS://api.example.com/"}"#, false),
            (r#"{"aud":["https://api.example.com/x","y"]}"#, false),
            (r#"{"aud":"x https://api.example.com/"}"#, false),
            (r#"{"aud":[]}"#, false),
            (r#"{"aud":""}"#, false),
            (r#"{"aud":null}"#, false),
            (r#"{"aud":["https://api.example.com/",1]}"#, false),
            (r#"{"aud":{"https://api.example.com/":1}}"#, false),
            (r#"{"aud":"https://api.example.com/","aud":"x"}"#, false),
            (r#"{"sub":"x"}"#, false),
            ("{}", false),
        ] {
            assert_eq!(is_for(&jwt(payload), API), expected, "{payload}");
        }
    }

    #[test]
    fn what_is_no_jwt_is_opaque() {
        let other = jwt(r#"{"aud":"x"}"#);
        assert!(!is_for(&other, API));
        let parts: Vec<&str> = other.split('.').collect();
        assert!(!is_for(&format!("{}.{}.", parts[0], parts[1]), API), "an unsigned one is a JWT too");
        for opaque in [
            String::new(),
            "2YotnFZFEjr1zCsicMWpAA".into(),
            "a.b".into(),
            "..".into(),
            "a.b.c".into(),
            format!("{}.{}", parts[0], parts[1]),
            format!("{other}.{0}", parts[2]),
            format!("{other}.{0}.{0}", parts[2]),
            format!(" {other}"),
            format!("{other}="),
            format!("{}.{}.{}", parts[0], part("[]"), parts[2]),
            format!("{}.{}.{}", parts[0], part(b"{\"aud\":\"\xff\"}"), parts[2]),
            format!("{}.{}.{}", part("null"), parts[1], parts[2]),
            format!("{}.{}.{}", part("{"), parts[1], parts[2]),
            format!("{}.{}.+", parts[0], parts[1]),
            format!("{}.{}.{}", "\u{e9}", parts[1], parts[2]),
        ] {
            assert!(is_for(&opaque, API), "{opaque}");
        }
    }

    /// Nesting is limited; anything deeper is not read.
    #[test]
    fn large_ones_are_read_and_deep_ones_are_not() {
        let audiences = "\"x\",".repeat(100_000);
        assert!(is_for(&jwt(format!("{{\"aud\":[{audiences}\"{API}\"]}}")), API));
        assert!(!is_for(&jwt(format!("{{\"aud\":[{audiences}\"y\"]}}")), API));
        assert!(is_for(&jwt(format!("{}1{}", "{\"aud\":".repeat(100_000), "}".repeat(100_000))), API));
        assert!(is_for(&".".repeat(1_000_000), API));
    }
}
