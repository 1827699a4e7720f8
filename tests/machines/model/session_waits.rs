//! The model of what a session waits for. Each wait has a spread in it that nobody can foretell: so it is a range, until the
//! session has said when it ends.

use super::session::Outcome;

/// From the first second to the last one in which it may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    first: u64,
    last: u64,
    decided_at: u64,
    /// What the server asked for, in seconds after that.
    asked: (u64, u64),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    pub wait: Option<Wait>,
    failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Open,
    Until(u64),
    Unclear,
}

/// No server is obeyed for longer.
const HOUR: u64 = 3600;

impl Patience {
    /// 1 to 2 seconds, 2 to 4, 4 to 8 …
    fn backoff(&mut self, most: u64) -> (u64, u64) {
        self.failures += 1;
        let last = if self.failures < 20 { (1 << self.failures).min(most) } else { most };
        (last / 2, last)
    }

    fn begin(&mut self, (first, last): (u64, u64), asked: (u64, u64), now: u64) {
        let [first, last] = [first, last].map(|seconds| now.saturating_add(seconds));
        self.wait = Some(Wait { first, last, decided_at: now, asked });
    }

    /// The server said: later. Its wish counts if it is longer than what the session would have chosen itself.
    pub fn answered(&mut self, retry_after: Option<u64>, now: u64) {
        let own = self.backoff(900);
        let asked = retry_after.filter(|seconds| *seconds > 0).map_or((0, 0), |seconds| {
            let seconds = seconds.min(HOUR);
            (seconds, seconds + seconds / 32 + 1)
        });
        self.begin((own.0.max(asked.0), own.1.max(asked.1)), asked, now);
    }

    /// Nothing came to what was sent then.
    pub fn lost(&mut self, since: u64, now: u64) {
        let own = self.backoff(900);
        let waited = now.saturating_sub(since);
        self.begin((own.0.saturating_sub(waited), own.1.saturating_sub(waited)), (0, 0), now);
    }

    /// It never left: the first time costs nothing.
    pub fn not_delivered(&mut self, now: u64) {
        let is_first = self.failures == 0;
        let own = self.backoff(64);
        self.begin(if is_first { (0, 0) } else { own }, (0, 0), now);
    }

    pub fn pause(&mut self, now: u64) {
        self.begin((HOUR, HOUR + HOUR / 32), (0, 0), now);
    }

    /// What the session said just after the wait began.
    pub fn said(&mut self, seen: &Outcome) -> Outcome {
        let Some(wait) = &mut self.wait else { return Outcome::Nothing };
        if let Some(at) = seen.time().filter(|at| (wait.first..=wait.last).contains(at)) {
            (wait.first, wait.last) = (at, at);
        }
        Outcome::RetryAt(wait.first)
    }

    /// Until when, if not now. If the clock was set back by more than threads differ, the wait begins anew.
    pub fn until(&mut self, now: u64, seen: &Outcome) -> Held {
        let Some(wait) = &mut self.wait else { return Held::Open };
        if now.saturating_add(60) < wait.decided_at {
            let shifted = |at: u64| now.saturating_add(at.saturating_sub(wait.decided_at));
            (wait.first, wait.last) = (shifted(wait.first), shifted(wait.last));
            wait.decided_at = now;
        }
        if now >= wait.last {
            return Held::Open;
        }
        if now >= wait.first {
            return Held::Unclear;
        }
        if let Some(at) = seen.time().filter(|at| (wait.first..=wait.last).contains(at)) {
            (wait.first, wait.last) = (at, at);
        }
        Held::Until(wait.first)
    }

    /// Whether this time is one at which nobody knows; the next one at which everybody does.
    pub fn clear_after(&self, now: u64) -> Option<u64> {
        self.wait.filter(|wait| (wait.first..wait.last).contains(&now)).map(|wait| wait.last)
    }

    /// Only what the server asked for is waited for.
    pub fn hurry(&mut self) {
        self.failures = 0;
        self.wait = self.wait.filter(|wait| wait.asked.1 > 0).map(|wait| {
            let [first, last] = [wait.asked.0, wait.asked.1].map(|seconds| wait.decided_at.saturating_add(seconds));
            // If the server's wish is the longer one in any case, its end is known as far as the session has told it.
            if wait.first > first {
                Wait { first, last: last.min(wait.last), ..wait }
            } else {
                wait
            }
        });
    }
}

/// What stands in the way of a refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obstacle {
    pub patience: Patience,
    refusals: u8,
    why: Option<Why>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    User,
    Useless(&'static str),
    /// And whether the server's word is about what was asked for.
    Refused(&'static str, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Open,
    Until(u64),
    User,
    Refused { code: &'static str, of_target: bool, until: Option<u64> },
    Unclear,
}

impl Obstacle {
    pub fn hold(&mut self, now: u64, seen: &Outcome) -> Hold {
        let held = self.patience.until(now, seen);
        match (self.why, held) {
            (Some(Why::User), _) => Hold::User,
            (Some(Why::Useless(code)), _) => Hold::Refused { code, of_target: false, until: None },
            (_, Held::Open) => Hold::Open,
            (_, Held::Unclear) => Hold::Unclear,
            (Some(Why::Refused(code, of_target)), Held::Until(at)) => {
                Hold::Refused { code, of_target, until: Some(at) }
            }
            (None, Held::Until(at)) => Hold::Until(at),
        }
    }

    /// Nothing goes before the user has acted.
    pub fn user_must_act(&mut self) {
        self.why = Some(Why::User);
    }

    /// Nothing goes before somebody says so.
    pub fn useless(&mut self, code: &'static str) {
        self.why = Some(Why::Useless(code));
    }

    /// Three times in a row, or once by a word that leaves no doubt; then every hour.
    pub fn refused(&mut self, code: &'static str, leaves_no_doubt: bool, now: u64) {
        self.refusals = self.refusals.saturating_add(1);
        if leaves_no_doubt || self.refusals >= 3 {
            self.why = Some(Why::Refused(code, leaves_no_doubt));
            self.patience.pause(now);
        } else {
            self.patience.answered(None, now);
        }
    }

    /// Words of no known meaning may have been about the one before: it is asked once more.
    pub fn another_refresh_token(&mut self) {
        if matches!(self.why, Some(Why::Refused(_, false))) {
            self.clear();
            self.refusals = 2;
        }
    }

    pub fn clear(&mut self) {
        (self.refusals, self.why) = (0, None);
        self.patience.hurry();
    }
}

/// How often refusals of one API's tokens were worth a refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    last: Option<u64>,
    pause: u64,
}

impl Refusals {
    /// The second after a minute, the next after two, four … an hour; who kept quiet for two hours begins anew.
    pub fn allow(&mut self, now: u64) -> bool {
        // In the future is what a clock that was set back has left behind.
        let age = self.last.filter(|last| *last <= now.saturating_add(60)).map(|last| now.saturating_sub(last));
        if age.is_some_and(|age| age < self.pause) {
            return false;
        }
        self.pause = if age.is_some_and(|age| age < 2 * HOUR) { (self.pause * 2).min(HOUR) } else { 60 };
        self.last = Some(now);
        true
    }
}
