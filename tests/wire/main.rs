//! What goes over the wire, and into storage, octet for octet: every setter is seen in the URL or the body that it is for,
//! every setting has its effect at the very second, and the documents say what is so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod advice;
mod answers;
mod authorization;
mod challenges;
#[cfg(feature = "openid")]
mod claims;
mod discovery;
mod documents;
#[cfg(feature = "openid")]
mod fetched;
mod found;
mod headers;
mod hostile;
#[path = "../support/id_token.rs"]
mod id_token;
mod kept;
#[cfg(feature = "openid")]
#[path = "../support/keys.rs"]
mod keys;
mod lifetimes;
mod logout;
mod metadata;
mod pasted;
mod redirects;
mod reserved;
mod resources;
mod saved_login;
mod saved_session;
mod scopes;
mod settings;
mod token_bodies;
mod token_requests;
mod tokens;

use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Bearer, Client, ClientBuilder, Entropy, Event, Login,
    Request, RequestId, Response, Session, SessionAction, SessionPhase, Tokens, UnixTime,
};

const CLIENT_ID: &str = "s6BhdRkqt3";
const REDIRECT_URI: &str = "com.example.app:/callback";
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

type Pairs = Vec<(String, String)>;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn server() -> AuthorizationServer {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    server.revocation_endpoint("https://as.example.com/revoke").unwrap()
}

fn builder() -> ClientBuilder {
    Client::builder(server(), CLIENT_ID, REDIRECT_URI)
}

fn client() -> Client {
    builder().build().unwrap()
}

fn entropy() -> Entropy {
    Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap()
}

fn answer(id: RequestId, body: &str) -> Event<'_> {
    Event::ResponseReceived(id, Response::new(200, &JSON, body.as_bytes()))
}

fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The decoded pairs of a form or a query.
fn decoded(text: &[u8]) -> Pairs {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// The decoded pairs of the URL that a login opens.
fn query_of(url: &str) -> Pairs {
    decoded(url.split_once('?').expect("a query").1.as_bytes())
}

fn value_of(pairs: &Pairs, name: &str) -> Option<String> {
    pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
}

fn body(request: &Request) -> &str {
    core::str::from_utf8(request.body()).unwrap()
}

/// With an issuer, relying on TLS for its ID tokens.
#[cfg(feature = "openid")]
fn openid_client() -> Client {
    let server = server().issuer(id_token::ISSUER).unwrap();
    Client::builder(server, CLIENT_ID, REDIRECT_URI).accept_id_tokens_on_tls_alone().build().unwrap()
}

fn started(client: Client, request: AuthorizationRequest, now: u64) -> (Login, String) {
    let mut login = Login::new(client, request).unwrap();
    let Action::OpenUrl(url) = login.handle(Event::Start(entropy()), at(now)).unwrap() else { panic!("no URL") };
    (login, url.into_string())
}

/// The redirect of a user who agrees, and the token request that it leads to.
fn code_request(login: &mut Login, url: &str, now: u64) -> Request {
    let query = query_of(url);
    let (redirect_uri, state) = (value_of(&query, "redirect_uri").unwrap(), value_of(&query, "state").unwrap());
    let redirect = format!("{redirect_uri}?code=C%2B1&state={state}");
    let Action::SendRequest(request) = login.handle(Event::RedirectReceived(&redirect), at(now)).unwrap() else {
        panic!("no token request")
    };
    request
}

fn log_in(client: Client, request: AuthorizationRequest, response: &str, now: u64) -> Tokens {
    let (mut login, url) = started(client, request, now);
    let sent = code_request(&mut login, &url, now);
    let Action::TokensReady(tokens) = login.handle(answer(sent.id(), response), at(now)).unwrap() else {
        panic!("no tokens")
    };
    tokens
}

fn bearer(access: Access) -> Bearer {
    let Access::Ready(bearer) = access else { panic!("not ready: {access:?}") };
    bearer
}

fn refresh_of(access: Access) -> Request {
    let Access::SendRequest(request) = access else { panic!("no refresh: {access:?}") };
    request
}

fn revocation_of(action: SessionAction) -> Request {
    let SessionAction::SendRequest(request) = action else { panic!("no revocation: {action:?}") };
    request
}

/// Hands over the answer to a refresh, whose tokens must be taken.
fn refreshed(session: &mut Session, refresh: &Request, response: &str, now: u64) {
    let action = session.handle(answer(refresh.id(), response), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!(session.phase(), SessionPhase::Active);
}
