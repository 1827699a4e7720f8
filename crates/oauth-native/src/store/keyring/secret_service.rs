//! The Secret Service of Linux desktops.

use std::collections::HashMap;
use std::io;

use dbus_secret_service::{EncryptionType, Error, Item, SecretService as Connection};
use zeroize::Zeroizing;

use super::entries::{failed, Entries};

/// How long the user has to unlock the keyring. The store is locked meanwhile, and others wait for it.
const UNLOCK_SECS: u64 = 60;

pub(super) struct SecretService {
    service: String,
}

impl SecretService {
    pub(super) fn new(service: &str) -> Self {
        Self { service: service.to_owned() }
    }

    /// What an entry is found by: the names that `secret-tool` and other libraries have, too.
    fn attributes<'a>(&'a self, name: &'a str) -> HashMap<&'a str, &'a str> {
        HashMap::from([("service", self.service.as_str()), ("username", name)])
    }

    /// All entries of this name, unlocked. There is more than one only if another program has made it.
    fn find<'a>(&self, connection: &'a Connection, name: &str) -> Result<Vec<Item<'a>>, Error> {
        let mut found = connection.search_items(self.attributes(name))?;
        for item in &found.locked {
            item.unlock()?;
        }
        found.unlocked.append(&mut found.locked);
        Ok(found.unlocked)
    }
}

/// With a key of its own for what goes over the bus. A connection cannot be kept, because it must not change the thread.
fn connect() -> Result<Connection, Error> {
    Connection::connect_with_max_prompt_timeout(EncryptionType::Dh, UNLOCK_SECS)
}

const SEVERAL: &str = "there are several of that name";

impl Entries for SecretService {
    fn max_octets(&self) -> Option<usize> {
        None
    }

    fn read(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let read = || {
            let connection = connect()?;
            match self.find(&connection, name)?.as_slice() {
                [] => Ok(None),
                [item] => item.get_secret().map(|octets| Some(Ok(Zeroizing::new(octets)))),
                _ => Ok(Some(Err(failed("read", name, io::ErrorKind::Other, SEVERAL)))),
            }
        };
        read().map_err(|error| told("read", name, &error))?.transpose()
    }

    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        let write = || {
            let connection = connect()?;
            match self.find(&connection, name)?.as_slice() {
                [] => {
                    let collection = connection.get_default_collection()?;
                    collection.ensure_unlocked()?;
                    let label = format!("{} ({name})", self.service);
                    collection.create_item(&label, self.attributes(name), octets, true, "text/plain")?;
                }
                [item] => item.set_secret(octets, "text/plain")?,
                _ => return Ok(Err(failed("write", name, io::ErrorKind::Other, SEVERAL))),
            }
            Ok(Ok(()))
        };
        write().map_err(|error| told("write", name, &error))?
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let remove = || self.find(&connect()?, name)?.iter().try_for_each(Item::delete);
        remove().map_err(|error| told("remove", name, &error))
    }
}

fn told(step: &str, name: &str, error: &Error) -> io::Error {
    let kind = match error {
        Error::Locked | Error::Prompt => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    match error {
        Error::Locked | Error::Prompt => failed(step, name, kind, "it is locked, and the user has not unlocked it"),
        Error::NoResult => failed(step, name, kind, "there is no default keyring"),
        Error::Dbus(_) | Error::Unavailable => failed(step, name, kind, error),
        // What is wrong with the answer could show a part of it.
        _ => failed(step, name, kind, "the answer cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_show_nothing_of_an_answer() {
        let errors = [
            (Error::Crypto("hunter2".into()), "the answer cannot be read"),
            (Error::Parse, "the answer cannot be read"),
            (Error::Path("hunter2".into()), "the answer cannot be read"),
            (Error::Prompt, "it is locked, and the user has not unlocked it"),
            (Error::NoResult, "there is no default keyring"),
            (Error::Unavailable, "No DBus session or Secret Service provider found"),
        ];
        for (error, reason) in errors {
            let shown = told("read", "session", &error);
            assert_eq!(shown.to_string(), format!("read the entry session of the keyring: {reason}"));
            assert!(!format!("{shown:?}").contains("hunter2"));
        }
    }
}
