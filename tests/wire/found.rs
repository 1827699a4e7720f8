//! A server that was found by its issuer, without any feature: from the login to its tokens, through the stores, to the session.

use oauth_proto::metadata::DiscoveryOrder;
use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Client, Event, Login, Request, Response, RestoreError,
    SavedLogin, Session, Tokens,
};
use serde_json::{json, Value};

use crate::{at, entropy, CLIENT_ID, JSON, REDIRECT_URI};

const ISSUER: &str = "https://as.example.com";
const AUTHORIZE: &str = "https://as.example.com/authorize";
const TOKEN: &str = "https://as.example.com/token";

fn by_issuer() -> AuthorizationServer {
    AuthorizationServer::from_issuer(ISSUER).unwrap().discovery_order(DiscoveryOrder::OAuthFirst)
}

fn client(server: AuthorizationServer) -> Client {
    Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap()
}

fn document() -> Value {
    json!({ "issuer": ISSUER, "authorization_endpoint": AUTHORIZE, "token_endpoint": TOKEN, "x": [1] })
}

fn answer<'a>(request: &Request, body: &'a str) -> Event<'a> {
    Event::ResponseReceived(request.id(), Response::new(200, &JSON, body.as_bytes()))
}

/// A login whose browser is open.
fn found() -> (Login, String) {
    let mut login = Login::new(client(by_issuer()), AuthorizationRequest::new().scope("read")).unwrap();
    let Ok(Action::SendRequest(request)) = login.handle(Event::Start(entropy()), at(0)) else { panic!() };
    assert_eq!(request.url(), "https://as.example.com/.well-known/oauth-authorization-server");
    assert!(login.save().is_none());
    let Ok(Action::OpenUrl(url)) = login.handle(answer(&request, &document().to_string()), at(1)) else { panic!() };
    (login, url.as_str().to_owned())
}

fn finish(login: &mut Login, url: &str) -> Tokens {
    let state = url.split("&state=").nth(1).unwrap()[..43].to_owned();
    let redirect = format!("{REDIRECT_URI}?code=c&state={state}");
    let Ok(Action::SendRequest(request)) = login.handle(Event::RedirectReceived(&redirect), at(2)) else { panic!() };
    assert_eq!(request.url(), TOKEN);
    let body = r#"{"access_token":"AT","token_type":"Bearer","expires_in":100,"refresh_token":"RT"}"#;
    let Ok(Action::TokensReady(tokens)) = login.handle(answer(&request, body), at(3)) else { panic!() };
    tokens
}

/// The same login as if its server had published this.
fn saved(login: &Login, change: impl FnOnce(&mut Value)) -> SavedLogin {
    let mut form = serde_json::to_value(login.save()).unwrap();
    let mut document = document();
    change(&mut document);
    form["metadata"]["document"] = document.to_string().into();
    serde_json::from_value(form).unwrap()
}

#[test]
fn a_login_goes_on_at_the_server_that_was_found() {
    let (login, url) = found();
    let saved: SavedLogin = serde_json::from_str(&serde_json::to_string(&login.save()).unwrap()).unwrap();
    let mut login = Login::resume(client(by_issuer()), saved, at(2)).unwrap();
    let Some(Action::OpenUrl(again)) = login.pending_action() else { panic!() };
    assert_eq!(again.as_str(), url);
    let tokens = finish(&mut login, &url);
    let metadata = tokens.metadata().expect("the login has fetched them").clone();
    assert_eq!((metadata.get::<[u8; 1]>("x"), metadata.fetched_at()), (Ok(Some([1])), at(1)));

    // A session of a client that has not looked for its server.
    let mut session = Session::new(client(by_issuer()), tokens);
    let Access::SendRequest(refresh) = session.access(at(100)) else { panic!() };
    assert_eq!(refresh.url(), TOKEN);
    let stored = serde_json::to_string(&session.save()).unwrap();
    let restore = |client| Session::restore(client, serde_json::from_str(&stored).unwrap());
    assert_eq!(restore(client(by_issuer())).map(drop), Err(RestoreError::ServerUnknown));
    let mut session = restore(client(by_issuer()).with_metadata(&metadata).unwrap()).unwrap();
    assert!(matches!(session.access(at(100)), Access::SendRequest(refresh) if refresh.url() == TOKEN));
}

#[test]
fn tokens_stay_with_the_client_and_the_server_that_they_are_of() {
    let elsewhere = AuthorizationServer::new("https://evil.example/a", "https://evil.example/t").unwrap();
    for other in [client(elsewhere), Client::new(by_issuer(), "another", REDIRECT_URI).unwrap()] {
        let (mut login, url) = found();
        let tokens = finish(&mut login, &url);
        let mut session = Session::new(other, tokens);
        assert_eq!(session.client().client_id(), CLIENT_ID);
        assert!(matches!(session.access(at(100)), Access::SendRequest(refresh) if refresh.url() == TOKEN));
    }
}

#[test]
fn a_login_is_resumed_at_no_other_server() {
    let (login, _) = found();
    let resume = |server, saved| Login::resume(client(server), saved, at(2)).map(drop);
    let whole = || saved(&login, |_| {});
    assert_eq!(resume(by_issuer(), whole()), Ok(()));
    let other = |name: &'static str, value: &'static str| saved(&login, |document| document[name] = value.into());
    assert_eq!(resume(by_issuer(), other("issuer", "https://evil.example")), Err(RestoreError::Malformed));
    assert_eq!(resume(by_issuer(), other("token_endpoint", "http://as.example.com/t")), Err(RestoreError::Malformed));
    let demanding = saved(&login, |document| document["require_signed_request_object"] = true.into());
    assert_eq!(resume(by_issuer(), demanding), Err(RestoreError::Malformed));

    // An app that has set up the endpoints by hand since then.
    let by_hand = |token| AuthorizationServer::new(AUTHORIZE, token).and_then(|server| server.issuer(ISSUER)).unwrap();
    assert_eq!(resume(by_hand(TOKEN), whole()), Ok(()));
    assert_eq!(resume(by_hand("https://as.example.com/t2"), whole()), Err(RestoreError::OtherClient));

    // An app that now wants the methods of PKCE named.
    let strict = || by_issuer().require_code_challenge_methods_supported();
    assert_eq!(resume(strict(), whole()), Err(RestoreError::Malformed));
    let named = saved(&login, |document| document["code_challenge_methods_supported"] = json!(["S256"]));
    assert_eq!(resume(strict(), named), Ok(()));

    let mut form = serde_json::to_value(login.save()).unwrap();
    form["metadata"] = Value::Null;
    let without = serde_json::from_value(form).unwrap();
    assert_eq!(resume(by_issuer(), without), Err(RestoreError::ServerUnknown));
}
