//! oauth-proto, as an app uses it.

use std::hint::black_box;
use std::sync::Arc;

use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, RequestId, Response,
    Secret, Session, SessionAction, Tokens, UnixTime,
};

use crate::inputs::{self, AUDIENCE, AUTHORIZE, CLIENT_ID, REDIRECT_URI, REFRESH_TOKEN, SCOPES, TOKEN};

/// The time of all events.
pub const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// The headers that the driver got from its HTTP stack.
pub const HEADERS: [(&str, &str); 1] = [("content-type", "application/json")];

/// What all logins of an app share.
#[derive(Clone)]
pub struct App {
    /// The client.
    pub client: Client,
    /// The authorization request.
    pub request: Arc<AuthorizationRequest>,
}

impl App {
    /// Configures both.
    pub fn new() -> Self {
        let server = AuthorizationServer::new(AUTHORIZE, TOKEN).expect("the endpoints are fine");
        let client = Client::new(server, CLIENT_ID, REDIRECT_URI).expect("the client is fine");
        let request = AuthorizationRequest::new().scope(&SCOPES.join(" ")).audience(AUDIENCE);
        Self { client, request: Arc::new(request) }
    }

    /// A login before its start.
    pub fn login(&self) -> Login {
        Login::new(self.client.clone(), Arc::clone(&self.request)).expect("the request is fine")
    }

    /// A login that waits for the redirect, and the `state` in its URL.
    pub fn pending(&self) -> (Login, String) {
        let mut login = self.login();
        let url = start(&mut login);
        let state = inputs::state(&url).to_owned();
        (login, state)
    }

    /// A login that waits for the token response, and the id of its request.
    pub fn exchanging(&self) -> (Login, RequestId) {
        let (mut login, state) = self.pending();
        let Ok(Action::SendRequest(request)) = redirect(&mut login, &inputs::short_redirect(&state)) else {
            panic!("the redirect is refused")
        };
        (login, request.id())
    }

    /// A session whose access token has expired.
    pub fn expired_session(&self) -> Session {
        let expires_at = Some(UnixTime::from_secs(NOW.as_secs() - 1));
        let refresh_token = Some(Secret::new(REFRESH_TOKEN));
        let tokens = Tokens::from_parts(Secret::new("expired"), refresh_token, expires_at, &SCOPES.join(" "));
        Session::new(self.client.clone(), tokens)
    }

    /// A session with the tokens of this response.
    pub fn session(&self, body: &str) -> Session {
        let mut session = self.expired_session();
        drop(refresh(&mut session, body));
        session
    }

    /// A whole login, from its start to the tokens.
    pub fn whole_login(&self, buffer: &mut String, body: &str) -> Tokens {
        let mut login = self.login();
        let url = start(&mut login);
        inputs::callgrind_pauses_while_browsing(&url, buffer);
        drop(url);
        let Ok(Action::SendRequest(request)) = redirect(&mut login, buffer) else { panic!("the redirect is refused") };
        send(&request);
        let id = request.id();
        drop(request);
        match respond(&mut login, id, body) {
            Ok(Action::TokensReady(tokens)) => tokens,
            _ => panic!("the response is refused"),
        }
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

fn send(request: &oauth_proto::Request) {
    black_box((request.url(), request.body()));
    for header in request.headers() {
        black_box(header);
    }
}

/// Draws the entropy, starts the login, gives the URL to open.
pub fn start(login: &mut Login) -> oauth_proto::AuthorizationUrl {
    let entropy = Entropy::from_os().expect("there is randomness");
    match login.handle(Event::Start(entropy), NOW) {
        Ok(Action::OpenUrl(url)) => url,
        _ => panic!("the login does not start"),
    }
}

/// Hands the redirect over.
///
/// # Errors
/// As [`Login::handle`].
pub fn redirect(login: &mut Login, url: &str) -> Result<Action, oauth_proto::Error> {
    login.handle(Event::RedirectReceived(url), NOW)
}

/// Hands the token response over.
///
/// # Errors
/// As [`Login::handle`].
pub fn respond(login: &mut Login, id: RequestId, body: &str) -> Result<Action, oauth_proto::Error> {
    login.handle(Event::ResponseReceived(id, Response::new(200, &HEADERS, body.as_bytes())), NOW)
}

/// Asks for access, sends the refresh, hands the answer over.
pub fn refresh(session: &mut Session, body: &str) -> SessionAction {
    let Access::SendRequest(request) = session.access(NOW) else { panic!("no refresh is due") };
    send(&request);
    let response = Response::new(200, &HEADERS, body.as_bytes());
    session.handle(Event::ResponseReceived(request.id(), response), NOW).expect("the response is fine")
}
