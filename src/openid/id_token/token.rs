//! The verified ID token and its claims.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use serde::Deserialize;

use super::claims::Claims;
use crate::error::Error;
use crate::http::Response;
use crate::openid::standard_claims::StandardClaims;
use crate::openid::userinfo::UserInfo;
use crate::secret::Secret;
use crate::text::json;
use crate::text::unfit::Unfit;
use crate::time::UnixTime;

/// A verified ID token: only [`Rules`](crate::openid::id_token::Rules) make one. `Debug` shows none of it, since it is personal
/// data.
///
/// ```
/// use oauth_proto::IdToken;
///
/// #[derive(serde::Deserialize)]
/// struct Custom {
///     #[serde(rename = "https://example.com/roles", default)]
///     roles: Vec<String>,
/// }
///
/// fn greet(id_token: &IdToken) -> String {
///     let roles = id_token.claims::<Custom>().map(|custom| custom.roles).unwrap_or_default();
///     match id_token.standard_claims().name {
///         Some(name) => format!("Hello, {name} ({})", roles.join(", ")),
///         None => format!("Hello, {}", id_token.subject()),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct IdToken(Arc<Inner>);

struct Inner {
    token: Secret,
    payload: Secret,
    claims: Claims,
}

impl IdToken {
    pub(super) fn new(token: Secret, payload: Secret, claims: Claims) -> Self {
        Self(Arc::new(Inner { token, payload, claims }))
    }

    /// `iss`: the server that identified the user.
    pub fn issuer(&self) -> &str {
        self.0.claims.iss.as_deref().unwrap_or_default()
    }

    /// `sub`: the user's identifier at this server, never given to another user. Identify users by it together with
    /// [`IdToken::issuer`], not by an email address (OpenID Connect Core §5.7).
    pub fn subject(&self) -> &str {
        self.0.claims.sub.as_deref().unwrap_or_default()
    }

    /// `aud`: this client, and audiences that it trusts.
    pub fn audience(&self) -> &[String] {
        self.0.claims.aud.as_ref().map_or(&[], |aud| &aud.0)
    }

    /// `exp`: when the token stops proving the login. The user may stay logged in longer or shorter.
    pub fn expires_at(&self) -> UnixTime {
        self.0.claims.exp.map_or(UnixTime::from_secs(0), |at| at.0)
    }

    /// `iat`: when the token was issued.
    pub fn issued_at(&self) -> UnixTime {
        self.0.claims.iat.map_or(UnixTime::from_secs(0), |at| at.0)
    }

    /// `auth_time`: when the user last authenticated.
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.0.claims.auth_time.map(|at| at.0)
    }

    /// `session_expiry`: when the user must be logged out here too (IPSIE, Auth0). A value of the wrong type counts as absent.
    pub fn session_expiry(&self) -> Option<UnixTime> {
        self.0.claims.session_expiry
    }

    /// `acr`: how the user authenticated, as the name of a class.
    pub fn acr(&self) -> Option<&str> {
        self.0.claims.acr.as_deref()
    }

    /// `amr`: how the user authenticated, as methods (RFC 8176).
    pub fn amr(&self) -> &[String] {
        &self.0.claims.amr
    }

    /// `azp`: the client that the token was issued to.
    pub fn azp(&self) -> Option<&str> {
        self.0.claims.azp.as_deref()
    }

    /// `org_id`: the id of the organization (Auth0).
    pub fn org_id(&self) -> Option<&str> {
        self.0.claims.org_id.as_deref()
    }

    /// `org_name`: the name of the organization (Auth0).
    pub fn org_name(&self) -> Option<&str> {
        self.0.claims.org_name.as_deref()
    }

    /// The claims of OpenID Connect Core §5.1 about the user. Which are present depends on the scope and the server: some
    /// servers return them only at the userinfo endpoint.
    pub fn standard_claims(&self) -> StandardClaims {
        self.claims().unwrap_or_default()
    }

    /// Reads any claims into a `Deserialize` type, for example custom claims, whose names Auth0 requires to be URLs
    /// (`https://example.com/roles`).
    ///
    /// # Errors
    /// [`Unfit`] if they do not fit the type.
    pub fn claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Unfit> {
        json::read(self.0.payload.reveal().as_bytes())
    }

    /// The token itself, for a backend that checks it again.
    pub fn reveal(&self) -> &str {
        self.0.token.reveal()
    }

    /// Whether both ID tokens are about the same user at the same server, for example after a login that a session demanded.
    pub fn is_same_user(&self, other: &Self) -> bool {
        self.issuer() == other.issuer() && self.subject() == other.subject()
    }

    /// Reads the response of the userinfo endpoint to [`Bearer::userinfo_request`](crate::Bearer::userinfo_request). It must be
    /// about this user (OpenID Connect Core §5.3.2).
    ///
    /// # Errors
    /// As [`UserInfo::parse`].
    pub fn userinfo(&self, response: &Response<'_>, now: UnixTime) -> Result<UserInfo, Error> {
        UserInfo::parse(self.subject(), response, now)
    }

    pub(crate) fn token(&self) -> &Secret {
        &self.0.token
    }

    pub(crate) fn nonce(&self) -> Option<&Secret> {
        self.0.claims.nonce.as_ref()
    }
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken(..)")
    }
}
