//! The account: the session behind its lock, and where it is stored. The driver of a session is here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use oauth_proto::{
    Access, Bearer, Delivered, Error, Event, IdToken, LoginRequired, Request, RequestId, SavedSession, Session,
    SessionAction,
};
use serde_json::Value;

use crate::failure::Failure;
use crate::print::step;
use crate::scene::Scene;
use crate::story::now;
use crate::tries::{send, Tries};
use crate::wait::wait_until;

/// Another thread may have its answer any moment.
const PAUSE: Duration = Duration::from_millis(50);

/// One user's session, for any number of threads.
pub struct Account {
    session: Mutex<Session>,
    store: Store,
}

/// Why there is no token.
pub enum NoToken {
    /// The user has to act: `why.request()` has the login to make, if it is more than the one before.
    LoginRequired(LoginRequired),
    /// Anything else.
    Failed(Failure),
}

impl Account {
    /// Right after a login: what it gave is stored at once.
    pub fn new(session: Session) -> Self {
        let store = Store::default();
        store.keep(session.save());
        Self { session: Mutex::new(session), store }
    }

    /// Held for calls of the session, and while it is stored; never while a request is under way.
    pub fn lock(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is logged in.
    pub fn id_token(&self) -> Option<IdToken> {
        self.lock().id_token().cloned()
    }

    /// A token, whatever it takes. `access` is what [`Session::access`] or [`Session::refused`] said.
    pub fn bearer(&self, scene: &Scene, mut access: Access) -> Result<Bearer, NoToken> {
        let mut tries = Tries::default();
        loop {
            match access {
                Access::Ready(bearer) => {
                    step("access", "Ready", "");
                    return Ok(bearer);
                }
                Access::SendRequest(request) => {
                    let why = match request.method() {
                        "GET" => "a new ID token is signed with a new key",
                        _ => "the access token is too old, or was refused: refresh",
                    };
                    step("access", "SendRequest", why);
                    self.carry_out(scene, request, &mut tries)?;
                }
                Access::Wait(_) => sleep(PAUSE), // an app is rather woken when the other thread has its answer
                Access::RetryAt(time) => {
                    step("access", "RetryAt", "");
                    if !wait_until(time, scene.wait) {
                        return Err(self.impatient().into());
                    }
                }
                Access::LoginRequired(why) => {
                    step("access", "LoginRequired", why.code());
                    return Err(NoToken::LoginRequired(why));
                }
                // The grant is kept: `Session::ask_again` once the client has been set right.
                Access::Refused { error, .. } => {
                    step("access", "Refused", error.code());
                    return Err(Failure::from(error).into());
                }
            }
            access = self.lock().access(now());
        }
    }

    /// Sends a request, hands over what came of it, and stores what there is to store.
    fn carry_out(&self, scene: &Scene, mut request: Request, tries: &mut Tries) -> Result<(), Failure> {
        loop {
            let _sent = Sent(self, request.id());
            let answer = send(scene, &request, tries)?;
            let mut session = self.lock();
            match session.handle(answer.event(), now()) {
                // Under the lock, and before the new token is used.
                Ok(SessionAction::Save | SessionAction::LoginRequired(_)) => {
                    step("action", "Save", self.store.keep(session.save()));
                    return Ok(());
                }
                // The user has signed out meanwhile: what came late is revoked.
                Ok(SessionAction::SendRequest(revocation)) => request = revocation,
                // What it means, the session says to whoever asks next.
                _ => return Ok(()),
            }
        }
    }

    /// Forgets what is stored.
    pub fn forget(&self) {
        self.store.keep(None);
    }

    /// The next try is too far away.
    fn impatient(&self) -> Failure {
        match self.lock().last_error() {
            Some(error) => error.clone().into(),
            None => Failure::new("the server cannot be reached", "run again later"),
        }
    }
}

/// A request under way. Whoever gives up half-way lets the session know, or others would wait for it until its deadline; once
/// the answer was handed over, this does nothing.
struct Sent<'a>(&'a Account, RequestId);

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let given_up = Event::SendFailed(self.1, Delivered::Maybe);
        drop(self.0.lock().handle(given_up, now()));
    }
}

/// What an app would have in the keychain.
#[derive(Default)]
struct Store(Mutex<Option<Value>>);

impl Store {
    /// Keeps the session, or removes what is kept if there is none. Says what has become of the refresh token.
    fn keep(&self, saved: Option<SavedSession>) -> &'static str {
        let saved = saved.and_then(|saved| serde_json::to_value(saved).ok());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refresh_token = |saved: &Value| saved.get("refresh_token").cloned();
        let before = kept.as_ref().and_then(refresh_token);
        let said = match saved.as_ref().map(refresh_token) {
            None => "the grant has ended: nothing is kept",
            Some(now) if now == before => "the refresh token stays",
            Some(_) => "rotated: another refresh token",
        };
        *kept = saved;
        said
    }
}

impl From<Failure> for NoToken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for NoToken {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NoToken> for Failure {
    fn from(no_token: NoToken) -> Self {
        match no_token {
            NoToken::LoginRequired(why) => Self::login_required(&why),
            NoToken::Failed(failure) => failure,
        }
    }
}
