//! A session through its saved form: of the same client alone, and the same on the other side.

use oauth_proto::{
    AuthorizationRequest, Client, Delivered, Event, RestoreError, Secret, Session, SessionPhase, Target, Tokens,
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
        "scope":"x a b"}"#;
    let mut session = Session::new(ours(), log_in(ours(), request, response, 1000));
    session.refresh_scope("a").unwrap();
    session
}

#[test]
fn everything_of_a_session_is_kept() {
    let mut session = restored(&full_session(), ours()).unwrap();
    assert_eq!(session.scope(), "x a b");
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
    // With resources, `c` may have been granted for another of them.
    assert!(session.refresh_scope("a d").is_err() && session.refresh_scope("a c").is_ok());
    assert!(session.refresh_scope("a b").is_ok());
    assert_eq!(bearer(session.access(at(1031 + 3600 - 61))).token().reveal(), "AT2");
    let refresh = refresh_of(session.access(at(1031 + 3600 - 60)));
    assert_eq!(value_of(&decoded(refresh.body()), "scope").as_deref(), Some("a b"));
    assert_eq!(value_of(&decoded(refresh.body()), "resource").as_deref(), Some("urn:a:b"));
}

/// Without resources the answer's scope is all that was granted (RFC 6749 §5.1).
#[test]
fn what_was_granted_is_kept() {
    let response = r#"{"access_token":"AT1","token_type":"Bearer","refresh_token":"RT1","scope":"a b"}"#;
    let tokens = log_in(ours(), AuthorizationRequest::new().scope("a b c"), response, 1000);
    let mut session = restored(&Session::new(ours(), tokens), ours()).unwrap();
    assert!(session.refresh_scope("a c").is_err() && session.refresh_scope("a b").is_ok());
}

fn saved(session: &Session) -> Value {
    serde_json::to_value(session.save().unwrap()).unwrap()
}

/// With tokens for three other targets, of which one has no scope of its own and one no expiry.
fn session_of_several_apis() -> Session {
    let mut session = full_session();
    for (target, expiry) in [
        (Target::resource("urn:c:d").unwrap(), r#","expires_in":300"#),
        (Target::audience("https://api.example.com").unwrap().scope("b a").unwrap(), ""),
        (Target::own().scope("a").unwrap(), r#","expires_in":0,"scope":"a x""#),
    ] {
        let refresh = refresh_of(session.access_for(&target, at(1001)));
        let body = format!(r#"{{"access_token":"T-{}","token_type":"Bearer"{expiry}}}"#, expiry.len());
        refreshed(&mut session, &refresh, &body, 1002);
    }
    session
}

/// What there is with the feature `openid` alone.
const OPENID_ALONE: [&str; 4] = ["id_token", "nonce", "requires_acr", "metadata"];

/// Another version of this crate reads it, so a member that has another name is a user who has to log in again.
#[test]
fn every_member_has_its_name_and_its_form() {
    let form = saved(&session_of_several_apis());
    let text = |name: &str| form[name].as_str().unwrap();
    let is_digest = |text: &str| {
        text.len() == 43 && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    };
    assert!(is_digest(text("client")) && is_digest(text("login")), "{form}");
    let mut expected = json!({
            "version": 1,
            "client": text("client"),
            "login": text("login"),
            "logged_in_at": 1000,
            "generation": 0,
            "renewals": 3,
            "losses": 0,
            "reusable": true,
            "access_token": "AT1",
            "refresh_token": "RT1",
            "scope": "x a b",
            "granted_scope": text("granted_scope"),
            "refresh_scope": "a",
            "obtained_at": 1000,
            "expires_at": 1060,
            "request": [["scope", "x a b c"], ["resource", "urn:a:b"], ["resource", "urn:c:d"]],
            "points": 0,
            "others": [
                {
                    "resource": "urn:c:d",
                    "audience": null,
                    "target_scope": null,
                    "access_token": "T-17",
                    "scope": text("granted_scope"),
                    "obtained_at": 1002,
                    "expires_at": 1302,
                },
                {
                    "resource": null,
                    "audience": "https://api.example.com",
                    "target_scope": "a b",
                    "access_token": "T-0",
                    "scope": "a b",
                    "obtained_at": 1002,
                    "expires_at": null,
                },
                {
                    "resource": null,
                    "audience": null,
                    "target_scope": "a",
                    "access_token": "T-29",
                    "scope": "a x",
                    "obtained_at": 1002,
                    "expires_at": 1002,
                },
            ],
    });
    if cfg!(feature = "openid") {
        for (member, value) in OPENID_ALONE.into_iter().zip([Value::Null, Value::Null, json!(false), Value::Null]) {
            expected[member] = value;
        }
    }
    assert_eq!(form, expected);
    // What was granted is what was asked for, since the answer's scope is that of one resource.
    let mut granted: Vec<&str> = text("granted_scope").split(' ').collect();
    granted.sort_unstable();
    assert_eq!(granted, ["a", "b", "c", "x"]);
}

/// The digest that names the login is no token, and no part of one.
#[test]
fn the_name_of_a_login_stays_and_tells_nothing() {
    let mut session = full_session();
    let name = saved(&session)["login"].clone();
    let refresh = refresh_of(session.access(at(1030)));
    let rotated = r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#;
    refreshed(&mut session, &refresh, rotated, 1031);
    assert_eq!((&saved(&session)["login"], &saved(&session)["generation"]), (&name, &json!(8)));
    let other = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT9")), None, "a");
    assert_ne!(saved(&Session::new(ours(), other))["login"], name);
}

#[test]
fn what_is_saved_again_is_the_same() {
    for session in [full_session(), session_of_several_apis()] {
        assert_eq!(saved(&restored(&session, ours()).unwrap()), saved(&session));
    }
}

#[test]
fn each_access_token_is_kept_with_its_own_expiry() {
    let mut session = restored(&session_of_several_apis(), ours()).unwrap();
    let calendar = Target::resource("urn:c:d").unwrap();
    let files = Target::audience("https://api.example.com").unwrap().scope("a b").unwrap();
    for (target, now, token) in [(&calendar, 1241, "T-17"), (&files, 9_000_000, "T-0")] {
        let ready = bearer(session.access_for(target, at(now)));
        assert_eq!((ready.token().reveal(), ready.target()), (token, target));
    }
    let refresh = refresh_of(session.access_for(&calendar, at(1242)));
    assert_eq!(value_of(&decoded(refresh.body()), "resource").as_deref(), Some("urn:c:d"));
}

/// If the process ends while a refresh is under way, the next one knows that the token may be spent.
#[test]
fn a_refresh_under_way_is_a_loss_in_the_saved_form() {
    let mut session = full_session();
    for (losses, phase) in [(1, SessionPhase::OutcomeUnknown), (2, SessionPhase::Exhausted)] {
        let refresh = refresh_of(session.access(at(1030)));
        assert_eq!(saved(&session)["losses"], losses);
        assert_eq!(restored(&session, ours()).unwrap().phase(), phase);
        assert!(session.handle(Event::SendFailed(refresh.id(), Delivered::Maybe), at(1030)).is_ok());
        assert_eq!((&saved(&session)["losses"], session.phase()), (&json!(losses), phase));
    }
}

/// A refresh that never left is none.
#[test]
fn a_refresh_that_was_answered_or_not_sent_leaves_no_mark() {
    let mut session = full_session();
    let refresh = refresh_of(session.access(at(1030)));
    assert!(session.handle(Event::SendFailed(refresh.id(), Delivered::No), at(1030)).is_ok());
    assert_eq!(saved(&session)["losses"], 0);
}

#[test]
fn what_a_session_does_not_have_may_be_left_out() {
    let mut form = saved(&session_of_several_apis());
    let optional = [
        "login",
        "logged_in_at",
        "generation",
        "renewals",
        "losses",
        "reusable",
        "refresh_token",
        "refresh_scope",
        "obtained_at",
        "expires_at",
        "request",
        "points",
        "others",
    ];
    let openid = OPENID_ALONE.into_iter().filter(|_| cfg!(feature = "openid"));
    for member in optional.into_iter().chain(openid) {
        assert!(form.as_object_mut().unwrap().remove(member).is_some(), "{member}");
    }
    let mut session = Session::restore(ours(), serde_json::from_value(form).unwrap()).unwrap();
    assert_eq!(bearer(session.access(at(1_000_000))).token().reveal(), "AT1");
}

#[test]
fn the_others_are_checked_like_the_own() {
    let form = saved(&session_of_several_apis());
    let restore = |member: &str, value: Value| {
        let mut damaged = form.clone();
        damaged["others"][0][member] = value;
        Session::restore(ours(), serde_json::from_value(damaged).unwrap()).map(|session| session.phase())
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
