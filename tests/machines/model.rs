//! Models of both machines, and runs that hold the machines against them. A run is decoded from octets, so the same
//! code serves property tests and fuzz targets (`#[path = "…/tests/machines/model.rs"] mod model;`, with `oauth-proto`,
//! `serde_json` and `base64ct` as dependencies, and a feature `openid` that turns on that of `oauth-proto`): `model::login::run(bytes, login::Mode::Free)`, and the same for
//! `session`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[cfg(feature = "openid")]
#[path = "../support/keys.rs"]
pub mod keys;
#[path = "model/login.rs"]
pub mod login;
#[path = "model/login_model.rs"]
mod login_model;
#[path = "model/login_run.rs"]
mod login_run;
#[path = "model/login_wire.rs"]
mod login_wire;
#[path = "model/session.rs"]
pub mod session;
#[path = "model/session_grant.rs"]
mod session_grant;
#[path = "model/session_over.rs"]
mod session_over;
#[path = "model/session_run.rs"]
mod session_run;
#[path = "model/session_waits.rs"]
mod session_waits;
#[path = "model/session_wire.rs"]
mod session_wire;

/// Where every clock starts.
pub const START: u64 = 1_700_000_000;

/// What the clock does. It need not go forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    Seconds(u8),
    Minutes(u8),
    Back(u8),
    /// To the machine's deadline, if it has one, and so much further.
    PastDeadline(u8),
    Epoch,
    EndOfTime,
}

impl Jump {
    pub fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        Some(match bytes.next()? % 16 {
            0..=5 => Self::Seconds(bytes.next()?),
            6..=8 => Self::Minutes(bytes.next()?),
            9..=11 => Self::Back(bytes.next()?),
            12 | 13 => Self::PastDeadline(bytes.next()? % 3),
            14 => Self::Epoch,
            _ => Self::EndOfTime,
        })
    }

    pub fn from(self, now: u64, deadline: Option<u64>) -> u64 {
        match self {
            Self::Seconds(seconds) => now.saturating_add(u64::from(seconds)),
            Self::Minutes(minutes) => now.saturating_add(u64::from(minutes) * 60),
            Self::Back(minutes) => now.saturating_sub(u64::from(minutes) * 60),
            Self::PastDeadline(seconds) => deadline.unwrap_or(now).saturating_add(u64::from(seconds)),
            Self::Epoch => 0,
            Self::EndOfTime => u64::MAX,
        }
    }
}

/// One of these, as the next octet says.
pub fn pick<T: Copy>(bytes: &mut impl Iterator<Item = u8>, from: &[T]) -> Option<T> {
    let index = usize::from(bytes.next()?) % from.len();
    from.get(index).copied()
}

/// The value of a parameter of a URL or a form, still encoded.
pub fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(other, _)| *other == name).map(|(_, value)| value)
}
