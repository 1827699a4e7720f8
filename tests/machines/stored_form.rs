//! A session as it is stored: small, whole or refused, and no larger than it may become whatever a server sends.

use oauth_proto::{
    Access, Action, AuthorizationRequest, Client, Entropy, Event, Login, SavedSession, Session, SessionAction, Target,
};
use serde_json::{json, Value};

use crate::support::{at, json as answer, octets, redirect, state};

/// A session of this request, whose tokens are of these.
fn session(client: &Client, request: AuthorizationRequest, tokens: &Value) -> Session {
    let mut login = Login::new(client.clone(), request).unwrap();
    assert!(login.handle(Event::Start(Entropy::new(octets(1)).unwrap()), at(0)).is_ok());
    let url = redirect(&format!("code=C1&state={}", state(1)));
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&url), at(0)) else { panic!("no code") };
    match login.handle(Event::ResponseReceived(sent.id(), answer(200, &tokens.to_string())), at(0)) {
        Ok(Action::TokensReady(tokens)) => login.into_session(tokens),
        other => panic!("{other:?}"),
    }
}

/// Of 40 characters.
fn token(name: &str) -> String {
    format!("{name:x<40}")
}

fn client() -> Client {
    #[cfg(feature = "openid")]
    return crate::support::openid::on_tls_alone();
    #[cfg(not(feature = "openid"))]
    crate::support::client()
}

/// With an ID token of 450 octets, where there are any.
fn typical() -> Session {
    let scope = if cfg!(feature = "openid") { "openid profile offline_access" } else { "profile offline_access" };
    let request = AuthorizationRequest::new().scope(scope).audience("https://api.example.com");
    let mut tokens = json!({
        "access_token": token("AT"), "token_type": "Bearer", "expires_in": 3600, "refresh_token": token("RT"),
        "scope": scope,
    });
    if cfg!(feature = "openid") {
        tokens["id_token"] = id_token(450).into();
    }
    session(&client(), request, &tokens)
}

#[cfg(not(feature = "openid"))]
fn id_token(_: usize) -> String {
    String::new()
}

/// Of so many octets.
#[cfg(feature = "openid")]
fn id_token(octets: usize) -> String {
    padded(octets, |_| {})
}

#[cfg(feature = "openid")]
fn padded(octets: usize, change: impl Fn(&mut Value)) -> String {
    let of = |padding: usize| {
        crate::support::openid::id_token(|claims| {
            change(claims);
            claims["name"] = "x".repeat(padding).into();
        })
    };
    let fits = (0..octets).map(of).find(|token| token.len() >= octets).unwrap();
    assert!(fits.len() < octets + 2, "{}", fits.len());
    fits
}

#[test]
fn a_typical_session_has_at_most_a_thousand_octets() {
    let text = serde_json::to_string(&typical().save()).unwrap();
    assert!(text.len() <= 1000, "{} octets: {text}", text.len());
    assert!(text.contains(&token("AT")) && text.contains(&token("RT")));
}

/// After a refresh whose ID token does not repeat the nonce, at a server that says when everything ends.
#[cfg(feature = "openid")]
#[test]
fn a_session_with_all_there_is_to_tell_has_at_most_a_thousand_octets() {
    let mut session = typical();
    let Access::SendRequest(request) = session.access(at(3590)) else { panic!() };
    let id_token = padded(450, |claims| {
        claims["exp"] = (claims["exp"].as_u64().unwrap() + 3600).into();
        claims.as_object_mut().unwrap().remove("nonce");
    });
    let body = json!({
        "access_token": token("AT2"), "token_type": "Bearer", "expires_in": 3600, "refresh_token": token("RT2"),
        "id_token": id_token, "authorization_expires_in": 9_000_000, "refresh_token_timeout": 900_000,
    });
    let now = at(3590);
    let action = session.handle(Event::ResponseReceived(request.id(), answer(200, &body.to_string())), now);
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    let text = serde_json::to_string(&session.save()).unwrap();
    assert!(text.contains(&format!("\"id_token\":\"{id_token}\"")) && !text.contains("\"nonce\":null"), "{text}");
    assert!(text.len() <= 1000, "{} octets: {text}", text.len());
}

/// A path to every member of every object in a form.
fn members(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(inner) => inner
            .iter()
            .flat_map(|(name, value)| {
                let deeper = members(value).into_iter().map(move |(path, last)| (format!("/{name}{path}"), last));
                std::iter::once((String::new(), name.clone())).chain(deeper)
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, value)| {
                members(value).into_iter().map(move |(path, last)| (format!("/{index}{path}"), last))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What a form does not say is not made up.
#[test]
fn no_member_may_be_missing() {
    let mut session = typical();
    let target = Target::audience("https://other.example.com").unwrap();
    let Access::SendRequest(request) = session.access_for(&target, at(1)) else { panic!("no refresh") };
    let body = json!({ "access_token": token("AT2"), "token_type": "Bearer", "expires_in": 60 }).to_string();
    let action = session.handle(Event::ResponseReceived(request.id(), answer(200, &body)), at(1));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    let form = serde_json::to_value(session.save()).unwrap();
    let members = members(&form);
    let count = if cfg!(feature = "openid") { 25 } else { 22 };
    assert_eq!(members.len(), count, "{members:?}");
    for (path, name) in members {
        let mut damaged = form.clone();
        assert!(damaged.pointer_mut(&path).unwrap().as_object_mut().unwrap().remove(&name).is_some());
        assert!(serde_json::from_value::<SavedSession>(damaged).is_err(), "{path}/{name} may be missing");
    }
    let restored = Session::restore(client(), serde_json::from_value(form.clone()).unwrap()).unwrap();
    assert_eq!(serde_json::to_value(restored.save()).unwrap(), form);
}

/// Of 65 access tokens, one refresh token and their scopes each has at most 32 KiB, and the ID token 64. In JSON that may be
/// twice as much, since each `"` is escaped.
#[test]
fn no_server_makes_the_form_larger_than_nine_mebibytes() {
    const MOST: usize = 32 * 1024;
    let worst = |name: &str| format!("{name:\"<MOST$}");
    let tokens = |name: &str| {
        json!({
            "access_token": worst(name), "token_type": "Bearer", "refresh_token": worst("RT"), "scope": worst("S"),
            "expires_in": 3600, "unknown": "u".repeat(100_000),
        })
        .to_string()
    };
    let first: Value = serde_json::from_str(&tokens("AT")).unwrap();
    let mut session = session(&crate::support::client(), AuthorizationRequest::new().scope("read"), &first);
    let mut largest = 0;
    for number in 0..67 {
        let target = Target::audience(&format!("https://{number}.example.com")).unwrap();
        let Access::SendRequest(request) = session.access_for(&target, at(1)) else { panic!("no refresh") };
        let body = tokens(&format!("AT{number}"));
        let action = session.handle(Event::ResponseReceived(request.id(), answer(200, &body)), at(1));
        assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
        if number >= 63 {
            largest = largest.max(serde_json::to_string(&session.save()).unwrap().len());
        }
    }
    assert!(largest <= 9 * 1024 * 1024, "{largest}");
    assert!(largest > 65 * 2 * 2 * MOST - 65 * 1024, "{largest}: this is not the worst there is");
    // One octet more is refused.
    let target = Target::audience("https://more.example.com").unwrap();
    let Access::SendRequest(request) = session.access_for(&target, at(1)) else { panic!("no refresh") };
    let body = tokens("AT").replace("\"AT", "\"AAT");
    assert!(session.handle(Event::ResponseReceived(request.id(), answer(200, &body)), at(1)).is_ok());
    assert_eq!(session.last_error().map(oauth_proto::Error::code), Some("response_too_large"));
    assert!(!serde_json::to_string(&session.save()).unwrap().contains("more.example.com"));
}
