//! The code exchange: RFC 6749 §4.1.3 and §10.5, RFC 7636 §4.6.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{Action, AuthorizationServer, Client, Delivered, Error, Event, Login, Session, SessionAction};
use oauth_proto_interop::{
    authorization_request, client, entropy, exchange, now, ready, refresh_of, request_of, tokens_after, Http, Person,
    Server, UserAgent, PRIVATE_USE,
};

/// A login up to the redirect, and the redirect.
fn redirected(client: Client, server: &Server, browser: &mut UserAgent) -> (Login, String) {
    let mut login = Login::new(client, authorization_request(server)).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy()), now()) else { panic!("no URL") };
    let landed = browser.walk(url.as_str(), Person::Allows).redirect();
    (login, landed)
}

fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
    let (_, query) = url.split_once('?').unwrap();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).unwrap().1
}

fn assert_invalid_grant(error: &Error) {
    let Error::Refused(refused) = error else { panic!("not refused but {error:?}") };
    assert_eq!(refused.oauth_error(), Some("invalid_grant"));
    assert_eq!(refused.status(), Some(400));
    assert!(error.is_fatal());
}

/// RFC 6749 §4.1.2: the same token request a second time, by hand. The server refuses the code and revokes what it gave
/// for it. The machine takes the first answer alone: a second one changes nothing.
#[test]
fn replay_of_the_code() {
    let server = Server::shared();
    let http = Http::new();
    let client = client(&server, PRIVATE_USE);
    let (mut login, landed) = redirected(client.clone(), &server, &mut UserAgent::new("karin"));
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));

    let first = http.send(&request);
    assert_eq!(first.status(), Some(200));
    let keys = request_of(login.handle(first.event(), now()));
    let tokens = tokens_after(&mut login, &http, &keys).unwrap();

    let (status, body) = http.send_by_hand(&request);
    assert_eq!((status, &body["error"]), (400, &"invalid_grant".into()));
    let second = login.handle(first.event(), now()).unwrap_err();
    assert!(!second.is_fatal(), "{second:?}");

    // The refresh token of that code went with it.
    let mut session = Session::new(client, tokens);
    let bearer = ready(session.access(now()));
    let challenge = r#"Bearer error="invalid_token""#;
    let refresh = refresh_of(session.refused(&bearer, 401, &[("www-authenticate", challenge)], now()).unwrap());
    let action = exchange(&mut session, &http, &refresh).unwrap();
    assert!(matches!(action, SessionAction::LoginRequired(_)), "{action:?}");
}

/// The same, but it is the replay that the machine gets to see: refused, and the login is over.
#[test]
fn a_replayed_code_ends_the_login() {
    let server = Server::shared();
    let http = Http::new();
    let (mut login, landed) = redirected(client(&server, PRIVATE_USE), &server, &mut UserAgent::new("karla"));
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    let (status, _) = http.send_by_hand(&request);
    assert_eq!(status, 200);

    let answer = http.send(&request);
    assert_eq!(answer.status(), Some(400));
    let error = login.handle(answer.event(), now()).unwrap_err();
    assert_invalid_grant(&error);
}

/// RFC 9700 §4.5: somebody else's code in our redirect. The `state` is ours, so the machine takes it; the server finds
/// that our verifier does not fit its challenge.
#[test]
fn an_injected_code_fails_at_the_verifier() {
    let server = Server::shared();
    let client = client(&server, PRIVATE_USE);
    let (_theirs, their_redirect) = redirected(client.clone(), &server, &mut UserAgent::new("mallory"));
    let (mut ours, our_redirect) = redirected(client, &server, &mut UserAgent::new("lotte"));
    let injected = our_redirect.replace(parameter(&our_redirect, "code"), parameter(&their_redirect, "code"));

    let request = request_of(ours.handle(Event::RedirectReceived(&injected), now()));
    let error = ours.handle(Http::new().send(&request).event(), now()).unwrap_err();
    assert_invalid_grant(&error);
}

/// The app says that the request was not delivered: the machine asks for the same request again, and the code is still
/// good when the network is back.
#[test]
fn a_request_that_never_left_is_sent_again() {
    let server = Server::shared();
    let http = Http::new();
    let (mut login, landed) = redirected(client(&server, PRIVATE_USE), &server, &mut UserAgent::new("nelly"));
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    let (id, body) = (request.id(), request.body().to_vec());

    let again = request_of(login.handle(Event::SendFailed(id, Delivered::No), now()));
    assert_eq!(again.body(), body);
    tokens_after(&mut login, &http, &again).unwrap();
}

/// Nobody listens at the token endpoint, and the driver tells a refused connection from a lost answer by itself.
#[test]
fn a_refused_connection_is_not_delivered() {
    let server = Server::shared();
    let known = AuthorizationServer::on_insecure_loopback(&server.authorization_endpoint, "http://127.0.0.1:1/token")
        .and_then(|known| known.issuer(&server.issuer))
        .and_then(|known| known.jwks_uri(&server.jwks_uri))
        .unwrap();
    let client = Client::new(known, "native-app", PRIVATE_USE).unwrap();
    let (mut login, landed) = redirected(client, &server, &mut UserAgent::new("olga"));
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    let answer = Http::new().send(&request);
    assert!(matches!(answer.event(), Event::SendFailed(_, Delivered::No)));
    request_of(login.handle(answer.event(), now()));
}

/// A code exchange whose answer was lost is over, for the code may be spent (RFC 6749 §4.1.2): a new login it is.
#[test]
fn a_lost_answer_ends_the_login() {
    let server = Server::shared();
    let http = Http::new();
    let (mut login, landed) = redirected(client(&server, PRIVATE_USE), &server, &mut UserAgent::new("paula"));
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    let id = request.id();
    let lost = http.send(&request);
    assert_eq!(lost.status(), Some(200));
    let error = login.handle(Event::SendFailed(id, Delivered::Maybe), now()).unwrap_err();
    assert!(matches!(error, Error::Over(_)) && error.is_fatal(), "{error:?}");

    let late = login.handle(lost.event(), now()).unwrap_err();
    assert_eq!(late, error);
}
