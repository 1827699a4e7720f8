//! What browsers bring back, and what people bring in their place.

use oauth_proto::redirect::{from_pasted, unproved_error};
use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Error, Event, Ignored, Login,
    LoginRequired, Phase,
};

use crate::{at, ready, session, T0};

/// A login that waits for its redirect, and its `state`.
fn waiting(redirect_uri: &str) -> (Login, String) {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let client = Client::new(server, "s6BhdRkqt3", redirect_uri).unwrap();
    let mut login = Login::new(client, AuthorizationRequest::new().scope("read write")).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy), at(T0)) else { panic!() };
    let state = url.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap().to_owned();
    (login, state)
}

fn is_done(login: &mut Login, url: &str) -> bool {
    matches!(login.handle(Event::RedirectReceived(url), at(T0 + 60)), Ok(Action::SendRequest(_)))
}

/// The portal registers `msauth.com.example.app://auth`, and the phone is called at `msauth.com.example.app://auth/`.
#[test]
fn the_phone_is_called_with_a_slash_that_nobody_registered() {
    let (mut login, state) = waiting("msauth.com.example.app://auth");
    assert!(is_done(&mut login, &format!("msauth.com.example.app://auth/?code=C1&state={state}")));
}

/// It will not send another: the user is told, and does not look at a spinner for an hour.
#[test]
fn a_server_that_says_everything_twice_ends_the_wait() {
    let (mut login, state) = waiting("com.example.app:/callback");
    let twice = "error=access_denied&error=access_denied";
    let url = format!("com.example.app:/callback?{twice}&state={state}");
    let error = login.handle(Event::RedirectReceived(&url), at(T0 + 60)).unwrap_err();
    assert_eq!((error.code(), error.is_fatal(), login.phase()), ("duplicate_parameter", true, Phase::Failed));
    // Somebody else's link does not.
    let (mut login, state) = waiting("com.example.app:/callback");
    let url = format!("com.example.app:/callback?{twice}&state=x");
    assert!(!login.handle(Event::RedirectReceived(&url), at(T0 + 60)).unwrap_err().is_fatal());
    assert!(is_done(&mut login, &format!("com.example.app:/callback?code=C1&state={state}")));
}

/// The user is not assigned to the app, and the server says so without `state`: it is shown, and trying again with another account
/// in the same browser window still works.
#[test]
fn a_denial_without_state_is_shown_and_ends_nothing() {
    let (mut login, state) = waiting("com.example.app:/callback");
    let url = "com.example.app:/callback?error=access_denied&error_description=Not%20assigned";
    let error = login.handle(Event::RedirectReceived(url), at(T0 + 60)).unwrap_err();
    assert_eq!(error, Error::Ignored(Ignored::StateMissing));
    assert!(error.to_string().contains("keep waiting"), "{error}");
    let said = unproved_error(url, login.client().redirect_uri()).unwrap();
    assert_eq!((said.oauth_error(), said.description()), (Some("access_denied"), Some("Not assigned")));
    assert!(is_done(&mut login, &format!("com.example.app:/callback?code=C1&state={state}")));
}

/// The app runs on another machine: what the browser shows comes by mail, which wraps it, or by hand.
#[test]
fn what_comes_by_mail_is_taken() {
    for mail in ["> \n<http://127.0.0.1:51004/?code=C1\r\n&state=STATE>\r\n", "127.0.0.1:51004/?code=C1&state=STATE"] {
        let (mut login, state) = waiting("http://127.0.0.1:51004/");
        let url = from_pasted("http://127.0.0.1:51004/", &mail.replace("STATE", &state));
        assert!(is_done(&mut login, &url), "{mail}");
    }
    // The server's own page shows it.
    for shown in ["C1#STATE", "C1"] {
        let (mut login, state) = waiting("https://as.example.com/show-code");
        let shown = shown.replace("STATE", &state);
        let url = match login.url_of_bare_code(&shown) {
            Some(url) => url,
            None => from_pasted("https://as.example.com/show-code", &shown),
        };
        assert!(is_done(&mut login, &url), "{shown}");
    }
}

/// A proxy joined two lines, one of them empty: the call that needs a recent login is told so, not to refresh for nothing.
#[test]
fn a_comma_too_many_costs_no_step_up() {
    for line in [
        "Bearer , error=\"insufficient_user_authentication\", max_age=\"60\"",
        "Bearer,error=\"insufficient_user_authentication\",max_age=60",
    ] {
        let mut session = session();
        let bearer = ready(session.access(at(T0)));
        let told = session.refused(&bearer, 401, &[("WWW-Authenticate", line)], at(T0));
        let Some(Access::LoginRequired(LoginRequired::StepUp { max_age, .. })) = told else {
            panic!("{line}: {told:?}")
        };
        assert_eq!(max_age, Some(60));
    }
}
