//! (d) How often a session asks the token endpoint, whatever the server and the APIs answer.

use super::truth::{broken, Outcome};
use super::World;

const HOUR: u64 = 60 * 60;

/// Requests in a row that bring nothing, in an hour. For all targets together the waits are at least 1, 2, 4 … 256 and then 450
/// seconds, which makes 16; what is refused to one target alone is asked twice more at most in that hour, which makes 3 for each
/// of the three targets here.
const MAX_FRUITLESS: usize = 16 + 3 * 3;

/// New tokens for one target in an hour because an API refused good ones: after waits of 60, 120 … 1920 seconds, and one
/// more, since of one that was refused while a refresh was under way nothing is counted.
const MAX_FOR_REFUSALS: usize = 6 + 1;

impl World<'_> {
    /// Whatever was waited for is over: tokens came, a clock jumped, or the app said that it has been dealt with.
    pub fn forgive(&mut self, p: usize) {
        self.processes[p].counts_from = self.truth.attempts.len();
    }

    /// A request goes out.
    pub fn check_fruitless(&self, p: usize) {
        let (machine, from) = (self.processes[p].machine, self.processes[p].counts_from);
        let attempts = self.truth.attempts.get(from..).unwrap_or_default();
        let fruitless = attempts.iter().filter(|attempt| {
            attempt.machine == machine
                && attempt.outcome != Outcome::Tokens
                && attempt.sent_at.is_some_and(|at| at + HOUR > self.now)
        });
        let count = fruitless.count();
        if count > MAX_FRUITLESS {
            broken!("d", "process {p} has sent {count} requests in vain in an hour");
        }
    }

    /// Tokens came.
    pub fn check_refusals(&self, p: usize, target: usize) {
        let (machine, from) = (self.processes[p].machine, self.processes[p].jumped_at);
        let made = self.truth.attempts.iter().skip(from).filter(|attempt| {
            attempt.machine == machine
                && attempt.target == target
                && attempt.for_refusal
                && attempt.outcome == Outcome::Tokens
                && attempt.sent_at.is_some_and(|at| at + HOUR > self.now)
        });
        let count = made.count();
        if count > MAX_FOR_REFUSALS {
            broken!("d", "process {p} got {count} tokens for target {target} in an hour because an API refused others");
        }
    }
}
