//! What really happened, which no process knows: every attempt at a refresh, every token that came, what an API or the server said,
//! every sign-out. The laws are checked against it and against the server's records; the letters and numbers in messages are
//! those of `main.rs`.

use std::collections::{BTreeMap, BTreeSet};

use super::network::Sender;
use super::server::{Issued, Server};

/// Ends the run: this law does not hold.
macro_rules! broken {
    ($law:literal, $($message:tt)*) => { panic!("law ({}): {}", $law, format_args!($($message)*)) };
}
pub(super) use broken;

/// How long a refresh may be under way, and how long before its expiry a token is refreshed.
pub const TIMEOUT: u64 = 60;
pub const LEEWAY: u64 = 20;

#[derive(Default)]
pub struct Truth {
    /// A refresh that a session asked for, by number.
    pub attempts: Vec<Attempt>,
    /// When tokens came, and when they expire, by the clock of the process that they came to.
    came: BTreeMap<String, (u64, Option<u64>)>,
    /// Logins that are over for every process: signed out, or ended, and removed from the store.
    pub gone: BTreeSet<usize>,
    /// What each login asked for.
    pub asked: BTreeMap<usize, Asked>,
    /// Access tokens that an API refused, by target.
    pub refused: [BTreeSet<String>; 3],
    /// Targets that the server said the grant has not.
    pub not_granted: BTreeSet<usize>,
    pub key_requests: BTreeSet<u64>,
    /// Refresh tokens that the server gave, and in answer to which attempt.
    pub given: Vec<(String, usize)>,
    /// By session value.
    pub sign_outs: BTreeMap<u32, SignedOut>,
}

/// What a login asked for beside the usual, and when, by the clock of its process.
#[derive(Clone, Copy, Default)]
pub struct Asked {
    pub admin: bool,
    pub max_age: bool,
    pub at: u64,
}

/// A sign-out, as its session was seen last.
#[derive(Default)]
pub struct SignedOut {
    /// The attempts that had no answer then.
    pub in_the_air: Vec<usize>,
    pub is_complete: bool,
    /// It says that a refresh token may live on at the server, or that the server would not revoke it.
    pub has_told: bool,
}

pub struct Attempt {
    pub sender: Sender,
    /// The session value that it came from: a process may have one after the other.
    pub machine: u32,
    pub token: String,
    pub target: usize,
    pub given_at: u64,
    /// The earliest time that the machine was shown since, if the clock was set back behind `given_at`.
    pub set_back_to: Option<u64>,
    /// When it went out, in true time.
    pub sent_at: Option<u64>,
    /// An API refused a token that was still good.
    pub for_refusal: bool,
    /// Its caller was cancelled, or its process gave up: it goes on without the lock.
    pub loose: bool,
    /// Its caller was cancelled, and nobody hands its answer over.
    pub dropped: bool,
    /// The network made two of it, which no session can know.
    pub doubled: bool,
    pub outcome: Outcome,
    /// Its tokens came when it had been taken for lost.
    pub late: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Under way, as far as the machine was told.
    Open,
    /// The machine was told that there is no answer, or was asked after the deadline, or got an answer that cannot be read.
    Lost,
    /// It was answered, and brought nothing.
    Settled,
    /// It brought no access token that can be used.
    Useless,
    Tokens,
}

impl Truth {
    /// Tokens came at `now`, of a refresh that was sent at `sent_at`.
    pub fn came(&mut self, issued: &Issued, sent_at: u64, now: u64) {
        let sent_at = sent_at.min(now);
        let expires_at = issued.expires_in.map(|seconds| sent_at.saturating_add(seconds));
        let came_at = if now - sent_at > TIMEOUT { sent_at } else { now };
        self.came.insert(issued.access_token.clone(), (came_at, expires_at));
    }

    /// Whether this token, as it came, has not expired by this clock, or came less than two seconds ago.
    pub fn is_good(&self, token: &str, now: u64) -> bool {
        self.came.get(token).is_some_and(|(came_at, expires_at)| {
            *came_at <= now && now - came_at < 2 || expires_at.is_none_or(|at| now < at)
        })
    }

    /// Whether it need not be refreshed for a long time yet.
    pub fn is_fresh(&self, token: &str, now: u64) -> bool {
        self.came.get(token).is_some_and(|(_, expires_at)| expires_at.is_none_or(|at| now + 2 * LEEWAY < at))
    }

    /// (5) What is handed out was issued for this target, and had not expired by this clock.
    pub fn check_bearer(&self, server: &Server, token: &str, target: usize, now: u64) {
        let Some(issued) = server.access_token(token) else { broken!("5", "{token} was never issued") };
        if issued.target != target {
            broken!("5", "{token} is for target {}, not for {target}", issued.target);
        }
        if !self.is_good(token, now) {
            broken!("5", "{token} came at {:?} and is handed out at {now}", self.came.get(token));
        }
    }

    /// Before a machine is asked: its clock may have been set back.
    pub fn show_clock(&mut self, machine: u32, now: u64) {
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.machine == machine) {
            if attempt.outcome == Outcome::Open && now < attempt.given_at {
                attempt.set_back_to = Some(attempt.set_back_to.map_or(now, |earlier| earlier.min(now)));
            }
        }
    }

    /// (1) A machine has nothing under way any more: whatever it had must have had its time.
    pub fn give_up(&mut self, machine: u32, now: u64) {
        let open = |attempt: &&mut Attempt| attempt.machine == machine && attempt.outcome == Outcome::Open;
        for attempt in self.attempts.iter_mut().filter(open) {
            let since = |start: u64| now.saturating_sub(start) >= TIMEOUT;
            if !since(attempt.given_at) && !attempt.set_back_to.is_some_and(since) {
                broken!("1", "a refresh is given up, or a second one made, before its time is over");
            }
            attempt.outcome = Outcome::Lost;
        }
    }

    /// A machine gives a refresh. Its number, and whether the one before it with this token was lost.
    pub fn give(&mut self, attempt: Attempt) -> (usize, bool) {
        self.give_up(attempt.machine, attempt.given_at);
        let of_machine = |other: &&Attempt| other.machine == attempt.machine;
        let mut others = self.attempts.iter().filter(of_machine);
        if others.any(|other| other.sender.id == attempt.sender.id) {
            broken!("1", "two requests with one id");
        }
        let before = self.attempts.iter().rev().find(of_machine);
        let is_again = before.is_some_and(|one| one.token == attempt.token && one.outcome == Outcome::Lost);
        self.attempts.push(attempt);
        (self.attempts.len() - 1, is_again)
    }

    /// Newer tokens came from the store: what the machine waited for is of no interest any more.
    pub fn superseded(&mut self, machine: u32) {
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.machine == machine) {
            if attempt.outcome == Outcome::Open {
                attempt.outcome = Outcome::Lost;
            }
        }
    }

    /// What a session that signs out now has in the air: since tokens came last, nothing is known of these.
    pub fn in_the_air(&self, machine: u32) -> Vec<usize> {
        let ours = self.attempts.iter().enumerate().rev().filter(|(_, attempt)| attempt.machine == machine);
        let since = ours.take_while(|(_, attempt)| !matches!(attempt.outcome, Outcome::Tokens | Outcome::Useless));
        let unknown = since.filter(|(_, attempt)| matches!(attempt.outcome, Outcome::Open | Outcome::Lost));
        unknown.map(|(number, _)| number).collect()
    }

    /// (e) What was in the air at a sign-out is dead at the server, or the session has told that it may not be.
    pub fn check_sign_outs(&self, server: &Server, now: u64) {
        for (machine, sign_out) in self.sign_outs.iter().filter(|(_, sign_out)| sign_out.is_complete) {
            let late = |attempt: &usize| sign_out.in_the_air.contains(attempt) && !self.attempts[*attempt].doubled;
            for (token, attempt) in self.given.iter().filter(|(_, attempt)| late(attempt)) {
                if server.accepts(token, now) && !sign_out.has_told {
                    broken!("e", "session {machine} is signed out, and {token} of request {attempt} lives on");
                }
            }
        }
    }
}
