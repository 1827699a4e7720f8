//! Files that are no session.

use std::fs;

use oauth_native::store::{File, Store as _, StoreError};

use crate::tools::{saved, stored, Folder};

#[test]
fn every_file_that_was_cut_off() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path);
    store.lock().unwrap().save(Some(&saved("AT"))).unwrap();
    let octets = fs::read(&path).unwrap();
    let mut locked = store.lock().unwrap();
    for length in 0..octets.len() {
        fs::write(&path, &octets[..length]).unwrap();
        assert!(matches!(locked.load(), Err(StoreError::Damaged)), "{length}");
    }
    fs::write(&path, &octets).unwrap();
    assert!(locked.load().is_ok());
}

#[test]
fn files_that_are_something_else() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path);
    store.lock().unwrap().save(Some(&saved("AT"))).unwrap();
    let whole = fs::read(&path).unwrap();
    let twice = whole.repeat(2);
    let nested = "[".repeat(100_000);
    for octets in [b"null".as_slice(), b"{}", b"[]", b"\xff\xfe", b"\0", b" ", nested.as_bytes(), &twice] {
        fs::write(&path, octets).unwrap();
        assert!(matches!(store.lock().unwrap().load(), Err(StoreError::Damaged)));
    }
    // A file system that lost the content but not the size.
    fs::write(&path, vec![0; whole.len()]).unwrap();
    assert!(matches!(store.lock().unwrap().load(), Err(StoreError::Damaged)));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path);
    store.lock().unwrap().save(Some(&saved("AT"))).unwrap();
    let mut octets = fs::read(&path).unwrap();
    octets.resize(1 << 20, b' ');
    fs::write(&path, &octets).unwrap();
    assert!(store.lock().unwrap().load().unwrap().is_some());
    octets.push(b' ');
    fs::write(&path, &octets).unwrap();
    assert!(matches!(store.lock().unwrap().load(), Err(StoreError::Damaged)));
    // Sparse: as much as no memory holds.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(store.lock().unwrap().load(), Err(StoreError::Damaged)));
}

#[test]
fn a_damaged_file_can_be_removed_or_replaced() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    let store = File::new(&path);
    fs::write(&path, "").unwrap();
    let error = store.lock().unwrap().load().unwrap_err();
    assert_eq!(error.to_string(), "what is stored is damaged: remove it and log in again");
    store.lock().unwrap().save(None).unwrap();
    assert_eq!(stored(&path), None);
    fs::write(&path, "").unwrap();
    store.lock().unwrap().save(Some(&saved("AT"))).unwrap();
    assert_eq!(stored(&path).as_deref(), Some("AT"));
}
