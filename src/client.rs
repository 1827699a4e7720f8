//! The client: who asks, where it is redirected, how it authenticates. Checked once, shared by every machine.

#[path = "client_exceptions.rs"]
mod exceptions;
#[cfg(feature = "openid")]
#[path = "client_openid.rs"]
mod openid;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use self::exceptions::Exceptions;
use crate::config_error::ConfigError;
use crate::endpoint;
use crate::form;
#[cfg(feature = "openid")]
use crate::openid::policy::Settings;
use crate::redirect_uri::RedirectUri;
use crate::secret::Secret;
use crate::server::AuthorizationServer;
use crate::target::Target;
use crate::token::{ClientAuthentication, TokenEndpoint, TokenRequestFormat, TokenTypes};

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
pub struct Client(Arc<Inner>);

#[cfg_attr(feature = "openid", derive(Clone))]
struct Inner {
    server: AuthorizationServer,
    server_query_names: Vec<String>,
    client_id: String,
    redirect_uri: RedirectUri,
    post_logout_redirect_uri: Option<RedirectUri>,
    authorization_prefix: String,
    token_endpoint: Arc<TokenEndpoint>,
    token_types: TokenTypes,
    api_origins: Vec<String>,
    bound_origins: Vec<(Target, String)>,
    demandable: Option<String>,
    login_timeout: u64,
    leeway: u64,
    refresh_timeout: u64,
    keep_token_response: bool,
    #[cfg(feature = "openid")]
    openid: openid::OpenId,
    login_fingerprint: Fingerprint,
    session_fingerprint: Fingerprint,
}

/// What a saved form names its client by: issuer, client id and redirect URI, hashed.
pub(crate) type Fingerprint = String;

impl Client {
    /// A public client with the defaults of [`Client::builder`].
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new(server: AuthorizationServer, client_id: &str, redirect_uri: &str) -> Result<Self, ConfigError> {
        Self::builder(server, client_id, redirect_uri).build()
    }

    /// A client to be set up. Nothing is checked before [`ClientBuilder::build`].
    pub fn builder(server: AuthorizationServer, client_id: &str, redirect_uri: &str) -> ClientBuilder {
        ClientBuilder {
            server,
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            post_logout_redirect_uri: None,
            undotted_scheme: false,
            secret: None,
            method: None,
            format: TokenRequestFormat::Form,
            exceptions: Exceptions::default(),
            token_parameters: Vec::new(),
            typed_parameters_failed: false,
            api_origins: Vec::new(),
            bound_origins: Vec::new(),
            demandable: None,
            login_timeout: 60 * 60,
            leeway: 60,
            refresh_timeout: 60,
            keep_token_response: false,
            #[cfg(feature = "openid")]
            openid: Settings::default(),
        }
    }

    /// The client identifier (RFC 6749 §2.2).
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// The redirect URI.
    pub fn redirect_uri(&self) -> &RedirectUri {
        &self.0.redirect_uri
    }

    /// Where the browser comes back to after a logout.
    pub fn post_logout_redirect_uri(&self) -> Option<&RedirectUri> {
        self.0.post_logout_redirect_uri.as_ref()
    }

    /// The authorization server.
    pub fn server(&self) -> &AuthorizationServer {
        &self.0.server
    }

    /// The token endpoint, for those who build requests by hand; `None` if the server's metadata is yet to be fetched.
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

    /// Where access tokens may be sent, whatever they are for.
    pub fn api_origins(&self) -> &[String] {
        &self.0.api_origins
    }

    /// Whether a token for this target may be sent to this origin.
    pub(crate) fn is_origin_of(&self, target: &Target, origin: &str) -> bool {
        self.0.api_origins.iter().any(|allowed| allowed == origin)
            || self.0.bound_origins.iter().any(|(bound, allowed)| bound.is_same_api(target) && allowed == origin)
    }

    /// Whether an API may demand this scope token into a login.
    pub(crate) fn is_demandable(&self, token: &str) -> bool {
        self.0.demandable.as_deref().is_none_or(|allowed| allowed.split(' ').any(|other| other == token))
    }

    pub(crate) fn server_query_names(&self) -> &[String] {
        &self.0.server_query_names
    }

    pub(crate) fn authorization_prefix(&self) -> &str {
        &self.0.authorization_prefix
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

/// Sets a [`Client`] up.
#[cfg_attr(feature = "openid", derive(Clone))]
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    server: AuthorizationServer,
    client_id: String,
    redirect_uri: String,
    post_logout_redirect_uri: Option<String>,
    undotted_scheme: bool,
    secret: Option<Secret>,
    method: Option<Method>,
    format: TokenRequestFormat,
    exceptions: Exceptions,
    token_parameters: Vec<(String, Secret)>,
    typed_parameters_failed: bool,
    api_origins: Vec<String>,
    bound_origins: Vec<(Target, String)>,
    demandable: Option<String>,
    login_timeout: u64,
    leeway: u64,
    refresh_timeout: u64,
    keep_token_response: bool,
    #[cfg(feature = "openid")]
    openid: Settings,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Basic,
    Post,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }
}

impl ClientBuilder {
    /// A client secret, sent by the method that the server's metadata names, `client_secret_basic` first. A native app
    /// cannot keep a secret (RFC 8252 §8.5): this is for clients that run where nobody else can look.
    pub fn client_secret(mut self, secret: &str) -> Self {
        self.secret = Some(Secret::new(secret));
        self
    }

    /// A client secret, sent by `client_secret_basic` (RFC 6749 §2.3.1).
    pub fn client_secret_basic(mut self, secret: &str) -> Self {
        self.method = Some(Method::Basic);
        self.client_secret(secret)
    }

    /// A client secret, sent by `client_secret_post` (RFC 6749 §2.3.1).
    pub fn client_secret_post(mut self, secret: &str) -> Self {
        self.method = Some(Method::Post);
        self.client_secret(secret)
    }

    /// An origin (`https://api.example.com`) that access tokens may be sent to; may be called several times. A token
    /// goes to no other (RFC 9700 §4.9.1).
    pub fn api_origin(mut self, origin: &str) -> Self {
        self.api_origins.push(origin.to_owned());
        self
    }

    /// An origin that access tokens for this [`Target`] may be sent to, whatever their scope, and tokens for others may not: for
    /// clients of several APIs. The target is as [`Session::access_for`](crate::Session::access_for) is asked for it.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client, Target};
    ///
    /// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
    ///     .api_origin_for(&Target::resource("https://calendar.example.com/")?, "https://calendar.example.com")
    ///     .api_origin_for(&Target::resource("urn:example:mail")?, "https://mail.example.com")
    ///     .build()?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn api_origin_for(mut self, target: &Target, origin: &str) -> Self {
        self.bound_origins.push((target.clone(), origin.to_owned()));
        self
    }

    /// The scope that an API's `insufficient_scope` may bring into a login, tokens separated by spaces: whatever else it demands
    /// is left out. By default an API may demand anything; the user is then asked for it.
    pub fn demandable_scope(mut self, scope: &str) -> Self {
        self.demandable = Some(scope.to_owned());
        self
    }

    /// Where the browser comes back to after a logout, as it is registered with the server (OpenID Connect RP-Initiated
    /// Logout 1.0 §3.1; at Auth0 an Allowed Logout URL). The rules are those of the redirect URI.
    pub fn post_logout_redirect_uri(mut self, uri: &str) -> Self {
        self.post_logout_redirect_uri = Some(uri.to_owned());
        self
    }

    /// Token requests with a JSON body, as Auth0's documentation shows them. The default is a form (RFC 6749 §3.2).
    pub fn json_token_requests(mut self) -> Self {
        self.format = TokenRequestFormat::Json;
        self
    }

    /// A parameter that every token request carries besides its own.
    pub fn token_parameter(mut self, name: &str, value: &str) -> Self {
        self.token_parameters.push((name.to_owned(), Secret::new(value)));
        self
    }

    /// Typed parameters that every token request carries besides its own (feature `std`).
    #[cfg(feature = "std")]
    pub fn token_parameters(mut self, parameters: &impl serde::Serialize) -> Self {
        match form::typed_pairs(parameters) {
            Some(pairs) => {
                self.token_parameters.extend(pairs.into_iter().map(|(name, value)| (name, Secret::new(value))));
            }
            None => self.typed_parameters_failed = true,
        }
        self
    }

    /// How long a user may take in the browser: 3,600 seconds by default.
    pub fn login_timeout_secs(mut self, seconds: u64) -> Self {
        self.login_timeout = seconds;
        self
    }

    /// How long before its expiry an access token is refreshed: 60 seconds by default.
    pub fn leeway_secs(mut self, seconds: u64) -> Self {
        self.leeway = seconds;
        self
    }

    /// How long a refresh may be under way before it is taken for lost: 60 seconds by default. Give the HTTP stack less time than
    /// that, or two refreshes with one token may be on their way.
    pub fn refresh_timeout_secs(mut self, seconds: u64) -> Self {
        self.refresh_timeout = seconds;
        self
    }

    /// Keeps a copy of each login's token response for [`Tokens::members`](crate::Tokens::members).
    pub fn keep_token_response(mut self) -> Self {
        self.keep_token_response = true;
        self
    }

    /// Accepts a private-use scheme without a dot, such as `myapp:/callback`. **Any app may claim such a scheme**
    /// (RFC 8252 §7.1); PKCE and `state` are then all that protects the login.
    pub fn allow_undotted_scheme(mut self) -> Self {
        self.undotted_scheme = true;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`ConfigError`], naming the value and what to do.
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
        let openid = openid::OpenId::new(&self)?;
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
            crate::token::Settings {
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
            #[cfg(feature = "openid")]
            openid,
        })))
    }

    fn authentication(&self) -> Result<ClientAuthentication, ConfigError> {
        let client = |name, problem| ConfigError::Client { name, problem };
        let Some(secret) = &self.secret else { return Ok(ClientAuthentication::None) };
        if secret.reveal().is_empty() || secret.reveal().chars().any(char::is_control) {
            return Err(client("client_secret", "is empty or has control characters: write it as it was issued"));
        }
        let supported = |method: &Method| match &self.server.authentication_methods {
            Some(methods) => methods.iter().any(|other| other == method.name()),
            None => true,
        };
        let method = match self.method {
            Some(method) => Some(method).filter(supported),
            None => [Method::Basic, Method::Post].into_iter().find(supported),
        };
        match method {
            Some(Method::Basic) => Ok(ClientAuthentication::ClientSecretBasic(secret.clone())),
            Some(Method::Post) => Ok(ClientAuthentication::ClientSecretPost(secret.clone())),
            None => Err(client(
                "token_endpoint_auth_method",
                "is not among the server's token_endpoint_auth_methods_supported: use another one (RFC 8414 section 2)",
            )),
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// All of the authorization URL that does not change from login to login (RFC 6749 §4.1.1, RFC 7636 §4.3).
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

/// 128 bits of it, for what is stored often and need not withstand anybody.
pub(crate) fn short_fingerprint(parts: &[&str]) -> Fingerprint {
    let mut short = fingerprint(parts);
    short.truncate(22);
    short
}

pub(crate) fn fingerprint(parts: &[&str]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths keep `a` + `bc` and `ab` + `c` apart.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Base64UrlUnpadded::encode_string(&hash.finalize())
}
