//! What a run is like: drawn once, at its beginning, so that every run has troubles of its own.

use oauth_proto::metadata::DiscoveryOrder;

use super::choices::Choices;
use super::openid::{Flaw, Identity, Known};
use super::weather::{self, Kind, Weather};

#[derive(Clone, Debug)]
pub struct Plan {
    pub identity: Identity,
    /// Only the issuer is known.
    pub discovers: bool,
    pub order: DiscoveryOrder,
    pub has_path: bool,
    pub timeout: u64,
    pub max_age: Option<u64>,
    /// Which keys the client has before.
    pub known: Known,
    /// Answers say what time it is there.
    pub has_date: bool,
    /// Seconds that the server's clock is ahead of the true time.
    pub server_offset: i64,
    /// For how long codes and ID tokens are good.
    pub code_lifetime: u64,
    pub token_lifetime: u64,
    pub flaw: Option<Flaw>,
    /// The driver waits until its clock says so; if not, for as long as it was then.
    pub sleeps_by_clock: bool,
    /// In percent: a request, or its answer, is lost; a message takes long; a wait is longer than it was to be.
    pub lose: usize,
    pub delay: usize,
    pub oversleep: usize,
    /// An event comes that is of no use: a forged redirect, an answer to nothing, the same answer twice.
    pub stray: usize,
    /// How long the user is in the browser before and after the password.
    pub browses: [u64; 2],
    pub denies: bool,
    pub process_dies: bool,
    /// The user's patience, in seconds; it is limited to half a day for who says that it is not.
    pub patience: Option<u64>,
    /// When the device's clock is set, and by how much.
    pub jumps: Vec<(u64, i64)>,
}

/// How wrong the device's clock is.
const OFFSETS: [i64; 16] = [0, 0, 0, 0, 1, -1, 59, -59, 70, -70, 3600, -3600, 86_000, -86_000, 200_000, -40_000_000];
const JUMPS: [i64; 10] = [1, -1, 30, -30, 600, -600, 3600, -3600, 86_000, -86_000];

impl Plan {
    /// The plan, and how wrong the device's clock is at first.
    pub fn draw(choices: &mut Choices) -> (Self, i64) {
        let identity = choices.pick(Identity::ALL);
        let discovers = choices.percent(50);
        let order = match choices.aside(2) {
            0 => DiscoveryOrder::OpenIdConnectFirst,
            _ => DiscoveryOrder::OAuthFirst,
        };
        let has_id_tokens = identity.has_id_tokens();
        let mut rate = |often: usize, percents: &[usize]| {
            if choices.percent(often) {
                choices.pick(percents)
            } else {
                0
            }
        };
        let (lose, delay) = (rate(35, &[5, 15, 40]), rate(50, &[10, 40]));
        let (oversleep, stray) = (rate(20, &[5, 20]), rate(40, &[10, 40]));
        let times = if choices.percent(30) { 1 + choices.below(3) } else { 0 };
        let mut plan = Self {
            identity,
            discovers,
            order,
            has_path: choices.percent(50),
            timeout: choices.pick(&[60, 300, 3600, 3600, 3600]),
            max_age: None,
            known: Known::None,
            has_date: choices.percent(70),
            server_offset: choices.pick(&[0, 0, 0, 2, -2, 45, -3000]),
            code_lifetime: choices.pick(&[60, 300, 600, 600]),
            token_lifetime: choices.pick(&[60, 300, 3600, 36_000]),
            flaw: None,
            sleeps_by_clock: choices.percent(30),
            lose,
            delay,
            oversleep,
            stray,
            browses: [choices.pick(&[2, 2, 15, 15, 100, 400]), choices.pick(&[0, 0, 1, 20, 100])],
            denies: choices.percent(2),
            process_dies: choices.percent(25),
            patience: if choices.percent(25) { Some(choices.pick(&[30, 200, 900, 5000])) } else { None },
            jumps: (0..times).map(|_| (choices.pick(&[1, 3, 20, 60, 150, 500, 1500]), choices.pick(&JUMPS))).collect(),
        };
        if has_id_tokens {
            plan.max_age = if choices.percent(25) { Some(choices.pick(&[0, 60, 300, 86_400])) } else { None };
            plan.flaw = Flaw::draw(choices, &plan);
            plan.known = if identity.needs_keys() { Known::draw(choices) } else { Known::None };
        }
        let offset = if choices.percent(60) { choices.pick(&OFFSETS) } else { 0 };
        (plan, offset)
    }
}

/// The weather at the well-known places, at the token endpoint, and where the keys are.
pub fn draw_weather(choices: &mut Choices, plan: &Plan) -> [Weather; 5] {
    let often = choices.pick(&[0, 30, 60]);
    let draw = |choices: &mut Choices, odd: &[Kind]| {
        Weather::draw(
            choices,
            often,
            |choices| {
                if choices.percent(4) {
                    choices.pick(odd)
                } else {
                    weather::busy(choices)
                }
            },
        )
    };
    let odd = [Kind::NotThere(404), Kind::Moved, Kind::Page, Kind::Garbled, Kind::OtherIssuers];
    let mut places = [(); 3].map(|()| draw(choices, &odd));
    // Most servers have their metadata at one place.
    let has = if choices.percent(5) { 3 } else { choices.below(if plan.has_path { 3 } else { 2 }) };
    for (number, place) in places.iter_mut().enumerate() {
        if number != has && choices.percent(75) {
            *place = Weather::always(weather::nothing_there(choices));
        }
    }
    let keys = draw(choices, &[Kind::NotThere(404), Kind::Moved, Kind::Page, Kind::Garbled, Kind::OldKeys]);
    let token = Weather::draw(choices, often, weather::busy_with_codes);
    let [one, two, three] = places;
    [one, two, three, token, keys]
}
