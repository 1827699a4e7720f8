//! One of the processes. The recipe is [`Worker::bearer`], [`Worker::log_in`] and [`Worker::sign_out`].
//!
//! What to do comes in on standard input, a line each: `use 3` for three access tokens, one after the other; `die now`;
//! `login` and the refresh token that the login gave; `sign out`. What happens goes out on standard output, and `ok` when a line is done (and once before the first).

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use oauth_proto::{
    Access, Adopted, AuthorizationServer, Bearer, Client, ConfigError, Delivered, Event, RequestId, Secret, Session,
    SessionAction, SignOut, Tokens, UnixTime,
};

use crate::http::Http;
use crate::store::{Locked, Store};

/// The exit code of the process that dies in the middle.
pub const DIED: i32 = 9;

const HTTP_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// The client: the same in every process, or the stored session is not taken.
pub fn client(server: &str) -> Result<Client, ConfigError> {
    let url = |path: &str| format!("{server}{path}");
    let known = AuthorizationServer::on_insecure_loopback(&url("/authorize"), &url("/token"))?
        .revocation_endpoint(&url("/revoke"))?;
    Client::builder(known, "oauth-proto-example", "com.example.app:/callback").api_origin(server).build()
}

/// Does what standard input says, until it ends.
pub fn work(store: &str, server: &str) -> Result<(), String> {
    let client = client(server).map_err(text)?;
    let (store, http) = (Store::at(Path::new(store)), Http::new(HTTP_TIMEOUT));
    let mut worker = Worker { client, session: None, http, api: format!("{server}/api"), dies: false };
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
    /// `None` while nobody is signed in.
    session: Option<Session>,
    http: Http,
    api: String,
    dies: bool,
}

/// A request under way. Whoever gives up half-way, by a panic for example, lets the session know; once the answer was handed
/// over, this does nothing.
struct Sent<'a>(&'a mut Session, RequestId);

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        drop(self.0.handle(Event::SendFailed(self.1, Delivered::Maybe), now()));
    }
}

impl Worker {
    /// An access token, by the recipe; `None` when nobody is signed in.
    fn bearer(&mut self, store: &Store) -> Result<Option<(Bearer, &'static str)>, String> {
        loop {
            // 1. Lock: from here on no other process refreshes.
            let locked = store.lock().map_err(text)?;
            // 2. and 3. Load, and adopt: another process may have refreshed, and the refresh token here may be spent.
            let mut how = self.follow(&locked)?;
            let Some(session) = &mut self.session else { return Ok(None) };
            // 4. Only now ask.
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
                drop(sent.0.handle(answer.event(), now())); // what it means, `access` says
                drop(sent);
                // 6. Store what there is now, before it is used, or remove what is stored if there is nothing any more.
                locked.store(session.save().as_ref()).map_err(text)?;
                how = "has refreshed and stored";
            };
            match access {
                Access::Ready(bearer) => return Ok(Some((bearer, how))),
                // `why.request()` is the login to make, if it is more than the one before was.
                Access::LoginRequired(why) => return Err(text(why)),
                Access::Refused { error, .. } => return Err(text(error)),
                Access::RetryAt(_) | Access::Wait(_) | Access::SendRequest(_) => {
                    drop(locked); // others may have better luck
                    sleep(PAUSE);
                }
            }
        }
    }

    /// Brings the session to what is stored, and says how it got its tokens.
    fn follow(&mut self, locked: &Locked<'_>) -> Result<&'static str, String> {
        let Some(saved) = locked.load().map_err(text)? else {
            self.session = None; // another process has signed out, and tells the server
            return Ok("");
        };
        let adopted = match &mut self.session {
            Some(session) => session.adopt(saved.clone()).map_err(text)?,
            None => Adopted::OtherLogin,
        };
        match adopted {
            Adopted::NotNewer => Ok("still had"),
            Adopted::Newer => Ok("found in the store"),
            // The store is another login's now. Going over to it is this app's own act: every call here is made anew, and none
            // of the old user's is waiting to be made in the new one's name.
            Adopted::OtherLogin => {
                if self.session.is_some() {
                    println!("finds another login in the store, and goes over to it");
                }
                self.session = Some(Session::restore(self.client.clone(), saved).map_err(text)?);
                Ok("found in the store")
            }
        }
    }

    /// The user has logged in, and the login gave this refresh token: stored first, and only then the session of this process.
    fn log_in(&mut self, store: &Store, refresh_token: &str) -> Result<(), String> {
        // The access token has run out: the first call will need another one.
        let tokens = Tokens::from_parts(Secret::new("expired"), Some(Secret::new(refresh_token)), Some(now()), "");
        let session = Session::new(self.client.clone(), tokens);
        store.lock().and_then(|locked| locked.store(session.save().as_ref())).map_err(text)?;
        self.session = Some(session);
        println!("has logged in");
        Ok(())
    }

    /// Sign-out, by the same recipe. The file goes first: whatever the server says, the user is signed out everywhere.
    fn sign_out(&mut self, store: &Store) -> Result<(), String> {
        let locked = store.lock().map_err(text)?;
        self.follow(&locked)?;
        let Some(mut session) = self.session.take() else { return Ok(()) };
        let mut action = session.sign_out(SignOut::new());
        locked.store(None).map_err(text)?;
        drop(locked);
        loop {
            action = match action {
                SessionAction::SendRequest(request) => {
                    let answer = self.http.send(&request);
                    session.handle(answer.event(), now()).map_err(text)?
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

    /// Calls the API with so many access tokens, each of them as soon as there is a new one.
    fn make_calls(&mut self, store: &Store, count: u32) -> Result<(), String> {
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
            match self.http.get(&self.api, headers) {
                Ok(answer) if answer.status == 200 => println!("calls the API with a token that it {how}"),
                Ok(answer) => return Err(format!("the API answered with status {}", answer.status)),
                Err(failure) => return Err(failure.why),
            }
            called = called.saturating_add(1);
            last = Some(bearer);
        }
        Ok(())
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

#[allow(clippy::disallowed_methods)] // the library reads no clock: this is where its caller does
pub fn now() -> UnixTime {
    SystemTime::now().into()
}
