//! Sequences of events around one login. Each script does what its case says in words, and ends with the words of the
//! outcome, which it has checked.

use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, ConfigError, Delivered, Error, Event, Login, Over, Phase,
    Refused, RequestId, Response, Tokens,
};
use serde_json::{json, Value};

use crate::support::{client, exchange, redirect, run_scripts, started, Host, Script, NOW, REDIRECT_URI, VERIFIER};

const SCRIPTS: &[(&str, Script)] = &[
    ("happy-path", happy_path),
    ("redirect-after-cancel", redirect_after_cancel),
    ("wrong-state-then-right", wrong_state_then_right),
    ("error-with-wrong-state-then-right", error_with_wrong_state_then_right),
    ("late-token-response-after-cancel", late_token_response_after_cancel),
    ("pending-login-restored", pending_login_restored),
    ("token-error-ends-login", token_error_ends_login),
    ("token-transport-error", token_transport_error),
    ("discovery-issuer-mismatch-stops", discovery_issuer_mismatch_stops),
];

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const TOKENS: &[u8] = br#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#;

#[test]
fn every_case() {
    run_scripts("login_sequences", SCRIPTS);
}

fn outcome(host: &Host, outcome: &str) -> Value {
    json!({ "code_requests": host.count("authorization_code"), "outcome": outcome })
}

fn start() -> Login {
    started(client(), AuthorizationRequest::new().scope("read")).expect("a good request").0
}

/// The redirect with code C1 arrives, and the token request is sent.
fn send_code(login: &mut Login, host: &mut Host) -> RequestId {
    let request = exchange(login, "C1");
    let id = host.send(&request);
    assert_eq!(host.last("code").as_deref(), Some("C1"));
    assert_eq!(host.last("code_verifier").as_deref(), Some(VERIFIER));
    assert_eq!(login.phase(), Phase::ExchangingCode);
    id
}

/// The tokens arrive, and the login is done.
fn finish(login: &mut Login, id: RequestId) -> Tokens {
    match login.handle(answer(id, 200, TOKENS), NOW) {
        Ok(Action::TokensReady(tokens)) => {
            assert_eq!(login.phase(), Phase::Finished);
            assert_eq!(tokens.access_token().reveal(), "AT1");
            tokens
        }
        other => panic!("{other:?}"),
    }
}

fn answer(id: RequestId, status: u16, body: &'static [u8]) -> Event<'static> {
    Event::ResponseReceived(id, Response::new(status, &JSON, body))
}

fn is_over(login: &mut Login, error: &Error) {
    assert!(error.is_fatal(), "{error}");
    assert_eq!(login.phase(), Phase::Failed);
    assert!(login.pending_action().is_none() && login.save().is_none());
    let redirect = redirect(REDIRECT_URI, "C1");
    assert_eq!(login.handle(Event::RedirectReceived(&redirect), NOW).err().as_ref(), Some(error));
}

fn happy_path() -> Value {
    let (mut login, mut host) = (start(), Host::default());
    let id = send_code(&mut login, &mut host);
    finish(&mut login, id);
    outcome(&host, "tokens ready")
}

fn redirect_after_cancel() -> Value {
    let (mut login, host) = (start(), Host::default());
    let error = login.handle(Event::Cancelled, NOW).unwrap_err();
    assert_eq!(error, Error::Over(Over::Cancelled));
    is_over(&mut login, &error);
    outcome(&host, "cancelled; redirect refused")
}

/// Another app's redirect is refused, and the login goes on.
fn stray(login: &mut Login, query: &str) {
    let before = serde_json::to_value(login.save()).unwrap();
    let url = format!("{REDIRECT_URI}?{query}");
    let error = login.handle(Event::RedirectReceived(&url), NOW).unwrap_err();
    assert_eq!((error.code(), error.is_fatal()), ("state_mismatch", false));
    assert_eq!((login.phase(), serde_json::to_value(login.save()).unwrap()), (Phase::AwaitingRedirect, before));
}

fn wrong_state_then_right() -> Value {
    let (mut login, mut host) = (start(), Host::default());
    stray(&mut login, "code=C0&state=evil");
    let id = send_code(&mut login, &mut host);
    finish(&mut login, id);
    outcome(&host, "first ignored, then tokens ready")
}

fn error_with_wrong_state_then_right() -> Value {
    let (mut login, mut host) = (start(), Host::default());
    stray(&mut login, "error=access_denied&state=evil");
    let id = send_code(&mut login, &mut host);
    finish(&mut login, id);
    outcome(&host, "tokens ready")
}

fn late_token_response_after_cancel() -> Value {
    let (mut login, mut host) = (start(), Host::default());
    let id = send_code(&mut login, &mut host);
    let error = login.handle(Event::Cancelled, NOW).unwrap_err();
    assert_eq!(error, Error::Over(Over::Cancelled));
    assert_eq!(login.handle(answer(id, 200, TOKENS), NOW).err().as_ref(), Some(&error));
    is_over(&mut login, &error);
    outcome(&host, "cancelled; tokens not stored (may be revoked)")
}

fn pending_login_restored() -> Value {
    let stored = serde_json::to_string(&start().save()).unwrap();
    let saved = serde_json::from_str(&stored).unwrap();
    let mut login = Login::resume(client(), saved, NOW).expect("the same client, in time");
    let mut host = Host::default();
    let id = send_code(&mut login, &mut host);
    assert_eq!(finish(&mut login, id).scope(), "read", "the request is restored too");
    outcome(&host, "tokens ready")
}

fn token_error_ends_login() -> Value {
    let (mut login, mut host) = (start(), Host::default());
    let id = send_code(&mut login, &mut host);
    let error = login.handle(answer(id, 400, br#"{"error":"invalid_grant"}"#), NOW).unwrap_err();
    let Error::Refused(refused) = &error else { panic!("{error}") };
    assert_eq!((error.code(), Refused::oauth_error(refused)), ("oauth_error", Some("invalid_grant")));
    is_over(&mut login, &error);
    assert!(!format!("{login:?} {error:?}").contains(VERIFIER));
    outcome(&host, "oauth_error; verifier, code, nonce dropped")
}

fn token_transport_error() -> Value {
    let (mut login, mut host) = (start(), Host::default());
    let id = send_code(&mut login, &mut host);
    let error = login.handle(Event::SendFailed(id, Delivered::Maybe), NOW).unwrap_err();
    assert_eq!(error, Error::Over(Over::OutcomeUnknown));
    is_over(&mut login, &error);
    outcome(&host, "transient error; the code is not silently replayed")
}

fn discovery_issuer_mismatch_stops() -> Value {
    let document = json!({
        "issuer": "https://evil.example",
        "authorization_endpoint": "https://evil.example/authorize",
        "token_endpoint": "https://evil.example/token",
    });
    // Without a server there is no client, so no login and no URL.
    let error = AuthorizationServer::from_metadata("https://as.example.com", document.to_string().as_bytes());
    assert!(matches!(error, Err(ConfigError::Issuer { .. })), "{error:?}");
    outcome(&Host::default(), "issuer_mismatch; no URL opened")
}
