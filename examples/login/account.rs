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

/// How long to wait before asking again while another thread refreshes.
const PAUSE: Duration = Duration::from_millis(50);

/// One user's session, for any number of threads.
pub struct Account {
    session: Mutex<Session>,
    store: Store,
}

/// Why there is no token.
pub enum NoToken {
    /// The user has to act: `why.request()` is the login to make, if it differs from the one before.
    LoginRequired(LoginRequired),
    /// Any other failure.
    Failed(Failure),
}

impl Account {
    /// Takes over the session of a login that has just finished, and stores it at once.
    pub fn new(session: Session) -> Self {
        let store = Store::default();
        store.keep(session.save());
        Self { session: Mutex::new(session), store }
    }

    /// The lock is held for calls of the session and while it is stored, never while a request is under way.
    pub fn lock(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is logged in.
    pub fn id_token(&self) -> Option<IdToken> {
        self.lock().id_token().cloned()
    }

    /// An access token: refreshes and waits if need be. `access` is what [`Session::access`] or [`Session::refused`] returned.
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
                // For a client that was built with `verify_id_tokens_by_action`; this one was not.
                Access::Verify(check) => return Err(Failure::unexpected(&check).into()),
                Access::Wait(_) => sleep(PAUSE), // a real app would be woken when the other thread has its answer
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
                // The grant is kept. Once the client's registration is corrected, `Session::ask_again` allows the next try.
                Access::Refused { error, .. } => {
                    step("access", "Refused", error.code());
                    return Err(Failure::from(error).into());
                }
            }
            access = self.lock().access(now());
        }
    }

    /// Sends a request, hands the outcome to the session, and stores the session if it says so.
    fn carry_out(&self, scene: &Scene, mut request: Request, tries: &mut Tries) -> Result<(), Failure> {
        loop {
            let _sent = Sent(self, request.id());
            let answer = send(scene, &request, tries)?;
            let mut session = self.lock();
            match session.handle(answer.event(), now()) {
                // Stored under the lock, and before the new token is used.
                Ok(SessionAction::Save | SessionAction::LoginRequired(_)) => {
                    step("action", "Save", self.store.keep(session.save()));
                    return Ok(());
                }
                // The user has signed out meanwhile: the tokens that came late are revoked.
                Ok(SessionAction::SendRequest(revocation)) => request = revocation,
                // The next call of `Session::access` says what this means.
                _ => return Ok(()),
            }
        }
    }

    /// Forgets what is stored.
    pub fn forget(&self) {
        self.store.keep(None);
    }

    /// The next try is later than we want to wait.
    fn impatient(&self) -> Failure {
        match self.lock().last_error() {
            Some(error) => error.clone().into(),
            None => Failure::new("the server cannot be reached", "run again later"),
        }
    }
}

/// A request under way. Dropping it without an answer tells the session so; otherwise other threads would wait for it until its
/// deadline. After the answer was handed over, dropping it does nothing.
struct Sent<'a>(&'a Account, RequestId);

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let given_up = Event::SendFailed(self.1, Delivered::Maybe);
        drop(self.0.lock().handle(given_up, now()));
    }
}

/// The stored session, which a real app would keep in the system's keychain.
#[derive(Default)]
struct Store(Mutex<Option<Value>>);

impl Store {
    /// Stores the session, or removes the stored one if given `None`. Returns what happened to the refresh token, for printing.
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
