//! A refresh that brings an ID token, or none (OpenID Connect Core §12.2).

use oauth_proto::{Access, Event, LoginRequired, Secret, Session, SessionAction, Tokens};
use serde_json::json;

use super::{body, last_error, ready, refresh_with, renewed, saved, session, session_of, subject, DUE};
use crate::model::keys::signed;
use crate::support::openid::{keyed, keys, on_tls_alone, USER};
use crate::support::{at, json as answer, refresh, TOKENS};

/// The session knows the key: it was fetched for the login.
#[test]
fn a_good_id_token_takes_the_place_of_the_one_before() {
    let mut session = session();
    assert!(session.id_token().unwrap().standard_claims().name.is_none());
    let mut claims = renewed();
    claims["name"] = "Jane Doe".into();
    let action = refresh_with(&mut session, &claims, 1, 1, at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    let id_token = session.id_token().unwrap();
    assert_eq!((id_token.subject(), id_token.issued_at()), (USER, at(DUE)));
    assert_eq!(id_token.standard_claims().name.as_deref(), Some("Jane Doe"));
    assert_eq!((ready(&mut session, at(DUE)).as_str(), last_error(&session)), ("AT2", None));
    assert_eq!(saved(&session)["id_token"].as_str(), session.id_token().map(oauth_proto::IdToken::reveal));
}

#[test]
fn a_refresh_without_an_id_token_leaves_the_one_before() {
    let mut session = session();
    let before = session.id_token().unwrap().reveal().to_owned();
    let id = refresh(&mut session, at(DUE));
    let action = session.handle(Event::ResponseReceived(id, answer(200, TOKENS)), at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!((session.id_token().unwrap().reveal(), last_error(&session)), (before.as_str(), None));
}

/// A nonce may be left out at a refresh, and so may `auth_time`.
#[test]
fn a_nonce_may_be_missing_or_the_logins() {
    for nonce in [None, Some(crate::support::nonce(1))] {
        let mut session = session();
        let mut claims = renewed();
        match nonce {
            Some(nonce) => claims["nonce"] = nonce.into(),
            None => drop(claims.as_object_mut().unwrap().remove("nonce")),
        }
        let action = refresh_with(&mut session, &claims, 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
        assert_eq!(session.id_token().unwrap().issued_at(), at(DUE));
    }
}

/// The login's nonce counts, not that of the last ID token, which had none.
#[test]
fn the_nonce_of_the_login_is_kept() {
    let mut session = session();
    let mut bare = renewed();
    bare.as_object_mut().unwrap().remove("nonce");
    assert!(matches!(refresh_with(&mut session, &bare, 1, 1, at(DUE)), Ok(SessionAction::Save)));
    let mut other = renewed();
    other["nonce"] = crate::support::nonce(2).into();
    let action = refresh_with(&mut session, &other, 1, 1, at(2 * DUE));
    assert!(matches!(action, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))), "{action:?}");
    assert_eq!(last_error(&session), Some("id_token_nonce_mismatch"));
}

/// A session whose user authenticated then.
fn session_since(seconds: u64) -> Session {
    let mut login = crate::support::openid::exchanging(on_tls_alone());
    let tokens = crate::support::openid::token_body(|claims| claims["auth_time"] = at(seconds).as_secs().into());
    let event = Event::ResponseReceived(crate::support::pending(&login).id(), answer(200, &tokens));
    match login.handle(event, at(0)) {
        Ok(oauth_proto::Action::TokensReady(tokens)) => Session::new(on_tls_alone(), tokens),
        other => panic!("{other:?}"),
    }
}

/// A device whose clock is wrong does not lose its tokens for that.
#[test]
fn an_id_token_that_is_out_of_time_is_left_aside_and_the_tokens_are_taken() {
    for (name, seconds, code) in [
        ("exp", DUE - 61, "id_token_expired"),
        ("nbf", DUE + 61, "id_token_not_yet_valid"),
        ("auth_time", 1, "id_token_auth_time_mismatch"),
    ] {
        let mut session = session_since(0);
        let before = session.id_token().unwrap().reveal().to_owned();
        let mut claims = renewed();
        claims[name] = json!(at(seconds).as_secs());
        let action = refresh_with(&mut session, &claims, 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{name}: {action:?}");
        assert_eq!(ready(&mut session, at(DUE)), "AT2", "{name}");
        assert_eq!((session.id_token().unwrap().reveal(), last_error(&session)), (before.as_str(), Some(code)));
        assert_eq!(saved(&session)["refresh_token"], "RT2");
    }
}

/// It was issued just now, by a clock that is ahead of this device's.
#[test]
fn an_id_token_from_the_future_is_taken() {
    for seconds in [61, 3600, 500_000] {
        let mut session = session_since(0);
        let mut claims = renewed();
        claims["iat"] = json!(at(DUE + seconds).as_secs());
        claims["nbf"] = json!(at(DUE + seconds).as_secs());
        claims["exp"] = json!(at(DUE + seconds + 300).as_secs());
        let action = refresh_with(&mut session, &claims, 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{seconds}: {action:?}");
        assert_eq!(session.id_token().unwrap().issued_at(), at(DUE + seconds));
        assert_eq!(last_error(&session), None);
    }
}

#[test]
fn on_tls_alone_no_keys_are_asked_for() {
    let mut login = crate::support::openid::exchanging(on_tls_alone());
    let tokens = crate::support::openid::token_body(|_| {});
    let event = Event::ResponseReceived(crate::support::pending(&login).id(), answer(200, &tokens));
    let Ok(oauth_proto::Action::TokensReady(tokens)) = login.handle(event, at(0)) else { panic!("no tokens") };
    let mut session = Session::new(on_tls_alone(), tokens);
    let action = refresh_with(&mut session, &renewed(), 2, 2, at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!((ready(&mut session, at(DUE)).as_str(), session.id_token().unwrap().issued_at()), ("AT2", at(DUE)));
    assert!(session.keys().is_none());
}

/// Somebody else's API might send one: without the scope it is nobody's business.
#[test]
fn without_openid_an_id_token_is_not_looked_at() {
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(3600)), "read");
    let mut session = Session::new(keyed(), tokens);
    let id = refresh(&mut session, at(DUE));
    let action = session.handle(Event::ResponseReceived(id, answer(200, &body("a.b.c"))), at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!((ready(&mut session, at(DUE)).as_str(), subject(&session)), ("AT2", None));
}

/// Tokens from elsewhere may be of `openid` too: whoever the first ID token names is who is logged in.
#[test]
fn tokens_from_elsewhere_learn_who_is_logged_in() {
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(3600)), "openid read");
    let mut session = Session::new(keyed().with_keys(keys(&[1], at(0))), tokens);
    assert!(session.id_token().is_none());
    let action = refresh_with(&mut session, &renewed(), 1, 1, at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!(subject(&session), Some(USER));
    let mut other = renewed();
    (other["sub"], other["exp"]) = ("another".into(), at(9 * DUE).as_secs().into());
    let action = refresh_with(&mut session, &other, 1, 1, at(2 * DUE));
    assert!(matches!(action, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))), "{action:?}");
    assert_eq!((subject(&session), last_error(&session)), (None, Some("id_token_sub_mismatch")));
}

/// Of a refresh that was taken for lost.
#[test]
fn a_late_answer_may_bring_one() {
    let mut session = session();
    let late = refresh(&mut session, at(DUE));
    let _ = refresh(&mut session, at(DUE + 60));
    let text = body(&signed(&renewed(), Some(1), 1));
    let action = session.handle(Event::ResponseReceived(late, answer(200, &text)), at(DUE + 61));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!((subject(&session), session.id_token().unwrap().issued_at()), (Some(USER), at(DUE)));
}

/// A token of another API comes with an ID token as well.
#[test]
fn a_refresh_for_another_api_may_bring_one() {
    let mut session = session_of(keyed());
    let target = oauth_proto::Target::resource("https://other.example.com/").unwrap();
    let Access::SendRequest(request) = session.access_for(&target, at(DUE)) else { panic!("no refresh") };
    let text = body(&signed(&renewed(), Some(1), 1));
    let action = session.handle(Event::ResponseReceived(request.id(), answer(200, &text)), at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!(session.id_token().unwrap().issued_at(), at(DUE));
}
