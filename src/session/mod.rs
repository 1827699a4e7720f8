//! The session: from tokens to authorized API calls, for as long as the grant lives, and then sign-out.
//!
//! The states are in [the crate's documentation](crate); every transition is in [`TRANSITIONS`].

mod access_token;
mod adopt;
mod cache;
mod demand;
mod flights;
mod grant;
mod outcome;
mod patience;
mod saved;
mod sign_out;
mod state;
mod transitions;
#[cfg_attr(not(feature = "openid"), path = "who_off.rs")]
mod who;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use demand::Demand;
use grant::More;
pub use outcome::{Access, Adopted, LoginRequired, SessionAction, SessionPhase};
pub use saved::SavedSession;
pub use sign_out::SignOut;
use state::{Active, State};
pub use transitions::{SessionTransition, SessionTrigger, TRANSITIONS};

use crate::authorization::AuthorizationRequest;
use crate::bearer::Bearer;
use crate::challenge::{self, Advice};
use crate::chars;
use crate::client::Client;
use crate::config_error::ConfigError;
use crate::error::{Error, Misuse};
use crate::login::Event;
#[cfg(feature = "openid")]
use crate::openid::{IdToken, KeySet};
use crate::target::Target;
use crate::time::UnixTime;
use crate::token::Tokens;

/// A session, as a machine without I/O.
///
/// If the login asked who the user is (`openid`), refreshes may bring ID tokens. Their tokens are taken if they are this
/// very user's; what a new ID token says is believed once it has been checked, and until then, or if its time is wrong,
/// `id_token` gives the one of before. The keys for that are fetched by a request of their own, which [`Session::access`]
/// gives to one of those who ask.
///
/// One value serves any number of callers, behind a lock of theirs that is held
/// for the calls of these methods only, never while a request is under way.
///
/// Whoever needs a token goes round this loop. `wait_until` and `store` are yours, and so is `send`.
///
/// ```
/// use oauth_proto::{Access, Bearer, Event, LoginRequired, Response, SavedSession, Session, SessionAction, UnixTime};
/// # use oauth_proto::{AuthorizationServer, Client, Request, Secret, Tokens};
/// # fn now() -> UnixTime { UnixTime::from_secs(1100) }
/// # fn wait_until(_: Option<UnixTime>) {}
/// # fn store(saved: SavedSession) { serde_json::to_string(&saved).unwrap(); }
/// # fn send(_: &Request) -> (u16, Vec<(String, String)>, Vec<u8>) {
/// #     let body = br#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#.to_vec();
/// #     (200, vec![("Content-Type".into(), "application/json".into())], body) }
///
/// fn bearer(session: &mut Session) -> Result<Bearer, LoginRequired> {
///     loop {
///         match session.access(now()) {
///             Access::Ready(bearer) => return Ok(bearer),
///             Access::LoginRequired(why) => return Err(why),
///             Access::RetryAt(time) => wait_until(Some(time)),
///             Access::Wait(_) => wait_until(session.deadline()), // or until whoever sent it is done
///             Access::SendRequest(request) => {
///                 if let Some(saved) = session.save() { store(saved) } // says that one was sent
///                 let (status, headers, body) = send(&request);
///                 let response = Response::new(status, headers.as_slice(), &body);
///                 // With several threads, unlock the session for `send`.
///                 if let Ok(SessionAction::Save(saved)) = session.handle(Event::ResponseReceived(request.id(), response), now()) {
///                     store(saved); // before the new token is used
///                 }
///             }
///         }
///     }
/// }
/// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// # let expires_at = Some(UnixTime::from_secs(1000));
/// # let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), expires_at, "read");
/// # assert_eq!(bearer(&mut Session::new(client, tokens)).unwrap().token().reveal(), "AT2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session {
    client: Client,
    state: State,
}

impl Session {
    /// Takes the tokens of a login. Store [`Session::save`] right away. If the login has found the server by its issuer, so
    /// has the session; tokens from elsewhere cannot be refreshed by a client that knows only its server's issuer, before it
    /// is given the metadata (`Client::with_metadata`).
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
    /// at a time, whatever it is for, and one that is lost is lost for all of them; each access token is kept with its own
    /// expiry, and what the server refuses for one target holds up no other.
    pub fn access_for(&mut self, target: &Target, now: UnixTime) -> Access {
        self.state.access(&self.client, target, now)
    }

    /// Allows one more refresh with a refresh token that two refreshes were lost with
    /// ([`LoginRequired::OutcomeUnknown`]). The session never does so by itself, since a server that has seen the token twice may
    /// revoke all that the login gave. It is right when the user would rather try again than log in, and when it is known that
    /// the server was down all the time. It does nothing in any other phase. Where several processes share a store, it is said to
    /// the one that then asks.
    pub fn try_again(&mut self) {
        if let State::Active(active) = &mut self.state {
            active.flights.allow_one();
        }
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

    /// The API answered a call that was made with `bearer` with this status and these `WWW-Authenticate` lines.
    ///
    /// A token that was refused is refreshed once, however many callers were refused with it; those who come late get the
    /// newer one. If the API demands another login, [`LoginRequired`] carries the authorization request to make, and this session
    /// stays as it is until that login is done. `None` means that the answer says nothing about the token, or that a wider
    /// [`Target`] than the caller asked for would do: it is the caller's to deal with.
    #[must_use = "a request that is not sent holds up everybody who waits for it"]
    pub fn refused(
        &mut self,
        bearer: &Bearer,
        status: u16,
        www_authenticate: &[&str],
        now: UnixTime,
    ) -> Option<Access> {
        match challenge::advice(status, www_authenticate) {
            Advice::InsufficientScope { scope } => self.state.demanded(&self.client, bearer, Demand::Scope(scope), now),
            Advice::StepUp { acr_values, max_age, claims: _ } => {
                self.state.demanded(&self.client, bearer, Demand::StepUp { acr_values, max_age }, now)
            }
            Advice::Refresh | Advice::Authenticate => Some(self.state.refused(&self.client, bearer, now)),
            // A 403 that only tells where to learn more says nothing about the token.
            Advice::Discover { .. } if status == 401 => Some(self.state.refused(&self.client, bearer, now)),
            // Many an API says nothing at all, or nothing that can be read.
            Advice::None if status == 401 && challenge::none_in(www_authenticate) => {
                Some(self.state.refused(&self.client, bearer, now))
            }
            Advice::Discover { .. } | Advice::DpopNonce | Advice::None => None,
        }
    }

    /// The request of a new login that asks for what the present one asked for and was granted; `None` once signed out. What is
    /// said once (`prompt`, `invitation`, `screen_hint`) is left out.
    pub fn authorization_request(&self) -> Option<Arc<AuthorizationRequest>> {
        let grant = match &self.state {
            State::Active(active) => &active.grant,
            State::LoginRequired(ended) => &ended.grant,
            State::SigningOut(_) | State::SignedOut(_) => return None,
        };
        Some(Arc::new(grant.request_again(&More::default())))
    }

    /// Signs out: every token is forgotten here at once, and late answers change nothing. Carry out what this gives, hand the
    /// outcome to [`Session::handle`], and so on until [`SessionAction::SignedOut`]; whatever the server answers, the
    /// sign-out holds. After [`SessionAction::RetryAt`] there is [`Session::pending_action`]. Further calls do no harm: they
    /// give what is pending.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client, Delivered, Event, Secret, Session, SessionAction};
    /// use oauth_proto::{SessionPhase, SignOut, Tokens, UnixTime};
    /// # use oauth_proto::{Entropy, Headers, LogoutUrl, Request, Response};
    /// # fn now() -> UnixTime { UnixTime::from_secs(0) }
    /// # fn send(_: &Request) -> u16 { 200 }
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
    ///             let status = send(&request); // or Event::SendFailed
    ///             session.handle(Event::ResponseReceived(request.id(), Response::new(status, Headers::NONE, b"")), now())
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

    /// Asks for a narrower scope in later refreshes of the login's own token (RFC 6749 §6); an empty text asks for all again.
    ///
    /// # Errors
    /// [`ConfigError::Parameter`] if it is not part of what was granted.
    pub fn refresh_scope(&mut self, scope: &str) -> Result<(), ConfigError> {
        let State::Active(active) = &mut self.state else { return Ok(()) };
        let is_granted = || scope.split(' ').all(chars::is_scope_token) && active.grant.covers(scope);
        if !scope.is_empty() && !is_granted() {
            return Err(ConfigError::parameter(
                "scope",
                "asks for more than was granted (RFC 6749 section 6): start a new login with the wider scope",
            ));
        }
        active.refresh_scope = Some(Arc::from(scope)).filter(|_| !scope.is_empty());
        Ok(())
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
            State::SignedOut(last_error) => last_error.as_ref(),
        }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
