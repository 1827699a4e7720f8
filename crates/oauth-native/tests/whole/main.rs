//! All parts together, over real sockets: login, calls, refreshes by two handles of one file, sign-out.

#![cfg(all(feature = "ureq", feature = "file-store"))]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[cfg(all(feature = "reqwest", feature = "open"))]
mod examples;
mod opened;
mod server;
#[cfg(feature = "reqwest")]
mod spawned;
#[cfg(feature = "reqwest")]
mod tasks;
#[cfg(feature = "open")]
mod ten_lines;
#[cfg(all(feature = "tracing", feature = "reqwest"))]
mod traced;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oauth_native::api::blocking::Api;
use oauth_native::api::{ApiError, CallError, Reply};
use oauth_native::browser::Loopback;
use oauth_native::store::File;
use oauth_native::transport::Ureq;
use oauth_native::SystemClock;
use oauth_proto::drive::blocking::{login, Clock};
use oauth_proto::{
    AuthorizationRequest, AuthorizationServer, Client, Entropy, Login, LoginRequired, Session, SignOut, UnixTime,
};

use self::server::{Server, LIFETIME_SECS};

/// The system's clock, put forward by so many seconds.
#[derive(Clone, Default)]
struct Forward(Arc<AtomicU64>);

impl Clock for Forward {
    fn now(&self) -> UnixTime {
        Clock::now(&SystemClock).saturating_add(self.0.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, time: UnixTime) {
        thread::sleep(Duration::from_secs(time.saturating_since(self.now())));
    }
}

type Handle = Api<Ureq, Forward>;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Gets a URL; follows no redirect.
fn get(url: &str, headers: &[(&str, String)]) -> Result<(u16, ureq::http::HeaderMap, String), ureq::Error> {
    let request = ureq::get(url).config().proxy(None).max_redirects(0).http_status_as_error(false).build();
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let mut response = request.call()?;
    let body = response.body_mut().read_to_string()?;
    Ok((response.status().as_u16(), response.headers().clone(), body))
}

/// A browser that does what the user would, in the background; it keeps the page that the user sees.
fn browser(pages: &Arc<Mutex<Vec<(u16, String)>>>) -> Loopback {
    let pages = Arc::clone(pages);
    let opener = move |url: &str| -> io::Result<()> {
        let (url, pages) = (url.to_owned(), Arc::clone(&pages));
        thread::spawn(move || {
            let (status, headers, _) = get(&url, &[]).unwrap();
            assert_eq!(status, 302);
            let redirect = headers["location"].to_str().unwrap();
            let (origin, _) = redirect.split_once("/callback").unwrap();
            assert_eq!(get(&format!("{origin}/favicon.ico"), &[]).unwrap().0, 404);
            let (status, _, page) = get(redirect, &[]).unwrap();
            pages.lock().unwrap().push((status, page));
        });
        Ok(())
    };
    Loopback::bind(opener).unwrap()
}

fn client(server: &Server, redirect_uri: &str) -> Client {
    let found = AuthorizationServer::from_issuer_on_insecure_loopback(&server.origin).unwrap();
    Client::builder(found, "s6BhdRkqt3", redirect_uri).api_origin(&server.origin).build().unwrap()
}

fn log_in(client: &Client, request: AuthorizationRequest, browser: &mut Loopback, clock: &Forward) -> Session {
    let mut pending = Login::new(client.clone(), request).unwrap();
    let tokens = login(&mut pending, Entropy::from_os().unwrap(), &Ureq::new(), browser, clock).unwrap();
    pending.into_session(tokens)
}

/// Calls the API, and returns the token that it accepted.
fn call(api: &Handle, server: &Server) -> Result<String, CallError<ureq::Error>> {
    let url = format!("{}/me", server.origin);
    let (status, token) = api.call("GET", &url, |headers| {
        let headers: Vec<_> = headers.map(|(name, value)| (name, value.as_str().to_owned())).collect();
        let (status, response_headers, body) = get(&url, &headers)?;
        Ok::<_, ureq::Error>(Reply::new(status, &response_headers).with((status, body)))
    })?;
    assert_eq!(status, 200);
    Ok(token)
}

#[test]
fn from_login_to_sign_out() {
    let (done, is_done) = channel();
    let test = thread::spawn(move || {
        whole();
        done.send(()).unwrap();
    });
    assert_ne!(is_done.recv_timeout(Duration::from_secs(10)), Err(RecvTimeoutError::Timeout), "it hangs");
    test.join().unwrap();
}

fn whole() {
    let (server, clock, pages) = (Server::start(), Forward::default(), Arc::default());
    let folder = Folder(std::env::temp_dir().join(format!("oauth-native-whole-{}", std::process::id())));
    let store = Arc::new(File::new(folder.0.join("session.json")));

    // Nothing is stored: the user logs in.
    let mut first_browser = browser(&pages);
    let first_client = client(&server, &first_browser.redirect_uri());
    let restored = Api::restore(first_client.clone(), Ureq::new(), clock.clone(), store.clone()).unwrap();
    assert!(restored.is_none());
    let session = log_in(&first_client, AuthorizationRequest::new().scope("read"), &mut first_browser, &clock);
    let api: Handle = Api::new(session, Ureq::new(), clock.clone(), store.clone()).unwrap();
    assert_eq!(call(&api, &server).unwrap(), "Bearer AT1");

    // As another process does: a client with another port, a store of the same path, and no browser.
    let other_client = client(&server, &browser(&pages).redirect_uri());
    let other_store = Arc::new(File::new(store.path()));
    let other: Handle = Api::restore(other_client, Ureq::new(), clock.clone(), other_store).unwrap().unwrap();
    assert_eq!(call(&other, &server).unwrap(), "Bearer AT1");

    // The API refuses the token: one handle refreshes, the other takes over what is stored.
    server.state().access_token = None;
    assert_eq!(call(&api, &server).unwrap(), "Bearer AT2");
    assert_eq!(call(&other, &server).unwrap(), "Bearer AT2");
    assert_eq!(server.state().refreshes, 1);

    // It expires: the same, the other way round.
    clock.0.fetch_add(LIFETIME_SECS, Ordering::SeqCst);
    assert_eq!(call(&other, &server).unwrap(), "Bearer AT3");
    assert_eq!(call(&api, &server).unwrap(), "Bearer AT3");
    assert_eq!(server.state().refreshes, 2);

    // It expires, and threads of both come at once.
    clock.0.fetch_add(LIFETIME_SECS, Ordering::SeqCst);
    thread::scope(|scope| {
        let calls = [&api, &other, &api, &other, &api, &other].map(|api| scope.spawn(|| call(api, &server).unwrap()));
        assert!(calls.into_iter().all(|call| call.join().unwrap() == "Bearer AT4"));
    });
    assert_eq!(server.state().refreshes, 3);

    // One signs out; the other hears of it when the API refuses the token, and writes nothing.
    let signed_out = other.sign_out(SignOut::new());
    assert!(signed_out.logout_url.is_none() && signed_out.not_revoked.is_none() && signed_out.not_removed.is_none());
    assert_eq!(server.state().revoked, ["RT4"]);
    assert!(!store.path().exists());
    let refused = call(&api, &server).unwrap_err();
    let CallError::Api(ApiError::LoginRequired { why, request: Some(request) }) = refused else {
        panic!("{refused:?}")
    };
    assert!(matches!(why, LoginRequired::SignedOut), "{why:?}");
    let signed_out = call(&other, &server).unwrap_err();
    assert!(matches!(signed_out, CallError::Api(ApiError::LoginRequired { why: LoginRequired::SignedOut, .. })));
    assert!(!store.path().exists());

    // The same browser serves the next login, and the other handle takes that over.
    api.replace(log_in(&first_client, (*request).clone(), &mut first_browser, &clock)).unwrap();
    assert_eq!(call(&api, &server).unwrap(), "Bearer AT5");
    other.reload().unwrap();
    assert_eq!(call(&other, &server).unwrap(), "Bearer AT5");

    drop(first_browser);
    let state = server.state();
    assert_eq!((state.refreshes, state.faults.as_slice()), (3, &[] as &[String]));
    drop(state);
    // The stored session needs the metadata of a server that cannot be reached.
    let client = client(&server, "http://127.0.0.1/callback");
    drop(server);
    let unreachable = Api::restore(client, Ureq::new(), clock, store);
    assert!(matches!(unreachable, Err(ApiError::Later(_))), "{unreachable:?}");
    // The pages have been sent when the browser is dropped; that it has read them may take a moment.
    while pages.lock().unwrap().len() < 2 {
        thread::sleep(Duration::from_millis(2));
    }
    assert!(pages
        .lock()
        .unwrap()
        .iter()
        .all(|(status, page): &(u16, String)| *status == 200 && !page.contains("code=")));
}
