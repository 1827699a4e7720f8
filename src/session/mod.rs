//! The session: from tokens to authorized API calls, for as long as the grant lives, and then sign-out.
//!
//! The states are in [the crate's documentation](crate); every transition is in [`transitions`].

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
use crate::openid::id_token::IdToken;
#[cfg(feature = "openid")]
use crate::openid::keys::KeySet;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::challenge::{self, Advice};
use crate::wire::target::Target;

/// A session, as a machine without I/O.
///
/// **Only the server ends a grant.** A refresh whose answer is lost is tried again, for as long as it takes; if the refresh token
/// was spent, the server says so. An access token that is still good is handed out meanwhile.
///
/// If the login asked who the user is (`openid`), refreshes may bring ID tokens. An answer with one of somebody else is not used
/// at all, and ends the session; what else is wrong with a new ID token costs that token alone, and `id_token` gives the one of
/// before. The keys to check it with are fetched by a request of their own, which [`Session::access`] gives to one of those who
/// ask.
///
/// One value serves any number of callers, behind a lock of theirs that is held for the calls of these methods, and while what
/// [`Session::save`] gives is stored, never while a request is under way.
///
/// Whoever needs a token goes round this loop. `wait_until`, `store` and `send` are yours; so is the executor, if there is one.
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
///                 if deadline.is_some() { // none: it has been answered meanwhile
///                     wait_until(deadline).await // or until whoever sent it is done
///                 }
///             }
///             Access::SendRequest(request) => carry_out(session, request).await,
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
///             // Before the new token is used; `None` says that what is stored is to be removed.
///             Ok(SessionAction::Save | SessionAction::LoginRequired(_)) => return store(session.save()),
///             // The user has signed out meanwhile: what came late is revoked.
///             Ok(SessionAction::SendRequest(revocation)) => request = revocation,
///             _ => return,
///         }
///     }
/// }
///
/// /// A future that is dropped while it sends lets the session know; once the answer was handed over, this does nothing.
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
    /// Takes tokens, for those who have no [`Login`] any more ([`Login::into_session`]). Store [`Session::save`] right away. If the
    /// login has found the server by its issuer, so has the session; tokens from elsewhere cannot be refreshed by a client that
    /// knows only its server's issuer, before it is given the metadata (`Client::with_metadata`).
    pub fn new(client: Client, tokens: Tokens) -> Self {
        let client = tokens.identity.client_with_findings(client);
        Self { client, state: State::Active(Box::new(Active::new(tokens))) }
    }

    /// Asks for the login's own access token. One refresh is under way at a time, whoever asks; a token that is still good is
    /// handed out while a refresh is under way or has to wait.
    pub fn access(&mut self, now: UnixTime) -> Access {
        self.access_for(&Target::own(), now)
    }

    /// Asks for an access token for one of several APIs. All of them come from the one refresh token, so one refresh is under way
    /// at a time, whatever it is for; each access token is kept with its own expiry, and what the server refuses for one
    /// target holds up no other.
    pub fn access_for(&mut self, target: &Target, now: UnixTime) -> Access {
        self.state.access(&self.client, target, now)
    }

    /// Says that what stood in the way has been dealt with, so that the next need asks the server again at once: the user did
    /// what [`LoginRequired::UserMustAct`] asked for, the client was set right ([`Access::Refused`]), the device is online
    /// again ([`Access::RetryAt`]), its clock was set right ([`LoginRequired::GrantExpired`]). A time that the server itself asked for (`Retry-After`) holds all the same.
    pub fn ask_again(&mut self) {
        if let State::Active(active) = &mut self.state {
            active.ask_again();
        }
    }

    /// Says that the grant is over, by the error of an [`Access::Refused`], whose words the app knows (GitHub's
    /// `bad_refresh_token`, for example): from now on it is [`LoginRequired::GrantEnded`]. Remove what was stored. (Where several
    /// threads share a session, ask [`Session::access`] once more under the lock before: newer tokens may have come since.)
    pub fn end_grant(&mut self, error: Error) -> SessionAction {
        self.state.end_grant(error)
    }

    /// Takes the outcome of a request: [`Event::ResponseReceived`] or [`Event::SendFailed`]. While the user logs out in the
    /// browser: [`Event::RedirectReceived`], or [`Event::Cancelled`] when nobody waits for it.
    ///
    /// # Errors
    /// [`Error::Ignored`] for an id that no request under way has and for a redirect that is not the return from the logout,
    /// [`Error::Misuse`] for any other event; the session is then exactly as it was. What the server refused is no error here
    /// but a [`SessionAction`];
    /// [`Session::last_error`] tells why.
    pub fn handle(&mut self, event: Event<'_>, now: UnixTime) -> Result<SessionAction, Error> {
        match event {
            Event::ResponseReceived(id, response) => self.state.outcome(&self.client, id, Ok(&response), now),
            Event::SendFailed(id, delivered) => self.state.outcome(&self.client, id, Err(delivered), now),
            Event::RedirectReceived(url) => self.state.returned(&self.client, url, now),
            Event::Cancelled => self.state.cancelled(&self.client, now).ok_or(Error::Misuse(Misuse::NotForASession)),
            Event::Start(_) => Err(Error::Misuse(Misuse::NotForASession)),
        }
    }

    /// The API answered a call that was made with `bearer` with this status and these headers, of which `WWW-Authenticate` is
    /// looked at.
    ///
    /// Any 401 is worth a refresh, once, however many callers were refused with that token; those who come late get the newer
    /// one. What another refusal of the new token means is told to that caller alone ([`LoginRequired::TokenRefused`]): others
    /// keep getting it, and refreshes for refusals become rarer. If the API demands another login, [`LoginRequired`] carries the
    /// authorization request to make, and this session stays as it is until that login is done. `None` means that the answer
    /// says nothing about the token, or that a wider [`Target`] than the caller asked for would do: it is the caller's to deal
    /// with.
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
            // Whatever scheme it names, and if it cannot be read: a 401 says that the token will not do; so does `invalid_token`.
            advice if status == 401 || advice == Advice::Refresh => {
                return Some(self.state.refused(&self.client, bearer, now));
            }
            // A 403 that only tells where to learn more says nothing about the token.
            _ => return None,
        };
        self.state.demanded(&self.client, bearer, demand, now)
    }

    /// The request of a new login that asks for what the present one asked for and was granted; `None` once signed out. What is
    /// said once (`prompt`, `invitation`, `screen_hint`) is left out.
    pub fn authorization_request(&self) -> Option<Arc<AuthorizationRequest>> {
        let grant = match &self.state {
            State::Active(active) => &active.grant,
            State::LoginRequired(ended) => &ended.grant,
            State::SigningOut(_) => return None,
        };
        Some(grant.request_again(&More::default()))
    }

    /// Signs out: every token is forgotten here at once. Carry out what this gives, hand the outcome to [`Session::handle`], and so
    /// on until [`SessionAction::SignedOut`]; whatever the server answers, the sign-out holds. A refresh that was under way is
    /// remembered: hand its outcome over as well, and what it brings is revoked ([`SessionAction::SendRequest`], even after
    /// `SignedOut`); until then, and if it was lost, [`Session::last_error`] says [`Over::NotRevoked`](crate::Over::NotRevoked).
    /// After [`SessionAction::RetryAt`] there is [`Session::pending_action`]. Further calls do no harm: they
    /// give what is pending.
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
    ///         Ok(SessionAction::RetryAt(_time)) => break, // session.pending_action() at that time, if the app lives then
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

    /// What a sign-out waits for, the same as often as it is asked; `None` when nothing is to be done.
    #[must_use = "the sign-out waits until this is done"]
    pub fn pending_action(&self) -> Option<SessionAction> {
        self.state.pending_action(&self.client)
    }

    /// Where the session is.
    pub fn phase(&self) -> SessionPhase {
        self.state.phase()
    }

    /// When a refresh under way is taken for lost; `None` when none is. Asking [`Session::access`] earlier does no harm.
    pub fn deadline(&self) -> Option<UnixTime> {
        match &self.state {
            State::Active(active) => active.flights.deadline(self.client.refresh_timeout()),
            _ => None,
        }
    }

    /// When the grant ends by itself, as far as the server has said, sooner or later than any access token: time to ask the user
    /// before it does. Of `authorization_expires_in` and `refresh_token_timeout` (draft-ietf-oauth-refresh-token-expiration),
    /// `refresh_expires_in` (Keycloak), `refresh_token_expires_in` (GitHub and others) and the ID token's `session_expiry`, the
    /// first. Past it, it is [`LoginRequired::GrantExpired`], and nothing is sent, unless [`Session::ask_again`] says so; if only
    /// the refresh token ends, as soon as the access token does.
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

    /// The ID token that was checked last, of the login or of a refresh: who is logged in (feature `openid`). `None` once
    /// the grant has ended or the user has signed out.
    #[cfg(feature = "openid")]
    pub fn id_token(&self) -> Option<&IdToken> {
        match &self.state {
            State::Active(active) => active.who.id_token(),
            _ => None,
        }
    }

    /// The keys of the server that were fetched last: worth storing for the next session (feature `openid`).
    #[cfg(feature = "openid")]
    pub fn keys(&self) -> Option<&KeySet> {
        match &self.state {
            State::Active(active) => active.who.keys(&self.client),
            _ => self.client.keys(),
        }
    }

    /// What was wrong with the last answer to a refresh, or with the ID token that it brought, or why the server was not
    /// told of a sign-out; `None` after a refresh that brought tokens, and when there was no answer at all.
    pub fn last_error(&self) -> Option<&Error> {
        match &self.state {
            State::Active(active) => active.last_error.as_ref(),
            State::LoginRequired(ended) => ended.last_error.as_ref(),
            State::SigningOut(signing_out) => signing_out.last_error(),
        }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// So many `WWW-Authenticate` lines of an answer are looked at.
const MAX_CHALLENGE_LINES: usize = 16;

impl Login {
    /// The session of this login and its tokens, with the login's client: its server is found already. Store
    /// [`Session::save`] right away.
    pub fn into_session(self, tokens: Tokens) -> Session {
        Session { client: self.into_client(), state: State::Active(Box::new(Active::new(tokens))) }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
