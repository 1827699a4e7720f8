//! APIs that refuse tokens: one refresh for all who were refused, few for an API that is never content.

use oauth_proto::{Access, Bearer, Headers, LoginRequired, Secret, Session, SessionAction, Target, Tokens};

use crate::{answer, at, body, client, ready, request, told, JSON, REFUSED};

const DAY: u64 = 24 * 3600;

fn session(refresh_token: Option<&str>) -> Session {
    Session::new(client(), Tokens::from_parts(Secret::new("AT0"), refresh_token.map(Secret::new), None, "a b"))
}

fn renew(session: &mut Session, sent: &oauth_proto::Request, token: &str, now: u64) {
    let tokens = format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#);
    let action = session.handle(answer(sent.id(), 200, &JSON, &tokens), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
}

fn is_refused(access: Option<Access>) -> bool {
    matches!(access, Some(Access::LoginRequired(LoginRequired::TokenRefused)))
}

#[test]
fn all_who_were_refused_with_one_token_cause_one_refresh() {
    let mut session = session(Some("RT0"));
    let bearers: Vec<Bearer> = (0..100).map(|_| ready(session.access(at(0)))).collect();
    let refresh = request(session.refused(&bearers[0], 401, &REFUSED, at(10)).unwrap());
    for bearer in &bearers[1..50] {
        let access = session.refused(bearer, 401, &REFUSED, at(10));
        assert!(matches!(access, Some(Access::Wait(id)) if id == refresh.id()), "{access:?}");
        assert!(matches!(session.access(at(10)), Access::Wait(_)), "who comes now waits, too");
    }
    renew(&mut session, &refresh, "AT1", 11);
    for (seconds, bearer) in (0..).zip(&bearers[50..]) {
        let access = session.refused(bearer, 401, &REFUSED, at(11 + seconds * 1000));
        assert_eq!(ready(access.unwrap()).token().reveal(), "AT1");
    }
}

#[test]
fn a_second_refusal_of_a_fresh_token_is_for_that_caller_alone() {
    let mut session = session(Some("RT0"));
    let bearer = ready(session.access(at(0)));
    let refresh = request(session.refused(&bearer, 401, &REFUSED, at(10)).unwrap());
    renew(&mut session, &refresh, "AT1", 11);
    let fresh = ready(session.access(at(11)));
    for seconds in 11..70 {
        assert!(is_refused(session.refused(&fresh, 401, &REFUSED, at(seconds))), "{seconds}");
        assert_eq!(ready(session.access(at(seconds))).token().reveal(), "AT1", "{seconds}");
    }
    // Then it is worth another try.
    assert!(matches!(session.refused(&fresh, 401, &REFUSED, at(70)), Some(Access::SendRequest(_))));
}

/// The same text again is the token that was refused.
#[test]
fn a_server_that_gives_the_same_token_again_is_asked_no_more_often() {
    let mut session = session(Some("RT0"));
    let bearer = ready(session.access(at(0)));
    let refresh = request(session.refused(&bearer, 401, &REFUSED, at(10)).unwrap());
    renew(&mut session, &refresh, "AT0", 11);
    assert!(is_refused(session.refused(&bearer, 401, &REFUSED, at(11))));
    assert_eq!(ready(session.access(at(11))).token().reveal(), "AT0");
}

/// One route of the API refuses whatever comes, and is called every ten seconds; all others are content.
#[test]
fn a_route_that_refuses_every_token_all_day_costs_few_refreshes() {
    let mut session = session(Some("RT0"));
    let mut sent = Vec::new();
    for now in (0..DAY).step_by(10) {
        let bearer = ready(session.access(at(now)));
        match session.refused(&bearer, 401, &REFUSED, at(now)).unwrap() {
            Access::SendRequest(refresh) => {
                sent.push(now);
                renew(&mut session, &refresh, &format!("AT{now}"), now);
            }
            access => assert!(is_refused(Some(access))),
        }
        assert!(matches!(session.access(at(now)), Access::Ready(_)), "{now}");
    }
    assert_eq!(sent[..4], [0, 60, 180, 420], "a minute, two, four, and so on to an hour");
    assert!((24..=32).contains(&sent.len()), "{}", sent.len());
    // A day later it may have been set right, and all begins anew.
    let bearer = ready(session.access(at(2 * DAY)));
    let refresh = request(session.refused(&bearer, 401, &REFUSED, at(2 * DAY)).unwrap());
    renew(&mut session, &refresh, "AT", 2 * DAY);
    let bearer = ready(session.access(at(2 * DAY + 60)));
    assert!(matches!(session.refused(&bearer, 401, &REFUSED, at(2 * DAY + 60)), Some(Access::SendRequest(_))));
}

/// A clock that is set back shuts nobody out.
#[test]
fn a_pause_does_not_outlive_a_clock_that_is_set_back() {
    let mut session = session(Some("RT0"));
    for now in [1_000_000, 10] {
        let bearer = ready(session.access(at(now)));
        let refresh = request(session.refused(&bearer, 401, &REFUSED, at(now)).unwrap());
        renew(&mut session, &refresh, &format!("AT{now}"), now);
    }
}

/// The token that is all there is may do for another call.
#[test]
fn without_a_refresh_token_a_stray_401_is_forgotten() {
    let mut session = session(None);
    for now in [0, 1, 1000] {
        let bearer = ready(session.access(at(now)));
        let access = session.refused(&bearer, 401, &REFUSED, at(now));
        assert!(matches!(access, Some(Access::LoginRequired(LoginRequired::NoRefreshToken))), "{access:?}");
        assert_eq!(ready(session.access(at(now))).token().reveal(), "AT0");
    }
}

/// A 401 says that the token will not do, whatever else it says or does not.
#[test]
fn any_401_is_worth_a_refresh_whatever_it_says() {
    let many = vec![("WWW-Authenticate", "Negotiate"); 1000];
    let long = format!("Bearer realm=\"{}\"", "x".repeat(100_000));
    let octets = [("WWW-Authenticate", &b"Bearer realm=\xff"[..])];
    let refresh = |headers: Headers<'_>| {
        let mut session = session(Some("RT0"));
        let bearer = ready(session.access(at(0)));
        assert!(session.refused(&bearer, 403, headers, at(1)).is_none());
        for status in [200, 400, 402, 404, 407, 429, 500] {
            assert!(session.refused(&bearer, status, headers, at(1)).is_none(), "{status}");
        }
        body(&request(session.refused(&bearer, 401, headers, at(1)).unwrap())).contains("refresh_token=RT0")
    };
    for line in [
        "",
        "Basic realm=x",
        "Basic realm=\"x\", Digest realm=\"y\"",
        "Bearer",
        "Bearer error=\"invalid_request\"",
        "Bearer error=\"something_else\"",
        "Bearer realm=\"x\" error=\"invalid_token\"",
        "Bearer realm=a/b",
        "Bearer realm=\"never closed",
        "DPoP algs=\"ES256\"",
        "=,=,=",
        &long,
    ] {
        assert!(refresh(Headers::from(&told(line))), "{line}");
    }
    assert!(refresh(Headers::NONE) && refresh(Headers::from(&many)) && refresh(Headers::from(&octets)));
}

/// RFC 6750 §3.1 has `invalid_token` with 401; some APIs have it with 403, and mean the token as well.
#[test]
fn a_403_that_calls_the_token_invalid_is_worth_a_refresh() {
    let mut session = session(Some("RT0"));
    let bearer = ready(session.access(at(0)));
    assert!(session.refused(&bearer, 403, &told("Bearer error=\"invalid_request\""), at(1)).is_none());
    let refresh = request(session.refused(&bearer, 403, &REFUSED, at(1)).unwrap());
    renew(&mut session, &refresh, "AT1", 1);
    let bearer = ready(session.access(at(1)));
    assert!(is_refused(session.refused(&bearer, 403, &REFUSED, at(1))));
}

/// What comes after that many lines is not looked at, so that nobody has to.
#[test]
fn sixteen_challenge_lines_are_looked_at() {
    const DEMAND: &str = "Bearer error=\"insufficient_scope\", scope=\"c\"";
    for (before, is_seen) in [(0, true), (15, true), (16, false)] {
        let mut session = session(Some("RT0"));
        let bearer = ready(session.access(at(0)));
        let mut headers = vec![("www-authenticate", "Negotiate"); before];
        headers.push(("WWW-AUTHENTICATE", DEMAND));
        let access = session.refused(&bearer, 401, &headers, at(1));
        let demanded = matches!(access, Some(Access::LoginRequired(LoginRequired::InsufficientScope { .. })));
        assert_eq!(demanded, is_seen, "{before}: {access:?}");
    }
}

/// Each API has its own count.
#[test]
fn an_api_that_is_never_content_takes_no_refresh_from_the_others() {
    let mut session = session(Some("RT0"));
    let apis = ["urn:a:a", "urn:b:b"].map(|uri| Target::resource(uri).unwrap());
    for api in &apis {
        let refresh = request(session.access_for(api, at(0)));
        renew(&mut session, &refresh, "T", 0);
    }
    for api in &apis {
        let bearer = ready(session.access_for(api, at(1)));
        let refresh = request(session.refused(&bearer, 401, &REFUSED, at(1)).unwrap());
        renew(&mut session, &refresh, "T1", 1);
        let bearer = ready(session.access_for(api, at(1)));
        assert!(is_refused(session.refused(&bearer, 401, &REFUSED, at(1))));
    }
    let own = ready(session.access(at(2)));
    assert!(matches!(session.refused(&own, 401, &REFUSED, at(2)), Some(Access::SendRequest(_))));
}
