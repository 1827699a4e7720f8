//! All changes of a session's state are made here. `active` and `answer` handle what happens within a grant, `sign_out` the rest
//! of a sign-out; `transitions` lists the same as data.

use alloc::boxed::Box;

use super::active::Active;
use super::bearer::Bearer;
use super::demand::Demand;
use super::ended::Ended;
use super::outcome::{Access, LoginRequired, SessionAction, SessionPhase};
use super::sign_out::{Shown, SignOut, SigningOut};
use crate::config::client::Client;
use crate::error::{Error, Ignored};
use crate::http::{Delivered, RequestId, Response};
use crate::time::UnixTime;
use crate::wire::scope::Scope;
use crate::wire::target::Target;

pub(super) enum State {
    Active(Box<Active>),
    LoginRequired(Box<Ended>),
    /// Signed out here, whether or not the server has been told.
    SigningOut(Box<SigningOut>),
}

impl State {
    pub(super) fn phase(&self) -> SessionPhase {
        match self {
            Self::Active(active) if active.flights.is_under_way() => SessionPhase::Refreshing,
            Self::Active(_) => SessionPhase::Active,
            Self::LoginRequired(_) => SessionPhase::LoginRequired,
            Self::SigningOut(signing_out) if signing_out.is_logging_out() => SessionPhase::LoggingOut,
            Self::SigningOut(signing_out) if signing_out.is_done() => SessionPhase::SignedOut,
            Self::SigningOut(_) => SessionPhase::SigningOut,
        }
    }

    pub(super) fn access(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        match self {
            Self::Active(active) => active.access(client, target, now),
            _ => Access::LoginRequired(self.why_over()),
        }
    }

    /// The reason why a session that is not active has no token.
    fn why_over(&self) -> LoginRequired {
        match self {
            Self::LoginRequired(ended) => ended.why.clone(),
            _ => LoginRequired::SignedOut,
        }
    }

    /// Takes the API's refusal of this token.
    pub(super) fn refused(&mut self, client: &Client, bearer: &Bearer, now: UnixTime) -> Access {
        match self {
            Self::Active(active) => active.refused(client, bearer, now),
            _ => Access::LoginRequired(self.why_over()),
        }
    }

    /// The API demands more than the token gives. `None` if a target with more scope is enough.
    pub(super) fn demanded(
        &mut self,
        client: &Client,
        bearer: &Bearer,
        demand: Demand<'_>,
        now: UnixTime,
    ) -> Option<Access> {
        let Self::Active(active) = self else { return Some(Access::LoginRequired(self.why_over())) };
        if !active.is_of_login(bearer) {
            return Some(Access::LoginRequired(LoginRequired::OtherLogin));
        }
        if !active.has_token(bearer) {
            return Some(active.access(client, bearer.target(), now));
        }
        if let (Demand::Scope(Some(scope)), Some(narrowed)) = (&demand, bearer.target().as_scope()) {
            if !Scope::asked(narrowed).covers(scope) && active.grant.covers(scope) {
                return None;
            }
        }
        Some(Access::LoginRequired(demand.login_required(client, &active.grant, now)))
    }

    /// Takes the outcome of the request of this id.
    pub(super) fn outcome(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        match self {
            Self::Active(active) => {
                let action = active.outcome(client, id, outcome, now)?;
                if let SessionAction::LoginRequired(why @ LoginRequired::GrantEnded(_)) = &action {
                    let ended = active.end(why.clone());
                    *self = Self::LoginRequired(Box::new(ended));
                }
                Ok(action)
            }
            Self::SigningOut(signing_out) => signing_out.outcome(client, id, outcome, now),
            Self::LoginRequired(_) => Err(Error::Ignored(Ignored::UnknownRequest)),
        }
    }

    /// Takes the outcome of the check of this id; `None`: it could not be made.
    #[cfg_attr(not(feature = "openid"), expect(clippy::unused_self, unused_variables))]
    pub(super) fn verified(
        &mut self,
        id: RequestId,
        is_valid: Option<bool>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        #[cfg(feature = "openid")]
        if let Self::Active(active) = self {
            return active.verified(id, is_valid, now);
        }
        Err(Error::Ignored(Ignored::UnknownRequest))
    }

    /// Ends the grant: the app knows that it is over.
    pub(super) fn end_grant(&mut self, error: Error) -> SessionAction {
        if let Self::Active(active) = self {
            let ended = active.end(LoginRequired::GrantEnded(error));
            *self = Self::LoginRequired(Box::new(ended));
        }
        SessionAction::LoginRequired(self.why_over())
    }

    /// Takes the URL that the browser came back with.
    pub(super) fn returned(&mut self, client: &Client, url: &str, now: UnixTime) -> Result<SessionAction, Error> {
        let Self::SigningOut(signing_out) = self else { return Err(Error::Ignored(Ignored::RedirectNotAwaited)) };
        signing_out.returned(client, url, now)
    }

    /// Ends the wait for the browser; `None` if no logout was awaited.
    pub(super) fn cancelled(&mut self, client: &Client, now: UnixTime) -> Option<SessionAction> {
        let Self::SigningOut(signing_out) = self else { return None };
        signing_out.cancelled(client, now)
    }

    /// Forgets everything at once, except the tokens that the server must still be sent.
    pub(super) fn sign_out(&mut self, client: &Client, how: &SignOut) -> SessionAction {
        let shown = match self {
            Self::Active(active) => active.take_shown(),
            Self::LoginRequired(ended) => {
                let in_the_air = ended.flights.in_the_air();
                Shown { token: None, id_token: ended.id_token.take(), in_the_air }
            }
            Self::SigningOut(_) => {
                return self.pending_action(client).unwrap_or(SessionAction::SignedOut);
            }
        };
        let signing_out = SigningOut::new(client, how, shown);
        let action = signing_out.pending_action(client).unwrap_or(SessionAction::SignedOut);
        *self = Self::SigningOut(Box::new(signing_out));
        action
    }

    pub(super) fn pending_action(&self, client: &Client) -> Option<SessionAction> {
        match self {
            Self::SigningOut(signing_out) => signing_out.pending_action(client),
            _ => None,
        }
    }
}
