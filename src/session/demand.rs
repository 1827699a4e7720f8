//! Handles demands for more than the login gave: more scope (RFC 6750 §3.1), a stronger or more recent authentication (RFC
//! 9470), another resource (RFC 8707). Makes the request of the new login, and prevents endless logins.

use alloc::string::String;
use alloc::vec::Vec;

use super::grant::{Grant, More};
use super::outcome::LoginRequired;
use crate::config::client::Client;
use crate::error::server_text::ServerText;
use crate::text::chars;
use crate::time::{UnixTime, CLOCK_SKEW_SECS};
use crate::wire::target::Target;

/// A login younger than this is not repeated for the same demand. After that, a user who declined by mistake may try again.
const YOUNG_SECS: u64 = 10 * 60;

/// No login counts as too old before this age. Otherwise `max_age="0"`, or other claims each time, could be demanded for ever.
const MIN_MAX_AGE_SECS: u64 = 60;

/// The reason for a new login.
pub(super) enum Demand<'a> {
    /// The API demands more scope.
    Scope(Option<ServerText>),
    /// The API demands a stronger or more recent authentication, or other claims.
    StepUp { acr_values: Option<ServerText>, max_age: Option<u64>, claims: Option<ServerText> },
    /// The app wants a token for a target that was not granted.
    Target(&'a Target),
}

impl Demand<'_> {
    /// Returns the login to make; `DemandNotMet` if the present login is young and asked for exactly that.
    pub(super) fn login_required(self, client: &Client, grant: &Grant, now: UnixTime) -> LoginRequired {
        // The age of a login in the future is unknown: the clock has been corrected since.
        let logged_in_at = grant.logged_in_at.filter(|at| *at <= now.saturating_add(CLOCK_SKEW_SECS));
        let age = logged_in_at.map_or(u64::MAX, |at| now.saturating_since(at));
        let allowed = self.allowed_scope(client);
        if age < YOUNG_SECS && self.was_asked_for(&allowed.join(" "), grant, age) {
            return LoginRequired::DemandNotMet;
        }
        match self {
            Self::Target(target) => LoginRequired::TargetNotGranted { request: grant.request_again(&More::of(target)) },
            Self::Scope(scope) => {
                if scope.is_some() && allowed.is_empty() {
                    return LoginRequired::DemandNotMet;
                }
                let request = grant.request_again(&More { scope: &allowed.join(" "), ..More::default() });
                LoginRequired::InsufficientScope { scope, request }
            }
            Self::StepUp { acr_values, max_age, claims } => {
                let more = More {
                    acr_values: acr_values.as_deref().filter(|values| !values.trim_matches(' ').is_empty()),
                    max_age,
                    claims: claims.as_deref(),
                    ..More::default()
                };
                let request = grant.request_again(&more);
                LoginRequired::StepUp { acr_values, max_age, claims, request }
            }
        }
    }

    /// The scope that the app lets an API demand; the rest is never asked for.
    fn allowed_scope(&self, client: &Client) -> Vec<String> {
        let demanded = match self {
            Self::Scope(Some(scope)) => scope.as_str(),
            _ => "",
        };
        // Commas separate tokens too, unless the app allows the token as a whole.
        let separator = |token: &str| if client.is_demandable(token) { ' ' } else { ',' };
        let tokens = demanded.split(' ').flat_map(|token| token.split(separator(token)));
        tokens.filter(|token| client.is_demandable(token)).map(String::from).collect()
    }

    /// Whether the present login asked for what is demanded. Tokens that a request cannot contain are left out.
    fn was_asked_for(&self, allowed: &str, grant: &Grant, age: u64) -> bool {
        let had = |scope: &str| grant.had(&sayable(scope));
        // In any order.
        let asked = |name: &str, values: &str| is_part(values, &grant.request.value(name).unwrap_or_default());
        match self {
            Self::Target(target) => {
                let named = |resource: &str| grant.request.resources().iter().any(|asked| asked == resource);
                target.as_scope().is_none_or(had) && target.as_resource().is_none_or(named)
            }
            Self::Scope(_) => had(allowed),
            Self::StepUp { acr_values, max_age, claims } => {
                acr_values.as_deref().is_none_or(|values| asked("acr_values", values))
                    && claims.as_deref().is_none_or(|claims| {
                        // Claims about the access token may contain a time, and then differ each time.
                        let of_an_api = |own: &str| own.contains("\"access_token\"") && age < MIN_MAX_AGE_SECS;
                        let own = grant.request.value("claims");
                        own.is_some_and(|own| own == claims || of_an_api(&own))
                    })
                    && max_age.is_none_or(|seconds| {
                        let own = grant.request.value("max_age").and_then(|own| own.parse().ok());
                        own.is_some_and(|own: u64| own <= seconds) && age < seconds.max(MIN_MAX_AGE_SECS)
                    })
            }
        }
    }
}

/// Whether every value of one list is in the other.
fn is_part(values: &str, of: &str) -> bool {
    let whole = crate::wire::scope::set(of.split(' '));
    values.split(' ').filter(|value| !value.is_empty()).all(|value| whole.contains(value))
}

fn sayable(scope: &str) -> String {
    let tokens: Vec<_> = scope.split(' ').filter(|token| chars::is_scope_token(token)).collect();
    tokens.join(" ")
}
