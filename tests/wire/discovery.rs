//! Discovery without any feature: the two orders, and what a document must have.

use oauth_proto::metadata::DiscoveryOrder;
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, ConfigError, Error, Event, Headers, Login, Response,
    Violation,
};
use serde_json::json;

use crate::{at, entropy, CLIENT_ID, JSON, REDIRECT_URI};

fn login(server: AuthorizationServer) -> Login {
    Login::new(Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap(), AuthorizationRequest::new().scope("read"))
        .unwrap()
}

/// Where a login looks if there is a document nowhere, and again after the server was busy once.
fn places(issuer: &str, order: Option<DiscoveryOrder>) -> Vec<String> {
    let server = AuthorizationServer::from_issuer(issuer).unwrap();
    let mut login = login(match order {
        Some(order) => server.discovery_order(order),
        None => server,
    });
    let mut asked = vec![];
    let mut action = login.handle(Event::Start(entropy()), at(0));
    let mut status = 503;
    loop {
        action = match action {
            Ok(Action::SendRequest(request)) => {
                asked.push(request.url().strip_prefix("https://as.example.com/").unwrap().to_owned());
                let answer = Response::new(status, Headers::NONE, b"");
                status = 404;
                login.handle(Event::ResponseReceived(request.id(), answer), at(0))
            }
            Ok(Action::RetryAt(_)) => Ok(login.pending_action().unwrap()),
            Err(error) => {
                assert_eq!(error.code(), "bad_metadata");
                return asked;
            }
            other => panic!("{other:?}"),
        };
    }
}

#[test]
fn the_order_is_a_setting() {
    let (appended, oauth) = (".well-known/openid-configuration", ".well-known/oauth-authorization-server");
    let twice = |places: &[String]| [places, places].concat();
    for issuer in ["https://as.example.com", "https://as.example.com/"] {
        let places_of = |order| places(issuer, order);
        let first = twice(&[appended.into(), oauth.into()]);
        assert_eq!(places_of(None), first, "OpenID Connect first, as ever");
        assert_eq!(places_of(Some(DiscoveryOrder::OpenIdConnectFirst)), first);
        let other = twice(&[oauth.into(), appended.into()]);
        assert_eq!(places_of(Some(DiscoveryOrder::OAuthFirst)), other, "{issuer}");
    }
    for issuer in ["https://as.example.com/a/b", "https://as.example.com/a/b/"] {
        let (appended, inserted) = (format!("a/b/{appended}"), format!("{appended}/a/b"));
        let oauth = format!("{oauth}/a/b");
        assert_eq!(places(issuer, None), twice(&[appended.clone(), oauth.clone(), inserted.clone()]));
        // Model Context Protocol: RFC 8414's form, OpenID Connect's inserted one, then the appended one.
        assert_eq!(places(issuer, Some(DiscoveryOrder::OAuthFirst)), twice(&[oauth, inserted, appended]));
    }
}

/// The order lasts for as long as the login does, and longer.
#[test]
fn a_found_server_keeps_its_settings() {
    let issuer = "https://as.example.com";
    let server = AuthorizationServer::from_issuer(issuer).unwrap().discovery_order(DiscoveryOrder::OAuthFirst);
    let mut login = login(server.require_code_challenge_methods_supported());
    let Ok(Action::SendRequest(request)) = login.handle(Event::Start(entropy()), at(0)) else { panic!() };
    let document = json!({
        "issuer": issuer, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
        "code_challenge_methods_supported": ["S256"],
    })
    .to_string();
    let found =
        login.handle(Event::ResponseReceived(request.id(), Response::new(200, &JSON, document.as_bytes())), at(0));
    assert!(matches!(found, Ok(Action::OpenUrl(_))));
    let metadata = login.client().metadata().unwrap().clone();
    assert!(login.client().with_metadata(&metadata).is_ok());
    let unnamed = document.replace("code_challenge_methods_supported", "x");
    let unnamed =
        serde_json::from_value(json!({ "fetched_at": 0, "document": unnamed })).expect("it is metadata all the same");
    let error = login.client().with_metadata(&unnamed).unwrap_err();
    assert!(matches!(error, ConfigError::Metadata { name: "code_challenge_methods_supported", .. }), "{error}");
}

#[test]
fn whether_the_pkce_methods_must_be_named_is_a_setting() {
    let issuer = "https://as.example.com";
    let found = |must: bool, methods: serde_json::Value| {
        let server = AuthorizationServer::from_issuer(issuer).unwrap();
        let server = if must { server.require_code_challenge_methods_supported() } else { server };
        let mut login = login(server);
        let Ok(Action::SendRequest(request)) = login.handle(Event::Start(entropy()), at(0)) else { panic!() };
        let document = json!({
            "issuer": issuer, "authorization_endpoint": "https://as.example.com/a",
            "token_endpoint": "https://as.example.com/t", "code_challenge_methods_supported": methods,
        })
        .to_string();
        let answer = Response::new(200, &JSON, document.as_bytes());
        login.handle(Event::ResponseReceived(request.id(), answer), at(0))
    };
    for (must, methods, is_good) in [
        (false, json!(null), true),
        (true, json!(null), false),
        (true, json!(["S256"]), true),
        (true, json!([]), false),
        (true, json!(["plain"]), false),
        (false, json!(["plain"]), false),
    ] {
        match found(must, methods.clone()) {
            Ok(Action::OpenUrl(url)) if is_good => assert!(url.contains("code_challenge_method=S256")),
            Err(Error::Violation(Violation::Metadata(error))) if !is_good => {
                assert!(
                    matches!(&*error, ConfigError::Metadata { name: "code_challenge_methods_supported", .. }),
                    "{error}"
                );
                let setting = "AuthorizationServer::require_code_challenge_methods_supported";
                assert_eq!(error.to_string().contains(setting), methods.is_null(), "{error}");
            }
            other => panic!("{must} {methods}: {other:?}"),
        }
    }
}
