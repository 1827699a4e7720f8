//! Clients, answers and logins of OpenID Connect. All logins are of seed 1.

use oauth_proto::{
    Action, Algorithm, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Event, KeySet, Login,
    SignatureCheck, Tokens, UnixTime,
};
use serde_json::{json, Value};

use super::discovery::builder;
pub use super::discovery::{discovering, issuer_only, issuer_only_with_path, metadata, request, ISSUER, JWKS_URI};
use super::{at, awaiting, json as answer, nonce, pending, redirect, server, state, START};
use crate::model::keys::{jwks, signed, ALGORITHM};

pub const USER: &str = "248289761001";

/// A server that is known in full.
pub fn known() -> AuthorizationServer {
    let server = server().issuer(ISSUER).unwrap().jwks_uri(JWKS_URI).unwrap();
    let server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
    server.id_token_signing_alg_values_supported(&[ALGORITHM])
}

/// A client that checks signatures by [`Verifier`].
pub fn keyed_builder() -> ClientBuilder {
    builder(known())
}

pub fn keyed() -> Client {
    keyed_builder().build().unwrap()
}

pub fn on_tls_alone() -> Client {
    keyed_builder().accept_id_tokens_on_tls_alone().build().unwrap()
}

/// A client that leaves signatures to the app.
pub fn by_action() -> Client {
    keyed_builder().verify_id_tokens_by_action(&[Algorithm::EdDsa]).build().unwrap()
}

pub fn keys(numbers: &[u8], fetched_at: UnixTime) -> KeySet {
    KeySet::parse(JWKS_URI, jwks(numbers).as_bytes(), fetched_at).unwrap()
}

/// The claims of a login's ID token that came at the beginning.
pub fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": USER, "aud": "app", "iat": START, "exp": START + 3600, "nonce": nonce(1) })
}

/// An ID token that is signed with the key 1.
pub fn id_token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    signed(&claims, Some(1), 1)
}

/// The answer to a token request, with an ID token.
pub fn token_body(change: impl FnOnce(&mut Value)) -> String {
    body_with(&id_token(change))
}

pub fn body_with(id_token: &str) -> String {
    format!(
        r#"{{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1","id_token":"{id_token}"}}"#
    )
}

/// A login that waits for the answer to its token request.
pub fn exchanging(client: Client) -> Login {
    exchanging_with(client, request())
}

pub fn exchanging_with(client: Client, request: AuthorizationRequest) -> Login {
    let mut login = awaiting(client, request);
    let url = redirect(&format!("code=C1&state={}", state(1)));
    let Ok(Action::SendRequest(_)) = login.handle(Event::RedirectReceived(&url), at(0)) else { panic!("not accepted") };
    login
}

/// A login that asks for the server's keys, since its ID token is of the key 1.
pub fn fetching_keys(client: Client) -> Login {
    let mut login = exchanging(client);
    let body = token_body(|_| {});
    let event = Event::ResponseReceived(pending(&login).id(), answer(200, &body));
    let Ok(Action::SendRequest(_)) = login.handle(event, at(0)) else { panic!("no keys are needed") };
    login
}

/// A by-action login that asks the app about the first of these keys, which the client had, or else has just fetched. The ID token
/// names no key and is of the key 1.
pub fn verifying(numbers: &[u8], are_fetched: bool) -> Login {
    let client = if are_fetched { by_action() } else { by_action().with_keys(keys(numbers, at(0))) };
    let mut login = exchanging(client);
    let body = body_with(&signed(&claims(), None, 1));
    let mut action = login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &body)), at(0));
    if are_fetched {
        let set = jwks(numbers);
        action = login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &set)), at(0));
    }
    let Ok(Action::Verify(_)) = action else { panic!("nothing to verify: {action:?}") };
    login
}

/// The check that the login waits for.
#[track_caller]
pub fn check(login: &Login) -> SignatureCheck {
    match login.pending_action() {
        Some(Action::Verify(check)) => check,
        other => panic!("nothing to verify: {other:?}"),
    }
}

/// The tokens of a login whose ID token was signed with the key 1, which has been fetched at the beginning.
pub fn tokens(client: Client) -> Tokens {
    let mut login = fetching_keys(client);
    let keys = jwks(&[1]);
    match login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &keys)), at(0)) {
        Ok(Action::TokensReady(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}
