//! One access token, and how long it is good for.

use alloc::string::String;
use alloc::sync::Arc;

use crate::bearer::Bearer;
use crate::secret::Secret;
use crate::time::UnixTime;

/// A token is good for this long after it came, whatever the server says: an `expires_in` of 0 must not make every call
/// ask for another token.
const MIN_LIFETIME_SECS: u64 = 2;

/// For so long after it came a token counts as fresh: if it is refused then, refreshing once more would go round in a circle.
const FRESH_SECS: u64 = 60;

#[derive(Clone)]
pub(super) struct AccessToken {
    pub token: Arc<Secret>,
    pub scope: String,
    pub obtained_at: Option<UnixTime>,
    pub expires_at: Option<UnixTime>,
    /// The API refused it.
    pub refused: bool,
    /// It came because the one before it was refused.
    pub after_refusal: bool,
    /// When it was refused like the one before it: no token will do for a while.
    pub hopeless_since: Option<UnixTime>,
}

impl AccessToken {
    pub(super) fn new(
        token: Secret,
        scope: String,
        obtained_at: Option<UnixTime>,
        expires_at: Option<UnixTime>,
    ) -> Self {
        let token = Arc::new(token);
        Self { token, scope, obtained_at, expires_at, refused: false, after_refusal: false, hopeless_since: None }
    }

    /// The token that comes after another one, if there was one.
    pub(super) fn after(self, earlier: Option<&Self>) -> Self {
        Self { after_refusal: earlier.is_some_and(|earlier| earlier.refused), ..self }
    }

    /// Whether this is the token that was handed out so.
    pub(super) fn is(&self, bearer: &Bearer) -> bool {
        self.token.is(bearer.token())
    }

    /// The same, and not one of the same text that came before.
    pub(super) fn is_this(&self, bearer: &Bearer) -> bool {
        Arc::ptr_eq(&self.token, bearer.shared_token())
    }

    pub(super) fn is_usable(&self, now: UnixTime) -> bool {
        !self.refused && (self.just_came(now) || self.expires_at.is_none_or(|at| now < at))
    }

    /// Whether it came just because the one before it was refused, so that its own refusal means that no token will do.
    pub(super) fn is_fresh_after_refusal(&self, now: UnixTime) -> bool {
        self.after_refusal && self.obtained_at.is_none_or(|at| at <= now && now.saturating_since(at) < FRESH_SECS)
    }

    /// Whether asking for another one would go round in a circle now. An API that refused everybody for a while comes round.
    pub(super) fn is_hopeless(&self, now: UnixTime) -> bool {
        self.hopeless_since.is_some_and(|since| since <= now && now.saturating_since(since) < FRESH_SECS)
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
