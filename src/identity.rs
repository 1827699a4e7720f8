//! Who logged in, as the login hands it to the session: the ID token, the keys that checked it, and the server that was found.
//!
//! Without the feature `openid` there is nothing in it (`identity_off.rs` takes this file's place), so that the machines
//! compile to what they would be if there were no OpenID Connect.

use alloc::sync::Arc;

use crate::client::Client;
use crate::openid::{IdToken, KeySet};
use crate::secret::Secret;
use crate::time::UnixTime;

/// What a login found out about the user.
#[derive(Clone)]
pub(crate) struct Identity {
    /// With the server's endpoints, which may have been discovered.
    pub client: Option<Client>,
    pub id_token: Option<IdToken>,
    /// The `nonce` of the login, which the ID tokens of later refreshes may repeat (OpenID Connect Core §12.2).
    pub nonce: Option<Secret>,
    pub keys: Option<Arc<KeySet>>,
    /// By how many seconds the server's clock is ahead of this device's.
    pub clock_offset: Option<i64>,
}

impl Identity {
    /// Of a login without `openid`, or of tokens from elsewhere.
    pub(crate) fn unknown(client: Option<Client>) -> Self {
        let keys = client.as_ref().and_then(Client::own_keys).cloned();
        Self { client, id_token: None, nonce: None, keys, clock_offset: None }
    }

    pub(crate) fn with(self, id_token: IdToken, keys: Option<Arc<KeySet>>) -> Self {
        Self { nonce: id_token.nonce().cloned(), id_token: Some(id_token), keys, ..self }
    }

    /// When the ID token says that the session ends, whatever is refreshed until then.
    pub(crate) fn session_expiry(&self) -> Option<UnixTime> {
        self.id_token.as_ref().and_then(IdToken::session_expiry)
    }

    /// The client that the tokens are used with: the app's, with what the login has found out about the server. Tokens of
    /// another client or server stay with the client that got them.
    pub(crate) fn client_with_findings(&self, client: Client) -> Client {
        match &self.client {
            Some(own) if own.session_fingerprint() != client.session_fingerprint() => own.clone(),
            Some(own) if !client.has_endpoints() => {
                own.metadata().and_then(|metadata| client.with_metadata(metadata).ok()).unwrap_or(client)
            }
            _ => client,
        }
    }
}
