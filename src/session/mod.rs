//! The session: from tokens to authorized API calls, for as long as the grant lives, and then sign-out.
//!
//! The states are in [the crate's documentation](crate); every transition is in [`TRANSITIONS`].

mod access_token;
mod saved;
mod sign_out;
mod state;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

pub use saved::SavedSession;
use state::{Active, State};
pub use state::{SessionTransition, SessionTrigger, TRANSITIONS};

use crate::bearer::Bearer;
use crate::challenge::{self, Advice};
use crate::client::Client;
use crate::config_error::ConfigError;
use crate::error::{Error, Misuse, ServerText};
use crate::http::{Request, RequestId};
use crate::login::Event;
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::token::Tokens;

/// The answer to who needs an access token.
#[derive(Debug)]
#[must_use = "a request that is not sent holds up everybody who waits for it"]
pub enum Access {
    /// Make the call with this token.
    Ready(Bearer),
    /// Send this refresh, hand its answer to [`Session::handle`], store what that gives, and ask again.
    SendRequest(Request),
    /// The refresh of this id is under way: ask again when it has been answered, or at
    /// [`Session::deadline`] at the latest.
    Wait(RequestId),
    /// The server is to be left alone until then: ask again at that time.
    RetryAt(UnixTime),
    /// Only a new login helps. [`LoginRequired::is_final`] tells whether the session has ended.
    LoginRequired(LoginRequired),
}

/// What the outcome of a request means.
#[derive(Debug)]
#[must_use = "new tokens that are not stored are lost when the process ends"]
pub enum SessionAction {
    /// New tokens came. **Store this before they are used**, since the old refresh token may be spent; then ask
    /// [`Session::access`] again.
    Save(SavedSession),
    /// It did not work this time; nothing is lost. Ask again at that time.
    RetryAt(UnixTime),
    /// The grant has ended: remove what was stored.
    LoginRequired(LoginRequired),
    /// The sign-out is complete.
    SignedOut,
}

/// Why only a new login helps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginRequired {
    /// The access token expired or was refused, and there is no refresh token. Ask for the scope `offline_access`.
    NoRefreshToken,
    /// The server said `invalid_grant` (RFC 6749 §5.2).
    GrantEnded(Error),
    /// The API refused a token that had just been refreshed because it refused the one before.
    TokenRefused,
    /// The API demands more scope (RFC 6750 §3.1): log in with it added. The session goes on.
    InsufficientScope {
        /// What the API demands, if it says.
        scope: Option<ServerText>,
    },
    /// The API demands a stronger or more recent authentication (RFC 9470): log in with these. The session goes on.
    StepUp {
        /// For [`AuthorizationRequest::acr_values`](crate::AuthorizationRequest::acr_values).
        acr_values: Option<ServerText>,
        /// For [`AuthorizationRequest::max_age`](crate::AuthorizationRequest::max_age).
        max_age: Option<u64>,
    },
    /// The user signed out.
    SignedOut,
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionPhase {
    /// The grant lives.
    Active,
    /// A refresh is under way.
    Refreshing,
    /// A refresh was sent and its answer was lost: the refresh token may be spent or not. The next need tries it again, as
    /// servers with a grace period allow.
    OutcomeUnknown,
    /// A refresh is under way after one whose answer was lost.
    Retrying,
    /// The grant has ended.
    LoginRequired,
    /// Signed out here; the server is being told.
    SigningOut,
    /// Signed out.
    SignedOut,
}

/// A session, as a machine without I/O. One value serves any number of callers, behind a lock of theirs that is held
/// for the calls of these methods only, never while a request is under way.
///
/// Whoever needs a token goes round this loop. `wait_until` and `store` are yours, and so is `send`.
///
/// ```
/// use oauth_proto::{Access, Bearer, Event, LoginRequired, Response, Session, SessionAction, UnixTime};
/// # use oauth_proto::{AuthorizationServer, Client, Request, Secret, Tokens};
/// # fn now() -> UnixTime { UnixTime::from_secs(1100) }
/// # fn wait_until(_: Option<UnixTime>) {}
/// # fn store(_: &str) {}
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
///                 let (status, headers, body) = send(&request);
///                 let response = Response::new(status, headers.as_slice(), &body);
///                 // With several threads, unlock the session for `send`.
///                 if let Ok(SessionAction::Save(saved)) = session.handle(Event::ResponseReceived(request.id(), response), now()) {
///                     store(&serde_json::to_string(&saved).unwrap_or_default()); // before the new token is used
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
    /// Takes the tokens of a login. Store [`Session::save`] right away.
    pub fn new(client: Client, tokens: Tokens) -> Self {
        Self { client, state: State::Active(Box::new(Active::new(tokens))) }
    }

    /// Asks for an access token. One refresh is under way at a time, whoever asks; a token that is still good is handed
    /// out while a refresh is under way or has to wait.
    pub fn access(&mut self, now: UnixTime) -> Access {
        self.state.access(&self.client, now)
    }

    /// Takes the outcome of a request: [`Event::ResponseReceived`] or [`Event::SendFailed`].
    ///
    /// # Errors
    /// [`Error::Ignored`] for an id that no request under way has, [`Error::Misuse`] for any other event; the session is
    /// then exactly as it was. What the server refused is no error here but a [`SessionAction`];
    /// [`Session::last_error`] tells why.
    pub fn handle(&mut self, event: Event<'_>, now: UnixTime) -> Result<SessionAction, Error> {
        match event {
            Event::ResponseReceived(id, response) => self.state.outcome(&self.client, id, Ok(&response), now),
            Event::SendFailed(id, delivered) => self.state.outcome(&self.client, id, Err(delivered), now),
            Event::Start(_) | Event::RedirectReceived(_) | Event::Cancelled => {
                Err(Error::Misuse(Misuse::NotForASession))
            }
        }
    }

    /// The API answered a call that was made with `bearer` with this status and these `WWW-Authenticate` lines.
    ///
    /// A token that was refused is refreshed once, however many callers were refused with it; those who come late get the
    /// newer one. `None` means that the answer says nothing about the token: it is the caller's to deal with.
    pub fn refused(
        &mut self,
        bearer: &Bearer,
        status: u16,
        www_authenticate: &[&str],
        now: UnixTime,
    ) -> Option<Access> {
        let advice = match challenge::advice(status, www_authenticate) {
            // Many an API says nothing at all, or nothing that can be read.
            Advice::None if status == 401 && challenge::none_in(www_authenticate) => Advice::Authenticate,
            // A 403 that only tells where to learn more says nothing about the token.
            Advice::Discover { .. } if status != 401 => Advice::None,
            advice => advice,
        };
        match (advice, &self.state) {
            (Advice::InsufficientScope { scope }, State::Active(_)) => {
                Some(Access::LoginRequired(LoginRequired::InsufficientScope { scope }))
            }
            (Advice::StepUp { acr_values, max_age }, State::Active(_)) => {
                Some(Access::LoginRequired(LoginRequired::StepUp { acr_values, max_age }))
            }
            (Advice::DpopNonce | Advice::None, _) => None,
            (_, State::Active(_)) => Some(self.state.refused(&self.client, bearer.token(), now)),
            // The session has ended meanwhile.
            _ => Some(self.access(now)),
        }
    }

    /// Signs out: every token is forgotten here at once, and late answers change nothing. `Some` is the revocation
    /// (RFC 7009) to be sent, its outcome to be handed to [`Session::handle`]; whether it succeeds or not, the sign-out
    /// holds. After [`SessionAction::RetryAt`], call this again at that time. Further calls do no harm: until there is an
    /// outcome they give the same request.
    pub fn sign_out(&mut self) -> Option<Request> {
        self.state.sign_out(&self.client)
    }

    /// Asks for a narrower scope in later refreshes (RFC 6749 §6); an empty text asks for all again.
    ///
    /// # Errors
    /// [`ConfigError::Parameter`] if it is not part of what was granted.
    pub fn refresh_scope(&mut self, scope: &str) -> Result<(), ConfigError> {
        let State::Active(active) = &mut self.state else { return Ok(()) };
        let granted: alloc::collections::BTreeSet<&str> = active.granted_scope.split(' ').collect();
        let is_granted = |token: &str| crate::chars::is_scope_token(token) && granted.contains(token);
        if !scope.is_empty() && !scope.split(' ').all(is_granted) {
            return Err(ConfigError::parameter(
                "scope",
                "asks for more than was granted (RFC 6749 section 6): start a new login with the wider scope",
            ));
        }
        active.refresh_scope = Some(scope.into()).filter(|scope: &String| !scope.is_empty());
        Ok(())
    }

    /// Where the session is.
    pub fn phase(&self) -> SessionPhase {
        self.state.phase()
    }

    /// When a refresh under way is taken for lost; `None` when none is. Asking [`Session::access`] earlier does no harm.
    pub fn deadline(&self) -> Option<UnixTime> {
        match &self.state {
            State::Active(active) => active.deadline(&self.client),
            _ => None,
        }
    }

    /// The scope of the present access token; empty once signed out.
    pub fn scope(&self) -> &str {
        match &self.state {
            State::Active(active) => &active.access.scope,
            _ => "",
        }
    }

    /// The ID token that came last. **It is not verified**: believe nothing it says.
    pub fn id_token(&self) -> Option<&Secret> {
        match &self.state {
            State::Active(active) => active.id_token.as_ref(),
            _ => None,
        }
    }

    /// Why the last refresh did not bring tokens; `None` after one that did.
    pub fn last_error(&self) -> Option<&Error> {
        match &self.state {
            State::Active(active) => active.last_error.as_ref(),
            State::LoginRequired(ended) => ended.last_error.as_ref(),
            _ => None,
        }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl LoginRequired {
    /// Whether the session is of no more use. If not, the API only demands more than the present tokens give: they are still
    /// good for everything else, and the session should be kept until the new login is done.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::InsufficientScope { .. } | Self::StepUp { .. })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("phase", &self.phase()).finish_non_exhaustive()
    }
}

impl fmt::Display for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRefreshToken => f.write_str("the access token cannot be refreshed; log in again"),
            Self::GrantEnded(error) => write!(f, "the grant has ended ({error}); log in again"),
            Self::TokenRefused => f.write_str("the API refused two tokens in a row; log in again"),
            Self::InsufficientScope { .. } => f.write_str("the API demands more scope; log in with it added"),
            Self::StepUp { .. } => f.write_str("the API demands a stronger or more recent login"),
            Self::SignedOut => f.write_str("signed out; log in again"),
        }
    }
}
