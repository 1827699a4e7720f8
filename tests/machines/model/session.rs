//! The session: operations, and what is decoded into them.

use oauth_proto::Delivered;

pub use super::session_run::{run, Mode};
use super::{pick, Jump};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Access(Api),
    Answer(Id, Answer),
    SendFailed(Id, Delivered),
    /// The API refused the token that was handed out so many before the last one.
    Refused(u8, Says),
    SignOut {
        logout: bool,
        federated: bool,
    },
    /// Ask for this scope in later refreshes of the own token.
    Narrow(&'static str),
    /// `Start`, which is a login's.
    Start(u8),
    Redirect(Return),
    Cancelled,
    TryAgain,
    Clock(Jump),
    /// Store the saved form.
    Save,
    /// End the process, restore what was stored so many before the last; 0 is what would be stored now.
    Restore(u8),
    Adopt(Theirs),
    /// Make the login that an API has demanded.
    LogIn,
}

/// What the caller wants a token for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Own,
    /// By resource.
    A,
    /// By audience, and narrower.
    B,
    /// The own API, with a scope that the first login did not ask for.
    C,
}

pub const APIS: [Api; 4] = [Api::Own, Api::A, Api::B, Api::C];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// Of the request that was handed out so many before the last one.
    Sent(u8),
    Other(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Tokens {
        rotated: bool,
        expires_in: Option<u64>,
        scope: Option<&'static str>,
    },
    InvalidGrant,
    InvalidGrantInOtherCase,
    InvalidGrantWith500,
    InvalidClient,
    /// What is wrong with one API alone.
    InvalidTarget,
    Unavailable {
        retry_after: Option<u64>,
    },
    Html403,
    Redirected,
    /// A success with nothing in it.
    Nothing,
    /// A success that is no JSON.
    Unreadable,
    /// A success without an access token, and with a new refresh token.
    OnlyRefreshToken,
}

/// What the API says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Nothing,
    Bearer,
    InvalidToken,
    MoreScope,
    /// A scope that was granted.
    OtherScope,
    SomeScope,
    StepUp,
    AtOnce,
    OtherScheme,
    Malformed,
    MalformedTwice,
    NoChallenge,
    Metadata,
    Forbidden,
    ForbiddenMalformed,
    ForbiddenMetadata,
    ForbiddenBearer,
}

/// Where the browser comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    Right,
    OtherState,
    NoState,
    OtherUri,
}

/// What another process has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theirs {
    /// So many before the last.
    Stored(u8),
    /// It has renewed the tokens that were stored last.
    Renewed {
        losses: u8,
    },
    /// It has the very tokens that this session has, and has lost so many refreshes with them.
    Lost {
        losses: u8,
    },
    OtherLogin {
        later: bool,
        losses: u8,
    },
    OtherClient,
    OtherVersion,
    Damaged,
}

impl Op {
    pub fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        Some(match bytes.next()? % 64 {
            0..=15 => {
                Self::Access(pick(bytes, &[Api::Own, Api::Own, Api::Own, Api::Own, Api::A, Api::A, Api::B, Api::C])?)
            }
            16..=29 => Self::Answer(Id::from_bytes(bytes)?, Answer::from_bytes(bytes)?),
            30..=35 => Self::SendFailed(
                Id::from_bytes(bytes)?,
                pick(bytes, &[Delivered::No, Delivered::Maybe, Delivered::Maybe])?,
            ),
            36..=41 => Self::Refused(pick(bytes, &[0, 0, 0, 1, 2])?, Says::from_bytes(bytes)?),
            42 => {
                let kind = bytes.next()?;
                Self::SignOut { logout: kind % 4 != 0, federated: kind & 8 != 0 }
            }
            43 => Self::Narrow(pick(bytes, &["read", "", "read write", "read admin"])?),
            44 => Self::Start(bytes.next()?),
            45 | 46 => {
                Self::Redirect(pick(bytes, &[Return::Right, Return::OtherState, Return::NoState, Return::OtherUri])?)
            }
            47 => Self::Cancelled,
            48..=56 => Self::Clock(Jump::from_bytes(bytes)?),
            57 => Self::TryAgain,
            58 => Self::Save,
            59 => Self::Restore(pick(bytes, &[0, 0, 0, 1, 2])?),
            60..=62 => Self::Adopt(Theirs::from_bytes(bytes)?),
            _ => Self::LogIn,
        })
    }
}

impl Id {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        pick(bytes, &[Self::Sent(0), Self::Sent(0), Self::Sent(0), Self::Sent(1), Self::Sent(2), Self::Other(1)])
    }
}

impl Answer {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        Some(match bytes.next()? % 24 {
            0..=8 => {
                let kind = usize::from(bytes.next()?);
                Self::Tokens {
                    rotated: kind % 3 != 0,
                    expires_in: pick(
                        bytes,
                        &[None, Some(0), Some(1), Some(30), Some(3600), Some(3600), Some(1 << 40)],
                    )?,
                    scope: [None, None, None, Some("read"), Some("read write more")][kind / 3 % 5],
                }
            }
            9 | 10 => Self::InvalidGrant,
            11 => Self::InvalidGrantInOtherCase,
            12 => Self::InvalidGrantWith500,
            13 => Self::InvalidClient,
            14 | 15 => Self::InvalidTarget,
            16 => Self::Unavailable { retry_after: pick(bytes, &[None, Some(0), Some(7), Some(1 << 40)])? },
            17 => Self::Html403,
            18 => Self::Redirected,
            19 => Self::Nothing,
            20 | 21 => Self::Unreadable,
            _ => Self::OnlyRefreshToken,
        })
    }

    /// The wait that the server asks for, clamped to an hour.
    pub fn retry_after(self) -> Option<u64> {
        match self {
            Self::Unavailable { retry_after } => retry_after.map(|seconds| seconds.min(3600)),
            _ => None,
        }
    }
}

impl Says {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        use Says::{
            AtOnce, Bearer, Forbidden, ForbiddenBearer, ForbiddenMalformed, ForbiddenMetadata, InvalidToken, Malformed,
            MalformedTwice, Metadata, MoreScope, NoChallenge, Nothing, OtherScheme, OtherScope, SomeScope, StepUp,
        };
        let all = [
            Nothing,
            Bearer,
            InvalidToken,
            InvalidToken,
            InvalidToken,
            InvalidToken,
            InvalidToken,
            InvalidToken,
            MoreScope,
            MoreScope,
            OtherScope,
            SomeScope,
            StepUp,
            AtOnce,
            OtherScheme,
            Malformed,
            MalformedTwice,
            NoChallenge,
            Metadata,
            Forbidden,
            ForbiddenMalformed,
            ForbiddenMetadata,
            ForbiddenBearer,
        ];
        pick(bytes, &all)
    }
}

impl Theirs {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        let kind = bytes.next()?;
        let losses = kind / 16 % 3;
        Some(match kind % 16 {
            0..=3 => Self::Stored(kind / 16 % 4),
            4..=7 => Self::Renewed { losses },
            8 | 9 => Self::Lost { losses },
            10..=12 => Self::OtherLogin { later: kind % 16 != 12, losses },
            13 => Self::OtherClient,
            14 => Self::OtherVersion,
            _ => Self::Damaged,
        })
    }
}

/// What one operation gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A token may be used.
    Ready(String),
    /// A request with this body goes to the server.
    Send(String),
    Wait,
    RetryAt(u64),
    /// Why, and the login to make, if one is.
    LoginRequired(String),
    /// New tokens are to be stored. Of which API the access token is, if there is one.
    Save(Option<Api>),
    OpenUrl(String),
    SignedOut,
    Newer,
    NotNewer,
    Nothing,
    Refused(&'static str),
}
