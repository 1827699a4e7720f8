//! Corner cases that were wrong once, one test for each: what a server, a browser, a clock or a caller can do, and what must
//! come of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod bounds;
mod configuration;
mod demands;
mod expiry;
#[path = "../support/id_token.rs"]
mod id_token;
#[cfg(feature = "openid")]
#[path = "../support/keys.rs"]
mod keys;
mod late_tokens;
mod lifetimes;
mod login;
mod lost_answers;
#[cfg(feature = "openid")]
mod openid;
mod processes;
mod refusals;
mod refused_targets;
mod responses;
#[cfg(feature = "openid")]
mod restored;
mod session;
mod shapes;
mod sign_out;
mod targets;
#[cfg(feature = "openid")]
mod tenants;
mod useless_tokens;

use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Bearer, BearerError, Client, ClientBuilder, Entropy,
    Error, Event, Login, Request, RequestId, Response, Session, SessionAction, UnixTime,
};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
/// What an API says of a token that will not do.
const REFUSED: [(&str, &str); 1] = told("Bearer error=\"invalid_token\"");
const GONE: &str = r#"{"error":"invalid_grant"}"#;

/// The headers of an API that says this.
const fn told(line: &str) -> [(&str, &str); 1] {
    [("WWW-Authenticate", line)]
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap()
}

fn builder() -> ClientBuilder {
    builder_at(server().revocation_endpoint("https://as.example.com/revoke").unwrap())
}

fn builder_at(server: AuthorizationServer) -> ClientBuilder {
    let builder = |server| Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback");
    #[cfg(feature = "openid")]
    let builder =
        |server: AuthorizationServer| builder(server.issuer(id_token::ISSUER).unwrap()).accept_id_tokens_on_tls_alone();
    builder(server).api_origin("https://api.example.com")
}

fn client() -> Client {
    builder().build().unwrap()
}

fn answer<'a>(id: RequestId, status: u16, headers: &'a [(&'a str, &'a str)], body: &'a str) -> Event<'a> {
    Event::ResponseReceived(id, Response::new(status, headers, body.as_bytes()))
}

fn ready(access: Access) -> Bearer {
    let Access::Ready(bearer) = access else { panic!("not ready: {access:?}") };
    bearer
}

fn request(access: Access) -> Request {
    let Access::SendRequest(request) = access else { panic!("no request: {access:?}") };
    request
}

/// Whether a wait is as long as was asked for, and a little longer so that not all come back together.
fn is_patient(asked: u64, wait: u64) -> bool {
    (asked..=asked + asked / 32 + 1).contains(&wait)
}

/// What a call to this URL gets, in its only header.
fn authorization(bearer: &Bearer, url: &str) -> Result<String, BearerError> {
    let headers: Vec<_> = bearer.headers("GET", url)?.collect();
    let [("authorization", value)] = &headers[..] else { panic!("{headers:?}") };
    Ok(value.as_str().to_owned())
}

/// Until when the session is to be left alone after an answer without tokens.
fn later(action: Result<SessionAction, Error>) -> u64 {
    let Ok(SessionAction::RetryAt(time)) = action else { panic!("no wait: {action:?}") };
    time.as_secs()
}

fn revocation(action: SessionAction) -> Request {
    let SessionAction::SendRequest(request) = action else { panic!("no revocation: {action:?}") };
    request
}

fn body(request: &Request) -> &str {
    core::str::from_utf8(request.body()).unwrap()
}

fn entropy() -> Entropy {
    Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap()
}

/// A session by this login. Its tokens are named after the access token, and last an hour.
fn log_in(wanted: &AuthorizationRequest, token: &str, now: u64) -> Session {
    log_in_to(client(), wanted, token, now)
}

fn log_in_to(client: Client, wanted: &AuthorizationRequest, token: &str, now: u64) -> Session {
    let login = Login::new(client, wanted.clone()).unwrap();
    finish(login, token, None, now)
}

/// The server grants this scope.
fn log_in_with_scope(wanted: &AuthorizationRequest, token: &str, scope: Option<&str>, now: u64) -> Session {
    finish(Login::new(client(), wanted.clone()).unwrap(), token, scope, now)
}

/// While the browser is open, the process ends and another one starts.
fn log_in_after_a_restart(wanted: &AuthorizationRequest, token: &str, now: u64) -> Session {
    let mut login = Login::new(client(), wanted.clone()).unwrap();
    assert!(login.handle(Event::Start(entropy()), at(now)).is_ok());
    let saved = serde_json::to_string(&login.save().unwrap()).unwrap();
    finish(Login::resume(client(), serde_json::from_str(&saved).unwrap(), at(now)).unwrap(), token, None, now)
}

fn finish(login: Login, token: &str, scope: Option<&str>, now: u64) -> Session {
    let tokens = serde_json::json!({
        "access_token": token, "token_type": "Bearer", "expires_in": 3600, "refresh_token": format!("RT-{token}"),
        "id_token": id_token::id_token(Some(id_token::NONCE), now, serde_json::json!({ "auth_time": now })), "scope": scope,
    });
    finish_with(login, &tokens.to_string(), now)
}

/// The server answers with these tokens.
fn finish_with(mut login: Login, tokens: &str, now: u64) -> Session {
    if login.pending_action().is_none() {
        assert!(login.handle(Event::Start(entropy()), at(now)).is_ok());
    }
    let redirect = "com.example.app:/callback?code=C&state=ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(redirect), at(now)) else { panic!() };
    match login.handle(answer(sent.id(), 200, &JSON, tokens), at(now)) {
        Ok(Action::TokensReady(tokens)) => login.into_session(tokens),
        other => panic!("{other:?}"),
    }
}
