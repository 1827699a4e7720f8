//! A world with one login in it: it answers as it was told, and writes down all that is asked of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::{pin, Pin};
use std::task::{Context, Poll, Waker};

use oauth_proto::drive::{self, OwnedResponse};
#[cfg(feature = "openid")]
use oauth_proto::{Algorithm, ClientBuilder};
use oauth_proto::{
    AuthorizationRequest, AuthorizationServer, AuthorizationUrl, Client, Delivered, Entropy, Error, Login,
    SignatureCheck,
};
use oauth_proto::{Request, UnixTime};

pub const START: u64 = 1_700_000_000;
const ISSUER: &str = "https://as.example.com";
const REDIRECT_URI: &str = "com.example.app:/callback";
pub const STATE: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Metadata,
    Tokens,
    /// Tokens, and an ID token whose signature the server's keys must check.
    #[cfg(feature = "openid")]
    IdToken,
    #[cfg(feature = "openid")]
    Keys,
    Status(u16),
    Fails(Delivered),
}

/// What comes of waiting for a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comes {
    Url(String),
    Nothing,
    /// Nothing, and so many seconds have passed since the start.
    NothingUntil(u64),
    Broken,
}

pub fn redirect(query: &str) -> Comes {
    Comes::Url(format!("{REDIRECT_URI}?{query}"))
}

/// The redirect of this login.
pub fn code() -> Comes {
    redirect(&format!("code=C&state={STATE}"))
}

#[derive(Default)]
pub struct World {
    pub sends: RefCell<VecDeque<Sent>>,
    pub redirects: RefCell<VecDeque<Comes>>,
    /// What the platform says of a signature.
    pub verdicts: RefCell<VecDeque<Option<bool>>>,
    pub log: RefCell<Vec<String>>,
    pub now: RefCell<u64>,
    /// How many seconds each wait takes longer: the machine was asleep.
    pub oversleeps: u64,
    /// The browser is gone before it gets its page.
    pub shows_no_page: bool,
    /// Each answer, redirect and wait is ready at the second call alone, as with real I/O.
    pub is_slow: bool,
    /// After so many requests in a row without a response, the login is given up.
    pub most_failures: Option<u32>,
}

impl World {
    pub fn new(sends: &[Sent], redirects: &[Comes]) -> Self {
        Self {
            sends: RefCell::new(sends.iter().copied().collect()),
            redirects: RefCell::new(redirects.iter().cloned().collect()),
            now: RefCell::new(START),
            ..Self::default()
        }
    }

    pub fn slow(self) -> Self {
        Self { is_slow: true, ..self }
    }

    pub fn note(&self, line: impl Into<String>) {
        self.log.borrow_mut().push(line.into());
    }

    pub fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    pub fn sent(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        let path = request.url().strip_prefix(ISSUER).unwrap();
        self.note(format!("{} {path}", request.method()));
        let sent = self.sends.borrow_mut().pop_front().expect("nothing more is to be sent");
        let (status, body) = match sent {
            Sent::Metadata => (
                200,
                format!(
                    r#"{{"issuer":"{ISSUER}","authorization_endpoint":"{ISSUER}/authorize","token_endpoint":"{ISSUER}/token","jwks_uri":"{ISSUER}/keys"}}"#
                ),
            ),
            Sent::Tokens => (200, r#"{"access_token":"AT","token_type":"Bearer"}"#.into()),
            #[cfg(feature = "openid")]
            Sent::IdToken => {
                (200, format!(r#"{{"access_token":"AT","token_type":"Bearer","id_token":"{}"}}"#, id_token()))
            }
            #[cfg(feature = "openid")]
            Sent::Keys => (200, format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{}"}}]}}"#, "A".repeat(43))),
            Sent::Status(status) => (status, "{}".into()),
            Sent::Fails(delivered) => return Err(delivered),
        };
        Ok(OwnedResponse::new(status, vec![("content-type".into(), b"application/json".to_vec())], body.into()))
    }

    pub fn opened(&self, url: &AuthorizationUrl) {
        assert!(url.as_str().contains(&format!("&state={STATE}")));
        self.note("open");
    }

    pub fn redirected(&self, deadline: UnixTime) -> Result<Option<String>, &'static str> {
        assert_eq!(deadline.as_secs(), START + 3600);
        match self.redirects.borrow_mut().pop_front().expect("nobody waits any more") {
            Comes::Url(url) => Ok(Some(url)),
            Comes::Nothing => Ok(None),
            Comes::NothingUntil(secs) => {
                *self.now.borrow_mut() = START + secs;
                Ok(None)
            }
            Comes::Broken => Err("no listener"),
        }
    }

    pub fn slept(&self, time: UnixTime) {
        let now = *self.now.borrow();
        self.note(format!("sleep {}", time.as_secs() - now));
        *self.now.borrow_mut() = time.as_secs() + self.oversleeps;
    }

    pub fn heard(&self, verdict: Result<(), &Error>) -> Result<(), &'static str> {
        self.note(format!("heard {}", verdict.map_or_else(Error::code, |()| "ok")));
        if self.shows_no_page {
            return Err("no page");
        }
        Ok(())
    }

    async fn pause(&self) {
        if self.is_slow {
            YieldOnce(false).await;
        }
    }
}

struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

pub struct App<'a>(pub &'a World);

impl drive::Transport for App<'_> {
    async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        let answer = self.0.sent(request);
        self.0.pause().await;
        answer
    }

    fn gives_up(&self, failures: u32) -> bool {
        self.0.most_failures == Some(failures)
    }
}

impl drive::Browser for App<'_> {
    type Error = &'static str;

    async fn open(&mut self, url: &AuthorizationUrl) -> Result<(), &'static str> {
        self.0.opened(url);
        self.0.pause().await;
        Ok(())
    }

    async fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, &'static str> {
        self.0.pause().await;
        self.0.redirected(deadline)
    }

    async fn heard(&mut self, _: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), &'static str> {
        self.0.heard(verdict)
    }
}

impl drive::Clock for App<'_> {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(*self.0.now.borrow())
    }

    async fn sleep_until(&self, time: UnixTime) {
        self.0.pause().await;
        self.0.slept(time);
    }
}

impl drive::Crypto for App<'_> {
    async fn verify(&self, _: &SignatureCheck) -> Option<bool> {
        self.0.note("verify");
        self.0.pause().await;
        self.0.verdicts.borrow_mut().pop_front().expect("nothing more is to be verified")
    }
}

pub fn entropy() -> Entropy {
    Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap()
}

/// A login at a server whose endpoints are known.
pub fn known() -> Login {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    of(server.issuer(ISSUER).unwrap())
}

/// One at a server whose metadata must be fetched.
pub fn by_issuer() -> Login {
    of(AuthorizationServer::from_issuer(ISSUER).unwrap())
}

fn of(server: AuthorizationServer) -> Login {
    let client = Client::new(server, "app", REDIRECT_URI).unwrap();
    Login::new(client, AuthorizationRequest::new().scope("read")).unwrap()
}

/// One that wants to know who the user is.
#[cfg(feature = "openid")]
pub fn openid() -> Login {
    openid_of(Client::builder(AuthorizationServer::from_issuer(ISSUER).unwrap(), "app", REDIRECT_URI))
}

/// The same, and the app verifies the signature.
#[cfg(feature = "openid")]
pub fn by_action() -> Login {
    let builder = Client::builder(AuthorizationServer::from_issuer(ISSUER).unwrap(), "app", REDIRECT_URI);
    openid_of(builder.verify_id_tokens_by_action(&[Algorithm::EdDsa]))
}

#[cfg(feature = "openid")]
fn openid_of(builder: ClientBuilder) -> Login {
    let client = builder.id_token_algorithms(&[Algorithm::EdDsa]).build().unwrap();
    Login::new(client, AuthorizationRequest::new().scope("openid")).unwrap()
}

#[cfg(feature = "openid")]
fn id_token() -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};

    let nonce: [u8; 32] = core::array::from_fn(|index| u8::try_from(index + 64).unwrap());
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"u","aud":"app","exp":{},"iat":{START},"nonce":"{}"}}"#,
        START + 600,
        Base64UrlUnpadded::encode_string(&nonce)
    );
    let parts = [r#"{"alg":"EdDSA"}"#, &claims, &"s".repeat(64)];
    parts.map(|part| Base64UrlUnpadded::encode_string(part.as_bytes())).join(".")
}

/// Polls a future to its end; the number of polls.
pub fn finish<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    for polls in 1..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return (output, polls);
        }
    }
    panic!("it does not end");
}

/// Polls a future so many times, and drops it.
pub fn drop_after(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    for _ in 0..polls {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it has ended");
    }
}
