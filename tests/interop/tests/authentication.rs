//! When and how the person logged in: `max_age` and `acr_values` of OpenID Connect Core §3.1.2.1, `auth_time` and `acr` of §2.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{
    Action, AuthorizationRequest, Client, Error, Event, IdTokenError, Login, Session, Tokens, Violation,
};
use oauth_proto_interop::{
    client_of_issuer, entropy, identity_request, issuer_alone, log_in, now, refresh_of, renew, request_of,
    tokens_after, Http, Person, Server, UserAgent, PRIVATE_USE,
};

/// A login in which somebody changes the URL that the browser opens.
fn log_in_changed(
    client: Client,
    request: AuthorizationRequest,
    browser: &mut UserAgent,
    (from, to): (&str, &str),
) -> Result<Tokens, Error> {
    let http = Http::new();
    let mut login = Login::new(client, request).unwrap();
    let discovery = request_of(login.handle(Event::Start(entropy()), now()));
    let Ok(Action::OpenUrl(url)) = login.handle(http.send(&discovery).event(), now()) else { panic!("no URL") };
    assert!(url.as_str().contains(from), "{url:?}");
    let landed = browser.walk(&url.as_str().replace(from, to), Person::Allows).redirect();
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    tokens_after(&mut login, &http, &request)
}

fn refused(outcome: Result<Tokens, Error>) -> IdTokenError {
    match outcome {
        Err(Error::Violation(Violation::IdToken(why))) => why,
        other => panic!("{other:?}"),
    }
}

/// `max_age` brings `auth_time`, at the login and at a refresh, where it is still that of the login.
#[test]
fn max_age() {
    let server = Server::shared();
    let http = Http::new();
    let before = now();
    let mut login = Login::new(client_of_issuer(&server), identity_request().max_age(300)).unwrap();
    let tokens = log_in(&mut login, &mut UserAgent::new("anna"), Person::Allows).unwrap();
    let auth_time = tokens.id_token().unwrap().auth_time().unwrap();
    assert!(auth_time >= before && auth_time <= now());

    let mut session = Session::new(client_of_issuer(&server), tokens);
    let request = refresh_of(session.access(now().saturating_add(400)));
    renew(&mut session, &http, &request);
    assert_eq!(session.id_token().unwrap().auth_time(), Some(auth_time));
}

/// Somebody takes `max_age` out of the URL, and the server answers as to a login that did not ask for it.
#[test]
fn max_age_taken_out() {
    let server = Server::shared();
    let outcome = log_in_changed(
        client_of_issuer(&server),
        identity_request().max_age(300),
        &mut UserAgent::new("berta"),
        ("&max_age=300", ""),
    );
    assert_eq!(refused(outcome), IdTokenError::AuthTimeMissing);
}

/// Somebody changes `max_age`: the server does not ask for the password again, and `auth_time` says so.
#[test]
fn max_age_made_longer() {
    let server = Server::shared();
    let client =
        Client::builder(issuer_alone(&server), "native-app", PRIVATE_USE).clock_leeway_secs(0).build().unwrap();
    let mut browser = UserAgent::new("clara");
    let mut login = Login::new(client.clone(), identity_request()).unwrap();
    log_in(&mut login, &mut browser, Person::Allows).unwrap();
    let logged_in = now();
    while now() <= logged_in.saturating_add(2) {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }

    let outcome = log_in_changed(client, identity_request().max_age(1), &mut browser, ("max_age=1", "max_age=1000"));
    assert_eq!(refused(outcome), IdTokenError::AuthTimeTooOld);
    assert_eq!(browser.headings(), ["Sign-in", "Authorize", "Authorize"]);
    // Unchanged it asks for the password, and all is well. (With the usual leeway, for one second may not be enough for it.)
    let mut login = Login::new(client_of_issuer(&server), identity_request().max_age(1)).unwrap();
    log_in(&mut login, &mut browser, Person::Allows).unwrap();
    assert_eq!(browser.headings()[3..], ["Sign-in", "Authorize"]);
}

/// `acr_values` is a wish (§3.1.2.1): the server says what it came to. The person with a weak password gets no `acr` at all.
#[test]
fn acr_values() {
    let server = Server::shared();
    for (person, acr) in [("doris", Some("phr")), ("weak-doris", None)] {
        let request = identity_request().acr_values("phr pwd");
        let mut login = Login::new(client_of_issuer(&server), request).unwrap();
        let tokens = log_in(&mut login, &mut UserAgent::new(person), Person::Allows).unwrap();
        assert_eq!(tokens.id_token().unwrap().acr(), acr);
    }
}

/// Where the app needs one of them, a login without it is none.
#[test]
fn required_acr_values() {
    let server = Server::shared();
    let request = || identity_request().require_acr_values("phr phrh");
    let log_in_as = |person: &str| {
        let mut login = Login::new(client_of_issuer(&server), request()).unwrap();
        log_in(&mut login, &mut UserAgent::new(person), Person::Allows)
    };
    assert_eq!(log_in_as("erna").unwrap().id_token().unwrap().acr(), Some("phr"));
    assert_eq!(refused(log_in_as("weak-erna")), IdTokenError::AuthenticationContext);
    let outcome = log_in_changed(
        client_of_issuer(&server),
        request(),
        &mut UserAgent::new("erna"),
        ("acr_values=phr%20phrh", "acr_values=pwd"),
    );
    assert_eq!(refused(outcome), IdTokenError::AuthenticationContext);
}
