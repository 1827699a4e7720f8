//! The refreshes that were sent: the one under way, and those whose answer was lost.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::http::RequestId;
use crate::target::Target;
use crate::time::UnixTime;

/// A refresh token is sent so often, if its answer is lost each time: servers with a grace period answer the second time.
pub(super) const MAX_LOSSES: u8 = 2;

/// So many lost refreshes are remembered, should their answers come after all.
const MAX_LOST: usize = 4;

/// A refresh that was sent.
#[derive(Clone)]
pub(super) struct Sent {
    pub id: RequestId,
    pub target: Arc<Target>,
    /// The scope it asked for, which an answer without `scope` means (RFC 6749 §5.1).
    pub scope: Option<Arc<str>>,
    /// Which refresh token it carried: the one of this generation.
    pub generation: u64,
    /// The generation of what it brings.
    pub next_generation: u64,
}

/// Generations are this far apart: what comes of sending one refresh token several times are neighbours, the later the newer.
const GENERATION: u64 = 8;

#[derive(Clone)]
struct Flight {
    sent: Sent,
    at: UnixTime,
    /// The earliest time that was seen since, if the clock was set back behind `at`.
    back_at: Option<UnixTime>,
}

/// A refresh token that rotates must not be sent twice at a time, so there is one flight for all targets.
#[derive(Clone, Default)]
pub(super) struct Flights {
    under_way: Option<Flight>,
    /// Their tokens are still welcome, until a newer refresh has brought some.
    lost: Vec<Sent>,
    /// How many refreshes with the present refresh token had no answer: it may be spent.
    losses: u8,
    /// How many of those the user has decided to overlook for one more refresh, should another process tell of them.
    forgiven: u8,
    /// How many the user has overlooked all in all.
    overlooked: u8,
    /// The server is known to leave the present refresh token as it is: sending it again does no harm.
    pub reusable: bool,
}

impl Flights {
    pub(super) fn with_losses(losses: u8, reusable: bool) -> Self {
        Self { losses: losses.min(MAX_LOSSES), reusable, ..Self::default() }
    }

    pub(super) fn losses(&self) -> u8 {
        self.losses
    }

    /// One more refresh is allowed, whatever was lost.
    pub(super) fn allow_one(&mut self) {
        let allowed = MAX_LOSSES.saturating_sub(1);
        let more = self.losses.saturating_sub(allowed);
        self.forgiven = self.forgiven.saturating_add(more);
        self.overlooked = self.overlooked.saturating_add(more);
        self.losses = self.losses.saturating_sub(more);
    }

    /// The losses as they would be if the process ended now.
    pub(super) fn losses_at_death(&self, generation: u64) -> u8 {
        self.losses.saturating_add(self.in_doubt(generation)).min(MAX_LOSSES)
    }

    /// Takes what another process knows of the same refresh token: the losses that it has stored, one of them our own refresh if
    /// one is under way; and that there are none, since the token lives on.
    pub(super) fn take_marks(&mut self, losses: u8, reusable: bool, generation: u64) {
        if self.reusable || reusable {
            (self.losses, self.reusable) = (0, true);
            return;
        }
        let others = losses.min(MAX_LOSSES).saturating_sub(self.in_doubt(generation)).saturating_sub(self.forgiven);
        self.losses = self.losses.max(others);
    }

    /// 1 if a refresh with the present refresh token is under way, which may spend it.
    fn in_doubt(&self, generation: u64) -> u8 {
        let flight = self.under_way.as_ref().filter(|_| !self.reusable);
        u8::from(flight.is_some_and(|flight| flight.sent.generation == generation))
    }

    /// The generation of the tokens that a refresh sent now brings.
    pub(super) fn next_generation(&self, generation: u64) -> u64 {
        let tries = u64::from(self.losses.saturating_add(self.overlooked)).min(GENERATION.saturating_sub(1));
        let whole = generation.saturating_sub(generation % GENERATION);
        whole.saturating_add(GENERATION).saturating_add(tries)
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether a refresh for this target may bring a token yet.
    pub(super) fn may_bring(&self, target: &Target) -> bool {
        self.under_way.iter().map(|flight| &flight.sent).chain(&self.lost).any(|sent| *sent.target == *target)
    }

    pub(super) fn deadline(&self, timeout: u64) -> Option<UnixTime> {
        let flight = self.under_way.as_ref()?;
        Some(flight.back_at.unwrap_or(flight.at).saturating_add(timeout))
    }

    pub(super) fn send(&mut self, sent: Sent, now: UnixTime) {
        // What a refresh with an earlier token may bring yet is older than the token that is sent now.
        self.lost.retain(|lost| lost.generation == sent.generation);
        self.under_way = Some(Flight { sent, at: now, back_at: None });
    }

    /// The refresh to wait for; one that has had its time is taken for lost.
    pub(super) fn await_answer(&mut self, timeout: u64, generation: u64, now: UnixTime) -> Option<RequestId> {
        let flight = self.under_way.as_mut()?;
        if flight.has_time(timeout, now) {
            return Some(flight.sent.id);
        }
        self.lose(generation);
        None
    }

    /// The refresh of this id, and whether it is the one under way.
    pub(super) fn find(&self, id: RequestId) -> Option<(Sent, bool)> {
        let current = self.under_way.as_ref().map(|flight| &flight.sent).filter(|sent| sent.id == id);
        let lost = || self.lost.iter().find(|sent| sent.id == id).cloned();
        current.map(|sent| (sent.clone(), true)).or_else(|| lost().map(|sent| (sent, false)))
    }

    /// The refresh under way was answered, or never sent.
    pub(super) fn settle(&mut self) {
        self.forgiven = 0;
        self.under_way = None;
    }

    /// The answer of the refresh under way has not come: the server may have spent the refresh token, or not.
    pub(super) fn lose(&mut self, generation: u64) {
        self.losses = self.losses.saturating_add(self.in_doubt(generation)).min(MAX_LOSSES);
        self.forgiven = 0;
        if let Some(flight) = self.under_way.take() {
            if self.lost.len() >= MAX_LOST {
                self.lost.remove(0);
            }
            self.lost.push(flight.sent);
        }
    }

    /// A refresh brought a new token. Of those sent before it, nothing more is wanted; one sent after it may bring another.
    pub(super) fn succeed(&mut self, id: RequestId, reusable: bool) {
        (self.losses, self.forgiven, self.overlooked, self.reusable) = (0, 0, 0, reusable);
        match self.lost.iter().position(|sent| sent.id == id) {
            Some(index) => drop(self.lost.drain(..=index)),
            None => {
                self.lost.clear();
                self.under_way = None;
            }
        }
    }
}

impl Flight {
    /// A clock that was set back must neither hold everybody up for long, nor have the refresh token sent a second time.
    fn has_time(&mut self, timeout: u64, now: UnixTime) -> bool {
        if now >= self.at {
            self.back_at = None;
            return now.saturating_since(self.at) < timeout;
        }
        // It may be set back more than once.
        let back_at = self.back_at.map_or(now, |before| before.min(now));
        self.back_at = Some(back_at);
        now.saturating_since(back_at) < timeout
    }
}
