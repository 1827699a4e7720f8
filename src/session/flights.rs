//! The refresh under way, and the last one whose answer was lost.

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
    /// The earliest time that was seen since, if the clock was set back behind `at`.
    back_at: Option<UnixTime>,
    /// Until when it has time, if its deadline was found long past.
    extended_to: Option<UnixTime>,
}

/// A device that has slept finds the deadline long past, and the answer in its network stack: whoever has it is given so long
/// to hand it over, before the refresh token is sent a second time.
const AFTER_SLEEP_SECS: u64 = 10;

impl Sent {
    pub(super) fn new(id: RequestId, target: Arc<Target>, refresh_token: Arc<Secret>, at: UnixTime) -> Self {
        Self { id, target, refresh_token, at, back_at: None, extended_to: None }
    }

    fn deadline(&self, timeout: u64) -> UnixTime {
        let own = self.back_at.unwrap_or(self.at).saturating_add(timeout);
        self.extended_to.map_or(own, |to| to.max(own))
    }

    /// A clock that was set back must neither hold everybody up for long, nor have the refresh token sent a second time.
    fn has_time(&mut self, timeout: u64, now: UnixTime) -> bool {
        let extended = now.saturating_add(AFTER_SLEEP_SECS);
        if now < self.at {
            // It may be set back more than once.
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

/// A refresh token that rotates must not be sent twice at a time, so there is one flight for all targets.
#[derive(Clone, Default)]
pub(super) struct Flights {
    under_way: Option<Sent>,
    air: Lost,
    /// A newer refresh has brought tokens since: those of the lost ones are of no more use. A sign-out is to know all the same
    /// of what may be under way yet, until the next refresh is sent.
    is_overtaken: bool,
}

#[derive(Clone, Default)]
struct Lost {
    /// Its tokens are still welcome, until a newer refresh has brought some.
    last: Option<Sent>,
    /// Others were lost before it, and nobody waits for their answers.
    has_more: bool,
    /// Of some of them the driver has not said that they are gone.
    is_untold: bool,
}

/// What may come yet, for a sign-out to deal with.
pub(super) struct InTheAir {
    under_way: Option<Sent>,
    lost: Option<Sent>,
    /// Something else may, which nobody will hear of.
    pub is_unknown: bool,
}

impl InTheAir {
    pub(super) fn is_anything(&self) -> bool {
        self.is_unknown || self.under_way.is_some() || self.lost.is_some()
    }

    /// The refresh of this id, whose outcome is known now.
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

    /// The refresh to wait for; `Err` with one that has had its time and is taken for lost.
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

    /// The refresh under way was answered, or never sent.
    pub(super) fn settle(&mut self) {
        self.under_way = None;
    }

    /// The answer of the refresh under way has not come: the server may have spent the refresh token, or not. Whether the driver
    /// says so: then it is gone.
    pub(super) fn lose(&mut self, is_told: bool) {
        if let Some(sent) = self.under_way.take() {
            self.air.has_more |= self.air.last.replace(sent).is_some();
            self.air.is_untold |= !is_told;
            self.is_overtaken = false;
        }
    }

    /// A refresh brought tokens. Of one that was lost before it, nothing more is wanted; one sent after it may bring others.
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
