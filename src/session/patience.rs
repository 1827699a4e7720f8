//! When to try again after a failure.

use crate::http::retry_after::MAX_RETRY_AFTER_SECS;
use crate::http::RequestId;
use crate::time::{UnixTime, CLOCK_SKEW_SECS};

/// The longest wait that the session itself chooses after a response or a lost one, in seconds.
const MAX_BACKOFF_SECS: u64 = 15 * 60;

/// The same for requests that did not reach the server: retries cost little, and a device that is online again must not wait
/// long.
const MAX_OFFLINE_BACKOFF_SECS: u64 = 64;

/// How often a request has failed in a row, and when it may be tried again.
#[derive(Clone, Default)]
pub(super) struct Patience {
    retry: Option<Retry>,
    failures: u32,
}

/// The time of the next try, and the time of the decision: a clock before the latter was set back.
#[derive(Clone, Copy)]
struct Retry {
    at: UnixTime,
    /// The part of the wait that the server asked for.
    asked: Option<UnixTime>,
    decided_at: UnixTime,
}

impl Patience {
    /// Returns when to try again, if not now. If the clock was set back, the wait begins anew.
    pub(super) fn until(&mut self, now: UnixTime) -> Option<UnixTime> {
        let retry = self.retry.as_mut()?;
        if now.saturating_add(CLOCK_SKEW_SECS) < retry.decided_at {
            let anew = |at: UnixTime| now.saturating_add(at.saturating_since(retry.decided_at));
            *retry = Retry { at: anew(retry.at), asked: retry.asked.map(anew), decided_at: now };
        }
        Some(retry.at).filter(|at| now < *at)
    }

    /// The server is busy. The longer of its wait and the session's own counts, since a server may ask for no wait each time.
    pub(super) fn answered(&mut self, retry_after: Option<u64>, id: RequestId, now: UnixTime) -> UnixTime {
        let own = self.backoff(MAX_BACKOFF_SECS, id);
        // Clients with the same `Retry-After` are spread over a short time after it, by their request ids.
        let asked = retry_after
            .filter(|seconds| *seconds > 0)
            .map_or(0, |seconds| seconds.saturating_add(id.spread((seconds / 32).saturating_add(1))));
        self.wait(own, asked, now)
    }

    /// No response came to the request that was sent at `since`.
    pub(super) fn lost(&mut self, since: UnixTime, id: RequestId, now: UnixTime) -> UnixTime {
        let wait = self.backoff(MAX_BACKOFF_SECS, id).saturating_sub(now.saturating_since(since));
        self.wait(wait, 0, now)
    }

    /// The request did not reach the server. The first retry is at once: an idle connection may have been closed.
    pub(super) fn not_delivered(&mut self, id: RequestId, now: UnixTime) -> UnixTime {
        let is_first = self.failures == 0;
        let wait = self.backoff(MAX_OFFLINE_BACKOFF_SECS, id);
        self.wait(if is_first { 0 } else { wait }, 0, now)
    }

    /// Waits this many seconds, and a little more.
    pub(super) fn pause(&mut self, seconds: u64, id: RequestId, now: UnixTime) -> UnixTime {
        self.wait(seconds.saturating_add(id.spread(seconds / 32)), 0, now)
    }

    /// Ends the wait, except for the time that the server asked for.
    pub(super) fn hurry(&mut self) {
        self.retry = self.retry.and_then(|retry| Some(Retry { at: retry.asked?, ..retry }));
        self.failures = 0;
    }

    /// 1 to 2 seconds, then 2 to 4, 4 to 8 …
    fn backoff(&mut self, most: u64, id: RequestId) -> u64 {
        self.failures = self.failures.saturating_add(1);
        let window = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX).min(most);
        (window / 2).saturating_add(id.spread(window / 2))
    }

    fn wait(&mut self, own: u64, asked: u64, now: UnixTime) -> UnixTime {
        let [at, asked_at] = [own.max(asked), asked].map(|seconds| now.saturating_add(seconds.min(MAX_WAIT_SECS)));
        self.retry = Some(Retry { at, asked: Some(asked_at).filter(|_| asked > 0), decided_at: now });
        at
    }
}

/// An hour, and up to 1/32 more, which keeps clients from returning in the same second.
const MAX_WAIT_SECS: u64 = MAX_RETRY_AFTER_SECS + MAX_RETRY_AFTER_SECS / 32 + 1;
