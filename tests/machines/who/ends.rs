//! When the session at the server ends (`session_expiry`): the login's ID token says it, and no later one raises it.

use oauth_proto::{Access, Action, Event, LoginRequired, Session, SessionAction};
use serde_json::{json, Value};

use super::{keys, keys_request, ready, refresh_with, renewed, saved, DUE};
use crate::model::keys::jwks;
use crate::support::openid::{exchanging, keyed, token_body};
use crate::support::{at, json as answer, pending, START};

/// A session whose ID token says this.
fn session_until(session_expiry: &Value) -> Session {
    let mut login = exchanging(keyed());
    let body = token_body(|claims| claims["session_expiry"] = session_expiry.clone());
    let event = Event::ResponseReceived(pending(&login).id(), answer(200, &body));
    assert!(matches!(login.handle(event, at(0)), Ok(Action::SendRequest(_))));
    let set = jwks(&[1]);
    match login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &set)), at(0)) {
        Ok(Action::TokensReady(tokens)) => login.into_session(tokens),
        other => panic!("{other:?}"),
    }
}

fn renewed_until(session_expiry: &Value) -> Value {
    let mut claims = renewed();
    claims["session_expiry"] = session_expiry.clone();
    claims
}

#[test]
fn nothing_is_handed_out_after_it() {
    let mut session = session_until(&json!(START + 1000));
    assert_eq!(session.grant_expires_at(), Some(at(1000)));
    // Clocks differ by half a minute.
    assert_eq!(ready(&mut session, at(1029)), "AT1");
    for now in [1030, 5000] {
        let access = session.access(at(now));
        assert!(matches!(access, Access::LoginRequired(LoginRequired::GrantExpired)), "{access:?}");
    }
    assert!(session.save().is_some(), "it is this device's clock that says so");
    let mut after = Session::restore(keyed(), serde_json::from_value(saved(&session)).unwrap()).unwrap();
    assert_eq!(after.grant_expires_at(), Some(at(1000)));
    assert!(matches!(after.access(at(1030)), Access::LoginRequired(LoginRequired::GrantExpired)));
}

/// A refresh may bring it nearer, never put it off, and what it does not say stays.
#[test]
fn no_refresh_puts_it_off() {
    let (first, later) = (DUE + 7000, DUE + 90_000);
    for (value, expected) in [
        (json!(START + later), first),
        (json!(START + first), first),
        (json!(START + DUE + 100), DUE + 100),
        (json!("never"), first),
        (json!(-1), first),
        (Value::Null, first),
    ] {
        let mut session = session_until(&json!(START + first));
        let action = refresh_with(&mut session, &renewed_until(&value), 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{value}: {action:?}");
        assert_eq!(session.id_token().unwrap().issued_at(), at(DUE), "{value}");
        assert_eq!(session.grant_expires_at(), Some(at(expected)), "{value}");
    }
}

/// The login said nothing: the first that does is the end.
#[test]
fn a_refresh_may_say_it_first() {
    let mut session = session_until(&Value::Null);
    assert_eq!(session.grant_expires_at(), None);
    let claims = renewed_until(&json!(START + DUE + 7000));
    assert!(matches!(refresh_with(&mut session, &claims, 1, 1, at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(session.grant_expires_at(), Some(at(DUE + 7000)));
}

/// What is not checked yet says nothing; once the keys are here, it does.
#[test]
fn an_id_token_counts_when_its_keys_have_come() {
    let mut session = session_until(&Value::Null);
    let claims = renewed_until(&json!(START + DUE + 7000));
    assert!(matches!(refresh_with(&mut session, &claims, 2, 2, at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(session.grant_expires_at(), None);
    let before = saved(&session)["revision"].as_u64();
    let id = keys_request(&mut session, at(DUE));
    assert!(matches!(keys(&mut session, id, &[2], at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(session.grant_expires_at(), Some(at(DUE + 7000)));
    assert_eq!(saved(&session)["revision"].as_u64(), before.map(|revision| revision + 1));
}
