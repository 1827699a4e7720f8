//! The login and the calls of an API. Nothing here knows what the device is.

use alloc::vec::Vec;

use oauth_proto::drive::{self, Browser, Clock};
use oauth_proto::{
    Access, AuthorizationRequest, AuthorizationServer, BearerError, Client, ConfigError, Entropy, Event, Login,
    Request, Response, Session, SessionAction,
};

use crate::clock::WallClock;
use crate::http::{Answer, Connect, Http};

/// An error, by its `code()`, which never changes. An app that treats errors differently returns the errors themselves.
pub type Code = &'static str;

/// Where the browser goes after the login. The page there shows its own address.
pub const REDIRECT_URI: &str = "https://thermostat.example.com/callback";

/// The server and how it knows this app. Firmware can be read, so that no client secret is kept in it.
pub fn client() -> Result<Client, ConfigError> {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?
        .issuer("https://as.example.com")?;
    #[cfg(feature = "rustcrypto")]
    let server = server.jwks_uri("https://as.example.com/keys")?.id_token_signing_alg_values_supported(&["ES256"]);
    Client::builder(server, "thermostat", REDIRECT_URI).api_origin("https://api.example.com").build()
}

/// Logs the user in. `entropy` is from the generator of random numbers of the microcontroller.
pub async fn sign_in<B: Browser>(
    client: Client,
    entropy: Entropy,
    http: &Http<impl Connect>,
    browser: &mut B,
) -> Result<Session, Code> {
    let scope = if cfg!(feature = "rustcrypto") { "openid offline_access" } else { "offline_access" };
    let mut login = Login::new(client, AuthorizationRequest::new().scope(scope)).map_err(|error| error.code())?;
    let tokens = drive::login(&mut login, entropy, http, browser, &WallClock).await.map_err(|error| error.code())?;
    Ok(login.into_session(tokens))
}

/// A session, for one task. Tasks that share one put it behind a mutex, as the documentation of [`Session`] shows.
pub struct Account<'a, C, S> {
    session: Session,
    http: &'a Http<C>,
    store: S,
}

impl<'a, C: Connect, S: FnMut(Option<&[u8]>)> Account<'a, C, S> {
    /// The session is stored at once. `store` gets the bytes to keep, or `None` when nothing is to be kept.
    pub fn new(session: Session, http: &'a Http<C>, store: S) -> Self {
        let mut account = Self { session, http, store };
        account.save();
        account
    }

    /// Calls the API. The access token is refreshed if it is too old, or if the API refuses it.
    pub async fn call(&mut self, method: &str, url: &str) -> Result<Answer, Code> {
        let mut access = self.session.access(WallClock.now());
        loop {
            match access {
                Access::Ready(bearer) => {
                    let headers: Vec<_> = bearer.headers(method, url).map_err(BearerError::code)?.collect();
                    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    let answer = self.http.exchange(method, url, &headers, b"").await.map_err(|_| "network")?;
                    match self.session.refused(&bearer, answer.status, &answer.headers, WallClock.now()) {
                        Some(next) => access = next,
                        None => return Ok(answer),
                    }
                    continue;
                }
                Access::SendRequest(request) => self.carry_out(request).await,
                Access::RetryAt(time) => WallClock.sleep_until(time).await,
                // A call that was dropped had sent a request: it counts as lost at the deadline.
                Access::Wait(_) => WallClock.sleep_until(self.session.deadline().unwrap_or_default()).await,
                // Only for a client that was built with `verify_id_tokens_by_action`; this one was not.
                Access::Verify(_) => return Err("no_crypto"),
                Access::LoginRequired(why) => return Err(why.code()),
                Access::Refused { error, .. } => return Err(error.code()),
            }
            access = self.session.access(WallClock.now());
        }
    }

    /// Sends a request of the session, and stores the session if it says so.
    async fn carry_out(&mut self, request: Request) {
        let headers: Vec<_> = request.headers().collect();
        let answer = self.http.exchange(request.method(), request.url(), &headers, request.body()).await;
        let event = match &answer {
            Ok(answer) => {
                let response = Response::new(answer.status, &answer.headers, &answer.body);
                Event::ResponseReceived(request.id(), response)
            }
            Err(delivered) => Event::SendFailed(request.id(), *delivered),
        };
        if let Ok(SessionAction::Save | SessionAction::LoginRequired(_)) = self.session.handle(event, WallClock.now()) {
            self.save();
        }
    }

    fn save(&mut self) {
        let saved = self.session.save().and_then(|saved| serde_json::to_vec(&saved).ok()).map(zeroize::Zeroizing::new);
        (self.store)(saved.as_ref().map(|saved| saved.as_slice()));
    }
}
