//! The login beside its model: every operation is done to both, and what can be seen of them is compared.

use oauth_proto::{
    Action, AuthorizationRequest, Client, Delivered, Entropy, Error, Event, Login, Phase, Request, RequestId, Response,
    RestoreError, SavedLogin, UnixTime,
};

use super::login::{Id, Op, Says};
use super::login_model::{Config, Model, Outcome, LONGEST_WAIT};
use super::login_wire::{self as wire, Sent};
use super::{parameter, START};

/// 96 octets that look random enough.
pub fn octets(seed: u8) -> [u8; 96] {
    let mut octets = [0; 96];
    for (octet, index) in octets.iter_mut().zip(0_u8..) {
        *octet = index.wrapping_mul(7).wrapping_add(seed);
    }
    octets
}

struct Run {
    config: Config,
    client: Client,
    login: Login,
    model: Model,
    now: u64,
    state: String,
    nonce: String,
    id: RequestId,
    /// Token requests that the server may have got.
    sent: usize,
    bodies: Vec<Vec<u8>>,
    mode: Mode,
}

/// What a run does between operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Free,
    /// Before every operation the login is saved and resumed, which must not show, unless the clock was set back: then it is
    /// the deadline that shows.
    Restarted,
}

/// What the machine said, line by line, and the changes of phase on the way.
#[derive(Debug, Default)]
pub struct Report {
    pub lines: Vec<String>,
    pub phase_changes: Vec<(Phase, Phase)>,
}

/// Decodes operations and runs them on the machine and on the model.
pub fn run(mut bytes: impl Iterator<Item = u8>, mode: Mode) -> Report {
    let mut run = Run::new(bytes.next().unwrap_or(0), mode);
    let mut report = Report::default();
    while let Some(op) = Op::from_bytes(&mut bytes) {
        let before = run.login.phase();
        report.lines.push(run.step(op));
        if before != run.login.phase() {
            report.phase_changes.push((before, run.login.phase()));
        }
    }
    report
}

impl Run {
    fn new(flags: u8, mode: Mode) -> Self {
        let config = Config::from_byte(flags);
        let client = wire::client(config);
        let request = AuthorizationRequest::new().scope(if config.openid { "openid read" } else { "read" });
        let login = Login::new(client.clone(), request).unwrap();
        let (state, nonce, id) = ("never-sent".into(), String::new(), RequestId::from_u64(77));
        let (model, bodies) = (Model::Ready, Vec::new());
        Self { config, client, login, model, now: START, state, nonce, id, sent: 0, bodies, mode }
    }

    fn step(&mut self, op: Op) -> String {
        let shows = self.model.resume(self.now) != self.model;
        if op == Op::Resume || self.mode == Mode::Restarted && !shows {
            self.resume();
        }
        let line = match op {
            Op::Clock(jump) => {
                self.now = jump.from(self.now, self.model.deadline());
                format!("{}", self.now)
            }
            Op::Resume => String::new(),
            _ => self.event(op),
        };
        assert_eq!(self.login.phase(), self.model.phase(), "phase after {op:?}");
        assert_eq!(self.login.deadline().map(UnixTime::as_secs), self.model.deadline(), "deadline after {op:?}");
        assert_eq!(self.login.save().is_some(), self.model.phase() == Phase::AwaitingRedirect, "save after {op:?}");
        line
    }

    fn event(&mut self, op: Op) -> String {
        let before = snapshot(&self.login);
        let expected = self.model.predict(self.config, op, self.now);
        let result = self.handle(op);
        let (outcome, line) = match &result {
            Ok(Action::OpenUrl(url)) => {
                self.state = parameter(url, "state").unwrap().into();
                self.nonce = parameter(url, "nonce").unwrap_or_default().into();
                assert_eq!(self.nonce.is_empty(), !self.config.openid, "a nonce for nothing, or none");
                (Outcome::OpenUrl, url.as_str().to_owned())
            }
            Ok(Action::SendRequest(request)) => {
                self.id = request.id();
                (Outcome::SendRequest, wire::text(request))
            }
            Ok(Action::Verify(check)) => {
                self.id = check.id();
                (Outcome::Verify, format!("{check:?}"))
            }
            Ok(Action::RetryAt(at)) => {
                let wait = at.as_secs() - self.now;
                assert!(self.now == u64::MAX || (1..=LONGEST_WAIT).contains(&wait), "{wait} s after {op:?}");
                assert!(self.model.deadline().is_none_or(|deadline| at.as_secs() <= deadline), "too late: {op:?}");
                (Outcome::RetryAt, format!("at {}", at.as_secs()))
            }
            Ok(Action::TokensReady(tokens)) => {
                wire::check_tokens(self.config, tokens);
                (Outcome::TokensReady, tokens.access_token().reveal().into())
            }
            Err(error) if error.is_fatal() => (Outcome::Fatal(error.code()), error.to_string()),
            Err(error) => (Outcome::Refused(error.code()), error.to_string()),
        };
        let is_too_late =
            self.model.deadline().is_some_and(|deadline| self.now.saturating_add(LONGEST_WAIT) > deadline);
        let expected = match expected {
            Outcome::RetryAtOr(code) if is_too_late && outcome == Outcome::Fatal(code) => outcome,
            Outcome::RetryAtOr(_) => Outcome::RetryAt,
            other => other,
        };
        assert_eq!(outcome, expected, "{op:?} in {:?} at {} with {:?}", self.model, self.now, self.config);
        if outcome == Outcome::RetryAt && self.model.phase() == Phase::ExchangingCode {
            // The server has not looked at it.
            self.sent -= 1;
        }
        self.model = self.model.after(self.config, op, outcome, self.now);
        match &result {
            Ok(Action::SendRequest(request)) => self.check_request(request),
            Ok(Action::RetryAt(_)) => {
                let id = match self.login.pending_action() {
                    Some(Action::SendRequest(request)) => {
                        self.check_request(&request);
                        request.id()
                    }
                    Some(Action::Verify(check)) => check.id(),
                    other => panic!("nothing to do then: {other:?}"),
                };
                assert_ne!(id, self.id, "what was answered, again");
                self.id = id;
            }
            _ => {}
        }
        self.check(op, outcome, &before);
        line
    }

    fn handle(&mut self, op: Op) -> Result<Action, Error> {
        let now = UnixTime::from_secs(self.now);
        let id = |id| match id {
            Id::Current => self.id,
            Id::Other(number) => RequestId::from_u64(self.id.as_u64() ^ (1 << number)),
        };
        match op {
            Op::Start(seed) => self.login.handle(Event::Start(Entropy::new(octets(seed)).unwrap()), now),
            Op::Redirect(shape, iss) => {
                let url = wire::redirect(self.config, shape, &self.state, iss);
                self.login.handle(Event::RedirectReceived(&url), now)
            }
            Op::Response(of, says) => {
                let Sent { status, headers, body } = self.answer(says);
                let response = Response::new(status, headers, body.as_bytes());
                self.login.handle(Event::ResponseReceived(id(of), response), now)
            }
            Op::SendFailed(of, delivered) => {
                let delivered_not = delivered == Delivered::No && of == Id::Current;
                if delivered_not && self.model.phase() == Phase::ExchangingCode {
                    self.sent -= 1;
                }
                self.login.handle(Event::SendFailed(id(of), delivered), now)
            }
            Op::Verified(of, is_valid) => self.login.handle(Event::Verified(id(of), is_valid), now),
            Op::VerifyFailed(of) => self.login.handle(Event::VerifyFailed(id(of)), now),
            Op::Cancel => self.login.handle(Event::Cancelled, now),
            Op::Clock(_) | Op::Resume => unreachable!("no event"),
        }
    }

    /// What the server says to what it was asked last.
    fn answer(&self, says: Says) -> Sent {
        match self.model.phase() {
            Phase::Discovering => wire::metadata(self.config, says.metadata),
            Phase::FetchingKeys => wire::keys(says.keys),
            _ => wire::tokens(self.config, says.tokens, &self.nonce, self.now),
        }
    }

    fn check_request(&mut self, request: &Request) {
        let url = match self.model {
            Model::Discovering { place, .. } => wire::place(self.config, place),
            Model::FetchingKeys { .. } => wire::JWKS_URI.into(),
            _ => wire::TOKEN_ENDPOINT.into(),
        };
        assert_eq!(request.url(), url, "{:?}", self.model);
        if self.model.phase() == Phase::ExchangingCode {
            self.sent += 1;
            self.bodies.push(request.body().to_vec());
        } else {
            let is_bare = request.body().is_empty() && request.headers().all(|(name, _)| name == "accept");
            assert!(request.method() == "GET" && is_bare, "{request:?}");
        }
    }

    fn check(&self, op: Op, outcome: Outcome, before: &Snapshot) {
        let after = snapshot(&self.login);
        assert!(self.sent <= 1, "a code was sent twice: {op:?}");
        assert!(self.bodies.windows(2).all(|pair| pair[0] == pair[1]), "another token request: {op:?}");
        match outcome {
            Outcome::Refused(_) => assert_eq!(&after, before, "a refused event changed the login: {op:?}"),
            Outcome::Fatal(_) | Outcome::TokensReady => {
                assert_eq!(after, Snapshot { saved: "null".into(), pending: None }, "secrets left: {op:?}");
            }
            _ => assert!(after.pending.is_some(), "nothing pending: {op:?}"),
        }
        assert!(!format!("{:?}", self.login).contains(&self.state), "the state is shown");
    }

    fn resume(&mut self) {
        let Some(saved) = self.login.save() else { return };
        let text = serde_json::to_string(&saved).unwrap();
        let saved: SavedLogin = serde_json::from_str(&text).unwrap();
        let late = self.model.deadline().is_some_and(|deadline| self.now > deadline);
        match Login::resume(self.client.clone(), saved, UnixTime::from_secs(self.now)) {
            Ok(login) if !late => {
                self.login = login;
                self.model = self.model.resume(self.now);
            }
            Err(RestoreError::Expired) if late => {}
            other => panic!("{other:?} at {} in {:?}", self.now, self.model),
        }
    }
}

/// All of a login that can be seen.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    saved: String,
    pending: Option<(String, Option<RequestId>, Vec<u8>)>,
}

fn snapshot(login: &Login) -> Snapshot {
    let pending = || match login.pending_action() {
        None => None,
        Some(Action::OpenUrl(url)) => Some((url.into_string(), None, Vec::new())),
        Some(Action::SendRequest(request)) => {
            Some((request.url().to_owned(), Some(request.id()), request.body().to_vec()))
        }
        Some(Action::Verify(check)) => Some((format!("{check:?}"), Some(check.id()), Vec::new())),
        Some(other @ (Action::RetryAt(_) | Action::TokensReady(_))) => panic!("{other:?} is pending"),
    };
    assert_eq!(pending(), pending(), "pending_action is no pure function");
    Snapshot { saved: serde_json::to_string(&login.save()).unwrap(), pending: pending() }
}
