//! Where redirects come in: a listener on the loopback interface (RFC 8252 §7.3), or a line pasted on standard input.
//!
//! Whatever comes is handed on as it is. Which URL is ours is for the login to say, not for this file.

use std::io::{self, BufRead};
use std::net::TcpListener;
use std::sync::mpsc::{channel, sync_channel, Receiver, RecvTimeoutError, SyncSender};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{header, Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::Router;
use tokio::sync::oneshot;
use url::Url;

/// So many unread requests are kept; more are answered with 503.
const QUEUE: usize = 64;

/// At the end the last page may take this long.
const LAST_PAGE: Duration = Duration::from_secs(1);

/// A loopback port that is ours already, so that it can go into the redirect URI.
pub struct Listener {
    socket: TcpListener,
    /// The redirect URI with its port.
    pub redirect_uri: String,
    paths: Vec<String>,
    host: String,
}

/// The URLs that have come in.
pub struct Redirects {
    sender: SyncSender<String>,
    receiver: Receiver<String>,
}

/// Why there is no redirect to look at.
pub enum Nothing {
    /// The time is up.
    InTime,
    /// Neither a listener nor an open standard input is left.
    Ever,
}

impl Listener {
    /// Takes the port that `redirect_uri` names, or a free one where it names none.
    /// `None` means that no listener can serve this redirect URI: it is not `http` on loopback.
    pub fn bind(redirect_uri: &str) -> io::Result<Option<Self>> {
        let Ok(mut url) = Url::parse(redirect_uri) else {
            return Ok(None);
        };
        let host = match (url.scheme(), url.host_str()) {
            ("http", Some("127.0.0.1")) => "127.0.0.1",
            ("http", Some("[::1]")) => "::1",
            ("http", Some("localhost")) => "localhost",
            _ => return Ok(None),
        };
        let wanted = url.port().filter(|port| *port != 0);
        let socket = TcpListener::bind((host, wanted.unwrap_or(0)))?;
        let port = socket.local_addr()?.port();
        let redirect_uri = if wanted.is_some() {
            redirect_uri.to_owned()
        } else {
            // A URL with a host can have a port, so this cannot fail.
            let _ = url.set_port(Some(port));
            url.to_string()
        };
        let host = format!("{}:{port}", url.host_str().unwrap_or(host));
        Ok(Some(Self { socket, redirect_uri, paths: vec![url.path().to_owned()], host }))
    }

    /// Serves a second URI on the same host and port, if it can. The URI with its port.
    pub fn also_at(&mut self, uri: &str) -> Option<String> {
        let port = self.socket.local_addr().ok()?.port();
        let mut url = Url::parse(uri).ok()?;
        if url.port().is_none() {
            url.set_port(Some(port)).ok()?;
        }
        if url.scheme() != "http" || self.host != format!("{}:{}", url.host_str()?, url.port()?) {
            return None;
        }
        self.paths.push(url.path().to_owned());
        Some(url.into())
    }

    /// Serves in a thread of its own until the value that comes back is dropped.
    pub fn serve(self, redirects: &Redirects) -> io::Result<Serving> {
        self.socket.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let front = Front { paths: self.paths.into(), host: self.host, sender: redirects.sender.clone() };
        let (stop, stopped) = oneshot::channel::<()>();
        let (ending, ended) = channel();
        thread::Builder::new().name("redirect listener".into()).spawn(move || {
            let served = runtime.block_on(async {
                let socket = tokio::net::TcpListener::from_std(self.socket)?;
                let router = Router::new().fallback(answer).with_state(front);
                axum::serve(socket, router).with_graceful_shutdown(async { drop(stopped.await) }).await
            });
            if let Err(error) = served {
                eprintln!("the redirect listener has stopped: {error}");
            }
            drop(ending);
        })?;
        Ok(Serving { stop: Some(stop), ended })
    }
}

/// A listener that is at work. Dropping it lets the page that a browser is waiting for get there first: a redirect
/// reaches the login before its page reaches the browser, and the program may end with that redirect.
pub struct Serving {
    stop: Option<oneshot::Sender<()>>,
    ended: Receiver<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.take(); // the other end notices
        let _ = self.ended.recv_timeout(LAST_PAGE);
    }
}

#[derive(Clone)]
struct Front {
    paths: Arc<[String]>,
    host: String,
    sender: SyncSender<String>,
}

/// Hands the full URL on, `Host` as the browser sent it, and shows a page.
async fn answer(State(front): State<Front>, request: Request) -> Response {
    if request.method() != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or(&front.host);
    let path_and_query = request.uri().path_and_query().map_or("/", |it| it.as_str());
    if front.sender.try_send(format!("http://{host}{path_and_query}")).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if !front.paths.iter().any(|path| path == request.uri().path()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    (headers, Html(PAGE)).into_response()
}

const PAGE: &str =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Back to the app</title></head>\
    <body><h1>Back to the app</h1><p>You can close this window. The terminal shows how it went.</p></body></html>";

impl Redirects {
    /// None so far.
    pub fn new() -> Self {
        let (sender, receiver) = sync_channel(QUEUE);
        Self { sender, receiver }
    }

    /// Takes pasted lines as well, from now on.
    pub fn also_from_stdin(&self) -> io::Result<()> {
        let sender = self.sender.clone();
        thread::Builder::new().name("pasted redirects".into()).spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if !line.trim().is_empty() && sender.send(line.trim().to_owned()).is_err() {
                    break;
                }
            }
        })?;
        Ok(())
    }

    /// From here on no source is added: when the last one ends, `next` says so.
    pub fn seal(self, serving: Vec<Serving>) -> Sealed {
        Sealed { receiver: self.receiver, _serving: serving }
    }
}

/// All sources are known.
pub struct Sealed {
    receiver: Receiver<String>,
    _serving: Vec<Serving>,
}

impl Sealed {
    /// The next URL that came in.
    pub fn next(&self, patience: Duration) -> Result<String, Nothing> {
        self.receiver.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => Nothing::InTime,
            RecvTimeoutError::Disconnected => Nothing::Ever,
        })
    }
}
