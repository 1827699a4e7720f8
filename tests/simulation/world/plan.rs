//! What a run is like: drawn once, at its beginning, so that every run has troubles of its own.

use super::choices::Choices;
use super::identity::Identity;
use super::server::{Rotation, Server};

/// How the processes store their session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recipe {
    /// Several processes: lock, load, adopt, access, send, handle, store, unlock.
    Shared,
    /// One process: what it has is stored when it says so.
    Plain,
}

/// How often what goes wrong, in percent of the times when it could.
#[derive(Clone, Debug)]
pub struct Plan {
    pub recipe: Recipe,
    pub processes: usize,
    pub callers: usize,
    /// Whether every process has a clock of its own.
    pub clocks_differ: bool,
    pub can_revoke: bool,
    pub identity: Identity,
    pub lose: usize,
    pub duplicate: usize,
    /// The server answers with an error, or its answer is spoilt on the way.
    pub trouble: usize,
    /// The API refuses a token.
    pub refuse: usize,
    /// The API refuses in this one way, instead of in any.
    pub stubborn: Option<usize>,
    /// How many of the ticks of the clock are used: the first are short.
    pub ticks: usize,
    /// Weights of what happens beside the processes' own steps.
    pub weights: [(Act, usize); 13],
    pub steps: usize,
}

/// By how many seconds time goes on.
pub const TICKS: [u64; 8] = [1, 5, 20, 45, 61, 110, 300, 3600];

/// What can happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    Step,
    Ask,
    Deliver,
    Tick,
    Jump,
    Die,
    Restart,
    Cancel,
    Answer,
    User,
    Stray,
    Sleep,
    /// A spell of some weather.
    Spell,
}

impl Plan {
    pub fn draw(choices: &mut Choices) -> (Self, Server) {
        let recipe = if choices.percent(15) { Recipe::Plain } else { Recipe::Shared };
        // Most runs have some kinds of trouble only: what each does shows better alone.
        let mut rate = |often: usize, percents: &[usize]| {
            if choices.percent(often) {
                choices.pick(percents)
            } else {
                0
            }
        };
        let (lose, duplicate) = (rate(70, &[5, 15, 40]), rate(40, &[5, 20]));
        let (trouble, refuse) = (rate(60, &[10, 30, 60]), rate(50, &[10, 40, 90]));
        let (jump, die) = (rate(40, &[2, 6]), rate(60, &[2, 5, 10]));
        let (cancel, user, stray) = (rate(50, &[3, 8]), rate(50, &[1, 3, 6]), rate(20, &[3]));
        let (sleep, spell) = (rate(25, &[1, 3]), rate(30, &[1]));
        let plan = Self {
            recipe,
            processes: if recipe == Recipe::Plain { 1 } else { 1 + choices.below(3) },
            callers: 1 + choices.below(8),
            clocks_differ: choices.percent(25),
            can_revoke: !choices.percent(20),
            identity: draw_identity(choices),
            lose,
            duplicate,
            trouble,
            refuse,
            stubborn: choices.percent(30).then(|| choices.pick(&[0, 2, 3])),
            ticks: choices.pick(&[TICKS.len(), TICKS.len(), 4]),
            weights: [
                (Act::Step, 36),
                (Act::Ask, 12),
                (Act::Deliver, 20),
                (Act::Tick, 8),
                (Act::Jump, jump),
                (Act::Die, die),
                (Act::Restart, 4),
                (Act::Cancel, cancel),
                (Act::Answer, 8),
                (Act::User, user),
                (Act::Stray, stray),
                (Act::Sleep, sleep),
                (Act::Spell, spell),
            ],
            steps: choices.pick(&[120, 60, 200]),
        };
        (plan, draw_server(choices))
    }

    pub fn act(&self, choices: &mut Choices) -> Act {
        let mut left = choices.below(self.weights.iter().map(|(_, weight)| weight).sum());
        for (act, weight) in self.weights {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return act,
            }
        }
        Act::Step
    }
}

#[cfg(feature = "openid")]
fn draw_identity(choices: &mut Choices) -> Identity {
    let all = [Identity::TlsAlone, Identity::Keys, Identity::Keys];
    all.get(choices.aside(11)).copied().unwrap_or(Identity::None)
}

#[cfg(not(feature = "openid"))]
fn draw_identity(_: &mut Choices) -> Identity {
    Identity::None
}

fn draw_server(choices: &mut Choices) -> Server {
    let rotations = [Rotation::SameSuccessor, Rotation::Siblings, Rotation::Strict, Rotation::None];
    let rotation = choices.pick(&rotations);
    let grace = choices.pick(&[30, 120, 600, 1_000_000]);
    let lifetimes = [Some(120), Some(600), Some(30), Some(3600), Some(1), Some(0), None];
    let lifetimes = core::array::from_fn(|_| choices.pick(&lifetimes));
    let mut server = Server::new(rotation, grace, lifetimes);
    server.rotates_after = if choices.percent(15) { choices.pick(&[60, 600]) } else { 0 };
    server.only_refuses = choices.percent(25);
    server.offline = !choices.percent(5);
    server.revokes_family = !choices.percent(50);
    server.has_own_words = choices.percent(10);
    server.grant_lifetime = choices.percent(15).then(|| choices.pick(&[900, 7200, 86_400]));
    server.refresh_lifetime = choices.percent(15).then(|| choices.pick(&[300, 1800, 86_400]));
    server.says_ends = !choices.percent(30);
    let declines = [super::trouble::TARGET, super::trouble::TARGET_GRANT, super::trouble::NO_ACCESS_TOKEN_TYPE];
    server.declines = choices.percent(12).then(|| (1 + choices.below(2), choices.pick(&declines)));
    server
}
