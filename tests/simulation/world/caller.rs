//! The callers: each wants tokens for one target, uses them, and may stop waiting at any time.

use oauth_proto::{Access, Bearer, Error, LoginRequired, Request, Session, UnixTime};

use super::network::Sender;
use super::process::{Job, Step};
use super::truth::{broken, Attempt, Outcome, TIMEOUT};
use super::World;

/// The longest wait that a session may ask for: an hour, as a server's `Retry-After` is clamped, two minutes that keep clients
/// apart, and the minute by which clocks may be behind each other without one being taken for set back.
const MAX_WAIT: u64 = 63 * 60;

pub struct Caller {
    pub process: usize,
    pub target: usize,
    pub state: State,
    /// Got a token, or was told that there is none, in the quiet phase.
    pub served: bool,
}

pub enum State {
    Idle,
    /// Wants to ask, from this (true) time on.
    Wants {
        from: u64,
        for_answer: bool,
    },
    /// Its process works for it.
    Asks,
    /// Uses the API.
    Calls(Bearer),
    /// The API refused the token, in this way; the process does not know yet.
    Refused(Bearer, usize),
}

impl Caller {
    pub fn want(&mut self) {
        if matches!(self.state, State::Idle) {
            self.state = State::Wants { from: 0, for_answer: false };
        }
    }

    pub fn begin(&mut self) {
        self.state = State::Asks;
    }

    /// After its job: unless that brought something, it asks again.
    pub fn ask_again(&mut self) {
        if matches!(self.state, State::Asks) {
            self.state = State::Wants { from: 0, for_answer: false };
        }
    }

    /// Whoever waits for the answer that came.
    pub fn wake(&mut self) {
        if matches!(self.state, State::Wants { for_answer: true, .. }) {
            self.state = State::Wants { from: 0, for_answer: false };
        }
    }

    pub fn take_up(&mut self, number: usize) -> Job {
        match core::mem::replace(&mut self.state, State::Asks) {
            State::Refused(bearer, how) => Job::Refused(number, bearer, how),
            _ => Job::Access(number),
        }
    }

    /// There is no token to be had.
    pub fn told(&mut self, quiet: bool) {
        self.state = State::Idle;
        self.served |= quiet;
    }

    pub fn lose_process(&mut self) {
        if !matches!(self.state, State::Idle) {
            self.state = State::Wants { from: 0, for_answer: false };
        }
    }
}

impl World<'_> {
    /// One of the callers of this process that want something now.
    pub fn waiting_caller(&mut self, p: usize) -> Option<usize> {
        let wants = |caller: &Caller| match caller.state {
            State::Wants { from, .. } => caller.process == p && from <= self.now,
            State::Refused(..) => caller.process == p,
            _ => false,
        };
        let flying = matches!(self.processes[p].step, Step::Await { .. });
        let wants: Vec<usize> = (0..self.callers.len())
            .filter(|index| wants(&self.callers[*index]))
            // While a request is under way, those who were refused wait for its end: they have the lock to wait for.
            .filter(|index| !flying || !matches!(self.callers[*index].state, State::Refused(..)))
            .collect();
        (!wants.is_empty()).then(|| self.choices.pick(&wants))
    }

    /// Asks the session for a token for this caller. A request is given back with the number of its attempt.
    pub fn ask(&mut self, p: usize, caller: usize, refusal: Option<(Bearer, usize)>) -> Option<(Request, usize)> {
        let (now, target) = (self.time(p), self.callers[caller].target);
        self.truth.show_clock(self.processes[p].machine, now.as_secs());
        if refusal.is_none() {
            self.look_at_ends(p);
        }
        let session = self.processes[p].session.as_mut()?;
        let told = refusal.as_ref().map(|(_, how)| *how);
        let access = match &refusal {
            None => session.access_for(&self.targets[target], now),
            Some((bearer, how)) => {
                let (status, lines): (u16, &[(&str, &str)]) = match how {
                    0 => (401, &[("www-authenticate", "Bearer error=\"invalid_token\"")]),
                    1 => (401, &[]),
                    2 => (403, &[("www-authenticate", "Bearer error=\"insufficient_scope\", scope=\"admin\"")]),
                    3 => (
                        401,
                        &[("www-authenticate", "Bearer error=\"insufficient_user_authentication\", max_age=\"60\"")],
                    ),
                    _ => (500, &[]),
                };
                if *how < 2 {
                    self.truth.refused[target].insert(bearer.token().reveal().to_owned());
                }
                self.counts.add(if *how < 2 { "401 told to the session" } else { "other refusal told to the session" });
                match session.refused(bearer, status, lines, now) {
                    Some(access) => access,
                    None => {
                        self.callers[caller].told(self.quiet);
                        return None;
                    }
                }
            }
        };
        let process = &self.processes[p];
        let over = process.signed_out || process.ended;
        if !over && process.session.as_ref().is_some_and(|session| session.deadline().is_none()) {
            self.truth.give_up(process.machine, now.as_secs());
        }
        self.trace.note(|| {
            format!("    caller {caller} asks [{p}] at {now:?} for target {target}, refused {told:?}: {access:?}")
        });
        if let Some((bearer, how)) = &refusal {
            self.check_refused(p, bearer, *how, &access);
        }
        match access {
            Access::Ready(bearer) => {
                self.check_ready(p, caller, &bearer);
                self.callers[caller].state = State::Calls(bearer);
                self.callers[caller].served |= self.quiet;
                self.counts.add("token handed out");
                None
            }
            // Somebody fetches the keys, and goes on without them.
            Access::SendRequest(request) if request.method() == "GET" => {
                self.ask_for_keys(p, &request);
                self.ask(p, caller, None)
            }
            Access::SendRequest(request) => {
                let good = refusal
                    .filter(|(bearer, how)| *how < 2 && self.truth.is_fresh(bearer.token().reveal(), now.as_secs()));
                let attempt = self.check_request(p, caller, &request, good.is_some());
                Some((request, attempt))
            }
            Access::Wait(id) => {
                let known = self.truth.attempts.iter().any(|attempt| {
                    attempt.machine == self.processes[p].machine
                        && attempt.sender.id == id
                        && attempt.outcome == Outcome::Open
                });
                if !known {
                    broken!("2", "caller {caller} is to wait for {id:?}, which is not under way");
                }
                let session = self.processes[p].session.as_ref().unwrap();
                let Some(deadline) = session.deadline() else { broken!("2", "a wait without a deadline") };
                // Asking earlier does no harm, and the clock may have been set back.
                let wait = deadline.saturating_since(now).min(TIMEOUT);
                self.callers[caller].state = State::Wants { from: self.now + wait.max(1), for_answer: true };
                self.counts.add("told to wait for another's refresh");
                None
            }
            Access::Verify(_) => broken!("2", "the client has a verifier"),
            Access::RetryAt(at) => {
                self.wait_until(caller, at, now);
                self.counts.add("told to try later");
                None
            }
            Access::Refused { error, retry_at } => {
                self.refused_by_server(p, caller, error, retry_at);
                None
            }
            Access::LoginRequired(why) => {
                self.check_login_required(p, caller, &why, told);
                if let (LoginRequired::TokenRefused, Some((bearer, _))) = (&why, &refusal) {
                    self.check_good_for_others(p, bearer);
                }
                self.need_login(p, caller, &why);
                None
            }
        }
    }

    fn wait_until(&mut self, caller: usize, at: UnixTime, now: UnixTime) {
        check_wait(at, now);
        let wait = at.saturating_since(now);
        self.callers[caller].state = State::Wants { from: self.now + wait.max(1), for_answer: true };
    }

    /// The server refuses the client, or what it is asked for. An app that knows the server's own words ends the grant.
    fn refused_by_server(&mut self, p: usize, caller: usize, error: Error, retry_at: Option<UnixTime>) {
        let (now, target) = (self.time(p), self.callers[caller].target);
        self.check_refused_by_server(p, target, &error);
        let is_known = matches!(&error, Error::Refused(refused) if refused.oauth_error() == Some("bad_refresh_token"));
        match retry_at {
            _ if is_known => {
                let session = self.processes[p].session.as_mut().unwrap();
                let action = session.end_grant(error);
                self.counts.add("app ended the grant by the server's own words");
                self.check_end_of_grant(p, &action);
                self.processes[p].ended = true;
                self.processes[p].to_flush = true;
                self.callers[caller].told(self.quiet);
            }
            Some(at) => {
                self.counts.add("refused by the server for an hour");
                // In the end it is asked about by itself.
                self.processes[p].to_ask_again = !self.quiet && self.choices.percent(15);
                self.wait_until(caller, at, now);
            }
            None => {
                self.counts.add("refused by the server for good");
                self.processes[p].to_ask_again = self.quiet || self.choices.percent(15);
                self.callers[caller].told(false);
            }
        }
    }

    /// The user may log in, or act at the server.
    fn need_login(&mut self, p: usize, caller: usize, why: &LoginRequired) {
        let must_act = matches!(why, LoginRequired::UserMustAct { .. });
        let passes = must_act || matches!(why, LoginRequired::TargetNotGranted { .. } | LoginRequired::TokenRefused);
        self.callers[caller].told(self.quiet && !passes);
        if must_act && (self.quiet || self.choices.percent(40)) {
            self.processes[p].to_ask_again = true;
            return;
        }
        // What the login's own refresh would tell may wait for the user.
        if self.quiet && passes && self.choices.percent(20) {
            self.processes[p].to_ask_again = true;
        }
        let demanded = self.processes[p].demanded.is_some();
        self.processes[p].to_log_in = !self.quiet && self.choices.percent(if demanded { 70 } else { 15 });
        if demanded && self.processes[p].to_log_in {
            self.callers[caller].want();
        }
    }

    /// (1, 4, 5) A refresh is given when none is under way, for the caller's target, with the refresh token that came last.
    fn check_request(&mut self, p: usize, caller: usize, request: &Request, for_refusal: bool) -> usize {
        let process = &self.processes[p];
        if process.signed_out || process.ended {
            broken!("3", "process {p} wants a refresh though it is over");
        }
        let body = core::str::from_utf8(request.body()).unwrap();
        let value = |name: &str| {
            let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(other, _)| *other == name).map(|(_, value)| value)
        };
        let wanted = |target| match target {
            0 => (None, None),
            1 => (Some("https%3A%2F%2Fa.example%2F"), Some("read")),
            _ => (Some("https%3A%2F%2Fb.example%2F"), Some("read+write")),
        };
        let mut target = self.callers[caller].target;
        let asked = (value("resource"), value("scope"));
        // Whether the grant lives, the login's own refresh says.
        if process.in_doubt && asked == wanted(0) {
            target = 0;
        }
        if asked != wanted(target) {
            broken!("5", "a refresh for target {target} asks for {body}");
        }
        let token = value("refresh_token").unwrap_or_default().to_owned();
        if process.memory.token.as_deref() != Some(&token) {
            broken!("4", "process {p} sends {token}, and has {:?}", process.memory.token);
        }
        if self.store.has_newer(&self.server, &token) {
            broken!("c", "process {p} sends {token}, whose successor has been stored");
        }
        let now = self.clock(p);
        if self.has_expired(p) {
            broken!(
                "a",
                "process {p} sends {token} at {now}, though the server said that it ends: {:?}",
                process.memory
            );
        }
        let deadline = process.session.as_ref().unwrap().deadline().map(UnixTime::as_secs);
        if deadline != Some(now.saturating_add(TIMEOUT)) {
            broken!("2", "a refresh of {now} is taken for lost at {deadline:?}");
        }
        let attempt = Attempt {
            sender: Sender { process: p, life: process.life, id: request.id() },
            machine: process.machine,
            token,
            target,
            given_at: now,
            set_back_to: None,
            sent_at: None,
            for_refusal,
            loose: false,
            dropped: false,
            doubled: false,
            outcome: Outcome::Open,
            late: false,
        };
        let (attempt, is_again) = self.truth.give(attempt);
        if is_again {
            self.counts.add("lost refresh tried again");
        }
        attempt
    }

    /// A caller stops waiting. What its process does for it stops with it, and the lock is given back.
    pub fn cancel(&mut self, caller: usize) {
        let p = self.callers[caller].process;
        self.callers[caller].state = State::Idle;
        if self.processes[p].caller() != Some(caller) || !self.processes[p].alive {
            return;
        }
        // What has come must be stored, whoever waits for it.
        if matches!(self.processes[p].step, Step::Store | Step::Unlock | Step::Remove) {
            return;
        }
        let step = core::mem::replace(&mut self.processes[p].step, Step::Unlock);
        self.trace.note(|| format!("caller {caller} of [{p}] is cancelled at: {}", step.name()));
        let attempt = match step {
            Step::Send(_, attempt) => {
                self.counts.add("cancelled before sending");
                attempt
            }
            Step::Await { attempt, .. } => {
                self.counts.add("cancelled while a refresh was under way");
                attempt
            }
            _ => return,
        };
        self.truth.attempts[attempt].loose = true;
        let sender = self.truth.attempts[attempt].sender;
        match self.choices.pick(&[0, 0, 0, 1, 2]) {
            // The request goes on, and its answer is handed over without the lock.
            0 => {}
            1 => self.truth.attempts[attempt].dropped = true,
            _ => {
                self.fail(sender, Some(attempt));
                self.processes[p].step = if self.shares_store() { Step::Store } else { Step::Unlock };
            }
        }
    }

    /// What the saved session would hand out for each target.
    pub fn peek(&self, p: usize) -> Option<[Option<String>; 3]> {
        let saved = self.processes[p].session.as_ref()?.save()?;
        let mut session = Session::restore(self.client.clone(), saved).ok()?;
        let now = self.time(p);
        Some(core::array::from_fn(|target| {
            // A token that is due is handed out while a refresh is under way: the second time.
            let first = session.access_for(&self.targets[target], now);
            let access = match first {
                Access::SendRequest(_) => session.access_for(&self.targets[target], now),
                first => first,
            };
            match access {
                Access::Ready(bearer) => Some(bearer.token().reveal().to_owned()),
                _ => None,
            }
        }))
    }
}

/// (2) Nobody is sent away for longer than a server may ask for.
pub fn check_wait(at: UnixTime, now: UnixTime) {
    if at.saturating_since(now) > MAX_WAIT {
        broken!("2", "told at {now:?} to try again at {at:?}");
    }
}
