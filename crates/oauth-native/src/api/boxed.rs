//! The handle where futures must be `Send`, as in a middleware. A generic function cannot ask this of a [`Transport`]'s futures,
//! so two traits promise it.

use std::future::Future;
use std::pin::Pin;

use oauth_proto::drive::{Clock, OwnedResponse, Transport};
use oauth_proto::{Delivered, Request, Target, UnixTime};

use super::attempt::Attempt;
use super::engine::Engine;
use super::error::ApiError;
use super::io::Tasks;
use super::reply::Reply;
use super::Api;

/// A future that may go from thread to thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A transport whose futures are `Send`. For an own one this is a line:
///
/// ```
/// use oauth_native::middleware::{BoxFuture, SendTransport};
/// use oauth_proto::drive::{OwnedResponse, Transport};
/// use oauth_proto::{Delivered, Request};
///
/// struct Mine;
///
/// impl Transport for Mine {
///     async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
///         Err(Delivered::No) // …
///     }
/// }
///
/// impl SendTransport for Mine {
///     fn send_boxed<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<OwnedResponse, Delivered>> {
///         Box::pin(self.send(request))
///     }
/// }
/// ```
pub trait SendTransport: Transport + Send + Sync + 'static {
    /// [`Transport::send`], in a box.
    fn send_boxed<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<OwnedResponse, Delivered>>;
}

/// A clock whose futures are `Send`; implemented as [`SendTransport`] is.
pub trait SendClock: Clock + Send + Sync + 'static {
    /// [`Clock::sleep_until`], in a box.
    fn sleep_boxed(&self, time: UnixTime) -> BoxFuture<'_, ()>;
}

#[cfg(feature = "reqwest")]
impl SendTransport for crate::transport::Reqwest {
    fn send_boxed<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<OwnedResponse, Delivered>> {
        Box::pin(self.send(request))
    }
}

#[cfg(feature = "hyper")]
impl SendTransport for crate::transport::Hyper {
    fn send_boxed<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<OwnedResponse, Delivered>> {
        Box::pin(self.send(request))
    }
}

#[cfg(any(feature = "reqwest", feature = "hyper"))]
impl SendClock for crate::SystemClock {
    fn sleep_boxed(&self, time: UnixTime) -> BoxFuture<'_, ()> {
        Box::pin(Clock::sleep_until(self, time))
    }
}

/// A transport or a clock by its boxed futures.
struct Boxed<'a, T>(&'a T);

impl<T: SendTransport> Transport for Boxed<'_, T> {
    async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        self.0.send_boxed(request).await
    }
}

impl<C: SendClock> Clock for Boxed<'_, C> {
    fn now(&self) -> UnixTime {
        self.0.now()
    }

    async fn sleep_until(&self, time: UnixTime) {
        self.0.sleep_boxed(time).await;
    }
}

impl<T: SendTransport, C: SendClock> Api<T, C> {
    /// [`Engine::attempt`].
    pub(crate) fn attempt<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Attempt, ApiError>> {
        Box::pin(async move {
            let io = self.boxed();
            Engine { io: &io, shared: &self.inner.shared, patience: self.patience }.attempt(target).await
        })
    }

    /// [`Engine::repeats`].
    pub(crate) fn repeats<'a>(
        &'a self,
        attempt: &'a mut Attempt,
        reply: &'a Reply,
    ) -> BoxFuture<'a, Result<bool, ApiError>> {
        Box::pin(async move {
            let io = self.boxed();
            Engine { io: &io, shared: &self.inner.shared, patience: self.patience }.repeats(attempt, reply).await
        })
    }

    fn boxed(&self) -> Tasks<Boxed<'_, T>, Boxed<'_, C>> {
        Tasks { transport: Boxed(&self.inner.io.transport), clock: Boxed(&self.inner.io.clock) }
    }
}
