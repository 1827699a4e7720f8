//! APIs that demand another login, and the end of asking again.

use base64ct::{Base64Url, Encoding};
use oauth_proto::{Access, Action, AuthorizationRequest, Event, Login, LoginRequired, Session, Target};

use crate::{answer, at, client, entropy, log_in, log_in_after_a_restart, ready, request, told, JSON};

const MORE: &str = "Bearer error=\"insufficient_scope\", scope=\"admin\"";
const AT_ONCE: &str = "Bearer error=\"insufficient_user_authentication\", max_age=\"0\"";
const GOLD: &str = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\"";
const SILVER: &str = "Bearer error=\"insufficient_user_authentication\", acr_values=\"silver\"";

/// What the API's answer to the present token means.
fn demand(session: &mut Session, line: &str, now: u64) -> LoginRequired {
    // Long before its expiry.
    let bearer = ready(session.access(at(0)));
    match session.refused(&bearer, 403, &told(line), at(now)) {
        Some(Access::LoginRequired(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn request_of(why: &LoginRequired) -> AuthorizationRequest {
    match why {
        LoginRequired::InsufficientScope { request, .. }
        | LoginRequired::StepUp { request, .. }
        | LoginRequired::TargetNotGranted { request } => AuthorizationRequest::clone(request),
        other => panic!("{other:?}"),
    }
}

fn url_of(request: &AuthorizationRequest) -> String {
    let mut login = Login::new(client(), request.clone()).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy()), at(0)) else { panic!() };
    url.into_string()
}

/// How many logins are made, one right after the other, until it is seen that they do not help.
fn logins(line: &str, between: u64) -> Option<u32> {
    let mut now = 10_000;
    let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", now);
    for logins in 0..6 {
        let why = demand(&mut session, line, now);
        if why == LoginRequired::DemandNotMet {
            return Some(logins);
        }
        now += between;
        session = log_in(&request_of(&why), &format!("AT{logins}"), now);
        now += between;
    }
    None
}

#[test]
fn an_api_that_is_never_content_costs_the_user_one_login() {
    for line in [MORE, GOLD, AT_ONCE] {
        assert_eq!(logins(line, 5), Some(1), "{line}");
    }
    // What is wanted is not said, so there is nothing to ask for.
    assert_eq!(logins("Bearer error=\"insufficient_scope\"", 5), Some(0));
    assert_eq!(logins("Bearer error=\"insufficient_user_authentication\"", 5), Some(0));
}

/// Each is met by the login that is made for it, which does not meet the other: the user goes from one to the other.
#[test]
fn two_apis_that_want_different_authentications_are_no_circle() {
    let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 10_000);
    for round in 0..6 {
        let why = demand(&mut session, [GOLD, SILVER][round % 2], 10_000);
        let request = request_of(&why);
        assert!(url_of(&request).contains(["acr_values=gold", "acr_values=silver"][round % 2]));
        session = log_in(&request, &format!("AT{round}"), 10_000);
    }
}

/// One login gives both, or neither.
#[test]
fn two_demands_that_one_login_asks_for_come_to_an_end() {
    let either = ["acr_values=\"a b\"", "acr_values=\"b a\""]
        .map(|values| format!("Bearer error=\"insufficient_user_authentication\", {values}"));
    for (lines, most) in [([MORE, GOLD], 2), ([&either[0], &either[1]], 1), ([AT_ONCE, MORE], 2)] {
        let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 10_000);
        let mut logins = 0;
        loop {
            let why = demand(&mut session, lines[logins % 2], 10_000);
            if why == LoginRequired::DemandNotMet {
                break;
            }
            session = log_in(&request_of(&why), &format!("AT{logins}"), 10_000);
            logins += 1;
        }
        assert_eq!(logins, most, "{lines:?}");
    }
}

/// The app may want a more recent login than the API does.
#[test]
fn the_stricter_age_counts() {
    for (own, demanded, asked) in [(100, 3600, "max_age=100"), (3600, 100, "max_age=100")] {
        let mut session = log_in(&AuthorizationRequest::new().scope("read").max_age(own), "AT", 10);
        let line = format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{demanded}\"");
        // A moment after the login, one that was stricter is not asked for again.
        assert_eq!(demand(&mut session, &line, 11) == LoginRequired::DemandNotMet, own < demanded);
        let url = url_of(&request_of(&demand(&mut session, &line, 700)));
        assert_eq!(url.split('&').filter(|pair| pair.starts_with("max_age=")).collect::<Vec<_>>(), [asked]);
    }
}

/// Then it is a demand of its own again: a user who works all day may have to log in for it several times, and one who made
/// a mistake, or said no, may try again soon after.
#[test]
fn after_ten_minutes_a_demand_is_a_new_one() {
    for line in [MORE, GOLD] {
        assert_eq!(logins(line, 599), Some(1), "{line}");
        assert_eq!(logins(line, 600), None, "{line}");
    }
    // More than a minute ago is not recent.
    assert_eq!(logins(AT_ONCE, 59), Some(1));
    assert_eq!(logins(AT_ONCE, 60), None);
}

/// What was asked for goes with the request, through the saved login and the saved session.
#[test]
fn a_restart_does_not_forget_what_the_login_asked_for() {
    for line in [MORE, GOLD, AT_ONCE] {
        let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 100);
        let request = request_of(&demand(&mut session, line, 100));
        let session = log_in_after_a_restart(&request, "AT1", 100);
        let mut session = Session::restore(client(), session.save().unwrap()).unwrap();
        assert_eq!(demand(&mut session, line, 101), LoginRequired::DemandNotMet, "{line}");
    }
}

/// The login is in the future, or nobody knows when it was.
#[test]
fn a_clock_that_is_wrong_ends_no_demand() {
    for line in [MORE, GOLD, AT_ONCE] {
        let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 1_000_000);
        session = log_in(&request_of(&demand(&mut session, line, 1_000_000)), "AT1", 1_000_000);
        assert_eq!(demand(&mut session, line, 999_980), LoginRequired::DemandNotMet, "threads read it: {line}");
        for now in [10, u64::MAX / 2] {
            let why = demand(&mut session, line, now);
            assert!(url_of(&request_of(&why)).starts_with("https://as.example.com/authorize?"), "{line} at {now}");
            // And the next one is the last.
            let mut next = log_in(&request_of(&why), "AT2", now);
            assert_eq!(demand(&mut next, line, now), LoginRequired::DemandNotMet, "{line} at {now}");
        }
    }
}

#[cfg(feature = "openid")]
#[test]
fn a_new_login_asks_for_all_that_the_old_one_did_but_what_is_said_once() {
    let request = AuthorizationRequest::new()
        .scope("openid offline_access read")
        .audience("https://api.example.com")
        .resource("urn:a:b")
        .acr_values("silver")
        .max_age(900)
        .parameter("tenant", "7")
        .invitation("INV")
        .parameter("screen_hint", "signup")
        .prompt("login");
    let mut session = log_in(&request, "AT", 10);
    let again = |request: &AuthorizationRequest| {
        let url = url_of(request);
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
        move |name: &str| -> Vec<String> {
            pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
        }
    };
    let plain = again(&session.authorization_request().unwrap());
    let widened = again(&request_of(&demand(&mut session, MORE, 11)));
    let stronger = again(&request_of(&demand(&mut session, GOLD, 11)));
    for (values, acr_values, scope) in [
        (&plain as &dyn Fn(&str) -> Vec<String>, "silver", "openid offline_access read"),
        (&widened, "silver", "openid offline_access read admin"),
        (&stronger, "gold", "openid offline_access read"),
    ] {
        let mut tokens: Vec<String> = values("scope")[0].split(' ').map(str::to_owned).collect();
        let mut expected: Vec<&str> = scope.split(' ').collect();
        tokens.sort();
        expected.sort_unstable();
        assert_eq!(tokens, expected);
        assert_eq!(values("acr_values"), [acr_values]);
        for (name, value) in
            [("audience", "https://api.example.com"), ("resource", "urn:a:b"), ("max_age", "900"), ("tenant", "7")]
        {
            assert_eq!(values(name), [value], "{name}");
        }
        for name in ["invitation", "screen_hint", "prompt"] {
            assert!(values(name).is_empty(), "{name}: {:?}", values(name));
        }
    }
}

/// A demand about a token that has been replaced meanwhile may be met by the new one.
#[test]
fn a_demand_about_the_token_of_before_gives_the_newer_one() {
    let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 10);
    let bearer = ready(session.access(at(11)));
    let refresh = request(session.access(at(9000)));
    let tokens = r#"{"access_token":"NEW","token_type":"Bearer","expires_in":3600,"scope":"read admin"}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(9000)).is_ok());
    for line in [MORE, GOLD, AT_ONCE] {
        let access = session.refused(&bearer, 403, &told(line), at(9001)).unwrap();
        assert_eq!(ready(access).token().reveal(), "NEW", "{line}");
    }
}

/// What an API writes is no scope because it says so.
#[test]
fn what_is_no_scope_is_not_asked_for() {
    let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 10);
    let line = "Bearer error=\"insufficient_scope\", scope=\"ad\\\\min  \\\"x\\\" ok\"";
    let request = request_of(&demand(&mut session, line, 11));
    assert_eq!(request.requested_scope(), "read ok");
}

/// A target that was not granted is like an API's demand: one login is made for it.
#[test]
fn a_target_that_is_never_granted_costs_one_login() {
    let target = Target::own().scope("admin").unwrap();
    let session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 10);
    let why = not_granted({ session }.access_for(&target, at(11)));
    // The server grants `read` alone, whatever is asked for; but a server may say so of one API alone, so it is asked.
    let mut session = crate::log_in_with_scope(&request_of(&why), "AT1", Some("read"), 11);
    let refresh = request(session.access_for(&target, at(12)));
    assert!(session.handle(answer(refresh.id(), 400, &JSON, r#"{"error":"invalid_scope"}"#), at(12)).is_ok());
    assert_eq!(not_granted(session.access_for(&target, at(12))), LoginRequired::DemandNotMet);
    assert!(matches!(session.access(at(12)), Access::Ready(_)));
    // Ten minutes later the user may have another mind.
    assert_eq!(request_of(&not_granted(session.access_for(&target, at(611)))).requested_scope(), "read admin");
}

fn not_granted(access: Access) -> LoginRequired {
    let Access::LoginRequired(why) = access else { panic!("{access:?}") };
    why
}

/// Microsoft Entra ID's continuous access evaluation: its claims go into the authorization request as they are.
#[test]
fn a_claims_challenge_leads_to_a_login_with_these_claims() {
    const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let challenge = |claims: &str| {
        let encoded = Base64Url::encode_string(claims.as_bytes());
        format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{encoded}\"")
    };
    let own = AuthorizationRequest::new().scope("read").parameter("claims", r#"{"userinfo":{}}"#);
    for wanted in [AuthorizationRequest::new().scope("read"), own] {
        let mut session = log_in(&wanted, "AT", 100);
        let why = demand(&mut session, &challenge(CLAIMS), 100);
        let LoginRequired::StepUp { claims: Some(claims), acr_values: None, max_age: None, .. } = &why else {
            panic!("{why:?}")
        };
        assert_eq!(claims.as_str(), CLAIMS);
        let request = request_of(&why);
        let query = url_of(&request).split_once('?').unwrap().1.to_owned();
        let sent: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "claims").collect();
        assert_eq!(sent, [("claims".into(), CLAIMS.into())]);
        // The same again is a circle, and so are other claims at once: they may name the time. A minute later they are not.
        let mut session = log_in(&request, "AT1", 101);
        let other = CLAIMS.replace("c1", "c2");
        for claims in [CLAIMS, &other] {
            assert_eq!(demand(&mut session, &challenge(claims), 101), LoginRequired::DemandNotMet);
        }
        assert_eq!(demand(&mut session, &challenge(CLAIMS), 161), LoginRequired::DemandNotMet);
        assert!(url_of(&request_of(&demand(&mut session, &challenge(&other), 161))).contains("c2"));
    }
}

/// Whatever an API writes, the login that it leads to can be made, and is not made for ever.
#[test]
fn odd_demands_lead_to_logins_that_can_be_made_and_end() {
    let mut endless = Vec::new();
    for parameters in [
        "error=\"insufficient_scope\", scope=\"\"",
        "error=\"insufficient_scope\", scope=\" \"",
        "error=\"insufficient_scope\", scope=\"ad\\\\min\"",
        "error=\"insufficient_scope\", scope=\"ad\\\"min read\"",
        "error=\"insufficient_scope\", scope=\"ok\tad\u{e9}min\"",
        "error=\"insufficient_scope\", scope=\"admin admin  admin\"",
        "error=\"insufficient_user_authentication\"",
        "error=\"insufficient_user_authentication\", acr_values=\"\"",
        "error=\"insufficient_user_authentication\", acr_values=\" \"",
        "error=\"insufficient_user_authentication\", acr_values=\"a\tb\u{e9}\"",
        "error=\"insufficient_user_authentication\", acr_values=\"gold  silver \"",
        "error=\"insufficient_user_authentication\", max_age=\"\"",
        "error=\"insufficient_user_authentication\", max_age=\"-1\"",
        "error=\"insufficient_user_authentication\", max_age=\"99999999999999999999\"",
        "error=\"insufficient_user_authentication\", max_age=\"18446744073709551615\"",
        "error=\"insufficient_user_authentication\", acr_values=\"\", max_age=\"0\"",
        "error=\"insufficient_claims\", claims=\"e30=\"",
    ] {
        let line = format!("Bearer {parameters}");
        // Not a moment after the login, when what was asked for already is not asked for again.
        let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 100);
        let bearer = ready(session.access(at(100)));
        let access = session.refused(&bearer, 401, &told(&line), at(1000));
        let Some(Access::LoginRequired(why)) = access else { panic!("{line}: {access:?}") };
        assert!(request_of(&why).check().is_ok(), "{line}");
        assert!(url_of(&request_of(&why)).len() < 500, "{line}");
        if logins(&line, 5).is_none_or(|count| count > 1) {
            endless.push(line);
        }
    }
    assert!(endless.is_empty(), "{endless:#?}");
}

/// What the app lets no API demand leads to no login, and what it does is all that goes into one.
#[test]
fn an_api_brings_into_a_login_what_it_may_and_no_more() {
    let client = || crate::builder().demandable_scope("admin read").build().unwrap();
    let mut session = crate::log_in_to(client(), &AuthorizationRequest::new().scope("read"), "AT", 10_000);
    for (scope, asked) in [("admin", Some("read admin")), ("admin delete", Some("read admin")), ("delete", None)] {
        let line = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        let why = demand(&mut session, &line, 10_000);
        assert_eq!(why.request().map(|request| request.requested_scope()), asked, "{scope}");
        assert_eq!((why == LoginRequired::DemandNotMet, why.is_final()), (asked.is_none(), false));
    }
    // An API that demands both never gets the one, and one login is all that it costs.
    let both = "Bearer error=\"insufficient_scope\", scope=\"admin delete\"";
    let request = request_of(&demand(&mut session, both, 10_000));
    let mut session = crate::log_in_to(client(), &request, "AT1", 10_000);
    assert_eq!(demand(&mut session, both, 10_001), LoginRequired::DemandNotMet);
}
