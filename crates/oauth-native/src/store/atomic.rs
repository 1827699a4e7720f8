//! Reads, replaces and removes a small file with secrets. The caller holds a lock.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::StoreError;

/// A stored session has 1 to 4 KB, with tokens for several APIs some 100 KB.
pub(super) const MAX_OCTETS: u64 = 1 << 20;

/// The file of this name with something appended, in the same folder.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// Makes an error that says what was done to which file, and is of the same kind.
pub(super) fn at<'a>(step: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> io::Error + 'a {
    move |error| io::Error::new(error.kind(), format!("{step} {}: {error}", path.display()))
}

/// The folder that the file is in. It is created if it is missing, for the user alone.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let folder = folder(path);
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(at("create the folder", folder))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Options for a file that only the user may read and write.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// What is there, if it is a regular file. Links are not followed; devices and pipes are not opened.
pub(super) fn regular(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is not a regular file", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at("look at", path)(error)),
    }
}

/// The whole file; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    if regular(path)?.is_none() {
        return Ok(None);
    }
    let file = File::open(path).map_err(at("open", path))?;
    let size = tighten(&file).map_err(at("look at", path))?;
    if size > MAX_OCTETS {
        return Err(StoreError::Damaged);
    }
    // Large enough for what was measured, and one more, so that it does not grow and leave copies.
    let capacity = usize::try_from(size).map_err(|_| StoreError::Damaged)?.saturating_add(1);
    let mut octets = Zeroizing::new(vec![0; capacity]);
    let mut filled = 0;
    let mut source = file.take(size);
    while let Some(free) = octets.get_mut(filled..).filter(|free| !free.is_empty()) {
        match source.read(free) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(at("read", path)(error).into()),
        }
    }
    octets.truncate(filled);
    Ok(Some(octets))
}

/// Takes the permissions of others away, and returns the size.
fn tighten(file: &File) -> io::Result<u64> {
    let found = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if found.permissions().mode() & 0o077 != 0 {
            // On a disk that is read-only, or for a file of another user, it stays as it is.
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
    Ok(found.len())
}

/// Puts a new file in the place of the old one, in one step: whoever looks, at any time, even after a crash, finds one of
/// them, whole.
pub(super) fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    // From a process that was killed. Whoever holds the lock is the only one who writes.
    remove_if_there(&new)?;
    let written = write_new(&new, octets).and_then(|()| fs::rename(&new, path).map_err(at("replace", path)));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written?;
    sync_folder(path)
}

fn write_new(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = private().create_new(true).open(path).map_err(at("create", path))?;
    file.write_all(octets).map_err(at("write", path))?;
    file.sync_all().map_err(at("write", path))
}

/// Removes the file, and one that a killed process was about to put in its place.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    remove_if_there(&beside(path, ".new"))?;
    if remove_if_there(path)? {
        sync_folder(path)?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at("remove", path)(error)),
    }
}

/// Until then, a power cut may undo the renaming.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = folder(path);
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot do it, and a folder may be writable but not readable. The file is in its place all the same.
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
            ) =>
        {
            Err(at("write the folder", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Elsewhere a folder cannot be opened like this; the file system's journal keeps the order.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // as on Unix
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
