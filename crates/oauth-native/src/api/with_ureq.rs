//! Calls by `ureq`.

use std::borrow::Borrow;

use oauth_proto::drive::blocking::{Clock, Transport};
use oauth_proto::Target;
use ureq::http::{HeaderName, HeaderValue, Request, Response};
use ureq::{AsSendBody, Body, Error};

use super::blocking::Api;
use super::{CallError, Reply};
use crate::transport::Ureq;

/// Calls by the agent of [`Ureq::with_agent`], or by one that keeps connections, and gives up after
/// Calls by the agent of [`Ureq::with_agent`], or by one that keeps connections, and gives up after
/// [`Settings::timeout`](crate::transport::Settings::timeout) without a response. No redirect is followed. Reading the body may take
/// any time: for a limit, use an agent of your own with `timeout_recv_body`. A transport of the app that wraps [`Ureq`], to log the
/// requests for example, has these calls too, if it implements `Borrow<Ureq>`.
impl<T: Transport + Borrow<Ureq>, C: Clock> Api<T, C> {
    /// Gets a URL with the login's own token. Whatever the status, a response is a result: see [`Api::call_for`].
    ///
    /// ```
    /// use oauth_native::api::blocking::Api;
    /// use oauth_native::api::CallError;
    /// use oauth_native::transport::Ureq;
    ///
    /// fn me(api: &Api<Ureq>) -> Result<String, CallError<ureq::Error>> {
    ///     let mut response = api.get("https://api.example.com/me")?;
    ///     response.body_mut().read_to_string().map_err(CallError::Call)
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`Api::call_for`].
    pub fn get(&self, url: &str) -> Result<Response<Body>, CallError<Error>> {
        let request = Request::get(url).body(()).map_err(|error| CallError::Call(error.into()))?;
        self.send(&request)
    }

    /// Sends a request with the login's own token.
    ///
    /// ```
    /// use oauth_native::api::blocking::Api;
    /// use oauth_native::api::CallError;
    /// use oauth_native::transport::Ureq;
    /// use ureq::http::Request;
    ///
    /// fn rename(api: &Api<Ureq>, name: &str) -> Result<u16, CallError<ureq::Error>> {
    ///     let request = Request::put("https://api.example.com/me/name").body(name);
    ///     let request = request.map_err(|error| CallError::Call(error.into()))?;
    ///     Ok(api.send(&request)?.status().as_u16())
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`Api::call_for`].
    pub fn send<B: AsSendBody + Clone>(&self, request: &Request<B>) -> Result<Response<Body>, CallError<Error>> {
        self.send_for(&Target::own(), request)
    }

    /// Sends a request with a token for this target.
    ///
    /// # Errors
    /// As for [`Api::call_for`].
    pub fn send_for<B: AsSendBody + Clone>(
        &self,
        target: &Target,
        request: &Request<B>,
    ) -> Result<Response<Body>, CallError<Error>> {
        let transport: &Ureq = self.transport().borrow();
        self.call_for(target, request.method().as_str(), &request.uri().to_string(), |headers| {
            let mut request = request.clone();
            for (name, value) in headers {
                let name = HeaderName::from_bytes(name.as_bytes());
                if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(value.as_str())) {
                    value.set_sensitive(true);
                    request.headers_mut().insert(name, value);
                }
            }
            let response = transport.call(request)?;
            Ok(Reply::new(response.status().as_u16(), response.headers()).with(response))
        })
    }
}
