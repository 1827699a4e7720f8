//! Where a session is stored between runs of the app, and shared with its other processes.

use std::fmt;

use oauth_proto::SavedSession;

/// A place for one session. `lock` is what several processes, and several sessions in one process, wait for.
pub trait Store: Send + Sync {
    /// Locks the place until the guard is dropped. Whoever refreshes holds it from before the request to after the tokens have
    /// been stored, so that a refresh token is not used twice.
    ///
    /// # Errors
    /// [`StoreError`] if the place cannot be locked.
    fn lock(&self) -> Result<Box<dyn Locked + Send + '_>, StoreError>;
}

/// A locked place.
pub trait Locked {
    /// Reads what is stored; `None` if there is nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read. A form that is damaged is an error, too.
    fn load(&mut self) -> Result<Option<SavedSession>, StoreError>;

    /// Stores a session in place of what was stored, or removes that for `None`. When it returns, it is on the disk.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written. What was stored before is then still there.
    fn save(&mut self, session: Option<&SavedSession>) -> Result<(), StoreError>;
}

/// Why a store cannot be used. Shows nothing of what is stored.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system says no.
    Io(std::io::Error),
    /// What is stored cannot be read as a session.
    Damaged,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the session cannot be stored or read: {error}"),
            Self::Damaged => f.write_str("the stored session is damaged: remove it and log in again"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
