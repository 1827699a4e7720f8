//! The app: its configuration, its login loop and its API calls.

use std::thread;
use std::time::{Duration, SystemTime};

use oauth_proto::bearer::HeaderValue;
use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Bearer, Client, ClientBuilder, Entropy, Error, Event,
    KeySet, Login, LoginRequired, Request, SavedSession, Session, SessionAction, Target, Tokens, UnixTime,
};
use serde_json::Value;
use ureq::http;

use crate::{Http, Person, Server, UserAgent};

/// The private-use scheme redirect URI of the app (RFC 8252 §7.1).
pub const PRIVATE_USE: &str = "com.example.app:/oauth2redirect";

/// Where the browser goes after the logout.
pub const LOGGED_OUT: &str = "com.example.app:/loggedout";

/// The wall clock: the machines have none, the app has.
#[allow(clippy::disallowed_methods)]
pub fn now() -> UnixTime {
    SystemTime::now().into()
}

/// Entropy from the operating system.
pub fn entropy() -> Entropy {
    Entropy::from_os().expect("the system has entropy")
}

/// The authorization server as the app knows it: with an issuer, which every authorization response must carry, and the keys
/// that its ID tokens are checked with.
pub fn authorization_server(server: &Server) -> AuthorizationServer {
    AuthorizationServer::on_insecure_loopback(&server.authorization_endpoint, &server.token_endpoint)
        .and_then(|known| known.issuer(&server.issuer))
        .and_then(|known| known.require_iss().revocation_endpoint(&server.revocation_endpoint))
        .and_then(|known| known.end_session_endpoint(&server.end_session_endpoint))
        .and_then(|known| known.jwks_uri(&server.jwks_uri))
        .and_then(|known| known.userinfo_endpoint(&server.userinfo_endpoint))
        .map(|known| known.id_token_signing_alg_values_supported(&["ES256"]))
        .expect("a good configuration")
}

/// The authorization server as an app knows it that was told the issuer alone.
pub fn issuer_alone(server: &Server) -> AuthorizationServer {
    AuthorizationServer::from_issuer_on_insecure_loopback(&server.issuer).expect("a good issuer")
}

/// The client of an app that was told the issuer alone.
pub fn client_of_issuer(server: &Server) -> Client {
    Client::new(issuer_alone(server), "native-app", PRIVATE_USE).expect("a good configuration")
}

/// The same in the next process: the app has kept the metadata that this session's login found.
pub fn client_of_metadata(server: &Server, session: &Session) -> Client {
    let metadata = session.client().metadata().expect("found by the issuer");
    client_of_issuer(server).with_metadata(metadata).expect("of this server")
}

/// The app's client, which may send its access tokens to the APIs.
pub fn client(server: &Server, redirect_uri: &str) -> Client {
    client_builder(server, redirect_uri).post_logout_redirect_uri(LOGGED_OUT).build().expect("a good configuration")
}

/// The same, with something yet to be said, and without a way back from the logout.
pub fn client_builder(server: &Server, redirect_uri: &str) -> ClientBuilder {
    Client::builder(authorization_server(server), "native-app", redirect_uri)
        .api_origin(&server.api)
        .api_origin(&server.files)
}

/// Asks for a refresh token and for the API's `read`. OpenID Connect Core §11: `offline_access` needs the consent prompt.
pub fn authorization_request(server: &Server) -> AuthorizationRequest {
    AuthorizationRequest::new().scope("openid offline_access read").prompt("consent").resource(&server.resource())
}

/// Asks who the person is, and for a refresh token. There is no API in it, so the access token is for the userinfo endpoint.
pub fn identity_request() -> AuthorizationRequest {
    AuthorizationRequest::new().scope("openid profile email address phone offline_access").prompt("consent")
}

/// The request that an action must be.
pub fn request_of(action: Result<Action, Error>) -> Request {
    match action {
        Ok(Action::SendRequest(request)) => request,
        other => panic!("no request but {other:?}"),
    }
}

/// The login loop: from nothing to tokens.
pub fn log_in(login: &mut Login, browser: &mut UserAgent, person: Person) -> Result<Tokens, Error> {
    log_in_over(&Http::new(), login, browser, person)
}

/// The same, over an HTTP client that remembers what was sent.
pub fn log_in_over(http: &Http, login: &mut Login, browser: &mut UserAgent, person: Person) -> Result<Tokens, Error> {
    log_in_by(&now, http, login, browser, person)
}

/// The same, by any clock: the machine has none.
pub fn log_in_by(
    clock: &dyn Fn() -> UnixTime,
    http: &Http,
    login: &mut Login,
    browser: &mut UserAgent,
    person: Person,
) -> Result<Tokens, Error> {
    let mut action = login.handle(Event::Start(entropy()), clock())?;
    loop {
        action = match action {
            Action::OpenUrl(url) => {
                let redirect = browser.walk(url.as_str(), person).redirect();
                login.handle(Event::RedirectReceived(&redirect), clock())?
            }
            Action::SendRequest(request) => login.handle(http.send(&request).event(), clock())?,
            Action::RetryAt(at) => pending_at(login, at),
            Action::Verify(check) => panic!("the client has a verifier: {check:?}"),
            Action::TokensReady(tokens) => return Ok(tokens),
        };
    }
}

/// Waits until then, and gives what is to be done.
fn pending_at(login: &Login, at: UnixTime) -> Action {
    thread::sleep(Duration::from_secs(at.as_secs().saturating_sub(now().as_secs())));
    login.pending_action().expect("something to be done")
}

/// Goes on from the code exchange: whatever the login wants to be sent, until there are tokens.
pub fn tokens_after(login: &mut Login, http: &Http, request: &Request) -> Result<Tokens, Error> {
    let mut action = login.handle(http.send(request).event(), now())?;
    loop {
        action = match action {
            Action::SendRequest(request) => login.handle(http.send(&request).event(), now())?,
            Action::RetryAt(at) => pending_at(login, at),
            Action::TokensReady(tokens) => return Ok(tokens),
            Action::OpenUrl(url) => panic!("another browser: {url:?}"),
            Action::Verify(check) => panic!("the client has a verifier: {check:?}"),
        };
    }
}

/// A session of `person`, right after a login on the private-use scheme.
pub fn session(server: &Server, person: &str) -> Session {
    session_in(&mut UserAgent::new(person), client(server, PRIVATE_USE), authorization_request(server))
}

/// A session right after a login in this browser with this request.
pub fn session_in(
    browser: &mut UserAgent,
    client: Client,
    request: impl Into<std::sync::Arc<AuthorizationRequest>>,
) -> Session {
    let mut login = Login::new(client, request).expect("a good request");
    let tokens = log_in(&mut login, browser, Person::Allows).expect("tokens");
    login.into_session(tokens)
}

/// What an app writes to its disk.
pub fn saved(session: &Session) -> String {
    serde_json::to_string(&session.save().expect("a session to save")).expect("JSON")
}

/// What an app reads from its disk.
pub fn loaded(saved: &str) -> SavedSession {
    serde_json::from_str(saved).expect("a saved session")
}

/// The session in another process, or in the next one. The app has kept the keys as well.
pub fn restored(server: &Server, saved: &str) -> Session {
    let client = client(server, PRIVATE_USE).with_keys(published_keys(server));
    Session::restore(client, loaded(saved)).expect("a session")
}

/// The keys of the server, fetched without a machine.
pub fn published_keys(server: &Server) -> KeySet {
    let (status, document) = Http::new().get(&server.jwks_uri);
    assert_eq!(status, 200);
    KeySet::parse(&server.jwks_uri, &document, now()).expect("a key set")
}

/// The bearer of an access that is ready.
pub fn ready(access: Access) -> Bearer {
    match access {
        Access::Ready(bearer) => bearer,
        other => panic!("no bearer but {other:?}"),
    }
}

/// The refresh that an access asks for.
pub fn refresh_of(access: Access) -> Request {
    match access {
        Access::SendRequest(request) => request,
        other => panic!("no refresh but {other:?}"),
    }
}

/// An access token for `target`, with a refresh if one is needed.
pub fn bearer_for(session: &mut Session, http: &Http, target: &Target, now: UnixTime) -> Bearer {
    match session.access_for(target, now) {
        Access::SendRequest(request) => {
            renew(session, http, &request);
            ready(session.access_for(target, now))
        }
        access => ready(access),
    }
}

/// What the form of a token request, or the query of a URL, says under `name`, encoded as it is.
pub fn parameter(pairs: &str, name: &str) -> Option<String> {
    let pairs = pairs.split_once('?').map_or(pairs, |(_, query)| query);
    let pair = pairs.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    Some(pair.1.to_owned())
}

/// The same of a request's form.
pub fn form_parameter(request: &Request, name: &str) -> Option<String> {
    parameter(std::str::from_utf8(request.body()).expect("a form"), name)
}

/// The login is required because the server said `invalid_grant`.
pub fn assert_grant_ended(why: &LoginRequired) {
    let LoginRequired::GrantEnded(error) = why else { panic!("another reason: {why:?}") };
    let Error::Refused(refused) = error else { panic!("not refused but {error:?}") };
    assert_eq!(refused.oauth_error(), Some("invalid_grant"));
    assert_eq!(refused.status(), Some(400));
}

/// Sends what the session wants sent, and hands it the answer.
pub fn exchange(session: &mut Session, http: &Http, request: &Request) -> Result<SessionAction, Error> {
    let answer = http.send(request);
    session.handle(answer.event(), now())
}

/// Sends a refresh that must bring tokens, and gives what an app writes to its disk then.
pub fn renew(session: &mut Session, http: &Http, request: &Request) -> String {
    match exchange(session, http, request) {
        Ok(SessionAction::Save) => saved(session),
        other => panic!("no tokens but {other:?}"),
    }
}

/// What the API said.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// All header fields, as `Session::refused` takes them.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Value,
}

impl Reply {
    /// Every `WWW-Authenticate` field.
    pub fn challenges(&self) -> Vec<&str> {
        let fields = self.headers.get_all("www-authenticate").iter();
        fields.map(|field| field.to_str().expect("ASCII")).collect()
    }
}

/// Calls the API: `method` is GET or POST.
pub fn call(http: &Http, bearer: &Bearer, method: &str, url: &str) -> Reply {
    call_with(http, authorization(bearer, method, url).as_str(), method, url)
}

/// The `Authorization` field of a call.
pub fn authorization(bearer: &Bearer, method: &str, url: &str) -> HeaderValue {
    let mut headers = bearer.headers(method, url).expect("a token for this API");
    let (name, value) = headers.next().expect("a header");
    assert_eq!((name, headers.next().is_some()), ("authorization", false));
    value
}

/// Calls the API with any `Authorization` field.
pub fn call_with(http: &Http, authorization: &str, method: &str, url: &str) -> Reply {
    try_to_call(http, authorization, method, url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// The same over a network that may fail.
pub fn try_to_call(http: &Http, authorization: &str, method: &str, url: &str) -> Result<Reply, ureq::Error> {
    let response = match method {
        "GET" => http.agent().get(url).header("authorization", authorization).call(),
        "POST" => http.agent().post(url).header("authorization", authorization).send_empty(),
        _ => panic!("no such method here: {method}"),
    };
    let (parts, mut body) = response?.into_parts();
    let body = body.read_to_vec()?;
    Ok(Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
