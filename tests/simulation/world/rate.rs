//! (d) How often a session asks the token endpoint, whatever the server and the APIs answer.

use super::truth::{broken, Attempt, Outcome};
use super::World;

const HOUR: u64 = 60 * 60;

/// Requests in a row that bring nothing, in an hour. For all targets together the waits are at least 1, 2, 4 … 256 and then 450
/// seconds, which makes 16; what is refused to one target alone is asked twice more at most in that hour, which makes 3 for each
/// of the three targets here.
const MAX_FRUITLESS: usize = 16 + 3 * 3;

/// New tokens for one target in an hour because an API refused good ones: after waits of 60, 120 … 1920 seconds. One more for each
/// answer that was lost, or came late: of a token that was refused while another refresh was under way nothing is counted.
const MAX_FOR_REFUSALS: usize = 6;

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
        // Where clocks differ, a token that another process got is stale here, and refreshed for that.
        if self.processes.iter().any(|other| other.offset != self.processes[p].offset) {
            return;
        }
        let (machine, from) = (self.processes[p].machine, self.processes[p].jumped_at);
        let lately = self.truth.attempts.iter().skip(from).filter(|attempt| {
            attempt.machine == machine
                && attempt.target == target
                && attempt.sent_at.is_some_and(|at| at + HOUR > self.now)
        });
        let came = |attempt: &&Attempt| attempt.outcome == Outcome::Tokens;
        let lost = lately.clone().filter(|attempt| attempt.late || !came(attempt)).count();
        let count = lately.filter(came).filter(|attempt| attempt.for_refusal).count();
        if count > MAX_FOR_REFUSALS + lost {
            broken!("d", "process {p} got {count} tokens for target {target} in an hour because an API refused others");
        }
    }
}
