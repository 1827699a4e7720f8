//! What a login hands on to the session: the ID token, the keys that checked it, and the discovered server.

#[cfg(feature = "openid")]
use alloc::sync::Arc;

use crate::config::client::Client;
#[cfg(feature = "openid")]
use crate::openid::id_token::token::IdToken;
#[cfg(feature = "openid")]
use crate::openid::keys::KeySet;
#[cfg(feature = "openid")]
use crate::secret::Secret;
use crate::time::UnixTime;

/// What a login has found out about user and server.
#[derive(Clone)]
pub(crate) struct Identity {
    /// The client with the server's endpoints, which may be discovered.
    pub client: Option<Client>,
    #[cfg(feature = "openid")]
    pub id_token: Option<IdToken>,
    /// The `nonce` of the login, which ID tokens of later refreshes may repeat (OpenID Connect Core §12.2).
    #[cfg(feature = "openid")]
    pub nonce: Option<Secret>,
    #[cfg(feature = "openid")]
    pub keys: Option<Arc<KeySet>>,
    /// Seconds that the server's clock is ahead of this device's.
    #[cfg(feature = "openid")]
    pub clock_offset: Option<i64>,
}

impl Identity {
    /// For a login without `openid`, or tokens without a login.
    pub(crate) fn unknown(client: Option<Client>) -> Self {
        Self {
            #[cfg(feature = "openid")]
            id_token: None,
            #[cfg(feature = "openid")]
            nonce: None,
            #[cfg(feature = "openid")]
            keys: client.as_ref().and_then(Client::own_keys).cloned(),
            #[cfg(feature = "openid")]
            clock_offset: None,
            client,
        }
    }

    #[cfg(feature = "openid")]
    pub(crate) fn with(self, id_token: IdToken, keys: Option<Arc<KeySet>>) -> Self {
        Self { nonce: id_token.nonce().cloned(), id_token: Some(id_token), keys, ..self }
    }

    /// When the session ends by the ID token, regardless of refreshes.
    #[cfg_attr(not(feature = "openid"), expect(clippy::unused_self))]
    pub(crate) fn session_expiry(&self) -> Option<UnixTime> {
        #[cfg(feature = "openid")]
        return self.id_token.as_ref().and_then(IdToken::session_expiry);
        #[cfg(not(feature = "openid"))]
        None
    }

    /// The client to use the tokens with: the app's, with what the login has found out about the server. Tokens of another client
    /// or server stay with the client that got them.
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
