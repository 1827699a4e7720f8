//! A lock for threads and processes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};

use super::atomic::{at, make_folder, private, regular};
use super::{StoreError, DEFAULT_LOCK_TIMEOUT};

/// How long the first pause is while another one holds the lock. Each is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// A file that serves as a lock: one guard at a time, over all threads and processes.
///
/// [`File`](super::File) has its own. This is for stores of your own: see [`Store`](super::Store).
///
/// The operating system unlocks when a process ends, however it ends. The lock file itself stays and is always empty: do not
/// remove it while the app runs. Not for network file systems that do not support locks.
///
/// ```
/// use oauth_native::store::LockFile;
///
/// # let folder = std::env::temp_dir().join(format!("oauth-native-doc-lock-{}", std::process::id()));
/// let lock = LockFile::new(folder.join("session.lock"));
/// let guard = lock.lock()?;
/// // … what only one at a time may do …
/// drop(guard);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LockFile {
    path: PathBuf,
    timeout: Duration,
}

impl LockFile {
    /// The file of this path. It, and its folder, are created by the first [`LockFile::lock`], for the user alone.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // A later change of the working directory changes nothing.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { path, timeout: DEFAULT_LOCK_TIMEOUT }
    }

    /// How long [`LockFile::lock`] waits before it returns [`StoreError::Busy`]. Without this, [`DEFAULT_LOCK_TIMEOUT`].
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Waits until nobody else holds the lock, and takes it. It blocks the thread. The order in which those who wait get it is
    /// not fixed.
    ///
    /// # Errors
    /// [`StoreError::Busy`] after the timeout; [`StoreError::Io`] if the file cannot be created, is not a regular file, or cannot
    /// be locked.
    pub fn lock(&self) -> Result<LockGuard, StoreError> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut file = self.open()?;
        loop {
            // Not a method call: newer versions of std have methods of these names.
            match FileExt::try_lock(&file) {
                Ok(()) if is_file_of(&file, &self.path) => return Ok(LockGuard { file }),
                // Somebody has removed the file, so others lock another one.
                Ok(()) => file = self.open()?,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(at("lock", &self.path)(error).into()),
            }
            let left = self.timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(StoreError::Busy(self.timeout));
            }
            std::thread::sleep(pause.min(left));
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    fn open(&self) -> Result<File, StoreError> {
        make_folder(&self.path)?;
        regular(&self.path)?;
        Ok(private().create(true).truncate(false).open(&self.path).map_err(at("create", &self.path))?)
    }
}

/// Whether the open file is (still) the one of this path.
#[cfg(unix)]
fn is_file_of(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    matches!((file.metadata().map(id), fs::symlink_metadata(path).map(id)), (Ok(open), Ok(there)) if open == there)
}

/// Elsewhere std cannot tell; there, an open file is seldom removed.
#[cfg(not(unix))]
fn is_file_of(_: &File, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Holds the lock of a [`LockFile`] until it is dropped.
#[derive(Debug)]
#[must_use = "it is unlocked when this is dropped"]
pub struct LockGuard {
    file: File,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // Closing alone would not do while a child that was just forked has a copy of the descriptor.
        let _ = FileExt::unlock(&self.file);
    }
}
