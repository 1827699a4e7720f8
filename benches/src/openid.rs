//! What OpenID Connect adds: an ID token in the token response, and its signature.

use std::hint::black_box;

use oauth_proto::openid::id_token::Rules;
use oauth_proto::{
    Action, Algorithm, AuthorizationRequest, AuthorizationServer, Client, KeySet, Login, RequestId, RustCrypto,
    UnixTime,
};
use serde_json::{json, Value};

use crate::inputs::{self, AUTHORIZE, CLIENT_ID, REDIRECT_URI, TOKEN};
use crate::ours::{self, NOW};
use crate::{Meter, Row};

const ISSUER: &str = "https://login.example.com";

/// Tokens with real signatures, from the library's own tests.
const CASES: &str = include_str!("../../tests/cases/id_token.json");

fn row(name: &'static str) -> Row {
    Row { name, of: "oauth-proto", input: 0 }
}

/// The rows of this file.
pub fn all(meter: &mut impl Meter) {
    let server =
        AuthorizationServer::new(AUTHORIZE, TOKEN).and_then(|server| server.issuer(ISSUER)).expect("it is fine");
    let client = Client::builder(server, CLIENT_ID, REDIRECT_URI);
    let client = client.accept_id_tokens_on_tls_alone().build().expect("the client is fine");
    meter.measure(
        row("token response, ID token on TLS alone"),
        || exchanging(&client),
        |(login, id, body)| drop(black_box(ours::respond(login, *id, body))),
    );

    let cases: Value = serde_json::from_str(CASES).expect("the cases are JSON");
    for (name, case, algorithm) in [
        ("ID token, signed by RS256", "kid-absent-single-key", Algorithm::Rs256),
        ("ID token, signed by ES256", "es256", Algorithm::Es256),
        ("ID token, signed by ES384", "at-hash-es384", Algorithm::Es384),
        ("ID token, signed by EdDSA", "at-hash-eddsa-sha512", Algorithm::EdDsa),
    ] {
        let list = cases["cases"].as_array().expect("a list");
        let case = list.iter().find(|other| other["name"] == case).expect("the case is there");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (issuer, client_id) = (text(&case["config"]["issuer"]), text(&case["config"]["client_id"]));
        let (nonce, token) = (text(&case["config"]["nonce"]), text(&case["jwt"]));
        let now = UnixTime::from_secs(case["now"].as_u64().expect("a time"));
        let jwks = cases["jwks_sets"][text(&case["jwks"])].to_string();
        let keys = KeySet::parse("https://as.example.com/jwks", jwks.as_bytes(), now).expect("a key set");
        let algorithms = [algorithm];
        let rules = Rules::new(&issuer, &client_id).algorithms(&algorithms).nonce(Some(&nonce));
        meter.measure(
            row(name),
            || (),
            |()| {
                let checked = rules.check(&token, &keys, &RustCrypto, now);
                assert!(checked.is_ok());
                drop(black_box(checked));
            },
        );
    }
}

/// A login that waits for the token response, and a response with its ID token.
fn exchanging(client: &Client) -> (Login, RequestId, String) {
    let request = AuthorizationRequest::new().scope("openid profile offline_access");
    let mut login = Login::new(client.clone(), request).expect("the request is fine");
    let url = ours::start(&mut login);
    let (_, nonce) = url.split_once("&nonce=").expect("there is a nonce");
    let issued_at = NOW.as_secs();
    let claims = json!({
        "iss": ISSUER, "sub": "248289761001", "aud": CLIENT_ID, "nonce": nonce, "iat": issued_at, "exp": issued_at + 3600,
        "name": "Jane Doe", "email": "janedoe@example.com", "email_verified": true,
    });
    let body = inputs::response_with_claims(&claims.to_string());
    let redirect = inputs::short_redirect(inputs::state(&url));
    let Ok(Action::SendRequest(request)) = ours::redirect(&mut login, &redirect) else { panic!("it is refused") };
    (login, request.id(), body)
}
