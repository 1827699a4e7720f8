//! Refreshes whose answer is lost: only the server ends a grant, so they are made again.

use oauth_proto::{
    Access, Delivered, Error, Event, LoginRequired, Secret, Session, SessionAction, SessionPhase, Target, Tokens,
};

use crate::{answer, at, body, client, later, ready, request, GONE, JSON};

const DAY: u64 = 24 * 3600;
const NEW: &str = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#;

/// The access token is good until 1000.
fn session() -> Session {
    Session::new(client(), Tokens::from_parts(Secret::new("AT0"), Some(Secret::new("RT0")), Some(at(1000)), "a b"))
}

/// How many requests go out in a day, and the longest wait between two, if each comes to this.
fn in_a_day(outcome: impl Fn(&mut Session, oauth_proto::RequestId, u64) -> u64) -> (u64, u64) {
    let (mut session, mut now, mut sent, mut longest) = (session(), 1000, 0, 0);
    while now < 1000 + DAY {
        let refresh = request(session.access(at(now)));
        assert!(body(&refresh).contains("refresh_token=RT0&"));
        sent += 1;
        let until = outcome(&mut session, refresh.id(), now);
        if until > now {
            let access = session.access(at(until - 1));
            assert!(matches!(access, Access::RetryAt(time) if time == at(until)), "{access:?}");
        }
        longest = longest.max(until - now);
        now = until.max(now + 1);
    }
    assert!(session.save().is_some() && session.phase() == SessionPhase::Active);
    // However long it took.
    let refresh = request(session.access(at(now)));
    assert!(matches!(session.handle(answer(refresh.id(), 200, &JSON, NEW), at(now)), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access(at(now))).token().reveal(), "AT1");
    (sent, longest)
}

#[test]
fn a_refresh_is_tried_again_for_as_long_as_it_takes_and_ever_more_seldom() {
    let lost = in_a_day(|session, id, now| later(session.handle(Event::SendFailed(id, Delivered::Maybe), at(now))));
    let unreadable = in_a_day(|session, id, now| later(session.handle(answer(id, 200, &JSON, "{\"acc"), at(now))));
    let page = in_a_day(|session, id, now| later(session.handle(answer(id, 200, &[], "<html>"), at(now))));
    let down = in_a_day(|session, id, now| later(session.handle(answer(id, 503, &[], ""), at(now))));
    for (sent, longest) in [lost, unreadable, page, down] {
        assert!((96..=210).contains(&sent) && (450..=900).contains(&longest), "{sent} {longest}");
    }
    // What never left costs nobody anything, and whoever comes out of a tunnel is not to wait long.
    let (sent, longest) =
        in_a_day(|session, id, now| later(session.handle(Event::SendFailed(id, Delivered::No), at(now))));
    assert!((1350..=2800).contains(&sent) && (32..=64).contains(&longest), "{sent} {longest}");
}

/// Whoever sent it says nothing: it is lost at its deadline, and the time until then counts as waited.
#[test]
fn a_refresh_of_which_nothing_is_heard_is_made_again_after_its_deadline() {
    let (mut session, mut now, mut sent) = (session(), 1000, 0);
    while now < 1000 + DAY {
        match session.access(at(now)) {
            Access::SendRequest(_) => sent += 1,
            Access::Wait(_) => now = session.deadline().unwrap().as_secs(),
            Access::RetryAt(time) => now = time.as_secs(),
            other => panic!("{other:?}"),
        }
    }
    assert!((96..=210).contains(&sent), "{sent}");
}

/// The server would take the second for a stolen one.
#[test]
fn no_two_refreshes_are_under_way_with_one_refresh_token() {
    let mut session = session();
    let targets = [Target::own(), Target::own().scope("a").unwrap(), Target::resource("urn:a:b").unwrap()];
    let refresh = request(session.access(at(1000)));
    for now in [1000, 1030, 1059] {
        for target in &targets {
            assert!(matches!(session.access_for(target, at(now)), Access::Wait(id) if id == refresh.id()));
        }
    }
    let until = later(session.handle(Event::SendFailed(refresh.id(), Delivered::Maybe), at(1059)));
    for target in &targets {
        assert!(matches!(session.access_for(target, at(1059)), Access::RetryAt(time) if time == at(until)));
    }
    let next = request(session.access_for(&targets[1], at(until)));
    assert!(matches!(session.access(at(until)), Access::Wait(id) if id == next.id()));
}

#[test]
fn a_token_that_is_still_good_is_handed_out_meanwhile() {
    let mut session = session();
    let mut now = 950;
    while now < 990 {
        let refresh = request(session.access(at(now)));
        assert_eq!(ready(session.access(at(now))).token().reveal(), "AT0", "one sends it, the others go on");
        now = later(session.handle(Event::SendFailed(refresh.id(), Delivered::Maybe), at(now)));
        assert_eq!(ready(session.access(at((now - 1).min(999)))).token().reveal(), "AT0");
    }
    assert!(!matches!(session.access(at(1000)), Access::Ready(_)));
}

#[test]
fn late_tokens_of_the_last_lost_refresh_are_taken() {
    let mut session = session();
    let first = request(session.access(at(1000)));
    let now = later(session.handle(Event::SendFailed(first.id(), Delivered::Maybe), at(1000)));
    let second = request(session.access(at(now)));
    let now = later(session.handle(Event::SendFailed(second.id(), Delivered::Maybe), at(now)));
    // Of one that was lost, only tokens are of use, and nobody waits for the one before it.
    let late = [
        session.handle(answer(first.id(), 200, &JSON, NEW), at(now)),
        session.handle(answer(second.id(), 400, &JSON, GONE), at(now)),
        session.handle(answer(second.id(), 503, &[], ""), at(now)),
        session.handle(Event::SendFailed(second.id(), Delivered::No), at(now)),
    ];
    for late in late {
        assert_eq!(late.unwrap_err().code(), "unknown_request");
    }
    assert_eq!((session.phase(), session.last_error()), (SessionPhase::Active, None));
    assert!(matches!(session.handle(answer(second.id(), 200, &JSON, NEW), at(now)), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access(at(now))).token().reveal(), "AT1");
    // Once.
    let again = session.handle(answer(second.id(), 200, &JSON, NEW), at(now));
    assert_eq!(again.unwrap_err().code(), "unknown_request");
}

/// The old one was spent for it.
#[test]
fn a_new_refresh_token_that_comes_late_beside_a_useless_token_is_kept() {
    const USELESS: &str = r#"{"access_token":"AT1","token_type":"mac","refresh_token":"RT1"}"#;
    let mut session = session();
    let lost = request(session.access(at(1000)));
    let now = later(session.handle(Event::SendFailed(lost.id(), Delivered::Maybe), at(1000)));
    assert!(matches!(session.handle(answer(lost.id(), 200, &JSON, USELESS), at(now)), Ok(SessionAction::Save)));
    assert_eq!(session.last_error().map(Error::code), Some("unsupported_token_type"));
    session.ask_again();
    assert!(body(&request(session.access(at(now)))).contains("refresh_token=RT1&"));
    // Without one it says nothing new.
    let mut session = self::session();
    let lost = request(session.access(at(1000)));
    let now = later(session.handle(Event::SendFailed(lost.id(), Delivered::Maybe), at(1000)));
    let nothing = r#"{"access_token":"AT1","token_type":"mac"}"#;
    assert_eq!(session.handle(answer(lost.id(), 200, &JSON, nothing), at(now)).unwrap_err().code(), "unknown_request");
}

/// It was for the refresh token of before, and what it brings may be spent.
#[test]
fn late_tokens_are_not_taken_after_newer_ones() {
    for kept in ["", r#","refresh_token":"RT0""#, r#","refresh_token":"RT1""#] {
        let mut session = session();
        let lost = request(session.access(at(1000)));
        let now = later(session.handle(Event::SendFailed(lost.id(), Delivered::Maybe), at(1000)));
        let refresh = request(session.access(at(now)));
        let tokens = format!(r#"{{"access_token":"NEWER","token_type":"Bearer","expires_in":3600{kept}}}"#);
        assert!(session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(now)).is_ok());
        assert_eq!(session.handle(answer(lost.id(), 200, &JSON, NEW), at(now)).unwrap_err().code(), "unknown_request");
        assert_eq!(ready(session.access(at(now))).token().reveal(), "NEWER", "{kept}");
    }
}

/// A device that is online again need not wait; a server that asked for patience gets it.
#[test]
fn ask_again_ends_our_own_waits_and_not_the_servers() {
    let mut session = session();
    let mut now = 1000;
    for _ in 0..6 {
        let refresh = request(session.access(at(now)));
        now = later(session.handle(Event::SendFailed(refresh.id(), Delivered::No), at(now)));
    }
    session.ask_again();
    let refresh = request(session.access(at(now - 1)));
    let until = later(session.handle(answer(refresh.id(), 429, &[("Retry-After", "100")], ""), at(now)));
    assert!(crate::is_patient(100, until - now));
    session.ask_again();
    let access = session.access(at(until - 1));
    assert!(matches!(access, Access::RetryAt(time) if time == at(until)), "{access:?}");
    assert!(matches!(session.access(at(until)), Access::SendRequest(_)));
}

/// GitHub says `bad_refresh_token`, with 200: it is kept as any refusal is, until the app says what it means.
#[test]
fn the_app_ends_a_grant_by_words_that_it_knows() {
    let mut session = session();
    let mut now = 1000;
    for _ in 0..3 {
        let refresh = request(session.access(at(now)));
        let body = r#"{"error":"bad_refresh_token"}"#;
        now = later(session.handle(answer(refresh.id(), 200, &JSON, body), at(now)));
        assert!(session.save().is_some());
    }
    let access = session.access(at(now - 1));
    let Access::Refused { error, retry_at: Some(retry_at) } = access else { panic!("{access:?}") };
    assert_eq!(retry_at, at(now));
    assert!(matches!(&error, Error::Refused(refused) if refused.oauth_error() == Some("bad_refresh_token")));
    let before = session.save().unwrap();
    let SessionAction::LoginRequired(why) = session.end_grant(error.clone()) else { panic!("it has ended") };
    assert_eq!((why.is_final(), &why), (true, &LoginRequired::GrantEnded(error)));
    assert!(session.save().is_none() && session.phase() == SessionPhase::LoginRequired);
    assert!(matches!(session.access(at(now)), Access::LoginRequired(again) if again == why));
    // Once is enough, and what was stored before does not bring it back.
    let other = Error::Over(oauth_proto::Over::Cancelled);
    assert!(matches!(session.end_grant(other), SessionAction::LoginRequired(again) if again == why));
    assert_eq!(session.adopt(before), Ok(oauth_proto::Adopted::NotNewer));
}
