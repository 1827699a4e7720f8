//! The settings of a client.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

#[cfg(feature = "openid")]
use super::id_token_settings::IdTokenSettings;
use super::server::AuthorizationServer;
use crate::error::config::ConfigError;
use crate::secret::Secret;
#[cfg(feature = "std")]
use crate::text::form;
use crate::wire::target::Target;
use crate::wire::token::request::{ClientAuthentication, TokenRequestFormat};
use crate::wire::token::token_type::TokenTypes;

/// The settings of a [`Client`](crate::Client), made by [`Client::builder`](crate::Client::builder).
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    pub(super) server: AuthorizationServer,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) post_logout_redirect_uri: Option<String>,
    pub(super) undotted_scheme: bool,
    pub(super) secret: Option<Secret>,
    pub(super) method: Option<Method>,
    pub(super) format: TokenRequestFormat,
    pub(super) exceptions: Exceptions,
    pub(super) token_parameters: Vec<(String, Secret)>,
    pub(super) typed_parameters_failed: bool,
    pub(super) api_origins: Vec<String>,
    pub(super) bound_origins: Vec<(Target, String)>,
    pub(super) demandable: Option<String>,
    pub(super) login_timeout: u64,
    pub(super) leeway: u64,
    pub(super) refresh_timeout: u64,
    pub(super) keep_token_response: bool,
    #[cfg(feature = "openid")]
    pub(super) id_tokens: IdTokenSettings,
}

/// The rules that the server may break: none by default.
#[derive(Clone, Default)]
pub(super) struct Exceptions {
    pub token_types: TokenTypes,
    pub client_id_in_body: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
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
    pub(super) fn new(server: AuthorizationServer, client_id: &str, redirect_uri: &str) -> Self {
        Self {
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
            id_tokens: IdTokenSettings::default(),
        }
    }

    /// Sets a client secret. It is sent by `client_secret_basic`, or by `client_secret_post` if the server's metadata names only
    /// the latter. A native app cannot keep a secret (RFC 8252 §8.5): this is for clients on hosts that users have no access to.
    pub fn client_secret(mut self, secret: &str) -> Self {
        self.secret = Some(Secret::new(secret));
        self
    }

    /// Sets a client secret, sent by `client_secret_basic` (RFC 6749 §2.3.1).
    pub fn client_secret_basic(mut self, secret: &str) -> Self {
        self.method = Some(Method::Basic);
        self.client_secret(secret)
    }

    /// Sets a client secret, sent by `client_secret_post` (RFC 6749 §2.3.1).
    pub fn client_secret_post(mut self, secret: &str) -> Self {
        self.method = Some(Method::Post);
        self.client_secret(secret)
    }

    /// Allows access tokens to be sent to this origin (`https://api.example.com`); may be called several times. They are sent
    /// only to allowed origins (RFC 9700 §4.9.1).
    pub fn api_origin(mut self, origin: &str) -> Self {
        self.api_origins.push(origin.to_owned());
        self
    }

    /// Allows access tokens for this [`Target`], with any scope, to be sent to this origin, but no tokens for other targets: for
    /// clients of several APIs. Pass the same target to [`Session::access_for`](crate::Session::access_for).
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

    /// Limits the scope that an API's `insufficient_scope` may add to a login: tokens separated by spaces; others are left out.
    /// By default an API may demand any scope, and the user is asked for it.
    pub fn demandable_scope(mut self, scope: &str) -> Self {
        self.demandable = Some(scope.to_owned());
        self
    }

    /// Sets the URL that the browser returns to after a logout, as registered with the server (OpenID Connect RP-Initiated Logout
    /// 1.0 §3.1; at Auth0 an Allowed Logout URL). The rules for redirect URIs apply.
    pub fn post_logout_redirect_uri(mut self, uri: &str) -> Self {
        self.post_logout_redirect_uri = Some(uri.to_owned());
        self
    }

    /// Sends token requests with a JSON body, as in Auth0's documentation. The default is a form (RFC 6749 §4.1.3).
    pub fn json_token_requests(mut self) -> Self {
        self.format = TokenRequestFormat::Json;
        self
    }

    /// Adds a parameter to every token request. [`ClientBuilder::build`] refuses those that the crate sends itself.
    pub fn token_parameter(mut self, name: &str, value: &str) -> Self {
        self.token_parameters.push((name.to_owned(), Secret::new(value)));
        self
    }

    /// Adds every field of a `Serialize` struct to every token request (feature `std`).
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

    /// Sets how long a login may take from its start to the redirect, in seconds: 3,600 by default; 0 is refused.
    pub fn login_timeout_secs(mut self, seconds: u64) -> Self {
        self.login_timeout = seconds;
        self
    }

    /// Sets how many seconds before its expiry an access token is refreshed: 60 by default, and at most half of its lifetime.
    pub fn leeway_secs(mut self, seconds: u64) -> Self {
        self.leeway = seconds;
        self
    }

    /// Sets after how many seconds without a response a refresh counts as lost: 60 by default; 0 is refused. Give the HTTP stack
    /// a shorter timeout, or two refreshes with one refresh token may be under way.
    pub fn refresh_timeout_secs(mut self, seconds: u64) -> Self {
        self.refresh_timeout = seconds;
        self
    }

    /// Keeps a copy of each login's token response for [`Tokens::members`](crate::Tokens::members).
    pub fn keep_token_response(mut self) -> Self {
        self.keep_token_response = true;
        self
    }

    /// Accepts a private-use scheme without a dot, such as `myapp:/callback`. **Any app may claim such a scheme** (RFC 8252
    /// §7.1); only PKCE and `state` then protect the login.
    pub fn allow_undotted_scheme(mut self) -> Self {
        self.undotted_scheme = true;
        self
    }

    pub(super) fn authentication(&self) -> Result<ClientAuthentication, ConfigError> {
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
