//! Where a session is stored between runs of the app, and shared with its other processes.
//!
//! [`File`] (feature `file-store`) is for apps and command-line tools, [`Keyring`] (feature `keyring`) for apps on desktops,
//! [`Memory`] for tests and for apps that keep nothing. All of them also store a login that waits for its redirect:
//! [`SavedLogin`]. [`Store`] is the trait to implement for any other place: its documentation has an example.

#[cfg(feature = "file-store")]
mod atomic;
#[cfg(feature = "file-store")]
mod file;
#[cfg(feature = "file-store")]
mod form;
#[cfg(feature = "keyring")]
mod keyring;
#[cfg(feature = "file-store")]
mod lock_file;
mod memory;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use oauth_proto::{SavedLogin, SavedSession};

#[cfg(feature = "file-store")]
pub use self::file::File;
#[cfg(feature = "file-store")]
pub use self::form::Form;
#[cfg(feature = "keyring")]
pub use self::keyring::Keyring;
#[cfg(feature = "file-store")]
pub use self::lock_file::{LockFile, LockGuard};
pub use self::memory::Memory;

/// How long a store waits for its lock if the app does not say otherwise: 90 seconds.
///
/// Whoever refreshes holds the lock while the request is under way, which a session gives up after 60 seconds. So whoever waits
/// longer than that does not give up before a holder whose server is slow has come to its end.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(90);

/// A place for one session, or, as `Store<SavedLogin>`, for one pending login.
///
/// Several processes, and several sessions in one process, wait for its lock.
/// [`Session::adopt`](oauth_proto::Session::adopt) says what to do under it.
///
/// ```
/// use oauth_native::store::{Memory, Store, StoreError};
/// use oauth_proto::Session;
///
/// fn store_after_login(store: &dyn Store, session: &Session) -> Result<(), StoreError> {
///     let mut locked = store.lock()?;
///     locked.save(session.save().as_ref())
/// } // unlocked here
/// # use oauth_proto::{AuthorizationServer, Client, Secret, Tokens};
/// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// # let session = Session::new(client, Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "read"));
/// # let store = Memory::new();
/// store_after_login(&store, &session)?;
/// assert!(store.lock()?.load()?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # A place of your own
///
/// A database, a server's secret store, an API of a phone's system. If it has no lock, [`LockFile`] is one. It must replace what
/// is stored in one step, so that the old form stays if that fails; and its errors must show nothing of what is stored.
///
/// ```
/// # #[cfg(feature = "file-store")] mod page {
/// # mod vault { // stands for the API of the place
/// #     pub type Error = &'static str;
/// #     pub struct Vault;
/// #     impl Vault {
/// #         pub fn get(&self, _: &str) -> Result<Option<Vec<u8>>, Error> { Ok(None) }
/// #         pub fn put(&self, _: &str, _: &[u8]) -> Result<(), Error> { Err("no vault") }
/// #         pub fn delete(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     }
/// # }
/// # use vault::Vault;
/// use std::io;
/// use std::sync::Arc;
///
/// use oauth_native::store::{LockFile, LockGuard, Locked, Store, StoreError};
/// use oauth_proto::SavedSession;
/// use zeroize::Zeroizing;
///
/// pub struct InVault {
///     vault: Arc<Vault>,
///     lock: LockFile, // in a folder of the app: LockFile::new(folder.join("session.lock"))
/// }
///
/// impl Store for InVault {
///     fn lock(&self) -> Result<Box<dyn Locked + Send>, StoreError> {
///         let lock = self.lock.lock()?;
///         Ok(Box::new(Guard { vault: Arc::clone(&self.vault), _lock: lock }))
///     }
/// }
///
/// struct Guard {
///     vault: Arc<Vault>,
///     _lock: LockGuard,
/// }
///
/// impl Locked for Guard {
///     fn load(&mut self) -> Result<Option<SavedSession>, StoreError> {
///         let Some(octets) = self.vault.get("session").map_err(io::Error::other)?.map(Zeroizing::new) else {
///             return Ok(None);
///         };
///         serde_json::from_slice(&octets).map(Some).map_err(|_| StoreError::Damaged) // its text may show a part
///     }
///
///     fn save(&mut self, session: Option<&SavedSession>) -> Result<(), StoreError> {
///         let Some(session) = session else {
///             return Ok(self.vault.delete("session").map_err(io::Error::other)?);
///         };
///         let octets = serde_json::to_vec(session).map(Zeroizing::new).map_err(io::Error::other)?;
///         Ok(self.vault.put("session", &octets).map_err(io::Error::other)?)
///     }
/// }
/// # }
/// ```
pub trait Store<T = SavedSession>: Send + Sync {
    /// Locks the place until the guard is dropped. Whoever refreshes holds it from before the request to after the tokens have
    /// been stored, so that a refresh token is not used twice.
    ///
    /// This blocks the thread while another guard exists, so async code calls it on a thread that may block. The guard borrows
    /// nothing and may be moved to another thread. Do not lock again while you hold it: that waits in vain.
    ///
    /// # Errors
    /// [`StoreError`] if the place cannot be locked; [`StoreError::Busy`] if it was locked for too long.
    fn lock(&self) -> Result<Box<dyn Locked<T> + Send>, StoreError>;

    /// A place beside, for the login that waits for its redirect, so that the end of the process while the browser is open costs
    /// nothing. `None`, if not implemented: then such a login is lost with the process.
    fn beside(&self) -> Option<Arc<dyn Store<SavedLogin>>> {
        None
    }
}

/// A locked place. Dropping it unlocks.
#[must_use = "it is unlocked when this is dropped"]
pub trait Locked<T = SavedSession> {
    /// Reads what is stored; `None` if there is nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read. A form that is damaged is an error, too.
    fn load(&mut self) -> Result<Option<T>, StoreError>;

    /// Stores a form in place of what was stored, or removes that for `None`. When it returns, it is on the disk.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written. What was stored before is then still there, whole; only if the disk fails in the
    /// last step, it may be the new form, whole.
    fn save(&mut self, form: Option<&T>) -> Result<(), StoreError>;
}

/// Why a store cannot be used. Shows nothing of what is stored.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system says no. The text names the file, or the entry of the keyring, and the step.
    Io(io::Error),
    /// What is stored cannot be read: it is empty, cut off, too large (more than 1 MiB), or of another version of the
    /// library. Remove it with [`Locked::save`] of `None`, and let the user log in again.
    Damaged,
    /// Another thread or process has held the lock for as long as this one was ready to wait. Try again later.
    Busy(Duration),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the store cannot be used: {error}"),
            Self::Damaged => f.write_str("what is stored is damaged: remove it and log in again"),
            Self::Busy(waited) => write!(
                f,
                "the store is locked, and was not unlocked within {} seconds: try again later",
                waited.as_secs_f32()
            ),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Damaged | Self::Busy(_) => None,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
