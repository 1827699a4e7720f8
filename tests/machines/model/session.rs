//! The session: operations, and what is decoded into them.

use oauth_proto::Delivered;

pub use super::session_run::run;
use super::{pick, Jump};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Access(Api),
    Answer(Id, Answer),
    SendFailed(Id, Delivered),
    /// The API refused the token that was handed out so many before the last one; or one of another login.
    Refused(Option<u8>, Says),
    AskAgain,
    EndGrant,
    SignOut {
        logout: bool,
        federated: bool,
    },
    /// `Start`, which is a login's.
    Start(u8),
    Redirect(Return),
    Cancelled,
    Clock(Jump),
    /// Store the saved form.
    Save,
    /// End the process, restore what was stored so many before the last; 0 is what would be stored now.
    Restore(u8),
    Adopt(Theirs),
}

/// What the caller wants a token for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Own,
    /// By resource.
    A,
    /// By audience, and narrower.
    B,
    /// The own API, with a scope that was not granted.
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
        ends: Ends,
    },
    InvalidGrant,
    InvalidGrantInOtherCase,
    InvalidGrantWith500,
    InvalidClient,
    InvalidTarget,
    InteractionRequired,
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
    /// A success with a token that is no bearer token, and with a new refresh token.
    OtherTokenType,
}

/// What the server says of the grant's own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Nothing,
    Authorization(u64),
    RefreshToken(u64),
}

/// What the API says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Nothing,
    InvalidToken,
    /// A scope that was not granted.
    MoreScope,
    /// A scope that was granted.
    OtherScope,
    SomeScope,
    StepUp,
    OtherScheme,
    Malformed,
    Forbidden,
    ForbiddenInvalidToken,
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
    Renewed,
    /// It has got another refresh token for the same one before: as many changes, and another token.
    Sibling,
    OtherLogin,
    OtherClient,
    OtherVersion,
    Damaged,
}

impl Op {
    pub fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        Some(match bytes.next()? % 64 {
            0..=17 => {
                Self::Access(pick(bytes, &[Api::Own, Api::Own, Api::Own, Api::A, Api::A, Api::B, Api::B, Api::C])?)
            }
            18..=33 => Self::Answer(Id::from_bytes(bytes)?, Answer::from_bytes(bytes)?),
            34..=37 => Self::SendFailed(
                Id::from_bytes(bytes)?,
                pick(bytes, &[Delivered::No, Delivered::Maybe, Delivered::Maybe])?,
            ),
            38..=42 => {
                let which = pick(bytes, &[Some(0), Some(0), Some(0), Some(0), Some(1), Some(2), None])?;
                Self::Refused(which, Says::from_bytes(bytes)?)
            }
            43 => {
                let kind = bytes.next()?;
                Self::SignOut { logout: kind % 4 != 0, federated: kind & 8 != 0 }
            }
            44 => Self::AskAgain,
            45 => pick(bytes, &[Self::EndGrant, Self::Start(1), Self::AskAgain, Self::AskAgain])?,
            46 | 47 => {
                Self::Redirect(pick(bytes, &[Return::Right, Return::OtherState, Return::NoState, Return::OtherUri])?)
            }
            48 => Self::Cancelled,
            49..=57 => Self::Clock(Jump::from_bytes(bytes)?),
            58 => Self::Save,
            59 => Self::Restore(pick(bytes, &[0, 0, 0, 1, 2])?),
            _ => Self::Adopt(Theirs::from_bytes(bytes)?),
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
        const LIFETIMES: [Option<u64>; 7] =
            [None, Some(0), Some(1), Some(30), Some(3600), Some(3600), Some(u32::MAX as u64)];
        Some(match bytes.next()? % 24 {
            0..=7 => {
                let kind = usize::from(bytes.next()?);
                Self::Tokens {
                    rotated: kind % 3 != 0,
                    expires_in: pick(bytes, &LIFETIMES)?,
                    scope: [None, None, None, Some("read"), Some("read write more")][kind / 3 % 5],
                    ends: [Ends::Nothing, Ends::Nothing, Ends::Authorization(7200), Ends::RefreshToken(1800)]
                        [kind / 15 % 4],
                }
            }
            8 | 9 => Self::InvalidGrant,
            10 => Self::InvalidGrantInOtherCase,
            11 => Self::InvalidGrantWith500,
            12 | 13 => Self::InvalidClient,
            14 => Self::InvalidTarget,
            15 => Self::InteractionRequired,
            16 | 17 => Self::Unavailable { retry_after: pick(bytes, &[None, Some(0), Some(7), Some(1 << 40)])? },
            18 => Self::Html403,
            19 => Self::Redirected,
            20 => Self::Nothing,
            21 => Self::Unreadable,
            22 => Self::OnlyRefreshToken,
            _ => Self::OtherTokenType,
        })
    }

    /// Whether the server gives a new refresh token with it.
    pub fn rotates(self) -> bool {
        matches!(self, Self::Tokens { rotated: true, .. } | Self::OnlyRefreshToken | Self::OtherTokenType)
    }

    /// The stable name of what is wrong with it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Tokens { .. } => "",
            Self::InvalidGrant
            | Self::InvalidGrantInOtherCase
            | Self::InvalidClient
            | Self::InvalidTarget
            | Self::InteractionRequired => "oauth_error",
            Self::InvalidGrantWith500 | Self::Unavailable { .. } => "unavailable",
            Self::Html403 => "http_error",
            Self::Redirected => "redirect_refused",
            Self::Nothing | Self::OnlyRefreshToken => "missing_access_token",
            Self::Unreadable => "response_malformed",
            Self::OtherTokenType => "unsupported_token_type",
        }
    }
}

impl Says {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        use Says::{
            Forbidden, ForbiddenBearer, ForbiddenInvalidToken, InvalidToken, Malformed, MoreScope, Nothing,
            OtherScheme, OtherScope, SomeScope, StepUp,
        };
        let all = [
            Nothing,
            InvalidToken,
            InvalidToken,
            InvalidToken,
            InvalidToken,
            MoreScope,
            OtherScope,
            SomeScope,
            StepUp,
            OtherScheme,
            Malformed,
            Forbidden,
            ForbiddenInvalidToken,
            ForbiddenBearer,
        ];
        pick(bytes, &all)
    }
}

impl Theirs {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        let kind = bytes.next()?;
        Some(match kind % 16 {
            0..=3 => Self::Stored(kind / 16 % 4),
            4..=7 => Self::Renewed,
            8 | 9 => Self::Sibling,
            10..=12 => Self::OtherLogin,
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
    /// For the refresh of this id.
    Wait(u64),
    RetryAt(u64),
    /// Why, by its stable name.
    LoginRequired(&'static str),
    /// Why, by its stable name, and when the session asks again by itself.
    Refused(&'static str, Option<u64>),
    /// New tokens are to be stored.
    Save,
    OpenUrl(String),
    SignedOut,
    Newer,
    NotNewer,
    OtherLogin,
    Nothing,
    Err(&'static str),
    /// A wait has a spread in it, and its end may be before or behind now: the model cannot tell.
    Unclear,
}

impl Outcome {
    pub fn time(&self) -> Option<u64> {
        match self {
            Self::RetryAt(at) => Some(*at),
            Self::Refused(_, at) => *at,
            _ => None,
        }
    }
}
