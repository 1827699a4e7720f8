//! The logout in the browser, and its return. The machine makes its own `state`, so where a case has one, it stands for that.

use oauth_proto::logout::check_return;
use oauth_proto::redirect::RedirectUri;
use oauth_proto::{
    AuthorizationServer, Client, ConfigError, Error, Event, Secret, Session, SessionAction, SessionPhase, SignOut,
    Tokens,
};
use serde_json::{json, Value};

use crate::config_errors::refused;
use crate::redirect_classes::check;
use crate::support::{compare, decode, entropy, only, run, state, text, NOW, REDIRECT_URI};

#[test]
fn every_case() {
    run("logout", |case| {
        only(case, &["name", "kind", "input", "expect", "alt", "basis", "source"])?;
        let input = &case["input"];
        let outcome = match text(&case["kind"]) {
            "url" => url(case)?,
            "callback" => callback(input)?,
            kind => return Err(format!("there is no kind {kind}")),
        };
        compare(case, &outcome)
    });
}

/// A session that logs out at this endpoint, in the browser; the URL that is opened.
fn logging_out(input: &Value, endpoint: &str) -> Result<(Session, String), ConfigError> {
    let server = AuthorizationServer::new("https://op.example.com/authorize", "https://op.example.com/token");
    let server = server.and_then(|server| server.end_session_endpoint(endpoint))?;
    let client = Client::builder(server, input["client_id"].as_str().unwrap_or("s6BhdRkqt3"), REDIRECT_URI)
        .post_logout_redirect_uri(text(&input["post_logout_redirect_uri"]))
        .build()?;
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "openid");
    let mut saved = serde_json::to_value(Session::new(client.clone(), tokens).save()).expect("a saved session");
    saved["id_token"] = input["id_token_hint"].clone();
    let saved = serde_json::from_value(saved).expect("a saved session");
    let mut session = Session::restore(client, saved).expect("the same client");
    let action = session.sign_out(SignOut::new().logout(entropy()));
    let SessionAction::OpenUrl(url) = action else { panic!("{action:?}") };
    Ok((session, url.as_str().to_owned()))
}

fn url(case: &Value) -> Result<Value, String> {
    let input = &case["input"];
    only(input, &["end_session_endpoint", "post_logout_redirect_uri", "state", "client_id", "id_token_hint"])?;
    let (_, url) = match logging_out(input, text(&input["end_session_endpoint"])) {
        Ok(opened) => opened,
        Err(error) => return refused("logout", case, &error),
    };
    let (without_query, query) = url.split_once('?').ok_or("no query")?;
    let mut pairs = decode(query);
    for (name, value) in &mut pairs {
        if name == "state" {
            assert_eq!(*value, state(), "the state is made of the entropy");
            text(&input["state"]).clone_into(value);
        }
    }
    Ok(json!({ "ok": { "without_query": without_query, "pairs": pairs } }))
}

fn callback(input: &Value) -> Result<Value, String> {
    only(input, &["post_logout_redirect_uri", "state", "url", "times"])?;
    let name = |result: Result<SessionAction, Error>, session: &Session| match result {
        Ok(SessionAction::SignedOut) => {
            assert_eq!(session.phase(), SessionPhase::SignedOut);
            assert!(session.pending_action().is_none(), "nothing of it leads to a request");
            json!(true)
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) if error.code() == "redirect_not_awaited" => {
            assert_eq!((error.is_fatal(), session.phase()), (false, SessionPhase::SignedOut));
            json!(error.code())
        }
        Err(error) => {
            check(error.code(), error.is_fatal(), false).expect("as a redirect without the right state");
            assert_eq!(session.phase(), SessionPhase::LoggingOut);
            json!(error.code())
        }
    };
    let (mut session, _) = logging_out(input, "https://op.example.com/logout").map_err(|error| error.to_string())?;
    let url = text(&input["url"]).replace(text(&input["state"]), &state());
    let first = session.handle(Event::RedirectReceived(&url), NOW);
    let first = name(first, &session);
    // The pure function says the same of the case's own words.
    let uri = RedirectUri::new(text(&input["post_logout_redirect_uri"])).map_err(|error| error.to_string())?;
    let checked = check_return(text(&input["url"]), &uri, text(&input["state"]));
    assert_eq!(checked.map_or_else(|error| json!(error.code()), |()| json!(true)), first);
    let mut outcome = if first == true { json!({ "ok": true }) } else { json!({ "error": first }) };
    if input["times"] == 2 {
        let second = session.handle(Event::RedirectReceived(&url), NOW);
        assert_eq!(name(second, &session), "redirect_not_awaited");
        outcome["second"] = json!("ignored");
    }
    Ok(outcome)
}
