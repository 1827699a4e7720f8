//! When more is demanded than a login gave: more scope (RFC 6750 §3.1), a stronger or more recent authentication (RFC 9470),
//! another resource (RFC 8707). The request of the login to make, and the end of asking again.

use alloc::string::String;
use alloc::vec::Vec;

use super::grant::{Grant, More};
use super::outcome::LoginRequired;
use crate::config::client::Client;
use crate::error::server_text::ServerText;
use crate::text::chars;
use crate::time::{UnixTime, CLOCK_SKEW_SECS};
use crate::wire::target::Target;

/// A login that is younger than this was just made. One that users make by mistake, or decline, they may make again soon after.
const YOUNG_SECS: u64 = 10 * 60;

/// No login is too old sooner, whatever an API says: `max_age="0"`, or other claims each time, could be demanded for ever.
const MIN_MAX_AGE_SECS: u64 = 60;

/// What a new login is needed for.
pub(super) enum Demand<'a> {
    /// The API demands more scope.
    Scope(Option<ServerText>),
    /// The API demands a stronger or more recent authentication, or other claims.
    StepUp { acr_values: Option<ServerText>, max_age: Option<u64>, claims: Option<ServerText> },
    /// The app wants a token for what was not granted.
    Target(&'a Target),
}

impl Demand<'_> {
    /// The login to make. There is none if it would go round in a circle: if the present login, young as it is, asked for just
    /// that already.
    pub(super) fn login_required(self, client: &Client, grant: &Grant, now: UnixTime) -> LoginRequired {
        // Of a login in the future nobody knows how old it is: the clock was set right since.
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

    /// What the app lets an API demand: the rest is not asked for, however often it is demanded.
    fn allowed_scope(&self, client: &Client) -> Vec<String> {
        let demanded = match self {
            Self::Scope(Some(scope)) => scope.as_str(),
            _ => "",
        };
        // Where the app names them apart, they are taken apart.
        let separator = |token: &str| if client.is_demandable(token) { ' ' } else { ',' };
        let tokens = demanded.split(' ').flat_map(|token| token.split(separator(token)));
        tokens.filter(|token| client.is_demandable(token)).map(String::from).collect()
    }

    /// What cannot be said in a request is asked for in vain.
    fn was_asked_for(&self, allowed: &str, grant: &Grant, age: u64) -> bool {
        let had = |scope: &str| grant.had(&sayable(scope));
        // In whatever order.
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
                        // What an API demands of the access token may name a time, so that it is another demand each time.
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

/// Whether every value of a list is in another list.
fn is_part(values: &str, of: &str) -> bool {
    let whole = crate::wire::scope::set(of.split(' '));
    values.split(' ').filter(|value| !value.is_empty()).all(|value| whole.contains(value))
}

fn sayable(scope: &str) -> String {
    let tokens: Vec<_> = scope.split(' ').filter(|token| chars::is_scope_token(token)).collect();
    tokens.join(" ")
}
