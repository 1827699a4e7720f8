//! Folders, sessions and child processes for the tests.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use oauth_native::store::{File, Store as _};
use oauth_proto::{Access, AuthorizationServer, Client, SavedSession, Secret, Session, Tokens, UnixTime};

pub const NOW: UnixTime = UnixTime::from_secs(1_000_000);

/// A folder that is removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("oauth-native-store-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn client() -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    Client::new(server, "s6BhdRkqt3", "com.example.app:/callback").unwrap()
}

/// A session whose access token is this.
pub fn session(access_token: &str) -> Session {
    let (token, refresh_token) = (Secret::new(access_token), Some(Secret::new("RT")));
    Session::new(client(), Tokens::from_parts(token, refresh_token, None, "read"))
}

pub fn saved(access_token: &str) -> SavedSession {
    session(access_token).save().unwrap()
}

/// The access token of a stored session.
pub fn token(saved: SavedSession) -> String {
    let mut session = Session::restore(client(), saved).unwrap();
    match session.access(NOW) {
        Access::Ready(bearer) => bearer.token().reveal().to_owned(),
        other => panic!("{other:?}"),
    }
}

pub fn stored(path: &Path) -> Option<String> {
    File::new(path).lock().unwrap().load().unwrap().map(token)
}

/// This test program as a child that runs only one test, which does this job. Killed when dropped.
pub struct Process {
    pub child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

const JOB: &str = "OAUTH_NATIVE_STORE_JOB";
const PATH: &str = "OAUTH_NATIVE_STORE_PATH";

impl Process {
    pub fn start(job: &str, path: &Path) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), job, path)
    }

    /// After shell commands that set limits.
    #[cfg(unix)]
    pub fn start_after(commands: &str, job: &str, path: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{commands}; exec \"$0\" \"$@\"")]).arg(std::env::current_exe().unwrap());
        Self::spawn(shell, job, path)
    }

    fn spawn(mut command: Command, job: &str, path: &Path) -> Self {
        let mut child = command
            .args(["processes::child", "--exact", "--nocapture", "--test-threads=1"])
            .env(JOB, job)
            .env(PATH, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits until it has printed this line.
    pub fn wait_for(&mut self, wanted: &str) {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if line.trim_end().ends_with(wanted) {
                return;
            }
            line.clear();
        }
        panic!("the child did not print {wanted}");
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn succeeds(&mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The job of this process, if it is a child.
pub fn job() -> Option<(String, PathBuf)> {
    Some((std::env::var(JOB).ok()?, std::env::var_os(PATH)?.into()))
}
