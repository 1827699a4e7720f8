//! `reqwest`, with the crate `reqwest-middleware`.

use std::fmt;

use async_trait::async_trait;
use http::Extensions;
use oauth_proto::Target;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::authorize;
use crate::api::boxed::{SendClock, SendTransport};
use crate::api::{Api, Reply};

/// Puts the token on each request of a client of `reqwest-middleware` (feature `reqwest-middleware`). The [module](super) says
/// what it does.
///
/// A request is sent a second time if [`Request::try_clone`] can copy it: not with a body that is a stream.
///
/// ```
/// use oauth_native::api::{Api, ApiError};
/// use oauth_native::middleware::ReqwestMiddleware;
/// use oauth_native::transport::Reqwest;
///
/// async fn app(api: Api<Reqwest>) -> Result<(), reqwest_middleware::Error> {
///     let plain = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
///     let client = reqwest_middleware::ClientBuilder::new(plain).with(ReqwestMiddleware::new(api)).build();
///     match client.get("https://api.example.com/me").send().await {
///         Err(reqwest_middleware::Error::Middleware(error)) => match error.downcast_ref::<ApiError>() {
///             Some(error) if error.login().is_some() => Ok(()), // api.log_in(request, &mut browser), with that request
///             _ => Err(error.into()),
///         },
///         answer => answer.map(drop),
///     }
/// }
/// ```
///
/// # Redirects
/// Build the client with `redirect(Policy::none())`, as here. Otherwise `reqwest` follows redirects by itself. It removes the
/// token if host or port change, but not if only `https` becomes `http` on the same port; `https_only(true)` prevents that. What
/// a redirect led to is returned as it is: a 401 from there says nothing about the token.
pub struct ReqwestMiddleware<T, C = crate::SystemClock> {
    api: Api<T, C>,
    target: Target,
}

impl<T: SendTransport, C: SendClock> ReqwestMiddleware<T, C> {
    /// The middleware for requests with the login's own token.
    pub fn new(api: Api<T, C>) -> Self {
        Self { api, target: Target::own() }
    }

    /// The same, with tokens for one of several APIs.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }
}

#[async_trait]
impl<T: SendTransport, C: SendClock> Middleware for ReqwestMiddleware<T, C> {
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let mut attempt = self.api.attempt(&self.target).await.map_err(Error::middleware)?;
        let mut request = request;
        loop {
            let copy = request.try_clone();
            let (url, method) = (without_fragment(request.url()), request.method().clone());
            authorize(&attempt, method.as_str(), url.as_str(), request.headers_mut()).map_err(Error::middleware)?;
            let response = next.clone().run(request, extensions).await?;
            if without_fragment(response.url()) != url {
                return Ok(response);
            }
            let reply = Reply::new(response.status().as_u16(), response.headers());
            let reply = if copy.is_some() { reply } else { reply.once() };
            let repeats = self.api.repeats(&mut attempt, &reply).await.map_err(Error::middleware)?;
            match copy {
                Some(copy) if repeats => request = copy,
                _ => return Ok(response),
            }
        }
    }
}

/// The URL as it is sent.
fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

impl<T, C> Clone for ReqwestMiddleware<T, C> {
    fn clone(&self) -> Self {
        Self { api: self.api.clone(), target: self.target.clone() }
    }
}

impl<T, C> fmt::Debug for ReqwestMiddleware<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestMiddleware").field("api", &self.api).finish_non_exhaustive()
    }
}
