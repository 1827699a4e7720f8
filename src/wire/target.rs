//! The target of an access token: an API, and a scope there.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::jwt;
use crate::error::config::ConfigError;
use crate::text::chars;

/// The API that an access token is for, and its scope there.
///
/// One login can serve several APIs: a [`Session`](crate::Session) gets a token for each target with its one refresh token.
///
/// Which constructor to use depends on how the server names APIs: by `resource` (RFC 8707 §2.2), or by `audience`, as Auth0 does
/// (there, list the APIs in the application's policies for multi-resource refresh tokens).
///
/// ```
/// use oauth_proto::{Access, AuthorizationServer, Client, Secret, Session, Target, Tokens, UnixTime};
///
/// let calendar = Target::resource("https://calendar.example.com/")?.scope("read")?;
/// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// # let now = UnixTime::from_secs(0);
/// # let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "read write");
/// let mut session = Session::new(client, tokens);
/// assert!(matches!(session.access(now), Access::Ready(_)), "the login's own token");
/// let Access::SendRequest(request) = session.access_for(&calendar, now) else { panic!() };
/// assert!(request.body().ends_with(b"&scope=read&resource=https%3A%2F%2Fcalendar.example.com%2F&client_id=s6BhdRkqt3"));
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Target {
    resource: Option<String>,
    audience: Option<String>,
    scope: Option<String>,
    /// Never true without a `resource` or `audience`.
    checks_jwt_audience: bool,
}

impl Target {
    /// The target of the login's own access token.
    pub fn own() -> Self {
        Self::default()
    }

    /// The API with this `resource` identifier (RFC 8707 §2). Name every such API in the login's
    /// [`AuthorizationRequest`](crate::AuthorizationRequest::resource): a refresh can only ask for one of those (§2.2).
    ///
    /// # Errors
    /// [`ConfigError::Parameter`] unless it is an absolute URI without a fragment.
    pub fn resource(uri: &str) -> Result<Self, ConfigError> {
        if !is_resource(uri) {
            return Err(ConfigError::parameter("resource", RESOURCE_PROBLEM));
        }
        Ok(Self { resource: Some(uri.to_owned()), ..Self::default() })
    }

    /// The API with a `resource` identifier that was checked.
    pub(crate) fn of_resource(uri: &str) -> Self {
        Self { resource: Some(uri.to_owned()), ..Self::default() }
    }

    /// The API with this `audience`, as Auth0 names it. If the application's policies do not list the API, Auth0 returns a token
    /// for the login's own API without saying so. The API then refuses the token, unless [`Target::check_jwt_audience`] has
    /// refused it.
    ///
    /// # Errors
    /// [`ConfigError::Parameter`] if it is empty or has control characters.
    pub fn audience(audience: &str) -> Result<Self, ConfigError> {
        if audience.is_empty() || audience.chars().any(char::is_control) {
            return Err(ConfigError::parameter(
                "audience",
                "is empty or has control characters: write it as the API is registered",
            ));
        }
        Ok(Self { audience: Some(audience.to_owned()), ..Self::default() })
    }

    /// Limits the target to this scope: tokens separated by spaces, in any order (RFC 6749 §6). Each scope has its own access
    /// token.
    ///
    /// # Errors
    /// [`ConfigError::Parameter`] for an empty token or a character that a scope must not have (RFC 6749 §3.3).
    pub fn scope(mut self, scope: &str) -> Result<Self, ConfigError> {
        if !scope.split(' ').all(chars::is_scope_token) {
            return Err(ConfigError::parameter("scope", SCOPE_PROBLEM));
        }
        // Sorted, so that `a b` and `b a` share a token.
        let tokens = crate::wire::scope::set(scope.split(' '));
        self.scope = Some(tokens.into_iter().collect::<Vec<_>>().join(" "));
        Ok(self)
    }

    /// Checks the `aud` of access tokens for this target that are JWTs: it must be, or contain, exactly this `resource` or
    /// `audience` (RFC 9068 §3, §4). If not, the response is refused with
    /// [`Violation::AccessTokenAudience`](crate::Violation::AccessTokenAudience). A token that is not a JWT is accepted. Without
    /// a `resource` or `audience`, nothing is checked.
    ///
    /// Off by default, since a client must not look into access tokens (RFC 9068 §6): a server may change their format at any
    /// time, and may name an API differently in them. Use it if the server may return a token for another API without saying so,
    /// as Auth0 does.
    ///
    /// ```
    /// use oauth_proto::Target;
    ///
    /// let target = Target::audience("https://calendar.example.com")?.check_jwt_audience();
    /// assert_eq!(target.as_audience(), Some("https://calendar.example.com"));
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    #[must_use]
    pub fn check_jwt_audience(mut self) -> Self {
        self.checks_jwt_audience = self.api().is_some();
        self
    }

    /// The `resource` that names the API, if set.
    pub fn as_resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// The `audience` that names the API, if set.
    pub fn as_audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    /// The scope, if it is limited.
    pub fn as_scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    fn api(&self) -> Option<&str> {
        self.resource.as_deref().or(self.audience.as_deref())
    }

    pub(crate) fn checks_jwt_audience(&self) -> bool {
        self.checks_jwt_audience
    }

    /// Whether a token that came for this target may be for it.
    pub(crate) fn accepts(&self, access_token: &str) -> bool {
        match self.api() {
            Some(api) if self.checks_jwt_audience => jwt::is_for(access_token, api),
            _ => true,
        }
    }

    /// Whether both are for the same API, with any scope.
    pub(crate) fn is_same_api(&self, other: &Self) -> bool {
        (&self.resource, &self.audience) == (&other.resource, &other.audience)
    }

    pub(crate) fn is_own(&self) -> bool {
        self.resource.is_none() && self.audience.is_none() && self.scope.is_none()
    }

    /// Reads a saved form through the same checks.
    pub(crate) fn from_parts(
        resource: Option<&str>,
        audience: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let target = match (resource, audience) {
            (Some(resource), None) => Self::resource(resource)?,
            (None, Some(audience)) => Self::audience(audience)?,
            (None, None) => Self::own(),
            (Some(_), Some(_)) => return Err(ConfigError::parameter("resource", "is named in two ways: use one")),
        };
        match scope {
            Some(scope) => target.scope(scope),
            None => Ok(target),
        }
    }
}

pub(crate) const SCOPE_PROBLEM: &str =
    "has an empty token or a bad character (RFC 6749 appendix A.4): write tokens with one space between them";

pub(crate) const RESOURCE_PROBLEM: &str = "must be an absolute URI without a fragment (RFC 8707 section 2)";

/// Whether this is a resource identifier (RFC 8707 §2).
pub(crate) fn is_resource(uri: &str) -> bool {
    url::Url::parse(uri).is_ok() && !uri.contains('#') && chars::is_scope_token(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{}`, `{"aud":"urn:a:b"}`, and a signature.
    const FOR_A_B: &str = "e30.eyJhdWQiOiJ1cm46YTpiIn0.AAAA";

    #[test]
    fn the_audience_of_a_jwt_is_checked_if_that_is_asked_for() {
        for (same, other) in [
            (Target::resource("urn:a:b"), Target::resource("urn:a:c")),
            (Target::audience("urn:a:b"), Target::audience("urn:a:c")),
        ] {
            let (same, other) = (same.unwrap(), other.unwrap());
            assert!(same.accepts(FOR_A_B) && other.accepts(FOR_A_B), "it is off");
            assert!(!same.checks_jwt_audience() && !other.checks_jwt_audience());
            let (same, other) = (same.check_jwt_audience(), other.check_jwt_audience().scope("x").unwrap());
            assert!(same.checks_jwt_audience() && other.checks_jwt_audience());
            assert!(same.accepts(FOR_A_B) && !other.accepts(FOR_A_B));
            assert!(other.accepts("2YotnFZFEjr1zCsicMWpAA"));
        }
    }

    #[test]
    fn without_an_api_there_is_nothing_to_check() {
        let own = Target::own().check_jwt_audience();
        assert!(own == Target::own() && own.is_own() && !own.checks_jwt_audience() && own.accepts(FOR_A_B));
    }

    #[test]
    fn a_check_makes_no_other_api_of_it() {
        let target = Target::resource("urn:a:b").unwrap();
        assert!(target.is_same_api(&target.clone().check_jwt_audience()));
        assert_eq!(target.clone().check_jwt_audience().as_resource(), target.as_resource());
    }
}
