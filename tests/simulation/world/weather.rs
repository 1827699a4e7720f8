//! Spells of weather: some trouble that lasts, and callers who want tokens all the while. And sleep.

use super::caller::State;
use super::process::Step;
use super::trouble::WORDS;
use super::World;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weather {
    Fair,
    /// Six answers of ten are lost.
    Train,
    /// All are, and whoever waits for one learns of it at once.
    Tunnel,
    /// Something else answers in the server's place.
    Portal,
    /// The server is down.
    Outage,
    /// The server says this to everything (`trouble`).
    Words(usize),
    /// The APIs refuse every token.
    Refusing,
}

/// A spell is over after so many rounds, if time has not ended it.
const ROUNDS: usize = 30;

/// How long whoever has a token goes on with it before asking for another.
const PAUSE: u64 = 100;

impl World<'_> {
    pub fn spell(&mut self) {
        if self.weather != Weather::Fair {
            return;
        }
        let (weather, name, seconds) = match self.choices.below(7) {
            6 => (Weather::Tunnel, "spell: a tunnel", 3600),
            0 | 1 => (Weather::Train, "spell: a train", 20 * 60),
            2 => (Weather::Portal, "spell: a captive portal", self.choices.pick(&[300, 1800])),
            3 => (Weather::Outage, "spell: an outage", self.choices.pick(&[3600, 4 * 3600])),
            4 => (Weather::Words(self.choices.pick(&WORDS)), "spell: one answer to everything", 3600),
            _ => (Weather::Refusing, "spell: APIs refuse every token", 3600),
        };
        self.counts.add(name);
        self.trace.note(|| format!("{name} begins"));
        self.weather = weather;
        let end = self.now + seconds;
        for _ in 0..ROUNDS {
            for caller in 0..self.callers.len() {
                self.api_answers(caller);
                self.callers[caller].want();
            }
            self.settle();
            // Whatever else happens.
            for _ in 0..self.choices.below(3) {
                self.act();
            }
            if self.now >= end || self.choices.is_over() {
                break;
            }
            self.now += self.next_need().clamp(1, end - self.now);
        }
        self.weather = Weather::Fair;
        self.trace.note(|| format!("{name} ends"));
    }

    /// How long nobody can do anything.
    pub fn next_need(&self) -> u64 {
        let waits = self.callers.iter().map(|caller| match &caller.state {
            State::Wants { from, .. } => from.saturating_sub(self.now),
            _ => PAUSE,
        });
        waits.min().unwrap_or(PAUSE).max(1)
    }

    /// The device sleeps, or one app is suspended, for hours. What is under way reaches the server first, or does not.
    pub fn sleep(&mut self) {
        let hours = self.choices.pick(&[2, 5, 10]) * 3600;
        for message in core::mem::take(&mut self.network) {
            if self.choices.percent(50) {
                self.arrive(message);
            } else {
                self.network.push(message);
            }
        }
        let p = self.choices.below(self.processes.len());
        if self.choices.percent(50) {
            self.counts.add("device slept");
            if self.processes.iter().any(|process| matches!(process.step, Step::Await { .. })) {
                self.counts.add("device slept with a refresh under way");
            }
            self.trace.note(|| format!("the device sleeps for {hours} s"));
            self.now += hours;
        } else if self.is_awake(p) {
            self.counts.add("app suspended");
            self.trace.note(|| format!("[{p}] is suspended for {hours} s"));
            self.processes[p].asleep_until = self.now + hours;
            if let Step::Await { attempt, .. } = self.processes[p].step {
                self.counts.add("app suspended with a refresh under way");
                // Whoever waits for a lock so long may take it away.
                if self.choices.percent(50) {
                    self.counts.add("lock lost while suspended");
                    self.truth.attempts[attempt].loose = true;
                    self.store.unlock(p);
                    self.processes[p].step = Step::Unlock;
                }
            }
        }
    }

    pub fn is_awake(&self, p: usize) -> bool {
        self.processes[p].alive && self.processes[p].asleep_until <= self.now
    }

    /// What came while it slept.
    pub fn read_mail(&mut self, p: usize) {
        for (sender, attempt, answer) in core::mem::take(&mut self.processes[p].mailbox) {
            self.receive(sender, attempt, answer);
        }
    }
}
