//! The token endpoint's answers: by the parser alone, and by the machine that waits for one.

use base64ct::{Base64, Encoding};
use oauth_proto::token::{parse_response, TokenResponse};
use oauth_proto::{
    Access, Action, AuthorizationRequest, Client, Event, Login, Phase, Request, Response, Secret, Session,
    SessionAction, Tokens, UnixTime,
};
use serde_json::{json, Value};

use crate::support::{
    body, client, compare, exchange, only, outcome_of, ready, run, started, stored_refresh_token, text, By, API, NOW,
};
#[cfg(feature = "openid")]
use crate::support::{server, REDIRECT_URI};

/// What the parser cannot know, since it is the machine's.
const OF_THE_MACHINE: [&str; 2] = ["granted_scope", "stored_refresh_token"];

#[test]
fn every_case_by_the_parser() {
    run("token_response", |case| {
        let mut case = case.clone();
        forget_the_machine(&mut case["expect"]);
        let answer = Answer::of(&case)?;
        let actual = match parse_response(&answer.response(), NOW) {
            // That an ID token is missing, the login finds out.
            Ok(tokens) if case["expect"]["error"] == "missing_id_token" => {
                assert!(!tokens.access_token().is_empty() && tokens.id_token().is_none());
                return Ok(By::Nothing);
            }
            Ok(tokens) => json!({ "ok": parsed(&tokens) }),
            Err(error) => outcome_of(&error),
        };
        compare(&case, &actual)
    });
}

fn forget_the_machine(outcome: &mut Value) {
    if let Some(members) = outcome.as_object_mut() {
        members.retain(|name, _| !OF_THE_MACHINE.contains(&name.as_str()));
        members.get_mut("ok").into_iter().for_each(forget_the_machine);
    }
}

#[test]
fn every_case_by_a_machine() {
    run("token_response", |case| {
        only(
            case,
            &[
                "name",
                "group",
                "grant",
                "context",
                "status",
                "headers",
                "body",
                "body_base64",
                "expect",
                "alt",
                "basis",
                "source",
                "note",
            ],
        )?;
        // The context `dpop` has no counterpart: the outcome shows whether that matters.
        only(&case["context"], &["requested_scope", "openid", "dpop", "refresh_token"])?;
        match text(&case["grant"]) {
            // Without the feature there is no login with OpenID Connect.
            "authorization_code" if cfg!(not(feature = "openid")) && case["context"]["openid"] == true => {
                Ok(By::Nothing)
            }
            "authorization_code" => {
                let case = without_openid(case);
                compare(&case, &by_login(&case)?)
            }
            "refresh_token" => compare(case, &by_session(case)?),
            grant => Err(format!("the test does not know the grant {grant}")),
        }
    });
}

/// A response, its header names and values owned.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn of(case: &Value) -> Result<Self, String> {
        let body = match (case["body"].as_str(), case["body_base64"].as_str()) {
            (Some(body), None) => body.as_bytes().to_vec(),
            (None, Some(body)) => Base64::decode_vec(body).map_err(|error| error.to_string())?,
            _ => return Err("the test does not know this form of a body".into()),
        };
        let headers = case["headers"].as_object().ok_or("no headers")?;
        Ok(Self {
            status: case["status"].as_u64().and_then(|status| u16::try_from(status).ok()).ok_or("no status")?,
            headers: headers.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect(),
            body,
        })
    }

    fn response(&self) -> Response<'_> {
        Response::new(self.status, self.headers.as_slice(), &self.body)
    }
}

/// The type is not kept: no other than `Bearer` is accepted.
fn parsed(tokens: &TokenResponse<'_>) -> Value {
    json!({
        "access_token": tokens.access_token(),
        "token_type": "bearer",
        "expires_in": tokens.expires_in(),
        "refresh_token": tokens.refresh_token(),
        "scope": tokens.scope(),
    })
}

/// Cases with a scope that has `openid`, though they do not say that OpenID Connect is spoken, are about the scope. For a
/// login that scope token alone makes the difference, so another one stands in its place, throughout the case.
fn without_openid(case: &Value) -> Value {
    if case["context"]["openid"].is_null() && !case["context"]["requested_scope"].is_null() {
        serde_json::from_str(&case.to_string().replace("openid", "email")).expect("JSON")
    } else {
        case.clone()
    }
}

/// One that can ask for ID tokens. No case of this file has one that is good.
#[cfg(feature = "openid")]
fn openid_client() -> Client {
    let server = server().issuer("https://as.example.com").expect("an issuer");
    Client::builder(server, "s6BhdRkqt3", REDIRECT_URI).accept_id_tokens_on_tls_alone().build().expect("a client")
}

#[cfg(not(feature = "openid"))]
fn openid_client() -> Client {
    unreachable!("such cases are left out")
}

fn by_login(case: &Value) -> Result<Value, String> {
    let context = &case["context"];
    let speaks_openid = context["openid"] == true;
    let scope = context["requested_scope"].as_str().or(speaks_openid.then_some("openid"));
    let request = scope.map_or(AuthorizationRequest::new(), |scope| AuthorizationRequest::new().scope(scope));
    let client = if speaks_openid { openid_client() } else { client() };
    let (mut login, _) = started(client.clone(), request).map_err(|error| error.to_string())?;
    let sent = exchange(&mut login, "SplxlOBeZQQYbYS6WxSbIA");
    let answer = Answer::of(case)?;
    let outcome = login.handle(Event::ResponseReceived(sent.id(), answer.response()), NOW);
    let is_waiting = matches!(outcome, Ok(Action::RetryAt(_)));
    assert!(login.save().is_none() && login.pending_action().is_some() == is_waiting, "it is over, or waits");
    match outcome {
        Ok(Action::RetryAt(at)) => sent_again(login, &sent, at, &answer),
        Ok(Action::TokensReady(tokens)) => {
            assert_eq!(login.phase(), Phase::Finished);
            Ok(json!({ "ok": with_call(tokens_of(&tokens), Session::new(client, tokens)) }))
        }
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => {
            assert!(error.is_fatal());
            assert_eq!(login.phase(), Phase::Failed);
            let asks_for = outcome_of(&error)["retry_after"].as_u64();
            assert!(!UNPROCESSED.contains(&answer.status) || asks_for > Some(CODE_LIFETIME_SECS), "{error}");
            let again = login.handle(Event::ResponseReceived(sent.id(), answer.response()), NOW);
            assert_eq!(again.err().as_ref(), Some(&error));
            Ok(outcome_of(&error))
        }
    }
}

/// Of an answer with one of these the code was not looked at: too slow, too early, too often, not available.
const UNPROCESSED: [u16; 4] = [408, 425, 429, 503];
/// RFC 6749 §4.1.2.
const CODE_LIFETIME_SECS: u64 = 10 * 60;

/// The same code is sent again when the server has had the time that it asked for, and the login ends well.
fn sent_again(mut login: Login, sent: &Request, at: UnixTime, answer: &Answer) -> Result<Value, String> {
    let error = parse_response(&answer.response(), NOW).err().ok_or("tokens came")?;
    let outcome = outcome_of(&error);
    assert!(UNPROCESSED.contains(&answer.status), "the code may be used up: {error}");
    let asked_for = outcome["retry_after"].as_u64().unwrap_or(0);
    assert!((asked_for..=CODE_LIFETIME_SECS).contains(&at.saturating_since(NOW)), "{at:?}: {outcome}");
    assert_eq!(login.phase(), Phase::ExchangingCode);
    let Some(Action::SendRequest(again)) = login.pending_action() else { return Err("nothing is sent".into()) };
    assert_eq!((again.url(), body(&again)), (sent.url(), body(sent)));
    assert_ne!(again.id(), sent.id());
    let headers = [("Content-Type", "application/json")];
    let tokens = Response::new(200, &headers, br#"{"access_token":"AT1","token_type":"Bearer"}"#);
    let action = login.handle(Event::ResponseReceived(again.id(), tokens), at);
    assert!(matches!(action, Ok(Action::TokensReady(_))), "{action:?}");
    Ok(outcome)
}

fn tokens_of(tokens: &Tokens) -> Value {
    json!({
        "expires_in": tokens.expires_at().map(|at| at.saturating_since(NOW)),
        "refresh_token": tokens.refresh_token().map(Secret::reveal),
        "scope": tokens.response_scope(),
        "granted_scope": tokens.scope(),
    })
}

/// Adds what the session would send with an API call, and what it would store.
fn with_call(mut members: Value, mut session: Session) -> Value {
    let bearer = ready(&mut session, NOW);
    let headers: Vec<_> = bearer.headers("GET", API).expect("a token that can be sent").collect();
    let [("authorization", header)] = &headers[..] else { panic!("{headers:?}") };
    let (kind, token) = header.as_str().split_once(' ').expect("a type and a token");
    members["token_type"] = json!(kind.to_ascii_lowercase());
    members["access_token"] = json!(token);
    members["stored_refresh_token"] = stored_refresh_token(&session);
    members
}

fn by_session(case: &Value) -> Result<Value, String> {
    let context = &case["context"];
    let mut session = expired_session(client(), context);
    let Access::SendRequest(sent) = session.access(NOW) else { return Err("no refresh".into()) };
    let answer = Answer::of(case)?;
    let action = session
        .handle(Event::ResponseReceived(sent.id(), answer.response()), NOW)
        .map_err(|error| error.to_string())?;
    assert_eq!(matches!(action, SessionAction::Save), session.last_error().is_none(), "{action:?}");
    if let Some(error) = session.last_error() {
        let mut outcome = outcome_of(error);
        outcome["stored_refresh_token"] = stored_refresh_token(&session);
        match action {
            SessionAction::RetryAt(at) => {
                assert!(session.save().is_some(), "the grant lives");
                assert!(at >= NOW.saturating_add(outcome["retry_after"].as_u64().unwrap_or(0)), "{at:?}: {outcome}");
            }
            SessionAction::LoginRequired(why) => assert!(why.is_final() && session.save().is_none(), "{why}"),
            other => return Err(format!("{other:?}")),
        }
        return Ok(outcome);
    }
    // What the response itself said is not kept by the session: the parser tells.
    let mut members = parsed(&parse_response(&answer.response(), NOW).map_err(|error| error.to_string())?);
    members["granted_scope"] = json!(session.scope());
    Ok(json!({ "ok": with_call(members, session) }))
}

fn expired_session(client: Client, context: &Value) -> Session {
    let refresh_token = Some(Secret::new(text(&context["refresh_token"])));
    let scope = context["requested_scope"].as_str().unwrap_or_default();
    Session::new(client, Tokens::from_parts(Secret::new("AT1"), refresh_token, Some(NOW), scope))
}

/// What answers a code means the same to a refresh, and costs no refresh token: unless the server gave another, or said that
/// the grant is over.
#[test]
fn every_answer_to_a_code_as_one_to_a_refresh() {
    run("token_response", |case| {
        if case["grant"] != "authorization_code" || case["context"]["openid"] == true {
            return Ok(By::Nothing);
        }
        let mut case = case.clone();
        case["context"] = json!({ "refresh_token": "RT1", "requested_scope": case["context"]["requested_scope"] });
        let outcome = by_session(&case)?;
        let (ok, is_ok) = (&outcome["ok"], outcome["ok"].is_object());
        let is_over = outcome["status"] == 400 && outcome["code"] == "invalid_grant";
        let given = ok["refresh_token"].as_str().or((!is_over).then_some("RT1"));
        let stored = if is_ok { &ok["stored_refresh_token"] } else { &outcome["stored_refresh_token"] };
        assert_eq!(stored.as_str(), given, "{outcome}");
        compare(&case, &outcome)
    });
}
