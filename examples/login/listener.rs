//! A listener on the loopback interface for redirects (RFC 8252 §7.3).
//!
//! Every URL is handed on unchanged: the login decides which one is ours, not this file. The browser is then redirected away from
//! the URL with the code, to a page that shows the outcome.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{header, Method, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::Router;
use tokio::sync::oneshot;
use tokio::time::timeout;
use url::Url;

use crate::landing::Verdict;
use crate::redirects::{Inlet, Redirects};
use crate::server::PAGE_HEADERS;

/// How long to wait at the end until the browser has fetched the last page.
const LAST_PAGE: Duration = Duration::from_secs(1);

/// How long to wait for a verdict on a redirect.
const VERDICT: Duration = Duration::from_secs(3);

/// A loopback port that is already bound, so that its number can go into the redirect URI.
pub struct Listener {
    socket: TcpListener,
    /// The redirect URI with its port.
    pub redirect_uri: String,
    paths: Vec<String>,
    host: String,
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

    /// Serves in a thread of its own until the returned value is dropped.
    pub fn serve(self, redirects: &Redirects) -> io::Result<Serving> {
        self.socket.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let pages = Pages::default();
        let front = Front { paths: self.paths.into(), host: self.host, inlet: redirects.inlet(), pages: pages.clone() };
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
        Ok(Serving { stop: Some(stop), ended, pages })
    }
}

/// A running listener. Dropping it first lets the browser fetch the page it is waiting for: a redirect reaches the login
/// before its page reaches the browser, and the program may end with that redirect.
pub struct Serving {
    stop: Option<oneshot::Sender<()>>,
    ended: Receiver<()>,
    pages: Pages,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.pages.wait_for_the_last();
        self.stop.take(); // the other end notices
        let _ = self.ended.recv_timeout(LAST_PAGE);
    }
}

/// The pages so far by their paths, and whether a browser has yet to fetch one.
#[derive(Clone, Default)]
struct Pages(Arc<(Mutex<Shown>, Condvar)>);

#[derive(Default)]
struct Shown {
    by_path: BTreeMap<&'static str, String>,
    awaited: bool,
}

impl Pages {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0 .0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_awaited(&self) {
        self.lock().awaited = true;
    }

    fn add(&self, path: &'static str, page: String) {
        self.lock().by_path.insert(path, page);
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut shown = self.lock();
        let page = shown.by_path.get(path).cloned()?;
        shown.awaited = false;
        self.0 .1.notify_all();
        Some(page)
    }

    fn wait_for_the_last(&self) {
        drop(self.0 .1.wait_timeout_while(self.lock(), LAST_PAGE, |shown| shown.awaited));
    }
}

#[derive(Clone)]
struct Front {
    paths: Arc<[String]>,
    host: String,
    inlet: Inlet,
    pages: Pages,
}

/// Hands on the full URL, with `Host` as the browser sent it, and redirects the browser to a page.
async fn answer(State(front): State<Front>, request: Request) -> Response {
    if request.method() != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    let path = request.uri().path();
    let is_redirect = front.paths.iter().any(|one| one == path);
    if !is_redirect {
        if let Some(page) = front.pages.get(path) {
            return (PAGE_HEADERS, Html(page)).into_response();
        }
    }
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or(&front.host);
    let path_and_query = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let url = format!("http://{host}{path_and_query}");
    if is_redirect {
        front.pages.is_awaited();
    }
    let Some(verdict) = front.inlet.hand_in(url) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    if !is_redirect {
        return StatusCode::NOT_FOUND.into_response();
    }
    let verdict = timeout(VERDICT, verdict).await.ok().and_then(Result::ok).unwrap_or(Verdict::NotAwaited);
    front.lead_to(&verdict)
}

impl Front {
    /// Redirects away from the URL with the code, which the browser would otherwise show and keep in its history.
    fn lead_to(&self, verdict: &Verdict) -> Response {
        self.pages.add(verdict.path(), verdict.page());
        (PAGE_HEADERS, Redirect::to(verdict.path())).into_response()
    }
}
