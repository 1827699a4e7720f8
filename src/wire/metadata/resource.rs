//! The metadata of an API (RFC 9728).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::kept::{Kept, Stored, DAMAGED};
use super::well_known::split_path;
use crate::error::config::ConfigError;
use crate::error::violation::Violation;
use crate::error::Error;
use crate::http::endpoint::{self, Transport};
use crate::http::Response;
use crate::text::members::{self, members};
use crate::text::unfit::Unfit;
use crate::time::UnixTime;
use crate::wire::issuer::check_issuer;
use crate::wire::target::Target;
use crate::wire::token::response::document;

/// The metadata of a protected resource, an API (RFC 9728 §2), as it was fetched: which authorization servers issue tokens for
/// it, and with which scopes.
///
/// An API's 401 may name its URL ([`Advice::Discover`](crate::challenge::Advice::Discover)).
///
/// Store it in any serde format. Nothing in it is secret, but anybody who can change the stored form can send the app to another
/// authorization server. All members of the document are kept: [`get`](Self::get) reads any of them.
///
/// ```
/// use oauth_proto::{ResourceMetadata, Response, UnixTime};
///
/// let api = "https://api.example.com/v1";
/// let url = ResourceMetadata::well_known_url(api)?;
/// assert_eq!(url, "https://api.example.com/.well-known/oauth-protected-resource/v1");
///
/// let headers = [("Content-Type", "application/json")];
/// let body = br#"{"resource":"https://api.example.com/v1","authorization_servers":["https://as.example.com"]}"#;
/// let metadata = ResourceMetadata::from_response(api, &Response::new(200, &headers, body), UnixTime::from_secs(0))?;
/// assert_eq!(metadata.authorization_servers(), ["https://as.example.com"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct ResourceMetadata {
    fetched_at: UnixTime,
    pub(super) kept: Kept,
    resource: String,
    authorization_servers: Vec<String>,
    scopes_supported: Vec<String>,
}

/// How the `resource` in an API's metadata is compared with the URL of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceMatch {
    /// Byte for byte (RFC 9728 §3.3).
    #[default]
    Exact,
    /// The `resource` has the scheme, host and port of the URL, and its path equals the URL's, differs by one final `/`, or is a
    /// parent of it: `https://api.example.com` and `https://api.example.com/v1` for `https://api.example.com/v1/users`, but not
    /// `https://api.example.com/v`. The URL's query is ignored; a `resource` with a query matches exactly or not at all.
    ///
    /// For APIs that serve one document for all of their URLs, as many Model Context Protocol servers do. Another host still
    /// cannot speak for the API.
    SameOriginParent,
}

impl From<ResourceMetadata> for Stored {
    fn from(metadata: ResourceMetadata) -> Self {
        Self { fetched_at: metadata.fetched_at, document: metadata.kept.text().into() }
    }
}

impl TryFrom<Stored> for ResourceMetadata {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, &'static str> {
        Self::new(stored.document.as_bytes(), stored.fetched_at).map_err(|_| DAMAGED)
    }
}

impl ResourceMetadata {
    /// The URL of the metadata of a resource (RFC 9728 §3.1): the well-known part is inserted between host and path.
    ///
    /// # Errors
    /// [`ConfigError::Resource`] unless it is an https URL without fragment (RFC 9728 §1.2).
    pub fn well_known_url(resource: &str) -> Result<String, ConfigError> {
        parse(resource)?;
        let (host, rest) = split_path(resource);
        let rest = if rest == "/" || rest.starts_with("/?") { rest.get(1..).unwrap_or_default() } else { rest };
        Ok([host, "/.well-known/oauth-protected-resource", rest].concat())
    }

    /// Reads the metadata that was fetched for an API. Its `resource` must equal `resource` byte for byte (RFC 9728 §3.3), so
    /// that an API cannot speak for another one. `now` is the time of the fetch.
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 2xx; [`Error::Violation`] for a response that breaks a rule, with
    /// [`Violation::Metadata`](crate::Violation::Metadata) for another resource, and for an authorization server that is not an
    /// issuer identifier.
    pub fn from_response(resource: &str, response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        Self::from_response_as(ResourceMatch::Exact, resource, response, now)
    }

    /// Like [`from_response`](Self::from_response), with the rule that compares the document's `resource` with `url`, the URL
    /// that was called.
    ///
    /// Tokens for the resource are then for its origin alone: allow that with
    /// [`ClientBuilder::api_origin_for`](crate::ClientBuilder::api_origin_for). The authorization server gets the document's
    /// `resource`, unchanged.
    ///
    /// ```
    /// use oauth_proto::metadata::ResourceMatch;
    /// use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, ResourceMetadata, Response, UnixTime};
    ///
    /// let headers = [("Content-Type", "application/json")];
    /// let body = br#"{"resource":"https://mcp.example.com","authorization_servers":["https://as.example.com"]}"#;
    /// let metadata = ResourceMetadata::from_response_as(
    ///     ResourceMatch::SameOriginParent,
    ///     "https://mcp.example.com/tools?session=7",
    ///     &Response::new(200, &headers, body),
    ///     UnixTime::from_secs(0),
    /// )?;
    /// let server = AuthorizationServer::from_issuer(&metadata.authorization_servers()[0])?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
    ///     .api_origin_for(&metadata.target(), &metadata.origin())
    ///     .build()?;
    /// let request = AuthorizationRequest::new().resource(metadata.resource());
    /// // After the login: session.access_for(&metadata.target(), now)
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_response`](Self::from_response).
    pub fn from_response_as(
        rule: ResourceMatch,
        url: &str,
        response: &Response<'_>,
        now: UnixTime,
    ) -> Result<Self, Error> {
        let metadata = Self::new(document(response, now)?, now)?;
        if !rule.matches(&metadata.resource, url) {
            return Err(Error::metadata(ConfigError::Resource {
                problem: "differs from the one the metadata was fetched for (RFC 9728 section 3.3): use neither",
            }));
        }
        Ok(metadata)
    }

    fn new(document: &[u8], fetched_at: UnixTime) -> Result<Self, Error> {
        let read: Document = members::parse(document).map_err(|fault| Error::of_document(fault, WRONG_TYPE))?;
        let resource = read.resource.ok_or_else(|| {
            Error::metadata(ConfigError::Resource {
                problem: "is missing in the metadata (RFC 9728 section 2): tell the API's operator",
            })
        })?;
        parse(&resource).map_err(Error::metadata)?;
        let authorization_servers = read.authorization_servers.unwrap_or_default();
        for issuer in &authorization_servers {
            check_issuer(issuer, Transport::Https).map_err(Error::metadata)?;
        }
        Ok(Self {
            fetched_at,
            kept: Kept::new(document).ok_or(Error::Violation(Violation::ResponseMalformed))?,
            resource,
            authorization_servers,
            scopes_supported: read.scopes_supported.unwrap_or_default(),
        })
    }

    /// Reads a member by its name into any `Deserialize` type; `None` if it is absent or `null`. A `String` fits any string, a `&str`
    /// only one without escapes.
    ///
    /// # Errors
    /// [`Unfit`] if the member does not fit the type, or comes twice.
    pub fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, Unfit> {
        self.kept.get(name)
    }

    /// When the metadata was fetched.
    pub fn fetched_at(&self) -> UnixTime {
        self.fetched_at
    }

    /// The age of the metadata, in seconds.
    pub fn age(&self, now: UnixTime) -> u64 {
        now.saturating_since(self.fetched_at)
    }

    /// The resource identifier, as the document has it: for
    /// [`AuthorizationRequest::resource`](crate::AuthorizationRequest::resource).
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The target of access tokens for the resource: for [`Session::access_for`](crate::Session::access_for).
    pub fn target(&self) -> Target {
        Target::of_resource(&self.resource)
    }

    /// Scheme, host and port of the resource: for [`ClientBuilder::api_origin_for`](crate::ClientBuilder::api_origin_for).
    pub fn origin(&self) -> String {
        endpoint::origin(&self.resource, Transport::Https).unwrap_or_default()
    }

    /// The issuers of tokens for the resource, 1,024 at most: for
    /// [`AuthorizationServer::from_issuer`](crate::AuthorizationServer::from_issuer). The app decides which of them to trust (RFC
    /// 9728 §7.6).
    pub fn authorization_servers(&self) -> &[String] {
        &self.authorization_servers
    }

    /// Scopes of the resource, 1,024 at most.
    pub fn scopes_supported(&self) -> &[String] {
        &self.scopes_supported
    }
}

impl ResourceMetadata {
    #[expect(clippy::unused_self)] // as of a server's metadata
    pub(super) fn transport(&self) -> Transport {
        Transport::Https
    }
}

impl ResourceMatch {
    /// Whether metadata of this checked resource is for the API at this URL.
    fn matches(self, resource: &str, url: &str) -> bool {
        if self == Self::Exact || resource == url {
            return resource == url;
        }
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let (Ok(api), Ok(own)) = (parse(url), parse(resource)) else { return false };
        let (own_path, path) = (own.path(), api.path());
        let bare = |path: &'_ str| path.strip_suffix('/').unwrap_or(path).len();
        let is_parent = path.strip_prefix(own_path.get(..bare(own_path)).unwrap_or_default());
        own.origin() == api.origin()
            && own.query().is_none()
            && is_parent.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

members! {
    /// The members that the crate uses itself. They must have the types of RFC 9728 §2.
    #[derive(Default)]
    struct Document {
        pub resource: Option<String>,
        pub authorization_servers: Option<Vec<String>>,
        pub scopes_supported: Option<Vec<String>>,
    }
}

/// What to do about a member of a wrong type.
const WRONG_TYPE: &str =
    "has the wrong type (RFC 9728 section 2): tell the API's operator, or set its authorization server yourself";

fn parse(resource: &str) -> Result<url::Url, ConfigError> {
    endpoint::parse(resource, Transport::Https).map_err(|problem| ConfigError::Resource { problem })
}

impl fmt::Debug for ResourceMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceMetadata")
            .field("fetched_at", &self.fetched_at)
            .field("resource", &self.resource)
            .field("authorization_servers", &self.authorization_servers)
            .field("scopes_supported", &self.scopes_supported)
            .finish_non_exhaustive()
    }
}
