//! A client's keys from earlier fetches, and its rules for ID tokens.

use alloc::sync::Arc;

use super::client::{Client, Inner};
use super::id_token_settings::{IdTokenPolicy, Signature};
use crate::error::config::ConfigError;
use crate::error::id_token::IdTokenError;
use crate::openid::id_token::rules::Rules;
use crate::openid::id_token::unverified::Unverified;
use crate::openid::keys::KeySet;

impl Client {
    /// Returns this client with keys of its server from an earlier fetch (feature `openid`). If none of them verifies an ID
    /// token, a login fetches them again once, a session only if they are older than [`KeySet::REFETCH_SECS`]. Keys of another
    /// `jwks_uri`, or older than [`ClientBuilder::max_key_age_secs`](crate::ClientBuilder::max_key_age_secs), are not used.
    #[must_use]
    pub fn with_keys(&self, keys: KeySet) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.keys = Some(Arc::new(keys));
        Self(Arc::new(inner))
    }

    /// The keys that the client was given (feature `openid`). A login's keys, which may be newer, are in
    /// [`Tokens::keys`](crate::Tokens::keys).
    pub fn keys(&self) -> Option<&KeySet> {
        self.0.keys.as_deref()
    }

    /// The keys that the client was given, if they are its server's.
    pub(crate) fn own_keys(&self) -> Option<&Arc<KeySet>> {
        let jwks_uri = self.server().jwks_uri.as_deref();
        self.0.keys.as_ref().filter(|keys| Some(keys.jwks_uri()) == jwks_uri)
    }

    /// The URL of the server's keys.
    pub(crate) fn jwks_uri(&self) -> &str {
        self.server().jwks_uri.as_deref().unwrap_or_default()
    }

    /// The maximum age of keys that check an ID token, in seconds.
    pub(crate) fn max_key_age(&self) -> u64 {
        self.0.max_key_age
    }

    /// The rules for ID tokens of any login, or why they cannot be checked.
    pub(crate) fn id_token_rules(&self) -> Result<Rules<'_>, ConfigError> {
        let policy = self.0.id_tokens.as_ref().map_err(Clone::clone)?;
        Ok(policy.rules(self.id_token_parties()))
    }

    /// The accepted issuers and audiences of ID tokens: known even if the other rules are not.
    pub(crate) fn id_token_parties(&self) -> Rules<'_> {
        Rules::new(self.server().issuer.as_deref().unwrap_or_default(), self.client_id())
            .issuer_template(self.server().template.as_ref())
            .trusted_audiences(&self.0.trusted_audiences)
    }

    /// Whether the app verifies the signatures of ID tokens by an action.
    pub(crate) fn verifies_by_action(&self) -> bool {
        self.0.id_tokens.as_ref().is_ok_and(IdTokenPolicy::verifies_by_action)
    }

    /// Checks the signature of an ID token, after all other rules.
    pub(crate) fn verify_id_token(
        &self,
        unverified: &Unverified,
        keys: Option<&KeySet>,
    ) -> Result<Signature, IdTokenError> {
        let policy = self.0.id_tokens.as_ref().map_err(|_| IdTokenError::KeyNotFound)?;
        policy.verify(unverified, keys)
    }
}
