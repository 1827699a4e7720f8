//! APIs that demand another login, and the end of asking again.

use oauth_proto::{Access, Action, AuthorizationRequest, Event, Login, LoginRequired, Session, Target, UnixTime};

use crate::{at, client, entropy, log_in, log_in_after_a_restart, ready};

const MORE: &str = "Bearer error=\"insufficient_scope\", scope=\"admin\"";
const AT_ONCE: &str = "Bearer error=\"insufficient_user_authentication\", max_age=\"0\"";
const GOLD: &str = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\"";

/// What the API's answer to the present token means.
fn demand(session: &mut Session, line: &str, now: u64) -> LoginRequired {
    // Long before its expiry.
    let bearer = ready(session.access(at(0)));
    match session.refused(&bearer, 403, &[line], at(now)) {
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
fn an_api_that_is_never_content_costs_the_user_three_logins_at_most() {
    // One for what is new, and two in vain.
    assert_eq!(logins(MORE, 5), Some(3));
    // What came of such a demand is not known, so the first one counts, too.
    assert_eq!(logins(GOLD, 5), Some(2));
    // The first login is not a minute old, so it is as recent as can be; and what is wanted is not said.
    assert_eq!(logins(AT_ONCE, 5), Some(2));
    assert_eq!(logins("Bearer error=\"insufficient_scope\"", 5), Some(2));
}

/// Each is met by the login that is made for it, which does not meet the other.
#[test]
fn two_demands_in_turn_come_to_an_end() {
    for lines in [
        [GOLD, "Bearer error=\"insufficient_user_authentication\", acr_values=\"silver\""],
        [MORE, GOLD],
        [
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"a b\"",
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"b a\"",
        ],
    ] {
        let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 10_000);
        let mut logins = 0;
        loop {
            let why = demand(&mut session, lines[logins % 2], 10_000);
            if why == LoginRequired::DemandNotMet {
                break;
            }
            session = log_in(&request_of(&why), &format!("AT{logins}"), 10_000);
            logins += 1;
            assert!(logins < 5, "{lines:?}");
        }
    }
}

/// The app may want a more recent login than the API does.
#[test]
fn the_stricter_age_counts() {
    for (own, demanded, asked) in [(100, 3600, "max_age=100"), (3600, 100, "max_age=100")] {
        let mut session = log_in(&AuthorizationRequest::new().scope("read").max_age(own), "AT", 10);
        let line = format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{demanded}\"");
        let url = url_of(&request_of(&demand(&mut session, &line, 11)));
        assert_eq!(url.split('&').filter(|pair| pair.starts_with("max_age=")).collect::<Vec<_>>(), [asked]);
    }
}

/// Then it is a demand of its own again: a user who works all day may have to log in for it several times.
#[test]
fn after_an_hour_a_demand_is_a_new_one() {
    assert_eq!(logins(MORE, 3599), Some(3));
    assert_eq!(logins(MORE, 3600), None);
    assert_eq!(logins(GOLD, 3600), None);
    // More than a minute ago is not recent.
    assert_eq!(logins(AT_ONCE, 60), None);
    assert_eq!(logins(AT_ONCE, 59), Some(2));
}

/// The count goes with the request, through the saved login and the saved session.
#[test]
fn a_restart_does_not_start_the_count_again() {
    let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 100);
    for round in 0..3 {
        let request = request_of(&demand(&mut session, MORE, 100));
        session = log_in_after_a_restart(&request, &format!("AT{round}"), 100);
        session = Session::restore(client(), session.save().unwrap()).unwrap();
    }
    assert_eq!(demand(&mut session, MORE, 100), LoginRequired::DemandNotMet);
}

/// The login is in the future, or nobody knows when it was.
#[test]
fn a_clock_that_is_wrong_ends_no_demand() {
    let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 1_000_000);
    let why = demand(&mut session, AT_ONCE, 10);
    assert!(matches!(why, LoginRequired::StepUp { max_age: Some(0), .. }), "{why:?}");
    let why = demand(&mut session, MORE, u64::MAX / 2);
    assert!(matches!(why, LoginRequired::InsufficientScope { .. }), "{why:?}");
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

/// The user has logged in meanwhile: a call that came back late is for the new session, or for none.
#[test]
fn a_demand_about_the_token_of_before_is_none() {
    let mut old = log_in(&AuthorizationRequest::new().scope("read"), "OLD", 10);
    let bearer = ready(old.access(at(11)));
    let mut new = log_in(&AuthorizationRequest::new().scope("read admin"), "NEW", 12);
    for line in [MORE, GOLD, AT_ONCE] {
        assert_eq!(ready(new.refused(&bearer, 403, &[line], at(13)).unwrap()).token().reveal(), "NEW", "{line}");
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

/// A target that was not granted is capped like an API's demand.
#[test]
fn a_target_that_is_never_granted_costs_three_logins_at_most() {
    let target = Target::own().scope("admin").unwrap();
    let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 10);
    let mut logins = 0;
    loop {
        let Access::LoginRequired(why) = session.access_for(&target, at(11)) else { panic!("it was not granted") };
        if why == LoginRequired::DemandNotMet {
            break;
        }
        // The server grants `read` alone, whatever is asked for.
        session = crate::log_in_with_scope(
            &request_of(&why),
            &format!("AT{logins}"),
            Some("read"),
            UnixTime::as_secs(at(11)),
        );
        logins += 1;
    }
    assert_eq!(logins, 3);
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
    ] {
        let line = format!("Bearer {parameters}");
        let mut session = log_in(&AuthorizationRequest::new().scope("read"), "AT", 100);
        let bearer = ready(session.access(at(100)));
        match session.refused(&bearer, 401, &[&line], at(100)) {
            Some(Access::LoginRequired(why)) => assert!(request_of(&why).check().is_ok(), "{line}"),
            // What cannot be read at all is like a 401 without a word.
            other => {
                assert!(matches!(other, Some(Access::SendRequest(_))), "{line}: {other:?}");
                continue;
            }
        }
        if logins(&line, 5).is_none_or(|count| count > 3) {
            endless.push(line);
        }
    }
    assert!(endless.is_empty(), "{endless:#?}");
}
