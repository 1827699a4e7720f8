// Invariant: an ID token is accepted only if its signature is, and if a second implementation finds that every rule holds.
#![no_main]

#[allow(dead_code)] // not every target needs all of it
#[path = "../shared/jwt.rs"]
mod jwt;

use std::sync::OnceLock;

use jwt::{check, decode, token, Expected, Told, ALL};
use libfuzzer_sys::fuzz_target;
use oauth_proto::openid::id_token::Rules;
use oauth_proto::{Headers, IdToken, IdTokenError, KeySet, Response, RustCrypto, UnixTime};
use serde_json::Value;

/// The same values as in the cases.
const NOW: u64 = 1_750_000_000;
const NONCE: &str = "n-0S6_WzA2Mj";
const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
const ACCESS_TOKEN_HASHES: [&str; 3] =
    ["77QmUPtjPfzWtF2AnpK9RQ", "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs", "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"];
const CODE: &str = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
const CODE_HASHES: [&str; 3] =
    ["LDktKdoQak3Pk0cnXxCltA", "Mq-knyaEMtWGfnBi2POEZb1kiLx10_DF", "E9z1C-c0Az4eTEzE0Nm3OQ3BS2BhMgxuP7x5JAQj1_4"];
const PREVIOUS: &str = r#"{"iss":"https://as.example.com","sub":"24400320","aud":"s6BhdRkqt3","auth_time":1749999500,"nonce":"n-0S6_WzA2Mj","iat":1749999500,"exp":1750000300}"#;

// The first octet selects the request, the second the input: a token, or two lines, a header and a payload.
fuzz_target!(|data: &[u8]| {
    let [asked, kind, text @ ..] = data else { return };
    let Ok(text) = core::str::from_utf8(text) else { return };
    let token = match (kind & 1, text.split_once('\n')) {
        (1, Some((header, payload))) => token(header, payload),
        _ => text.to_owned(),
    };
    one(*asked, &token);
});

fn keys() -> &'static KeySet {
    static KEYS: OnceLock<KeySet> = OnceLock::new();
    KEYS.get_or_init(|| {
        let file = include_str!("../../tests/cases/id_token.json");
        let file: Value = serde_json::from_str(file).unwrap();
        let document = file["jwks_sets"]["main"].to_string();
        KeySet::parse("https://as.example.com/jwks", document.as_bytes(), UnixTime::from_secs(NOW)).unwrap()
    })
}

fn previous() -> &'static IdToken {
    static PREVIOUS_TOKEN: OnceLock<IdToken> = OnceLock::new();
    PREVIOUS_TOKEN.get_or_init(|| {
        let rules = Rules::new("https://as.example.com", "s6BhdRkqt3").nonce(Some(NONCE));
        rules.check_on_tls_alone(&token(r#"{"alg":"RS256"}"#, PREVIOUS), UnixTime::from_secs(NOW)).unwrap()
    })
}

fn one(asked: u8, token: &str) {
    let now = UnixTime::from_secs(NOW);
    let trusted = [String::from("https://api.example.com")];
    let mut rules = Rules::new("https://as.example.com", "s6BhdRkqt3").algorithms(&ALL).trusted_audiences(&trusted);
    let mut expected = Expected {
        issuer: "https://as.example.com",
        client_id: "s6BhdRkqt3",
        now: NOW,
        leeway: 60,
        trusted: &["https://api.example.com"],
        ..Expected::default()
    };
    if asked & 1 != 0 {
        (rules, expected.nonce) = (rules.nonce(Some(NONCE)), Some(Some(NONCE)));
    }
    if asked & 2 != 0 {
        (rules, expected.max_age) = (rules.max_age(Some(300)), Some(300));
    }
    if asked & 4 != 0 {
        (rules, expected.access_token_hashes) = (rules.access_token(Some(ACCESS_TOKEN)), ACCESS_TOKEN_HASHES);
    }
    if asked & 8 != 0 {
        (rules, expected.code_hashes) = (rules.code(Some(CODE)), CODE_HASHES);
    }
    if asked & 0x10 != 0 {
        (rules, expected.organization) = (rules.organization(Some("My-Org")), Some("My-Org"));
    }
    if asked & 0x20 != 0 {
        (rules, expected.acr) = (rules.essential_acr(Some("phr phrh")), Some("phr phrh"));
    }
    if asked & 0x40 != 0 {
        rules = rules.after(Some(previous()), None);
        expected.nonce = Some(None);
        expected.previous = Some(("24400320", "s6BhdRkqt3".into(), 1_749_999_500));
    }

    let (yes, no) = (Told::to_say(true), Told::to_say(false));
    let accepted = rules.check(token, keys(), &yes, now);
    let refused = rules.check(token, keys(), &no, now).expect_err("nothing is signed");
    let on_tls = rules.check_on_tls_alone(token, now);
    assert_eq!(accepted.as_ref().err(), rules.check(token, keys(), &yes, now).as_ref().err(), "one input, one answer");
    let of_the_keys = [IdTokenError::KeyNotFound, IdTokenError::KeyAmbiguous, IdTokenError::Signature];
    match (&accepted, &on_tls) {
        (Ok(_), Ok(_)) => assert_eq!(refused, IdTokenError::Signature),
        (Err(error), Ok(_)) => assert!(of_the_keys.contains(error) && refused == *error),
        (Err(error), Err(other)) => assert!(error == other && refused == *error),
        (Ok(_), Err(error)) => panic!("{error}"),
    }
    // Only the server can sign, so a token that is accepted must be one of the cases.
    if rules.check(token, keys(), &RustCrypto, now).is_ok() {
        assert!(accepted.is_ok());
    }
    if let Ok(id_token) = &on_tls {
        let claims = check(token, &expected);
        assert_eq!(accepted.is_ok(), yes.has_accepted(token));
        says_what_is_in_it(id_token, token, &claims);
    }
    if let Err(error) = on_tls {
        assert!(error.code().starts_with("id_token_") && !error.to_string().is_empty());
    }
}

fn says_what_is_in_it(id_token: &IdToken, token: &str, claims: &Value) {
    assert_eq!(id_token.reveal(), token);
    for (name, value) in [
        ("iss", Some(id_token.issuer())),
        ("sub", Some(id_token.subject())),
        ("azp", id_token.azp()),
        ("acr", id_token.acr()),
        ("org_id", id_token.org_id()),
        ("org_name", id_token.org_name()),
    ] {
        assert_eq!(claims.get(name).and_then(Value::as_str), value, "{name}");
    }
    // One string, or a list of them.
    let amr = claims.get("amr").map_or(&[][..], |amr| amr.as_array().map_or(std::slice::from_ref(amr), Vec::as_slice));
    assert_eq!(amr.iter().filter_map(Value::as_str).collect::<Vec<_>>(), id_token.amr());
    assert_eq!(id_token.auth_time().is_some(), !claims["auth_time"].is_null());
    assert_eq!(id_token.claims::<Value>().as_ref(), Ok(claims));
    assert!(id_token.is_same_user(id_token));
    assert_eq!(format!("{id_token:?}"), "IdToken(..)");
    let standard = id_token.standard_claims();
    assert!(standard.email.is_none_or(|email| claims["email"] == email));
    // The userinfo endpoint may return the same claims, for the same user only.
    let payload = decode(token.split('.').nth(1).unwrap()).unwrap();
    let response = Response::new(200, Headers::NONE, &payload);
    let userinfo = id_token.userinfo(&response, UnixTime::from_secs(NOW)).expect("the same user's");
    assert_eq!((userinfo.subject(), userinfo.claims::<Value>().as_ref()), (id_token.subject(), Ok(claims)));
}
