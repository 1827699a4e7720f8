//! One app, started several times: the first instance listens on a socket in the app's folder, and every later one passes the
//! URL that it was started with on to the first.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use oauth_native::browser::LinkSender;
use oauth_native::oauth_proto::redirect::MAX_REDIRECT_BYTES;

/// Gives the URL to the instance that runs; `false` if none runs.
pub fn pass_on(folder: &Path, url: &str) -> bool {
    UnixStream::connect(folder.join("links")).is_ok_and(|mut stream| stream.write_all(url.as_bytes()).is_ok())
}

/// From now on this is the instance that gets the URLs of the others.
pub fn take_over(folder: &Path, links: LinkSender) -> io::Result<()> {
    let path = folder.join("links");
    // An instance that was killed leaves its socket behind.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(path)?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut url = String::new();
            // A URL that is too long is cut here, and refused by the login.
            if stream.take(MAX_REDIRECT_BYTES as u64 + 1).read_to_string(&mut url).is_ok() && !links.deliver(url) {
                return;
            }
        }
    });
    Ok(())
}
