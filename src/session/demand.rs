//! When more is demanded than a login gave: more scope (RFC 6750 §3.1), a stronger or more recent authentication (RFC 9470),
//! another resource (RFC 8707). The request of the login to make, and the end of asking again.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::grant::{is_part, Grant, More};
use super::LoginRequired;
use crate::chars;
use crate::error::ServerText;
use crate::target::Target;
use crate::time::UnixTime;

/// A login that is asked for by a demand has the points of the login before: two more if that one should have met the demand, one
/// more if it is another demand though that one did not bring what it asked for, as far as can be told. So two demands in turn
/// come to an end too. With more points than these there is no login.
const MAX_POINTS: u8 = 4;

/// After so long a demand is a new one.
const REPEAT_WINDOW_SECS: u64 = 60 * 60;

/// No login is too old sooner, whatever an API says: `max_age="0"` could be demanded for ever.
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
        let points = grant.request.points();
        let points = match self.against(grant, age) {
            _ if age >= REPEAT_WINDOW_SECS => 0,
            Met::ShouldBe => points.saturating_add(2),
            Met::Another => points.saturating_add(1),
            Met::NoLonger => points,
        };
        if points > MAX_POINTS {
            return LoginRequired::DemandNotMet;
        }
        match self {
            // An authorization request names one audience, and a login for another one would take the place of this.
            Self::Target(target) if target.as_audience().is_some() => LoginRequired::DemandNotMet,
            Self::Target(target) => {
                let scope = target.as_scope().unwrap_or_default();
                let more = More { scope, resource: target.as_resource(), points, ..More::default() };
                LoginRequired::TargetNotGranted { request: Arc::new(grant.request_again(&more)) }
            }
            Self::Scope(scope) => {
                let more = More { scope: scope.as_deref().unwrap_or_default(), points, ..More::default() };
                let request = Arc::new(grant.request_again(&more));
                LoginRequired::InsufficientScope { scope, request }
            }
            Self::StepUp { acr_values, max_age } => {
                let more = More {
                    acr_values: acr_values.as_deref().filter(|values| !values.trim_matches(' ').is_empty()),
                    max_age,
                    points,
                    ..More::default()
                };
                let request = Arc::new(grant.request_again(&more));
                LoginRequired::StepUp { acr_values, max_age, request }
            }
        }
    }

    /// What can be said of the login that was made. What cannot be said in a request is asked for in vain.
    fn against(&self, grant: &Grant, age: u64) -> Met {
        let asked = grant.request.requested_scope();
        let had = |scope: &str| {
            let sayable: Vec<_> = scope.split(' ').filter(|token| chars::is_scope_token(token)).collect();
            is_part(&sayable.join(" "), &[asked, &grant.scope].join(" "))
        };
        // All that was asked for was granted: the next demand is a step forward.
        let other = || if grant.covers(asked) { Met::NoLonger } else { Met::Another };
        match self {
            Self::Target(target) => {
                let asked = |resource: &str| grant.request.resources().iter().any(|asked| asked == resource);
                let had = target.as_scope().is_none_or(had) && target.as_resource().is_none_or(asked);
                if had {
                    Met::ShouldBe
                } else {
                    other()
                }
            }
            Self::Scope(scope) if had(scope.as_deref().unwrap_or_default()) => Met::ShouldBe,
            Self::Scope(_) => other(),
            Self::StepUp { acr_values, max_age } => {
                // In whatever order.
                let asked = grant.request.value("acr_values").unwrap_or_default();
                if !acr_values.as_deref().is_none_or(|values| is_part(values, &asked)) {
                    return Met::Another;
                }
                let is_young = max_age.is_none_or(|seconds| age < seconds.max(MIN_MAX_AGE_SECS));
                if is_young {
                    Met::ShouldBe
                } else {
                    Met::NoLonger
                }
            }
        }
    }
}

/// A demand against the login before it.
enum Met {
    /// It asked for just that.
    ShouldBe,
    /// It asked for something else, and whether it got that is not known, or it did not.
    Another,
    /// It was good, and something more, or something newer, is demanded now.
    NoLonger,
}
