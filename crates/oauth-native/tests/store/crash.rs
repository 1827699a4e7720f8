//! The file is whole after a crash, on a full disk, and for readers that do not wait.

use std::path::Path;
use std::time::{Duration, Instant};

use oauth_native::store::{File, Locked, Store as _, StoreError};
use oauth_proto::SavedSession;

use crate::tools::{saved, stored, token, Folder, Process};

/// Large, so that writing takes time.
const SIZES: [usize; 2] = [100_000, 200_000];

fn is_whole(form: SavedSession) -> bool {
    let token = token(form);
    let size = SIZES.into_iter().zip(["a", "b"]).find(|(_, letter)| token.starts_with(letter));
    size.is_some_and(|(size, letter)| token == letter.repeat(size))
}

pub fn write_forever(path: &Path) {
    let store = File::new(path);
    let forms = [saved(&"a".repeat(SIZES[0])), saved(&"b".repeat(SIZES[1]))];
    store.lock().unwrap().save(Some(&forms[0])).unwrap();
    println!("writing");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        for form in &forms {
            store.lock().unwrap().save(Some(form)).unwrap();
            // For whoever waits for the lock: it is not handed over in order.
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

#[test]
fn killing_the_writer_leaves_a_whole_file() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path).lock_timeout(Duration::from_secs(10));
    for round in 0..50_u64 {
        let mut child = Process::start("write", &path);
        child.wait_for("writing");
        // Not always at the same point of its loop.
        std::thread::sleep(Duration::from_micros(500 + round * 7919 % 9000));
        child.kill();
        let form = store.lock().unwrap().load().unwrap();
        assert!(form.is_some_and(is_whole), "round {round}");
    }
    // At most one file is left over, however often that happened, and signing out removes that too.
    assert!(folder
        .names()
        .iter()
        .all(|name| ["session.json", "session.json.lock", "session.json.new"].contains(&&**name)));
    store.lock().unwrap().save(None).unwrap();
    assert_eq!(folder.names(), ["session.json.lock"]);
}

#[test]
fn readers_without_the_lock_see_whole_files() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let mut child = Process::start("write", &path);
    child.wait_for("writing");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let octets = std::fs::read(&path).unwrap();
                    assert!(is_whole(serde_json::from_slice(&octets).unwrap()));
                }
            });
        }
    });
}

#[test]
fn readers_with_the_lock_see_whole_files() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let mut child = Process::start("write", &path);
    child.wait_for("writing");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let form = File::new(&path).lock().unwrap().load().unwrap();
                    assert!(form.is_some_and(is_whole));
                }
            });
        }
    });
}

/// In a process whose files may not grow beyond 64 KB.
pub fn overflow(path: &Path) {
    let store = File::new(path);
    let mut locked = store.lock().unwrap();
    let error = locked.save(Some(&saved(&"a".repeat(SIZES[0])))).unwrap_err();
    assert!(matches!(&error, StoreError::Io(error) if error.to_string().contains("session.json.new")), "{error}");
    assert_eq!(locked.load().unwrap().map(token).as_deref(), Some("old"));
    locked.save(Some(&saved("small"))).unwrap();
    println!("overflowed");
}

#[test]
fn a_full_disk_leaves_the_old_form() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    File::new(&path).lock().unwrap().save(Some(&saved("old"))).unwrap();
    // A write then fails after some of it, as it does on a full disk.
    let mut child = Process::start_after("trap '' XFSZ; ulimit -f 64", "overflow", &path);
    child.wait_for("overflowed");
    child.succeeds();
    assert_eq!(stored(&path).as_deref(), Some("small"));
    assert_eq!(folder.names(), ["session.json", "session.json.lock"]);
}

#[test]
fn what_cannot_be_created_leaves_the_old_form() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path);
    let mut locked = store.lock().unwrap();
    locked.save(Some(&saved("old"))).unwrap();
    // A folder that is not empty stands where the new file has to be written.
    std::fs::create_dir_all(folder.join("session.json.new/inner")).unwrap();
    assert!(matches!(locked.save(Some(&saved("new"))), Err(StoreError::Io(_))));
    assert_eq!(load(&mut *locked), "old");
    // The same for the name of the file itself: the rename fails, and what was written is removed.
    std::fs::remove_dir_all(folder.join("session.json.new")).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir_all(folder.join("session.json/inner")).unwrap();
    assert!(matches!(locked.save(Some(&saved("new"))), Err(StoreError::Io(_))));
    assert!(!folder.names().contains(&"session.json.new".to_owned()));
}

fn load(locked: &mut dyn Locked) -> String {
    token(locked.load().unwrap().unwrap())
}
