//! The access tokens of one login: one for each API and scope, each with its own expiry.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::access_token::AccessToken;
use super::obstacle::Obstacle;
use crate::time::{UnixTime, CLOCK_SKEW_SECS};
use crate::wire::target::Target;

/// How many access tokens are kept besides the login's own. If there are more, the token that expires first is dropped.
pub(super) const MAX_TARGETS: usize = 64;

/// One API and scope, with its access token.
#[derive(Clone)]
pub(super) struct Slot {
    pub target: Arc<Target>,
    pub token: Option<AccessToken>,
    /// The obstacle to refreshes for this target alone.
    pub obstacle: Obstacle,
    pub refusals: Refusals,
}

impl Slot {
    pub(super) fn new(target: Target, token: Option<AccessToken>) -> Self {
        Self { target: Arc::new(target), token, obstacle: Obstacle::default(), refusals: Refusals::default() }
    }

    fn has_token_of(&self, other: &Self) -> bool {
        self.token.as_ref().zip(other.token.as_ref()).is_some_and(|(one, other)| one.token.is(&other.token))
    }

    fn expires_at(&self) -> UnixTime {
        let never = UnixTime::from_secs(u64::MAX);
        self.token.as_ref().map_or(UnixTime::from_secs(0), |token| token.expires_at.unwrap_or(never))
    }
}

/// Limits the refreshes that follow an API's refusal of a token, so that an API that refuses every token does not cause one for
/// each call. The second comes at least one minute after the first, the next after 2, 4, … minutes, then each hour.
#[derive(Clone, Default)]
pub(super) struct Refusals {
    last: Option<UnixTime>,
    wait: u64,
}

impl Refusals {
    const MIN_WAIT_SECS: u64 = 60;
    const MAX_WAIT_SECS: u64 = 60 * 60;

    /// Whether a refresh may follow a refusal now. If so, it is counted.
    pub(super) fn allow(&mut self, now: UnixTime) -> bool {
        // A clock that was set back must not block refreshes.
        let last = self.last.filter(|last| *last <= now.saturating_add(CLOCK_SKEW_SECS));
        let since = last.map(|last| now.saturating_since(last));
        if since.is_some_and(|since| since < self.wait) {
            return false;
        }
        let goes_on = since.is_some_and(|since| since < Self::MAX_WAIT_SECS.saturating_mul(2));
        self.wait = if goes_on { self.wait.saturating_mul(2).min(Self::MAX_WAIT_SECS) } else { Self::MIN_WAIT_SECS };
        self.last = Some(now);
        true
    }
}

#[derive(Clone)]
pub(super) struct Cache {
    /// The slot of the login's own API.
    pub own: Slot,
    others: Vec<Slot>,
}

impl Cache {
    pub(super) fn new(own: Option<AccessToken>) -> Self {
        Self { own: Slot::new(Target::own(), own), others: Vec::new() }
    }

    pub(super) fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        core::iter::once(&mut self.own).chain(&mut self.others)
    }

    pub(super) fn another_refresh_token(&mut self) {
        for slot in self.slots_mut() {
            slot.obstacle.another_refresh_token();
        }
    }

    pub(super) fn others(&self) -> &[Slot] {
        &self.others
    }

    pub(super) fn find(&self, target: &Target) -> Option<&Slot> {
        if target.is_own() {
            return Some(&self.own);
        }
        self.others.iter().find(|slot| *slot.target == *target)
    }

    pub(super) fn find_mut(&mut self, target: &Target) -> Option<&mut Slot> {
        if target.is_own() {
            return Some(&mut self.own);
        }
        self.others.iter_mut().find(|slot| *slot.target == *target)
    }

    /// The slot of this target; made if there is none yet.
    pub(super) fn slot(&mut self, target: &Target) -> &mut Slot {
        if target.is_own() {
            return &mut self.own;
        }
        let index = self.others.iter().position(|slot| *slot.target == *target);
        if index.is_none() {
            self.put(Slot::new(target.clone(), None));
        }
        let index = index.unwrap_or(self.others.len().saturating_sub(1));
        // The slot exists by now, so the fallback is never used.
        self.others.get_mut(index).unwrap_or(&mut self.own)
    }

    /// Takes over from an older cache of the same login: slots that only it has, what it knows of tokens that both have (such as
    /// an API's refusal), and its counts of refusals.
    pub(super) fn take_over(&mut self, older: Self) {
        for slot in core::iter::once(older.own).chain(older.others) {
            match self.find_mut(&slot.target) {
                None => self.put(slot),
                Some(ours) if ours.token.is_none() || ours.has_token_of(&slot) => *ours = slot,
                // An API that refuses the tokens of one process refuses those of another.
                Some(ours) => ours.refusals = slot.refusals,
            }
        }
    }

    /// Adds a slot, unless the target has one.
    pub(super) fn add(&mut self, slot: Slot) {
        if self.find(&slot.target).is_none() {
            self.put(slot);
        }
    }

    fn put(&mut self, slot: Slot) {
        if self.others.len() >= MAX_TARGETS {
            let first = self.others.iter().enumerate().min_by_key(|(_, slot)| slot.expires_at());
            if let Some((index, _)) = first {
                self.others.swap_remove(index);
            }
        }
        self.others.push(slot);
    }
}
