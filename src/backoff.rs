//! How long a server is left alone that cannot answer now.

use crate::http::RequestId;

/// The longest wait that is not the server's own wish, in seconds: somebody sits before it.
const LONGEST_SECS: u64 = 32;

/// Seconds to wait: as long again as it has taken `so_far`, or as long as the server asked (`Retry-After`), if that is longer. What is
/// added keeps those who were turned away in the same second from coming back in the same second.
pub(crate) fn wait(asked: Option<u64>, so_far: u64, id: RequestId) -> u64 {
    let own = so_far.clamp(1, LONGEST_SECS);
    let asked = asked.map_or(0, |seconds| seconds.saturating_add(id.spread(seconds / 32)));
    own.saturating_add(id.spread(own)).max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_longer_than_the_one_before_until_it_is_long_enough() {
        for number in 0..1000 {
            let id = RequestId::from_u64(number);
            let (mut so_far, mut requests) = (0, 0);
            while so_far < 600 {
                let seconds = wait(None, so_far, id);
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
            assert!((120..=124).contains(&wait(Some(120), 5, id)));
            assert!((20..=40).contains(&wait(Some(0), 20, id)));
            assert_eq!(wait(Some(u64::MAX), 0, id), u64::MAX);
        }
    }
}
