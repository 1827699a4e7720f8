//! The client: its id, redirect URI and authentication, checked once and shared by all machines.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::builder::ClientBuilder;
use super::fingerprint::{fingerprint, short_fingerprint, Fingerprint};
#[cfg(feature = "openid")]
use super::id_token_settings::IdTokenPolicy;
use super::server::AuthorizationServer;
use crate::error::config::ConfigError;
use crate::error::restore::RestoreError;
use crate::http::endpoint;
#[cfg(feature = "openid")]
use crate::openid::keys::KeySet;
use crate::text::form;
use crate::wire::metadata::server::ServerMetadata;
use crate::wire::redirect::uri::RedirectUri;
use crate::wire::target::Target;
use crate::wire::token::request::{self, TokenEndpoint};
use crate::wire::token::token_type::TokenTypes;

/// A client of one authorization server (RFC 6749 §2). Cloning it is cheap.
///
/// ```
/// use oauth_proto::{AuthorizationServer, Client};
///
/// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?
///     .issuer("https://as.example.com")?;
/// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
///     .api_origin("https://api.example.com")
///     .leeway_secs(30)
///     .build()?;
/// assert_eq!(client.client_id(), "s6BhdRkqt3");
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Client(pub(super) Arc<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) server: AuthorizationServer,
    pub(super) server_query_names: Vec<String>,
    pub(super) client_id: String,
    pub(super) redirect_uri: RedirectUri,
    pub(super) post_logout_redirect_uri: Option<RedirectUri>,
    pub(super) authorization_prefix: String,
    pub(super) token_endpoint: Arc<TokenEndpoint>,
    pub(super) token_types: TokenTypes,
    pub(super) api_origins: Vec<String>,
    pub(super) bound_origins: Vec<(Target, String)>,
    pub(super) demandable: Option<String>,
    pub(super) login_timeout: u64,
    pub(super) leeway: u64,
    pub(super) refresh_timeout: u64,
    pub(super) keep_token_response: bool,
    /// The settings, while the endpoints are not yet discovered.
    pub(super) builder: Option<Box<ClientBuilder>>,
    pub(super) metadata: Option<Arc<ServerMetadata>>,
    #[cfg(feature = "openid")]
    pub(super) id_tokens: Result<IdTokenPolicy, ConfigError>,
    #[cfg(feature = "openid")]
    pub(super) trusted_audiences: Vec<String>,
    #[cfg(feature = "openid")]
    pub(super) max_key_age: u64,
    #[cfg(feature = "openid")]
    pub(super) keys: Option<Arc<KeySet>>,
    pub(super) login_fingerprint: Fingerprint,
    pub(super) session_fingerprint: Fingerprint,
}

impl Client {
    /// Makes a public client with the defaults of [`Client::builder`].
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new(server: AuthorizationServer, client_id: &str, redirect_uri: &str) -> Result<Self, ConfigError> {
        Self::builder(server, client_id, redirect_uri).build()
    }

    /// Starts the setup of a client. Nothing is checked before [`ClientBuilder::build`].
    pub fn builder(server: AuthorizationServer, client_id: &str, redirect_uri: &str) -> ClientBuilder {
        ClientBuilder::new(server, client_id, redirect_uri)
    }

    /// The client identifier (RFC 6749 §2.2).
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// The redirect URI.
    pub fn redirect_uri(&self) -> &RedirectUri {
        &self.0.redirect_uri
    }

    /// The URL that the browser returns to after a logout.
    pub fn post_logout_redirect_uri(&self) -> Option<&RedirectUri> {
        self.0.post_logout_redirect_uri.as_ref()
    }

    /// The authorization server.
    pub fn server(&self) -> &AuthorizationServer {
        &self.0.server
    }

    /// The token endpoint, for building requests by hand; `None` if the server's metadata is yet to be fetched.
    pub fn token_endpoint(&self) -> Option<&TokenEndpoint> {
        Some(&*self.0.token_endpoint).filter(|_| self.has_endpoints())
    }

    /// The token endpoint of a client whose endpoints are known.
    pub(crate) fn known_token_endpoint(&self) -> &TokenEndpoint {
        &self.0.token_endpoint
    }

    /// Whether the server's endpoints are known.
    pub(crate) fn has_endpoints(&self) -> bool {
        self.0.server.has_endpoints()
    }

    /// The origins that access tokens for any target may be sent to.
    pub fn api_origins(&self) -> &[String] {
        &self.0.api_origins
    }

    /// Whether a token for this target may be sent to this origin.
    pub(crate) fn is_origin_of(&self, target: &Target, origin: &str) -> bool {
        self.0.api_origins.iter().any(|allowed| allowed == origin)
            || self.0.bound_origins.iter().any(|(bound, allowed)| bound.is_same_api(target) && allowed == origin)
    }

    /// Whether an API may add this scope token to a login.
    pub(crate) fn is_demandable(&self, token: &str) -> bool {
        self.0.demandable.as_deref().is_none_or(|allowed| allowed.split(' ').any(|other| other == token))
    }

    /// Returns this client with its server's metadata from an earlier fetch, so that a login does not fetch it. The app decides
    /// how old it may be; a day is usual.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] for another issuer's metadata, and for a client whose server was not made by
    /// [`AuthorizationServer::from_issuer`](crate::AuthorizationServer::from_issuer); for unusable metadata as
    /// [`AuthorizationServer::from_metadata`](crate::AuthorizationServer::from_metadata).
    pub fn with_metadata(&self, metadata: &ServerMetadata) -> Result<Self, ConfigError> {
        let builder = self.0.builder.as_ref().ok_or(ConfigError::Issuer {
            problem: "is not what the client was set up with: make the server with AuthorizationServer::from_issuer",
        })?;
        let mut found = ClientBuilder::clone(builder);
        found.server = builder.server.discovered(metadata)?;
        let mut inner = Arc::unwrap_or_clone(found.build()?.0);
        inner.builder = Some(builder.clone());
        inner.metadata = Some(Arc::new(metadata.clone()));
        #[cfg(feature = "openid")]
        inner.keys.clone_from(&self.0.keys);
        Ok(Self(Arc::new(inner)))
    }

    /// This client with the metadata that was saved with a login: the login continues with the same server, even if the client
    /// has other metadata by now.
    pub(crate) fn of_saved_login(self, metadata: &ServerMetadata) -> Result<Self, RestoreError> {
        if self.0.builder.is_some() {
            return self.with_metadata(metadata).map_err(|_| RestoreError::Malformed);
        }
        // The app has since set the endpoints by hand: they must be those that the user was sent to.
        let own = self.server();
        let found = own.discovered(metadata).map_err(|_| RestoreError::Malformed)?;
        let is_same =
            found.authorization_endpoint == own.authorization_endpoint && found.token_endpoint == own.token_endpoint;
        is_same.then_some(self).ok_or(RestoreError::OtherClient)
    }

    /// The metadata that the client uses, if it was fetched. Store it for the next login.
    pub fn metadata(&self) -> Option<&ServerMetadata> {
        self.0.metadata.as_deref()
    }

    /// Refuses a client whose endpoints are unknown.
    pub(crate) fn with_known_server(self) -> Result<Self, RestoreError> {
        Some(self).filter(Self::has_endpoints).ok_or(RestoreError::ServerUnknown)
    }

    pub(crate) fn server_query_names(&self) -> &[String] {
        &self.0.server_query_names
    }

    pub(crate) fn authorization_prefix(&self) -> &str {
        &self.0.authorization_prefix
    }

    /// The token types that are read as Bearer.
    pub(crate) fn token_types(&self) -> &TokenTypes {
        &self.0.token_types
    }

    pub(crate) fn login_timeout(&self) -> u64 {
        self.0.login_timeout
    }

    pub(crate) fn leeway(&self) -> u64 {
        self.0.leeway
    }

    pub(crate) fn refresh_timeout(&self) -> u64 {
        self.0.refresh_timeout
    }

    pub(crate) fn keeps_token_response(&self) -> bool {
        self.0.keep_token_response
    }

    pub(crate) fn login_fingerprint(&self) -> &str {
        &self.0.login_fingerprint
    }

    pub(crate) fn session_fingerprint(&self) -> &str {
        &self.0.session_fingerprint
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("client_id", &self.0.client_id)
            .field("redirect_uri", &self.0.redirect_uri)
            .field("server", &self.0.server)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Checks all settings and makes the client.
    ///
    /// # Errors
    /// [`ConfigError`], which names the setting and says what to do.
    pub fn build(self) -> Result<Client, ConfigError> {
        let client = |name, problem| ConfigError::Client { name, problem };
        if self.client_id.is_empty() || self.client_id.chars().any(char::is_control) {
            return Err(client("client_id", "is empty or has control characters: write it as it was issued"));
        }
        if self.typed_parameters_failed {
            return Err(ConfigError::parameter("token_parameters", "must be a struct or map of plain values"));
        }
        if self.server.iss_required && self.server.expected_issuer().is_none() {
            return Err(ConfigError::Issuer { problem: "is not set though iss is required: set it with issuer(…)" });
        }
        if self.refresh_timeout == 0 || self.login_timeout == 0 {
            return Err(client("timeout", "is 0, so nothing could ever be under way: give it some seconds"));
        }
        self.exceptions.token_types.check()?;
        #[cfg(feature = "openid")]
        self.id_tokens.check()?;
        #[cfg(feature = "openid")]
        let id_tokens = self.id_tokens.policy(&self.server);
        let builder = (!self.server.has_endpoints()).then(|| Box::new(self.clone()));
        let redirect_uri = RedirectUri::check(&self.redirect_uri, self.undotted_scheme)?;
        let post_logout_redirect_uri =
            self.post_logout_redirect_uri.as_deref().map(|uri| RedirectUri::check(uri, self.undotted_scheme));
        let post_logout_redirect_uri = post_logout_redirect_uri.transpose().map_err(|error| match error {
            ConfigError::RedirectUri { problem } => client("post_logout_redirect_uri", problem),
            other => other,
        })?;
        let authentication = self.authentication()?;
        let check = |origin: &String| {
            endpoint::bare_origin(origin, self.server.transport).map_err(|problem| client("api_origin", problem))
        };
        let api_origins = self.api_origins.iter().map(check).collect::<Result<_, _>>()?;
        let bound = self.bound_origins.iter().map(|(target, origin)| Ok((target.clone(), check(origin)?)));
        let bound_origins = bound.collect::<Result<_, _>>()?;
        let token_endpoint = TokenEndpoint::new(
            Arc::clone(&self.server.token_endpoint),
            self.server.revocation_endpoint.clone(),
            request::Settings {
                client_id: &self.client_id,
                redirect_uri: redirect_uri.as_str(),
                authentication: &authentication,
                format: self.format,
                client_id_in_body: self.exceptions.client_id_in_body,
                extra: self.token_parameters,
            },
        )?;
        let (before, after) = redirect_uri.without_loopback_port();
        let names = [self.server.names().as_slice(), &[self.client_id.as_str()]].concat();
        Ok(Client(Arc::new(Inner {
            authorization_prefix: authorization_prefix(&self.server, &self.client_id, redirect_uri.as_str()),
            login_fingerprint: fingerprint(&[names.as_slice(), &[redirect_uri.as_str()]].concat()),
            session_fingerprint: short_fingerprint(&[names.as_slice(), &[before, after]].concat()),
            server_query_names: self.server.query_names(),
            server: self.server,
            client_id: self.client_id,
            redirect_uri,
            post_logout_redirect_uri,
            token_endpoint: Arc::new(token_endpoint),
            token_types: self.exceptions.token_types,
            api_origins,
            bound_origins,
            demandable: self.demandable,
            login_timeout: self.login_timeout,
            leeway: self.leeway,
            refresh_timeout: self.refresh_timeout,
            keep_token_response: self.keep_token_response,
            builder,
            metadata: None,
            #[cfg(feature = "openid")]
            id_tokens,
            #[cfg(feature = "openid")]
            trusted_audiences: self.id_tokens.trusted_audiences,
            #[cfg(feature = "openid")]
            max_key_age: self.id_tokens.max_key_age,
            #[cfg(feature = "openid")]
            keys: None,
        })))
    }
}

/// The constant part of the authorization URL (RFC 6749 §4.1.1, RFC 7636 §4.3).
fn authorization_prefix(server: &AuthorizationServer, client_id: &str, redirect_uri: &str) -> String {
    let mut prefix = String::from(&*server.authorization_endpoint);
    prefix.push_str(form::separator(&server.authorization_endpoint));
    prefix.push_str("response_type=code");
    prefix.push_str("&client_id=");
    form::push_url_encoded(&mut prefix, client_id);
    form::push_pair(&mut prefix, "redirect_uri", redirect_uri);
    prefix.push_str("&code_challenge_method=S256");
    prefix
}
