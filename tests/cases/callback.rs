//! The redirect: by the parser alone, and by a login that waits for it.

use oauth_proto::redirect::{parse, Expected, RedirectUri};
use oauth_proto::{Action, AuthorizationRequest, AuthorizationServer, Client, Error, Event, Login, Phase};
use serde_json::{json, Value};

use crate::redirect_classes::{check, has_right_state};
use crate::support::{body, compare, encode, only, outcome_of, redirect, run, started, state, text, value_of, By, NOW};

const MEMBERS: [&str; 11] = [
    "name",
    "group",
    "redirect_uri",
    "expected_state",
    "expected_iss",
    "iss_required",
    "input",
    "expect",
    "alt",
    "basis",
    "source",
];

#[test]
fn every_case_by_the_parser() {
    run("callback", |case| {
        only(case, &[&MEMBERS[..], &["note"]].concat())?;
        let redirect_uri = RedirectUri::new(text(&case["redirect_uri"])).map_err(|error| error.to_string())?;
        let expected = Expected {
            redirect_uri: &redirect_uri,
            // A login always sends a state, so the parser never accepts a redirect without one.
            state: case["expected_state"].as_str().unwrap_or_default(),
            issuer: case["expected_iss"].as_str(),
            iss_required: case["iss_required"].as_bool().expect("a bool"),
        };
        let input = text(&case["input"]);
        let actual = match parse(input, &expected) {
            Ok(response) => json!({ "ok": { "code": response.into_code().reveal() } }),
            Err(error) => refused(&error, has_right_state(input, expected.state))?,
        };
        compare(case, &actual)
    });
}

/// In the words of the file, which also say whether it is the end of the login.
fn refused(error: &Error, has_right_state: bool) -> Result<Value, String> {
    let outcome = outcome_of(error);
    // Both have classes of these names.
    assert!(!error.code().starts_with("response_"), "there is no response yet: {error}");
    check(text(&outcome["error"]), error.is_fatal(), has_right_state)?;
    Ok(outcome)
}

/// Cases that a login cannot be brought to: it always sends a state, and one that needs no encoding.
const WITHOUT_A_LOGIN: [&str; 4] = [
    "state-special-characters",
    "state-plus-returned-raw-by-as",
    "state-space-returned-as-percent20",
    "state-none-sent-none-returned",
];

#[test]
fn every_case_by_a_login() {
    run("callback", |case| {
        let Some(input) = with_drawn_state(case) else {
            assert!(WITHOUT_A_LOGIN.contains(&text(&case["name"])), "its state can be put in place");
            return Ok(By::Nothing);
        };
        assert!(!WITHOUT_A_LOGIN.contains(&text(&case["name"])), "its state was put in place");
        let client = client(case).map_err(|error| error.to_string())?;
        let (mut login, _) = started(client, AuthorizationRequest::new()).map_err(|error| error.to_string())?;
        let before = seen(&login);
        let actual = match login.handle(Event::RedirectReceived(&input), NOW) {
            Ok(Action::SendRequest(request)) => {
                assert_eq!(login.phase(), Phase::ExchangingCode);
                let Some(Action::SendRequest(pending)) = login.pending_action() else {
                    panic!("it is still to be sent")
                };
                assert_eq!((pending.id(), pending.body()), (request.id(), request.body()));
                assert!(login.save().is_none());
                json!({ "ok": { "code": value_of(&body(&request), "code") } })
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                check_phase(&mut login, &error, &before, &input);
                if !error.is_fatal() {
                    check_that_it_goes_on(login, case);
                }
                refused(&error, has_right_state(&input, &state()))?
            }
        };
        compare(case, &actual)
    });
}

fn client(case: &Value) -> Result<Client, oauth_proto::ConfigError> {
    let mut server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    if let Some(issuer) = case["expected_iss"].as_str() {
        server = server.issuer(issuer)?;
    }
    if case["iss_required"] == true {
        server = server.require_iss();
    }
    Client::new(server, "s6BhdRkqt3", text(&case["redirect_uri"]))
}

/// What a login would save and what it waits for.
fn seen(login: &Login) -> (Value, Option<String>) {
    let url = login.pending_action().map(|action| match action {
        Action::OpenUrl(url) => url.into_string(),
        other => panic!("{other:?}"),
    });
    (serde_json::to_value(login.save()).unwrap(), url)
}

/// A refused redirect changes nothing; a fatal error ends the login and stays.
fn check_phase(login: &mut Login, error: &Error, before: &(Value, Option<String>), input: &str) {
    if error.is_fatal() {
        assert_eq!(login.phase(), Phase::Failed);
        assert_eq!(seen(login), (Value::Null, None));
        let again = login.handle(Event::RedirectReceived(input), NOW);
        assert_eq!(again.err().as_ref(), Some(error));
    } else {
        assert_eq!(login.phase(), Phase::AwaitingRedirect);
        assert_eq!(seen(login), *before);
    }
}

/// A login that goes on takes the good redirect that comes after the refused one.
fn check_that_it_goes_on(mut login: Login, case: &Value) {
    let mut url = redirect(login.client().redirect_uri().as_str(), "C1");
    if let Some(issuer) = case["expected_iss"].as_str() {
        url.push_str("&iss=");
        url.push_str(&encode(issuer));
    }
    let action = login.handle(Event::RedirectReceived(&url), NOW);
    assert!(matches!(action, Ok(Action::SendRequest(_))), "{action:?}");
}

/// The input with the login's own state where the case's stands, or where it stands without its last character. `None`
/// if the case's state is of another kind.
fn with_drawn_state(case: &Value) -> Option<String> {
    let expected = case["expected_state"].as_str().filter(|state| encode(state) == **state)?;
    let (drawn, input) = (state(), text(&case["input"]));
    let shorter = |text: &str| text[..text.len() - 1].to_owned();
    Some(input.replace(expected, &drawn).replace(&shorter(expected), &shorter(&drawn)))
}
