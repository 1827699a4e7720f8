//! The active grant: returns a token, a request for one, or why there is none. The responses are handled in `answer`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;

use super::access_token::AccessToken;
use super::bearer::Bearer;
use super::cache::Cache;
use super::demand::Demand;
use super::ended::Ended;
use super::flights::{Flights, Sent};
use super::grant::{Grant, More};
use super::obstacle::{is_of_target, Blocked, Obstacle};
use super::outcome::{Access, LoginRequired};
use super::sign_out::Shown;
#[cfg(feature = "openid")]
use super::who::Who;
use crate::config::client::Client;
use crate::error::{Error, Misuse};
use crate::http::RequestId;
use crate::login::tokens::Tokens;
use crate::secret::Secret;
use crate::text::chars;
use crate::time::UnixTime;
use crate::wire::target::Target;

/// A grant that is not known to have ended.
#[derive(Clone)]
pub(super) struct Active {
    pub grant: Grant,
    pub cache: Cache,
    pub refresh_token: Option<Arc<Secret>>,
    #[cfg(feature = "openid")]
    pub who: Who,
    pub flights: Flights,
    /// The obstacle to refreshes for all targets.
    pub obstacle: Obstacle,
    /// A refresh for one target got `invalid_grant`. A refresh for the login's own token will tell whether the grant lives.
    pub in_doubt: bool,
    sent: u64,
    pub last_error: Option<Error>,
}

impl Active {
    pub(super) fn new(tokens: Tokens) -> Self {
        let grant = Grant::new(&tokens);
        let scope = String::from(tokens.scope());
        let own = AccessToken::new(tokens.access_token, scope, tokens.obtained_at, tokens.expires_at);
        let own = Some(own).filter(|own| chars::is_header_token(own.token.reveal()));
        Self {
            #[cfg(feature = "openid")]
            who: Who::new(tokens.identity),
            ..Self::with(grant, own, tokens.refresh_token)
        }
    }

    pub(super) fn with(grant: Grant, own: Option<AccessToken>, refresh_token: Option<Secret>) -> Self {
        Self {
            grant,
            cache: Cache::new(own),
            refresh_token: refresh_token.map(Arc::new),
            #[cfg(feature = "openid")]
            who: Who::default(),
            flights: Flights::default(),
            obstacle: Obstacle::default(),
            in_doubt: false,
            sent: 0,
            last_error: None,
        }
    }

    /// The target's key in the cache: a target may name the login's own API.
    fn key<'a>(&self, target: &'a Target) -> Cow<'a, Target> {
        if !target.is_own() && self.grant.names_own(target) {
            Cow::Owned(Target::own())
        } else {
            Cow::Borrowed(target)
        }
    }

    pub(super) fn is_of_login(&self, bearer: &Bearer) -> bool {
        *bearer.login() == *self.grant.login
    }

    /// Whether this is the present token; if not, newer tokens have come.
    pub(super) fn has_token(&self, bearer: &Bearer) -> bool {
        let slot = self.cache.find(&self.key(bearer.target()));
        slot.and_then(|slot| slot.token.as_ref()).is_some_and(|token| token.is(bearer))
    }

    pub(super) fn access(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        self.serve(client, target, true, now)
    }

    /// Returns a token or the next step to a caller. `takes_present` is false if an API refused the present token.
    fn serve(&mut self, client: &Client, asked: &Target, takes_present: bool, now: UnixTime) -> Access {
        self.grant.ends.look(now);
        if self.grant.ends.is_over(now) {
            return Access::LoginRequired(LoginRequired::GrantExpired);
        }
        #[cfg(feature = "openid")]
        if takes_present {
            if let Some(access) = self.who.next_step(client, now) {
                return access;
            }
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
            // After a refusal the caller waits for another token. A token that is merely about to expire is used until then.
            (access @ Access::Wait(_), _) if may_wait => access,
            (_, Some(bearer)) => Access::Ready(bearer),
            (access, None) => access,
        }
    }

    /// Returns a refresh request, or the obstacle to one.
    fn refresh(&mut self, client: &Client, target: &Target, now: UnixTime) -> Access {
        if !self.grant.may_have(target) {
            return Access::LoginRequired(Demand::Target(target).login_required(client, &self.grant, now));
        }
        let Some(refresh_token) = self.refresh_token.clone() else {
            return Access::LoginRequired(LoginRequired::NoRefreshToken);
        };
        match self.flights.await_answer(client.refresh_timeout(), now) {
            Some(Ok(id)) => return Access::Wait(id),
            Some(Err((id, sent_at))) => drop(self.obstacle.patience.lost(sent_at, id, now)),
            None => {}
        }
        // Only after the wait: a refresh that was sent earlier may bring a new refresh token.
        if self.grant.ends.has_refresh_token_ended(now) {
            return Access::LoginRequired(LoginRequired::GrantExpired);
        }
        if let Some(blocked) = self.obstacle.blocks(now) {
            return blocked.access(client, &self.grant, target, now);
        }
        // A refresh of the login's own token tells whether the grant lives.
        let asks_for_own = self.in_doubt && self.cache.own.obstacle.blocks(now).is_none();
        let target = if asks_for_own { &Target::own() } else { target };
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

    pub(super) fn refused(&mut self, client: &Client, bearer: &Bearer, now: UnixTime) -> Access {
        if !self.is_of_login(bearer) {
            return Access::LoginRequired(LoginRequired::OtherLogin);
        }
        let key = self.key(bearer.target()).into_owned();
        // A refresh that is under way may still bring another token.
        let another_may_come = self.flights.may_bring(&key);
        let has_refresh_token = self.refresh_token.is_some();
        let slot = self.cache.find_mut(&key);
        let Some((refusals, token)) = slot.and_then(|slot| Some((&mut slot.refusals, slot.token.as_mut()?))) else {
            return self.access(client, bearer.target(), now);
        };
        // Any other token is older: the present one has not been refused.
        if !token.is(bearer) {
            return self.access(client, bearer.target(), now);
        }
        // Without a refresh token there is no other access token, and this one may do for another call.
        if has_refresh_token && !token.is_refused {
            if !another_may_come && !refusals.allow(now) {
                return Access::LoginRequired(LoginRequired::TokenRefused);
            }
            token.is_refused = true;
        }
        self.serve(client, bearer.target(), false, now)
    }

    /// Forgets the obstacles: the user or the app has dealt with them.
    pub(super) fn ask_again(&mut self) {
        self.grant.ends.doubt();
        self.obstacle.clear();
        for slot in self.cache.slots_mut() {
            slot.obstacle.clear();
        }
    }

    pub(super) fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_ref().map(|token| token.reveal())
    }

    /// Takes newer tokens of another process. Access tokens of one login are good in every process.
    pub(super) fn replace(&mut self, mut newer: Self) {
        if self.refresh_token() == newer.refresh_token() {
            // A refresh under way and the obstacles concern the same refresh token.
            newer.obstacle = self.obstacle.clone();
        } else {
            // The refresh under way here uses a refresh token that is no longer the present one.
            self.flights.lose(false);
            self.cache.another_refresh_token();
        }
        newer.flights = core::mem::take(&mut self.flights);
        newer.cache.take_over(self.cache.clone());
        newer.sent = self.sent;
        #[cfg(feature = "openid")]
        newer.who.follow(&self.who);
        *self = newer;
    }

    pub(super) fn end(&mut self, why: LoginRequired) -> Ended {
        Ended {
            why,
            grant: self.grant.clone(),
            flights: core::mem::take(&mut self.flights),
            id_token: self.take_hint(),
            last_error: self.last_error.take(),
        }
    }

    pub(super) fn take_shown(&mut self) -> Shown {
        let own = self.cache.own.token.as_ref().map(|own| own.token.reveal());
        let access_token = own.map(|own| (Secret::new(own), "access_token"));
        let refresh_token = self.refresh_token.take().map(|token| (Arc::unwrap_or_clone(token), "refresh_token"));
        let in_the_air = self.flights.in_the_air();
        Shown { token: refresh_token.or(access_token), id_token: self.take_hint(), in_the_air }
    }

    /// Takes the ID token, for the logout's `id_token_hint`.
    #[cfg_attr(not(feature = "openid"), expect(clippy::unused_self))]
    fn take_hint(&mut self) -> Option<Secret> {
        #[cfg(feature = "openid")]
        return self.who.take_hint();
        #[cfg(not(feature = "openid"))]
        None
    }
}

impl Blocked<'_> {
    /// Returns what this obstacle means for a caller that asks for this target.
    pub(super) fn access(self, client: &Client, grant: &Grant, target: &Target, now: UnixTime) -> Access {
        match self {
            Self::Until(time) => Access::RetryAt(time),
            Self::UserMustAct(error) => Access::LoginRequired(LoginRequired::UserMustAct {
                error: error.clone(),
                request: grant.request_again(&More::of(target)),
            }),
            // A new login that asks for the target may get it.
            Self::Refused(error, Some(_))
                if !target.is_own() && target.as_audience().is_none() && is_of_target(error) =>
            {
                Access::LoginRequired(Demand::Target(target).login_required(client, grant, now))
            }
            Self::Refused(error, retry_at) => Access::Refused { error: error.clone(), retry_at },
        }
    }
}
