//! The refresh under way, and refreshes whose responses were lost.

use alloc::sync::Arc;

use crate::http::RequestId;
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::target::Target;

/// A refresh that was sent.
#[derive(Clone)]
pub(super) struct Sent {
    pub id: RequestId,
    pub target: Arc<Target>,
    pub refresh_token: Arc<Secret>,
    pub at: UnixTime,
    /// The earliest time seen since then, if the clock was set back to before `at`.
    back_at: Option<UnixTime>,
    /// The extended deadline, if the first one was found long past.
    extended_to: Option<UnixTime>,
}

/// A device that slept finds the deadline long past, and the response in its network stack: the driver has this long to hand it
/// over before the refresh token is sent again.
const AFTER_SLEEP_SECS: u64 = 10;

impl Sent {
    pub(super) fn new(id: RequestId, target: Arc<Target>, refresh_token: Arc<Secret>, at: UnixTime) -> Self {
        Self { id, target, refresh_token, at, back_at: None, extended_to: None }
    }

    fn deadline(&self, timeout: u64) -> UnixTime {
        let own = self.back_at.unwrap_or(self.at).saturating_add(timeout);
        self.extended_to.map_or(own, |to| to.max(own))
    }

    /// Whether the response may still come. If the clock is set back, callers must not wait long, nor the refresh token be sent
    /// twice.
    fn has_time(&mut self, timeout: u64, now: UnixTime) -> bool {
        let extended = now.saturating_add(AFTER_SLEEP_SECS);
        if now < self.at {
            // The clock may be set back more than once.
            (self.back_at, self.extended_to) = (Some(self.back_at.map_or(now, |before| before.min(now))), None);
        } else if let Some(to) = &mut self.extended_to {
            *to = (*to).min(extended);
        } else {
            self.back_at = None;
            if now >= self.deadline(timeout).saturating_add(timeout) {
                self.extended_to = Some(extended);
            }
        }
        now < self.deadline(timeout)
    }
}

/// A refresh token that rotates must not be in two requests at a time, so one refresh is under way for all targets.
#[derive(Clone, Default)]
pub(super) struct Flights {
    under_way: Option<Sent>,
    air: Lost,
    /// A newer refresh has brought tokens, so tokens of the lost ones are not used. A sign-out must know of them until the next
    /// refresh.
    is_overtaken: bool,
}

#[derive(Clone, Default)]
struct Lost {
    /// The last lost refresh. Its tokens are still used, until a newer refresh has brought some.
    last: Option<Sent>,
    /// Others were lost before it, and their responses are ignored.
    has_more: bool,
    /// For some of them, the driver has not said that they are gone.
    is_untold: bool,
}

/// The refreshes whose responses may still come, for a sign-out.
pub(super) struct InTheAir {
    under_way: Option<Sent>,
    lost: Option<Sent>,
    /// The response of another refresh may come, and will not be recognized.
    pub is_unknown: bool,
}

impl InTheAir {
    pub(super) fn is_anything(&self) -> bool {
        self.is_unknown || self.under_way.is_some() || self.lost.is_some()
    }

    /// Removes the refresh of this id, whose outcome is known now.
    pub(super) fn take(&mut self, id: RequestId) -> Option<Sent> {
        let of_id = |sent: &mut Sent| sent.id == id;
        self.under_way.take_if(of_id).or_else(|| self.lost.take_if(of_id))
    }

    pub(super) fn lose(&mut self, sent: Sent) {
        self.is_unknown |= self.lost.replace(sent).is_some();
    }
}

impl Flights {
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether a refresh for this target is under way.
    pub(super) fn may_bring(&self, target: &Target) -> bool {
        self.under_way.as_ref().is_some_and(|sent| *sent.target == *target)
    }

    pub(super) fn deadline(&self, timeout: u64) -> Option<UnixTime> {
        self.under_way.as_ref().map(|sent| sent.deadline(timeout))
    }

    pub(super) fn send(&mut self, sent: Sent) {
        if core::mem::take(&mut self.is_overtaken) {
            self.air = Lost::default();
        }
        self.under_way = Some(sent);
    }

    /// Returns the refresh to wait for; as `Err`, a refresh past its deadline, which counts as lost now.
    pub(super) fn await_answer(
        &mut self,
        timeout: u64,
        now: UnixTime,
    ) -> Option<Result<RequestId, (RequestId, UnixTime)>> {
        let sent = self.under_way.as_mut()?;
        let (id, at) = (sent.id, sent.back_at.unwrap_or(sent.at));
        if sent.has_time(timeout, now) {
            return Some(Ok(id));
        }
        self.lose(false);
        Some(Err((id, at)))
    }

    /// The refresh of this id, and whether it is the one under way.
    pub(super) fn find(&self, id: RequestId) -> Option<(Sent, bool)> {
        let of_id = |sent: &&Sent| sent.id == id;
        let current = self.under_way.as_ref().filter(of_id).map(|sent| (sent.clone(), true));
        let lost = self.air.last.as_ref().filter(|_| !self.is_overtaken);
        current.or_else(|| lost.filter(of_id).map(|sent| (sent.clone(), false)))
    }

    /// Removes the refresh under way: its response came, or it was never sent.
    pub(super) fn settle(&mut self) {
        self.under_way = None;
    }

    /// Marks the refresh under way as lost: it may have spent the refresh token. `is_told`: the driver said that it is gone.
    pub(super) fn lose(&mut self, is_told: bool) {
        if let Some(sent) = self.under_way.take() {
            self.air.has_more |= self.air.last.replace(sent).is_some();
            self.air.is_untold |= !is_told;
            self.is_overtaken = false;
        }
    }

    /// A refresh brought tokens. Tokens of refreshes that were lost before it are no longer used; a refresh sent after it may
    /// bring others.
    pub(super) fn succeed(&mut self, is_current: bool) {
        let answered = if is_current { &mut self.under_way } else { &mut self.air.last };
        *answered = None;
        self.is_overtaken = true;
        if is_current && !self.air.is_untold {
            self.air = Lost::default();
        }
    }

    pub(super) fn in_the_air(&mut self) -> InTheAir {
        let Self { under_way, air, .. } = core::mem::take(self);
        InTheAir { under_way, lost: air.last, is_unknown: air.has_more }
    }
}
