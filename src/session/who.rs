//! Who is logged in: the ID tokens of the login and of refreshes (OpenID Connect Core §12.2), and the keys for them.
//!
//! Before anything of a response is used, its ID token must be this user's and for this client. After any other fault (form,
//! time, hashes, key, signature) only the ID token is discarded, since a response without one would have been accepted; the
//! tokens came from the token endpoint itself, over TLS (§3.1.3.7 rule 6). If the signature needs newly fetched keys, or is
//! verified by the app, the ID token is trusted once that confirms it.

use alloc::sync::Arc;

use super::ends::Ends;
use super::grant::Grant;
use super::outcome::Access;
use super::patience::Patience;
use crate::config::client::Client;
use crate::config::id_token_settings::Signature;
use crate::error::id_token::IdTokenError;
use crate::error::Error;
use crate::http::server_clock::ServerClock;
use crate::http::{Delivered, Request, RequestId, Response};
use crate::login::identity::Identity;
use crate::login::signature_check::SignatureCheck;
use crate::openid::id_token::token::IdToken;
use crate::openid::id_token::unverified::Unverified;
use crate::openid::keys::{Candidates, KeySet};
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

/// How many times keys are requested for an ID token, or the app is asked to verify it with a key, while there is no answer.
const MAX_TRIES: u8 = 3;

/// An ID token that waits for keys, or for the app to verify its signature.
#[derive(Clone)]
struct Pending {
    unverified: Unverified,
    /// The keys that the app verifies with; `None` while keys must be fetched.
    candidates: Option<Candidates>,
    /// Whether the keys were fetched for this ID token. If not, and the signature is not valid with any, they are fetched once.
    are_new: bool,
    /// How many requests and checks were handed out: makes their ids.
    asked: u64,
    /// How many of them since the last step forward.
    tries: u8,
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
    /// An ID token that the app must verify, with these keys; without any, they must be fetched first.
    Unverified(Unverified, Option<Candidates>),
    /// About the same user, as far as can be told, but faulty otherwise: the previous ID token stays.
    LeftAside(IdTokenError),
}

/// What the outcome of a request for keys, or of a check, means.
pub(super) enum Progress {
    /// The ID token is good. The fields: whether an error was reported before, and the token's `session_expiry`.
    Checked(bool, Option<UnixTime>),
    /// The ID token is bad, or still unchecked: the previous one stays.
    Unchecked(Option<Error>),
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
            Ok(Signature::Valid) => Ok(New::Checked(unverified.into_id_token())),
            Ok(Signature::Unknown(candidates)) => Ok(New::Unverified(unverified, Some(candidates))),
            Err(_) => Ok(New::Unverified(unverified, None)),
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
            New::Unverified(unverified, candidates) => {
                self.pending = Some(Pending::new(unverified, candidates));
                None
            }
            New::LeftAside(error) => Some(error.into()),
        }
    }

    /// Returns the request for keys or the check of the signature, if it is time for one.
    pub(super) fn next_step(&mut self, client: &Client, now: UnixTime) -> Option<Access> {
        let needs_keys = self.pending.as_ref()?.candidates.is_none(); // usually nothing is pending
        let fetched_lately = needs_keys && self.shared_keys(client).is_some_and(|keys| !keys.may_be_fetched_again(now));
        let pending = self.pending.as_mut().filter(|_| !fetched_lately)?;
        let timeout = client.refresh_timeout();
        if pending.under_way.is_some_and(|(_, at)| at <= now && now.saturating_since(at) < timeout)
            || pending.patience.until(now).is_some()
        {
            return None;
        }
        let url = client.server().jwks_uri.clone();
        let Some(url) = url.filter(|_| pending.tries < MAX_TRIES) else {
            self.pending = None;
            return None;
        };
        pending.tries = pending.tries.saturating_add(1);
        pending.asked = pending.asked.saturating_add(1);
        let id = RequestId::of_secret(pending.unverified.token().reveal().as_bytes(), &[pending.asked]);
        pending.under_way = Some((id, now));
        Some(match &pending.candidates {
            Some(candidates) => Access::Verify(SignatureCheck::new(id, &pending.unverified, candidates.key())),
            None => Access::SendRequest(Request::get(id, url, None)),
        })
    }

    /// What is pending, if it waits for this id: for a request for keys, or for a check.
    fn awaiting(&mut self, id: RequestId, is_check: bool) -> Option<&mut Pending> {
        self.pending.as_mut().filter(|pending| {
            pending.candidates.is_some() == is_check && pending.under_way.is_some_and(|(own, _)| own == id)
        })
    }

    /// Takes the outcome of the request for keys, if it has this id.
    pub(super) fn answer(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Option<Progress> {
        let pending = self.awaiting(id, false)?;
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
                return Some(Progress::Unchecked(Some(error)));
            }
            Err(_) => {
                pending.patience.not_delivered(id, now);
                return Some(Progress::Unchecked(None));
            }
        };
        let signature = client.verify_id_token(&pending.unverified, Some(&keys));
        if let Ok(Signature::Unknown(candidates)) = signature {
            pending.are_new = true;
            pending.go_on(Some(candidates));
            self.keys = Some(keys);
            return Some(Progress::Unchecked(None));
        }
        self.keys = Some(keys);
        match signature {
            Ok(_) => self.confirm(),
            Err(error) => Some(self.leave_aside(error)),
        }
    }

    /// Takes the outcome of the check of this id, if there is one; `None`: it could not be made.
    pub(super) fn verified(&mut self, id: RequestId, is_valid: Option<bool>, now: UnixTime) -> Option<Progress> {
        let pending = self.awaiting(id, true)?;
        match is_valid {
            Some(true) => return self.confirm(),
            Some(false) => {
                let others = pending.candidates.take().and_then(Candidates::after);
                if others.is_none() && pending.are_new {
                    return Some(self.leave_aside(IdTokenError::Signature));
                }
                pending.go_on(others);
            }
            None => {
                pending.under_way = None;
                pending.patience.answered(None, id, now);
            }
        }
        Some(Progress::Unchecked(None))
    }

    /// The signature is valid: takes the pending ID token.
    fn confirm(&mut self) -> Option<Progress> {
        let pending = self.pending.take()?;
        let id_token = self.id_token.insert(pending.unverified.into_id_token());
        Some(Progress::Checked(pending.has_failed, id_token.session_expiry()))
    }

    /// Nobody has signed it: the previous ID token stays.
    fn leave_aside(&mut self, error: IdTokenError) -> Progress {
        self.pending = None;
        Progress::Unchecked(Some(error.into()))
    }
}

impl Pending {
    fn new(unverified: Unverified, candidates: Option<Candidates>) -> Self {
        Self {
            unverified,
            candidates,
            are_new: false,
            asked: 0,
            tries: 0,
            has_failed: false,
            under_way: None,
            patience: Patience::default(),
        }
    }

    /// Goes on with other keys, or with a request for them.
    fn go_on(&mut self, candidates: Option<Candidates>) {
        (self.candidates, self.under_way, self.tries) = (candidates, None, 0);
        self.patience = Patience::default();
    }
}
