//! The authorization server and the APIs: a Node process that lives as long as somebody tests with it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::Proxy;

/// How long the server may take to say where it is. It takes 0.6 s on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// `server.mjs`, running. Its end is the end of the last reference to it.
#[derive(Debug)]
pub struct Server {
    process: Child,
    // The server ends when this pipe closes, so it ends with the test even if nobody drops this value.
    _stdin: Option<ChildStdin>,
    /// The issuer identifier.
    pub issuer: String,
    /// RFC 6749 §3.1.
    pub authorization_endpoint: String,
    /// RFC 6749 §3.2.
    pub token_endpoint: String,
    /// RFC 7009 §2.
    pub revocation_endpoint: String,
    /// OpenID Connect RP-Initiated Logout §2.
    pub end_session_endpoint: String,
    /// Where its keys are (RFC 7517 §5).
    pub jwks_uri: String,
    /// OpenID Connect Core §5.3.
    pub userinfo_endpoint: String,
    /// The origin of the API.
    pub api: String,
    /// The origin of the other API.
    pub files: String,
    pub(crate) control: String,
    listens_at: String,
}

impl Server {
    /// The server that the running tests of this binary share; the first of them starts it, the last one ends it.
    pub fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *running = Arc::downgrade(&server);
        server
    }

    /// Starts a server of one's own, for tests that change or count something.
    pub fn start() -> Self {
        Self::start_with_path("")
    }

    /// The same, with an issuer that has this path: `/` or `/tenant`.
    pub fn start_with_path(path: &str) -> Self {
        Self::run(&[path])
    }

    /// The same, with everything but the APIs behind this proxy: the issuer is there, and nobody knows where the server is.
    pub fn start_behind(proxy: &Proxy) -> Self {
        let server = Self::run(&["", &proxy.origin]);
        proxy.lead_to(&server.listens_at);
        server
    }

    fn run(arguments: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            folder.join("node_modules/oidc-provider").is_dir(),
            "the authorization server is not installed: run `tests/interop/run` \
             (or `npm ci` in tests/interop, then the tests again)"
        );
        let mut process = Command::new("node")
            .arg("server.mjs")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`node` (20 or newer) did not start: {error}"));
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().expect("stdout is piped");
        let mut stderr = process.stderr.take().expect("stderr is piped");

        // Both pipes are read to their end, or the server would wait for us.
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&complaints);
        thread::spawn(move || {
            let mut part = [0; 1024];
            while let Ok(length @ 1..) = stderr.read(&mut part) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.extend_from_slice(&part[..length]);
            }
        });
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });

        let mut server = Self {
            process,
            _stdin: stdin,
            issuer: String::new(),
            authorization_endpoint: String::new(),
            token_endpoint: String::new(),
            revocation_endpoint: String::new(),
            end_session_endpoint: String::new(),
            jwks_uri: String::new(),
            userinfo_endpoint: String::new(),
            api: String::new(),
            files: String::new(),
            control: String::new(),
            listens_at: String::new(),
        };
        let Ok(line) = receiver.recv_timeout(PATIENCE) else {
            let complaints = complaints.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("server.mjs did not start:\n{}", String::from_utf8_lossy(&complaints));
        };
        let said: serde_json::Value = serde_json::from_str(&line).expect("server.mjs prints one JSON line");
        let member = |name: &str| said[name].as_str().expect("server.mjs prints strings").to_owned();
        server.issuer = member("issuer");
        server.authorization_endpoint = member("authorization_endpoint");
        server.token_endpoint = member("token_endpoint");
        server.revocation_endpoint = member("revocation_endpoint");
        server.end_session_endpoint = member("end_session_endpoint");
        server.jwks_uri = member("jwks_uri");
        server.userinfo_endpoint = member("userinfo_endpoint");
        server.api = member("api");
        server.files = member("files");
        server.control = member("control");
        server.listens_at = member("listens_at");
        server
    }

    /// The resource indicator (RFC 8707) of the API.
    pub fn resource(&self) -> String {
        format!("{}/", self.api)
    }

    /// The resource indicator of the part of the API whose access tokens live three seconds.
    pub fn brief_resource(&self) -> String {
        format!("{}/brief/", self.api)
    }

    /// The resource indicator of the other API.
    pub fn files_resource(&self) -> String {
        format!("{}/", self.files)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // By its pid, and waited for: nothing is left behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
