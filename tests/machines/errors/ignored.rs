//! `Ignored`: not for this machine, or late. None is fatal, and the right redirect still works afterwards.

use oauth_proto::{
    Action, AuthorizationRequest, Client, Delivered, Error, Event, Ignored, Login, RequestId, SessionAction,
    SessionPhase, SignOut,
};

use super::check;
use crate::support::{
    at, awaiting, client, entropy, exchanging, json, redirect, server, session, state, REDIRECT_URI, TOKENS,
};

/// A redirect that is ignored while the right one is awaited.
fn stray(url: &str, expected: Ignored, code: &str, words: &[&str]) {
    let mut login = awaiting(client(), AuthorizationRequest::new());
    let error = login.handle(Event::RedirectReceived(url), at(1)).unwrap_err();
    assert_eq!(error, Error::Ignored(expected));
    check(&error, code, false, words);
    let right = redirect(&format!("code=C1&state={}", state(1)));
    assert!(matches!(login.handle(Event::RedirectReceived(&right), at(2)), Ok(Action::SendRequest(_))));
}

#[test]
fn not_our_redirect() {
    let url = format!("com.example.app:/callback/x?code=C1&state={}", state(1));
    stray(&url, Ignored::NotOurRedirect, "not_our_redirect", &["redirect URI", "keep waiting"]);
}

#[test]
fn redirect_too_large() {
    let url = redirect(&format!("state={}&code={}", state(1), "C".repeat(65_536)));
    stray(&url, Ignored::RedirectTooLarge, "redirect_too_large", &["too long", "keep waiting"]);
}

#[test]
fn duplicate_parameter() {
    let (right, wrong) = (state(1), state(2));
    for query in [
        "code=C1&c%6Fde=C1".to_owned(),
        "code=C1&c%6Fde=C1&state=".to_owned(),
        format!("code=C1&c%6Fde=C1&state={wrong}"),
        format!("error=access_denied&error=access_denied&state={wrong}"),
        // Many may be tried at once, or none.
        format!("code=C1&state={right}&state={wrong}"),
        format!("code=C1&state={wrong}&st%61te={right}"),
        format!("code=C1&state=&state={right}"),
        format!("code=C1&state={right}&state"),
        format!("code=C1&code=C1&state={right}&state={wrong}"),
        format!("code=C1&state={right}&state=%FF"),
    ] {
        let words = ["repeats", "RFC 6749", "keep waiting"];
        stray(&redirect(&query), Ignored::DuplicateParameter, "duplicate_parameter", &words);
    }
}

#[test]
fn state_missing() {
    stray(&redirect("error=access_denied"), Ignored::StateMissing, "state_missing", &["no state", "keep waiting"]);
    stray(&redirect("code=C1&state="), Ignored::StateMissing, "state_missing", &["RFC 6749", "error in it"]);
}

#[test]
fn state_mismatch() {
    let url = redirect(&format!("code=C1&state={}", state(2)));
    stray(&url, Ignored::StateMismatch, "state_mismatch", &["another state", "keep waiting"]);
}

#[test]
fn redirect_not_awaited() {
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    let again = redirect(&format!("code=C1&state={}", state(1)));
    let error = login.handle(Event::RedirectReceived(&again), at(1)).unwrap_err();
    assert_eq!(error, Error::Ignored(Ignored::RedirectNotAwaited));
    check(&error, "redirect_not_awaited", false, &["no redirect is awaited"]);
    let answer = Event::ResponseReceived(request.id(), json(200, TOKENS));
    assert!(matches!(login.handle(answer, at(2)), Ok(Action::TokensReady(_))));
    // A session awaits one while the user logs out in the browser, and no other time.
    let mut session = session(client(), Some("RT0"));
    for _ in 0..2 {
        let error = session.handle(Event::RedirectReceived(&again), at(1)).unwrap_err();
        assert_eq!(error, Error::Ignored(Ignored::RedirectNotAwaited));
        let _ = session.sign_out(SignOut::new());
    }
}

/// A logout's return is checked by the same rules, and the right one still works afterwards.
#[test]
fn a_return_that_is_not_the_logouts() {
    let server = server().end_session_endpoint("https://as.example.com/logout").unwrap();
    let client = Client::builder(server, "app", REDIRECT_URI).post_logout_redirect_uri("com.example.app:/bye?a=1");
    let mut session = session(client.build().unwrap(), Some("RT0"));
    assert!(matches!(session.sign_out(SignOut::new().logout(entropy(1))), SessionAction::OpenUrl(_)));
    let bye = |query: &str| format!("com.example.app:/bye?{query}");
    for (url, expected) in [
        (redirect(&format!("state={}", state(1))), Ignored::NotOurRedirect),
        (bye(&format!("state={}", state(1))), Ignored::NotOurRedirect),
        (bye(&format!("a=1&state={}&x={}", state(1), "x".repeat(65_536))), Ignored::NotOurRedirect),
        (bye(&format!("a=1&state={}&st%61te={}", state(1), state(1))), Ignored::DuplicateParameter),
        (bye("a=1"), Ignored::StateMissing),
        (bye("a=1&state="), Ignored::StateMissing),
        (bye(&format!("a=1&state={}", state(2))), Ignored::StateMismatch),
        (bye(&format!("a=1&state={}", &state(1)[1..])), Ignored::StateMismatch),
        (bye(&format!("a=1&State={}", state(1))), Ignored::StateMissing),
    ] {
        let error = session.handle(Event::RedirectReceived(&url), at(1)).unwrap_err();
        assert_eq!(error, Error::Ignored(expected), "{url}");
        assert_eq!(session.phase(), SessionPhase::LoggingOut);
    }
    let back = bye(&format!("x=y&code=C&state={}&a=1#f", state(1)));
    assert!(matches!(session.handle(Event::RedirectReceived(&back), at(2)), Ok(SessionAction::SignedOut)));
}

/// What comes from outside before the start is as stray as what comes later: no misuse.
#[test]
fn before_the_start() {
    let mut login = Login::new(client(), AuthorizationRequest::new()).unwrap();
    for url in [redirect(&format!("code=C1&state={}", state(1))), redirect("error=access_denied"), String::new()] {
        let error = login.handle(Event::RedirectReceived(&url), at(0)).unwrap_err();
        assert_eq!(error, Error::Ignored(Ignored::RedirectNotAwaited));
        check(&error, "redirect_not_awaited", false, &["no redirect is awaited"]);
    }
    let id = exchanging(client(), AuthorizationRequest::new()).1.id();
    for event in [
        Event::ResponseReceived(id, json(200, TOKENS)),
        Event::SendFailed(id, Delivered::No),
        Event::SendFailed(id, Delivered::Maybe),
    ] {
        assert_eq!(login.handle(event, at(0)).unwrap_err(), Error::Ignored(Ignored::UnknownRequest));
    }
    assert!(matches!(login.handle(Event::Start(entropy(1)), at(0)), Ok(Action::OpenUrl(_))));
}

#[test]
fn unknown_request() {
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    let other = RequestId::from_u64(request.id().as_u64() ^ 1);
    let error = login.handle(Event::ResponseReceived(other, json(200, TOKENS)), at(1)).unwrap_err();
    assert_eq!(error, Error::Ignored(Ignored::UnknownRequest));
    check(&error, "unknown_request", false, &["no request under way"]);
    let error = session(client(), None).handle(Event::SendFailed(other, Delivered::No), at(0)).unwrap_err();
    assert_eq!(error, Error::Ignored(Ignored::UnknownRequest));
}

#[test]
fn finished() {
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    let answer = || Event::ResponseReceived(request.id(), json(200, TOKENS));
    assert!(login.handle(answer(), at(1)).is_ok());
    let error = login.handle(answer(), at(1)).unwrap_err();
    assert_eq!(error, Error::Ignored(Ignored::Finished));
    check(&error, "finished", false, &["has finished"]);
}
