//! A token endpoint, an executor, and a browser that does what the test says.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use oauth_native::oauth_proto::drive::{self, blocking, DriveError, OwnedResponse};
use oauth_native::oauth_proto::{
    AuthorizationRequest, AuthorizationServer, Client, Delivered, Entropy, Login, Request, Tokens, UnixTime,
};

pub const CODE: &str = "SplxlOBeZQQYbYS6WxSbIA";

pub fn login(redirect_uri: &str, timeout: u64) -> Login {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let client = Client::builder(server, "s6BhdRkqt3", redirect_uri).login_timeout_secs(timeout).build().unwrap();
    Login::new(client, AuthorizationRequest::new().scope("read")).unwrap()
}

/// Answers the token request.
pub struct Server;

impl Server {
    fn answer(request: &Request) -> OwnedResponse {
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        assert!(body.contains(CODE), "another code was accepted");
        let body = br#"{"access_token":"AT1","token_type":"Bearer"}"#.to_vec();
        OwnedResponse::new(200, vec![("content-type".into(), b"application/json".to_vec())], body)
    }
}

impl blocking::Transport for Server {
    fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        Ok(Self::answer(request))
    }
}

impl drive::Transport for Server {
    async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        Ok(Self::answer(request))
    }
}

/// The time; nothing here sleeps.
pub struct Clock;

impl blocking::Clock for Clock {
    fn now(&self) -> UnixTime {
        SystemTime::now().into()
    }

    fn sleep_until(&self, _: UnixTime) {
        panic!("nothing to wait for");
    }
}

impl drive::Clock for Clock {
    fn now(&self) -> UnixTime {
        SystemTime::now().into()
    }

    async fn sleep_until(&self, _: UnixTime) {
        panic!("nothing to wait for");
    }
}

/// How a login is driven.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Blocking,
    Async,
}

pub const BOTH: [Way; 2] = [Way::Blocking, Way::Async];

pub fn drive<B, E>(way: Way, login: &mut Login, browser: &mut B) -> Result<Tokens, DriveError<E>>
where
    B: blocking::Browser<Error = E> + drive::Browser<Error = E>,
{
    let entropy = Entropy::from_os().unwrap();
    match way {
        Way::Blocking => blocking::login(login, entropy, &Server, browser, &Clock),
        Way::Async => block_on(drive::login(login, entropy, &Server, browser, &Clock)),
    }
}

/// The smallest executor: it has no timer and no reactor.
pub fn block_on<T>(task: impl Future<Output = T>) -> T {
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    let mut task = pin!(task);
    loop {
        if let Poll::Ready(value) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        let woken = signal.woken.lock().unwrap();
        let (mut woken, timeout) =
            signal.changed.wait_timeout_while(woken, Duration::from_secs(20), |woken| !*woken).unwrap();
        assert!(!timeout.timed_out(), "never woken");
        *woken = false;
    }
}

#[derive(Default)]
struct Signal {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

/// An opener that runs `script` with each URL on a thread of its own, and gives what comes out.
pub fn scripted<T: Send + 'static>(
    script: impl Fn(&str) -> T + Clone + Send + 'static,
) -> (impl FnMut(&str) -> std::io::Result<()> + Send + 'static, Receiver<T>) {
    let (sender, results) = channel();
    let opener = move |url: &str| {
        let (url, script, sender) = (url.to_owned(), script.clone(), sender.clone());
        thread::spawn(move || sender.send(script(&url)));
        Ok(())
    };
    (opener, results)
}

pub fn take<T>(results: &Receiver<T>) -> T {
    results.recv_timeout(Duration::from_secs(20)).expect("the scripted browser has failed")
}

pub fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap();
    value.replace("%3A", ":").replace("%2F", "/").replace("%5B", "[").replace("%5D", "]")
}

/// The redirect that the server would send the browser to.
pub fn redirect(url: &str) -> String {
    format!("{}?code={CODE}&state={}", parameter(url, "redirect_uri"), parameter(url, "state"))
}

/// Host and port of a URL, and the rest.
pub fn split(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    (authority.into(), format!("/{path}"))
}

pub fn connect(url: &str) -> TcpStream {
    let address: SocketAddr = split(url).0.replace("localhost", "127.0.0.1").parse().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    stream
}

pub fn request(url: &str) -> String {
    let (host, path) = split(url);
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\n\r\n")
}

/// Reads one answer, with its head.
pub fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut octet = [0];
    while !text.ends_with("\r\n\r\n") {
        assert_eq!(stream.read(&mut octet).unwrap(), 1, "closed: {text}");
        text.push(octet[0].into());
    }
    let lowercase = text.to_ascii_lowercase();
    let length = lowercase.split_once("content-length: ").unwrap().1.split_once("\r\n").unwrap().0.parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}

/// One request on a connection of its own.
pub fn get(url: &str) -> String {
    let mut stream = connect(url);
    stream.write_all(request(url).as_bytes()).unwrap();
    answer(&mut stream)
}

/// How many threads with this name the process has. Names are cut to 15 octets by Linux.
pub fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|found| found.trim_end() == &name[..name.len().min(15)]).count()
}

/// Whether this becomes true soon.
pub fn soon(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}
