//! Two processes on one store, and what dies in between.

use oauth_proto::{
    Access, Adopted, AuthorizationRequest, Delivered, Event, LoginRequired, SavedSession, Secret, Session,
    SessionAction, SessionPhase, SignOut, Target, Tokens,
};
use serde_json::{json, Value};

use crate::{answer, at, body, client, log_in, ready, request, JSON};

const GONE: &str = r#"{"error":"invalid_grant"}"#;
const REFUSED: &[&str] = &["Bearer error=\"invalid_token\""];

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
    assert!(matches!(action, Ok(SessionAction::Save(_))), "{action:?}");
}

fn form(session: &Session) -> Value {
    serde_json::to_value(session.save().unwrap()).unwrap()
}

fn changed(form: &Value, members: &Value) -> SavedSession {
    let mut form = form.clone();
    for (name, value) in members.as_object().unwrap() {
        form[name] = value.clone();
    }
    serde_json::from_value(form).unwrap()
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

/// A login that was given up for a newer one is old, whatever is stored of it and however often it is renewed.
#[test]
fn a_login_that_was_given_up_is_not_taken_back() {
    let (mut one, mut other) = two();
    let newer = Tokens::from_parts(Secret::new("AT7"), Some(Secret::new("RT7")), Some(at(1000)), "a");
    let newer = Session::new(client(), newer);
    assert_eq!(one.adopt(newer.save().unwrap()), Ok(Adopted::Newer));
    refresh(&mut other, 1, 1000);
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::NotNewer));
    assert_eq!(ready(one.access(at(500))).token().reveal(), "AT7");
    // Nor by a session whose grant has ended.
    let late = request(one.access(at(1000)));
    let ended = one.handle(answer(late.id(), 400, &JSON, GONE), at(1001));
    assert!(matches!(ended, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))));
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::NotNewer));
}

/// Of two logins no clock can tell which came first: what is stored is what the user logged in with last.
#[test]
fn the_login_that_is_stored_is_adopted() {
    let wanted = AuthorizationRequest::new().scope("a");
    for ended in [false, true] {
        for stored_at in [1999, 2000, 2001] {
            let mut session = log_in(&wanted, "OURS", 2000);
            if ended {
                let sent = request(session.access(at(9000)));
                assert!(session.handle(answer(sent.id(), 400, &JSON, GONE), at(9000)).is_ok());
            }
            assert_eq!(session.adopt(log_in(&wanted, "STORED", stored_at).save().unwrap()), Ok(Adopted::Newer));
            assert_eq!(ready(session.access(at(2002))).token().reveal(), "STORED");
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

/// A process that dies between the mark and the answer leaves one try, and the next one none.
#[test]
fn every_death_after_the_mark_is_a_loss() {
    let (mut one, mut other) = two();
    for (phase, is_sent) in [(SessionPhase::OutcomeUnknown, true), (SessionPhase::Exhausted, false)] {
        let refresh = request(one.access(at(1000)));
        // Stored as the mark; then the process dies, and the other one comes.
        assert_eq!(other.adopt(one.save().unwrap()), Ok(Adopted::NotNewer));
        assert_eq!(other.phase(), phase);
        assert_eq!(matches!(other.access(at(1000)), Access::SendRequest(_)), is_sent);
        let restarted = Session::restore(client(), other.save().unwrap()).unwrap();
        drop((refresh, std::mem::replace(&mut one, restarted)));
        (one, other) = (other, one);
        // Whoever sent it has had no answer.
        if let Some(deadline) = one.deadline() {
            let _ = one.access(deadline);
        }
        if one.phase() == SessionPhase::Exhausted {
            break;
        }
    }
    assert_eq!(one.phase(), SessionPhase::Exhausted);
    let access = one.access(at(2000));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::OutcomeUnknown)), "{access:?}");
    assert!(one.save().is_some(), "a grace period, or the user, may have it otherwise");
}

/// A server with a grace period answers both of two refreshes with one token: what the later one brought is newer.
#[test]
fn of_two_answers_to_one_refresh_token_the_later_try_is_newer() {
    let (mut one, mut other) = two();
    let first = request(one.access(at(1000)));
    assert_eq!(other.adopt(one.save().unwrap()), Ok(Adopted::NotNewer));
    let second = request(other.access(at(1100)));
    assert!(one.handle(answer(first.id(), 200, &JSON, &tokens(1)), at(1101)).is_ok());
    assert!(other.handle(answer(second.id(), 200, &JSON, &tokens(2)), at(1101)).is_ok());
    assert_eq!(other.adopt(one.save().unwrap()), Ok(Adopted::NotNewer));
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(ready(one.access(at(1102))).token().reveal(), "AT2");
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
    assert_eq!(first.adopt(second.save().unwrap()), Ok(Adopted::Newer));
}

/// A mark is about one refresh token.
#[test]
fn a_mark_on_other_tokens_is_none_here() {
    let (mut one, other) = two();
    let theirs = form(&other);
    for members in [json!({ "losses": 2, "refresh_token": "RT9" }), json!({ "losses": 2, "refresh_token": null })] {
        assert_eq!(one.adopt(changed(&theirs, &members)), Ok(Adopted::NotNewer), "{members}");
        assert_eq!(one.phase(), SessionPhase::Active, "{members}");
    }
    // Nor does one take another away.
    assert_eq!(one.adopt(changed(&theirs, &json!({ "losses": 2 }))), Ok(Adopted::NotNewer));
    assert_eq!(one.adopt(changed(&theirs, &json!({ "losses": 0 }))), Ok(Adopted::NotNewer));
    assert_eq!(one.phase(), SessionPhase::Exhausted);
    // Three are not more than two.
    assert_eq!(one.adopt(changed(&theirs, &json!({ "losses": 255 }))), Ok(Adopted::NotNewer));
    one.try_again();
    assert!(matches!(one.access(at(1000)), Access::SendRequest(_)));
}

/// Some servers never replace a refresh token, so sending it again cannot harm.
#[test]
fn a_refresh_token_that_lives_on_is_sent_as_often_as_needed() {
    for kept in ["", r#","refresh_token":"RT0""#] {
        let (mut one, _) = two();
        let sent = request(one.access(at(1000)));
        let tokens = format!(r#"{{"access_token":"AT1","token_type":"Bearer","expires_in":0{kept}}}"#);
        assert!(one.handle(answer(sent.id(), 200, &JSON, &tokens), at(1000)).is_ok());
        let mut now = 1002;
        for round in 0..5 {
            let sent = request(one.access(at(now)));
            assert_eq!((&form(&one)["losses"], &form(&one)["reusable"]), (&json!(0), &json!(true)), "{round}");
            assert!(one.handle(Event::SendFailed(sent.id(), Delivered::Maybe), at(now)).is_ok());
            assert_eq!(one.phase(), SessionPhase::Active);
            // The process that comes next knows it, too.
            one = Session::restore(client(), one.save().unwrap()).unwrap();
            now += 100;
        }
        // A server that begins to replace it is one of the others.
        refresh(&mut one, 1, now);
        assert_eq!(form(&one)["reusable"], false);
        for phase in [SessionPhase::OutcomeUnknown, SessionPhase::Exhausted] {
            let sent = request(one.access(at(now + 2000)));
            assert!(one.handle(Event::SendFailed(sent.id(), Delivered::Maybe), at(now + 2000)).is_ok());
            assert_eq!(one.phase(), phase);
        }
    }
}

/// What the user has decided is not undone by what is stored.
#[test]
fn one_more_try_is_not_taken_back_by_the_marks_it_is_about() {
    let (mut one, other) = two();
    let marked = || changed(&form(&other), &json!({ "losses": 2 }));
    assert_eq!(one.adopt(marked()), Ok(Adopted::NotNewer));
    assert_eq!(one.phase(), SessionPhase::Exhausted);
    one.try_again();
    assert_eq!(one.adopt(marked()), Ok(Adopted::NotNewer));
    let sent = request(one.access(at(1000)));
    assert!(one.handle(Event::SendFailed(sent.id(), Delivered::Maybe), at(1000)).is_ok());
    assert_eq!(one.adopt(marked()), Ok(Adopted::NotNewer));
    let access = one.access(at(2000));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::OutcomeUnknown)), "it was one: {access:?}");
}

/// How this process asks for its token is its own business.
#[test]
fn a_narrower_scope_outlives_newer_tokens() {
    let tokens = Tokens::from_parts(Secret::new("AT0"), Some(Secret::new("RT0")), Some(at(1000)), "a b");
    let mut one = Session::new(client(), tokens);
    let mut other = Session::restore(client(), one.save().unwrap()).unwrap();
    one.refresh_scope("a").unwrap();
    refresh(&mut other, 1, 1000);
    assert_eq!(one.adopt(other.save().unwrap()), Ok(Adopted::Newer));
    assert!(body(&request(one.access(at(1990)))).contains("&scope=a&"));
    // Nobody is asked for more than was granted, whatever a form says (RFC 6749 §6).
    let tampered = changed(&form(&other), &json!({ "refresh_scope": "admin" }));
    let mut restored = Session::restore(client(), tampered).unwrap();
    assert!(!body(&request(restored.access(at(1990)))).contains("scope"));
}

/// An app that has only a refresh token from before, or an access token that was cut in two.
#[test]
fn an_access_token_that_no_server_sends_is_never_sent() {
    for token in ["", "A\tT", "AT\u{e9}"] {
        let tokens = Tokens::from_parts(Secret::new(token), Some(Secret::new("RT0")), Some(at(1000)), "a");
        let mut session = Session::new(client(), tokens);
        let mut restored = Session::restore(client(), session.save().unwrap()).unwrap();
        for session in [&mut session, &mut restored] {
            let bearer = ready(session.access(at(10)));
            assert!(bearer.authorization("https://api.example.com/me", &[]).is_err(), "{token:?}");
            refresh(session, 1, 1000);
            assert_eq!(ready(session.access(at(1000))).token().reveal(), "AT1");
        }
    }
}

/// The session's own mark is no news of another process.
#[test]
fn a_session_that_reads_its_own_mark_goes_on_waiting() {
    let (mut one, _) = two();
    let sent = request(one.access(at(1000)));
    assert_eq!(one.adopt(one.save().unwrap()), Ok(Adopted::NotNewer));
    assert_eq!(one.phase(), SessionPhase::Refreshing);
    assert!(one.handle(Event::SendFailed(sent.id(), Delivered::No), at(1000)).is_ok());
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
    assert!(matches!(one.refused(&bearer, 401, REFUSED, at(11)), Some(Access::SendRequest(_))));
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
    // Of another login none is kept.
    let later = log_in(&AuthorizationRequest::new().scope("a"), "NEW", 30);
    assert_eq!(one.adopt(later.save().unwrap()), Ok(Adopted::Newer));
    assert!(matches!(one.access_for(&ours, at(31)), Access::SendRequest(_)));
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
    for broken in [
        r#"{"refresh_token":"RT1"}"#,
        r#"{"access_token":"AT1","token_type":"mac","refresh_token":"RT1"}"#,
        r#"{"access_token":7,"token_type":"Bearer","refresh_token":"RT1"}"#,
    ] {
        let (mut one, mut other) = two();
        let sent = request(one.access(at(950)));
        let Ok(SessionAction::Save(saved)) = one.handle(answer(sent.id(), 200, &JSON, broken), at(950)) else {
            panic!("it is lost: {broken}")
        };
        assert!(one.last_error().is_some(), "{broken}");
        assert_eq!(other.adopt(saved), Ok(Adopted::Newer));
        assert_eq!(ready(one.access(at(950))).token().reveal(), "AT0", "it is good yet");
        for session in [&mut one, &mut other] {
            assert_eq!(form(session)["refresh_token"], "RT1");
            assert!(body(&request(session.access(at(960)))).contains("refresh_token=RT1"), "{broken}");
        }
    }
    // Any success may have replaced it.
    let (mut one, _) = two();
    let sent = request(one.access(at(1000)));
    let action = one.handle(answer(sent.id(), 201, &JSON, &tokens(1)), at(1000));
    assert!(matches!(action, Ok(SessionAction::Save(_))), "{action:?}");
    assert_eq!((&form(&one)["refresh_token"], &form(&one)["access_token"]), (&json!("RT1"), &json!("AT0")));
    // An error has no tokens in it, whatever else is there.
    let (mut one, _) = two();
    let sent = request(one.access(at(1000)));
    let error = r#"{"error":"server_error","refresh_token":"RT1"}"#;
    assert!(matches!(one.handle(answer(sent.id(), 200, &JSON, error), at(1000)), Ok(SessionAction::RetryAt(_))));
    assert_eq!((&form(&one)["refresh_token"], one.phase()), (&json!("RT0"), SessionPhase::Active));
}
