//! `ureq`.

use std::fmt;

use oauth_proto::drive::blocking::{Clock, Transport};
use oauth_proto::Target;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{Method, Request, Response};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::{Agent, Body, Error, RequestExt, ResponseExt, SendBody};

use super::authorize;
use crate::api::attempt::Attempt;
use crate::api::blocking::Api;
use crate::api::{ApiError, Reply};

/// Puts the token on each request of a `ureq` agent (feature `ureq`). The [module](super) says what it does.
///
/// ```
/// use oauth_native::api::blocking::Api;
/// use oauth_native::api::ApiError;
/// use oauth_native::middleware::UreqMiddleware;
/// use oauth_native::transport::Ureq;
///
/// fn app(api: Api<Ureq>) -> Result<(), ureq::Error> {
///     let settings = || ureq::Agent::config_builder().http_status_as_error(false);
///     let middleware = UreqMiddleware::new(api).repeat_with(settings().build().new_agent());
///     let agent = settings().middleware(middleware).build().new_agent();
///     match agent.get("https://api.example.com/me").call() {
///         Err(ureq::Error::Other(error)) => match error.downcast_ref::<ApiError>() {
///             Some(error) if error.login().is_some() => Ok(()), // api.log_in(request, &mut browser), with that request
///             _ => Err(ureq::Error::Other(error)),
///         },
///         answer => answer.map(drop),
///     }
/// }
/// ```
///
/// # What is sent a second time
/// `ureq` lets a middleware send a request once. For a second time there must be another agent, [`Self::repeat_with`]; and the
/// request must be a `GET`, `HEAD`, `OPTIONS`, `TRACE` or `DELETE`, since a middleware cannot copy a body. Without it, or for
/// other methods, the app gets the 401, and the next request has the new token.
///
/// # Statuses as errors
/// Set `http_status_as_error(false)`, as here. By default, `ureq` makes errors of a 401 and a 403 before a middleware sees their
/// headers. A 401 then always counts as a refused token, and a 403 never as a demand.
///
/// # Redirects
/// The token is never sent along with a redirect, whatever `redirect_auth_headers` says. What a redirect led to is returned as it
/// is: a 401 from there says nothing about the token.
pub struct UreqMiddleware<T, C = crate::SystemClock> {
    api: Api<T, C>,
    target: Target,
    again: Option<Agent>,
}

impl<T: Transport, C: Clock> UreqMiddleware<T, C> {
    /// The middleware for requests with the login's own token.
    pub fn new(api: Api<T, C>) -> Self {
        Self { api, target: Target::own(), again: None }
    }

    /// The same, with tokens for one of several APIs.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Sets the agent that sends a request without a body for the second time. It must not have this middleware; its settings
    /// should be those of the other agent. Settings of the single request do not reach it.
    ///
    /// Do not use `force_send_body` with it: a `GET` that has a body would be sent again without it.
    #[must_use]
    pub fn repeat_with(mut self, agent: Agent) -> Self {
        self.again = Some(agent);
        self
    }

    /// Hears the response, and returns whether to send the request once more.
    fn repeats(&self, attempt: &mut Attempt, url: &str, again: bool, sent: &Sent) -> Result<bool, Error> {
        let reply = match sent {
            Ok(response) if response.get_uri() != url => return Ok(false),
            Ok(response) => Reply::new(response.status().as_u16(), response.headers()),
            Err(Error::StatusCode(status)) => Reply::new(*status, [("", ""); 0]),
            Err(_) => return Ok(false),
        };
        self.api.repeats(attempt, &if again { reply } else { reply.once() }).map_err(other)
    }
}

type Sent = Result<Response<Body>, Error>;

impl<T, C> Middleware for UreqMiddleware<T, C>
where
    T: Transport + Send + Sync + 'static,
    C: Clock + Send + Sync + 'static,
{
    fn handle(&self, mut request: Request<SendBody>, next: MiddlewareNext) -> Sent {
        let mut attempt = self.api.attempt(&self.target).map_err(other)?;
        let again = self.again.as_ref().and_then(|agent| Some((agent, copy(&request)?)));
        let (url, method) = (request.uri().to_string(), request.method().clone());
        authorize(&attempt, method.as_str(), &url, request.headers_mut()).map_err(other)?;
        let request = match request.middleware_config() {
            Some(config) => config.redirect_auth_headers(RedirectAuthHeaders::Never).build(),
            None => return Err(Error::Other("ureq has changed: there is no middleware_config".into())),
        };
        let sent = next.handle(request);
        let repeats = self.repeats(&mut attempt, &url, again.is_some(), &sent)?;
        let Some((agent, mut request)) = again.filter(|_| repeats) else { return sent };
        drop(sent);
        authorize(&attempt, method.as_str(), &url, request.headers_mut()).map_err(other)?;
        let request = agent.configure_request(request).redirect_auth_headers(RedirectAuthHeaders::Never).build();
        let sent = agent.run(request);
        self.repeats(&mut attempt, &url, true, &sent)?;
        sent
    }
}

/// The request without a body, if it has none.
fn copy(request: &Request<SendBody>) -> Option<Request<()>> {
    const WITHOUT_BODY: [Method; 5] = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::DELETE];
    if !WITHOUT_BODY.contains(request.method()) {
        return None;
    }
    let mut copy = Request::new(());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

fn other(error: ApiError) -> Error {
    Error::Other(error.into())
}

impl<T, C> Clone for UreqMiddleware<T, C> {
    fn clone(&self) -> Self {
        Self { api: self.api.clone(), target: self.target.clone(), again: self.again.clone() }
    }
}

impl<T, C> fmt::Debug for UreqMiddleware<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqMiddleware").field("api", &self.api).finish_non_exhaustive()
    }
}
