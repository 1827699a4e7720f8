//! The store, locked by a thread of its own. A lock may be held by another process for as long as its request takes, and by
//! another task of this thread: waiting for it here would block the executor, perhaps for ever.

use std::io;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use oauth_proto::{SavedSession, UnixTime};

use super::io::Io;
use super::shared::Saving;
use super::signal::Signal;
use crate::store::{Store, StoreError};
use crate::trace;

/// A place that a thread locks, reads, and unlocks when this is dropped. What it was told to save is saved anyway.
pub(super) struct Place<T = SavedSession> {
    orders: Sender<Order<T>>,
    replies: Arc<Replies<T>>,
}

/// What to save.
pub(super) struct Order<T = SavedSession> {
    form: Option<T>,
    /// Ends the wait of those who must not see the session before it is stored.
    saving: Option<Saving>,
}

struct Replies<T> {
    answers: Mutex<Answers<T>>,
    signal: Signal,
}

struct Answers<T> {
    is_locked: bool,
    loaded: Option<Result<Option<T>, StoreError>>,
    saved: Option<Result<(), StoreError>>,
    /// The thread has ended.
    is_over: bool,
    /// It ended because the lock was held for too long.
    is_given_up: bool,
}

impl<T: Send + 'static> Place<T> {
    /// Starts to lock the store. The lock is held for so many seconds at most: a future that nobody polls must not keep it.
    pub(super) fn lock(store: &Arc<dyn Store<T>>, at_most: u64) -> Result<Self, StoreError> {
        let (orders, received) = channel();
        let answers = Answers { is_locked: false, loaded: None, saved: None, is_over: false, is_given_up: false };
        let replies = Arc::new(Replies { answers: Mutex::new(answers), signal: Signal::default() });
        let (store, over) = (Arc::clone(store), Over(Arc::clone(&replies)));
        thread::Builder::new()
            .name("oauth-store".into())
            .spawn(move || serve(&*store, &received, &over, Duration::from_secs(at_most)))?;
        Ok(Self { orders, replies })
    }

    /// What is stored, as soon as the store is locked; an error if that takes until then.
    pub(super) async fn loaded<I: Io>(&self, io: &I, until: UnixTime) -> Result<Option<T>, StoreError> {
        loop {
            let listener = self.replies.signal.listen();
            if let Some(loaded) = self.replies.take(|answers| answers.loaded.take())? {
                match &loaded {
                    Ok(form) => trace::locked(form.is_some()),
                    Err(error) => trace::not_locked(error),
                }
                return loaded;
            }
            if io.now() >= until {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "another process keeps it locked: try again later",
                )
                .into());
            }
            io.wait(listener, Some(until)).await;
        }
    }

    /// Whether the store could be locked.
    pub(super) fn is_locked(&self) -> bool {
        self.replies.answers.lock().unwrap_or_else(PoisonError::into_inner).is_locked
    }

    /// Begins to save. Only after [`Place::loaded`].
    ///
    /// If the thread is gone, `saved` tells; then this returns the order, which must not be dropped while the state is locked.
    pub(super) fn save(&self, form: Option<T>, saving: Option<Saving>) -> Option<Order<T>> {
        self.orders.send(Order { form, saving }).err().map(|unsent| unsent.0)
    }

    /// The result of the last `save`; `None` if the lock was held for too long, and is gone.
    pub(super) async fn saved<I: Io>(&self, io: &I) -> Option<Result<(), StoreError>> {
        loop {
            let listener = self.replies.signal.listen();
            match self.replies.take(|answers| answers.saved.take()) {
                Ok(Some(saved)) => {
                    match &saved {
                        Ok(()) => trace::saved(),
                        Err(error) => trace::not_saved(error),
                    }
                    return Some(saved);
                }
                Ok(None) => {}
                Err(_) if self.replies.is_given_up() => return None,
                Err(error) => return Some(Err(error)),
            }
            io.wait(listener, None).await;
        }
    }
}

impl<T> Replies<T> {
    fn put(&self, put: impl FnOnce(&mut Answers<T>)) {
        put(&mut self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        self.signal.notify();
    }

    fn is_given_up(&self) -> bool {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).is_given_up
    }

    fn take<A>(&self, take: impl FnOnce(&mut Answers<T>) -> Option<A>) -> Result<Option<A>, StoreError> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match take(&mut answers) {
            None if answers.is_over => Err(io::Error::other("the store's code has panicked").into()),
            answer => Ok(answer),
        }
    }
}

/// Tells the end of the thread, also if the store panics.
struct Over<T>(Arc<Replies<T>>);

impl<T> Drop for Over<T> {
    fn drop(&mut self) {
        self.0.put(|answers| answers.is_over = true);
    }
}

fn serve<T>(store: &dyn Store<T>, orders: &Receiver<Order<T>>, over: &Over<T>, at_most: Duration) {
    let mut locked = match store.lock() {
        Ok(locked) => locked,
        Err(error) => return over.0.put(|answers| answers.loaded = Some(Err(error))),
    };
    // Nobody waits for it any more.
    if matches!(orders.try_recv(), Err(TryRecvError::Disconnected)) {
        return;
    }
    let loaded = locked.load();
    over.0.put(|answers| (answers.is_locked, answers.loaded) = (true, Some(loaded)));
    loop {
        match orders.recv_timeout(at_most) {
            Ok(order) => {
                let saved = locked.save(order.form.as_ref());
                if let Some(saving) = order.saving {
                    saving.done(saved.is_ok());
                }
                over.0.put(|answers| answers.saved = Some(saved));
            }
            Err(RecvTimeoutError::Timeout) => return over.0.put(|answers| answers.is_given_up = true),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
