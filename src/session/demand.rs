//! When more is demanded than a login gave: more scope (RFC 6750 §3.1), a stronger or more recent authentication (RFC 9470),
//! another resource (RFC 8707). The request of the login to make, and the end of asking again.

use alloc::sync::Arc;

use super::grant::{is_part, Grant, More};
use super::LoginRequired;
use crate::error::ServerText;
use crate::target::Target;
use crate::time::UnixTime;

/// So often in a row a login is made for a demand that the login before should have met.
const MAX_REPEATS: u8 = 1;

/// After so long a demand is a new one.
const REPEAT_WINDOW_SECS: u64 = 60 * 60;

/// A login is never too old sooner than this, whatever an API says: `max_age="0"` could be demanded for ever.
const MIN_MAX_AGE_SECS: u64 = 60;

/// What a new login is needed for.
pub(super) enum Demand<'a> {
    /// The API demands more scope.
    Scope(Option<ServerText>),
    /// The API demands a stronger or more recent authentication.
    StepUp { acr_values: Option<ServerText>, max_age: Option<u64> },
    /// The app wants a token for what was not granted.
    Target(&'a Target),
}

impl Demand<'_> {
    pub(super) fn login_required(self, grant: &Grant, now: UnixTime) -> LoginRequired {
        let age = grant.logged_in_at.map_or(u64::MAX, |at| now.saturating_since(at));
        let repeats = if age < REPEAT_WINDOW_SECS && self.should_be_met(grant, age) {
            grant.request.repeats().saturating_add(1)
        } else {
            0
        };
        if repeats > MAX_REPEATS {
            return LoginRequired::DemandNotMet;
        }
        match self {
            Self::Target(target) => {
                let scope = target.as_scope().unwrap_or_default();
                let more = More { scope, resource: target.as_resource(), repeats, ..More::default() };
                LoginRequired::TargetNotGranted { request: Arc::new(grant.request_again(&more)) }
            }
            Self::Scope(scope) => {
                let more = More { scope: scope.as_deref().unwrap_or_default(), repeats, ..More::default() };
                let request = Arc::new(grant.request_again(&more));
                LoginRequired::InsufficientScope { scope, request }
            }
            Self::StepUp { acr_values, max_age } => {
                let more = More {
                    acr_values: acr_values.as_deref().filter(|values| !values.is_empty()),
                    max_age,
                    repeats,
                    ..More::default()
                };
                let request = Arc::new(grant.request_again(&more));
                LoginRequired::StepUp { acr_values, max_age, request }
            }
        }
    }

    /// Whether the login that was made asked for just this already.
    fn should_be_met(&self, grant: &Grant, age: u64) -> bool {
        let asked_for = |scope: &str| is_part(scope, grant.request.requested_scope()) || grant.covers(scope);
        match self {
            Self::Target(target) => {
                let asked = |resource: &str| grant.request.resources().iter().any(|asked| asked == resource);
                target.as_scope().is_none_or(asked_for) && target.as_resource().is_none_or(asked)
            }
            Self::Scope(scope) => asked_for(scope.as_deref().unwrap_or_default()),
            Self::StepUp { acr_values, max_age } => {
                let asked = acr_values
                    .as_deref()
                    .is_none_or(|values| grant.request.value("acr_values").as_deref() == Some(values));
                asked && max_age.is_none_or(|seconds| age < seconds.max(MIN_MAX_AGE_SECS))
            }
        }
    }
}
