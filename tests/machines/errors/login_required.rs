//! `LoginRequired`: why only a new login helps.

use oauth_proto::{
    Access, Action, AuthorizationRequest, Client, Error, Event, Login, LoginRequired, Secret, Session, SessionAction,
    SessionPhase, SignOut, Target, Tokens,
};

use super::helps;
use crate::model::parameter;
use crate::support::{
    at, bearer, client, entropy, json, redirect, refresh, refuse, session, state, INVALID_GRANT, REDIRECT_URI, TOKENS,
};

fn why(access: Access) -> LoginRequired {
    match access {
        Access::LoginRequired(why) => why,
        other => panic!("{other:?}"),
    }
}

/// The API refuses the token that the session has now.
fn refused(session: &mut Session, line: &str) -> Access {
    let bearer = bearer(session, at(10));
    refuse(session, &bearer, 401, &[line], at(10)).expect("it is about the token")
}

/// Its stable name, whether it ends the session, and what it says.
#[track_caller]
fn check(why: &LoginRequired, code: &str, is_final: bool, words: &[&str]) {
    assert_eq!((why.code(), why.is_final()), (code, is_final), "{why:?}");
    helps(why, words);
    let error: &dyn core::error::Error = why;
    assert_eq!(error.to_string(), why.to_string());
}

#[test]
fn no_refresh_token() {
    let mut session = session(client(), None);
    let why = why(session.access(at(3600)));
    assert_eq!(why, LoginRequired::NoRefreshToken);
    check(&why, "no_refresh_token", false, &["cannot be refreshed", "log in again"]);
    assert!(matches!(session.access(at(3599)), Access::Ready(_)), "a clock that was wrong ends nothing");
    assert!(why.request().is_none());
}

#[test]
fn grant_ended() {
    let mut session = session(client(), Some("RT0"));
    let id = refresh(&mut session, at(3590));
    let answer = Event::ResponseReceived(id, json(400, INVALID_GRANT));
    let Ok(SessionAction::LoginRequired(ended)) = session.handle(answer, at(3590)) else { panic!("it goes on") };
    assert!(matches!(&ended, LoginRequired::GrantEnded(error) if error.code() == "oauth_error"));
    assert!(session.save().is_none());
    check(&ended, "grant_ended", true, &["grant has ended", "invalid_grant", "log in again"]);
    assert_eq!(why(session.access(at(3591))), ended, "the access token is of no more use");
    assert_eq!(session.last_error().map(oauth_proto::Error::code), Some("oauth_error"));
}

/// The app knows a word that this crate does not.
#[test]
fn the_app_ends_the_grant() {
    let mut session = session(client(), Some("RT0"));
    let mut now = at(3600);
    let error = loop {
        match session.access(now) {
            Access::SendRequest(request) => {
                let body = r#"{"error":"bad_refresh_token"}"#;
                assert!(session.handle(Event::ResponseReceived(request.id(), json(200, body)), now).is_ok());
            }
            Access::RetryAt(at) => now = at,
            Access::Refused { error, retry_at: Some(_) } => break error,
            other => panic!("{other:?}"),
        }
    };
    let Error::Refused(refused) = &error else { panic!("{error:?}") };
    assert_eq!(refused.oauth_error(), Some("bad_refresh_token"));
    let SessionAction::LoginRequired(ended) = session.end_grant(error.clone()) else { panic!("it goes on") };
    assert_eq!(ended, LoginRequired::GrantEnded(error));
    assert_eq!((session.phase(), session.save().is_none()), (SessionPhase::LoginRequired, true));
    assert_eq!(why(session.access(now)), ended);
    // What has ended ends no more.
    let again = session.end_grant(Error::Over(oauth_proto::Over::Cancelled));
    assert!(matches!(again, SessionAction::LoginRequired(why) if why == ended));
    let _ = session.sign_out(SignOut::new());
    let gone = session.end_grant(Error::Over(oauth_proto::Over::Cancelled));
    assert!(matches!(gone, SessionAction::LoginRequired(LoginRequired::SignedOut)), "{gone:?}");
}

/// Nothing is sent and nothing is removed, since it is this device's clock that says so.
#[test]
fn grant_expired() {
    let body = TOKENS.replace('{', r#"{"authorization_expires_in":1000,"#);
    let mut session = log_in_with(&AuthorizationRequest::new().scope("read"), &body);
    assert_eq!(session.grant_expires_at(), Some(at(1010)));
    assert!(matches!(session.access(at(1009)), Access::Ready(_)));
    let ended = why(session.access(at(1010)));
    assert_eq!(ended, LoginRequired::GrantExpired);
    check(&ended, "grant_expired", false, &["has expired", "log in again", "clock"]);
    assert_eq!((session.phase(), session.save().is_some()), (SessionPhase::Active, true));
    assert!(matches!(session.access(at(1009)), Access::Ready(_)), "the clock was wrong");
}

/// If the refresh token alone ends, the access token is good for as long as it says.
#[test]
fn a_refresh_token_that_has_expired_is_not_sent() {
    let body = TOKENS.replace('{', r#"{"refresh_token_expires_in":1000,"#);
    let mut session = log_in_with(&AuthorizationRequest::new().scope("read"), &body);
    assert_eq!(session.grant_expires_at(), Some(at(1010)));
    assert!(matches!(session.access(at(3609)), Access::Ready(_)), "it is due, and nothing is to be done");
    assert_eq!(why(session.access(at(3610))), LoginRequired::GrantExpired);
    let other = Target::resource("https://other.example.com/").unwrap();
    assert_eq!(why(session.access_for(&other, at(1010))), LoginRequired::GrantExpired);
    assert!(matches!(session.access_for(&other, at(1009)), Access::SendRequest(_)));
}

#[test]
fn user_must_act() {
    for word in [
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
        "mfa_required",
        "insufficient_authorization",
        "unmet_authentication_requirements",
    ] {
        let mut session = log_in(&AuthorizationRequest::new().scope("read"));
        let id = refresh(&mut session, at(3560));
        let body = serde_json::json!({ "error": word, "mfa_token": "M1" }).to_string();
        let answer = Event::ResponseReceived(id, json(403, &body));
        let Ok(SessionAction::LoginRequired(why_now)) = session.handle(answer, at(3560)) else { panic!("{word}") };
        check(&why_now, "user_must_act", false, &["see the user", word, "log in again"]);
        assert_eq!((session.phase(), session.save().is_some()), (SessionPhase::Active, true));
        assert!(matches!(session.access(at(3609)), Access::Ready(_)), "the access token is good for all that");
        for now in [3610, 10_000, 10_000_000] {
            assert_eq!(why(session.access(at(now))), why_now, "nothing is sent");
        }
        let LoginRequired::UserMustAct { error: Error::Refused(refused), request } = &why_now else { panic!("{word}") };
        assert_eq!(request.requested_scope(), "read");
        assert_eq!(why_now.request(), Some(request));
        let members: serde_json::Map<String, serde_json::Value> = refused.members().unwrap();
        assert_eq!(members["mfa_token"], "M1");
        session.ask_again();
        assert!(matches!(session.access(at(3610)), Access::SendRequest(_)), "{word}");
    }
}

/// One target needs the user: the others do not wait for that.
#[test]
fn what_the_user_must_do_for_one_target_holds_up_no_other() {
    let mut session = session(client(), Some("RT0"));
    let target = Target::resource("https://other.example.com/").unwrap();
    let Access::SendRequest(request) = session.access_for(&target, at(3590)) else { panic!("no refresh") };
    let body = r#"{"error":"interaction_required"}"#;
    let action = session.handle(Event::ResponseReceived(request.id(), json(400, body)), at(3590));
    assert!(matches!(action, Ok(SessionAction::LoginRequired(LoginRequired::UserMustAct { .. }))), "{action:?}");
    let LoginRequired::UserMustAct { request, .. } = why(session.access_for(&target, at(3590))) else { panic!() };
    assert_eq!(parameter(&url_of(&request), "resource"), Some("https%3A%2F%2Fother.example.com%2F"));
    assert!(matches!(session.access(at(3590)), Access::SendRequest(_)));
}

/// It is told to whom the API refused it, and the others get the token.
#[test]
fn token_refused() {
    let mut session = session(client(), Some("RT0"));
    let Access::SendRequest(request) = refused(&mut session, "Bearer error=\"invalid_token\"") else { panic!() };
    let answer = Event::ResponseReceived(request.id(), json(200, TOKENS));
    assert!(matches!(session.handle(answer, at(10)), Ok(SessionAction::Save)));
    let why = why(refused(&mut session, "Bearer error=\"invalid_token\""));
    assert_eq!(why, LoginRequired::TokenRefused);
    check(&why, "token_refused", false, &["two tokens", "log in again"]);
    assert_eq!(bearer(&mut session, at(11)).token().reveal(), "AT1", "it may be good elsewhere");
    assert_eq!(session.phase(), SessionPhase::Active);
}

#[test]
fn insufficient_scope() {
    let mut session = session(client(), Some("RT0"));
    let why = why(refused(&mut session, "Bearer error=\"insufficient_scope\", scope=\"read admin\""));
    check(&why, "insufficient_scope", false, &["scope", "log in"]);
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
    check(&why, "target_not_granted", false, &["scope or resource", "not granted", "log in"]);
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
    check(&why, "step_up", false, &["stronger or more recent"]);
    let LoginRequired::StepUp { acr_values: Some(acr_values), max_age, claims, request } = why else {
        panic!("{why:?}")
    };
    assert_eq!((acr_values.as_str(), max_age, claims), ("gold silver", Some(60), None));
    let url = url_of(&request);
    for (name, value) in [("acr_values", "gold%20silver"), ("max_age", "60"), ("scope", "read%20write")] {
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
    log_in_with(request, TOKENS)
}

fn log_in_with(request: &AuthorizationRequest, tokens: &str) -> Session {
    let mut login = Login::new(client(), request.clone()).unwrap();
    assert!(login.handle(Event::Start(entropy(1)), at(10)).is_ok());
    let url = redirect(&format!("code=C1&state={}", state(1)));
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&url), at(10)) else { panic!() };
    match login.handle(Event::ResponseReceived(sent.id(), json(200, tokens)), at(10)) {
        Ok(Action::TokensReady(tokens)) => login.into_session(tokens),
        other => panic!("{other:?}"),
    }
}

/// The login that was demanded has been made, and the same is demanded again: another one would go round in a circle.
#[test]
fn demand_not_met() {
    let line = "Bearer error=\"insufficient_scope\", scope=\"admin\"";
    let mut session = log_in(&AuthorizationRequest::new().scope("read"));
    let LoginRequired::InsufficientScope { request, .. } = why(refused(&mut session, line)) else { panic!() };
    let mut session = log_in(&request);
    let why = why(refused(&mut session, line));
    assert_eq!(why, LoginRequired::DemandNotMet);
    check(&why, "demand_not_met", false, &["again", "the API's operator"]);
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the session goes on");
}

/// The call is not made again in the new user's name.
#[test]
fn other_login() {
    let mut before = log_in(&AuthorizationRequest::new().scope("read"));
    let theirs = bearer(&mut before, at(10));
    let elsewhere = Tokens::from_parts(Secret::new("AT9"), Some(Secret::new("RT9")), None, "read");
    let mut session = Session::new(client(), elsewhere);
    for line in ["Bearer error=\"invalid_token\"", "Bearer error=\"insufficient_scope\", scope=\"admin\""] {
        let why = why(refuse(&mut session, &theirs, 401, &[line], at(10)).unwrap());
        assert_eq!(why, LoginRequired::OtherLogin);
        check(&why, "other_login", false, &["logged in again", "anew"]);
    }
    assert_eq!(bearer(&mut session, at(10)).token().reveal(), "AT9", "it was not refused");
}

#[test]
fn signed_out() {
    let mut session = session(client(), Some("RT0"));
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SendRequest(_)));
    let why = why(session.access(at(10)));
    assert_eq!(why, LoginRequired::SignedOut);
    check(&why, "signed_out", true, &["signed out", "log in again"]);
    assert!(session.save().is_none() && session.authorization_request().is_none());
}

/// One that served for most of an hour may be refused like any other: on a device whose clock is two minutes slow, every token
/// is refused before it is due.
#[test]
fn a_token_that_served_for_long_is_refreshed_when_it_is_refused() {
    let mut session = session(client(), Some("RT0"));
    for hour in 1..4 {
        refuse_and_refresh(&mut session, hour * 3530);
    }
}

/// The API refuses the present token, and a refresh brings another.
#[track_caller]
fn refuse_and_refresh(session: &mut Session, now: u64) {
    let bearer = bearer(session, at(now));
    let access = refuse(session, &bearer, 401, &[], at(now));
    let Some(Access::SendRequest(request)) = access else { panic!("at {now}: {access:?}") };
    let text = format!("AT{now}");
    let body = serde_json::json!({ "access_token": text, "token_type": "Bearer", "expires_in": 90_000 }).to_string();
    let answer = Event::ResponseReceived(request.id(), json(200, &body));
    assert!(matches!(session.handle(answer, at(now)), Ok(SessionAction::Save)));
}

/// An API that refuses everything has a new token made after a minute, two, four … an hour.
#[test]
fn an_api_that_refuses_every_token_gets_new_ones_more_and_more_rarely() {
    let mut session = session(client(), Some("RT0"));
    let mut now = 10;
    refuse_and_refresh(&mut session, now);
    for wait in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        let bearer = bearer(&mut session, at(now));
        for early in [now, now + wait - 1] {
            let access = refuse(&mut session, &bearer, 401, &[], at(early));
            assert!(matches!(access, Some(Access::LoginRequired(LoginRequired::TokenRefused))), "{early}: {access:?}");
        }
        now += wait;
        refuse_and_refresh(&mut session, now);
    }
    // Who has kept quiet for two hours begins anew.
    refuse_and_refresh(&mut session, now + 7200);
    refuse_and_refresh(&mut session, now + 7200 + 60);
}

/// Whatever the answer names, a 401 says that the token will not do; a 403 does not.
#[test]
fn any_401_is_worth_one_refresh() {
    let mut forbidden = session(client(), Some("RT0"));
    let bearer_of = bearer(&mut forbidden, at(10));
    let access = refuse(&mut forbidden, &bearer_of, 403, &["Bearer error=\"invalid_token\""], at(10));
    assert!(matches!(access, Some(Access::SendRequest(_))), "but it names the token: {access:?}");
    for lines in [
        &[][..],
        &["Basic realm=\"x\""],
        &["Bearer"],
        &["Bearer error=\"invalid_token"],
        &["DPoP error=\"invalid_dpop_proof\""],
        &["", "="],
    ] {
        let mut session = session(client(), Some("RT0"));
        let bearer = bearer(&mut session, at(10));
        let access = refuse(&mut session, &bearer, 403, lines, at(10));
        assert!(access.is_none(), "{lines:?}: {access:?}");
        let access = refuse(&mut session, &bearer, 401, lines, at(10));
        assert!(matches!(access, Some(Access::SendRequest(_))), "{lines:?}: {access:?}");
        let access = refuse(&mut session, &bearer, 401, lines, at(10));
        assert!(matches!(access, Some(Access::Wait(_))), "{lines:?}: {access:?}");
    }
}

/// Without a refresh token, the present one is all there is.
#[test]
fn a_refusal_marks_nothing_that_cannot_be_refreshed() {
    let mut session = session(client(), None);
    let bearer_of = bearer(&mut session, at(10));
    let access = refuse(&mut session, &bearer_of, 401, &[], at(10)).map(why);
    assert_eq!(access, Some(LoginRequired::NoRefreshToken));
    assert_eq!(bearer(&mut session, at(10)).token().reveal(), "AT0");
}

/// Which token was refused is told by its text: also of a bearer from before a restart.
#[test]
fn a_token_is_the_same_after_a_restart() {
    let mut before = session(client(), Some("RT0"));
    let bearer = bearer(&mut before, at(10));
    let mut after = Session::restore(client(), before.save().unwrap()).unwrap();
    assert!(matches!(refuse(&mut after, &bearer, 401, &[], at(10)), Some(Access::SendRequest(_))));
}

/// Whatever the API demands of the old token, the session is over.
#[test]
fn a_refusal_after_the_end_says_that_it_has_ended() {
    let lines = [
        "Bearer error=\"insufficient_scope\", scope=\"admin\"",
        "Bearer error=\"insufficient_user_authentication\", max_age=\"5\"",
        // Which is for a 401, and says what it says with any status.
        "Bearer error=\"invalid_token\"",
    ];
    let mut signed_out = session(client(), Some("RT0"));
    let bearer = bearer(&mut signed_out, at(10));
    assert!(matches!(signed_out.sign_out(SignOut::new()), SessionAction::SendRequest(_)));
    let mut ended = session(Client::new(crate::support::server(), "app", REDIRECT_URI).unwrap(), Some("RT0"));
    let id = refresh(&mut ended, at(3600));
    assert!(ended.handle(Event::ResponseReceived(id, json(400, INVALID_GRANT)), at(3600)).is_ok());
    for line in lines {
        let access = refuse(&mut signed_out, &bearer, 403, &[line], at(11)).map(why);
        assert_eq!(access, Some(LoginRequired::SignedOut), "{line}");
        let access = refuse(&mut ended, &bearer, 403, &[line], at(3601)).map(why);
        assert!(matches!(access, Some(LoginRequired::GrantEnded(_))), "{line}: {access:?}");
    }
    assert!(refuse(&mut signed_out, &bearer, 403, &[], at(11)).is_none(), "it says nothing about the token");
}
