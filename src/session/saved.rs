//! The saved form of a session, for the next start of the process or for another process.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::access_token::AccessToken;
use super::active::Active;
use super::cache::{Slot, MAX_TARGETS};
use super::ends::Ends;
use super::grant::Grant;
use super::state::State;
#[cfg(feature = "openid")]
use super::who::Who;
use super::Session;
use crate::config::client::Client;
use crate::error::restore::{RestoreError, SAVED_VERSION};
use crate::secret::{as_text, Secret};
use crate::text::chars;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::target::Target;

/// The saved form of a session, for any serde format.
///
/// It holds the tokens, so store it where only the app can read and write: a stored ID token from the client's server and for the
/// client is trusted without another check of its signature. Expiry times are absolute. `Debug` shows no token, nor does the
/// error for a damaged form.
///
/// It does not hold the server's metadata and keys: keep them with the client ([`Client::with_metadata`],
/// [`Client::with_keys`](crate::Client::with_keys)), once for all sessions.
#[derive(Clone, Serialize)]
#[serde(transparent)]
#[must_use = "new tokens that are not stored are lost when the process ends"]
pub struct SavedSession(Box<Fields>);

/// No member may be missing: serde would read an absent `Option` as `None`.
#[derive(Clone, Serialize, Deserialize)]
struct Fields {
    version: u32,
    client: String,
    /// A digest that names the login. The revision grows with each change since: of two forms, the higher one is newer.
    login: String,
    revision: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    since: Option<UnixTime>,
    #[serde(with = "as_text::optional")]
    access_token: Option<Secret>,
    #[serde(with = "as_text::optional")]
    refresh_token: Option<Secret>,
    /// Only a checked one.
    #[cfg(feature = "openid")]
    #[serde(with = "as_text::optional")]
    id_token: Option<Secret>,
    /// The login's nonce, unless the ID token has it: ID tokens of refreshes may repeat it.
    #[cfg(feature = "openid")]
    #[serde(with = "as_text::optional")]
    nonce: Option<Secret>,
    /// The scope of the access token, if it is not the granted one.
    #[serde(deserialize_with = "Option::deserialize")]
    scope: Option<String>,
    /// The granted scope, if it is not the requested one.
    #[serde(deserialize_with = "Option::deserialize")]
    granted: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    obtained_at: Option<UnixTime>,
    #[serde(deserialize_with = "Option::deserialize")]
    expires_at: Option<UnixTime>,
    ends: Ends,
    /// The parameters of the authorization request.
    request: Vec<(String, String)>,
    #[cfg(feature = "openid")]
    acr: bool,
    /// Access tokens for other targets.
    others: Vec<SavedToken>,
}

#[derive(Clone, Serialize, Deserialize)]
struct SavedToken {
    #[serde(deserialize_with = "Option::deserialize")]
    resource: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    audience: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    target_scope: Option<String>,
    checks_audience: bool,
    #[serde(with = "as_text")]
    access_token: Secret,
    scope: String,
    #[serde(deserialize_with = "Option::deserialize")]
    obtained_at: Option<UnixTime>,
    #[serde(deserialize_with = "Option::deserialize")]
    expires_at: Option<UnixTime>,
}

impl<'de> Deserialize<'de> for SavedSession {
    /// serde's own error for a damaged form may show a token.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Box::<Fields>::deserialize(deserializer);
        fields.map(Self).map_err(|_| D::Error::custom("the saved session is damaged: start a new login"))
    }
}

impl SavedSession {
    fn of(client: &Client, active: &Active) -> Self {
        let grant = &active.grant;
        let own = active.cache.own.token.as_ref();
        let unless = |text: &String, same: &str| Some(text.clone()).filter(|text| text != same);
        #[cfg(feature = "openid")]
        let (id_token, nonce) = active.who.to_store();
        Self(Box::new(Fields {
            version: SAVED_VERSION,
            client: client.session_fingerprint().to_owned(),
            login: (*grant.login).to_owned(),
            revision: grant.revision,
            since: grant.logged_in_at,
            access_token: own.map(|own| Secret::new(own.token.reveal())),
            refresh_token: active.refresh_token.as_deref().cloned(),
            #[cfg(feature = "openid")]
            id_token,
            #[cfg(feature = "openid")]
            nonce,
            scope: own.and_then(|own| unless(&own.scope, &grant.scope)),
            granted: unless(&grant.scope, grant.request.requested_scope()),
            obtained_at: own.and_then(|own| own.obtained_at),
            expires_at: own.and_then(|own| own.expires_at),
            ends: grant.ends,
            request: grant.request.to_pairs(),
            #[cfg(feature = "openid")]
            acr: grant.request.requires_acr(),
            others: active.cache.others().iter().filter_map(SavedToken::of).collect(),
        }))
    }

    /// Reads the saved form, if it is this client's and undamaged.
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
        let fits =
            |token: &Option<Secret>, fits: fn(&str) -> bool| token.as_ref().is_none_or(|token| fits(token.reveal()));
        if !fits(&self.refresh_token, chars::is_vschars)
            || !fits(&self.access_token, chars::is_header_token)
            || ![&self.scope, &self.granted].into_iter().flatten().all(|scope| chars::is_visible(scope))
            || self.others.len() > MAX_TARGETS
        {
            return Err(RestoreError::Malformed);
        }
        let request = AuthorizationRequest::from_pairs(&self.request).map_err(|_| RestoreError::Malformed)?;
        #[cfg(feature = "openid")]
        let request = request.requiring_acr(self.acr);
        #[cfg(feature = "openid")]
        let who = Who::restore(client, self.id_token.as_ref(), self.nonce).ok_or(RestoreError::Malformed)?;
        let granted = self.granted.unwrap_or_else(|| request.requested_scope().to_owned());
        let scope = self.scope.unwrap_or_else(|| granted.clone());
        let (obtained_at, expires_at) = (self.obtained_at, self.expires_at);
        let own = self.access_token.map(|token| AccessToken::new(token, scope, obtained_at, expires_at));
        let grant = Grant {
            login: self.login.into(),
            logged_in_at: self.since,
            revision: self.revision,
            request: Arc::new(request),
            scope: granted,
            ends: self.ends,
        };
        let mut active = Active::with(grant, own, self.refresh_token);
        #[cfg(feature = "openid")]
        {
            active.who = who;
        }
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
            checks_audience: slot.target.checks_jwt_audience(),
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
        let target = if self.checks_audience { target.check_jwt_audience() } else { target };
        if !chars::is_header_token(self.access_token.reveal()) || !chars::is_visible(&self.scope) {
            return Err(RestoreError::Malformed);
        }
        let token = AccessToken::new(self.access_token, self.scope, self.obtained_at, self.expires_at);
        Ok(Slot::new(target, Some(token)))
    }
}

impl Session {
    /// Returns the form to store; `None` once the grant has ended or the user has signed out: then remove the stored one. Keep
    /// the session locked until that is done, so that nothing older is stored after it.
    pub fn save(&self) -> Option<SavedSession> {
        match &self.state {
            State::Active(active) => Some(SavedSession::of(&self.client, active)),
            _ => None,
        }
    }

    /// Restores a stored session, with the same client. The port of a loopback redirect URI may differ.
    ///
    /// # Errors
    /// [`RestoreError`] if the form is another client's, of an unknown version, or damaged, or if the client knows only its
    /// server's issuer: then give it the metadata that you kept ([`Client::with_metadata`]).
    pub fn restore(client: Client, saved: SavedSession) -> Result<Self, RestoreError> {
        let active = saved.into_active(&client)?;
        let client = client.with_known_server()?;
        Ok(Self { client, state: State::Active(Box::new(active)) })
    }
}

impl fmt::Debug for SavedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedSession")
            .field("version", &self.0.version)
            .field("revision", &self.0.revision)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}
