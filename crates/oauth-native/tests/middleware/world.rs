//! An authorization server and an API on one port, and the handles of a session.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oauth_native::api::{blocking, Api, ApiError};
use oauth_native::store::Memory;
use oauth_native::transport::{Reqwest, Ureq};
use oauth_native::SystemClock;
use oauth_proto::{AuthorizationServer, Client, Secret, Session, Tokens};

use crate::server::{Peer, Server};

/// The server knows the access token `AT2` only, which comes for `RT1`.
pub struct World {
    server: Server,
    pub elsewhere: Server,
    accepts_nothing: Arc<AtomicBool>,
}

impl World {
    pub fn new() -> Self {
        let accepts_nothing = Arc::<AtomicBool>::default();
        let elsewhere = Server::answers("HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n");
        let (flag, other) = (Arc::clone(&accepts_nothing), elsewhere.port);
        let lock = Mutex::new(());
        let server = Server::start(move |peer| serve(peer, &flag, other, &lock));
        Self { server, elsewhere, accepts_nothing }
    }

    /// From now on, no token is good.
    pub fn accept_nothing(&self) {
        self.accepts_nothing.store(true, Ordering::SeqCst);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.server.port)
    }

    pub fn foreign_url(&self) -> String {
        format!("http://127.0.0.1:{}/me", self.elsewhere.port)
    }

    /// `AT1` and `RT1`.
    fn session(&self) -> Session {
        let server = AuthorizationServer::on_insecure_loopback(&self.url("/authorize"), &self.url("/token")).unwrap();
        let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback");
        let client = client.api_origin(&self.url("")).demandable_scope("write").build().unwrap();
        Session::new(client, Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "read"))
    }

    pub async fn tasks(&self) -> Api<Reqwest> {
        Api::new(self.session(), Reqwest::new().unwrap(), SystemClock, Arc::new(Memory::new())).await.unwrap()
    }

    pub fn threads(&self) -> blocking::Api<Ureq> {
        blocking::Api::new(self.session(), Ureq::new(), SystemClock, Arc::new(Memory::new())).unwrap()
    }

    /// What came to a path, in order: each time the token, and the body after a blank if there is one.
    pub fn seen(&self, path: &str) -> Vec<String> {
        let requests = self.server.requests();
        let of_path = requests.iter().filter(|request| request.split(' ').nth(1) == Some(path));
        of_path.map(|request| summary(request)).collect()
    }

    pub fn refreshes(&self) -> usize {
        self.seen("/token").len()
    }
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let lines = request.lines().take_while(|line| !line.is_empty());
    let mut pairs = lines.filter_map(|line| line.split_once(": "));
    pairs.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn summary(request: &str) -> String {
    let token = header(request, "authorization").unwrap_or("none").trim_start_matches("Bearer ");
    let body = request.split_once("\r\n\r\n").unwrap().1;
    if body.is_empty() {
        token.to_owned()
    } else {
        format!("{token} {body}")
    }
}

fn serve(peer: &mut Peer, accepts_nothing: &AtomicBool, other: u16, one_refresh: &Mutex<()>) {
    let request = peer.request();
    let Some(path) = request.split(' ').nth(1) else { return };
    let is_good = header(&request, "authorization") == Some("Bearer AT2") && !accepts_nothing.load(Ordering::SeqCst);
    let (status, extra, body) = match path {
        "/token" => {
            let _alone = one_refresh.try_lock().expect("one refresh at a time");
            // Long enough for others to come meanwhile.
            thread::sleep(Duration::from_millis(50));
            let tokens = r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#;
            (200, "Content-Type: application/json\r\n".to_owned(), tokens)
        }
        "/redirect" if is_good => (302, format!("Location: http://127.0.0.1:{other}/file\r\n"), ""),
        "/admin" => {
            let challenge = r#"Bearer error="insufficient_scope", scope="write""#;
            (403, format!("WWW-Authenticate: {challenge}\r\n"), "")
        }
        _ if is_good => (200, String::new(), "welcome"),
        _ => (401, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n".to_owned(), "refused"),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n");
    peer.send(format!("{head}{body}").as_bytes());
}

/// What this error of a stack has within.
pub fn within<'a>(error: &'a (dyn Error + 'static)) -> &'a ApiError {
    error.downcast_ref().unwrap_or_else(|| panic!("{error:?}"))
}

/// The error of `/admin`: it has the login to make.
pub fn check_step_up(error: &ApiError) {
    assert_eq!(error.code(), "insufficient_scope");
    assert!(error.login().unwrap().requested_scope().contains("write"));
}
