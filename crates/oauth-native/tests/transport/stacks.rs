//! All stacks behind one face, and the library's own requests.

use std::fmt;
use std::time::Duration;

use oauth_native::transport::{Hyper, Reqwest, Settings, Ureq};
use oauth_proto::drive::{blocking, OwnedResponse, Transport};
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Delivered, Entropy, Event, Login,
    Request, UnixTime,
};

/// The limit of each request in these tests.
pub const TIMEOUT: Duration = Duration::from_millis(600);

/// The code in each `POST`.
pub const CODE: &str = "SplxlOBeZQQYbYS6WxSbIA";

pub enum Stack {
    Ureq(Ureq),
    Reqwest(Reqwest, tokio::runtime::Runtime),
    Hyper(Hyper, tokio::runtime::Runtime),
}

impl Stack {
    pub fn reqwest(transport: Reqwest) -> Self {
        Self::Reqwest(transport, runtime())
    }

    pub fn hyper(transport: Hyper) -> Self {
        Self::Hyper(transport, runtime())
    }

    pub fn all(settings: &Settings) -> [Self; 3] {
        let reqwest = Reqwest::with_settings(settings).unwrap();
        let hyper = Hyper::with_settings(settings).unwrap();
        [Self::Ureq(Ureq::with_settings(settings)), Self::reqwest(reqwest), Self::hyper(hyper)]
    }

    pub fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        match self {
            Self::Ureq(transport) => blocking::Transport::send(transport, request),
            Self::Reqwest(transport, runtime) => runtime.block_on(transport.send(request)),
            Self::Hyper(transport, runtime) => runtime.block_on(transport.send(request)),
        }
    }

    pub fn is_ureq(&self) -> bool {
        matches!(self, Self::Ureq(_))
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ureq(..) => "ureq",
            Self::Reqwest(..) => "reqwest",
            Self::Hyper(..) => "hyper",
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

pub fn settings() -> Settings {
    Settings::new().timeout(TIMEOUT).connect_timeout(TIMEOUT / 2)
}

/// Runs a test with each stack and, by name, each method.
pub fn each(test: impl Fn(&Stack, &str)) {
    each_with(&settings(), test);
}

/// The same with other settings.
pub fn each_with(settings: &Settings, test: impl Fn(&Stack, &str)) {
    for stack in &Stack::all(settings) {
        for method in ["GET", "POST"] {
            test(stack, method);
        }
    }
}

/// A request to a port of this machine.
pub fn to(method: &str, port: u16) -> Request {
    request(method, &format!("http://127.0.0.1:{port}"))
}

/// A request to this origin.
pub fn request(method: &str, origin: &str) -> Request {
    if method == "POST" {
        post(origin, None)
    } else {
        let server = AuthorizationServer::from_issuer_on_insecure_loopback(origin).unwrap();
        sent(&mut started(&server_client(server, None)).0)
    }
}

/// The request that exchanges a code.
pub fn post(origin: &str, secret: Option<&str>) -> Request {
    let server =
        AuthorizationServer::on_insecure_loopback(&format!("{origin}/authorize"), &format!("{origin}/token?a=b%20c"));
    let (mut login, state) = started(&server_client(server.unwrap(), secret));
    let redirect = format!("com.example.app:/callback?code={CODE}&state={state}");
    let _ = login.handle(Event::RedirectReceived(&redirect), now()).unwrap();
    sent(&mut login)
}

fn server_client(server: AuthorizationServer, secret: Option<&str>) -> Client {
    let builder = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback");
    secret.into_iter().fold(builder, ClientBuilder::client_secret_basic).build().unwrap()
}

fn started(client: &Client) -> (Login, String) {
    let mut login = Login::new(client.clone(), AuthorizationRequest::new().scope("read")).unwrap();
    let action = login.handle(Event::Start(Entropy::from_os().unwrap()), now()).unwrap();
    let state = match action {
        Action::OpenUrl(url) => url.as_str().split("&state=").nth(1).unwrap()[..43].to_owned(),
        _ => String::new(),
    };
    (login, state)
}

fn sent(login: &mut Login) -> Request {
    match login.pending_action() {
        Some(Action::SendRequest(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn now() -> UnixTime {
    UnixTime::from_secs(1_700_000_000)
}
