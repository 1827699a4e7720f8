//! Applies the outcome of a refresh: its response, or the lack of one.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;

use super::access_token::AccessToken;
use super::active::Active;
use super::flights::Sent;
use super::grant::More;
use super::obstacle::Obstacle;
use super::outcome::{LoginRequired, SessionAction};
use super::verdict::Verdict;
#[cfg(feature = "openid")]
use super::who::Progress;
use crate::config::client::Client;
use crate::error::violation::Violation;
use crate::error::{Error, Ignored};
use crate::http::{Delivered, RequestId, Response};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::token::response::TokenResponse;

impl Active {
    pub(super) fn outcome(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        #[cfg(feature = "openid")]
        if let Some(action) = self.keys_outcome(client, id, outcome, now) {
            return Ok(action);
        }
        let (sent, is_current) = self.flights.find(id).ok_or(Error::Ignored(Ignored::UnknownRequest))?;
        let is_of_present = self.refresh_token.as_ref().is_some_and(|token| token.is(&sent.refresh_token));
        let date = outcome.ok().and_then(|response| response.header("date"));
        let verdict = outcome.map(|response| Verdict::of(response, client, now));
        match verdict {
            // Of a lost refresh only tokens are used, and only if no newer ones have come.
            Ok(Verdict::Tokens(_) | Verdict::Useless(_, Some(_))) if is_current || is_of_present => {}
            _ if is_current => {}
            _ => return Err(Error::Ignored(Ignored::UnknownRequest)),
        }
        match verdict {
            Ok(Verdict::Tokens(tokens)) => Ok(self.take(client, &sent, is_current, tokens, date, now)),
            Ok(Verdict::Useless(error, refresh_token)) => {
                let refresh_token = refresh_token.map(Secret::from);
                Ok(self.useless(&sent, is_current, error, refresh_token, now))
            }
            _ if !is_of_present => {
                // The response says nothing about the refresh token that came meanwhile.
                match verdict {
                    Err(Delivered::Maybe) | Ok(Verdict::Lost(_)) => self.flights.lose(true),
                    _ => self.flights.settle(),
                }
                Ok(SessionAction::RetryAt(now))
            }
            Ok(verdict) => Ok(self.fail(&sent, verdict, now)),
            Err(Delivered::No) => {
                self.flights.settle();
                Ok(SessionAction::RetryAt(self.obstacle.patience.not_delivered(id, now)))
            }
            Err(Delivered::Maybe) => {
                self.flights.lose(true);
                Ok(SessionAction::RetryAt(self.obstacle.patience.lost(now, id, now)))
            }
        }
    }

    /// Applies a response with tokens.
    #[cfg_attr(not(feature = "openid"), expect(unused_variables))] // used with ID tokens only
    fn take(
        &mut self,
        client: &Client,
        sent: &Sent,
        is_current: bool,
        tokens: TokenResponse<'_>,
        date: Option<&str>,
        now: UnixTime,
    ) -> SessionAction {
        // Nothing of the response is used if its ID token is another user's.
        #[cfg(feature = "openid")]
        let new = match self.who.read(client, &self.grant, &tokens, date, now) {
            Ok(new) => new,
            Err(error) => {
                // After a late response, another refresh may be under way; a sign-out must know of it.
                if is_current {
                    self.flights.settle();
                }
                self.last_error = Some(error.clone());
                return SessionAction::LoginRequired(LoginRequired::GrantEnded(error));
            }
        };
        if !sent.target.accepts(tokens.access_token()) {
            let error = Error::Violation(Violation::AccessTokenAudience);
            let refresh_token = tokens.refresh_token.map(Secret::from);
            return self.useless(sent, is_current, error, refresh_token, now);
        }
        // The lifetime counts from when the request was sent, since the device may have slept meanwhile. A token that came in
        // time is good for a moment anyway.
        let sent_at = sent.at.min(now);
        let slept = now.saturating_since(sent_at) > client.refresh_timeout();
        let obtained_at = if slept { sent_at } else { now };
        let expires_at = tokens.expires_in.map(|seconds| sent_at.saturating_add(seconds));
        self.grant.ends.renew(&tokens, now);
        // An omitted scope is the requested one, or the one granted at first (RFC 6749 §5.1, §6).
        let scope = tokens.scope.map(Cow::into_owned).or_else(|| sent.target.as_scope().map(String::from));
        let scope = scope.unwrap_or_else(|| self.grant.scope.clone());
        let slot = self.cache.slot(&sent.target);
        slot.token = Some(AccessToken::new(Secret::from(tokens.access_token), scope, Some(obtained_at), expires_at));
        slot.obstacle = Obstacle::default();
        self.in_doubt &= !sent.target.is_own();
        self.obstacle = Obstacle::default();
        self.flights.succeed(is_current);
        self.rotate(sent, tokens.refresh_token.map(Secret::from));
        #[cfg(feature = "openid")]
        let error = self.who.take(new, &mut self.grant.ends);
        #[cfg(not(feature = "openid"))]
        let error = None;
        self.last_error = error;
        SessionAction::Save
    }

    /// Applies a success that cannot be used, but may have a new refresh token.
    fn useless(
        &mut self,
        sent: &Sent,
        is_current: bool,
        error: Error,
        refresh_token: Option<Secret>,
        now: UnixTime,
    ) -> SessionAction {
        self.last_error = Some(error.clone());
        self.flights.succeed(is_current);
        let obstacle = &mut self.cache.slot(&sent.target).obstacle;
        // The server would answer the same again, and each try would spend a refresh token.
        let on_purpose =
            matches!(error, Error::Violation(Violation::AccessTokenAudience | Violation::TokenTypeUnsupported(_)));
        let retry_at = if on_purpose {
            obstacle.useless(error);
            now
        } else {
            obstacle.refused(error, false, sent.id, now)
        };
        if refresh_token.is_none() {
            return SessionAction::RetryAt(retry_at);
        }
        // The expiry of the old refresh token does not apply to the new one.
        self.grant.ends.forget_refresh_token();
        self.rotate(sent, refresh_token);
        SessionAction::Save
    }

    fn rotate(&mut self, sent: &Sent, refresh_token: Option<Secret>) {
        // Without a new refresh token, the old one stays valid (RFC 6749 §6).
        let new = refresh_token.filter(|new| !self.refresh_token.as_ref().is_some_and(|own| own.is(new)));
        // Another response for an old refresh token is no newer than the first one for it.
        let is_next = self.refresh_token.as_ref().is_some_and(|own| own.is(&sent.refresh_token));
        self.grant.revise(new.is_some() && is_next);
        if new.is_some() {
            self.cache.another_refresh_token();
        }
        self.refresh_token = new.map(Arc::new).or(self.refresh_token.take());
    }

    /// Applies a response without tokens to the refresh under way.
    fn fail(&mut self, sent: &Sent, verdict: Verdict<'_>, now: UnixTime) -> SessionAction {
        let is_own = sent.target.is_own();
        let slot = self.cache.slot(&sent.target);
        self.in_doubt |= matches!(verdict, Verdict::InvalidGrant(_));
        let (error, retry_at) = match verdict {
            Verdict::InvalidGrant(error) if is_own => {
                self.last_error = Some(error.clone());
                self.flights.settle();
                return SessionAction::LoginRequired(LoginRequired::GrantEnded(error));
            }
            Verdict::UserMustAct(error) => {
                self.flights.settle();
                slot.obstacle.user_must_act(error.clone());
                let request = self.grant.request_again(&More::of(&sent.target));
                self.last_error = Some(error.clone());
                return SessionAction::LoginRequired(LoginRequired::UserMustAct { error, request });
            }
            Verdict::InvalidGrant(error) | Verdict::NotGranted(error) => {
                slot.obstacle.refused(error.clone(), true, sent.id, now);
                (error, now)
            }
            Verdict::ClientRefused(error) => {
                let retry_at = self.obstacle.refused(error.clone(), false, sent.id, now);
                (error, retry_at)
            }
            Verdict::Refused(error) => {
                let retry_at = slot.obstacle.refused(error.clone(), false, sent.id, now);
                (error, retry_at)
            }
            Verdict::Later(error, retry_after) => {
                let retry_at = self.obstacle.patience.answered(retry_after, sent.id, now);
                (error, retry_at)
            }
            Verdict::Lost(error) | Verdict::Useless(error, _) => {
                self.flights.lose(true);
                let retry_at = self.obstacle.patience.lost(now, sent.id, now);
                (error, retry_at)
            }
            Verdict::Tokens(_) => return SessionAction::RetryAt(now),
        };
        self.flights.settle();
        self.last_error = Some(error);
        SessionAction::RetryAt(retry_at)
    }
}

#[cfg(feature = "openid")]
impl Active {
    /// Applies the outcome of the request for keys of this id, if there was one.
    pub(super) fn keys_outcome(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Option<SessionAction> {
        let progress = self.who.answer(client, id, outcome, now)?;
        Some(self.identified(progress, now))
    }

    /// Applies the outcome of the check of this id.
    pub(super) fn verified(
        &mut self,
        id: RequestId,
        is_valid: Option<bool>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        let progress = self.who.verified(id, is_valid, now).ok_or(Error::Ignored(Ignored::UnknownRequest))?;
        Ok(self.identified(progress, now))
    }

    fn identified(&mut self, progress: Progress, now: UnixTime) -> SessionAction {
        match progress {
            Progress::Checked(has_failed, session_expiry) => {
                self.last_error.take_if(|_| has_failed);
                self.grant.ends.limit(session_expiry);
                self.grant.confirm();
                return SessionAction::Save;
            }
            Progress::Unchecked(Some(error)) => self.last_error = Some(error),
            Progress::Unchecked(None) => {}
        }
        // The caller may ask for a token again at once: it does not wait for the ID token.
        SessionAction::RetryAt(now)
    }
}
