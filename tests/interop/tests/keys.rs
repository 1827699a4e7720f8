//! The keys that ID tokens are checked with, kept between logins and rotated by the server: OpenID Connect Core §10.1.1.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{
    Access, Action, Client, Delivered, Error, Event, IdTokenError, KeySet, Login, Phase, ServerMetadata, Session,
    SessionAction, Tokens, UnixTime, Violation,
};
use oauth_proto_interop::{
    client_of_issuer, client_of_metadata, entropy, header_of, identity_request, log_in, log_in_by, now, published_keys,
    ready, refresh_of, Http, Person, Server, UserAgent,
};
use serde_json::json;

/// What an app keeps of a login besides the session: the metadata and the keys, on its disk.
struct Cache {
    metadata: String,
    keys: String,
}

impl Cache {
    fn of(client: &Client, keys: &KeySet) -> Self {
        Self {
            metadata: serde_json::to_string(client.metadata().unwrap()).unwrap(),
            keys: serde_json::to_string(keys).unwrap(),
        }
    }

    /// The client of the next login.
    fn client(&self, server: &Server) -> Client {
        let metadata: ServerMetadata = serde_json::from_str(&self.metadata).unwrap();
        let keys: KeySet = serde_json::from_str(&self.keys).unwrap();
        client_of_issuer(server).with_metadata(&metadata).unwrap().with_keys(keys)
    }
}

/// A login with this client at this time, what was sent, and what an app keeps of it.
fn logged_in(client: Client, person: &str, time: UnixTime) -> (Tokens, Vec<String>, Cache) {
    let http = Http::new();
    let mut login = Login::new(client, identity_request()).unwrap();
    let tokens = log_in_by(&|| time, &http, &mut login, &mut UserAgent::new(person), Person::Allows).unwrap();
    let cache = Cache::of(login.client(), tokens.keys().unwrap());
    (tokens, http.sent(), cache)
}

fn kid(id_token: Option<&oauth_proto::IdToken>) -> String {
    header_of(id_token.unwrap().reveal())["kid"].as_str().unwrap().to_owned()
}

/// The second login asks the server for nothing but the tokens.
#[test]
fn cached_metadata_and_keys() {
    let server = Server::start();
    let (first, sent, cache) = logged_in(client_of_issuer(&server), "anna", now());
    assert_eq!(sent, ["GET /.well-known/openid-configuration", "POST /token", "GET /jwks"]);
    let (second, sent, _) = logged_in(cache.client(&server), "anna", now());
    assert_eq!(sent, ["POST /token"]);
    assert!(first.id_token().unwrap().is_same_user(second.id_token().unwrap()));
    // As the server has it.
    assert_eq!(server.requests("GET /jwks"), 1);
    assert_eq!(server.requests("GET /.well-known/openid-configuration"), 1);
    assert_eq!(server.requests("POST /token"), 2);
}

/// The server has new keys at the second login, and the old ones are kept: it fetches them once, and the third login has them.
#[test]
fn rotated_between_two_logins() {
    let server = Server::start();
    let (first, _, cache) = logged_in(client_of_issuer(&server), "berta", now());
    assert_eq!(kid(first.id_token()), "1-p-256");
    for (kid_now, forget) in [("2-p-256", false), ("3-p-256", true)] {
        if forget {
            server.replace_keys();
        } else {
            server.rotate_keys();
        }
        let time = now().saturating_add(KeySet::REFETCH_SECS + 30);
        let (tokens, sent, fresh) = logged_in(cache.client(&server), "berta", time);
        assert_eq!(sent, ["POST /token", "GET /jwks"]);
        assert_eq!(kid(tokens.id_token()), kid_now);
        let (_, sent, _) = logged_in(fresh.client(&server), "berta", time);
        assert_eq!(sent, ["POST /token"]);
    }
}

/// The server was installed again, and its new keys have the names of the old ones: the signature tells.
#[test]
fn replaced_under_the_same_names() {
    let server = Server::start();
    let (_, _, cache) = logged_in(client_of_issuer(&server), "clara", now());
    server.replace_keys_under_their_names();
    let time = now().saturating_add(KeySet::REFETCH_SECS + 30);
    let (tokens, sent, _) = logged_in(cache.client(&server), "clara", time);
    assert_eq!(sent, ["POST /token", "GET /jwks"]);
    assert_eq!(kid(tokens.id_token()), "1-p-256");
}

/// Keys of another server, which have the same names here, are not looked at.
#[test]
fn keys_of_another_server() {
    let server = Server::start();
    let other = Server::shared();
    let client = client_of_issuer(&server).with_keys(published_keys(&other));
    let (tokens, sent, _) = logged_in(client, "doris", now());
    assert_eq!(sent, ["GET /.well-known/openid-configuration", "POST /token", "GET /jwks"]);
    assert_eq!(tokens.keys().unwrap().jwks_uri(), server.jwks_uri);
}

/// There are no keys: nobody is logged in.
#[test]
fn a_login_without_keys() {
    let server = Server::start();
    server.hide(&["/jwks"]);
    let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
    let error = log_in(&mut login, &mut UserAgent::new("erna"), Person::Allows).unwrap_err();
    let Error::Refused(refused) = &error else { panic!("{error:?}") };
    assert_eq!(refused.status(), Some(404));
    assert!(error.is_fatal());
    assert_eq!(login.phase(), Phase::Failed);
}

/// The request for the keys never left, or its answer was lost: it is made again, and the tokens are still there.
#[test]
fn a_request_for_keys_that_is_made_again() {
    let server = Server::shared();
    let http = Http::new();
    let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
    let mut action = login.handle(Event::Start(entropy()), now()).unwrap();
    let mut browser = UserAgent::new("frida");
    let mut lost = 0;
    loop {
        action = match action {
            Action::TokensReady(tokens) => break assert_eq!(tokens.id_token().unwrap().subject(), "frida"),
            Action::OpenUrl(url) => {
                let landed = browser.walk(url.as_str(), Person::Allows).redirect();
                login.handle(Event::RedirectReceived(&landed), now()).unwrap()
            }
            Action::SendRequest(request) if request.url() == server.jwks_uri && lost < 2 => {
                assert_eq!(login.phase(), Phase::FetchingKeys);
                let delivered = [Delivered::No, Delivered::Maybe][lost];
                lost += 1;
                login.handle(Event::SendFailed(request.id(), delivered), now()).unwrap()
            }
            Action::SendRequest(request) => login.handle(http.send(&request).event(), now()).unwrap(),
            other @ (Action::RetryAt(_) | Action::Verify(_)) => panic!("not busy, and a verifier: {other:?}"),
        };
    }
    assert_eq!(http.sent(), ["GET /.well-known/openid-configuration", "POST /token", "GET /jwks"]);
}

/// However young the kept keys are, a token that they cannot check is worth fetching them once.
#[test]
fn rotated_just_now() {
    let server = Server::start();
    let (_, _, cache) = logged_in(client_of_issuer(&server), "clara", now());
    server.rotate_keys();
    let (tokens, sent, _) = logged_in(cache.client(&server), "clara", now());
    assert_eq!((kid(tokens.id_token()).as_str(), sent), ("2-p-256", vec!["POST /token".into(), "GET /jwks".into()]));
}

/// Refreshes at this time.
fn refresh(session: &mut Session, http: &Http, time: UnixTime) {
    let request = refresh_of(session.access(time));
    let action = session.handle(http.send(&request).event(), time).unwrap();
    assert!(matches!(action, SessionAction::Save), "{action:?}");
}

/// New keys between the login and a refresh: the access token is there at once; the session fetches the keys, once, for
/// whoever asks first, and has a new ID token then. The next refresh fetches none.
#[test]
fn rotated_between_login_and_refresh() {
    let server = Server::start();
    let (tokens, _, _) = logged_in(client_of_issuer(&server), "doris", now());
    let mut session = Session::new(client_of_issuer(&server), tokens);
    assert_eq!(kid(session.id_token()), "1-p-256");

    server.rotate_keys();
    let http = Http::new();
    let later = now().saturating_add(400);
    refresh(&mut session, &http, later);
    assert_eq!(http.sent(), ["POST /token"]);
    assert_eq!(kid(session.id_token()), "1-p-256", "taken unchecked");

    let Access::SendRequest(request) = session.access(later) else { panic!("no request for the keys") };
    assert_eq!((request.method(), request.url()), ("GET", server.jwks_uri.as_str()));
    // The others have the access token meanwhile.
    ready(session.access(later));
    let action = session.handle(http.send(&request).event(), later).unwrap();
    assert!(matches!(action, SessionAction::Save), "{action:?}");
    let saved = session.save().unwrap();
    assert_eq!(kid(session.id_token()), "2-p-256");
    ready(session.access(later));
    assert_eq!(server.requests("GET /jwks"), 2);

    let rotated = later;
    let later = rotated.saturating_add(400);
    let before = session.id_token().unwrap().reveal().to_owned();
    http.sent();
    refresh(&mut session, &http, later);
    assert_eq!(kid(session.id_token()), "2-p-256");
    assert_ne!(session.id_token().unwrap().reveal(), before);
    ready(session.access(later));
    assert_eq!(http.sent(), ["POST /token"]);
    assert_eq!(server.requests("GET /jwks"), 2);

    // What was stored has the new ID token; the keys are stored beside it.
    let keys = session.keys().unwrap().clone();
    assert_eq!(keys.fetched_at(), rotated);
    let session = Session::restore(client_of_metadata(&server, &session).with_keys(keys), saved).unwrap();
    assert_eq!(kid(session.id_token()), "2-p-256");
    assert_eq!(session.keys().unwrap().fetched_at(), rotated);
}

/// The keys cannot be had: the session keeps the ID token that it has, hands out the access token, and tries again after a
/// while, three times at most.
#[test]
fn keys_that_do_not_come() {
    let server = Server::start();
    let (tokens, _, _) = logged_in(client_of_issuer(&server), "erna", now());
    let mut session = Session::new(client_of_issuer(&server), tokens);
    server.rotate_keys();
    server.hide(&["/jwks"]);
    let http = Http::new();
    let later = now().saturating_add(400);
    refresh(&mut session, &http, later);
    let request = refresh_of(session.access(later));
    let action = session.handle(http.send(&request).event(), later).unwrap();
    // The keys hold up nobody.
    let SessionAction::RetryAt(time) = action else { panic!("{action:?}") };
    assert_eq!(time, later);
    let Some(Error::Refused(refused)) = session.last_error() else { panic!("{:?}", session.last_error()) };
    assert_eq!(refused.status(), Some(404));
    assert_eq!(kid(session.id_token()), "1-p-256");
    ready(session.access(later));

    let mut tries = vec![later];
    let mut time = later;
    let request = loop {
        time = time.saturating_add(1);
        match session.access(time) {
            Access::SendRequest(request) if request.method() == "GET" => {
                tries.push(time);
                if tries.len() == 3 {
                    break request;
                }
                let action = session.handle(http.send(&request).event(), time).unwrap();
                assert!(matches!(action, SessionAction::RetryAt(_)), "{action:?}");
            }
            access => drop(ready(access)),
        }
    };
    server.hide(&[]);
    let action = session.handle(http.send(&request).event(), time).unwrap();
    assert!(matches!(action, SessionAction::Save), "{action:?} {tries:?}");
    assert_eq!(kid(session.id_token()), "2-p-256");
    assert_eq!(session.last_error(), None);
}

/// The ID token of a refresh waits for keys, and when they are here, they did not sign it: it is not believed, as if none had
/// come, and the session goes on.
#[test]
fn forged_at_a_refresh() {
    let server = Server::start();
    let (tokens, _, _) = logged_in(client_of_issuer(&server), "frida", now());
    let mut session = Session::new(client_of_issuer(&server), tokens);
    server.rotate_keys();
    let http = Http::new();
    let later = now().saturating_add(400);
    let request = refresh_of(session.access(later));
    let answer = http.send(&request);
    let id_token = answer.json()["id_token"].as_str().unwrap().to_owned();
    let (signed, signature) = id_token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = answer.with("id_token", &json!(format!("{signed}.{first}{}", &signature[1..])));
    let action = session.handle(forged.event(), later).unwrap();
    assert!(matches!(action, SessionAction::Save), "{action:?}");

    let request = refresh_of(session.access(later));
    assert_eq!(request.url(), server.jwks_uri);
    let action = session.handle(http.send(&request).event(), later).unwrap();
    let forged = Error::Violation(Violation::IdToken(IdTokenError::Signature));
    assert!(matches!(action, SessionAction::RetryAt(time) if time == later), "{action:?}");
    assert_eq!(session.last_error(), Some(&forged));
    assert_eq!(kid(session.id_token()), "1-p-256");
    ready(session.access(later));
    assert!(session.save().is_some());
}
