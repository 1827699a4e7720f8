//! Redirects and saved logins.

use oauth_proto::redirect::{parse, Expected, RedirectUri};
use oauth_proto::{
    Action, AuthorizationRequest, Entropy, Error, Event, Login, Misuse, RestoreError, SavedLogin, UnixTime,
};

use crate::{at, client, server};

fn pending() -> Login {
    let mut login = Login::new(client(), AuthorizationRequest::new().scope("a")).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    assert!(matches!(login.handle(Event::Start(entropy), at(0)), Ok(Action::OpenUrl(_))));
    login
}

fn outcome(redirect_uri: &str, url: &str) -> Result<String, &'static str> {
    let redirect_uri = RedirectUri::new(redirect_uri).unwrap();
    let expected = Expected { redirect_uri: &redirect_uri, state: "S", issuer: None, iss_required: false };
    parse(url, &expected).map(|response| response.into_code().reveal().to_owned()).map_err(|error| error.code())
}

/// RFC 3986 §3.4: the query begins at the first `?`, so the name here is `?code`.
#[test]
fn a_redirect_uri_that_ends_in_a_question_mark_is_not_taken_for_more() {
    for redirect_uri in ["com.example.app:/callback?", "com.example.app:/callback?&"] {
        assert_eq!(outcome(redirect_uri, "com.example.app:/callback??code=C&state=S"), Err("missing_code"));
        assert_eq!(outcome(redirect_uri, "com.example.app:/callback?code=C&state=S"), Ok("C".into()));
    }
}

#[test]
fn an_issuer_that_is_not_known_is_no_match() {
    let redirect_uri = RedirectUri::new("com.example.app:/callback").unwrap();
    for iss_required in [true, false] {
        let expected = Expected { redirect_uri: &redirect_uri, state: "S", issuer: None, iss_required };
        let url = "com.example.app:/callback?code=C&state=S&iss=https%3A%2F%2Fevil.example";
        let error = parse(url, &expected).map(|_| ()).unwrap_err();
        assert_eq!((error.code(), error.is_fatal()), ("issuer_unknown", true));
    }
    assert!(oauth_proto::Client::new(server().require_iss(), "app", "com.example.app:/callback").is_err());
}

/// Any app can fire a link before a login has been started: that is nobody's misuse.
#[test]
fn what_comes_from_outside_is_never_misuse() {
    let mut login = Login::new(client(), AuthorizationRequest::new()).unwrap();
    let error = login.handle(Event::RedirectReceived("com.example.app:/callback?code=forged"), at(0)).unwrap_err();
    assert_eq!((error.code(), error.is_fatal()), ("redirect_not_awaited", false));
    assert!(!matches!(error, Error::Misuse(Misuse::AlreadyStarted)));
}

#[test]
fn a_saved_login_that_was_tampered_with_waits_no_longer_and_shows_no_verifier() {
    let saved = serde_json::to_value(pending().save()).unwrap();
    let resume = |member: &str, value: serde_json::Value| {
        let mut tampered = saved.clone();
        tampered[member] = value;
        Login::resume(client(), serde_json::from_value::<SavedLogin>(tampered).unwrap(), at(1))
    };
    let endless = resume("deadline", u64::MAX.into()).unwrap();
    assert_eq!(endless.deadline(), Some(UnixTime::from_secs(3601)));
    assert_eq!(resume("state", saved["code_verifier"].clone()).unwrap_err(), RestoreError::Malformed);
}
