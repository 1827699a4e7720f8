//! Redirects on their way from whoever receives them to the login that waits.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::Builder;
use std::time::{Duration, Instant, SystemTime};

use oauth_proto::loopback::Page;
use oauth_proto::{Secret, UnixTime};

use super::error::BrowserError;

/// The most redirects that wait for the login.
const MAX_WAITING: usize = 16;

/// A URL that came to the redirect URI.
pub(super) struct Arrival {
    pub url: Secret,
    /// Where the page for it goes.
    pub reply: Option<SyncSender<Page>>,
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    Queued,
    NotAwaited,
    Full,
}

#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Arrival>,
    phase: Phase,
    /// Counts logins.
    login: u64,
    cancelled: bool,
    /// Nothing more will come.
    ended: bool,
    failed: Option<io::Error>,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// No login waits.
    #[default]
    Idle,
    /// A login is between opening the URL and its verdict.
    Awaited,
    /// The browser was dropped.
    Gone,
}

impl Inbox {
    /// A login begins to wait. Returns whether something has arrived already.
    pub fn begin(&self) -> bool {
        let mut state = self.lock();
        state.phase = Phase::Awaited;
        !state.queue.is_empty()
    }

    /// The login no longer waits.
    pub fn finish(&self) {
        self.lock().finish();
    }

    /// Nobody will wait any more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.finish();
        state.phase = Phase::Gone;
    }

    /// An arrival for the login that waits.
    pub fn put(&self, arrival: Arrival) -> Put {
        let mut state = self.lock();
        if state.phase != Phase::Awaited {
            return Put::NotAwaited;
        }
        if state.queue.len() >= MAX_WAITING {
            return Put::Full;
        }
        state.queue.push_back(arrival);
        self.wake(state);
        Put::Queued
    }

    /// The same, kept for the next login if none waits; the oldest makes room. Returns whether anybody can get it.
    pub fn put_early(&self, arrival: Arrival) -> bool {
        let mut state = self.lock();
        if state.phase == Phase::Gone {
            return false;
        }
        if state.queue.len() >= MAX_WAITING {
            state.queue.pop_front();
        }
        state.queue.push_back(arrival);
        self.wake(state);
        true
    }

    /// Nothing more will come, because of an error if there is one.
    pub fn end(&self, error: Option<io::Error>) {
        let mut state = self.lock();
        state.ended = true;
        state.failed = error;
        self.wake(state);
    }

    pub fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// Waits for an arrival, blocking the thread.
    pub fn wait(&self, deadline: UnixTime) -> Result<Option<Arrival>, BrowserError> {
        let deadline = Deadline::new(deadline);
        let mut state = self.lock();
        loop {
            if let Some(taken) = state.take(&deadline) {
                return taken;
            }
            (state, _) = self.changed.wait_timeout(state, deadline.left()).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for an arrival under any executor.
    pub fn arrival(self: &Arc<Self>, deadline: UnixTime) -> Arriving<'_> {
        Arriving { inbox: self, deadline: Deadline::new(deadline), alarm: None }
    }

    pub fn canceller(self: &Arc<Self>) -> Canceller {
        Canceller { login: self.lock().login, inbox: Arc::clone(self) }
    }

    fn cancel(&self, login: u64) {
        let mut state = self.lock();
        if state.login == login {
            state.cancelled = true;
            self.wake(state);
        }
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What a wait ends with, if it ends now.
    fn take(&mut self, deadline: &Deadline) -> Option<Result<Option<Arrival>, BrowserError>> {
        if !self.cancelled {
            if let Some(arrival) = self.queue.pop_front() {
                return Some(Ok(Some(arrival)));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(BrowserError::Input(error)));
            }
        }
        if self.cancelled || self.ended || deadline.has_passed() {
            self.finish();
            return Some(Ok(None));
        }
        None
    }

    fn finish(&mut self) {
        self.phase = Phase::Idle;
        self.cancelled = false;
        self.login = self.login.wrapping_add(1);
        for reply in self.queue.drain(..).filter_map(|arrival| arrival.reply) {
            // There is room for one, and only this one is sent.
            let _ = reply.try_send(Page::not_awaited());
        }
    }
}

/// Cancels the login that waits for its redirect. Cheap to clone; any thread may use it.
///
/// It is for one login: the one under way when it was made, or else the next one of its browser. Once that login has its redirect
/// or no longer waits, cancelling does nothing, so a late click does not end the login after it.
#[derive(Clone)]
pub struct Canceller {
    inbox: Arc<Inbox>,
    login: u64,
}

impl Canceller {
    /// Ends the wait: the login is over with [`Over::Cancelled`](oauth_proto::Over::Cancelled).
    pub fn cancel(&self) {
        self.inbox.cancel(self.login);
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").finish_non_exhaustive()
    }
}

/// A wait for an arrival. Dropping it loses nothing.
pub(super) struct Arriving<'a> {
    inbox: &'a Arc<Inbox>,
    deadline: Deadline,
    /// Wakes at the deadline.
    alarm: Option<Alarm>,
}

impl Future for Arriving<'_> {
    type Output = Result<Option<Arrival>, BrowserError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.inbox.lock();
        if let Some(taken) = state.take(&self.deadline) {
            return Poll::Ready(taken);
        }
        state.waker = Some(context.waker().clone());
        drop(state);
        if self.alarm.is_none() {
            match Alarm::set(Arc::clone(self.inbox), self.deadline) {
                Ok(alarm) => self.alarm = Some(alarm),
                Err(error) => return Poll::Ready(Err(BrowserError::Thread(error))),
            }
        }
        Poll::Pending
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.inbox.lock().waker = None;
    }
}

/// A thread that wakes whoever waits at the deadline. It ends by itself as soon as this is dropped: joining it could block an
/// executor that is just being woken.
struct Alarm(Arc<(Mutex<bool>, Condvar)>);

impl Alarm {
    fn set(inbox: Arc<Inbox>, deadline: Deadline) -> io::Result<Self> {
        let off = Arc::new((Mutex::new(false), Condvar::new()));
        let switch = Arc::clone(&off);
        Builder::new().name("oauth-deadline".into()).stack_size(STACK_BYTES).spawn(move || {
            let (off, changed) = &*switch;
            let mut is_off = off.lock().unwrap_or_else(PoisonError::into_inner);
            while !*is_off && !deadline.has_passed() {
                (is_off, _) = changed.wait_timeout(is_off, deadline.left()).unwrap_or_else(PoisonError::into_inner);
            }
            if !*is_off {
                drop(is_off);
                inbox.wake(inbox.lock());
            }
        })?;
        Ok(Self(off))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        *self.0 .0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0 .1.notify_all();
    }
}

/// The stack of a helper thread.
pub(super) const STACK_BYTES: usize = 256 * 1024;

/// The end of a wait, the second after the deadline, when the login has expired: by the wall clock, and at the latest after as
/// many seconds as were left at the start, in case the clock is set back meanwhile.
#[derive(Clone, Copy)]
struct Deadline {
    time: UnixTime,
    end: Option<Instant>,
}

impl Deadline {
    fn new(time: UnixTime) -> Self {
        let left = Duration::from_secs(time.saturating_since(now()).saturating_add(1));
        Self { time, end: Instant::now().checked_add(left) }
    }

    fn has_passed(&self) -> bool {
        now() > self.time || self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// How long to wait before looking again. The wall clock may jump, for example while the machine sleeps.
    fn left(&self) -> Duration {
        const LOOK_AGAIN: Duration = Duration::from_secs(20);
        let until_end = self.end.map_or(LOOK_AGAIN, |end| end.saturating_duration_since(Instant::now()));
        until_end.min(LOOK_AGAIN)
    }
}

fn now() -> UnixTime {
    SystemTime::now().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn arrival() -> Arrival {
        Arrival { url: Secret::new("com.example.app:/callback"), reply: None }
    }

    #[test]
    fn what_waits_is_bounded() {
        let inbox = Inbox::default();
        assert_eq!(inbox.put(arrival()), Put::NotAwaited);
        inbox.begin();
        for _ in 0..MAX_WAITING {
            assert_eq!(inbox.put(arrival()), Put::Queued);
        }
        assert_eq!(inbox.put(arrival()), Put::Full);
        inbox.finish();
        assert!(inbox.is_empty());
        assert_eq!(inbox.put(arrival()), Put::NotAwaited);
        inbox.close();
        assert!(!inbox.put_early(arrival()));
    }

    #[test]
    fn who_waits_for_a_page_gets_one_when_the_login_is_over() {
        let inbox = Inbox::default();
        inbox.begin();
        let (reply, page) = sync_channel(1);
        inbox.put(Arrival { reply: Some(reply), ..arrival() });
        inbox.finish();
        assert_eq!(page.recv().unwrap().status(), 400);
    }

    #[test]
    fn a_wait_that_is_dropped_leaves_no_waker() {
        let inbox = Arc::new(Inbox::default());
        inbox.begin();
        {
            let mut wait = std::pin::pin!(inbox.arrival(UnixTime::from_secs(u64::MAX)));
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert!(inbox.lock().waker.is_some());
        }
        assert!(inbox.lock().waker.is_none());
    }

    #[test]
    fn the_second_of_the_deadline_belongs_to_the_login() {
        let deadline = Deadline::new(now());
        assert!(!deadline.has_passed() || now() > deadline.time);
        assert!(Deadline::new(UnixTime::from_secs(now().as_secs().saturating_sub(1))).has_passed());
        assert!(!Deadline::new(UnixTime::from_secs(u64::MAX)).has_passed());
    }
}
