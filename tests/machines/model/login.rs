//! The login: operations, and what is decoded into them.

use oauth_proto::Delivered;

pub use super::login_run::{octets, run, Mode};
use super::{pick, Jump};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Start(u8),
    Redirect(Shape, Iss),
    Response(Id, Says),
    SendFailed(Id, Delivered),
    Verified(Id, bool),
    VerifyFailed(Id),
    Cancel,
    Clock(Jump),
    /// Save, end the process, resume.
    Resume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Code,
    OtherCode,
    Denied,
    DeniedWithCode,
    Neither,
    EmptyCode,
    BadCode,
    BadError,
    WrongState,
    StateInOtherCase,
    NoState,
    TwoStates,
    OneRightState,
    TwoCodes,
    /// More than the redirect URI has, which counts for nothing.
    FinalSlash,
    OtherUri,
    TooLong,
    NotAUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iss {
    None,
    Right,
    Wrong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// Of the request that was handed out last.
    Current,
    Other(u8),
}

/// What the server says, by what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Says {
    pub metadata: Metadata,
    pub tokens: Answer,
    pub keys: Keys,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Tokens,
    TokensWith(IdToken),
    OtherTokenType,
    NoAccessToken,
    ErrorAndTokens,
    InvalidGrant,
    TooMany,
    Unavailable,
    /// A 5xx that does not say whether the code was looked at.
    Broken,
    NotFound,
    Html,
    Redirected,
    Garbage,
    TooLarge,
    TooDeep,
}

/// An ID token, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdToken {
    Good,
    /// Good too, and it names no key.
    NoKid,
    NotAToken,
    NotSigned,
    OtherIssuer,
    OtherAudience,
    NoSubject,
    Expired,
    FromTheFuture,
    OtherNonce,
    NoNonce,
    OtherAccessToken,
    /// Of a key that the server may have or not.
    OtherKey,
    /// It names a key of the server, and is signed with another.
    Forged,
}

/// The answer to the request for the server's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    Good,
    OtherIssuer,
    TrailingSlash,
    NoIssuer,
    NoTokenEndpoint,
    HttpEndpoint,
    NoS256,
    NoJwksUri,
    OtherAlgorithms,
    PushedOnly,
    Html,
    NotFound,
    Moved,
    TooMany,
    Unavailable,
    Garbage,
    TooLarge,
}

/// The answer to the request for the server's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// The key that ID tokens are signed with, and nobody says that it is JSON.
    Good,
    Both,
    None,
    OtherKey,
    /// Another key under the name of the one that is asked for.
    SameName,
    TooMany,
    Unavailable,
    NotFound,
    Moved,
    NotASet,
    Garbage,
    TooLarge,
}

impl Keys {
    /// By their names.
    pub const fn all(self) -> &'static [(u8, u8)] {
        match self {
            Self::Good => &[(1, 1)],
            Self::Both => &[(1, 1), (2, 2)],
            Self::OtherKey => &[(2, 2)],
            Self::SameName => &[(1, 2)],
            _ => &[],
        }
    }
}

const SHAPES: [Shape; 22] = {
    use Shape::{
        BadCode, BadError, Code, Denied, DeniedWithCode, EmptyCode, FinalSlash, Neither, NoState, NotAUrl,
        OneRightState, OtherCode, OtherUri, StateInOtherCase, TooLong, TwoCodes, TwoStates, WrongState,
    };
    [
        Code,
        Code,
        Code,
        Code,
        Code,
        OtherCode,
        Denied,
        DeniedWithCode,
        Neither,
        EmptyCode,
        BadCode,
        BadError,
        WrongState,
        StateInOtherCase,
        NoState,
        TwoStates,
        OneRightState,
        TwoCodes,
        FinalSlash,
        OtherUri,
        TooLong,
        NotAUrl,
    ]
};

const ANSWERS: [Answer; 37] = {
    use Answer::{
        Broken, ErrorAndTokens, Garbage, Html, InvalidGrant, NoAccessToken, NotFound, OtherTokenType, Redirected,
        Tokens, TokensWith, TooDeep, TooLarge, TooMany, Unavailable,
    };
    [
        Tokens,
        TokensWith(IdToken::Good),
        TokensWith(IdToken::Good),
        TokensWith(IdToken::Good),
        TokensWith(IdToken::Good),
        TokensWith(IdToken::Good),
        TokensWith(IdToken::Good),
        OtherTokenType,
        NoAccessToken,
        ErrorAndTokens,
        InvalidGrant,
        TooMany,
        Unavailable,
        Broken,
        NotFound,
        Html,
        Redirected,
        Garbage,
        TooLarge,
        TooDeep,
        TokensWith(IdToken::Good),
        TokensWith(IdToken::Good),
        TokensWith(IdToken::Good),
        TokensWith(IdToken::NoKid),
        TokensWith(IdToken::NotAToken),
        TokensWith(IdToken::NotSigned),
        TokensWith(IdToken::OtherIssuer),
        TokensWith(IdToken::OtherAudience),
        TokensWith(IdToken::NoSubject),
        TokensWith(IdToken::Expired),
        TokensWith(IdToken::FromTheFuture),
        TokensWith(IdToken::OtherNonce),
        TokensWith(IdToken::NoNonce),
        TokensWith(IdToken::OtherAccessToken),
        TokensWith(IdToken::OtherKey),
        TokensWith(IdToken::OtherKey),
        TokensWith(IdToken::Forged),
    ]
};

const METADATA: [Metadata; 29] = [
    Metadata::Good,
    Metadata::Good,
    Metadata::Good,
    Metadata::Good,
    Metadata::Good,
    Metadata::Good,
    Metadata::Good,
    Metadata::Good,
    Metadata::NotFound,
    Metadata::Good,
    Metadata::Html,
    Metadata::Good,
    Metadata::Moved,
    Metadata::Good,
    Metadata::NotFound,
    Metadata::OtherIssuer,
    Metadata::TrailingSlash,
    Metadata::NoIssuer,
    Metadata::NoTokenEndpoint,
    Metadata::HttpEndpoint,
    Metadata::NoS256,
    Metadata::NoJwksUri,
    Metadata::OtherAlgorithms,
    Metadata::PushedOnly,
    Metadata::TooMany,
    Metadata::Unavailable,
    Metadata::Garbage,
    Metadata::TooLarge,
    Metadata::Good,
];

const KEYS: [Keys; 21] = [
    Keys::Good,
    Keys::Both,
    Keys::Good,
    Keys::Both,
    Keys::Good,
    Keys::Good,
    Keys::Unavailable,
    Keys::Both,
    Keys::TooMany,
    Keys::Good,
    Keys::Unavailable,
    Keys::Both,
    Keys::None,
    Keys::OtherKey,
    Keys::SameName,
    Keys::NotFound,
    Keys::Moved,
    Keys::NotASet,
    Keys::Garbage,
    Keys::TooLarge,
    Keys::Unavailable,
];

impl Says {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        let number = usize::from(bytes.next()?);
        Some(Self {
            metadata: METADATA[number % METADATA.len()],
            tokens: ANSWERS[number % ANSWERS.len()],
            keys: KEYS[number % KEYS.len()],
        })
    }
}

impl Op {
    pub fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        let id = |bytes: &mut _| {
            pick(bytes, &[Id::Current, Id::Current, Id::Current, Id::Current, Id::Other(0), Id::Other(1), Id::Other(2)])
        };
        Some(match bytes.next()? % 32 {
            0..=3 => Self::Start(bytes.next()?),
            4..=11 => {
                Self::Redirect(pick(bytes, &SHAPES)?, pick(bytes, &[Iss::None, Iss::Right, Iss::Right, Iss::Wrong])?)
            }
            12..=21 => Self::Response(id(bytes)?, Says::from_bytes(bytes)?),
            22..=24 => Self::SendFailed(id(bytes)?, pick(bytes, &[Delivered::No, Delivered::No, Delivered::Maybe])?),
            26 => Self::Cancel,
            27 | 28 => Self::Clock(Jump::from_bytes(bytes)?),
            25 | 29 => Self::Verified(id(bytes)?, pick(bytes, &[true, false])?),
            30 => Self::VerifyFailed(id(bytes)?),
            _ => Self::Resume,
        })
    }
}
