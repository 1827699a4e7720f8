//! A token server, a clock and a store, all in memory.

use std::collections::{BTreeSet, VecDeque};
use std::future::{poll_fn, Future};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use oauth_native::api::{blocking, Api};
use oauth_native::store::{Locked, Store, StoreError};
use oauth_proto::drive::OwnedResponse;
use oauth_proto::{AuthorizationServer, Client, Delivered, Request, SavedSession, Secret, Session, Tokens, UnixTime};

pub const API: &str = "https://api.example.com/me";

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that a test needs. Clones share it.
#[derive(Clone)]
pub struct World {
    pub server: Server,
    pub clock: FakeClock,
    pub store: Arc<Memory>,
}

impl World {
    pub fn new() -> Self {
        Self { server: Server::default(), clock: FakeClock::at(1000), store: Arc::default() }
    }

    pub fn client() -> Client {
        Self::client_with_timeout(60)
    }

    fn client_with_timeout(seconds: u64) -> Client {
        let server =
            AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
        let server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
        let server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
        let server = server.issuer("https://as.example.com").unwrap().jwks_uri("https://as.example.com/keys").unwrap();
        let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback");
        let client = client.api_origin("https://api.example.com").post_logout_redirect_uri("com.example.app:/logout");
        client.demandable_scope("write").refresh_timeout_secs(seconds).build().unwrap()
    }

    /// AT1 and RT1, of which the former expires at this time.
    pub fn session(expires_at: u64) -> Session {
        Self::session_with_timeout(expires_at, 60)
    }

    pub fn session_with_timeout(expires_at: u64, seconds: u64) -> Session {
        let expires_at = Some(UnixTime::from_secs(expires_at));
        let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), expires_at, "read");
        Session::new(Self::client_with_timeout(seconds), tokens)
    }

    /// A session of another login.
    pub fn another_session() -> Session {
        let tokens = Tokens::from_parts(Secret::new("AT8"), Some(Secret::new("RT8")), None, "read");
        Session::new(Self::client(), tokens)
    }

    pub fn tasks_of(&self, session: Session) -> Api<Server, FakeClock> {
        let (server, clock, store) = (self.server.clone(), self.clock.clone(), Arc::clone(&self.store));
        crate::executor::block_on(Api::new(session, server, clock, store)).unwrap()
    }

    /// The handle for threads of a session whose access token expires then.
    pub fn threads(&self, expires_at: u64) -> blocking::Api<Server, FakeClock> {
        let (server, clock, store) = (self.server.clone(), self.clock.clone(), Arc::clone(&self.store));
        blocking::Api::new(Self::session(expires_at), server, clock, store).unwrap()
    }

    /// The same for tasks.
    pub fn tasks(&self, expires_at: u64) -> Api<Server, FakeClock> {
        self.tasks_of(Self::session(expires_at))
    }

    /// Another handle on the same store.
    pub fn other_threads(&self) -> blocking::Api<Server, FakeClock> {
        let (server, clock, store) = (self.server.clone(), self.clock.clone(), Arc::clone(&self.store));
        blocking::Api::restore(Self::client(), server, clock, store).unwrap().unwrap()
    }

    pub fn other_tasks(&self) -> Api<Server, FakeClock> {
        let (server, clock, store) = (self.server.clone(), self.clock.clone(), Arc::clone(&self.store));
        crate::executor::block_on(Api::restore(Self::client(), server, clock, store)).unwrap().unwrap()
    }
}

/// A token server that rotates refresh tokens, and writes down what it sees.
#[derive(Clone, Default)]
pub struct Server(pub Arc<Books>);

#[derive(Default)]
pub struct Books {
    pub sent: Mutex<Sent>,
    /// Answers that are given before its own.
    pub canned: Mutex<VecDeque<Canned>>,
    /// How long a request takes: in milliseconds for threads, in polls for tasks.
    pub delay: AtomicU64,
    /// Whether it processes a request when it comes, not when it answers.
    pub is_quick: AtomicBool,
}

pub enum Canned {
    Answer(u16, &'static str),
    Fails(Delivered),
    Panics,
    /// Never comes back.
    Hangs,
}

#[derive(Default)]
pub struct Sent {
    /// The refresh tokens, in the order in which they came.
    pub refreshes: Vec<String>,
    pub revoked: Vec<String>,
    /// How often the keys were asked for.
    pub keys: u32,
    under_way: BTreeSet<String>,
    /// A refresh token came while another request with it was under way.
    pub twice_at_once: bool,
    /// The number of the present refresh token, less one.
    pub rotations: u32,
}

impl Server {
    pub fn sent(&self) -> MutexGuard<'_, Sent> {
        lock(&self.0.sent)
    }

    pub fn refreshes(&self) -> usize {
        self.sent().refreshes.len()
    }

    pub fn answers(&self, canned: Canned) {
        lock(&self.0.canned).push_back(canned);
    }

    pub fn delay(&self, delay: u64) {
        self.0.delay.store(delay, Ordering::SeqCst);
    }

    fn arrive(&self, request: &Request) -> (Under, Option<Canned>) {
        let body = std::str::from_utf8(request.body()).unwrap();
        let field = |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(name)).map(str::to_owned);
        let is_revocation = request.url().ends_with("/revoke");
        let token = field(if is_revocation { "token=" } else { "refresh_token=" }).unwrap_or_default();
        let mut sent = self.sent();
        if is_revocation {
            sent.revoked.push(token);
            drop(sent);
            return (Under(self.clone(), None), Some(self.canned().unwrap_or(Canned::Answer(200, ""))));
        }
        sent.refreshes.push(token.clone());
        sent.twice_at_once |= !sent.under_way.insert(token.clone());
        drop(sent);
        (Under(self.clone(), Some(token)), self.canned())
    }

    fn keys(&self) -> OwnedResponse {
        self.sent().keys += 1;
        json(200, r#"{"keys":[]}"#)
    }

    fn canned(&self) -> Option<Canned> {
        lock(&self.0.canned).pop_front()
    }

    /// The next tokens; the same again if those before them come again, since the answer may have been lost.
    fn process(&self, under: &Under) -> OwnedResponse {
        let mut sent = self.sent();
        let token = under.1.as_deref().unwrap_or_default();
        let n = sent.rotations;
        if token == format!("RT{}", n + 1) {
            sent.rotations += 1;
        } else if token != format!("RT{n}") {
            return json(400, r#"{"error":"invalid_grant"}"#);
        }
        let n = sent.rotations + 1;
        json(
            200,
            &format!(r#"{{"access_token":"AT{n}","token_type":"Bearer","expires_in":3600,"refresh_token":"RT{n}"}}"#),
        )
    }

    fn answer(&self, under: &Under, canned: Option<Canned>) -> Result<OwnedResponse, Delivered> {
        match canned {
            None | Some(Canned::Hangs) => Ok(self.process(under)),
            Some(Canned::Answer(status, body)) => Ok(json(status, body)),
            Some(Canned::Fails(delivered)) => Err(delivered),
            Some(Canned::Panics) => panic!("the transport's own"),
        }
    }
}

pub fn json(status: u16, body: &str) -> OwnedResponse {
    OwnedResponse::new(status, vec![("content-type".into(), b"application/json".to_vec())], body.as_bytes().to_vec())
}

/// A request that is under way; no longer if its future is dropped.
struct Under(Server, Option<String>);

impl Drop for Under {
    fn drop(&mut self) {
        if let Some(token) = &self.1 {
            self.0.sent().under_way.remove(token);
        }
    }
}

impl oauth_proto::drive::blocking::Transport for Server {
    fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        if request.method() == "GET" {
            return Ok(self.keys());
        }
        let (under, canned) = self.arrive(request);
        std::thread::sleep(Duration::from_millis(self.0.delay.load(Ordering::SeqCst)));
        self.answer(&under, canned)
    }
}

impl oauth_proto::drive::Transport for Server {
    async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        if request.method() == "GET" {
            return Ok(self.keys());
        }
        let (under, canned) = self.arrive(request);
        let early = self.0.is_quick.load(Ordering::SeqCst).then(|| self.process(&under));
        for _ in 0..self.0.delay.load(Ordering::SeqCst) {
            turn().await;
        }
        if matches!(canned, Some(Canned::Hangs)) {
            std::future::pending::<()>().await;
        }
        match early {
            Some(early) => Ok(early),
            None => self.answer(&under, canned),
        }
    }
}

/// One poll that is pending.
pub fn turn() -> impl Future<Output = ()> {
    let mut is_first = true;
    poll_fn(move |context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
}

/// A clock that the test sets. Threads that sleep set it themselves.
#[derive(Clone)]
pub struct FakeClock(Arc<Hands>);

#[derive(Default)]
struct Hands {
    secs: AtomicU64,
    sleepers: Mutex<Vec<(UnixTime, Waker)>>,
}

impl FakeClock {
    fn at(secs: u64) -> Self {
        Self(Arc::new(Hands { secs: AtomicU64::new(secs), ..Hands::default() }))
    }

    pub fn time(&self) -> UnixTime {
        UnixTime::from_secs(self.0.secs.load(Ordering::SeqCst))
    }

    pub fn set(&self, time: UnixTime) {
        self.0.secs.store(time.as_secs(), Ordering::SeqCst);
        let sleepers = std::mem::take(&mut *lock(&self.0.sleepers));
        for (_, waker) in sleepers {
            waker.wake();
        }
    }

    pub fn advance(&self, secs: u64) {
        self.set(self.time().saturating_add(secs));
    }

    /// Goes to the earliest time that somebody sleeps until.
    pub fn skip(&self) -> bool {
        let earliest = lock(&self.0.sleepers).iter().map(|(time, _)| *time).min();
        earliest.map(|time| self.set(time.max(self.time()))).is_some()
    }
}

impl oauth_proto::drive::blocking::Clock for FakeClock {
    fn now(&self) -> UnixTime {
        self.time()
    }

    fn sleep_until(&self, time: UnixTime) {
        self.set(time.max(self.time()));
    }
}

impl oauth_proto::drive::Clock for FakeClock {
    fn now(&self) -> UnixTime {
        self.time()
    }

    fn sleep_until(&self, time: UnixTime) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            let mut sleepers = lock(&self.0.sleepers);
            if self.time() >= time {
                return Poll::Ready(());
            }
            sleepers.push((time, context.waker().clone()));
            Poll::Pending
        })
    }
}

/// A store in memory, locked as a file would be.
#[derive(Default)]
pub struct Memory {
    inner: Arc<Inner>,
    pub fails_to_save: AtomicBool,
    pub fails_to_lock: AtomicBool,
    pub panics: AtomicBool,
    pub saves: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    is_locked: Mutex<bool>,
    unlocked: Condvar,
    form: Mutex<Option<String>>,
}

impl Memory {
    pub fn form(&self) -> Option<String> {
        lock(&self.inner.form).clone()
    }

    pub fn put(&self, form: Option<&SavedSession>) {
        *lock(&self.inner.form) = form.map(|form| serde_json::to_string(form).unwrap());
    }

    pub fn put_text(&self, form: String) {
        *lock(&self.inner.form) = Some(form);
    }

    pub fn has(&self, text: &str) -> bool {
        self.form().is_some_and(|form| form.contains(text))
    }
}

impl Store for Memory {
    fn lock(&self) -> Result<Box<dyn Locked + Send>, StoreError> {
        if self.fails_to_lock.load(Ordering::SeqCst) {
            return Err(std::io::Error::other("no lock today").into());
        }
        let mut is_locked = lock(&self.inner.is_locked);
        while *is_locked {
            is_locked = self.inner.unlocked.wait(is_locked).unwrap();
        }
        *is_locked = true;
        drop(is_locked);
        let [fails, panics] = [&self.fails_to_save, &self.panics].map(|flag| flag.load(Ordering::SeqCst));
        self.saves.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Guard { inner: Arc::clone(&self.inner), fails, panics }))
    }
}

struct Guard {
    inner: Arc<Inner>,
    fails: bool,
    panics: bool,
}

impl Locked for Guard {
    fn load(&mut self) -> Result<Option<SavedSession>, StoreError> {
        let form = lock(&self.inner.form);
        form.as_deref().map(|form| serde_json::from_str(form).map_err(|_| StoreError::Damaged)).transpose()
    }

    fn save(&mut self, session: Option<&SavedSession>) -> Result<(), StoreError> {
        assert!(!self.panics, "the store's own");
        if self.fails {
            return Err(std::io::Error::other("no room").into());
        }
        *lock(&self.inner.form) = session.map(|session| serde_json::to_string(session).unwrap());
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        *lock(&self.inner.is_locked) = false;
        self.inner.unlocked.notify_all();
    }
}
