//! The system's clock.

use std::time::{Duration, SystemTime};

use oauth_proto::drive::blocking::Clock;
use oauth_proto::UnixTime;

use crate::trace;

/// The system's clock; it waits by blocking the thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        SystemTime::now().into()
    }

    fn sleep_until(&self, time: UnixTime) {
        trace::sleeps(time);
        let seconds = time.saturating_since(Clock::now(self));
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

/// The same for `tokio`: it waits without blocking the thread.
#[cfg(any(feature = "reqwest", feature = "hyper"))]
impl oauth_proto::drive::Clock for SystemClock {
    fn now(&self) -> UnixTime {
        SystemTime::now().into()
    }

    async fn sleep_until(&self, time: UnixTime) {
        trace::sleeps(time);
        let seconds = time.saturating_since(Clock::now(self));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}
