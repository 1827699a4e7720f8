//! What a refused configuration is refused for. The files say `config_error` and no more, and nobody can put right what is
//! not named: so each such case has the name that the error gives here.

use oauth_proto::ConfigError;
use serde_json::{json, Value};

use crate::support::{cases, text, FILES};

/// File, case, the error's code, and the name that its message begins with.
const NAMES: &[(&str, &str, &str, &str)] = &[
    ("authorize_url", "endpoint-powershell-injection", "endpoint", "authorization_endpoint"),
    ("authorize_url", "endpoint-dash-argument", "endpoint", "authorization_endpoint"),
    ("authorize_url", "endpoint-raw-newline", "endpoint", "authorization_endpoint"),
    ("authorize_url", "endpoint-query-has-client-id", "endpoint", "authorization_endpoint"),
    ("authorize_url", "extra-duplicate-names", "parameter", "audience"),
    ("authorize_url", "response-type-token", "parameter", "response_type"),
    ("authorize_url", "challenge-missing", "parameter", "code_challenge"),
    ("authorize_url", "metadata-without-s256", "metadata", "code_challenge_methods_supported"),
    ("authorize_url", "state-empty", "parameter", "state"),
    ("authorize_url", "scope-token-empty", "parameter", "scope"),
    ("authorize_url", "redirect-relative", "redirect_uri", "redirect_uri"),
    ("authorize_url", "redirect-own-query-state", "redirect_uri", "redirect_uri"),
    ("authorize_url", "redirect-scheme-without-dot", "redirect_uri", "redirect_uri"),
    ("authorize_url", "prompt-none-with-login", "parameter", "prompt"),
    ("authorize_url", "par-required-but-no-endpoint", "metadata", "require_pushed_authorization_requests"),
    ("logout", "http-endpoint", "endpoint", "end_session_endpoint"),
    ("token_request", "token-endpoint-fragment", "endpoint", "token_endpoint"),
    ("token_request", "token-endpoint-file", "endpoint", "token_endpoint"),
    ("token_request", "unknown-auth-method", "client", "token_endpoint_auth_method"),
];

/// The outcome of a case whose configuration was refused, if it was for what the case is about.
pub fn refused(file: &str, case: &Value, error: &ConfigError) -> Result<Value, String> {
    let name = text(&case["name"]);
    let Some((.., code, field)) = NAMES.iter().find(|(of, listed, ..)| (*of, *listed) == (file, name)) else {
        return Err(format!("it is refused, and nothing says for what: {error}"));
    };
    let is_named = error.to_string().split_once(": ").is_some_and(|(named, what)| named == *field && !what.is_empty());
    if (error.code(), is_named) == (*code, true) {
        Ok(json!({ "error": "config_error" }))
    } else {
        Err(format!("it is to be refused for {field} ({code}), not for {error} ({})", error.code()))
    }
}

#[test]
fn every_refused_configuration_has_one_name_and_every_name_a_case() {
    let mut refused = Vec::new();
    for (file, _) in FILES {
        for case in cases(file) {
            let alternatives = case["alt"].as_array().into_iter().flatten();
            if std::iter::once(&case["expect"]).chain(alternatives).any(|outcome| outcome["error"] == "config_error") {
                refused.push(((*file).to_owned(), text(&case["name"]).to_owned()));
            }
        }
    }
    let mut named: Vec<_> = NAMES.iter().map(|(file, name, ..)| ((*file).to_owned(), (*name).to_owned())).collect();
    refused.sort();
    named.sort();
    assert_eq!(refused, named);
}
