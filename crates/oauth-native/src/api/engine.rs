//! What the handle does, for tasks and threads.

use std::future::Future;
use std::io as std_io;
use std::sync::Arc;

use oauth_proto::{
    Access, Action, AuthorizationRequest, Bearer, CallHeaders, Client, Entropy, EntropyError, Error, Event, Login,
    LoginRequired, LogoutUrl, Request, RequestId, RestoreError, Session, SessionAction, SessionPhase, SignOut, Target,
    UnixTime, Violation,
};

use super::error::{ApiError, CallError};
use super::io::Io;
use super::place::Place;
use super::reply::Reply;
use super::shared::{Flight, Shared, Step, SAVE_AGAIN_SECS, SEND_SECS};
use crate::store::{Store, StoreError};
use crate::trace;

/// A handle's parts, and how long its callers wait.
pub(super) struct Engine<'a, I> {
    pub io: &'a I,
    pub shared: &'a Arc<Shared>,
    pub patience: u64,
}

/// What came of a sign-out. The user is signed out here in any case.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "it may have a URL to open"]
pub struct SignedOut {
    /// Open this URL in the browser to end the user's session at the server. Then call `end_logout`.
    pub logout_url: Option<LogoutUrl>,
    /// Why the server was not told, or not yet.
    pub not_revoked: Option<Error>,
    /// Why the stored session could not be removed. Remove it in some other way.
    pub not_removed: Option<StoreError>,
}

/// Stores the session of a new login.
pub(super) async fn store<I: Io>(io: &I, store: &Arc<dyn Store>, session: &Session) -> Result<(), StoreError> {
    let place = Place::lock(store, SEND_SECS)?;
    match place.loaded(io, io.now().saturating_add(SEND_SECS)).await {
        Err(error) if !place.is_locked() => return Err(error),
        // What cannot be read is replaced.
        _ => drop(place.save(session.save(), None)),
    }
    place.saved(io).await.unwrap_or_else(|| Err(StoreError::Io(std_io::ErrorKind::TimedOut.into())))
}

/// Reads what is stored.
pub(super) async fn restore<I: Io>(
    io: &I,
    store: &Arc<dyn Store>,
    client: Client,
) -> Result<Option<Session>, ApiError> {
    let place = Place::lock(store, SEND_SECS)?;
    let Some(saved) = place.loaded(io, io.now().saturating_add(SEND_SECS)).await? else { return Ok(None) };
    drop(place);
    let session = match Session::restore(client.clone(), saved.clone()) {
        Err(RestoreError::ServerUnknown) => Session::restore(discover(io, client).await?, saved),
        session => session,
    };
    Ok(Some(session?))
}

/// Whether the user does not have to log in again to get a token. A copy is asked, since asking may make a request.
pub(super) fn is_of_use(session: &Session, now: UnixTime) -> bool {
    let copy = session.save().and_then(|saved| Session::restore(session.client().clone(), saved).ok());
    copy.is_some_and(|mut copy| !matches!(copy.access(now), Access::LoginRequired(_)))
}

/// The client with its server's metadata, as a login fetches it.
async fn discover<I: Io>(io: &I, client: Client) -> Result<Client, ApiError> {
    let unfit = |error| ApiError::Metadata(Error::Violation(Violation::Metadata(Box::new(error))));
    let mut login = Login::new(client, AuthorizationRequest::new()).map_err(unfit)?;
    match start(io, &mut login).await {
        // The URL for the browser is not needed.
        Ok(()) => Ok(login.client().clone()),
        Err(NotStarted::Later(time)) => Err(ApiError::Later(time)),
        Err(NotStarted::Ended(error)) => Err(ApiError::Metadata(error)),
        Err(NotStarted::Entropy(_)) => Err(RestoreError::ServerUnknown.into()),
    }
}

/// Why a login does not wait for its redirect.
pub(super) enum NotStarted {
    Later(UnixTime),
    Ended(Error),
    Entropy(EntropyError),
}

/// Starts a login, so that it waits for its redirect. Each request is sent once: the user has done nothing yet that could be
/// lost, and should hear at once that there is no network, or that the server's name is wrong.
pub(super) async fn start<I: Io>(io: &I, login: &mut Login) -> Result<(), NotStarted> {
    let mut action = login.handle(Event::Start(Entropy::from_os().map_err(NotStarted::Entropy)?), io.now());
    loop {
        action = match action.map_err(NotStarted::Ended)? {
            Action::SendRequest(request) => {
                let answer = io.send(&request, io.now().saturating_add(SEND_SECS)).await;
                let answer = answer.map_err(|_| NotStarted::Later(io.now()))?;
                login.handle(Event::ResponseReceived(request.id(), answer.response()), io.now())
            }
            Action::RetryAt(time) => return Err(NotStarted::Later(time)),
            _ => return Ok(()),
        }
    }
}

/// What to do after a response.
enum Heard {
    /// Wait until it is stored. `is_over`: the session has ended, and what was stored is removed.
    Saves {
        is_over: bool,
    },
    Revoke(Request),
    Nothing,
}

impl<I: Io> Engine<'_, I> {
    pub(super) async fn token(&self, target: &Target) -> Result<Bearer, ApiError> {
        let bearer = self.obtain(|session, now| Some(session.access_for(target, now))).await?;
        // The closure always has an answer.
        bearer.ok_or_else(|| self.shared.lock().login_required(LoginRequired::NoRefreshToken))
    }

    /// Asks until there is a token, or none to wait for. `None` if the session has no answer.
    pub(super) async fn obtain(
        &self,
        mut ask: impl FnMut(&mut Session, UnixTime) -> Option<Access>,
    ) -> Result<Option<Bearer>, ApiError> {
        let until = self.io.now().saturating_add(self.patience);
        self.save_again(false).await;
        // Why the store could not be locked. There may be a token that is still good.
        let mut not_locked: Option<StoreError> = None;
        loop {
            let (step, listener) = self.shared.ask(self.io, &mut ask);
            match step {
                Step::Wait(deadline) => self.io.wait(listener, deadline).await,
                // Not again: dropping the flight puts it off.
                Step::Send(_, flight) if not_locked.is_some() => drop((listener, flight)),
                Step::Send(request, flight) => {
                    drop(listener);
                    trace::needs_token();
                    let carried_out = self.carry_out(request, flight, &mut ask).await?;
                    not_locked = carried_out.err();
                }
                Step::Done(None) => return Ok(None),
                Step::Done(Some(Access::Ready(bearer))) => return Ok(Some(bearer)),
                Step::Done(Some(Access::RetryAt(_))) if not_locked.is_some() => {
                    return not_locked.map_or(Ok(None), |error| Err(ApiError::Store(error)));
                }
                Step::Done(Some(Access::RetryAt(time))) if time <= until => {
                    trace::waits(time);
                    self.io.pause(listener, time).await;
                }
                Step::Done(Some(Access::RetryAt(time))) => {
                    trace::later(time);
                    return Err(ApiError::Later(time));
                }
                Step::Done(Some(Access::Refused { error, retry_at })) => {
                    return Err(ApiError::Refused { error, retry_at });
                }
                Step::Done(Some(Access::LoginRequired(why))) => {
                    trace::login_required(why.code());
                    return Err(self.shared.lock().login_required(why));
                }
                // `ask` has made steps of them.
                Step::Done(Some(Access::SendRequest(_) | Access::Wait(_) | Access::Verify(_))) => {}
            }
        }
    }

    /// Locks the store, takes over what is there, and sends the request if it is still needed. The inner error: the store could
    /// not be locked or read, and nothing was sent.
    async fn carry_out(
        &self,
        request: Request,
        mut flight: Flight<'_, I>,
        ask: &mut impl FnMut(&mut Session, UnixTime) -> Option<Access>,
    ) -> Result<Result<(), StoreError>, ApiError> {
        // What they bring is no token, and is stored later.
        let is_for_keys = request.method() == "GET";
        let locked = async {
            let place = Place::lock(&self.shared.store, flight.seconds().max(1))?;
            let stored = place.loaded(self.io, flight.deadline).await?;
            Ok((place, stored))
        };
        let (place, stored) = match locked.await {
            Ok(locked) => locked,
            Err(error) => return Ok(Err(error)),
        };
        let mut request = {
            let now = self.io.now();
            let mut state = self.shared.lock();
            state.adopt(stored, now)?;
            if flight.is_late(now) {
                state.forget_unsent(now);
            }
            if state.send(request.id()) {
                request
            } else if state.is_replaced() {
                return Ok(Ok(()));
            } else {
                // It was made of older tokens. Often nothing is left to do.
                flight.settle();
                let Some(Access::SendRequest(request)) = state.ask(now, ask) else { return Ok(Ok(())) };
                flight.carry(request.id(), state.deadline(now));
                request
            }
        };
        loop {
            let answer = self.io.send(&request, flight.deadline).await;
            let event = match &answer {
                Ok(answer) => Event::ResponseReceived(request.id(), answer.response()),
                Err(delivered) => Event::SendFailed(request.id(), *delivered),
            };
            let (heard, outcome) = self.hear(event, &place, &mut flight);
            trace::refreshed(outcome);
            match heard {
                Heard::Saves { is_over } => {
                    let Some(saved) = place.saved(self.io).await else {
                        // The response came after the lock was gone.
                        self.save_again(true).await;
                        return Ok(Ok(()));
                    };
                    // That the grant has ended matters more.
                    return if is_over || is_for_keys { Ok(Ok(())) } else { Ok(Ok(saved?)) };
                }
                Heard::Revoke(revocation) => request = revocation,
                Heard::Nothing => return Ok(Ok(())),
            }
        }
    }

    /// Hands over the outcome of the flight's request, and begins to store what it brought. The text is for [`trace`].
    fn hear(&self, event: Event<'_>, place: &Place, flight: &mut Flight<'_, I>) -> (Heard, &'static str) {
        let now = self.io.now();
        let mut state = self.shared.lock();
        let action = state.session.handle(event, now);
        flight.settle();
        let outcome = trace::outcome(&action);
        let heard = match action {
            Ok(SessionAction::Save | SessionAction::LoginRequired(_)) => {
                // In the order of the responses, before anybody else sees the session, and even if the future is dropped then.
                let saved = state.session.save();
                let is_over = saved.is_none();
                let undone = place.save(saved, Some(state.saving(self.shared)));
                drop(state);
                drop(undone);
                Heard::Saves { is_over }
            }
            // The user has signed out meanwhile: the late token is revoked.
            Ok(SessionAction::SendRequest(revocation)) => {
                flight.carry(revocation.id(), now.saturating_add(SEND_SECS));
                Heard::Revoke(revocation)
            }
            _ => Heard::Nothing,
        };
        (heard, outcome)
    }

    /// Stores what could not be stored before.
    async fn save_again(&self, at_once: bool) {
        let now = self.io.now();
        if !self.shared.saves_again(now, at_once) {
            return;
        }
        let Ok(place) = Place::lock(&self.shared.store, SEND_SECS) else { return };
        let Ok(stored) = place.loaded(self.io, now.saturating_add(SAVE_AGAIN_SECS)).await else { return };
        let now = self.io.now();
        let undone = {
            let mut state = self.shared.lock();
            if state.adopt(stored, now).is_err() || state.is_replaced() || !state.is_signed_in() {
                return;
            }
            let saved = state.session.save();
            place.save(saved, Some(state.saving(self.shared)))
        };
        drop(undone);
        // `Saving` notes whether it went well.
        drop(place.saved(self.io).await);
    }

    pub(super) async fn call<R, E, F>(
        &self,
        target: &Target,
        method: &str,
        url: &str,
        mut send: impl FnMut(CallHeaders) -> F,
    ) -> Result<R, CallError<E>>
    where
        F: Future<Output = Result<Reply<R>, E>>,
    {
        let mut attempt = self.attempt(target).await?;
        loop {
            let headers = attempt.headers(method, url)?;
            let (reply, value) = send(headers).await.map_err(CallError::Call)?.split();
            if !self.repeats(&mut attempt, &reply).await? {
                return Ok(value);
            }
        }
    }

    /// Stores another login, and then uses it.
    pub(super) async fn replace(&self, session: Session) -> Result<(), ApiError> {
        store(self.io, &self.shared.store, &session).await?;
        self.shared.change(|state| state.replace(session));
        Ok(())
    }

    /// Uses the login that is stored, if it is another one, or the user has signed out of this one.
    pub(super) async fn reload(&self) -> Result<(), ApiError> {
        let client = self.shared.lock().session.client().clone();
        let place = Place::lock(&self.shared.store, SEND_SECS)?;
        let Some(stored) = place.loaded(self.io, self.io.now().saturating_add(SEND_SECS)).await? else {
            let now = self.io.now();
            return self.shared.change(|state| Ok(state.adopt(None, now)?));
        };
        let now = self.io.now();
        self.shared.change(|state| {
            state.adopt(Some(stored.clone()), now)?;
            if state.is_replaced() || !state.is_signed_in() {
                state.replace(Session::restore(client, stored)?);
            }
            Ok(())
        })
    }

    pub(super) async fn sign_out(&self, how: SignOut) -> SignedOut {
        trace::signs_out();
        let (place, stored) = match Place::lock(&self.shared.store, SEND_SECS) {
            Ok(place) => {
                let stored = place.loaded(self.io, self.io.now().saturating_add(SEND_SECS)).await;
                (Some(place), stored)
            }
            Err(error) => (None, Err(error)),
        };
        let now = self.io.now();
        let (action, removes) = self.shared.change(|state| {
            state.forget_unsent(now);
            let was_signed_in = state.is_signed_in();
            let removes = match stored {
                // Done before; what is stored now is another login.
                _ if !was_signed_in => Ok(false),
                // To revoke the newest token.
                Ok(Some(stored)) => match state.adopt(Some(stored), now) {
                    Ok(()) => Ok(!state.is_replaced()),
                    Err(error) => Ok(error != RestoreError::OtherClient),
                },
                Ok(None) => Ok(false),
                Err(StoreError::Damaged) => Ok(true),
                Err(error) => Err(error),
            };
            if let (Some(place), Ok(true)) = (&place, &removes) {
                // Now, since this future may be dropped.
                drop(place.save(None, None));
            }
            (state.session.sign_out(how), removes)
        });
        let not_removed = match (&place, removes) {
            (Some(place), Ok(true)) => place.saved(self.io).await.and_then(Result::err),
            (_, removes) => removes.err(),
        };
        // Others may have the store while the server is told.
        drop(place);
        let logout_url = self.tell(Ok(action)).await;
        self.signed_out(logout_url, not_removed)
    }

    /// Goes on with a sign-out after the browser.
    pub(super) async fn end_logout(&self, redirect: Option<&str>) -> Result<SignedOut, Error> {
        let now = self.io.now();
        let event = redirect.map_or(Event::Cancelled, Event::RedirectReceived);
        let action = self.shared.change(|state| state.session.handle(event, now))?;
        let logout_url = self.tell(Ok(action)).await;
        Ok(self.signed_out(logout_url, None))
    }

    /// Whether the browser may still come back from the logout with the right URL.
    pub(super) fn waits_for_return(&self, handled: &Result<SignedOut, Error>) -> bool {
        let state = self.shared.lock();
        matches!(handled, Err(Error::Ignored(_)))
            && state.session.phase() == SessionPhase::LoggingOut
            && state.session.client().post_logout_redirect_uri().is_some()
    }

    /// The end of a logout in the browser, also if nobody has come back.
    pub(super) async fn logged_out(&self, handled: Result<SignedOut, Error>) -> SignedOut {
        let ended = match handled {
            Ok(signed_out) => Ok(signed_out),
            Err(_) => self.end_logout(None).await,
        };
        ended.unwrap_or_else(|_| self.signed_out(None, None))
    }

    fn signed_out(&self, logout_url: Option<LogoutUrl>, not_removed: Option<StoreError>) -> SignedOut {
        let not_revoked = self.shared.lock().session.last_error().cloned();
        trace::signed_out(not_revoked.as_ref(), not_removed.as_ref());
        SignedOut { logout_url, not_revoked, not_removed }
    }

    /// Tells the server of a sign-out, until there is a URL to open or nothing to do.
    async fn tell(&self, mut action: Result<SessionAction, Error>) -> Option<LogoutUrl> {
        let until = self.io.now().saturating_add(self.patience);
        loop {
            action = match action {
                Ok(SessionAction::SendRequest(request)) => {
                    let mut sent = Flight::sent(self.shared, self.io, request.id());
                    let answer = self.io.send(&request, sent.deadline).await;
                    let event = match &answer {
                        Ok(answer) => Event::ResponseReceived(request.id(), answer.response()),
                        Err(delivered) => Event::SendFailed(request.id(), *delivered),
                    };
                    sent.settle();
                    let now = self.io.now();
                    self.shared.change(|state| state.session.handle(event, now))
                }
                Ok(SessionAction::RetryAt(time)) if time <= until => {
                    trace::waits(time);
                    while self.io.now() < time {
                        self.io.pause(self.shared.changed.listen(), time).await;
                    }
                    let pending = self.shared.lock().session.pending_action();
                    Ok(pending.unwrap_or(SessionAction::SignedOut))
                }
                Ok(SessionAction::OpenUrl(url)) => return Some(url),
                // Done; or somebody else does it.
                _ => return None,
            }
        }
    }
}

impl<'a, I: Io> Flight<'a, I> {
    /// A request that is sent at once.
    fn sent(shared: &'a Shared, io: &'a I, id: RequestId) -> Self {
        let now = io.now();
        Self::new(shared, io, id, now, now.saturating_add(SEND_SECS))
    }
}
