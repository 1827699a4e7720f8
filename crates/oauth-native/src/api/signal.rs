//! Wakes everybody who waits for a change, tasks and threads alike.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A change that can be waited for. Take a [`Listener`] before looking at the state; a change after that ends its wait.
#[derive(Default)]
pub(super) struct Signal {
    inner: Mutex<Inner>,
    threads: Condvar,
}

#[derive(Default)]
struct Inner {
    /// The number of changes so far.
    round: u64,
    next_key: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Signal {
    pub(super) fn listen(&self) -> Listener<'_> {
        Listener { signal: self, round: self.lock().round, key: None }
    }

    pub(super) fn notify(&self) {
        let wakers = {
            let mut inner = self.lock();
            inner.round = inner.round.wrapping_add(1);
            std::mem::take(&mut inner.wakers)
        };
        self.threads.notify_all();
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the next change: as a future, or with [`Listener::block`]. All listeners hear of a change, so one that is dropped
/// takes nothing away from the others.
pub(super) struct Listener<'a> {
    signal: &'a Signal,
    round: u64,
    key: Option<u64>,
}

impl Listener<'_> {
    /// Blocks the thread until the change, or for this long.
    pub(super) fn block(self, at_most: Option<Duration>) {
        let inner = self.signal.lock();
        let waits = |inner: &mut Inner| inner.round == self.round;
        // A poisoned lock has been waited for as well.
        match at_most {
            Some(at_most) => drop(self.signal.threads.wait_timeout_while(inner, at_most, waits)),
            None => drop(self.signal.threads.wait_while(inner, waits)),
        }
    }
}

impl Future for Listener<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut inner = this.signal.lock();
        if inner.round != this.round {
            return Poll::Ready(());
        }
        let own = this.key.and_then(|key| inner.wakers.iter_mut().find(|(other, _)| *other == key));
        if let Some((_, waker)) = own {
            waker.clone_from(context.waker());
        } else {
            let key = inner.next_key;
            inner.next_key = key.wrapping_add(1);
            inner.wakers.push((key, context.waker().clone()));
            this.key = Some(key);
        }
        Poll::Pending
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let mut inner = self.signal.lock();
            let at = inner.wakers.iter().position(|(other, _)| *other == key);
            let waker = at.map(|at| inner.wakers.swap_remove(at));
            drop(inner);
            drop(waker);
        }
    }
}
