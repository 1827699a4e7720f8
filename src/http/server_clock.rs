//! The server's clock, by the `Date` of a response.

use super::retry_after::http_date;
use crate::time::UnixTime;

/// How many seconds the server's clock is ahead of this device's. Phones are off by up to an hour, and some by a day because of a
/// time zone. A larger difference is ignored, and this device's clock counts.
#[derive(Clone, Copy)]
pub(crate) struct ServerClock(Option<i64>);

/// A day.
const MOST_SECS: u64 = 24 * 60 * 60;

impl ServerClock {
    /// Reads the `Date` of a response that has just come (RFC 9110 §6.6.1).
    pub(crate) fn of(date: Option<&str>, now: UnixTime) -> Self {
        let date = date.and_then(|date| http_date(date.trim_matches([' ', '\t']), now));
        Self(date.and_then(|date| offset(date, now)))
    }

    /// The difference in seconds; `None` if it is not known.
    pub(crate) fn offset(self) -> Option<i64> {
        self.0
    }

    /// The server's time, or this device's if the difference is not known.
    pub(crate) fn time(self, now: UnixTime) -> UnixTime {
        let offset = self.0.unwrap_or(0);
        let secs = now.as_secs();
        UnixTime::from_secs(secs.saturating_add_signed(offset))
    }
}

fn offset(date: UnixTime, now: UnixTime) -> Option<i64> {
    let (ahead, behind) = (date.saturating_since(now), now.saturating_since(date));
    let signed = |secs: u64| i64::try_from(secs).ok();
    match (ahead, behind) {
        (secs, 0) if secs <= MOST_SECS => signed(secs),
        (0, secs) if secs <= MOST_SECS => signed(secs).and_then(i64::checked_neg),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(784_111_777);

    fn read(date: &str, now: UnixTime) -> (Option<i64>, u64) {
        let clock = ServerClock::of(Some(date), now);
        (clock.offset(), clock.time(now).as_secs())
    }

    #[test]
    fn a_clock_that_is_off_by_a_day_at_most_is_told_what_time_it_is() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(read(date, NOW), (Some(0), NOW.as_secs()));
        for secs in [1, 61, 3600, 86_400] {
            let signed = i64::try_from(secs).unwrap();
            assert_eq!(read(date, NOW.saturating_add(secs)), (Some(-signed), NOW.as_secs()));
            assert_eq!(read(date, UnixTime::from_secs(NOW.as_secs() - secs)), (Some(signed), NOW.as_secs()));
        }
        for other in [NOW.as_secs() + 86_401, NOW.as_secs() - 86_401, 0, u64::MAX] {
            assert_eq!(read(date, UnixTime::from_secs(other)), (None, other));
        }
    }

    #[test]
    fn what_is_no_date_tells_nothing() {
        for date in ["", "now", "784111777", "Sun, 06 Nov 1994"] {
            assert_eq!(read(date, NOW), (None, NOW.as_secs()), "{date}");
        }
        assert_eq!(ServerClock::of(None, NOW).offset(), None);
    }
}
