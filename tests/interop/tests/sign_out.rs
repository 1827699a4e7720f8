//! Sign-out: RFC 7009, OpenID Connect RP-Initiated Logout.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{
    Access, AuthorizationRequest, Client, Error, Event, LoginRequired, LogoutUrl, Over, Request, Response, Session,
    SessionAction, SessionPhase, SignOut,
};
use oauth_proto_interop::{
    assert_grant_ended, authorization_request, authorization_server, browser_loads, client, client_builder, entropy,
    exchange, form_parameter, identity_request, issuer_alone, loaded, now, parameter, refresh_of, restored, saved,
    session, session_in, Http, Landed, Loopback, Person, Server, UserAgent, LOGGED_OUT, PRIVATE_USE,
};
use ureq::http;

fn revocation_of(action: SessionAction) -> Request {
    match action {
        SessionAction::SendRequest(request) => request,
        other => panic!("no revocation but {other:?}"),
    }
}

fn logout_of(action: SessionAction) -> LogoutUrl {
    match action {
        SessionAction::OpenUrl(url) => url,
        other => panic!("no logout but {other:?}"),
    }
}

fn assert_signed_out(session: &mut Session, action: &SessionAction) {
    assert!(matches!(action, SessionAction::SignedOut), "{action:?}");
    assert_eq!(session.phase(), SessionPhase::SignedOut);
    let access = session.access(now());
    assert!(matches!(access, Access::LoginRequired(LoginRequired::SignedOut)), "{access:?}");
}

/// Signs out with a logout, up to the URL that the browser opens.
fn logging_out(session: &mut Session) -> LogoutUrl {
    let revocation = revocation_of(session.sign_out(SignOut::new().logout(entropy())));
    logout_of(exchange(session, &Http::new(), &revocation).unwrap())
}

/// How many pages of this heading the browser has shown.
fn shown(browser: &UserAgent, heading: &str) -> usize {
    browser.headings().iter().filter(|one| one.starts_with(heading)).count()
}

/// The revocation goes out, the server answers 200, and the refresh token is dead for whoever kept a copy.
#[test]
fn the_refresh_token_is_revoked() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "anna");
    let copy = saved(&session);

    let request = revocation_of(session.sign_out(SignOut::new()));
    assert_eq!(request.url(), server.revocation_endpoint);
    // The tokens are gone at once, whatever the server says.
    assert!(matches!(session.access(now()), Access::LoginRequired(LoginRequired::SignedOut)));
    assert!(session.save().is_none());
    let answer = http.send(&request);
    assert_eq!(answer.status(), Some(200));
    let action = session.handle(answer.event(), now()).unwrap();
    assert_signed_out(&mut session, &action);
    assert_eq!(session.last_error(), None);

    let mut session = restored(&server, &copy);
    let refresh = refresh_of(session.access(now().saturating_add(400)));
    match exchange(&mut session, &http, &refresh) {
        Ok(SessionAction::LoginRequired(why)) => assert_grant_ended(&why),
        other => panic!("the refresh token lives: {other:?}"),
    }
}

/// A refresh is under way when the user signs out, and the server has answered it with new tokens. Its answer is handed over as
/// any other, before the revocation has been answered or after all is done: what it brought is revoked, and good for nobody.
#[test]
fn a_refresh_under_way_at_the_sign_out() {
    let server = Server::shared();
    let http = Http::new();
    for comes_first in [true, false] {
        let mut session = session(&server, "beate");
        let later = now().saturating_add(400);
        let mut thief = restored(&server, &saved(&session));
        let refresh = refresh_of(session.access(later));
        let answer = http.send(&refresh);

        let first = revocation_of(session.sign_out(SignOut::new()));
        assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)), "a refresh token may live on");
        let second = if comes_first {
            let late = session.handle(answer.event(), now()).unwrap();
            assert!(matches!(late, SessionAction::RetryAt(_)), "{late:?}");
            revocation_of(exchange(&mut session, &http, &first).unwrap())
        } else {
            let action = exchange(&mut session, &http, &first).unwrap();
            assert_signed_out(&mut session, &action);
            assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)));
            revocation_of(session.handle(answer.event(), now()).unwrap())
        };
        let [sent, brought] = [&first, &second].map(|request| form_parameter(request, "token"));
        assert_eq!(sent, form_parameter(&refresh, "refresh_token"));
        assert_eq!(brought.as_deref(), answer.json()["refresh_token"].as_str());
        let action = exchange(&mut session, &http, &second).unwrap();
        assert_signed_out(&mut session, &action);
        assert_eq!(session.last_error(), None);

        // Who has the answer all the same has nothing in it that is still good.
        let same = refresh_of(thief.access(later));
        let stolen = http::Response::builder().header("content-type", "application/json");
        let stolen = stolen.body(answer.json().to_string().into_bytes()).unwrap();
        let taken = thief.handle(Event::ResponseReceived(same.id(), Response::from(&stolen)), later).unwrap();
        assert!(matches!(taken, SessionAction::Save), "{taken:?}");
        let refresh = refresh_of(thief.access(later.saturating_add(400)));
        assert_eq!(form_parameter(&refresh, "refresh_token"), brought);
        match exchange(&mut thief, &http, &refresh) {
            Ok(SessionAction::LoginRequired(why)) => assert_grant_ended(&why),
            other => panic!("the new refresh token lives: {other:?}"),
        }
    }
}

/// RFC 7009 §2.2: revoking what is already revoked is a success.
#[test]
fn signing_out_twice() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "berta");
    let mut twin = restored(&server, &saved(&session));
    for session in [&mut session, &mut twin] {
        let request = revocation_of(session.sign_out(SignOut::new()));
        let action = exchange(session, &http, &request).unwrap();
        assert_signed_out(session, &action);
        let again = session.sign_out(SignOut::new());
        assert_signed_out(session, &again);
    }
}

/// The whole way: revocation, the server's logout page, the way back with its `state`. Forged returns change nothing.
/// Then the server knows the person no more: the next login in the same browser asks for the password.
#[test]
fn logout_in_the_browser() {
    let server = Server::shared();
    let mut browser = UserAgent::new("clara");
    let mut session = session_in(&mut browser, client(&server, PRIVATE_USE), authorization_request(&server));

    let url = logging_out(&mut session);
    assert_eq!(url.as_str().split('?').next(), Some(server.end_session_endpoint.as_str()));
    assert!(parameter(url.as_str(), "id_token_hint").is_some());
    assert_eq!(parameter(url.as_str(), "client_id").as_deref(), Some("native-app"));
    assert_eq!(session.phase(), SessionPhase::LoggingOut);

    let back = browser.walk(url.as_str(), Person::Allows).redirect();
    assert_eq!(shown(&browser, "Do you want to sign-out"), 1);
    let forged = [
        LOGGED_OUT.to_owned(),
        format!("{LOGGED_OUT}?state=forged"),
        format!("{PRIVATE_USE}?{}", back.split_once('?').unwrap().1),
        format!("{back}&state=forged"),
    ];
    for forged in &forged {
        let error = session.handle(Event::RedirectReceived(forged), now()).unwrap_err();
        assert!(matches!(error, Error::Ignored(_)), "{forged}: {error:?}");
        assert_eq!(session.phase(), SessionPhase::LoggingOut);
    }
    let action = session.handle(Event::RedirectReceived(&back), now()).unwrap();
    assert_signed_out(&mut session, &action);
    assert_eq!(session.last_error(), None);

    assert_eq!(shown(&browser, "Sign-in"), 1);
    session_in(&mut browser, client(&server, PRIVATE_USE), authorization_request(&server));
    assert_eq!(shown(&browser, "Sign-in"), 2);
}

/// Without `openid` there is no ID token to send along, and `client_id` tells the server who asks. Nor is there a refresh
/// token, and this server revokes no JWT: what it says to that is known afterwards, and holds nothing up.
#[test]
fn logout_without_an_id_token() {
    let server = Server::shared();
    let mut browser = UserAgent::new("doris");
    let request = AuthorizationRequest::new().scope("read").resource(&server.resource());
    let mut session = session_in(&mut browser, client(&server, PRIVATE_USE), request);

    let url = logging_out(&mut session);
    assert_eq!(parameter(url.as_str(), "id_token_hint"), None);
    assert_eq!(parameter(url.as_str(), "client_id").as_deref(), Some("native-app"));
    let back = browser.walk(url.as_str(), Person::Allows).redirect();
    let action = session.handle(Event::RedirectReceived(&back), now()).unwrap();
    assert_signed_out(&mut session, &action);
    let Some(Error::Refused(refused)) = session.last_error() else { panic!("{:?}", session.last_error()) };
    assert_eq!(refused.oauth_error(), Some("unsupported_token_type"));

    session_in(&mut browser, client(&server, PRIVATE_USE), authorization_request(&server));
    assert_eq!(shown(&browser, "Sign-in"), 2);
}

/// "No, stay signed in": the server leads back all the same, and with the right `state`. The app is signed out.
#[test]
fn the_person_stays_signed_in_at_the_server() {
    let server = Server::shared();
    let mut browser = UserAgent::new("erna");
    let mut session = session_in(&mut browser, client(&server, PRIVATE_USE), authorization_request(&server));
    let url = logging_out(&mut session);
    let back = browser.walk(url.as_str(), Person::Cancels).redirect();
    let action = session.handle(Event::RedirectReceived(&back), now()).unwrap();
    assert_signed_out(&mut session, &action);

    session_in(&mut browser, client(&server, PRIVATE_USE), authorization_request(&server));
    assert_eq!(shown(&browser, "Sign-in"), 1);
}

/// Back to a loopback port that the system chose (RFC 8252 §7.3), with a real listener. The browser also asks for an
/// icon.
#[test]
fn back_to_a_loopback_port() {
    let server = Server::shared();
    let app = Loopback::bind();
    let back = format!("{}/loggedout", app.origin());
    let client = client_builder(&server, PRIVATE_USE).post_logout_redirect_uri(&back).build().unwrap();
    let mut browser = UserAgent::new("frida");
    let mut session = session_in(&mut browser, client, authorization_request(&server));

    let url = logging_out(&mut session);
    let landed = browser.walk(url.as_str(), Person::Allows).redirect();
    let icon = format!("{}/favicon.ico", app.origin());
    let loading = browser_loads(vec![icon, landed]);
    let error = session.handle(Event::RedirectReceived(&app.next_url()), now()).unwrap_err();
    assert!(matches!(error, Error::Ignored(_)), "{error:?}");
    let action = session.handle(Event::RedirectReceived(&app.next_url()), now()).unwrap();
    loading.join().unwrap();
    assert_signed_out(&mut session, &action);
}

/// No way back is registered: the browser stays at a page of the server, the person closes it, and the app says so.
#[test]
fn a_logout_without_a_way_back() {
    let server = Server::shared();
    let client = client_builder(&server, PRIVATE_USE).build().unwrap();
    let mut browser = UserAgent::new("gerda");
    let mut session = session_in(&mut browser, client, authorization_request(&server));

    let url = logging_out(&mut session);
    assert_eq!(parameter(url.as_str(), "post_logout_redirect_uri"), None);
    let landed = browser.walk(url.as_str(), Person::Allows);
    let Landed::Page { status: 200, body } = landed else { panic!("{landed:?}") };
    assert!(body.contains("Sign-out Success"), "{body}");
    let action = session.handle(Event::Cancelled, now()).unwrap();
    assert_signed_out(&mut session, &action);
}

/// A way back that is not registered ends at a page of the server, before anything is asked.
#[test]
fn a_way_back_that_is_not_registered() {
    let server = Server::shared();
    let client =
        client_builder(&server, PRIVATE_USE).post_logout_redirect_uri("com.example.app:/elsewhere").build().unwrap();
    let mut browser = UserAgent::new("herta");
    let mut session = session_in(&mut browser, client, authorization_request(&server));
    let url = logging_out(&mut session);
    let landed = browser.walk(url.as_str(), Person::Allows);
    let Landed::Page { status: 400, body } = landed else { panic!("{landed:?}") };
    assert!(body.contains("post_logout_redirect_uri not registered"), "{body}");
    let action = session.handle(Event::Cancelled, now()).unwrap();
    assert_signed_out(&mut session, &action);
}

/// Nobody listens at the revocation endpoint: the browser's logout does not wait for it, and afterwards there is another
/// try.
#[test]
fn the_logout_does_not_wait_for_the_revocation() {
    let server = Server::shared();
    let http = Http::new();
    let known = authorization_server(&server).revocation_endpoint("http://127.0.0.1:1/revocation").unwrap();
    let client =
        Client::builder(known, "native-app", PRIVATE_USE).post_logout_redirect_uri(LOGGED_OUT).build().unwrap();
    let mut browser = UserAgent::new("ida");
    let mut session = session_in(&mut browser, client, authorization_request(&server));

    let url = logging_out(&mut session);
    let back = browser.walk(url.as_str(), Person::Allows).redirect();
    let mut action = session.handle(Event::RedirectReceived(&back), now()).unwrap();
    let mut tries = 0;
    let mut time = now();
    loop {
        let again = match action {
            SessionAction::RetryAt(later) => {
                time = later;
                let access = session.access(time);
                assert!(matches!(access, Access::LoginRequired(LoginRequired::SignedOut)), "{access:?}");
                revocation_of(session.pending_action().unwrap())
            }
            // The time for it came while the browser was open.
            SessionAction::SendRequest(again) => again,
            _ => break,
        };
        action = session.handle(http.send(&again).event(), time).unwrap();
        tries += 1;
    }
    assert!((1..10).contains(&tries), "{tries}");
    assert_signed_out(&mut session, &action);
}

/// The app knows the issuer alone and was started again: revocation and logout go where the metadata said, which it
/// has kept.
#[test]
fn by_the_issuer_alone() {
    let server = Server::shared();
    let client = || {
        let builder = Client::builder(issuer_alone(&server), "native-app", PRIVATE_USE);
        builder.post_logout_redirect_uri(LOGGED_OUT).build().unwrap()
    };
    let mut browser = UserAgent::new("jutta");
    let session = session_in(&mut browser, client(), identity_request());
    let client = client().with_metadata(session.client().metadata().unwrap()).unwrap();
    let mut session = Session::restore(client, loaded(&saved(&session))).unwrap();

    let revocation = revocation_of(session.sign_out(SignOut::new().logout(entropy())));
    assert_eq!(revocation.url(), server.revocation_endpoint);
    let url = logout_of(exchange(&mut session, &Http::new(), &revocation).unwrap());
    assert!(url.as_str().starts_with(&server.end_session_endpoint));
    assert!(parameter(url.as_str(), "id_token_hint").is_some());
    let back = browser.walk(url.as_str(), Person::Allows).redirect();
    let action = session.handle(Event::RedirectReceived(&back), now()).unwrap();
    assert_signed_out(&mut session, &action);
}

/// The server has forgotten the key that signed the ID token, so it does not take it for a hint (OpenID Connect RP-Initiated
/// Logout §2): the browser stays at a page of the server, and the person closes it.
#[test]
fn a_hint_that_the_server_does_not_know_any_more() {
    let server = Server::start();
    let mut browser = UserAgent::new("karin");
    let mut session = session_in(&mut browser, client(&server, PRIVATE_USE), authorization_request(&server));
    server.replace_keys();
    let url = logging_out(&mut session);
    let landed = browser.walk(url.as_str(), Person::Allows);
    let Landed::Page { status: 400, body } = landed else { panic!("{landed:?}") };
    assert!(body.contains("could not validate id_token_hint"), "{body}");
    let action = session.handle(Event::Cancelled, now()).unwrap();
    assert_signed_out(&mut session, &action);
}
