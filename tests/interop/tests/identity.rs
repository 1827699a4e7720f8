//! Who logged in: OpenID Connect Core §3.1.3.7, from the issuer alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{AuthorizationRequest, Client, IdToken, Login};
use oauth_proto_interop::{
    client_of_issuer, header_of, identity_request, issuer_alone, log_in_over, now, Http, Person, Server, UserAgent,
    PRIVATE_USE,
};
use serde_json::{json, Value};

/// Logs in with a client of this name, and gives the ID token.
fn id_token_of(server: &Server, client_id: &str, person: &str) -> IdToken {
    let http = Http::new();
    let client = Client::new(issuer_alone(server), client_id, PRIVATE_USE).unwrap();
    let mut login = Login::new(client, identity_request()).unwrap();
    let tokens = log_in_over(&http, &mut login, &mut UserAgent::new(person), Person::Allows).unwrap();
    assert_eq!(http.sent(), ["GET /.well-known/openid-configuration", "POST /token", "GET /jwks"]);
    tokens.id_token().unwrap().clone()
}

/// Each signature algorithm of the server, each with a client that is registered for it. The key set has one RSA key for six
/// of them, without `alg`, and one Ed25519 key for two names of the same algorithm (RFC 9864).
#[test]
fn every_signature_algorithm() {
    let server = Server::shared();
    let algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];
    for algorithm in algorithms {
        let client_id = format!("native-app-{}", algorithm.to_lowercase());
        let id_token = id_token_of(&server, &client_id, "anna");
        assert_eq!(header_of(id_token.reveal())["alg"], algorithm);
        assert_eq!(id_token.subject(), "anna");
        assert_eq!(id_token.audience(), [client_id]);
        // The machine looked at both.
        let claims: Value = id_token.claims().unwrap();
        assert!(claims["nonce"].is_string() && claims["at_hash"].is_string(), "{claims}");
    }
}

/// What the server says of the person, in the claims that have names and in one of its own.
#[test]
fn claims() {
    let server = Server::shared();
    let id_token = id_token_of(&server, "native-app", "berta");
    assert_eq!(id_token.issuer(), server.issuer);
    assert_eq!(id_token.subject(), "berta");
    assert_eq!(id_token.expires_at(), id_token.issued_at().saturating_add(3600));
    assert!(id_token.issued_at() <= now());
    assert_eq!(id_token.auth_time(), None);
    assert_eq!(id_token.acr(), None);

    let claims = id_token.standard_claims();
    assert_eq!(claims.name.as_deref(), Some("berta Müller"));
    assert_eq!(claims.given_name.as_deref(), Some("berta"));
    assert_eq!(claims.preferred_username.as_deref(), Some("berta@work"));
    assert_eq!(claims.locale.as_deref(), Some("de-DE"));
    assert_eq!(claims.email.as_deref(), Some("berta@example.com"));
    assert_eq!(claims.email_verified, Some(true));
    assert_eq!(claims.phone_number_verified, Some(false));
    assert_eq!(claims.updated_at.map(oauth_proto::UnixTime::as_secs), Some(1_700_000_000));
    let address = claims.address.unwrap();
    assert_eq!(address.formatted.as_deref(), Some("Am Markt 1\n50667 Köln"));
    assert_eq!(address.country.as_deref(), Some("DE"));

    let custom: Value = id_token.claims().unwrap();
    assert_eq!(custom["https://example.com/roles"], json!(["reader", "editor"]));
}

/// The same person is the same at the next login, whichever client it is with; another one is not.
#[test]
fn the_same_user() {
    let server = Server::shared();
    let one = id_token_of(&server, "native-app", "clara");
    let again = id_token_of(&server, "native-app-eddsa", "clara");
    let other = id_token_of(&server, "native-app", "doris");
    assert!(one.is_same_user(&again));
    assert!(!one.is_same_user(&other));
}

/// A client that relies on TLS fetches no keys, and holds the ID token to all other rules.
#[test]
fn on_tls_alone() {
    let server = Server::shared();
    let http = Http::new();
    let builder = Client::builder(issuer_alone(&server), "native-app", PRIVATE_USE);
    let client = builder.accept_id_tokens_on_tls_alone().build().unwrap();
    let mut login = Login::new(client, identity_request()).unwrap();
    let tokens = log_in_over(&http, &mut login, &mut UserAgent::new("erna"), Person::Allows).unwrap();
    assert_eq!(http.sent(), ["GET /.well-known/openid-configuration", "POST /token"]);
    assert_eq!(tokens.id_token().unwrap().subject(), "erna");
    assert!(tokens.keys().is_none());
}

/// Who does not ask for `openid` gets no ID token, and needs no keys.
#[test]
fn without_openid() {
    let server = Server::shared();
    let http = Http::new();
    let request = AuthorizationRequest::new().scope("read").resource(&server.resource());
    let mut login = Login::new(client_of_issuer(&server), request).unwrap();
    let tokens = log_in_over(&http, &mut login, &mut UserAgent::new("frida"), Person::Allows).unwrap();
    assert_eq!(http.sent(), ["GET /.well-known/openid-configuration", "POST /token"]);
    assert!(tokens.id_token().is_none());
}

/// Nothing of the person is in what a program logs.
#[test]
fn nothing_in_debug() {
    let server = Server::shared();
    let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
    let tokens = log_in_over(&Http::new(), &mut login, &mut UserAgent::new("erna"), Person::Allows).unwrap();
    let id_token = tokens.id_token().unwrap();
    for debug in [format!("{tokens:?}"), format!("{id_token:?}"), format!("{:?}", id_token.standard_claims())] {
        assert!(!debug.contains("erna"), "{debug}");
    }
}
