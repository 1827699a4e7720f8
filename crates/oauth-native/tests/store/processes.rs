//! Several processes on one file.

use std::path::Path;
use std::time::Duration;

use oauth_native::store::{File, LockFile, Store as _, StoreError};

use crate::tools::{job, saved, stored, token, Folder, Process};

const ROUNDS: u32 = 200;

/// What a child does; nothing in the parent.
#[test]
fn child() {
    let Some((job, path)) = job() else { return };
    match job.as_str() {
        "count" => count(&path, ROUNDS),
        "hold" => {
            let _locked = File::new(&path).lock().unwrap();
            println!("locked");
            std::thread::sleep(Duration::from_secs(60));
        }
        #[cfg(unix)]
        "write" => crate::crash::write_forever(&path),
        #[cfg(unix)]
        "overflow" => crate::crash::overflow(&path),
        _ => panic!("no job: {job}"),
    }
}

fn count(path: &Path, rounds: u32) {
    let store = File::new(path);
    for _ in 0..rounds {
        let mut locked = store.lock().unwrap();
        let count: u32 = locked.load().unwrap().map_or(0, |form| token(form).parse().unwrap());
        locked.save(Some(&saved(&(count + 1).to_string()))).unwrap();
    }
}

#[test]
fn no_update_is_lost() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let mut children = [Process::start("count", &path), Process::start("count", &path)];
    count(&path, ROUNDS);
    children.iter_mut().for_each(Process::succeeds);
    assert_eq!(stored(&path), Some((3 * ROUNDS).to_string()));
}

#[test]
fn threads_with_a_store_each_lose_no_update() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| count(&path, 25));
        }
    });
    assert_eq!(stored(&path), Some("100".to_owned()));
}

#[test]
fn a_killed_process_unlocks() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let mut child = Process::start("hold", &path);
    child.wait_for("locked");
    let store = File::new(&path).lock_timeout(Duration::from_millis(100));
    assert!(matches!(store.lock(), Err(StoreError::Busy(_))));
    child.kill();
    assert!(store.lock().is_ok());
}

#[test]
fn a_child_does_not_inherit_the_lock() {
    let folder = Folder::new();
    let lock = LockFile::new(folder.join("lock")).timeout(Duration::from_millis(100));
    let guard = lock.lock().unwrap();
    let mut child = Process::start("hold", &folder.join("session.json"));
    child.wait_for("locked");
    drop(guard);
    assert!(lock.lock().is_ok());
}
