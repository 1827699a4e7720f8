//! The metadata of an API (RFC 9728): which authorization servers issue tokens for it.

use alloc::string::String;
use alloc::vec::Vec;

use super::server::split_path;
use crate::error::config::ConfigError;
use crate::error::Error;
use crate::http::endpoint::{self, Transport};
use crate::http::Response;
use crate::text::members::{self, members};
use crate::time::UnixTime;
use crate::wire::issuer::check_issuer;
use crate::wire::token::response::document;

/// The metadata of a protected resource. The demand for a token may name where it is
/// ([`Advice::Discover`](crate::challenge::Advice::Discover)).
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceMetadata {
    resource: String,
    authorization_servers: Vec<String>,
    scopes_supported: Vec<String>,
}

impl ResourceMetadata {
    /// The URL of the metadata of a resource (§3.1): its path and query come behind the well-known part.
    ///
    /// # Errors
    /// [`ConfigError::Resource`] unless it is an https URL without fragment (§1.2).
    pub fn well_known_url(resource: &str) -> Result<String, ConfigError> {
        check_resource(resource)?;
        let (host, rest) = split_path(resource);
        let rest = if rest == "/" || rest.starts_with("/?") { rest.get(1..).unwrap_or_default() } else { rest };
        Ok([host, "/.well-known/oauth-protected-resource", rest].concat())
    }

    /// Reads the metadata of the resource that a call was made to. Its `resource` must be that very text, octet by octet,
    /// before its servers are believed (§3.3): an API must not speak for another one.
    ///
    /// # Errors
    /// [`Error::Refused`] for another status than 2xx, [`Error::Violation`] for an answer that breaks a rule, with
    /// [`Violation::Metadata`](crate::Violation::Metadata) for another resource and for a server that is no issuer identifier.
    pub fn from_response(resource: &str, response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        let body = document(response, now)?;
        let document: Document = members::parse(body).map_err(|fault| Error::of_document(fault, WRONG_TYPE))?;
        if document.resource.as_deref() != Some(resource) {
            return Err(Error::metadata(ConfigError::Resource {
                problem: "differs from the one the metadata was fetched for (RFC 9728 section 3.3): use neither",
            }));
        }
        check_resource(resource).map_err(Error::metadata)?;
        let authorization_servers = document.authorization_servers.unwrap_or_default();
        for issuer in &authorization_servers {
            check_issuer(issuer, Transport::Https).map_err(Error::metadata)?;
        }
        Ok(Self {
            resource: resource.into(),
            authorization_servers,
            scopes_supported: document.scopes_supported.unwrap_or_default(),
        })
    }

    /// The resource: what [`AuthorizationRequest::resource`](crate::AuthorizationRequest::resource) takes.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Issuers of tokens for it, 64 at most: what
    /// [`AuthorizationServer::from_issuer`](crate::AuthorizationServer::from_issuer) takes. Which of them to trust is the
    /// app's to decide (§7.6).
    pub fn authorization_servers(&self) -> &[String] {
        &self.authorization_servers
    }

    /// Scopes of it, 64 at most.
    pub fn scopes_supported(&self) -> &[String] {
        &self.scopes_supported
    }
}

members! {
    /// RFC 9728 §2, as far as it is of use here.
    #[derive(Default)]
    struct Document {
        pub resource: Option<String>,
        pub authorization_servers: Option<Vec<String>>,
        pub scopes_supported: Option<Vec<String>>,
    }
}

/// What to do about a member of a wrong type.
const WRONG_TYPE: &str =
    "has the wrong type (RFC 9728 section 2): tell whoever runs the API, or set its authorization server yourself";

fn check_resource(resource: &str) -> Result<(), ConfigError> {
    endpoint::parse(resource, Transport::Https).map(drop).map_err(|problem| ConfigError::Resource { problem })
}
