//! The store in memory.

use oauth_native::store::{Memory, Store as _};
use oauth_proto::SavedLogin;

use crate::tools::{saved, token};

#[test]
fn saves_loads_and_removes() {
    let store = Memory::new();
    let clone = store.clone();
    store.lock().unwrap().save(Some(&saved("AT"))).unwrap();
    assert_eq!(clone.lock().unwrap().load().unwrap().map(token).as_deref(), Some("AT"));
    assert_eq!(clone.lock().unwrap().load().unwrap().map(token).as_deref(), Some("AT"));
    assert!(Memory::new().lock().unwrap().load().unwrap().is_none());
    store.lock().unwrap().save(None).unwrap();
    assert!(clone.lock().unwrap().load().unwrap().is_none());
}

#[test]
fn debug_shows_nothing() {
    let store = Memory::new();
    store.lock().unwrap().save(Some(&saved("CANARY"))).unwrap();
    assert_eq!(format!("{store:?}"), "Memory { timeout: 90s, .. }");
}

#[test]
fn a_pending_login() {
    let store = Memory::<SavedLogin>::default();
    let login = crate::pending::started();
    store.lock().unwrap().save(login.save().as_ref()).unwrap();
    assert!(store.lock().unwrap().load().unwrap().is_some());
}
