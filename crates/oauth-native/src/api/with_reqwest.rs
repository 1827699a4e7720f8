//! Calls by `reqwest`.

use std::borrow::Borrow;

use oauth_proto::drive::{Clock, Transport};
use oauth_proto::{CallHeaders, Target};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Body, Error, IntoUrl, Method, Request, RequestBuilder, Response};

use super::{Api, CallError, Reply};
use crate::transport::Reqwest;

/// Calls by the client of [`Reqwest::with_client`], or by one that keeps connections, follows no redirect, and gives up after
/// [`Settings::timeout`](crate::transport::Settings::timeout) without a byte. A transport of the app that wraps [`Reqwest`], to log
/// the requests for example, has these calls too, if it implements `Borrow<Reqwest>`.
impl<T: Transport + Borrow<Reqwest>, C: Clock> Api<T, C> {
    /// Gets a URL with the login's own token. Whatever the status, a response is a result: see [`Api::call_for`].
    ///
    /// ```
    /// use oauth_native::api::{Api, CallError};
    /// use oauth_native::transport::Reqwest;
    ///
    /// async fn me(api: &Api<Reqwest>) -> Result<String, CallError<reqwest::Error>> {
    ///     let response = api.get("https://api.example.com/me").await?;
    ///     response.text().await.map_err(CallError::Call)
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`Api::call_for`].
    pub async fn get(&self, url: &str) -> Result<Response, CallError<Error>> {
        self.send(self.request(Method::GET, url)).await
    }

    /// A request to add to, for [`send`](Self::send). Its own `send` would send it without a token.
    ///
    /// ```
    /// use oauth_native::api::{Api, CallError};
    /// use oauth_native::transport::Reqwest;
    /// use reqwest::Method;
    ///
    /// async fn rename(api: &Api<Reqwest>, name: &'static str) -> Result<u16, CallError<reqwest::Error>> {
    ///     let request = api.request(Method::PUT, "https://api.example.com/me/name").body(name);
    ///     Ok(api.send(request).await?.status().as_u16())
    /// }
    /// ```
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        self.transport().borrow().calls(None).request(method, url)
    }

    /// Sends a request with the login's own token. A request whose body is a stream is sent once only, and its refusal is then the
    /// result.
    ///
    /// # Errors
    /// As for [`Api::call_for`].
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, CallError<Error>> {
        self.send_for(&Target::own(), request).await
    }

    /// Sends a request with a token for this target.
    ///
    /// # Errors
    /// As for [`Api::call_for`].
    pub async fn send_for(&self, target: &Target, request: RequestBuilder) -> Result<Response, CallError<Error>> {
        let mut request = request.build().map_err(CallError::Call)?;
        let mut body = request.body_mut().take();
        let repeats = body.as_ref().is_none_or(|body| body.as_bytes().is_some());
        let client = self.transport().borrow().calls(request.url().host_str());
        self.call_for(target, request.method().as_str(), request.url().as_str(), |headers| {
            let bytes = body.as_ref().and_then(|body| body.as_bytes().map(<[u8]>::to_vec));
            let request = signed(&request, headers, bytes.map(Body::from).or_else(|| body.take()));
            async move {
                let response = client.execute(request).await?;
                let reply = Reply::new(response.status().as_u16(), response.headers());
                Ok(if repeats { reply } else { reply.once() }.with(response))
            }
        })
        .await
    }
}

/// A copy of a request, with this body and the token.
fn signed(original: &Request, token: CallHeaders, body: Option<Body>) -> Request {
    let mut request = Request::new(original.method().clone(), original.url().clone());
    *request.headers_mut() = original.headers().clone();
    *request.timeout_mut() = original.timeout().copied();
    *request.version_mut() = original.version();
    *request.body_mut() = body;
    for (name, value) in token {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(value.as_str())) {
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
    }
    request
}
