//! When a grant ends by itself, as far as the server says.

use serde::{Deserialize, Serialize};

use crate::login::tokens::Tokens;
use crate::time::UnixTime;
use crate::wire::token::response::TokenResponse;

/// What was said last; a server that says nothing leaves it open. Counted from when it was heard: too late an end costs one
/// request, too early a one costs the user a login.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "[Option<UnixTime>; 3]", into = "[Option<UnixTime>; 3]")]
pub(super) struct Ends {
    /// `session_expiry` of the login's ID token: no refresh moves it to a later time.
    session: Option<UnixTime>,
    /// The authorization as a whole (`authorization_expires_in`).
    authorization: Option<UnixTime>,
    /// The refresh token, unless it is used before (`refresh_token_timeout` and its likes).
    refresh_token: Option<UnixTime>,
    /// The app says that the server is to be asked all the same.
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

/// Clocks differ by so much: a session whose end comes by `session_expiry` ends no later than that after it.
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

    /// A refresh was answered with tokens.
    pub(super) fn renew(&mut self, answer: &TokenResponse<'_>, now: UnixTime) {
        let at = |seconds| now.saturating_add(seconds);
        self.authorization = answer.authorization_expires_in().map(at).or(self.authorization);
        // The one that was used has a longer life by that, perhaps, and of another one nothing is known.
        self.refresh_token = answer.refresh_token_expires_in().map(at);
        self.is_doubted = false;
    }

    /// Another refresh token came, of which nothing is known.
    pub(super) fn forget_refresh_token(&mut self) {
        (self.refresh_token, self.is_doubted) = (None, false);
    }

    /// This device's clock may be wrong, or was: the next need asks the server, whatever it said.
    pub(super) fn doubt(&mut self) {
        self.is_doubted = true;
    }

    /// Nothing is in doubt that has not come to its end.
    pub(super) fn look(&mut self, now: UnixTime) {
        self.is_doubted &= self.first().is_some_and(|at| now >= at);
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
        let session = self.session.is_some_and(|at| now >= at.saturating_add(LEEWAY_SECS));
        !self.is_doubted && (session || self.authorization.is_some_and(|at| now >= at))
    }

    /// The server would not take the refresh token.
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
