//! An authorization server and an API, on one port of this machine, which end with the test.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub const LIFETIME_SECS: u64 = 3600;

pub struct Server {
    pub origin: String,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the server has given out, and what came to it.
#[derive(Default)]
pub struct State {
    /// Counts grants and refreshes.
    issued: u32,
    code: Option<String>,
    /// The tokens that are good.
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    pub refreshes: u32,
    /// Longer than usual.
    pub refresh_takes: Duration,
    /// How often its metadata was fetched.
    pub discoveries: u32,
    /// As servers that the app may not ask for `offline_access`.
    pub gives_no_refresh_token: bool,
    pub revoked: Vec<String>,
    /// The query or the body of each request.
    pub parameters: Vec<Form>,
    /// Requests that a client must not send.
    pub faults: Vec<String>,
}

pub type Form = HashMap<String, String>;

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (state, stop) = (Arc::<Mutex<State>>::default(), Arc::<AtomicBool>::default());
        let (own_origin, own_state, own_stop) = (origin.clone(), Arc::clone(&state), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut workers = Vec::new();
            while !own_stop.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let (origin, state) = (own_origin.clone(), Arc::clone(&own_state));
                        workers.push(thread::spawn(move || serve(stream, &origin, &state)));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(2)),
                    Err(error) => panic!("{error}"),
                }
            }
            for worker in workers {
                worker.join().unwrap();
            }
        });
        Self { origin, state, stop, thread: Some(thread) }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking());
    }
}

/// Serves one request.
fn serve(stream: TcpStream, origin: &str, state: &Mutex<State>) {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut reader = BufReader::new(&stream);
    let (mut first, mut length, mut is_chunked, mut authorization) = (String::new(), 0, false, String::new());
    // An HTTP stack may open a connection, and then need none.
    if !matches!(reader.read_line(&mut first), Ok(1..)) {
        return;
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "transfer-encoding" => is_chunked = value == "chunked",
            "authorization" => value.clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let text = if is_chunked { chunks(&mut reader) } else { String::from_utf8(body).unwrap() };
    let body = form(&text);
    let target = first.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));

    let mut state = state.lock().unwrap();
    state.parameters.extend([form(query), body.clone()]);
    let (status, headers, body) = match path {
        "/.well-known/oauth-authorization-server" => {
            state.discoveries += 1;
            (200, String::new(), metadata(origin))
        }
        "/authorize" => (302, state.authorize(origin, &form(query)), String::new()),
        "/token" => state.token(&body),
        "/revoke" => state.revoke(&body),
        "/me" if state.access_token.as_ref().is_some_and(|token| authorization == format!("Bearer {token}")) => {
            (200, String::new(), authorization)
        }
        "/echo" if state.access_token.as_ref().is_some_and(|token| authorization == format!("Bearer {token}")) => {
            (200, String::new(), format!("{} {authorization} {text}", first.split(' ').next().unwrap()))
        }
        "/moved" => (302, "Location: /me\r\n".into(), String::new()),
        "/me" | "/echo" => (401, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n".into(), String::new()),
        _ => (404, String::new(), String::new()),
    };
    drop(state);
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}");
    let kind = "Content-Type: application/json\r\nCache-Control: no-store\r\n";
    (&stream).write_all(format!("{head}{kind}\r\n{body}").as_bytes()).unwrap();
}

impl State {
    fn authorize(&mut self, origin: &str, query: &Form) -> String {
        self.require(query["code_challenge_method"] == "S256" && query["code_challenge"].len() == 43, "PKCE");
        self.code = Some(format!("C{}", self.issued));
        let (code, state, issuer) = (format!("C{}", self.issued), &query["state"], origin.replace('/', "%2F"));
        format!("Location: {}?code={code}&state={state}&iss={issuer}\r\n", query["redirect_uri"])
    }

    fn token(&mut self, body: &Form) -> (u16, String, String) {
        let is_good = if body["grant_type"] == "authorization_code" {
            self.require(body["code_verifier"].len() >= 43, "no verifier");
            self.code.take().is_some_and(|code| code == body["code"])
        } else {
            self.refreshes += 1;
            // Long enough for others to come meanwhile.
            thread::sleep(self.refresh_takes.max(Duration::from_millis(30)));
            self.refresh_token.as_ref().is_some_and(|token| *token == body["refresh_token"])
        };
        if !is_good {
            self.require(false, "a code or refresh token that was used, or revoked");
            return (400, String::new(), r#"{"error":"invalid_grant"}"#.into());
        }
        self.issued += 1;
        let (access, refresh) = (format!("AT{}", self.issued), format!("RT{}", self.issued));
        let body = format!(
            r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{LIFETIME_SECS},"refresh_token":"{refresh}"}}"#
        );
        if self.gives_no_refresh_token {
            self.access_token = Some(access);
            let (start, _) = body.split_once(",\"refresh_token").unwrap();
            return (200, String::new(), format!("{start}}}"));
        }
        (self.access_token, self.refresh_token) = (Some(access), Some(refresh));
        (200, String::new(), body)
    }

    fn revoke(&mut self, body: &Form) -> (u16, String, String) {
        self.revoked.push(body["token"].clone());
        (self.access_token, self.refresh_token) = (None, None);
        (200, String::new(), String::new())
    }

    fn require(&mut self, is_met: bool, what: &str) {
        if !is_met {
            self.faults.push(what.into());
        }
    }
}

fn metadata(origin: &str) -> String {
    format!(
        r#"{{"issuer":"{origin}","authorization_endpoint":"{origin}/authorize","token_endpoint":"{origin}/token",
        "revocation_endpoint":"{origin}/revoke","code_challenge_methods_supported":["S256"],
        "response_types_supported":["code"],"token_endpoint_auth_methods_supported":["none"],
        "authorization_response_iss_parameter_supported":true}}"#
    )
}

fn form(text: &str) -> Form {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let decode = |value: &str| value.replace("%3A", ":").replace("%2F", "/");
    pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect()
}

/// A body in chunks (RFC 9112 §7.1).
fn chunks(reader: &mut impl std::io::BufRead) -> String {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        if size == 0 {
            return text;
        }
        text.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
    }
}
