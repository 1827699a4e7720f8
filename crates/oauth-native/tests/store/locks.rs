//! The lock between threads, and how long it is waited for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oauth_native::store::{File, LockFile, Memory, Store, StoreError};

use crate::tools::{saved, token, Folder};

const SOON: Duration = Duration::from_millis(100);

/// Whoever waits gets the lock only when the other one has released it, by another thread than the one that took it.
fn excludes(one: &dyn Store, other: &dyn Store) {
    let released = AtomicBool::new(false);
    let mut locked = one.lock().unwrap();
    locked.save(Some(&saved("first"))).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut locked = other.lock().unwrap();
            assert!(released.load(Ordering::SeqCst));
            assert_eq!(locked.load().unwrap().map(token).as_deref(), Some("second"));
        });
        scope.spawn(|| {
            let mut locked = locked;
            thread::sleep(SOON);
            locked.save(Some(&saved("second"))).unwrap();
            released.store(true, Ordering::SeqCst);
            drop(locked);
        });
    });
}

#[test]
fn two_stores_of_one_path_exclude_each_other() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    excludes(&File::new(&path), &File::new(&path));
    excludes(&File::new(&path), &File::new(folder.join("../").join(path.strip_prefix(std::env::temp_dir()).unwrap())));
    let store = File::new(&path);
    excludes(&store, &store.clone());
    excludes(&store, &store);
}

#[test]
fn clones_in_memory_exclude_each_other() {
    let store = Memory::new();
    excludes(&store, &store.clone());
    excludes(&store, &store);
}

#[test]
fn waiting_ends() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let memory = Memory::new();
    let stores: [(&dyn Store, &dyn Store); 2] =
        [(&File::new(&path), &File::new(&path).lock_timeout(SOON)), (&memory, &memory.clone().lock_timeout(SOON))];
    for (holder, waiter) in stores {
        let _locked = holder.lock().unwrap();
        let start = Instant::now();
        let Err(error) = waiter.lock().map(drop) else { panic!() };
        let waited = start.elapsed();
        assert!(waited >= SOON && waited < Duration::from_secs(5), "{waited:?}");
        assert!(matches!(error, StoreError::Busy(SOON)));
        let text = "the store is locked, and was not unlocked within 0.1 seconds: try again later";
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_lock_that_is_free_needs_no_time() {
    let folder = Folder::new();
    let store = File::new(folder.join("session.json")).lock_timeout(Duration::ZERO);
    assert!(store.lock().is_ok());
    assert!(store.lock().is_ok());
    let store = Memory::new().lock_timeout(Duration::ZERO);
    assert!(store.lock().is_ok());
    assert!(store.lock().is_ok());
}

#[test]
fn without_a_timeout_of_the_app_it_waits_longer_than_a_refresh_takes() {
    let default = oauth_native::store::DEFAULT_LOCK_TIMEOUT;
    assert!(default > Duration::from_secs(60));
    let folder = Folder::new();
    let debug = format!("{:?} {:?}", LockFile::new(folder.join("lock")), Memory::new());
    assert_eq!(debug.matches("timeout: 90s").count(), 2, "{debug}");
}

#[test]
fn a_thread_that_panics_unlocks() {
    let folder = Folder::new();
    let memory = Memory::new();
    let stores: [&dyn Store; 2] = [&File::new(folder.join("session.json")), &memory.lock_timeout(SOON)];
    for store in stores {
        thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let _locked = store.lock().unwrap();
                std::panic::resume_unwind(Box::new("as if it panicked"));
            });
            assert!(panics.join().is_err());
        });
        assert!(store.lock().is_ok());
    }
}

/// Whoever waits for a lock file that was removed does not run beside the one that holds the new file.
#[cfg(unix)]
#[test]
fn a_lock_file_that_was_removed() {
    let folder = Folder::new();
    let lock = LockFile::new(folder.join("lock"));
    let released = AtomicBool::new(false);
    let first = lock.lock().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _third = lock.lock().unwrap();
            assert!(released.load(Ordering::SeqCst));
        });
        thread::sleep(SOON);
        std::fs::remove_file(folder.join("lock")).unwrap();
        let second = lock.lock().unwrap();
        drop(first);
        thread::sleep(SOON);
        released.store(true, Ordering::SeqCst);
        drop(second);
    });
}
