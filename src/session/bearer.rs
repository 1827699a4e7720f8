//! The API call (RFC 6750): the token goes into the `Authorization` header, over https, to an allowed origin.

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
    /// Of this login.
    login: Arc<str>,
    expires_at: Option<UnixTime>,
}

/// Why a token is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BearerError {
    /// The URL is not an absolute https URL (RFC 6750 §5.3).
    BadUrl,
    /// The URL's origin is not among the client's, or is another API's (RFC 9700 §4.9.1).
    OriginNotAllowed,
    /// The call has an `Authorization` header already.
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

    /// The headers that a call of this method to this URL gets: names in lower case, and values.
    ///
    /// # Errors
    /// [`BearerError`]; the call must then not be made with this token.
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
    ///     assert_eq!((name, value.as_str()), ("authorization", "Bearer AT1")); // request = request.header(name, value.as_str());
    /// }
    /// assert!(bearer.headers("GET", "https://evil.example/me").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // The method is for tokens that are bound to a key: a proof of possession is for one method and one URL.
    pub fn headers(&self, _method: &str, url: &str) -> Result<CallHeaders, BearerError> {
        let server = self.client.server();
        let origin = endpoint::origin(url, server.transport).map_err(|_| BearerError::BadUrl)?;
        if !self.client.is_origin_of(&self.target, &origin) {
            return Err(BearerError::OriginNotAllowed);
        }
        Ok(CallHeaders(Some(HeaderValue::bearer(self.token.reveal()))))
    }

    /// The request that asks the server who the user is (OpenID Connect Core §5.3.1; feature `openid`);
    /// [`IdToken::userinfo`](crate::IdToken::userinfo) reads the answer. `None` if the server has no userinfo endpoint. A token for an API of its own (`audience`, `resource`) may not
    /// be good for it.
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

    /// What the token is for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The access token itself, for those who send it in some other way. Nothing is checked here.
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// The headers of a call: an iterator over names and values.
#[derive(Clone, Debug)]
#[must_use = "the call goes out without a token"]
pub struct CallHeaders(Option<HeaderValue>);

impl CallHeaders {
    /// The same, if the call has no header of these other names twice.
    ///
    /// # Errors
    /// [`BearerError::DuplicateAuthorization`] if it has an `Authorization` of its own, in any case.
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

/// The value of a header. `Debug` does not show it; it is wiped when dropped.
#[derive(Clone)]
pub struct HeaderValue(Secret);

impl HeaderValue {
    /// Of a token that was found fit for it when it came (RFC 6749 A.12, RFC 9110 §5.5).
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
    /// A name that stays the same from version to version.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadUrl => "bad_url",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::DuplicateAuthorization => "duplicate_authorization",
        }
    }
}

/// What to do about a redirect that an API answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Do not follow it.
    No,
    /// Follow it.
    Yes {
        /// Where to.
        url: String,
        /// Whether the `Authorization` header goes along.
        authorization: bool,
    },
}

/// Whether to follow an API's redirect, and whether the token goes along (RFC 9110 §15.4): only to the same scheme, host
/// and port, only if it was sent on this hop, so that a way back does not restore it (CVE-2024-45336).
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
        to.set_fragment(None); // for whoever shows the page, not for the request
        if !to.username().is_empty() || to.password().is_some() {
            return None;
        }
        // A loopback API is followed to itself alone.
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
