//! PKCE: verifiers, challenges, and what becomes of a verifier.

use oauth_proto::pkce::CodeVerifier;
use oauth_proto::{AuthorizationRequest, AuthorizationServer, Entropy, Error, Event, Login, Phase, Response};
use serde_json::{json, Value};

use crate::support::{
    base64url, body, client, decode, exchange, only, run, started, text, value_of, By, CHALLENGE, NOW, VERIFIER,
    VERIFIER_OCTETS,
};

#[test]
fn every_case() {
    run("pkce", |case| match text(&case["kind"]) {
        "s256" => s256(case),
        "invalid_verifier" => {
            only(case, &["name", "kind", "verifier", "length", "reason", "basis", "source"])?;
            let verifier = text(&case["verifier"]);
            assert_eq!(case["length"], verifier.chars().count());
            CodeVerifier::new(verifier).map_or(Ok(By::Expect), |_| Err("it was accepted".into()))
        }
        "rule" => {
            only(case, &["name", "kind", "rule", "expect", "basis", "source"])?;
            rule(text(&case["name"]), text(&case["expect"]))
        }
        kind => Err(format!("the test does not know the kind {kind}")),
    });
}

fn s256(case: &Value) -> Result<By, String> {
    only(case, &["name", "kind", "verifier", "challenge", "method", "length", "random_octets", "basis", "source"])?;
    let verifier = text(&case["verifier"]);
    assert_eq!((&case["length"], &case["method"]), (&json!(verifier.len()), &json!("S256")));
    let checked = CodeVerifier::new(verifier).map_err(|error| error.to_string())?;
    assert_eq!(checked.reveal(), verifier);
    assert_eq!(case["challenge"], checked.challenge().as_str());
    if let Some(octets) = case["random_octets"].as_array() {
        let octets: Vec<_> = octets.iter().map(|octet| u8::try_from(octet.as_u64().unwrap()).unwrap()).collect();
        assert_eq!(CodeVerifier::from_octets(&octets).map_err(|error| error.to_string())?.reveal(), verifier);
    }
    Ok(By::Expect)
}

/// A script stands for these very words.
fn rule(name: &str, expect: &str) -> Result<By, String> {
    match (name, expect) {
        ("metadata-empty-array", "still send S256 or refuse; never plain") => metadata_empty_array(),
        ("verifier-dropped-after-use", "verifier no longer held (zeroised)") => verifier_dropped_after_use(),
        ("entropy", ">= 256 bits from a CSPRNG (32 octets -> 43 chars recommended)") => {
            generated_verifiers_are_random();
        }
        (other, expect) => return Err(format!("there is no script for the rule {other}: {expect}")),
    }
    Ok(By::Expect)
}

fn metadata_empty_array() {
    let document = json!({
        "issuer": "https://as.example.com",
        "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token",
        "code_challenge_methods_supported": [],
    });
    let error = AuthorizationServer::from_metadata("https://as.example.com", document.to_string().as_bytes());
    assert_eq!(error.expect_err("S256 is not supported").code(), "metadata");
}

/// What can be seen of it from outside: nothing saves it, sends it or shows it any more.
fn verifier_dropped_after_use() {
    let answers: [(u16, &[u8]); 2] =
        [(200, br#"{"access_token":"AT1","token_type":"Bearer"}"#), (400, br#"{"error":"invalid_grant"}"#)];
    for (status, answer) in answers {
        let (mut login, _) = started(client(), AuthorizationRequest::new()).unwrap();
        holds_the_verifier(&login);
        let request = exchange(&mut login, "C1");
        assert_eq!(value_of(&body(&request), "code_verifier").as_deref(), Some(VERIFIER));
        let headers = [("Content-Type", "application/json")];
        let ended = login.handle(Event::ResponseReceived(request.id(), Response::new(status, &headers, answer)), NOW);
        assert_eq!(ended.is_ok(), status == 200);
        assert_eq!(login.phase(), if status == 200 { Phase::Finished } else { Phase::Failed });
        assert!(login.save().is_none());
        assert!(login.pending_action().is_none());
        assert!(login.deadline().is_none());
        let later = login.handle(Event::ResponseReceived(request.id(), Response::new(200, &headers, answer)), NOW);
        assert!(matches!(later, Err(Error::Ignored(_) | Error::Refused(_))), "{later:?}");
        for shown in [format!("{login:?}"), format!("{ended:?}"), format!("{request:?}")] {
            assert!(!shown.contains(VERIFIER), "{shown}");
        }
    }
}

fn holds_the_verifier(login: &Login) {
    let saved = login.save().expect("it awaits the redirect");
    assert!(serde_json::to_string(&saved).unwrap().contains(VERIFIER));
    assert!(!format!("{login:?} {saved:?}").contains(VERIFIER));
}

fn generated_verifiers_are_random() {
    let (mut login, url) = started(client(), AuthorizationRequest::new()).unwrap();
    assert_eq!(base64url(&VERIFIER_OCTETS), VERIFIER, "all 256 bits of the entropy's part make the verifier");
    assert_eq!(value_of(&body(&exchange(&mut login, "C1")), "code_verifier").as_deref(), Some(VERIFIER));
    let query = decode(url.split_once('?').unwrap().1);
    assert_eq!(value_of(&query, "code_challenge").as_deref(), Some(CHALLENGE));
    assert!(Entropy::new([7; 96]).is_err(), "a stuck generator");
    assert!(CodeVerifier::from_octets(&[7; 31]).is_err(), "fewer than 256 bits");
}
