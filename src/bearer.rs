//! The API call (RFC 6750): the token goes into the `Authorization` header, over https, to an allowed origin.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use crate::chars;
use crate::client::Client;
use crate::endpoint::{self, Transport};
#[cfg(feature = "openid")]
use crate::http::{Request, RequestId};
use crate::secret::Secret;
use crate::target::Target;

/// An access token that is good for a call now. Cheap to clone; keep it only for the call.
#[derive(Clone)]
pub struct Bearer {
    token: Arc<Secret>,
    target: Arc<Target>,
    client: Client,
}

/// Why a token is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BearerError {
    /// The token has characters that a header must not have, or a space at an end (RFC 9110 §5.5).
    BadToken,
    /// The URL is not an absolute https URL (RFC 6750 §5.3).
    BadUrl,
    /// The URL's origin is not among the client's, or is another API's (RFC 9700 §4.9.1).
    OriginNotAllowed,
    /// The call has an `Authorization` header already.
    DuplicateAuthorization,
}

impl Bearer {
    pub(crate) fn new(token: Arc<Secret>, target: Arc<Target>, client: Client) -> Self {
        Self { token, target, client }
    }

    /// The value of the `Authorization` header for a call of `url` that has these other headers.
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
    /// assert_eq!(bearer.authorization("https://api.example.com/me", &["accept"])?.as_str(), "Bearer AT1");
    /// assert!(bearer.authorization("https://evil.example/me", &[]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn authorization(&self, url: &str, other_headers: &[&str]) -> Result<HeaderValue, BearerError> {
        let server = self.client.server();
        let origin = endpoint::origin(url, server.transport).map_err(|_| BearerError::BadUrl)?;
        if !self.client.is_origin_of(&self.target, &origin) {
            return Err(BearerError::OriginNotAllowed);
        }
        if other_headers.iter().any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err(BearerError::DuplicateAuthorization);
        }
        HeaderValue::bearer(self.token.reveal())
    }

    /// The request that asks the server who the user is (OpenID Connect Core §5.3.1; feature `openid`);
    /// [`IdToken::userinfo`](crate::IdToken::userinfo) reads the answer. `None` if the server has no userinfo endpoint, or
    /// the token has characters that a header must not have. A token for an API of its own (`audience`, `resource`) may not
    /// be good for it.
    #[cfg(feature = "openid")]
    pub fn userinfo_request(&self) -> Option<Request> {
        let url = self.client.server().userinfo_endpoint.clone()?;
        let HeaderValue(value) = HeaderValue::bearer(self.token.reveal()).ok()?;
        let id = RequestId::of_secret(self.token.reveal().as_bytes(), &[]);
        Some(Request::get(id, url, Some(Arc::new(value))))
    }

    pub(crate) fn shared_token(&self) -> &Arc<Secret> {
        &self.token
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

/// The value of an `Authorization` header. `Debug` does not show it; it is wiped when dropped.
#[derive(Clone)]
pub struct HeaderValue(Secret);

impl HeaderValue {
    /// Checks again what came from a store.
    fn bearer(token: &str) -> Result<Self, BearerError> {
        if !chars::is_header_token(token) {
            return Err(BearerError::BadToken);
        }
        let mut value = String::with_capacity(token.len().saturating_add("Bearer ".len()));
        value.push_str("Bearer ");
        value.push_str(token);
        Ok(Self(Secret::new(value)))
    }

    /// `Bearer …`.
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
            Self::BadToken => "the access token has characters that a header must not have; log in again",
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
            Self::BadToken => "bad_token",
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
