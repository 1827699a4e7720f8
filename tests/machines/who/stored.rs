//! What is stored of who is logged in, what is forgotten, and the server that was found by its issuer.

use oauth_proto::{
    Access, Action, Adopted, Client, Event, KeySet, Secret, Session, SessionAction, SessionPhase, SignOut, Tokens,
};

use super::{
    fetched_at, keys, keys_request, last_error, refresh_with, refresh_with_new_key, renewed, saved, session, subject,
    DUE,
};
use crate::model::keys::{jwks, Verifier};
use crate::support::openid::{
    discovering, issuer_only, keyed, known, metadata, token_body, tokens, ISSUER, JWKS_URI, USER,
};
use crate::support::{at, entropy, json as answer, pending, redirect, refresh, state, INVALID_GRANT, REDIRECT_URI};

fn restored(session: &Session) -> Session {
    let text = serde_json::to_string(&session.save()).unwrap();
    Session::restore(session.client().clone(), serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn the_id_token_and_the_nonce_come_back_after_a_restart() {
    let before = session();
    let mut after = restored(&before);
    assert_eq!(after.id_token().unwrap().reveal(), before.id_token().unwrap().reveal());
    assert_eq!(saved(&after), saved(&before));
    let mut other = renewed();
    other["nonce"] = crate::support::nonce(2).into();
    let action = refresh_with(&mut after, &other, 1, 1, at(DUE));
    assert!(matches!(action, Ok(SessionAction::LoginRequired(_))), "{action:?}");
    assert_eq!(last_error(&after), Some("id_token_nonce_mismatch"));
}

/// They are the app's to store: with the client that it restores the session with.
#[test]
fn the_keys_come_back_with_the_client() {
    let before = session();
    let mut after = restored(&before);
    assert!(after.keys().is_none());
    assert!(matches!(refresh_with(&mut after, &renewed(), 1, 1, at(DUE)), Ok(SessionAction::Save)));
    let _ = keys_request(&mut after, at(DUE));

    let stored = serde_json::to_string(before.keys().unwrap()).unwrap();
    let client = keyed().with_keys(serde_json::from_str(&stored).unwrap());
    let mut after = Session::restore(client, before.save().unwrap()).unwrap();
    assert_eq!(fetched_at(after.keys()), Some(at(0)));
    assert!(matches!(refresh_with(&mut after, &renewed(), 1, 1, at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(after.id_token().unwrap().issued_at(), at(DUE));
}

/// An ID token that waits for keys is not stored, and the one before is.
#[test]
fn what_is_not_checked_is_not_stored() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let mut after = restored(&session);
    assert_eq!(after.id_token().unwrap().issued_at(), at(0));
    assert!(matches!(after.access(at(DUE)), Access::Ready(_)), "nothing is left to be fetched");
}

#[test]
fn a_damaged_id_token_is_not_taken_back() {
    let before = session();
    for damaged in ["", "a.b.c", "a", "..", "e30.e30.e30"] {
        let mut form = saved(&before);
        form["id_token"] = damaged.into();
        let result = Session::restore(keyed(), serde_json::from_value(form).unwrap());
        assert_eq!(result.unwrap_err(), oauth_proto::RestoreError::Malformed, "{damaged}");
    }
}

/// Tokens of another process come with its ID token, and the keys that were fetched here are still good.
#[test]
fn adopt_takes_the_id_token_and_keeps_the_keys() {
    let mut ours = session();
    let mut theirs = restored(&ours);
    assert!(matches!(refresh_with(&mut theirs, &renewed(), 1, 1, at(DUE)), Ok(SessionAction::Save)));
    let id = keys_request(&mut theirs, at(DUE));
    assert!(matches!(keys(&mut theirs, id, &[1], at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(ours.adopt(theirs.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(ours.id_token().unwrap().issued_at(), at(DUE));
    assert_eq!(fetched_at(ours.keys()), Some(at(0)), "the keys are not in the store");
    let mut other = renewed();
    other["exp"] = at(9 * DUE).as_secs().into();
    assert!(matches!(refresh_with(&mut ours, &other, 1, 1, at(2 * DUE)), Ok(SessionAction::Save)));
}

/// What the keys have shown is newer than what was stored with the tokens.
#[test]
fn adopt_takes_what_another_process_has_checked() {
    let mut ours = session();
    refresh_with_new_key(&mut ours);
    let mut theirs = restored(&ours);
    let id = keys_request(&mut ours, at(DUE));
    assert!(matches!(keys(&mut ours, id, &[2], at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(theirs.adopt(ours.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(theirs.id_token().unwrap().issued_at(), at(DUE));
    assert_eq!(saved(&theirs), saved(&ours));
}

/// Its own keys' request goes on for nothing.
#[test]
fn adopt_ends_the_wait_for_keys() {
    let mut ours = session();
    let mut theirs = restored(&ours);
    refresh_with_new_key(&mut ours);
    let waiting = keys_request(&mut ours, at(DUE));
    assert!(matches!(refresh_with(&mut theirs, &renewed(), 1, 1, at(DUE)), Ok(SessionAction::Save)));
    let id = keys_request(&mut theirs, at(DUE));
    assert!(matches!(keys(&mut theirs, id, &[1], at(DUE)), Ok(SessionAction::Save)));
    assert!(matches!(refresh_with(&mut theirs, &renewed(), 1, 1, at(DUE + 3590)), Ok(SessionAction::Save)));
    assert_eq!(ours.adopt(theirs.save().unwrap()), Ok(Adopted::Newer));
    assert_eq!(keys(&mut ours, waiting, &[2], at(DUE + 3590)).unwrap_err().code(), "unknown_request");
}

/// What has been checked here is not given up for the store's earlier one.
#[test]
fn adopt_of_the_sessions_own_tokens_leaves_the_id_token() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let earlier = session.save().unwrap();
    let id = keys_request(&mut session, at(DUE));
    assert!(matches!(keys(&mut session, id, &[2], at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(session.adopt(earlier), Ok(Adopted::NotNewer));
    assert_eq!(session.id_token().unwrap().issued_at(), at(DUE));
}

#[test]
fn a_sign_out_forgets_who_was_logged_in() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SendRequest(_)));
    assert_eq!((subject(&session), session.save().is_none()), (None, true));
    assert!(session.keys().is_none(), "those of the client alone");
    assert_eq!(keys(&mut session, id, &[2], at(DUE)).unwrap_err().code(), "unknown_request");
    assert!(session.id_token().is_none());
}

fn with_logout() -> Client {
    let server = known().end_session_endpoint("https://as.example.com/logout").unwrap();
    Client::builder(server, "app", REDIRECT_URI).signature_verifier(Verifier).build().unwrap()
}

/// Nobody is logged in any more, and the server is shown who was.
#[test]
fn after_the_end_of_the_grant_the_id_token_is_a_hint_alone() {
    let mut session = Session::new(with_logout(), tokens(keyed()));
    let hint = session.id_token().unwrap().reveal().to_owned();
    let id = refresh(&mut session, at(DUE));
    let action = session.handle(Event::ResponseReceived(id, answer(400, INVALID_GRANT)), at(DUE));
    assert!(matches!(action, Ok(SessionAction::LoginRequired(_))), "{action:?}");
    assert_eq!((session.phase(), subject(&session)), (SessionPhase::LoginRequired, None));
    let SessionAction::OpenUrl(url) = session.sign_out(SignOut::new().logout(entropy(3))) else { panic!("no logout") };
    assert!(url.contains(&format!("id_token_hint={hint}")), "{}", url.as_str());
}

/// Of an ID token that was never checked there is no hint.
#[test]
fn the_hint_is_the_last_one_that_was_checked() {
    let mut session = Session::new(with_logout(), tokens(keyed()));
    let hint = session.id_token().unwrap().reveal().to_owned();
    refresh_with_new_key(&mut session);
    let SessionAction::SendRequest(request) = session.sign_out(SignOut::new().logout(entropy(3))) else { panic!() };
    let action = session.handle(Event::ResponseReceived(request.id(), answer(200, "")), at(DUE));
    let Ok(SessionAction::OpenUrl(url)) = action else { panic!("{action:?}") };
    assert!(url.contains(&format!("id_token_hint={hint}")), "{}", url.as_str());
}

/// The tokens of a login that found its server by its issuer.
fn discovered() -> Tokens {
    let mut login = discovering(issuer_only());
    let document = metadata(ISSUER, |_| {});
    let event = Event::ResponseReceived(pending(&login).id(), answer(200, &document));
    let Ok(Action::OpenUrl(_)) = login.handle(event, at(0)) else { panic!("not found") };
    let url = redirect(&format!("code=C1&state={}", state(1)));
    assert!(login.handle(Event::RedirectReceived(&url), at(0)).is_ok());
    let body = token_body(|_| {});
    assert!(login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &body)), at(0)).is_ok());
    let keys = jwks(&[1]);
    match login.handle(Event::ResponseReceived(pending(&login).id(), answer(200, &keys)), at(0)) {
        Ok(Action::TokensReady(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_server_that_the_login_found_is_the_sessions() {
    let mut session = Session::new(issuer_only(), discovered());
    assert_eq!(session.client().metadata().map(oauth_proto::ServerMetadata::issuer), Some(ISSUER));
    assert_eq!(session.keys().map(KeySet::jwks_uri), Some(JWKS_URI));
    assert!(matches!(refresh_with(&mut session, &renewed(), 1, 1, at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(subject(&session), Some(USER));
}

/// They are the app's to store too: once for all sessions, with the client.
#[test]
fn the_metadata_come_back_with_the_client() {
    let before = Session::new(issuer_only(), discovered());
    let form = saved(&before);
    assert!(!form.to_string().contains("token_endpoint"), "{form}");
    let error = Session::restore(issuer_only(), serde_json::from_value(form.clone()).unwrap()).unwrap_err();
    assert_eq!(error, oauth_proto::RestoreError::ServerUnknown);
    let stored = serde_json::to_string(before.client().metadata().unwrap()).unwrap();
    let metadata: oauth_proto::ServerMetadata = serde_json::from_str(&stored).unwrap();
    let client = issuer_only().with_metadata(&metadata).unwrap();
    let mut after = Session::restore(client, serde_json::from_value(form).unwrap()).unwrap();
    assert_eq!(after.client().metadata(), before.client().metadata());
    assert!(matches!(refresh_with(&mut after, &renewed(), 1, 1, at(DUE)), Ok(SessionAction::Save)));
    let id = keys_request(&mut after, at(DUE));
    assert!(matches!(keys(&mut after, id, &[1], at(DUE)), Ok(SessionAction::Save)));
    assert_eq!(after.id_token().unwrap().issued_at(), at(DUE));
}

/// Tokens from elsewhere know no server, and the client knows its issuer alone.
#[test]
fn without_metadata_nothing_can_be_refreshed() {
    let elsewhere = || Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(3600)), "openid read");
    let mut session = Session::new(issuer_only(), elsewhere());
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the access token is good");
    let Access::Refused { error, retry_at: None } = session.access(at(3600)) else { panic!("something is sent") };
    assert_eq!(error.code(), "server_unknown");
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SignedOut), "there is nobody to tell");
    assert_eq!(last_error(&session), Some("not_revoked"));

    let known = Session::new(issuer_only(), discovered());
    let client = issuer_only().with_metadata(known.client().metadata().unwrap()).unwrap();
    let mut session = Session::new(client, elsewhere());
    let id = refresh(&mut session, at(3600));
    let body = super::body("a.b.c");
    assert!(session.handle(Event::ResponseReceived(id, answer(200, &body)), at(3600)).is_ok());
    assert_eq!(last_error(&session), Some("id_token_malformed"));
}

/// The settings are the app's; what the login adds is the server.
#[test]
fn the_sessions_client_is_the_apps_with_what_was_found() {
    let server = oauth_proto::AuthorizationServer::from_issuer(ISSUER).unwrap();
    let builder = Client::builder(server, "app", REDIRECT_URI).signature_verifier(Verifier).refresh_timeout_secs(5);
    let mut session = Session::new(builder.build().unwrap(), discovered());
    let _ = refresh(&mut session, at(DUE));
    assert_eq!(session.deadline(), Some(at(DUE + 5)));
}

/// Tokens of another client are used with that one.
#[test]
fn tokens_stay_with_the_client_that_got_them() {
    let server = oauth_proto::AuthorizationServer::from_issuer("https://other.example.com").unwrap();
    let other = Client::builder(server, "other", REDIRECT_URI).signature_verifier(Verifier).build().unwrap();
    let mut session = Session::new(other, discovered());
    let Access::SendRequest(request) = session.access(at(DUE)) else { panic!("no refresh") };
    assert_eq!(request.url(), "https://as.example.com/token");
    assert!(core::str::from_utf8(request.body()).unwrap().contains("client_id=app"));
}

/// The app's own word counts for more than what the login found.
#[test]
fn a_client_that_knows_its_server_is_not_replaced() {
    let session = Session::new(keyed(), discovered());
    assert!(session.client().metadata().is_none());
}
