//! All that changes a session is in this file: its states, and the functions that go from one to the next. The parts that it
//! puts together change nothing outside themselves; `transitions` has the same as data.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use super::access_token::AccessToken;
use super::cache::Cache;
use super::demand::Demand;
use super::flights::{Flights, Sent};
use super::grant::{is_part, Grant, More};
use super::obstacle::{Blocked, Obstacle};
use super::sign_out::{Shown, SigningOut};
use super::verdict::Verdict;
use super::who::Who;
use super::{Access, LoginRequired, SessionAction, SessionPhase, SignOut};
use crate::bearer::Bearer;
use crate::chars;
use crate::client::Client;
use crate::error::{Error, Ignored, Misuse, Violation};
use crate::http::{Delivered, RequestId, Response};
use crate::secret::Secret;
use crate::target::Target;
use crate::time::UnixTime;
use crate::token::{TokenResponse, Tokens};

pub(super) enum State {
    Active(Box<Active>),
    LoginRequired(Box<Ended>),
    SigningOut(Box<SigningOut>),
    /// With nothing left to do, unless something comes late.
    SignedOut(Box<SigningOut>),
}

/// A grant that lives, as far as is known.
#[derive(Clone)]
pub(super) struct Active {
    pub grant: Grant,
    pub cache: Cache,
    pub refresh_token: Option<Arc<Secret>>,
    pub who: Who,
    pub flights: Flights,
    /// What keeps every refresh back, whatever it is for.
    obstacle: Obstacle,
    /// The server said `invalid_grant` to a refresh for one target: whether the grant lives, the login's own refresh says.
    in_doubt: bool,
    sent: u64,
    pub last_error: Option<Error>,
}

/// The grant is over: what a new login, a sign-out and tokens of another process are measured by.
pub(super) struct Ended {
    pub why: LoginRequired,
    pub grant: Grant,
    pub flights: Flights,
    pub id_token: Option<Secret>,
    pub last_error: Option<Error>,
}

impl State {
    pub(super) fn phase(&self) -> SessionPhase {
        match self {
            Self::Active(active) if active.flights.is_under_way() => SessionPhase::Refreshing,
            Self::Active(_) => SessionPhase::Active,
            Self::LoginRequired(_) => SessionPhase::LoginRequired,
            Self::SigningOut(signing_out) if signing_out.is_logging_out() => SessionPhase::LoggingOut,
            Self::SigningOut(_) => SessionPhase::SigningOut,
            Self::SignedOut(_) => SessionPhase::SignedOut,
        }
    }

    pub(super) fn access(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        match self {
            Self::Active(active) => active.access(client, target, now),
            _ => Access::LoginRequired(self.why_over()),
        }
    }

    /// Why a session that is not active gives nothing.
    fn why_over(&self) -> LoginRequired {
        match self {
            Self::LoginRequired(ended) => ended.why.clone(),
            _ => LoginRequired::SignedOut,
        }
    }

    /// The API refused this token.
    pub(super) fn refused(&mut self, client: &Client, bearer: &Bearer, now: UnixTime) -> Access {
        match self {
            Self::Active(active) => active.refused(client, bearer, now),
            _ => Access::LoginRequired(self.why_over()),
        }
    }

    /// The API wants more than any token of this grant gives. `None` if a wider target would do.
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
            if !is_part(scope, &[narrowed]) && active.grant.covers(scope) {
                return None;
            }
        }
        Some(Access::LoginRequired(demand.login_required(client, &active.grant, now)))
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
                if let SessionAction::LoginRequired(why @ LoginRequired::GrantEnded(_)) = &action {
                    let ended = active.end(why.clone());
                    *self = Self::LoginRequired(Box::new(ended));
                }
                Ok(action)
            }
            Self::SigningOut(signing_out) | Self::SignedOut(signing_out) => {
                let action = signing_out.outcome(client, id, outcome, now)?;
                Ok(self.sign_out_step(action))
            }
            Self::LoginRequired(_) => Err(Error::Ignored(Ignored::UnknownRequest)),
        }
    }

    /// The app knows that the grant is over.
    pub(super) fn end_grant(&mut self, error: Error) -> SessionAction {
        if let Self::Active(active) = self {
            let ended = active.end(LoginRequired::GrantEnded(error));
            *self = Self::LoginRequired(Box::new(ended));
        }
        SessionAction::LoginRequired(self.why_over())
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
            Self::LoginRequired(ended) => {
                let in_the_air = ended.flights.in_the_air();
                Shown { token: None, id_token: ended.id_token.take(), in_the_air }
            }
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

    /// Signed out is who has nothing left to do.
    fn sign_out_step(&mut self, action: SessionAction) -> SessionAction {
        *self = match (core::mem::replace(self, Self::SignedOut(Box::default())), &action) {
            (Self::SigningOut(state) | Self::SignedOut(state), SessionAction::SignedOut) => Self::SignedOut(state),
            (Self::SigningOut(state) | Self::SignedOut(state), _) => Self::SigningOut(state),
            (other, _) => other,
        };
        action
    }
}

impl Active {
    pub(super) fn new(tokens: Tokens) -> Self {
        let grant = Grant::new(&tokens);
        let scope = String::from(tokens.scope());
        let own = AccessToken::new(tokens.access_token, scope, tokens.obtained_at, tokens.expires_at);
        let own = Some(own).filter(|own| chars::is_header_token(own.token.reveal()));
        Self::with(grant, own, tokens.refresh_token, Who::new(tokens.identity))
    }

    pub(super) fn with(grant: Grant, own: Option<AccessToken>, refresh_token: Option<Secret>, who: Who) -> Self {
        Self {
            grant,
            cache: Cache::new(own),
            refresh_token: refresh_token.map(Arc::new),
            who,
            flights: Flights::default(),
            obstacle: Obstacle::default(),
            in_doubt: false,
            sent: 0,
            last_error: None,
        }
    }

    /// What the cache knows a target by: the login's own API may be asked for by its name.
    fn key<'a>(&self, target: &'a Target) -> Cow<'a, Target> {
        if !target.is_own() && self.grant.names_own(target) {
            Cow::Owned(Target::own())
        } else {
            Cow::Borrowed(target)
        }
    }

    fn is_of_login(&self, bearer: &Bearer) -> bool {
        *bearer.login() == *self.grant.login
    }

    /// Whether this is the present token; if not, newer ones have come.
    fn has_token(&self, bearer: &Bearer) -> bool {
        let slot = self.cache.find(&self.key(bearer.target()));
        slot.and_then(|slot| slot.token.as_ref()).is_some_and(|token| token.is(bearer))
    }

    fn access(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        match self.who.keys_request(client, now).filter(|_| !self.grant.ends.is_over(now)) {
            Some(request) => Access::SendRequest(request),
            None => self.serve(client, target, true, now),
        }
    }

    /// For a caller who takes the present token, or for one with whom an API would not have it.
    fn serve(&mut self, client: &Client, asked: &Target, takes_present: bool, now: UnixTime) -> Access {
        if self.grant.ends.is_over(now) {
            return Access::LoginRequired(LoginRequired::GrantExpired);
        }
        let key = self.key(asked);
        let slot = self.cache.find(&key).filter(|_| takes_present);
        let present = slot.and_then(|slot| slot.token.as_ref().map(|token| (slot, token)));
        let present = present.filter(|(_, token)| token.is_good(now));
        let (mut ready, mut may_wait) = (None, true);
        if let Some((slot, token)) = present {
            let target = if *asked == *slot.target { Arc::clone(&slot.target) } else { Arc::new(asked.clone()) };
            let login = Arc::clone(&self.grant.login);
            let bearer = Bearer::new(Arc::clone(&token.token), target, client.clone(), login, token.expires_at);
            if !token.is_refused && !token.is_due(client.leeway(), now) {
                return Access::Ready(bearer);
            }
            may_wait = token.is_refused;
            ready = Some(bearer);
        }
        let key = key.into_owned();
        match (self.refresh(client, &key, now), ready) {
            (access @ Access::SendRequest(_), _) => access,
            // Who was refused a moment ago waits for another token; one that is merely about to expire does until it comes.
            (access @ Access::Wait(_), _) if may_wait => access,
            (_, Some(bearer)) => Access::Ready(bearer),
            (access, None) => access,
        }
    }

    /// Another token is needed: a refresh, or what stands in the way of one.
    fn refresh(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        if !self.grant.may_have(target) {
            return Access::LoginRequired(Demand::Target(target).login_required(client, &self.grant, now));
        }
        let Some(refresh_token) = self.refresh_token.clone() else {
            return Access::LoginRequired(LoginRequired::NoRefreshToken);
        };
        if self.grant.ends.has_refresh_token_ended(now) {
            return Access::LoginRequired(LoginRequired::GrantExpired);
        }
        match self.flights.await_answer(client.refresh_timeout(), now) {
            Some(Ok(id)) => return Access::Wait(id),
            Some(Err((id, sent_at))) => drop(self.obstacle.patience.lost(sent_at, id, now)),
            None => {}
        }
        if let Some(blocked) = self.obstacle.blocks(now) {
            return blocked.access(client, &self.grant, target, now);
        }
        // Whether the grant lives, the login's own refresh says.
        self.in_doubt &= self.cache.own.obstacle.blocks(now).is_none();
        let target = if self.in_doubt { &Target::own() } else { target };
        let slot = self.cache.slot(target);
        if let Some(blocked) = slot.obstacle.blocks(now) {
            return blocked.access(client, &self.grant, target, now);
        }
        let Some(endpoint) = client.token_endpoint() else {
            return Access::Refused { error: Error::Misuse(Misuse::ServerUnknown), retry_at: None };
        };
        self.sent = self.sent.saturating_add(1);
        let id = RequestId::of_secret(refresh_token.reveal().as_bytes(), &[self.sent, now.as_secs()]);
        let own_resource = || self.grant.own_resource().filter(|_| target.as_audience().is_none());
        let resource = target.as_resource().or_else(own_resource).map(String::from);
        let (scope, audience) = (target.as_scope(), target.as_audience());
        let request = endpoint.refresh(id, &refresh_token, scope, resource.as_slice(), audience);
        self.flights.send(Sent::new(id, Arc::clone(&slot.target), refresh_token, now));
        Access::SendRequest(request)
    }

    fn refused(&mut self, client: &Client, bearer: &Bearer, now: UnixTime) -> Access {
        if !self.is_of_login(bearer) {
            return Access::LoginRequired(LoginRequired::OtherLogin);
        }
        let key = self.key(bearer.target()).into_owned();
        // A refresh that is under way may bring another token yet.
        let another_may_come = self.flights.may_bring(&key);
        let has_refresh_token = self.refresh_token.is_some();
        let slot = self.cache.find_mut(&key);
        let Some((refusals, token)) = slot.and_then(|slot| Some((&mut slot.refusals, slot.token.as_mut()?))) else {
            return self.access(client, bearer.target(), now);
        };
        // Any other token is one of before: the present one has not been refused.
        if !token.is(bearer) {
            return self.access(client, bearer.target(), now);
        }
        // Without a refresh token, the present token is all there is, and may do for another call.
        if has_refresh_token && !token.is_refused {
            if !another_may_come && !refusals.allow(now) {
                return Access::LoginRequired(LoginRequired::TokenRefused);
            }
            token.is_refused = true;
        }
        self.serve(client, bearer.target(), false, now)
    }

    /// What the user, or the app, had to do has been done.
    pub(super) fn ask_again(&mut self) {
        self.obstacle.clear();
        for slot in self.cache.slots_mut() {
            slot.obstacle.clear();
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
        let is_of_present = self.refresh_token.as_ref().is_some_and(|token| token.is(&sent.refresh_token));
        let verdict = outcome.map(|response| Verdict::of(response, now));
        match verdict {
            // Of one that was lost, only tokens are of use, and only if no newer ones have come.
            Ok(Verdict::Tokens(_)) if is_current || is_of_present => {}
            _ if is_current => {}
            _ => return Err(Error::Ignored(Ignored::UnknownRequest)),
        }
        match verdict {
            Ok(Verdict::Tokens(tokens)) => self.take(client, &sent, is_current, tokens, now),
            Ok(Verdict::Useless(error, refresh_token)) => {
                let refresh_token = refresh_token.map(Secret::from);
                Ok(self.useless(&sent, is_current, error, refresh_token, now))
            }
            _ if !is_of_present => {
                // It says nothing about the refresh token that has come meanwhile.
                self.flights.settle();
                Ok(SessionAction::RetryAt(now))
            }
            Ok(verdict) => Ok(self.fail(&sent, verdict, now)),
            Err(Delivered::No) => {
                self.flights.settle();
                Ok(SessionAction::RetryAt(self.obstacle.patience.not_delivered(id, now)))
            }
            Err(Delivered::Maybe) => {
                self.flights.lose();
                Ok(SessionAction::RetryAt(self.obstacle.patience.lost(now, id, now)))
            }
        }
    }

    /// Tokens came.
    fn take(
        &mut self,
        client: &Client,
        sent: &Sent,
        is_current: bool,
        tokens: TokenResponse<'_>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        // Nothing of the answer is used if its ID token is somebody else's.
        let new = match self.who.read(client, &self.grant, &tokens, now) {
            Ok(new) => new,
            Err(error) => {
                self.flights.settle();
                self.last_error = Some(error.clone());
                return Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(error)));
            }
        };
        if !sent.target.accepts(tokens.access_token()) {
            let error = Error::Violation(Violation::AccessTokenAudience);
            let refresh_token = tokens.refresh_token.map(Secret::from);
            return Ok(self.useless(sent, is_current, error, refresh_token, now));
        }
        // A lifetime counts from when the request was sent, since a device may have slept while it was under way. A token that
        // came in time is good for a moment all the same.
        let sent_at = sent.at.min(now);
        let slept = now.saturating_since(sent_at) > client.refresh_timeout();
        let obtained_at = if slept { sent_at } else { now };
        let expires_at = tokens.expires_in.map(|seconds| sent_at.saturating_add(seconds));
        self.grant.ends.renew(&tokens, sent_at);
        // Omitted means as asked for, or as granted at first (RFC 6749 §5.1, §6).
        let scope = tokens.scope.map(Cow::into_owned).or_else(|| sent.target.as_scope().map(String::from));
        let scope = scope.unwrap_or_else(|| self.grant.scope.clone());
        let slot = self.cache.slot(&sent.target);
        slot.token = Some(AccessToken::new(Secret::from(tokens.access_token), scope, Some(obtained_at), expires_at));
        slot.obstacle = Obstacle::default();
        self.in_doubt &= !sent.target.is_own();
        self.obstacle = Obstacle::default();
        self.flights.succeed(is_current);
        self.rotate(tokens.refresh_token.map(Secret::from));
        self.last_error = self.who.take(new, &mut self.grant.ends);
        Ok(SessionAction::Save)
    }

    /// The server gave what cannot be used, and perhaps a new refresh token beside it.
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
        // What the server gives on purpose it will give again, and a refresh token would be spent for it each time.
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
        self.rotate(refresh_token);
        SessionAction::Save
    }

    fn rotate(&mut self, refresh_token: Option<Secret>) {
        // No new refresh token means that the old one stays in force (RFC 6749 §6).
        self.refresh_token = refresh_token.map(Arc::new).or(self.refresh_token.take());
        self.grant.revise();
    }

    /// The refresh under way brought no tokens.
    fn fail(&mut self, sent: &Sent, verdict: Verdict<'_>, now: UnixTime) -> SessionAction {
        let is_own = sent.target.is_own();
        let slot = self.cache.slot(&sent.target);
        let (error, retry_at) = match verdict {
            Verdict::InvalidGrant(error) if is_own => {
                self.last_error = Some(error.clone());
                self.flights.settle();
                return SessionAction::LoginRequired(LoginRequired::GrantEnded(error));
            }
            Verdict::InvalidGrant(error) => {
                self.in_doubt = true;
                slot.obstacle.refused(error.clone(), true, sent.id, now);
                (error, now)
            }
            Verdict::UserMustAct(error) => {
                self.flights.settle();
                slot.obstacle.user_must_act(error.clone());
                let request = self.grant.request_again(&More::of(&sent.target));
                self.last_error = Some(error.clone());
                return SessionAction::LoginRequired(LoginRequired::UserMustAct { error, request });
            }
            Verdict::NotGranted(error) => {
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
                self.flights.lose();
                let retry_at = self.obstacle.patience.lost(now, sent.id, now);
                (error, retry_at)
            }
            Verdict::Tokens(_) => return SessionAction::RetryAt(now),
        };
        self.flights.settle();
        self.last_error = Some(error);
        SessionAction::RetryAt(retry_at)
    }

    /// Takes newer tokens of another process. Of one login, all access tokens are good, whichever process got them.
    pub(super) fn replace(&mut self, mut newer: Self) {
        // The answer to what is under way here is to a refresh token that is no longer the present one.
        self.flights.lose();
        newer.flights = core::mem::take(&mut self.flights);
        newer.cache.take_over(self.cache.clone());
        newer.sent = self.sent;
        newer.who.follow(&self.who);
        *self = newer;
    }

    fn end(&mut self, why: LoginRequired) -> Ended {
        Ended {
            why,
            grant: self.grant.clone(),
            flights: core::mem::take(&mut self.flights),
            id_token: self.who.take_hint(),
            last_error: self.last_error.take(),
        }
    }

    fn take_shown(&mut self) -> Shown {
        let own = self.cache.own.token.as_ref().map(|own| own.token.reveal());
        let access_token = own.map(|own| (Secret::new(own), "access_token"));
        let refresh_token = self.refresh_token.take().map(|token| (Arc::unwrap_or_clone(token), "refresh_token"));
        let in_the_air = self.flights.in_the_air();
        Shown { token: refresh_token.or(access_token), id_token: self.who.take_hint(), in_the_air }
    }
}

impl Blocked<'_> {
    /// What it means for who needs a token for this target.
    fn access(self, client: &Client, grant: &Grant, target: &Target, now: UnixTime) -> Access {
        match self {
            Self::Until(time) => Access::RetryAt(time),
            Self::UserMustAct(error) => Access::LoginRequired(LoginRequired::UserMustAct {
                error: error.clone(),
                request: grant.request_again(&More::of(target)),
            }),
            // What a login can ask for may be granted then.
            Self::Refused(Error::Refused(refused), Some(_))
                if !target.is_own()
                    && target.as_audience().is_none()
                    && matches!(refused.oauth_error(), Some("invalid_target" | "invalid_scope" | "invalid_grant")) =>
            {
                Access::LoginRequired(Demand::Target(target).login_required(client, grant, now))
            }
            Self::Refused(error, retry_at) => Access::Refused { error: error.clone(), retry_at },
        }
    }
}
