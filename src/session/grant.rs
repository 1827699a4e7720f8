//! The grant that a session lives on: which login it came from, what was asked for, and what the user granted.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::authorization::AuthorizationRequest;
use crate::chars;
use crate::client::fingerprint;
use crate::secret::Secret;
use crate::target::Target;
use crate::time::UnixTime;
use crate::token::Tokens;

/// So many logins are remembered whose place was taken.
const MAX_BEFORE: usize = 8;

#[derive(Clone)]
pub(super) struct Grant {
    /// A digest that names the login.
    pub login: String,
    /// The logins whose place it took here: none of them is newer.
    pub before: Vec<String>,
    pub logged_in_at: Option<UnixTime>,
    /// How often the refresh token was replaced, in steps of eight.
    pub generation: u64,
    /// How often this refresh token brought access tokens and stayed.
    pub renewals: u64,
    /// What the login asked for.
    pub request: Arc<AuthorizationRequest>,
    /// What a refresh can ask for at most (RFC 6749 §6).
    pub scope: String,
}

impl Grant {
    pub(super) fn new(tokens: &Tokens) -> Self {
        Self {
            login: login_digest(tokens),
            before: Vec::new(),
            logged_in_at: tokens.obtained_at,
            generation: 0,
            renewals: 0,
            request: Arc::clone(&tokens.request),
            scope: granted_scope(tokens),
        }
    }

    /// Of one login, the tokens that were renewed more often are newer. Of two, no clock can tell: one that is stored by another
    /// process is the newer one, unless it was given up here for the present one.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        if self.login == other.login {
            (self.generation, self.renewals) > (other.generation, other.renewals)
        } else {
            !other.before.contains(&self.login)
        }
    }

    /// Takes the place of another grant in this session.
    pub(super) fn follow(&mut self, other: &Self) {
        self.before.clone_from(&other.before);
        if self.login != other.login {
            self.before.push(other.login.clone());
        }
        let too_many = self.before.len().saturating_sub(MAX_BEFORE);
        self.before.drain(..too_many);
    }

    /// The login's API in the login's own words is the login's own token.
    pub(super) fn names_own(&self, target: &Target) -> bool {
        target.as_scope().is_none()
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
        is_part(scope, &self.scope)
    }

    /// Whether a refresh may ask for this: no more scope than was granted (RFC 6749 §6), and one of the resources that the login
    /// named (RFC 8707 §2.2), if it named any. Some servers use the refresh token up before they refuse. What Auth0 grants for
    /// another audience is in the application's policies, not in the login.
    pub(super) fn has(&self, target: &Target) -> bool {
        let resources = self.request.resources();
        let has_resource = |resource: &str| resources.is_empty() || resources.iter().any(|granted| granted == resource);
        target.as_audience().is_some()
            || target.as_scope().is_none_or(|scope| self.covers(scope)) && target.as_resource().is_none_or(has_resource)
    }

    /// The request of a login that gives what this one gave, and more: what is said once (`prompt=login`, an invitation) is
    /// not said again.
    pub(super) fn request_again(&self, more: &More<'_>) -> AuthorizationRequest {
        const ONCE: [&str; 2] = ["invitation", "screen_hint"];
        let again = AuthorizationRequest::new().with_points(more.points);
        #[cfg(feature = "openid")]
        let again = again.requiring_acr(self.request.requires_acr());
        let mut again = again;
        // The stricter of what the API demands and what the app wants.
        let own = self.request.value("max_age").and_then(|seconds| seconds.parse().ok());
        let max_age = more.max_age.map(|demanded: u64| own.map_or(demanded, |own| demanded.min(own)));
        // These two decide which tokens come, and servers do not always name them among what was granted.
        let asked = self.request.requested_scope().split(' ');
        let asked = asked.filter(|token| matches!(*token, "openid" | "offline_access"));
        let scopes = self.scope.split(' ').chain(asked).chain(more.scope.split(' '));
        for token in scopes.filter(|token| chars::is_scope_token(token)) {
            again = again.scope(token);
        }
        for (name, value) in self.request.to_pairs() {
            let replaced = name == "acr_values" && more.acr_values.is_some() || name == "max_age" && max_age.is_some();
            if name == "prompt" {
                // Servers give a refresh token for `offline_access` with this prompt alone (OpenID Connect Core §11).
                if value.split(' ').any(|prompt| prompt == "consent") {
                    again = again.prompt("consent");
                }
            } else if name != "scope" && !replaced && !ONCE.contains(&name.as_str()) {
                again = again.parameter(&name, &value);
            }
        }
        if let Some(resource) = more.resource {
            again = again.resource(resource);
        }
        if let Some(acr_values) = more.acr_values {
            again = again.acr_values(acr_values);
        }
        if let Some(max_age) = max_age {
            again = again.max_age(max_age);
        }
        again
    }
}

/// What a new login is to ask for beside what the one before did.
#[derive(Default)]
pub(super) struct More<'a> {
    pub scope: &'a str,
    pub resource: Option<&'a str>,
    pub acr_values: Option<&'a str>,
    pub max_age: Option<u64>,
    pub points: u8,
}

/// A public name for a login. Servers that do not replace refresh tokens may give the same one in two logins.
fn login_digest(tokens: &Tokens) -> String {
    let mut seconds = String::new();
    let _ = fmt::Write::write_fmt(&mut seconds, format_args!("{:?}", tokens.obtained_at));
    let refresh_token = tokens.refresh_token().map_or("", Secret::reveal);
    fingerprint(&[&seconds, tokens.access_token().reveal(), refresh_token])
}

/// A public name for a token.
pub(super) fn digest(token: &Secret) -> String {
    fingerprint(&[token.reveal()])
}

/// Whether every token of a scope is in another scope.
pub(super) fn is_part(scope: &str, of: &str) -> bool {
    let whole: BTreeSet<&str> = of.split(' ').collect();
    scope.split(' ').filter(|token| !token.is_empty()).all(|token| whole.contains(token))
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
