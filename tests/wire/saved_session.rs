//! A session through its saved form: of the same client alone, and the same on the other side.

use oauth_proto::{
    Access, AuthorizationRequest, Client, LoginRequired, RestoreError, SavedSession, Secret, Session, SessionPhase,
    Target, Tokens,
};
use serde_json::{json, Value};

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
    let request = AuthorizationRequest::new().scope("x a b c").resource("urn:a:b").resource("urn:c:d");
    let response = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":60,"refresh_token":"RT1",
        "scope":"x a b","authorization_expires_in":900000,"refresh_token_timeout":80000}"#;
    Session::new(ours(), log_in(ours(), request, response, 1000))
}

fn files() -> Target {
    Target::audience("https://api.example.com").unwrap().scope("b a").unwrap().check_jwt_audience()
}

fn narrower(scope: &str) -> Target {
    Target::own().scope(scope).unwrap()
}

#[test]
fn everything_of_a_session_is_kept() {
    let mut session = restored(&full_session(), ours()).unwrap();
    assert_eq!((session.scope(), session.grant_expires_at()), ("x a b", Some(at(81_000))));
    // Half the lifetime before the expiry.
    assert_eq!(bearer(session.access(at(1029))).token().reveal(), "AT1");
    let refresh = refresh_of(session.access(at(1030)));
    let sent = decoded(refresh.body());
    for (name, value) in [("refresh_token", Some("RT1")), ("scope", None), ("resource", Some("urn:a:b"))] {
        assert_eq!(value_of(&sent, name).as_deref(), value, "{name}");
    }
    assert_eq!(sent.iter().filter(|(name, _)| name == "resource").count(), 1);
    let narrow = r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"scope":"a"}"#;
    refreshed(&mut session, &refresh, narrow, 1031);
    // The token is narrower now; the grant is not: with resources, `c` may have been granted for another of them.
    let mut session = restored(&session, ours()).unwrap();
    assert_eq!(session.scope(), "a");
    let access = session.access_for(&narrower("a d"), at(1031));
    assert!(matches!(access, Access::LoginRequired(LoginRequired::TargetNotGranted { .. })), "{access:?}");
    let refresh = refresh_of(session.access_for(&narrower("c a"), at(1031)));
    assert_eq!(value_of(&decoded(refresh.body()), "scope").as_deref(), Some("a c"));
    assert_eq!(value_of(&decoded(refresh.body()), "resource").as_deref(), Some("urn:a:b"));
    let wide = r#"{"access_token":"AT3","token_type":"Bearer"}"#;
    refreshed(&mut session, &refresh, wide, 1032);
    assert_eq!(bearer(session.access(at(1030 + 3600 - 61))).token().reveal(), "AT2");
    assert_eq!(bearer(session.access_for(&narrower("a c"), at(999_999 - 120_000))).token().reveal(), "AT3");
    let refresh = refresh_of(session.access(at(1030 + 3600 - 60)));
    assert_eq!(value_of(&decoded(refresh.body()), "scope"), None);
}

/// Without resources the answer's scope is all that was granted (RFC 6749 §5.1).
#[test]
fn what_was_granted_is_kept() {
    let response = r#"{"access_token":"AT1","token_type":"Bearer","refresh_token":"RT1","scope":"a b"}"#;
    let tokens = log_in(ours(), AuthorizationRequest::new().scope("a b c"), response, 1000);
    let session = restored(&Session::new(ours(), tokens), ours()).unwrap();
    assert_eq!(session.authorization_request().unwrap().requested_scope(), "a b");
    let form = saved(&session);
    // The token's own scope is the same and is not said twice.
    assert_eq!((&form["granted"], &form["scope"]), (&json!("a b"), &Value::Null));
}

fn saved(session: &Session) -> Value {
    serde_json::to_value(session.save().unwrap()).unwrap()
}

/// With tokens for three other targets, of which one has no scope of its own and one no expiry.
fn session_of_several_apis() -> Session {
    let mut session = full_session();
    for (target, expiry) in [
        (Target::resource("urn:c:d").unwrap(), r#","expires_in":300"#),
        (files(), ""),
        (narrower("a"), r#","expires_in":0,"scope":"a x""#),
    ] {
        let refresh = refresh_of(session.access_for(&target, at(1001)));
        let body = format!(r#"{{"access_token":"T-{}","token_type":"Bearer"{expiry}}}"#, expiry.len());
        refreshed(&mut session, &refresh, &body, 1002);
    }
    session
}

/// Another version of this crate reads it, so a member that has another name is a user who has to log in again.
#[test]
fn every_member_has_its_name_and_its_form() {
    let form = saved(&session_of_several_apis());
    let text = |name: &str| form[name].as_str().unwrap();
    let is_digest = |text: &str| {
        text.len() >= 22 && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    };
    assert!(is_digest(text("client")) && is_digest(text("login")), "{form}");
    let mut expected = json!({
        "version": 2,
        "client": text("client"),
        "login": text("login"),
        "revision": 6,
        "since": 1000,
        "access_token": "AT1",
        "refresh_token": "RT1",
        "scope": "x a b",
        // What was granted is what was asked for, since the answer's scope is that of one resource.
        "granted": null,
        "obtained_at": 1000,
        "expires_at": 1060,
        "ends": [null, 901_000, null],
        "request": [["scope", "x a b c"], ["resource", "urn:a:b"], ["resource", "urn:c:d"]],
        "others": [
            {
                "resource": "urn:c:d",
                "audience": null,
                "target_scope": null,
                "checks_audience": false,
                "access_token": "T-17",
                "scope": "x a b c",
                "obtained_at": 1002,
                // From when it was asked for.
                "expires_at": 1301,
            },
            {
                "resource": null,
                "audience": "https://api.example.com",
                "target_scope": "a b",
                "checks_audience": true,
                "access_token": "T-0",
                "scope": "a b",
                "obtained_at": 1002,
                "expires_at": null,
            },
            {
                "resource": null,
                "audience": null,
                "target_scope": "a",
                "checks_audience": false,
                "access_token": "T-29",
                "scope": "a x",
                "obtained_at": 1002,
                "expires_at": 1001,
            },
        ],
    });
    if cfg!(feature = "openid") {
        for (member, value) in [("id_token", Value::Null), ("nonce", Value::Null), ("acr", json!(false))] {
            expected[member] = value;
        }
    }
    assert_eq!(form, expected);
}

/// The nonce is in the ID token, which is stored whole; of a later one that has none, it is stored beside it.
#[cfg(feature = "openid")]
#[test]
fn the_id_token_is_stored_and_the_nonce_if_it_is_not_in_it() {
    use crate::id_token::{id_token, NONCE};

    let client = crate::openid_client;
    let first = id_token(Some(NONCE), 0, json!({ "session_expiry": 5000, "acr": "1" }));
    let tokens = json!({
        "access_token": "AT1", "token_type": "Bearer", "expires_in": 60, "refresh_token": "RT1", "id_token": first,
    });
    let request = AuthorizationRequest::new().scope("openid").require_acr_values("1");
    let tokens = log_in(client(), request, &tokens.to_string(), 0);
    let mut session = Session::new(client(), tokens);
    let form = saved(&session);
    assert_eq!((&form["nonce"], &form["acr"], &form["ends"][0]), (&Value::Null, &json!(true), &json!(5000)));
    let second = id_token(None, 100, json!({ "acr": "1" }));
    let refresh = refresh_of(session.access(at(100)));
    let tokens = json!({ "access_token": "AT2", "token_type": "Bearer", "expires_in": 60, "id_token": second });
    refreshed(&mut session, &refresh, &tokens.to_string(), 100);
    let session = restored(&session, client()).unwrap();
    let form = saved(&session);
    assert_eq!((&form["nonce"], &form["id_token"]), (&json!(NONCE), &json!(second)));
    assert_eq!(session.id_token().map(oauth_proto::IdToken::reveal), Some(&*second));
    // What the session does not have, it cannot repeat.
    let mut damaged = form.clone();
    damaged["id_token"] = "no ID token".into();
    assert_eq!(restore_form(damaged, client()).unwrap_err(), RestoreError::Malformed);
}

fn restore_form(form: Value, client: Client) -> Result<Session, RestoreError> {
    Session::restore(client, serde_json::from_value(form).unwrap())
}

/// The digest that names the login is no token, and no part of one.
#[test]
fn the_name_of_a_login_stays_and_tells_nothing() {
    let mut session = full_session();
    let name = saved(&session)["login"].clone();
    let refresh = refresh_of(session.access(at(1030)));
    let rotated = r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#;
    refreshed(&mut session, &refresh, rotated, 1031);
    assert_eq!((&saved(&session)["login"], &saved(&session)["revision"]), (&name, &json!(1 << 20)));
    let other = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT9")), None, "a");
    assert_ne!(saved(&Session::new(ours(), other))["login"], name);
}

#[test]
fn what_is_saved_again_is_the_same() {
    for session in [full_session(), session_of_several_apis()] {
        assert_eq!(saved(&restored(&session, ours()).unwrap()), saved(&session));
    }
}

/// A format that does not name its members: no form may leave one out, nor put one in.
#[test]
fn a_format_without_names_holds_it() {
    for session in [full_session(), session_of_several_apis()] {
        let octets = postcard::to_allocvec(&session.save().unwrap()).unwrap();
        let again: SavedSession = postcard::from_bytes(&octets).unwrap();
        assert_eq!(saved(&Session::restore(ours(), again).unwrap()), saved(&session));
        for end in 0..octets.len() {
            assert!(postcard::from_bytes::<SavedSession>(&octets[..end]).is_err(), "{end}");
        }
    }
}

#[test]
fn each_access_token_is_kept_with_its_own_expiry() {
    let mut session = restored(&session_of_several_apis(), ours()).unwrap();
    let calendar = Target::resource("urn:c:d").unwrap();
    let files = files();
    for (target, now, token, expires_at) in [(&calendar, 1240, "T-17", Some(at(1301))), (&files, 800_000, "T-0", None)]
    {
        let ready = bearer(session.access_for(target, at(now)));
        assert_eq!((ready.token().reveal(), ready.target(), ready.expires_at()), (token, target, expires_at));
    }
    let refresh = refresh_of(session.access_for(&calendar, at(1241)));
    assert_eq!(value_of(&decoded(refresh.body()), "resource").as_deref(), Some("urn:c:d"));
}

/// Nothing of a refresh is in the form before its answer is: whoever dies in between is as if it had not been sent.
#[test]
fn a_refresh_under_way_is_not_in_the_saved_form() {
    let mut session = full_session();
    let before = saved(&session);
    let _refresh = refresh_of(session.access(at(1030)));
    assert_eq!((saved(&session), session.phase()), (before, SessionPhase::Refreshing));
    let mut restored = restored(&session, ours()).unwrap();
    assert_eq!(restored.phase(), SessionPhase::Active);
    assert!(matches!(restored.access(at(1030)), Access::SendRequest(_)));
}

/// What a form does not say is not made up, and what is said of one that is damaged shows nothing of it.
#[test]
fn a_form_without_a_member_or_with_another_type_is_damaged() {
    const SAID: &str = "the saved session is damaged: start a new login";
    let form = saved(&session_of_several_apis());
    let mut members = Vec::new();
    for path in ["", "/others/0"] {
        let names = form.pointer(path).unwrap().as_object().unwrap().keys();
        members.extend(names.map(|name| (path, name.clone())));
    }
    assert!(members.len() > 20);
    for (path, name) in members {
        let mut without = form.clone();
        without.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(&name);
        let mut other = form.clone();
        other.pointer_mut(path).unwrap()[&name] = json!({ "SECRET": "SECRET" });
        for damaged in [without, other] {
            let error = serde_json::from_value::<SavedSession>(damaged.clone()).unwrap_err();
            assert_eq!(error.to_string(), SAID, "{path}/{name}");
            let error = serde_json::from_str::<SavedSession>(&damaged.to_string()).unwrap_err().to_string();
            // With the line and the column of serde_json.
            assert!(error.starts_with(SAID) && !error.contains("SECRET"), "{error}");
        }
    }
    // A member of the wrong type, whose text serde would quote.
    let mut damaged = form;
    damaged["revision"] = "SECRET".into();
    assert_eq!(serde_json::from_value::<SavedSession>(damaged).unwrap_err().to_string(), SAID);
}

#[test]
fn a_form_that_was_tampered_with_is_refused() {
    let form = saved(&session_of_several_apis());
    for (member, value, error) in [
        ("version", json!(1), RestoreError::UnknownVersion),
        ("version", json!(3), RestoreError::UnknownVersion),
        ("client", json!(""), RestoreError::OtherClient),
        ("client", form["login"].clone(), RestoreError::OtherClient),
        ("access_token", json!(""), RestoreError::Malformed),
        ("access_token", json!("a\nb"), RestoreError::Malformed),
        ("access_token", json!(" AT1"), RestoreError::Malformed),
        ("refresh_token", json!(""), RestoreError::Malformed),
        ("refresh_token", json!("R\u{e9}"), RestoreError::Malformed),
        ("scope", json!("\r\n"), RestoreError::Malformed),
        ("granted", json!("\u{0}"), RestoreError::Malformed),
        ("request", json!([["scope", "a  b"]]), RestoreError::Malformed),
        ("request", json!([["resource", "no uri"]]), RestoreError::Malformed),
        ("request", json!([["state", "mine"]]), RestoreError::Malformed),
    ] {
        let mut tampered = form.clone();
        tampered[member] = value.clone();
        assert_eq!(restore_form(tampered.clone(), ours()).unwrap_err(), error, "{member}: {value}");
        let mut session = full_session();
        let before = saved(&session);
        assert_eq!(session.adopt(serde_json::from_value(tampered).unwrap()), Err(error), "{member}: {value}");
        assert_eq!(saved(&session), before, "the session is as it was");
    }
    assert!(restore_form(form, ours()).is_ok());
}

#[test]
fn the_others_are_checked_like_the_own() {
    let form = saved(&session_of_several_apis());
    let restore = |member: &str, value: Value| {
        let mut damaged = form.clone();
        damaged["others"][0][member] = value;
        restore_form(damaged, ours()).map(|session| session.phase())
    };
    for (member, damage) in [
        ("resource", json!("no uri")),
        ("resource", json!("https://api.example.com/#x")),
        ("resource", json!(null)),
        ("audience", json!("https://api.example.com")),
        ("target_scope", json!("a  b")),
        ("access_token", json!("")),
        ("access_token", json!("T\r\n")),
        ("scope", json!("a\n")),
    ] {
        assert_eq!(restore(member, damage.clone()).unwrap_err(), RestoreError::Malformed, "{member}: {damage}");
    }
    assert_eq!(restore("target_scope", json!("b")), Ok(SessionPhase::Active));
}

/// The client is given the metadata that the app keeps.
#[cfg(feature = "openid")]
#[test]
fn a_client_that_knows_only_the_issuer_restores_no_session() {
    let issuer = oauth_proto::AuthorizationServer::from_issuer(ISSUER).unwrap();
    let only = Client::builder(issuer, CLIENT_ID, REDIRECT_URI).accept_id_tokens_on_tls_alone().build().unwrap();
    let form = saved(&full_session());
    assert_eq!(restore_form(form.clone(), only.clone()).unwrap_err(), RestoreError::ServerUnknown);
    let document = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
    });
    let document = document.to_string();
    let response = oauth_proto::Response::new(200, &crate::JSON, document.as_bytes());
    let metadata = oauth_proto::ServerMetadata::from_response(ISSUER, &response, at(0)).unwrap();
    let session = restore_form(form.clone(), only.with_metadata(&metadata).unwrap()).unwrap();
    assert_eq!(saved(&session), form);
}
