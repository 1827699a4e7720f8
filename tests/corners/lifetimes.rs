//! A lifetime counts from when the refresh was sent, since nobody knows how long the answer was on its way.

use oauth_proto::{Access, Secret, Session, SessionAction, Tokens};

use crate::{answer, at, body, client, ready, request, JSON};

const HOUR: u64 = 3600;

/// A session whose token is due, and the answer to its refresh: sent at 1000, it comes then.
fn answered(expires_in: &str, now: u64) -> Session {
    let tokens = Tokens::from_parts(Secret::new("AT0"), Some(Secret::new("RT0")), Some(at(1000)), "a");
    let mut session = Session::new(client(), tokens);
    let refresh = request(session.access(at(1000)));
    let tokens = format!(r#"{{"access_token":"AT1","token_type":"Bearer","refresh_token":"RT1"{expires_in}}}"#);
    let action = session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    session
}

#[test]
fn a_lifetime_counts_from_the_sending() {
    let mut session = answered(r#","expires_in":3600"#, 1030);
    let bearer = ready(session.access(at(1030)));
    assert_eq!(bearer.expires_at(), Some(at(4600)));
    assert!(matches!(session.access(at(4539)), Access::Ready(_)));
    assert!(matches!(session.access(at(4540)), Access::SendRequest(_)), "a minute before");
}

/// The lid was closed while the refresh was under way: the token that it brought has been dead for hours.
#[test]
fn a_laptop_that_slept_eight_hours_does_not_call_with_a_dead_token() {
    let woken = 1000 + 8 * HOUR;
    let mut session = answered(r#","expires_in":3600"#, woken);
    let refresh = request(session.access(at(woken)));
    assert!(body(&refresh).contains("refresh_token=RT1&"), "the refresh token that came is the present one");
    // One that lives for a day is good yet.
    let mut session = answered(r#","expires_in":86400"#, woken);
    assert_eq!(ready(session.access(at(woken))).expires_at(), Some(at(1000 + 24 * HOUR)));
    // And of one of which nothing is said, only the API knows.
    let mut session = answered("", woken);
    assert_eq!(ready(session.access(at(woken))).expires_at(), None);
}

/// A token that is shorter than the way of its answer is good for a moment, or nobody would ever get one.
#[test]
fn a_token_that_came_in_time_is_good_for_a_moment() {
    for expires_in in [0, 1, 5, 29, 30] {
        let mut session = answered(&format!(r#","expires_in":{expires_in}"#), 1030);
        for now in [1030, 1031] {
            assert_eq!(ready(session.access(at(now))).token().reveal(), "AT1", "{expires_in}");
        }
        assert!(matches!(session.access(at(1032)), Access::SendRequest(_)), "{expires_in}");
    }
    // One that came after the refresh had had its time is what it says.
    let mut session = answered(r#","expires_in":5"#, 1061);
    assert!(matches!(session.access(at(1061)), Access::SendRequest(_)));
}

/// The clock was set back while the refresh was under way.
#[test]
fn a_clock_that_is_set_back_makes_no_lifetime_longer() {
    let mut session = answered(r#","expires_in":3600"#, 500);
    assert_eq!(ready(session.access(at(500))).expires_at(), Some(at(4100)));
    // Half of what is left of a short-lived token counts from when it came.
    let mut session = answered(r#","expires_in":60"#, 1030);
    assert!(matches!(session.access(at(1044)), Access::Ready(_)));
    assert!(matches!(session.access(at(1045)), Access::SendRequest(_)));
}
