//! A session on its way through the end of its process, or to another one.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::access_token::AccessToken;
use super::cache::{Slot, MAX_TARGETS};
use super::flights::Flights;
use super::grant::Grant;
use super::state::{Active, State};
use super::who::Who;
use super::Session;
use crate::authorization::AuthorizationRequest;
use crate::chars;
use crate::client::Client;
#[cfg(feature = "openid")]
use crate::openid::ServerMetadata;
use crate::restore::{RestoreError, SAVED_VERSION};
use crate::secret::{as_text, Secret};
use crate::target::Target;
use crate::time::UnixTime;

/// What is to be stored of a session: any serde format can hold it. It has the tokens, so store it where only the app can
/// read it, and write it: an ID token that was checked before it was stored is believed. Expiry is absolute. Its `Debug`
/// shows no token.
///
/// One that was saved while a refresh was under way says that a refresh was sent: if the process ends now, whoever goes on knows
/// that the refresh token may be spent.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
#[must_use = "new tokens that are not stored are lost when the process ends"]
pub struct SavedSession(Box<Fields>);

#[derive(Clone, Serialize, Deserialize)]
struct Fields {
    version: u32,
    client: String,
    /// A digest that names the login, when it was, how often its refresh token was replaced (in steps of eight), and how
    /// often it brought access tokens since: which of two forms is the newer one.
    #[serde(default)]
    login: String,
    #[serde(default)]
    logged_in_at: Option<UnixTime>,
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    renewals: u64,
    /// How many refreshes with this refresh token had no answer.
    #[serde(default)]
    losses: u8,
    /// Whether the server is known to leave this refresh token as it is.
    #[serde(default)]
    reusable: bool,
    #[serde(with = "as_text")]
    access_token: Secret,
    #[serde(with = "as_text::optional", default)]
    refresh_token: Option<Secret>,
    /// One that was checked.
    #[cfg(feature = "openid")]
    #[serde(with = "as_text::optional", default)]
    id_token: Option<Secret>,
    /// Of the login, which the ID tokens of refreshes may repeat.
    #[cfg(feature = "openid")]
    #[serde(with = "as_text::optional", default)]
    nonce: Option<Secret>,
    scope: String,
    granted_scope: String,
    #[serde(default)]
    refresh_scope: Option<String>,
    #[serde(default)]
    obtained_at: Option<UnixTime>,
    #[serde(default)]
    expires_at: Option<UnixTime>,
    /// What the login asked for.
    #[serde(default)]
    request: Vec<(String, String)>,
    #[serde(default)]
    points: u8,
    #[cfg(feature = "openid")]
    #[serde(default)]
    requires_acr: bool,
    /// Access tokens for other targets.
    #[serde(default)]
    others: Vec<SavedToken>,
    /// Of a server that was found by its issuer.
    #[cfg(feature = "openid")]
    #[serde(default)]
    metadata: Option<ServerMetadata>,
}

#[derive(Clone, Serialize, Deserialize)]
struct SavedToken {
    resource: Option<String>,
    audience: Option<String>,
    target_scope: Option<String>,
    #[serde(with = "as_text")]
    access_token: Secret,
    scope: String,
    obtained_at: Option<UnixTime>,
    expires_at: Option<UnixTime>,
}

impl SavedSession {
    pub(super) fn of(client: &Client, active: &Active) -> Self {
        let grant = &active.grant;
        let own = active.cache.own.token.as_ref();
        #[cfg(feature = "openid")]
        let (id_token, nonce) = active.who.to_store();
        Self(Box::new(Fields {
            version: SAVED_VERSION,
            client: client.session_fingerprint().to_owned(),
            login: grant.login.clone(),
            logged_in_at: grant.logged_in_at,
            generation: grant.generation,
            renewals: grant.renewals,
            losses: active.flights.losses_at_death(grant.generation),
            reusable: active.flights.reusable,
            // One that cannot be sent cannot be stored either.
            access_token: own
                .map(|own| own.token.reveal())
                .filter(|token| chars::is_visible(token))
                .map_or(Secret::default(), Secret::new),
            refresh_token: active.refresh_token.clone(),
            #[cfg(feature = "openid")]
            id_token,
            #[cfg(feature = "openid")]
            nonce,
            scope: own.map(|own| own.scope.clone()).unwrap_or_default(),
            granted_scope: grant.scope.clone(),
            refresh_scope: active.refresh_scope.as_deref().map(String::from),
            obtained_at: own.and_then(|own| own.obtained_at),
            expires_at: own.and_then(|own| own.expires_at),
            request: grant.request.to_pairs(),
            points: grant.request.points(),
            #[cfg(feature = "openid")]
            requires_acr: grant.request.requires_acr(),
            others: active.cache.others().iter().filter_map(SavedToken::of).collect(),
            #[cfg(feature = "openid")]
            metadata: client.metadata().cloned(),
        }))
    }

    /// What was stored of the server: to be taken before the rest.
    #[cfg(feature = "openid")]
    pub(super) fn take_metadata(&mut self) -> Option<ServerMetadata> {
        self.0.metadata.take()
    }

    /// What was stored, if it is this client's and whole.
    pub(super) fn into_active(self, client: &Client) -> Result<Active, RestoreError> {
        self.0.into_active(client)
    }
}

impl Fields {
    fn into_active(self, client: &Client) -> Result<Active, RestoreError> {
        if self.version != SAVED_VERSION {
            return Err(RestoreError::UnknownVersion);
        }
        if self.client != client.session_fingerprint() {
            return Err(RestoreError::OtherClient);
        }
        let scopes = [Some(&self.scope), Some(&self.granted_scope), self.refresh_scope.as_ref()];
        if !self.refresh_token.as_ref().is_none_or(|token| chars::is_vschars(token.reveal()))
            || !chars::is_visible(self.access_token.reveal())
            || !scopes.into_iter().flatten().all(|scope| chars::is_visible(scope))
            || self.others.len() > MAX_TARGETS
        {
            return Err(RestoreError::Malformed);
        }
        let request = AuthorizationRequest::from_pairs(&self.request).map_err(|_| RestoreError::Malformed)?;
        #[cfg(feature = "openid")]
        let request = request.requiring_acr(self.requires_acr);
        #[cfg(feature = "openid")]
        let who = Who::restore(self.id_token.as_ref(), self.nonce).ok_or(RestoreError::Malformed)?;
        #[cfg(not(feature = "openid"))]
        let who = Who;
        let grant = Grant {
            login: self.login,
            before: Vec::new(),
            logged_in_at: self.logged_in_at,
            generation: self.generation,
            renewals: self.renewals,
            request: Arc::new(request.with_points(self.points)),
            scope: self.granted_scope,
        };
        let own = AccessToken::new(self.access_token, self.scope, self.obtained_at, self.expires_at);
        let mut active = Active::with(grant, own, self.refresh_token, who);
        // A form that was tampered with asks for no more than was granted (RFC 6749 §6).
        active.refresh_scope = self.refresh_scope.filter(|scope| active.grant.covers(scope)).map(Arc::from);
        active.flights = Flights::with_losses(self.losses, self.reusable);
        for other in self.others {
            active.cache.add(other.into_slot()?);
        }
        Ok(active)
    }
}

impl SavedToken {
    fn of(slot: &Slot) -> Option<Self> {
        let token = slot.token.as_ref()?;
        let own = |text: Option<&str>| text.map(ToOwned::to_owned);
        Some(Self {
            resource: own(slot.target.as_resource()),
            audience: own(slot.target.as_audience()),
            target_scope: own(slot.target.as_scope()),
            access_token: Secret::new(token.token.reveal()),
            scope: token.scope.clone(),
            obtained_at: token.obtained_at,
            expires_at: token.expires_at,
        })
    }

    fn into_slot(self) -> Result<Slot, RestoreError> {
        let [resource, audience, scope] = [&self.resource, &self.audience, &self.target_scope];
        let target = Target::from_parts(resource.as_deref(), audience.as_deref(), scope.as_deref());
        let target = target.ok().filter(|target| !target.is_own()).ok_or(RestoreError::Malformed)?;
        if !chars::is_vschars(self.access_token.reveal()) || !chars::is_visible(&self.scope) {
            return Err(RestoreError::Malformed);
        }
        let token = AccessToken::new(self.access_token, self.scope, self.obtained_at, self.expires_at);
        Ok(Slot::new(target, Some(token)))
    }
}

impl Session {
    /// What is to be stored; `None` once the grant has ended or the user signed out: what is stored is then to be removed.
    pub fn save(&self) -> Option<SavedSession> {
        match &self.state {
            State::Active(active) => Some(SavedSession::of(&self.client, active)),
            _ => None,
        }
    }

    /// Goes on with what was stored, with the same client. The port of a loopback redirect URI may differ. For a client that
    /// knows only its server's issuer, the metadata is stored too, and not fetched again; newer metadata that the client was
    /// given count for more.
    ///
    /// # Errors
    /// [`RestoreError`]: of another client, of an unknown version, damaged, or without what the client does not know itself.
    #[cfg_attr(not(feature = "openid"), allow(unused_mut))]
    pub fn restore(client: Client, mut saved: SavedSession) -> Result<Self, RestoreError> {
        #[cfg(feature = "openid")]
        let metadata = saved.take_metadata();
        let active = saved.into_active(&client)?;
        #[cfg(feature = "openid")]
        let client = crate::restore::with_saved_metadata(client, metadata.as_ref())?;
        Ok(Self { client, state: State::Active(Box::new(active)) })
    }
}

impl fmt::Debug for SavedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedSession")
            .field("version", &self.0.version)
            .field("generation", &self.0.generation)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}
