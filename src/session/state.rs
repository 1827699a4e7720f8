//! All that changes a session is in this file: its states, and the functions that go from one to the next. The parts that it
//! puts together change nothing outside themselves; `transitions` has the same as data.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use super::access_token::AccessToken;
use super::cache::Cache;
use super::demand::Demand;
use super::flights::{Flights, Sent, MAX_LOSSES};
use super::grant::{digest, is_part, Grant};
use super::patience::Patience;
use super::sign_out::{Shown, SigningOut};
use super::who::{is_in_doubt, New, Who};
use super::{Access, LoginRequired, SavedSession, SessionAction, SessionPhase, SignOut};
use crate::bearer::Bearer;
use crate::chars;
use crate::client::Client;
use crate::error::{Error, Ignored};
use crate::http::{Delivered, Request, RequestId, Response};
use crate::secret::Secret;
use crate::target::Target;
use crate::time::UnixTime;
use crate::token::{self, TokenResponse, Tokens};

pub(super) enum State {
    Active(Box<Active>),
    LoginRequired(Box<Ended>),
    SigningOut(Box<SigningOut>),
    /// With what the server would not have.
    SignedOut(Option<Error>),
}

/// A grant that lives, as far as is known.
#[derive(Clone)]
pub(super) struct Active {
    pub grant: Grant,
    pub cache: Cache,
    pub refresh_token: Option<Secret>,
    pub who: Who,
    /// A narrower scope that the refreshes of the login's own token ask for.
    pub refresh_scope: Option<Arc<str>>,
    pub flights: Flights,
    patience: Patience,
    sent: u64,
    pub last_error: Option<Error>,
}

/// The grant is over: what a new login, a sign-out and tokens of another process are measured by.
pub(super) struct Ended {
    pub why: LoginRequired,
    pub grant: Grant,
    /// A digest of the refresh token that the server would not have.
    pub refused: Option<String>,
    pub id_token: Option<Secret>,
    pub last_error: Option<Error>,
}

impl State {
    pub(super) fn phase(&self) -> SessionPhase {
        match self {
            Self::Active(active) => active.phase(),
            Self::LoginRequired(_) => SessionPhase::LoginRequired,
            Self::SigningOut(signing_out) if signing_out.is_logging_out() => SessionPhase::LoggingOut,
            Self::SigningOut(_) => SessionPhase::SigningOut,
            Self::SignedOut(_) => SessionPhase::SignedOut,
        }
    }

    pub(super) fn access(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        match self {
            Self::Active(active) => active.access(client, target, now),
            Self::LoginRequired(ended) => Access::LoginRequired(ended.why.clone()),
            Self::SigningOut(_) | Self::SignedOut(_) => Access::LoginRequired(LoginRequired::SignedOut),
        }
    }

    /// The API refused this token.
    pub(super) fn refused(&mut self, client: &Client, bearer: &Bearer, now: UnixTime) -> Access {
        if let Self::Active(active) = self {
            active.refused(bearer, now);
        }
        self.access(client, bearer.target(), now)
    }

    /// The API wants more than any token of this grant gives. `None` if a wider target would do.
    pub(super) fn demanded(
        &mut self,
        client: &Client,
        bearer: &Bearer,
        demand: Demand<'_>,
        now: UnixTime,
    ) -> Option<Access> {
        let Self::Active(active) = self else { return Some(self.access(client, bearer.target(), now)) };
        let slot = active.cache.find(&active.key(bearer.target()));
        if slot.and_then(|slot| slot.token.as_ref()).is_none_or(|token| !token.is(bearer)) {
            // Newer tokens came meanwhile, of a newer login perhaps.
            return Some(active.access(client, bearer.target(), now));
        }
        if let Demand::Scope(Some(scope)) = &demand {
            let own = active.refresh_scope.as_deref().filter(|_| bearer.target().is_own());
            let narrowed = bearer.target().as_scope().or(own);
            if narrowed.is_some_and(|narrowed| !is_part(scope, narrowed)) && active.grant.covers(scope) {
                return None;
            }
        }
        Some(Access::LoginRequired(demand.login_required(&active.grant, now)))
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
                    let ended = active.end(why.clone());
                    *self = Self::LoginRequired(Box::new(ended));
                }
                Ok(action)
            }
            Self::SigningOut(signing_out) => {
                let action = signing_out.outcome(client, id, outcome, now)?;
                Ok(self.sign_out_step(action))
            }
            Self::LoginRequired(_) | Self::SignedOut(_) => Err(Error::Ignored(Ignored::UnknownRequest)),
        }
    }

    /// The browser came to this URL.
    pub(super) fn returned(&mut self, client: &Client, url: &str, now: UnixTime) -> Result<SessionAction, Error> {
        let Self::SigningOut(signing_out) = self else { return Err(Error::Ignored(Ignored::RedirectNotAwaited)) };
        let action = signing_out.returned(client, url, now)?;
        Ok(self.sign_out_step(action))
    }

    /// Nobody waits for the browser; `None` if nobody did before.
    pub(super) fn cancelled(&mut self, client: &Client, now: UnixTime) -> Option<SessionAction> {
        let Self::SigningOut(signing_out) = self else { return None };
        let action = signing_out.cancelled(client, now)?;
        Some(self.sign_out_step(action))
    }

    /// Forgets everything at once, but for what the server has to be shown.
    pub(super) fn sign_out(&mut self, client: &Client, how: &SignOut) -> SessionAction {
        let shown = match self {
            Self::Active(active) => active.take_shown(),
            Self::LoginRequired(ended) => Shown { token: None, id_token: ended.id_token.take() },
            Self::SigningOut(_) | Self::SignedOut(_) => {
                return self.pending_action(client).unwrap_or(SessionAction::SignedOut);
            }
        };
        let signing_out = SigningOut::new(client, how, shown);
        let action = signing_out.pending_action(client).unwrap_or(SessionAction::SignedOut);
        *self = Self::SigningOut(Box::new(signing_out));
        self.sign_out_step(action)
    }

    pub(super) fn pending_action(&self, client: &Client) -> Option<SessionAction> {
        match self {
            Self::SigningOut(signing_out) => signing_out.pending_action(client),
            _ => None,
        }
    }

    fn sign_out_step(&mut self, action: SessionAction) -> SessionAction {
        if let (SessionAction::SignedOut, Self::SigningOut(signing_out)) = (&action, &mut *self) {
            let last_error = signing_out.take_last_error();
            *self = Self::SignedOut(last_error);
        }
        action
    }
}

impl Active {
    pub(super) fn new(tokens: Tokens) -> Self {
        let grant = Grant::new(&tokens);
        let scope = String::from(tokens.scope());
        let own = AccessToken::new(tokens.access_token, scope, tokens.obtained_at, tokens.expires_at);
        Self::with(grant, own, tokens.refresh_token, Who::new(tokens.identity))
    }

    pub(super) fn with(grant: Grant, own: AccessToken, refresh_token: Option<Secret>, who: Who) -> Self {
        Self {
            grant,
            cache: Cache::new(own),
            refresh_token,
            who,
            refresh_scope: None,
            flights: Flights::default(),
            patience: Patience::default(),
            sent: 0,
            last_error: None,
        }
    }

    fn phase(&self) -> SessionPhase {
        match (self.flights.is_under_way(), self.flights.losses()) {
            (true, 0) => SessionPhase::Refreshing,
            (true, _) => SessionPhase::Retrying,
            (false, 0) => SessionPhase::Active,
            (false, losses) if losses < MAX_LOSSES => SessionPhase::OutcomeUnknown,
            (false, _) => SessionPhase::Exhausted,
        }
    }

    /// What the cache knows a target by: the login's own API may be asked for by its name.
    fn key<'a>(&self, target: &'a Target) -> Cow<'a, Target> {
        if self.refresh_scope.is_none() && self.grant.names_own(target) {
            Cow::Owned(Target::own())
        } else {
            Cow::Borrowed(target)
        }
    }

    fn access(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        if let Some(request) = self.who.keys_request(client, now) {
            return Access::SendRequest(request);
        }
        let (asked, key) = (target, self.key(target));
        let target: &Target = &key;
        if !self.grant.has(target) {
            return Access::LoginRequired(Demand::Target(target).login_required(&self.grant, now));
        }
        let slot = self.cache.slot(target);
        let token = slot.token.as_ref().filter(|token| token.is_usable(now));
        let is_due = token.is_some_and(|token| token.is_due(client.leeway(), now));
        let bearer = |token: &AccessToken| {
            let target = if *asked == *slot.target { Arc::clone(&slot.target) } else { Arc::new(asked.clone()) };
            Bearer::new(Arc::clone(&token.token), target, client.clone())
        };
        let ready = match token.map(bearer) {
            Some(bearer) if !is_due => return Access::Ready(bearer),
            bearer => bearer.map(Access::Ready),
        };
        if slot.token.as_ref().is_some_and(|token| token.is_hopeless(now)) {
            return Access::LoginRequired(LoginRequired::TokenRefused);
        }
        let (slot_waits, not_granted) = (slot.patience.until(now), slot.not_granted);
        let otherwise = |access| ready.unwrap_or(access);
        if self.refresh_token.is_none() {
            return otherwise(Access::LoginRequired(LoginRequired::NoRefreshToken));
        }
        if let Some(id) = self.flights.await_answer(client.refresh_timeout(), self.grant.generation, now) {
            return otherwise(Access::Wait(id));
        }
        if self.flights.losses() >= MAX_LOSSES {
            return otherwise(Access::LoginRequired(LoginRequired::OutcomeUnknown));
        }
        if slot_waits.is_some() && not_granted {
            return otherwise(Access::LoginRequired(Demand::Target(target).login_required(&self.grant, now)));
        }
        if let Some(time) = self.patience.until(now).max(slot_waits) {
            return otherwise(Access::RetryAt(time));
        }
        match self.refresh(client, target, now) {
            Some(request) => Access::SendRequest(request),
            None => otherwise(Access::LoginRequired(LoginRequired::NoRefreshToken)),
        }
    }

    fn refresh(&mut self, client: &Client, target: &Target, now: UnixTime) -> Option<Request> {
        let endpoint = client.token_endpoint()?;
        let refresh_token = self.refresh_token.as_ref()?;
        self.sent = self.sent.saturating_add(1);
        let id = RequestId::of_secret(refresh_token.reveal().as_bytes(), &[self.sent, now.as_secs()]);
        let own_scope = || self.refresh_scope.clone().filter(|_| target.is_own());
        let scope = target.as_scope().map(Arc::from).or_else(own_scope);
        let own_resource = || self.grant.own_resource().filter(|_| target.as_audience().is_none());
        let resource = target.as_resource().or_else(own_resource);
        let resource = resource.map(String::from);
        let request = endpoint.refresh(id, refresh_token, scope.as_deref(), resource.as_slice(), target.as_audience());
        let slot = self.cache.slot(target);
        slot.patience.tried();
        let target = Arc::clone(&slot.target);
        self.patience.tried();
        let generation = self.grant.generation;
        let next_generation = self.flights.next_generation(generation);
        self.flights.send(Sent { id, target, scope, generation, next_generation }, now);
        Some(request)
    }

    fn refused(&mut self, bearer: &Bearer, now: UnixTime) {
        // A refresh that is under way, or was taken for lost, may bring another token yet.
        let key = self.key(bearer.target()).into_owned();
        let another_may_come = self.flights.may_bring(&key);
        // Any other token is one of before: the present one has not been refused.
        let token = self.cache.find_mut(&key).and_then(|slot| slot.token.as_mut());
        if let Some(token) = token.filter(|token| token.is(bearer)) {
            // A server may give the same token once more: who was refused with it before says nothing about it now.
            if token.is_this(bearer) && token.is_fresh_after_refusal(now) && !another_may_come {
                token.hopeless_since = Some(now);
            }
            token.refused = true;
        }
    }

    fn outcome(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        if let Some(action) = self.keys_outcome(client, id, outcome, now) {
            return Ok(action);
        }
        let (sent, is_current) = self.flights.find(id).ok_or(Error::Ignored(Ignored::UnknownRequest))?;
        let answer = match outcome {
            Ok(response) => {
                let tokens = token::parse_response(response, now);
                // Nothing of the answer is used before its ID token is known to be the same user's.
                let checked = tokens.and_then(|tokens| Ok((self.who.read(client, &self.grant, &tokens, now)?, tokens)));
                match checked {
                    Ok((new, tokens)) => return Ok(self.renew(client, sent, tokens, new, now)),
                    Err(error) if is_in_doubt(&error) => Ok((error, token::Remains::Nothing)),
                    Err(error) => Ok((error, token::remains(response))),
                }
            }
            Err(delivered) => Err(delivered),
        };
        if let Ok((error, token::Remains::RefreshToken(refresh_token))) = answer {
            // The server may have spent the old one.
            self.rotate(&sent, Some(Secret::from(refresh_token)));
            self.fail(error, &sent, now);
            return Ok(SessionAction::Save(SavedSession::of(client, self)));
        }
        if !is_current {
            // Of a refresh that was taken for lost, only tokens are of use.
            return Err(Error::Ignored(Ignored::UnknownRequest));
        }
        if sent.generation != self.grant.generation {
            // It says nothing about the refresh token that has come meanwhile.
            self.flights.settle();
            return Ok(SessionAction::RetryAt(now));
        }
        match answer {
            Ok((error, _)) if is_invalid_grant(&error) => {
                self.last_error = Some(error.clone());
                Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(error)))
            }
            Ok((error, token::Remains::Unreadable)) => {
                self.flights.lose(self.grant.generation);
                Ok(SessionAction::RetryAt(self.fail(error, &sent, now)))
            }
            Ok((error, _)) => {
                self.flights.settle();
                Ok(SessionAction::RetryAt(self.fail(error, &sent, now)))
            }
            Err(delivered) => {
                match delivered {
                    Delivered::No => self.flights.settle(),
                    Delivered::Maybe => self.flights.lose(self.grant.generation),
                }
                Ok(SessionAction::RetryAt(self.patience.unanswered(now)))
            }
        }
    }

    /// Keeps an error, and says until when to wait.
    fn fail(&mut self, error: Error, sent: &Sent, now: UnixTime) -> UnixTime {
        let mut patience = &mut self.patience;
        let mut retry_after = None;
        if let Error::Refused(refused) = &error {
            retry_after = refused.retry_after();
            let of_client = refused.status() == Some(401) || refused.oauth_error() == Some("invalid_client");
            // What the server refuses for one target says nothing about the others (RFC 6749 §5.2, RFC 8707 §2).
            if !refused.is_transient() && !of_client {
                let slot = self.cache.slot(&sent.target);
                slot.not_granted = matches!(refused.oauth_error(), Some("invalid_target" | "invalid_scope"));
                patience = &mut slot.patience;
            }
        }
        self.last_error = Some(error);
        patience.refused(retry_after, now)
    }

    fn renew(
        &mut self,
        client: &Client,
        sent: Sent,
        tokens: TokenResponse<'_>,
        new: New,
        now: UnixTime,
    ) -> SessionAction {
        // Omitted means as asked for, or as granted at first (RFC 6749 §5.1, §6).
        let scope = tokens.scope.map(Cow::into_owned).or(sent.scope.as_deref().map(String::from));
        let scope = scope.unwrap_or_else(|| self.grant.scope.clone());
        let expires_at = tokens.expires_in.map(|seconds| now.saturating_add(seconds));
        let slot = self.cache.slot(&sent.target);
        let token = AccessToken::new(Secret::from(tokens.access_token), scope, Some(now), expires_at);
        slot.token = Some(token.after(slot.token.as_ref()));
        (slot.patience, slot.not_granted) = (Patience::default(), false);
        self.rotate(&sent, tokens.refresh_token.map(Secret::from));
        self.patience = Patience::default();
        self.last_error = self.who.take(new);
        SessionAction::Save(SavedSession::of(client, self))
    }

    fn rotate(&mut self, sent: &Sent, refresh_token: Option<Secret>) {
        let before = self.refresh_token.take();
        let same = |new: &Secret| before.as_ref().is_some_and(|before| before.is(new));
        // A token that has come meanwhile was not tried.
        let was_sent = sent.generation == self.grant.generation;
        let is_replaced = refresh_token.as_ref().is_some_and(|new| !was_sent || !same(new));
        // No new refresh token means that the old one stays in force (RFC 6749 §6).
        self.refresh_token = refresh_token.or(before);
        let reusable = !is_replaced && (was_sent || self.flights.reusable);
        // The one after the token that was sent, not after the present one: another process may have gone on from there.
        let next = if is_replaced { sent.next_generation } else { 0 };
        if next > self.grant.generation {
            (self.grant.generation, self.grant.renewals) = (next, 0);
        } else {
            self.grant.renewals = self.grant.renewals.saturating_add(1);
        }
        self.flights.succeed(sent.id, reusable);
    }

    /// Takes newer tokens of another process. Of one login, all access tokens are good, whichever process got them.
    pub(super) fn replace(&mut self, mut newer: Self) {
        if self.has_token_of(&newer) {
            let losses = self.flights.losses_at_death(self.grant.generation);
            newer.flights.take_marks(losses, self.flights.reusable, newer.grant.generation);
        }
        if self.grant.login == newer.grant.login {
            newer.cache.take_over(self.cache.clone());
            newer.refresh_scope = self.refresh_scope.take();
        }
        newer.sent = self.sent;
        newer.who.follow(&self.who);
        newer.grant.follow(&self.grant);
        *self = newer;
    }

    pub(super) fn has_token_of(&self, other: &Self) -> bool {
        let [ours, theirs] = [self, other].map(|active| active.refresh_token.as_ref().map(Secret::reveal));
        self.grant.login == other.grant.login && ours == theirs
    }

    fn end(&mut self, why: LoginRequired) -> Ended {
        Ended {
            why,
            grant: self.grant.clone(),
            refused: self.refresh_token.take().map(|token| digest(&token)),
            id_token: self.who.take_hint(),
            last_error: self.last_error.take(),
        }
    }

    fn take_shown(&mut self) -> Shown {
        let own = self.cache.own.token.as_ref().map(|own| own.token.reveal());
        let access_token = || own.filter(|own| chars::is_vschars(own)).map(|own| (Secret::new(own), "access_token"));
        let refresh_token = self.refresh_token.take().map(|token| (token, "refresh_token"));
        Shown { token: refresh_token.or_else(access_token), id_token: self.who.take_hint() }
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
