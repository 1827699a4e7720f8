//! The state that all clones of a handle share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oauth_proto::{
    Access, Adopted, AuthorizationRequest, Delivered, Event, LoginRequired, Request, RequestId, RestoreError,
    SavedSession, Session, SessionPhase, SignOut, UnixTime,
};

use super::error::ApiError;
use super::io::Io;
use super::signal::{Listener, Signal};
use crate::store::Store;

pub(super) struct Shared {
    state: Mutex<State>,
    /// Something in the state has changed.
    pub changed: Signal,
    pub store: Arc<dyn Store>,
}

/// The lock on it is held for moments, never while something is sent or stored.
pub(super) struct State {
    pub session: Session,
    /// Requests that have been handed out and not been sent yet, because the store is being locked.
    unsent: Vec<RequestId>,
    /// How many forms are being stored. The session's tokens must not be used before.
    saving: usize,
    /// The last form could not be stored.
    is_unsaved: bool,
    save_again_at: UnixTime,
    /// The store has another login: it belongs to that.
    is_replaced: bool,
    /// The login to make after a sign-out by another process.
    login: Option<Arc<AuthorizationRequest>>,
}

/// What the session says to somebody who needs a token.
pub(super) enum Step<'a, I: Io> {
    /// `None`: the token has not been refused.
    Done(Option<Access>),
    Send(Request, Flight<'a, I>),
    /// Until there is a change, or until then.
    Wait(Option<UnixTime>),
}

impl Shared {
    pub(super) fn new(session: Session, store: Arc<dyn Store>) -> Self {
        Self { state: Mutex::new(State::new(session)), changed: Signal::default(), store }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes everybody.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let changed = change(&mut self.lock());
        self.changed.notify();
        changed
    }

    /// Asks the session. The listener hears of every change after this.
    pub(super) fn ask<'a, I: Io>(
        self: &'a Arc<Self>,
        io: &'a I,
        ask: &mut impl FnMut(&mut Session, UnixTime) -> Option<Access>,
    ) -> (Step<'a, I>, Listener<'a>) {
        let now = io.now();
        let mut state = self.lock();
        let listener = self.changed.listen();
        if state.saving > 0 {
            return (Step::Wait(None), listener);
        }
        if state.is_replaced {
            return (Step::Done(Some(Access::LoginRequired(LoginRequired::OtherLogin))), listener);
        }
        let step = match state.ask(now, ask) {
            Some(Access::SendRequest(request)) => {
                let id = request.id();
                state.unsent.push(id);
                let deadline = state.deadline(now);
                Step::Send(request, Flight::new(self, io, id, now, deadline))
            }
            Some(Access::Wait(_)) => Step::Wait(state.session.deadline()),
            access => Step::Done(access),
        };
        (step, listener)
    }

    /// Whether it is time to store again what could not be stored. If so, the next time is later.
    pub(super) fn saves_again(&self, now: UnixTime, at_once: bool) -> bool {
        let mut state = self.lock();
        let is_time =
            state.is_unsaved && state.is_signed_in() && !state.is_replaced && (at_once || now >= state.save_again_at);
        if is_time {
            state.save_again_at = now.saturating_add(SAVE_AGAIN_SECS);
        }
        is_time
    }
}

/// The time for a request that has no deadline of its own, and for locking the store.
pub(super) const SEND_SECS: u64 = 60;

/// How often storing is tried again.
pub(super) const SAVE_AGAIN_SECS: u64 = 5;

impl State {
    fn new(session: Session) -> Self {
        Self {
            session,
            unsent: Vec::new(),
            saving: 0,
            is_unsaved: false,
            save_again_at: UnixTime::from_secs(0),
            is_replaced: false,
            login: None,
        }
    }

    /// Asks the session. It is told that no signature can be verified: a handle has no cryptography that answers later. The
    /// session asks for that three times in all, and goes on without.
    pub(super) fn ask(
        &mut self,
        now: UnixTime,
        ask: &mut impl FnMut(&mut Session, UnixTime) -> Option<Access>,
    ) -> Option<Access> {
        loop {
            match ask(&mut self.session, now) {
                Some(Access::Verify(check)) => drop(self.session.handle(Event::VerifyFailed(check.id()), now)),
                access => return access,
            }
        }
    }

    /// Puts another login in place of this one.
    pub(super) fn replace(&mut self, session: Session) {
        // Requests of the old one that are under way come back to a session that does not know them.
        *self = Self { saving: self.saving, ..Self::new(session) };
    }

    /// Whether this request may still be sent; if so, it counts as sent from now on.
    pub(super) fn send(&mut self, id: RequestId) -> bool {
        let at = self.unsent.iter().position(|other| *other == id);
        at.map(|at| self.unsent.swap_remove(at)).is_some()
    }

    /// Tells the session that no request which has not been sent will be.
    pub(super) fn forget_unsent(&mut self, now: UnixTime) {
        for id in std::mem::take(&mut self.unsent) {
            drop(self.session.handle(Event::SendFailed(id, Delivered::No), now));
        }
    }

    /// Takes over what another process has stored. Requests that were made of older tokens are then not sent.
    pub(super) fn adopt(&mut self, stored: Option<SavedSession>, now: UnixTime) -> Result<(), RestoreError> {
        let is_alive = matches!(self.session.phase(), SessionPhase::Active | SessionPhase::Refreshing);
        let Some(stored) = stored else {
            // Another process has signed out, or the grant has ended there.
            if is_alive {
                self.login = self.session.authorization_request();
                self.forget_unsent(now);
                drop(self.session.sign_out(SignOut::new()));
                self.is_unsaved = false;
            }
            return Ok(());
        };
        // Before the session hears of them: a request of its old refresh token would count as lost, and not as never sent.
        let copy = self.session.save().and_then(|own| Session::restore(self.session.client().clone(), own).ok());
        if let Some(mut copy) = copy {
            if copy.adopt(stored.clone())? == Adopted::NotNewer {
                return Ok(());
            }
            self.forget_unsent(now);
        }
        match self.session.adopt(stored)? {
            Adopted::OtherLogin => self.is_replaced = true,
            Adopted::Newer | Adopted::NotNewer => {}
        }
        Ok(())
    }

    /// When the request that was just made counts as lost.
    pub(super) fn deadline(&self, now: UnixTime) -> UnixTime {
        self.session.deadline().unwrap_or(now.saturating_add(SEND_SECS))
    }

    /// Whether the user has not signed out. After that, the session does not tell one stored login from another.
    pub(super) fn is_signed_in(&self) -> bool {
        let phase = self.session.phase();
        matches!(phase, SessionPhase::Active | SessionPhase::Refreshing | SessionPhase::LoginRequired)
    }

    /// Whether the store belongs to another login.
    pub(super) fn is_replaced(&self) -> bool {
        self.is_replaced
    }

    /// The login to make.
    pub(super) fn login_required(&self, why: LoginRequired) -> ApiError {
        let request = why.request().cloned().or_else(|| self.session.authorization_request());
        ApiError::LoginRequired { why, request: request.or_else(|| self.login.clone()) }
    }

    /// Notes that something will be stored, until the returned guard is dropped.
    pub(super) fn saving(&mut self, shared: &Arc<Shared>) -> Saving {
        self.saving = self.saving.saturating_add(1);
        Saving { shared: Arc::clone(shared), is_done: false }
    }
}

/// Something is being stored.
pub(super) struct Saving {
    shared: Arc<Shared>,
    is_done: bool,
}

impl Saving {
    pub(super) fn done(mut self, is_done: bool) {
        self.is_done = is_done;
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.saving = state.saving.saturating_sub(1);
            state.is_unsaved = !self.is_done;
        });
    }
}

/// A request that somebody carries out. If they stop half-way (a dropped future, a panic), the session hears of it, and the
/// others go on.
pub(super) struct Flight<'a, I: Io> {
    shared: &'a Shared,
    io: &'a I,
    /// `None`: the session has heard of the outcome.
    id: Option<RequestId>,
    since: UnixTime,
    /// The request counts as lost then.
    pub deadline: UnixTime,
}

impl<'a, I: Io> Flight<'a, I> {
    pub(super) fn new(shared: &'a Shared, io: &'a I, id: RequestId, since: UnixTime, deadline: UnixTime) -> Self {
        Self { shared, io, id: Some(id), since, deadline }
    }

    /// Whether so much of its time is over that the request should not be sent any more.
    pub(super) fn is_late(&self, now: UnixTime) -> bool {
        let (all, left) = (self.deadline.saturating_since(self.since), self.deadline.saturating_since(now));
        left.saturating_mul(2) < all || now < self.since
    }

    /// How long it takes at most.
    pub(super) fn seconds(&self) -> u64 {
        self.deadline.saturating_since(self.since)
    }

    /// The session has heard of the outcome.
    pub(super) fn settle(&mut self) {
        self.id = None;
    }

    /// Carries out another request.
    pub(super) fn carry(&mut self, id: RequestId, deadline: UnixTime) {
        (self.id, self.deadline) = (Some(id), deadline);
    }
}

impl<I: Io> Drop for Flight<'_, I> {
    fn drop(&mut self) {
        let now = self.io.now();
        self.shared.change(|state| {
            if let Some(id) = self.id {
                let delivered = if state.send(id) { Delivered::No } else { Delivered::Maybe };
                drop(state.session.handle(Event::SendFailed(id, delivered), now));
            }
        });
    }
}
