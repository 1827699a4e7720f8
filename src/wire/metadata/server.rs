//! Where a server's metadata is (RFC 8414 §3.1, OpenID Connect Discovery 1.0 §4.1), and what was found there.
//!
//! # The order in which a login asks
//! 1. [`WellKnown::OpenIdConfiguration`]. 2. [`WellKnown::OAuthAuthorizationServer`]. 3. If the issuer has a path,
//!    [`WellKnown::OpenIdConfigurationInserted`].
//!
//! The next location is asked when there is no document at one that can be read: any status but a success, a redirect (which is
//! never followed), or an answer that is not JSON, as the page is that many servers show for any path. A document that is there
//! decides: if it is another issuer's, or breaks a rule, the login ends. If there is none anywhere, but the server could not answer
//! at one of them (429, 5xx), all are asked again later, within the login's time; otherwise the login ends with the error of a
//! document that cannot be read, or with [`Violation::Metadata`](crate::Violation::Metadata), which tells that there is none.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::document::{Document, WRONG_TYPE};
use crate::error::config::ConfigError;
use crate::error::Error;
use crate::http::endpoint::Transport;
use crate::http::Response;
use crate::time::UnixTime;
use crate::wire::issuer::check_issuer;
use crate::wire::token::response::document;

/// A place for the metadata of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WellKnown {
    /// Appended to the issuer (OpenID Connect Discovery 1.0 §4.1).
    OpenIdConfiguration,
    /// Between the issuer's host and its path (RFC 8414 §3.1).
    OAuthAuthorizationServer,
    /// The first name at the second place (RFC 8414 §5).
    OpenIdConfigurationInserted,
}

/// The URL of the metadata of an issuer. One `/` at the issuer's end is left out.
///
/// # Errors
/// [`ConfigError::Issuer`] unless it is an https URL without query, fragment and user information (RFC 8414 §2).
///
/// ```
/// use oauth_proto::metadata::{well_known_url, WellKnown};
///
/// let issuer = "https://example.com/tenant/";
/// let url = well_known_url(issuer, WellKnown::OpenIdConfiguration)?;
/// assert_eq!(url, "https://example.com/tenant/.well-known/openid-configuration");
/// let url = well_known_url(issuer, WellKnown::OAuthAuthorizationServer)?;
/// assert_eq!(url, "https://example.com/.well-known/oauth-authorization-server/tenant");
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
pub fn well_known_url(issuer: &str, place: WellKnown) -> Result<String, ConfigError> {
    check_issuer(issuer, Transport::Https)?;
    Ok(place.of(issuer))
}

impl WellKnown {
    /// For an issuer that was checked.
    pub(crate) fn of(self, issuer: &str) -> String {
        let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
        let (host, path) = split_path(issuer);
        match self {
            Self::OpenIdConfiguration => [issuer, "/.well-known/openid-configuration"].concat(),
            Self::OAuthAuthorizationServer => [host, "/.well-known/oauth-authorization-server", path].concat(),
            Self::OpenIdConfigurationInserted => [host, "/.well-known/openid-configuration", path].concat(),
        }
    }

    /// Where to ask after this one.
    pub(crate) fn next(self, issuer: &str) -> Option<Self> {
        match self {
            Self::OpenIdConfiguration => Some(Self::OAuthAuthorizationServer),
            Self::OAuthAuthorizationServer => {
                let (_, path) = split_path(issuer);
                Some(Self::OpenIdConfigurationInserted).filter(|_| !matches!(path, "" | "/"))
            }
            Self::OpenIdConfigurationInserted => None,
        }
    }
}

/// Scheme and authority of an absolute URL, and the rest.
pub(super) fn split_path(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at.saturating_add(3));
    let after = |at: usize| at.saturating_add(authority);
    let end = url.get(authority..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), after);
    url.split_at(end)
}

/// A server's metadata, as it was fetched: any serde format can hold it, to be kept from login to login. Nothing in it is
/// secret, but whoever can change it in the store can send a login elsewhere.
///
/// ```
/// use oauth_proto::{AuthorizationServer, Client, Response, ServerMetadata, UnixTime};
///
/// let headers = [("Content-Type", "application/json")];
/// let body = br#"{
///     "issuer": "https://as.example.com",
///     "authorization_endpoint": "https://as.example.com/authorize",
///     "token_endpoint": "https://as.example.com/token"
/// }"#;
/// let (fetched_at, now) = (UnixTime::from_secs(1000), UnixTime::from_secs(1000 + 3600));
/// let metadata =
///     ServerMetadata::from_response("https://as.example.com", &Response::new(200, &headers, body), fetched_at)?;
/// let stored = serde_json::to_string(&metadata)?;
///
/// // Later: a login with this client asks for no metadata.
/// let metadata: ServerMetadata = serde_json::from_str(&stored)?;
/// let server = AuthorizationServer::from_issuer("https://as.example.com")?;
/// let mut client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// if metadata.age(now) < 24 * 3600 {
///     client = client.with_metadata(&metadata)?;
/// }
/// # assert!(client.metadata().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMetadata {
    fetched_at: UnixTime,
    document: Document,
}

impl ServerMetadata {
    /// What was found, whoever's it is: it is checked when it is used ([`AuthorizationServer::discovered`]).
    pub(crate) fn read(response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        let body = document(response, now)?;
        let document = Document::parse(body).map_err(|fault| Error::of_document(fault, WRONG_TYPE))?;
        Ok(Self { fetched_at: now, document })
    }

    /// The issuer identifier (RFC 8414 §2).
    pub fn issuer(&self) -> &str {
        self.document.issuer.as_deref().unwrap_or_default()
    }

    /// When it was fetched.
    pub fn fetched_at(&self) -> UnixTime {
        self.fetched_at
    }

    /// How old it is, in seconds.
    pub fn age(&self, now: UnixTime) -> u64 {
        now.saturating_since(self.fetched_at)
    }

    /// Whether the server promises `iss` in every authorization response (RFC 9207 §3): one without it ends the login.
    pub fn requires_iss(&self) -> bool {
        self.document.authorization_response_iss_parameter_supported == Some(true)
    }

    /// Whether the server takes pushed authorization requests alone (RFC 9126 §5). This version cannot push: a login there
    /// is refused.
    pub fn requires_pushed_authorization_requests(&self) -> bool {
        self.document.require_pushed_authorization_requests == Some(true)
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }
}
