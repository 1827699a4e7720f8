//! The simulated world: a device, a user, a network, a server and its weather, and a login from its start to its end. Every
//! decision is drawn from [`Choices`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::struct_excessive_bools // each is a fact of its own
)]
#![cfg_attr(not(feature = "openid"), allow(dead_code))] // there are no ID tokens then

#[allow(dead_code)] // no octets decide here
#[path = "../../simulation/world/choices.rs"]
mod choices;
mod device;
mod discovery;
mod ends;
#[cfg(feature = "openid")]
#[path = "../../support/keys.rs"]
mod keys;
#[cfg_attr(not(feature = "openid"), path = "no_id_tokens.rs")]
mod openid;
mod plan;
#[path = "../../simulation/world/record.rs"]
mod record;
mod server;
mod truth;
mod weather;

pub use choices::Choices;
use oauth_proto::{Action, Client, Entropy, Event, Login};
use plan::Plan;
pub use record::{Counts, Trace};
use server::Server;
use truth::{broken, Cause, Truth};

/// Where every clock starts.
const START: u64 = 1_700_000_000;
const CLIENT_ID: &str = "app";
const REDIRECT_URI: &str = "com.example.app:/callback";

/// Longer than any weather lasts.
const ALL_PATIENCE: u64 = 12 * 3600;

/// What a server can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Endpoint {
    Place1,
    Place2,
    Place3,
    Token,
    Keys,
}

impl Endpoint {
    const PLACES: [Self; 3] = [Self::Place1, Self::Place2, Self::Place3];

    fn is_place(self) -> bool {
        Self::PLACES.contains(&self)
    }
}

/// One run, in the middle of it.
pub struct World<'a> {
    choices: Choices,
    plan: Plan,
    client: Client,
    login: Login,
    /// The true time, and by how much the device's clock is ahead of it.
    now: u64,
    offset: i64,
    /// When it will be set, and by how much.
    jumps: Vec<(u64, i64)>,
    gives_up_at: u64,
    /// How often the login was told to wait, and whether it has waited for what comes now.
    waits: u32,
    has_waited: bool,
    server: Server,
    truth: Truth,
    counts: &'a mut Counts,
    trace: &'a mut Trace,
}

/// Runs a login.
///
/// # Panics
/// When a law does not hold; the message says which.
pub fn run(choices: Choices, counts: &mut Counts, trace: &mut Trace) {
    let mut world = World::new(choices, counts, trace);
    let mut step = world.start();
    // (f) It ends.
    for _ in 0..10_000 {
        step = match step {
            Ok(Action::TokensReady(tokens)) => return world.got(&tokens),
            Ok(Action::SendRequest(request)) => world.send(&request),
            Ok(Action::OpenUrl(url)) => world.browse(&url),
            Ok(Action::RetryAt(time)) => world.wait(time),
            Ok(Action::Verify(_)) => broken!("a", "the client has a verifier"),
            Err(_) => return world.check_end(),
        };
    }
    broken!("f", "the login goes on for ever");
}

impl<'a> World<'a> {
    fn new(mut choices: Choices, counts: &'a mut Counts, trace: &'a mut Trace) -> Self {
        let (plan, offset) = Plan::draw(&mut choices);
        let weather = plan::draw_weather(&mut choices, &plan);
        trace.note(|| format!("the clock is off by {offset} s; {plan:#?}"));
        trace.note(|| format!("{weather:?}"));
        let client = openid::builder(&plan).login_timeout_secs(plan.timeout).build().unwrap();
        let client = openid::with_keys(client, plan.known, START.saturating_add_signed(offset));
        let login = Login::new(client.clone(), openid::request(&plan)).unwrap();
        let mut at = START;
        let jump = |(after, by): &(u64, i64)| {
            at += after;
            (at, *by)
        };
        Self {
            choices,
            client,
            login,
            now: START,
            offset,
            jumps: plan.jumps.iter().map(jump).collect(),
            gives_up_at: START + plan.patience.unwrap_or(ALL_PATIENCE),
            waits: 0,
            has_waited: false,
            server: Server::new(weather),
            truth: Truth::default(),
            plan,
            counts,
            trace,
        }
    }

    fn start(&mut self) -> Result<Action, oauth_proto::Error> {
        self.truth.deadline = self.time() + self.plan.timeout;
        self.begin_step();
        let octets = Choices::entropy(u32::try_from(self.choices.below(256)).unwrap());
        self.handle(Event::Start(Entropy::new(octets).unwrap()), Cause::Start)
    }

    /// (f) Whoever has all patience does not give up while the server can do what it is asked for.
    fn check_end(&mut self) {
        let was_patient = self.plan.patience.is_none() && self.now >= self.gives_up_at;
        if !was_patient {
            return;
        }
        let is_down = self.server.weather.iter().any(|weather| weather.for_good.is_some());
        if is_down || self.plan.sleeps_by_clock && self.truth.jumped_at.is_some() {
            return self.counts.add("even all patience has an end");
        }
        broken!("f", "the login has no end though the server could give it one");
    }
}

impl Plan {
    /// How many well-known places there are.
    fn places(&self) -> usize {
        if self.has_path {
            3
        } else {
            2
        }
    }
}
