//! Saving, loading and removing; permissions and links.

use std::fs;
use std::io::ErrorKind;

use oauth_native::store::{File, Store as _, StoreError};

use crate::tools::{saved, stored, token, Folder};

#[test]
fn saves_loads_and_removes() {
    let folder = Folder::new();
    let store = File::new(folder.join("session.json"));
    let mut locked = store.lock().unwrap();
    assert!(locked.load().unwrap().is_none());
    for token in ["one", "two"] {
        locked.save(Some(&saved(token))).unwrap();
        assert_eq!(locked.load().unwrap().map(self::token).as_deref(), Some(token));
    }
    drop(locked);
    assert_eq!(stored(store.path()).as_deref(), Some("two"));
    assert_eq!(folder.names(), ["session.json", "session.json.lock"]);
    // From a process that was killed.
    fs::write(folder.join("session.json.new"), "left over").unwrap();
    store.lock().unwrap().save(None).unwrap();
    store.lock().unwrap().save(None).unwrap();
    assert_eq!(stored(store.path()), None);
    assert_eq!(folder.names(), ["session.json.lock"]);
}

#[test]
fn it_is_json() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    File::new(&path).lock().unwrap().save(Some(&saved("AT"))).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(value["access_token"], "AT");
}

#[test]
fn a_form_of_almost_a_mebibyte_is_stored_and_a_larger_one_is_not() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path);
    let mut locked = store.lock().unwrap();
    let large = "a".repeat((1 << 20) - 1000);
    locked.save(Some(&saved(&large))).unwrap();
    assert_eq!(locked.load().unwrap().map(token), Some(large.clone()));
    let error = locked.save(Some(&saved(&"a".repeat(1 << 20)))).unwrap_err();
    assert!(matches!(error, StoreError::Io(error) if error.kind() == ErrorKind::FileTooLarge));
    assert_eq!(locked.load().unwrap().map(token), Some(large));
}

#[test]
fn a_folder_that_cannot_be_made() {
    let folder = Folder::new();
    fs::write(folder.join("file"), "").unwrap();
    for path in ["file/session.json", "file/deeper/session.json"] {
        let Err(StoreError::Io(error)) = File::new(folder.join(path)).lock().map(drop) else { panic!() };
        assert!(error.to_string().contains("create the folder"), "{error}");
    }
}

#[test]
fn paths_that_name_no_file() {
    for path in ["/", "", "..", "x/.."] {
        let error = File::new(path).lock().map(drop).unwrap_err();
        assert!(error.to_string().contains("not the path of a file"), "{path:?}: {error}");
    }
}

#[test]
fn a_relative_path_is_of_the_present_working_directory() {
    let store = File::new("session.json");
    assert_eq!(store.path(), std::env::current_dir().unwrap().join("session.json"));
}

#[test]
fn debug_and_errors_show_nothing() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path);
    store.lock().unwrap().save(Some(&saved("CANARY"))).unwrap();
    assert!(!format!("{store:?} {:?}", store.pending_login()).contains("CANARY"));
    let octets = fs::read(&path).unwrap();
    // Where serde's own errors show a part of the text.
    let text = String::from_utf8(octets).unwrap();
    for damaged in [
        text.replace("\"version\":", "\"version\":\"CANARY\",\"v\":"),
        format!("{text}CANARY"),
        "\"CANARY\"".to_owned(),
    ] {
        fs::write(&path, damaged).unwrap();
        let error = store.lock().unwrap().load().unwrap_err();
        assert!(matches!(error, StoreError::Damaged));
        assert!(!format!("{error:?} {error}").contains("CANARY"));
        assert!(std::error::Error::source(&error).is_none());
    }
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::{symlink, PermissionsExt as _};
    use std::path::Path;

    use oauth_native::store::{File, LockFile, Store as _, StoreError};

    use crate::tools::{saved, stored, Folder};

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn only_the_user_can_read_it() {
        let folder = Folder::new();
        let path = folder.join("outer/inner/session.json");
        let store = File::new(&path);
        store.lock().unwrap().save(Some(&saved("AT"))).unwrap();
        assert_eq!(mode(&folder.join("outer")), 0o700);
        assert_eq!(mode(&folder.join("outer/inner")), 0o700);
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder.join("outer/inner/session.json.lock")), 0o600);
        // Saving takes away what others may do, and so does loading.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        store.lock().unwrap().save(Some(&saved("AT"))).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(stored(&path).as_deref(), Some("AT"));
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_file_left_over_with_other_permissions_is_not_used() {
        let folder = Folder::new();
        let path = folder.join("session.json");
        fs::write(folder.join("session.json.new"), "left over").unwrap();
        fs::set_permissions(folder.join("session.json.new"), fs::Permissions::from_mode(0o666)).unwrap();
        File::new(&path).lock().unwrap().save(Some(&saved("AT"))).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(folder.names(), ["session.json", "session.json.lock"]);
    }

    #[test]
    fn links_are_not_followed() {
        let folder = Folder::new();
        let path = folder.join("session.json");
        let victim = folder.join("victim");
        let store = File::new(&path);
        File::new(&victim).lock().unwrap().save(Some(&saved("victim"))).unwrap();
        let before = fs::read(&victim).unwrap();
        symlink(&victim, &path).unwrap();
        symlink(&victim, folder.join("session.json.new")).unwrap();
        let mut locked = store.lock().unwrap();
        assert!(matches!(locked.load(), Err(StoreError::Io(error)) if error.to_string().contains("regular")));
        locked.save(Some(&saved("new"))).unwrap();
        drop(locked);
        assert_eq!(fs::read(&victim).unwrap(), before);
        assert_eq!(stored(&path).as_deref(), Some("new"));
        // A dangling one, for the lock.
        symlink(folder.join("planted"), folder.join("lock")).unwrap();
        assert!(LockFile::new(folder.join("lock")).lock().is_err());
        assert!(!folder.join("planted").exists());
    }

    #[test]
    fn pipes_and_folders_are_not_read() {
        let folder = Folder::new();
        assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
        fs::create_dir(folder.join("folder")).unwrap();
        for name in ["pipe", "folder"] {
            let error = File::new(folder.join(name)).lock().unwrap().load().unwrap_err();
            assert!(matches!(error, StoreError::Io(error) if error.to_string().contains("regular")));
            assert!(LockFile::new(folder.join(name)).lock().is_err());
        }
    }
}

/// The environment is the process's, so this is one test.
#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_folder_of_an_app() {
    let path = || File::of_app("com.example.app").map(|store| store.path().to_owned());
    std::env::set_var("XDG_STATE_HOME", "/state");
    assert_eq!(path().unwrap(), std::path::Path::new("/state/com.example.app/session.json"));
    // A relative one would be of the working directory.
    std::env::set_var("XDG_STATE_HOME", "state");
    std::env::set_var("HOME", "/home/user");
    assert_eq!(path().unwrap(), std::path::Path::new("/home/user/.local/state/com.example.app/session.json"));
    for home in ["", "."] {
        std::env::set_var("HOME", home);
        let Err(StoreError::Io(error)) = path() else { panic!() };
        assert!(error.to_string().contains("HOME"), "{error}");
    }
    for name in ["", ".", "..", "/", "a/b", "../a", "a/", "/etc"] {
        let Err(StoreError::Io(error)) = File::of_app(name) else { panic!("{name}") };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
