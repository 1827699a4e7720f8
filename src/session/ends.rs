//! When a grant expires, as far as the server says.

use serde::{Deserialize, Serialize};

use crate::login::tokens::Tokens;
use crate::time::UnixTime;
use crate::wire::token::response::TokenResponse;

/// The expiry times that the server sent last; `None` if it sent none. They count from the arrival of the response: a time that
/// is too late costs one request, one that is too early costs the user a login.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "[Option<UnixTime>; 3]", into = "[Option<UnixTime>; 3]")]
pub(super) struct Ends {
    /// `session_expiry` of the login's ID token; a refresh may only move it earlier.
    session: Option<UnixTime>,
    /// The authorization as a whole (`authorization_expires_in`).
    authorization: Option<UnixTime>,
    /// The refresh token, unless it is used before then (`refresh_token_timeout` and similar members).
    refresh_token: Option<UnixTime>,
    /// The app wants to ask the server in any case.
    is_doubted: bool,
}

impl From<[Option<UnixTime>; 3]> for Ends {
    fn from([session, authorization, refresh_token]: [Option<UnixTime>; 3]) -> Self {
        Self { session, authorization, refresh_token, is_doubted: false }
    }
}

impl From<Ends> for [Option<UnixTime>; 3] {
    fn from(ends: Ends) -> Self {
        [ends.session, ends.authorization, ends.refresh_token]
    }
}

/// Allowance for clock differences: a session ends this long after its `session_expiry`.
const LEEWAY_SECS: u64 = 30;

impl Ends {
    pub(super) fn of_login(tokens: &Tokens) -> Self {
        Self {
            session: tokens.identity.session_expiry(),
            authorization: tokens.authorization_expires_at,
            refresh_token: tokens.refresh_token_expires_at,
            is_doubted: false,
        }
    }

    /// Takes the times of a response with tokens.
    pub(super) fn renew(&mut self, answer: &TokenResponse<'_>, now: UnixTime) {
        let at = |seconds| now.saturating_add(seconds);
        self.authorization = answer.authorization_expires_in().map(at).or(self.authorization);
        // The refresh token's old time no longer applies: its use may have extended it, and a new one has a time of its own.
        self.refresh_token = answer.refresh_token_expires_in().map(at);
        self.is_doubted = false;
    }

    /// Another refresh token came, with unknown expiry.
    pub(super) fn forget_refresh_token(&mut self) {
        (self.refresh_token, self.is_doubted) = (None, false);
    }

    /// Lets the next caller ask the server in any case: this device's clock may be wrong.
    pub(super) fn doubt(&mut self) {
        self.is_doubted = true;
    }

    /// Clears the doubt if no time has passed.
    pub(super) fn look(&mut self, now: UnixTime) {
        self.is_doubted &= self.first().is_some_and(|at| now >= at);
    }

    /// Takes the `session_expiry` of a refresh's ID token, if it is earlier.
    #[cfg(feature = "openid")]
    pub(super) fn limit(&mut self, session_expiry: Option<UnixTime>) {
        self.session = earlier(self.session, session_expiry);
    }

    /// The earliest expiry time.
    pub(super) fn first(&self) -> Option<UnixTime> {
        earlier(self.whole(), self.refresh_token)
    }

    /// Whether the whole grant has expired, including its access tokens.
    pub(super) fn is_over(&self, now: UnixTime) -> bool {
        let session = self.session.is_some_and(|at| now >= at.saturating_add(LEEWAY_SECS));
        !self.is_doubted && (session || self.authorization.is_some_and(|at| now >= at))
    }

    /// Whether the refresh token has expired.
    pub(super) fn has_refresh_token_ended(&self, now: UnixTime) -> bool {
        !self.is_doubted && self.refresh_token.is_some_and(|at| now >= at)
    }

    fn whole(&self) -> Option<UnixTime> {
        earlier(self.session, self.authorization)
    }
}

fn earlier(one: Option<UnixTime>, other: Option<UnixTime>) -> Option<UnixTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}
