//! The API call: RFC 6750, RFC 9068, RFC 9470.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;
use std::time::Duration;

use oauth_proto::{Access, AuthorizationRequest, Client, Login, LoginRequired, Session};
use oauth_proto_interop::{
    authorization_request, authorization_server, call, call_with, client, log_in, now, ready, refresh_of, renew,
    session, Http, Person, Reply, Server, UserAgent, PRIVATE_USE,
};

fn url(server: &Server, path: &str) -> String {
    format!("{}{path}", server.api)
}

/// The header of a bearer, with one character of the signature changed.
fn damaged(authorization: &str) -> String {
    let (head, signature) = authorization.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{head}.{first}{}", &signature[1..])
}

fn assert_refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.challenges.len(), 1);
    assert!(reply.challenges[0].contains(words), "{reply:?}");
}

/// RFC 6750 §2.1: the access token goes in the header, and the API checks it and takes it.
#[test]
fn the_access_token_is_taken() {
    let server = Server::shared();
    let mut session = session(&server, "anna");
    let reply = call(&Http::new(), &ready(session.access(now())), "GET", &url(&server, "/messages"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["sub"], "anna");
    assert_eq!(reply.body["scope"], "read");
}

/// RFC 6750 §3.1: a token that was damaged on its way is a 401 `invalid_token`. The session advises one refresh, shared
/// by all who were refused with that token; the new token is taken.
#[test]
fn a_damaged_token_leads_to_one_refresh() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "berta");
    let bearer = ready(session.access(now()));
    let url = url(&server, "/messages");
    let authorization = bearer.authorization(&url, &[]).unwrap();

    let reply = call_with(&http, &damaged(authorization.as_str()), "GET", &url);
    assert_refused(&reply, 401, r#"error="invalid_token""#);
    let refresh = refresh_of(session.refused(&bearer, reply.status, &reply.challenges(), now()).unwrap());
    let also = session.refused(&bearer, reply.status, &reply.challenges(), now()).unwrap();
    assert!(matches!(also, Access::Wait(id) if id == refresh.id()), "{also:?}");

    renew(&mut session, &http, &refresh);
    // Who comes late with the old token gets the new one.
    let late = ready(session.refused(&bearer, reply.status, &reply.challenges(), now()).unwrap());
    assert_eq!(call(&http, &late, "GET", &url).status, 200);
}

/// An API that refuses the fresh token too: a login is required, and no loop of refreshes.
#[test]
fn a_second_refusal_is_a_login() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "clara");
    let url = url(&server, "/never");

    let bearer = ready(session.access(now()));
    let reply = call(&http, &bearer, "GET", &url);
    assert_refused(&reply, 401, r#"error="invalid_token""#);
    let refresh = refresh_of(session.refused(&bearer, reply.status, &reply.challenges(), now()).unwrap());
    renew(&mut session, &http, &refresh);

    let fresh = ready(session.access(now()));
    let reply = call(&http, &fresh, "GET", &url);
    assert_refused(&reply, 401, r#"error="invalid_token""#);
    let advice = session.refused(&fresh, reply.status, &reply.challenges(), now()).unwrap();
    assert!(matches!(advice, Access::LoginRequired(LoginRequired::TokenRefused)), "{advice:?}");
}

/// RFC 6750 §3.1: `insufficient_scope` names the scope that a new login should ask for; with it the API agrees.
#[test]
fn insufficient_scope() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "doris");
    let bearer = ready(session.access(now()));
    let url = url(&server, "/messages");
    let reply = call(&http, &bearer, "POST", &url);
    assert_refused(&reply, 403, r#"error="insufficient_scope""#);
    let advice = session.refused(&bearer, reply.status, &reply.challenges(), now()).unwrap();
    let Access::LoginRequired(LoginRequired::InsufficientScope { scope, .. }) = advice else { panic!("{advice:?}") };
    let scope = scope.unwrap();
    assert_eq!(scope.as_str(), "write");

    let client = client(&server, PRIVATE_USE);
    let request = authorization_request(&server).scope(scope.as_str());
    let mut login = Login::new(client.clone(), request).unwrap();
    let tokens = log_in(&mut login, &mut UserAgent::new("doris"), Person::Allows).unwrap();
    let mut session = Session::new(client, tokens);
    assert_eq!(call(&http, &ready(session.access(now())), "POST", &url).status, 200);
}

/// RFC 9470 §3: the API wants another authentication; the advice is a login that says so.
#[test]
fn step_up() {
    let server = Server::shared();
    let mut session = session(&server, "erna");
    let bearer = ready(session.access(now()));
    let reply = call(&Http::new(), &bearer, "GET", &url(&server, "/vault"));
    assert_refused(&reply, 401, r#"error="insufficient_user_authentication""#);
    let advice = session.refused(&bearer, reply.status, &reply.challenges(), now()).unwrap();
    let Access::LoginRequired(LoginRequired::StepUp { acr_values, max_age, .. }) = advice else { panic!("{advice:?}") };
    assert_eq!(acr_values.unwrap().as_str(), "phr");
    assert_eq!(max_age, Some(60));
}

/// An access token of three seconds: the session refreshes by itself when the time has come, and the API, by its own clock,
/// refuses the old token and takes the new one.
#[test]
fn an_expired_token_is_refreshed() {
    let server = Server::shared();
    let http = Http::new();
    let client = Client::builder(authorization_server(&server), "native-app", PRIVATE_USE)
        .api_origin(&server.api)
        .leeway_secs(0)
        .build()
        .unwrap();
    let request = AuthorizationRequest::new()
        .scope("openid offline_access read")
        .prompt("consent")
        .resource(&server.brief_resource());
    let mut login = Login::new(client.clone(), request).unwrap();
    let tokens = log_in(&mut login, &mut UserAgent::new("frida"), Person::Allows).unwrap();
    let expires_at = tokens.expires_at().unwrap();
    assert!(expires_at <= now().saturating_add(3));
    let mut session = Session::new(client, tokens);
    let url = url(&server, "/brief/messages");
    let bearer = ready(session.access(now()));
    assert_eq!(call(&http, &bearer, "GET", &url).status, 200);

    while now() <= expires_at {
        thread::sleep(Duration::from_millis(100));
    }
    let reply = call(&http, &bearer, "GET", &url);
    assert_refused(&reply, 401, r#"error_description="The access token expired""#);
    let refresh = refresh_of(session.access(now()));
    renew(&mut session, &http, &refresh);
    assert_eq!(call(&http, &ready(session.access(now())), "GET", &url).status, 200);
}

/// RFC 8707 §2.2, RFC 9068 §4: a token of one resource is no token of another.
#[test]
fn the_audience_is_checked() {
    let server = Server::shared();
    let mut session = session(&server, "gerda");
    let reply = call(&Http::new(), &ready(session.access(now())), "GET", &url(&server, "/brief/messages"));
    assert_refused(&reply, 401, r#"error="invalid_token""#);
}

/// RFC 6750 §5.3: the access token goes to the API's origin alone, not even to another port of the same host.
#[test]
fn the_token_stays_with_its_api() {
    let server = Server::shared();
    let mut session = session(&server, "herta");
    let bearer = ready(session.access(now()));
    assert!(bearer.authorization(&url(&server, "/messages"), &["accept"]).is_ok());
    for elsewhere in [format!("{}/messages", server.issuer), "https://api.example.com/messages".to_owned()] {
        assert!(bearer.authorization(&elsewhere, &[]).is_err(), "{elsewhere}");
    }
    // RFC 6750 §2: one method of sending the token, so no second header.
    assert!(bearer.authorization(&url(&server, "/messages"), &["Authorization"]).is_err());
}
