//! The authorization server: its endpoints, and what it promises (RFC 8414).

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::Deserialize;

use crate::config_error::ConfigError;
use crate::endpoint::{self, Transport};
use crate::form;
use crate::http::MAX_RESPONSE_BYTES;
use crate::logout::LogoutEndpoint;

/// The server that the user logs in at and that issues the tokens. Immutable once it is part of a
/// [`Client`](crate::Client), so that no leg of a login can go to another server (RFC 9700 §4.4.2).
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
    pub(crate) iss_required: bool,
    pub(crate) authorization_endpoint: Arc<str>,
    pub(crate) token_endpoint: Arc<str>,
    pub(crate) revocation_endpoint: Option<Arc<str>>,
    pub(crate) logout_endpoint: Option<LogoutEndpoint>,
    pub(crate) authentication_methods: Option<Vec<String>>,
}

impl AuthorizationServer {
    /// Endpoints as the server documents them: absolute https URLs. Their own query is kept (RFC 6749 §3.1, §3.2).
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] for anything else.
    pub fn new(authorization_endpoint: &str, token_endpoint: &str) -> Result<Self, ConfigError> {
        Self::with(Transport::Https, authorization_endpoint, token_endpoint)
    }

    /// Like [`AuthorizationServer::new`], and accepts **plain http** on loopback literals (127.0.0.0/8, `[::1]`) for
    /// this server's endpoints and for the client's API origins: for tests and demonstrations on one machine.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`], for plain http to any other host too.
    pub fn on_insecure_loopback(authorization_endpoint: &str, token_endpoint: &str) -> Result<Self, ConfigError> {
        Self::with(Transport::HttpsOrLoopback, authorization_endpoint, token_endpoint)
    }

    fn with(transport: Transport, authorization: &str, token: &str) -> Result<Self, ConfigError> {
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
            transport,
            issuer: None,
            iss_required: false,
            authorization_endpoint,
            token_endpoint: check("token_endpoint", token, transport)?,
            revocation_endpoint: None,
            logout_endpoint: None,
            authentication_methods: None,
        })
    }

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
        let bad = |name, problem| ConfigError::Metadata { name, problem };
        if document.len() > MAX_RESPONSE_BYTES {
            return Err(bad("document", "is larger than 1 MiB: fetch it from the issuer's well-known URL"));
        }
        let metadata: Metadata<'_> = serde_json::from_slice(document).map_err(|_| {
            bad("document", "is not a JSON object of the right types (RFC 8414 section 2): fetch it from the issuer's well-known URL")
        })?;
        if metadata.issuer != issuer {
            return Err(ConfigError::Issuer {
                problem: "differs from the one the metadata was fetched for (RFC 8414 section 3.3): use neither",
            });
        }
        let missing =
            |name| bad(name, "is missing (RFC 8414 section 2): configure the endpoints with AuthorizationServer::new");
        let authorization = metadata.authorization_endpoint.ok_or(missing("authorization_endpoint"))?;
        let token = metadata.token_endpoint.ok_or(missing("token_endpoint"))?;
        let mut server = Self::new(&authorization, &token)?.issuer(issuer)?;
        if let Some(methods) = metadata.code_challenge_methods_supported {
            server = server.code_challenge_methods_supported(&methods)?;
        }
        if metadata.require_pushed_authorization_requests {
            return Err(bad(
                "require_pushed_authorization_requests",
                "is true, and this version cannot push (RFC 9126 section 5): let the client log in without it at the server",
            ));
        }
        if let Some(revocation) = metadata.revocation_endpoint {
            server = server.revocation_endpoint(&revocation)?;
        }
        if let Some(end_session) = metadata.end_session_endpoint {
            server = server.end_session_endpoint(&end_session)?;
        }
        server.iss_required = metadata.authorization_response_iss_parameter_supported;
        server.authentication_methods = metadata.token_endpoint_auth_methods_supported;
        Ok(server)
    }

    /// The issuer identifier (RFC 8414 §2), kept octet by octet: an `iss` in the redirect is compared with it.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] unless it is an https URL without query and fragment.
    pub fn issuer(mut self, issuer: &str) -> Result<Self, ConfigError> {
        endpoint::parse(issuer, self.transport).map_err(|problem| ConfigError::Issuer { problem })?;
        if issuer.contains('?') {
            return Err(ConfigError::Issuer {
                problem: "has a query: remove everything from '?' on (RFC 8414 section 2)",
            });
        }
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
    pub fn end_session_endpoint(mut self, url: &str) -> Result<Self, ConfigError> {
        self.logout_endpoint = Some(LogoutEndpoint::EndSession(self.logout_url("end_session_endpoint", url)?));
        Ok(self)
    }

    /// Like [`AuthorizationServer::end_session_endpoint`], for Auth0's own `/v2/logout`, which has other parameters:
    /// `returnTo`, `client_id`, `federated`. One of the two is used, whichever was set last.
    ///
    /// # Errors
    /// [`ConfigError::Endpoint`] as there.
    pub fn auth0_logout_endpoint(mut self, url: &str) -> Result<Self, ConfigError> {
        self.logout_endpoint = Some(LogoutEndpoint::Auth0(self.logout_url("auth0_logout_endpoint", url)?));
        Ok(self)
    }

    fn logout_url(&self, name: &'static str, url: &str) -> Result<Arc<str>, ConfigError> {
        let checked = check(name, url, self.transport)?;
        if own_query(name, url)?.iter().any(|(own, _)| SENT_BY_LOGOUT.contains(&own.as_str())) {
            return Err(ConfigError::Endpoint {
                name,
                problem: "has a parameter in its query that the logout sends itself: remove it",
            });
        }
        Ok(checked)
    }

    /// The PKCE methods that the server says it supports (RFC 8414 §2). None are plain for this crate.
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
        self.authentication_methods = Some(methods.iter().map(|method| method.as_ref().to_owned()).collect());
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

/// Members have the types of RFC 8414 §2 or the document is refused; unknown members are skipped (§3.2).
#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    issuer: Cow<'a, str>,
    #[serde(borrow)]
    authorization_endpoint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    token_endpoint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    revocation_endpoint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    end_session_endpoint: Option<Cow<'a, str>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
}

/// The parameters that an endpoint has in its own query.
fn own_query(name: &'static str, url: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let problem = "has a query that cannot be decoded: percent-encode it as UTF-8";
    form::decode_pairs(query).map_err(|_| ConfigError::Endpoint { name, problem })
}

fn check(name: &'static str, url: &str, transport: Transport) -> Result<Arc<str>, ConfigError> {
    endpoint::check(url, transport).map_err(|problem| ConfigError::Endpoint { name, problem })
}
