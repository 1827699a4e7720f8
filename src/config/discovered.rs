//! Servers set up from metadata: from a document, or from the issuer once a login has fetched the document.

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
use crate::wire::metadata::well_known::DiscoveryOrder;

impl AuthorizationServer {
    /// Makes a server from its metadata document (RFC 8414 §3.2, OpenID Connect Discovery), for an app that fetched it itself.
    /// The document's `issuer` must equal `issuer` byte for byte (RFC 8414 §3.3).
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] for another issuer's document; [`ConfigError::Endpoint`] for an endpoint that is not an absolute
    /// https URL; [`ConfigError::Metadata`] for a document that is malformed, lacks a required member, has a member of a wrong
    /// type, or lists PKCE methods without `S256`. What the server demands beyond that is checked by
    /// [`Login::new`](crate::Login::new).
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

    /// Makes a server from a document whose issuer has been checked.
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
        server.demands = if document.require_pushed_authorization_requests == Some(true) {
            Some((
                "require_pushed_authorization_requests",
                "is true, and this version cannot push (RFC 9126 section 5): let the client log in without it at the server",
            ))
        } else if document.require_signed_request_object == Some(true) {
            Some((
                "require_signed_request_object",
                "is true, and this version does not sign requests (RFC 9101 section 10.5): let the client log in without it at the \
                 server",
            ))
        } else {
            None
        };
        server.authentication_methods.clone_from(&document.token_endpoint_auth_methods_supported);
        Ok(server)
    }

    /// Makes a server from its issuer: the login first fetches the metadata, from the locations that
    /// [`metadata`](crate::metadata) lists. Other settings of this server take precedence over the metadata.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] unless it is an https URL without query and fragment. Write it exactly as the server does: Auth0's
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

    /// Like [`AuthorizationServer::from_issuer`], for tests: also accepts **plain http** on loopback addresses (127.0.0.0/8,
    /// `[::1]`) and `localhost`, as [`AuthorizationServer::on_insecure_loopback`] does.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] as for `from_issuer`, and for plain http to any other host.
    pub fn from_issuer_on_insecure_loopback(issuer: &str) -> Result<Self, ConfigError> {
        Self::undiscovered(issuer, Transport::HttpsOrLoopback)
    }

    pub(crate) fn undiscovered(issuer: &str, transport: Transport) -> Result<Self, ConfigError> {
        Self::empty(transport).issuer(issuer)
    }

    /// Sets the order in which a login asks the well-known locations, for a server set up by
    /// [`AuthorizationServer::from_issuer`]. The default is [`DiscoveryOrder::OpenIdConnectFirst`].
    ///
    /// ```
    /// use oauth_proto::metadata::DiscoveryOrder;
    /// use oauth_proto::AuthorizationServer;
    ///
    /// let server = AuthorizationServer::from_issuer("https://as.example.com/tenant")?
    ///     .discovery_order(DiscoveryOrder::OAuthFirst)
    ///     .require_code_challenge_methods_supported();
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    #[must_use]
    pub fn discovery_order(mut self, order: DiscoveryOrder) -> Self {
        self.discovery_order = order;
        self
    }

    /// Refuses metadata without `code_challenge_methods_supported`, for a server set up by [`AuthorizationServer::from_issuer`]:
    /// the Model Context Protocol demands that. By default such metadata is accepted, and the login uses `S256` all the same (RFC
    /// 8414 §2 makes the member optional).
    #[must_use]
    pub fn require_code_challenge_methods_supported(mut self) -> Self {
        self.must_name_pkce = true;
        self
    }

    /// This server with the endpoints that its metadata names. The app's own settings take precedence.
    pub(crate) fn discovered(&self, metadata: &ServerMetadata) -> Result<Self, ConfigError> {
        let document = metadata.document();
        let template = match &self.template {
            Some(template) => Some(template.find(document.issuer.as_deref().ok_or(missing("issuer"))?)?),
            None => {
                document.check_issuer(self.issuer.as_deref().unwrap_or_default())?;
                None
            }
        };
        if self.must_name_pkce && document.code_challenge_methods_supported.is_none() {
            return Err(ConfigError::Metadata {
                name: "code_challenge_methods_supported",
                problem: "is missing, so the server may not support PKCE (RFC 8414 section 2): tell its operator, or do without \
                          AuthorizationServer::require_code_challenge_methods_supported",
            });
        }
        let found = Self::from_document(self.transport, document)?;
        let own = self.clone();
        Ok(Self {
            template,
            iss_required: own.iss_required || found.iss_required,
            demands: found.demands,
            authorization_endpoint: found.authorization_endpoint,
            token_endpoint: found.token_endpoint,
            revocation_endpoint: own.revocation_endpoint.or(found.revocation_endpoint),
            logout_endpoint: own.logout_endpoint.or(found.logout_endpoint),
            authentication_methods: own.authentication_methods.or(found.authentication_methods),
            jwks_uri: own.jwks_uri.or(found.jwks_uri),
            userinfo_endpoint: own.userinfo_endpoint.or(found.userinfo_endpoint),
            signing_algorithms: own.signing_algorithms.or(found.signing_algorithms),
            response_modes: own.response_modes.or_else(|| document.response_modes_supported.clone()),
            ..own
        })
    }
}

impl ServerMetadata {
    /// Reads the response from one of the issuer's well-known locations ([`WellKnown`](crate::metadata::WellKnown)). The
    /// document's `issuer` must equal `issuer` byte for byte (RFC 8414 §3.3). `now` is the time of the fetch.
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 2xx; [`Error::Violation`] for a response that breaks a rule:
    /// [`Violation::Metadata`](crate::Violation::Metadata) names the member.
    pub fn from_response(issuer: &str, response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        let metadata = Self::read(response, now)?;
        metadata.document().check_issuer(issuer).map_err(Error::metadata)?;
        let server = AuthorizationServer::undiscovered(issuer, Transport::Https).map_err(Error::metadata)?;
        server.discovered(&metadata).map_err(Error::metadata)?;
        Ok(metadata)
    }
}
