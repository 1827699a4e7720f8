//! The login, stored while the user is in the browser.

use std::sync::mpsc::Receiver;
use std::sync::Arc;

use oauth_native::browser::BrowserError;
use oauth_native::oauth_proto::drive::blocking::{login, Browser, Clock, Transport};
use oauth_native::oauth_proto::drive::DriveError;
use oauth_native::oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Error, Event, Login, ResponseMode, SavedLogin,
    Tokens,
};
use oauth_native::store::{File, Store as _};
use oauth_native::transport::Ureq;
use oauth_native::SystemClock;
use serde_json::{json, Value};

use crate::events::Events;
use crate::options::Options;
use crate::remembering::Remembering;
use crate::Failure;

pub struct App<B> {
    client: Client,
    request: Arc<AuthorizationRequest>,
    browser: B,
    store: Arc<File<SavedLogin>>,
    transport: Ureq,
    events: Events,
}

impl<B: Browser<Error = BrowserError>> App<B> {
    pub fn new(options: &Options, events: &Events, redirect_uri: &str, browser: B) -> Result<Self, Failure> {
        let server = AuthorizationServer::from_issuer_on_insecure_loopback(&options.issuer)?
            .id_token_signing_alg_values_supported(&["ES256"]);
        let client = Client::builder(server, "native-app", redirect_uri)
            .login_timeout_secs(options.login_timeout_secs)
            .build()?;
        // With this prompt the server gives a refresh token, and asks each time.
        let mut request = AuthorizationRequest::new().scope("openid profile offline_access").prompt("consent");
        if options.form_post {
            request = request.response_mode(ResponseMode::FormPost);
        }
        Ok(Self {
            client,
            request: request.into(),
            browser,
            store: Arc::new(File::new(options.folder.join("session.json")).pending_login()),
            transport: Ureq::new(),
            events: events.clone(),
        })
    }

    /// A login, and one more for each command. `before` is called before each.
    pub fn run(mut self, commands: &Receiver<()>, mut before: impl FnMut(&B)) -> Result<(), Failure> {
        loop {
            before(&self.browser);
            let told = match self.log_in() {
                Ok(tokens) => described(&tokens),
                Err(failure) => json!({ "event": "failed", "why": code(&failure), "text": failure.to_string() }),
            };
            self.events.say(&told);
            if commands.recv().is_err() {
                return Ok(());
            }
        }
    }

    fn log_in(&mut self) -> Result<Tokens, Failure> {
        let saved = self.store.lock()?.load()?;
        let mut pending = match saved {
            Some(saved) => {
                self.events.say(&json!({ "event": "resumes" }));
                Login::resume(self.client.clone(), saved, SystemClock.now())?
            }
            None => self.begun()?,
        };
        let mut browser =
            Remembering { browser: &mut self.browser, store: Arc::clone(&self.store), events: self.events.clone() };
        let tokens = login(&mut pending, Entropy::from_os()?, &self.transport, &mut browser, &SystemClock);
        if tokens.is_err() {
            self.store.lock()?.save(None)?;
        }
        Ok(tokens?)
    }

    /// A new login, driven to the point where the browser is to be opened, and stored.
    fn begun(&self) -> Result<Login, Failure> {
        let mut login = Login::new(self.client.clone(), Arc::clone(&self.request))?;
        let mut action = login.handle(Event::Start(Entropy::from_os()?), SystemClock.now())?;
        while let Action::SendRequest(request) = action {
            let answer = self.transport.send(&request).map_err(|_| "the server cannot be reached")?;
            action = login.handle(Event::ResponseReceived(request.id(), answer.response()), SystemClock.now())?;
        }
        self.store.lock()?.save(login.save().as_ref())?;
        Ok(login)
    }
}

fn described(tokens: &Tokens) -> Value {
    json!({
        "event": "tokens",
        "scope": tokens.scope(),
        "refresh_token": tokens.refresh_token().is_some(),
        "sub": tokens.id_token().map(oauth_native::oauth_proto::IdToken::subject),
    })
}

fn code(failure: &Failure) -> Option<&'static str> {
    match failure.downcast_ref::<DriveError<BrowserError>>() {
        Some(DriveError::Login(error)) => Some(error.code()),
        Some(DriveError::Browser(error)) => Some(error.code()),
        _ => failure.downcast_ref::<Error>().map(Error::code),
    }
}
