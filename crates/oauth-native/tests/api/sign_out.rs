//! Signing out.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use oauth_native::api::ApiError;
use oauth_native::browser::{DeepLink, LinkSender};
use oauth_proto::{Entropy, LoginRequired, SessionPhase, SignOut};

use crate::executor::{block_on, run, Task};
use crate::world::{Canned, World};

#[test]
fn tokens_are_revoked_and_removed() {
    let world = World::new();
    let api = world.threads(9000);
    let signed_out = api.sign_out(SignOut::new());
    assert!(signed_out.logout_url.is_none() && signed_out.not_revoked.is_none() && signed_out.not_removed.is_none());
    assert_eq!(world.server.sent().revoked, ["RT1"]);
    assert_eq!(world.store.form(), None);
    assert!(matches!(api.bearer(), Err(ApiError::LoginRequired { why: LoginRequired::SignedOut, .. })));

    let world = World::new();
    assert!(block_on(world.tasks(9000).sign_out(SignOut::new())).not_revoked.is_none());
    assert_eq!(world.server.sent().revoked, ["RT1"]);
}

#[test]
fn the_newest_token_is_revoked() {
    let world = World::new();
    let (one, other) = (world.threads(900), world.other_threads());
    assert!(other.bearer().is_ok());
    let _ = one.sign_out(SignOut::new());
    assert_eq!(world.server.sent().revoked, ["RT2"]);
}

#[test]
fn the_browser_comes_last() {
    let world = World::new();
    let api = world.threads(9000);
    let signed_out = api.sign_out(SignOut::new().logout(Entropy::from_os().unwrap()));
    let url = signed_out.logout_url.unwrap();
    assert!(url.starts_with("https://as.example.com/logout?"));
    assert_eq!(world.server.sent().revoked, ["RT1"]);
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
    assert!(api.end_logout(Some("com.example.app:/logout?state=another")).is_err());
    let done = api.end_logout(Some(&format!("com.example.app:/logout?state={state}"))).unwrap();
    assert!(done.logout_url.is_none() && done.not_revoked.is_none());
    assert_eq!(api.session(oauth_proto::Session::phase), SessionPhase::SignedOut);
    assert!(api.end_logout(None).is_err());
}

/// A browser that comes back with somebody else's URL first, and then with its own, if it does.
fn comes_back(does: bool) -> DeepLink {
    let sender = Arc::new(Mutex::new(None::<LinkSender>));
    let links = Arc::clone(&sender);
    let (browser, own) = DeepLink::new(move |url: &str| {
        let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
        let links = links.lock().unwrap().clone().unwrap();
        assert!(links.deliver("com.example.app:/logout?state=another"));
        assert!(!does || links.deliver(format!("com.example.app:/logout?state={state}")));
        Ok(())
    });
    *sender.lock().unwrap() = Some(own);
    browser
}

#[test]
fn the_user_is_taken_to_the_logout_and_back() {
    let logout = || SignOut::new().logout(Entropy::from_os().unwrap());
    for does in [true, false] {
        let world = World::new();
        let api = world.threads(9000);
        let url = api.sign_out(logout()).logout_url.unwrap();
        let done = api.log_out(&url, &mut comes_back(does), 5).unwrap();
        assert!(done.logout_url.is_none() && done.not_revoked.is_none());
        assert_eq!(api.session(oauth_proto::Session::phase), SessionPhase::SignedOut);

        let world = World::new();
        let api = world.tasks(9000);
        let url = block_on(api.sign_out(logout())).logout_url.unwrap();
        let done = block_on(api.log_out(&url, &mut comes_back(does), 5)).unwrap();
        assert!(done.logout_url.is_none() && done.not_revoked.is_none());
        assert_eq!(api.session(oauth_proto::Session::phase), SessionPhase::SignedOut);
        // Once more: nobody waits for anybody.
        assert!(block_on(api.log_out(&url, &mut comes_back(does), 5)).unwrap().not_revoked.is_none());
    }
}

#[test]
fn a_logout_without_a_browser_is_still_under_way() {
    let world = World::new();
    let api = world.threads(9000);
    let url = api.sign_out(SignOut::new().logout(Entropy::from_os().unwrap())).logout_url.unwrap();
    let (mut none, _links) = DeepLink::new(|_: &str| Err(std::io::ErrorKind::NotFound.into()));
    assert_eq!(api.log_out(&url, &mut none, 5).unwrap_err().code(), "browser_not_opened");
    assert_eq!(api.session(oauth_proto::Session::phase), SessionPhase::LoggingOut);
    assert!(api.log_out(&url, &mut comes_back(true), 5).is_ok());
}

#[test]
fn a_revocation_is_tried_again_within_the_patience() {
    let world = World::new();
    world.server.answers(Canned::Answer(503, ""));
    let signed_out = world.threads(9000).patience_secs(20).sign_out(SignOut::new());
    assert_eq!((signed_out.not_revoked, world.server.sent().revoked.len()), (None, 2));

    let world = World::new();
    let api = world.threads(9000);
    world.server.answers(Canned::Answer(503, ""));
    assert!(api.sign_out(SignOut::new()).not_revoked.is_some());
    assert_eq!(world.store.form(), None);
    assert!(api.sign_out(SignOut::new()).not_revoked.is_none(), "goes on");
}

#[test]
fn a_store_that_fails_does_not_keep_the_user_signed_in() {
    let world = World::new();
    let api = world.threads(9000);
    world.store.fails_to_save.store(true, Ordering::SeqCst);
    assert!(api.sign_out(SignOut::new()).not_removed.is_some());
    assert!(api.bearer().is_err());
    assert_eq!(world.server.sent().revoked, ["RT1"]);

    let world = World::new();
    let api = world.threads(9000);
    world.store.fails_to_lock.store(true, Ordering::SeqCst);
    assert!(api.sign_out(SignOut::new()).not_removed.is_some());
    assert!(api.bearer().is_err());
}

#[test]
fn a_refresh_under_way_is_waited_for() {
    let world = World::new();
    let api = world.tasks(900);
    world.server.delay(5);
    let mut tasks = vec![Task::new(async { drop(api.bearer().await) })];
    run(&mut tasks, |_| world.server.refreshes() == 1, || panic!("nobody was woken"));
    tasks.push(Task::new(async { drop(api.sign_out(SignOut::new()).await) }));
    run(&mut tasks, |tasks| tasks.iter().all(Task::is_over), || panic!("nobody was woken"));
    assert_eq!(world.server.sent().revoked, ["RT2"]);
    assert_eq!(world.store.form(), None);
}

#[test]
fn only_what_is_the_users_own_is_removed() {
    let world = World::new();
    let api = world.threads(9000);
    world.store.put(World::another_session().save().as_ref());
    assert!(api.sign_out(SignOut::new()).not_removed.is_none());
    assert!(world.store.has("RT8"), "another login");
    assert_eq!(world.server.sent().revoked, ["RT1"]);

    let world = World::new();
    let api = world.threads(9000);
    let text = world.store.form().unwrap().replacen("AT1", "", 1).replacen("version", "vision", 1);
    world.store.put_text(text);
    assert!(api.sign_out(SignOut::new()).not_removed.is_none());
    assert_eq!(world.store.form(), None, "damaged");
}

#[test]
fn tokens_that_were_not_stored_do_not_come_back() {
    let world = World::new();
    let api = world.threads(900);
    world.store.fails_to_save.store(true, Ordering::SeqCst);
    assert!(api.bearer().is_err());
    world.store.fails_to_save.store(false, Ordering::SeqCst);
    let _ = api.sign_out(SignOut::new());
    world.store.put(World::another_session().save().as_ref());
    world.clock.advance(100);
    assert!(api.bearer().is_err());
    assert!(world.store.has("RT8"));
    assert_eq!(world.server.sent().revoked, ["RT2"]);
}
