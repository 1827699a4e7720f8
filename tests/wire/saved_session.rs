//! A session through its saved form: of the same client alone, and the same on the other side.

use oauth_proto::{AuthorizationRequest, Client, RestoreError, Secret, Session, Tokens};

use crate::{at, bearer, decoded, log_in, refresh_of, refreshed, server, value_of, CLIENT_ID, REDIRECT_URI};

const ISSUER: &str = "https://as.example.com/1";

fn client(issuer: &str, client_id: &str, redirect_uri: &str) -> Client {
    Client::new(server().issuer(issuer).unwrap(), client_id, redirect_uri).unwrap()
}

fn ours() -> Client {
    client(ISSUER, CLIENT_ID, REDIRECT_URI)
}

/// Through JSON.
fn restored(session: &Session, client: Client) -> Result<Session, RestoreError> {
    let saved = serde_json::to_string(&session.save().unwrap()).unwrap();
    Session::restore(client, serde_json::from_str(&saved).unwrap())
}

fn restore(by: Client, with: Client) -> Result<Session, RestoreError> {
    restored(&Session::new(by, Tokens::from_parts(Secret::new("AT1"), None, None, "a")), with)
}

#[test]
fn another_issuer_client_id_or_redirect_uri_is_another_client() {
    assert!(restore(ours(), ours()).is_ok());
    for other in [
        client("https://as.example.com/2", CLIENT_ID, REDIRECT_URI),
        client(ISSUER, "another", REDIRECT_URI),
        client(ISSUER, CLIENT_ID, "com.example.app:/another"),
        Client::new(server(), CLIENT_ID, REDIRECT_URI).unwrap(),
        client("https://as.example.com/", &format!("1{CLIENT_ID}"), REDIRECT_URI),
    ] {
        assert_eq!(restore(ours(), other.clone()).unwrap_err(), RestoreError::OtherClient, "{other:?}");
        assert_eq!(restore(other, ours()).unwrap_err(), RestoreError::OtherClient);
    }
}

/// RFC 8252 §7.3: the port of a loopback redirect URI is another one each time, and nothing else is.
#[test]
fn another_loopback_port_is_the_same_client() {
    let with = |redirect_uri: &str| client(ISSUER, CLIENT_ID, redirect_uri);
    for (uri, other, is_same) in [
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1:5001/callback", true),
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1/callback", true),
        ("http://[::1]:5000/callback", "http://[::1]:5001/callback", true),
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1:5000/another", false),
        ("http://127.0.0.1:5000/callback", "http://[::1]:5000/callback", false),
        ("https://app.example.com/callback", "https://app.example.com:8443/callback", false),
    ] {
        let outcome = restore(with(uri), with(other)).map(|_| ());
        assert_eq!(outcome, if is_same { Ok(()) } else { Err(RestoreError::OtherClient) }, "{uri} {other}");
    }
}

/// A token that lives for 60 seconds, so that the time it came at counts too.
fn full_session() -> Session {
    let request = AuthorizationRequest::new().scope("openid a b c").resource("urn:a:b").resource("urn:c:d");
    let response = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":60,"refresh_token":"RT1",
        "id_token":"ID1","scope":"openid a b"}"#;
    let mut session = Session::new(ours(), log_in(ours(), request, response, 1000));
    session.refresh_scope("a").unwrap();
    session
}

#[test]
fn everything_of_a_session_is_kept() {
    let mut session = restored(&full_session(), ours()).unwrap();
    assert_eq!(session.id_token().map(Secret::reveal), Some("ID1"));
    assert_eq!(session.scope(), "openid a b");
    // Half the lifetime before the expiry.
    assert_eq!(bearer(session.access(at(1029))).token().reveal(), "AT1");
    let refresh = refresh_of(session.access(at(1030)));
    let sent = decoded(refresh.body());
    for (name, value) in [("refresh_token", "RT1"), ("scope", "a"), ("resource", "urn:a:b")] {
        assert_eq!(value_of(&sent, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(sent.iter().filter(|(name, _)| name == "resource").count(), 1);
    // The token is narrower now; the grant is not.
    refreshed(&mut session, &refresh, r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600}"#, 1031);
    let mut session = restored(&session, ours()).unwrap();
    assert_eq!(session.scope(), "a");
    assert_eq!(session.id_token().map(Secret::reveal), Some("ID1"));
    assert!(session.refresh_scope("a c").is_err());
    assert!(session.refresh_scope("a b").is_ok());
    assert_eq!(bearer(session.access(at(1031 + 3600 - 61))).token().reveal(), "AT2");
    let refresh = refresh_of(session.access(at(1031 + 3600 - 60)));
    assert_eq!(value_of(&decoded(refresh.body()), "scope").as_deref(), Some("a b"));
    assert_eq!(value_of(&decoded(refresh.body()), "resource").as_deref(), Some("urn:a:b"));
}

#[test]
fn what_is_saved_again_is_the_same() {
    let session = full_session();
    let saved = |session: &Session| serde_json::to_value(session.save().unwrap()).unwrap();
    assert_eq!(saved(&restored(&session, ours()).unwrap()), saved(&session));
}

#[test]
fn what_a_session_does_not_have_may_be_left_out() {
    let mut saved = serde_json::to_value(full_session().save().unwrap()).unwrap();
    for member in ["refresh_token", "id_token", "refresh_scope", "resource", "obtained_at", "expires_at"] {
        assert!(saved.as_object_mut().unwrap().remove(member).is_some(), "{member}");
    }
    let mut session = Session::restore(ours(), serde_json::from_value(saved).unwrap()).unwrap();
    assert!(session.id_token().is_none());
    assert_eq!(bearer(session.access(at(1_000_000))).token().reveal(), "AT1");
}
