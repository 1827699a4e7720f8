//! The session beside its model: every operation is done to both, and what can be seen of them is compared.

use std::rc::Rc;
use std::sync::Arc;

use oauth_proto::{
    Access, AuthorizationRequest, Bearer, Client, Entropy, Event, RequestId, Response, Secret, Session, SessionAction,
    SessionPhase, SignOut, Tokens, UnixTime,
};
use serde_json::Value;

use super::login::octets;
use super::session::{Answer, Api, Id, Op, Outcome, Return, Says, APIS};
use super::session_grant::{Asked, Demand, Grant, Token};
use super::session_process::new_grant;
use super::session_saved::{Config, Model};
use super::session_wire::{challenge, client, form, in_order, reason, redirect, state, target, wire};
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

pub struct Run {
    mode: Mode,
    pub client: Client,
    config: Config,
    pub session: Session,
    pub model: Model,
    pub now: u64,
    pub ids: Vec<RequestId>,
    bearers: Vec<(Bearer, Api, Rc<()>)>,
    /// What was saved, the last one last.
    pub stored: Vec<Grant>,
    /// What was saved, and what the model said to that, when the two were compared last.
    checked: Option<(String, Grant)>,
    /// The login that an API has demanded.
    pub wanted: Option<(Arc<AuthorizationRequest>, Asked)>,
    /// The client's name in saved forms.
    pub fingerprint: String,
    state: String,
    pub issued: u32,
    pub signed_out: bool,
}

/// Decodes operations and runs them on the machine and on the model.
pub fn run(mut bytes: impl Iterator<Item = u8>, mode: Mode) -> Report {
    let mut run = Run::new([bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)], mode);
    let mut report = Report::default();
    while let Some(op) = Op::from_bytes(&mut bytes) {
        let before = run.session.phase();
        report.lines.push(run.step(op));
        let after = run.session.phase();
        if before != after && !matches!(op, Op::Restore(_) | Op::LogIn) {
            report.phase_changes.push((before, after));
        }
    }
    report
}

impl Run {
    fn new([flags, offers]: [u8; 2], mode: Mode) -> Self {
        let config = Config { revokes: flags & 7 != 0, logs_out: offers & 3 != 0, comes_back: offers & 0x0c != 0 };
        let client = client(config);
        let refresh_token = (flags & 0x38 != 0).then_some("RT0");
        let expires_at = [None, Some(START), Some(START + 61), Some(START + 3600)][usize::from(flags >> 6)];
        let tokens = Tokens::from_parts(
            Secret::new("AT0"),
            refresh_token.map(Secret::new),
            expires_at.map(UnixTime::from_secs),
            "read write",
        );
        let session = Session::new(client.clone(), tokens);
        let asked = Asked { scope: String::new(), acr_values: None, max_age: None, resource: false, points: 0 };
        let token = Token::new("AT0", "read write", None, expires_at);
        let grant = new_grant(&session, asked, token, refresh_token, None);
        Self {
            mode,
            fingerprint: saved(&session)["client"].as_str().unwrap().to_owned(),
            client,
            config,
            session,
            model: Model::Grant(Box::new(grant.clone())),
            now: START,
            ids: Vec::new(),
            bearers: Vec::new(),
            stored: vec![grant],
            checked: None,
            wanted: None,
            state: String::new(),
            issued: 0,
            signed_out: false,
        }
    }

    fn step(&mut self, op: Op) -> String {
        if self.mode == Mode::Restarted && matches!(&self.model, Model::Grant(grant) if grant.is_quiet()) {
            self.restore(0);
        }
        let outcome = match op {
            Op::Access(api) => self.access(api),
            Op::Answer(id, answer) => self.answer(id, answer),
            Op::SendFailed(id, delivered) => {
                let id = self.id(id);
                let expected = self.model.answer(id.as_u64(), Err(delivered), self.now);
                self.handle(Event::SendFailed(id, delivered), expected)
            }
            Op::Refused(before_last, says) => self.refused(before_last, says),
            Op::SignOut { logout, federated } => self.sign_out(logout, federated),
            Op::Narrow(scope) => self.narrow(scope),
            Op::Start(seed) => {
                let event = Event::Start(Entropy::new(octets(seed)).unwrap());
                self.handle(event, Outcome::Refused("not_for_a_session"))
            }
            Op::Redirect(to) => self.redirect(to),
            Op::Cancelled => {
                let expected = self.model.returned(self.now).unwrap_or(Outcome::Refused("not_for_a_session"));
                self.handle(Event::Cancelled, expected)
            }
            Op::TryAgain => {
                self.session.try_again();
                self.model.try_again();
                Outcome::Nothing
            }
            Op::Clock(jump) => {
                let next = match &self.model {
                    Model::Grant(grant) => {
                        let retry = grant.patience.retry.map(|retry| retry.at);
                        grant.deadline().or(retry).or(grant.own().expires_at)
                    }
                    _ => None,
                };
                self.now = jump.from(self.now, next);
                Outcome::Nothing
            }
            Op::Save => {
                if let Model::Grant(grant) = &self.model {
                    self.stored.push(grant.stored());
                }
                Outcome::Nothing
            }
            Op::Restore(before_last) => {
                if self.mode == Mode::Free {
                    self.restore(before_last);
                }
                Outcome::Nothing
            }
            Op::Adopt(theirs) => self.adopt(theirs),
            Op::LogIn => self.log_in(),
        };
        self.check(op, &outcome);
        format!("{outcome:?}")
    }

    fn access(&mut self, api: Api) -> Outcome {
        let time = self.time();
        let access =
            if api == Api::Own { self.session.access(time) } else { self.session.access_for(&target(api), time) };
        let (outcome, id) = self.read(access, api);
        assert_eq!(outcome, self.model.access(api, id, self.now), "access for {api:?} at {}", self.now);
        outcome
    }

    fn answer(&mut self, id: Id, answer: Answer) -> Outcome {
        let id = self.id(id);
        let (access_token, refresh_token) = self.issue();
        let rotated = matches!(answer, Answer::Tokens { rotated: true, .. } | Answer::OnlyRefreshToken);
        let rotated = rotated.then_some(refresh_token.as_str());
        let (status, headers, body) = wire(answer, &access_token, rotated);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let event = Event::ResponseReceived(id, Response::new(status, headers.as_slice(), body.as_bytes()));
        let expected = self.model.answer(id.as_u64(), Ok((answer, (&access_token, rotated))), self.now);
        self.handle(event, expected)
    }

    pub fn issue(&mut self) -> (String, String) {
        self.issued += 1;
        (format!("AT{}", self.issued), format!("RT{}", self.issued))
    }

    fn redirect(&mut self, to: Return) -> Outcome {
        let url = redirect(to, &self.state);
        let awaited = self.config.comes_back && self.model.phase() == SessionPhase::LoggingOut;
        let expected = match to {
            _ if !awaited => Outcome::Refused("redirect_not_awaited"),
            Return::Right => self.model.returned(self.now).unwrap(),
            Return::OtherState => Outcome::Refused("state_mismatch"),
            Return::NoState => Outcome::Refused("state_missing"),
            Return::OtherUri => Outcome::Refused("not_our_redirect"),
        };
        self.handle(Event::RedirectReceived(&url), expected)
    }

    fn handle(&mut self, event: Event<'_>, expected: Outcome) -> Outcome {
        let before = self.snapshot();
        let text = format!("{event:?}");
        let now = self.time();
        let outcome = match self.session.handle(event, now) {
            Ok(SessionAction::Save(given)) => {
                assert_eq!(
                    serde_json::to_value(&given).unwrap(),
                    saved(&self.session),
                    "what is given is not what is used"
                );
                // Which API the token is for shows when it is asked for.
                if let Outcome::Save(api) = expected {
                    Outcome::Save(api)
                } else {
                    Outcome::Save(None)
                }
            }
            Ok(action) => self.action(action),
            Err(error) => {
                assert!(!error.is_fatal(), "{error:?}");
                assert_eq!(self.snapshot(), before, "a refused event changed the session: {text}");
                Outcome::Refused(error.code())
            }
        };
        assert_eq!(outcome, expected, "{text} at {}", self.now);
        outcome
    }

    /// Any action but `Save`.
    fn action(&self, action: SessionAction) -> Outcome {
        match action {
            SessionAction::RetryAt(at) => Outcome::RetryAt(at.as_secs()),
            SessionAction::LoginRequired(why) => Outcome::LoginRequired(reason(&self.client, &why).0),
            SessionAction::SendRequest(request) => Outcome::Send(String::from_utf8(request.body().to_vec()).unwrap()),
            SessionAction::OpenUrl(url) => Outcome::OpenUrl(url.as_str().to_owned()),
            SessionAction::SignedOut => Outcome::SignedOut,
            SessionAction::Save(_) => panic!("tokens after the sign-out"),
        }
    }

    fn refused(&mut self, before_last: u8, says: Says) -> Outcome {
        if self.mode != Mode::Free {
            self.bearers.clear();
            let _ = self.access(Api::Own);
        }
        let before_last = if self.mode == Mode::Free { usize::from(before_last) } else { 0 };
        let Some((bearer, api, identity)) = self.bearers.iter().nth_back(before_last).cloned() else {
            return Outcome::Nothing;
        };
        let (status, lines) = challenge(says);
        let access = self.session.refused(&bearer, status, lines, self.time());
        let (outcome, id) = access.map_or((Outcome::Nothing, 0), |access| self.read(access, api));
        let token = bearer.token().reveal();
        assert_eq!(
            outcome,
            self.model.refused(api, (token, &identity), says, id, self.now),
            "{says:?} about {token} of {api:?}"
        );
        outcome
    }

    fn sign_out(&mut self, logout: bool, federated: bool) -> Outcome {
        let mut how = SignOut::new();
        let seed = self.issued.to_le_bytes()[0];
        let state = state(&octets(seed));
        if logout {
            how = how.logout(Entropy::new(octets(seed)).unwrap());
        }
        if federated {
            how = how.federated();
        }
        let again = self.signed_out;
        let action = self.session.sign_out(how);
        let outcome = self.action(action);
        assert_eq!(outcome, self.model.sign_out(self.config, logout.then_some(&state), federated), "sign-out");
        if !again {
            self.state = state;
        }
        self.signed_out = true;
        outcome
    }

    fn narrow(&mut self, scope: &'static str) -> Outcome {
        let before = self.snapshot();
        let result = self.session.refresh_scope(scope);
        match &mut self.model {
            Model::Grant(grant) if super::session_grant::within(scope, &grant.granted_scope) => {
                assert!(result.is_ok());
                scope.clone_into(&mut grant.narrowed);
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

    /// The outcome of an access, and the id of its request. A token that is handed out is kept.
    fn read(&mut self, access: Access, api: Api) -> (Outcome, u64) {
        match access {
            Access::Ready(bearer) => {
                let Model::Grant(grant) = &self.model else { panic!("a token after the end") };
                let token = grant.slot(api).token.as_ref().unwrap();
                assert!(token.usable(self.now), "a token that is known to be bad");
                assert_eq!((bearer.token().reveal(), bearer.target()), (token.text.as_str(), &target(api)));
                let outcome = Outcome::Ready(token.text.clone());
                self.bearers.push((bearer, api, Rc::clone(&token.identity)));
                (outcome, 0)
            }
            Access::SendRequest(request) => {
                self.ids.push(request.id());
                (Outcome::Send(String::from_utf8(request.body().to_vec()).unwrap()), request.id().as_u64())
            }
            Access::Wait(id) => {
                let Model::Grant(grant) = &self.model else { panic!("a wait after the end") };
                let under_way = grant.flight.as_ref().map(|flight| flight.sent.id);
                assert_eq!(under_way, Some(id.as_u64()), "a wait for nothing");
                (Outcome::Wait, 0)
            }
            Access::RetryAt(at) => (Outcome::RetryAt(at.as_secs()), 0),
            Access::LoginRequired(why) => {
                let (text, wanted) = reason(&self.client, &why);
                self.wanted = wanted.or(self.wanted.take());
                (Outcome::LoginRequired(text), 0)
            }
        }
    }

    fn check(&mut self, op: Op, outcome: &Outcome) {
        assert_eq!(self.session.phase(), self.model.phase(), "phase after {op:?}");
        assert_eq!(self.session.deadline().map(UnixTime::as_secs), self.model.deadline(), "deadline after {op:?}");
        self.check_pending(op);
        match &self.model {
            Model::Grant(grant) => {
                let seen = Some((text(&self.session), grant.stored()));
                if self.checked != seen {
                    let expected = form(&grant.stored(), &self.fingerprint);
                    assert_eq!(in_order(saved(&self.session)), in_order(expected), "after {op:?}");
                    let again = self.session.authorization_request().unwrap();
                    assert_eq!(again.requested_scope(), grant.again(&Demand::default(), 0).scope, "after {op:?}");
                    self.checked = seen;
                }
                assert_eq!(self.session.scope(), grant.own().scope, "after {op:?}");
            }
            other => {
                assert!(self.session.save().is_none(), "something is left to be saved after {op:?}");
                let may_log_in_again = matches!(other, Model::Over(_));
                assert_eq!(self.session.authorization_request().is_some(), may_log_in_again, "after {op:?}");
            }
        }
        if self.signed_out {
            let nothing = !matches!(outcome, Outcome::Ready(_) | Outcome::Save(_) | Outcome::Wait | Outcome::Newer);
            assert!(nothing, "{op:?} after the sign-out");
            assert!(self.session.scope().is_empty(), "{op:?} after the sign-out");
            #[cfg(feature = "openid")]
            assert!(self.session.id_token().is_none(), "{op:?} after the sign-out");
            let time = self.time();
            for api in APIS {
                let access = self.session.access_for(&target(api), time);
                assert!(matches!(access, Access::LoginRequired(_)), "{api:?} after the sign-out: {access:?}");
            }
        }
        if let Outcome::Save(Some(api)) = *outcome {
            assert!(self.session.last_error().is_none(), "{:?}", self.session.last_error());
            let Outcome::Ready(_) = self.access(api) else { panic!("the new token is not used: a loop") };
        }
    }

    /// What a sign-out waits for is the same until it has an outcome, and no earlier request had its id.
    fn check_pending(&mut self, op: Op) {
        let pending = self.session.pending_action();
        let id = match &pending {
            Some(SessionAction::SendRequest(request)) => Some(request.id()),
            _ => None,
        };
        assert_eq!(pending.map(|action| self.action(action)), self.model.pending(), "after {op:?}");
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

    pub fn snapshot(&self) -> String {
        let session = &self.session;
        let seen = (session.phase(), session.deadline(), session.scope(), session.last_error());
        format!("{seen:?} {:?} {}", session.pending_action(), text(session))
    }

    fn id(&self, id: Id) -> RequestId {
        let sent = |before_last: u8| self.ids.iter().nth_back(usize::from(before_last)).copied();
        let id = match id {
            Id::Sent(before_last) => sent(if self.mode == Mode::Free { before_last } else { 0 }),
            Id::Other(bit) => sent(0).map(|id| RequestId::from_u64(id.as_u64() ^ (1 << bit))),
        };
        id.unwrap_or(RequestId::from_u64(3))
    }

    pub fn time(&self) -> UnixTime {
        UnixTime::from_secs(self.now)
    }
}

fn text(session: &Session) -> String {
    serde_json::to_string(&session.save()).unwrap()
}

/// `null` when nothing is to be saved.
pub fn saved(session: &Session) -> Value {
    serde_json::to_value(session.save()).unwrap()
}
