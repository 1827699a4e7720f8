//! Time as an argument: this crate reads no clock.

use serde::{Deserialize, Serialize};

/// Threads may call a session in another order than they read the clock, so only a clock that is further back than this counts as
/// set back.
pub(crate) const CLOCK_SKEW_SECS: u64 = 60;

/// A time in seconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// The app passes the time to each login and session. All sums saturate, so no lifetime from a server and no jumping clock can
/// overflow.
///
/// ```
/// use oauth_proto::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// assert_eq!(now.saturating_add(60).as_secs(), 1_700_000_060);
/// assert!(now < now.saturating_add(1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Makes a time from seconds since the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Returns the seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// The time `secs` seconds later, or the last possible time.
    #[must_use]
    pub const fn saturating_add(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// The time `secs` seconds earlier, or the first possible time.
    #[must_use]
    pub(crate) const fn saturating_sub(self, secs: u64) -> Self {
        Self(self.0.saturating_sub(secs))
    }

    /// The seconds from `earlier` to this time; 0 if `earlier` is not earlier.
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Converts a time (feature `std`). One before 1970 becomes 0.
#[cfg(feature = "std")]
impl From<std::time::SystemTime> for UnixTime {
    fn from(time: std::time::SystemTime) -> Self {
        Self(time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

/// Converts a time (feature `std`). A time that the platform cannot hold becomes a far one that it can, so a deadline stays far
/// away.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use oauth_proto::UnixTime;
///
/// let due = SystemTime::from(UnixTime::from_secs(1_700_000_000));
/// assert_eq!(due, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
/// assert_eq!(UnixTime::from(due).as_secs(), 1_700_000_000);
/// ```
#[cfg(feature = "std")]
impl From<UnixTime> for std::time::SystemTime {
    fn from(time: UnixTime) -> Self {
        let mut secs = time.0;
        loop {
            // Halved until it fits, as 0 always does.
            match Self::UNIX_EPOCH.checked_add(core::time::Duration::from_secs(secs)) {
                Some(time) => return time,
                None => secs /= 2,
            }
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_time_goes_to_the_clock_and_back() {
        for secs in [0, 1, 1_700_000_000, 1 << 33, u64::from(u32::MAX) * 50] {
            let time = UnixTime::from_secs(secs);
            assert_eq!(UnixTime::from(SystemTime::from(time)), time);
        }
    }

    #[test]
    fn no_time_is_too_far_for_the_clock() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(50 * 365 * 24 * 60 * 60);
        for secs in [u64::MAX, u64::MAX / 2 + 1, i64::MAX.unsigned_abs(), i64::MIN.unsigned_abs()] {
            let time = SystemTime::from(UnixTime::from_secs(secs));
            assert!(time > far && UnixTime::from(time) <= UnixTime::from_secs(secs), "{secs}");
        }
    }
}
