//! One of the processes. The recipe is [`Worker::bearer`] and [`Worker::sign_out`].
//!
//! What to do comes in on standard input, a line each: `use 3` for three access tokens, one after the other; `die`;
//! `sign out`. What happens goes out on standard output, and `ok` when a line is done (and once before the first).

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use oauth_proto::{
    Access, Adopted, AuthorizationServer, Bearer, Client, ConfigError, Session, SessionAction, SessionPhase, SignOut,
    UnixTime,
};

use crate::http::Http;
use crate::store::Store;

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
    let store = Store::at(Path::new(store));
    let client = client(server).map_err(text)?;
    let saved = store.lock().and_then(|store| store.load()).map_err(text)?;
    let session = saved.map(|saved| Session::restore(client, saved)).transpose().map_err(text)?;
    let session = session.ok_or("nobody is signed in")?;
    let mut worker =
        Worker { store, session, http: Http::new(HTTP_TIMEOUT), api: format!("{server}/api"), dies: false };
    println!("ok");
    for line in io::stdin().lines() {
        match line.map_err(text)?.split_once(' ').unwrap_or_default() {
            ("use", count) => worker.make_calls(count.parse().map_err(text)?)?,
            ("die", _) => {
                worker.dies = true;
                worker.make_calls(u32::MAX)?;
            }
            ("sign", _) => worker.sign_out()?,
            _ => return Err("no such order".into()),
        }
        println!("ok");
    }
    Ok(())
}

struct Worker {
    store: Store,
    session: Session,
    http: Http,
    api: String,
    dies: bool,
}

impl Worker {
    /// An access token, by the recipe; `None` when another process has signed out.
    fn bearer(&mut self) -> Result<Option<(Bearer, &'static str)>, String> {
        let mut how = "still had";
        loop {
            // 1. Lock: from here on no other process refreshes.
            let store = self.store.lock().map_err(text)?;
            // 2. Load. Nothing there means that another process has signed out, and has told the server.
            let Some(saved) = store.load().map_err(text)? else {
                let _revocation = self.session.sign_out(SignOut::new());
                return Ok(None);
            };
            // 3. Adopt: the other one may have refreshed, and the refresh token here may be spent.
            if self.session.adopt(saved).map_err(text)? == Adopted::Newer {
                how = "found in the store";
            }
            // 4. Only now ask.
            match self.session.access(now()) {
                Access::Ready(bearer) => return Ok(Some((bearer, how))),
                Access::SendRequest(request) => {
                    how = match self.session.phase() {
                        SessionPhase::Retrying => "got by the same refresh token once more",
                        _ => "has refreshed and stored",
                    };
                    // 5. Store that a refresh is being sent: should this process die, the next one knows.
                    store.store(self.session.save().as_ref()).map_err(text)?;
                    let answer = self.http.send(&request);
                    if self.dies {
                        println!("has sent the refresh, and dies");
                        process::exit(DIED);
                    }
                    // 6. Store what came of it, before it is used, and unlock.
                    let action = self.session.handle(answer.event(), now()).map_err(text)?;
                    store.store(self.session.save().as_ref()).map_err(text)?;
                    if let SessionAction::LoginRequired(why) = action {
                        return Err(text(why));
                    }
                }
                Access::LoginRequired(why) => return Err(text(why)),
                Access::RetryAt(_) | Access::Wait(_) => {
                    drop(store); // others may have better luck
                    sleep(PAUSE);
                }
            }
        }
    }

    /// Sign-out, by the same recipe. The file goes first: whatever the server says, the user is signed out everywhere.
    fn sign_out(&mut self) -> Result<(), String> {
        let store = self.store.lock().map_err(text)?;
        if let Some(saved) = store.load().map_err(text)? {
            let _newer_or_not = self.session.adopt(saved).map_err(text)?;
        }
        let mut action = self.session.sign_out(SignOut::new());
        store.store(None).map_err(text)?;
        drop(store);
        loop {
            action = match action {
                SessionAction::SendRequest(request) => {
                    let answer = self.http.send(&request);
                    self.session.handle(answer.event(), now()).map_err(text)?
                }
                SessionAction::RetryAt(_) => {
                    sleep(PAUSE);
                    self.session.pending_action().unwrap_or(SessionAction::SignedOut)
                }
                _ => break,
            };
        }
        println!("has signed out");
        Ok(())
    }

    /// Calls the API with so many access tokens, each of them as soon as there is a new one.
    fn make_calls(&mut self, count: u32) -> Result<(), String> {
        let mut last: Option<Bearer> = None;
        let mut called: u32 = 0;
        while called < count {
            let Some((bearer, how)) = self.bearer()? else {
                println!("finds the store empty: signed out in another process");
                return Ok(());
            };
            if last.as_ref().is_some_and(|last| last.token().reveal() == bearer.token().reveal()) {
                sleep(PAUSE);
                continue;
            }
            let value = bearer.authorization(&self.api, &["Accept"]).map_err(text)?;
            match self.http.get(&self.api, value.as_str()) {
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
