//! A train, a tunnel, airplane mode, an outage.

use oauth_proto::{Access, Delivered, Event, LoginRequired, SessionAction, SessionPhase, Target};

use crate::{
    answer, ask_for, at, client, lose, new_tokens, ready, request, restart, sent_token, session, stored_refresh_token,
    DAY, T0, YEAR,
};

/// The refresh token is good, whatever was lost; who has it is logged in.
fn is_served(mut session: oauth_proto::Session, now: u64) {
    let sent = request(session.access(at(now)));
    assert_eq!(sent_token(&sent), "RT1");
    assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), now), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access(at(now))).token().reveal(), "AT2");
}

#[test]
fn two_answers_lost_in_a_train_cost_nothing() {
    for gap in [31, 1] {
        let (mut session, mut now) = (session(), T0 + 4000);
        for _ in 0..2 {
            let sent = request(session.access(at(now)));
            now = lose(&mut session, sent.id(), now).as_secs().max(now + gap);
            assert_eq!(session.phase(), SessionPhase::Active);
        }
        is_served(restart(&session), now);
        is_served(restart(&session), now + YEAR);
        is_served(session, now);
    }
}

#[test]
fn a_hundred_lost_answers_cost_nothing_either() {
    let (mut session, mut now) = (session(), T0 + 4000);
    let (mut longest, mut waits) = (0, Vec::new());
    for _ in 0..100 {
        let sent = request(session.access(at(now)));
        assert_eq!(sent_token(&sent), "RT1");
        let until = lose(&mut session, sent.id(), now).as_secs();
        assert!(matches!(session.access(at(until - 1)), Access::RetryAt(time) if time.as_secs() == until));
        waits.push(until - now);
        longest = longest.max(until - now);
        now = until;
    }
    assert!(waits[0] <= 2, "the next is soon: {waits:?}");
    assert!(longest > 300 && longest <= 900, "and then well above a minute, and bounded: {waits:?}");
    is_served(session, now);
}

#[test]
fn a_token_that_is_still_good_is_handed_out_while_answers_are_lost() {
    let (mut session, mut now) = (session(), T0 + 3550); // in the leeway before the expiry
    for _ in 0..3 {
        let sent = request(session.access(at(now)));
        assert_eq!(ready(session.access(at(now))).token().reveal(), "AT1", "while it is under way");
        now = lose(&mut session, sent.id(), now).as_secs();
        assert_eq!(ready(session.access(at(now - 1))).token().reveal(), "AT1", "and while it has to wait");
    }
}

#[test]
fn two_kills_during_a_refresh_cost_nothing() {
    let (stored, now) = (session(), T0 + 4000);
    for _ in 0..2 {
        // Nothing is stored before the request is sent, and nothing needs to be.
        let mut killed = restart(&stored);
        let _in_the_air = request(killed.access(at(now)));
        assert_eq!(serde_json::to_string(&killed.save()).unwrap(), serde_json::to_string(&stored.save()).unwrap());
    }
    is_served(restart(&stored), now);
}

#[test]
fn dropped_futures_cost_nothing() {
    // One that tells, as the documented guard does.
    let (mut session, mut now) = (session(), T0 + 4000);
    for _ in 0..2 {
        let sent = request(session.access(at(now)));
        now = lose(&mut session, sent.id(), now).as_secs();
    }
    // And two that do not: the deadline frees the others.
    for _ in 0..2 {
        let sent = request(session.access(at(now)));
        assert!(matches!(session.access(at(now)), Access::Wait(id) if id == sent.id()));
        now = session.deadline().unwrap().as_secs();
        assert!(matches!(session.access(at(now - 1)), Access::Wait(_)), "not two with one refresh token at a time");
    }
    is_served(session, now);
}

#[test]
fn starts_in_airplane_mode_cost_nothing() {
    let (stored, now) = (session(), T0 + 4000);
    for start in 0..5 {
        let mut started = restart(&stored);
        let sent = request(started.access(at(now + start)));
        let failed = started.handle(Event::SendFailed(sent.id(), Delivered::No), at(now + start));
        assert!(
            matches!(failed, Ok(SessionAction::RetryAt(time)) if time == at(now + start)),
            "the first try again is free"
        );
    }
    is_served(restart(&stored), now + 10);
}

#[test]
fn who_comes_out_of_a_tunnel_waits_a_minute_at_most_and_not_at_all_if_the_app_knows() {
    let (mut session, mut now) = (session(), T0 + 4000);
    for _ in 0..50 {
        let sent = request(session.access(at(now)));
        let failed = session.handle(Event::SendFailed(sent.id(), Delivered::No), at(now));
        let Ok(SessionAction::RetryAt(time)) = failed else { panic!("{failed:?}") };
        assert!(time.as_secs() - now <= 64, "{} s", time.as_secs() - now);
        now = time.as_secs();
    }
    let sent = request(session.access(at(now)));
    drop(session.handle(Event::SendFailed(sent.id(), Delivered::No), at(now)));
    assert!(matches!(session.access(at(now)), Access::RetryAt(_)));
    session.ask_again();
    is_served(session, now);
}

#[test]
fn tokens_that_come_after_the_deadline_are_taken() {
    let (mut session, now) = (session(), T0 + 4000);
    let first = request(session.access(at(now)));
    let later = session.deadline().unwrap().as_secs();
    let second = request(session.access(at(later)));
    assert_ne!(first.id(), second.id());
    assert!(matches!(answer(&mut session, first.id(), 200, &new_tokens(2), later), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access(at(later))).token().reveal(), "AT2");
    // What the server then says of the old refresh token is no news.
    let said = answer(&mut session, second.id(), 400, r#"{"error":"invalid_grant"}"#, later);
    assert!(matches!(said, Ok(SessionAction::RetryAt(_))), "{said:?}");
    assert_eq!(stored_refresh_token(&session).as_deref(), Some("RT2"));
}

#[test]
fn a_thousand_clients_do_not_come_back_in_one_second() {
    let mut seconds = std::collections::BTreeMap::<u64, u32>::new();
    for number in 0..1000 {
        let token = |kind: &str| oauth_proto::Secret::new(format!("{kind}-{number}"));
        let tokens = oauth_proto::Tokens::from_parts(token("AT"), Some(token("RT")), Some(at(T0)), "read");
        let (mut session, mut now) = (oauth_proto::Session::new(client(), tokens), T0);
        for _ in 0..5 {
            let sent = request(session.access(at(now)));
            now = lose(&mut session, sent.id(), now).as_secs();
        }
        *seconds.entry(now - T0).or_default() += 1;
    }
    assert!(seconds.len() > 20, "they are spread over time: {seconds:?}");
    assert!(seconds.values().all(|count| *count < 150), "no second has many: {seconds:?}");
}

#[test]
fn a_wish_for_patience_holds_whatever_the_app_says() {
    let (mut session, now) = (session(), T0 + 4000);
    let sent = request(session.access(at(now)));
    let headers = [("Retry-After", "600")];
    let response = oauth_proto::Response::new(503, &headers, b"");
    let action = session.handle(Event::ResponseReceived(sent.id(), response), at(now));
    let Ok(SessionAction::RetryAt(time)) = action else { panic!("{action:?}") };
    assert!((600..=619).contains(&(time.as_secs() - now)), "{}", time.as_secs() - now);
    session.ask_again();
    assert!(matches!(session.access(at(now + 599)), Access::RetryAt(_)));
    is_served(session, now + 620);
}

#[test]
fn an_outage_of_a_day_is_asked_about_a_bounded_number_of_times() {
    for (status, body) in
        [(500, "<html>"), (503, ""), (504, "<html>"), (429, "{}"), (200, "<html>log in to the train's network")]
    {
        let mut session = session();
        let (requests, told) = ask_for(&mut session, &Target::own(), T0 + 4000, DAY, status, body);
        assert!((90..=250).contains(&requests), "{requests} requests for {status}");
        assert!(matches!(told, Access::RetryAt(_)), "{told:?}");
    }
}

#[test]
fn only_the_server_ends_a_grant() {
    let (mut session, now) = (session(), T0 + 4000);
    let sent = request(session.access(at(now)));
    let now = lose(&mut session, sent.id(), now).as_secs();
    let sent = request(session.access(at(now)));
    let action = answer(&mut session, sent.id(), 400, r#"{"error":"invalid_grant"}"#, now);
    let Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(error))) = action else { panic!("{action:?}") };
    assert_eq!(error.code(), "oauth_error");
    assert!(session.save().is_none(), "what was stored is to be removed");
}

/// A device that slept for hours finds the answer in its network stack: it is taken before the refresh token is sent again.
#[test]
fn an_app_that_was_suspended_in_the_middle_of_a_refresh_takes_the_answer_first() {
    let (mut session, now) = (session(), T0 + 4000);
    let sent = request(session.access(at(now)));
    let awake = now + 5 * 3600;
    assert!(matches!(session.access(at(awake)), Access::Wait(id) if id == sent.id()), "whoever asks first waits");
    assert!(session.deadline().unwrap() <= at(awake + 10), "not for long");
    assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), awake + 1), Ok(SessionAction::Save)));
    let next = request(session.access(at(awake + 1)));
    assert_eq!(sent_token(&next), "RT2", "its lifetime counts from when it was asked for");
    // And if none comes, the next is sent.
    let (mut session, now) = (self::session(), T0 + 4000);
    let sent = request(session.access(at(now)));
    assert!(matches!(session.access(at(awake)), Access::Wait(_)));
    assert_ne!(request(session.access(at(awake + 10))).id(), sent.id());
}

#[test]
fn a_refusal_with_a_wish_for_patience_is_left_alone_as_long() {
    let (mut session, now) = (session(), T0 + 4000);
    let sent = request(session.access(at(now)));
    let headers = [("Retry-After", "600"), ("Content-Type", "text/html")];
    let response = oauth_proto::Response::new(403, &headers, b"<html>");
    let action = session.handle(Event::ResponseReceived(sent.id(), response), at(now));
    assert!(matches!(action, Ok(SessionAction::RetryAt(time)) if time >= at(now + 600)), "{action:?}");
    session.ask_again();
    assert!(matches!(session.access(at(now + 599)), Access::RetryAt(_)));
}
