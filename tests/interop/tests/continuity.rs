//! The same person from the login to the last refresh: OpenID Connect Core §12.2, and what is saved in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{
    Access, Action, Adopted, Error, Event, IdToken, IdTokenError, Login, LoginRequired, Request, RestoreError,
    SavedLogin, Session, SessionAction, SessionPhase, SignOut, Target, UnixTime, Violation,
};
use oauth_proto_interop::{
    client_of_issuer, client_of_metadata, entropy, identity_request, loaded, now, ready, refresh_of, renew, request_of,
    saved, session_in, tokens_after, Http, Person, Server, UserAgent,
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

/// Refreshes, and the answer has another ID token than the server put there.
fn refresh_with(session: &mut Session, http: &Http, id_token: &IdToken) -> SessionAction {
    let request = refresh_request(session);
    let answer = http.send(&request).with("id_token", &json!(id_token.reveal()));
    session.handle(answer.event(), later()).unwrap()
}

/// The session has ended by this, at once and for good: nothing of it is stored, and its refresh token is never sent again.
fn assert_over(session: &mut Session, http: &Http, action: &SessionAction, why: IdTokenError) {
    let error = Error::Violation(Violation::IdToken(why));
    let SessionAction::LoginRequired(said) = action else { panic!("{action:?}") };
    assert!(said.is_final());
    assert_eq!(*said, LoginRequired::GrantEnded(error.clone()));
    assert_eq!((session.phase(), session.last_error()), (SessionPhase::LoginRequired, Some(&error)));
    assert!(session.save().is_none());
    let without_openid = Target::own().scope("profile").unwrap();
    for time in [now(), later(), later().saturating_add(1_000_000)] {
        session.ask_again();
        for target in [&Target::own(), &without_openid] {
            let access = session.access_for(target, time);
            assert!(matches!(&access, Access::LoginRequired(again) if again == said), "{access:?}");
        }
    }
    let out = session.sign_out(SignOut::new());
    assert!(matches!(out, SessionAction::SignedOut), "sent for a revocation: {out:?}");
    assert_eq!(http.sent(), ["POST /token"], "one refresh, and nothing after it");
}

/// The ID token of another person, and that of another login of the same person, whose `nonce` is another.
#[test]
fn a_refresh_with_somebody_elses_id_token() {
    let server = Server::shared();
    let foreign = [
        (IdTokenError::SubjectMismatch, id_token(&session(&server, "clara"))),
        (IdTokenError::NonceMismatch, id_token(&session(&server, "berta"))),
    ];
    for (why, foreign) in foreign {
        let http = Http::new();
        let mut session = session(&server, "berta");
        let action = refresh_with(&mut session, &http, &foreign);
        assert_over(&mut session, &http, &action, why);
    }
}

/// A whole answer for another person: none of it is used.
#[test]
fn a_refresh_with_the_answer_for_another_person() {
    let server = Server::shared();
    let http = Http::new();
    let mut other = session(&server, "clara");
    let mut session = session(&server, "berta");
    let request = refresh_request(&mut other);
    let foreign = Http::new().send(&request).json();
    let request = refresh_request(&mut session);
    let mut answer = http.send(&request);
    for member in ["access_token", "refresh_token", "id_token"] {
        answer = answer.with(member, &foreign[member]);
    }
    let action = session.handle(answer.event(), later()).unwrap();
    assert_over(&mut session, &http, &action, IdTokenError::SubjectMismatch);
}

/// The ID token of the login once more, which is for another access token: it is the same person's, so it costs itself alone.
/// The tokens are used, and the next refresh brings an ID token again.
#[test]
fn a_refresh_with_an_id_token_for_another_access_token() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "berta");
    let before = (ready(session.access(now())), id_token(&session));
    let action = refresh_with(&mut session, &http, &before.1);
    assert!(matches!(action, SessionAction::Save), "{action:?}");
    assert_eq!(session.last_error(), Some(&Error::Violation(Violation::IdToken(IdTokenError::AccessTokenHash))));
    assert_eq!(id_token(&session).reveal(), before.1.reveal());
    assert!(ready(session.access(now())).token().reveal() != before.0.token().reveal(), "the new one is not used");

    let request = refresh_of(session.access(later().saturating_add(400)));
    renew(&mut session, &http, &request);
    assert_eq!(session.last_error(), None);
    assert_ne!(id_token(&session).reveal(), before.1.reveal());
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

/// The app is started again. The metadata and the keys are what the app keeps beside what was saved; with both, a refresh is one
/// request, and its ID token is checked at once.
#[test]
fn a_session_restored() {
    let server = Server::shared();
    let http = Http::new();
    let before = session(&server, "doris");
    let error = Session::restore(client_of_issuer(&server), loaded(&saved(&before))).unwrap_err();
    assert_eq!(error, RestoreError::ServerUnknown);
    let client = client_of_metadata(&server, &before).with_keys(before.keys().unwrap().clone());
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

    let session = Session::restore(client_of_metadata(&server, &before), loaded(&newest)).unwrap();
    assert_ne!(id_token(&session).reveal(), id_token(&before).reveal());
}

/// Without the keys the session fetches them when a refresh has brought an ID token, and what it is saved as then has that.
#[test]
fn a_session_restored_without_keys() {
    let server = Server::shared();
    let http = Http::new();
    let before = session(&server, "erna");
    let mut session = Session::restore(client_of_metadata(&server, &before), loaded(&saved(&before))).unwrap();
    assert!(session.keys().is_none());
    let request = refresh_request(&mut session);
    let with_the_old_one = renew(&mut session, &http, &request);
    let request = refresh_of(session.access(now()));
    let with_the_new_one = renew(&mut session, &http, &request);
    assert_eq!(http.sent(), ["POST /token", "GET /jwks"]);
    assert!(session.keys().is_some());
    ready(session.access(now()));

    for (saved, expected) in [(with_the_old_one, &before), (with_the_new_one, &session)] {
        let session = Session::restore(client_of_metadata(&server, &before), loaded(&saved)).unwrap();
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
    let mut two = Session::restore(client_of_metadata(&server, &one), loaded(&saved(&one))).unwrap();
    let request = refresh_request(&mut one);
    let store = renew(&mut one, &http, &request);
    assert_eq!(two.adopt(loaded(&store)).unwrap(), Adopted::Newer);
    assert_eq!(id_token(&two).reveal(), id_token(&one).reveal());
    assert!(ready(two.access(now())).token().reveal() == ready(one.access(now())).token().reveal(), "another token");
}
