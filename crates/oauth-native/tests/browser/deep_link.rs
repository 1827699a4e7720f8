//! URLs that the platform hands over.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oauth_native::browser::{DeepLink, LinkSender};
use oauth_native::oauth_proto::redirect::MAX_REDIRECT_BYTES;

use crate::world::{drive, login, redirect, Way, BOTH, CODE};

const URI: &str = "com.example.app:/callback";

/// A browser whose user is sent to each of these URLs, one for each time that it is opened; `None` is the redirect.
fn links(urls: &[Option<&'static str>]) -> (DeepLink, Arc<Mutex<usize>>) {
    let (opened, sender) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(None::<LinkSender>)));
    let (count, senders, urls) = (Arc::clone(&opened), Arc::clone(&sender), urls.to_vec());
    let (browser, links) = DeepLink::new(move |url: &str| {
        let mut count = count.lock().unwrap();
        let next = urls.get(*count).map(|stray| stray.map_or_else(|| redirect(url), Into::into));
        *count += 1;
        let links = senders.lock().unwrap().clone().unwrap();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            assert!(next.is_none_or(|url| links.deliver(url)));
        });
        Ok(())
    });
    *sender.lock().unwrap() = Some(links);
    (browser, opened)
}

#[test]
fn a_link_completes_the_login() {
    for way in BOTH {
        let (mut browser, opened) = links(&[None, None]);
        for logins in 1..=2 {
            drive(way, &mut login(URI, 60), &mut browser).unwrap();
            assert_eq!(*opened.lock().unwrap(), logins);
        }
    }
}

#[test]
fn after_a_stray_link_the_browser_is_opened_again_if_asked() {
    let stray = "com.example.app:/callback?code=FORGED&state=FORGED";
    for way in BOTH {
        let (browser, opened) = links(&[Some(stray), Some("com.example.app:/other"), None]);
        drive(way, &mut login(URI, 60), &mut browser.reopen_after_stray(true)).unwrap();
        assert_eq!(*opened.lock().unwrap(), 3);

        let (mut browser, opened) = links(&[Some(stray)]);
        let error = drive(way, &mut login(URI, 2), &mut browser).unwrap_err();
        assert_eq!((error.code(), *opened.lock().unwrap()), ("expired", 1));
    }
}

/// The app was ended while the browser was open, and is started by the redirect.
#[test]
fn a_link_that_came_before_is_tried_first() {
    use oauth_native::oauth_proto::{Action, Event, Login, UnixTime};
    use std::time::SystemTime;

    for (way, stray) in [(Way::Blocking, false), (Way::Async, false), (Way::Blocking, true), (Way::Async, true)] {
        let mut before = login(URI, 60);
        let now = UnixTime::from(SystemTime::now());
        let entropy = oauth_native::oauth_proto::Entropy::from_os().unwrap();
        let Ok(Action::OpenUrl(url)) = before.handle(Event::Start(entropy), now) else { panic!() };
        let (client, saved) = (before.client().clone(), before.save().unwrap());
        drop(before);

        let mut restored = Login::resume(client, saved, now).unwrap();
        let opened = Arc::new(Mutex::new(Vec::new()));
        let urls = Arc::clone(&opened);
        let (mut browser, links) = DeepLink::new(move |url: &str| {
            urls.lock().unwrap().push(url.to_owned());
            Ok(())
        });
        if stray {
            assert!(links.deliver("com.example.app:/callback?code=OLD&state=OLD"));
            let (url, opened, links) = (url.clone(), Arc::clone(&opened), links.clone());
            thread::spawn(move || {
                assert!(crate::world::soon(|| !opened.lock().unwrap().is_empty()));
                links.deliver(redirect(&url));
            });
        } else {
            assert!(links.deliver(redirect(&url)));
        }
        drive(way, &mut restored, &mut browser).unwrap();
        assert_eq!(opened.lock().unwrap().len(), usize::from(stray), "{way:?}");
    }
}

#[test]
fn waiting_ends_with_the_last_sender() {
    for way in BOTH {
        let (mut browser, links) = DeepLink::new(|_: &str| Ok(()));
        let other = links.clone();
        drop(links);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(other);
        });
        assert_eq!(drive(way, &mut login(URI, 60), &mut browser).unwrap_err().code(), "cancelled");
    }
}

#[test]
fn waiting_ends_when_cancelled() {
    for way in BOTH {
        let (mut browser, _links) = DeepLink::new(|_: &str| Ok(()));
        let canceller = browser.canceller();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            canceller.cancel();
        });
        assert_eq!(drive(way, &mut login(URI, 60), &mut browser).unwrap_err().code(), "cancelled");
    }
}

#[test]
fn links_are_bounded_and_not_shown() {
    let (mut browser, links) = DeepLink::new(|_: &str| Ok(()));
    assert!(!links.deliver("x".repeat(MAX_REDIRECT_BYTES + 1)));
    assert!(links.deliver("x".repeat(MAX_REDIRECT_BYTES)));
    for _ in 0..10_000 {
        assert!(links.deliver(format!("{URI}?code={CODE}")));
    }
    assert_eq!(format!("{browser:?} {links:?}"), "DeepLink { .. } LinkSender { .. }");
    // The latest are kept.
    let mut count = 0;
    let now = oauth_native::oauth_proto::UnixTime::from_secs(0);
    while let Some(url) = oauth_native::oauth_proto::drive::blocking::Browser::redirect(&mut browser, now).unwrap() {
        assert!(url.contains(CODE));
        count += 1;
    }
    assert_eq!(count, 16);
    drop(browser);
    assert!(!links.deliver(URI));
}
