//! A keyring in memory that is as narrow as that of Windows, and fails when it is told to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, SavedSession, Secret};
use oauth_proto::{Session, Tokens, UnixTime};
use zeroize::Zeroizing;

use super::entries::Entries;
use super::*;

const NARROW: Option<usize> = Some(2560);

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    /// Nothing happens, and the same for all later operations, as after the death of the process.
    Death,
    /// It happens, but there is an error, and all later operations fail.
    LateDeath,
    /// Nothing happens. Later operations work.
    Once,
    /// It happens, but there is an error. Later operations work.
    LateOnce,
}

#[derive(Default)]
struct Fake {
    max: Option<usize>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<String, Vec<u8>>,
    /// How many operations there were.
    count: usize,
    /// From which on they fail, and how.
    failure: Option<(usize, Failure)>,
}

impl Fake {
    fn new(max: Option<usize>) -> Arc<Self> {
        Arc::new(Self { max, ..Self::default() })
    }

    fn fail(&self, failure: Option<(usize, Failure)>) {
        let mut inner = self.inner.lock().unwrap();
        inner.count = 0;
        inner.failure = failure;
    }

    fn names(&self) -> Vec<String> {
        self.inner.lock().unwrap().entries.keys().cloned().collect()
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) {
        change(&mut self.inner.lock().unwrap().entries);
    }

    fn run<R>(&self, operation: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> R) -> io::Result<R> {
        let mut inner = self.inner.lock().unwrap();
        let number = inner.count;
        inner.count += 1;
        let failed = || Err(io::Error::other("told to fail"));
        match inner.failure {
            Some((from, Failure::LateDeath | Failure::LateOnce)) if number == from => {
                operation(&mut inner.entries);
                failed()
            }
            Some((from, Failure::Death | Failure::LateDeath)) if number >= from => failed(),
            Some((from, Failure::Once)) if number == from => failed(),
            _ => Ok(operation(&mut inner.entries)),
        }
    }
}

impl Entries for Fake {
    fn max_octets(&self) -> Option<usize> {
        self.max
    }

    fn read(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        self.run(|entries| entries.get(name).cloned().map(Zeroizing::new))
    }

    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        assert!(self.max.is_none_or(|max| octets.len() <= max), "{} octets", octets.len());
        self.run(|entries| drop(entries.insert(name.to_owned(), octets.to_vec())))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.run(|entries| drop(entries.remove(name)))
    }
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("oauth-native-keyring-{}-{count}", std::process::id())))
    }

    fn store(&self, entries: &Arc<Fake>) -> Keyring {
        self.store_of("session", entries)
    }

    fn store_of(&self, user: &str, entries: &Arc<Fake>) -> Keyring {
        let entries: Arc<dyn Entries> = entries.clone();
        Keyring::on(Some(entries), "com.example.app".into(), user.into(), self.0.clone())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn client() -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    Client::new(server, "s6BhdRkqt3", "com.example.app:/callback").unwrap()
}

/// A session with an ID token of so many octets, and the letter as its access token.
fn saved(letter: &str, size: usize) -> SavedSession {
    let tokens = Tokens::from_parts(Secret::new(letter), Some(Secret::new("RT")), None, "read");
    let mut form = serde_json::to_value(Session::new(client(), tokens).save().unwrap()).unwrap();
    form["id_token"] = letter.repeat(size).into();
    serde_json::from_value(form).unwrap()
}

fn octets(form: &SavedSession) -> Vec<u8> {
    serde_json::to_vec(form).unwrap()
}

fn load(store: &Keyring) -> Option<Vec<u8>> {
    store.lock().unwrap().load().unwrap().as_ref().map(octets)
}

#[test]
fn forms_of_all_sizes() {
    let folder = Folder::new();
    for max in [NARROW, None] {
        let entries = Fake::new(max);
        let store = folder.store(&entries);
        assert!(load(&store).is_none());
        for size in [0, 10_000, 40_000, 100, 2_000, 2_200, 2_300, 2_400, 2_500, 5_000, 900_000, 1] {
            let form = saved("a", size);
            store.lock().unwrap().save(Some(&form)).unwrap();
            assert_eq!(load(&store).unwrap(), octets(&form));
            // Nothing is left over from the one before.
            let parts = octets(&form).len().div_ceil(2560);
            let names = entries.names();
            assert_eq!(names.len(), if max.is_none() || names.len() == 1 { 1 } else { parts + 1 }, "{names:?}");
            assert!(max.is_none() || size < 2_500 || names.len() > 1);
        }
        store.lock().unwrap().save(None).unwrap();
        assert!(load(&store).is_none());
        assert!(entries.names().is_empty());
        store.lock().unwrap().save(None).unwrap();
    }
}

/// Where an entry holds every form, the system is asked for as little as possible: each time may take a tenth of a second.
#[test]
fn a_wide_entry_takes_one_operation() {
    let folder = Folder::new();
    let entries = Fake::new(None);
    let store = folder.store(&entries);
    for form in [Some(saved("a", 40_000)), None] {
        entries.fail(None);
        store.lock().unwrap().save(form.as_ref()).unwrap();
        assert_eq!(entries.inner.lock().unwrap().count, 1);
        entries.fail(None);
        assert_eq!(load(&store).is_some(), form.is_some());
        assert_eq!(entries.inner.lock().unwrap().count, 1);
    }
}

/// Saves `new` over `old` with a failure at each operation, one after the other: the old form or the new one is there, whole, and
/// the new one if there was no error. Then again over what that has left.
fn whole_after_failures(max: Option<usize>, old: usize, new: Option<usize>, failure: Failure) {
    let folder = Folder::new();
    let entries = Fake::new(max);
    let store = folder.store(&entries);
    let (old, new) = (saved("a", old), new.map(|size| saved("b", size)));
    let newest = new.as_ref().map(octets);
    for from in 0.. {
        store.lock().unwrap().save(Some(&old)).unwrap();
        entries.fail(Some((from, failure)));
        let result = store.lock().unwrap().save(new.as_ref());
        let over = entries.inner.lock().unwrap().count <= from;
        entries.fail(None);
        let found = load(&store);
        assert!(found == newest || found.as_ref() == Some(&octets(&old)), "{from} {failure:?}");
        assert!(result.is_err() || found == newest, "{from} {failure:?}");
        // What is left over does no harm to the next ones, and goes with them.
        let third = saved("c", 1_500);
        if from % 2 == 0 {
            entries.fail(Some((from / 2, failure)));
            let _ = store.lock().unwrap().save(Some(&third));
            entries.fail(None);
            let found = load(&store);
            let known = [newest.clone(), Some(octets(&old)), Some(octets(&third))];
            assert!(known.contains(&found), "{from} {failure:?}");
        }
        store.lock().unwrap().save(None).unwrap();
        assert_eq!(entries.names(), [""; 0], "{from} {failure:?}");
        if over {
            assert!(result.is_ok() && found == newest);
            // So there was a failure at each.
            assert!(from >= if max.is_some() { 3 } else { 1 }, "{from}");
            return;
        }
    }
}

#[test]
fn the_old_form_or_the_new_one_is_whole_after_each_operation() {
    for failure in [Failure::Death, Failure::LateDeath, Failure::Once, Failure::LateOnce] {
        for old in [1, 2_500] {
            for new in [Some(2), Some(1_500), Some(4_000), None] {
                // Narrower than any system's, so that a few octets are many parts.
                whole_after_failures(Some(600), old, new, failure);
                whole_after_failures(None, old, new, failure);
            }
        }
    }
}

/// What a process that was killed has left is overwritten or removed by the next save, not only by removing all.
#[test]
fn a_save_removes_what_is_left_over() {
    let folder = Folder::new();
    for from in 0..40 {
        let entries = Fake::new(NARROW);
        let store = folder.store(&entries);
        store.lock().unwrap().save(Some(&saved("a", 20_000))).unwrap();
        entries.fail(Some((from, Failure::Death)));
        let _ = store.lock().unwrap().save(Some(&saved("b", 40_000)));
        entries.fail(None);
        let form = saved("c", 6_000);
        store.lock().unwrap().save(Some(&form)).unwrap();
        assert_eq!(entries.names().len(), 1 + octets(&form).len().div_ceil(2560), "{from}");
        store.lock().unwrap().save(Some(&saved("d", 1))).unwrap();
        assert_eq!(entries.names(), ["session"], "{from}");
    }
}

/// A keyring that is full keeps what it has, and nothing of what did not fit.
#[test]
fn a_full_keyring_keeps_the_old_form_alone() {
    let folder = Folder::new();
    let entries = Fake::new(NARROW);
    let store = folder.store(&entries);
    store.lock().unwrap().save(Some(&saved("a", 6_000))).unwrap();
    let names = entries.names();
    // One read, then the parts.
    entries.fail(Some((5, Failure::Once)));
    let error = store.lock().unwrap().save(Some(&saved("b", 40_000))).unwrap_err();
    assert_eq!(error.to_string(), "the store cannot be used: told to fail");
    assert_eq!(entries.names(), names);
    assert_eq!(load(&store).unwrap(), octets(&saved("a", 6_000)));
}

#[test]
fn a_removal_that_has_failed_is_an_error_and_can_be_tried_again() {
    let folder = Folder::new();
    let entries = Fake::new(NARROW);
    let store = folder.store(&entries);
    for from in 0..8 {
        store.lock().unwrap().save(Some(&saved("a", 6_000))).unwrap();
        entries.fail(Some((from, Failure::Once)));
        assert!(store.lock().unwrap().save(None).is_err(), "{from}");
        store.lock().unwrap().save(None).unwrap();
        assert_eq!(entries.names(), [""; 0]);
    }
}

#[test]
fn what_is_damaged() {
    let folder = Folder::new();
    let entries = Fake::new(NARROW);
    let store = folder.store(&entries);
    for size in [100, 6_000] {
        store.lock().unwrap().save(Some(&saved("a", size))).unwrap();
        let mut whole = BTreeMap::new();
        entries.change(|entries| whole = entries.clone());
        let mut damage: Vec<(String, Option<Vec<u8>>)> = Vec::new();
        for (name, octets) in &whole {
            let changed = |index: usize| {
                let mut octets = octets.clone();
                octets[index] ^= 1;
                octets
            };
            // Each octet of the head's line, and some of the others.
            let places = || (0..octets.len()).filter(|place| *place < 100 || place % 89 == 0);
            damage.extend(places().map(|index| (name.clone(), Some(changed(index)))));
            damage.extend(places().map(|length| (name.clone(), Some(octets[..length].to_vec()))));
            damage.push((name.clone(), Some([octets.as_slice(), b" "].concat())));
            if name != "session" {
                damage.push((name.clone(), None));
            }
        }
        for head in [
            "oauth-native 1 a 99999999999999999999 0\n",
            "oauth-native 2 a 0 0\n{}",
            "oauth-native 1 a 0\n{}",
            "{}",
            "\n",
        ] {
            damage.push(("session".into(), Some(head.into())));
        }
        for (name, octets) in damage {
            entries.change(|entries| match octets.clone() {
                Some(octets) => drop(entries.insert(name.clone(), octets)),
                None => drop(entries.remove(&name)),
            });
            let loaded = store.lock().unwrap().load();
            assert!(matches!(loaded, Err(StoreError::Damaged)), "{name} {:?}", octets.map(|octets| octets.len()));
            entries.change(|entries| entries.clone_from(&whole));
        }
        assert!(load(&store).is_some());
        // It can be replaced and removed.
        for form in [Some(saved("b", 6_000)), None] {
            entries.change(|entries| drop(entries.insert("session".into(), b"damaged".to_vec())));
            store.lock().unwrap().save(form.as_ref()).unwrap();
            assert_eq!(load(&store), form.as_ref().map(octets));
        }
        assert_eq!(entries.names(), [""; 0]);
    }
}

#[test]
fn parts_without_end_are_not_read_to_the_end() {
    let folder = Folder::new();
    let entries = Fake::new(NARROW);
    entries.change(|entries| {
        let line = format!("oauth-native 1 a 4000000000 {}\n", "0".repeat(64));
        entries.insert("session".into(), line.into_bytes());
        entries.extend((0..1000).map(|number| (format!("session.a.{number}"), vec![b'a'; 2560])));
    });
    entries.fail(None);
    assert!(matches!(folder.store(&entries).lock().unwrap().load(), Err(StoreError::Damaged)));
    assert!(entries.inner.lock().unwrap().count < 500);
}

#[test]
fn a_form_that_is_too_large_is_refused() {
    let folder = Folder::new();
    let entries = Fake::new(NARROW);
    let error = folder.store(&entries).lock().unwrap().save(Some(&saved("a", 1 << 20))).unwrap_err();
    assert!(matches!(&error, StoreError::Io(error) if error.kind() == io::ErrorKind::FileTooLarge));
    assert!(entries.names().is_empty());
}

#[test]
fn two_stores_of_one_user_exclude_each_other() {
    let folder = Folder::new();
    let entries = Fake::new(NARROW);
    let (one, other) = (folder.store(&entries), folder.store(&entries));
    let released = AtomicBool::new(false);
    let mut locked = one.lock().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut locked = other.lock().unwrap();
            assert!(released.load(Ordering::SeqCst));
            assert_eq!(octets(&locked.load().unwrap().unwrap()), octets(&saved("a", 6_000)));
        });
        thread::sleep(Duration::from_millis(50));
        locked.save(Some(&saved("a", 6_000))).unwrap();
        released.store(true, Ordering::SeqCst);
        drop(locked);
    });
    // In another case it may be the same entry. Others are not in the way.
    let _locked = one.lock().unwrap();
    for (user, is_free) in [("session", false), ("Session", false), ("session2", true), ("a/../\u{e4} b", true)] {
        let result = folder.store_of(user, &entries).lock_timeout(Duration::ZERO).lock().map(drop);
        assert_eq!(result.is_ok(), is_free, "{user}");
        assert!(is_free || matches!(result, Err(StoreError::Busy(_))));
    }
}

#[test]
fn a_pending_login_is_beside_the_session() {
    let folder = Folder::new();
    let entries = Fake::new(NARROW);
    let store = folder.store(&entries).lock_timeout(Duration::from_millis(50));
    let logins = Store::beside(&store).unwrap();
    let mut login = Login::new(client(), AuthorizationRequest::new()).unwrap();
    let now = UnixTime::from_secs(1_000_000);
    drop(login.handle(Event::Start(Entropy::from_os().unwrap()), now).unwrap());
    store.lock().unwrap().save(Some(&saved("a", 100))).unwrap();
    // Each has a lock of its own.
    let locked = store.lock().unwrap();
    logins.lock().unwrap().save(login.save().as_ref()).unwrap();
    drop(locked);
    assert_eq!(entries.names(), ["session", "session.login"]);
    let loaded = store.pending_login().lock().unwrap().load().unwrap().unwrap();
    assert!(Login::resume(client(), loaded, now).is_ok());
    // Neither is read as the other.
    entries.change(|entries| {
        let (session, login) = (entries["session"].clone(), entries["session.login"].clone());
        entries.extend([("session".to_owned(), login), ("session.login".to_owned(), session)]);
    });
    assert!(matches!(store.lock().unwrap().load(), Err(StoreError::Damaged)));
    assert!(matches!(logins.lock().unwrap().load(), Err(StoreError::Damaged)));
    logins.lock().unwrap().save(None).unwrap();
    assert_eq!(entries.names(), ["session"]);
    // The timeout goes with it.
    let _locked = logins.lock().unwrap();
    assert!(matches!(store.pending_login().lock(), Err(StoreError::Busy(_))));
}

#[test]
fn names_that_no_system_takes() {
    let folder = Folder::new();
    let entries = Fake::new(None);
    for user in ["", "a\0b", "a\nb"] {
        let error = folder.store_of(user, &entries).lock().map(drop).unwrap_err();
        assert!(matches!(&error, StoreError::Io(error) if error.kind() == io::ErrorKind::InvalidInput), "{user:?}");
    }
    assert!(Keyring::new("", "session", folder.0.clone()).lock().is_err());
}

#[test]
fn a_system_without_a_keyring() {
    let folder = Folder::new();
    let store: Keyring = Keyring::on(None, "com.example.app".into(), "session".into(), folder.0.clone());
    let error = store.lock().map(drop).unwrap_err();
    assert!(matches!(&error, StoreError::Io(error) if error.kind() == io::ErrorKind::Unsupported));
    assert!(!folder.0.exists());
}

#[test]
fn the_session_of_an_app() {
    let file = File::of_app("com.example.app").unwrap();
    let store = Keyring::of_app("com.example.app").unwrap();
    assert_eq!((store.service.as_str(), store.user.as_str()), ("com.example.app", "session"));
    assert_eq!(Some(store.folder.as_path()), file.path().parent());
    assert!(Keyring::of_app("a/b").is_err());
}

#[test]
fn debug_shows_names_alone() {
    let folder = Folder::new();
    let entries = Fake::new(None);
    let store = folder.store(&entries);
    store.lock().unwrap().save(Some(&saved("hunter2", 1))).unwrap();
    let text = format!("{store:?} {:?}", store.clone().pending_login());
    assert!(text.starts_with("Keyring { service: \"com.example.app\", user: \"session\", folder: "), "{text}");
    assert!(!text.contains("hunter2"));
}

#[test]
fn the_lock_is_a_file_of_the_folder() {
    let folder = Folder::new();
    let entries = Fake::new(None);
    drop(folder.store_of("../alice", &entries).lock().unwrap());
    let found: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let [name] = found.as_slice() else { panic!("{found:?}") };
    let name = name.to_str().unwrap();
    let digits = name.strip_prefix("keyring-").and_then(|rest| rest.strip_suffix(".lock")).unwrap();
    assert!(digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{name}");
}
