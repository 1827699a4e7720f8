//! What really happened, which the login does not know: every request that reached the server, what came back, what the user did.
//! The laws are checked against it and against the server's records; their letters are those of `main.rs`.

use oauth_proto::{Delivered, Phase, UnixTime};

use super::weather::Kind;
use super::{Endpoint, World};

/// Ends the run: this law does not hold.
macro_rules! broken {
    ($law:literal, $($message:tt)*) => { panic!("law ({}): {}", $law, format_args!($($message)*)) };
}
pub(super) use broken;

pub const DAY: u64 = 24 * 3600;
/// By how much the clocks may differ where nothing tells.
pub const LEEWAY: u64 = 60;
/// For how long a code is sent, by the device's clock (RFC 6749 §4.1.2).
const CODE_LIFETIME: u64 = 600;
/// The longest wait that no server asked for.
const LONGEST: u64 = 64;
/// So many requests of one kind are enough for the first minute, in which each wait is as long again as it has taken: after 0, 1, 2,
/// 4, 8, 16 and 32 seconds.
const MOST_A_MINUTE: usize = 7;
/// In ten minutes.
const MOST_SINCE_SET_BACK: usize = 80;

#[derive(Default)]
pub struct Truth {
    /// When a server that could not answer was heard to say so, by endpoint: since when it is to be left alone.
    busy: [Vec<Busy>; 5],
    /// When the present step began.
    pub step_began: u64,
    /// Until when the login waits for the user, and the code is good, by the device's clock.
    pub deadline: u64,
    pub code_deadline: u64,
    /// What the places have said since all were asked last.
    round: Vec<Option<Kind>>,
    /// Of the answer that had tokens, once it has come.
    pub answered: Option<Answered>,
    /// The clock was set, and set back.
    pub jumped_at: Option<u64>,
    pub set_back_at: Option<u64>,
    /// A wait was longer than it was to be.
    pub overslept: bool,
}

#[derive(Clone, Copy)]
struct Busy {
    asked_at: u64,
    heard_at: u64,
    least: u64,
}

/// The answer with tokens, as it came.
#[derive(Debug)]
pub struct Answered {
    pub date: Option<u64>,
    /// The device's clock then.
    pub device: u64,
    /// What time it is, as far as anybody can tell.
    pub judged_at: u64,
    /// Nothing is wrong with them.
    pub is_good: bool,
    /// When the user proved who they are cannot be told from the clocks.
    pub may_seem_old: bool,
}

/// What the login was told last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Start,
    Cancelled,
    /// The redirect, with a code or without.
    Code,
    Denied,
    /// The answer of an endpoint, and whether it had tokens.
    Answer(Endpoint, Option<Kind>),
    Failed(Endpoint, Delivered),
    /// Nothing that it waits for.
    Stray,
}

impl World<'_> {
    pub fn begin_step(&mut self) {
        self.truth.step_began = self.now;
    }

    /// The user is back with a code.
    pub fn code_came(&mut self) {
        self.truth.code_deadline = self.time() + CODE_LIFETIME;
        self.begin_step();
    }

    /// (c, d) A request reaches the server.
    pub fn arrives(&mut self, endpoint: Endpoint) {
        if endpoint == Endpoint::Token && self.server.code.as_ref().is_some_and(|code| code.is_used) {
            broken!("c", "a code is sent that the server has looked at");
        }
        // Who waits by a clock that was set forward does not wait.
        let excused = self.truth.jumped_at.filter(|_| self.plan.sleeps_by_clock).unwrap_or(0);
        let busy = &self.truth.busy[endpoint as usize];
        if let Some(early) = busy.iter().find(|busy| busy.heard_at > excused && self.now < busy.heard_at + busy.least) {
            let (after, least) = (self.now - early.heard_at, early.least);
            broken!("d", "{endpoint:?} is asked after {after} s, and was to be left alone for {least}");
        }
        let recent = busy.iter().filter(|busy| busy.asked_at > excused && self.now - busy.asked_at < 60).count();
        // Let pass: see `main.rs`.
        let lately = busy.iter().filter(|busy| busy.asked_at > excused && self.now - busy.asked_at < 600).count();
        if recent >= MOST_A_MINUTE
            && lately < MOST_SINCE_SET_BACK
            && self.truth.set_back_at >= Some(self.truth.step_began)
        {
            self.counts.add("asked every second for a minute, since the clock was set back");
        } else if recent >= MOST_A_MINUTE {
            broken!("d", "{endpoint:?} is asked {} times in a minute, and cannot answer", recent + 1);
        }
    }

    /// What the device heard of an endpoint.
    pub fn heard(&mut self, endpoint: Endpoint, kind: Option<Kind>, asked_at: u64) {
        if endpoint.is_place() {
            self.truth.round.push(kind);
        }
        if let Some(kind) = kind.filter(|kind| kind.is_later()) {
            let busy = Busy { asked_at, heard_at: self.now, least: kind.retry_after().least() };
            self.truth.busy[endpoint as usize].push(busy);
        }
    }

    /// The places of which something was heard since they were all asked.
    pub fn round(&self) -> &[Option<Kind>] {
        &self.truth.round
    }

    pub fn begin_round(&mut self) {
        self.truth.round.clear();
    }

    /// (c) A request goes out.
    pub fn check_sending(&mut self, endpoint: Endpoint, is_told: bool) {
        if endpoint != Endpoint::Token || self.time() <= self.truth.code_deadline {
            return;
        }
        // Let pass: see `main.rs`.
        if is_told && (self.truth.overslept || self.truth.jumped_at.is_some()) {
            return self.counts.add("code sent late, after a long sleep or a clock set forward");
        }
        broken!("c", "a code is sent {} s too late", self.time() - self.truth.code_deadline);
    }

    /// The longest wait, after these answers.
    fn longest_wait(&self, kinds: &[Kind]) -> u64 {
        let so_far = self.now - self.truth.step_began;
        let has_jumped = self.truth.jumped_at.is_some_and(|at| at >= self.truth.step_began);
        let own = if has_jumped { LONGEST } else { 2 * so_far.clamp(1, LONGEST / 2) };
        let asked = least(kinds);
        own.max(if asked > 0 { asked + asked / 32 } else { 0 })
    }

    /// (a, d) A wait is as long as the server wants, and not much longer; and it ends before it is too late.
    pub fn check_wait(&mut self, at: u64, cause: Cause) {
        let Cause::Answer(endpoint, Some(kind)) = cause else { broken!("a", "a wait after {cause:?}") };
        let kinds: Vec<Kind> = if endpoint.is_place() {
            self.round().iter().flatten().filter(|kind| kind.is_later()).copied().collect()
        } else {
            vec![kind]
        };
        if kinds.is_empty() || !kinds.iter().all(|kind| kind.is_later()) {
            broken!("a", "a wait after {cause:?}, and nobody said later");
        }
        let (wait, least, most) = (at.saturating_sub(self.time()), least(&kinds).max(1), self.longest_wait(&kinds));
        if !(least..=most).contains(&wait) {
            broken!("a", "a wait of {wait} s, and not of {least} to {most}");
        }
        let deadline = self.deadline_of(endpoint);
        if deadline.is_some_and(|deadline| at > deadline) {
            broken!("e", "a wait until it is too late");
        }
        if endpoint.is_place() {
            if self.round().len() < self.plan.places() {
                broken!("a", "a wait before every place was asked");
            }
            self.begin_round();
        }
        self.counts.add(match endpoint {
            Endpoint::Token => "code to be sent later",
            Endpoint::Keys => "keys to be asked for later",
            _ => "metadata to be asked for later",
        });
    }

    pub fn deadline_of(&self, endpoint: Endpoint) -> Option<u64> {
        match endpoint {
            Endpoint::Token => Some(self.truth.code_deadline),
            Endpoint::Keys => None,
            _ => Some(self.truth.deadline),
        }
    }

    /// (f) What the login says of its end.
    pub fn check_deadline(&self) {
        let expected = match self.login.phase() {
            Phase::Discovering | Phase::AwaitingRedirect => Some(self.truth.deadline),
            Phase::ExchangingCode => Some(self.truth.code_deadline),
            _ => None,
        };
        if self.login.deadline().map(UnixTime::as_secs) != expected {
            broken!("f", "the deadline is said to be {:?}, and is {expected:?}", self.login.deadline());
        }
    }

    /// Whether the wait that these answers are worth would have been too long.
    pub fn would_be_too_late(&self, endpoint: Endpoint, kinds: &[Kind]) -> bool {
        let end = self.time() + self.longest_wait(kinds);
        self.deadline_of(endpoint).is_some_and(|deadline| end > deadline)
    }
}

fn least(kinds: &[Kind]) -> u64 {
    kinds.iter().map(|kind| kind.retry_after().least()).max().unwrap_or(0)
}
