//! `IdTokenError`: the rule that an ID token broke, each reached through a machine; and `KeySetError`.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::openid::id_token::Rules;
use oauth_proto::{
    Action, Algorithm, AuthorizationRequest, Error, Event, IdTokenError, KeySet, KeySetError, Login, LoginRequired,
    Session, SessionAction, Violation,
};
use serde_json::{json, Value};

use super::{check, helps};
use crate::model::keys::{jwks, named, signed, Verifier};
use crate::support::openid::{
    body_with, claims, exchanging, exchanging_with, fetching_keys, id_token, keyed, keyed_builder, known, on_tls_alone,
    request, token_body, tokens, ISSUER,
};
use crate::support::{at, json as answer, pending, refresh, REDIRECT_URI, START};

/// A login whose token request is answered so.
#[track_caller]
fn broken(login: Login, id_token: &str, expected: IdTokenError, code: &str, words: &[&str]) {
    let mut login = login;
    let body = body_with(id_token);
    let error = login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &body)), at(1)).unwrap_err();
    assert_eq!(error, Error::Violation(Violation::IdToken(expected)));
    assert_eq!(expected.code(), code);
    check(&error, code, true, words);
}

/// By claims that are changed so.
#[track_caller]
fn by_claims(change: impl FnOnce(&mut Value), expected: IdTokenError, code: &str, words: &[&str]) {
    broken(exchanging(keyed()), &id_token(change), expected, code, words);
}

/// With another header.
fn with_header(header: &Value) -> String {
    let token = id_token(|_| {});
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", Base64UrlUnpadded::encode_string(header.to_string().as_bytes()))
}

/// A login whose keys are these.
#[track_caller]
fn by_keys(id_token: &str, keys: &str, expected: IdTokenError, code: &str, words: &[&str]) {
    let mut login = exchanging(keyed());
    let body = body_with(id_token);
    let event = Event::ResponseReceived(pending(&login).id(), answer(200, &body));
    assert!(matches!(login.handle(event, at(1)), Ok(Action::SendRequest(_))));
    let error = login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, keys)), at(1)).unwrap_err();
    assert_eq!(error, Error::Violation(Violation::IdToken(expected)));
    check(&error, code, true, words);
}

#[test]
fn the_right_one() {
    for login in
        [exchanging(on_tls_alone()), exchanging(keyed().with_keys(KeySet::clone(tokens(keyed()).keys().unwrap())))]
    {
        let mut login = login;
        let body = token_body(|_| {});
        let event = Event::ResponseReceived(pending(&login).id(), answer(200, &body));
        assert!(matches!(login.handle(event, at(1)), Ok(Action::TokensReady(_))));
    }
}

#[test]
fn too_large() {
    let long = "x".repeat(64 * 1024);
    by_claims(|claims| claims["x"] = long.into(), IdTokenError::TooLarge, "id_token_too_large", &["too large"]);
}

#[test]
fn malformed() {
    for token in ["a.b.c", "a.b", "...", "eyJhbGciOiJFZERTQSJ9.bm90IGpzb24.AA", "eyJhbGciOiJFZERTQSJ9.W10.AA"] {
        let login = exchanging(on_tls_alone());
        broken(login, token, IdTokenError::Malformed, "id_token_malformed", &["malformed", "RFC 7519"]);
    }
    for (name, value) in
        [("exp", json!("soon")), ("aud", json!(1)), ("sub", json!(7)), ("nonce", json!(1)), ("azp", json!([]))]
    {
        by_claims(|claims| claims[name] = value, IdTokenError::Malformed, "id_token_malformed", &["malformed"]);
    }
}

#[test]
fn encrypted() {
    let words = &["encrypted", "id_token_encrypted_response_alg"];
    broken(exchanging(keyed()), "a.b.c.d.e", IdTokenError::Encrypted, "id_token_encrypted", words);
}

#[test]
fn algorithm_not_allowed() {
    let words = &["alg", "RFC 8725", "id_token_algorithms"];
    for name in ["none", "None", "HS256", "RS256", "eddsa", ""] {
        for client in [keyed(), on_tls_alone()] {
            let token = with_header(&json!({ "alg": name, "kid": "k1" }));
            let login = exchanging(client);
            broken(login, &token, IdTokenError::AlgorithmNotAllowed, "id_token_alg_not_allowed", words);
        }
    }
}

#[test]
fn typ() {
    for typ in ["at+jwt", "logout+jwt", "application/at+jwt"] {
        let token = with_header(&json!({ "alg": "EdDSA", "typ": typ }));
        broken(exchanging(on_tls_alone()), &token, IdTokenError::Type, "id_token_type", &["typ", "RFC 8725"]);
    }
}

#[test]
fn critical() {
    let token = with_header(&json!({ "alg": "EdDSA", "crit": ["exp"] }));
    broken(exchanging(on_tls_alone()), &token, IdTokenError::Critical, "id_token_crit", &["critical", "RFC 7515"]);
}

#[test]
fn key_not_found() {
    for keys in [jwks(&[]), jwks(&[2])] {
        let words = &["no key", "OpenID Connect Core"];
        by_keys(&id_token(|_| {}), &keys, IdTokenError::KeyNotFound, "id_token_key_not_found", words);
    }
}

#[test]
fn key_ambiguous() {
    let nameless = signed(&claims(), None, 1);
    let words = &["names no key", "many"];
    by_keys(&nameless, &jwks(&[5, 4, 3, 2, 1]), IdTokenError::KeyAmbiguous, "id_token_key_ambiguous", words);
}

#[test]
fn signature() {
    let words = &["signature is not valid", "OpenID Connect Core"];
    by_keys(&id_token(|_| {}), &named(&[(1, 2)]), IdTokenError::Signature, "id_token_signature", words);
    by_keys(&signed(&claims(), Some(1), 2), &jwks(&[1, 2]), IdTokenError::Signature, "id_token_signature", words);
}

#[test]
fn missing_claim() {
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        let remove = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
        by_claims(remove, IdTokenError::MissingClaim(name), "id_token_missing_claim", &["lacks", name]);
    }
}

#[test]
fn issuer() {
    for other in ["https://as.example.com/", "https://AS.example.com", "https://other.example.com", ""] {
        by_claims(
            |claims| claims["iss"] = other.into(),
            IdTokenError::Issuer,
            "id_token_issuer",
            &["another server's"],
        );
    }
}

#[test]
fn audience() {
    for audience in [json!("other"), json!([]), json!(["app", "other"]), json!("App")] {
        let words = &["another client", "trusted_audience"];
        by_claims(|claims| claims["aud"] = audience, IdTokenError::Audience, "id_token_audience", words);
    }
    let trusting = keyed_builder().trusted_audience("other").build().unwrap();
    let mut login = exchanging(trusting);
    let body = token_body(|claims| claims["aud"] = json!(["other", "app"]));
    let event = Event::ResponseReceived(pending(&login).id(), answer(200, &body));
    assert!(matches!(login.handle(event, at(1)), Ok(Action::SendRequest(_))), "its signature is all that is left");
}

#[test]
fn authorized_party() {
    let words = &["azp", "another client"];
    by_claims(|claims| claims["azp"] = "other".into(), IdTokenError::AuthorizedParty, "id_token_azp", words);
}

#[test]
fn expired() {
    // A minute is allowed for.
    for (exp, is_broken) in [(START - 60, true), (START - 59, true), (START - 58, false)] {
        let mut login = exchanging(on_tls_alone());
        let body = token_body(|claims| claims["exp"] = exp.into());
        let result = login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &body)), at(1));
        assert_eq!(result.is_err(), is_broken, "{exp}");
    }
    let change = |claims: &mut Value| claims["exp"] = (START - 60).into();
    by_claims(change, IdTokenError::Expired, "id_token_expired", &["has expired", "clock"]);
}

#[test]
fn not_yet_valid() {
    let later = |claims: &mut Value| claims["nbf"] = (START + 62).into();
    by_claims(later, IdTokenError::NotYetValid, "id_token_not_yet_valid", &["not valid yet", "clock"]);
}

#[test]
fn issued_at() {
    // By whoever checks it later, or somewhere else: one that a login gets is of that very login.
    let token = id_token(|claims| claims["iat"] = (START + 62).into());
    let nonce = crate::support::nonce(1);
    let rules = Rules::new(ISSUER, "app").algorithms(&[Algorithm::EdDsa]).nonce(Some(&nonce));
    let error = rules.check_on_tls_alone(&token, at(1)).unwrap_err();
    assert_eq!((error, error.code()), (IdTokenError::IssuedAt, "id_token_issued_at"));
    let message = error.to_string();
    assert!(message.contains("in the future") && message.contains("clock"), "{message}");
    assert!(rules.check_on_tls_alone(&token, at(2)).is_ok());
}

#[test]
fn auth_time_in_the_future() {
    let token = id_token(|claims| claims["auth_time"] = (START + 62).into());
    let words = &["in the future", "clock"];
    broken(recent(), &token, IdTokenError::AuthTimeInFuture, "id_token_auth_time_in_future", words);
}

#[test]
fn nonce_missing() {
    let remove = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove("nonce"));
    by_claims(remove, IdTokenError::NonceMissing, "id_token_nonce_missing", &["no nonce"]);
}

#[test]
fn nonce_mismatch() {
    for other in [crate::support::nonce(2), String::new(), crate::support::nonce(1) + "A"] {
        let words = &["another login's"];
        by_claims(
            |claims| claims["nonce"] = other.into(),
            IdTokenError::NonceMismatch,
            "id_token_nonce_mismatch",
            words,
        );
    }
}

/// A login that wants a recent authentication.
fn recent() -> Login {
    exchanging_with(keyed(), request().max_age(300))
}

#[test]
fn auth_time_missing() {
    let words = &["auth_time", "max_age"];
    broken(recent(), &id_token(|_| {}), IdTokenError::AuthTimeMissing, "id_token_auth_time_missing", words);
}

#[test]
fn auth_time_too_old() {
    let old = id_token(|claims| claims["auth_time"] = (START - 361).into());
    broken(recent(), &old, IdTokenError::AuthTimeTooOld, "id_token_auth_time_too_old", &["longer ago", "max_age"]);
}

#[test]
fn access_token_hash() {
    for hash in ["77QmUPtjPfzWtF2AnpK9RQ", "", "?"] {
        let change = |claims: &mut Value| claims["at_hash"] = hash.into();
        by_claims(change, IdTokenError::AccessTokenHash, "id_token_at_hash", &["another access token"]);
    }
}

#[test]
fn code_hash() {
    let change = |claims: &mut Value| claims["c_hash"] = "LDktKdoQak3Pk0cnXxCltA".into();
    by_claims(change, IdTokenError::CodeHash, "id_token_c_hash", &["another code"]);
}

#[test]
fn organization() {
    for (asked, claim, value) in [
        ("org_1", "org_id", "org_2"),
        ("org_1", "org_name", "org_1"),
        ("acme", "org_id", "acme"),
        ("acme", "org_name", "acm"),
    ] {
        let login = exchanging_with(keyed(), request().organization(asked));
        let token = id_token(|claims| claims[claim] = value.into());
        broken(login, &token, IdTokenError::Organization, "id_token_organization", &["organization"]);
    }
}

#[test]
fn authentication_context() {
    for acr in ["silver", "", "gold platinum"] {
        let login = exchanging_with(keyed(), request().require_acr_values("gold platinum"));
        let token = id_token(|claims| claims["acr"] = acr.into());
        broken(login, &token, IdTokenError::AuthenticationContext, "id_token_acr", &["required"]);
    }
}

#[test]
fn auth_time_mismatch() {
    let client = on_tls_alone();
    let mut login = exchanging(client.clone());
    let body = token_body(|claims| claims["auth_time"] = START.into());
    let event = Event::ResponseReceived(pending(&login).id(), answer(200, &body));
    let Ok(Action::TokensReady(tokens)) = login.handle(event, at(0)) else { panic!("no tokens") };
    let mut session = Session::new(client, tokens);
    let id = refresh(&mut session, at(3590));
    let body = token_body(|claims| (claims["auth_time"], claims["exp"]) = ((START + 1).into(), (START + 7200).into()));
    assert!(session.handle(Event::ResponseReceived(id, answer(200, &body)), at(3590)).is_ok());
    let error = session.last_error().unwrap();
    assert_eq!(error, &Error::Violation(Violation::IdToken(IdTokenError::AuthTimeMismatch)));
    check(error, "id_token_auth_time_mismatch", true, &["auth_time", "OpenID Connect Core section 12.2"]);
}

#[test]
fn subject_mismatch() {
    let mut session = Session::new(keyed(), tokens(keyed()));
    let id = refresh(&mut session, at(3590));
    let body = token_body(|claims| claims["sub"] = "another".into());
    let action = session.handle(Event::ResponseReceived(id, answer(200, &body)), at(3590));
    let Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(error))) = action else { panic!("{action:?}") };
    assert_eq!(error, Error::Violation(Violation::IdToken(IdTokenError::SubjectMismatch)));
    check(&error, "id_token_sub_mismatch", true, &["another user's", "section 12.2"]);
    assert_eq!(session.last_error(), Some(&error));
}

#[test]
fn key_sets() {
    let parse = |document: &str| KeySet::parse("https://as.example.com/jwks", document.as_bytes(), at(0)).unwrap_err();
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, "<h1>keys</h1>"] {
        assert_eq!(parse(document), KeySetError::Malformed, "{document}");
    }
    assert_eq!(KeySetError::Malformed.code(), "key_set_malformed");
    helps(&KeySetError::Malformed, &["no JWK set", "RFC 7517", "jwks_uri"]);
    assert_eq!(parse(&" ".repeat(1024 * 1024 + 1)), KeySetError::TooLarge);
    assert_eq!(KeySetError::TooLarge.code(), "key_set_too_large");
    helps(&KeySetError::TooLarge, &["1 MiB", "jwks_uri"]);
    // In the machines they are what any answer's problems are.
    for (document, code) in
        [("{}".to_owned(), "response_malformed"), (" ".repeat(1024 * 1024 + 1), "response_too_large")]
    {
        let mut login = fetching_keys(keyed());
        let error =
            login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &document)), at(1)).unwrap_err();
        assert_eq!(error.code(), code);
    }
}

/// Without a request that asks for it, an ID token is nobody's business.
#[test]
fn nobody_asked() {
    let client =
        oauth_proto::Client::builder(known(), "app", REDIRECT_URI).signature_verifier(Verifier).build().unwrap();
    let mut login = exchanging_with(client, AuthorizationRequest::new().scope("read"));
    let body = body_with("a.b.c");
    match login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &body)), at(1)) {
        Ok(Action::TokensReady(tokens)) => assert!(tokens.id_token().is_none()),
        other => panic!("{other:?}"),
    }
}
