//! `Violation`: a rule that the server broke. All end a login, and name the rule.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{Access, AuthorizationRequest, Client, Error, Event, Response, SessionAction, Target, Violation};

use super::check;
use crate::support::{
    at, awaiting, client, exchanging, html, json, redirect, refresh, server, session, state, REDIRECT_URI, TOKENS,
};
#[cfg(feature = "openid")]
use {
    crate::support::{openid, pending},
    oauth_proto::{Action, IdTokenError},
};

#[track_caller]
fn by_redirect(client: Client, query: &str, expected: &Violation, code: &str, words: &[&str]) {
    let mut login = awaiting(client, AuthorizationRequest::new());
    let url = redirect(&format!("{query}&state={}", state(1)));
    let error = login.handle(Event::RedirectReceived(&url), at(1)).unwrap_err();
    assert_eq!(error, Error::Violation(expected.clone()));
    check(&error, code, true, words);
}

#[track_caller]
fn by_answer(response: Response<'_>, expected: &Violation, code: &str, words: &[&str]) {
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    let error = login.handle(Event::ResponseReceived(request.id(), response), at(1)).unwrap_err();
    assert_eq!(error, Error::Violation(expected.clone()));
    check(&error, code, true, words);
}

fn with_issuer() -> Client {
    let server = server().issuer("https://as.example.com").unwrap().require_iss();
    Client::new(server, "app", REDIRECT_URI).unwrap()
}

#[test]
fn issuer_missing() {
    by_redirect(with_issuer(), "code=C1", &Violation::IssuerMissing, "issuer_missing", &["no iss", "RFC 9207"]);
    by_redirect(with_issuer(), "error=access_denied", &Violation::IssuerMissing, "issuer_missing", &["section 2.4"]);
}

#[test]
fn issuer_mismatch() {
    let query = "code=C1&iss=https%3A%2F%2Fas.example.com%2F";
    by_redirect(with_issuer(), query, &Violation::IssuerMismatch, "issuer_mismatch", &["another server", "RFC 9207"]);
}

/// Whatever it says: it cannot be compared.
#[test]
fn issuer_unknown() {
    for query in ["code=C1&iss=https%3A%2F%2Fas.example.com", "error=access_denied&iss=x", "iss=%FF"] {
        let words = ["AuthorizationServer::issuer", "RFC 9207 section 2.4"];
        by_redirect(client(), query, &Violation::IssuerUnknown, "issuer_unknown", &words);
    }
    // One that is empty counts as left out.
    by_redirect(client(), "iss=", &Violation::CodeMissing, "missing_code", &[]);
}

/// The server wrote it, since it knows `state`: waiting for another redirect would be in vain.
#[test]
fn duplicate_parameter() {
    for query in [
        "code=C1&c%6Fde=C1",
        "code=&code=C1",
        "code=C1&error=access_denied&error=access_denied",
        "code=C1&iss=https%3A%2F%2Fas.example.com&iss=https%3A%2F%2Fas.example.com",
        "error=access_denied&error_description=a&error_description=b",
        "error=access_denied&error_uri=a&error_uri",
        &format!("code=C1&st%61te={}", state(1)),
        &format!("code=C1&code=C1&st%61te={}", state(1)),
    ] {
        for client in [client(), with_issuer()] {
            let words = ["twice", "RFC 6749", "its operator"];
            by_redirect(client, query, &Violation::DuplicateParameter, "duplicate_parameter", &words);
        }
    }
    // What this client does not understand may come as often as it likes (RFC 6749 section 4.1.2).
    by_redirect(client(), "x=1&x=2", &Violation::CodeMissing, "missing_code", &[]);
}

#[test]
fn redirect_malformed() {
    for query in ["code=%00", "code=%FF", "code=a%2", "error=%5C", "error=%E2%82%AC&code=C1"] {
        by_redirect(client(), query, &Violation::RedirectMalformed, "redirect_malformed", &["malformed", "RFC 6749"]);
    }
}

#[test]
fn code_missing() {
    for query in ["x=1", "code=", "access_token=AT&id_token=a.b.c"] {
        by_redirect(client(), query, &Violation::CodeMissing, "missing_code", &["neither code nor error", "RFC 6749"]);
    }
}

#[test]
fn response_too_large() {
    let long = format!("{TOKENS}{}", " ".repeat(1024 * 1024));
    let deep = format!("{{\"access_token\":{}1{}}}", "[".repeat(32), "]".repeat(32));
    for body in [long, deep] {
        by_answer(json(200, &body), &Violation::ResponseTooLarge, "response_too_large", &["too large"]);
    }
}

/// A session keeps what it is given, and sends it again and again.
#[test]
fn a_token_or_a_scope_that_is_too_large() {
    let body = |[access, refresh, scope]: [usize; 3]| {
        let [access, refresh] = [access, refresh].map(|len| "T".repeat(len));
        let (one, other) = ("s ".repeat(scope / 2), "s".repeat(scope % 2));
        serde_json::json!({
            "access_token": access, "token_type": "Bearer", "refresh_token": refresh, "scope": one + &other,
        })
    };
    for lens in [[32_769, 1, 1], [1, 32_769, 1], [1, 1, 32_769]] {
        let body = body(lens);
        let mut listed = body.clone();
        listed["scope"] = body["scope"].as_str().unwrap().split(' ').collect::<Vec<_>>().into();
        for body in [body, listed] {
            let body = body.to_string();
            by_answer(json(200, &body), &Violation::ResponseTooLarge, "response_too_large", &["too large", "token"]);
        }
    }
    let longest = body([32_768; 3]).to_string();
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    assert!(login.handle(Event::ResponseReceived(request.id(), json(200, &longest)), at(1)).is_ok());
    assert_eq!(oauth_proto::token::MAX_TOKEN_BYTES, 32_768);
}

/// Of an answer without an access token, the refresh token is kept: not one of any size.
#[test]
fn a_refresh_token_that_is_too_large_is_not_kept() {
    let saved = |len: usize| {
        let mut session = session(client(), Some("RT0"));
        let id = refresh(&mut session, at(3600));
        let body = serde_json::json!({ "refresh_token": "T".repeat(len) }).to_string();
        matches!(session.handle(Event::ResponseReceived(id, json(200, &body)), at(3600)), Ok(SessionAction::Save))
    };
    assert!(saved(32_768) && !saved(32_769));
}

/// Nothing could be called with it.
#[test]
fn an_access_token_that_no_header_takes() {
    for token in [" AT", "AT ", " ", "A\tT", "A\u{e9}T", "AT\r\nx: y", "\u{7f}"] {
        let body = serde_json::json!({ "access_token": token, "token_type": "Bearer" }).to_string();
        let words = &["access_token is malformed", "RFC 6749"];
        by_answer(json(200, &body), &Violation::MemberMalformed("access_token"), "response_malformed", words);
    }
}

#[test]
fn member_malformed() {
    for (name, body) in [
        ("access_token", r#"{"access_token":1,"token_type":"Bearer"}"#),
        ("token_type", r#"{"access_token":"AT","token_type":["Bearer"]}"#),
        ("refresh_token", r#"{"access_token":"AT","token_type":"Bearer","refresh_token":{}}"#),
        ("scope", r#"{"access_token":"AT","token_type":"Bearer","scope":7}"#),
        ("id_token", r#"{"access_token":"AT","token_type":"Bearer","id_token":true}"#),
        ("error", r#"{"access_token":"AT","token_type":"Bearer","error":"\"quoted\""}"#),
    ] {
        let words = &[name, "malformed", "RFC 6749", "the server's operator"];
        by_answer(json(200, body), &Violation::MemberMalformed(name), "response_malformed", words);
    }
}

#[test]
fn redirected_response() {
    for status in [300, 301, 302, 307, 308] {
        let response = Response::new(status, &[("location", "https://evil.example/")], TOKENS.as_bytes());
        let expected = Violation::RedirectedResponse(status);
        by_answer(response, &expected, "redirect_refused", &["never followed", "RFC 6749", "final URL"]);
    }
    // There is no other URL to configure.
    for (status, headers) in [(304, &[("location", "https://evil.example/")][..]), (302, &[]), (300, &[])] {
        let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
        let response = Response::new(status, headers, TOKENS.as_bytes());
        let error = login.handle(Event::ResponseReceived(request.id(), response), at(1)).unwrap_err();
        check(&error, "http_error", true, &[&status.to_string()]);
        assert!(!error.to_string().contains("final URL"), "{error}");
    }
}

#[test]
fn content_type() {
    by_answer(html(200, TOKENS), &Violation::ContentType, "unexpected_content_type", &["not JSON", "URL right"]);
    let almost = Response::new(200, &[("Content-Type", "application/json-seq")], TOKENS.as_bytes());
    by_answer(almost, &Violation::ContentType, "unexpected_content_type", &["RFC 6749"]);
}

#[test]
fn response_malformed() {
    for body in ["", "[]", "null", &format!("{TOKENS} {TOKENS}")] {
        by_answer(json(200, body), &Violation::ResponseMalformed, "response_malformed", &["malformed", "RFC 6749"]);
    }
}

#[test]
fn access_token_missing() {
    for body in ["{}", r#"{"token_type":"Bearer","access_token":""}"#, r#"{"access_token":null}"#] {
        by_answer(json(200, body), &Violation::AccessTokenMissing, "missing_access_token", &["no access_token"]);
    }
}

#[test]
fn token_type_missing() {
    let body = r#"{"access_token":"AT"}"#;
    by_answer(json(200, body), &Violation::TokenTypeMissing, "missing_token_type", &["no token_type", "RFC 6749"]);
}

#[test]
fn token_type_unsupported() {
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    let body = r#"{"access_token":"AT","token_type":"mac"}"#;
    let error = login.handle(Event::ResponseReceived(request.id(), json(200, body)), at(1)).unwrap_err();
    check(&error, "unsupported_token_type", true, &["not Bearer", "RFC 6749"]);
    let Error::Violation(Violation::TokenTypeUnsupported(text)) = error else { panic!("{error:?}") };
    assert_eq!(text.as_str(), "mac");
}

#[cfg(feature = "openid")]
#[test]
fn id_token_missing() {
    let mut login = openid::exchanging(openid::on_tls_alone());
    let error = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, TOKENS)), at(1)).unwrap_err();
    assert_eq!(error, Error::Violation(Violation::IdTokenMissing));
    check(&error, "missing_id_token", true, &["openid", "no id_token", "OpenID Connect Core"]);
}

/// By what it broke: in `id_token.rs`.
#[cfg(feature = "openid")]
#[test]
fn id_token() {
    let mut login = openid::exchanging(openid::on_tls_alone());
    let body = openid::token_body(|claims| claims["sub"] = "".into());
    let error = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(1)).unwrap_err();
    assert_eq!(error, Error::Violation(Violation::IdToken(IdTokenError::MissingClaim("sub"))));
    check(&error, "id_token_missing_claim", true, &["required claim", ": sub", "OpenID Connect Core"]);
}

#[cfg(feature = "openid")]
fn by_metadata(document: &str) -> Error {
    let mut login = openid::discovering(openid::issuer_only());
    login.handle(Event::ResponseReceived(pending(&login).id(), json(200, document)), at(1)).unwrap_err()
}

#[cfg(feature = "openid")]
#[test]
fn metadata() {
    for (change, words) in [
        (("issuer", "https://as.example.com/"), ["issuer: ", "RFC 8414"]),
        (("token_endpoint", "http://as.example.com/token"), ["token_endpoint: ", "https"]),
        (("jwks_uri", "/jwks"), ["jwks_uri: ", "https"]),
    ] {
        let error = by_metadata(&openid::metadata(openid::ISSUER, |document| document[change.0] = change.1.into()));
        assert!(matches!(&error, Error::Violation(Violation::Metadata(_))), "{error:?}");
        check(&error, "bad_metadata", true, &words);
    }
    let pushed = by_metadata(&openid::metadata(openid::ISSUER, |document| {
        document["require_pushed_authorization_requests"] = true.into();
    }));
    check(&pushed, "bad_metadata", true, &["require_pushed_authorization_requests", "RFC 9126"]);
}

/// There is none anywhere.
#[cfg(feature = "openid")]
#[test]
fn no_metadata() {
    for (client, places) in [(openid::issuer_only(), 2), (openid::issuer_only_with_path(), 3)] {
        let mut login = openid::discovering(client);
        for _ in 1..places {
            let nothing = Event::ResponseReceived(pending(&login).id(), html(404, ""));
            assert!(matches!(login.handle(nothing, at(1)), Ok(Action::SendRequest(_))));
        }
        let nothing = Event::ResponseReceived(pending(&login).id(), html(404, ""));
        let error = login.handle(nothing, at(1)).unwrap_err();
        check(&error, "bad_metadata", true, &["issuer: ", "well-known", "AuthorizationServer::new"]);
    }
}

#[cfg(feature = "openid")]
#[test]
fn userinfo_subject() {
    let tokens = openid::tokens(openid::keyed());
    for body in [r#"{"sub":"another"}"#, r#"{"sub":""}"#, r#"{"name":"Jane Doe"}"#] {
        let error = tokens.id_token().unwrap().userinfo(&json(200, body), at(1)).unwrap_err();
        assert_eq!(error, Error::Violation(Violation::UserInfoSubject), "{body}");
        check(&error, "userinfo_sub_mismatch", true, &["another user", "OpenID Connect Core section 5.3.2"]);
    }
}

#[cfg(feature = "openid")]
#[test]
fn userinfo_signed() {
    let tokens = openid::tokens(openid::keyed());
    let response = Response::new(200, &[("content-type", "application/jwt")], b"eyJhbGciOiJFZERTQSJ9.e30.AA");
    let error = tokens.id_token().unwrap().userinfo(&response, at(1)).unwrap_err();
    assert_eq!(error, Error::Violation(Violation::UserInfoSigned));
    check(&error, "userinfo_signed", true, &["userinfo_signed_response_alg"]);
}

/// The token is for another API: it is not handed out, and since the server means it so, it is not asked again and again.
#[test]
fn access_token_audience() {
    let target = Target::audience("https://calendar.example.com").unwrap().check_jwt_audience();
    let mut session = session(client(), Some("RT0"));
    let Access::SendRequest(request) = session.access_for(&target, at(10)) else { panic!("no refresh") };
    let payload = Base64UrlUnpadded::encode_string(br#"{"aud":["https://mail.example.com"]}"#);
    let header = Base64UrlUnpadded::encode_string(br#"{"typ":"at+jwt"}"#);
    let body = serde_json::json!({
        "access_token": format!("{header}.{payload}.AA"), "token_type": "Bearer", "refresh_token": "RT1",
    });
    let answer = body.to_string();
    let action = session.handle(Event::ResponseReceived(request.id(), json(200, &answer)), at(10));
    assert!(matches!(action, Ok(SessionAction::Save)), "the refresh token is kept: {action:?}");
    assert_eq!(serde_json::to_value(session.save()).unwrap()["refresh_token"], "RT1");
    for now in [10, 100_000_000] {
        let Access::Refused { error, retry_at: None } = session.access_for(&target, at(now)) else {
            panic!("at {now}")
        };
        assert_eq!(error, Error::Violation(Violation::AccessTokenAudience));
        check(
            &error,
            "access_token_audience",
            true,
            &["another API", "RFC 9068", "policies", "Target::check_jwt_audience"],
        );
    }
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the others are served");
    session.ask_again();
    assert!(matches!(session.access_for(&target, at(10)), Access::SendRequest(_)));
}
