//! Claims of an ID token and of userinfo: `null`, claims that come twice, and those of another type than they should have.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::openid::id_token::Rules;
use oauth_proto::{IdToken, IdTokenError, Response, StandardClaims, UserInfo};
use serde_json::{json, Value};

use crate::id_token::{id_token, CLIENT_ID, ISSUER, NONCE, USER};
use crate::{at, JSON};

const NOW: u64 = 100;

fn check(rules: Rules<'_>, more: Value) -> Result<IdToken, IdTokenError> {
    rules.check_on_tls_alone(&id_token(None, NOW, more), at(NOW))
}

#[test]
fn an_optional_claim_that_is_null_is_absent() {
    let rules = Rules::new(ISSUER, CLIENT_ID).access_token(Some("AT")).code(Some("C"));
    for name in ["nbf", "azp", "nonce", "auth_time", "at_hash", "c_hash"] {
        let checked = check(rules, json!({ name: null }));
        let checked = checked.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((checked.azp(), checked.auth_time()), (None, None));
        // Of another type it is not, and so it is not to be taken for one.
        for wrong in [json!(true), json!({}), json!([])] {
            assert_eq!(check(rules, json!({ name: wrong })).unwrap_err(), IdTokenError::Malformed, "{name}: {wrong}");
        }
    }
    let all = json!({ "nbf": null, "azp": null, "nonce": null, "auth_time": null, "at_hash": null, "c_hash": null });
    assert!(check(rules, all).is_ok());
}

/// What was asked for does not come by `null`.
#[test]
fn null_is_not_what_was_asked_for() {
    let rules = Rules::new(ISSUER, CLIENT_ID);
    for (rules, name, error) in [
        (rules.nonce(Some(NONCE)), "nonce", IdTokenError::NonceMissing),
        (rules.max_age(Some(60)), "auth_time", IdTokenError::AuthTimeMissing),
        (rules.essential_acr(Some("2")), "acr", IdTokenError::AuthenticationContext),
        (rules.organization(Some("org_1")), "org_id", IdTokenError::Organization),
        (rules.organization(Some("acme")), "org_name", IdTokenError::Organization),
    ] {
        assert_eq!(check(rules, json!({ name: null })).unwrap_err(), error, "{name}");
        assert_eq!(check(rules, json!({})).unwrap_err(), error, "{name}");
    }
}

#[test]
fn a_required_claim_that_is_null_is_missing() {
    let rules = Rules::new(ISSUER, CLIENT_ID);
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        let error = check(rules, json!({ name: null })).unwrap_err();
        assert_eq!(error, IdTokenError::MissingClaim(name));
        assert!(error.to_string().ends_with(&format!(": {name}")), "{error}");
        for wrong in [json!(true), json!({}), json!([7])] {
            assert_eq!(check(rules, json!({ name: wrong })).unwrap_err(), IdTokenError::Malformed, "{name}: {wrong}");
        }
    }
}

const REPEATED: &str = r#""name":"One","email":"jane@example.com","name":"Two","given_name":"Jane","given_name":7,
    "email_verified":false,"email_verified":"true","updated_at":1,"updated_at":1700000000.9,
    "address":{"locality":"Lyon","country":"FR","locality":"Paris","region":["x"],"region":"IDF"},
    "https://example.com/plan":{"a":1,"a":[2]},"https://example.com/plan":"gold","locale":"fr""#;

#[track_caller]
fn check_repeated(claims: &StandardClaims) {
    assert_eq!(claims.name.as_deref(), Some("Two"), "the last one counts (RFC 7519 section 4)");
    assert_eq!(claims.given_name, None, "the last one is no text");
    assert_eq!(claims.email.as_deref(), Some("jane@example.com"), "the others stay");
    assert_eq!(claims.locale.as_deref(), Some("fr"), "those behind it, too");
    assert_eq!((claims.email_verified, claims.updated_at), (Some(true), Some(at(1_700_000_000))));
    let address = claims.address.as_ref().unwrap();
    assert_eq!(address.locality.as_deref(), Some("Paris"));
    assert_eq!((address.region.as_deref(), address.country.as_deref()), (Some("IDF"), Some("FR")));
}

/// With these members behind those that must be there.
fn of_text(members: &str) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let payload = format!(r#"{{"iss":"{ISSUER}","sub":"{USER}","aud":"{CLIENT_ID}","iat":100,"exp":200,{members}}}"#);
    [encode(r#"{"alg":"RS256"}"#), encode(&payload), encode("nobody")].join(".")
}

#[test]
fn of_a_repeated_claim_the_last_one_counts_and_the_others_stay() {
    let rules = Rules::new(ISSUER, CLIENT_ID);
    let id_token = rules.check_on_tls_alone(&of_text(REPEATED), at(NOW)).unwrap();
    check_repeated(&id_token.standard_claims());
    let body = format!(r#"{{{REPEATED},"sub":"{USER}"}}"#);
    for mark in ["", "\u{feff}"] {
        let body = [mark, &body].concat();
        let userinfo = UserInfo::parse(USER, &Response::new(200, &JSON, body.as_bytes()), at(0)).unwrap();
        check_repeated(&userinfo.standard_claims());
        check_repeated(&serde_json::from_str(&format!("{{{REPEATED}}}")).unwrap());
    }
}

/// Whoever else reads the token may take the other one.
#[test]
fn a_claim_that_decides_may_not_come_twice() {
    let rules = Rules::new(ISSUER, CLIENT_ID);
    for (name, value) in [("iss", ISSUER), ("sub", USER), ("aud", CLIENT_ID), ("azp", CLIENT_ID), ("nonce", NONCE)] {
        for first in [json!(value), Value::Null] {
            let token = of_text(&format!(r#""azp":null,"nonce":null,"{name}":{first}"#));
            assert_eq!(rules.check_on_tls_alone(&token, at(NOW)).unwrap_err(), IdTokenError::Malformed, "{name}");
        }
    }
    let body = format!(r#"{{"sub":"{USER}","sub":"{USER}"}}"#);
    let error = UserInfo::parse(USER, &Response::new(200, &JSON, body.as_bytes()), at(0)).unwrap_err();
    assert_eq!(error.code(), "response_malformed");
}

#[test]
fn a_claim_of_another_type_is_absent_alone() {
    let all = json!({
        "name": 7, "email": ["jane@example.com"], "email_verified": "yes", "phone_number_verified": 1, "address": "Paris",
        "updated_at": "2020-01-01", "birthdate": null, "nickname": "Jan",
    });
    let claims = check(Rules::new(ISSUER, CLIENT_ID), all).unwrap().standard_claims();
    let expected: StandardClaims = serde_json::from_str(r#"{"nickname":"Jan"}"#).unwrap();
    assert_eq!(claims, expected);
    for no_address in [json!(7), json!(-7), json!(0.5), json!(true), json!([{ "locality": "Paris" }]), Value::Null] {
        let claims = check(Rules::new(ISSUER, CLIENT_ID), json!({ "address": no_address, "nickname": "Jan" }));
        assert_eq!(claims.unwrap().standard_claims(), expected);
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Plan {
    plan: String,
}

/// RFC 8259 §8.1: what is read again later, too.
#[test]
fn a_byte_order_mark_does_not_hide_the_claims() {
    let body = format!("\u{feff}{}", json!({ "sub": USER, "name": "Jane", "plan": "gold" }));
    let userinfo = UserInfo::parse(USER, &Response::new(200, &JSON, body.as_bytes()), at(0)).unwrap();
    assert_eq!(userinfo.standard_claims().name.as_deref(), Some("Jane"));
    assert_eq!(userinfo.claims(), Ok(Plan { plan: "gold".into() }));
}

#[test]
fn truths_of_userinfo_may_be_texts() {
    for (value, expected) in [
        (json!(true), Some(true)),
        (json!("true"), Some(true)),
        (json!(false), Some(false)),
        (json!("false"), Some(false)),
        (json!("True"), None),
        (json!(1), None),
        (Value::Null, None),
    ] {
        let body = json!({ "sub": USER, "email_verified": value, "phone_number_verified": value }).to_string();
        let userinfo = UserInfo::parse(USER, &Response::new(200, &JSON, body.as_bytes()), at(0)).unwrap();
        let claims = userinfo.standard_claims();
        assert_eq!((claims.email_verified, claims.phone_number_verified), (expected, expected), "{value}");
    }
}
