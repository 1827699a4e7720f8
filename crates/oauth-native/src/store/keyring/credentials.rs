//! The Credential Manager of Windows and the Keychain of macOS and iOS, by the crate `keyring`. In tests, this is compiled on every
//! system.

use std::io;

use keyring::credential::{CredentialBuilder, CredentialPersistence};
use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::entries::{failed, Entries};

/// `CRED_MAX_CREDENTIAL_BLOB_SIZE`: what an entry of the Windows Credential Manager holds at most.
const WINDOWS_MAX_OCTETS: usize = 2560;

pub(super) struct Credentials {
    service: String,
    builder: Box<CredentialBuilder>,
}

impl Credentials {
    /// `None` for a builder whose entries do not stay until they are removed. The crate has such a one, which forgets everything,
    /// where it has no other.
    pub(super) fn new(service: &str, builder: Box<CredentialBuilder>) -> Option<Self> {
        let stays = matches!(builder.persistence(), CredentialPersistence::UntilDelete);
        stays.then(|| Self { service: service.to_owned(), builder })
    }

    fn entry(&self, name: &str) -> Result<Entry, Error> {
        Ok(Entry::new_with_credential(self.builder.build(None, &self.service, name)?))
    }
}

impl Entries for Credentials {
    fn max_octets(&self) -> Option<usize> {
        cfg!(windows).then_some(WINDOWS_MAX_OCTETS)
    }

    fn read(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        match self.entry(name).and_then(|entry| entry.get_secret()).map(Zeroizing::new) {
            Ok(octets) => Ok(Some(octets)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(told("read", name, error)),
        }
    }

    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        self.entry(name).and_then(|entry| entry.set_secret(octets)).map_err(|error| told("write", name, error))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self.entry(name).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => {}
            Err(error) => return Err(told("remove", name, error)),
        }
        // On macOS the crate does not tell whether that failed.
        if cfg!(target_os = "macos") && self.read(name)?.is_some() {
            return Err(failed("remove", name, io::ErrorKind::Other, "it is still there"));
        }
        Ok(())
    }
}

/// Never shows the error itself with `Debug`, and never keeps it: some variants hold what was read.
fn told(step: &str, name: &str, error: Error) -> io::Error {
    use io::ErrorKind::{InvalidInput, Other, PermissionDenied};
    match error {
        Error::NoStorageAccess(reason) => failed(step, name, PermissionDenied, reason),
        Error::PlatformFailure(reason) => failed(step, name, Other, reason),
        Error::TooLong(what, most) => failed(step, name, InvalidInput, format!("{what} is longer than {most}")),
        Error::Invalid(what, reason) => failed(step, name, InvalidInput, format!("{what} {reason}")),
        Error::Ambiguous(_) => failed(step, name, Other, "there are several of that name"),
        _ => failed(step, name, Other, "it is not as expected"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::any::Any;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use keyring::credential::{Credential, CredentialApi, CredentialBuilderApi};
    use keyring::mock::{default_credential_builder, MockCredential};

    use super::*;

    /// Service and name of an entry.
    type Key = (String, String);

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<BTreeMap<Key, Vec<u8>>>>);

    struct One {
        kept: Kept,
        key: Key,
    }

    impl CredentialBuilderApi for Kept {
        fn build(&self, target: Option<&str>, service: &str, user: &str) -> keyring::Result<Box<Credential>> {
            assert!(target.is_none());
            if user.is_empty() {
                return Err(Error::Invalid("user".into(), "cannot be empty".into()));
            }
            Ok(Box::new(One { kept: self.clone(), key: (service.into(), user.into()) }))
        }

        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    impl CredentialApi for One {
        fn set_password(&self, _: &str) -> keyring::Result<()> {
            unreachable!("as text, Windows takes two octets for each character")
        }

        fn get_password(&self) -> keyring::Result<String> {
            unreachable!("as set_password")
        }

        fn set_secret(&self, secret: &[u8]) -> keyring::Result<()> {
            self.kept.0.lock().unwrap().insert(self.key.clone(), secret.to_vec());
            Ok(())
        }

        fn get_secret(&self) -> keyring::Result<Vec<u8>> {
            self.kept.0.lock().unwrap().get(&self.key).cloned().ok_or(Error::NoEntry)
        }

        fn delete_credential(&self) -> keyring::Result<()> {
            self.kept.0.lock().unwrap().remove(&self.key).map(drop).ok_or(Error::NoEntry)
        }

        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    #[test]
    fn a_store_that_forgets_is_refused() {
        assert!(Credentials::new("com.example.app", default_credential_builder()).is_none());
    }

    #[test]
    fn entries_are_written_read_and_removed() {
        let kept = Kept::default();
        let credentials = Credentials::new("com.example.app", Box::new(kept.clone())).unwrap();
        assert!(credentials.read("session").unwrap().is_none());
        credentials.write("session", b"one").unwrap();
        credentials.write("session", b"\xfftwo").unwrap();
        credentials.write("other", b"three").unwrap();
        assert_eq!(**credentials.read("session").unwrap().unwrap(), *b"\xfftwo");
        assert!(kept.0.lock().unwrap().keys().all(|(service, _)| service == "com.example.app"));
        credentials.remove("session").unwrap();
        credentials.remove("session").unwrap();
        assert!(credentials.read("session").unwrap().is_none());
        assert_eq!(kept.0.lock().unwrap().len(), 1);
        let steps = [credentials.read("").map(drop), credentials.write("", b""), credentials.remove("")];
        for step in steps {
            assert_eq!(step.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn errors_show_nothing_of_an_entry() {
        let credential = || Box::new(MockCredential::default());
        let errors = [
            (Error::BadEncoding(b"hunter2".to_vec()), io::ErrorKind::Other),
            (Error::Ambiguous(vec![credential(), credential()]), io::ErrorKind::Other),
            (Error::NoStorageAccess("locked".into()), io::ErrorKind::PermissionDenied),
            (Error::PlatformFailure("Windows error code 8".into()), io::ErrorKind::Other),
            (Error::TooLong("user".into(), 513), io::ErrorKind::InvalidInput),
            (Error::Invalid("user".into(), "cannot be empty".into()), io::ErrorKind::InvalidInput),
        ];
        for (error, kind) in errors {
            let shown = told("read", "session", error);
            assert_eq!(shown.kind(), kind);
            let text = format!("{shown} {shown:?}");
            assert!(text.starts_with("read the entry session of the keyring: "), "{text}");
            for secret in ["hunter2", "104, 117", "Mock"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}
