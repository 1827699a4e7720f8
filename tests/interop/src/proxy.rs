//! What can go wrong between the app and the server: a proxy that delays, drops, cuts and refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Hands every request on to the server as it is, and its answer back, but for those that are to meet with trouble. It runs until
/// the tests end.
#[derive(Debug)]
pub struct Proxy {
    /// `http://127.0.0.1:` and its port.
    pub origin: String,
    way: Arc<Mutex<Way>>,
}

/// What a request meets with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The answer comes so much later.
    Delayed(Duration),
    /// The server answers, and half of that comes through.
    Cut,
    /// The server answers, and nothing of that comes through.
    AnswerDropped,
    /// The server never sees it, and there is no answer.
    RequestDropped,
    /// The server never sees it, and there is an answer that is not the server's.
    Refused(Refusal),
}

/// An answer of something before the server: a rate limit, a load balancer without a server behind it, a maintenance page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// Whether it comes with a page for people.
    pub page: bool,
}

impl Refusal {
    /// The status alone.
    pub const fn of(status: u16) -> Self {
        Self { status, retry_after: None, page: false }
    }
}

#[derive(Debug, Default)]
struct Way {
    server: String,
    /// `"POST /token"`, or nothing for any request; and what the next such request meets with.
    ahead: Vec<(String, Trouble)>,
    /// What the server has seen.
    passed: Vec<String>,
}

impl Proxy {
    /// On a port that the system chooses. Where it leads to is to be said yet: the server may want to know its port first.
    pub fn listen() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let way = Arc::new(Mutex::new(Way::default()));
        let shared = Arc::clone(&way);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let way = Arc::clone(&shared);
                thread::spawn(move || pass_on(&client, &way));
            }
        });
        Self { origin, way }
    }

    /// Before the server of this origin.
    pub fn before(origin: &str) -> Self {
        let proxy = Self::listen();
        proxy.lead_to(origin);
        proxy
    }

    /// To the server of this origin.
    pub fn lead_to(&self, origin: &str) {
        origin.strip_prefix("http://").expect("an http origin").clone_into(&mut self.way().server);
    }

    /// So many of the next answers are cut off.
    pub fn cut(&self, answers: usize) {
        self.trouble("", answers, Trouble::Cut);
    }

    /// So many of the next requests of this kind (`"POST /token"`) meet with trouble, after those that others have been promised.
    pub fn trouble(&self, asked: &str, times: usize, trouble: Trouble) {
        self.way().ahead.extend(vec![(asked.to_owned(), trouble); times]);
    }

    /// How much trouble there is still ahead.
    pub fn still_ahead(&self) -> usize {
        self.way().ahead.len()
    }

    /// What the server has seen since the last time that this was asked: `"POST /token"`.
    pub fn passed(&self) -> Vec<String> {
        std::mem::take(&mut self.way().passed)
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        lock(&self.way)
    }
}

impl Way {
    fn meets_with(&mut self, asked: &str) -> Option<Trouble> {
        let at = self.ahead.iter().position(|(one, _)| one.is_empty() || one == asked)?;
        Some(self.ahead.remove(at).1)
    }
}

fn lock(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request, and its answer.
fn pass_on(mut client: &TcpStream, way: &Mutex<Way>) {
    let request = whole_request(client);
    let trouble = lock(way).meets_with(&asked(&request));
    let mut answer = match trouble {
        Some(Trouble::RequestDropped) => Vec::new(),
        Some(Trouble::Refused(refusal)) => refusal.answer(),
        _ => through(&request, way),
    };
    match trouble {
        Some(Trouble::Delayed(time)) => thread::sleep(time),
        Some(Trouble::Cut) => answer.truncate(answer.len() / 2),
        Some(Trouble::AnswerDropped) => answer.clear(),
        Some(Trouble::RequestDropped | Trouble::Refused(_)) | None => {}
    }
    // Whoever has gone away meanwhile need not have it.
    let _ = client.write_all(&answer);
    let _ = client.shutdown(Shutdown::Both);
}

fn through(request: &[u8], way: &Mutex<Way>) -> Vec<u8> {
    let mut server = {
        let mut way = lock(way);
        way.passed.push(asked(request));
        TcpStream::connect(&way.server).expect("the server listens")
    };
    server.write_all(request).expect("the server reads");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("the server answers, and closes the connection");
    answer
}

impl Refusal {
    fn answer(self) -> Vec<u8> {
        let retry_after = self.retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
        let page = if self.page { "<!doctype html><title>Back soon</title><h1>Back soon</h1>" } else { "" };
        let (status, length) = (self.status, page.len());
        let head =
            format!("HTTP/1.1 {status} Trouble\r\n{retry_after}content-type: text/html\r\ncontent-length: {length}");
        format!("{head}\r\nconnection: close\r\n\r\n{page}").into_bytes()
    }
}

/// Method and path.
fn asked(request: &[u8]) -> String {
    let first = request.split(|octet| matches!(octet, b'\r' | b'?')).next().unwrap_or_default();
    let mut words = std::str::from_utf8(first).unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    format!("{method} {path}")
}

/// With a header field that has the server close the connection after its answer.
fn whole_request(client: &TcpStream) -> Vec<u8> {
    let mut client = BufReader::new(client);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        client.read_line(&mut line).expect("a header field");
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().expect("a length");
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
        request.push_str(&line);
    }
    request.push_str("connection: close\r\n\r\n");
    let mut request = request.into_bytes();
    let head = request.len();
    request.resize(head + length, 0);
    client.read_exact(&mut request[head..]).expect("the body");
    request
}
