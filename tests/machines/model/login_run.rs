//! The login beside its model: every operation is done to both, and what can be seen of them is compared.

use std::sync::LazyLock;

use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Delivered, Entropy, Error, Event, Login, Phase,
    RequestId, Response, RestoreError, SavedLogin, UnixTime,
};

use super::login::{Answer, Config, Id, Iss, Model, Op, Outcome, Shape};
use super::{parameter, START};

const ISSUER: &str = "https://as.example.com";
static LONG: LazyLock<String> = LazyLock::new(|| " ".repeat(oauth_proto::http::MAX_RESPONSE_BYTES + 1));
static DEEP: LazyLock<String> = LazyLock::new(|| "[".repeat(33) + &"]".repeat(33));
const HTML: [(&str, &str); 1] = [("Content-Type", "text/html")];
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

impl Answer {
    fn response(self) -> Response<'static> {
        let (status, headers, body) = match self {
            Self::Tokens => (200, &JSON, r#"{"access_token":"AT","token_type":"bearer"}"#),
            Self::TokensWithIdToken => {
                (200, &JSON, r#"{"access_token":"AT","token_type":"Bearer","id_token":"a.b.c"}"#)
            }
            Self::OtherTokenType => (200, &JSON, r#"{"access_token":"AT","token_type":"mac","id_token":"a.b.c"}"#),
            Self::NoAccessToken => (200, &JSON, r#"{"token_type":"Bearer","id_token":"a.b.c"}"#),
            Self::ErrorAndTokens => (200, &JSON, r#"{"access_token":"AT","token_type":"Bearer","error":"bad_code"}"#),
            Self::InvalidGrant => (400, &JSON, r#"{"error":"invalid_grant"}"#),
            Self::Unavailable => (503, &HTML, "<h1>later</h1>"),
            Self::NotFound => (404, &HTML, "<h1>what?</h1>"),
            Self::Html => (200, &HTML, r#"{"access_token":"AT","token_type":"Bearer"}"#),
            Self::Redirected => (307, &JSON, r#"{"access_token":"AT","token_type":"Bearer"}"#),
            Self::Garbage => (200, &JSON, r#"{"access_token":"AT","token_type":"Bearer"}}"#),
            Self::TooLarge => (200, &JSON, LONG.as_str()),
            Self::TooDeep => (200, &JSON, DEEP.as_str()),
        };
        Response::new(status, headers, body.as_bytes())
    }
}

impl Shape {
    fn url(self, state: &str, iss: Iss) -> String {
        let iss = match iss {
            Iss::None => "",
            Iss::Right => "&iss=https%3A%2F%2Fas.example.com",
            Iss::Wrong => "&iss=https%3A%2F%2Fas.example.com%2F",
        };
        let query = match self {
            Self::Code | Self::OtherUri => format!("code=C1&state={state}"),
            Self::OtherCode => format!("state={state}&code=C2"),
            Self::Denied => format!("error=access_denied&state={state}"),
            Self::DeniedWithCode => format!("code=C1&error=access_denied&state={state}"),
            Self::Neither => format!("state={state}"),
            Self::EmptyCode => format!("code=&state={state}"),
            Self::BadCode => format!("code=%0D%0A&state={state}"),
            Self::BadError => format!("error=%FF&state={state}"),
            Self::WrongState => format!("code=C1&state={state}A"),
            Self::StateInOtherCase => format!("code=C1&state={}", other_case(state)),
            Self::NoState => "error=access_denied".into(),
            Self::TwoStates => format!("code=C1&state={state}&state={state}"),
            Self::TwoCodes => format!("code=C1&code=C1&state={state}"),
            Self::TooLong => format!("code={}&state={state}", "C".repeat(oauth_proto::redirect::MAX_REDIRECT_BYTES)),
            Self::NotAUrl => return format!("code=C1&state={state}"),
        };
        let path = if self == Self::OtherUri { "com.example.app:/callback/" } else { "com.example.app:/callback" };
        format!("{path}?{query}{iss}")
    }
}

fn other_case(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

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
        let config = Config { openid: flags & 1 != 0, issuer: flags & 2 != 0, iss_required: flags & 6 == 6 };
        let mut server =
            AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
        if config.issuer {
            server = server.issuer(ISSUER).unwrap();
        }
        if config.iss_required {
            server = server.require_iss();
        }
        let client = Client::new(server, "app", "com.example.app:/callback").unwrap();
        let request = AuthorizationRequest::new().scope(if config.openid { "openid read" } else { "read" });
        let login = Login::new(client.clone(), request).unwrap();
        let (state, id) = ("never-sent".into(), RequestId::from_u64(77));
        let (model, bodies) = (Model::Ready, Vec::new());
        Self { config, client, login, model, now: START, state, id, sent: 0, bodies, mode }
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
                (Outcome::OpenUrl, url.as_str().to_owned())
            }
            Ok(Action::SendRequest(request)) => {
                self.id = request.id();
                self.sent += 1;
                self.bodies.push(request.body().to_vec());
                (Outcome::SendRequest, String::from_utf8(request.body().to_vec()).unwrap())
            }
            Ok(Action::TokensReady(tokens)) => (Outcome::TokensReady, tokens.access_token().reveal().into()),
            Err(error) if error.is_fatal() => (Outcome::Fatal(error.code()), error.to_string()),
            Err(error) => (Outcome::Refused(error.code()), error.to_string()),
        };
        assert_eq!(outcome, expected, "{op:?} in {:?} at {} with {:?}", self.model, self.now, self.config);
        self.model = self.model.after(expected, self.now);
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
                let url = shape.url(&self.state, iss);
                self.login.handle(Event::RedirectReceived(&url), now)
            }
            Op::Response(of, answer) => self.login.handle(Event::ResponseReceived(id(of), answer.response()), now),
            Op::SendFailed(of, delivered) => {
                let delivered_not = delivered == Delivered::No && of == Id::Current;
                if delivered_not && self.model.phase() == Phase::ExchangingCode {
                    self.sent -= 1;
                }
                self.login.handle(Event::SendFailed(id(of), delivered), now)
            }
            Op::Cancel => self.login.handle(Event::Cancelled, now),
            Op::Clock(_) | Op::Resume => unreachable!("no event"),
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
            Outcome::OpenUrl | Outcome::SendRequest => assert!(after.pending.is_some(), "nothing pending: {op:?}"),
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
        Some(Action::TokensReady(_)) => panic!("tokens are pending"),
    };
    assert_eq!(pending(), pending(), "pending_action is no pure function");
    Snapshot { saved: serde_json::to_string(&login.save()).unwrap(), pending: pending() }
}
