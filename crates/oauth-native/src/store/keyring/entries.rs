//! What a system's keyring does for this crate.

use std::fmt;
use std::io;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Entries by name, all of one app. The caller holds a lock.
pub(super) trait Entries: Send + Sync {
    /// How many octets an entry holds at most; `None` if it holds every form.
    fn max_octets(&self) -> Option<usize>;

    /// What is in the entry; `None` if there is no such entry.
    fn read(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>>;

    /// Puts this into the entry, in place of what was there, in one step.
    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()>;

    /// Removes the entry. It need not exist.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// The entries of this service in the system's keyring; `None` if this system has none.
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_wraps)] // as elsewhere
pub(super) fn of_system(service: &str) -> Option<Arc<dyn Entries>> {
    Some(Arc::new(super::secret_service::SecretService::new(service)))
}

#[cfg(any(windows, target_os = "macos", target_os = "ios"))]
pub(super) fn of_system(service: &str) -> Option<Arc<dyn Entries>> {
    let credentials = super::credentials::Credentials::new(service, keyring::default::default_credential_builder())?;
    Some(Arc::new(credentials))
}

#[cfg(not(any(target_os = "linux", windows, target_os = "macos", target_os = "ios")))]
pub(super) fn of_system(_: &str) -> Option<Arc<dyn Entries>> {
    None
}

/// Says what was done to which entry, and what the system says.
#[cfg_attr(not(any(target_os = "linux", windows, target_os = "macos", target_os = "ios")), allow(dead_code))]
pub(super) fn failed(step: &str, name: &str, kind: io::ErrorKind, reason: impl fmt::Display) -> io::Error {
    io::Error::new(kind, format!("{step} the entry {name} of the keyring: {reason}"))
}
