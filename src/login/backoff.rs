//! How long to wait for a server that cannot answer now.

use crate::http::RequestId;
use crate::time::{UnixTime, CLOCK_SKEW_SECS};

/// The longest wait unless the server asks for more, in seconds: the user is waiting.
const LONGEST_SECS: u64 = 32;

/// When to ask such a server again.
pub(super) fn until(asked: Option<u64>, begun: UnixTime, now: UnixTime, id: RequestId) -> UnixTime {
    now.saturating_add(wait(asked, begun, now, id))
}

/// Seconds to wait: the time from `begun` to `now` (the longest wait if the clock was set back), or `Retry-After` if that is
/// longer, plus a part that depends on the id, so that clients turned away in the same second do not return in the same second.
fn wait(asked: Option<u64>, begun: UnixTime, now: UnixTime, id: RequestId) -> u64 {
    let so_far = if now.saturating_add(CLOCK_SKEW_SECS) < begun { LONGEST_SECS } else { now.saturating_since(begun) };
    let own = so_far.clamp(1, LONGEST_SECS);
    let asked = asked.map_or(0, |seconds| seconds.saturating_add(id.spread(seconds / 32)));
    own.saturating_add(id.spread(own)).max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn after(asked: Option<u64>, so_far: u64, id: RequestId) -> u64 {
        wait(asked, BEGUN, BEGUN.saturating_add(so_far), id)
    }

    /// Otherwise the server would be asked every second until the clock has caught up.
    #[test]
    fn a_clock_that_was_set_back_does_not_make_a_wait_short() {
        for number in 0..1000 {
            let now = UnixTime::from_secs(BEGUN.as_secs() - 61 - number);
            assert!((32..=64).contains(&wait(None, BEGUN, now, RequestId::from_u64(number))));
            let a_little_behind = UnixTime::from_secs(BEGUN.as_secs() - 1 - number % 60);
            assert!((1..=2).contains(&wait(None, BEGUN, a_little_behind, RequestId::from_u64(number))));
        }
    }

    #[test]
    fn each_wait_is_longer_than_the_one_before_until_it_is_long_enough() {
        for number in 0..1000 {
            let id = RequestId::from_u64(number);
            let (mut so_far, mut requests) = (0, 0);
            while so_far < 600 {
                let seconds = after(None, so_far, id);
                assert!((1..=64).contains(&seconds), "{seconds}");
                so_far += seconds;
                requests += 1;
            }
            assert!((10..=25).contains(&requests), "{requests} requests in ten minutes");
        }
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        for number in 0..1000 {
            let id = RequestId::from_u64(number);
            assert!((120..=124).contains(&after(Some(120), 5, id)));
            assert!((20..=40).contains(&after(Some(0), 20, id)));
            assert_eq!(after(Some(u64::MAX), 0, id), u64::MAX);
        }
    }
}
