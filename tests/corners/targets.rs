//! Several APIs by one refresh token.

use std::collections::BTreeSet;

use oauth_proto::{
    Access, AuthorizationRequest, Delivered, Event, LoginRequired, RestoreError, SavedSession, Secret, Session,
    SessionAction, SessionPhase, Target, Tokens,
};

use crate::{answer, at, authorization, body, builder, client, log_in, ready, request, told, JSON, REFUSED};

fn session() -> Session {
    let tokens = Tokens::from_parts(Secret::new("OWN"), Some(Secret::new("RT0")), Some(at(100_000)), "a b");
    Session::new(client(), tokens)
}

fn api(index: usize) -> Target {
    Target::resource(&format!("https://api{index}.example.com/")).unwrap()
}

/// Gets a token for this target at this time, which lives as long as the text says.
fn fetch(session: &mut Session, target: &Target, token: &str, expires_in: &str, now: u64) {
    let refresh = request(session.access_for(target, at(now)));
    let tokens = format!(r#"{{"access_token":"{token}","token_type":"Bearer"{expires_in}}}"#);
    let action = session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
}

fn others(session: &Session) -> Vec<serde_json::Value> {
    serde_json::to_value(session.save()).unwrap()["others"].as_array().unwrap().clone()
}

/// An app that makes up targets must not fill the memory, nor the store.
#[test]
fn of_many_tokens_the_one_that_expires_first_makes_room() {
    let mut session = session();
    for index in 0..64 {
        // The eleventh is the one that is gone first.
        let expires_in = if index == 10 { 1000 } else { 2000 + index };
        fetch(&mut session, &api(index), &format!("T{index}"), &format!(r#","expires_in":{expires_in}"#), 10);
    }
    assert_eq!(others(&session).len(), 64);
    fetch(&mut session, &api(64), "T64", "", 11);
    assert_eq!(others(&session).len(), 64);
    for index in (0..65).filter(|index| *index != 10) {
        assert_eq!(ready(session.access_for(&api(index), at(12))).token().reveal(), format!("T{index}"));
    }
    // The next that is asked for takes the place of the first to go, whether it gets a token or not.
    let refresh = request(session.access_for(&api(10), at(12)));
    assert!(session.handle(Event::SendFailed(refresh.id(), Delivered::No), at(12)).is_ok());
    assert!(matches!(session.access_for(&api(0), at(12)), Access::SendRequest(_)));
}

#[test]
fn a_form_with_more_tokens_than_are_kept_is_damaged() {
    let mut session = session();
    fetch(&mut session, &api(0), "T", "", 10);
    let restore = |count: usize| {
        let mut form = serde_json::to_value(session.save()).unwrap();
        let other = form["others"][0].clone();
        let others = (0..count).map(|index| {
            let mut other = other.clone();
            other["resource"] = api(index).as_resource().unwrap().into();
            other
        });
        form["others"] = others.collect();
        Session::restore(client(), serde_json::from_value::<SavedSession>(form).unwrap())
    };
    assert_eq!(others(&restore(64).unwrap()).len(), 64);
    assert_eq!(restore(65).unwrap_err(), RestoreError::Malformed);
}

/// Whoever waits for a target that others have pushed out gets its token all the same.
#[test]
fn a_refresh_for_a_target_that_was_pushed_out_brings_its_token() {
    let mut session = session();
    let refresh = request(session.access_for(&api(0), at(10)));
    for index in 1..80 {
        assert!(matches!(session.access_for(&api(index), at(10)), Access::Wait(id) if id == refresh.id()));
    }
    let tokens = r#"{"access_token":"T0","token_type":"Bearer"}"#;
    assert!(matches!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(11)), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access_for(&api(0), at(11))).token().reveal(), "T0");
}

#[test]
fn no_lifetime_makes_a_circle_of_several_targets() {
    for expires_in in ["", r#","expires_in":0"#, r#","expires_in":1"#, r#","expires_in":18446744073709551615"#] {
        let tokens = Tokens::from_parts(Secret::new("OWN"), Some(Secret::new("RT0")), Some(at(0)), "a");
        let mut session = Session::new(client(), tokens);
        let targets = [Target::own(), api(1), api(2), Target::own().scope("a").unwrap()];
        for now in [1_000, 1_001] {
            let mut sent = 0;
            for round in 0..10 {
                for target in &targets {
                    if let Access::SendRequest(refresh) = session.access_for(target, at(now)) {
                        sent += 1;
                        let tokens = format!(r#"{{"access_token":"T{now}-{sent}","token_type":"Bearer"{expires_in}}}"#);
                        assert!(session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(now)).is_ok());
                    }
                    assert!(matches!(session.access_for(target, at(now)), Access::Ready(_)), "round {round}");
                }
            }
            assert_eq!(sent, if now == 1_000 { targets.len() } else { 0 }, "{expires_in:?} at {now}");
        }
    }
}

#[test]
fn a_refresh_for_one_api_leaves_the_others_alone() {
    let mut session = session();
    fetch(&mut session, &api(1), "T1", r#","expires_in":1000"#, 10);
    let refresh = request(session.access_for(&api(2), at(20)));
    assert_eq!(session.phase(), SessionPhase::Refreshing);
    assert_eq!(ready(session.access(at(20))).token().reveal(), "OWN");
    assert_eq!(ready(session.access_for(&api(1), at(20))).token().reveal(), "T1");
    // One refresh at a time, since the refresh token may be replaced by it.
    assert!(matches!(session.access_for(&api(3), at(20)), Access::Wait(id) if id == refresh.id()));
    let tokens = r#"{"access_token":"T2","token_type":"Bearer","refresh_token":"RT1","scope":"b"}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(21)).is_ok());
    assert_eq!(ready(session.access(at(21))).token().reveal(), "OWN");
    assert_eq!(session.scope(), "a b");
    assert!(body(&request(session.access_for(&api(3), at(21)))).contains("refresh_token=RT1&resource="));
}

/// RFC 9700 §4.9.1: what is for one API is not for another one.
#[test]
fn a_token_goes_to_the_origins_of_its_own_api() {
    let [a, b] = [Target::resource("urn:a:a").unwrap(), Target::audience("b").unwrap()];
    let client = builder()
        .api_origin_for(&a, "https://a.example.com")
        .api_origin_for(&b, "https://b.example.com:8443")
        .api_origin_for(&Target::own(), "https://own.example.com")
        .build()
        .unwrap();
    let tokens = Tokens::from_parts(Secret::new("OWN"), Some(Secret::new("RT0")), None, "a");
    let mut session = Session::new(client, tokens);
    let narrow = a.clone().scope("a").unwrap();
    for (target, token) in [(&a, "A"), (&b, "B"), (&narrow, "AN")] {
        fetch(&mut session, target, token, "", 10);
    }
    for (target, origin) in [
        (&a, "https://a.example.com"),
        (&narrow, "https://a.example.com"),
        (&b, "https://b.example.com:8443"),
        (&Target::own(), "https://own.example.com"),
    ] {
        let bearer = ready(session.access_for(target, at(10)));
        for other in
            ["https://a.example.com", "https://b.example.com:8443", "https://own.example.com", "https://b.example.com"]
        {
            let allowed = authorization(&bearer, &format!("{other}/x")).is_ok();
            assert_eq!(allowed, other == origin, "{target:?} at {other}");
        }
        // For all of them, as the client says.
        assert!(authorization(&bearer, "https://api.example.com/me").is_ok());
    }
    assert!(builder().api_origin_for(&a, "https://a.example.com/v1").build().is_err());
}

#[test]
fn an_api_that_refuses_every_token_ends_nothing_for_the_others() {
    let mut session = session();
    fetch(&mut session, &api(1), "T1", "", 10);
    fetch(&mut session, &api(2), "T2", "", 10);
    let bearer = ready(session.access_for(&api(1), at(11)));
    let refresh = request(session.refused(&bearer, 401, &REFUSED, at(11)).unwrap());
    assert!(body(&refresh).contains("resource=https%3A%2F%2Fapi1.example.com%2F"), "{}", body(&refresh));
    let tokens = r#"{"access_token":"T1x","token_type":"Bearer"}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(11)).is_ok());
    // Who was refused with the older one gets the newer one.
    assert_eq!(ready(session.refused(&bearer, 401, &REFUSED, at(12)).unwrap()).token().reveal(), "T1x");
    let bearer = ready(session.access_for(&api(1), at(12)));
    for _ in 0..2 {
        let access = session.refused(&bearer, 401, &REFUSED, at(12));
        assert!(matches!(access, Some(Access::LoginRequired(LoginRequired::TokenRefused))), "{access:?}");
    }
    assert_eq!(session.phase(), SessionPhase::Active);
    assert_eq!(ready(session.access_for(&api(2), at(12))).token().reveal(), "T2");
    assert_eq!(ready(session.access(at(12))).token().reveal(), "OWN");
    assert!(matches!(session.access_for(&api(3), at(12)), Access::SendRequest(_)));
}

/// The same text for another API is another token.
#[test]
fn a_refusal_is_about_the_api_that_the_token_was_asked_for() {
    let mut session = session();
    for index in [1, 2] {
        fetch(&mut session, &api(index), "SAME", "", 10);
    }
    let bearer = ready(session.access_for(&api(1), at(11)));
    assert!(matches!(session.refused(&bearer, 401, &REFUSED, at(11)), Some(Access::SendRequest(_))));
    assert_eq!(ready(session.access_for(&api(2), at(11))).token().reveal(), "SAME");
}

/// RFC 6750 §3.1: the token is narrower than the grant, and that was the app's own wish.
#[test]
fn a_wider_target_needs_no_login() {
    let lines = |scope: &str| format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    let mut session = session();
    let narrow = api(1).scope("a").unwrap();
    fetch(&mut session, &narrow, "T1", "", 10);
    let bearer = ready(session.access_for(&narrow, at(11)));
    for (scope, is_the_callers) in [("b", true), ("a b", true), ("a", false), ("c", false), ("b c", false)] {
        let access = session.refused(&bearer, 403, &told(&lines(scope)), at(11));
        assert_eq!(access.is_none(), is_the_callers, "{scope}: {access:?}");
        let login = matches!(access, Some(Access::LoginRequired(LoginRequired::InsufficientScope { .. })));
        assert_eq!(login, !is_the_callers, "{scope}: {access:?}");
    }
    fetch(&mut session, &api(1), "T1-wide", "", 12);
    assert_eq!(ready(session.access_for(&api(1), at(13))).token().reveal(), "T1-wide");
    // The login's own is as wide as the grant.
    let bearer = ready(session.access(at(11)));
    assert!(session.refused(&bearer, 403, &told(&lines("b")), at(11)).is_some());
}

#[test]
fn a_scope_is_a_set() {
    let mut session = session();
    fetch(&mut session, &Target::own().scope("b a").unwrap(), "T", "", 10);
    assert_eq!(ready(session.access_for(&Target::own().scope("a b a").unwrap(), at(11))).token().reveal(), "T");
    let texts = ["", " ", "a  b", "a ", "a\tb", "\"", "\u{e9}"];
    assert!(texts.iter().all(|scope| Target::own().scope(scope).is_err()));
    for (resource, audience) in [("x", ""), ("https://a.example/#", "a\nb"), ("https://a.example/ ", "\0")] {
        assert!(Target::resource(resource).is_err() && Target::audience(audience).is_err(), "{resource}");
    }
}

/// A login that names APIs has its own token for the first one (RFC 8707 §2.2), and Auth0's for its audience.
#[test]
fn the_logins_own_api_by_its_name_is_the_own_token() {
    let request_of = |own: AuthorizationRequest| own.scope("a").resource("urn:a:b").resource("urn:c:d").audience("me");
    let mut session = log_in(&request_of(AuthorizationRequest::new()), "OWN", 10);
    let named = [Target::resource("urn:a:b").unwrap(), Target::audience("me").unwrap()];
    for target in &named {
        let bearer = ready(session.access_for(target, at(11)));
        assert_eq!((bearer.token().reveal(), bearer.target()), ("OWN", target));
        // It is one token by several names.
        let access = session.refused(&bearer, 401, &REFUSED, at(11));
        assert!(matches!(access, Some(Access::SendRequest(_) | Access::Wait(_))), "{access:?}");
        session = log_in(&request_of(AuthorizationRequest::new()), "OWN", 10);
    }
    let other = Target::resource("urn:c:d").unwrap();
    assert!(body(&request(session.access_for(&other, at(11)))).contains("&resource=urn%3Ac%3Ad&"));
    // With a narrower scope it is another token.
    let mut session = log_in(&request_of(AuthorizationRequest::new()), "OWN", 10);
    let narrow = named[0].clone().scope("a").unwrap();
    assert!(body(&request(session.access_for(&narrow, at(11)))).contains("&scope=a&resource=urn%3Aa%3Ab&"));
}

#[test]
fn targets_that_look_alike_are_several() {
    let alike = [
        Target::own(),
        Target::own().scope("a").unwrap(),
        Target::resource("urn:a:b").unwrap(),
        Target::audience("urn:a:b").unwrap(),
        Target::resource("urn:a:b").unwrap().scope("a").unwrap(),
        Target::resource("urn:a:b/").unwrap(),
    ];
    let mut session = session();
    for (index, target) in alike.iter().enumerate().skip(1) {
        fetch(&mut session, target, &format!("T{index}"), "", 10);
    }
    let tokens: BTreeSet<String> =
        alike.iter().map(|target| ready(session.access_for(target, at(11))).token().reveal().to_owned()).collect();
    assert_eq!(tokens.len(), alike.len());
}
