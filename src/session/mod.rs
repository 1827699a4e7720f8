//! The session: keeps the tokens of a login, refreshes them for API calls as long as the grant lives, and signs out.
//!
//! [The crate's documentation](crate) shows the states; [`transitions`] lists every transition.

mod access_token;
mod active;
mod adopt;
mod answer;
pub mod bearer;
mod cache;
mod demand;
mod ended;
mod ends;
mod flights;
mod grant;
mod obstacle;
mod outcome;
mod patience;
mod saved;
mod sign_out;
mod state;
pub mod transitions;
mod verdict;
#[cfg(feature = "openid")]
mod who;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use active::Active;
use demand::Demand;
use grant::More;
pub use outcome::{Access, Adopted, LoginRequired, SessionAction, SessionPhase};
pub use saved::SavedSession;
pub use sign_out::SignOut;
use state::State;

use self::bearer::Bearer;
use crate::config::client::Client;
use crate::error::{Error, Misuse};
use crate::http::headers::Headers;
use crate::login::event::Event;
use crate::login::tokens::Tokens;
use crate::login::Login;
#[cfg(feature = "openid")]
use crate::openid::id_token::token::IdToken;
#[cfg(feature = "openid")]
use crate::openid::keys::KeySet;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::challenge::{self, Advice};
use crate::wire::target::Target;

/// A session: hands out access tokens, refreshes them and signs out, without I/O.
///
/// **Only the server ends a grant.** A refresh whose response is lost is sent again for as long as it takes; if the refresh token
/// was spent, the server says so. An access token that is still good is handed out meanwhile.
///
/// If the login asked for `openid`, refreshes may bring ID tokens. If one is another user's, nothing of that response is used and
/// the grant ends. After any other fault only the ID token is discarded: `id_token` still returns the previous one. If an ID
/// token needs new keys, or the app has to verify its signature, [`Session::access`] tells one of its callers to do that.
///
/// One session serves any number of callers behind a lock. Hold the lock during these methods, and while the result of
/// [`Session::save`] is stored. Release it while a request is under way.
///
/// To get a token, run this loop. The app provides `wait_until`, `store`, `send` and, if needed, an executor.
///
/// ```
/// use std::sync::Mutex;
///
/// use oauth_proto::{Access, Bearer, Delivered, Event, Request, RequestId, Response, SavedSession, Session};
/// use oauth_proto::{SessionAction, UnixTime};
/// # use oauth_proto::{AuthorizationServer, Client, Secret, Tokens};
/// # type Boxed = Box<dyn std::error::Error + Send + Sync>;
/// # type Answer = (u16, Vec<(String, String)>, Vec<u8>);
/// # fn now() -> UnixTime { UnixTime::from_secs(1100) }
/// # async fn wait_until(_: Option<UnixTime>) {}
/// # fn store(saved: Option<SavedSession>) { serde_json::to_string(&saved).unwrap(); }
/// # async fn send(_: &Request) -> Result<Answer, Delivered> {
/// #     let body = br#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#.to_vec();
/// #     Ok((200, vec![("Content-Type".into(), "application/json".into())], body)) }
///
/// async fn bearer(session: &Mutex<Session>) -> Result<Bearer, Boxed> {
///     loop {
///         let access = session.lock().unwrap().access(now());
///         match access {
///             Access::Ready(bearer) => return Ok(bearer),
///             Access::LoginRequired(why) => return Err(why.into()), // why.request(), or session.authorization_request()
///             Access::Refused { error, .. } => return Err(error.into()),
///             Access::RetryAt(time) => wait_until(Some(time)).await,
///             Access::Wait(_) => {
///                 let deadline = session.lock().unwrap().deadline();
///                 if deadline.is_some() { // `None`: it has been answered meanwhile
///                     wait_until(deadline).await // or until the task that sent it is done
///                 }
///             }
///             Access::SendRequest(request) => carry_out(session, request).await,
///             Access::Verify(_) => unreachable!("the client was not built with `verify_id_tokens_by_action`"),
///         }
///     }
/// }
///
/// async fn carry_out(session: &Mutex<Session>, mut request: Request) {
///     loop {
///         let _sent = Sent(session, request.id());
///         let answer = send(&request).await;
///         let event = match &answer {
///             Ok((status, headers, body)) => Event::ResponseReceived(request.id(), Response::new(*status, headers, body)),
///             Err(delivered) => Event::SendFailed(request.id(), *delivered),
///         };
///         let mut session = session.lock().unwrap();
///         match session.handle(event, now()) {
///             // Before the new token is used; `None`: remove what is stored.
///             Ok(SessionAction::Save | SessionAction::LoginRequired(_)) => return store(session.save()),
///             // The user has signed out meanwhile: revoke the late token.
///             Ok(SessionAction::SendRequest(revocation)) => request = revocation,
///             _ => return,
///         }
///     }
/// }
///
/// /// Tells the session if the future is dropped while it sends; after the answer was handed over, this does nothing.
/// struct Sent<'a>(&'a Mutex<Session>, RequestId);
/// impl Drop for Sent<'_> {
///     fn drop(&mut self) {
///         if let Ok(mut session) = self.0.lock() {
///             drop(session.handle(Event::SendFailed(self.1, Delivered::Maybe), now()));
///         }
///     }
/// }
/// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// # let expires_at = Some(UnixTime::from_secs(1000));
/// # let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), expires_at, "read");
/// # let session = Mutex::new(Session::new(client, tokens));
/// # let future = std::pin::pin!(bearer(&session));
/// # let ready = std::future::Future::poll(future, &mut std::task::Context::from_waker(std::task::Waker::noop()));
/// # let std::task::Poll::Ready(Ok(bearer)) = ready else { panic!() };
/// # assert_eq!(bearer.token().reveal(), "AT2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session {
    client: Client,
    state: State,
}

impl Session {
    /// Makes a session from tokens; with their [`Login`] at hand, use [`Login::into_session`]. Store [`Session::save`] right
    /// away.
    ///
    /// The session uses the server metadata that the login fetched. Tokens from another client's login are used with that client.
    /// For tokens without a login, a client that knows only its server's issuer needs the metadata (`Client::with_metadata`)
    /// before it can refresh.
    pub fn new(client: Client, tokens: Tokens) -> Self {
        let client = tokens.identity.client_with_findings(client);
        Self { client, state: State::Active(Box::new(Active::new(tokens))) }
    }

    /// Asks for an access token for the login's own API: the one that the login requested.
    ///
    /// One refresh is under way at a time. A token that is still good is handed out while a refresh is under way or has to
    /// wait.
    pub fn access(&mut self, now: UnixTime) -> Access {
        self.access_for(&Target::own(), now)
    }

    /// Asks for an access token for one of several APIs.
    ///
    /// All targets share one refresh token, so one refresh is under way at a time. Each access token has its own expiry, and a
    /// refusal for one target does not affect the others.
    pub fn access_for(&mut self, target: &Target, now: UnixTime) -> Access {
        self.state.access(&self.client, target, now)
    }

    /// Lets the next [`Session::access`] ask the server at once, because the obstacle is gone: the user did what
    /// [`LoginRequired::UserMustAct`] asked for, the client was corrected ([`Access::Refused`]), the device is online again
    /// ([`Access::RetryAt`]), or its clock was corrected ([`LoginRequired::GrantExpired`]). A time that the server asked for
    /// (`Retry-After`) still holds.
    pub fn ask_again(&mut self) {
        if let State::Active(active) = &mut self.state {
            active.ask_again();
        }
    }

    /// Ends the grant, if the app knows that the error of an [`Access::Refused`] means that (for example GitHub's
    /// `bad_refresh_token`).
    ///
    /// From now on, [`Session::access`] returns [`LoginRequired::GrantEnded`]. Remove the stored session. If several threads
    /// share the session, first ask [`Session::access`] again under the lock: newer tokens may have come.
    pub fn end_grant(&mut self, error: Error) -> SessionAction {
        self.state.end_grant(error)
    }

    /// Takes the outcome of a request, [`Event::ResponseReceived`] or [`Event::SendFailed`], or of an [`Access::Verify`],
    /// [`Event::Verified`] or [`Event::VerifyFailed`]. While the user logs out in the browser, also [`Event::RedirectReceived`], or [`Event::Cancelled`] if the app stops waiting for it.
    ///
    /// # Errors
    /// [`Error::Ignored`] for the id of no request or check under way, and for a redirect that is not the return from the logout;
    /// [`Error::Misuse`] for any other event. The session is then unchanged. A refusal by the server is not an error here but a
    /// [`SessionAction`]; [`Session::last_error`] has the reason.
    pub fn handle(&mut self, event: Event<'_>, now: UnixTime) -> Result<SessionAction, Error> {
        match event {
            Event::ResponseReceived(id, response) => self.state.outcome(&self.client, id, Ok(&response), now),
            Event::SendFailed(id, delivered) => self.state.outcome(&self.client, id, Err(delivered), now),
            Event::Verified(id, is_valid) => self.state.verified(id, Some(is_valid), now),
            Event::VerifyFailed(id) => self.state.verified(id, None, now),
            Event::RedirectReceived(url) => self.state.returned(&self.client, url, now),
            Event::Cancelled => self.state.cancelled(&self.client, now).ok_or(Error::Misuse(Misuse::NotForASession)),
            Event::Start(_) => Err(Error::Misuse(Misuse::NotForASession)),
        }
    }

    /// Takes the status and headers (`WWW-Authenticate`) of the API's response to a call with `bearer`; returns what to do (RFC
    /// 6750 §3).
    ///
    /// A 401 leads to one refresh, however many callers were refused with that token; later ones get the newer token. If the new
    /// token is refused too, that caller gets [`LoginRequired::TokenRefused`]; others still get the token, and refreshes after
    /// refusals become rarer, at first one minute apart, in the end one hour. If the API demands another login, [`LoginRequired`]
    /// has its authorization request, and this session stays as it is until that login is done. `None`: the response says nothing
    /// about the token, or a [`Target`] with more scope is enough.
    ///
    /// ```
    /// # use oauth_proto::{Access, AuthorizationServer, Client, Secret, Session, Tokens, UnixTime};
    /// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
    /// # let now = UnixTime::from_secs(0);
    /// # let mut session = Session::new(client, Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "read"));
    /// # let Access::Ready(bearer) = session.access(now) else { panic!() };
    /// let headers = [("www-authenticate", "Bearer error=\"invalid_token\"")]; // of the API's answer
    /// let access = session.refused(&bearer, 401, &headers, now);
    /// assert!(matches!(access, Some(Access::SendRequest(_))), "the refresh; then make the call again");
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    #[must_use = "a request that is not sent holds up everybody who waits for it"]
    pub fn refused<'a>(
        &mut self,
        bearer: &Bearer,
        status: u16,
        headers: impl Into<Headers<'a>>,
        now: UnixTime,
    ) -> Option<Access> {
        let lines: Vec<&str> = headers.into().all("www-authenticate").take(MAX_CHALLENGE_LINES).collect();
        let demand = match challenge::advice(status, &lines) {
            Advice::InsufficientScope { scope } => Demand::Scope(scope),
            Advice::StepUp { acr_values, max_age, claims } => Demand::StepUp { acr_values, max_age, claims },
            Advice::DpopNonce => return None,
            // With any challenge, even an unreadable one, a 401 rejects the token; so does `invalid_token`.
            advice if status == 401 || advice == Advice::Refresh => {
                return Some(self.state.refused(&self.client, bearer, now));
            }
            // A 403 that only links to documentation says nothing about the token.
            _ => return None,
        };
        self.state.demanded(&self.client, bearer, demand, now)
    }

    /// Returns the request for a new login: what the present one asked for and was granted. `None` once signed out.
    ///
    /// Parameters that are sent only once (`prompt`, `invitation`, `screen_hint`) are left out, except `prompt=consent`,
    /// without which some servers give no refresh token.
    pub fn authorization_request(&self) -> Option<Arc<AuthorizationRequest>> {
        let grant = match &self.state {
            State::Active(active) => &active.grant,
            State::LoginRequired(ended) => &ended.grant,
            State::SigningOut(_) => return None,
        };
        Some(grant.request_again(&More::default()))
    }

    /// Signs out: forgets every token here at once, and returns the first action.
    ///
    /// Carry it out, hand the outcome to [`Session::handle`], and so on until [`SessionAction::SignedOut`]; no response undoes
    /// the sign-out.
    ///
    /// If a refresh was under way, hand over its outcome too: a token that it brings is revoked ([`SessionAction::SendRequest`],
    /// even after `SignedOut`). Until then, and if it was lost, [`Session::last_error`] is
    /// [`Over::NotRevoked`](crate::Over::NotRevoked). After [`SessionAction::RetryAt`], use [`Session::pending_action`]. Further
    /// calls return the pending action.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client, Delivered, Event, Secret, Session, SessionAction};
    /// use oauth_proto::{SessionPhase, SignOut, Tokens, UnixTime};
    /// # use oauth_proto::{Entropy, Headers, LogoutUrl, Request, Response};
    /// # fn now() -> UnixTime { UnixTime::from_secs(0) }
    /// # fn send(_: &Request) -> Result<u16, Delivered> { Ok(200) }
    /// # fn open(url: &LogoutUrl) -> String {
    /// #     let state = url.split("&state=").nth(1).unwrap();
    /// #     format!("com.example.app:/logout?state={state}") }
    /// # fn entropy() -> Result<Entropy, oauth_proto::EntropyError> { Entropy::new(core::array::from_fn(|i| i as u8)) }
    ///
    /// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?
    ///     .revocation_endpoint("https://as.example.com/revoke")?
    ///     .end_session_endpoint("https://as.example.com/logout")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
    ///     .post_logout_redirect_uri("com.example.app:/logout")
    ///     .build()?;
    /// # let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "read");
    /// let mut session = Session::new(client, tokens);
    /// let mut step = Ok(session.sign_out(SignOut::new().logout(entropy()?))); // remove what is stored now
    /// loop {
    ///     step = match step {
    ///         Ok(SessionAction::SendRequest(request)) => {
    ///             let event = match send(&request) {
    ///                 Ok(status) => Event::ResponseReceived(request.id(), Response::new(status, Headers::NONE, b"")),
    ///                 Err(delivered) => Event::SendFailed(request.id(), delivered),
    ///             };
    ///             session.handle(event, now())
    ///         }
    ///         Ok(SessionAction::OpenUrl(url)) => {
    ///             let redirect = open(&url); // waits for the redirect
    ///             session.handle(Event::RedirectReceived(&redirect), now())
    ///         }
    ///         Ok(SessionAction::RetryAt(_time)) => break, // session.pending_action() at that time, if the app still runs
    ///         Ok(_signed_out) => break,
    ///         Err(_not_the_return) if session.phase() == SessionPhase::LoggingOut => {
    ///             session.handle(Event::Cancelled, now()) // or wait for another redirect
    ///         }
    ///         Err(_somebody_else_does_it) => break,
    ///     };
    /// }
    /// # assert_eq!(session.phase(), oauth_proto::SessionPhase::SignedOut);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign_out(&mut self, how: SignOut) -> SessionAction {
        self.state.sign_out(&self.client, &how)
    }

    /// Returns the action that a sign-out waits for, the same on each call; `None` if there is none.
    #[must_use = "the sign-out waits until this is done"]
    pub fn pending_action(&self) -> Option<SessionAction> {
        self.state.pending_action(&self.client)
    }

    /// The current phase.
    pub fn phase(&self) -> SessionPhase {
        self.state.phase()
    }

    /// When the refresh under way counts as lost; `None` if there is none. [`Session::access`] may be called earlier.
    pub fn deadline(&self) -> Option<UnixTime> {
        match &self.state {
            State::Active(active) => active.flights.deadline(self.client.refresh_timeout()),
            _ => None,
        }
    }

    /// When the grant expires, if the server has said so. Ask the user for a new login before then.
    ///
    /// It is the earliest of `authorization_expires_in` and `refresh_token_timeout` (draft-ietf-oauth-refresh-token-expiration),
    /// `refresh_expires_in` (Keycloak), `refresh_token_expires_in` (GitHub and others) and the ID token's `session_expiry`, and
    /// may be before or after the expiry of an access token. From then on, [`Session::access`] returns
    /// [`LoginRequired::GrantExpired`] and sends nothing, unless [`Session::ask_again`] was called. If only the refresh token has
    /// expired, that begins once the access token has expired too.
    pub fn grant_expires_at(&self) -> Option<UnixTime> {
        match &self.state {
            State::Active(active) => active.grant.ends.first(),
            _ => None,
        }
    }

    /// The scope of the login's own access token; empty once the grant has ended or the user has signed out.
    pub fn scope(&self) -> &str {
        match &self.state {
            State::Active(active) => active.cache.own.token.as_ref().map_or("", |token| &token.scope),
            _ => "",
        }
    }

    /// The ID token that was checked last, of the login or of a refresh: who is logged in (feature `openid`). `None` once the
    /// grant has ended or the user has signed out.
    #[cfg(feature = "openid")]
    pub fn id_token(&self) -> Option<&IdToken> {
        match &self.state {
            State::Active(active) => active.who.id_token(),
            _ => None,
        }
    }

    /// The server's keys that were fetched last, to be stored for the next session (feature `openid`).
    #[cfg(feature = "openid")]
    pub fn keys(&self) -> Option<&KeySet> {
        match &self.state {
            State::Active(active) => active.who.keys(&self.client),
            _ => self.client.keys(),
        }
    }

    /// The error of the last response to a refresh or of its ID token; after a sign-out, why the server was not told. `None`
    /// after a refresh that brought tokens, and before any response.
    pub fn last_error(&self) -> Option<&Error> {
        match &self.state {
            State::Active(active) => active.last_error.as_ref(),
            State::LoginRequired(ended) => ended.last_error.as_ref(),
            State::SigningOut(signing_out) => signing_out.last_error(),
        }
    }

    /// The client that the session uses.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// The most `WWW-Authenticate` lines of a response that are read.
const MAX_CHALLENGE_LINES: usize = 16;

impl Login {
    /// Makes the session of this login, with its client and the server's metadata. Store [`Session::save`] right away.
    pub fn into_session(self, tokens: Tokens) -> Session {
        Session { client: self.into_client(), state: State::Active(Box::new(Active::new(tokens))) }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
