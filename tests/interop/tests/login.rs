//! From nothing to tokens: RFC 6749 §4.1, RFC 7636, RFC 8252, RFC 8707, RFC 9207.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::redirect::from_form_post;
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Error, Event, Login, Phase, ResponseMode, SavedLogin,
    Session,
};
use oauth_proto_interop::{
    authorization_request, browser_loads, browser_posts, call, client, entropy, log_in, now, ready, refresh_of, renew,
    request_of, tokens_after, Http, Landed, Loopback, Person, Server, UserAgent, PRIVATE_USE,
};

fn login_on(server: &Server, redirect_uri: &str) -> Login {
    Login::new(client(server, redirect_uri), authorization_request(server)).unwrap()
}

fn start(login: &mut Login) -> String {
    match login.handle(Event::Start(entropy()), now()) {
        Ok(Action::OpenUrl(url)) => url.as_str().to_owned(),
        other => panic!("no URL but {other:?}"),
    }
}

fn refused_with(error: &Error) -> Option<&str> {
    match error {
        Error::Refused(refused) => refused.oauth_error(),
        other => panic!("not refused but {other:?}"),
    }
}

/// RFC 8252 §7.3: a login on a loopback port that the system chose, with a real listener. The browser also asks for
/// its icon: that is not our redirect URI, and the login goes on waiting. The API takes the access token.
#[test]
fn on_loopback() {
    let server = Server::shared();
    let http = Http::new();
    let app = Loopback::bind();
    let client = client(&server, &app.redirect_uri());
    let mut login = Login::new(client.clone(), authorization_request(&server)).unwrap();

    let url = start(&mut login);
    let landed = UserAgent::new("anna").walk(&url, Person::Allows).redirect();
    let browser = browser_loads(vec![format!("{}/favicon.ico", app.origin()), landed]);

    let error = login.handle(Event::RedirectReceived(&app.next_url()), now()).unwrap_err();
    assert!(!error.is_fatal(), "{error:?}");
    assert_eq!(login.phase(), Phase::AwaitingRedirect);

    let request = request_of(login.handle(Event::RedirectReceived(&app.next_url()), now()));
    browser.join().unwrap();
    let tokens = tokens_after(&mut login, &http, &request).unwrap();
    assert_eq!(login.phase(), Phase::Finished);

    let mut session = Session::new(client, tokens);
    let reply = call(&http, &ready(session.access(now())), "GET", &format!("{}/messages", server.api));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["sub"], "anna");
    assert_eq!(reply.body["client_id"], "native-app");
}

/// RFC 8252 §7.3: the IPv6 loopback address, with its brackets.
#[test]
fn on_the_ipv6_loopback() {
    let server = Server::shared();
    let mut login = login_on(&server, "http://[::1]:51004/callback");
    let tokens = log_in(&mut login, &mut UserAgent::new("anna"), Person::Allows).unwrap();
    assert!(tokens.refresh_token().is_some());
}

/// OAuth 2.0 Form Post Response Mode: the browser posts the response to the loopback listener.
#[test]
fn by_form_post() {
    let server = Server::shared();
    let app = Loopback::bind();
    let request = authorization_request(&server).response_mode(ResponseMode::FormPost);
    let mut login = Login::new(client(&server, &app.redirect_uri()), request).unwrap();
    let landed = UserAgent::new("anna").walk(&start(&mut login), Person::Allows);
    let Landed::Form { action, fields } = landed else { panic!("no form but {landed:?}") };
    assert_eq!(action, app.redirect_uri());
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);

    let browser = browser_posts(action, fields);
    let redirect = from_form_post(&app.redirect_uri(), &app.next_form());
    browser.join().unwrap();
    let request = request_of(login.handle(Event::RedirectReceived(&redirect), now()));
    tokens_after(&mut login, &Http::new(), &request).unwrap();
}

/// RFC 8252 §7.1: a login on a private-use scheme, whose redirect URI has one slash. The tokens are what was asked for.
#[test]
fn on_a_private_use_scheme() {
    let server = Server::shared();
    let mut browser = UserAgent::new("berta");
    let before = now();
    let tokens = log_in(&mut login_on(&server, PRIVATE_USE), &mut browser, Person::Allows).unwrap();

    assert_eq!(browser.headings(), ["Sign-in", "Authorize"]);
    assert!(tokens.refresh_token().is_some());
    assert!(tokens.id_token().is_some());
    // RFC 9068: a JWT of three parts.
    assert_eq!(tokens.access_token().reveal().split('.').count(), 3);
    // RFC 6749 §5.1: `expires_in` was 300, `scope` what the API's token has.
    let expires_at = tokens.expires_at().unwrap();
    assert!(expires_at >= before.saturating_add(299) && expires_at <= now().saturating_add(300));
    assert_eq!(tokens.scope(), "read");
}

/// A second login in the same browser: the server knows the person and asks for consent alone (RFC 8252 §8.6).
#[test]
fn a_second_login_asks_for_consent_alone() {
    let server = Server::shared();
    let mut browser = UserAgent::new("clara");
    let first = log_in(&mut login_on(&server, PRIVATE_USE), &mut browser, Person::Allows).unwrap();
    let second = log_in(&mut login_on(&server, PRIVATE_USE), &mut browser, Person::Allows).unwrap();
    assert_eq!(browser.headings(), ["Sign-in", "Authorize", "Authorize"]);
    assert_ne!(first.access_token().reveal(), second.access_token().reveal());
}

/// The app dies while the browser is open, and the login goes on from its saved form. A redirect that comes again
/// after the code was taken changes nothing.
#[test]
fn the_login_survives_the_app() {
    let server = Server::shared();
    let http = Http::new();
    let mut login = login_on(&server, PRIVATE_USE);
    let url = start(&mut login);
    let saved = serde_json::to_string(&login.save().unwrap()).unwrap();
    drop(login);

    let landed = UserAgent::new("doris").walk(&url, Person::Allows).redirect();

    let saved: SavedLogin = serde_json::from_str(&saved).unwrap();
    let mut login = Login::resume(client(&server, PRIVATE_USE), saved, now()).unwrap();
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    let again = login.handle(Event::RedirectReceived(&landed), now()).unwrap_err();
    assert!(!again.is_fatal());
    tokens_after(&mut login, &http, &request).unwrap();
}

/// The person says no, on the login page or on the consent page: `access_denied`, in the server's own words, and the
/// login is over (RFC 6749 §4.1.2.1).
#[test]
fn denied() {
    let server = Server::shared();
    for (person, pages) in [(Person::Cancels, 1), (Person::DeniesConsent, 2)] {
        let mut browser = UserAgent::new("erna");
        let mut login = login_on(&server, PRIVATE_USE);
        let error = log_in(&mut login, &mut browser, person).unwrap_err();
        assert_eq!(browser.headings().len(), pages);
        assert_eq!(refused_with(&error), Some("access_denied"));
        let Error::Refused(refused) = &error else { unreachable!() };
        assert_eq!(refused.description(), Some("End-User aborted interaction"));
        assert_eq!(refused.status(), None);
        assert!(error.is_fatal());
        assert_eq!(login.phase(), Phase::Failed);
    }
}

/// The redirect of another login (its `state` is real, but not ours) and one with a forged `state` change nothing;
/// then the right one is taken (RFC 6749 §10.12).
#[test]
fn wrong_state_then_the_right_one() {
    let server = Server::shared();
    let http = Http::new();
    let mut ours = login_on(&server, PRIVATE_USE);
    let mut other = login_on(&server, PRIVATE_USE);
    let mut browser = UserAgent::new("frida");
    let our_redirect = browser.walk(&start(&mut ours), Person::Allows).redirect();
    let other_redirect = browser.walk(&start(&mut other), Person::Allows).redirect();
    let denied = format!("{PRIVATE_USE}?error=access_denied&state=forged&iss={}", server.issuer);

    for wrong in [&other_redirect, &denied] {
        let error = ours.handle(Event::RedirectReceived(wrong), now()).unwrap_err();
        assert!(!error.is_fatal(), "{error:?}");
        assert_eq!(ours.phase(), Phase::AwaitingRedirect);
    }
    let request = request_of(ours.handle(Event::RedirectReceived(&our_redirect), now()));
    tokens_after(&mut ours, &http, &request).unwrap();
}

/// RFC 8414: both metadata documents of the server are taken, at an https name in place of the loopback one, and they
/// promise `iss` and `S256`.
#[test]
fn metadata() {
    let server = Server::shared();
    for path in ["oauth-authorization-server", "openid-configuration"] {
        let (status, document) = Http::new().get(&format!("{}/.well-known/{path}", server.issuer));
        assert_eq!(status, 200);
        let document = String::from_utf8(document).unwrap();
        let metadata: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(metadata["issuer"], server.issuer);
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
        assert_eq!(metadata["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert_eq!(metadata["authorization_endpoint"], server.authorization_endpoint);
        assert_eq!(metadata["token_endpoint"], server.token_endpoint);
        assert_eq!(metadata["revocation_endpoint"], server.revocation_endpoint);
        assert_eq!(metadata["end_session_endpoint"], server.end_session_endpoint);

        let named = document.replace(&server.issuer, "https://as.example.com");
        AuthorizationServer::from_metadata("https://as.example.com", named.as_bytes()).unwrap();
        assert!(AuthorizationServer::from_metadata("https://other.example.com", named.as_bytes()).is_err());
    }
}

/// RFC 9207: the server sends `iss` on success and on refusal. A client that talks to another issuer does not take the
/// code (§2.4), and neither does one whose response lost its `iss`.
#[test]
fn iss_is_present_and_checked() {
    let server = Server::shared();
    let iss = format!("&iss={}", server.issuer.replace(':', "%3A").replace('/', "%2F"));
    for person in [Person::Allows, Person::Cancels] {
        let mut login = login_on(&server, PRIVATE_USE);
        let landed = UserAgent::new("gerda").walk(&start(&mut login), person).redirect();
        assert!(landed.contains(&iss), "{landed}");

        let error = login.handle(Event::RedirectReceived(&landed.replace(&iss, "")), now()).unwrap_err();
        assert!(matches!(error, Error::Violation(_)), "{error:?}");
    }

    let mixed_up = AuthorizationServer::on_insecure_loopback(&server.authorization_endpoint, &server.token_endpoint)
        .and_then(|known| known.issuer("https://honest.example.com"))
        .and_then(|known| known.jwks_uri(&server.jwks_uri))
        .unwrap();
    let client = Client::new(mixed_up, "native-app", PRIVATE_USE).unwrap();
    let mut login = Login::new(client, AuthorizationRequest::new().scope("openid")).unwrap();
    let landed = UserAgent::new("gerda").walk(&start(&mut login), Person::Allows).redirect();
    let error = login.handle(Event::RedirectReceived(&landed), now()).unwrap_err();
    assert!(matches!(error, Error::Violation(_)), "{error:?}");
}

/// OpenID Connect Core §3.1.2.6: with `prompt=none` the server shows nothing and refuses, for want of a login, and for a
/// native client even with one (RFC 8252 §8.6).
#[test]
fn prompt_none() {
    let server = Server::shared();
    let mut browser = UserAgent::new("herta");
    let silent = |browser: &mut UserAgent| {
        let request = AuthorizationRequest::new().scope("openid").prompt("none");
        let mut login = Login::new(client(&server, PRIVATE_USE), request).unwrap();
        log_in(&mut login, browser, Person::Allows).unwrap_err()
    };
    assert_eq!(refused_with(&silent(&mut browser)), Some("login_required"));
    log_in(&mut login_on(&server, PRIVATE_USE), &mut browser, Person::Allows).unwrap();
    let shown = browser.headings().len();
    assert_eq!(refused_with(&silent(&mut browser)), Some("interaction_required"));
    assert_eq!(browser.headings().len(), shown);
}

/// RFC 8707 §2.2: of two resources, the access token is for the first one.
#[test]
fn two_resources() {
    let server = Server::shared();
    let http = Http::new();
    let client = client(&server, PRIVATE_USE);
    let request = authorization_request(&server).resource(&server.brief_resource());
    let mut login = Login::new(client.clone(), request).unwrap();
    let tokens = log_in(&mut login, &mut UserAgent::new("ida"), Person::Allows).unwrap();
    let mut session = Session::new(client, tokens);
    let bearer = ready(session.access(now()));
    assert_eq!(call(&http, &bearer, "GET", &format!("{}/messages", server.api)).status, 200);
    assert_eq!(call(&http, &bearer, "GET", &format!("{}/brief/messages", server.api)).status, 401);

    // The refreshed one too.
    let request = refresh_of(session.access(now().saturating_add(400)));
    renew(&mut session, &http, &request);
    let bearer = ready(session.access(now()));
    assert_eq!(call(&http, &bearer, "GET", &format!("{}/messages", server.api)).status, 200);
}

/// RFC 8707 §2: a resource that the server does not know.
#[test]
fn unknown_resource() {
    let server = Server::shared();
    let request = AuthorizationRequest::new().scope("openid").resource("https://nowhere.example.com/");
    let mut login = Login::new(client(&server, PRIVATE_USE), request).unwrap();
    let error = log_in(&mut login, &mut UserAgent::new("ida"), Person::Allows).unwrap_err();
    assert_eq!(refused_with(&error), Some("invalid_target"));
    assert_eq!(login.phase(), Phase::Failed);
}

/// A redirect URI that is not registered ends at a page of the server, never at the app; the person closes it, and the
/// app tells the login.
#[test]
fn wrong_redirect_uri() {
    let server = Server::shared();
    let mut login = login_on(&server, "com.example.app:/elsewhere");
    let landed = UserAgent::new("jutta").walk(&start(&mut login), Person::Allows);
    let Landed::Page { status: 400, body } = landed else { panic!("{landed:?}") };
    assert!(body.contains("invalid_redirect_uri"));
    assert_eq!(login.phase(), Phase::AwaitingRedirect);
    let error = login.handle(Event::Cancelled, now()).unwrap_err();
    assert!(matches!(error, Error::Over(_)) && error.is_fatal());
}
