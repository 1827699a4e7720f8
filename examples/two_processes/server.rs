//! A token server and an API, for 127.0.0.1 only, in a thread of their own. There is one login at a time, and the
//! first exists from the start.
//!
//! Every refresh token works once. When one is used again, the whole login ends (RFC 9700 §4.14.2), except within a grace
//! period: while its successor is unused, the answer may have been lost, and is sent again.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{header, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;

/// How long a used refresh token is accepted again.
pub const GRACE: Duration = Duration::from_secs(10);
/// How long an access token works. Short, so that much happens in little time.
const LIFETIME_SECS: u64 = 2;
/// How much longer the API accepts an access token, because clocks differ.
const LEEWAY_SECS: u64 = 5;
/// How long every answer of the token endpoint takes: long enough for two processes to refresh at the same time.
const DELAY: Duration = Duration::from_millis(200);

/// How often each of these has happened so far.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub refreshed: u32,
    /// Refresh tokens used again within the grace period.
    pub retried: u32,
    /// Refresh tokens used again at any other time, which ends the login.
    pub replayed: u32,
    pub calls: u32,
    pub revoked: u32,
}

/// A server that runs until the process ends.
pub struct Server {
    /// `http://127.0.0.1:port`.
    pub origin: String,
    shared: Shared,
}

impl Server {
    /// Takes a free port and starts. The second value is the refresh token of the login.
    pub fn start() -> io::Result<(Self, String)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let origin = format!("http://{}", listener.local_addr()?);
        let first = random()?;
        let shared = Shared(Arc::new(Mutex::new(Login::new(first.clone()))));
        let router = Router::new()
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/api", get(api))
            .with_state(shared.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("token server".into()).spawn(move || {
            let served =
                runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await });
            if let Err(error) = served {
                eprintln!("the token server has stopped: {error}");
            }
        })?;
        Ok((Self { origin, shared }, first))
    }

    /// The user logs in again, which ends the previous login. Returns the refresh token of the new one.
    pub fn log_in(&self) -> io::Result<String> {
        let first = random()?;
        let mut login = self.shared.login();
        login.end();
        login.current = Some(first.clone());
        Ok(first)
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.shared.login().counts
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Login>>);

impl Shared {
    fn login(&self) -> MutexGuard<'_, Login> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Login {
    /// The one refresh token that works; `None` once the login has ended.
    current: Option<String>,
    spent: BTreeMap<String, Spent>,
    access: BTreeMap<String, Instant>,
    counts: Counts,
}

struct Spent {
    when: Instant,
    successor: String,
}

impl Login {
    fn new(refresh_token: String) -> Self {
        Self {
            current: Some(refresh_token),
            spent: BTreeMap::new(),
            access: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// The new access token and the new refresh token; `Err` is the error code of RFC 6749 §5.2.
    fn refresh(&mut self, token: &str, now: Instant) -> Result<(String, String), &'static str> {
        let current = self.current.clone().ok_or("invalid_grant")?;
        let (access, successor) = random().and_then(|one| Ok((one, random()?))).map_err(|_| "server_error")?;
        if token == current {
            self.counts.refreshed = self.counts.refreshed.saturating_add(1);
        } else {
            let spent = self.spent.get(token).ok_or("invalid_grant")?;
            let its_successor_is_unused = spent.successor == current;
            if !its_successor_is_unused || now.saturating_duration_since(spent.when) > GRACE {
                self.counts.replayed = self.counts.replayed.saturating_add(1);
                self.end();
                return Err("invalid_grant");
            }
            self.counts.retried = self.counts.retried.saturating_add(1);
            // The successor that was lost is spent as well: if it is used later, that is a replay.
            self.spent.insert(current, Spent { when: now, successor: String::new() });
        }
        self.spent.insert(token.to_owned(), Spent { when: now, successor: successor.clone() });
        self.current = Some(successor.clone());
        let lifetime = Duration::from_secs(LIFETIME_SECS.saturating_add(LEEWAY_SECS));
        self.access.insert(access.clone(), now.checked_add(lifetime).unwrap_or(now));
        Ok((access, successor))
    }

    fn revoke(&mut self, token: &str) {
        if self.current.as_deref() == Some(token) || (self.current.is_some() && self.spent.contains_key(token)) {
            self.counts.revoked = self.counts.revoked.saturating_add(1);
            self.end();
        }
    }

    fn end(&mut self) {
        self.current = None;
        self.access.clear();
    }

    fn call(&mut self, access_token: &str, now: Instant) -> bool {
        let good = self.access.get(access_token).is_some_and(|expires| now < *expires);
        self.counts.calls = self.counts.calls.saturating_add(u32::from(good));
        good
    }
}

/// `POST /token` (RFC 6749 §6).
async fn token(State(shared): State<Shared>, body: String) -> Response {
    let answer = match (field(&body, "grant_type").as_deref(), field(&body, "refresh_token")) {
        (Some("refresh_token"), Some(token)) => shared.login().refresh(&token, now()),
        _ => Err("invalid_request"),
    };
    // The tokens are issued already; only the answer is delayed.
    tokio::time::sleep(DELAY).await;
    match answer {
        Ok((access_token, refresh_token)) => Json(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECS,
            "refresh_token": refresh_token,
        }))
        .into_response(),
        Err("server_error") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

/// `POST /revoke` (RFC 7009).
async fn revoke(State(shared): State<Shared>, body: String) -> StatusCode {
    shared.login().revoke(&field(&body, "token").unwrap_or_default());
    StatusCode::OK
}

/// `GET /api`, which takes every access token of this server.
async fn api(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if shared.login().call(token, now()) {
        Json(json!({})).into_response()
    } else {
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")]).into_response()
    }
}

fn field(body: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(body.as_bytes()).find(|(one, _)| one == name).map(|(_, value)| value.into_owned())
}

/// 256 bits from the operating system.
fn random() -> io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(Base64UrlUnpadded::encode_string(&bytes))
}

#[allow(clippy::disallowed_methods)] // the library reads no clock; a server has to
fn now() -> Instant {
    Instant::now()
}
