//! Two processes on one store, and what dies in between.

use oauth_proto::{
    Access, Adopted, AuthorizationRequest, Delivered, Event, LoginRequired, Secret, Session, SessionAction,
    SessionPhase, SignOut, Target, Tokens,
};
use serde_json::{json, Value};

use crate::{answer, at, body, client, later, log_in, ready, request, GONE, JSON, REFUSED};

/// Two processes with the same tokens, which are due at 1000.
fn two() -> (Session, Session) {
    let tokens = Tokens::from_parts(Secret::new("AT0"), Some(Secret::new("RT0")), Some(at(1000)), "a");
    let one = Session::new(client(), tokens);
    let other = Session::restore(client(), one.save().unwrap()).unwrap();
    (one, other)
}

fn tokens(generation: u64) -> String {
    format!(
        r#"{{"access_token":"AT{generation}","token_type":"Bearer","expires_in":1000,"refresh_token":"RT{generation}"}}"#
    )
}

fn refresh(session: &mut Session, generation: u64, now: u64) {
    let refresh = request(session.access(at(now)));
    let action = session.handle(answer(refresh.id(), 200, &JSON, &tokens(generation)), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
}

fn form(session: &Session) -> Value {
    serde_json::to_value(session.save().unwrap()).unwrap()
}

/// The other process was first, and this one's refresh token was gone: its tokens are the grant's.
#[test]
fn a_grant_that_a_sibling_has_renewed_lives_again() {
    let (mut one, mut other) = two();
    let before = one.save().unwrap();
    refresh(&mut other, 1, 1000);
    let late = request(one.access(at(1000)));
    let ended = one.handle(answer(late.id(), 400, &JSON, GONE), at(1001));
    assert!(matches!(ended, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))));
    assert!(one.save().is_none());
    // What the server would not have is not tried again, whoever has stored it.
    assert_eq!(one.adopt(before), Ok(Adopted::NotNewer));
    assert_eq!(one.phase(), SessionPhase::LoginRequired);
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!((one.phase(), one.last_error()), (SessionPhase::Active, None));
    assert_eq!(ready(one.access(at(1002))).token().reveal(), "AT1");
    assert!(body(&request(one.access(at(1990)))).contains("refresh_token=RT1"));
}

/// Of two logins no clock can tell which came first, and one must not be taken for the other.
#[test]
fn a_form_of_another_login_changes_nothing() {
    let wanted = AuthorizationRequest::new().scope("a");
    for has_ended in [false, true] {
        for stored_at in [1999, 2000, 2001] {
            let mut session = log_in(&wanted, "OURS", 2000);
            if has_ended {
                let sent = request(session.access(at(9000)));
                assert!(session.handle(answer(sent.id(), 400, &JSON, GONE), at(9000)).is_ok());
            }
            let before = (serde_json::to_value(session.save()).unwrap(), session.phase());
            let mut stored = log_in(&wanted, "STORED", stored_at);
            for round in 1..4 {
                assert_eq!(session.adopt(stored.save().unwrap()), Ok(Adopted::OtherLogin));
                assert_eq!((serde_json::to_value(session.save()).unwrap(), session.phase()), before);
                // However often it is renewed.
                refresh(&mut stored, round, stored_at + 10_000 * round);
            }
        }
    }
}

/// Clocks go wrong, so the number of renewals decides, not the time.
#[test]
fn the_newer_tokens_win_whatever_the_clocks_say() {
    let (mut one, mut other) = two();
    refresh(&mut one, 1, 500_000);
    refresh(&mut other, 1, 1000);
    refresh(&mut other, 2, 1990);
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(ready(one.access(at(2000))).token().reveal(), "AT2");
    assert_eq!(other.adopt(one.save().unwrap()), Ok(Adopted::NotNewer));
}

/// Nothing is written before the answer is, so who dies with a refresh under way takes nothing along.
#[test]
fn a_process_that_dies_while_it_refreshes_leaves_the_grant_to_the_next() {
    let (mut one, mut other) = two();
    for _ in 0..5 {
        let _dies = request(one.access(at(1000)));
        assert_eq!(other.adopt(one.save().unwrap()), Ok(Adopted::NotNewer));
        assert_eq!(other.phase(), SessionPhase::Active);
        let restarted = Session::restore(client(), other.save().unwrap()).unwrap();
        drop(std::mem::replace(&mut one, restarted));
    }
    refresh(&mut other, 1, 1000);
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(ready(one.access(at(1001))).token().reveal(), "AT1");
}

/// A server with a grace period answers both of two refreshes: the one that is stored is the grant's.
#[test]
fn of_two_forms_with_one_revision_the_stored_one_counts() {
    let (mut one, mut other) = two();
    let [first, second] = [&mut one, &mut other].map(|session| request(session.access(at(1000))));
    assert!(one.handle(answer(first.id(), 200, &JSON, &tokens(1)), at(1001)).is_ok());
    assert!(other.handle(answer(second.id(), 200, &JSON, &tokens(2)), at(1001)).is_ok());
    assert_eq!(form(&one)["revision"], form(&other)["revision"]);
    // `other` was stored; then `one` looks.
    let stored = other.save().unwrap();
    assert_eq!(one.adopt(stored.clone()), Ok(Adopted::Newer));
    assert_eq!(ready(one.access(at(1002))).token().reveal(), "AT2");
    for session in [&mut one, &mut other] {
        assert_eq!(session.adopt(stored.clone()), Ok(Adopted::NotNewer), "it is its own by now");
    }
    // Whatever is brought by the next refresh token is newer than both.
    refresh(&mut one, 3, 2100);
    assert_eq!(other.adopt(one.save().unwrap()), Ok(Adopted::Newer));
}

/// A server that never replaces refresh tokens gives the same one to a second login.
#[test]
fn a_second_login_with_the_same_refresh_token_is_another_one() {
    let wanted = AuthorizationRequest::new().scope("a");
    let mut first = log_in(&wanted, "AT", 1000);
    let second = log_in(&wanted, "AT", 2000);
    assert_ne!(form(&first)["login"], form(&second)["login"]);
    assert_eq!(first.adopt(second.save().unwrap()), Ok(Adopted::OtherLogin));
}

/// An app that has only a refresh token from before, or an access token that was cut in two.
#[test]
fn an_access_token_that_no_header_takes_is_none() {
    for token in ["", "A\tT", "AT\u{e9}", " AT", "A\nT"] {
        let tokens = Tokens::from_parts(Secret::new(token), Some(Secret::new("RT0")), Some(at(1000)), "a");
        let mut session = Session::new(client(), tokens);
        assert_eq!((&form(&session)["access_token"], session.scope()), (&Value::Null, ""), "{token:?}");
        let mut restored = Session::restore(client(), session.save().unwrap()).unwrap();
        for session in [&mut session, &mut restored] {
            refresh(session, 1, 10);
            assert_eq!(ready(session.access(at(10))).token().reveal(), "AT1");
        }
    }
}

/// What the session itself has stored is no news of another process.
#[test]
fn a_session_that_reads_its_own_form_goes_on_waiting() {
    let (mut one, _) = two();
    let sent = request(one.access(at(1000)));
    assert_eq!(one.adopt(one.save().unwrap()), Ok(Adopted::NotNewer));
    assert_eq!(one.phase(), SessionPhase::Refreshing);
    assert_eq!(later(one.handle(Event::SendFailed(sent.id(), Delivered::No), at(1000))), 1000);
    assert_eq!(one.phase(), SessionPhase::Active);
}

#[test]
fn an_answer_to_a_refresh_that_newer_tokens_have_overtaken_changes_nothing() {
    let (mut one, mut other) = two();
    let overtaken = request(one.access(at(1000)));
    refresh(&mut other, 1, 1000);
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    let before = form(&one);
    for answer in [
        answer(overtaken.id(), 200, &JSON, &tokens(9)),
        answer(overtaken.id(), 400, &JSON, GONE),
        Event::SendFailed(overtaken.id(), Delivered::Maybe),
    ] {
        assert_eq!(one.handle(answer, at(1001)).unwrap_err().code(), "unknown_request");
        assert_eq!((form(&one), one.phase()), (before.clone(), SessionPhase::Active));
    }
}

/// What an API said of a token is not forgotten because another process has the same one.
#[test]
fn a_token_that_was_refused_here_stays_refused() {
    let (mut one, mut other) = two();
    let api = Target::resource("https://other.example.com/").unwrap();
    let sent = request(other.access_for(&api, at(10)));
    assert!(other.handle(answer(sent.id(), 200, &JSON, &tokens(1)), at(10)).is_ok());
    let bearer = ready(one.access(at(11)));
    assert!(matches!(one.refused(&bearer, 401, &REFUSED, at(11)), Some(Access::SendRequest(_))));
    // A newer form with a token for another API, and the very same own one.
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(ready(one.access_for(&api, at(12))).token().reveal(), "AT1");
    assert!(matches!(one.access(at(12)), Access::SendRequest(_)), "the token that was refused is handed out again");
}

/// Tokens for other APIs that only this process has are not lost by newer ones of the same login.
#[test]
fn tokens_of_both_processes_are_kept() {
    let (mut one, mut other) = two();
    let [ours, theirs] = ["https://a.example/", "https://b.example/"].map(|uri| Target::resource(uri).unwrap());
    let sent = request(one.access_for(&ours, at(10)));
    assert!(one.handle(answer(sent.id(), 200, &JSON, r#"{"access_token":"A","token_type":"Bearer"}"#), at(10)).is_ok());
    for generation in [1, 2] {
        let target = if generation == 1 { &theirs } else { &Target::own().scope("a").unwrap() };
        let sent = request(other.access_for(target, at(20)));
        assert!(other.handle(answer(sent.id(), 200, &JSON, &tokens(generation)), at(20)).is_ok());
    }
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(ready(one.access_for(&ours, at(21))).token().reveal(), "A");
    assert_eq!(ready(one.access_for(&theirs, at(21))).token().reveal(), "AT1");
}

#[test]
fn nothing_that_is_stored_undoes_a_sign_out() {
    let (mut one, mut other) = two();
    refresh(&mut other, 1, 1000);
    let _ = one.sign_out(SignOut::new());
    for _ in 0..2 {
        assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::NotNewer));
        assert!(one.save().is_none() && one.authorization_request().is_none());
        let access = one.access(at(1001));
        assert!(matches!(access, Access::LoginRequired(LoginRequired::SignedOut)), "{access:?}");
        if let Some(SessionAction::SendRequest(revocation)) = one.pending_action() {
            assert!(one.handle(answer(revocation.id(), 200, &[], ""), at(1001)).is_ok());
        }
    }
    assert_eq!(one.phase(), SessionPhase::SignedOut);
}

/// RFC 6749 §5.1 is broken, and the refresh token is spent all the same.
#[test]
fn a_new_refresh_token_in_a_broken_answer_is_kept() {
    for broken in [r#"{"refresh_token":"RT1"}"#, r#"{"access_token":7,"token_type":"Bearer","refresh_token":"RT1"}"#] {
        let (mut one, mut other) = two();
        let sent = request(one.access(at(950)));
        let action = one.handle(answer(sent.id(), 200, &JSON, broken), at(950));
        assert!(matches!(action, Ok(SessionAction::Save)), "it is lost: {action:?}");
        assert!(one.last_error().is_some(), "{broken}");
        assert_eq!(other.adopt(one.save().unwrap()), Ok(Adopted::Newer));
        assert_eq!(ready(one.access(at(950))).token().reveal(), "AT0", "it is good yet");
        for session in [&mut one, &mut other] {
            assert_eq!(form(session)["refresh_token"], "RT1");
            assert!(body(&request(session.access(at(960)))).contains("refresh_token=RT1"), "{broken}");
        }
    }
    // Any success has tokens.
    for status in [201, 202] {
        let (mut one, _) = two();
        let sent = request(one.access(at(1000)));
        let action = one.handle(answer(sent.id(), status, &JSON, &tokens(1)), at(1000));
        assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
        assert_eq!((&form(&one)["refresh_token"], &form(&one)["access_token"]), (&json!("RT1"), &json!("AT1")));
    }
    // An error has no tokens in it, whatever else is there.
    let (mut one, _) = two();
    let sent = request(one.access(at(1000)));
    let error = r#"{"error":"server_error","refresh_token":"RT1"}"#;
    assert!(later(one.handle(answer(sent.id(), 200, &JSON, error), at(1000))) > 1000);
    assert_eq!((&form(&one)["refresh_token"], one.phase()), (&json!("RT0"), SessionPhase::Active));
}
