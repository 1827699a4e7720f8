//! The login, from nothing to tokens: each accepted event yields exactly one action.
//!
//! The states are in [the crate's documentation](crate); every transition is in [`transitions`].

pub(crate) mod action;
mod awaiting_redirect;
mod backoff;
mod discovering;
pub(crate) mod event;
mod exchanging_code;
#[cfg(feature = "openid")]
mod fetching_keys;
pub(crate) mod identity;
mod rules;
mod saved;
pub(crate) mod signature_check;
mod state;
pub(crate) mod tokens;
pub mod transitions;
mod unchecked;
#[cfg(feature = "openid")]
mod verifying;

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

pub use self::action::{Action, Phase};
pub use self::event::Event;
pub use self::exchanging_code::CODE_LIFETIME_SECS;
use self::rules::Rules;
pub use self::saved::SavedLogin;
pub use self::signature_check::SignatureCheck;
use self::state::State;
pub use self::tokens::Tokens;
use crate::config::client::Client;
use crate::error::config::ConfigError;
use crate::error::Error;
use crate::text::base64url::Base64Url32;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::redirect::pasted;

/// One login (RFC 6749 §4.1 with RFC 7636), as a state machine without I/O.
///
/// ```
/// use oauth_proto::{Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, UnixTime};
///
/// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?
///     .issuer("https://as.example.com")?;
/// let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// let mut login = Login::new(client, AuthorizationRequest::new().scope("read"))?;
/// # let entropy = Entropy::new(core::array::from_fn(|index| index as u8))?;
/// let Action::OpenUrl(url) = login.handle(Event::Start(entropy), UnixTime::from_secs(0))? else { panic!() };
/// assert!(url.starts_with("https://as.example.com/authorize?response_type=code&client_id=s6BhdRkqt3"));
///
/// // A forged redirect changes nothing.
/// let error = login.handle(Event::RedirectReceived("com.example.app:/callback?code=x&state=y"), UnixTime::from_secs(1));
/// assert!(!error.unwrap_err().is_fatal());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Login {
    client: Client,
    request: Arc<AuthorizationRequest>,
    state: State,
}

impl Login {
    /// Makes a login that has not been started. Any number of logins may share client and request.
    ///
    /// # Errors
    /// [`ConfigError::Parameter`] for the first problem in the request, or for a parameter that is also in the query of the
    /// authorization endpoint. [`ConfigError::Metadata`] if the server's metadata rules the request out. For the scope `openid`,
    /// also any error about a setting that is missing for checking ID tokens. Checks that need the server's metadata are made
    /// once it has been fetched.
    pub fn new(client: Client, request: impl Into<Arc<AuthorizationRequest>>) -> Result<Self, ConfigError> {
        let request = request.into();
        request.check()?;
        Rules { client: &client, request: &request }.check()?;
        Ok(Self { client, request, state: State::Ready })
    }

    /// Takes an event and returns the next action: the only method that changes a login. `now` is the present time.
    ///
    /// # Errors
    /// If [`Error::is_fatal`] is false, the event was refused and the login is exactly as it was: keep waiting. If it is true,
    /// the login is over, its secrets are wiped, and every later event gets the same error.
    pub fn handle(&mut self, event: Event<'_>, now: UnixTime) -> Result<Action, Error> {
        let rules = Rules { client: &self.client, request: &self.request };
        let (action, client) = self.state.handle(&rules, event, now)?;
        if let Some(client) = client {
            self.client = client;
        }
        Ok(action)
    }

    /// Returns the action that the login waits for, the same on each call. Use it at the time of [`Action::RetryAt`], for an
    /// action that was lost before it was carried out, and after [`Login::resume`]. Do not repeat a token request that may have
    /// been sent: hand over [`Event::SendFailed`] with [`Delivered::Maybe`](crate::Delivered::Maybe). `None` before the start and
    /// after the end.
    pub fn pending_action(&self) -> Option<Action> {
        self.state.pending_action(&Rules { client: &self.client, request: &self.request })
    }

    /// Makes the redirect URL of this login from a bare code that the user pasted, for [`Event::RedirectReceived`]: for servers
    /// that show only a code, without `state`. Blanks and quotes around the code are removed.
    ///
    /// **This adds the login's own `state` to any code, so the `state` proves nothing**: an attacker may talk the user into
    /// pasting a code of the attacker's login, and the app would then act in the attacker's account. What still protects is PKCE,
    /// by which the server refuses a code made for another `code_challenge` (RFC 9700 §2.1.1, §4.5.3.1), and with the scope
    /// `openid` the `nonce`. Use it only for such a server; for others use
    /// [`redirect::from_pasted`](crate::redirect::from_pasted).
    ///
    /// `None` if the login does not wait for its redirect, if the server promises `iss` in every response (RFC 9207 §3), which a
    /// bare code lacks, or if `code` is not a bare code: it is empty, has characters that no code has, or is a URL, a query or
    /// `code#state`.
    ///
    /// ```
    /// # use oauth_proto::{Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, UnixTime};
    /// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// # let client = Client::new(server, "s6BhdRkqt3", "https://as.example.com/show-code")?;
    /// # let mut login = Login::new(client, AuthorizationRequest::new().scope("read"))?;
    /// # let entropy = Entropy::new(core::array::from_fn(|index| index as u8))?;
    /// # let now = UnixTime::from_secs(0);
    /// # let _ = login.handle(Event::Start(entropy), now)?;
    /// let url = login.url_of_bare_code(" SplxlOBeZQQYbYS6WxSbIA\n").expect("the login waits for it");
    /// let action = login.handle(Event::RedirectReceived(&url), now)?;
    /// assert!(matches!(action, Action::SendRequest(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn url_of_bare_code(&self, code: &str) -> Option<String> {
        let State::AwaitingRedirect(waiting) = &self.state else { return None };
        let code = pasted::bare_code(self.client.redirect_uri().as_str(), code)?;
        let mut state = Base64Url32::new();
        (!self.client.server().iss_required).then(|| {
            pasted::with_code(self.client.redirect_uri().as_str(), &code, state.encode(waiting.state.octets()))
        })
    }

    /// The current phase.
    pub fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// The deadline of the current phase. [`Phase::Discovering`] and [`Phase::AwaitingRedirect`]: the user must be back by then;
    /// any event after it ends the login with [`Over::Expired`](crate::Over::Expired). [`Phase::ExchangingCode`]: the code is not
    /// sent again after it, but a response is accepted at any time. `None` in other phases: [`Phase::FetchingKeys`] and
    /// [`Phase::Verifying`] wait for the keys and for the app, or for [`Event::Cancelled`], without a deadline.
    pub fn deadline(&self) -> Option<UnixTime> {
        self.state.deadline()
    }

    /// The client, with the server's metadata once that has been fetched.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it may ask the app to verify a signature.
    #[cfg_attr(not(feature = "openid"), expect(clippy::unused_self))]
    pub(crate) fn may_ask_to_verify(&self) -> bool {
        #[cfg(feature = "openid")]
        return self.request.asks_for_openid() && self.client.verifies_by_action();
        #[cfg(not(feature = "openid"))]
        false
    }

    pub(crate) fn into_client(self) -> Client {
        self.client
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("phase", &self.phase())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
