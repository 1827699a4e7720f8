//! `LoginRequired`: why only a new login helps.

use oauth_proto::{Access, Event, LoginRequired, Secret, Session, SessionAction, SessionPhase, Tokens};

use super::helps;
use crate::support::{at, client, json, refresh, session, INVALID_GRANT, TOKENS};

fn why(access: Access) -> LoginRequired {
    match access {
        Access::LoginRequired(why) => why,
        other => panic!("{other:?}"),
    }
}

/// The API refuses the token that the session has now.
fn refused(session: &mut Session, line: &str) -> Access {
    let Access::Ready(bearer) = session.access(at(10)) else { panic!("no token") };
    session.refused(&bearer, 401, &[line], at(10)).expect("it is about the token")
}

#[test]
fn no_refresh_token() {
    let why = why(session(client(), None).access(at(3600)));
    assert_eq!(why, LoginRequired::NoRefreshToken);
    helps(&why, &["cannot be refreshed", "log in again"]);
}

#[test]
fn grant_ended() {
    let mut session = session(client(), Some("RT0"));
    let id = refresh(&mut session, at(3600));
    let answer = Event::ResponseReceived(id, json(400, INVALID_GRANT));
    let Ok(SessionAction::LoginRequired(ended)) = session.handle(answer, at(3601)) else { panic!("it goes on") };
    assert!(matches!(&ended, LoginRequired::GrantEnded(error) if error.code() == "oauth_error"));
    helps(&ended, &["grant has ended", "invalid_grant", "log in again"]);
    assert_eq!(why(session.access(at(3602))), ended);
    assert_eq!(session.last_error().map(oauth_proto::Error::code), Some("oauth_error"));
}

#[test]
fn token_refused() {
    let mut session = session(client(), Some("RT0"));
    let Access::SendRequest(request) = refused(&mut session, "Bearer error=\"invalid_token\"") else { panic!() };
    let answer = Event::ResponseReceived(request.id(), json(200, TOKENS));
    assert!(matches!(session.handle(answer, at(10)), Ok(SessionAction::Save(_))));
    let why = why(refused(&mut session, "Bearer error=\"invalid_token\""));
    assert_eq!((&why, session.phase()), (&LoginRequired::TokenRefused, SessionPhase::LoginRequired));
    helps(&why, &["two tokens", "log in again"]);
}

#[test]
fn insufficient_scope() {
    let mut session = session(client(), Some("RT0"));
    let why = why(refused(&mut session, "Bearer error=\"insufficient_scope\", scope=\"read admin\""));
    helps(&why, &["scope", "log in"]);
    let LoginRequired::InsufficientScope { scope: Some(scope) } = why else { panic!("{why:?}") };
    assert_eq!(scope.as_str(), "read admin");
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the session goes on");
}

#[test]
fn step_up() {
    let mut session = session(client(), Some("RT0"));
    let line = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\", max_age=\"60\"";
    let why = why(refused(&mut session, line));
    helps(&why, &["stronger or more recent"]);
    let LoginRequired::StepUp { acr_values: Some(acr_values), max_age } = why else { panic!("{why:?}") };
    assert_eq!((acr_values.as_str(), max_age), ("gold", Some(60)));
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the session goes on");
}

#[test]
fn signed_out() {
    let mut session = session(client(), Some("RT0"));
    assert!(session.sign_out().is_some());
    let why = why(session.access(at(10)));
    assert_eq!(why, LoginRequired::SignedOut);
    helps(&why, &["signed out", "log in again"]);
}

/// `TokenRefused` is for a token that had just been refreshed. One that served for most of an hour may be refused like any
/// other: on a device whose clock is two minutes slow, every token is refused before it is due.
#[test]
fn a_token_that_served_for_long_is_refreshed_when_it_is_refused() {
    let mut session = session(client(), Some("RT0"));
    for hour in 1..4 {
        let now = at(hour * 3530);
        let Access::Ready(bearer) = session.access(now) else { panic!("no token in hour {hour}") };
        let access = session.refused(&bearer, 401, &["Bearer error=\"invalid_token\""], now);
        let Some(Access::SendRequest(request)) = access else { panic!("hour {hour}: {access:?}") };
        let answer = Event::ResponseReceived(request.id(), json(200, TOKENS));
        assert!(matches!(session.handle(answer, now), Ok(SessionAction::Save(_))));
    }
}

/// The API refuses the present token, which came just now because the one before it was refused.
fn refused_again(session: &mut Session, now: u64) -> Option<Access> {
    let Access::Ready(bearer) = session.access(at(10)) else { panic!("no token") };
    let Some(Access::SendRequest(request)) = session.refused(&bearer, 401, &[], at(10)) else { panic!("no refresh") };
    let answer = Event::ResponseReceived(request.id(), json(200, TOKENS));
    assert!(matches!(session.handle(answer, at(10)), Ok(SessionAction::Save(_))));
    let Access::Ready(bearer) = session.access(at(10)) else { panic!("no token") };
    session.refused(&bearer, 401, &[], at(now))
}

#[test]
fn a_token_is_refused_again_within_a_minute_after_it_came() {
    for (now, ends) in [(10, true), (69, true), (70, false), (0, true)] {
        let mut session = session(client(), Some("RT0"));
        let access = refused_again(&mut session, now);
        assert_eq!(matches!(access, Some(Access::LoginRequired(LoginRequired::TokenRefused))), ends, "{access:?}");
        assert_eq!(matches!(access, Some(Access::SendRequest(_))), !ends, "at {now}: {access:?}");
    }
}

/// Which token was refused is told by its text: also of a bearer from before a restart.
#[test]
fn a_token_is_the_same_after_a_restart() {
    let mut before = session(client(), Some("RT0"));
    let Access::Ready(bearer) = before.access(at(10)) else { panic!("no token") };
    let mut after = Session::restore(client(), before.save().unwrap()).unwrap();
    assert!(matches!(after.refused(&bearer, 401, &[], at(10)), Some(Access::SendRequest(_))));
    let tokens = Tokens::from_parts(Secret::new("AT9"), Some(Secret::new("RT9")), None, "read");
    let mut newer = Session::new(client(), tokens);
    assert!(matches!(newer.refused(&bearer, 401, &[], at(10)), Some(Access::Ready(_))), "another token was refused");
}

/// Whatever the API demands of the old token, the session is over.
#[test]
fn a_refusal_after_the_end_says_that_it_has_ended() {
    let lines = [
        "Bearer error=\"insufficient_scope\", scope=\"admin\"",
        "Bearer error=\"insufficient_user_authentication\", max_age=\"5\"",
        "Bearer error=\"invalid_token\"",
    ];
    let mut signed_out = session(client(), Some("RT0"));
    let Access::Ready(bearer) = signed_out.access(at(10)) else { panic!("no token") };
    assert!(signed_out.sign_out().is_some());
    let mut refused = session(client(), Some("RT0"));
    assert!(refused_again(&mut refused, 10).is_some());
    for line in lines {
        let access = signed_out.refused(&bearer, 403, &[line], at(11)).map(why);
        assert_eq!(access, Some(LoginRequired::SignedOut), "{line}");
        assert_eq!(
            refused.refused(&bearer, 403, &[line], at(11)).map(why),
            Some(LoginRequired::TokenRefused),
            "{line}"
        );
    }
    assert!(signed_out.refused(&bearer, 403, &[], at(11)).is_none(), "it says nothing about the token");
}
