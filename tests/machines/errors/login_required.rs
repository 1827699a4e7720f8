//! `LoginRequired`: why only a new login helps.

use oauth_proto::{
    Access, Action, AuthorizationRequest, Client, Delivered, Event, Login, LoginRequired, Secret, Session,
    SessionAction, SessionPhase, SignOut, Target, Tokens,
};

use super::helps;
use crate::model::parameter;
use crate::support::{
    at, client, entropy, json, redirect, refresh, session, state, INVALID_GRANT, REDIRECT_URI, TOKENS,
};

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
    let mut session = session(client(), None);
    let why = why(session.access(at(3600)));
    assert_eq!((&why, why.is_final()), (&LoginRequired::NoRefreshToken, false));
    helps(&why, &["cannot be refreshed", "log in again"]);
    assert!(matches!(session.access(at(3599)), Access::Ready(_)), "a clock that was wrong ends nothing");
}

#[test]
fn grant_ended() {
    let mut session = session(client(), Some("RT0"));
    let id = refresh(&mut session, at(3600));
    let answer = Event::ResponseReceived(id, json(400, INVALID_GRANT));
    let Ok(SessionAction::LoginRequired(ended)) = session.handle(answer, at(3601)) else { panic!("it goes on") };
    assert!(matches!(&ended, LoginRequired::GrantEnded(error) if error.code() == "oauth_error"));
    assert!(ended.is_final() && session.save().is_none());
    helps(&ended, &["grant has ended", "invalid_grant", "log in again"]);
    assert_eq!(why(session.access(at(3602))), ended);
    assert_eq!(session.last_error().map(oauth_proto::Error::code), Some("oauth_error"));
}

#[test]
fn outcome_unknown() {
    let mut session = session(client(), Some("RT0"));
    for _ in 0..2 {
        let id = refresh(&mut session, at(3590));
        assert!(session.handle(Event::SendFailed(id, Delivered::Maybe), at(3590)).is_ok());
    }
    assert!(matches!(session.access(at(3599)), Access::Ready(_)), "the access token is good for all that");
    let why = why(session.access(at(3600)));
    assert_eq!((&why, why.is_final()), (&LoginRequired::OutcomeUnknown, false));
    helps(&why, &["no answer", "may be spent", "try again"]);
    assert!(session.save().is_some() && session.authorization_request().is_some());
    session.try_again();
    assert!(matches!(session.access(at(3600)), Access::SendRequest(_)));
}

#[test]
fn token_refused() {
    let mut session = session(client(), Some("RT0"));
    let Access::SendRequest(request) = refused(&mut session, "Bearer error=\"invalid_token\"") else { panic!() };
    let answer = Event::ResponseReceived(request.id(), json(200, TOKENS));
    assert!(matches!(session.handle(answer, at(10)), Ok(SessionAction::Save)));
    let why = why(refused(&mut session, "Bearer error=\"invalid_token\""));
    assert_eq!((&why, why.is_final()), (&LoginRequired::TokenRefused, false));
    helps(&why, &["two tokens", "log in again"]);
    // It sticks to this API: the grant is as good as before for the others.
    assert!(matches!(session.access(at(69)), Access::LoginRequired(LoginRequired::TokenRefused)));
    assert_eq!(session.phase(), SessionPhase::Active);
    let other = Target::resource("https://other.example.com/").unwrap();
    let Access::SendRequest(request) = session.access_for(&other, at(20)) else { panic!() };
    assert!(session.handle(Event::SendFailed(request.id(), Delivered::No), at(20)).is_ok());
    // An API that refused everybody for a while comes round.
    assert!(matches!(session.access(at(70)), Access::SendRequest(_)));
}

#[test]
fn insufficient_scope() {
    let mut session = session(client(), Some("RT0"));
    let why = why(refused(&mut session, "Bearer error=\"insufficient_scope\", scope=\"read admin\""));
    helps(&why, &["scope", "log in"]);
    assert!(!why.is_final());
    let LoginRequired::InsufficientScope { scope: Some(scope), request } = why else { panic!("{why:?}") };
    assert_eq!(scope.as_str(), "read admin");
    assert_eq!(request.requested_scope(), "read write admin");
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the session goes on");
}

/// A scope that was not granted, or a resource that was not asked for, needs no API to refuse it.
#[test]
fn target_not_granted() {
    let target = Target::resource("https://other.example.com/").unwrap();
    let mut session = session(client(), Some("RT0"));
    let why = why(session.access_for(&target.clone().scope("read admin").unwrap(), at(10)));
    helps(&why, &["scope or resource", "not granted", "log in"]);
    assert!(!why.is_final());
    let LoginRequired::TargetNotGranted { request } = why else { panic!("{why:?}") };
    assert_eq!(request.requested_scope(), "read write admin");
    assert_eq!(parameter(&url_of(&request), "resource"), Some("https%3A%2F%2Fother.example.com%2F"));
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the session goes on");

    // A login that named no resource may have been for all of them; one that named some was for those.
    assert!(matches!(session.access_for(&target, at(10)), Access::SendRequest(_)));
    let mut session = log_in(&AuthorizationRequest::new().scope("read").resource("urn:a:b").resource("urn:c:d"));
    assert!(matches!(session.access_for(&Target::resource("urn:c:d").unwrap(), at(10)), Access::SendRequest(_)));
    let access = session.access_for(&target, at(10));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::TargetNotGranted { .. })), "{access:?}");
}

#[test]
fn step_up() {
    let mut session = session(client(), Some("RT0"));
    let line = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold silver\", max_age=\"60\"";
    let why = why(refused(&mut session, line));
    helps(&why, &["stronger or more recent"]);
    assert!(!why.is_final());
    let LoginRequired::StepUp { acr_values: Some(acr_values), max_age, request } = why else { panic!("{why:?}") };
    assert_eq!((acr_values.as_str(), max_age), ("gold silver", Some(60)));
    let url = url_of(&request);
    for (name, value) in [("acr_values", "gold+silver"), ("max_age", "60"), ("scope", "read+write")] {
        assert_eq!(parameter(&url, name), Some(value), "{name}");
    }
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the session goes on");
}

fn url_of(request: &AuthorizationRequest) -> String {
    let mut login = Login::new(client(), request.clone()).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy(1)), at(10)) else { panic!("not started") };
    url.into_string()
}

/// A login by this request, at the time 10.
fn log_in(request: &AuthorizationRequest) -> Session {
    let mut login = Login::new(client(), request.clone()).unwrap();
    assert!(login.handle(Event::Start(entropy(1)), at(10)).is_ok());
    let url = redirect(&format!("code=C1&state={}", state(1)));
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&url), at(10)) else { panic!() };
    match login.handle(Event::ResponseReceived(sent.id(), json(200, TOKENS)), at(10)) {
        Ok(Action::TokensReady(tokens)) => Session::new(client(), tokens),
        other => panic!("{other:?}"),
    }
}

#[test]
fn demand_not_met() {
    let line = "Bearer error=\"insufficient_scope\", scope=\"admin\"";
    let mut session = log_in(&AuthorizationRequest::new().scope("read"));
    for round in 0..3 {
        let LoginRequired::InsufficientScope { request, .. } = why(refused(&mut session, line)) else {
            panic!("round {round}")
        };
        session = log_in(&request);
    }
    let why = why(refused(&mut session, line));
    assert_eq!((&why, why.is_final()), (&LoginRequired::DemandNotMet, false));
    helps(&why, &["again", "whoever runs the API"]);
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the session goes on");
}

#[test]
fn signed_out() {
    let mut session = session(client(), Some("RT0"));
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SendRequest(_)));
    let why = why(session.access(at(10)));
    assert_eq!((&why, why.is_final()), (&LoginRequired::SignedOut, true));
    helps(&why, &["signed out", "log in again"]);
    assert!(session.save().is_none() && session.authorization_request().is_none());
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
        assert!(matches!(session.handle(answer, now), Ok(SessionAction::Save)));
    }
}

/// The API refuses the present token, which came just now because the one before it was refused.
fn refused_again(session: &mut Session, now: u64) -> Option<Access> {
    let Access::Ready(bearer) = session.access(at(10)) else { panic!("no token") };
    let Some(Access::SendRequest(request)) = session.refused(&bearer, 401, &[], at(10)) else { panic!("no refresh") };
    let answer = Event::ResponseReceived(request.id(), json(200, TOKENS));
    assert!(matches!(session.handle(answer, at(10)), Ok(SessionAction::Save)));
    let Access::Ready(bearer) = session.access(at(10)) else { panic!("no token") };
    session.refused(&bearer, 401, &[], at(now))
}

#[test]
fn a_token_is_refused_again_within_a_minute_after_it_came() {
    for (now, ends) in [(10, true), (69, true), (70, false), (9, false)] {
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
    assert!(matches!(signed_out.sign_out(SignOut::new()), SessionAction::SendRequest(_)));
    let mut ended = session(Client::new(crate::support::server(), "app", REDIRECT_URI).unwrap(), Some("RT0"));
    let id = refresh(&mut ended, at(3600));
    assert!(ended.handle(Event::ResponseReceived(id, json(400, INVALID_GRANT)), at(3600)).is_ok());
    for line in lines {
        let access = signed_out.refused(&bearer, 403, &[line], at(11)).map(why);
        assert_eq!(access, Some(LoginRequired::SignedOut), "{line}");
        let access = ended.refused(&bearer, 403, &[line], at(3601)).map(why);
        assert!(matches!(access, Some(LoginRequired::GrantEnded(_))), "{line}: {access:?}");
    }
    assert!(signed_out.refused(&bearer, 403, &[], at(11)).is_none(), "it says nothing about the token");
}
