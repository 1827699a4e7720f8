//! ID tokens of refreshes whose signature the app verifies by an action. Nobody waits for that.

use oauth_proto::{Access, Delivered, Event, Session, SessionAction, SessionPhase, SignOut, SignatureCheck, UnixTime};

use super::{body, keys, keys_request, last_error, ready, refresh_with, renewed, saved, subject, DUE};
use crate::model::keys::signed;
use crate::support::openid::{by_action, keyed, tokens, USER};
use crate::support::{at, json as answer, refresh};

/// A session of a login with the key 1, whose app verifies from now on.
fn session() -> Session {
    Session::new(by_action(), tokens(keyed()))
}

/// A refresh has brought an ID token of this key, which names it.
fn refreshed(key: u8) -> Session {
    let mut session = session();
    let action = refresh_with(&mut session, &renewed(), key, key, at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    session
}

#[track_caller]
fn check(session: &mut Session, now: UnixTime) -> SignatureCheck {
    match session.access(now) {
        Access::Verify(check) => check,
        other => panic!("nothing to verify: {other:?}"),
    }
}

#[test]
fn one_caller_verifies_and_the_others_go_on() {
    let mut session = refreshed(1);
    let check = check(&mut session, at(DUE));
    assert_eq!(ready(&mut session, at(DUE)), "AT2", "nobody waits for it");
    assert_eq!((session.phase(), session.id_token().unwrap().issued_at()), (SessionPhase::Active, at(0)));
    let before = saved(&session)["revision"].as_u64();
    let action = session.handle(Event::Verified(check.id(), true), at(DUE + 1));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!((session.id_token().unwrap().issued_at(), last_error(&session)), (at(DUE), None));
    assert!(saved(&session)["revision"].as_u64() > before, "it is newer");
    assert_eq!(ready(&mut session, at(DUE + 2)), "AT2", "nothing else is asked");
}

#[test]
fn a_new_key_is_fetched_and_then_verified_with() {
    let mut session = refreshed(2);
    let id = keys_request(&mut session, at(DUE));
    assert_eq!(session.handle(Event::Verified(id, true), at(DUE)).unwrap_err().code(), "unknown_request");
    let action = keys(&mut session, id, &[1, 2], at(DUE));
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    let check = check(&mut session, at(DUE));
    assert_ne!(check.id(), id);
    assert_eq!(keys(&mut session, check.id(), &[1, 2], at(DUE)).unwrap_err().code(), "unknown_request");
    let unsent = Event::SendFailed(check.id(), Delivered::No);
    assert_eq!(session.handle(unsent, at(DUE)).unwrap_err().code(), "unknown_request");
    assert!(matches!(session.handle(Event::Verified(check.id(), true), at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(session.id_token().unwrap().issued_at(), at(DUE));
    assert_eq!(super::fetched_at(session.keys()), Some(at(DUE)));
}

/// Only the ID token is not believed.
#[test]
fn one_that_is_not_valid_leaves_the_tokens() {
    let mut session = refreshed(1);
    let old = check(&mut session, at(DUE));
    let action = session.handle(Event::Verified(old.id(), false), at(DUE));
    assert!(matches!(action, Ok(SessionAction::RetryAt(now)) if now == at(DUE)), "{action:?}");
    assert_eq!(last_error(&session), None, "the keys may be old");
    let id = keys_request(&mut session, at(DUE));
    assert!(keys(&mut session, id, &[1], at(DUE)).is_ok());
    let new = check(&mut session, at(DUE));
    let action = session.handle(Event::Verified(new.id(), false), at(DUE));
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    assert_eq!((subject(&session), last_error(&session)), (Some(USER), Some("id_token_signature")));
    assert_eq!(session.id_token().unwrap().issued_at(), at(0));
    for second in 0..100 {
        assert_eq!(ready(&mut session, at(DUE + second)), "AT2", "nothing more is asked");
    }
}

#[test]
fn keys_that_fit_are_tried_one_after_the_other() {
    let mut session = session();
    let id = refresh(&mut session, at(DUE));
    let body = body(&signed(&renewed(), None, 2));
    assert!(session.handle(Event::ResponseReceived(id, answer(200, &body)), at(DUE)).is_ok());
    let first = check(&mut session, at(DUE));
    assert!(session.handle(Event::Verified(first.id(), false), at(DUE)).is_ok());
    let id = keys_request(&mut session, at(DUE));
    assert!(keys(&mut session, id, &[1, 2], at(DUE)).is_ok());
    let second = check(&mut session, at(DUE));
    assert!(session.handle(Event::Verified(second.id(), false), at(DUE)).is_ok());
    let third = check(&mut session, at(DUE));
    assert!(first.jwk() == second.jwk() && second.jwk() != third.jwk());
    assert_eq!(session.handle(Event::Verified(second.id(), true), at(DUE)).unwrap_err().code(), "unknown_request");
    assert!(matches!(session.handle(Event::Verified(third.id(), true), at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(session.id_token().unwrap().issued_at(), at(DUE));
}

#[test]
fn what_cannot_be_verified_now_is_asked_three_times() {
    let mut session = refreshed(1);
    let (mut now, mut before) = (at(DUE), None);
    for _ in 0..3 {
        let check = check(&mut session, now);
        assert_ne!(Some(check.id()), before);
        let action = session.handle(Event::VerifyFailed(check.id()), now);
        assert!(matches!(action, Ok(SessionAction::RetryAt(at)) if at == now), "{action:?}");
        assert_eq!(session.handle(Event::Verified(check.id(), true), now).unwrap_err().code(), "unknown_request");
        assert_eq!(ready(&mut session, now), "AT2", "nobody waits for it");
        before = Some(check.id());
        now = now.saturating_add(60);
    }
    for second in 0..100 {
        assert_eq!(ready(&mut session, now.saturating_add(second)), "AT2");
    }
    assert_eq!((session.id_token().unwrap().issued_at(), last_error(&session)), (at(0), None));
}

/// Nobody says what became of it.
#[test]
fn a_check_that_is_forgotten_comes_again_after_the_timeout() {
    let mut session = refreshed(1);
    let first = check(&mut session, at(DUE));
    assert_eq!(ready(&mut session, at(DUE + 59)), "AT2");
    let second = check(&mut session, at(DUE + 60));
    assert_eq!(session.handle(Event::Verified(first.id(), true), at(DUE + 61)).unwrap_err().code(), "unknown_request");
    assert!(matches!(session.handle(Event::Verified(second.id(), true), at(DUE + 61)), Ok(SessionAction::Save)));
}

/// What is stored while the app verifies has the tokens, and the ID token before.
#[test]
fn the_process_may_end_while_it_verifies() {
    let mut session = refreshed(1);
    let check = check(&mut session, at(DUE));
    let stored = session.save().unwrap();
    let mut restored = Session::restore(by_action(), stored).unwrap();
    assert_eq!(restored.handle(Event::Verified(check.id(), true), at(DUE)).unwrap_err().code(), "unknown_request");
    assert_eq!(ready(&mut restored, at(DUE)), "AT2");
    assert_eq!(restored.id_token().unwrap().issued_at(), at(0));
}

#[test]
fn after_a_sign_out_it_is_too_late() {
    let mut session = refreshed(1);
    let check = check(&mut session, at(DUE));
    drop(session.sign_out(SignOut::new()));
    let error = session.handle(Event::Verified(check.id(), true), at(DUE)).unwrap_err();
    assert_eq!((error.code(), session.id_token().is_none()), ("unknown_request", true));
}
