//! When a grant ends by itself, as far as the server says.

use serde::{Deserialize, Serialize};

use crate::time::UnixTime;
use crate::token::{TokenResponse, Tokens};

/// What was said last; a server that says nothing leaves it open. In a stored form that is said, too.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Ends {
    /// `session_expiry` of the login's ID token: no refresh moves it to a later time.
    #[serde(deserialize_with = "Option::deserialize")]
    session: Option<UnixTime>,
    /// The authorization as a whole (`authorization_expires_in`).
    #[serde(deserialize_with = "Option::deserialize")]
    authorization: Option<UnixTime>,
    /// The refresh token, unless it is used before (`refresh_token_timeout` and its likes).
    #[serde(deserialize_with = "Option::deserialize")]
    refresh_token: Option<UnixTime>,
}

/// Clocks differ by so much: a session whose end comes by `session_expiry` ends no later than that after it.
const LEEWAY_SECS: u64 = 30;

impl Ends {
    pub(super) fn of_login(tokens: &Tokens) -> Self {
        Self {
            session: tokens.identity.session_expiry(),
            authorization: tokens.authorization_expires_at,
            refresh_token: tokens.refresh_token_expires_at,
        }
    }

    /// A refresh that was sent at this time was answered with tokens.
    pub(super) fn renew(&mut self, answer: &TokenResponse<'_>, sent_at: UnixTime) {
        let at = |seconds| sent_at.saturating_add(seconds);
        self.authorization = answer.authorization_expires_in().map(at).or(self.authorization);
        // A new refresh token of which nothing is said may have another end than the one before.
        let kept = self.refresh_token.filter(|_| answer.refresh_token().is_none());
        self.refresh_token = answer.refresh_token_expires_in().map(at).or(kept);
    }

    /// Another refresh token came, of which nothing is known.
    pub(super) fn forget_refresh_token(&mut self) {
        self.refresh_token = None;
    }

    /// An ID token of a refresh says when the session ends: sooner perhaps, never later.
    #[cfg(feature = "openid")]
    pub(super) fn limit(&mut self, session_expiry: Option<UnixTime>) {
        self.session = earlier(self.session, session_expiry);
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<UnixTime> {
        earlier(self.whole(), self.refresh_token)
    }

    /// Nothing of the grant is good any more, not even an access token.
    pub(super) fn is_over(&self, now: UnixTime) -> bool {
        self.session.is_some_and(|at| now >= at.saturating_add(LEEWAY_SECS))
            || self.authorization.is_some_and(|at| now >= at)
    }

    /// The server would not take the refresh token.
    pub(super) fn has_refresh_token_ended(&self, now: UnixTime) -> bool {
        self.refresh_token.is_some_and(|at| now >= at)
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
