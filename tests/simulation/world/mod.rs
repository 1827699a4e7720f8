//! The simulated world: processes, callers, network, store, server, weather and clock, and a run through it. Every decision is
//! drawn from [`Choices`], so the same code serves the test's seeds and the fuzz target's octets
//! (`#[path = "…/tests/simulation/world/mod.rs"] mod world;`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::struct_excessive_bools // each is a fact of its own
)]

mod answers;
mod caller;
mod choices;
mod fixture;
#[cfg_attr(not(feature = "openid"), path = "identity_off.rs")]
mod identity;
#[cfg(feature = "openid")]
#[path = "../../support/keys.rs"]
mod keys;
mod network;
mod plan;
mod process;
mod rate;
mod reasons;
mod record;
mod server;
mod sign_out;
mod store;
mod trouble;
mod truth;
mod weather;

use caller::{Caller, State};
pub use choices::Choices;
pub use fixture::Fixture;
use network::Message;
use oauth_proto::{Client, Target};
use plan::{Act, Plan, Recipe, TICKS};
use process::{Job, Process};
pub use record::{Counts, Trace};
use server::Server;
use sign_out::Goodbye;
use store::Store;
use truth::{broken, Truth};
use weather::Weather;

/// Where every clock starts.
const START: u64 = 1_700_000_000;

/// So much quiet must be enough to serve every caller: a server may ask for an hour's patience, and a clock that was set back
/// makes two of it.
const QUIET_SECS: u64 = 240 * 60;

/// One run, in the middle of it.
pub struct World<'a> {
    choices: Choices,
    plan: Plan,
    client: Client,
    targets: &'a [Target; 3],
    /// The true time.
    now: u64,
    server: Server,
    store: Store,
    network: Vec<Message>,
    processes: Vec<Process>,
    callers: Vec<Caller>,
    truth: Truth,
    weather: Weather,
    machines: u32,
    /// Nothing goes wrong any more.
    quiet: bool,
    counts: &'a mut Counts,
    deaths: &'a mut Counts,
    trace: &'a mut Trace,
}

/// Runs a world: first with all the trouble that its plan has, then in quiet, until every caller is served.
///
/// # Panics
/// When a law does not hold; the message says which.
pub fn run(choices: Choices, fixture: &Fixture, counts: &mut Counts, deaths: &mut Counts, trace: &mut Trace) {
    let mut world = World::new(choices, fixture, counts, deaths, trace);
    for _ in 0..world.plan.steps {
        if world.choices.is_over() {
            break;
        }
        world.act();
    }
    world.calm_down();
    world.truth.check_sign_outs(&world.server, world.now);
}

impl<'a> World<'a> {
    fn new(
        mut choices: Choices,
        fixture: &'a Fixture,
        counts: &'a mut Counts,
        deaths: &'a mut Counts,
        trace: &'a mut Trace,
    ) -> Self {
        let (plan, server) = Plan::draw(&mut choices);
        let client = fixture.client(&plan);
        trace.note(|| format!("{plan:?}"));
        trace.note(|| format!("{server:?}"));
        let mut world = Self {
            processes: (0..plan.processes).map(|_| Process::new()).collect(),
            callers: Vec::new(),
            choices,
            client: client.clone(),
            targets: &fixture.targets,
            now: START,
            server,
            store: Store::default(),
            network: Vec::new(),
            truth: Truth::default(),
            weather: Weather::Fair,
            machines: 0,
            quiet: false,
            plan,
            counts,
            deaths,
            trace,
        };
        for caller in 0..world.plan.callers {
            let target = world.choices.below(3);
            let process = caller % world.plan.processes;
            world.callers.push(Caller { process, target, state: State::Idle, served: false });
        }
        // The user logs in at the first process; the others find that in the store.
        let _ = world.log_in(0);
        world.write(0);
        for p in 1..world.processes.len() {
            world.begin(p, Job::Start);
        }
        world
    }

    fn shares_store(&self) -> bool {
        self.plan.recipe == Recipe::Shared
    }

    fn act(&mut self) {
        match self.plan.act(&mut self.choices) {
            Act::Step => {
                let p = self.choices.below(self.processes.len());
                for _ in 0..self.choices.pick(&[8, 4, 2, 1, 1]) {
                    self.step(p);
                }
            }
            Act::Ask => {
                if let Some(caller) = self.caller_in(|state| matches!(state, State::Idle)) {
                    self.callers[caller].want();
                }
            }
            Act::Deliver => self.deliver(),
            Act::Tick => self.tick(),
            Act::Jump => self.jump(),
            Act::Die => {
                let p = self.choices.below(self.processes.len());
                self.die(p);
            }
            Act::Restart => {
                let p = self.choices.below(self.processes.len());
                self.restart(p);
            }
            Act::Cancel => {
                if let Some(caller) = self.caller_in(|state| !matches!(state, State::Idle)) {
                    self.cancel(caller);
                }
            }
            Act::Answer => {
                if let Some(caller) = self.caller_in(|state| matches!(state, State::Calls(_))) {
                    self.api_answers(caller);
                }
            }
            Act::User => self.user_acts(),
            Act::Stray => {
                let p = self.choices.below(self.processes.len());
                self.stray(p);
            }
            Act::Sleep => self.sleep(),
            Act::Spell => self.spell(),
        }
    }

    /// One of the callers that are in such a state.
    fn caller_in(&mut self, state: impl Fn(&State) -> bool) -> Option<usize> {
        let all = self.callers.iter().enumerate();
        let fitting: Vec<usize> = all.filter(|(_, caller)| state(&caller.state)).map(|(index, _)| index).collect();
        (!fitting.is_empty()).then(|| self.choices.pick(&fitting))
    }

    fn tick(&mut self) {
        self.now += self.choices.pick(&TICKS[..self.plan.ticks]);
    }

    /// The clock of a process, or of all of them, is set to another time.
    fn jump(&mut self) {
        let by = self.choices.pick(&[-30, 30, -300, 300, -3600, 3600, -2_000_000, 2_000_000, 0]);
        self.counts.add(if by < 0 { "clock set back" } else { "clock set forward" });
        let only = self.plan.clocks_differ.then(|| self.choices.below(self.processes.len()));
        self.trace.note(|| format!("the clock of {only:?} jumps by {by}"));
        for p in 0..self.processes.len() {
            if only.is_none_or(|only| only == p) {
                // 0 sets it right again.
                let offset = if by == 0 { 0 } else { self.processes[p].offset + by };
                self.set_clock(p, offset);
            }
        }
    }

    fn set_clock(&mut self, p: usize, offset: i64) {
        self.processes[p].offset = offset;
        self.processes[p].jumped_at = self.truth.attempts.len();
        self.forgive(p);
    }

    /// The API answers the call that a caller made.
    fn api_answers(&mut self, caller: usize) {
        let is_refusing = self.weather == Weather::Refusing;
        let refused = is_refusing || self.choices.percent(self.plan.refuse);
        let how = self.plan.stubborn.unwrap_or_else(|| self.choices.pick(&[0, 0, 0, 1, 2, 3, 4]));
        let how = if is_refusing { 0 } else { how };
        let caller = &mut self.callers[caller];
        if let State::Calls(bearer) = &caller.state {
            caller.state = if refused { State::Refused(bearer.clone(), how) } else { State::Idle };
        }
    }

    /// (2) Nothing goes wrong any more, every process lives, and time passes: now every caller is served, and every sign-out
    /// is completed.
    fn calm_down(&mut self) {
        self.quiet = true;
        (self.plan.lose, self.plan.duplicate, self.plan.trouble, self.plan.refuse) = (0, 0, 0, 0);
        self.server.declines = None;
        self.trace.note(|| "quiet".into());
        let rights_clocks = self.choices.percent(50);
        for p in 0..self.processes.len() {
            self.processes[p].asleep_until = 0;
            self.restart(p);
            if rights_clocks {
                self.set_clock(p, 0);
            }
        }
        let begin = self.now;
        loop {
            for caller in 0..self.callers.len() {
                self.api_answers(caller);
                if !self.callers[caller].served {
                    self.callers[caller].want();
                }
            }
            self.settle();
            let all_served = self.callers.iter().all(|caller| caller.served);
            let waiting = |process: &Process| !matches!(process.goodbye, Goodbye::None) || process.job.is_some();
            let waiting = self.processes.iter().position(waiting);
            match waiting {
                None if all_served => return,
                // Slowly at first, and then in larger steps.
                _ if self.now - begin < QUIET_SECS => self.now += truth::TIMEOUT.max((self.now - begin) / 8),
                Some(p) => {
                    let step = self.processes[p].step.name();
                    broken!("2", "process {p} is at {step} for ever, in phase {:?}", self.phase(p))
                }
                None => {
                    let caller = self.callers.iter().position(|caller| !caller.served);
                    broken!("2", "caller {caller:?} waits for ever");
                }
            }
        }
    }

    /// Everything that can be done without time passing.
    fn settle(&mut self) {
        for _ in 0..500 {
            let mut active = false;
            while let Some(message) = self.network.pop() {
                self.arrive(message);
                active = true;
            }
            for p in 0..self.processes.len() {
                active |= self.step(p);
            }
            if !active {
                return;
            }
        }
        let step = |p: &Process| p.step.name();
        let steps: Vec<&str> = self.processes.iter().map(step).collect();
        self.trace.note(|| format!("{steps:?}"));
        broken!("2", "the processes go round in a circle");
    }
}
