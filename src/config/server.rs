//! The authorization server: its endpoints, and what it promises (RFC 8414).

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

/// The server that the user logs in at and that issues the tokens. Immutable once it is part of a
/// [`Client`](crate::Client): code, verifier and refresh token go to the endpoints of the server that the user was sent to, and
/// to no other.
///
/// That the code in a redirect is this server's too is known by its `iss` (RFC 9207): one that names another server, or that
/// cannot be compared since no [`issuer`](AuthorizationServer::issuer) is set, ends the login; one that was promised must be
/// there. Of a server that sends none it is not known by the redirect: an app that logs in at several such servers gives each a
/// redirect URI of its own (RFC 9700 §4.4.2).
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
    /// What its metadata demands and this version cannot do, by the member's name, and what to do about it.
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
    /// Endpoints as the server documents them: absolute https URLs. Their own query is kept (RFC 6749 §3.1, §3.2).
    ///
    /// Set the [`issuer`](AuthorizationServer::issuer) too: many servers name themselves in every redirect (`iss`, RFC 9207), and
    /// a login that cannot compare that ends with [`Violation::IssuerUnknown`](crate::Violation::IssuerUnknown).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] for anything else.
    pub fn new(authorization_endpoint: &str, token_endpoint: &str) -> Result<Self, ConfigError> {
        Self::with(Transport::Https, authorization_endpoint, token_endpoint)
    }

    /// Like [`AuthorizationServer::new`], and accepts **plain http** on this machine for this server's endpoints and for the
    /// client's API origins: for tests and demonstrations. The host is a loopback literal (127.0.0.0/8, `[::1]`), or the name
    /// `localhost` and no other; prefer a literal, since a name may be resolved to another machine (RFC 8252 §8.3).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`], for plain http to any other host too.
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

    /// Whether the endpoints are known: not of a server by its issuer, before its metadata has come.
    pub(crate) fn has_endpoints(&self) -> bool {
        !self.authorization_endpoint.is_empty()
    }

    /// The issuer identifier (RFC 8414 §2), kept byte for byte: an `iss` in the redirect is compared with it (RFC 9207 §2.4), and
    /// without it is refused.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] unless it is an https URL without query and fragment.
    pub fn issuer(mut self, issuer: &str) -> Result<Self, ConfigError> {
        check_issuer(issuer, self.transport)?;
        self.issuer = Some(issuer.to_owned());
        Ok(self)
    }

    /// The server promises `iss` in every authorization response (RFC 9207 §3): one without it ends the login.
    #[must_use]
    pub fn require_iss(mut self) -> Self {
        self.iss_required = true;
        self
    }

    /// Where refresh tokens are revoked at sign-out (RFC 7009).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL.
    pub fn revocation_endpoint(mut self, url: &str) -> Result<Self, ConfigError> {
        self.revocation_endpoint = Some(check("revocation_endpoint", url, self.transport)?);
        Ok(self)
    }

    /// Where the browser is sent at sign-out to end the user's session at the server too (OpenID Connect RP-Initiated
    /// Logout 1.0 §2.1). The client's
    /// [`post_logout_redirect_uri`](crate::ClientBuilder::post_logout_redirect_uri) is where it comes back to.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL whose query has no parameter that the logout sends.
    pub fn end_session_endpoint(self, url: &str) -> Result<Self, ConfigError> {
        self.logout_at("end_session_endpoint", url, LogoutParameters::END_SESSION)
    }

    /// Like [`AuthorizationServer::end_session_endpoint`], for Auth0's own `/v2/logout`, which has other parameters:
    /// `returnTo`, `client_id`, `federated`. One of the three is used, whichever was set last.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] as there.
    pub fn auth0_logout_endpoint(self, url: &str) -> Result<Self, ConfigError> {
        self.logout_at("auth0_logout_endpoint", url, LogoutParameters::AUTH0)
    }

    /// Like [`AuthorizationServer::end_session_endpoint`], for a server whose logout has other parameters:
    /// [`LogoutParameters`] names them.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] as there; [`ConfigError::Parameter`] unless the name has one or more characters, none of them
    /// a control character, and is none that the logout sends itself.
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

    /// The PKCE methods that the server says it supports (RFC 8414 §2).
    ///
    /// # Errors
    /// [`ConfigError::Metadata`] when `S256` is not among them: there is no falling back (RFC 9700 §2.1.1).
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

    /// The client authentication methods of the token endpoint (RFC 8414 §2): a client secret is then sent by one of
    /// them, `client_secret_basic` first.
    #[must_use]
    pub fn token_endpoint_auth_methods_supported(mut self, methods: &[impl AsRef<str>]) -> Self {
        self.authentication_methods = Some(owned(methods));
        self
    }

    /// Where the keys are that ID tokens are signed with (RFC 8414 §2).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL.
    pub fn jwks_uri(mut self, url: &str) -> Result<Self, ConfigError> {
        self.jwks_uri = Some(check("jwks_uri", url, self.transport)?);
        Ok(self)
    }

    /// Where the server tells about the user (OpenID Connect Core §5.3).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] unless it is an absolute https URL.
    pub fn userinfo_endpoint(mut self, url: &str) -> Result<Self, ConfigError> {
        self.userinfo_endpoint = Some(check("userinfo_endpoint", url, self.transport)?);
        Ok(self)
    }

    /// The algorithms that the server signs ID tokens with (OpenID Connect Discovery 1.0 §3). They are
    /// what a client allows that does not say it itself; without either it is RS256.
    #[must_use]
    pub fn id_token_signing_alg_values_supported(mut self, names: &[impl AsRef<str>]) -> Self {
        self.signing_algorithms = Some(owned(names));
        self
    }

    /// The response modes that the server supports (RFC 8414 §2): a login does not ask for any other.
    /// Discovery sets them.
    #[must_use]
    pub fn response_modes_supported(mut self, modes: &[impl AsRef<str>]) -> Self {
        self.response_modes = Some(owned(modes));
        self
    }

    /// The names in the authorization endpoint's own query: no request may send one of them again.
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

/// Parameters that no authorization endpoint may carry in its own query: the login sends them, or another request would come
/// in by them (RFC 9101).
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

/// The parameters that an endpoint has in its own query.
fn own_query(name: &'static str, url: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let problem = "has a query that cannot be decoded: percent-encode it as UTF-8";
    form::decode_pairs(query).map_err(|_| ConfigError::Endpoint { name, problem })
}

pub(super) fn check(name: &'static str, url: &str, transport: Transport) -> Result<Arc<str>, ConfigError> {
    endpoint::check(url, transport).map_err(|problem| ConfigError::Endpoint { name, problem })
}
