//! What passes between the library and the world, told on the screen. Each type here wraps one that an app uses as it is:
//! [`Ureq`], [`SystemClock`], [`Memory`] and a browser.

use std::borrow::Borrow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth_native::browser::{BrowserError, LogoutBrowser};
use oauth_native::store::{Locked, Memory, Store, StoreError};
use oauth_native::transport::Ureq;
use oauth_native::SystemClock;
use oauth_proto::drive::blocking::{Browser, Clock, Transport};
use oauth_proto::drive::OwnedResponse;
use oauth_proto::redirect::{unproved_error, RedirectUri};
use oauth_proto::{AuthorizationUrl, Delivered, Error, LogoutUrl, Refused, Request, SavedSession, UnixTime};
use serde_json::Value;
use ureq::http::Uri;
use ureq::middleware::MiddlewareNext;
use ureq::{Agent, SendBody};

use crate::failure::words;
use crate::print::{plain, redacted, step, step_with_parameters};

/// How many times in a row a login's request may fail.
const MOST_FAILURES: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);

/// The transport and the clock.
#[derive(Clone)]
pub struct Told(Arc<Inner>);

struct Inner {
    http: Ureq,
    agent: Agent,
    /// What came of the last request.
    last: Mutex<Last>,
}

#[derive(Default)]
enum Last {
    #[default]
    Nothing,
    Answered,
    /// No response, from this URL.
    Failed(String),
}

impl Told {
    /// Calls of this API are told as such.
    pub fn new(api_url: Option<&str>) -> Self {
        let api: Option<Uri> = api_url.and_then(|url| url.parse().ok());
        let tell_calls = move |request: ureq::http::Request<SendBody>, next: MiddlewareNext| {
            let is_call = api.as_ref() == Some(request.uri());
            if is_call {
                step("api", request.method().as_str(), &redacted(&request.uri().to_string()));
            }
            let answer = next.handle(request)?;
            if is_call {
                let challenge = answer.headers().get("www-authenticate").and_then(|value| value.to_str().ok());
                step("api", &format!("status {}", answer.status().as_u16()), &plain(challenge.unwrap_or_default()));
            }
            Ok(answer)
        };
        // `Ureq::new()` has an agent like this one.
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(TIMEOUT))
            .max_idle_connections(0)
            .middleware(tell_calls)
            .build()
            .new_agent();
        Self(Arc::new(Inner { http: Ureq::with_agent(agent.clone()), agent, last: Mutex::default() }))
    }

    /// What the requests are sent with.
    pub fn agent(&self) -> &Agent {
        &self.0.agent
    }

    /// The URL of the last request, if there was no response to it.
    pub fn unreachable(&self) -> Option<String> {
        match &*self.0.last.lock().unwrap_or_else(PoisonError::into_inner) {
            Last::Failed(url) => Some(url.clone()),
            Last::Nothing | Last::Answered => None,
        }
    }
}

impl Transport for Told {
    fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        step("action", "SendRequest", &format!("{} {}", request.method(), redacted(request.url())));
        let outcome = self.0.http.send(request);
        match &outcome {
            Ok(answer) => step("event", "ResponseReceived", &format!("status {}", answer.response().status())),
            Err(delivered) => step("event", "SendFailed", &format!("{delivered:?}")),
        }
        let last = if outcome.is_ok() { Last::Answered } else { Last::Failed(request.url().to_owned()) };
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
        outcome
    }

    fn gives_up(&self, failures: u32) -> bool {
        failures >= MOST_FAILURES
    }
}

/// So that the handle has calls of the API, as it has with [`Ureq`] itself.
impl Borrow<Ureq> for Told {
    fn borrow(&self) -> &Ureq {
        &self.0.http
    }
}

impl Clock for Told {
    fn now(&self) -> UnixTime {
        Clock::now(&SystemClock)
    }

    fn sleep_until(&self, time: UnixTime) {
        let seconds = time.saturating_since(Clock::now(self));
        if self.unreachable().is_none() {
            step("action", "RetryAt", "the server is busy");
        }
        step("", "", &format!("waiting {seconds} s, and then the same again (Ctrl-C ends this)"));
        Clock::sleep_until(&SystemClock, time);
    }
}

/// A browser that is waited for by a thread, for logins and logouts.
pub trait Way: Browser<Error = BrowserError> + LogoutBrowser<Error = BrowserError> {}

impl<B: Browser<Error = BrowserError> + LogoutBrowser<Error = BrowserError>> Way for B {}

/// The browser.
pub struct ToldBrowser {
    way: Box<dyn Way>,
    redirect_uri: String,
    /// The last wait ended without a redirect.
    nobody_came: bool,
    /// An error without `state`: anybody can have sent it, so it does not end the login; but a user who has seen the same in the
    /// browser need not wait any longer.
    unproved: Option<Refused>,
}

impl ToldBrowser {
    pub fn new(way: Box<dyn Way>, redirect_uri: String) -> Self {
        Self { way, redirect_uri, nobody_came: false, unproved: None }
    }

    /// The URI that the browser comes back to.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether the last login has ended because nobody came back to it.
    pub fn nobody_came(&self) -> bool {
        self.nobody_came
    }

    /// An error that may be why; anybody can have sent it.
    pub fn unproved(&self) -> Option<&Refused> {
        self.unproved.as_ref()
    }

    fn begin(&mut self, url: &str) {
        (self.nobody_came, self.unproved) = (false, None);
        step_with_parameters("action", "OpenUrl", url);
    }

    fn verdict(verdict: Result<(), &Error>) {
        match verdict {
            Err(error) if !error.is_fatal() => step("refused", error.code(), "not ours, still waiting"),
            _ => {}
        }
    }
}

impl Browser for ToldBrowser {
    type Error = BrowserError;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.begin(url);
        self.way.open(url)
    }

    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        let redirect = self.way.redirect(deadline)?;
        self.nobody_came = redirect.is_none();
        match &redirect {
            Some(url) => {
                step("event", "RedirectReceived", &redacted(url));
                let own = RedirectUri::new(&self.redirect_uri).ok();
                if let Some(refused) = own.and_then(|own| unproved_error(url, &own)) {
                    step("unproved", "error", &plain(&words(&refused)));
                    let advice = "if the browser shows the same, end this with Ctrl-C";
                    step("", "", &format!("it has no state, so anybody can have sent it; {advice}"));
                    self.unproved = Some(refused);
                }
            }
            None => step("event", "Cancelled", "nobody came back from the browser"),
        }
        Ok(redirect)
    }

    fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        Self::verdict(verdict);
        self.way.heard(url, verdict)
    }
}

impl LogoutBrowser for ToldBrowser {
    type Error = BrowserError;

    fn open_logout(&mut self, url: &LogoutUrl) -> Result<(), BrowserError> {
        self.begin(url);
        self.way.open_logout(url)
    }

    fn heard_logout(&mut self, url: &LogoutUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        Self::verdict(verdict);
        self.way.heard_logout(url, verdict)
    }
}

/// The store. It is in memory: a real app keeps the session in a file, or in the system's keychain.
#[derive(Default)]
pub struct ToldStore(Memory);

impl ToldStore {
    /// Whether there is a refresh token.
    pub fn can_refresh(&self) -> bool {
        self.0.lock().and_then(|mut locked| locked.load()).is_ok_and(|saved| refresh_token(saved.as_ref()).is_some())
    }
}

impl Store for ToldStore {
    fn lock(&self) -> Result<Box<dyn Locked + Send>, StoreError> {
        Ok(Box::new(ToldLocked(self.0.lock()?)))
    }
}

struct ToldLocked(Box<dyn Locked + Send>);

impl Locked for ToldLocked {
    fn load(&mut self) -> Result<Option<SavedSession>, StoreError> {
        self.0.load()
    }

    fn save(&mut self, form: Option<&SavedSession>) -> Result<(), StoreError> {
        let before = self.0.load()?;
        let what = match (&before, form) {
            (_, None) => "nothing is kept any more",
            (None, _) => "the session of this login",
            _ if refresh_token(before.as_ref()) == refresh_token(form) => "the refresh token stays",
            _ => "rotated: another refresh token",
        };
        step("action", "Save", what);
        self.0.save(form)
    }
}

fn refresh_token(saved: Option<&SavedSession>) -> Option<Value> {
    serde_json::to_value(saved?).ok()?.get("refresh_token").cloned()
}
