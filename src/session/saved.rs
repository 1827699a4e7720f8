//! A session on its way through the end of its process.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::access_token::AccessToken;
use super::state::{Active, State};
use super::Session;
use crate::chars;
use crate::client::Client;
use crate::restore::{RestoreError, SAVED_VERSION};
use crate::secret::{as_text, Secret};
use crate::time::UnixTime;
use crate::token::Tokens;

/// What is to be stored of a session: any serde format can hold it. It has the tokens, so store it where only the app can
/// read it. Expiry is absolute. Its `Debug` shows no token.
#[derive(Clone, Serialize, Deserialize)]
#[must_use = "new tokens that are not stored are lost when the process ends"]
pub struct SavedSession {
    version: u32,
    client: String,
    #[serde(with = "as_text")]
    access_token: Secret,
    #[serde(with = "as_text::optional", default)]
    refresh_token: Option<Secret>,
    #[serde(with = "as_text::optional", default)]
    id_token: Option<Secret>,
    scope: String,
    granted_scope: String,
    #[serde(default)]
    refresh_scope: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    obtained_at: Option<UnixTime>,
    #[serde(default)]
    expires_at: Option<UnixTime>,
}

impl SavedSession {
    pub(super) fn of(client: &Client, active: &Active) -> Self {
        Self {
            version: SAVED_VERSION,
            client: client.session_fingerprint().to_owned(),
            access_token: Secret::new(active.access.token.reveal()),
            refresh_token: active.refresh_token.clone(),
            id_token: active.id_token.clone(),
            scope: active.access.scope.clone(),
            granted_scope: active.granted_scope.clone(),
            refresh_scope: active.refresh_scope.clone(),
            resource: active.resource.clone(),
            obtained_at: active.access.obtained_at,
            expires_at: active.access.expires_at,
        }
    }
}

impl Session {
    /// What is to be stored; `None` once the grant has ended or the user signed out.
    pub fn save(&self) -> Option<SavedSession> {
        match &self.state {
            State::Active(active) => Some(SavedSession::of(&self.client, active)),
            _ => None,
        }
    }

    /// Goes on with what was stored, with the same client. The port of a loopback redirect URI may differ.
    ///
    /// # Errors
    /// [`RestoreError`]: of another client, of an unknown version, or damaged.
    pub fn restore(client: Client, saved: SavedSession) -> Result<Self, RestoreError> {
        if saved.version != SAVED_VERSION {
            return Err(RestoreError::UnknownVersion);
        }
        if saved.client != client.session_fingerprint() {
            return Err(RestoreError::OtherClient);
        }
        let tokens = [Some(&saved.access_token), saved.refresh_token.as_ref(), saved.id_token.as_ref()];
        let scopes = [Some(&saved.scope), Some(&saved.granted_scope), saved.refresh_scope.as_ref()];
        if !tokens.into_iter().flatten().all(|token| chars::is_vschars(token.reveal()))
            || !scopes.into_iter().flatten().all(|scope| chars::is_visible(scope))
        {
            return Err(RestoreError::Malformed);
        }
        let tokens = Tokens::from_parts(Secret::default(), saved.refresh_token, None, &saved.granted_scope);
        let mut active = Active::new(tokens);
        active.access = AccessToken::new(saved.access_token, saved.scope, saved.obtained_at, saved.expires_at);
        active.id_token = saved.id_token;
        active.refresh_scope = saved.refresh_scope;
        active.resource = saved.resource;
        Ok(Self { client, state: State::Active(Box::new(active)) })
    }
}

impl fmt::Debug for SavedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedSession")
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
