//! What a client has for ID tokens: the keys that were found at the server before, and the rules it holds ID tokens to.

use alloc::sync::Arc;

use super::client::{Client, Inner};
use crate::error::config::ConfigError;
use crate::error::id_token::IdTokenError;
use crate::openid::id_token::{Rules, Unverified};
use crate::openid::keys::KeySet;

impl Client {
    /// This client with keys of its server that were fetched before (feature `openid`). For an ID token that they do not check, they
    /// are fetched again: once by a login, however young they are; by a session not if they are younger than
    /// [`KeySet::REFETCH_SECS`]. Those of another `jwks_uri` are not used, nor those that are older than
    /// [`ClientBuilder::max_key_age_secs`].
    #[must_use]
    pub fn with_keys(&self, keys: KeySet) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.keys = Some(Arc::new(keys));
        Self(Arc::new(inner))
    }

    /// The keys that the client was given (feature `openid`). Those of a login, which may be newer, are in
    /// [`Tokens::keys`](crate::Tokens::keys).
    pub fn keys(&self) -> Option<&KeySet> {
        self.0.keys.as_deref()
    }

    /// The keys that the client was given, if they are of its server.
    pub(crate) fn own_keys(&self) -> Option<&Arc<KeySet>> {
        let jwks_uri = self.server().jwks_uri.as_deref();
        self.0.keys.as_ref().filter(|keys| Some(keys.jwks_uri()) == jwks_uri)
    }

    /// Where the server's keys are.
    pub(crate) fn jwks_uri(&self) -> &str {
        self.server().jwks_uri.as_deref().unwrap_or_default()
    }

    /// How old keys may be that an ID token is checked with, in seconds.
    pub(crate) fn max_key_age(&self) -> u64 {
        self.0.max_key_age
    }

    /// What an ID token is held to, whatever login it comes of; or why there can be none.
    pub(crate) fn id_token_rules(&self) -> Result<Rules<'_>, ConfigError> {
        let policy = self.0.id_tokens.as_ref().map_err(Clone::clone)?;
        Ok(policy.rules(self.id_token_parties()))
    }

    /// Whose ID tokens are believed, and for whom they are. That is known whatever else is not.
    pub(crate) fn id_token_parties(&self) -> Rules<'_> {
        Rules::new(self.server().issuer.as_deref().unwrap_or_default(), self.client_id())
            .issuer_template(self.server().template.as_ref())
            .trusted_audiences(&self.0.trusted_audiences)
    }

    /// The last check of an ID token: who signed it.
    pub(crate) fn verify_id_token(&self, unverified: &Unverified, keys: Option<&KeySet>) -> Result<(), IdTokenError> {
        let policy = self.0.id_tokens.as_ref().map_err(|_| IdTokenError::KeyNotFound)?;
        policy.verify(unverified, keys)
    }
}
