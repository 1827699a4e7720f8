//! What the server refuses for one API, and what it refuses for all.

use oauth_proto::{
    Access, AuthorizationRequest, Delivered, Error, Event, LoginRequired, Request, Secret, Session, SessionAction,
    SessionPhase, Target, Tokens,
};

use crate::{answer, at, body, client, later, log_in_with_scope, ready, request, GONE, JSON};

const HOUR: u64 = 3600;

fn session() -> Session {
    let tokens = Tokens::from_parts(Secret::new("OWN"), Some(Secret::new("RT0")), Some(at(100_000)), "a b");
    Session::new(client(), tokens)
}

fn api(index: usize) -> Target {
    Target::resource(&format!("https://api{index}.example.com/")).unwrap()
}

fn is_for(request: &Request, target: &Target) -> bool {
    let named = target.as_resource().map(|uri| uri.replace(':', "%3A").replace('/', "%2F"));
    named.map_or(!body(request).contains("resource="), |uri| body(request).contains(&format!("resource={uri}&")))
}

/// Gets a token for this target at this time.
fn fetch(session: &mut Session, target: &Target, token: &str, now: u64) {
    let refresh = request(session.access_for(target, at(now)));
    assert!(is_for(&refresh, target), "{}", body(&refresh));
    let tokens = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":0}}"#);
    let action = session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
}

/// What the server answers to a refresh for the first API at this time; for how long it is to be left alone.
fn refuse(session: &mut Session, status: u16, body: &str, now: u64) -> u64 {
    let refresh = request(session.access_for(&api(1), at(now)));
    later(session.handle(answer(refresh.id(), status, &JSON, body), at(now))) - now
}

/// RFC 8707 §2, RFC 6749 §5.2: it says nothing about the others. Three times in a row it may be a whim.
#[test]
fn a_target_that_the_server_refuses_waits_alone() {
    for error in ["access_denied", "invalid_request", "bad_verification_code"] {
        let mut session = session();
        let body = format!(r#"{{"error":"{error}"}}"#);
        let mut now = 100;
        for least in [1, 2] {
            let wait = refuse(&mut session, 400, &body, now);
            assert!((least..=2 * least).contains(&wait), "{error}: {wait}");
            let access = session.access_for(&api(1), at(now));
            assert!(matches!(access, Access::RetryAt(time) if time == at(now + wait)), "{error}: {access:?}");
            assert_eq!(session.last_error().map(Error::code), Some("oauth_error"));
            fetch(&mut session, &api(2), "T2", now);
            assert!(session.last_error().is_none());
            now += 100;
        }
        let wait = refuse(&mut session, 400, &body, now);
        assert!(crate::is_patient(HOUR, wait), "{error}: {wait}");
        for seconds in [0, 10, wait - 1] {
            let access = session.access_for(&api(1), at(now + seconds));
            let Access::Refused { error: Error::Refused(refused), retry_at } = &access else { panic!("{access:?}") };
            assert_eq!((refused.oauth_error(), *retry_at), (Some(error), Some(at(now + wait))));
            fetch(&mut session, &api(2), "T2", now + seconds);
        }
        // By itself it asks so seldom, and at once when it has been dealt with.
        assert!(crate::is_patient(HOUR, refuse(&mut session, 400, &body, now + wait)));
        session.ask_again();
        let wait = refuse(&mut session, 400, &body, now + wait + 1);
        assert!((1..=2).contains(&wait), "{error}: {wait}");
    }
}

/// No patience helps, but a login may.
#[test]
fn a_target_that_is_not_granted_takes_a_login() {
    for error in ["invalid_target", "invalid_scope"] {
        for status in [400, 401, 403] {
            let mut session = session();
            assert_eq!(refuse(&mut session, status, &format!(r#"{{"error":"{error}"}}"#), 100), 0);
            for seconds in [0, 100, HOUR - 1] {
                let access = session.access_for(&api(1), at(100 + seconds));
                let Access::LoginRequired(LoginRequired::TargetNotGranted { request }) = access else {
                    panic!("{error}: {access:?}")
                };
                assert_eq!(
                    (request.requested_scope(), request.resources()),
                    ("a b", &[api(1).as_resource().unwrap().to_owned()][..])
                );
                fetch(&mut session, &api(2), "T2", 100 + seconds);
            }
            assert_eq!(ready(session.access(at(200))).token().reveal(), "OWN");
        }
    }
}

/// What is wrong with the client, the server or the network is wrong for all.
#[test]
fn a_server_that_is_down_is_left_alone_by_all_targets() {
    for (status, body) in [
        (401, r#"{"error":"invalid_client"}"#),
        (400, r#"{"error":"invalid_client"}"#),
        (400, r#"{"error":"unauthorized_client"}"#),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (408, r#"{"error":"invalid_target"}"#),
        (429, ""),
        (503, r#"{"error":"invalid_target"}"#),
        (302, ""),
        (200, "<h1>log in to this network</h1>"),
        (204, ""),
    ] {
        let mut session = session();
        let wait = refuse(&mut session, status, body, 10);
        assert!((1..=2).contains(&wait), "{status} {body}: {wait}");
        let access = session.access_for(&api(2), at(10));
        assert!(matches!(access, Access::RetryAt(time) if time == at(10 + wait)), "{status} {body}: {access:?}");
        assert_eq!(ready(session.access(at(10))).token().reveal(), "OWN");
        assert!(matches!(session.access_for(&api(2), at(10 + wait)), Access::SendRequest(_)), "{status} {body}");
    }
}

/// The wait of one target is over when it is tried, and forgotten when it has worked.
#[test]
fn a_target_that_works_again_has_waited_enough() {
    let mut session = session();
    let body = r#"{"error":"access_denied"}"#;
    assert!((1..=2).contains(&refuse(&mut session, 403, body, 100)));
    assert!((2..=4).contains(&refuse(&mut session, 403, body, 200)));
    let refresh = request(session.access_for(&api(1), at(204)));
    assert_eq!(later(session.handle(Event::SendFailed(refresh.id(), Delivered::No), at(204))), 204);
    fetch(&mut session, &api(1), "T1", 204);
    assert!((1..=2).contains(&refuse(&mut session, 403, body, 300)));
}

/// An authorization request names one audience, so no login brings another one in.
#[test]
fn no_login_is_asked_for_an_audience_that_the_server_refuses() {
    for error in ["invalid_target", "invalid_grant"] {
        let mut session = session();
        let target = Target::audience("https://api.example.com").unwrap();
        let refresh = request(session.access_for(&target, at(10)));
        let refusal = format!(r#"{{"error":"{error}"}}"#);
        assert_eq!(later(session.handle(answer(refresh.id(), 400, &JSON, &refusal), at(10))), 10);
        if error == "invalid_grant" {
            fetch_own(&mut session, &target, 10);
        }
        let access = session.access_for(&target, at(11));
        let Access::Refused { retry_at: Some(retry_at), .. } = access else { panic!("{error}: {access:?}") };
        assert!(matches!(session.access_for(&target, retry_at), Access::SendRequest(_)), "the policies may change");
    }
}

/// Whoever asks for this target gets the login's own refresh to send, and it brings tokens.
fn fetch_own(session: &mut Session, asked: &Target, now: u64) {
    let own = request(session.access_for(asked, at(now)));
    assert!(is_for(&own, &Target::own()) && !body(&own).contains("audience="), "{}", body(&own));
    let tokens = r#"{"access_token":"OWN1","token_type":"Bearer","expires_in":90000,"refresh_token":"RT1"}"#;
    assert!(matches!(session.handle(answer(own.id(), 200, &JSON, tokens), at(now)), Ok(SessionAction::Save)));
}

/// Some servers say it of the target, and the grant lives: its own refresh tells.
#[test]
fn an_invalid_grant_for_one_target_is_decided_by_the_logins_own_refresh() {
    for asked in [1, 2] {
        let mut session = session();
        assert_eq!(refuse(&mut session, 400, GONE, 10), 0);
        assert_eq!(session.phase(), SessionPhase::Active);
        assert!(session.save().is_some());
        assert_eq!(ready(session.access(at(10))).token().reveal(), "OWN", "it is good yet");
        // Whoever needs another token next.
        fetch_own(&mut session, &api(asked), 10);
        fetch(&mut session, &api(2), "T2", 11);
        let access = session.access_for(&api(1), at(11));
        assert!(matches!(access, Access::LoginRequired(LoginRequired::TargetNotGranted { .. })), "{access:?}");
        assert_eq!(ready(session.access(at(11))).token().reveal(), "OWN1");

        // Or it does not live.
        let mut session = self::session();
        assert_eq!(refuse(&mut session, 400, GONE, 10), 0);
        let own = request(session.access_for(&api(asked), at(10)));
        let action = session.handle(answer(own.id(), 400, &JSON, GONE), at(10));
        assert!(matches!(action, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))), "{action:?}");
        assert!(session.save().is_none());
    }
}

/// Nor does a server that is down decide it: the own refresh is asked for again, and nothing else.
#[test]
fn a_doubt_lasts_until_the_own_refresh_is_answered() {
    let mut session = session();
    assert_eq!(refuse(&mut session, 400, GONE, 10), 0);
    let mut now = 10;
    for _ in 0..3 {
        let own = request(session.access_for(&api(2), at(now)));
        assert!(is_for(&own, &Target::own()), "{}", body(&own));
        assert!(matches!(session.access_for(&api(3), at(now)), Access::Wait(id) if id == own.id()));
        now = later(session.handle(answer(own.id(), 503, &[], ""), at(now)));
    }
    fetch_own(&mut session, &api(3), now);
    fetch(&mut session, &api(3), "T3", now);
}

/// Microsoft Entra ID: one login is for the scopes of several APIs, and the answer names those of one.
#[test]
fn a_target_that_the_login_asked_for_is_asked_for_before_it_is_called_not_granted() {
    let wanted = AuthorizationRequest::new().scope("api://one/read api://two/read offline_access");
    let login = || log_in_with_scope(&wanted, "AT", Some("api://one/read"), 1000);
    let two = Target::own().scope("api://two/read").unwrap();
    let mut session = login();
    let refresh = request(session.access_for(&two, at(1001)));
    assert!(body(&refresh).contains("&scope=api%3A%2F%2Ftwo%2Fread&"), "{}", body(&refresh));
    let tokens = r#"{"access_token":"T2","token_type":"Bearer","scope":"api://two/read"}"#;
    assert!(matches!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(1001)), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access_for(&two, at(1002))).token().reveal(), "T2");
    assert_eq!(session.scope(), "api://one/read");
    // If the server would not give it, another login that asks for it is a circle, until some time has passed.
    let mut session = login();
    let refresh = request(session.access_for(&two, at(1001)));
    let refusal = r#"{"error":"invalid_scope"}"#;
    assert_eq!(later(session.handle(answer(refresh.id(), 400, &JSON, refusal), at(1001))), 1001);
    let access = session.access_for(&two, at(1002));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::DemandNotMet)), "{access:?}");
    let access = session.access_for(&two, at(1600));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::TargetNotGranted { .. })), "{access:?}");
    // What nobody asked for is not asked for: some servers use the refresh token up before they refuse.
    let access = session.access_for(&Target::own().scope("api://three/read").unwrap(), at(1600));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::TargetNotGranted { .. })), "{access:?}");
    let named = AuthorizationRequest::new().scope("a").resource("urn:a:b").resource("urn:c:d");
    let access = crate::log_in(&named, "AT", 1000).access_for(&Target::resource("urn:e:f").unwrap(), at(1001));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::TargetNotGranted { .. })), "{access:?}");
}

/// OpenID Connect Core §11, §12: every login has them, and servers do not always say so.
#[test]
fn a_target_may_name_the_scopes_of_every_login() {
    for scope in ["openid", "offline_access", "openid offline_access a"] {
        let target = Target::own().scope(scope).unwrap();
        let refresh = request(session().access_for(&target, at(10)));
        let sent = format!("&scope={}&", target.as_scope().unwrap().replace(' ', "+"));
        assert!(body(&refresh).contains(&sent), "{}", body(&refresh));
    }
}
