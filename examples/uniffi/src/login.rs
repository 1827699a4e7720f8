//! The login as an object.

use std::sync::{Arc, Mutex};

use oauth_proto::{Login, SavedLogin, Session, UnixTime};

use crate::error::OauthError;
use crate::event::{Event, HttpRequest};
use crate::lock;
use crate::session::SessionHandle;
use crate::settings::Settings;

/// One login. Any thread may call it.
#[derive(uniffi::Object)]
pub struct LoginHandle(pub(crate) Mutex<Login>);

/// What the app must do next.
#[derive(uniffi::Enum)]
pub enum Action {
    /// Open this URL in the user's browser, and wait for the redirect.
    OpenUrl { url: String },
    /// Send this request, and hand over its response.
    SendRequest { request: HttpRequest },
    /// Wait until this time, then carry out `pending_action`.
    RetryAt { at: UnixTime },
    /// The login has succeeded. Store `session.save()` right away.
    TokensReady { session: Arc<SessionHandle> },
}

#[uniffi::export]
impl LoginHandle {
    /// A login that has not been started: hand it `Event::Start`.
    #[uniffi::constructor]
    pub fn new(settings: &Settings) -> Result<Self, OauthError> {
        Ok(Self(Mutex::new(Login::new(settings.client()?, settings.request())?)))
    }

    /// Continues a login that was saved while the browser was open.
    #[uniffi::constructor]
    pub fn resume(settings: &Settings, saved: SavedLogin, now: UnixTime) -> Result<Self, OauthError> {
        Ok(Self(Mutex::new(Login::resume(settings.client()?, saved, now)?)))
    }

    /// Takes an event and returns the next action. After an error that is not fatal, the login is as it was: keep waiting.
    pub fn handle(&self, event: Event, now: UnixTime) -> Result<Action, OauthError> {
        let mut login = lock(&self.0);
        let action = event.hand(|event| login.handle(event, now))?;
        Action::of(action, &login)
    }

    /// The action that the login waits for: after `resume`, and at the time of `RetryAt`.
    pub fn pending_action(&self) -> Result<Option<Action>, OauthError> {
        let login = lock(&self.0);
        login.pending_action().map(|action| Action::of(action, &login)).transpose()
    }

    /// The form to store while the browser is open. Remove it when a redirect was accepted.
    pub fn save(&self) -> Option<SavedLogin> {
        lock(&self.0).save()
    }

    /// When the user must be back.
    pub fn deadline(&self) -> Option<UnixTime> {
        lock(&self.0).deadline()
    }

    /// The phase, as a stable name.
    pub fn phase(&self) -> String {
        lock(&self.0).phase().code().into()
    }
}

impl Action {
    fn of(action: oauth_proto::Action, login: &Login) -> Result<Self, OauthError> {
        use oauth_proto::Action as Core;
        Ok(match action {
            Core::OpenUrl(url) => Self::OpenUrl { url: url.to_string() },
            Core::SendRequest(request) => Self::SendRequest { request: HttpRequest::from(&request) },
            Core::RetryAt(at) => Self::RetryAt { at },
            Core::TokensReady(tokens) => {
                let session = Session::new(login.client().clone(), tokens);
                Self::TokensReady { session: Arc::new(SessionHandle(Mutex::new(session))) }
            }
            #[allow(unreachable_patterns)] // an action that only a setting brings, which is not among `Settings`
            action @ Core::Verify(_) => return Err(OauthError::unknown_action(&action)),
        })
    }
}
