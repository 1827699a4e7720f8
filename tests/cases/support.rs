//! What the modules share: the files, the comparison, the names of errors, and a login or session to feed.

use std::panic::{catch_unwind, AssertUnwindSafe};

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Bearer, Client, ConfigError, Entropy, Error, Event,
    Ignored, Login, Request, RequestId, Session, UnixTime, Violation,
};
use serde_json::{json, Map, Value};

use crate::answered_by_alt::as_listed;
use crate::not_yet_covered::{is_excused, is_listed};

/// Every file, by its name without `.json`.
pub const FILES: &[(&str, &str)] = &[
    ("authorize_url", include_str!("authorize_url.json")),
    ("bearer_request", include_str!("bearer_request.json")),
    ("callback", include_str!("callback.json")),
    ("discovery", include_str!("discovery.json")),
    ("id_token", include_str!("id_token.json")),
    ("login_sequences", include_str!("login_sequences.json")),
    ("logout", include_str!("logout.json")),
    ("pkce", include_str!("pkce.json")),
    ("refresh_sequences", include_str!("refresh_sequences.json")),
    ("token_request", include_str!("token_request.json")),
    ("token_response", include_str!("token_response.json")),
    ("www_authenticate", include_str!("www_authenticate.json")),
];

/// All of a file.
pub fn file(name: &str) -> Value {
    let (_, content) = FILES.iter().find(|(other, _)| *other == name).expect("a file of the list");
    serde_json::from_str(content).expect("JSON")
}

/// The cases of a file: as many as it says, each with a name of its own.
pub fn cases(name: &str) -> Vec<Value> {
    let content = file(name);
    let cases = content["cases"].as_array().expect("cases").clone();
    assert_eq!(content["count"], cases.len(), "{name}");
    for (index, case) in cases.iter().enumerate() {
        assert!(cases[..index].iter().all(|other| other["name"] != case["name"]), "{name}: {} twice", case["name"]);
    }
    cases
}

/// What the outcome of a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Its `expect`.
    Expect,
    /// This one of its `alt`.
    Alt(usize),
    /// It is not for this way of running it.
    Nothing,
}

/// Runs `check` with every case of a file. All failures are told at once. A case that is listed as not yet covered and
/// passes, or fails for another reason, is one of them; so is one whose outcome is one of its `alt` and not listed as
/// that, and one that panics, whatever it waits for.
pub fn run(file: &str, check: impl Fn(&Value) -> Result<By, String>) {
    run_by("", file, check);
}

/// The same, for what gives outcomes of its own: `runner` is its name.
pub fn run_by(runner: &str, file: &str, check: impl Fn(&Value) -> Result<By, String>) {
    let mut failures = Vec::new();
    for case in cases(file) {
        let name = text(&case["name"]);
        let result = match (catch_unwind(AssertUnwindSafe(|| check(&case))), is_listed(file, name)) {
            (Err(panic), _) => Err(format!("it panicked: {}", panic_message(&*panic))),
            (Ok(Ok(_)), true) => Err("it passes: take it off the list of cases not covered".to_owned()),
            (Ok(Err(problem)), true) if is_excused(file, name, &problem) => Ok(()),
            (Ok(Err(problem)), true) => Err(format!("not for want of what it waits for: {problem}")),
            (Ok(result), false) => result.and_then(|by| as_listed(file, name, runner, by)),
        };
        failures.extend(result.err().map(|problem| format!("{file}/{name}: {problem}")));
    }
    assert!(failures.is_empty(), "{} of {file} fail:\n{}", failures.len(), failures.join("\n"));
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

/// Whether an outcome is `expect` or one of `alt`.
pub fn compare(case: &Value, actual: &Value) -> Result<By, String> {
    let alternatives = case["alt"].as_array().map_or(&[][..], Vec::as_slice);
    if holds(&case["expect"], actual) {
        return Ok(By::Expect);
    }
    let alternative = alternatives.iter().position(|expected| holds(expected, actual));
    alternative
        .map(By::Alt)
        .ok_or_else(|| format!("expected {}, or one of {alternatives:?}, got {actual}", case["expect"]))
}

/// Every member that is expected must be there and be equal; lists must be equal as a whole.
fn holds(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            expected.iter().all(|(name, value)| actual.get(name).is_some_and(|other| holds(value, other)))
        }
        // Any finite value.
        (Value::String(word), Value::Number(_)) if word == "clamped" => true,
        _ => expected == actual,
    }
}

/// Fails for a member that the module does not read, so that no input of a case goes unheeded.
pub fn only(object: &Value, known: &[&str]) -> Result<(), String> {
    let names = object.as_object().map(Map::keys).into_iter().flatten();
    match names.into_iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("the test does not know the member {name}")),
        None => Ok(()),
    }
}

/// A member that must be text.
pub fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// The elements of a member that is a list of texts; none if it is absent.
pub fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// A list of name and value pairs.
pub fn pairs(value: &Value) -> Vec<(String, String)> {
    let pair = |pair: &Value| (text(&pair[0]).to_owned(), text(&pair[1]).to_owned());
    value.as_array().into_iter().flatten().map(pair).collect()
}

/// The pairs of a query or a form body, decoded.
pub fn decode(form: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

/// The pairs of a request's body.
pub fn body(request: &Request) -> Vec<(String, String)> {
    decode(core::str::from_utf8(request.body()).expect("UTF-8"))
}

/// The value of the first pair of this name.
pub fn value_of(pairs: &[(String, String)], name: &str) -> Option<String> {
    pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
}

/// A value, form-encoded.
pub fn encode(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Octets in base64url without padding.
pub fn base64url(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

/// The class of an error as the files name it, and all that can be read from it.
pub fn outcome_of(error: &Error) -> Value {
    let class = match error {
        Error::Ignored(Ignored::RedirectTooLarge) | Error::Violation(Violation::ResponseTooLarge) => "too_large",
        Error::Violation(
            Violation::RedirectMalformed | Violation::ResponseMalformed | Violation::MemberMalformed(_),
        ) => "malformed",
        Error::Refused(refused) if refused.is_transient() => "retryable",
        other => other.code(),
    };
    match error {
        Error::Refused(refused) => json!({
            "error": class,
            "code": refused.oauth_error(),
            "description": refused.description(),
            "uri": refused.uri(),
            "status": refused.status(),
            "retry_after": refused.retry_after(),
        }),
        Error::Violation(Violation::TokenTypeUnsupported(kind)) => {
            json!({ "error": class, "token_type": kind.as_str() })
        }
        Error::Violation(Violation::RedirectedResponse(status)) => json!({ "error": class, "status": status }),
        _ => json!({ "error": class }),
    }
}

/// The time at which everything happens, unless a script says otherwise.
pub const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// Makes the verifier of RFC 7636 Appendix B, which many cases use.
pub const VERIFIER_OCTETS: [u8; 32] = [
    116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240,
    91, 88, 5, 88, 83, 132, 141, 121,
];
/// RFC 7636 Appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 Appendix B.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const STATE_OCTETS: [u8; 32] = [0x5a; 32];
pub const NONCE_OCTETS: [u8; 32] = [0xa5; 32];

/// The three of them.
pub fn entropy() -> Entropy {
    let octets = [VERIFIER_OCTETS, STATE_OCTETS, NONCE_OCTETS].concat();
    Entropy::new(octets.try_into().expect("96 octets")).expect("three parts that differ")
}

/// The `state` that [`entropy`] leads to.
pub fn state() -> String {
    base64url(&STATE_OCTETS)
}

pub const API: &str = "https://api.example.com";
pub const REDIRECT_URI: &str = "com.example.app:/callback";

/// A server with a revocation endpoint.
pub fn server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")
        .and_then(|server| server.revocation_endpoint("https://as.example.com/revoke"))
        .expect("a server")
}

/// A public client of it.
pub fn client() -> Client {
    Client::builder(server(), "s6BhdRkqt3", REDIRECT_URI).api_origin(API).build().expect("a client")
}

/// A login that waits for its redirect, and the URL that it opened.
pub fn started(client: Client, request: AuthorizationRequest) -> Result<(Login, String), ConfigError> {
    let mut login = Login::new(client, request)?;
    match login.handle(Event::Start(entropy()), NOW) {
        Ok(Action::OpenUrl(url)) => Ok((login, url.into_string())),
        other => panic!("a login opens the browser first: {other:?}"),
    }
}

/// A redirect to `redirect_uri` with this code and the right state.
pub fn redirect(redirect_uri: &str, code: &str) -> String {
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{separator}code={}&state={}", encode(code), state())
}

/// Hands a redirect over and takes the token request.
pub fn exchange(login: &mut Login, code: &str) -> Request {
    let url = redirect(login.client().redirect_uri().as_str(), code);
    match login.handle(Event::RedirectReceived(&url), NOW) {
        Ok(Action::SendRequest(request)) => request,
        other => panic!("a good redirect leads to a token request: {other:?}"),
    }
}

/// The token that the session has ready.
pub fn ready(session: &mut Session, now: UnixTime) -> Bearer {
    match session.access(now) {
        Access::Ready(bearer) => bearer,
        other => panic!("a token is ready: {other:?}"),
    }
}

/// The refresh token that a session holds for storing: null for none.
pub fn stored_refresh_token(session: &Session) -> Value {
    serde_json::to_value(session.save()).expect("JSON")["refresh_token"].clone()
}

/// Counts what the machines ask to be sent.
#[derive(Default)]
pub struct Host(Vec<Vec<(String, String)>>);

impl Host {
    pub fn send(&mut self, request: &Request) -> RequestId {
        self.0.push(body(request));
        request.id()
    }

    /// How many requests of this grant there were.
    pub fn count(&self, grant_type: &str) -> usize {
        self.0.iter().filter(|pairs| value_of(pairs, "grant_type").as_deref() == Some(grant_type)).count()
    }

    /// A parameter of the request that was sent last.
    pub fn last(&self, name: &str) -> Option<String> {
        value_of(self.0.last()?, name)
    }
}

/// A test of one case in words: what came of it, in the members of `expect`.
pub type Script = fn() -> Value;

/// Runs the script of every case of a file. A case without a script and a script without a case are failures.
pub fn run_scripts(file: &str, scripts: &[(&str, Script)]) {
    let names: Vec<_> = cases(file).iter().map(|case| text(&case["name"]).to_owned()).collect();
    for (index, (name, _)) in scripts.iter().enumerate() {
        assert!(names.iter().any(|other| other == name), "{file} has no case {name}");
        assert!(scripts[..index].iter().all(|(other, _)| other != name), "{file}: two scripts for {name}");
    }
    run(file, |case| match scripts.iter().find(|(name, _)| case["name"] == *name) {
        Some((_, script)) => compare(case, &script()),
        None => Err("it has no script".into()),
    });
}
