//! What the program says that is to be done. An error code has many causes: what the server says beside it counts.

use crate::client::Client;
use crate::program::rude_server;
use crate::visit::{Run, Visit};

/// A run whose token request, or first refresh after these answers, is refused so.
fn refused_with(before: &[&str], error: &str, description: &str) -> Run {
    let refusal = format!(
        "400 Bad Request\nContent-Type: application/json\n\n{{\"error\":\"{error}\",\"error_description\":\"{description}\"}}"
    );
    let answers: Vec<&'static str> =
        before.iter().map(|answer| &*answer.to_string().leak()).chain([&*refusal.leak()]).collect();
    let client = Client::patient();
    let visit = Visit::start(&client, &format!("{}/token", rude_server(answers.leak())), &["--wait", "9"]);
    visit.log_in(&client);
    visit.end()
}

const INVALID_GRANT: [(&str, &str); 8] = [
    ("DPoP proof is missing", "wants DPoP"),
    ("Failed to verify the client certificate", "another key of the client"),
    ("The 'redirect_uri' does not match the one of the authorization request", "with another redirect URI"),
    ("PKCE verification failed", "another code_challenge"),
    ("Invalid code verifier", "another code_challenge"),
    ("client_secret is missing", "wants a client authentication"),
    ("The code was issued to another client", "check --client-id"),
    (
        "Invalid authorization code",
        "is used up, revoked or too old: run again. If it stays so, the server may want DPoP",
    ),
];

#[test]
fn an_invalid_grant_has_many_causes() {
    for (description, advice) in INVALID_GRANT {
        refused_with(&[], "invalid_grant", description).assert_failed(1, &["invalid_grant", description, advice]);
    }
}

#[test]
fn a_grant_that_has_ended_may_have_another_cause_than_its_age() {
    const TOKENS: &str = "200 OK\nContent-Type: application/json\n\n\
                          {\"access_token\":\"AT1\",\"token_type\":\"Bearer\",\"expires_in\":1,\"refresh_token\":\"RT1\"}";
    let run = refused_with(&[TOKENS], "invalid_grant", "DPoP proof is missing");
    run.assert_failed(1, &["the grant has ended", "wants DPoP"]);
    let run = refused_with(&[TOKENS], "invalid_grant", "token is expired");
    run.assert_failed(1, &["the grant has ended", "run again to log in anew"]);
}

#[test]
fn other_refusals() {
    for (error, description, advice) in [
        ("use_dpop_nonce", "a nonce is required", "wants DPoP"),
        ("invalid_dpop_proof", "", "wants DPoP"),
        ("invalid_request", "client_secret is missing.", "wants a client authentication"),
        ("invalid_request", "missing parameter", "check --audience, --scope and --redirect-uri"),
        ("invalid_client", "client authentication failed", "authentication method 'none'"),
        ("unauthorized_client", "", "authorization_code and refresh_token"),
        ("unsupported_grant_type", "", "registered for the grants"),
        ("access_denied", "Service not found: https://api.example.com", "check --audience"),
        ("mfa_required", "", "wants a stronger login"),
        ("invalid_target", "", "does not know that API"),
    ] {
        refused_with(&[], error, description).assert_failed(1, &[error, description, advice]);
    }
}

#[test]
fn servers_that_break_rules() {
    for (body, advice) in [
        (r#"{"access_token":"AT1","token_type":"DPoP","expires_in":300}"#, "wants DPoP"),
        (r#"{"access_token":"AT1"#, "a hotel's, say"),
    ] {
        let answer = format!("200 OK\nContent-Type: application/json\n\n{body}");
        let client = Client::patient();
        let visit = Visit::start(&client, &format!("{}/token", rude_server(vec![&*answer.leak()].leak())), &[]);
        visit.log_in(&client);
        visit.end().assert_failed(1, &["broke a rule", advice]);
    }
}
