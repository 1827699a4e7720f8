//! The session beside its model: every operation is done to both, and what can be seen of them is compared.

use oauth_proto::{
    Access, AuthorizationServer, Bearer, Client, Delivered, Entropy, Event, LoginRequired, RequestId, Response, Secret,
    Session, SessionAction, SessionPhase, Tokens, UnixTime,
};

use super::login::octets;
use super::session::{Answer, Grant, Id, Model, Op, Outcome, Says, Token};
use super::START;

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Anything.
    Free,
    /// No restart, and neither ids nor tokens of long ago: what [`Mode::Restarted`] is compared with.
    Plain,
    /// As `Plain`, with a restart before every operation, unless it would show.
    Restarted,
}

/// What a run gave, and the changes of phase on the way.
#[derive(Debug, Default)]
pub struct Report {
    pub lines: Vec<String>,
    pub phase_changes: Vec<(SessionPhase, SessionPhase)>,
}

struct Run {
    mode: Mode,
    client: Client,
    can_revoke: bool,
    session: Session,
    model: Model,
    now: u64,
    ids: Vec<RequestId>,
    bearers: Vec<Bearer>,
    issued: u32,
    signed_out: bool,
}

/// Decodes operations and runs them on the machine and on the model.
pub fn run(mut bytes: impl Iterator<Item = u8>, mode: Mode) -> Report {
    let mut run = Run::new(bytes.next().unwrap_or(0), mode);
    let mut report = Report::default();
    while let Some(op) = Op::from_bytes(&mut bytes) {
        let before = run.session.phase();
        report.lines.push(run.step(op));
        let after = run.session.phase();
        if before != after && op != Op::Restore {
            report.phase_changes.push((before, after));
        }
    }
    report
}

impl Run {
    fn new(flags: u8, mode: Mode) -> Self {
        let mut server =
            AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
        let can_revoke = flags & 7 != 0;
        if can_revoke {
            server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
        }
        let client = Client::new(server, "app", "com.example.app:/callback").unwrap();
        let refresh_token = (flags & 0x38 != 0).then_some("RT0");
        let expires_at = [None, Some(START), Some(START + 61), Some(START + 3600)][usize::from(flags >> 6)];
        let tokens = Tokens::from_parts(
            Secret::new("AT0"),
            refresh_token.map(Secret::new),
            expires_at.map(UnixTime::from_secs),
            "read write",
        );
        let token = Token {
            text: "AT0".into(),
            scope: "read write".into(),
            obtained_at: None,
            expires_at,
            refused: false,
            after_refusal: false,
        };
        let model = Model::Grant(Box::new(Grant {
            token,
            refresh_token: refresh_token.map(Into::into),
            asked_scope: String::new(),
            granted_scope: "read write".into(),
            flight: None,
            lost: None,
            retry: None,
            failures: 0,
        }));
        let session = Session::new(client.clone(), tokens);
        let (ids, bearers) = (Vec::new(), Vec::new());
        Self { mode, client, can_revoke, session, model, now: START, ids, bearers, issued: 0, signed_out: false }
    }

    fn step(&mut self, op: Op) -> String {
        let may_restart = self.mode == Mode::Free && op == Op::Restore;
        if may_restart || self.mode == Mode::Restarted && self.model.is_quiet() {
            self.restore();
        }
        let outcome = match op {
            Op::Access => self.access(),
            Op::Answer(id, answer) => self.answer(id, answer),
            Op::SendFailed(id, delivered) => self.send_failed(id, delivered),
            Op::Refused(before_last, says) => self.refused(before_last, says),
            Op::SignOut => self.sign_out(),
            Op::Narrow(scope) => self.narrow(scope),
            Op::Misplaced(kind) => self.misplaced(kind),
            Op::Clock(jump) => {
                let target = match &self.model {
                    Model::Grant(grant) => {
                        self.model.deadline().or(grant.retry.map(|retry| retry.at)).or(grant.token.expires_at)
                    }
                    _ => None,
                };
                self.now = jump.from(self.now, target);
                Outcome::Nothing
            }
            Op::Restore => Outcome::Nothing,
        };
        self.check(op, &outcome);
        format!("{outcome:?}")
    }

    fn access(&mut self) -> Outcome {
        let access = self.session.access(self.time());
        let (outcome, id) = self.read(access);
        assert_eq!(outcome, self.model.access(id, self.now), "access at {}", self.now);
        outcome
    }

    fn answer(&mut self, id: Id, answer: Answer) -> Outcome {
        let id = self.id(id);
        self.issued += 1;
        let (access_token, refresh_token) = (format!("AT{}", self.issued), format!("RT{}", self.issued));
        let rotated = matches!(answer, Answer::Tokens { rotated: true, .. }).then_some(refresh_token.as_str());
        let (status, headers, body) = wire(answer, &access_token, rotated);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let event = Event::ResponseReceived(id, Response::new(status, headers.as_slice(), body.as_bytes()));
        let expected = self.model.answer(id.as_u64(), Some((answer, (&access_token, rotated))), false, self.now);
        self.handle(event, &expected)
    }

    fn send_failed(&mut self, id: Id, delivered: Delivered) -> Outcome {
        let id = self.id(id);
        let expected = self.model.answer(id.as_u64(), None, delivered == Delivered::Maybe, self.now);
        self.handle(Event::SendFailed(id, delivered), &expected)
    }

    fn misplaced(&mut self, kind: u8) -> Outcome {
        let event = match kind % 3 {
            0 => Event::Start(Entropy::new(octets(kind)).unwrap()),
            1 => Event::RedirectReceived("com.example.app:/callback?code=C&state=S"),
            _ => Event::Cancelled,
        };
        self.handle(event, &Outcome::Refused("not_for_a_session"))
    }

    fn handle(&mut self, event: Event<'_>, expected: &Outcome) -> Outcome {
        let before = self.snapshot();
        let text = format!("{event:?}");
        let now = self.time();
        let outcome = match self.session.handle(event, now) {
            Ok(SessionAction::Save(saved)) => {
                let (given, kept) =
                    (serde_json::to_string(&saved).unwrap(), serde_json::to_string(&self.session.save()).unwrap());
                assert_eq!(given, kept, "what is given to be stored is not what is used");
                Outcome::Save
            }
            Ok(SessionAction::RetryAt(at)) => Outcome::RetryAt(at.as_secs()),
            Ok(SessionAction::LoginRequired(why)) => Outcome::LoginRequired(reason(&why)),
            Ok(SessionAction::SignedOut) => Outcome::SignedOut,
            Err(error) => {
                assert!(!error.is_fatal(), "{error:?}");
                assert_eq!(self.snapshot(), before, "a refused event changed the session: {text}");
                Outcome::Refused(error.code())
            }
        };
        assert_eq!(&outcome, expected, "{text} at {}", self.now);
        outcome
    }

    fn refused(&mut self, before_last: u8, says: Says) -> Outcome {
        if self.mode != Mode::Free {
            self.bearers.clear();
            let _ = self.access();
        }
        let before_last = if self.mode == Mode::Free { usize::from(before_last) } else { 0 };
        let Some(bearer) = self.bearers.iter().nth_back(before_last).cloned() else {
            return Outcome::Nothing;
        };
        let (status, lines) = challenge(says);
        let access = self.session.refused(&bearer, status, lines, self.time());
        let (outcome, id) = access.map_or((Outcome::Nothing, 0), |access| self.read(access));
        let token = bearer.token().reveal();
        assert_eq!(outcome, self.model.refused(token, says, id, self.now), "{says:?} about {token}");
        outcome
    }

    fn sign_out(&mut self) -> Outcome {
        let request = self.session.sign_out();
        let id = request.as_ref().map_or(0, |request| request.id().as_u64());
        if let Some(request) = &request {
            let under_way = match &self.model {
                Model::SigningOut { id, .. } => *id,
                _ => None,
            };
            match under_way {
                Some(under_way) => assert_eq!(id, under_way, "another revocation while one is under way"),
                None => {
                    assert!(!self.ids.contains(&request.id()), "a revocation with the id of an earlier request");
                    self.ids.push(request.id());
                }
            }
        }
        let outcome = request
            .map_or(Outcome::Nothing, |request| Outcome::Send(String::from_utf8(request.body().to_vec()).unwrap()));
        assert_eq!(outcome, self.model.sign_out(self.can_revoke, id), "sign-out");
        self.signed_out = true;
        outcome
    }

    fn narrow(&mut self, scope: &'static str) -> Outcome {
        let before = self.snapshot();
        let result = self.session.refresh_scope(scope);
        match &mut self.model {
            Model::Grant(grant) if scope != "read admin" => {
                assert!(result.is_ok());
                scope.clone_into(&mut grant.asked_scope);
                Outcome::Nothing
            }
            Model::Grant(_) => {
                assert_eq!(result.unwrap_err().code(), "parameter");
                assert_eq!(self.snapshot(), before, "a refused scope changed the session");
                Outcome::Refused("parameter")
            }
            _ => {
                assert_eq!(self.snapshot(), before, "a scope for nothing changed the session");
                Outcome::Nothing
            }
        }
    }

    fn restore(&mut self) {
        let Some(saved) = self.session.save() else { return };
        let text = serde_json::to_string(&saved).unwrap();
        self.session = Session::restore(self.client.clone(), serde_json::from_str(&text).unwrap()).unwrap();
        self.model.restore();
    }

    /// The outcome of an access, and the id of its request. A token that is handed out is kept.
    fn read(&mut self, access: Access) -> (Outcome, u64) {
        match access {
            Access::Ready(bearer) => {
                let Model::Grant(grant) = &self.model else { panic!("a token after the end") };
                assert!(grant.token.usable(self.now), "a token that is known to be bad");
                let token = bearer.token().reveal().to_owned();
                assert_eq!(bearer.token().reveal(), grant.token.text);
                self.bearers.push(bearer);
                (Outcome::Ready(token), 0)
            }
            Access::SendRequest(request) => {
                self.ids.push(request.id());
                (Outcome::Send(String::from_utf8(request.body().to_vec()).unwrap()), request.id().as_u64())
            }
            Access::Wait(id) => {
                let Model::Grant(grant) = &self.model else { panic!("a wait after the end") };
                assert_eq!(grant.flight.as_ref().map(|flight| flight.id), Some(id.as_u64()), "a wait for nothing");
                (Outcome::Wait, 0)
            }
            Access::RetryAt(at) => (Outcome::RetryAt(at.as_secs()), 0),
            Access::LoginRequired(why) => (Outcome::LoginRequired(reason(&why)), 0),
        }
    }

    fn check(&mut self, op: Op, outcome: &Outcome) {
        assert_eq!(self.session.phase(), self.model.phase(), "phase after {op:?}");
        assert_eq!(self.session.deadline().map(UnixTime::as_secs), self.model.deadline(), "deadline after {op:?}");
        let saved = serde_json::to_value(self.session.save()).unwrap();
        match &self.model {
            Model::Grant(grant) => {
                assert_eq!(saved["access_token"], grant.token.text.as_str(), "after {op:?}");
                assert_eq!(saved["refresh_token"], serde_json::json!(grant.refresh_token), "after {op:?}");
                assert_eq!(saved["scope"], grant.token.scope.as_str(), "after {op:?}");
                assert_eq!(self.session.scope(), grant.token.scope, "after {op:?}");
                assert_eq!(saved["expires_at"], serde_json::json!(grant.token.expires_at), "after {op:?}");
            }
            _ => assert!(saved.is_null(), "something is left to be saved after {op:?}"),
        }
        if self.signed_out {
            assert!(!matches!(outcome, Outcome::Ready(_) | Outcome::Save | Outcome::Wait), "{op:?} after the sign-out");
            assert!(self.session.id_token().is_none() && self.session.scope().is_empty(), "{op:?} after the sign-out");
        }
        if *outcome == Outcome::Save {
            let Outcome::Ready(_) = self.access() else { panic!("the new token is not used: a loop") };
        }
    }

    fn snapshot(&self) -> String {
        let session = &self.session;
        let seen = (session.phase(), session.deadline(), session.scope(), session.last_error());
        format!("{seen:?} {}", serde_json::to_string(&session.save()).unwrap())
    }

    fn id(&self, id: Id) -> RequestId {
        let sent = |before_last: u8| self.ids.iter().nth_back(usize::from(before_last)).copied();
        let id = match id {
            Id::Sent(before_last) => sent(if self.mode == Mode::Free { before_last } else { 0 }),
            Id::Other(bit) => sent(0).map(|id| RequestId::from_u64(id.as_u64() ^ (1 << bit))),
        };
        id.unwrap_or(RequestId::from_u64(3))
    }

    fn time(&self) -> UnixTime {
        UnixTime::from_secs(self.now)
    }
}

fn reason(why: &LoginRequired) -> &'static str {
    match why {
        LoginRequired::NoRefreshToken => "none",
        LoginRequired::GrantEnded(_) => "grant ended",
        LoginRequired::TokenRefused => "token refused",
        LoginRequired::InsufficientScope { .. } => "scope",
        LoginRequired::StepUp { .. } => "step up",
        LoginRequired::SignedOut => "signed out",
        other => panic!("{other:?}"),
    }
}

fn challenge(says: Says) -> (u16, &'static [&'static str]) {
    match says {
        Says::Nothing => (401, &[]),
        Says::Bearer => (401, &["Bearer realm=\"api\""]),
        Says::InvalidToken => (401, &["Basic realm=\"x\"", "Bearer error=\"invalid_token\""]),
        Says::InsufficientScope => (403, &["Bearer error=\"insufficient_scope\", scope=\"admin\""]),
        Says::StepUp => (401, &["Bearer error=\"insufficient_user_authentication\", max_age=\"5\""]),
        Says::OtherScheme => (401, &["Basic realm=\"x\""]),
        Says::Malformed => (401, &["Bearer error=\"invalid_token"]),
        Says::MalformedTwice => (401, &["Bearer error=\"invalid_token\" realm", "="]),
        Says::NoChallenge => (401, &["", " , ,"]),
        Says::Metadata => (401, &["Bearer resource_metadata=\"https://api.example.com/.well-known/x\""]),
        Says::Forbidden => (403, &[]),
        Says::ForbiddenMalformed => (403, &["Bearer error=\"invalid_token"]),
        Says::ForbiddenMetadata => (403, &["Bearer resource_metadata=\"https://api.example.com/.well-known/x\""]),
        Says::ForbiddenBearer => (403, &["Bearer realm=\"api\""]),
    }
}

fn wire(answer: Answer, access_token: &str, refresh_token: Option<&str>) -> (u16, Vec<(&'static str, String)>, String) {
    let json = |status, body: &str| (status, vec![("content-type", "application/json".to_owned())], body.to_owned());
    match answer {
        Answer::Tokens { expires_in, scope, .. } => {
            let expires_in = expires_in.map_or("null".to_owned(), |seconds| seconds.to_string());
            let refresh_token = refresh_token.map(|text| format!(",\"refresh_token\":\"{text}\"")).unwrap_or_default();
            let scope = scope.map(|text| format!(",\"scope\":\"{text}\"")).unwrap_or_default();
            json(200, &format!("{{\"access_token\":\"{access_token}\",\"token_type\":\"Bearer\",\"expires_in\":{expires_in}{refresh_token}{scope}}}"))
        }
        Answer::InvalidGrant => json(400, r#"{"error":"invalid_grant"}"#),
        Answer::InvalidGrantInOtherCase => json(400, r#"{"error":"INVALID_GRANT"}"#),
        Answer::InvalidGrantWith500 => json(500, r#"{"error":"invalid_grant"}"#),
        Answer::InvalidClient => json(401, r#"{"error":"invalid_client"}"#),
        Answer::Unavailable { retry_after } => {
            let retry_after = retry_after.map(|seconds| ("Retry-After", seconds.to_string()));
            (503, retry_after.into_iter().collect(), "<h1>later</h1>".into())
        }
        Answer::Html403 => (403, vec![("content-type", "text/html".into())], "<h1>invalid_grant</h1>".into()),
        Answer::Redirected => json(302, ""),
        Answer::Empty => json(200, ""),
    }
}
