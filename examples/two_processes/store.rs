//! One file for the session and one beside it for the lock. A real app would keep the tokens in the system's keychain,
//! but needs the lock as well.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use oauth_proto::SavedSession;

/// Where the session is stored.
pub struct Store {
    directory: PathBuf,
}

/// The locked store. Dropping this releases the lock, and so does the end of the process, even by a crash.
pub struct Locked<'a> {
    store: &'a Store,
    _lock: File,
}

impl Store {
    /// The store in this directory, which only the user may read.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The file with the session.
    pub fn file(&self) -> PathBuf {
        self.directory.join("session.json")
    }

    /// Locks the store, and waits while another process has it.
    #[allow(clippy::incompatible_msrv)] // `File::lock` is newer than the oldest Rust that the library itself needs
    pub fn lock(&self) -> io::Result<Locked<'_>> {
        // A separate file, because the file with the session is replaced each time.
        let lock = private().truncate(false).open(self.directory.join("session.lock"))?;
        lock.lock()?;
        Ok(Locked { store: self, _lock: lock })
    }
}

impl Locked<'_> {
    /// The stored session; `None` after a sign-out.
    pub fn load(&self) -> io::Result<Option<SavedSession>> {
        match fs::read(self.store.file()) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores the session; without one, removes what is stored. A process that dies here leaves the old file or the
    /// new one, never a part of one.
    pub fn store(&self, saved: Option<&SavedSession>) -> io::Result<()> {
        let Some(saved) = saved else {
            return match fs::remove_file(self.store.file()) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        };
        let new = self.store.directory.join("session.new");
        let mut file = private().truncate(true).open(&new)?;
        file.write_all(&serde_json::to_vec(saved)?)?;
        file.sync_all()?;
        fs::rename(new, self.store.file())
    }
}

/// Creates the file so that only the user may read it.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
