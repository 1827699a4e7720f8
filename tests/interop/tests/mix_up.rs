//! ID tokens that the server signed, in places where they do not belong: OpenID Connect Core §3.1.3.7, §3.1.3.8.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{Action, Algorithm, Client, Error, Event, IdTokenError, Login, Phase, Violation};
use oauth_proto_interop::{
    authorization_request, entropy, identity_request, issuer_alone, log_in_over, now, request_of, Answer, Http, Person,
    Server, UserAgent, PRIVATE_USE,
};
use serde_json::{json, Value};

/// A login up to the answer of the token endpoint, which the machine has not seen yet.
fn exchanged(server: &Server, client: Client, person: &str) -> (Login, Answer) {
    let http = Http::new();
    let mut login = Login::new(client, identity_request()).unwrap();
    let mut action = login.handle(Event::Start(entropy()), now()).unwrap();
    let url = loop {
        action = match action {
            Action::SendRequest(request) => login.handle(http.send(&request).event(), now()).unwrap(),
            Action::OpenUrl(url) => break url,
            other => panic!("neither busy nor without a browser: {other:?}"),
        };
    };
    assert!(url.as_str().starts_with(&server.authorization_endpoint));
    let landed = UserAgent::new(person).walk(url.as_str(), Person::Allows).redirect();
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    (login, http.send(&request))
}

fn client(server: &Server, client_id: &str) -> Client {
    Client::new(issuer_alone(server), client_id, PRIVATE_USE).unwrap()
}

/// The login goes on with this answer, keys and all, and fails.
fn why_refused(mut login: Login, answer: &Answer) -> IdTokenError {
    let http = Http::new();
    let mut outcome = login.handle(answer.event(), now());
    let error = loop {
        outcome = match outcome {
            Ok(Action::SendRequest(request)) => login.handle(http.send(&request).event(), now()),
            Ok(other) => panic!("taken: {other:?}"),
            Err(error) => break error,
        };
    };
    assert!(error.is_fatal());
    assert_eq!(login.phase(), Phase::Failed);
    let Error::Violation(Violation::IdToken(why)) = error else { panic!("{error:?}") };
    why
}

/// §3.1.3.8: the access token of another login of the same person.
#[test]
fn the_access_token_of_another_login() {
    let server = Server::shared();
    let (login, answer) = exchanged(&server, client(&server, "native-app"), "anna");
    let (_, other) = exchanged(&server, client(&server, "native-app"), "anna");
    let mixed = answer.with("access_token", &other.json()["access_token"]);
    assert_eq!(why_refused(login, &mixed), IdTokenError::AccessTokenHash);
}

/// §3.1.3.7 rule 11: a whole answer of another login of the same person and the same client.
#[test]
fn the_answer_of_another_login() {
    let server = Server::shared();
    let (login, answer) = exchanged(&server, client(&server, "native-app"), "berta");
    let (_, other) = exchanged(&server, client(&server, "native-app"), "berta");
    let mixed = answer.with("access_token", &other.json()["access_token"]).with("id_token", &other.json()["id_token"]);
    assert_eq!(why_refused(login, &mixed), IdTokenError::NonceMismatch);
}

/// Rule 3: an ID token for another client, of the same person.
#[test]
fn the_id_token_of_another_client() {
    let server = Server::shared();
    let (login, answer) = exchanged(&server, client(&server, "native-app"), "clara");
    let (_, other) = exchanged(&server, client(&server, "native-app-es256"), "clara");
    let mixed = answer.with("id_token", &other.json()["id_token"]);
    assert_eq!(why_refused(login, &mixed), IdTokenError::Audience);
}

/// Rule 6: one character of the signature, and one claim, for each kind of key.
#[test]
fn a_changed_id_token() {
    let server = Server::shared();
    for client_id in ["native-app-rs256", "native-app-ps256", "native-app-es256", "native-app-eddsa"] {
        let (login, answer) = exchanged(&server, client(&server, client_id), "doris");
        let token = answer.json()["id_token"].as_str().unwrap().to_owned();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let changed = answer.with("id_token", &json!(format!("{signed}.{first}{}", &signature[1..])));
        assert_eq!(why_refused(login, &changed), IdTokenError::Signature, "{client_id}");
    }
}

/// Rule 7: an algorithm that the client does not want, though the server has it.
#[test]
fn an_algorithm_that_was_not_wanted() {
    let server = Server::shared();
    let picky = Client::builder(issuer_alone(&server), "native-app", PRIVATE_USE)
        .id_token_algorithms(&[Algorithm::Rs256, Algorithm::EdDsa])
        .build()
        .unwrap();
    let (login, answer) = exchanged(&server, picky, "erna");
    assert_eq!(why_refused(login, &answer), IdTokenError::AlgorithmNotAllowed);
}

/// The server signed the JWT access token as well, with the same key: it is no ID token (RFC 8725 §3.11, RFC 9068 §5).
#[test]
fn an_access_token_is_no_id_token() {
    let server = Server::shared();
    let http = Http::new();
    let mut login = Login::new(client(&server, "native-app"), authorization_request(&server)).unwrap();
    let tokens = log_in_over(&http, &mut login, &mut UserAgent::new("frida"), Person::Allows).unwrap();
    let (login, answer) = exchanged(&server, client(&server, "native-app"), "frida");
    let mixed = answer.with("id_token", &Value::from(tokens.access_token().reveal()));
    assert_eq!(why_refused(login, &mixed), IdTokenError::Type);
}
