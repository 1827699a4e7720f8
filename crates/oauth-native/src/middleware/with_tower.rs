//! Services of `tower`.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response};
use oauth_proto::Target;
use tower_layer::Layer;
use tower_service::Service;

use super::authorize;
use crate::api::boxed::{BoxFuture, SendClock, SendTransport};
use crate::api::{Api, Reply};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Puts the token on each request of a service that sends requests of the crate `http`, such as a client of `hyper-util` (feature
/// `tower`). The [module](super) says what it does.
///
/// A request is sent a second time if its body can be copied. By default, the body's type must be [`Clone`], as
/// `http_body_util::Full` and `Empty` are; for other types see [`Self::repeat`].
///
/// The error is a box, as in `tower`'s own layers: of [`ApiError`](crate::api::ApiError), or of the service's own error.
///
/// ```
/// use oauth_native::api::{Api, ApiError};
/// use oauth_native::middleware::{SendClock, SendTransport, TowerLayer};
/// use tower::{Layer, Service, ServiceExt};
/// # type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// # type Body = http_body_util::Full<&'static [u8]>;
///
/// async fn app<S, T: SendTransport, C: SendClock>(client: S, api: Api<T, C>) -> Result<(), BoxError>
/// where
///     S: Service<http::Request<Body>, Response = http::Response<Body>> + Clone + Send + 'static,
///     S::Error: Into<BoxError>,
///     S::Future: Send,
/// {
///     let mut service = TowerLayer::new(api).layer(client);
///     let request = http::Request::get("https://api.example.com/me").body(Body::default())?;
///     match service.ready().await?.call(request).await {
///         Err(error) => match error.downcast_ref::<ApiError>() {
///             Some(error) if error.login().is_some() => Ok(()), // api.log_in(request, &mut browser), with that request
///             _ => Err(error),
///         },
///         answer => answer.map(drop),
///     }
/// }
/// ```
///
/// # Redirects
/// A client of `hyper-util` follows none. If there is a layer that does, put it around this one: then each request that it makes
/// comes through here, and one to another origin is an error and is not sent.
pub struct TowerLayer<T, C = crate::SystemClock, R = Cloned> {
    api: Api<T, C>,
    target: Target,
    repeat: R,
}

impl<T, C> TowerLayer<T, C> {
    /// The layer for requests with the login's own token.
    pub fn new(api: Api<T, C>) -> Self {
        Self { api, target: Target::own(), repeat: Cloned }
    }
}

impl<T, C, R> TowerLayer<T, C, R> {
    /// The same, with tokens for one of several APIs.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Sets how a body is copied before it is sent: a function that returns `None` for a body that cannot be copied. Such a
    /// request is not sent a second time.
    #[must_use]
    pub fn repeat<F>(self, repeat: F) -> TowerLayer<T, C, F> {
        TowerLayer { api: self.api, target: self.target, repeat }
    }
}

impl<S, T, C, R: Clone> Layer<S> for TowerLayer<T, C, R> {
    type Service = TowerService<S, T, C, R>;

    fn layer(&self, inner: S) -> Self::Service {
        TowerService { inner, layer: self.clone() }
    }
}

/// How a request's body is copied: [`Cloned`], or a function.
pub trait Repeat<B> {
    /// A copy of the body; `None` if there can be none.
    fn copy(&self, body: &B) -> Option<B>;
}

/// Bodies are cloned.
#[derive(Clone, Copy, Debug)]
pub struct Cloned;

impl<B: Clone> Repeat<B> for Cloned {
    fn copy(&self, body: &B) -> Option<B> {
        Some(body.clone())
    }
}

impl<B, F: Fn(&B) -> Option<B>> Repeat<B> for F {
    fn copy(&self, body: &B) -> Option<B> {
        self(body)
    }
}

/// A service with a [`TowerLayer`] around it.
pub struct TowerService<S, T, C = crate::SystemClock, R = Cloned> {
    inner: S,
    layer: TowerLayer<T, C, R>,
}

impl<S, T, C, R, B, A> Service<Request<B>> for TowerService<S, T, C, R>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    T: SendTransport,
    C: SendClock,
    R: Repeat<B> + Clone + Send + Sync + 'static,
    B: Send + 'static,
    A: Send,
{
    type Response = Response<A>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<A>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was ready.
        let copy = self.inner.clone();
        let (mut service, layer) = (mem::replace(&mut self.inner, copy), self.layer.clone());
        let mut request = request;
        Box::pin(async move {
            let mut attempt = layer.api.attempt(&layer.target).await?;
            loop {
                let copy = layer.copy(&request);
                let (url, method) = (request.uri().to_string(), request.method().clone());
                authorize(&attempt, method.as_str(), &url, request.headers_mut())?;
                let response = service.call(request).await.map_err(Into::into)?;
                let reply = Reply::new(response.status().as_u16(), response.headers());
                let reply = if copy.is_some() { reply } else { reply.once() };
                let repeats = layer.api.repeats(&mut attempt, &reply).await?;
                match copy {
                    Some(copy) if repeats => request = copy,
                    _ => return Ok(response),
                }
                poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
            }
        })
    }
}

impl<T, C, R> TowerLayer<T, C, R> {
    /// A copy of the request.
    fn copy<B>(&self, request: &Request<B>) -> Option<Request<B>>
    where
        R: Repeat<B>,
    {
        let mut copy = Request::new(self.repeat.copy(request.body())?);
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        copy.headers_mut().clone_from(request.headers());
        copy.extensions_mut().clone_from(request.extensions());
        *copy.version_mut() = request.version();
        Some(copy)
    }
}

impl<T, C, R: Clone> Clone for TowerLayer<T, C, R> {
    fn clone(&self) -> Self {
        Self { api: self.api.clone(), target: self.target.clone(), repeat: self.repeat.clone() }
    }
}

impl<S: Clone, T, C, R: Clone> Clone for TowerService<S, T, C, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<T, C, R> fmt::Debug for TowerLayer<T, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerLayer").field("api", &self.api).finish_non_exhaustive()
    }
}

impl<S, T, C, R> fmt::Debug for TowerService<S, T, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerService").field("layer", &self.layer).finish_non_exhaustive()
    }
}
