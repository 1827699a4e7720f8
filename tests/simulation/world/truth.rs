//! What really happened, which no process knows: every attempt at a refresh, every token, every end of a login. The invariants
//! are checked against it; a number in a message is the invariant's number in `main.rs`.

use std::collections::{BTreeMap, BTreeSet};

use super::network::Sender;
use super::server::{Issued, Server};

/// Ends the run: the invariant of this number does not hold.
macro_rules! broken {
    ($number:literal, $($message:tt)*) => { panic!("invariant ({}): {}", $number, format_args!($($message)*)) };
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
    /// Access tokens that an API refused, by target.
    pub refused: [BTreeSet<String>; 3],
    /// Targets that the server said the grant has not.
    pub not_granted: BTreeSet<usize>,
    /// APIs that demanded more than a token gives.
    pub demands: u32,
    /// How often the user said that a refresh token be sent once more.
    pub try_again: BTreeMap<String, usize>,
    pub key_requests: BTreeSet<u64>,
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
    pub sent: bool,
    pub marked: bool,
    /// Its caller was cancelled: it goes on without the lock.
    pub loose: bool,
    /// Its caller was cancelled, and nobody hands its answer over.
    pub dropped: bool,
    pub outcome: Outcome,
    /// How often its session had taken tokens before.
    pub renewals: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Under way, as far as the machine was told.
    Open,
    /// The machine was told that there is no answer, or was asked after the deadline, or got an answer that cannot be read.
    Lost,
    /// It brought nothing, and certainly did nothing.
    Settled { stored: bool },
    /// It brought tokens; whether a new refresh token was among them.
    Tokens { stored: bool, rotated: bool },
}

impl Truth {
    pub fn came(&mut self, issued: &Issued, now: u64) {
        let expires_at = issued.expires_in.map(|seconds| now.saturating_add(seconds));
        self.came.insert(issued.access_token.clone(), (now, expires_at));
    }

    /// (7) What is handed out was issued for this target, and had not expired by this clock.
    pub fn check_bearer(&self, server: &Server, token: &str, target: usize, now: u64) {
        let Some(issued) = server.access_token(token) else { broken!(7, "{token} was never issued") };
        if issued.target != target {
            broken!(7, "{token} is for target {}, not for {target}", issued.target);
        }
        let Some((came_at, expires_at)) = self.came.get(token) else { broken!(7, "{token} has not come") };
        let is_new = *came_at <= now && now - came_at < 2;
        if !is_new && expires_at.is_some_and(|at| at <= now) {
            broken!(7, "{token} expired at {expires_at:?}, and it is {now}");
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
                broken!(1, "a refresh is given up, or a second one made, before its time is over");
            }
            attempt.outcome = Outcome::Lost;
        }
    }

    /// A machine gives a refresh. How many before it with the same token had no answer.
    pub fn give(&mut self, attempt: Attempt, everywhere: bool) -> (usize, usize) {
        self.give_up(attempt.machine, attempt.given_at);
        let of_machine = |other: &&Attempt| other.machine == attempt.machine;
        if self.attempts.iter().filter(of_machine).any(|other| other.sender.id == attempt.sender.id) {
            broken!(1, "two requests with one id");
        }
        let unknown = self.check_unknown(&attempt, everywhere);
        self.attempts.push(attempt);
        (self.attempts.len() - 1, unknown)
    }

    /// (2) Before this attempt, its token was sent once at most with an outcome that is not known, unless the user wanted it.
    /// `everywhere` is false where the mark is not stored: then each machine counts for itself.
    fn check_unknown(&self, attempt: &Attempt, everywhere: bool) -> usize {
        let others = || self.attempts.iter().filter(|other| other.token == attempt.token);
        if others().any(|other| matches!(other.outcome, Outcome::Tokens { rotated: false, .. })) {
            // The server has shown that it leaves this token as it is.
            return 0;
        }
        let others = others().filter(|other| other.sent);
        let others = others.filter(|other| everywhere || other.machine == attempt.machine);
        let mut unknown = 0;
        for other in others {
            match other.outcome {
                Outcome::Settled { .. } => {}
                Outcome::Tokens { stored: true, .. } => {
                    broken!(2, "{} is sent though its successor has been stored", attempt.token)
                }
                Outcome::Open | Outcome::Lost | Outcome::Tokens { .. } => unknown += 1,
            }
        }
        let allowed = 1 + self.try_again.get(&attempt.token).copied().unwrap_or(0);
        if unknown > allowed {
            broken!(2, "{} is sent though {unknown} refreshes with it had no answer", attempt.token);
        }
        unknown
    }

    /// (3) That the outcome is unknown is said after two attempts of which no outcome was stored, and not sooner.
    pub fn check_outcome_unknown(&self, token: &str, machine: u32) {
        let unsettled = self.attempts.iter().filter(|attempt| attempt.token == token).filter(|attempt| {
            match attempt.outcome {
                Outcome::Open | Outcome::Lost => true,
                Outcome::Tokens { stored, .. } => !stored,
                // Another process may have seen the mark of it.
                Outcome::Settled { stored } => {
                    attempt.marked && (attempt.loose || !stored && attempt.machine != machine)
                }
            }
        });
        let unsettled = unsettled.count();
        if unsettled < 2 {
            broken!(3, "the outcome of two refreshes with {token} is said to be unknown, but {unsettled} had none");
        }
    }

    /// What this machine knows is in the store now, or the store holds something newer.
    pub fn stored(&mut self, machine: u32) {
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.machine == machine) {
            match &mut attempt.outcome {
                Outcome::Settled { stored } | Outcome::Tokens { stored, .. } => *stored = true,
                Outcome::Open | Outcome::Lost => {}
            }
        }
    }

    /// Newer tokens came from the store: what the machine waited for is of no interest any more.
    pub fn superseded(&mut self, machine: u32) {
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.machine == machine) {
            if attempt.outcome == Outcome::Open {
                attempt.outcome = Outcome::Lost;
            }
        }
    }

    /// (6) Whether the one refresh token is certainly older than the other.
    pub fn is_older(server: &Server, one: &str, other: &str) -> bool {
        let (Some(login), Some(other_login)) = (server.login_of(one), server.login_of(other)) else { return false };
        if login == other_login {
            server.depth(one) < server.depth(other)
        } else {
            // Whatever the clocks said.
            login < other_login
        }
    }
}
