//! The session beside its model: every operation is done to both, and what can be seen of them is compared.

use oauth_proto::{
    Access, Adopted, Bearer, Client, Entropy, Error, Event, RequestId, Response, RestoreError, Secret, Session,
    SessionAction, SessionPhase, SignOut, Tokens, UnixTime,
};
use serde_json::Value;

use super::login::octets;
use super::session::{Answer, Api, Id, Op, Outcome, Return, Says, Theirs, APIS};
use super::session_grant::{Grant, Token};
use super::session_over::{Config, Model};
use super::session_wire::{challenge, client, form, in_order, redirect, state, target, wire};
use super::{Jump, START};

/// What a run gave, and the changes of phase on the way.
#[derive(Debug, Default)]
pub struct Report {
    pub lines: Vec<String>,
    pub phase_changes: Vec<(SessionPhase, SessionPhase)>,
}

struct Run {
    client: Client,
    config: Config,
    session: Session,
    model: Model,
    now: u64,
    ids: Vec<RequestId>,
    bearers: Vec<(Bearer, Api)>,
    /// Of another login.
    foreign: Bearer,
    /// What was saved, the last one last.
    stored: Vec<Grant>,
    /// The client's name in saved forms.
    fingerprint: String,
    state: String,
    issued: u32,
}

/// Decodes operations and runs them on the machine and on the model.
pub fn run(mut bytes: impl Iterator<Item = u8>) -> Report {
    let mut run = Run::new([bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)]);
    let mut report = Report::default();
    while let Some(op) = Op::from_bytes(&mut bytes) {
        let before = run.session.phase();
        let Some(outcome) = run.step(op) else { break };
        report.lines.push(format!("{outcome:?}"));
        let after = run.session.phase();
        if before != after && !matches!(op, Op::Restore(_)) {
            report.phase_changes.push((before, after));
        }
    }
    report
}

impl Run {
    fn new([flags, offers]: [u8; 2]) -> Self {
        let config = Config { revokes: flags & 7 != 0, logs_out: offers & 3 != 0, comes_back: offers & 0x0c != 0 };
        let client = client(config);
        let refresh_token = (flags & 0x38 != 0).then_some("RT0");
        let expires_at = [None, Some(START), Some(START + 61), Some(START + 3600)][usize::from(flags >> 6)];
        let tokens = |text: &str| {
            let expires_at = expires_at.map(UnixTime::from_secs);
            Tokens::from_parts(Secret::new(text), refresh_token.map(Secret::new), expires_at, "read write")
        };
        let session = Session::new(client.clone(), tokens("AT0"));
        let elsewhere = Tokens::from_parts(Secret::new("AT-1"), None, None, "read");
        let mut other = Session::new(client.clone(), elsewhere);
        let Access::Ready(foreign) = other.access(UnixTime::from_secs(START)) else { panic!("no token") };
        let form = saved(&session);
        let text = |name: &str| form[name].as_str().unwrap().to_owned();
        let grant = Grant::new(text("login"), Token::new("AT0", "read write", None, expires_at), refresh_token);
        Self {
            client,
            config,
            session,
            model: Model::Grant(Box::new(grant.clone())),
            now: START,
            ids: Vec::new(),
            bearers: Vec::new(),
            foreign,
            stored: vec![grant],
            fingerprint: text("client"),
            state: String::new(),
            issued: 0,
        }
    }

    /// `None` if the model cannot tell what comes of it.
    fn step(&mut self, op: Op) -> Option<Outcome> {
        let now = self.now;
        let (seen, expected) = match op {
            Op::Access(api) => {
                let access = self.session.access_for(&target(api), self.time());
                let (seen, id) = self.read(access, api);
                let expected = self.model.access(api, id, &seen, now);
                (seen, expected)
            }
            Op::Answer(id, answer) => self.answer(id, answer),
            Op::SendFailed(id, delivered) => {
                let id = self.id(id);
                let seen = self.handle(Event::SendFailed(id, delivered));
                let expected = self.model.answer(id.as_u64(), Err(delivered), &seen, now);
                (seen, expected)
            }
            Op::Refused(which, says) => self.refused(which, says),
            Op::AskAgain => {
                self.session.ask_again();
                if let Model::Grant(grant) = &mut self.model {
                    grant.ask_again();
                }
                (Outcome::Nothing, Outcome::Nothing)
            }
            Op::EndGrant => {
                let action = self.session.end_grant(Error::Over(oauth_proto::Over::Cancelled));
                (action_of(&action), self.model.end())
            }
            Op::SignOut { logout, federated } => self.sign_out(logout, federated),
            Op::Start(number) => {
                let event = Event::Start(Entropy::new(octets(number)).unwrap());
                (self.handle(event), Outcome::Err("not_for_a_session"))
            }
            Op::Redirect(to) => self.redirect(to),
            Op::Cancelled => {
                let seen = self.handle(Event::Cancelled);
                let expected = self.model.returned(&seen, now).unwrap_or(Outcome::Err("not_for_a_session"));
                (seen, expected)
            }
            Op::Clock(jump) => {
                self.clock(jump);
                (Outcome::Nothing, Outcome::Nothing)
            }
            Op::Save => {
                self.stored.extend(self.model.grant().map(Grant::stored));
                (Outcome::Nothing, Outcome::Nothing)
            }
            Op::Restore(before_last) => {
                self.restore(before_last);
                (Outcome::Nothing, Outcome::Nothing)
            }
            Op::Adopt(theirs) => self.adopt(theirs),
        };
        if expected == Outcome::Unclear {
            return None;
        }
        assert_eq!(seen, expected, "{op:?} at {now}");
        self.check(op);
        if let (Op::Answer(_, Answer::Tokens { expires_in: Some(3600), .. }), Outcome::Save) = (op, &seen) {
            assert!(self.session.last_error().is_none(), "{:?}", self.session.last_error());
        }
        Some(seen)
    }

    fn answer(&mut self, id: Id, answer: Answer) -> (Outcome, Outcome) {
        let id = self.id(id);
        let (access_token, refresh_token) = self.issue();
        let rotated = answer.rotates().then_some(refresh_token.as_str());
        let (status, headers, body) = wire(answer, &access_token, rotated);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = Response::new(status, headers.as_slice(), body.as_bytes());
        let seen = self.handle(Event::ResponseReceived(id, response));
        let expected = self.model.answer(id.as_u64(), Ok((answer, (&access_token, rotated))), &seen, self.now);
        (seen, expected)
    }

    fn issue(&mut self) -> (String, String) {
        self.issued += 1;
        (format!("AT{}", self.issued), format!("RT{}", self.issued))
    }

    fn redirect(&mut self, to: Return) -> (Outcome, Outcome) {
        let url = redirect(to, &self.state);
        let awaited = self.config.comes_back && self.model.phase() == SessionPhase::LoggingOut;
        let seen = self.handle(Event::RedirectReceived(&url));
        let expected = match to {
            _ if !awaited => Outcome::Err("redirect_not_awaited"),
            Return::Right => self.model.returned(&seen, self.now).unwrap(),
            Return::OtherState => Outcome::Err("state_mismatch"),
            Return::NoState => Outcome::Err("state_missing"),
            Return::OtherUri => Outcome::Err("not_our_redirect"),
        };
        (seen, expected)
    }

    fn handle(&mut self, event: Event<'_>) -> Outcome {
        let (before, text, now) = (self.snapshot(), format!("{event:?}"), self.time());
        match self.session.handle(event, now) {
            Ok(action) => action_of(&action),
            Err(error) => {
                assert!(!error.is_fatal(), "{error:?}");
                assert_eq!(self.snapshot(), before, "a refused event changed the session: {text}");
                Outcome::Err(error.code())
            }
        }
    }

    fn refused(&mut self, which: Option<u8>, says: Says) -> (Outcome, Outcome) {
        let (bearer, api) = match which {
            None => (self.foreign.clone(), None),
            Some(before_last) => match self.bearers.iter().nth_back(usize::from(before_last)) {
                Some((bearer, api)) => (bearer.clone(), Some(*api)),
                None => return (Outcome::Nothing, Outcome::Nothing),
            },
        };
        let (status, headers) = challenge(says);
        let access = self.session.refused(&bearer, status, headers, self.time());
        let asked = api.unwrap_or(Api::Own);
        let (seen, id) = access.map_or((Outcome::Nothing, 0), |access| self.read(access, asked));
        let token = api.map(|api| (api, bearer.token().reveal()));
        let expected = self.model.refused(token, says, id, &seen, self.now);
        (seen, expected)
    }

    fn sign_out(&mut self, logout: bool, federated: bool) -> (Outcome, Outcome) {
        let mut how = SignOut::new();
        let number = self.issued.to_le_bytes()[0];
        let state = state(&octets(number));
        if logout {
            how = how.logout(Entropy::new(octets(number)).unwrap());
        }
        if federated {
            how = how.federated();
        }
        if self.session.authorization_request().is_some() {
            self.state.clone_from(&state);
        }
        let seen = action_of(&self.session.sign_out(how));
        (seen, self.model.sign_out(self.config, logout.then_some(&state), federated))
    }

    /// To a time at which it is known whether a wait is over.
    fn clock(&mut self, jump: Jump) {
        let next = self.model.grant().and_then(|grant| {
            let own = grant.slot(Api::Own).token.as_ref();
            grant.deadline().or(grant.ends_at()).or(own.and_then(|token| token.expires_at))
        });
        self.now = jump.from(self.now, next);
        while let Some(clear) = self.model.clear_after(self.now) {
            self.now = clear;
        }
    }

    /// 0 is what would be saved now; else what was stored so many before the last.
    fn restore(&mut self, before_last: u8) {
        let grant = match (&self.model, before_last.checked_sub(1)) {
            (Model::Grant(grant), None) => grant.stored(),
            (_, Some(index)) => self.stored_at(index).stored(),
            (_, None) => return,
        };
        let saved = serde_json::from_value(form(&grant, &self.fingerprint)).unwrap();
        self.session = Session::restore(self.client.clone(), saved).unwrap();
        self.model = Model::Grant(Box::new(grant));
        // Another process's requests are none of this one's.
        self.ids.clear();
    }

    fn stored_at(&self, before_last: u8) -> Grant {
        let index = self.stored.len().saturating_sub(1 + usize::from(before_last));
        self.stored[index].clone()
    }

    fn adopt(&mut self, theirs: Theirs) -> (Outcome, Outcome) {
        let mut grant = match (theirs, self.model.grant()) {
            (Theirs::Stored(before_last), _) => self.stored_at(before_last),
            (Theirs::Sibling, Some(grant)) => grant.stored(),
            _ => self.stored_at(0),
        };
        let (access_token, refresh_token) = self.issue();
        if matches!(theirs, Theirs::Renewed | Theirs::Sibling | Theirs::OtherLogin) {
            let token = Token::new(&access_token, "read", Some(self.now), Some(self.now.saturating_add(3600)));
            grant.slots[0].token = Some(token);
            grant.refresh_token = Some(refresh_token);
        }
        match theirs {
            Theirs::Renewed => grant.revision = ((grant.revision >> 20) + 1) << 20,
            Theirs::OtherLogin => (grant.login, grant.revision) = (format!("login {}", self.issued), u64::MAX),
            _ => {}
        }
        let mut json = form(&grant, &self.fingerprint);
        let refusal = match theirs {
            Theirs::OtherClient => {
                json["client"] = "another".into();
                Some(RestoreError::OtherClient)
            }
            Theirs::OtherVersion => {
                json["version"] = 1.into();
                Some(RestoreError::UnknownVersion)
            }
            Theirs::Damaged => {
                json["refresh_token"] = "R\nT".into();
                Some(RestoreError::Malformed)
            }
            _ => None,
        };
        let before = self.snapshot();
        let seen = match self.session.adopt(serde_json::from_value(json).unwrap()) {
            Ok(Adopted::Newer) => Outcome::Newer,
            Ok(Adopted::NotNewer) => Outcome::NotNewer,
            Ok(Adopted::OtherLogin) => Outcome::OtherLogin,
            Err(error) => Outcome::Err(error.code()),
        };
        assert!(seen == Outcome::Newer || self.snapshot() == before, "{theirs:?} changed the session");
        let expected = refusal.map_or_else(|| self.model.adopt(&grant), |error| Outcome::Err(error.code()));
        if seen == Outcome::Newer {
            self.stored.push(grant);
        }
        (seen, expected)
    }

    /// The outcome of an access, and the id of its request. A token that is handed out is kept.
    fn read(&mut self, access: Access, api: Api) -> (Outcome, u64) {
        let outcome = match access {
            Access::Ready(bearer) => {
                let text = bearer.token().reveal().to_owned();
                let token = self.model.grant().and_then(|grant| grant.slot(api).token.as_ref()).expect("it lives");
                assert!(token.is_good(self.now), "a token that has expired");
                assert_eq!(bearer.expires_at().map(UnixTime::as_secs), token.expires_at);
                assert_eq!((&text, bearer.target()), (&token.text, &target(api)));
                self.bearers.push((bearer, api));
                Outcome::Ready(text)
            }
            Access::SendRequest(request) => {
                assert!(!self.ids.contains(&request.id()), "two requests with one id");
                self.ids.push(request.id());
                let body = String::from_utf8(request.body().to_vec()).unwrap();
                return (Outcome::Send(body), request.id().as_u64());
            }
            Access::Verify(check) => panic!("the client has a verifier: {check:?}"),
            Access::Wait(id) => Outcome::Wait(id.as_u64()),
            Access::RetryAt(at) => Outcome::RetryAt(at.as_secs()),
            Access::LoginRequired(why) => Outcome::LoginRequired(why.code()),
            Access::Refused { error, retry_at } => Outcome::Refused(error.code(), retry_at.map(UnixTime::as_secs)),
        };
        (outcome, 0)
    }

    fn check(&mut self, op: Op) {
        let session = &self.session;
        assert_eq!(session.phase(), self.model.phase(), "phase after {op:?}");
        assert_eq!(session.last_error().map(Error::code), self.model.last_error(), "the last error after {op:?}");
        let grant = self.model.grant();
        let secs = |time: Option<UnixTime>| time.map(UnixTime::as_secs);
        assert_eq!(secs(session.deadline()), grant.and_then(Grant::deadline), "deadline after {op:?}");
        assert_eq!(secs(session.grant_expires_at()), grant.and_then(Grant::ends_at), "the end after {op:?}");
        let expected = grant.map_or(Value::Null, |grant| in_order(form(grant, &self.fingerprint)));
        assert_eq!(in_order(saved(session)), expected, "what is to be stored after {op:?}");
        let own = grant.and_then(|grant| grant.slot(Api::Own).token.as_ref());
        assert_eq!(session.scope(), own.map_or("", |own| &own.scope), "after {op:?}");
        let may_log_in_again = matches!(self.model, Model::Grant(_) | Model::Over(_));
        assert_eq!(session.authorization_request().is_some(), may_log_in_again, "after {op:?}");
        self.check_pending(op);
        if !may_log_in_again {
            let time = self.time();
            for api in APIS {
                let access = self.session.access_for(&target(api), time);
                assert!(matches!(access, Access::LoginRequired(_)), "{api:?} after the sign-out: {access:?}");
            }
        }
    }

    /// What a sign-out waits for is the same until it has an outcome, and no earlier request had its id.
    fn check_pending(&mut self, op: Op) {
        let pending = self.session.pending_action();
        let id = match &pending {
            Some(SessionAction::SendRequest(request)) => Some(request.id()),
            _ => None,
        };
        assert_eq!(pending.as_ref().map(action_of), self.model.pending(), "after {op:?}");
        let Model::SigningOut(signing_out) = &mut self.model else { return };
        if let (Some(id), Some(revocation)) = (id, &mut signing_out.revocation) {
            match revocation.id {
                Some(known) => assert_eq!(id.as_u64(), known, "another revocation while one is under way"),
                None => {
                    assert!(!self.ids.contains(&id), "a revocation with the id of an earlier request");
                    self.ids.push(id);
                    revocation.id = Some(id.as_u64());
                }
            }
        }
    }

    fn snapshot(&self) -> String {
        let session = &self.session;
        let seen = (session.phase(), session.deadline(), session.scope(), session.last_error());
        format!("{seen:?} {:?} {}", session.pending_action(), saved(session))
    }

    fn id(&self, id: Id) -> RequestId {
        let sent = |before_last: u8| self.ids.iter().nth_back(usize::from(before_last)).copied();
        let id = match id {
            Id::Sent(before_last) => sent(before_last),
            Id::Other(bit) => sent(0).map(|id| RequestId::from_u64(id.as_u64() ^ (1 << bit))),
        };
        id.unwrap_or(RequestId::from_u64(3))
    }

    fn time(&self) -> UnixTime {
        UnixTime::from_secs(self.now)
    }
}

fn action_of(action: &SessionAction) -> Outcome {
    match action {
        SessionAction::Save => Outcome::Save,
        SessionAction::RetryAt(at) => Outcome::RetryAt(at.as_secs()),
        SessionAction::LoginRequired(why) => Outcome::LoginRequired(why.code()),
        SessionAction::SendRequest(request) => Outcome::Send(String::from_utf8(request.body().to_vec()).unwrap()),
        SessionAction::OpenUrl(url) => Outcome::OpenUrl(url.as_str().to_owned()),
        SessionAction::SignedOut => Outcome::SignedOut,
    }
}

/// `null` when nothing is to be saved.
fn saved(session: &Session) -> Value {
    serde_json::to_value(session.save()).unwrap()
}
