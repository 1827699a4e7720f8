//! The short ways: a handle that logs in if it must, and calls by the transport's own stack.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use oauth_native::api::blocking::Api;
use oauth_native::api::{ApiError, CallError, LoginError};
use oauth_native::browser::{Loopback, Print};
use oauth_native::store::{File, Memory, Store};
use oauth_native::transport::Ureq;
use oauth_proto::drive::blocking::Browser;
use oauth_proto::drive::DriveError;
use oauth_proto::{AuthorizationRequest, AuthorizationUrl, Target, UnixTime};
use ureq::http::Request;

use crate::server::{Server, LIFETIME_SECS};
use crate::{browser, client, get, Folder, Forward};

type Opened<E> = Result<Api<Ureq, Forward>, LoginError<E>>;

fn place(name: &str) -> (Folder, Arc<File>) {
    let folder = Folder(std::env::temp_dir().join(format!("oauth-native-{name}-{}", std::process::id())));
    let store = Arc::new(File::new(folder.0.join("session.json")));
    (folder, store)
}

fn request() -> AuthorizationRequest {
    AuthorizationRequest::new().scope("read")
}

fn open<B: Browser>(server: &Server, store: &Arc<File>, uri: &str, browser: &mut B) -> Opened<B::Error> {
    Api::open(client(server, uri), request(), Ureq::new(), Forward::default(), store.clone(), browser)
}

/// The process ends while the browser is open.
pub struct Ends(pub Option<String>);

impl Browser for Ends {
    type Error = &'static str;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), &'static str> {
        self.0 = Some(url.as_str().to_owned());
        Ok(())
    }

    fn redirect(&mut self, _: UnixTime) -> Result<Option<String>, &'static str> {
        Err("the process ends")
    }
}

#[test]
fn the_user_logs_in_once() {
    let (server, (_folder, store), pages) = (Server::start(), place("once"), Arc::<Mutex<Vec<_>>>::default());
    let mut first = browser(&pages);
    let uri = first.redirect_uri();
    let api = open(&server, &store, &uri, &mut first).unwrap();
    let url = format!("{}/me", server.origin);
    assert_eq!(api.get(&url).unwrap().body_mut().read_to_string().unwrap(), "Bearer AT1");

    // The next process needs no browser.
    let mut none = Ends(None);
    let api = open(&server, &store, &uri, &mut none).unwrap();
    assert_eq!(api.get(&url).unwrap().body_mut().read_to_string().unwrap(), "Bearer AT1");
    assert!(none.0.is_none());
    // Nor does one that asks for something else.
    let more = AuthorizationRequest::new().scope("read write");
    let client = client(&server, &uri);
    assert!(Api::open(client, more, Ureq::new(), Forward::default(), store.clone(), &mut none).is_ok());
    assert!(none.0.is_none());

    // A file that cannot be read is replaced by a new login; a store that cannot be used is an error.
    std::fs::write(store.path(), "{").unwrap();
    let api = open(&server, &store, &uri, &mut first).unwrap();
    assert_eq!(api.get(&url).unwrap().body_mut().read_to_string().unwrap(), "Bearer AT2");
    let nowhere = Arc::new(File::new("/dev/null/session.json"));
    let failed = open(&server, &nowhere, &uri, &mut first).unwrap_err();
    assert!(matches!(failed, LoginError::Api(ApiError::Store(_))) && failed.code() == "store", "{failed:?}");
    assert!(server.state().faults.is_empty());
}

#[test]
fn a_login_goes_on_after_the_process_has_ended() {
    let (server, (_folder, store)) = (Server::start(), place("ended"));
    let first = Loopback::bind_for(&*store, Print::to(Vec::new())).unwrap();
    let uri = first.redirect_uri();
    let mut ends = Ends(None);
    let failed = open(&server, &store, &uri, &mut ends).unwrap_err();
    assert!(matches!(failed, LoginError::Login(DriveError::Browser("the process ends"))), "{failed:?}");

    // While the first listens, another has a port, and a login, of its own.
    let other = Loopback::bind_for(&*store, Print::to(Vec::new())).unwrap();
    assert_ne!(other.redirect_uri(), uri);
    drop((first, other));

    // The user comes to the end in the browser that the first process opened.
    let redirect = get(&ends.0.unwrap(), &[]).unwrap().1["location"].to_str().unwrap().to_owned();
    assert!(redirect.starts_with(&format!("{uri}?")), "{redirect}");
    let reload = move |_: &str| {
        let redirect = redirect.clone();
        std::thread::spawn(move || assert_eq!(get(&redirect, &[]).unwrap().0, 200));
        Ok(())
    };
    let mut second = Loopback::bind_for(&*store, reload).unwrap();
    assert_eq!(second.redirect_uri(), uri);
    assert!(store.pending_login().path().exists());
    let api = open(&server, &store, &uri, &mut second).unwrap();
    assert_eq!(api.bearer().map(drop).ok(), Some(()));
    assert!(!store.pending_login().path().exists());
    assert!(server.state().faults.is_empty());

    // Nothing waits any more.
    drop(second);
    assert!(store.lock().unwrap().load().unwrap().is_some());
}

#[test]
fn a_stored_login_that_does_not_fit_is_replaced() {
    let (server, (_folder, store)) = (Server::start(), place("other"));
    let mut first = browser(&Arc::default());
    let mut ends = Ends(None);
    assert!(open(&server, &store, &first.redirect_uri(), &mut ends).is_err());
    // Another scope, and another port.
    let more = AuthorizationRequest::new().scope("read write");
    let mut again = Ends(None);
    let client = client(&server, &first.redirect_uri());
    let opened = Api::open(client, more, Ureq::new(), Forward::default(), store.clone(), &mut again);
    assert!(opened.is_err() && again.0.as_ref().unwrap().contains("read%20write"), "{again:?}", again = again.0);
    assert_ne!(ends.0, again.0);
    let uri = first.redirect_uri();
    let api = open(&server, &store, &uri, &mut first).unwrap();
    assert!(api.bearer().is_ok() && !store.pending_login().path().exists());
}

#[test]
fn a_login_that_fails_is_forgotten() {
    let (server, (_folder, store)) = (Server::start(), place("fails"));
    let mut browser = Loopback::bind(Print::to(Vec::new())).unwrap();
    browser.canceller().cancel();
    let uri = browser.redirect_uri();
    let failed = open(&server, &store, &uri, &mut browser).unwrap_err();
    assert_eq!(failed.code(), "cancelled");
    assert!(!store.pending_login().path().exists() && !store.path().exists());
}

#[test]
fn a_session_of_no_use_is_replaced() {
    let (server, (_folder, store), clock) = (Server::start(), place("no-use"), Forward::default());
    server.state().gives_no_refresh_token = true;
    let mut browser = browser(&Arc::default());
    let client = client(&server, &browser.redirect_uri());
    let mut token = || {
        let (client, clock, store) = (client.clone(), clock.clone(), store.clone());
        let api = Api::open(client, request(), Ureq::new(), clock, store, &mut browser).unwrap();
        api.bearer().unwrap().token().reveal().to_owned()
    };
    assert_eq!((token(), token()), ("AT1".into(), "AT1".into()));
    // It has expired, and cannot be refreshed.
    clock.0.fetch_add(LIFETIME_SECS, Ordering::SeqCst);
    assert_eq!((token(), token()), ("AT2".into(), "AT2".into()));
}

#[test]
fn a_first_login_without_network_fails_at_once() {
    let (server, (_folder, store)) = (Server::start(), place("offline"));
    let client = client(&server, "http://127.0.0.1:9/callback");
    drop(server);
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut none = Ends(None);
        let opened = Api::open(client, request(), Ureq::new(), Forward::default(), store, &mut none);
        done.send((opened.map(drop).map_err(|error| error.code()), none.0)).unwrap();
    });
    let outcome = is_done.recv_timeout(std::time::Duration::from_secs(10)).expect("it hangs");
    assert_eq!(outcome, (Err("later"), None));
}

#[test]
fn a_handle_logs_in_again() {
    let (server, (_folder, store)) = (Server::start(), place("again"));
    let mut browser = browser(&Arc::default());
    let uri = browser.redirect_uri();
    let api = open(&server, &store, &uri, &mut browser).unwrap();
    {
        let mut state = server.state();
        (state.access_token, state.refresh_token) = (None, None);
    }
    let url = format!("{}/me", server.origin);
    let Err(CallError::Api(error)) = api.get(&url) else { panic!() };
    assert_eq!(error.code(), "grant_ended");
    let again = error.login().unwrap().clone();
    api.log_in(again, &mut browser).unwrap();
    assert_eq!(api.get(&url).unwrap().body_mut().read_to_string().unwrap(), "Bearer AT2");
    assert_eq!(server.state().faults.len(), 1, "the refresh token that was revoked");
}

#[test]
fn calls_by_ureq() {
    let (server, (_folder, store)) = (Server::start(), place("ureq"));
    let mut browser = browser(&Arc::default());
    let uri = browser.redirect_uri();
    let api = open(&server, &store, &uri, &mut browser).unwrap();
    let url = format!("{}/echo", server.origin);
    let post = Request::post(&url).header("x-name", "value").body("the body").unwrap();
    assert_eq!(api.send(&post).unwrap().body_mut().read_to_string().unwrap(), "POST Bearer AT1 the body");
    // Refused, refreshed, and sent again with its body.
    server.state().access_token = None;
    assert_eq!(api.send(&post).unwrap().body_mut().read_to_string().unwrap(), "POST Bearer AT2 the body");
    assert_eq!(server.state().refreshes, 1);
    // Any status is a result, and a redirect is not followed.
    assert_eq!(api.get(&format!("{}/nowhere", server.origin)).unwrap().status(), 404);
    assert_eq!(api.get(&format!("{}/moved", server.origin)).unwrap().status(), 302);
    let foreign = api.get("http://127.0.0.1:9/me").unwrap_err();
    assert!(matches!(foreign, CallError::Api(ApiError::Bearer(_))), "{foreign:?}");
    let target = Target::own();
    assert_eq!(api.send_for(&target, &post).unwrap().status(), 200);
    assert!(LIFETIME_SECS > 0 && server.state().faults.is_empty());
}

#[cfg(feature = "reqwest")]
mod tasks {
    use oauth_native::api::Api;
    use oauth_native::transport::Reqwest;
    use reqwest::Method;

    use super::*;

    async fn all(server: &Server, store: &Arc<File>) {
        let mut browser = browser(&Arc::default());
        let uri = browser.redirect_uri();
        let (transport, clock) = (Reqwest::new().unwrap(), Forward::default());
        let open = Api::open(client(server, &uri), request(), transport, clock.clone(), store.clone(), &mut browser);
        let api = open.await.unwrap();
        let (me, echo) = (format!("{}/me", server.origin), format!("{}/echo", server.origin));
        assert_eq!(api.get(&me).await.unwrap().text().await.unwrap(), "Bearer AT1");
        server.state().access_token = None;
        let post = api.request(Method::POST, &echo).body("the body");
        assert_eq!(api.send(post).await.unwrap().text().await.unwrap(), "POST Bearer AT2 the body");
        // A token that is refused as soon as it has come is not refreshed at once.
        clock.0.fetch_add(120, Ordering::SeqCst);
        // A stream is sent once: its refusal is the result, and the next call has a fresh token.
        server.state().access_token = None;
        let body = reqwest::Body::wrap(Once(Some("the body")));
        let refused = api.send(api.request(Method::POST, &echo).body(body)).await.unwrap();
        assert_eq!((refused.status().as_u16(), server.state().refreshes), (401, 2));
        assert_eq!(api.get(&format!("{}/moved", server.origin)).await.unwrap().status(), 302);
        assert_eq!(api.get(&me).await.unwrap().text().await.unwrap(), "Bearer AT3");
        let foreign = api.get("http://127.0.0.1:9/me").await.unwrap_err();
        assert!(matches!(foreign, CallError::Api(ApiError::Bearer(_))), "{foreign:?}");
        assert!(matches!(api.get("no URL").await, Err(CallError::Call(_))));

        {
            let mut state = server.state();
            (state.access_token, state.refresh_token) = (None, None);
        }
        let Err(CallError::Api(error)) = api.get(&me).await else { panic!() };
        api.log_in(error.login().unwrap().clone(), &mut browser).await.unwrap();
        assert_eq!(api.get(&me).await.unwrap().text().await.unwrap(), "Bearer AT4");
        assert!(store.path().exists() && !store.pending_login().path().exists());
    }

    struct Once(Option<&'static str>);

    impl http_body::Body for Once {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.take().map(|text| Ok(http_body::Frame::data(text.into()))))
        }
    }

    #[test]
    fn a_login_that_is_dropped_goes_on() {
        let (server, (_folder, store)) = (Server::start(), place("dropped"));
        let urls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&urls);
        let opener = move |url: &str| {
            let mut urls = seen.lock().unwrap();
            urls.push(url.to_owned());
            if urls.len() == 2 {
                let redirect = get(url, &[]).unwrap().1["location"].to_str().unwrap().to_owned();
                std::thread::spawn(move || get(&redirect, &[]).unwrap());
            }
            Ok(())
        };
        let mut browser = Loopback::bind(opener).unwrap();
        let client = client(&server, &browser.redirect_uri());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut open = async |millis| {
                let (client, http, store) = (client.clone(), Reqwest::new().unwrap(), store.clone());
                let login = Api::open(client, request(), http, Forward::default(), store, &mut browser);
                tokio::time::timeout(std::time::Duration::from_millis(millis), login).await
            };
            assert!(open(500).await.is_err());
            let api = open(10_000).await.expect("it hangs").unwrap();
            assert_eq!(api.bearer().await.unwrap().token().reveal(), "AT1");
        });
        let urls = urls.lock().unwrap();
        assert!(urls.len() == 2 && urls[0] == urls[1]);
    }

    /// Takes connections and says nothing, as a server behind a network that is gone.
    #[test]
    fn a_silent_api_is_given_up() {
        use oauth_native::transport::Settings;
        use oauth_native::SystemClock;
        use oauth_proto::{Secret, Session, Tokens};

        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", silent.local_addr().unwrap());
        let (authorize, token) = (format!("{origin}/authorize"), format!("{origin}/token"));
        let found = oauth_proto::AuthorizationServer::on_insecure_loopback(&authorize, &token).unwrap();
        let client = oauth_proto::Client::builder(found, "s6BhdRkqt3", "http://127.0.0.1/cb").api_origin(&origin);
        let tokens = Tokens::from_parts(Secret::new("AT1"), None, None, "read");
        let session = Session::new(client.build().unwrap(), tokens);
        let settings = Settings::new().timeout(std::time::Duration::from_millis(300));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (transport, store) = (Reqwest::with_settings(&settings).unwrap(), Arc::new(Memory::new()));
            let api = Api::new(session, transport, SystemClock, store).await.unwrap();
            let call = tokio::time::timeout(std::time::Duration::from_secs(5), api.get(&origin));
            let failed = call.await.expect("it hangs").unwrap_err();
            assert!(matches!(failed, CallError::Call(error) if error.is_timeout()));
        });
    }

    #[test]
    fn the_same_for_tasks() {
        let (server, (_folder, store)) = (Server::start(), place("opened-tasks"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let all = all(&server, &store);
            tokio::time::timeout(std::time::Duration::from_secs(20), all).await.unwrap();
        });
    }
}

/// A transport of the app, which sees all requests of the library.
struct Logged(Ureq, Mutex<Vec<String>>);

impl oauth_proto::drive::blocking::Transport for Logged {
    fn send(
        &self,
        request: &oauth_proto::Request,
    ) -> Result<oauth_proto::drive::OwnedResponse, oauth_proto::Delivered> {
        self.1.lock().unwrap().push(request.method().to_owned());
        self.0.send(request)
    }
}

impl std::borrow::Borrow<Ureq> for Logged {
    fn borrow(&self) -> &Ureq {
        &self.0
    }
}

#[test]
fn a_transport_around_ureq_has_its_calls() {
    let (server, (_folder, store), pages) = (Server::start(), place("around"), Arc::<Mutex<Vec<_>>>::default());
    let mut browser = browser(&pages);
    let client = client(&server, &browser.redirect_uri());
    let logged = Logged(Ureq::new(), Mutex::default());
    let api = Api::open(client, request(), logged, Forward::default(), store, &mut browser).unwrap();
    let mut answer = api.get(&format!("{}/me", server.origin)).unwrap();
    assert_eq!(answer.body_mut().read_to_string().unwrap(), "Bearer AT1");
    // The metadata, at two places, and the code; not the call.
    assert_eq!(*api.transport().1.lock().unwrap(), ["GET", "GET", "POST"]);
}
