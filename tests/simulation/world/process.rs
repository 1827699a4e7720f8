//! A process: the documented recipe, one step at a time, so that it can die, and others can act, between any two of them.

use std::rc::Rc;
use std::sync::Arc;

use oauth_proto::{AuthorizationRequest, Bearer, Delivered, Entropy, Event, Request, Session, SessionAction, UnixTime};

use super::choices::Choices;
use super::network::{Answer, Message, Sender};
use super::plan::Recipe;
use super::sign_out::Goodbye;
use super::store::Memory;
use super::truth::{broken, Outcome};
use super::World;

pub struct Process {
    pub alive: bool,
    /// Suspended until then, in true time.
    pub asleep_until: u64,
    /// What came for it meanwhile.
    pub mailbox: Vec<(Sender, Option<usize>, Rc<Answer>)>,
    /// How often it was started.
    pub life: u32,
    /// What its clock is ahead of the true time.
    pub offset: i64,
    pub session: Option<Session>,
    /// Numbers the session values of all processes.
    pub machine: u32,
    /// What the session must have: of the last answer that it took, or of the store.
    pub memory: Memory,
    pub signed_out: bool,
    /// The session said that the grant has ended.
    pub ended: bool,
    /// The server gave it somebody else's tokens, or the app knew the server's own words.
    pub was_told: bool,
    pub job: Option<Job>,
    pub step: Step,
    /// It took an answer without having the lock: what came is not stored yet.
    pub to_flush: bool,
    /// The app, or the user, has dealt with what stood in the way.
    pub to_ask_again: bool,
    /// The user was told that only a login helps, and makes one.
    pub to_log_in: bool,
    /// The login that was demanded.
    pub demanded: Option<Arc<AuthorizationRequest>>,
    pub goodbye: Goodbye,
    /// When keys were asked for that have not come yet.
    pub keys_asked: Option<u64>,
    /// It was told to ask past the end that the server had named.
    pub doubts_end: bool,
    /// Targets of which the server said that the user must act.
    pub must_act: [bool; 3],
    /// What the server refused: the client, and requests for each target.
    pub client_refused: bool,
    pub target_refused: [bool; 3],
    /// The server said `invalid_grant` to a refresh for one target.
    pub in_doubt: bool,
    /// Attempts from this number on count (`rate`); the second since the clock jumped.
    pub counts_from: usize,
    pub jumped_at: usize,
}

pub enum Job {
    Start,
    /// For this caller.
    Access(usize),
    /// This caller's token was refused, in this way.
    Refused(usize, Bearer, usize),
    Flush,
    SignOut {
        logout: bool,
    },
    LogIn,
}

pub enum Step {
    Idle,
    Lock,
    Load,
    Adopt(Option<(String, Memory)>),
    Ask,
    Send(Request, usize),
    Await { attempt: usize, since: u64 },
    Store,
    SignOut,
    LogIn,
    Remove,
    Unlock,
}

impl Step {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Lock => "lock",
            Self::Load => "load",
            Self::Adopt(_) => "adopt",
            Self::Ask => "access",
            Self::Send(..) => "send",
            Self::Await { .. } => "await",
            Self::Store => "store",
            Self::SignOut => "sign out",
            Self::LogIn => "log in",
            Self::Remove => "remove",
            Self::Unlock => "unlock",
        }
    }
}

impl Process {
    pub fn new() -> Self {
        Self {
            alive: true,
            asleep_until: 0,
            mailbox: Vec::new(),
            life: 0,
            offset: 0,
            session: None,
            machine: 0,
            memory: Memory::default(),
            signed_out: false,
            ended: false,
            was_told: false,
            job: None,
            step: Step::Idle,
            to_flush: false,
            to_ask_again: false,
            to_log_in: false,
            demanded: None,
            goodbye: Goodbye::None,
            keys_asked: None,
            must_act: [false; 3],
            client_refused: false,
            target_refused: [false; 3],
            in_doubt: false,
            doubts_end: false,
            counts_from: 0,
            jumped_at: 0,
        }
    }

    pub fn caller(&self) -> Option<usize> {
        match self.job {
            Some(Job::Access(caller) | Job::Refused(caller, ..)) => Some(caller),
            _ => None,
        }
    }
}

impl World<'_> {
    pub fn clock(&self, p: usize) -> u64 {
        self.now.saturating_add_signed(self.processes[p].offset)
    }

    pub fn time(&self, p: usize) -> UnixTime {
        UnixTime::from_secs(self.clock(p))
    }

    /// Gives a process a job, if it has none.
    pub fn begin(&mut self, p: usize, job: Job) {
        let step = match (self.plan.recipe, &job) {
            (Recipe::Shared, _) => Step::Lock,
            (Recipe::Plain, Job::Start) => Step::Load,
            (Recipe::Plain, Job::Access(_) | Job::Refused(..)) => Step::Ask,
            (Recipe::Plain, Job::Flush) => Step::Store,
            (Recipe::Plain, Job::SignOut { .. }) => Step::SignOut,
            (Recipe::Plain, Job::LogIn) => Step::LogIn,
        };
        self.processes[p].job = Some(job);
        self.processes[p].step = step;
    }

    /// One step of a process. Whether it did anything.
    pub fn step(&mut self, p: usize) -> bool {
        if !self.is_awake(p) {
            return false;
        }
        if !self.processes[p].mailbox.is_empty() {
            self.read_mail(p);
            return true;
        }
        let step = core::mem::replace(&mut self.processes[p].step, Step::Idle);
        let name = step.name();
        if self.trace.on && !matches!(step, Step::Idle | Step::Await { .. }) {
            let line = format!("[{p}] {name} at {}", self.clock(p));
            self.trace.note(|| line);
        }
        let touches_session = matches!(step, Step::SignOut | Step::LogIn);
        let next = match step {
            Step::Idle => return self.idle(p),
            Step::Lock if !self.store.try_lock(p) => {
                self.processes[p].step = Step::Lock;
                return false;
            }
            Step::Lock => match self.processes[p].job {
                Some(Job::LogIn) => Step::LogIn,
                _ => Step::Load,
            },
            Step::Load => Step::Adopt(self.store.content.clone()),
            Step::Adopt(content) => self.adopt(p, content),
            Step::Ask => self.ask_for_job(p),
            Step::Send(request, attempt) => self.send(p, request, attempt),
            Step::Await { attempt, since } => {
                self.processes[p].step = Step::Await { attempt, since };
                return self.await_answer(p, attempt, since);
            }
            Step::Store => {
                self.write(p);
                self.processes[p].to_flush = false;
                Step::Unlock
            }
            Step::SignOut => self.sign_out(p),
            Step::LogIn => self.log_in(p),
            Step::Remove => {
                self.remove(p);
                Step::Unlock
            }
            Step::Unlock => {
                self.store.unlock(p);
                if let Some(caller) = self.processes[p].caller() {
                    self.callers[caller].ask_again();
                }
                self.processes[p].job = None;
                Step::Idle
            }
        };
        self.processes[p].step = next;
        if touches_session {
            self.check_memory(p);
        }
        true
    }

    fn idle(&mut self, p: usize) -> bool {
        if self.processes[p].to_flush {
            self.begin(p, Job::Flush);
            return true;
        }
        if self.say_goodbye(p) {
            return true;
        }
        // The session of before is needed until its sign-out is done.
        if matches!(self.processes[p].goodbye, Goodbye::None) && core::mem::take(&mut self.processes[p].to_log_in) {
            self.begin(p, Job::LogIn);
            return true;
        }
        let Some(caller) = self.waiting_caller(p) else { return false };
        let job = self.callers[caller].take_up(caller);
        self.begin(p, job);
        true
    }

    fn send(&mut self, p: usize, request: Request, attempt: usize) -> Step {
        drop(request);
        self.counts.add(
            ["refresh sent for the login", "refresh sent for API A", "refresh sent for API B"]
                [self.truth.attempts[attempt].target],
        );
        let since = self.now;
        self.processes[p].step = Step::Await { attempt, since };
        if self.choices.percent(self.plan.lose / 2) {
            self.counts.add("refresh not delivered");
            self.not_delivered(p, attempt);
        } else {
            self.truth.attempts[attempt].sent_at = Some(self.now);
            self.check_fruitless(p);
            self.network.push(Message::Refresh { attempt, copy: false });
        }
        core::mem::replace(&mut self.processes[p].step, Step::Idle)
    }

    /// The driver has a time limit of its own, and otherwise lets the session decide when a refresh is lost.
    fn await_answer(&mut self, p: usize, attempt: usize, since: u64) -> bool {
        let sender = self.truth.attempts[attempt].sender;
        let deadline = self.processes[p].session.as_ref().and_then(Session::deadline);
        let over = deadline.is_none_or(|at| at <= self.time(p)) || self.now - since >= 60;
        if over && self.choices.percent(50) {
            self.counts.add("driver gave up waiting");
            self.fail(sender, Some(attempt));
            return true;
        }
        let caller = if over { self.processes[p].caller() } else { self.waiting_caller(p) };
        let Some(caller) = caller else { return false };
        let request = self.ask(p, caller, None);
        if let Some((request, attempt)) = request {
            // The deadline had passed: this caller goes on, with the lock that the process has.
            if let Some(before) = self.processes[p].caller() {
                self.callers[before].ask_again();
            }
            self.counts.add("refresh taken for lost at its deadline");
            self.processes[p].job = Some(Job::Access(caller));
            self.callers[caller].begin();
            self.processes[p].step = Step::Send(request, attempt);
        } else if over {
            // The clock was set back: the caller asks again later, and the answer, if it comes, finds nobody who has the lock.
            self.truth.attempts[attempt].loose = true;
            self.processes[p].step = Step::Unlock;
        }
        true
    }

    fn ask_for_job(&mut self, p: usize) -> Step {
        let Some(caller) = self.processes[p].caller() else { return Step::Unlock };
        if self.processes[p].session.is_none() {
            self.callers[caller].told(self.quiet);
            return Step::Unlock;
        }
        let refusal = match &self.processes[p].job {
            Some(Job::Refused(_, bearer, how)) => Some((bearer.clone(), *how)),
            _ => None,
        };
        if core::mem::take(&mut self.processes[p].to_ask_again) {
            self.deal_with_it(p);
        }
        match self.ask(p, caller, refusal) {
            Some((request, attempt)) => Step::Send(request, attempt),
            None if self.processes[p].to_flush && self.shares_store() => Step::Store,
            None => Step::Unlock,
        }
    }

    /// What stood in the way has been dealt with.
    pub fn deal_with_it(&mut self, p: usize) {
        if let Some(session) = &mut self.processes[p].session {
            session.ask_again();
            self.processes[p].doubts_end = true;
            self.counts.add("asked again as the user wished");
            self.forgive(p);
            let process = &mut self.processes[p];
            (process.must_act, process.client_refused, process.target_refused) = ([false; 3], false, [false; 3]);
        }
    }

    /// What the outcome of a request means for the process that waits for it, or does not.
    pub fn took_outcome(&mut self, p: usize, attempt: usize, action: &SessionAction) {
        let has_news = matches!(action, SessionAction::Save | SessionAction::LoginRequired(_));
        let process = &mut self.processes[p];
        match process.step {
            Step::Await { attempt: awaited, .. } if awaited == attempt || has_news => {
                process.step = if has_news || self.plan.recipe == Recipe::Shared { Step::Store } else { Step::Unlock };
            }
            _ if has_news => process.to_flush = true,
            _ => {}
        }
        for caller in self.callers.iter_mut().filter(|caller| caller.process == p) {
            caller.wake();
        }
    }

    pub fn die(&mut self, p: usize) {
        let process = &mut self.processes[p];
        if !process.alive {
            return;
        }
        let name = process.step.name();
        self.deaths.add(name);
        self.trace.note(|| format!("[{p}] DIES before it comes to: {name}"));
        let (life, offset, jumped_at) = (process.life + 1, process.offset, process.jumped_at);
        *process = Process { alive: false, life, offset, jumped_at, ..Process::new() };
        self.store.unlock(p);
        for caller in self.callers.iter_mut().filter(|caller| caller.process == p) {
            caller.lose_process();
        }
    }

    pub fn restart(&mut self, p: usize) {
        if !self.processes[p].alive {
            self.trace.note(|| format!("[{p}] starts"));
            self.processes[p].alive = true;
            self.begin(p, Job::Start);
        }
    }

    pub fn fresh_entropy(&mut self) -> Entropy {
        self.machines += 1;
        Entropy::new(Choices::entropy(self.machines)).unwrap()
    }

    /// The attempt failed before it reached the server.
    fn not_delivered(&mut self, p: usize, attempt: usize) {
        let id = self.truth.attempts[attempt].sender.id;
        let event = Event::SendFailed(id, Delivered::No);
        let now = self.time(p);
        self.trace.note(|| format!("    request {attempt} is not delivered"));
        let action = self.processes[p].session.as_mut().unwrap().handle(event, now);
        // A stranger's late answer may have ended the session meanwhile.
        if self.processes[p].ended && action.is_err() {
            self.truth.attempts[attempt].outcome = Outcome::Settled;
            self.processes[p].step = Step::Store;
            return;
        }
        let Ok(action @ SessionAction::RetryAt(_)) = action else {
            broken!("2", "not delivered, but {action:?}");
        };
        self.truth.attempts[attempt].outcome = Outcome::Settled;
        self.took_outcome(p, attempt, &action);
    }
}
