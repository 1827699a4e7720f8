//! The authorization server: its endpoints, and what it supports (RFC 8414).

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::error::config::ConfigError;
use crate::http::endpoint::{self, Transport};
use crate::text::form;
use crate::wire::issuer::{check_issuer, IssuerTemplate};
use crate::wire::logout::{LogoutEndpoint, LogoutParameters};
use crate::wire::metadata::well_known::DiscoveryOrder;

/// The server that the user logs in at and that issues the tokens.
///
/// It is immutable once it is part of a [`Client`](crate::Client): code, verifier and refresh token go to the endpoints of the
/// server that the user was sent to, and to no other.
///
/// The `iss` of a redirect tells which server issued the code (RFC 9207). The login ends if `iss` names another server, if no
/// [`issuer`](AuthorizationServer::issuer) is set to compare it with, or if it was promised and is missing. Without `iss`, a
/// redirect does not show its server: an app that logs in at several such servers uses a different redirect URI for each (RFC
/// 9700 §4.4.2).
///
/// ```
/// use oauth_proto::AuthorizationServer;
///
/// let server = AuthorizationServer::new("https://tenant.auth0.com/authorize", "https://tenant.auth0.com/oauth/token")?
///     .issuer("https://tenant.auth0.com/")?
///     .revocation_endpoint("https://tenant.auth0.com/oauth/revoke")?;
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationServer {
    pub(crate) transport: Transport,
    pub(crate) issuer: Option<String>,
    pub(crate) template: Option<IssuerTemplate>,
    pub(crate) iss_required: bool,
    /// The member of its metadata that demands what this version cannot do, and what to do about it.
    pub(crate) demands: Option<(&'static str, &'static str)>,
    pub(crate) discovery_order: DiscoveryOrder,
    /// Its metadata must name the PKCE methods.
    pub(super) must_name_pkce: bool,
    pub(crate) authorization_endpoint: Arc<str>,
    pub(crate) token_endpoint: Arc<str>,
    pub(crate) revocation_endpoint: Option<Arc<str>>,
    pub(crate) logout_endpoint: Option<LogoutEndpoint>,
    pub(crate) authentication_methods: Option<Vec<String>>,
    pub(crate) jwks_uri: Option<Arc<str>>,
    pub(crate) userinfo_endpoint: Option<Arc<str>>,
    pub(crate) signing_algorithms: Option<Vec<String>>,
    pub(crate) response_modes: Option<Vec<String>>,
}

impl AuthorizationServer {
    /// Makes a server from its endpoints, absolute https URLs. Their query is kept (RFC 6749 §3.1, §3.2).
    ///
    /// Set the [`issuer`](AuthorizationServer::issuer) too: many servers send `iss` in every redirect (RFC 9207), and without an
    /// issuer to compare it with the login ends with [`Violation::IssuerUnknown`](crate::Violation::IssuerUnknown).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] for any other URL, and for an authorization endpoint whose query repeats a parameter or has one
    /// that the login sends.
    pub fn new(authorization_endpoint: &str, token_endpoint: &str) -> Result<Self, ConfigError> {
        Self::with(Transport::Https, authorization_endpoint, token_endpoint)
    }

    /// Like [`AuthorizationServer::new`], for tests and demonstrations: also accepts **plain http** on loopback for this server's
    /// endpoints and for the client's API origins. The host is a loopback literal (127.0.0.0/8, `[::1]`) or the name `localhost`;
    /// prefer a literal, since a name may resolve to another host (RFC 8252 §8.3).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] as for `new`, and for plain http to any other host.
    ///
    /// ```
    /// use oauth_proto::AuthorizationServer;
    ///
    /// let at = |host: &str| {
    ///     AuthorizationServer::on_insecure_loopback(&format!("http://{host}/authorize"), &format!("http://{host}/token"))
    /// };
    /// assert!(at("127.0.0.1:8080").is_ok() && at("localhost:8080").is_ok());
    /// assert!(at("as.example.com").is_err() && at("as.localhost").is_err());
    /// ```
    pub fn on_insecure_loopback(authorization_endpoint: &str, token_endpoint: &str) -> Result<Self, ConfigError> {
        Self::with(Transport::HttpsOrLoopback, authorization_endpoint, token_endpoint)
    }

    pub(super) fn with(transport: Transport, authorization: &str, token: &str) -> Result<Self, ConfigError> {
        let authorization_endpoint = check("authorization_endpoint", authorization, transport)?;
        let own = own_query("authorization_endpoint", authorization)?;
        let mut names = BTreeSet::new();
        if !own.iter().all(|(name, _)| names.insert(name)) {
            return Err(ConfigError::Endpoint {
                name: "authorization_endpoint",
                problem: "has a parameter twice in its query (RFC 6749 section 3.1): remove one",
            });
        }
        if own.iter().any(|(name, _)| SENT_BY_LOGIN.contains(&name.as_str())) {
            return Err(ConfigError::Endpoint {
                name: "authorization_endpoint",
                problem: "has a parameter in its query that the login sends itself (RFC 6749 section 3.1): remove it",
            });
        }
        Ok(Self {
            authorization_endpoint,
            token_endpoint: check("token_endpoint", token, transport)?,
            ..Self::empty(transport)
        })
    }

    pub(super) fn empty(transport: Transport) -> Self {
        Self {
            transport,
            issuer: None,
            template: None,
            iss_required: false,
            demands: None,
            discovery_order: DiscoveryOrder::default(),
            must_name_pkce: false,
            authorization_endpoint: Arc::from(""),
            token_endpoint: Arc::from(""),
            revocation_endpoint: None,
            logout_endpoint: None,
            authentication_methods: None,
            jwks_uri: None,
            userinfo_endpoint: None,
            signing_algorithms: None,
            response_modes: None,
        }
    }

    /// Whether the endpoints are known: for a server by its issuer, only once its metadata has been fetched.
    pub(crate) fn has_endpoints(&self) -> bool {
        !self.authorization_endpoint.is_empty()
    }

    /// Sets the issuer identifier (RFC 8414 §2), kept byte for byte: an `iss` in the redirect is compared with it (RFC 9207
    /// §2.4).
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] unless it is an https URL without query and fragment.
    pub fn issuer(mut self, issuer: &str) -> Result<Self, ConfigError> {
        check_issuer(issuer, self.transport)?;
        self.issuer = Some(issuer.to_owned());
        Ok(self)
    }

    /// Requires `iss` in every authorization response (RFC 9207 §3): a response without it ends the login.
    #[must_use]
    pub fn require_iss(mut self) -> Self {
        self.iss_required = true;
        self
    }

    /// Sets the endpoint at which a sign-out revokes tokens (RFC 7009).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL.
    pub fn revocation_endpoint(mut self, url: &str) -> Result<Self, ConfigError> {
        self.revocation_endpoint = Some(check("revocation_endpoint", url, self.transport)?);
        Ok(self)
    }

    /// Sets the endpoint at which the browser ends the user's session at the server (OpenID Connect RP-Initiated Logout 1.0
    /// §2.1). The browser comes back to the client's
    /// [`post_logout_redirect_uri`](crate::ClientBuilder::post_logout_redirect_uri).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL whose query has no parameter that the logout sends.
    pub fn end_session_endpoint(self, url: &str) -> Result<Self, ConfigError> {
        self.logout_at("end_session_endpoint", url, LogoutParameters::END_SESSION)
    }

    /// Like [`AuthorizationServer::end_session_endpoint`], for Auth0's own `/v2/logout`, which has other parameters: `returnTo`,
    /// `client_id`, `federated`. Of the three methods for a logout endpoint, the last call counts.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] as for `end_session_endpoint`.
    pub fn auth0_logout_endpoint(self, url: &str) -> Result<Self, ConfigError> {
        self.logout_at("auth0_logout_endpoint", url, LogoutParameters::AUTH0)
    }

    /// Like [`AuthorizationServer::end_session_endpoint`], for a server whose logout has other parameters:
    /// [`LogoutParameters`] names them.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] as for `end_session_endpoint`; [`ConfigError::Parameter`] for a name that is empty, has control
    /// characters, or is sent by the logout itself.
    pub fn logout_endpoint(self, url: &str, parameters: LogoutParameters) -> Result<Self, ConfigError> {
        parameters.check()?;
        self.logout_at("logout_endpoint", url, parameters)
    }

    fn logout_at(mut self, name: &'static str, url: &str, parameters: LogoutParameters) -> Result<Self, ConfigError> {
        let checked = check(name, url, self.transport)?;
        let is_sent = |own: &str| SENT_BY_LOGOUT.contains(&own) || own == parameters.return_url();
        if own_query(name, url)?.iter().any(|(own, _)| is_sent(own)) {
            return Err(ConfigError::Endpoint {
                name,
                problem: "has a parameter in its query that the logout sends itself: remove it",
            });
        }
        self.logout_endpoint = Some(LogoutEndpoint { url: checked, parameters });
        Ok(self)
    }

    /// Checks the PKCE methods that the server says it supports (RFC 8414 §2).
    ///
    /// # Errors
    /// [`ConfigError::Metadata`] if `S256` is not among them: no other method is used (RFC 9700 §2.1.1).
    pub fn code_challenge_methods_supported(self, methods: &[impl AsRef<str>]) -> Result<Self, ConfigError> {
        if methods.iter().any(|method| method.as_ref() == "S256") {
            Ok(self)
        } else {
            Err(ConfigError::Metadata {
                name: "code_challenge_methods_supported",
                problem: "does not name S256, which is required (RFC 9700 section 2.1.1): use another server",
            })
        }
    }

    /// Sets the client authentication methods of the token endpoint (RFC 8414 §2): a client secret is sent by one of them,
    /// preferably `client_secret_basic`.
    #[must_use]
    pub fn token_endpoint_auth_methods_supported(mut self, methods: &[impl AsRef<str>]) -> Self {
        self.authentication_methods = Some(owned(methods));
        self
    }

    /// Sets the URL of the keys that check ID tokens (RFC 8414 §2).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL.
    pub fn jwks_uri(mut self, url: &str) -> Result<Self, ConfigError> {
        self.jwks_uri = Some(check("jwks_uri", url, self.transport)?);
        Ok(self)
    }

    /// Sets the userinfo endpoint (OpenID Connect Core §5.3).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL.
    pub fn userinfo_endpoint(mut self, url: &str) -> Result<Self, ConfigError> {
        self.userinfo_endpoint = Some(check("userinfo_endpoint", url, self.transport)?);
        Ok(self)
    }

    /// Sets the algorithms that the server signs ID tokens with (OpenID Connect Discovery 1.0 §3). A client allows these unless
    /// it sets `id_token_algorithms`; if neither is set, only RS256.
    #[must_use]
    pub fn id_token_signing_alg_values_supported(mut self, names: &[impl AsRef<str>]) -> Self {
        self.signing_algorithms = Some(owned(names));
        self
    }

    /// Sets the response modes that the server supports (RFC 8414 §2), as discovery does. A login that requests another one is
    /// refused.
    #[must_use]
    pub fn response_modes_supported(mut self, modes: &[impl AsRef<str>]) -> Self {
        self.response_modes = Some(owned(modes));
        self
    }

    /// The parameter names in the authorization endpoint's query: no request may repeat them.
    pub(crate) fn query_names(&self) -> Vec<String> {
        let own = own_query("authorization_endpoint", &self.authorization_endpoint).unwrap_or_default();
        own.into_iter().map(|(name, _)| name).collect()
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.issuer)
            .field("authorization_endpoint", &self.authorization_endpoint)
            .field("token_endpoint", &self.token_endpoint)
            .field("revocation_endpoint", &self.revocation_endpoint)
            .finish_non_exhaustive()
    }
}

/// Parameters that no authorization endpoint may carry in its own query: the login sends them, or they would replace the request
/// (RFC 9101).
const SENT_BY_LOGIN: [&str; 11] = [
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

/// The same for a logout endpoint.
const SENT_BY_LOGOUT: [&str; 6] =
    ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "returnTo", "federated"];

fn owned(texts: &[impl AsRef<str>]) -> Vec<String> {
    texts.iter().map(|text| text.as_ref().to_owned()).collect()
}

/// The parameters in an endpoint's query.
fn own_query(name: &'static str, url: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let problem = "has a query that cannot be decoded: percent-encode it as UTF-8";
    form::decode_pairs(query).map_err(|_| ConfigError::Endpoint { name, problem })
}

pub(super) fn check(name: &'static str, url: &str, transport: Transport) -> Result<Arc<str>, ConfigError> {
    endpoint::check(url, transport).map_err(|problem| ConfigError::Endpoint { name, problem })
}
