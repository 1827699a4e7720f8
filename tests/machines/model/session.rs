//! The session: operations, and what the model says to each.

use oauth_proto::{Delivered, SessionPhase};

pub use super::session_run::{run, Mode};
use super::{pick, Jump};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Access,
    Answer(Id, Answer),
    SendFailed(Id, Delivered),
    /// The API refused the token that was handed out so many before the last one.
    Refused(u8, Says),
    SignOut,
    /// Ask for this scope in later refreshes.
    Narrow(&'static str),
    /// `Start`, `RedirectReceived` or `Cancelled`, which are a login's.
    Misplaced(u8),
    Clock(Jump),
    /// Save, end the process, restore.
    Restore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// Of the request that was handed out so many before the last one.
    Sent(u8),
    Other(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Tokens { rotated: bool, expires_in: Option<u64>, scope: Option<&'static str> },
    InvalidGrant,
    InvalidGrantInOtherCase,
    InvalidGrantWith500,
    InvalidClient,
    Unavailable { retry_after: Option<u64> },
    Html403,
    Redirected,
    Empty,
}

/// What the API says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Nothing,
    Bearer,
    InvalidToken,
    InsufficientScope,
    StepUp,
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

impl Op {
    pub fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        Some(match bytes.next()? % 32 {
            0..=7 => Self::Access,
            8..=13 => Self::Answer(Id::from_bytes(bytes)?, Answer::from_bytes(bytes)?),
            14..=16 => Self::SendFailed(
                Id::from_bytes(bytes)?,
                pick(bytes, &[Delivered::No, Delivered::Maybe, Delivered::Maybe])?,
            ),
            17..=20 => Self::Refused(pick(bytes, &[0, 0, 0, 1, 2])?, Says::from_bytes(bytes)?),
            21 => Self::SignOut,
            22 => Self::Narrow(pick(bytes, &["read", "", "read write", "read admin"])?),
            23 => Self::Misplaced(bytes.next()?),
            24..=29 => Self::Clock(Jump::from_bytes(bytes)?),
            _ => Self::Restore,
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
        Some(match bytes.next()? % 16 {
            0..=7 => {
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
            8 => Self::InvalidGrant,
            9 => Self::InvalidGrantInOtherCase,
            10 => Self::InvalidGrantWith500,
            11 => Self::InvalidClient,
            12 => Self::Unavailable { retry_after: pick(bytes, &[None, Some(0), Some(7), Some(1 << 40)])? },
            13 => Self::Html403,
            14 => Self::Redirected,
            _ => Self::Empty,
        })
    }

    /// The wait that the server asks for, clamped to an hour.
    fn retry_after(self) -> Option<u64> {
        match self {
            Self::Unavailable { retry_after } => retry_after.map(|seconds| seconds.min(3600)),
            _ => None,
        }
    }
}

impl Says {
    fn from_bytes(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        use Says::{
            Bearer, Forbidden, ForbiddenBearer, ForbiddenMalformed, ForbiddenMetadata, InsufficientScope, InvalidToken,
            Malformed, MalformedTwice, Metadata, NoChallenge, Nothing, OtherScheme, StepUp,
        };
        let all = [
            Nothing,
            Bearer,
            InvalidToken,
            InvalidToken,
            InsufficientScope,
            StepUp,
            OtherScheme,
            Malformed,
            Forbidden,
            InvalidToken,
            InvalidToken,
            InvalidToken,
            MalformedTwice,
            NoChallenge,
            Metadata,
            ForbiddenMalformed,
            ForbiddenMetadata,
            ForbiddenBearer,
        ];
        pick(bytes, &all)
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
    LoginRequired(&'static str),
    /// New tokens are to be stored.
    Save,
    SignedOut,
    Nothing,
    Refused(&'static str),
}

#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub scope: String,
    pub obtained_at: Option<u64>,
    pub expires_at: Option<u64>,
    pub refused: bool,
    pub after_refusal: bool,
}

#[derive(Clone, Debug)]
pub struct Grant {
    pub token: Token,
    pub refresh_token: Option<String>,
    pub asked_scope: String,
    pub granted_scope: String,
    /// The refresh under way.
    pub flight: Option<Flight>,
    /// The id of a refresh that was taken for lost, and the scope it asked for.
    pub lost: Option<(u64, String)>,
    pub retry: Option<Retry>,
    pub failures: u32,
}

#[derive(Clone, Debug)]
pub struct Flight {
    pub id: u64,
    asked_scope: String,
    sent_at: u64,
    /// When the clock was first seen to be before `sent_at`.
    seen_back_at: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub struct Retry {
    pub at: u64,
    decided_at: u64,
}

#[derive(Clone, Debug)]
pub enum Model {
    Grant(Box<Grant>),
    Over {
        why: &'static str,
        refresh_token: Option<String>,
    },
    /// `id` is the one of the revocation under way; none once it has an outcome, until the next is asked for.
    SigningOut {
        id: Option<u64>,
        token: String,
        hint: &'static str,
        outcomes: u32,
    },
    SignedOut,
}

impl Token {
    fn just_came(&self, now: u64) -> bool {
        self.obtained_at.and_then(|at| now.checked_sub(at)).is_some_and(|age| age < 2)
    }

    pub fn usable(&self, now: u64) -> bool {
        !self.refused && (self.just_came(now) || self.expires_at.is_none_or(|at| now < at))
    }

    /// A minute before the end, or half the lifetime if that is less.
    fn due(&self, now: u64) -> bool {
        let Some(end) = self.expires_at else { return false };
        let lead = self.obtained_at.map_or(60, |start| (end.saturating_sub(start) / 2).min(60));
        !self.just_came(now) && end <= now.saturating_add(lead)
    }
}

impl Grant {
    pub fn refresh_body(&self, refresh_token: &str) -> String {
        let scope = if self.asked_scope.is_empty() {
            String::new()
        } else {
            format!("&scope={}", self.asked_scope.replace(' ', "+"))
        };
        format!("grant_type=refresh_token&refresh_token={refresh_token}{scope}&client_id=app")
    }

    /// `id` is the one that the machine gives a refresh that it sends now.
    fn access(&mut self, id: u64, now: u64) -> Outcome {
        let fallback =
            |otherwise| if self.token.usable(now) { Outcome::Ready(self.token.text.clone()) } else { otherwise };
        if self.token.usable(now) && !self.token.due(now) {
            return fallback(Outcome::Nothing);
        }
        let Some(refresh_token) = &self.refresh_token else { return fallback(Outcome::LoginRequired("none")) };
        if let Some(flight) = &mut self.flight {
            // Before it was sent, the time that counts is the one since the set-back was seen.
            let since = if now < flight.sent_at {
                *flight.seen_back_at.get_or_insert(now)
            } else {
                flight.seen_back_at = None;
                flight.sent_at
            };
            if now < since || now - since < 60 {
                return fallback(Outcome::Wait);
            }
            self.lost = self.flight.take().map(|flight| (flight.id, flight.asked_scope));
        }
        // A wait that was decided in the future is not to be believed.
        if let Some(Retry { at, .. }) = self.retry.filter(|retry| retry.decided_at <= now && now < retry.at) {
            return fallback(Outcome::RetryAt(at));
        }
        let body = self.refresh_body(refresh_token);
        self.flight = Some(Flight { id, asked_scope: self.asked_scope.clone(), sent_at: now, seen_back_at: None });
        self.retry = None;
        Outcome::Send(body)
    }

    fn later(&mut self, seconds: u64, now: u64) -> Outcome {
        self.flight = None;
        let at = now.saturating_add(seconds);
        self.retry = Some(Retry { at, decided_at: now });
        Outcome::RetryAt(at)
    }

    /// Tokens of the refresh of this id, which is the one under way or the lost one.
    fn renew(&mut self, id: u64, tokens: (&str, Option<&str>), said: (Option<u64>, Option<&str>), now: u64) {
        let (expires_in, scope) = said;
        let (flight, lost) = (self.flight.take().map(|flight| (flight.id, flight.asked_scope)), self.lost.take());
        let (answered, other) = if flight.as_ref().is_some_and(|flight| flight.0 == id) {
            // A lost refresh is of no more use once a newer one has brought tokens.
            (flight, None)
        } else {
            (lost, flight)
        };
        self.lost = other;
        let (_, asked) = answered.unwrap();
        let meant = if asked.is_empty() { &self.granted_scope } else { &asked };
        self.token = Token {
            text: tokens.0.into(),
            scope: scope.unwrap_or(meant).into(),
            obtained_at: Some(now),
            expires_at: expires_in.map(|seconds| now.saturating_add(seconds.min(u64::from(u32::MAX)))),
            refused: false,
            after_refusal: self.token.refused,
        };
        if let Some(refresh_token) = tokens.1 {
            self.refresh_token = Some(refresh_token.into());
        }
        (self.retry, self.failures) = (None, 0);
    }
}

/// As long as the server asks, and never shorter than the session's own wait.
fn patience(answer: Option<Answer>, failures: u32) -> u64 {
    answer.and_then(Answer::retry_after).map_or(backoff(failures), |asked| asked.max(backoff(failures)))
}

/// 0, 1, 2, 4 … 64 seconds.
fn backoff(failures: u32) -> u64 {
    if failures == 0 {
        0
    } else {
        1 << (failures - 1).min(6)
    }
}

impl Model {
    pub fn phase(&self) -> SessionPhase {
        match self {
            Self::Grant(grant) if grant.flight.is_some() && grant.lost.is_some() => SessionPhase::Retrying,
            Self::Grant(grant) if grant.flight.is_some() => SessionPhase::Refreshing,
            Self::Grant(grant) if grant.lost.is_some() => SessionPhase::OutcomeUnknown,
            Self::Grant(_) => SessionPhase::Active,
            Self::Over { .. } => SessionPhase::LoginRequired,
            Self::SigningOut { .. } => SessionPhase::SigningOut,
            Self::SignedOut => SessionPhase::SignedOut,
        }
    }

    pub fn deadline(&self) -> Option<u64> {
        match self {
            Self::Grant(grant) => grant.flight.as_ref().map(|flight| flight.sent_at.saturating_add(60)),
            _ => None,
        }
    }

    pub fn access(&mut self, id: u64, now: u64) -> Outcome {
        match self {
            Self::Grant(grant) => grant.access(id, now),
            Self::Over { why, .. } => Outcome::LoginRequired(why),
            Self::SigningOut { .. } | Self::SignedOut => Outcome::LoginRequired("signed out"),
        }
    }

    /// The API refused this token, and said so.
    pub fn refused(&mut self, text: &str, says: Says, id: u64, now: u64) -> Outcome {
        match (says, &*self) {
            (
                Says::OtherScheme
                | Says::Forbidden
                | Says::ForbiddenMalformed
                | Says::ForbiddenMetadata
                | Says::ForbiddenBearer,
                _,
            ) => return Outcome::Nothing,
            (Says::InsufficientScope, Self::Grant(_)) => return Outcome::LoginRequired("scope"),
            (Says::StepUp, Self::Grant(_)) => return Outcome::LoginRequired("step up"),
            _ => {}
        }
        if let Self::Grant(grant) = self {
            let token = &mut grant.token;
            let just_came = token.obtained_at.is_none_or(|at| now < at || now - at < 60);
            let another_comes = grant.flight.is_some() || grant.lost.is_some();
            if token.text == text && token.after_refusal && just_came && !another_comes {
                *self = Self::Over { why: "token refused", refresh_token: grant.refresh_token.take() };
            } else if token.text == text {
                token.refused = true;
            }
        }
        self.access(id, now)
    }

    /// `tokens` are the ones in the answer, if it has some. The outer `None` is a request that got no answer.
    pub fn answer(&mut self, id: u64, answer: Option<(Answer, (&str, Option<&str>))>, lost: bool, now: u64) -> Outcome {
        match self {
            Self::Grant(grant) => {
                let current = grant.flight.as_ref().is_some_and(|flight| flight.id == id);
                let known = current || grant.lost.as_ref().is_some_and(|lost| lost.0 == id);
                match answer {
                    Some((Answer::Tokens { expires_in, scope, .. }, tokens)) if known => {
                        grant.renew(id, tokens, (expires_in, scope), now);
                        Outcome::Save
                    }
                    _ if !current => Outcome::Refused("unknown_request"),
                    Some((Answer::InvalidGrant, _)) => {
                        *self = Self::Over { why: "grant ended", refresh_token: None };
                        Outcome::LoginRequired("grant ended")
                    }
                    Some((answer, _)) => {
                        grant.failures += 1;
                        grant.later(patience(Some(answer), grant.failures), now)
                    }
                    None => {
                        if lost {
                            grant.lost = grant.flight.take().map(|flight| (flight.id, flight.asked_scope));
                        }
                        grant.failures += 1;
                        grant.later(backoff(grant.failures - 1), now)
                    }
                }
            }
            Self::SigningOut { id: under_way, outcomes, .. } if *under_way == Some(id) => {
                (*under_way, *outcomes) = (None, *outcomes + 1);
                match answer {
                    Some((Answer::Unavailable { .. } | Answer::InvalidGrantWith500, _)) | None if *outcomes < 5 => {
                        let wait = patience(answer.map(|(answer, _)| answer), *outcomes);
                        Outcome::RetryAt(now.saturating_add(wait))
                    }
                    _ => {
                        *self = Self::SignedOut;
                        Outcome::SignedOut
                    }
                }
            }
            _ => Outcome::Refused("unknown_request"),
        }
    }

    /// `id` is the one that the machine gives the revocation; while one is under way it is that one's.
    pub fn sign_out(&mut self, can_revoke: bool, id: u64) -> Outcome {
        let (token, hint, outcomes) = match self {
            Self::Grant(grant) => match grant.refresh_token.take() {
                Some(token) => (token, "refresh_token", 0),
                None => (grant.token.text.clone(), "access_token", 0),
            },
            Self::Over { refresh_token: Some(token), .. } => (token.clone(), "refresh_token", 0),
            Self::SigningOut { token, hint, outcomes, .. } => (token.clone(), *hint, *outcomes),
            Self::Over { .. } | Self::SignedOut => {
                *self = Self::SignedOut;
                return Outcome::Nothing;
            }
        };
        if !can_revoke {
            *self = Self::SignedOut;
            return Outcome::Nothing;
        }
        *self = Self::SigningOut { id: Some(id), token: token.clone(), hint, outcomes };
        Outcome::Send(format!("token={token}&token_type_hint={hint}&client_id=app"))
    }

    /// The process ends and another one starts with what was saved.
    pub fn restore(&mut self) {
        if let Self::Grant(grant) = self {
            (grant.flight, grant.lost, grant.retry, grant.failures) = (None, None, None, 0);
            (grant.token.refused, grant.token.after_refusal) = (false, false);
        }
    }

    /// Whether a restart shows in nothing.
    pub fn is_quiet(&self) -> bool {
        match self {
            Self::Grant(grant) => {
                let token = &grant.token;
                grant.flight.is_none()
                    && grant.lost.is_none()
                    && grant.retry.is_none()
                    && !token.refused
                    && !token.after_refusal
            }
            _ => false,
        }
    }
}
