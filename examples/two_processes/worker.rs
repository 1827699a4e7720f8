//! One of the processes. The recipe is [`Worker::bearer`], [`Worker::log_in`] and [`Worker::sign_out`].
//!
//! Orders come on standard input, one a line: `use 3` to use three access tokens, one after the other; `die now`; `login` and the
//! refresh token of the new login; `sign out`. What happens goes to standard output, and `ok` after each order (and once before
//! the first).

use std::fmt::Display;
use std::io;
use std::process;
use std::thread::sleep;
use std::time::Duration;

use oauth_native::store::{File, Locked, Store};
use oauth_native::transport::Ureq;
use oauth_native::SystemClock;
use oauth_proto::drive::blocking::{Clock, Transport};
use oauth_proto::drive::OwnedResponse;
use oauth_proto::{
    Access, Adopted, AuthorizationServer, Bearer, Client, ConfigError, Delivered, Event, Request, RequestId, Secret,
    Session, SessionAction, SignOut, Tokens, UnixTime,
};

/// The exit code of the process that dies during a refresh.
pub const DIED: i32 = 9;

const PAUSE: Duration = Duration::from_millis(50);

/// The client. It must be the same in every process, or the stored session is refused.
pub fn client(server: &str) -> Result<Client, ConfigError> {
    let url = |path: &str| format!("{server}{path}");
    let known = AuthorizationServer::on_insecure_loopback(&url("/authorize"), &url("/token"))?
        .revocation_endpoint(&url("/revoke"))?;
    Client::builder(known, "oauth-proto-example", "com.example.app:/callback").api_origin(server).build()
}

/// Carries out the orders on standard input until it ends.
pub fn work(store: &str, server: &str) -> Result<(), String> {
    let client = client(server).map_err(text)?;
    let store = File::new(store);
    let mut worker = Worker { client, session: None, http: Ureq::new(), api: format!("{server}/api"), dies: false };
    println!("ok");
    for line in io::stdin().lines() {
        match line.map_err(text)?.split_once(' ').unwrap_or_default() {
            ("use", count) => worker.make_calls(&store, count.parse().map_err(text)?)?,
            ("die", _) => {
                worker.dies = true;
                worker.make_calls(&store, u32::MAX)?;
            }
            ("login", refresh_token) => worker.log_in(&store, refresh_token)?,
            ("sign", _) => worker.sign_out(&store)?,
            _ => return Err("no such order".into()),
        }
        println!("ok");
    }
    Ok(())
}

struct Worker {
    client: Client,
    /// `None` while no user is signed in.
    session: Option<Session>,
    http: Ureq,
    api: String,
    dies: bool,
}

/// A request under way. Dropping it without an answer, by a panic for example, tells the session so; after the answer was handed
/// over, dropping it does nothing.
struct Sent<'a>(&'a mut Session, RequestId);

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        drop(self.0.handle(Event::SendFailed(self.1, Delivered::Maybe), now()));
    }
}

impl Worker {
    /// An access token, by the recipe; `None` when no user is signed in.
    fn bearer(&mut self, store: &File) -> Result<Option<(Bearer, &'static str)>, String> {
        loop {
            // 1. Lock: from here on no other process refreshes.
            let mut locked = store.lock().map_err(text)?;
            // 2. and 3. Load, and adopt: another process may have refreshed, and the refresh token here may be spent.
            let mut how = self.follow(&mut *locked)?;
            let Some(session) = &mut self.session else { return Ok(None) };
            // 4. Only now ask for access.
            let access = loop {
                let access = session.access(now());
                let Access::SendRequest(request) = access else { break access };
                // 5. Send. Should this process die now, the next one sends the same refresh token again.
                let sent = Sent(session, request.id());
                let answer = self.http.send(&request);
                if self.dies {
                    println!("has sent the refresh, and dies");
                    process::exit(DIED);
                }
                drop(sent.0.handle(outcome(&request, &answer), now())); // the next call of `access` says what it means
                drop(sent);
                // 6. Store the session before the new token is used, or remove the stored one if `save` gives `None`.
                locked.save(session.save().as_ref()).map_err(text)?;
                how = "has refreshed and stored";
            };
            match access {
                Access::Ready(bearer) => return Ok(Some((bearer, how))),
                // `why.request()` is the login to make, if it differs from the one before.
                Access::LoginRequired(why) => return Err(text(why)),
                Access::Refused { error, .. } => return Err(text(error)),
                Access::RetryAt(_) | Access::Wait(_) | Access::SendRequest(_) | Access::Verify(_) => {
                    drop(locked); // another process may reach the server
                    sleep(PAUSE);
                }
            }
        }
    }

    /// Brings the session up to date with the store, and says how it got its tokens.
    fn follow(&mut self, locked: &mut dyn Locked) -> Result<&'static str, String> {
        let Some(saved) = locked.load().map_err(text)? else {
            self.session = None; // another process has signed out; it revokes the tokens
            return Ok("");
        };
        let adopted = match &mut self.session {
            Some(session) => session.adopt(saved.clone()).map_err(text)?,
            None => Adopted::OtherLogin,
        };
        match adopted {
            Adopted::NotNewer => Ok("still had"),
            Adopted::Newer => Ok("found in the store"),
            // The store holds another login now. This app decides to switch to it: every call here is made from scratch, so no call
            // of the old user is waiting that would be made in the new user's name.
            Adopted::OtherLogin => {
                if self.session.is_some() {
                    println!("finds another login in the store, and goes over to it");
                }
                self.session = Some(Session::restore(self.client.clone(), saved).map_err(text)?);
                Ok("found in the store")
            }
        }
    }

    /// The user has logged in again, with this refresh token. It is stored first, and only then used by this process.
    fn log_in(&mut self, store: &File, refresh_token: &str) -> Result<(), String> {
        // The access token has expired: the first call needs another one.
        let tokens = Tokens::from_parts(Secret::new("expired"), Some(Secret::new(refresh_token)), Some(now()), "");
        let session = Session::new(self.client.clone(), tokens);
        store.lock().and_then(|mut locked| locked.save(session.save().as_ref())).map_err(text)?;
        self.session = Some(session);
        println!("has logged in");
        Ok(())
    }

    /// Sign-out, by the same recipe. The file is removed first: whatever the server answers, all processes are signed out.
    fn sign_out(&mut self, store: &File) -> Result<(), String> {
        let mut locked = store.lock().map_err(text)?;
        self.follow(&mut *locked)?;
        let Some(mut session) = self.session.take() else { return Ok(()) };
        let mut action = session.sign_out(SignOut::new());
        locked.save(None).map_err(text)?;
        drop(locked);
        loop {
            action = match action {
                SessionAction::SendRequest(request) => {
                    let answer = self.http.send(&request);
                    session.handle(outcome(&request, &answer), now()).map_err(text)?
                }
                SessionAction::RetryAt(_) => {
                    sleep(PAUSE);
                    session.pending_action().unwrap_or(SessionAction::SignedOut)
                }
                _ => break,
            };
        }
        println!("has signed out");
        Ok(())
    }

    /// Calls the API with this many access tokens, each as soon as there is a new one.
    fn make_calls(&mut self, store: &File, count: u32) -> Result<(), String> {
        let mut last: Option<Bearer> = None;
        let mut called: u32 = 0;
        while called < count {
            let Some((bearer, how)) = self.bearer(store)? else {
                println!("finds the store empty: signed out in another process");
                return Ok(());
            };
            if last.as_ref().is_some_and(|last| last.token().reveal() == bearer.token().reveal()) {
                sleep(PAUSE);
                continue;
            }
            let headers = bearer.headers("GET", &self.api).map_err(text)?;
            let request = ureq::get(&self.api).config().proxy(None).build();
            let request = headers.fold(request, |request, (name, value)| request.header(name, value.as_str()));
            request.call().map_err(|error| format!("the API: {error}"))?;
            println!("calls the API with a token that it {how}");
            called = called.saturating_add(1);
            last = Some(bearer);
        }
        Ok(())
    }
}

fn outcome<'a>(request: &Request, answer: &'a Result<OwnedResponse, Delivered>) -> Event<'a> {
    match answer {
        Ok(answer) => Event::ResponseReceived(request.id(), answer.response()),
        Err(delivered) => Event::SendFailed(request.id(), *delivered),
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

pub fn now() -> UnixTime {
    SystemClock.now()
}
