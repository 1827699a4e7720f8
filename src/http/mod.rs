//! HTTP requests and responses as plain data, for any HTTP stack.
//!
//! # The contract for sending a [`Request`]
//! 1. Use TLS with server authentication, except for a loopback `http` URL that the configuration allowed.
//! 2. **Follow no redirect**: hand over a 3xx as it is. The request is for the configured endpoint only.
//! 3. Send method, URL, headers and body unchanged; add no other `Authorization`.
//! 4. Of the response's body, read at most [`Request::max_response_bytes`] and one byte more, and hand over what was read: longer
//!    bodies are refused.
//! 5. Report the outcome of every request once: [`Event::ResponseReceived`](crate::Event::ResponseReceived) or
//!    [`Event::SendFailed`](crate::Event::SendFailed), with the request's own id.
//!
//! # What a status means
//!
//! Each column is a step: the first three of a login, the others of a session.
//!
//! | status | metadata | code | keys | refresh | revocation |
//! | --- | --- | --- | --- | --- | --- |
//! | 0–199 | elsewhere | ends | ends | later | told |
//! | 200–299 | read | read | read | read | done |
//! | 300–399 | elsewhere | ends | ends | later | told |
//! | 400–407 | elsewhere | ends | ends | words | told |
//! | 408 | elsewhere, later | later | later | later | later |
//! | 409–424 | elsewhere | ends | ends | words | told |
//! | 425 | elsewhere, later | later | later | later | later |
//! | 426–428 | elsewhere | ends | ends | words | told |
//! | 429 | elsewhere, later | later | later | later | later |
//! | 430–499 | elsewhere | ends | ends | words | told |
//! | 500–502 | elsewhere, later | ends | later | later | later |
//! | 503 | elsewhere, later | later | later | later | later |
//! | 504–599 | elsewhere, later | ends | later | later | later |
//! | 600–999 | elsewhere | ends | ends | later | told |
//!
//! - *read*: the body is read.
//! - *elsewhere*: the next well-known location is asked. After the last, the login ends, or all are asked again if one was
//!   *later*.
//! - *later*: [`Action::RetryAt`](crate::Action::RetryAt) or [`SessionAction::RetryAt`](crate::SessionAction::RetryAt), not
//!   before `Retry-After` says. A code is sent again within its ten minutes, and only if the server did not process it; keys are
//!   requested until the login is cancelled, metadata until its deadline; a refresh is sent without limit, a revocation up to
//!   five times.
//! - *ends*: a fatal error, with the server's error code and description, if any.
//! - *words*: `invalid_grant` ends the grant; any other error code is reported, and the grant kept.
//! - *done* and *told*: the sign-out goes on; [`Session::last_error`](crate::Session::last_error) tells what was not revoked.
//!
//! Some error codes override the status: `temporarily_unavailable` is *later* for code and refresh.
//!
//! # `fetch`
//!
//! In a browser, send with `redirect: "manual"`, `credentials: "omit"` and `cache: "no-store"`. A page learns less about a response
//! than other HTTP stacks do:
//!
//! | what happens | hand over |
//! | --- | --- |
//! | the response has the type `opaqueredirect` and the status 0: the server sent a redirect | a response with status 302, an empty header `Location` and an empty body |
//! | the promise is rejected, or reading the body fails: there was no connection, it was lost, it took too long, or CORS forbids it | [`Delivered::Maybe`] |
//! | `navigator.onLine` is `false` before the request: do not send it | [`Delivered::No`] |
//!
//! **A server that does not allow the page's origin (CORS) looks like a lost connection.** Requests for metadata and keys then come
//! again without end, and a login ends with [`Over::OutcomeUnknown`](crate::Over::OutcomeUnknown) at its token request, because the
//! server may have used the code. Only the browser's console shows the reason: stop after a few attempts, and tell the user or
//! the developer to look there.
//!
//! Of another origin's headers, a page can read `Content-Type`, but neither `Date` nor `Retry-After`, unless the server lists them in
//! `Access-Control-Expose-Headers`. Without them, ID tokens are checked by the device's clock, and the waits are the crate's own.
//! `examples/web` in the repository is a login in a web page.

pub(crate) mod endpoint;
pub(crate) mod headers;
pub(crate) mod retry_after;
#[cfg(feature = "openid")]
pub(crate) mod server_clock;

use alloc::sync::Arc;
use core::fmt;

use sha2::{Digest, Sha256};

pub use self::headers::Headers;
use crate::secret::Secret;
use crate::text::json;
use crate::text::unfit::Unfit;

/// The most bytes of a response body (1 MiB). A longer body is refused before any of it is parsed.
pub const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// The id of one request, handed over with its response. A response with any other id changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// Makes an id of the number from [`RequestId::as_u64`], for passing ids through a foreign interface.
    pub const fn from_u64(id: u64) -> Self {
        Self(id)
    }

    /// The id as a number. It is not secret.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The id of the request after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// A number up to `most` that differs from client to client, since ids are made from secrets. It keeps thousands of clients
    /// from returning in the same second after an outage, without randomness.
    pub(crate) fn spread(self, most: u64) -> u64 {
        self.0.checked_rem(most.saturating_add(1)).unwrap_or_default()
    }

    /// A short public id for a request with a secret in it: a digest, which reveals nothing of the secret.
    pub(crate) fn of_secret(secret: &[u8], distinct: &[u64]) -> Self {
        let mut hash = Sha256::new();
        for number in distinct {
            hash.update(number.to_be_bytes());
        }
        hash.update(secret);
        Self::fold(&hash.finalize().into())
    }

    /// A short public id: 32 random bytes, or a digest, folded to eight.
    pub(crate) fn fold(octets: &[u8; 32]) -> Self {
        Self(
            octets.chunks_exact(8).fold(0, |folded, chunk| {
                folded ^ chunk.iter().fold(0, |word: u64, octet| word << 8 | u64::from(*octet))
            }),
        )
    }
}

/// Whether a request may have reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivered {
    /// Certainly not: no connection was made, or the host name was not found.
    No,
    /// It may have: a timeout, a connection reset, anything after the first byte was written.
    Maybe,
}

/// An HTTP request for the app to send, by the [module](self)'s contract.
///
/// `Debug` shows neither the body nor the `Authorization` header; both are wiped when the request is dropped.
pub struct Request {
    id: RequestId,
    url: Arc<str>,
    /// Only for a `POST`; a `GET` has no body.
    content_type: Option<&'static str>,
    authorization: Option<Arc<Secret>>,
    body: Secret,
}

impl Request {
    pub(crate) fn post(
        id: RequestId,
        url: Arc<str>,
        content_type: &'static str,
        authorization: Option<Arc<Secret>>,
        body: Secret,
    ) -> Self {
        Self { id, url, content_type: Some(content_type), authorization, body }
    }

    pub(crate) fn get(id: RequestId, url: Arc<str>, authorization: Option<Arc<Secret>>) -> Self {
        Self { id, url, content_type: None, authorization, body: Secret::default() }
    }

    /// The id to hand over with the response.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The method: `POST`, or `GET` for metadata, keys and userinfo.
    pub fn method(&self) -> &'static str {
        if self.content_type.is_some() {
            "POST"
        } else {
            "GET"
        }
    }

    /// The URL of the endpoint as it was configured, with its query.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, names in lower case: `accept`; for a `POST`, `content-type`; with `client_secret_basic` or an access token,
    /// `authorization`.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let authorization = self.authorization.as_deref().map(|value| ("authorization", value.reveal()));
        let content_type = self.content_type.map(|value| ("content-type", value));
        content_type.into_iter().chain([("accept", "application/json")]).chain(authorization)
    }

    /// The body, which holds secrets; empty for a `GET`.
    pub fn body(&self) -> &[u8] {
        self.body.reveal().as_bytes()
    }

    /// The most bytes that the response's body may have. Read one more at most.
    pub fn max_response_bytes(&self) -> usize {
        MAX_RESPONSE_BYTES
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("method", &self.method())
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

/// An HTTP response. It borrows headers and body, which are parsed in place.
///
/// ```
/// use oauth_proto::Response;
///
/// let headers = [("Content-Type", "application/json")];
/// let response = Response::new(200, &headers, br#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer"}"#);
/// assert_eq!(response.status(), 200);
/// ```
#[derive(Clone, Copy)]
pub struct Response<'a> {
    status: u16,
    headers: Headers<'a>,
    body: &'a [u8],
}

impl<'a> Response<'a> {
    /// Makes a response from status code, headers and body as they came. Header names may be in any case.
    pub fn new(status: u16, headers: impl Into<Headers<'a>>, body: &'a [u8]) -> Self {
        Self { status, headers: headers.into(), body }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Reads the body's JSON members into any `Deserialize` type, for members that this crate does not know, for example in the
    /// response to a refresh. Trust them only after `handle` has accepted the response.
    ///
    /// # Errors
    /// [`Unfit`] if the body does not fit the type.
    ///
    /// ```
    /// use oauth_proto::{Headers, Response};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Vendor {
    ///     tenant: String,
    /// }
    ///
    /// let body = br#"{"access_token":"AT1","token_type":"Bearer","tenant":"acme"}"#;
    /// let response = Response::new(200, Headers::NONE, body);
    /// assert_eq!(response.members::<Vendor>()?.tenant, "acme");
    /// # Ok::<(), oauth_proto::Unfit>(())
    /// ```
    pub fn members<T: serde::Deserialize<'a>>(&self) -> Result<T, Unfit> {
        json::read(self.body)
    }

    /// The first value of a header; the name's case does not matter.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.first(name)
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(feature = "http")]
mod conversions {
    use alloc::vec::Vec;

    use super::{Request, Response};

    impl<'a, B: AsRef<[u8]>> From<&'a http::Response<B>> for Response<'a> {
        fn from(response: &'a http::Response<B>) -> Self {
            Self::new(response.status().as_u16(), response.headers(), response.body().as_ref())
        }
    }

    /// Converts a request (feature `http`). The `authorization` header is marked sensitive. The copy of the body is not wiped by
    /// this crate, and the `Debug` of an `http::Request` shows its bytes.
    ///
    /// # Errors
    /// `http::Error` if the `http` crate cannot hold the endpoint's URL.
    impl TryFrom<&Request> for http::Request<Vec<u8>> {
        type Error = http::Error;

        fn try_from(request: &Request) -> Result<Self, http::Error> {
            let mut builder = http::Request::builder().method(request.method()).uri(request.url());
            for (name, value) in request.headers() {
                let mut value = http::HeaderValue::from_str(value)?;
                value.set_sensitive(name == "authorization");
                builder = builder.header(name, value);
            }
            builder.body(request.body().to_vec())
        }
    }
}
