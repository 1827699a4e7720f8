//! The login: what the model says to each operation.

use oauth_proto::{Delivered, Phase};

use super::login::{Answer, Id, IdToken, Iss, Keys, Metadata, Op, Says, Shape};
use super::START;

const LOGIN_TIMEOUT: u64 = 3600;
const CODE_LIFETIME: u64 = 600;
/// By how many seconds two clocks may differ.
const LEEWAY: u64 = 60;
/// Keys that are older are not believed.
const MAX_KEY_AGE: u64 = 24 * 60 * 60;
/// The longest wait for a server that did not ask for a longer one.
pub const LONGEST_WAIT: u64 = 64;

/// What one operation gives, by stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    OpenUrl,
    SendRequest,
    Verify,
    TokensReady,
    /// There is nothing to do for a while.
    RetryAt,
    /// The same; or, if that would be too late, this error.
    RetryAtOr(&'static str),
    Refused(&'static str),
    Fatal(&'static str),
}

/// What stands in the way at the places for metadata that have been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    Unreadable(&'static str),
    Unavailable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Ready,
    /// At this place of the server.
    Discovering {
        deadline: u64,
        place: usize,
        trouble: Trouble,
    },
    AwaitingRedirect {
        deadline: u64,
    },
    ExchangingCode {
        deadline: u64,
    },
    FetchingKeys {
        id_token: IdToken,
    },
    /// The app is asked about a key, and about so many after it.
    Verifying {
        id_token: IdToken,
        others: usize,
        are_fetched: bool,
    },
    Finished,
    Failed(&'static str),
}

#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub openid: bool,
    pub issuer: bool,
    pub iss_required: bool,
    /// The server is known by its issuer alone.
    pub by_issuer: bool,
    /// Its metadata is asked for at the place of RFC 8414 first.
    pub oauth_first: bool,
    /// The issuer has a path, so that there is a third place for the metadata.
    pub path: bool,
    /// ID tokens are not accepted on TLS alone.
    pub needs_keys: bool,
    /// And it is the app that verifies.
    pub by_action: bool,
    /// The keys that the client was given, and when they were fetched.
    pub cached: Option<(Keys, u64)>,
}

impl Config {
    pub fn from_byte(flags: u8) -> Self {
        let openid = cfg!(feature = "openid");
        let is_set = |bit: u8| flags & bit != 0;
        let (by_issuer, asks) = (is_set(8), openid && is_set(1));
        let issuer = is_set(2) || asks || by_issuer;
        Self {
            openid: asks,
            issuer,
            iss_required: is_set(4) && issuer,
            by_issuer,
            oauth_first: by_issuer && is_set(2),
            path: is_set(16),
            needs_keys: openid && is_set(32),
            by_action: asks && is_set(32) && is_set(16),
            cached: match flags >> 6 {
                1 => Some((Keys::Good, START)),
                2 => Some((Keys::OtherKey, START)),
                3 => Some((Keys::SameName, START - 3600)),
                _ => None,
            },
        }
    }

    fn places(self) -> usize {
        if self.path {
            3
        } else {
            2
        }
    }
}

impl Model {
    pub fn predict(self, config: Config, op: Op, now: u64) -> Outcome {
        use Outcome::{Fatal, OpenUrl, Refused, SendRequest};
        match (self, op) {
            (Self::Failed(code), _) => Fatal(code),
            (Self::Finished, Op::Start(_)) => Refused("already_started"),
            (Self::Finished, _) => Refused("finished"),
            (Self::Ready, Op::Start(_)) if config.by_issuer => SendRequest,
            (Self::Ready, Op::Start(_)) => OpenUrl,
            (Self::Discovering { deadline, .. } | Self::AwaitingRedirect { deadline }, _) if now > deadline => {
                Fatal("expired")
            }
            (_, Op::Cancel) => Fatal("cancelled"),
            (Self::AwaitingRedirect { .. }, Op::Redirect(shape, iss)) => redirect(config, shape, iss),
            // Data from outside is nobody's misuse.
            (_, Op::Redirect(..)) => Refused("redirect_not_awaited"),
            (Self::Ready, _) => Refused("unknown_request"),
            (_, Op::Start(_)) => Refused("already_started"),
            (Self::Discovering { place, trouble, .. }, Op::Response(Id::Current, says)) => {
                metadata(config, says.metadata, place, trouble)
            }
            (Self::ExchangingCode { .. }, Op::Response(Id::Current, says)) => response(config, says.tokens, now),
            (Self::ExchangingCode { .. }, Op::SendFailed(Id::Current, Delivered::Maybe)) => Fatal("outcome_unknown"),
            (Self::FetchingKeys { id_token }, Op::Response(Id::Current, says)) => keys(config, says.keys, id_token),
            (Self::Verifying { .. }, Op::Verified(Id::Current, true)) => Outcome::TokensReady,
            (Self::Verifying { others, are_fetched, .. }, Op::Verified(Id::Current, false)) => {
                match (others, are_fetched) {
                    (0, false) => SendRequest,
                    (0, true) => Fatal("id_token_signature"),
                    _ => Outcome::Verify,
                }
            }
            (Self::Verifying { .. }, Op::VerifyFailed(Id::Current)) => Outcome::RetryAt,
            (Self::Discovering { .. } | Self::FetchingKeys { .. }, Op::SendFailed(Id::Current, _)) => SendRequest,
            (Self::ExchangingCode { deadline }, Op::SendFailed(Id::Current, _)) => {
                if now > deadline {
                    Fatal("expired")
                } else {
                    SendRequest
                }
            }
            _ => Refused("unknown_request"),
        }
    }

    pub fn after(self, config: Config, op: Op, outcome: Outcome, now: u64) -> Self {
        match (self, outcome) {
            (Self::Discovering { deadline, .. }, Outcome::OpenUrl) => Self::AwaitingRedirect { deadline },
            (_, Outcome::OpenUrl) => Self::AwaitingRedirect { deadline: now.saturating_add(LOGIN_TIMEOUT) },
            (_, Outcome::SendRequest) => self.ask(op, now),
            (_, Outcome::Verify) => self.verify(config, op),
            (Self::Discovering { deadline, .. }, Outcome::RetryAt) => {
                Self::Discovering { deadline, place: 0, trouble: Trouble::None }
            }
            (_, Outcome::RetryAt | Outcome::RetryAtOr(_) | Outcome::Refused(_)) => self,
            (_, Outcome::TokensReady) => Self::Finished,
            (_, Outcome::Fatal(code)) => Self::Failed(code),
        }
    }

    /// A request is sent: the next one, or the same again.
    fn ask(self, op: Op, now: u64) -> Self {
        let deadline = now.saturating_add(CODE_LIFETIME);
        match (self, op) {
            (Self::Ready, _) => {
                Self::Discovering { deadline: now.saturating_add(LOGIN_TIMEOUT), place: 0, trouble: Trouble::None }
            }
            (Self::AwaitingRedirect { .. }, _) => Self::ExchangingCode { deadline },
            (Self::Discovering { deadline, place, trouble }, Op::Response(_, says)) => {
                Self::Discovering { deadline, place: place + 1, trouble: trouble.with(says.metadata) }
            }
            (Self::ExchangingCode { .. }, Op::Response(_, Says { tokens: Answer::TokensWith(id_token), .. })) => {
                Self::FetchingKeys { id_token }
            }
            (Self::Verifying { id_token, .. }, _) => Self::FetchingKeys { id_token },
            _ => self,
        }
    }

    /// The app is asked: about the first key that may have signed the token, or about the next one.
    fn verify(self, config: Config, op: Op) -> Self {
        let (id_token, keys) = match (self, op) {
            (Self::Verifying { id_token, others, are_fetched }, _) => {
                return Self::Verifying { id_token, others: others - 1, are_fetched };
            }
            (Self::FetchingKeys { id_token }, Op::Response(_, says)) => (id_token, says.keys),
            (_, Op::Response(_, Says { tokens: Answer::TokensWith(id_token), .. })) => {
                (id_token, config.cached.expect("keys to verify with").0)
            }
            other => panic!("{other:?}"),
        };
        let are_fetched = matches!(self, Self::FetchingKeys { .. });
        Self::Verifying { id_token, others: id_token.meant(keys).count() - 1, are_fetched }
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
            Self::Discovering { .. } => Phase::Discovering,
            Self::AwaitingRedirect { .. } => Phase::AwaitingRedirect,
            Self::ExchangingCode { .. } => Phase::ExchangingCode,
            Self::FetchingKeys { .. } => Phase::FetchingKeys,
            Self::Verifying { .. } => Phase::Verifying,
            Self::Finished => Phase::Finished,
            Self::Failed(_) => Phase::Failed,
        }
    }

    pub fn deadline(self) -> Option<u64> {
        match self {
            Self::Discovering { deadline, .. }
            | Self::AwaitingRedirect { deadline }
            | Self::ExchangingCode { deadline } => Some(deadline),
            _ => None,
        }
    }
}

impl Trouble {
    /// With what was found at one more place: that it may answer later counts most, and an unreadable document for more than none.
    fn with(self, metadata: Metadata) -> Self {
        match metadata {
            Metadata::TooMany | Metadata::Unavailable => Self::Unavailable,
            _ if self == Self::Unavailable => self,
            Metadata::Garbage => Self::Unreadable("response_malformed"),
            Metadata::TooLarge => Self::Unreadable("response_too_large"),
            _ => self,
        }
    }
}

fn metadata(config: Config, metadata: Metadata, place: usize, trouble: Trouble) -> Outcome {
    let is_last = place + 1 == config.places();
    match metadata {
        Metadata::Good => Outcome::OpenUrl,
        Metadata::NoJwksUri if !config.openid || !config.needs_keys => Outcome::OpenUrl,
        Metadata::OtherAlgorithms if !config.openid => Outcome::OpenUrl,
        Metadata::NotFound
        | Metadata::Html
        | Metadata::Moved
        | Metadata::TooMany
        | Metadata::Unavailable
        | Metadata::Garbage
        | Metadata::TooLarge => match trouble.with(metadata) {
            // There is nothing here, and there may be at another place.
            _ if !is_last => Outcome::SendRequest,
            Trouble::None => Outcome::Fatal("bad_metadata"),
            Trouble::Unreadable(code) => Outcome::Fatal(code),
            Trouble::Unavailable => Outcome::RetryAtOr("unavailable"),
        },
        _ => Outcome::Fatal("bad_metadata"),
    }
}

fn redirect(config: Config, shape: Shape, iss: Iss) -> Outcome {
    let stray = match shape {
        Shape::OtherUri | Shape::NotAUrl => Some("not_our_redirect"),
        Shape::TooLong => Some("redirect_too_large"),
        Shape::OneRightState => Some("duplicate_parameter"),
        Shape::NoState => Some("state_missing"),
        Shape::WrongState | Shape::StateInOtherCase => Some("state_mismatch"),
        _ => None,
    };
    if let Some(code) = stray {
        return Outcome::Refused(code);
    }
    if matches!(shape, Shape::TwoStates | Shape::TwoCodes) {
        return Outcome::Fatal("duplicate_parameter");
    }
    match iss {
        Iss::Right | Iss::Wrong if !config.issuer => return Outcome::Fatal("issuer_unknown"),
        Iss::None if config.iss_required => return Outcome::Fatal("issuer_missing"),
        Iss::Wrong => return Outcome::Fatal("issuer_mismatch"),
        _ => {}
    }
    match shape {
        Shape::Denied | Shape::DeniedWithCode => Outcome::Fatal("authorization_error"),
        Shape::Neither | Shape::EmptyCode => Outcome::Fatal("missing_code"),
        Shape::BadCode | Shape::BadError => Outcome::Fatal("redirect_malformed"),
        _ => Outcome::SendRequest,
    }
}

fn response(config: Config, answer: Answer, now: u64) -> Outcome {
    Outcome::Fatal(match answer {
        Answer::Tokens | Answer::TokensWith(_) if !config.openid => return Outcome::TokensReady,
        Answer::TokensWith(id_token) => return checked(config, id_token, now),
        Answer::Tokens => "missing_id_token",
        Answer::OtherTokenType => "unsupported_token_type",
        Answer::NoAccessToken => "missing_access_token",
        Answer::ErrorAndTokens | Answer::InvalidGrant => "oauth_error",
        // The code was not looked at.
        Answer::TooMany | Answer::Unavailable => return Outcome::RetryAtOr("unavailable"),
        Answer::Broken => "unavailable",
        Answer::NotFound => "http_error",
        Answer::Html => "unexpected_content_type",
        Answer::Redirected => "redirect_refused",
        Answer::Garbage => "response_malformed",
        Answer::TooLarge | Answer::TooDeep => "response_too_large",
    })
}

impl IdToken {
    /// Its `iat` and `exp`, if it is made now.
    pub fn times(self, now: u64) -> (u64, u64) {
        match self {
            Self::Expired => (now.saturating_sub(3600), now.saturating_sub(LEEWAY)),
            Self::FromTheFuture => (now.saturating_add(LEEWAY + 1), now.saturating_add(3600)),
            _ => (now, now.saturating_add(3600)),
        }
    }

    /// The key that it names, and the one that it is signed with.
    pub fn keys(self) -> (Option<u8>, u8) {
        match self {
            Self::OtherKey => (Some(2), 2),
            Self::Forged => (Some(1), 9),
            Self::NoKid => (None, 1),
            _ => (Some(1), 1),
        }
    }

    /// Those of these keys that it may mean.
    fn meant(self, keys: Keys) -> impl Iterator<Item = &'static (u8, u8)> {
        let (names, _) = self.keys();
        keys.all().iter().filter(move |(name, _)| names.is_none_or(|names| names == *name))
    }

    /// What is wrong with its signature, by these keys.
    fn signature(self, keys: Keys) -> Option<&'static str> {
        let (_, signs) = self.keys();
        let meant: Vec<_> = self.meant(keys).collect();
        if meant.is_empty() {
            Some("id_token_key_not_found")
        } else if meant.iter().any(|(_, key)| *key == signs) {
            None
        } else {
            Some("id_token_signature")
        }
    }
}

fn checked(config: Config, id_token: IdToken, now: u64) -> Outcome {
    let (_, expires_at) = id_token.times(now);
    let wrong = match id_token {
        IdToken::NotAToken => Some("id_token_malformed"),
        IdToken::NotSigned => Some("id_token_alg_not_allowed"),
        IdToken::OtherIssuer => Some("id_token_issuer"),
        IdToken::OtherAudience => Some("id_token_audience"),
        IdToken::NoSubject => Some("id_token_missing_claim"),
        IdToken::OtherNonce => Some("id_token_nonce_mismatch"),
        IdToken::NoNonce => Some("id_token_nonce_missing"),
        IdToken::OtherAccessToken => Some("id_token_at_hash"),
        // Nothing else hides behind a wrong clock.
        _ if now >= expires_at.saturating_add(LEEWAY) => Some("id_token_expired"),
        _ => None,
    };
    if let Some(code) = wrong {
        return Outcome::Fatal(code);
    }
    if !config.needs_keys {
        return Outcome::TokensReady;
    }
    // Keys that are at hand are fetched once more if they do not do, however young they are.
    let cached =
        config.cached.filter(|(_, at)| now.saturating_add(LEEWAY) >= *at && now.saturating_sub(*at) <= MAX_KEY_AGE);
    match cached.map(|(cached, _)| id_token.signature(cached)) {
        None | Some(Some("id_token_key_not_found")) => Outcome::SendRequest,
        _ if config.by_action => Outcome::Verify,
        Some(None) => Outcome::TokensReady,
        _ => Outcome::SendRequest,
    }
}

fn keys(config: Config, keys: Keys, id_token: IdToken) -> Outcome {
    Outcome::Fatal(match keys {
        // As long as the user waits.
        Keys::TooMany | Keys::Unavailable => return Outcome::RetryAt,
        Keys::NotFound => "http_error",
        Keys::Moved => "redirect_refused",
        Keys::NotASet | Keys::Garbage => "response_malformed",
        Keys::TooLarge => "response_too_large",
        _ => match id_token.signature(keys) {
            None | Some("id_token_signature") if config.by_action => return Outcome::Verify,
            None => return Outcome::TokensReady,
            Some(code) => code,
        },
    })
}
