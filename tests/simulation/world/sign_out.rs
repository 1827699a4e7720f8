//! What the user does: signs out, logs in again. And what a sign-out still has to do when it holds already.

use std::sync::Arc;

use oauth_proto::{
    Action, AuthorizationRequest, Error, Event, Login, Over, Request, RequestId, Response, Session, SessionAction,
    SessionPhase, SignOut,
};

use super::caller::check_wait;
use super::identity::Identity;
use super::network::{Message, Sender};
use super::process::{Job, Step};
use super::store::Memory;
use super::trouble::token_body;
use super::truth::{broken, Asked, SignedOut};
use super::World;

/// What is left to do of a sign-out.
pub enum Goodbye {
    None,
    Send(Request),
    Sent {
        id: RequestId,
        since: u64,
    },
    /// The browser is open, with the `state` that its return must bring.
    Browser(String),
    /// To be tried again at this (true) time.
    Later(u64),
}

impl World<'_> {
    pub fn sign_out(&mut self, p: usize) -> Step {
        let logout = matches!(self.processes[p].job, Some(Job::SignOut { logout: true }));
        let how = if logout { SignOut::new().logout(self.fresh_entropy()) } else { SignOut::new() };
        if self.processes[p].session.is_none() || self.processes[p].signed_out {
            return Step::Unlock;
        }
        self.counts.add("signed out");
        self.begin_sign_out(p, how);
        Step::Remove
    }

    /// Everything is forgotten at once; what was in the air is remembered.
    pub fn begin_sign_out(&mut self, p: usize, how: SignOut) {
        let process = &mut self.processes[p];
        let action = process.session.as_mut().unwrap().sign_out(how);
        (process.signed_out, process.to_flush) = (true, false);
        self.trace.note(|| format!("    [{p}] signs out: {action:?}"));
        let machine = self.processes[p].machine;
        let in_the_air = self.truth.in_the_air(machine);
        if !in_the_air.is_empty() {
            self.counts.add("signed out with a refresh in the air");
        }
        self.truth.sign_outs.insert(machine, SignedOut { in_the_air, ..SignedOut::default() });
        self.goodbye(p, action);
        self.note_sign_out(p);
    }

    /// How the sign-out is seen now.
    pub fn note_sign_out(&mut self, p: usize) {
        let process = &self.processes[p];
        let (Some(session), Some(known)) = (&process.session, self.truth.sign_outs.get_mut(&process.machine)) else {
            return;
        };
        known.is_complete = session.phase() == SessionPhase::SignedOut;
        known.has_told = matches!(session.last_error(), Some(Error::Over(Over::NotRevoked) | Error::Refused(_)));
        if known.is_complete && known.has_told && !known.in_the_air.is_empty() {
            self.counts.add("told that a token may live on");
        }
    }

    /// What the session says is next.
    pub fn goodbye(&mut self, p: usize, action: SessionAction) {
        let now = self.time(p);
        if !self.processes[p].signed_out {
            broken!("3", "process {p} says {action:?} before a sign-out");
        }
        self.processes[p].goodbye = match action {
            SessionAction::SendRequest(request) => Goodbye::Send(request),
            SessionAction::OpenUrl(url) => {
                let state = url.split_once("&state=").map(|(_, rest)| rest.split('&').next().unwrap_or_default());
                Goodbye::Browser(state.unwrap_or_default().to_owned())
            }
            SessionAction::RetryAt(at) => {
                check_wait(at, now);
                self.counts.add("revocation to be tried again");
                Goodbye::Later(self.now + at.saturating_since(now))
            }
            SessionAction::SignedOut => {
                if self.phase(p) != Some(SessionPhase::SignedOut) {
                    broken!("2", "process {p} is signed out, and in phase {:?}", self.phase(p));
                }
                self.counts.add("sign-out complete");
                Goodbye::None
            }
            other => broken!("3", "process {p} says {other:?} after the sign-out"),
        };
    }

    /// One step of what is left to do. Whether there was one.
    pub fn say_goodbye(&mut self, p: usize) -> bool {
        let process = &mut self.processes[p];
        let sender = |id| Sender { process: p, life: process.life, id };
        match core::mem::replace(&mut process.goodbye, Goodbye::None) {
            Goodbye::None => return false,
            Goodbye::Send(request) => {
                let body = core::str::from_utf8(request.body()).unwrap();
                let token = body.split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap_or_default();
                self.network.push(Message::Revocation { sender: sender(request.id()), token: token.to_owned() });
                process.goodbye = Goodbye::Sent { id: request.id(), since: self.now };
            }
            Goodbye::Sent { id, since } if self.now - since >= 60 => {
                let sender = sender(id);
                process.goodbye = Goodbye::Sent { id, since };
                self.fail(sender, None);
            }
            Goodbye::Later(at) if at <= self.now => {
                let action = process.session.as_ref().and_then(Session::pending_action);
                let Some(action) = action else {
                    broken!("2", "process {p} was told to try again, and has nothing to do")
                };
                self.goodbye(p, action);
            }
            Goodbye::Browser(state) => self.browser_returns(p, &state),
            waits => {
                process.goodbye = waits;
                return false;
            }
        }
        true
    }

    fn browser_returns(&mut self, p: usize, state: &str) {
        let now = self.time(p);
        let forged = "com.example.app:/logout?state=forged".to_owned();
        let ours = format!("com.example.app:/logout?state={state}");
        let session = self.processes[p].session.as_mut().unwrap();
        if self.choices.percent(30) {
            if let Ok(action) = session.handle(Event::RedirectReceived(&forged), now) {
                broken!("6", "a forged return from the logout is taken: {action:?}");
            }
            self.counts.add("forged return from the logout");
        }
        let event = if self.choices.percent(30) { Event::Cancelled } else { Event::RedirectReceived(&ours) };
        self.counts.add("return from the logout");
        match session.handle(event, now) {
            Ok(action) => self.goodbye(p, action),
            Err(error) => broken!("2", "the return from the logout is refused: {error:?}"),
        }
    }

    /// A login from start to end: the network is kind to it.
    pub fn log_in(&mut self, p: usize) -> Step {
        // Another account, or the same once more.
        let user = self.server.logins.len() - usize::from(self.choices.percent(40)).min(self.server.logins.len() - 1);
        let mut issued = self.server.login(user.max(1), self.now);
        let now = self.time(p);
        let login = self.server.logins.len() - 1;
        self.truth.came(&issued, now.as_secs(), now.as_secs());
        let scope = self.scope();
        let usual = || Arc::new(AuthorizationRequest::new().scope(scope));
        let request = self.processes[p].demanded.take().unwrap_or_else(usual);
        let asked = Asked {
            admin: request.requested_scope().split(' ').any(|one| one == "admin"),
            max_age: false,
            at: now.as_secs(),
        };
        let mut machine = Login::new(self.client.clone(), request).unwrap();
        let Ok(Action::OpenUrl(url)) = machine.handle(Event::Start(self.fresh_entropy()), now) else {
            panic!("no URL")
        };
        let state = url.split_once("&state=").unwrap().1.split('&').next().unwrap();
        self.truth.asked.insert(login, Asked { max_age: url.contains("&max_age=60"), ..asked });
        let redirect = format!("com.example.app:/callback?code=C&state={state}");
        let Ok(Action::SendRequest(request)) = machine.handle(Event::RedirectReceived(&redirect), now) else {
            panic!("no request");
        };
        let nonce = url.split_once("&nonce=").map(|(_, rest)| rest.split('&').next().unwrap());
        self.identify_login(p, &mut issued, nonce.unwrap_or_default());
        let mut body = token_body(&issued, "Bearer");
        let mut request = request;
        let tokens = loop {
            let headers = [("content-type", "application/json")];
            let event = Event::ResponseReceived(request.id(), Response::new(200, &headers, body.as_bytes()));
            match machine.handle(event, now) {
                Ok(Action::TokensReady(tokens)) => break tokens,
                Ok(Action::SendRequest(keys)) => request = keys,
                other => panic!("no tokens: {other:?}"),
            }
            body = self.jwks();
        };
        self.counts.add("logged in");
        self.trace.note(|| format!("    [{p}] logs in: {:?}", issued.refresh_token));
        let mut memory = Memory { login, ..Memory::default() };
        memory.learn(&issued, now.as_secs());
        self.install(p, machine.into_session(tokens), memory);
        Step::Store
    }

    fn scope(&self) -> &'static str {
        if self.plan.identity == Identity::None {
            "read write offline_access"
        } else {
            "openid read write offline_access"
        }
    }

    /// The user does something, or the server's operator does.
    pub fn user_acts(&mut self) {
        let p = self.choices.below(self.processes.len());
        let kind = self.choices.below(7);
        if kind == 6 {
            // The device is online again, perhaps.
            if self.is_awake(p) {
                self.deal_with_it(p);
            }
            return;
        }
        if kind == 5 {
            if let Some(login) = self.server.logins.last_mut() {
                login.ended = true;
                self.counts.add("login revoked at the server");
                self.trace.note(|| "the last login is revoked at the server".into());
            }
            return;
        }
        if !self.is_awake(p) {
            return;
        }
        let is_idle = self.processes[p].job.is_none();
        if kind < 2 {
            if is_idle && matches!(self.processes[p].goodbye, Goodbye::None) {
                self.begin(p, Job::LogIn);
            }
            return;
        }
        let logout = kind == 2;
        if is_idle {
            self.begin(p, Job::SignOut { logout });
        } else if matches!(self.processes[p].step, Step::Await { .. }) {
            // The process has the lock already. Whoever it worked for will be told.
            if let Some(caller) = self.processes[p].caller() {
                self.callers[caller].ask_again();
            }
            self.counts.add("signed out while a refresh was under way");
            if self.choices.percent(50) {
                self.serve_all();
            }
            self.processes[p].job = Some(Job::SignOut { logout });
            self.processes[p].step = Step::SignOut;
        }
    }
}
