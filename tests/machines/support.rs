//! What every module needs: clients, answers, and machines on their way.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Bearer, Client, ClientBuilder, Entropy, Event, Login,
    Request, RequestId, Response, Secret, Session, Tokens, UnixTime,
};

pub use crate::model::login::octets;
pub use crate::model::START;

pub const REDIRECT_URI: &str = "com.example.app:/callback";
pub const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
pub const HTML: [(&str, &str); 1] = [("content-type", "text/html")];
pub const TOKENS: &str = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#;
pub const INVALID_GRANT: &str = r#"{"error":"invalid_grant"}"#;

/// So many seconds after everything began.
pub fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(START.saturating_add(seconds))
}

pub fn server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap()
}

pub fn builder() -> ClientBuilder {
    let server = server().revocation_endpoint("https://as.example.com/revoke").unwrap();
    Client::builder(server, "app", REDIRECT_URI).api_origin("https://api.example.com")
}

pub fn client() -> Client {
    builder().build().unwrap()
}

pub fn entropy(seed: u8) -> Entropy {
    Entropy::new(octets(seed)).unwrap()
}

/// What the login of this seed makes of its octets.
pub fn verifier(seed: u8) -> String {
    Base64UrlUnpadded::encode_string(&octets(seed)[..32])
}

pub fn state(seed: u8) -> String {
    Base64UrlUnpadded::encode_string(&octets(seed)[32..64])
}

pub fn nonce(seed: u8) -> String {
    Base64UrlUnpadded::encode_string(&octets(seed)[64..])
}

pub fn json(status: u16, body: &str) -> Response<'_> {
    Response::new(status, &JSON, body.as_bytes())
}

pub fn html(status: u16, body: &str) -> Response<'_> {
    Response::new(status, &HTML, body.as_bytes())
}

pub fn redirect(query: &str) -> String {
    format!("{REDIRECT_URI}?{query}")
}

/// A login that waits for the redirect, of seed 1.
pub fn awaiting(client: Client, request: AuthorizationRequest) -> Login {
    let mut login = Login::new(client, request).unwrap();
    let Ok(Action::OpenUrl(_)) = login.handle(Event::Start(entropy(1)), at(0)) else { panic!("not started") };
    login
}

/// A login that waits for the answer to its token request, and that request.
pub fn exchanging(client: Client, request: AuthorizationRequest) -> (Login, Request) {
    let mut login = awaiting(client, request);
    let url = redirect(&format!("code=C1&state={}", state(1)));
    let Ok(Action::SendRequest(request)) = login.handle(Event::RedirectReceived(&url), at(0)) else {
        panic!("the redirect was not accepted")
    };
    (login, request)
}

/// A session whose token `AT0` expires an hour after the beginning.
pub fn session(client: Client, refresh_token: Option<&str>) -> Session {
    let refresh_token = refresh_token.map(Secret::new);
    Session::new(client, Tokens::from_parts(Secret::new("AT0"), refresh_token, Some(at(3600)), "read write"))
}

/// A refresh that is sent now.
pub fn refresh(session: &mut Session, now: UnixTime) -> RequestId {
    let Access::SendRequest(request) = session.access(now) else { panic!("no refresh") };
    request.id()
}

/// The API answered a call with this status and these lines of `WWW-Authenticate`.
pub fn refuse(session: &mut Session, bearer: &Bearer, status: u16, lines: &[&str], now: UnixTime) -> Option<Access> {
    let headers: Vec<(&str, &str)> = lines.iter().map(|line| ("WWW-Authenticate", *line)).collect();
    session.refused(bearer, status, headers.as_slice(), now)
}

/// The token that is handed out now.
#[track_caller]
pub fn bearer(session: &mut Session, now: UnixTime) -> Bearer {
    match session.access(now) {
        Access::Ready(bearer) => bearer,
        other => panic!("no token: {other:?}"),
    }
}

/// The request that a login waits for.
pub fn pending(login: &Login) -> Request {
    match login.pending_action() {
        Some(Action::SendRequest(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// Servers that are known by their issuers, and their metadata.
#[path = "support_discovery.rs"]
pub mod discovery;

/// Clients, answers and logins of OpenID Connect.
#[cfg(feature = "openid")]
#[path = "support_openid.rs"]
pub mod openid;
