//! What keeps a refresh from being sent: the network or the server for a while, a user who has to act, or a server that
//! refuses. The session has one for all that it asks for, and each target has one of its own.

use super::patience::Patience;
use crate::error::Error;
use crate::http::RequestId;
use crate::time::UnixTime;

/// What is refused so often in a row is refused, and not a passing whim.
const MAX_TRIES: u8 = 3;

/// By itself the session then asks so seldom.
const REFUSED_PAUSE_SECS: u64 = 60 * 60;

#[derive(Clone, Default)]
pub(super) struct Obstacle {
    pub patience: Patience,
    refusals: u8,
    why: Option<Why>,
}

#[derive(Clone)]
enum Why {
    /// Time does not help.
    User(Error),
    /// Nor does it help here: the answer was what the server means to give.
    Useless(Error),
    Refused(Error),
}

/// What an obstacle means for who needs a token now.
pub(super) enum Blocked<'a> {
    Until(UnixTime),
    UserMustAct(&'a Error),
    /// And when it is asked for again, if it is.
    Refused(&'a Error, Option<UnixTime>),
}

impl Obstacle {
    pub(super) fn blocks(&mut self, now: UnixTime) -> Option<Blocked<'_>> {
        let until = self.patience.until(now);
        match &self.why {
            Some(Why::User(error)) => Some(Blocked::UserMustAct(error)),
            Some(Why::Useless(error)) => Some(Blocked::Refused(error, None)),
            Some(Why::Refused(error)) => until.map(|at| Blocked::Refused(error, Some(at))),
            None => until.map(Blocked::Until),
        }
    }

    pub(super) fn user_must_act(&mut self, error: Error) {
        self.why = Some(Why::User(error));
    }

    pub(super) fn useless(&mut self, error: Error) {
        self.why = Some(Why::Useless(error));
    }

    /// The server refuses. It is asked again soon at first; `at_once`, if its words leave no doubt.
    pub(super) fn refused(&mut self, error: Error, at_once: bool, id: RequestId, now: UnixTime) -> UnixTime {
        let asked = match &error {
            Error::Refused(refused) => refused.retry_after(),
            _ => None,
        };
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals < MAX_TRIES && !at_once {
            return self.patience.answered(asked, id, now);
        }
        self.why = Some(Why::Refused(error));
        self.patience.pause(REFUSED_PAUSE_SECS, id, now)
    }

    /// Words that only the app knows may have been said of the refresh token before this one: it is asked once more.
    pub(super) fn another_refresh_token(&mut self) {
        if matches!(&self.why, Some(Why::Refused(error @ Error::Refused(_))) if !is_of_target(error)) {
            self.clear();
            self.refusals = MAX_TRIES.saturating_sub(1);
        }
    }

    /// It has been dealt with.
    pub(super) fn clear(&mut self) {
        self.patience.hurry();
        (self.refusals, self.why) = (0, None);
    }
}

/// What servers say of a target, which a login can ask for.
pub(super) fn is_of_target(error: &Error) -> bool {
    let Error::Refused(refused) = error else { return false };
    matches!(refused.oauth_error(), Some("invalid_target" | "invalid_scope" | "invalid_grant"))
}
