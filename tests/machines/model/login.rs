//! The login: operations, and what the model says to each.

use oauth_proto::{Delivered, Phase};

pub use super::login_run::{octets, run, Mode};
use super::{pick, Jump};

const LOGIN_TIMEOUT: u64 = 3600;
const CODE_LIFETIME: u64 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Start(u8),
    Redirect(Shape, Iss),
    Response(Id, Answer),
    SendFailed(Id, Delivered),
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
    TwoCodes,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Tokens,
    TokensWithIdToken,
    OtherTokenType,
    NoAccessToken,
    ErrorAndTokens,
    InvalidGrant,
    Unavailable,
    NotFound,
    Html,
    Redirected,
    Garbage,
    TooLarge,
    TooDeep,
}

const SHAPES: [Shape; 20] = {
    use Shape::{
        BadCode, BadError, Code, Denied, DeniedWithCode, EmptyCode, Neither, NoState, NotAUrl, OtherCode, OtherUri,
        StateInOtherCase, TooLong, TwoCodes, TwoStates, WrongState,
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
        TwoCodes,
        OtherUri,
        TooLong,
        NotAUrl,
    ]
};

const ANSWERS: [Answer; 15] = {
    use Answer::{
        ErrorAndTokens, Garbage, Html, InvalidGrant, NoAccessToken, NotFound, OtherTokenType, Redirected, Tokens,
        TokensWithIdToken, TooDeep, TooLarge, Unavailable,
    };
    [
        Tokens,
        TokensWithIdToken,
        Tokens,
        TokensWithIdToken,
        OtherTokenType,
        NoAccessToken,
        ErrorAndTokens,
        InvalidGrant,
        Unavailable,
        NotFound,
        Html,
        Redirected,
        Garbage,
        TooLarge,
        TooDeep,
    ]
};

impl Op {
    pub fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        let id = |bytes: &mut _| pick(bytes, &[Id::Current, Id::Current, Id::Other(0), Id::Other(1), Id::Other(2)]);
        Some(match bytes.next()? % 16 {
            0..=2 => Self::Start(bytes.next()?),
            3..=6 => {
                Self::Redirect(pick(bytes, &SHAPES)?, pick(bytes, &[Iss::None, Iss::Right, Iss::Right, Iss::Wrong])?)
            }
            7..=9 => Self::Response(id(bytes)?, pick(bytes, &ANSWERS)?),
            10 | 11 => Self::SendFailed(id(bytes)?, pick(bytes, &[Delivered::No, Delivered::No, Delivered::Maybe])?),
            12 => Self::Cancel,
            13 | 14 => Self::Clock(Jump::from_bytes(bytes)?),
            _ => Self::Resume,
        })
    }
}

/// What one operation gives, by stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    OpenUrl,
    SendRequest,
    TokensReady,
    Refused(&'static str),
    Fatal(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Ready,
    AwaitingRedirect { deadline: u64 },
    ExchangingCode { deadline: u64 },
    Finished,
    Failed(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub openid: bool,
    pub issuer: bool,
    pub iss_required: bool,
}

impl Model {
    pub fn predict(self, config: Config, op: Op, now: u64) -> Outcome {
        use Outcome::{Fatal, OpenUrl, Refused, SendRequest};
        match (self, op) {
            (Self::Failed(code), _) => Fatal(code),
            (Self::Finished, Op::Start(_)) => Refused("already_started"),
            (Self::Finished, _) => Refused("finished"),
            (Self::Ready, Op::Start(_)) => OpenUrl,
            (Self::AwaitingRedirect { deadline }, _) if now > deadline => Fatal("expired"),
            (_, Op::Cancel) => Fatal("cancelled"),
            // Data from outside is nobody's misuse.
            (Self::Ready | Self::ExchangingCode { .. }, Op::Redirect(..)) => Refused("redirect_not_awaited"),
            (Self::Ready, _) => Refused("unknown_request"),
            (_, Op::Start(_)) => Refused("already_started"),
            (Self::AwaitingRedirect { .. }, Op::Redirect(shape, iss)) => redirect(config, shape, iss),
            (Self::ExchangingCode { .. }, Op::Response(Id::Current, answer)) => response(config, answer),
            (Self::ExchangingCode { deadline }, Op::SendFailed(Id::Current, Delivered::No)) => {
                if now > deadline {
                    Fatal("expired")
                } else {
                    SendRequest
                }
            }
            (Self::ExchangingCode { .. }, Op::SendFailed(Id::Current, Delivered::Maybe)) => Fatal("outcome_unknown"),
            _ => Refused("unknown_request"),
        }
    }

    pub fn after(self, outcome: Outcome, now: u64) -> Self {
        match (self, outcome) {
            (_, Outcome::OpenUrl) => Self::AwaitingRedirect { deadline: now.saturating_add(LOGIN_TIMEOUT) },
            (Self::AwaitingRedirect { .. }, Outcome::SendRequest) => {
                Self::ExchangingCode { deadline: now.saturating_add(CODE_LIFETIME) }
            }
            (_, Outcome::SendRequest | Outcome::Refused(_)) => self,
            (_, Outcome::TokensReady) => Self::Finished,
            (_, Outcome::Fatal(code)) => Self::Failed(code),
        }
    }

    /// The process ends and another one goes on: it waits no longer than a login that starts now.
    pub fn resume(self, now: u64) -> Self {
        match self {
            Self::AwaitingRedirect { deadline } => {
                Self::AwaitingRedirect { deadline: deadline.min(now.saturating_add(LOGIN_TIMEOUT)) }
            }
            other => other,
        }
    }

    pub fn phase(self) -> Phase {
        match self {
            Self::Ready => Phase::Ready,
            Self::AwaitingRedirect { .. } => Phase::AwaitingRedirect,
            Self::ExchangingCode { .. } => Phase::ExchangingCode,
            Self::Finished => Phase::Finished,
            Self::Failed(_) => Phase::Failed,
        }
    }

    pub fn deadline(self) -> Option<u64> {
        match self {
            Self::AwaitingRedirect { deadline } | Self::ExchangingCode { deadline } => Some(deadline),
            _ => None,
        }
    }
}

fn redirect(config: Config, shape: Shape, iss: Iss) -> Outcome {
    let stray = match shape {
        Shape::OtherUri | Shape::NotAUrl => Some("not_our_redirect"),
        Shape::TooLong => Some("redirect_too_large"),
        Shape::TwoStates | Shape::TwoCodes => Some("duplicate_parameter"),
        Shape::NoState => Some("state_missing"),
        Shape::WrongState | Shape::StateInOtherCase => Some("state_mismatch"),
        _ => None,
    };
    if let Some(code) = stray {
        return Outcome::Refused(code);
    }
    match iss {
        Iss::None if config.iss_required => return Outcome::Fatal("issuer_missing"),
        Iss::Wrong if config.issuer => return Outcome::Fatal("issuer_mismatch"),
        _ => {}
    }
    match shape {
        Shape::Denied | Shape::DeniedWithCode => Outcome::Fatal("authorization_error"),
        Shape::Neither | Shape::EmptyCode => Outcome::Fatal("missing_code"),
        Shape::BadCode | Shape::BadError => Outcome::Fatal("redirect_malformed"),
        _ => Outcome::SendRequest,
    }
}

fn response(config: Config, answer: Answer) -> Outcome {
    Outcome::Fatal(match answer {
        Answer::TokensWithIdToken => return Outcome::TokensReady,
        Answer::Tokens if !config.openid => return Outcome::TokensReady,
        Answer::Tokens => "missing_id_token",
        Answer::OtherTokenType => "unsupported_token_type",
        Answer::NoAccessToken => "missing_access_token",
        Answer::ErrorAndTokens | Answer::InvalidGrant => "oauth_error",
        Answer::Unavailable => "retryable",
        Answer::NotFound => "http_error",
        Answer::Html => "unexpected_content_type",
        Answer::Redirected => "redirect_refused",
        Answer::Garbage => "response_malformed",
        Answer::TooLarge | Answer::TooDeep => "response_too_large",
    })
}
