//! `Refused`: the server's words, by what is known of them. All end a login.

use oauth_proto::{AuthorizationRequest, Error, Event, Refused, Response, Unfit};

use super::check;
use crate::support::{at, awaiting, client, exchanging, html, json, redirect, state};

fn refused(error: Error) -> Refused {
    match error {
        Error::Refused(refused) => *refused,
        other => panic!("{other:?}"),
    }
}

fn answered(response: Response<'_>) -> Error {
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    login.handle(Event::ResponseReceived(request.id(), response), at(1)).unwrap_err()
}

#[test]
fn authorization_error() {
    let mut login = awaiting(client(), AuthorizationRequest::new());
    let query = "error=access_denied&error_description=No%0Athanks&error_uri=https%3A%2F%2Fas.example.com%2Fhelp";
    let url = redirect(&format!("{query}&state={}", state(1)));
    let error = login.handle(Event::RedirectReceived(&url), at(1)).unwrap_err();
    check(&error, "authorization_error", true, &["access_denied"]);
    let refused = refused(error);
    assert_eq!((refused.oauth_error(), refused.status()), (Some("access_denied"), None));
    assert_eq!(refused.description(), Some("Nothanks"));
    assert_eq!(refused.uri(), Some("https://as.example.com/help"));
    assert!(!refused.is_transient());
}

#[test]
fn oauth_error() {
    let body = r#"{"error":"invalid_client","error_description":"who?","error_uri":"javascript:alert(1)"}"#;
    let error = answered(json(401, body));
    check(&error, "oauth_error", true, &["invalid_client", "401"]);
    let refused = refused(error);
    assert_eq!((refused.oauth_error(), refused.description()), (Some("invalid_client"), Some("who?")));
    assert_eq!((refused.uri(), refused.status(), refused.retry_after()), (None, Some(401), None));
}

#[test]
fn an_oauth_error_that_looks_like_none_is_not_repeated() {
    let error = answered(json(400, r#"{"error":"Z0FBQUFBQm1"}"#));
    check(&error, "oauth_error", true, &["an error code of its own", "400"]);
    assert!(!error.to_string().contains("Z0F"));
}

#[test]
fn http_error() {
    let error = answered(html(404, "<h1>not here</h1>"));
    check(&error, "http_error", true, &["404"]);
    let refused = refused(error);
    assert_eq!((refused.oauth_error(), refused.description(), refused.status()), (None, None, Some(404)));
}

#[test]
fn unavailable() {
    for status in [429, 500, 503, 599] {
        // Of the code's lifetime, that leaves nothing.
        let wait = if matches!(status, 429 | 503) { "700" } else { "120" };
        let error = answered(Response::new(status, &[("Retry-After", wait)], b"<h1>later</h1>"));
        check(&error, "unavailable", true, &["later", &status.to_string()]);
        let refused = refused(error);
        assert!(refused.is_transient());
        assert_eq!(refused.retry_after(), wait.parse().ok());
    }
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
struct Beside {
    error: serde_json::Value,
    mfa_token: Option<String>,
    auth_session: Option<String>,
    suberror: Option<String>,
    access_token: Option<String>,
    message: Option<String>,
}

/// Auth0, first-party apps, Entra; tokens that came with an error; and a body without an `error` of its own.
#[test]
fn what_a_server_puts_beside_an_error_can_be_read() {
    for (status, body) in [
        (403, r#"{"error":"mfa_required","mfa_token":"M1"}"#),
        (400, r#"{"auth_session":"S1","error":"insufficient_authorization"}"#),
        (400, r#"{"error":"interaction_required","suberror":"basic_action","error_description":"who?"}"#),
        (200, r#"{"error":"access_denied","access_token":"AT"}"#),
        (500, r#"{"message":"out of order"}"#),
        (400, r#"{"error":{"message":"no such code","code":190}}"#),
        (200, r#"{"error":{"message":"no such code","code":190}}"#),
    ] {
        let refused = refused(answered(json(status, body)));
        let expected: Beside = serde_json::from_str(body).unwrap();
        assert_eq!(refused.members::<Beside>(), Ok(expected), "{body}");
        assert_eq!(refused.members::<u8>(), Err(Unfit));
        assert_eq!(refused.clone(), refused);
    }
    let [one, other] = ["M1", "M2"].map(|token| format!(r#"{{"error":"mfa_required","mfa_token":"{token}"}}"#));
    assert_ne!(refused(answered(json(403, &one))), refused(answered(json(403, &other))));
}

/// An error as RFC 6749 has it has been read as a whole: nothing is kept of it.
#[test]
fn a_body_with_nothing_beside_the_error_is_not_kept() {
    let ordinary = r#"{"error":"invalid_grant","error_description":"expired","error_uri":"https://as.example.com/"}"#;
    for body in [ordinary, r#"{"error":"invalid_grant"}"#, "{}", "[]", "", r#"{"mfa_token":"M1""#] {
        assert_eq!(refused(answered(json(400, body))).members::<Beside>(), Err(Unfit), "{body}");
    }
    assert_eq!(refused(answered(html(404, "<h1>not here</h1>"))).members::<Beside>(), Err(Unfit));
    let mut login = awaiting(client(), AuthorizationRequest::new());
    let url = redirect(&format!("error=mfa_required&mfa_token=M1&state={}", state(1)));
    let error = login.handle(Event::RedirectReceived(&url), at(1)).unwrap_err();
    assert_eq!(refused(error).members::<Beside>(), Err(Unfit));
}

#[test]
fn a_body_of_more_than_16_kib_is_not_kept() {
    let body = |len: usize| {
        let body = r#"{"error":"mfa_required","mfa_token":""}"#;
        body.replace("\"\"}", &format!("\"{}\"}}", "M".repeat(len - body.len())))
    };
    let kept = |body: &str| {
        let refused = refused(answered(json(403, body)));
        assert_eq!(refused.oauth_error(), Some("mfa_required"));
        refused.members::<Beside>().is_ok()
    };
    let (longest, longer) = (body(16 * 1024), body(16 * 1024 + 1));
    assert_eq!((longest.len(), longer.len()), (16 * 1024, 16 * 1024 + 1));
    assert!(kept(&longest) && !kept(&longer));
}

/// Errors come as text of many kinds, with a byte order mark even.
#[test]
fn an_error_counts_whatever_its_content_type() {
    let body = r#"{"error":"invalid_grant","error_description":"expired"}"#;
    for kind in ["text/html; charset=utf-8", "text/plain", "application/json-seq", "text/javascript, text/html", ""] {
        for status in [200, 400, 401, 500] {
            for before in ["", " \r\n\t", "\u{feff}", "\u{feff}\n "] {
                let (headers, body) = ([("Content-Type", kind)], format!("{before}{body}"));
                let refused = refused(answered(Response::new(status, &headers, body.as_bytes())));
                assert_eq!(refused.oauth_error(), Some("invalid_grant"), "{kind} {status} {before:?}");
                assert_eq!((refused.description(), refused.status()), (Some("expired"), Some(status)));
            }
        }
    }
    let marked = refused(answered(json(400, "\u{feff}{\"error\":\"mfa_required\",\"mfa_token\":\"M1\"}")));
    assert_eq!(marked.members::<Beside>().unwrap().mfa_token.as_deref(), Some("M1"));
}

#[test]
fn what_is_no_error_of_a_type_that_is_not_json_is_none() {
    for body in [
        "<p>{\"error\":\"invalid_grant\"}</p>",
        "[{\"error\":\"invalid_grant\"}]",
        "{\"error\":\"invalid_grant\"",
        "error=invalid_grant",
    ] {
        check(&answered(html(200, body)), "unexpected_content_type", true, &["not JSON"]);
        check(&answered(html(400, body)), "http_error", true, &["400"]);
    }
    for body in [r#"{"error":"\"quoted\""}"#, r#"{"error":""}"#, r#"{"error":null}"#, "{}"] {
        check(&answered(html(200, body)), "unexpected_content_type", true, &["not JSON"]);
        check(&answered(html(400, body)), "http_error", true, &["400"]);
    }
    // Of a redirect and its likes, nothing is read.
    check(&answered(html(304, r#"{"error":"invalid_grant"}"#)), "http_error", true, &["304"]);
}

/// Google and Facebook have objects there.
#[test]
fn an_error_that_is_no_text_is_a_refusal_without_a_code() {
    for error in [r#"{"code":401,"status":"UNAUTHENTICATED"}"#, "[]", r#"["invalid_grant"]"#, "true", "7", "-7", "0.5"]
    {
        for status in [200, 400, 500] {
            let body =
                format!(r#"{{"access_token":"AT1","token_type":"Bearer","error":{error},"error_description":"no"}}"#);
            let error = answered(json(status, &body));
            check(&error, if status == 500 { "unavailable" } else { "http_error" }, true, &[&status.to_string()]);
            let refused = refused(error);
            assert_eq!(
                (refused.oauth_error(), refused.description(), refused.status()),
                (None, Some("no"), Some(status))
            );
            assert_eq!(refused.members::<Beside>().unwrap().access_token.as_deref(), Some("AT1"));
        }
        let alone = format!(r#"{{"error":{error}}}"#);
        assert_eq!(
            refused(answered(json(400, &alone))).members::<Beside>(),
            serde_json::from_str(&alone).map_err(|_| Unfit)
        );
    }
}
