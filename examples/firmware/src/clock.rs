//! The time of day: set once, then counted by embassy-time.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::blocking_mutex::Mutex;
use embassy_time::{Instant, Timer};
use oauth_proto::drive::Clock;
use oauth_proto::UnixTime;

/// When the device was started, in seconds since 1970.
static STARTED: Mutex<CriticalSectionRawMutex, Cell<u64>> = Mutex::new(Cell::new(0));

/// The time of day.
#[derive(Clone, Copy)]
pub struct WallClock;

impl WallClock {
    /// Sets it: from a clock with a battery, from the network (SNTP), or from the `Date` header of a server of yours.
    pub fn set(now: UnixTime) {
        STARTED.lock(|started| started.set(now.as_secs().saturating_sub(Instant::now().as_secs())));
    }
}

impl Clock for WallClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(STARTED.lock(Cell::get).saturating_add(Instant::now().as_secs()))
    }

    async fn sleep_until(&self, time: UnixTime) {
        Timer::after_secs(time.as_secs().saturating_sub(self.now().as_secs())).await;
    }
}
