//! Who is logged in: the ID tokens of the login and of refreshes (OpenID Connect Core §12.2), and the keys for them.
//!
//! Before anything of a response is used, its ID token must be this user's and for this client. After any other fault (form,
//! time, hashes, key, signature) only the ID token is discarded, since a response without one would have been accepted; the
//! tokens came from the token endpoint itself, over TLS (§3.1.3.7 rule 6). If the signature needs newly fetched keys, the ID
//! token is trusted once they confirm it.

use alloc::sync::Arc;

use super::ends::Ends;
use super::grant::Grant;
use super::patience::Patience;
use crate::config::client::Client;
use crate::error::id_token::IdTokenError;
use crate::error::Error;
use crate::http::server_clock::ServerClock;
use crate::http::{Delivered, Request, RequestId, Response};
use crate::login::identity::Identity;
use crate::openid::id_token::token::IdToken;
use crate::openid::id_token::unverified::Unverified;
use crate::openid::keys::{KeySet, MAX_KEY_REQUESTS};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::token::response::TokenResponse;

#[derive(Clone, Default)]
pub(super) struct Who {
    id_token: Option<IdToken>,
    /// The login's nonce.
    nonce: Option<Secret>,
    keys: Option<Arc<KeySet>>,
    pending: Option<Pending>,
}

/// An ID token that waits for keys.
#[derive(Clone)]
struct Pending {
    unverified: Unverified,
    requests: u8,
    /// The session's last error is from a request for keys.
    has_failed: bool,
    under_way: Option<(RequestId, UnixTime)>,
    patience: Patience,
}

/// The ID token of a refresh.
pub(super) enum New {
    /// No ID token, or one that was not requested.
    Nothing,
    Checked(IdToken),
    /// An ID token whose keys must be fetched.
    Unverified(Unverified),
    /// About the same user, as far as can be told, but faulty otherwise: the previous ID token stays.
    LeftAside(IdTokenError),
}

/// What the response to a request for keys means.
pub(super) enum KeysAnswer {
    /// The ID token is good. The fields: whether an error was reported before, and the token's `session_expiry`.
    Checked(bool, Option<UnixTime>),
    /// The ID token is bad, or still unchecked: the previous one stays.
    Failed(Option<Error>),
}

impl Who {
    pub(super) fn new(identity: Identity) -> Self {
        Self { id_token: identity.id_token, nonce: identity.nonce, keys: identity.keys, pending: None }
    }

    /// Restores the stored ID token; `None` if it is damaged, or not from this client's server or not for this client.
    pub(super) fn restore(client: &Client, id_token: Option<&Secret>, nonce: Option<Secret>) -> Option<Self> {
        let id_token = match id_token {
            Some(id_token) => Some(client.id_token_parties().restore(id_token)?),
            None => None,
        };
        let nonce = nonce.or_else(|| id_token.as_ref().and_then(IdToken::nonce).cloned());
        Some(Self { id_token, nonce, keys: None, pending: None })
    }

    /// The ID token to store, and the login's `nonce` unless the token has it.
    pub(super) fn to_store(&self) -> (Option<Secret>, Option<Secret>) {
        let in_token = self.id_token.as_ref().and_then(IdToken::nonce);
        let nonce = self.nonce.clone().filter(|nonce| !in_token.is_some_and(|in_token| in_token.is(nonce)));
        (self.id_token.as_ref().map(|token| token.token().clone()), nonce)
    }

    pub(super) fn id_token(&self) -> Option<&IdToken> {
        self.id_token.as_ref()
    }

    pub(super) fn keys<'a>(&'a self, client: &'a Client) -> Option<&'a KeySet> {
        self.shared_keys(client).map(|keys| &**keys)
    }

    fn shared_keys<'a>(&'a self, client: &'a Client) -> Option<&'a Arc<KeySet>> {
        self.keys.as_ref().or(client.own_keys())
    }

    /// Takes the token, for the logout's `id_token_hint`.
    pub(super) fn take_hint(&mut self) -> Option<Secret> {
        self.id_token.take().map(|token| token.token().clone())
    }

    /// Takes over the keys that an earlier state of the session has fetched.
    pub(super) fn follow(&mut self, earlier: &Self) {
        self.keys.clone_from(&earlier.keys);
    }

    /// Reads the ID token of a refresh, and checks all that can be checked now. An error means that it is about another user.
    pub(super) fn read(
        &self,
        client: &Client,
        grant: &Grant,
        answer: &TokenResponse<'_>,
        date: Option<&str>,
        now: UnixTime,
    ) -> Result<New, Error> {
        let id_token = answer.id_token().filter(|_| grant.has_openid());
        let (Some(id_token), Ok(rules)) = (id_token, client.id_token_rules()) else { return Ok(New::Nothing) };
        let organization = grant.request.value("organization");
        let rules = rules
            .after(self.id_token.as_ref(), self.nonce.as_ref().map(Secret::reveal))
            .organization(organization.as_deref())
            .access_token(Some(answer.access_token()))
            .of_token_endpoint();
        // First: no other fault may hide that it is about another user.
        rules.check_whose(id_token)?;
        let unverified = match rules.read(id_token, ServerClock::of(date, now).time(now)) {
            Ok(unverified) => unverified,
            Err(error) => return Ok(New::LeftAside(error)),
        };
        let keys = self.keys(client).filter(|keys| keys.is_fresh(now, client.max_key_age()));
        match client.verify_id_token(&unverified, keys) {
            Ok(()) => Ok(New::Checked(unverified.into_id_token())),
            Err(_) => Ok(New::Unverified(unverified)),
        }
    }

    /// Takes the ID token of a refresh; returns the error to report.
    pub(super) fn take(&mut self, new: New, ends: &mut Ends) -> Option<Error> {
        match new {
            New::Nothing => None,
            New::Checked(id_token) => {
                ends.limit(id_token.session_expiry());
                (self.id_token, self.pending) = (Some(id_token), None);
                None
            }
            New::Unverified(unverified) => {
                let patience = Patience::default();
                self.pending = Some(Pending { unverified, requests: 0, has_failed: false, under_way: None, patience });
                None
            }
            New::LeftAside(error) => Some(error.into()),
        }
    }

    /// Returns the request for keys, if it is time for one.
    pub(super) fn keys_request(&mut self, client: &Client, now: UnixTime) -> Option<Request> {
        self.pending.as_ref()?; // usually `None`
        let fetched_lately = self.shared_keys(client).is_some_and(|keys| !keys.may_be_fetched_again(now));
        let pending = self.pending.as_mut().filter(|_| !fetched_lately)?;
        let timeout = client.refresh_timeout();
        if pending.under_way.is_some_and(|(_, at)| at <= now && now.saturating_since(at) < timeout)
            || pending.patience.until(now).is_some()
        {
            return None;
        }
        let url = client.server().jwks_uri.clone();
        let Some(url) = url.filter(|_| pending.requests < MAX_KEY_REQUESTS) else {
            self.pending = None;
            return None;
        };
        pending.requests = pending.requests.saturating_add(1);
        let id = RequestId::of_secret(pending.unverified.token().reveal().as_bytes(), &[u64::from(pending.requests)]);
        pending.under_way = Some((id, now));
        Some(Request::get(id, url, None))
    }

    /// Takes the outcome of the request for keys, if it has this id.
    pub(super) fn answer(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Option<KeysAnswer> {
        let pending = self.pending.as_mut().filter(|pending| pending.under_way.is_some_and(|(own, _)| own == id))?;
        pending.under_way = None;
        let keys = match outcome.map(|response| KeySet::from_response(client.jwks_uri(), response, now)) {
            Ok(Ok(keys)) => Arc::new(keys),
            Ok(Err(error)) => {
                let wait = match &error {
                    Error::Refused(refused) => refused.retry_after(),
                    _ => None,
                };
                pending.patience.answered(wait, id, now);
                pending.has_failed = true;
                return Some(KeysAnswer::Failed(Some(error)));
            }
            Err(_) => {
                pending.patience.not_delivered(id, now);
                return Some(KeysAnswer::Failed(None));
            }
        };
        let pending = self.pending.take()?;
        self.keys = Some(Arc::clone(&keys));
        Some(match client.verify_id_token(&pending.unverified, Some(&keys)) {
            Ok(()) => {
                let id_token = self.id_token.insert(pending.unverified.into_id_token());
                KeysAnswer::Checked(pending.has_failed, id_token.session_expiry())
            }
            Err(error) => KeysAnswer::Failed(Some(error.into())),
        })
    }
}
