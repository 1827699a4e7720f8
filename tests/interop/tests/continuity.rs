//! The same person from the login to the last refresh: OpenID Connect Core §12.2, and what is saved in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{
    Action, Adopted, Error, Event, IdToken, IdTokenError, Login, Request, RestoreError, SavedLogin, Session,
    SessionAction, Target, UnixTime, Violation,
};
use oauth_proto_interop::{
    assert_grant_ended, client_of_issuer, entropy, form_parameter, identity_request, loaded, now, ready, refresh_of,
    renew, request_of, saved, session_in, tokens_after, Http, Person, Server, UserAgent,
};
use serde_json::{json, Value};

fn later() -> UnixTime {
    now().saturating_add(400)
}

fn session(server: &Server, person: &str) -> Session {
    session_in(&mut UserAgent::new(person), client_of_issuer(server), identity_request())
}

fn refresh_request(session: &mut Session) -> Request {
    refresh_of(session.access(later()))
}

fn id_token(session: &Session) -> IdToken {
    session.id_token().unwrap().clone()
}

/// Every refresh brings an ID token: the same person, server and audience, and the `nonce` of the login, which this server
/// repeats.
#[test]
fn a_refresh_brings_the_same_person() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "anna");
    let first = id_token(&session);
    for _ in 0..2 {
        let request = refresh_request(&mut session);
        renew(&mut session, &http, &request);
        let next = id_token(&session);
        assert!(next.is_same_user(&first));
        assert_eq!(next.audience(), first.audience());
        assert_ne!(next.reveal(), first.reveal());
        let (next, first): (Value, Value) = (next.claims().unwrap(), first.claims().unwrap());
        assert_eq!(next["nonce"], first["nonce"]);
        assert_ne!(next["at_hash"], first["at_hash"]);
    }
    assert_eq!(http.sent(), ["POST /token", "POST /token"]);
}

/// Refreshes, and the answer has the ID token of elsewhere: an answer in doubt, and nothing of it is used. The session goes
/// on with what it has, and the refresh token that the server has just replaced is tried once more after a while, in vain.
fn refresh_with(session: &mut Session, foreign: &IdToken, why: IdTokenError) {
    let http = Http::new();
    let before = id_token(session);
    let bearer = ready(session.access(now()));
    let request = refresh_request(session);
    let answer = http.send(&request).with("id_token", &json!(foreign.reveal()));
    let action = session.handle(answer.event(), later()).unwrap();
    let SessionAction::RetryAt(time) = action else { panic!("{action:?}") };
    assert!(time > later());
    assert_eq!(session.last_error(), Some(&Error::Violation(Violation::IdToken(why))));
    assert_eq!(id_token(session).reveal(), before.reveal());
    assert!(ready(session.access(now())).token().reveal() == bearer.token().reveal(), "the new access token is used");

    let again = refresh_of(session.access(time));
    assert_eq!(form_parameter(&again, "refresh_token"), form_parameter(&request, "refresh_token"));
    match session.handle(http.send(&again).event(), time) {
        Ok(SessionAction::LoginRequired(why)) => assert_grant_ended(&why),
        other => panic!("a grace period? {other:?}"),
    }
}

/// The ID token of another person, that of another login of the same person (whose `nonce` is another), and the one of the
/// login (which is for another access token).
#[test]
fn a_refresh_with_another_id_token() {
    let server = Server::shared();
    let other_person = session(&server, "clara");
    let other_login = session(&server, "berta");
    for why in [IdTokenError::SubjectMismatch, IdTokenError::NonceMismatch, IdTokenError::AccessTokenHash] {
        let mut session = session(&server, "berta");
        let foreign = match why {
            IdTokenError::SubjectMismatch => id_token(&other_person),
            IdTokenError::NonceMismatch => id_token(&other_login),
            _ => id_token(&session),
        };
        refresh_with(&mut session, &foreign, why);
    }
}

/// A whole answer for another person: none of it is used, not by a refresh either that asks for no ID token.
#[test]
fn a_refresh_with_the_answer_for_another_person() {
    let server = Server::shared();
    let http = Http::new();
    let mut other = session(&server, "clara");
    let mut session = session(&server, "berta");
    let request = refresh_request(&mut other);
    let foreign = http.send(&request).json();
    let request = refresh_request(&mut session);
    let mut answer = http.send(&request);
    for member in ["access_token", "refresh_token", "id_token"] {
        answer = answer.with(member, &foreign[member]);
    }
    let action = session.handle(answer.event(), later()).unwrap();
    let SessionAction::RetryAt(time) = action else { panic!("{action:?}") };
    assert_eq!(session.last_error(), Some(&Error::Violation(Violation::IdToken(IdTokenError::SubjectMismatch))));

    let without_openid = Target::own().scope("profile").unwrap();
    let next = refresh_of(session.access_for(&without_openid, time));
    assert_eq!(form_parameter(&next, "refresh_token"), form_parameter(&request, "refresh_token"));
}

/// The app dies while the browser is open. What was saved has the metadata: nothing is discovered a second time.
#[test]
fn a_login_resumed() {
    let server = Server::shared();
    let http = Http::new();
    let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
    let discovery = request_of(login.handle(Event::Start(entropy()), now()));
    let Ok(Action::OpenUrl(url)) = login.handle(http.send(&discovery).event(), now()) else { panic!("no URL") };
    let saved = serde_json::to_string(&login.save().unwrap()).unwrap();
    drop(login);
    http.sent();

    let landed = UserAgent::new("clara").walk(url.as_str(), Person::Allows).redirect();
    let saved: SavedLogin = serde_json::from_str(&saved).unwrap();
    let mut login = Login::resume(client_of_issuer(&server), saved, now()).unwrap();
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    let tokens = tokens_after(&mut login, &http, &request).unwrap();
    assert_eq!(http.sent(), ["POST /token", "GET /jwks"]);
    let claims: Value = tokens.id_token().unwrap().claims().unwrap();
    assert_eq!(tokens.id_token().unwrap().subject(), "clara");
    assert!(claims["nonce"].is_string());
}

/// The app is started again. What was saved has the metadata; with the keys, which the app keeps beside it, a refresh is one
/// request, and its ID token is checked at once.
#[test]
fn a_session_restored() {
    let server = Server::shared();
    let http = Http::new();
    let before = session(&server, "doris");
    let client = client_of_issuer(&server).with_keys(before.keys().unwrap().clone());
    let mut session = Session::restore(client, loaded(&saved(&before))).unwrap();
    assert_eq!(id_token(&session).reveal(), id_token(&before).reveal());
    ready(session.access(now()));
    let request = refresh_request(&mut session);
    assert_eq!(request.url(), server.token_endpoint);
    let newest = renew(&mut session, &http, &request);
    ready(session.access(now()));
    assert_eq!(http.sent(), ["POST /token"]);
    assert!(id_token(&session).is_same_user(&id_token(&before)));
    assert_ne!(id_token(&session).reveal(), id_token(&before).reveal());

    let session = Session::restore(client_of_issuer(&server), loaded(&newest)).unwrap();
    assert_ne!(id_token(&session).reveal(), id_token(&before).reveal());
}

/// Without the keys the session fetches them when a refresh has brought an ID token, and what it is saved as then has that.
#[test]
fn a_session_restored_without_keys() {
    let server = Server::shared();
    let http = Http::new();
    let before = session(&server, "erna");
    let mut session = Session::restore(client_of_issuer(&server), loaded(&saved(&before))).unwrap();
    assert!(session.keys().is_none());
    let request = refresh_request(&mut session);
    let with_the_old_one = renew(&mut session, &http, &request);
    let request = refresh_of(session.access(now()));
    let with_the_new_one = renew(&mut session, &http, &request);
    assert_eq!(http.sent(), ["POST /token", "GET /jwks"]);
    assert!(session.keys().is_some());
    ready(session.access(now()));

    for (saved, expected) in [(with_the_old_one, &before), (with_the_new_one, &session)] {
        let session = Session::restore(client_of_issuer(&server), loaded(&saved)).unwrap();
        assert_eq!(id_token(&session).reveal(), id_token(expected).reveal());
    }
}

/// What was saved with one server is not taken by the client of another.
#[test]
fn another_server() {
    let server = Server::shared();
    let other = Server::start();
    let session = session(&server, "frida");
    let restored = Session::restore(client_of_issuer(&other), loaded(&saved(&session)));
    assert!(matches!(restored, Err(RestoreError::OtherClient)), "{restored:?}");

    let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
    let discovery = request_of(login.handle(Event::Start(entropy()), now()));
    assert!(login.save().is_none(), "nothing is worth saving yet");
    let action = login.handle(Http::new().send(&discovery).event(), now()).unwrap();
    assert!(matches!(action, Action::OpenUrl(_)));
    let saved = login.save().unwrap();
    assert!(matches!(Login::resume(client_of_issuer(&other), saved, now()), Err(RestoreError::OtherClient)));
}

/// Two processes: what one has refreshed, the other adopts, and the ID token with it.
#[test]
fn the_other_process_adopts_the_id_token() {
    let server = Server::shared();
    let http = Http::new();
    let mut one = session(&server, "gerda");
    let mut two = Session::restore(client_of_issuer(&server), loaded(&saved(&one))).unwrap();
    let request = refresh_request(&mut one);
    let store = renew(&mut one, &http, &request);
    assert_eq!(two.adopt(loaded(&store)).unwrap(), Adopted::Newer);
    assert_eq!(id_token(&two).reveal(), id_token(&one).reveal());
    assert!(ready(two.access(now())).token().reveal() == ready(one.access(now())).token().reveal(), "another token");
}
