//! A refresh whose ID token is not the user's, or not for this client: nothing of the answer is used.

use oauth_proto::{Access, Event, SessionAction, SessionPhase, UnixTime};
use serde_json::{json, Value};

use super::{body, last_error, ready, refresh_with, renewed, saved, session, subject, DUE};
use crate::support::openid::USER;
use crate::support::{at, json as answer, refresh, INVALID_GRANT};

/// What may be somebody else's, and why.
fn in_doubt() -> [(&'static str, Value, &'static str); 8] {
    [
        ("sub", json!("another"), "id_token_sub_mismatch"),
        ("nonce", json!("n-0S6_WzA2Mj"), "id_token_nonce_mismatch"),
        ("aud", json!("other"), "id_token_audience"),
        ("aud", json!(["app", "other"]), "id_token_audience"),
        ("azp", json!("other"), "id_token_azp"),
        ("iss", json!("https://other.example.com"), "id_token_issuer"),
        ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"), "id_token_at_hash"),
        ("at_hash", json!(""), "id_token_at_hash"),
    ]
}

#[test]
fn neither_its_access_token_nor_its_refresh_token_is_used() {
    for (name, value, code) in in_doubt() {
        let mut session = session();
        let before = saved(&session);
        let mut claims = renewed();
        claims[name] = value;
        let action = refresh_with(&mut session, &claims, 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{code}: {action:?}");
        assert_eq!((last_error(&session), subject(&session)), (Some(code), Some(USER)));
        assert_eq!(saved(&session), before, "{code}");
        assert_eq!(ready(&mut session, at(DUE)), "AT1", "{code}: the old one is good for ten more seconds");
        assert_eq!(session.phase(), SessionPhase::Active);
    }
}

/// What is wrong with its form says nothing of whose it is: the old refresh token may be spent, and the new one is kept.
#[test]
fn a_refresh_token_beside_an_id_token_that_cannot_be_read_is_kept() {
    for (text, code) in [
        (body("a.b.c"), "id_token_malformed"),
        (body("eyJhbGciOiJub25lIn0.e30."), "id_token_alg_not_allowed"),
        (body("eyJhbGciOiJFZERTQSIsImNyaXQiOlsiZXhwIl19.e30.AA"), "id_token_crit"),
        (body("a.b.c.d.e"), "id_token_encrypted"),
    ] {
        let mut session = session();
        let id = refresh(&mut session, at(DUE));
        let action = session.handle(Event::ResponseReceived(id, answer(200, &text)), at(DUE));
        let Ok(SessionAction::Save(form)) = action else { panic!("{code}: {action:?}") };
        let form = serde_json::to_value(form).unwrap();
        assert_eq!((&form["refresh_token"], &form["access_token"]), (&json!("RT2"), &json!("AT1")), "{code}");
        assert_eq!((last_error(&session), subject(&session)), (Some(code), Some(USER)));
        assert_eq!(ready(&mut session, at(DUE)), "AT1");
    }
}

/// Patience grows: 1, 2, 4 … 64 seconds.
#[test]
fn a_server_that_goes_on_so_is_asked_less_and_less() {
    let mut session = session();
    let mut claims = renewed();
    (claims["sub"], claims["exp"]) = ("another".into(), at(99_999).as_secs().into());
    let (mut now, mut waits) = (at(4000), Vec::new());
    for _ in 0..9 {
        let action = refresh_with(&mut session, &claims, 1, 1, now);
        let Ok(SessionAction::RetryAt(next)) = action else { panic!("{action:?}") };
        waits.push(next.saturating_since(now));
        let early = UnixTime::from_secs(next.as_secs() - 1);
        assert!(matches!(session.access(early), Access::RetryAt(at) if at == next), "it is asked at once");
        now = next;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
}

/// The answer was somebody else's, and yet the server has replaced the old refresh token: then only a login helps.
#[test]
fn when_the_old_refresh_token_was_spent_the_grant_ends() {
    let mut session = session();
    let mut claims = renewed();
    claims["sub"] = "another".into();
    let Ok(SessionAction::RetryAt(next)) = refresh_with(&mut session, &claims, 1, 1, at(3600)) else { panic!() };
    let Access::SendRequest(request) = session.access(next) else { panic!("no refresh") };
    assert!(core::str::from_utf8(request.body()).unwrap().contains("refresh_token=RT1"));
    let action = session.handle(Event::ResponseReceived(request.id(), answer(400, INVALID_GRANT)), next);
    assert!(matches!(action, Ok(SessionAction::LoginRequired(_))), "{action:?}");
}

/// An ID token that is too old does not hide whose it is.
#[test]
fn what_is_out_of_time_is_held_to_all_other_rules() {
    for (name, value, code) in in_doubt() {
        let mut session = session();
        let mut claims = renewed();
        (claims[name], claims["exp"]) = (value, at(1).as_secs().into());
        let action = refresh_with(&mut session, &claims, 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{code}: {action:?}");
        assert_eq!(last_error(&session), Some(code));
    }
}
