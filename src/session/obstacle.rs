//! What prevents a refresh: a wait for the network or the server, an action by the user, or a refusal by the server. The session
//! has one obstacle for all refreshes, and one for each target.

use super::patience::Patience;
use crate::error::Error;
use crate::http::RequestId;
use crate::time::UnixTime;

/// After this many refusals in a row, the session pauses.
const MAX_TRIES: u8 = 3;

/// The length of that pause, in seconds, before the session asks again.
const REFUSED_PAUSE_SECS: u64 = 60 * 60;

#[derive(Clone, Default)]
pub(super) struct Obstacle {
    pub patience: Patience,
    refusals: u8,
    why: Option<Why>,
}

#[derive(Clone)]
enum Why {
    /// The user has to act: waiting does not help.
    User(Error),
    /// Waiting does not help: the server would answer the same again.
    Useless(Error),
    Refused(Error),
}

/// What an obstacle means for a caller.
pub(super) enum Blocked<'a> {
    Until(UnixTime),
    UserMustAct(&'a Error),
    /// The error, and the time of the next try, if any.
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

    /// Notes a refusal. The first times, the server is asked again soon, unless `at_once`: for error codes that leave no doubt.
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

    /// The refresh token was replaced. An error code unknown to this crate may have meant the old one, so one more try is made.
    pub(super) fn another_refresh_token(&mut self) {
        if matches!(&self.why, Some(Why::Refused(error @ Error::Refused(_))) if !is_of_target(error)) {
            self.clear();
            self.refusals = MAX_TRIES.saturating_sub(1);
        }
    }

    /// Removes the obstacle: it has been dealt with.
    pub(super) fn clear(&mut self) {
        self.patience.hurry();
        (self.refusals, self.why) = (0, None);
    }
}

/// Whether the error concerns the target, so that a new login can ask for it.
pub(super) fn is_of_target(error: &Error) -> bool {
    let Error::Refused(refused) = error else { return false };
    matches!(refused.oauth_error(), Some("invalid_target" | "invalid_scope" | "invalid_grant"))
}
