//! What each endpoint of the server says, and until when. Weather begins when an endpoint is asked for the first time.

use super::choices::Choices;

/// In what way the server does not do what it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Not now, and it has not looked at the request: 408, 425, 429, 503.
    Busy(u16, RetryAfter),
    /// The same in the words of RFC 6749, with status 400.
    BusyInWords,
    /// 500, 502, 504: before it did any work, or after all of it.
    Broken { status: u16, retry_after: RetryAfter, after_work: bool },
    /// Nothing is there: 400, 403, 404.
    NotThere(u16),
    /// The way to another place.
    Moved,
    /// A page for people.
    Page,
    /// Of a JSON type, and cut off.
    Garbled,
    /// The metadata of somebody else.
    OtherIssuers,
    /// `invalid_client`.
    Refusal,
    /// The keys of yesterday.
    OldKeys,
}

/// Seconds that the server asks for, in digits or as a date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryAfter {
    pub seconds: Option<u64>,
    pub is_date: bool,
}

/// However much a server asks for.
const MOST_PATIENCE: u64 = 3600;

impl RetryAfter {
    /// What a client is to wait at least.
    pub fn least(self) -> u64 {
        self.seconds.unwrap_or(0).min(MOST_PATIENCE)
    }
}

impl Kind {
    pub fn retry_after(self) -> RetryAfter {
        match self {
            Self::Busy(_, retry_after) | Self::Broken { retry_after, .. } => retry_after,
            _ => RetryAfter { seconds: None, is_date: false },
        }
    }

    pub fn status(self) -> u16 {
        match self {
            Self::Busy(status, _) | Self::Broken { status, .. } | Self::NotThere(status) => status,
            Self::BusyInWords => 400,
            Self::Moved => 302,
            Self::Refusal => 401,
            Self::Page | Self::Garbled | Self::OtherIssuers | Self::OldKeys => 200,
        }
    }

    /// Whether the server says that it may do it later.
    pub fn is_later(self) -> bool {
        matches!(self, Self::Busy(..) | Self::BusyInWords | Self::Broken { .. })
    }

    /// Whether it says as well that it has not looked at the request.
    pub fn is_unprocessed(self) -> bool {
        matches!(self, Self::Busy(..) | Self::BusyInWords)
    }
}

#[derive(Debug, Default)]
pub struct Weather {
    /// One after the other, each for so many seconds.
    pub spells: Vec<(u64, Kind)>,
    /// What is said after them; nothing if all is well then.
    pub for_good: Option<Kind>,
    begun: Option<u64>,
}

/// How long a spell lasts.
const LENGTHS: [u64; 9] = [1, 3, 10, 30, 60, 120, 300, 1200, 4000];

impl Weather {
    pub fn always(kind: Kind) -> Self {
        Self { for_good: Some(kind), ..Self::default() }
    }

    pub fn draw(choices: &mut Choices, often: usize, kind: impl Fn(&mut Choices) -> Kind) -> Self {
        let mut weather = Self::default();
        while weather.spells.len() < 4 && choices.percent(often) {
            let seconds = choices.pick(&LENGTHS);
            weather.spells.push((seconds, kind(choices)));
        }
        if weather.spells.len() == 4 && choices.percent(20) {
            weather.for_good = Some(kind(choices));
        }
        weather
    }

    pub fn at(&mut self, now: u64) -> Option<Kind> {
        let mut end = *self.begun.get_or_insert(now);
        for (seconds, kind) in &self.spells {
            end += seconds;
            if now < end {
                return Some(*kind);
            }
        }
        self.for_good
    }
}

pub fn busy(choices: &mut Choices) -> Kind {
    let retry_after = retry_after(choices);
    match choices.below(8) {
        0..=2 => Kind::Busy(429, retry_after),
        3..=4 => Kind::Busy(503, retry_after),
        5 => Kind::Busy(choices.pick(&[408, 425]), retry_after),
        _ => Kind::Broken { status: choices.pick(&[500, 502, 504]), retry_after, after_work: false },
    }
}

/// Of the token endpoint: what says that the code was not looked at, and now and then what does not.
pub fn busy_with_codes(choices: &mut Choices) -> Kind {
    let retry_after = retry_after(choices);
    match choices.below(16) {
        0..=3 => Kind::Busy(429, retry_after),
        4..=7 => Kind::Busy(503, retry_after),
        8..=9 => Kind::Busy(408, retry_after),
        10..=11 => Kind::Busy(425, retry_after),
        12..=13 => Kind::BusyInWords,
        14 => {
            let status = choices.pick(&[500, 502, 504]);
            Kind::Broken { status, retry_after, after_work: choices.percent(50) }
        }
        _ => choices.pick(&[Kind::NotThere(404), Kind::Moved, Kind::Page, Kind::Garbled, Kind::Refusal]),
    }
}

/// Of a place that has no metadata.
pub fn nothing_there(choices: &mut Choices) -> Kind {
    let retry_after = RetryAfter { seconds: None, is_date: false };
    let broken = Kind::Broken { status: 500, retry_after, after_work: false };
    choices.pick(&[
        Kind::NotThere(404),
        Kind::NotThere(404),
        Kind::NotThere(403),
        Kind::NotThere(400),
        Kind::Moved,
        Kind::Page,
        Kind::Garbled,
        broken,
    ])
}

fn retry_after(choices: &mut Choices) -> RetryAfter {
    let seconds = choices.pick(&[None, None, None, Some(1), Some(7), Some(30), Some(120), Some(900), Some(5000)]);
    RetryAfter { seconds, is_date: choices.percent(20) }
}
