//! `ConfigError` of OpenID Connect: what is missing for ID tokens to be checked is told before anything is sent.

use oauth_proto::{Algorithm, AuthorizationRequest, AuthorizationServer, Client, ConfigError, Login, ResponseMode};

use super::helps;
use crate::model::keys::Verifier;
use crate::support::openid::{issuer_only, keyed, keyed_builder, known, request, ISSUER, JWKS_URI};
use crate::support::{client, server, REDIRECT_URI};

/// Why this client cannot ask for ID tokens; without them it can log in.
#[track_caller]
fn refused(client: Client, words: &[&str]) -> ConfigError {
    let error = Login::new(client.clone(), request()).map(|_| ()).expect_err("nothing is missing");
    helps(&error, words);
    assert!(Login::new(client, AuthorizationRequest::new().scope("read")).is_ok(), "nobody asked for ID tokens");
    error
}

fn with(server: AuthorizationServer) -> Client {
    Client::builder(server, "app", REDIRECT_URI).signature_verifier(Verifier).build().unwrap()
}

#[test]
fn no_issuer() {
    assert!(matches!(refused(client(), &["issuer: ", "set it with issuer"]), ConfigError::Issuer { .. }));
    let on_tls_alone = Client::builder(server(), "app", REDIRECT_URI).accept_id_tokens_on_tls_alone().build().unwrap();
    assert!(matches!(refused(on_tls_alone, &["issuer: "]), ConfigError::Issuer { .. }));
}

#[test]
fn no_keys() {
    let error = refused(with(server().issuer(ISSUER).unwrap()), &["jwks_uri: ", "AuthorizationServer::jwks_uri"]);
    assert!(matches!(error, ConfigError::Endpoint { name: "jwks_uri", .. }));
    // TLS alone needs none.
    let builder = Client::builder(server().issuer(ISSUER).unwrap(), "app", REDIRECT_URI);
    assert!(Login::new(builder.accept_id_tokens_on_tls_alone().build().unwrap(), request()).is_ok());
}

#[cfg(not(feature = "rustcrypto"))]
#[test]
fn no_verifier() {
    let client = Client::new(known(), "app", REDIRECT_URI).unwrap();
    let error = refused(client, &["signature_verifier: ", "rustcrypto"]);
    assert!(matches!(error, ConfigError::Client { name: "signature_verifier", .. }));
}

/// The crate's own is there without a word.
#[cfg(feature = "rustcrypto")]
#[test]
fn the_crates_own_verifier() {
    assert!(Login::new(Client::new(known(), "app", REDIRECT_URI).unwrap(), request()).is_ok());
}

#[test]
fn no_algorithm_in_common() {
    let algorithms = |names: &[&str]| known().id_token_signing_alg_values_supported(names);
    let unsaid = server().issuer(ISSUER).unwrap().jwks_uri(JWKS_URI).unwrap();
    // `known` says EdDSA; a server that says nothing signs with RS256, which the verifier here does not know.
    for server in [algorithms(&["RS256", "HS256", "none"]), algorithms(&[]), unsaid] {
        let error = refused(with(server), &["id_token_algorithms: ", "another verifier"]);
        assert!(matches!(error, ConfigError::Client { name: "id_token_algorithms", .. }));
    }
    let own = keyed_builder().id_token_algorithms(&[Algorithm::Rs256]).build().unwrap();
    refused(own, &["id_token_algorithms: "]);
    let own = Client::builder(algorithms(&["RS256"]), "app", REDIRECT_URI).signature_verifier(Verifier);
    let own = own.id_token_algorithms(&[Algorithm::Rs256, Algorithm::EdDsa]).build().unwrap();
    assert!(Login::new(own, request()).is_ok(), "the app's own word counts");
}

#[test]
fn a_response_mode_that_the_server_has_not() {
    let mode = |supported: &[&str], asked: Option<ResponseMode>| {
        let request = asked.into_iter().fold(AuthorizationRequest::new(), AuthorizationRequest::response_mode);
        Login::new(with(known().response_modes_supported(supported)), request).map(|_| ())
    };
    for (supported, asked) in [
        (&["fragment"][..], Some(ResponseMode::Query)),
        (&[], Some(ResponseMode::Query)),
        (&["query"], Some(ResponseMode::FormPost)),
        (&["Query"], Some(ResponseMode::Query)),
    ] {
        let error = mode(supported, asked).expect_err("it has");
        assert!(matches!(error, ConfigError::Metadata { name: "response_modes_supported", .. }), "{error}");
        helps(&error, &["response_modes_supported: ", "RFC 8414", "ask for another"]);
    }
    // The default of the code flow is not asked for, and many servers do not list it.
    for supported in [&["form_post"][..], &["fragment"], &[]] {
        assert!(mode(supported, None).is_ok(), "{supported:?}");
    }
    assert!(
        mode(&["query", "form_post"], Some(ResponseMode::Query)).is_ok()
            && mode(&["form_post"], Some(ResponseMode::FormPost)).is_ok()
    );
}

#[test]
fn too_much_leeway() {
    let error = keyed_builder().clock_leeway_secs(301).build().unwrap_err();
    assert!(matches!(error, ConfigError::Client { name: "clock_leeway", .. }));
    helps(&error, &["clock_leeway: ", "300 seconds", "clock"]);
    assert!(
        keyed_builder().clock_leeway_secs(300).build().is_ok() && keyed_builder().clock_leeway_secs(0).build().is_ok()
    );
}

#[test]
fn keys_of_no_age() {
    let error = keyed_builder().max_key_age_secs(0).build().unwrap_err();
    assert!(matches!(error, ConfigError::Client { name: "max_key_age", .. }));
    helps(&error, &["max_key_age: ", "hours"]);
    assert!(keyed_builder().max_key_age_secs(1).build().is_ok());
}

/// A document that is there by hand.
#[test]
fn a_server_that_takes_pushed_requests_alone() {
    let document = crate::support::openid::metadata(ISSUER, |document| {
        document["require_pushed_authorization_requests"] = true.into();
    });
    let server = AuthorizationServer::from_metadata(ISSUER, document.as_bytes()).unwrap();
    for request in [request(), AuthorizationRequest::new()] {
        let error = Login::new(with(server.clone()), request).map(|_| ()).expect_err("it pushes");
        assert!(
            matches!(error, ConfigError::Metadata { name: "require_pushed_authorization_requests", .. }),
            "{error}"
        );
        helps(&error, &["require_pushed_authorization_requests: ", "RFC 9126"]);
    }
}

#[test]
fn an_issuer_that_is_none() {
    for issuer in
        ["http://as.example.com", "https://as.example.com?x=1", "https://as.example.com/#x", "as.example.com", ""]
    {
        let error = AuthorizationServer::from_issuer(issuer).expect_err(issuer);
        assert!(matches!(error, ConfigError::Issuer { .. }), "{issuer}: {error}");
        helps(&error, &["issuer: "]);
    }
    assert!(AuthorizationServer::from_issuer_on_insecure_loopback("http://127.0.0.1:1234").is_ok());
    assert!(AuthorizationServer::from_issuer_on_insecure_loopback("http://localhost:1234").is_ok());
    assert!(AuthorizationServer::from_issuer_on_insecure_loopback("http://a.localhost:1234").is_err());
    assert!(AuthorizationServer::from_issuer("http://localhost:1234").is_err());
    assert!(AuthorizationServer::from_issuer_on_insecure_loopback("http://as.example.com").is_err());
}

#[test]
fn metadata_of_another_server() {
    let document = crate::support::openid::metadata(ISSUER, |_| {});
    let answer = crate::support::json(200, &document);
    let metadata = oauth_proto::ServerMetadata::from_response(ISSUER, &answer, crate::support::at(0)).unwrap();
    for (client, words) in
        [(crate::support::openid::issuer_only_with_path(), "RFC 8414"), (keyed(), "AuthorizationServer::from_issuer")]
    {
        let error = client.with_metadata(&metadata).unwrap_err();
        assert!(matches!(error, ConfigError::Issuer { .. }), "{error}");
        helps(&error, &["issuer: ", words]);
    }
    assert!(issuer_only().with_metadata(&metadata).is_ok());
}
