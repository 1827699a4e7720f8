//! A pending login through its saved form: of the same client alone, and the same on the other side.

use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Login, Response, ResponseMode, RestoreError, SavedLogin,
    ServerMetadata,
};

use crate::{at, code_request, decoded, server, started, value_of, CLIENT_ID, JSON, REDIRECT_URI};

const ISSUER: &str = "https://as.example.com/1";

fn client(issuer: &str, client_id: &str, redirect_uri: &str) -> Client {
    Client::new(server().issuer(issuer).unwrap(), client_id, redirect_uri).unwrap()
}

/// Saves by one client, through JSON, and resumes with another.
fn resume(by: Client, with: Client) -> Result<Login, RestoreError> {
    let (login, _) = started(by, AuthorizationRequest::new().scope("a"), 0);
    let saved = serde_json::to_string(&login.save().unwrap()).unwrap();
    Login::resume(with, serde_json::from_str::<SavedLogin>(&saved).unwrap(), at(1))
}

#[test]
fn another_issuer_client_id_or_redirect_uri_is_another_client() {
    let ours = || client(ISSUER, CLIENT_ID, REDIRECT_URI);
    assert!(resume(ours(), ours()).is_ok());
    for other in [
        client("https://as.example.com/2", CLIENT_ID, REDIRECT_URI),
        client(ISSUER, "another", REDIRECT_URI),
        client(ISSUER, CLIENT_ID, "com.example.app:/another"),
        // No issuer: then the authorization endpoint stands for the server.
        Client::new(server(), CLIENT_ID, REDIRECT_URI).unwrap(),
        // The same octets, divided in another way.
        client("https://as.example.com/", &format!("1{CLIENT_ID}"), REDIRECT_URI),
        client(ISSUER, &format!("{CLIENT_ID}com"), "com.example.app:/callback"),
    ] {
        assert_eq!(resume(ours(), other.clone()).unwrap_err(), RestoreError::OtherClient, "{other:?}");
        assert_eq!(resume(other, ours()).unwrap_err(), RestoreError::OtherClient);
    }
}

/// The redirect comes to the port that the browser was told: with another one the login cannot go on.
#[test]
fn another_loopback_port_is_another_client() {
    let ours = |port: u16| client(ISSUER, CLIENT_ID, &format!("http://127.0.0.1:{port}/callback"));
    assert!(resume(ours(5000), ours(5000)).is_ok());
    assert_eq!(resume(ours(5000), ours(5001)).unwrap_err(), RestoreError::OtherClient);
}

/// The login was started with endpoints that the app had set, and the app has changed to the issuer alone since.
#[test]
fn a_client_that_does_not_know_its_server_cannot_go_on() {
    let by_issuer = || Client::new(AuthorizationServer::from_issuer(ISSUER).unwrap(), CLIENT_ID, REDIRECT_URI).unwrap();
    let ours = || client(ISSUER, CLIENT_ID, REDIRECT_URI);
    assert_eq!(resume(ours(), by_issuer()).unwrap_err(), RestoreError::ServerUnknown);
    let document = format!(
        r#"{{"issuer":"{ISSUER}","authorization_endpoint":"https://as.example.com/authorize","token_endpoint":"https://as.example.com/token"}}"#
    );
    let metadata =
        ServerMetadata::from_response(ISSUER, &Response::new(200, &JSON, document.as_bytes()), at(0)).unwrap();
    let mut login = resume(ours(), by_issuer().with_metadata(&metadata).unwrap()).unwrap();
    let Some(Action::OpenUrl(url)) = login.pending_action() else { panic!() };
    assert_eq!(code_request(&mut login, &url, 1).url(), "https://as.example.com/token");
}

#[test]
fn everything_of_a_login_is_kept() {
    let client = client(ISSUER, CLIENT_ID, REDIRECT_URI);
    let request = AuthorizationRequest::new()
        .scope("a:b")
        .audience("x & y")
        .resource("urn:a:b")
        .resource("urn:c:d")
        .max_age(7)
        .prompt("login")
        .response_mode(ResponseMode::Query)
        .parameter("vendor x", "ü");
    let (login, url) = started(client.clone(), request, 100);
    let saved = serde_json::to_string(&login.save().unwrap()).unwrap();
    let mut resumed = Login::resume(client, serde_json::from_str(&saved).unwrap(), at(200)).unwrap();
    assert_eq!(resumed.deadline(), login.deadline());
    let Some(Action::OpenUrl(again)) = resumed.pending_action() else { panic!("no URL") };
    assert_eq!(again.as_str(), url);
    assert_eq!(serde_json::to_string(&resumed.save().unwrap()).unwrap(), saved);
    let (mut login, body) = (login, |login: &mut Login| decoded(code_request(login, &url, 201).body()));
    let sent = body(&mut resumed);
    assert_eq!(sent, body(&mut login));
    assert_eq!(value_of(&sent, "resource").as_deref(), Some("urn:a:b"));
    assert!(resumed.save().is_none());
}

/// Another version of this crate reads it while the browser is open.
#[test]
fn every_member_has_its_name_and_its_form() {
    let (login, _) = started(client(ISSUER, CLIENT_ID, REDIRECT_URI), AuthorizationRequest::new().scope("a"), 100);
    let form = serde_json::to_value(login.save().unwrap()).unwrap();
    // Octets 0 to 95, in base64url.
    let mut expected = serde_json::json!({
        "version": 2,
        "client": form["client"].as_str().unwrap(),
        "redirect_uri": REDIRECT_URI,
        "code_verifier": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "state": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
        "nonce": "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8",
        "deadline": 3700,
        "request": [["scope", "a"]],
        "metadata": null,
    });
    if cfg!(feature = "openid") {
        expected["requires_acr"] = false.into();
    }
    assert_eq!(form, expected);
    assert_eq!(login.save().unwrap().redirect_uri(), REDIRECT_URI);
    for member in expected.as_object().unwrap().keys() {
        let mut shorter = form.clone();
        shorter.as_object_mut().unwrap().remove(member);
        if member == "redirect_uri" {
            // Forms from before have none, and are read.
            assert_eq!(serde_json::from_value::<SavedLogin>(shorter).unwrap().redirect_uri(), "");
            continue;
        }
        let error = serde_json::from_value::<SavedLogin>(shorter).unwrap_err();
        assert!(error.to_string().starts_with("the saved login is damaged"), "{member}: {error}");
    }
}
