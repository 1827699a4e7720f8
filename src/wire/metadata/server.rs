//! An authorization server's metadata, as it was fetched.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::document::{Document, WRONG_TYPE};
use super::kept::{Kept, Stored, DAMAGED};
use crate::error::violation::Violation;
use crate::error::Error;
use crate::http::endpoint::Transport;
use crate::http::Response;
use crate::text::unfit::Unfit;
use crate::time::UnixTime;
use crate::wire::token::response::document;

/// The metadata of an authorization server (RFC 8414 §2, OpenID Connect Discovery 1.0 §3), as it was fetched.
///
/// Store it, in any serde format, so that the next login does not have to fetch it. Nothing in it is secret, but anyone who can
/// change the saved form can send a login to another server.
///
/// All members of the document are kept: [`get`](Self::get) reads any of them, and each accessor reads the member of its name.
///
/// ```
/// use oauth_proto::{AuthorizationServer, Client, Response, ServerMetadata, UnixTime};
///
/// let headers = [("Content-Type", "application/json")];
/// let body = br#"{
///     "issuer": "https://as.example.com",
///     "authorization_endpoint": "https://as.example.com/authorize",
///     "token_endpoint": "https://as.example.com/token",
///     "registration_endpoint": "https://as.example.com/register",
///     "x_region": "eu"
/// }"#;
/// let (fetched_at, now) = (UnixTime::from_secs(1000), UnixTime::from_secs(1000 + 3600));
/// let metadata =
///     ServerMetadata::from_response("https://as.example.com", &Response::new(200, &headers, body), fetched_at)?;
/// let stored = serde_json::to_string(&metadata)?;
///
/// // Later: a login with this client does not fetch the metadata.
/// let metadata: ServerMetadata = serde_json::from_str(&stored)?;
/// let server = AuthorizationServer::from_issuer("https://as.example.com")?;
/// let mut client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// if metadata.age(now) < 24 * 3600 {
///     client = client.with_metadata(&metadata)?;
/// }
/// assert_eq!(metadata.registration_endpoint()?.as_deref(), Some("https://as.example.com/register"));
/// assert_eq!(metadata.get::<String>("x_region")?.as_deref(), Some("eu"));
/// # assert!(client.metadata().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct ServerMetadata {
    fetched_at: UnixTime,
    pub(super) kept: Kept,
    document: Document,
}

impl From<ServerMetadata> for Stored {
    fn from(metadata: ServerMetadata) -> Self {
        Self { fetched_at: metadata.fetched_at, document: metadata.kept.text().into() }
    }
}

impl TryFrom<Stored> for ServerMetadata {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, &'static str> {
        Self::new(stored.document.as_bytes(), stored.fetched_at).map_err(|_| DAMAGED)
    }
}

impl ServerMetadata {
    fn new(document: &[u8], fetched_at: UnixTime) -> Result<Self, Error> {
        let read = Document::parse(document).map_err(|fault| Error::of_document(fault, WRONG_TYPE))?;
        let kept = Kept::new(document).ok_or(Error::Violation(Violation::ResponseMalformed))?;
        Ok(Self { fetched_at, kept, document: read })
    }

    /// Reads a document of any issuer: `AuthorizationServer::discovered` checks the issuer.
    pub(crate) fn read(response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        Self::new(document(response, now)?, now)
    }

    /// Reads a member by its name into any `Deserialize` type; `None` if it is absent or `null`. A `String` fits any string, a `&str`
    /// only one without escapes.
    ///
    /// # Errors
    /// [`Unfit`] if the member does not fit the type, or comes twice.
    pub fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, Unfit> {
        self.kept.get(name)
    }

    /// The issuer identifier (RFC 8414 §2).
    pub fn issuer(&self) -> &str {
        self.document.issuer.as_deref().unwrap_or_default()
    }

    /// When the metadata was fetched.
    pub fn fetched_at(&self) -> UnixTime {
        self.fetched_at
    }

    /// The age of the metadata, in seconds.
    pub fn age(&self, now: UnixTime) -> u64 {
        now.saturating_since(self.fetched_at)
    }

    /// Whether the server promises `iss` in every authorization response (`authorization_response_iss_parameter_supported`, RFC
    /// 9207 §3). A response without it then ends the login.
    pub fn requires_iss(&self) -> bool {
        self.document.authorization_response_iss_parameter_supported == Some(true)
    }

    /// Whether the server accepts pushed authorization requests only (`require_pushed_authorization_requests`, RFC 9126 §5).
    /// This version cannot push: [`Login::new`](crate::Login::new) refuses such a server.
    pub fn requires_pushed_authorization_requests(&self) -> bool {
        self.document.require_pushed_authorization_requests == Some(true)
    }

    /// Whether the server accepts signed authorization requests only (`require_signed_request_object`, RFC 9101 §10.5). This
    /// version cannot sign them: [`Login::new`](crate::Login::new) refuses such a server.
    pub fn requires_signed_request_object(&self) -> bool {
        self.document.require_signed_request_object == Some(true)
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// Plain http is only for issuers that were configured for tests on loopback.
    pub(super) fn transport(&self) -> Transport {
        if self.issuer().starts_with("http:") {
            Transport::HttpsOrLoopback
        } else {
            Transport::Https
        }
    }
}

/// The members that the crate uses itself.
impl fmt::Debug for ServerMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerMetadata")
            .field("fetched_at", &self.fetched_at)
            .field("document", &self.document)
            .finish_non_exhaustive()
    }
}
