//! Reads `Retry-After`, in seconds or as an HTTP date (RFC 9110 §10.2.3), and limits it.

use super::Response;
use crate::time::UnixTime;

/// The longest wait in seconds that a server can ask for: an hour.
pub const MAX_RETRY_AFTER_SECS: u64 = 60 * 60;

/// Returns the seconds to wait, if `Retry-After` can be read. A date counts from the server's `Date`, or without one from `now`.
pub(crate) fn seconds(response: &Response<'_>, now: UnixTime) -> Option<u64> {
    let value = response.header("retry-after")?.trim_matches([' ', '\t']);
    let seconds = if !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit()) {
        value.parse().unwrap_or(u64::MAX)
    } else {
        let date = |text| http_date(text, now);
        let server_now = response.header("date").and_then(date).unwrap_or(now);
        date(value)?.saturating_since(server_now)
    };
    Some(seconds.min(MAX_RETRY_AFTER_SECS))
}

/// Reads the three forms of an HTTP date (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`
/// and `Sun Nov  6 08:49:37 1994`. A two-digit year is never more than 50 years ahead.
pub(crate) fn http_date(text: &str, now: UnixTime) -> Option<UnixTime> {
    let mut words = text.split([' ', ',', '-']).filter(|word| !word.is_empty());
    let _day_name = words.next()?;
    let (day, month, year, time) = match (words.next()?, words.next()?, words.next()?, words.next()?) {
        (month, day, time, year) if time.contains(':') => (day, month, year, time),
        (day, month, year, time) => (day, month, year, time),
    };
    if words.next().is_some_and(|zone| zone != "GMT") || words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year = match year.len() {
        4 => number(year)?,
        2 => {
            let latest = (now.as_secs() / SECONDS_A_YEAR).saturating_add(1970 + 50);
            let year = number(year)?.saturating_add(latest.saturating_sub(latest % 100));
            if year > latest {
                year.checked_sub(100)?
            } else {
                year
            }
        }
        _ => return None,
    };
    let mut clock = time.split(':');
    let (hour, minute, second) = (number(clock.next()?)?, number(clock.next()?)?, number(clock.next()?)?);
    let day = number(day)?;
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = DAYS_IN_MONTH.get(month)?.checked_add(u64::from(month == 1 && is_leap_year))?;
    if clock.next().is_some()
        || year < 1970
        || !(1..=days_in_month).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let leap_day = u64::from(month > 1 && is_leap_year);
    let days = days_before_year(year)?
        .checked_add(DAYS_IN_MONTH.iter().take(month).sum())?
        .checked_add(leap_day)?
        .checked_add(day.checked_sub(1)?)?;
    let seconds = days.checked_mul(24)?.checked_add(hour)?.checked_mul(60)?.checked_add(minute)?.checked_mul(60)?;
    Some(UnixTime::from_secs(seconds.checked_add(second)?))
}

/// Days from 1970-01-01 to the first day of `year`.
fn days_before_year(year: u64) -> Option<u64> {
    let leap_days = |year: u64| (year / 4).checked_sub(year / 100)?.checked_add(year / 400);
    let last = year.checked_sub(1)?;
    year.checked_sub(1970)?.checked_mul(365)?.checked_add(leap_days(last)?)?.checked_sub(leap_days(1969)?)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS_IN_MONTH: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const SECONDS_A_YEAR: u64 = 31_556_952;

fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|octet| octet.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    #[test]
    fn the_three_forms_of_rfc_9110_are_one_time() {
        let time = Some(UnixTime::from_secs(784_111_777));
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT", NOW), time);
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT", NOW), time);
        assert_eq!(http_date("Sun Nov  6 08:49:37 1994", NOW), time);
    }

    #[test]
    fn leap_days_and_centuries() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT", NOW), Some(UnixTime::from_secs(0)));
        assert_eq!(http_date("Tue, 29 Feb 2000 00:00:00 GMT", NOW), Some(UnixTime::from_secs(951_782_400)));
        assert_eq!(http_date("Wed, 01 Mar 2000 00:00:00 GMT", NOW), Some(UnixTime::from_secs(951_868_800)));
        assert_eq!(http_date("Fri, 31 Dec 9999 23:59:59 GMT", NOW), Some(UnixTime::from_secs(253_402_300_799)));
    }

    #[test]
    fn two_digits_are_never_more_than_fifty_years_ahead() {
        assert_eq!(
            http_date("Wednesday, 01-Jan-73 00:00:00 GMT", NOW),
            http_date("Sun, 01 Jan 2073 00:00:00 GMT", NOW)
        );
        assert_eq!(http_date("Tuesday, 01-Jan-74 00:00:00 GMT", NOW), http_date("Tue, 01 Jan 1974 00:00:00 GMT", NOW));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "-5",
            "Sun, 06 Nov 1994",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 31 Feb 2027 08:49:37 GMT",
            "Mon, 29 Feb 2027 08:49:37 GMT",
            "Sun, 0 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 19940 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
        ] {
            assert_eq!(http_date(text, NOW), None, "{text}");
        }
    }
}
