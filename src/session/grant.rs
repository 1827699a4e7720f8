//! The grant that a session lives on: which login it came from, what was asked for, what the user granted, and when it ends by
//! itself.

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
    /// Grows with each change of what is stored: of two forms of one login, the one with more is the newer.
    pub revision: u64,
    /// What the login asked for.
    pub request: Arc<AuthorizationRequest>,
    /// What the server said that it granted.
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

    /// The server gave a new refresh token, which is newer than whatever the one before was good for; or the same again.
    pub(super) fn revise(&mut self, is_rotated: bool) {
        let last = if is_rotated { GENERATION.saturating_sub(1) } else { 1 };
        self.revision = (self.revision | last).saturating_add(1);
    }

    /// An ID token that it gave before has been checked: newer than the same without that, and older than the next answer, whoever
    /// gets it.
    #[cfg(feature = "openid")]
    pub(super) fn confirm(&mut self) {
        self.revision |= 1;
    }

    /// The login's API in the login's own words is the login's own token; unless it is to be checked, which that was not.
    pub(super) fn names_own(&self, target: &Target) -> bool {
        target.as_scope().is_none()
            && !target.checks_jwt_audience()
            && match (target.as_resource(), target.as_audience()) {
                (Some(resource), _) => self.own_resource() == Some(resource),
                (None, Some(audience)) => self.request.value("audience").as_deref() == Some(audience),
                (None, None) => true,
            }
    }

    /// One access token is for one resource (RFC 8707 §2.2): the login's own for the first that it named.
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

    /// Whether it was asked for or granted.
    pub(super) fn had(&self, scope: &str) -> bool {
        self.granted().and(self.request.requested_scope()).covers(scope)
    }

    fn granted(&self) -> Scope<'_> {
        Scope::granted(&self.scope, self.request.requested_scope())
    }

    /// Whether a refresh may ask for this. The server knows best, so all is tried that the login asked for, whatever the answer
    /// said was granted (some servers tell the scope of one API alone), and what every login has; more than that must not be
    /// asked for (RFC 6749 §6), nor a resource that the login did not name (RFC 8707 §2.2): some servers use the refresh token
    /// up before they refuse. What Auth0 grants for another audience is in the application's policies, not in the login.
    pub(super) fn may_have(&self, target: &Target) -> bool {
        let resources = self.request.resources();
        let has_resource = |resource: &str| resources.is_empty() || resources.iter().any(|named| named == resource);
        let has_scope =
            |scope: &str| self.granted().and(self.request.requested_scope()).and(OF_EVERY_LOGIN).covers(scope);
        target.as_audience().is_some()
            || target.as_scope().is_none_or(has_scope) && target.as_resource().is_none_or(has_resource)
    }

    /// The request of a login that gives what this one gave, and more: what is said once (`prompt=login`, an invitation) is
    /// not said again.
    pub(super) fn request_again(&self, more: &More<'_>) -> Arc<AuthorizationRequest> {
        const ONCE: [&str; 2] = ["invitation", "screen_hint"];
        let mut again = AuthorizationRequest::new();
        #[cfg(feature = "openid")]
        {
            again = again.requiring_acr(self.request.requires_acr());
        }
        // The stricter of what the API demands and what the app wants.
        let own = self.request.value("max_age").and_then(|seconds| seconds.parse().ok());
        let max_age = more.max_age.map(|demanded: u64| own.map_or(demanded, |own| demanded.min(own)));
        // These two decide which tokens come, and servers do not always name them among what was granted.
        let asked = self.request.requested_scope().split(' ');
        let asked = asked.filter(|token| matches!(*token, "openid" | "offline_access"));
        // Token by token, whatever the server put between them: it is asked for as RFC 6749 §3.3 has it.
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
                // Servers give a refresh token for `offline_access` with this prompt alone (OpenID Connect Core §11).
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

/// Revisions of one refresh token. The odd ones are those of an ID token that was checked.
const GENERATION: u64 = 1 << 20;

/// Scopes that a refresh may name whether or not the server says that it granted them (OpenID Connect Core §11, §12).
const OF_EVERY_LOGIN: &str = "openid offline_access";

/// What a new login is to ask for beside what the one before did.
#[derive(Default)]
pub(super) struct More<'a> {
    pub scope: &'a str,
    pub resource: Option<&'a str>,
    pub acr_values: Option<&'a str>,
    pub max_age: Option<u64>,
    pub claims: Option<&'a str>,
}

impl<'a> More<'a> {
    /// A token for this.
    pub(super) fn of(target: &'a Target) -> Self {
        Self { scope: target.as_scope().unwrap_or_default(), resource: target.as_resource(), ..Self::default() }
    }
}

/// A public name for a login. Servers that do not replace refresh tokens may give the same one in two logins.
fn login_digest(tokens: &Tokens) -> String {
    let mut seconds = String::new();
    let _ = fmt::Write::write_fmt(&mut seconds, format_args!("{:?}", tokens.obtained_at));
    let refresh_token = tokens.refresh_token().map_or("", Secret::reveal);
    short_fingerprint(&[&seconds, tokens.access_token().reveal(), refresh_token])
}

/// With a resource, the answer's `scope` is that of one access token (RFC 8707 §2.2), and more may have been granted.
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
