//! The orders to the processes, and what must be true at the end.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use oauth_native::store::{File, Store, StoreError};
use oauth_proto::{Secret, Session, Tokens};

use crate::process::Process;
use crate::server::{Counts, Server, GRACE};
use crate::worker::{client, now, DIED};

/// How many access tokens each process uses while both are running.
const TOKENS: usize = 4;

/// Runs all of it, from an existing login to the sign-out. With `apart`, each process has a copy of the store.
pub fn tell(apart: bool) -> Result<(), String> {
    let (server, refresh_token) = Server::start().map_err(|error| format!("the server did not start: {error}"))?;
    println!("server   {}, with {} s of grace for a refresh token that comes again", server.origin, GRACE.as_secs());
    // The access token has expired: both processes need another one at once.
    let tokens = Tokens::from_parts(Secret::new("expired"), Some(Secret::new(refresh_token)), Some(now()), "");
    let client = client(&server.origin).map_err(|error| error.to_string())?;
    let session = Session::new(client, tokens);
    let store =
        |name| Directory::filled(name, &session).map_err(|error| format!("the store cannot be written: {error}"));
    let store_of_anna = store("anna")?;
    let store_of_bert = if apart { Some(store("bert")?) } else { None };
    let annas = store_of_anna.session();
    let berts = store_of_bert.as_ref().map_or_else(|| annas.clone(), Directory::session);

    println!("\n1. Both need access tokens, again and again, at the same time");
    let mut anna = Process::start("anna", &annas, &server.origin)?;
    let mut bert = Process::start("bert", &berts, &server.origin)?;
    anna.order(&format!("use {TOKENS}"))?;
    bert.order(&format!("use {TOKENS}"))?;
    let got = [anna.done(), bert.done()];
    check(server.counts().replayed == 0, "a refresh token was sent twice, and the server has ended the login")?;
    for lines in got {
        check(lines?.len() == TOKENS, "a process did not get its tokens")?;
    }
    check(server.counts().retried == 0, "a refresh token was sent twice")?;

    println!("\n2. One dies after it has sent the refresh, and before it has stored the answer");
    bert.order("die now")?;
    check(bert.ended()? == Some(DIED), "bert did not die as told")?;
    anna.order("use 1")?;
    check(anna.done()?.len() == 1, "anna did not recover")?;
    drop(bert);
    let mut bert = Process::start("bert", &berts, &server.origin)?;
    bert.order("use 1")?;
    check(bert.done()?.len() == 1, "bert did not recover")?;

    println!("\n3. The user logs in anew in one of them, while the other is at work with the login of before");
    anna.order(&format!("login {}", server.log_in().map_err(|error| error.to_string())?))?;
    anna.done()?;
    bert.order("use 1")?;
    check(bert.done()?.iter().any(|line| line.contains("another login")), "bert has not noticed the new login")?;
    anna.order("use 1")?;
    check(anna.done()?.len() == 1, "anna does not go on with the new login")?;

    println!("\n4. Sign-out in one of them");
    anna.order("sign out")?;
    anna.done()?;
    bert.order("use 1")?;
    let said = bert.done()?;
    check(said.iter().any(|line| line.contains("signed out")), "bert has not noticed the sign-out")?;
    check(!annas.exists(), "the tokens are still stored")?;

    let Counts { refreshed, retried, replayed, calls, revoked } = server.counts();
    check(replayed == 0, "a refresh token was replayed")?;
    check(retried == 1, "a refresh token should have come twice, after the death")?;
    check(revoked == 1, "the server was not told of the sign-out")?;
    println!(
        "\nDone: {refreshed} refreshes served {calls} calls of 2 processes; 1 retry after a death, no replay, signed out \
         in both."
    );
    Ok(())
}

fn check(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.into())
    }
}

/// A directory that only the user may read, removed at the end.
struct Directory(PathBuf);

impl Directory {
    /// Fails if the directory exists: it would be somebody else's.
    fn filled(name: &str, session: &Session) -> Result<Self, StoreError> {
        let path = env::temp_dir().join(format!("oauth-proto-{}-{name}", process::id()));
        create(&path)?;
        let directory = Self(path);
        let store = File::new(directory.session());
        store.lock()?.save(session.save().as_ref())?;
        println!("store    {}{}", store.path().display(), mode(store.path()));
        Ok(directory)
    }

    /// The file with the session.
    fn session(&self) -> PathBuf {
        self.0.join("session.json")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
fn create(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn create(directory: &Path) -> std::io::Result<()> {
    fs::create_dir(directory)
}

#[cfg(unix)]
fn mode(file: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file)
        .map_or_else(|error| error.to_string(), |it| format!(", mode {:o}", it.permissions().mode() & 0o777))
}

#[cfg(not(unix))]
fn mode(_: &Path) -> String {
    String::new()
}
