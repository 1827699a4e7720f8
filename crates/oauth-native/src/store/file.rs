//! A store in a file.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oauth_proto::{SavedLogin, SavedSession};

use super::atomic;
use super::form::{encode, Form};
use super::{LockFile, LockGuard, Locked, Store, StoreError};

/// A session in a file, or a pending login: JSON that only the user can read, locked for all threads and processes.
///
/// - **Whole at any time.** A new form is written to a file beside, then renamed over the old one. After a crash or a power cut,
///   and on a full disk, the old or the new one is there. What a killed process leaves (a file with `.new` appended) is
///   removed by the next [`Locked::save`].
/// - **Private.** On Unix its mode is 0600 from the start, whatever it was before, and a folder that is missing is created with
///   0700. On Windows, the folder decides: choose one in the user's profile. It is not encrypted.
/// - **Locked** by the file with `.lock` appended: see [`LockFile`]. Two stores of one path exclude each other, in one
///   process, too.
/// - **Links are not followed.** A symbolic link in place of the file is an error for [`Locked::load`], and [`Locked::save`]
///   replaces the link, not what it leads to.
///
/// [`File::of_app`] chooses a folder of the app where the system keeps state. **Whoever can write to the folder can log the user in:**
/// what is stored there is trusted, also where a login that waits sends its code. So choose no folder that others write to, and not
/// the working directory, which may be one that the user has unpacked.
///
/// ```
/// use oauth_native::store::{File, Store};
///
/// # let state = std::env::temp_dir().join(format!("oauth-native-doc-file-{}", std::process::id()));
/// # std::env::set_var("XDG_STATE_HOME", &state);
/// # std::env::set_var("HOME", &state);
/// let store = File::of_app("com.example.app")?;
/// assert!(store.lock()?.load()?.is_none());
/// # std::fs::remove_dir_all(state)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct File<T = SavedSession> {
    path: PathBuf,
    lock: LockFile,
    timeout: Option<Duration>,
    form: PhantomData<fn() -> T>,
}

impl File {
    /// The session in the file `session.json` of a folder of this name, where the system keeps the state of the user's apps:
    /// `$XDG_STATE_HOME` or `~/.local/state`, on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`. Nothing is
    /// read or written yet.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the environment names no such folder, or `app` is not the name of a folder.
    pub fn of_app(app: &str) -> Result<Self, StoreError> {
        let name = Path::new(app);
        if name.file_name() != Some(name.as_os_str()) {
            let text = format!("{app} is not the name of a folder");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text).into());
        }
        let folder = state_folder().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, NO_STATE_FOLDER))?;
        Ok(Self::new(folder.join(name).join("session.json")))
    }

    /// The session in the file of this path. Nothing is read or written yet. A relative path is of the working directory of now.
    /// Others must not be able to write to the folder: see [above](Self).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::at(path.into())
    }

    /// A store for the login that waits for its redirect, in a file beside, with `.login` appended. So the death of the process
    /// while the browser is open costs nothing.
    ///
    /// Store [`Login::save`](oauth_proto::Login::save) when the browser has been opened. When a redirect comes, also to another
    /// process: lock, load, hand it to the login, and **if it is accepted, remove what is stored before you unlock and send the
    /// token request**, because its code must be used only once. Whoever finds nothing stored does nothing. A redirect that is
    /// refused (another app's, for example) leaves the login stored.
    ///
    /// ```
    /// use oauth_native::store::{Store, StoreError};
    /// use oauth_proto::{Action, Client, Event, Login, SavedLogin, UnixTime};
    ///
    /// type Boxed = Box<dyn std::error::Error>;
    ///
    /// /// The login and what to do next; `None` if no login waits for a redirect.
    /// fn redirected(
    ///     store: &dyn Store<SavedLogin>,
    ///     client: Client,
    ///     redirect: &str,
    ///     now: UnixTime,
    /// ) -> Result<Option<(Login, Action)>, Boxed> {
    ///     let mut locked = store.lock()?;
    ///     let Some(saved) = locked.load()? else { return Ok(None) };
    ///     let resumed = Login::resume(client, saved, now);
    ///     if resumed.is_err() {
    ///         locked.save(None)?; // expired, or another client's
    ///     }
    ///     let mut login = resumed?;
    ///     let action = login.handle(Event::RedirectReceived(redirect), now);
    ///     if login.save().is_none() {
    ///         locked.save(None)?; // accepted, or the login has failed
    ///     }
    ///     Ok(Some((login, action?)))
    /// }
    /// # use oauth_native::store::File;
    /// # use oauth_proto::{AuthorizationRequest, AuthorizationServer, Entropy};
    /// # let state = std::env::temp_dir().join(format!("oauth-native-doc-login-{}", std::process::id()));
    /// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
    /// # let mut login = Login::new(client.clone(), AuthorizationRequest::new())?;
    /// # let now = UnixTime::from_secs(0);
    /// # let Action::OpenUrl(url) = login.handle(Event::Start(Entropy::from_os()?), now)? else { panic!() };
    /// # let store = File::new(state.join("session.json")).pending_login();
    /// # store.lock()?.save(login.save().as_ref())?;
    /// # assert!(redirected(&store, client.clone(), "com.example.app:/callback?code=c&state=forged", now).is_err());
    /// # let (_, answer) = url.as_str().split_once("&state=").unwrap();
    /// # let answer = answer.split('&').next().unwrap();
    /// # let redirect = format!("com.example.app:/callback?code=c&state={answer}");
    /// # let (_, action) = redirected(&store, client.clone(), &redirect, now)?.unwrap();
    /// # assert!(matches!(action, Action::SendRequest(_)));
    /// # assert!(redirected(&store, client, &redirect, now)?.is_none());
    /// # std::fs::remove_dir_all(state)?;
    /// # Ok::<(), Boxed>(())
    /// ```
    pub fn pending_login(&self) -> File<SavedLogin> {
        self.login_beside()
    }
}

impl<T> File<T> {
    fn at(path: PathBuf) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        let lock = LockFile::new(atomic::beside(&path, ".lock"));
        Self { path, lock, timeout: None, form: PhantomData }
    }

    /// How long [`Store::lock`] waits before it returns [`StoreError::Busy`]. Without this,
    /// [`DEFAULT_LOCK_TIMEOUT`](super::DEFAULT_LOCK_TIMEOUT). Longer than the timeout of a request, or a slow server
    /// makes the other processes give up.
    #[must_use]
    pub fn lock_timeout(self, timeout: Duration) -> Self {
        Self { lock: self.lock.timeout(timeout), timeout: Some(timeout), ..self }
    }

    fn login_beside(&self) -> File<SavedLogin> {
        let store = File::at(atomic::beside(&self.path, ".login"));
        match self.timeout {
            Some(timeout) => store.lock_timeout(timeout),
            None => store,
        }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

const NO_STATE_FOLDER: &str = if cfg!(windows) {
    "the environment has no LOCALAPPDATA with the user's folder for apps: name a file"
} else {
    "the environment has no HOME with the user's folder: name a file"
};

/// Where the system keeps the state of the user's apps. A relative path is none (XDG Base Directory Specification).
fn state_folder() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        named("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        named("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        named("XDG_STATE_HOME").or_else(|| named("HOME").map(|home| home.join(".local/state")))
    }
}

impl<T> Clone for File<T> {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), lock: self.lock.clone(), timeout: self.timeout, form: PhantomData }
    }
}

impl<T> fmt::Debug for File<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<T: Form> Store<T> for File<T> {
    fn lock(&self) -> Result<Box<dyn Locked<T> + Send>, StoreError> {
        if self.path.file_name().is_none() {
            let text = format!("{} is not the path of a file", self.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text).into());
        }
        let lock = self.lock.lock()?;
        Ok(Box::new(Guard { path: self.path.clone(), form: self.form, _lock: lock }))
    }

    fn beside(&self) -> Option<Arc<dyn Store<SavedLogin>>> {
        Some(Arc::new(self.login_beside()))
    }
}

struct Guard<T> {
    path: PathBuf,
    form: PhantomData<fn() -> T>,
    _lock: LockGuard,
}

impl<T: Form> Locked<T> for Guard<T> {
    fn load(&mut self) -> Result<Option<T>, StoreError> {
        match atomic::read(&self.path)? {
            Some(octets) => T::decode(&octets).map(Some),
            None => Ok(None),
        }
    }

    fn save(&mut self, form: Option<&T>) -> Result<(), StoreError> {
        match form {
            Some(form) => atomic::replace(&self.path, &encode(form)?)?,
            None => atomic::remove(&self.path)?,
        }
        Ok(())
    }
}
