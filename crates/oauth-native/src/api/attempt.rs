//! One call of an API: sent once, and a second time if the API has refused the first token.

#[cfg(feature = "ureq")]
use oauth_proto::drive::blocking::{Clock, Transport};
use oauth_proto::{Bearer, CallHeaders, LoginRequired, Session, Target, UnixTime};

use super::engine::Engine;
use super::error::ApiError;
#[cfg(feature = "ureq")]
use super::io::run;
use super::io::Io;
use super::reply::Reply;
use crate::trace;

/// A call, and the token that it is sent with.
pub(crate) struct Attempt {
    bearer: Bearer,
    is_first: bool,
}

impl Attempt {
    /// The headers to send it with.
    pub(crate) fn headers(&self, method: &str, url: &str) -> Result<CallHeaders, ApiError> {
        self.bearer.headers(method, url).map_err(ApiError::Bearer)
    }
}

impl<I: Io> Engine<'_, I> {
    /// A call with a token for this target.
    pub(super) async fn attempt(&self, target: &Target) -> Result<Attempt, ApiError> {
        Ok(Attempt { bearer: self.token(target).await?, is_first: true })
    }

    /// Hears the API's response. Returns whether the call is to be sent once more, with the token that it then has.
    pub(super) async fn repeats(&self, attempt: &mut Attempt, reply: &Reply) -> Result<bool, ApiError> {
        let lines: Vec<_> = reply.challenges.iter().map(|value| ("www-authenticate", value.as_slice())).collect();
        if matches!(reply.status, 401 | 403) {
            trace::refused(reply.status);
        }
        let bearer = attempt.bearer.clone();
        let refused =
            |session: &mut Session, now: UnixTime| session.refused(&bearer, reply.status, lines.as_slice(), now);
        match self.obtain(refused).await? {
            Some(fresh) if reply.may_repeat && attempt.is_first => {
                *attempt = Attempt { bearer: fresh, is_first: false };
                Ok(true)
            }
            Some(_) if reply.may_repeat => Err(self.shared.lock().login_required(LoginRequired::TokenRefused)),
            // It says nothing about the token, or the app has to make the call again.
            _ => Ok(false),
        }
    }
}

#[cfg(feature = "ureq")]
impl<T: Transport, C: Clock> super::blocking::Api<T, C> {
    /// [`Engine::attempt`].
    pub(crate) fn attempt(&self, target: &Target) -> Result<Attempt, ApiError> {
        run(self.engine().attempt(target))
    }

    /// [`Engine::repeats`].
    pub(crate) fn repeats(&self, attempt: &mut Attempt, reply: &Reply) -> Result<bool, ApiError> {
        run(self.engine().repeats(attempt, reply))
    }
}
