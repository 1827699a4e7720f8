//! A login that waits for its redirect.

use std::fs;
use std::time::Duration;

use oauth_native::store::{File, Store as _, StoreError};
use oauth_proto::{AuthorizationRequest, Entropy, Event, Login, Phase};

use crate::tools::{client, saved, stored, Folder, NOW};

pub fn started() -> Login {
    let mut login = Login::new(client(), AuthorizationRequest::new()).unwrap();
    drop(login.handle(Event::Start(Entropy::from_os().unwrap()), NOW).unwrap());
    login
}

#[test]
fn it_is_beside_the_session() {
    let folder = Folder::new();
    let sessions = File::new(folder.join("session.json"));
    let logins = sessions.pending_login();
    assert_eq!(logins.path(), folder.join("session.json.login"));
    sessions.lock().unwrap().save(Some(&saved("AT"))).unwrap();
    // Each has a lock of its own.
    let other_lock = sessions.lock().unwrap();
    let mut locked = logins.lock().unwrap();
    assert!(locked.load().unwrap().is_none());
    locked.save(started().save().as_ref()).unwrap();
    let resumed = Login::resume(client(), locked.load().unwrap().unwrap(), NOW).unwrap();
    assert_eq!(resumed.phase(), Phase::AwaitingRedirect);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(logins.path()).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    locked.save(None).unwrap();
    assert!(locked.load().unwrap().is_none());
    drop((locked, other_lock));
    assert_eq!(stored(sessions.path()).as_deref(), Some("AT"));
}

#[test]
fn neither_is_read_as_the_other() {
    let folder = Folder::new();
    let sessions = File::new(folder.join("session.json"));
    let logins = sessions.pending_login();
    sessions.lock().unwrap().save(Some(&saved("AT"))).unwrap();
    logins.lock().unwrap().save(started().save().as_ref()).unwrap();
    fs::rename(logins.path(), folder.join("other")).unwrap();
    fs::rename(sessions.path(), logins.path()).unwrap();
    fs::rename(folder.join("other"), sessions.path()).unwrap();
    assert!(matches!(sessions.lock().unwrap().load(), Err(StoreError::Damaged)));
    assert!(matches!(logins.lock().unwrap().load(), Err(StoreError::Damaged)));
}

#[test]
fn the_timeout_goes_with_it() {
    let folder = Folder::new();
    let logins = File::new(folder.join("session.json")).lock_timeout(Duration::from_millis(50)).pending_login();
    let _locked = logins.lock().unwrap();
    assert!(matches!(logins.lock(), Err(StoreError::Busy(timeout)) if timeout == Duration::from_millis(50)));
}
