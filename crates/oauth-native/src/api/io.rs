//! Sending and waiting, async or blocking.

use std::future::{poll_fn, Future};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use oauth_proto::drive::{blocking, Clock, OwnedResponse, Transport};
use oauth_proto::{Delivered, Request, UnixTime};

use super::signal::Listener;

/// What the handle needs of the world. The blocking one blocks within these functions, and its futures are ready at once.
pub(super) trait Io {
    fn now(&self) -> UnixTime;

    /// Sends a request. A task gives it up at that time; a thread cannot.
    fn send(&self, request: &Request, until: UnixTime) -> impl Future<Output = Result<OwnedResponse, Delivered>>;

    /// Waits for a change, until then at the latest.
    fn wait(&self, listener: Listener<'_>, until: Option<UnixTime>) -> impl Future<Output = ()>;

    /// Waits until then. Whether a change ends the wait early does not matter.
    fn pause(&self, listener: Listener<'_>, until: UnixTime) -> impl Future<Output = ()>;
}

/// A device that slept finds the deadline long past: then the answer may still come for so long, as in a session.
const AFTER_SLEEP_SECS: u64 = 10;

pub(super) struct Tasks<T, C> {
    pub transport: T,
    pub clock: C,
}

impl<T: Transport, C: Clock> Io for Tasks<T, C> {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    async fn send(&self, request: &Request, until: UnixTime) -> Result<OwnedResponse, Delivered> {
        let mut answer = pin!(self.transport.send(request));
        let mut until = until;
        loop {
            let mut time = pin!(self.clock.sleep_until(until));
            let answered = poll_fn(|context| match answer.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => time.as_mut().poll(context).map(|()| None),
            });
            if let Some(answer) = answered.await {
                return answer;
            }
            let now = self.clock.now();
            if now.saturating_since(until) <= AFTER_SLEEP_SECS {
                return Err(Delivered::Maybe);
            }
            // The device slept. The answer may be in its network stack.
            until = now.saturating_add(AFTER_SLEEP_SECS);
        }
    }

    async fn wait(&self, listener: Listener<'_>, until: Option<UnixTime>) {
        match until {
            Some(until) => self.pause(listener, until).await,
            None => listener.await,
        }
    }

    async fn pause(&self, listener: Listener<'_>, until: UnixTime) {
        let (mut change, mut time) = (pin!(listener), pin!(self.clock.sleep_until(until)));
        poll_fn(|context| match change.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => time.as_mut().poll(context),
        })
        .await;
    }
}

pub(super) struct Threads<T, C> {
    pub transport: T,
    pub clock: C,
}

impl<T: blocking::Transport, C: blocking::Clock> Io for Threads<T, C> {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    async fn send(&self, request: &Request, _: UnixTime) -> Result<OwnedResponse, Delivered> {
        self.transport.send(request)
    }

    async fn wait(&self, listener: Listener<'_>, until: Option<UnixTime>) {
        let at_most = until.map(|until| Duration::from_secs(until.saturating_since(self.now())));
        listener.block(at_most);
    }

    async fn pause(&self, _: Listener<'_>, until: UnixTime) {
        self.clock.sleep_until(until);
    }
}

/// Runs a future of which every part is ready at once, since it blocks instead of waiting.
pub(super) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}
