//! The authorization request's URL.

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, ConfigError, ResponseMode};
use serde_json::{json, Value};

use crate::config_errors::refused;
use crate::support::{
    base64url, compare, decode, only, pairs, run, started, state, text, texts, By, CHALLENGE, NONCE_OCTETS,
};

const ISSUER: &str = "https://as.example.com";
const TOKEN_ENDPOINT: &str = "https://as.example.com/token";

#[test]
fn every_case() {
    run("authorize_url", |case| {
        only(case, &["name", "config", "expect", "alt", "basis", "source", "note"])?;
        if !case["config"]["par_request_uri"].is_null() {
            return Err("there is no pushed authorization request".into());
        }
        if cfg!(not(feature = "openid")) && texts(&case["config"]["scope"]).contains(&"openid") {
            let error = open(&case["config"])?.expect_err("there is no OpenID Connect without the feature");
            let is_why = error.to_string().starts_with("scope: ");
            assert!(is_why || case["expect"]["error"] == "config_error", "{error}");
            return check(&without_openid(case));
        }
        check(case)
    });
}

fn check(case: &Value) -> Result<By, String> {
    match open(&case["config"])? {
        Ok(url) => check_url(&url, &case["config"], &case["expect"]["ok"]),
        Err(error) => {
            let mut outcome = refused("authorize_url", case, &error)?;
            // It is the case's own name.
            outcome["reason"] = case["name"].clone();
            compare(case, &outcome)
        }
    }
}

/// The case with another scope token in the place of the one that makes the difference.
fn without_openid(case: &Value) -> Value {
    let mut case: Value = serde_json::from_str(&case.to_string().replace("openid", "email")).expect("JSON");
    if let Some(pairs) = case.pointer_mut("/expect/ok/pairs").and_then(Value::as_array_mut) {
        pairs.retain(|pair| pair[0] != "nonce");
    }
    case
}

/// The URL that a login opens for this configuration.
fn open(config: &Value) -> Result<Result<String, ConfigError>, String> {
    only(
        config,
        &[
            "authorization_endpoint",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "login_hint",
            "acr_values",
            "response_mode",
            "response_type",
            "extra",
            "metadata",
        ],
    )?;
    let request = request(config)?;
    let opened = server(config).and_then(|server| client(server, config)).and_then(|client| started(client, request));
    Ok(opened.map(|(_, url)| url))
}

/// A client that may ask for ID tokens.
fn client(server: AuthorizationServer, config: &Value) -> Result<Client, ConfigError> {
    let builder = Client::builder(server, text(&config["client_id"]), text(&config["redirect_uri"]));
    #[cfg(feature = "openid")]
    let builder = builder.accept_id_tokens_on_tls_alone();
    builder.build()
}

fn server(config: &Value) -> Result<AuthorizationServer, ConfigError> {
    let endpoint = text(&config["authorization_endpoint"]);
    let Some(metadata) = config["metadata"].as_object() else {
        return AuthorizationServer::new(endpoint, TOKEN_ENDPOINT).and_then(|server| server.issuer(ISSUER));
    };
    let mut document =
        json!({ "issuer": ISSUER, "authorization_endpoint": endpoint, "token_endpoint": TOKEN_ENDPOINT });
    document.as_object_mut().unwrap().extend(metadata.clone());
    AuthorizationServer::from_metadata(ISSUER, document.to_string().as_bytes())
}

fn request(config: &Value) -> Result<AuthorizationRequest, String> {
    let mut request =
        texts(&config["scope"]).iter().fold(AuthorizationRequest::new(), |request, token| request.scope(token));
    for (name, setter) in [
        ("prompt", AuthorizationRequest::prompt as fn(AuthorizationRequest, &str) -> AuthorizationRequest),
        ("login_hint", AuthorizationRequest::login_hint),
        ("acr_values", AuthorizationRequest::acr_values),
        // Only `parameter` is there to try it with.
        ("response_type", |request, value| request.parameter("response_type", value)),
    ] {
        if let Some(value) = config[name].as_str() {
            request = setter(request, value);
        }
    }
    request = match config["response_mode"].as_str() {
        None => request,
        Some("query") => request.response_mode(ResponseMode::Query),
        Some(other) => return Err(format!("the test does not know the response mode {other}")),
    };
    // The login makes these itself. A configuration without one can only try to blank it out.
    for name in ["state", "code_challenge", "code_challenge_method"] {
        if config[name].as_str().unwrap_or_default().is_empty() {
            request = request.parameter(name, "");
        }
    }
    Ok(pairs(&config["extra"]).iter().fold(request, |request, (name, value)| request.parameter(name, value)))
}

fn check_url(url: &str, config: &Value, expected: &Value) -> Result<By, String> {
    if !expected.is_object() {
        return Err(format!("a refusal was expected, got {url}"));
    }
    only(expected, &["without_query", "pairs", "raw_contains", "raw_excludes"])?;
    let (without_query, query) = url.split_once('?').expect("a query");
    assert_eq!(expected["without_query"], without_query);

    // The endpoint's own pairs come first and in order; the rest may be in any.
    let mut sent = decode(query);
    let own = decode(text(&config["authorization_endpoint"]).split_once('?').map_or("", |(_, query)| query));
    assert!(sent.starts_with(&own), "{query}");
    let mut wanted: Vec<_> = pairs(&expected["pairs"]).into_iter().map(|pair| as_drawn(pair, config)).collect();
    sent.sort();
    wanted.sort();
    if sent != wanted {
        return Err(format!("expected {wanted:?}, got {sent:?}"));
    }
    for part in texts(&expected["raw_contains"]) {
        assert!(query.contains(part), "{query} has no {part}");
    }
    for part in texts(&expected["raw_excludes"]) {
        assert!(!query.contains(part), "{query} has {part}");
    }
    Ok(By::Expect)
}

/// The login's own values stand where the case has others: they come from the entropy.
fn as_drawn((name, value): (String, String), config: &Value) -> (String, String) {
    let value = match name.as_str() {
        "state" if config["state"] == value => state(),
        "nonce" if config["nonce"] == value => base64url(&NONCE_OCTETS),
        "code_challenge" if config["code_challenge"] == value => CHALLENGE.to_owned(),
        _ => value,
    };
    (name, value)
}
