//! The metadata of an API (RFC 9728): which authorization servers issue tokens for it.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::discovery::split_path;
use crate::config_error::ConfigError;
use crate::endpoint::{self, Transport};
use crate::error::{Error, Violation};
use crate::http::Response;
use crate::json;
use crate::server::check_issuer;
use crate::time::UnixTime;
use crate::token;

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
    /// [`Error::Refused`] for another status than 200, [`Error::Violation`] for an answer that breaks a rule, with
    /// [`Violation::Metadata`] for another resource and for a server that is no issuer identifier.
    pub fn from_response(resource: &str, response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default, deserialize_with = "json::present")]
            resource: Option<String>,
            #[serde(default, deserialize_with = "json::names")]
            authorization_servers: Option<Vec<String>>,
            #[serde(default, deserialize_with = "json::names")]
            scopes_supported: Option<Vec<String>>,
        }
        let body = token::json_body(response, now)?;
        let document: Document = json::strict(body).ok_or(Error::Violation(Violation::ResponseMalformed))?;
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

fn check_resource(resource: &str) -> Result<(), ConfigError> {
    endpoint::parse(resource, Transport::Https).map(drop).map_err(|problem| ConfigError::Resource { problem })
}
