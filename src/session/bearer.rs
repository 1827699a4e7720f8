//! The access token of an API call (RFC 6750): in the `Authorization` header, over https, to allowed origins only.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use crate::config::client::Client;
use crate::http::endpoint::{self, Transport};
#[cfg(feature = "openid")]
use crate::http::{Request, RequestId};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::target::Target;

/// An access token that is good for a call now. Cheap to clone; keep it only for the call.
#[derive(Clone)]
pub struct Bearer {
    token: Arc<Secret>,
    target: Arc<Target>,
    client: Client,
    /// The digest that names its login.
    login: Arc<str>,
    expires_at: Option<UnixTime>,
}

/// Why a token must not be sent with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BearerError {
    /// The URL is not an absolute https URL (RFC 6750 §5.3).
    BadUrl,
    /// The URL's origin is not one of the client's API origins, or belongs to another API (RFC 9700 §4.9.1).
    OriginNotAllowed,
    /// The call already has an `Authorization` header.
    DuplicateAuthorization,
}

impl Bearer {
    pub(crate) fn new(
        token: Arc<Secret>,
        target: Arc<Target>,
        client: Client,
        login: Arc<str>,
        expires_at: Option<UnixTime>,
    ) -> Self {
        Self { token, target, client, login, expires_at }
    }

    /// Returns the headers for a call of this method to this URL, names in lower case. The URL is checked; the method does not
    /// matter for bearer tokens.
    ///
    /// # Errors
    /// [`BearerError`] if the token must not be sent to this URL.
    ///
    /// ```
    /// use oauth_proto::{Access, AuthorizationServer, Client, Secret, Session, Tokens, UnixTime};
    ///
    /// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
    ///     .api_origin("https://api.example.com")
    ///     .build()?;
    /// let mut session = Session::new(client, Tokens::from_parts(Secret::new("AT1"), None, None, "read"));
    /// let Access::Ready(bearer) = session.access(UnixTime::from_secs(0)) else { panic!() };
    /// for (name, value) in bearer.headers("GET", "https://api.example.com/me")? {
    ///     assert_eq!((name, value.as_str()), ("authorization", "Bearer AT1")); // request.header(name, value.as_str())
    /// }
    /// assert!(bearer.headers("GET", "https://evil.example/me").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // For tokens that are bound to a key: a proof of possession covers one method and one URL.
    pub fn headers(&self, _method: &str, url: &str) -> Result<CallHeaders, BearerError> {
        let server = self.client.server();
        let origin = endpoint::origin(url, server.transport).map_err(|_| BearerError::BadUrl)?;
        if !self.client.is_origin_of(&self.target, &origin) {
            return Err(BearerError::OriginNotAllowed);
        }
        Ok(CallHeaders(Some(HeaderValue::bearer(self.token.reveal()))))
    }

    /// Returns the request that asks the server for claims about the user (OpenID Connect Core §5.3.1; feature `openid`);
    /// [`IdToken::userinfo`](crate::IdToken::userinfo) reads the response. `None` if the server has no userinfo endpoint. A token
    /// for another API (`audience`, `resource`) may not be accepted there.
    #[cfg(feature = "openid")]
    pub fn userinfo_request(&self) -> Option<Request> {
        let url = self.client.server().userinfo_endpoint.clone()?;
        let HeaderValue(value) = HeaderValue::bearer(self.token.reveal());
        let id = RequestId::of_secret(self.token.reveal().as_bytes(), &[]);
        Some(Request::get(id, url, Some(Arc::new(value))))
    }

    pub(crate) fn login(&self) -> &str {
        &self.login
    }

    /// When the token expires, if the server said so.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// The target that the token is for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The access token itself, to be sent in some other way. The URL is then not checked.
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// The headers of a call, as an iterator over names and values.
#[derive(Clone, Debug)]
#[must_use = "the call goes out without a token"]
pub struct CallHeaders(Option<HeaderValue>);

impl CallHeaders {
    /// Returns the same headers if the call's other headers, named here, do not include `Authorization`.
    ///
    /// # Errors
    /// [`BearerError::DuplicateAuthorization`] if they include it, in any case.
    pub fn beside<N: AsRef<str>>(self, others: impl IntoIterator<Item = N>) -> Result<Self, BearerError> {
        if others.into_iter().any(|name| name.as_ref().eq_ignore_ascii_case("authorization")) {
            return Err(BearerError::DuplicateAuthorization);
        }
        Ok(self)
    }
}

impl Iterator for CallHeaders {
    type Item = (&'static str, HeaderValue);

    fn next(&mut self) -> Option<Self::Item> {
        Some(("authorization", self.0.take()?))
    }
}

/// The value of a header. `Debug` does not show it, and it is wiped when dropped.
#[derive(Clone)]
pub struct HeaderValue(Secret);

impl HeaderValue {
    /// The token was checked for allowed characters when it came (RFC 6749 A.12, RFC 9110 §5.5).
    fn bearer(token: &str) -> Self {
        let mut value = String::with_capacity(token.len().saturating_add("Bearer ".len()));
        value.push_str("Bearer ");
        value.push_str(token);
        Self(Secret::new(value))
    }

    /// The value: `Bearer …`.
    pub fn as_str(&self) -> &str {
        self.0.reveal()
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderValue(..)")
    }
}

impl fmt::Display for BearerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadUrl => "the URL is not an absolute https URL (RFC 6750 section 5.3)",
            Self::OriginNotAllowed => {
                "the URL's origin is not allowed to get the token: add it with ClientBuilder::api_origin, or api_origin_for, if it is your API"
            }
            Self::DuplicateAuthorization => "the call has an Authorization header already: remove it",
        })
    }
}

impl core::error::Error for BearerError {}

impl BearerError {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadUrl => "bad_url",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::DuplicateAuthorization => "duplicate_authorization",
        }
    }
}

/// Whether to follow an API's redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Do not follow it.
    No,
    /// Follow it.
    Yes {
        /// The URL to go to.
        url: String,
        /// Whether to send the `Authorization` header there.
        authorization: bool,
    },
}

/// Decides whether to follow an API's redirect, and whether to send the token there (RFC 9110 §15.4): only to the same scheme,
/// host and port, and only if it was sent to `request_url`, so that a redirect back does not restore it (CVE-2024-45336).
///
/// ```
/// use oauth_proto::bearer::{follow, Follow};
///
/// let elsewhere = follow("https://api.example.com/me", true, Some("https://cdn.example.net/file"));
/// assert_eq!(elsewhere, Follow::Yes { url: "https://cdn.example.net/file".into(), authorization: false });
/// assert_eq!(follow("https://api.example.com/me", true, Some("http://api.example.com/me")), Follow::No);
/// ```
pub fn follow(request_url: &str, authorization_was_sent: bool, location: Option<&str>) -> Follow {
    let target = || {
        let from = endpoint::parse(request_url, Transport::HttpsOrLoopback).ok()?;
        let mut to = from.join(location?).ok()?;
        to.set_fragment(None); // not part of a request
        if !to.username().is_empty() || to.password().is_some() {
            return None;
        }
        // Plain http is followed only to the same loopback origin.
        let to = if from.origin() == to.origin() { to } else { endpoint::parse(to.as_str(), Transport::Https).ok()? };
        Some((from, to))
    };
    match target() {
        Some((from, to)) => {
            let authorization = authorization_was_sent && from.origin() == to.origin();
            Follow::Yes { url: to.into(), authorization }
        }
        None => Follow::No,
    }
}
