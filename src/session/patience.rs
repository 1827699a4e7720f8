//! When to try again what has failed.

use crate::retry_after::MAX_RETRY_AFTER_SECS;
use crate::time::UnixTime;

/// The longest wait that the session itself chooses.
const MAX_BACKOFF_SECS: u64 = 64;

/// How often something has failed in a row, and until when it is left alone.
#[derive(Clone, Default)]
pub(super) struct Patience {
    retry: Option<Retry>,
    failures: u32,
}

/// Threads read the clock and come to us in another order: only a clock that is further back than this was set back.
const JITTER_SECS: u64 = 60;

/// When to try again, and when that was decided: a clock that is behind that time was set back.
#[derive(Clone, Copy)]
struct Retry {
    at: UnixTime,
    decided_at: UnixTime,
}

impl Patience {
    /// Until when to wait, if not now. If the clock was set back, the wait begins anew.
    pub(super) fn until(&mut self, now: UnixTime) -> Option<UnixTime> {
        let retry = self.retry.as_mut()?;
        if now.saturating_add(JITTER_SECS) < retry.decided_at {
            let wait = retry.at.saturating_since(retry.decided_at);
            *retry = Retry { at: now.saturating_add(wait), decided_at: now };
        }
        Some(retry.at.min(now.saturating_add(MAX_RETRY_AFTER_SECS))).filter(|_| now < retry.at)
    }

    /// The server answered that it will not, or cannot now. Its wish counts, but so does our own patience: a server may ask
    /// for none, and would be asked for ever.
    pub(super) fn refused(&mut self, retry_after: Option<u64>, now: UnixTime) -> UnixTime {
        self.failures = self.failures.saturating_add(1);
        self.wait(retry_after.unwrap_or(0).max(backoff(self.failures)), now)
    }

    /// There was no answer. The first failure of the network costs no wait: the next need may try again.
    pub(super) fn unanswered(&mut self, now: UnixTime) -> UnixTime {
        let wait = backoff(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.wait(wait, now)
    }

    /// Something is tried: whatever was to be waited for is over.
    pub(super) fn tried(&mut self) {
        self.retry = None;
    }

    fn wait(&mut self, seconds: u64, now: UnixTime) -> UnixTime {
        let at = now.saturating_add(seconds);
        self.retry = Some(Retry { at, decided_at: now });
        at
    }
}

/// 0, 1, 2, 4 … seconds.
pub(super) fn backoff(failures: u32) -> u64 {
    match failures.checked_sub(1) {
        None => 0,
        Some(doublings) => 1_u64.checked_shl(doublings).unwrap_or(u64::MAX).min(MAX_BACKOFF_SECS),
    }
}
