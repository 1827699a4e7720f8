//! Logins whose app verifies the signature by an action, with real signatures of every algorithm: they end as those that verify by
//! themselves do.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{
    Action, Algorithm, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Entropy, Error, Event,
    Headers, Login, Phase, Response, RustCrypto, SignatureCheck, SignatureVerifier, Tokens, UnixTime,
};
use serde_json::{json, Value};

use crate::signing::{jwk, signed, ALGORITHMS};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const ISSUER: &str = "https://as.example.com";

/// What the server has signed.
#[derive(Clone, Copy, PartialEq)]
enum Signed {
    Itself,
    AnotherToken,
}

fn builder(algorithm: &str) -> ClientBuilder {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let server = server.issuer(ISSUER).unwrap().jwks_uri("https://as.example.com/jwks").unwrap();
    let server = server.id_token_signing_alg_values_supported(&[algorithm]);
    Client::builder(server, "app", "com.example.app:/callback")
}

fn verify(check: &SignatureCheck) -> bool {
    RustCrypto.verify(check.algorithm(), &check.key(), check.message(), check.signature())
}

/// Logs in; the checks that the app was asked for go through `watch`.
fn log_in(
    client: Client,
    algorithm: &str,
    what: Signed,
    mut watch: impl FnMut(&Login, &SignatureCheck, &str),
) -> Result<Tokens, Error> {
    let mut login = Login::new(client, AuthorizationRequest::new().scope("openid")).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let Action::OpenUrl(url) = login.handle(Event::Start(entropy), NOW)? else { panic!("no browser") };
    let parameter = |name: &str| url.split(&format!("&{name}=")).nth(1).unwrap()[..43].to_owned();
    let claims = |subject: &str| {
        json!({ "iss": ISSUER, "sub": subject, "aud": "app", "exp": NOW.as_secs() + 300, "iat": NOW.as_secs(),
                "nonce": parameter("nonce") })
    };
    let header = json!({ "alg": algorithm, "kid": "1" });
    let mut token = signed(algorithm, &header, &claims("user"));
    if what == Signed::AnotherToken {
        let other = signed(algorithm, &header, &claims("another user"));
        let (message, _) = token.rsplit_once('.').unwrap();
        token = format!("{message}.{}", other.rsplit('.').next().unwrap());
    }
    let redirect = format!("com.example.app:/callback?code=C&state={}", parameter("state"));
    let mut action = login.handle(Event::RedirectReceived(&redirect), NOW)?;
    loop {
        action = match action {
            Action::TokensReady(tokens) => return Ok(tokens),
            Action::SendRequest(request) => {
                let body = match login.phase() {
                    Phase::FetchingKeys => json!({ "keys": [jwk(algorithm, "1")] }),
                    _ => json!({ "access_token": "AT", "token_type": "Bearer", "id_token": token }),
                };
                let body = body.to_string();
                let response = Response::new(200, Headers::NONE, body.as_bytes());
                login.handle(Event::ResponseReceived(request.id(), response), NOW)?
            }
            Action::Verify(check) => {
                watch(&login, &check, &token);
                login.handle(Event::Verified(check.id(), verify(&check)), NOW)?
            }
            other => panic!("{other:?}"),
        };
    }
}

#[test]
fn it_ends_as_with_a_verifier() {
    for name in ALGORITHMS {
        let algorithm = Algorithm::from_name(name).unwrap();
        for what in [Signed::Itself, Signed::AnotherToken] {
            let by_itself = log_in(builder(name).build().unwrap(), name, what, |_, _, _| panic!("it has a verifier"));
            let mut checks = 0;
            let client = builder(name).verify_id_tokens_by_action(&[algorithm]).build().unwrap();
            let by_action = log_in(client, name, what, |login, check, token| {
                checks += 1;
                assert_eq!(login.phase(), Phase::Verifying);
                let (message, signature) = token.rsplit_once('.').unwrap();
                assert_eq!((check.algorithm(), check.message()), (algorithm, message.as_bytes()), "{name}");
                assert_eq!(Base64UrlUnpadded::encode_string(check.signature()), signature, "{name}");
            });
            assert_eq!(checks, 1, "{name}");
            match (what, by_itself, by_action) {
                (Signed::Itself, Ok(one), Ok(other)) => {
                    assert_eq!(one.id_token().unwrap().subject(), other.id_token().unwrap().subject(), "{name}");
                    assert_eq!(one.keys(), other.keys(), "{name}");
                }
                (Signed::AnotherToken, Err(one), Err(other)) => {
                    assert_eq!((one.code(), &one), ("id_token_signature", &other), "{name}");
                }
                (_, one, other) => panic!("{name}: {one:?}, and by action {other:?}"),
            }
        }
    }
}

/// What `crypto.subtle.importKey` takes: no member says what the key is for.
#[test]
fn the_jwk_has_the_members_of_the_key_alone() {
    for name in ALGORITHMS {
        let client = builder(name).verify_id_tokens_by_action(&[Algorithm::from_name(name).unwrap()]).build().unwrap();
        let tokens = log_in(client, name, Signed::Itself, |_, check, _| {
            let mut expected = jwk(name, "1");
            expected.as_object_mut().unwrap().retain(|member, _| !["kid", "use"].contains(&member.as_str()));
            assert_eq!(serde_json::from_str::<Value>(&check.jwk()).unwrap(), expected, "{name}");
        });
        assert!(tokens.is_ok(), "{name}: {tokens:?}");
    }
}

/// Everything else of the token is checked before, and the algorithms are those that the app knows (RFC 8725 §3.1).
#[test]
fn a_token_of_another_algorithm_is_refused_before() {
    let builder = builder("RS256").id_token_algorithms(&[Algorithm::Rs256, Algorithm::Es256]);
    let client = builder.verify_id_tokens_by_action(&[Algorithm::Es256]).build().unwrap();
    let error = log_in(client, "RS256", Signed::Itself, |_, check, _| panic!("{check:?}")).unwrap_err();
    assert_eq!(error.code(), "id_token_alg_not_allowed");
}
