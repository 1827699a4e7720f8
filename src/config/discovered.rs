//! A server by its metadata: from the document, or from its issuer alone once the document has come.

use alloc::sync::Arc;

use super::server::{check, AuthorizationServer};
use crate::error::config::ConfigError;
use crate::error::Error;
use crate::http::endpoint::Transport;
use crate::http::{Response, MAX_RESPONSE_BYTES};
use crate::text::members::Fault;
use crate::time::UnixTime;
use crate::wire::metadata::document::{missing, Document, WRONG_TYPE};
use crate::wire::metadata::server::ServerMetadata;

impl AuthorizationServer {
    /// Takes the server's metadata document (RFC 8414 §3.2, or OpenID Connect Discovery's), fetched for `issuer`. Its
    /// `issuer` must be that very text, octet by octet, before any other member is believed (§3.3).
    ///
    /// # Errors
    /// [`ConfigError::Metadata`] or [`ConfigError::Issuer`] for a document that is malformed, for another issuer, or
    /// of a server that does not support `S256` or takes pushed authorization requests only;
    /// [`ConfigError::Endpoint`] for its endpoints.
    ///
    /// ```
    /// use oauth_proto::AuthorizationServer;
    ///
    /// let document = br#"{
    ///     "issuer": "https://as.example.com",
    ///     "authorization_endpoint": "https://as.example.com/authorize",
    ///     "token_endpoint": "https://as.example.com/token",
    ///     "code_challenge_methods_supported": ["S256"],
    ///     "authorization_response_iss_parameter_supported": true
    /// }"#;
    /// assert!(AuthorizationServer::from_metadata("https://as.example.com", document).is_ok());
    /// assert!(AuthorizationServer::from_metadata("https://as.example.com/", document).is_err(), "another issuer");
    /// ```
    pub fn from_metadata(issuer: &str, document: &[u8]) -> Result<Self, ConfigError> {
        let bad = |problem| ConfigError::Metadata { name: "document", problem };
        if document.len() > MAX_RESPONSE_BYTES {
            return Err(bad("is larger than 1 MiB: fetch it from the issuer's well-known URL"));
        }
        let document = Document::parse(document).map_err(|fault| match fault {
            Fault::Malformed => bad(
                "is not a JSON object, or names a member twice (RFC 8414 section 3.2): fetch it from the issuer's well-known URL",
            ),
            Fault::WrongType(name) => ConfigError::Metadata { name, problem: WRONG_TYPE },
        })?;
        document.check_issuer(issuer)?;
        let server = Self::from_document(Transport::Https, &document)?;
        server.issuer(issuer)
    }

    /// All of a document but its issuer, which has been checked.
    fn from_document(transport: Transport, document: &Document) -> Result<Self, ConfigError> {
        let authorization = document.authorization_endpoint.as_deref().ok_or(missing("authorization_endpoint"))?;
        let token = document.token_endpoint.as_deref().ok_or(missing("token_endpoint"))?;
        let mut server = Self::with(transport, authorization, token)?;
        if let Some(methods) = &document.code_challenge_methods_supported {
            server = server.code_challenge_methods_supported(methods)?;
        }
        if let Some(revocation) = &document.revocation_endpoint {
            server = server.revocation_endpoint(revocation)?;
        }
        if let Some(end_session) = &document.end_session_endpoint {
            server = server.end_session_endpoint(end_session)?;
        }
        for (name, url) in [("jwks_uri", &document.jwks_uri), ("userinfo_endpoint", &document.userinfo_endpoint)] {
            url.as_deref().map_or(Ok(()), |url| check(name, url, transport).map(drop))?;
        }
        server.jwks_uri = document.jwks_uri.as_deref().map(Arc::from);
        server.userinfo_endpoint = document.userinfo_endpoint.as_deref().map(Arc::from);
        server.signing_algorithms.clone_from(&document.id_token_signing_alg_values_supported);
        server.iss_required = document.authorization_response_iss_parameter_supported == Some(true);
        server.pushed_only = document.require_pushed_authorization_requests == Some(true);
        server.authentication_methods.clone_from(&document.token_endpoint_auth_methods_supported);
        Ok(server)
    }

    /// A server by its issuer alone: the login asks for its metadata first, at the places and in the
    /// order that [`metadata`](crate::metadata) has. What else is set here counts for more than the
    /// metadata.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] unless it is an https URL without query and fragment. Write it as the server does: Auth0's
    /// ends with `/`.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client};
    ///
    /// let server = AuthorizationServer::from_issuer("https://tenant.auth0.com/")?;
    /// let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn from_issuer(issuer: &str) -> Result<Self, ConfigError> {
        Self::undiscovered(issuer, Transport::Https)
    }

    /// Like [`AuthorizationServer::from_issuer`], and accepts **plain http** on loopback literals (127.0.0.0/8, `[::1]`) and
    /// `localhost`, as [`AuthorizationServer::on_insecure_loopback`] does, for tests.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`], for plain http to any other host too.
    pub fn from_issuer_on_insecure_loopback(issuer: &str) -> Result<Self, ConfigError> {
        Self::undiscovered(issuer, Transport::HttpsOrLoopback)
    }

    pub(crate) fn undiscovered(issuer: &str, transport: Transport) -> Result<Self, ConfigError> {
        Self::empty(transport).issuer(issuer)
    }

    /// This server with the endpoints that its metadata names. What was set by hand stays.
    pub(crate) fn discovered(&self, metadata: &ServerMetadata) -> Result<Self, ConfigError> {
        let document = metadata.document();
        let template = match &self.template {
            Some(template) => Some(template.find(document.issuer.as_deref().ok_or(missing("issuer"))?)?),
            None => {
                document.check_issuer(self.issuer.as_deref().unwrap_or_default())?;
                None
            }
        };
        let found = Self::from_document(self.transport, metadata.document())?;
        let own = self.clone();
        Ok(Self {
            transport: own.transport,
            issuer: own.issuer,
            template,
            iss_required: own.iss_required || found.iss_required,
            pushed_only: found.pushed_only,
            authorization_endpoint: found.authorization_endpoint,
            token_endpoint: found.token_endpoint,
            revocation_endpoint: own.revocation_endpoint.or(found.revocation_endpoint),
            logout_endpoint: own.logout_endpoint.or(found.logout_endpoint),
            authentication_methods: own.authentication_methods.or(found.authentication_methods),
            jwks_uri: own.jwks_uri.or(found.jwks_uri),
            userinfo_endpoint: own.userinfo_endpoint.or(found.userinfo_endpoint),
            signing_algorithms: own.signing_algorithms.or(found.signing_algorithms),
            response_modes: own.response_modes.or_else(|| metadata.document().response_modes_supported.clone()),
        })
    }
}

impl ServerMetadata {
    /// Reads what was found at one of the issuer's [`WellKnown`] places. Its `issuer` must be that very text, octet by
    /// octet, before any other member is believed (RFC 8414 §3.3).
    ///
    /// # Errors
    /// [`Error::Refused`] for another status than 2xx, [`Error::Violation`] for an answer that breaks a rule:
    /// [`Violation::Metadata`](crate::Violation::Metadata) names the member.
    pub fn from_response(issuer: &str, response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        let metadata = Self::read(response, now)?;
        metadata.document().check_issuer(issuer).map_err(Error::metadata)?;
        let server = AuthorizationServer::undiscovered(issuer, Transport::Https).map_err(Error::metadata)?;
        server.discovered(&metadata).map_err(Error::metadata)?;
        Ok(metadata)
    }
}
