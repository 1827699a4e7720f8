//! A store in the system's keyring.

#[cfg(any(windows, target_os = "macos", target_os = "ios", test))]
mod credentials;
mod entries;
mod parts;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oauth_proto::{SavedLogin, SavedSession};

use self::entries::Entries;
use super::form::{encode, Form};
use super::{File, LockFile, LockGuard, Locked, Store, StoreError};

/// A session in the system's keyring, or a pending login: the Keychain of macOS, the Credential Manager of Windows, the Secret
/// Service of Linux desktops (GNOME Keyring, `KWallet`, `KeePassXC`).
///
/// - **Encrypted by the system**, and unlocked by the user's login or a password. On Windows and Linux, every program of the user
///   can then read it.
/// - **Whole at any time.** After a crash at any point, the old or the new form is there. On Windows an entry holds at most 2560
///   octets, so a larger form, as with an ID token, is cut into several. Elsewhere a form is always one entry.
/// - **Locked** by a file, because keyrings have no lock: see [`LockFile`].
///
/// The entries have the names that [`Keyring::new`] takes; those of parts have `.a.0`, `.a.1`, `.b.0` and so on appended to the
/// user.
///
/// ```no_run
/// use oauth_native::store::{Keyring, Store};
///
/// let store = Keyring::of_app("com.example.app")?;
/// assert!(store.lock()?.load()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Before you choose it
/// - **Linux without a desktop** (servers, containers, SSH) often has no keyring: [`Locked::load`] is then an error, and the app
///   may use a [`File`] instead. On other systems, [`Store::lock`] is an error of the kind
///   [`Unsupported`](io::ErrorKind::Unsupported).
/// - **The system may ask the user** to unlock the keyring; on macOS also whether the app may read the entry, and again for each
///   new build of an app that is not signed. The store is locked meanwhile: on Linux for about 60 seconds at most, and for about
///   two if the service does not answer.
/// - **Windows bounds what all apps of the user store.** When that is full, [`Locked::save`] fails with "Windows error code 8",
///   and what was stored before stays. A large form needs room for the old and the new one while it is saved.
/// - **Cost.** Beside those of `file-store`, this brings 27 crates on Linux and 6 on macOS or Windows. On Linux one of them
///   compiles the C library of D-Bus into the app: that needs a C compiler, but nothing has to be installed where the app runs.
pub struct Keyring<T = SavedSession> {
    /// `None` if this system has no keyring.
    entries: Option<Arc<dyn Entries>>,
    service: String,
    user: String,
    folder: PathBuf,
    timeout: Option<Duration>,
    form: PhantomData<fn() -> T>,
}

impl Keyring {
    /// The session `session` of the app of this name, with the lock file in the folder of [`File::of_app`]. Nothing is read or
    /// written yet.
    ///
    /// # Errors
    /// Those of [`File::of_app`].
    pub fn of_app(app: &str) -> Result<Self, StoreError> {
        let file = File::of_app(app)?;
        Ok(Self::new(app, "session", file.path().with_file_name("")))
    }

    /// The session of this user of the app. Nothing is read or written yet.
    ///
    /// `service` is the app's name in the keyring, as a reversed domain. `user` tells the app's sessions apart: an account, or
    /// just `session` if there is one. People see both. On Windows, upper and lower case are the same.
    ///
    /// `folder` is where the lock file is: a folder of the app, the same one for all its processes, created if it is missing.
    pub fn new(service: impl Into<String>, user: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        let service = service.into();
        Self::on(entries::of_system(&service), service, user.into(), folder.into())
    }

    /// A store for the login that waits for its redirect, in an entry beside, with `.login` appended to the user. See
    /// [`File::pending_login`] for what to do with it.
    pub fn pending_login(&self) -> Keyring<SavedLogin> {
        self.login_beside()
    }
}

impl<T> Keyring<T> {
    fn on(entries: Option<Arc<dyn Entries>>, service: String, user: String, folder: PathBuf) -> Self {
        // A later change of the working directory changes nothing.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self { entries, service, user, folder, timeout: None, form: PhantomData }
    }

    /// How long [`Store::lock`] waits before it returns [`StoreError::Busy`]. Without this,
    /// [`DEFAULT_LOCK_TIMEOUT`](super::DEFAULT_LOCK_TIMEOUT). Longer than the timeout of a request, or a slow server
    /// makes the other processes give up.
    #[must_use]
    pub fn lock_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    fn login_beside(&self) -> Keyring<SavedLogin> {
        let user = format!("{}.login", self.user);
        let store = Keyring::on(self.entries.clone(), self.service.clone(), user, self.folder.clone());
        Keyring { timeout: self.timeout, ..store }
    }

    fn lock_file(&self) -> LockFile {
        let lock = LockFile::new(self.folder.join(lock_name(&self.service, &self.user)));
        match self.timeout {
            Some(timeout) => lock.timeout(timeout),
            None => lock,
        }
    }
}

/// A file name for any names: `keyring-`, some hexadecimal digits, `.lock`. The same for names that differ only in case, because
/// they mean the same entry on Windows.
fn lock_name(service: &str, user: &str) -> String {
    let digest = parts::digest(format!("{}\0{}", service.to_lowercase(), user.to_lowercase()).as_bytes());
    format!("keyring-{digest:.16}.lock")
}

/// What each system takes for a name: macOS refuses the empty one, and Windows cuts it at a NUL.
fn check(what: &str, name: &str) -> io::Result<()> {
    if name.is_empty() || name.contains(char::is_control) {
        let text = format!("the {what} of a keyring entry must have characters, and none of them a control character");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

impl<T> Clone for Keyring<T> {
    fn clone(&self) -> Self {
        let (service, user, folder) = (self.service.clone(), self.user.clone(), self.folder.clone());
        Self { entries: self.entries.clone(), service, user, folder, timeout: self.timeout, form: PhantomData }
    }
}

impl<T> fmt::Debug for Keyring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("service", &self.service)
            .field("user", &self.user)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl<T: Form> Store<T> for Keyring<T> {
    fn lock(&self) -> Result<Box<dyn Locked<T> + Send>, StoreError> {
        check("service", &self.service)?;
        check("user", &self.user)?;
        let entries = self.entries.clone().ok_or_else(|| {
            io::Error::new(io::ErrorKind::Unsupported, "this system has no keyring that the library knows")
        })?;
        let lock = self.lock_file().lock()?;
        Ok(Box::new(Guard { entries, name: self.user.clone(), form: self.form, _lock: lock }))
    }

    fn beside(&self) -> Option<Arc<dyn Store<SavedLogin>>> {
        Some(Arc::new(self.login_beside()))
    }
}

struct Guard<T> {
    entries: Arc<dyn Entries>,
    name: String,
    form: PhantomData<fn() -> T>,
    _lock: LockGuard,
}

impl<T: Form> Locked<T> for Guard<T> {
    fn load(&mut self) -> Result<Option<T>, StoreError> {
        match parts::load(&*self.entries, &self.name)? {
            Some(octets) => T::decode(&octets).map(Some),
            None => Ok(None),
        }
    }

    fn save(&mut self, form: Option<&T>) -> Result<(), StoreError> {
        match form {
            Some(form) => parts::save(&*self.entries, &self.name, &encode(form)?)?,
            None => parts::remove(&*self.entries, &self.name)?,
        }
        Ok(())
    }
}
