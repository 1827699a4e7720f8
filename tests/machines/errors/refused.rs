//! `Refused`: the server's words, by what is known of them. All end a login.

use oauth_proto::{AuthorizationRequest, Error, Event, Refused, Response};

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
fn retryable() {
    for status in [429, 500, 503, 599] {
        let error = answered(Response::new(status, &[("Retry-After", "120")], b"<h1>later</h1>"));
        check(&error, "retryable", true, &["later", &status.to_string()]);
        let refused = refused(error);
        assert!(refused.is_transient());
        assert_eq!(refused.retry_after(), Some(120));
    }
}
