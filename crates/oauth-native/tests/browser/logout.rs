//! The way to a logout and back, on loopback; and redirects that come beside the listener.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use oauth_native::browser::{LinkSender, LogoutBrowser, Loopback};
use oauth_native::oauth_proto::drive::blocking::Browser;
use oauth_native::oauth_proto::redirect::MAX_REDIRECT_BYTES;
use oauth_native::oauth_proto::{
    AuthorizationServer, Client, Entropy, Event, Secret, Session, SessionAction, SignOut, Tokens, UnixTime,
};

use crate::world::{drive, get, login, parameter, redirect, scripted, take, BOTH};

#[test]
fn the_browser_comes_back_from_a_logout() {
    let (opener, pages) = scripted(|url| {
        let (back, state) = (parameter(url, "post_logout_redirect_uri"), parameter(url, "state"));
        ["FORGED", &state, &state].map(|state| get(&format!("{back}?state={state}")))
    });
    let mut browser = Loopback::bind_path("/signed-out", opener).unwrap();
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
    let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback");
    let client = client.post_logout_redirect_uri(&browser.redirect_uri()).build().unwrap();
    let mut session = Session::new(client, Tokens::from_parts(Secret::new("AT1"), None, None, "read"));
    let SessionAction::OpenUrl(url) = session.sign_out(SignOut::new().logout(Entropy::from_os().unwrap())) else {
        panic!()
    };

    let now = UnixTime::from(SystemTime::now());
    browser.open_logout(&url).unwrap();
    let mut verdicts = Vec::new();
    while !verdicts.last().is_some_and(|verdict| *verdict) {
        let back = browser.redirect(now.saturating_add(20)).unwrap().unwrap();
        let handled = session.handle(Event::RedirectReceived(&back), now);
        browser.heard_logout(&url, handled.as_ref().map(drop)).unwrap();
        verdicts.push(handled.is_ok());
    }
    assert_eq!(verdicts, [false, true]);
    let pages = take(&pages);
    for (page, title) in pages.iter().zip([
        "<h1>This is not the answer that the app waits for",
        "<h1>Signed out</h1>",
        "<h1>The app does not wait for this",
    ]) {
        assert!(page.contains(title) && !page.contains("FORGED"), "{page}");
    }
}

#[test]
fn a_redirect_may_come_beside_the_listener() {
    for way in BOTH {
        let sender = Arc::new(Mutex::new(None::<LinkSender>));
        let pasted = Arc::clone(&sender);
        let mut browser = Loopback::bind(move |url: &str| {
            let links = pasted.lock().unwrap().take().unwrap();
            assert!(links.deliver("http://127.0.0.1/callback?code=FORGED&state=FORGED"));
            assert!(!links.deliver("x".repeat(MAX_REDIRECT_BYTES + 1)));
            assert!(links.deliver(redirect(url)));
            // With the last sender, nothing else ends.
            Ok(())
        })
        .unwrap();
        let links = browser.link_sender();
        // What comes too early is not kept: the next login would not open its browser.
        assert!(!links.deliver("http://127.0.0.1/callback?code=EARLY&state=EARLY"));
        *sender.lock().unwrap() = Some(links);
        let mut pending = login(&browser.redirect_uri(), 60);
        assert_eq!(drive(way, &mut pending, &mut browser).unwrap().access_token().reveal(), "AT1");
    }
}
