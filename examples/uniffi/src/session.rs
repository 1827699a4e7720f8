//! The session as an object.

use std::sync::{Arc, Mutex};

use oauth_proto::{Adopted, Headers, Session, SignOut, UnixTime};

use crate::error::OauthError;
use crate::event::{random, Event, Header, HttpRequest};
use crate::lock;
use crate::login::LoginHandle;
use crate::settings::Settings;
use crate::values::StoredSession;

/// The session of one user. Any number of threads may share it.
#[derive(uniffi::Object)]
pub struct SessionHandle(pub(crate) Mutex<Session>);

/// An access token that is good for a call now.
#[derive(uniffi::Object)]
pub struct Bearer(oauth_proto::Bearer);

/// An access token, or what to do until there is one.
#[derive(uniffi::Enum)]
pub enum Access {
    /// Make the call with this token.
    Ready { bearer: Arc<Bearer> },
    /// Send this request, hand its response to `handle`, carry out the returned action, and ask again.
    SendRequest { request: HttpRequest },
    /// Another thread refreshes the token: ask again when that is done, or at this time at the latest.
    Wait { until: UnixTime },
    /// The network failed, or the server is busy: ask again at this time.
    RetryAt { at: UnixTime },
    /// The user has to act.
    LoginRequired { why: LoginRequired },
    /// The server refuses this client or this request, and waiting does not help. The session is kept.
    Refused { error: OauthError, retry_at: Option<UnixTime> },
}

/// What to do after an event, and the steps of a sign-out.
#[derive(uniffi::Enum)]
pub enum SessionAction {
    /// New tokens: store this before they are used. None: remove what is stored.
    Save { session: Option<StoredSession> },
    /// No new tokens: ask `access` again at this time. In a sign-out: carry out `pending_action` then.
    RetryAt { at: UnixTime },
    /// The user has to act.
    LoginRequired { why: LoginRequired },
    /// In a sign-out: send this revocation, and hand over its response.
    SendRequest { request: HttpRequest },
    /// In a sign-out: open this URL in the user's browser, and hand over `RedirectReceived` or `Cancelled`.
    OpenUrl { url: String },
    /// The sign-out is complete.
    SignedOut,
}

/// Why the user has to act.
#[derive(uniffi::Record)]
pub struct LoginRequired {
    /// A stable name, the same in every version.
    pub code: String,
    /// For developers; without secrets.
    pub reason: String,
    /// Whether the session has ended: then remove what is stored.
    pub ends: bool,
    /// The login to make, not started; none if the app has to make its own.
    pub login: Option<Arc<LoginHandle>>,
}

/// Who is logged in, from the checked ID token.
#[derive(uniffi::Record)]
pub struct User {
    pub issuer: String,
    /// The user's identifier at this issuer. Only both together name a user.
    pub subject: String,
    /// For display: untrusted.
    pub name: Option<String>,
    /// For display: untrusted, may be another person's.
    pub email: Option<String>,
    /// All claims, as a JSON object.
    pub claims: String,
}

#[uniffi::export]
impl SessionHandle {
    /// A stored session, with the same settings.
    #[uniffi::constructor]
    pub fn restore(settings: &Settings, stored: StoredSession) -> Result<Self, OauthError> {
        let client = settings.client()?;
        let client = stored.metadata.map_or(Ok(client.clone()), |metadata| client.with_metadata(&metadata))?;
        Ok(Self(Mutex::new(Session::restore(client, stored.session)?)))
    }

    /// Asks for an access token. Make each call with a token of its own asking.
    pub fn access(&self, now: UnixTime) -> Access {
        let mut session = lock(&self.0);
        let access = session.access(now);
        Access::of(access, &session, now)
    }

    /// Takes the outcome of a request, or in a sign-out what the browser did.
    pub fn handle(&self, event: Event, now: UnixTime) -> Result<SessionAction, OauthError> {
        let mut session = lock(&self.0);
        let action = event.hand(|event| session.handle(event, now))?;
        Ok(SessionAction::of(action, &session))
    }

    /// Takes the API's response to a call with this token, if its status is 401 or 403. None: it says nothing about the token.
    pub fn refused(&self, bearer: &Bearer, status: u16, headers: Vec<Header>, now: UnixTime) -> Option<Access> {
        let mut session = lock(&self.0);
        let pairs = || headers.iter().map(|header| (&header.name, &header.value));
        let access = session.refused(&bearer.0, status, Headers::from_fn(&pairs), now)?;
        Some(Access::of(access, &session, now))
    }

    /// Lets the next `access` ask the server at once, because the obstacle is gone: the device is online again, for example.
    pub fn ask_again(&self) {
        lock(&self.0).ask_again();
    }

    /// The form to store; none once the session has ended: then remove what is stored.
    pub fn save(&self) -> Option<StoredSession> {
        StoredSession::of(&lock(&self.0))
    }

    /// Takes over what another process has stored, if it is newer.
    pub fn adopt(&self, stored: StoredSession) -> Result<Adopted, OauthError> {
        Ok(lock(&self.0).adopt(stored.session)?)
    }

    /// Signs out here at once, and returns the first step to sign out at the server; with `browser`, there too.
    pub fn sign_out(&self, browser: bool) -> Result<SessionAction, OauthError> {
        let how = if browser { SignOut::new().logout(random(None)?) } else { SignOut::new() };
        let mut session = lock(&self.0);
        let action = session.sign_out(how);
        Ok(SessionAction::of(action, &session))
    }

    /// The action that a sign-out waits for.
    pub fn pending_action(&self) -> Option<SessionAction> {
        let session = lock(&self.0);
        session.pending_action().map(|action| SessionAction::of(action, &session))
    }

    /// Who is logged in, if the scope had `openid`.
    pub fn user(&self) -> Option<User> {
        let session = lock(&self.0);
        let id_token = session.id_token()?;
        let claims = id_token.standard_claims();
        Some(User {
            issuer: id_token.issuer().into(),
            subject: id_token.subject().into(),
            name: claims.name,
            email: claims.email,
            claims: id_token.claims::<serde_json::Value>().unwrap_or_default().to_string(),
        })
    }

    /// The ID token itself, for a backend that checks it again.
    pub fn id_token(&self) -> Option<String> {
        lock(&self.0).id_token().map(|id_token| id_token.reveal().into())
    }

    /// The error of the last refresh; after a sign-out, why the server was not told.
    pub fn last_error(&self) -> Option<OauthError> {
        lock(&self.0).last_error().cloned().map(OauthError::from)
    }

    /// The phase, as a stable name.
    pub fn phase(&self) -> String {
        lock(&self.0).phase().code().into()
    }
}

#[uniffi::export]
impl Bearer {
    /// The headers of a call to this URL, which must be of one of the `api_origins`.
    pub fn headers(&self, method: &str, url: &str) -> Result<Vec<Header>, OauthError> {
        Ok(self.0.headers(method, url)?.map(|(name, value)| Header::from((name, value.as_str()))).collect())
    }
}

impl Access {
    fn of(access: oauth_proto::Access, session: &Session, now: UnixTime) -> Self {
        use oauth_proto::Access as Core;
        match access {
            Core::Ready(bearer) => Self::Ready { bearer: Arc::new(Bearer(bearer)) },
            Core::SendRequest(request) => Self::SendRequest { request: HttpRequest::from(&request) },
            // `Verify` does not come: `Settings` has no way to ask for it.
            Core::Wait(_) | Core::Verify(_) => Self::Wait { until: session.deadline().unwrap_or(now) },
            Core::RetryAt(at) => Self::RetryAt { at },
            Core::LoginRequired(why) => Self::LoginRequired { why: LoginRequired::of(&why, session) },
            Core::Refused { error, retry_at } => Self::Refused { error: error.into(), retry_at },
        }
    }
}

impl SessionAction {
    fn of(action: oauth_proto::SessionAction, session: &Session) -> Self {
        use oauth_proto::SessionAction as Core;
        match action {
            Core::Save => Self::Save { session: StoredSession::of(session) },
            Core::RetryAt(at) => Self::RetryAt { at },
            Core::LoginRequired(why) => Self::LoginRequired { why: LoginRequired::of(&why, session) },
            Core::SendRequest(request) => Self::SendRequest { request: HttpRequest::from(&request) },
            Core::OpenUrl(url) => Self::OpenUrl { url: url.to_string() },
            Core::SignedOut => Self::SignedOut,
        }
    }
}

impl LoginRequired {
    fn of(why: &oauth_proto::LoginRequired, session: &Session) -> Self {
        let request = why.request().cloned().or_else(|| session.authorization_request());
        let login = request.and_then(|request| oauth_proto::Login::new(session.client().clone(), request).ok());
        Self {
            code: why.code().into(),
            reason: why.to_string(),
            ends: why.is_final(),
            login: login.map(|login| Arc::new(LoginHandle(Mutex::new(login)))),
        }
    }
}

impl StoredSession {
    fn of(session: &Session) -> Option<Self> {
        Some(Self { session: session.save()?, metadata: session.client().metadata().cloned() })
    }
}
