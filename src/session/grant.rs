//! A session's grant: the login it came from, the request, the granted scope, and when it expires.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use super::ends::Ends;
use crate::config::fingerprint::short_fingerprint;
use crate::login::tokens::Tokens;
use crate::secret::Secret;
use crate::text::chars;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::scope::{self, Scope};
use crate::wire::target::Target;

#[derive(Clone)]
pub(super) struct Grant {
    /// A digest that names the login.
    pub login: Arc<str>,
    pub logged_in_at: Option<UnixTime>,
    /// Grows with each change of the saved form: of two forms of one login, the higher one is newer.
    pub revision: u64,
    /// What the login asked for.
    pub request: Arc<AuthorizationRequest>,
    /// The scope that the server granted.
    pub scope: String,
    pub ends: Ends,
}

impl Grant {
    pub(super) fn new(tokens: &Tokens) -> Self {
        Self {
            login: login_digest(tokens).into(),
            logged_in_at: tokens.obtained_at,
            revision: 0,
            request: Arc::clone(&tokens.request),
            scope: granted_scope(tokens),
            ends: Ends::of_login(tokens),
        }
    }

    /// Raises the revision after a response: to the next generation if the refresh token is new, else to the next even number.
    pub(super) fn revise(&mut self, is_rotated: bool) {
        let last = if is_rotated { GENERATION.saturating_sub(1) } else { 1 };
        self.revision = (self.revision | last).saturating_add(1);
    }

    /// Raises the revision after an ID token was checked, to less than the next response in any process gives.
    #[cfg(feature = "openid")]
    pub(super) fn confirm(&mut self) {
        self.revision |= 1;
    }

    /// Whether this target names the login's own API. A target whose tokens are to be checked does not: the login's token was not
    /// checked.
    pub(super) fn names_own(&self, target: &Target) -> bool {
        target.as_scope().is_none()
            && !target.checks_jwt_audience()
            && match (target.as_resource(), target.as_audience()) {
                (Some(resource), _) => self.own_resource() == Some(resource),
                (None, Some(audience)) => self.request.value("audience").as_deref() == Some(audience),
                (None, None) => true,
            }
    }

    /// The login's own resource, the first that it named: one access token is for one resource (RFC 8707 §2.2).
    pub(super) fn own_resource(&self) -> Option<&str> {
        self.request.resources().first().map(String::as_str)
    }

    /// Whether refreshes may bring ID tokens.
    #[cfg(feature = "openid")]
    pub(super) fn has_openid(&self) -> bool {
        self.request.asks_for_openid() || self.covers("openid")
    }

    pub(super) fn covers(&self, scope: &str) -> bool {
        self.granted().covers(scope)
    }

    /// Whether this scope was asked for or granted.
    pub(super) fn had(&self, scope: &str) -> bool {
        self.granted().and(self.request.requested_scope()).covers(scope)
    }

    fn granted(&self) -> Scope<'_> {
        Scope::granted(&self.scope, self.request.requested_scope())
    }

    /// Whether a refresh may ask for this target: for all that the login asked for or that was granted (some servers name only
    /// one API's scope in their response), and for the scopes of every login. More scope must not be asked for (RFC 6749 §6),
    /// nor a resource that the login did not name (RFC 8707 §2.2): some servers use up the refresh token before they refuse.
    /// Audiences are always allowed: Auth0 grants them by the application's policies, not by the login.
    pub(super) fn may_have(&self, target: &Target) -> bool {
        let resources = self.request.resources();
        let has_resource = |resource: &str| resources.is_empty() || resources.iter().any(|named| named == resource);
        let has_scope =
            |scope: &str| self.granted().and(self.request.requested_scope()).and(OF_EVERY_LOGIN).covers(scope);
        target.as_audience().is_some()
            || target.as_scope().is_none_or(has_scope) && target.as_resource().is_none_or(has_resource)
    }

    /// Returns the request for a login that gives what this one gave, and `more`. Parameters that are sent only once
    /// (`prompt=login`, an invitation) are left out.
    pub(super) fn request_again(&self, more: &More<'_>) -> Arc<AuthorizationRequest> {
        const ONCE: [&str; 2] = ["invitation", "screen_hint"];
        let mut again = AuthorizationRequest::new();
        #[cfg(feature = "openid")]
        {
            again = again.requiring_acr(self.request.requires_acr());
        }
        // The stricter of the API's demand and the app's request.
        let own = self.request.value("max_age").and_then(|seconds| seconds.parse().ok());
        let max_age = more.max_age.map(|demanded: u64| own.map_or(demanded, |own| demanded.min(own)));
        // These two scopes decide which tokens come, and servers do not always list them as granted.
        let asked = self.request.requested_scope().split(' ');
        let asked = asked.filter(|token| matches!(*token, "openid" | "offline_access"));
        // Token by token, since some servers separate them by commas: a request uses spaces (RFC 6749 §3.3).
        let granted = scope::granted(&self.scope, self.request.requested_scope());
        let scopes = granted.chain(asked).chain(more.scope.split(' '));
        for token in scopes.filter(|token| chars::is_scope_token(token)) {
            again = again.scope(token);
        }
        for (name, value) in self.request.to_pairs() {
            let replaced = match name.as_str() {
                "acr_values" => more.acr_values.is_some(),
                "max_age" => max_age.is_some(),
                "claims" => more.claims.is_some(),
                "scope" => true,
                _ => ONCE.contains(&name.as_str()),
            };
            if name == "prompt" {
                // Servers give a refresh token for `offline_access` only with this prompt (OpenID Connect Core §11).
                if value.split(' ').any(|prompt| prompt == "consent") {
                    again = again.prompt("consent");
                }
            } else if !replaced {
                again = again.parameter(&name, &value);
            }
        }
        if let Some(resource) = more.resource {
            again = again.resource(resource);
        }
        for (name, value) in [("acr_values", more.acr_values), ("claims", more.claims)] {
            again = value.into_iter().fold(again, |again, value| again.parameter(name, value));
        }
        if let Some(max_age) = max_age {
            again = again.max_age(max_age);
        }
        Arc::new(again)
    }
}

/// Revisions for each refresh token. Odd ones mean that an ID token was checked.
const GENERATION: u64 = 1 << 20;

/// Scopes that a refresh may name even if the server did not list them as granted (OpenID Connect Core §11, §12).
const OF_EVERY_LOGIN: &str = "openid offline_access";

/// The additions of a new login to the one before.
#[derive(Default)]
pub(super) struct More<'a> {
    pub scope: &'a str,
    pub resource: Option<&'a str>,
    pub acr_values: Option<&'a str>,
    pub max_age: Option<u64>,
    pub claims: Option<&'a str>,
}

impl<'a> More<'a> {
    /// The additions that a token for this target needs.
    pub(super) fn of(target: &'a Target) -> Self {
        Self { scope: target.as_scope().unwrap_or_default(), resource: target.as_resource(), ..Self::default() }
    }
}

/// A public name for a login. It includes the time: without rotation, two logins may get the same refresh token.
fn login_digest(tokens: &Tokens) -> String {
    let mut seconds = String::new();
    let _ = fmt::Write::write_fmt(&mut seconds, format_args!("{:?}", tokens.obtained_at));
    let refresh_token = tokens.refresh_token().map_or("", Secret::reveal);
    short_fingerprint(&[&seconds, tokens.access_token().reveal(), refresh_token])
}

/// With a resource, the response's `scope` is for one access token (RFC 8707 §2.2), and more may have been granted.
fn granted_scope(tokens: &Tokens) -> String {
    let mut scope = tokens.scope().to_owned();
    if tokens.request.resources().is_empty() {
        return scope;
    }
    for token in tokens.scope_not_granted() {
        if !scope.is_empty() {
            scope.push(' ');
        }
        scope.push_str(token);
    }
    scope
}
