//! One access token, and how long it is good.

use alloc::string::String;
use alloc::sync::Arc;

use super::bearer::Bearer;
use crate::secret::Secret;
use crate::time::UnixTime;

/// A token counts as good for at least this long: an `expires_in` of 0 must not cause a refresh for each call.
const MIN_LIFETIME_SECS: u64 = 2;

#[derive(Clone)]
pub(super) struct AccessToken {
    pub token: Arc<Secret>,
    pub scope: String,
    pub obtained_at: Option<UnixTime>,
    pub expires_at: Option<UnixTime>,
    /// An API refused it, so another one is needed.
    pub is_refused: bool,
}

impl AccessToken {
    pub(super) fn new(
        token: Secret,
        scope: String,
        obtained_at: Option<UnixTime>,
        expires_at: Option<UnixTime>,
    ) -> Self {
        Self { token: Arc::new(token), scope, obtained_at, expires_at, is_refused: false }
    }

    /// Whether `bearer` was made from this token.
    pub(super) fn is(&self, bearer: &Bearer) -> bool {
        self.token.is(bearer.token())
    }

    /// Whether it has not expired.
    pub(super) fn is_good(&self, now: UnixTime) -> bool {
        self.just_came(now) || self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether a refresh is due: within the leeway before the expiry, or within half the lifetime of a short-lived token.
    pub(super) fn is_due(&self, leeway: u64, now: UnixTime) -> bool {
        let Some(expires_at) = self.expires_at else { return false };
        let lifetime = self.obtained_at.map_or(u64::MAX, |at| expires_at.saturating_since(at));
        !self.just_came(now) && now.saturating_add(leeway.min(lifetime / 2)) >= expires_at
    }

    fn just_came(&self, now: UnixTime) -> bool {
        self.obtained_at.is_some_and(|at| at <= now && now.saturating_since(at) < MIN_LIFETIME_SECS)
    }
}
