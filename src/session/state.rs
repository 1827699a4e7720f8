//! All that changes a session is in this file: its states, the functions that go from one to the next, and the table of
//! transitions, which a test holds against them.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use sha2::{Digest, Sha256};

use super::access_token::AccessToken;
use super::sign_out::SigningOut;
use super::{Access, LoginRequired, SavedSession, SessionAction, SessionPhase};
use crate::bearer::Bearer;
use crate::client::Client;
use crate::error::{Error, Ignored};
use crate::http::{Delivered, Request, RequestId, Response};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::token::{self, TokenResponse, Tokens};

/// The longest wait that the session itself chooses between refreshes that fail.
pub(super) const MAX_BACKOFF_SECS: u64 = 64;

/// What can happen to a session, as far as the table tells events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionTrigger {
    /// `access` while the token is fresh.
    AccessFresh,
    /// `access` when a refresh is due.
    AccessDue,
    /// `access` when the refresh under way has had its time: it is taken for lost.
    AccessTimedOut,
    /// The API refused the token.
    Refused,
    /// The API refused a token that a refusal had brought.
    RefusedAgain,
    /// The answer to the refresh, with tokens.
    ResponseWithTokens,
    /// Tokens from a refresh that was taken for lost.
    LateResponseWithTokens,
    /// The answer to the refresh: `invalid_grant`.
    InvalidGrant,
    /// Any other answer to the refresh.
    ResponseLater,
    /// An answer, or a failure to send, with another id.
    UnknownRequest,
    /// The request did not reach the server.
    NotDelivered,
    /// The request may have reached the server.
    MaybeDelivered,
    /// `sign_out`, with something to revoke and a place to.
    SignOut,
    /// `sign_out`, with nothing to revoke or nowhere to.
    SignOutHere,
    /// The answer to the revocation, whatever it says, unless it asks for patience.
    Revoked,
    /// The revocation is to be tried again: the answer asks for patience, or there was none.
    RevocationLater,
    /// The same, after as many tries as are made.
    RevocationGivenUp,
}

/// One row of [`TRANSITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTransition {
    /// The phase before.
    pub from: SessionPhase,
    /// What happens.
    pub on: SessionTrigger,
    /// The phase after.
    pub to: SessionPhase,
}

const fn row(from: SessionPhase, on: SessionTrigger, to: SessionPhase) -> SessionTransition {
    SessionTransition { from, on, to }
}

/// Every transition from one phase to another. Whatever is not listed leaves the phase as it is.
pub const TRANSITIONS: &[SessionTransition] = {
    use {SessionPhase as P, SessionTrigger as T};
    &[
        row(P::Active, T::AccessDue, P::Refreshing),
        row(P::Active, T::Refused, P::Refreshing),
        row(P::Active, T::RefusedAgain, P::LoginRequired),
        row(P::Active, T::SignOut, P::SigningOut),
        row(P::Active, T::SignOutHere, P::SignedOut),
        row(P::Refreshing, T::AccessTimedOut, P::Retrying),
        row(P::Refreshing, T::ResponseWithTokens, P::Active),
        row(P::Refreshing, T::InvalidGrant, P::LoginRequired),
        row(P::Refreshing, T::ResponseLater, P::Active),
        row(P::Refreshing, T::NotDelivered, P::Active),
        row(P::Refreshing, T::MaybeDelivered, P::OutcomeUnknown),
        row(P::Refreshing, T::SignOut, P::SigningOut),
        row(P::Refreshing, T::SignOutHere, P::SignedOut),
        row(P::OutcomeUnknown, T::AccessDue, P::Retrying),
        row(P::OutcomeUnknown, T::Refused, P::Retrying),
        row(P::OutcomeUnknown, T::RefusedAgain, P::Retrying),
        row(P::OutcomeUnknown, T::LateResponseWithTokens, P::Active),
        row(P::OutcomeUnknown, T::SignOut, P::SigningOut),
        row(P::OutcomeUnknown, T::SignOutHere, P::SignedOut),
        row(P::Retrying, T::ResponseWithTokens, P::Active),
        row(P::Retrying, T::LateResponseWithTokens, P::OutcomeUnknown),
        row(P::Retrying, T::InvalidGrant, P::LoginRequired),
        row(P::Retrying, T::ResponseLater, P::OutcomeUnknown),
        row(P::Retrying, T::NotDelivered, P::OutcomeUnknown),
        row(P::Retrying, T::MaybeDelivered, P::OutcomeUnknown),
        row(P::Retrying, T::SignOut, P::SigningOut),
        row(P::Retrying, T::SignOutHere, P::SignedOut),
        row(P::LoginRequired, T::SignOut, P::SigningOut),
        row(P::LoginRequired, T::SignOutHere, P::SignedOut),
        row(P::SigningOut, T::Revoked, P::SignedOut),
        row(P::SigningOut, T::RevocationGivenUp, P::SignedOut),
    ]
};

pub(super) enum State {
    Active(Box<Active>),
    LoginRequired(Ended),
    SigningOut(SigningOut),
    SignedOut,
}

/// A grant that lives, as far as is known.
#[derive(Clone)]
pub(super) struct Active {
    pub access: AccessToken,
    pub refresh_token: Option<Secret>,
    pub id_token: Option<Secret>,
    /// The scope of the grant: a refresh can narrow an access token's, never this (RFC 6749 §6).
    pub granted_scope: String,
    /// A narrower scope that refreshes ask for.
    pub refresh_scope: Option<String>,
    /// The API that the access tokens are for (RFC 8707 §2.2).
    pub resource: Option<String>,
    flight: Option<Flight>,
    /// A refresh that was taken for lost: its tokens are still welcome until a newer one brings some.
    lost: Option<Sent>,
    retry: Option<Retry>,
    failures: u32,
    sent: u64,
    pub last_error: Option<Error>,
}

/// A refresh that was sent.
#[derive(Clone)]
struct Sent {
    id: RequestId,
    /// The scope it asked for, which an answer without `scope` means (RFC 6749 §5.1).
    scope: Option<String>,
}

/// The one refresh that may be under way.
#[derive(Clone)]
struct Flight {
    sent: Sent,
    at: UnixTime,
    /// When the clock was first seen to be set back behind `at`.
    back_at: Option<UnixTime>,
}

/// When to try again, and when that was decided: a clock that is behind that time was set back.
#[derive(Clone, Copy)]
struct Retry {
    at: UnixTime,
    decided_at: UnixTime,
}

/// The grant is over; what is left is kept for the sign-out alone.
pub(super) struct Ended {
    pub why: LoginRequired,
    pub refresh_token: Option<Secret>,
    pub last_error: Option<Error>,
}

impl State {
    pub(super) fn phase(&self) -> SessionPhase {
        match self {
            Self::Active(active) if active.flight.is_some() && active.lost.is_some() => SessionPhase::Retrying,
            Self::Active(active) if active.flight.is_some() => SessionPhase::Refreshing,
            Self::Active(active) if active.lost.is_some() => SessionPhase::OutcomeUnknown,
            Self::Active(_) => SessionPhase::Active,
            Self::LoginRequired(_) => SessionPhase::LoginRequired,
            Self::SigningOut(_) => SessionPhase::SigningOut,
            Self::SignedOut => SessionPhase::SignedOut,
        }
    }

    pub(super) fn access(&mut self, client: &Client, now: UnixTime) -> Access {
        match self {
            Self::Active(active) => active.access(client, now),
            Self::LoginRequired(ended) => Access::LoginRequired(ended.why.clone()),
            Self::SigningOut(_) | Self::SignedOut => Access::LoginRequired(LoginRequired::SignedOut),
        }
    }

    /// The API refused this token.
    pub(super) fn refused(&mut self, client: &Client, token: &Secret, now: UnixTime) -> Access {
        if let Self::Active(active) = self {
            // Any other token is one of before: the present one has not been refused.
            if active.access.token.reveal() == token.reveal() {
                // A refresh that is under way, or was taken for lost, may bring another token yet.
                let another_comes = active.flight.is_some() || active.lost.is_some();
                if active.access.is_fresh_after_refusal(now) && !another_comes {
                    self.end(LoginRequired::TokenRefused);
                } else {
                    active.access.refused = true;
                }
            }
        }
        self.access(client, now)
    }

    /// An answer, or none, to the request of this id.
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
                if let SessionAction::LoginRequired(why) = &action {
                    let why = why.clone();
                    // The server has said that the refresh token is no more: there is nothing left to revoke.
                    active.refresh_token = None;
                    self.end(why);
                }
                Ok(action)
            }
            Self::SigningOut(signing_out) => {
                let action = signing_out.outcome(id, outcome, now)?;
                if matches!(action, SessionAction::SignedOut) {
                    *self = Self::SignedOut;
                }
                Ok(action)
            }
            Self::LoginRequired(_) | Self::SignedOut => Err(Error::Ignored(Ignored::UnknownRequest)),
        }
    }

    /// Forgets everything at once; gives the revocation to be sent, if there is something to revoke and a place to.
    pub(super) fn sign_out(&mut self, client: &Client) -> Option<Request> {
        let (token, hint) = match self {
            Self::Active(active) => match active.refresh_token.take() {
                Some(token) => (token, "refresh_token"),
                None => (Secret::new(active.access.token.reveal()), "access_token"),
            },
            Self::LoginRequired(ended) => match ended.refresh_token.take() {
                Some(token) => (token, "refresh_token"),
                None => {
                    *self = Self::SignedOut;
                    return None;
                }
            },
            Self::SigningOut(signing_out) => return signing_out.request(client),
            Self::SignedOut => return None,
        };
        let signing_out = SigningOut::new(token, hint);
        let request = signing_out.request(client);
        *self = if request.is_some() { Self::SigningOut(signing_out) } else { Self::SignedOut };
        request
    }

    fn end(&mut self, why: LoginRequired) {
        let (refresh_token, last_error) = match self {
            Self::Active(active) => (active.refresh_token.take(), active.last_error.take()),
            _ => (None, None),
        };
        *self = Self::LoginRequired(Ended { why, refresh_token, last_error });
    }
}

impl Active {
    pub(super) fn new(tokens: Tokens) -> Self {
        let granted_scope = String::from(tokens.scope());
        Self {
            access: AccessToken::new(tokens.access_token, granted_scope.clone(), tokens.obtained_at, tokens.expires_at),
            refresh_token: tokens.refresh_token,
            id_token: tokens.id_token,
            granted_scope,
            refresh_scope: None,
            resource: tokens.request.resources().first().cloned(),
            flight: None,
            lost: None,
            retry: None,
            failures: 0,
            sent: 0,
            last_error: None,
        }
    }

    fn access(&mut self, client: &Client, now: UnixTime) -> Access {
        let usable = self.access.is_usable(now);
        let ready = |active: &Self| Access::Ready(Bearer::new(Arc::clone(&active.access.token), client.clone()));
        if usable && !self.access.is_due(client.leeway(), now) {
            return ready(self);
        }
        if self.refresh_token.is_none() {
            return if usable { ready(self) } else { Access::LoginRequired(LoginRequired::NoRefreshToken) };
        }
        if let Some(flight) = &mut self.flight {
            let id = flight.sent.id;
            if flight.is_under_way(client.refresh_timeout(), now) {
                return if usable { ready(self) } else { Access::Wait(id) };
            }
            self.lose();
        }
        if let Some(retry) = self.retry {
            if (retry.decided_at..retry.at).contains(&now) {
                return if usable { ready(self) } else { Access::RetryAt(retry.at) };
            }
        }
        match self.refresh(client, now) {
            Some(request) => Access::SendRequest(request),
            None => Access::LoginRequired(LoginRequired::NoRefreshToken),
        }
    }

    pub(super) fn deadline(&self, client: &Client) -> Option<UnixTime> {
        self.flight.as_ref().map(|flight| flight.at.saturating_add(client.refresh_timeout()))
    }

    fn refresh(&mut self, client: &Client, now: UnixTime) -> Option<Request> {
        let refresh_token = self.refresh_token.as_ref()?;
        self.sent = self.sent.saturating_add(1);
        let id = request_id(refresh_token, &[self.sent, now.as_secs()]);
        let scope = self.refresh_scope.clone();
        let request =
            client.token_endpoint().refresh_token(id, refresh_token, scope.as_deref(), self.resource.as_slice());
        self.flight = Some(Flight { sent: Sent { id, scope }, at: now, back_at: None });
        self.retry = None;
        Some(request)
    }

    /// The answer of the refresh under way has not come: the server may have spent the refresh token, or not.
    fn lose(&mut self) {
        if let Some(flight) = self.flight.take() {
            self.lost = Some(flight.sent);
        }
    }

    fn outcome(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        let current = self.flight.as_ref().map(|flight| &flight.sent).filter(|sent| sent.id == id);
        let is_current = current.is_some();
        let sent = current.or(self.lost.as_ref().filter(|sent| sent.id == id)).cloned();
        let sent = sent.ok_or(Error::Ignored(Ignored::UnknownRequest))?;
        let answer = outcome.map(|response| token::parse_response(response, now));
        match answer {
            Ok(Ok(tokens)) => {
                // Tokens of a refresh that was taken for lost: another one may be under way, and bring tokens too.
                let other = self.flight.take().map(|flight| flight.sent).filter(|_| !is_current);
                self.lost = other;
                Ok(self.renew(client, sent, tokens, now))
            }
            // Of a refresh that was taken for lost, only tokens are of use.
            _ if !is_current => Err(Error::Ignored(Ignored::UnknownRequest)),
            Ok(Err(error)) if is_invalid_grant(&error) => {
                self.last_error = Some(error.clone());
                Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(error)))
            }
            Ok(Err(error)) => {
                let retry_after = match &error {
                    Error::Refused(refused) => refused.retry_after(),
                    _ => None,
                };
                self.last_error = Some(error);
                self.flight = None;
                self.failures = self.failures.saturating_add(1);
                // The session's own patience counts too: a server may ask for none, and would be asked for ever.
                Ok(self.later(retry_after.unwrap_or(0).max(backoff(self.failures)), now))
            }
            Err(delivered) => {
                match delivered {
                    Delivered::No => self.flight = None,
                    Delivered::Maybe => self.lose(),
                }
                // The first failure of the network costs no wait: the next need may try again.
                let wait = backoff(self.failures);
                self.failures = self.failures.saturating_add(1);
                Ok(self.later(wait, now))
            }
        }
    }

    fn later(&mut self, seconds: u64, now: UnixTime) -> SessionAction {
        let at = now.saturating_add(seconds);
        self.retry = Some(Retry { at, decided_at: now });
        SessionAction::RetryAt(at)
    }

    fn renew(&mut self, client: &Client, sent: Sent, tokens: TokenResponse<'_>, now: UnixTime) -> SessionAction {
        // Omitted means as asked for, or as granted at first (RFC 6749 §5.1, §6).
        let scope = tokens.scope.map(Cow::into_owned).or(sent.scope).unwrap_or_else(|| self.granted_scope.clone());
        let expires_at = tokens.expires_in.map(|seconds| now.saturating_add(seconds));
        self.access =
            AccessToken::new(Secret::from(tokens.access_token), scope, Some(now), expires_at).after(&self.access);
        // No new refresh token means that the old one stays in force (RFC 6749 §6).
        if let Some(refresh_token) = tokens.refresh_token {
            self.refresh_token = Some(Secret::from(refresh_token));
        }
        if let Some(id_token) = tokens.id_token {
            self.id_token = Some(Secret::from(id_token));
        }
        self.retry = None;
        self.failures = 0;
        self.last_error = None;
        SessionAction::Save(SavedSession::of(client, self))
    }
}

impl Flight {
    /// A clock that was set back must neither hold everybody up for long, nor have the refresh token sent a second time.
    fn is_under_way(&mut self, timeout: u64, now: UnixTime) -> bool {
        if now >= self.at {
            self.back_at = None;
            return now.saturating_since(self.at) < timeout;
        }
        let back_at = *self.back_at.get_or_insert(now);
        now.saturating_since(back_at) < timeout
    }
}

/// Only `invalid_grant`, in this very case, with a 4xx status, ends a grant (RFC 6749 §5.2).
fn is_invalid_grant(error: &Error) -> bool {
    match error {
        Error::Refused(refused) => {
            refused.oauth_error() == Some("invalid_grant")
                && matches!(refused.status(), Some(400..=499))
                && !refused.is_transient()
        }
        _ => false,
    }
}

/// 0, 1, 2, 4 … seconds.
pub(super) fn backoff(failures: u32) -> u64 {
    match failures.checked_sub(1) {
        None => 0,
        Some(doublings) => 1_u64.checked_shl(doublings).unwrap_or(u64::MAX).min(MAX_BACKOFF_SECS),
    }
}

/// A public name for a request with this token: a digest, so that it tells nothing of the token.
pub(super) fn request_id(token: &Secret, distinct: &[u64]) -> RequestId {
    let mut hash = Sha256::new();
    for number in distinct {
        hash.update(number.to_be_bytes());
    }
    hash.update(token.reveal().as_bytes());
    RequestId::fold(&hash.finalize().into())
}
