//! What a client has for OpenID Connect: how ID tokens are checked, and what was found at the server before.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Client, ClientBuilder, Inner};
use crate::config_error::ConfigError;
use crate::openid::id_token::{Rules, Unverified};
use crate::openid::policy::{Policy, Verifier};
use crate::openid::{Algorithm, IdTokenError, KeySet, ServerMetadata, SignatureVerifier};
use crate::restore::RestoreError;

#[derive(Clone)]
pub(super) struct OpenId {
    policy: Result<Policy, ConfigError>,
    /// How the client was set up, if its server's endpoints are to be found.
    builder: Option<Box<ClientBuilder>>,
    metadata: Option<Arc<ServerMetadata>>,
    keys: Option<Arc<KeySet>>,
    max_key_age: u64,
    trusted_audiences: Vec<String>,
}

impl OpenId {
    pub(super) fn new(builder: &ClientBuilder) -> Result<Self, ConfigError> {
        builder.openid.check()?;
        let to_be_found = !builder.server.has_endpoints();
        Ok(Self {
            policy: builder.openid.policy(&builder.server),
            builder: to_be_found.then(|| Box::new(builder.clone())),
            metadata: None,
            keys: None,
            max_key_age: builder.openid.max_key_age,
            trusted_audiences: builder.openid.trusted_audiences.clone(),
        })
    }
}

impl Client {
    /// This client with metadata of its server that was fetched before, so that a login does not ask for it (feature
    /// `openid`). How old it may be is the app's to decide; a day is usual.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] for another issuer's metadata, and for a client whose server was not set up with
    /// [`AuthorizationServer::from_issuer`](crate::AuthorizationServer::from_issuer); as
    /// [`AuthorizationServer::from_metadata`](crate::AuthorizationServer::from_metadata) for metadata that does not do.
    pub fn with_metadata(&self, metadata: &ServerMetadata) -> Result<Self, ConfigError> {
        let builder = self.0.openid.builder.as_ref().ok_or(ConfigError::Issuer {
            problem: "is not what the client was set up with: make the server with AuthorizationServer::from_issuer",
        })?;
        let mut found = ClientBuilder::clone(builder);
        found.server = builder.server.discovered(metadata)?;
        let mut inner = Arc::unwrap_or_clone(found.build()?.0);
        inner.openid.builder = Some(builder.clone());
        inner.openid.metadata = Some(Arc::new(metadata.clone()));
        inner.openid.keys.clone_from(&self.0.openid.keys);
        Ok(Self(Arc::new(inner)))
    }

    /// This client with the metadata that a login was saved with: one login is with one server as it was, whatever the client
    /// has been given since.
    pub(crate) fn of_saved_login(self, metadata: &ServerMetadata) -> Result<Self, RestoreError> {
        if self.0.openid.builder.is_some() {
            return self.with_metadata(metadata).map_err(|_| RestoreError::Malformed);
        }
        // The app has set the endpoints up by hand meanwhile: the user must have been sent to the very same.
        let own = self.server();
        let found = own.discovered(metadata).map_err(|_| RestoreError::Malformed)?;
        let is_same =
            found.authorization_endpoint == own.authorization_endpoint && found.token_endpoint == own.token_endpoint;
        is_same.then_some(self).ok_or(RestoreError::OtherClient)
    }

    /// The metadata that the client goes by, if it was fetched: worth storing (feature `openid`).
    pub fn metadata(&self) -> Option<&ServerMetadata> {
        self.0.openid.metadata.as_deref()
    }

    /// This client with keys of its server that were fetched before (feature `openid`). For an ID token that they do not check, they
    /// are fetched again: once by a login, however young they are; by a session not if they are younger than
    /// [`KeySet::REFETCH_SECS`]. Those of another `jwks_uri` are not used, nor those that are older than
    /// [`ClientBuilder::max_key_age_secs`].
    #[must_use]
    pub fn with_keys(&self, keys: KeySet) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.openid.keys = Some(Arc::new(keys));
        Self(Arc::new(inner))
    }

    /// The keys that the client was given (feature `openid`). Those of a login, which may be newer, are in
    /// [`Tokens::keys`](crate::Tokens::keys).
    pub fn keys(&self) -> Option<&KeySet> {
        self.0.openid.keys.as_deref()
    }

    /// The keys that the client was given, if they are of its server.
    pub(crate) fn own_keys(&self) -> Option<&Arc<KeySet>> {
        let jwks_uri = self.server().jwks_uri.as_deref();
        self.0.openid.keys.as_ref().filter(|keys| Some(keys.jwks_uri()) == jwks_uri)
    }

    /// How old keys may be that an ID token is checked with, in seconds.
    pub(crate) fn max_key_age(&self) -> u64 {
        self.0.openid.max_key_age
    }

    /// What an ID token is held to, whatever login it comes of; or why there can be none.
    pub(crate) fn id_token_rules(&self) -> Result<Rules<'_>, ConfigError> {
        let policy = self.0.openid.policy.as_ref().map_err(Clone::clone)?;
        Ok(policy.rules(self.id_token_parties()))
    }

    /// Whose ID tokens are believed, and for whom they are. That is known whatever else is not.
    pub(crate) fn id_token_parties(&self) -> Rules<'_> {
        Rules::new(self.server().issuer.as_deref().unwrap_or_default(), self.client_id())
            .issuer_template(self.server().template.as_ref())
            .trusted_audiences(&self.0.openid.trusted_audiences)
    }

    /// The last check of an ID token: who signed it.
    pub(crate) fn verify_id_token(&self, unverified: &Unverified, keys: Option<&KeySet>) -> Result<(), IdTokenError> {
        let policy = self.0.openid.policy.as_ref().map_err(|_| IdTokenError::KeyNotFound)?;
        policy.verify(unverified, keys)
    }
}

impl ClientBuilder {
    /// Checks the signatures of ID tokens by a platform's own cryptography, for example (feature `openid`). By default it is
    /// [`RustCrypto`](crate::openid::RustCrypto), if the feature `rustcrypto` is on.
    pub fn signature_verifier(mut self, verifier: impl SignatureVerifier + 'static) -> Self {
        self.openid.verifier = Verifier::Given(Arc::new(verifier));
        self
    }

    /// Accepts ID tokens **without checking their signatures**, since they come from the token endpoint itself, over TLS
    /// (OpenID Connect Core §3.1.3.7 rule 6; feature `openid`). It is as good as the HTTP stack's check of the server's
    /// certificate, and nobody else can rely on such a token. All other rules hold.
    pub fn accept_id_tokens_on_tls_alone(mut self) -> Self {
        self.openid.verifier = Verifier::TlsAlone;
        self
    }

    /// The algorithms that ID tokens may be signed with (RFC 8725 §3.1; feature `openid`): what the client is registered for
    /// (`id_token_signed_response_alg`). By default they are those that the server's metadata names, and RS256 if it names none.
    pub fn id_token_algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.openid.algorithms = Some(algorithms.into());
        self
    }

    /// By how many seconds the server's clock and this one may differ, for ID tokens (feature `openid`): 60 by default, 300
    /// at most. (How early access tokens are refreshed is [`ClientBuilder::leeway_secs`].)
    pub fn clock_leeway_secs(mut self, seconds: u64) -> Self {
        self.openid.clock_leeway = seconds;
        self
    }

    /// An audience that an ID token may name beside this client (OpenID Connect Core §3.1.3.7 rule 3; feature `openid`); may
    /// be called several times. A token that names any other is refused, whatever its `azp` says.
    pub fn trusted_audience(mut self, audience: &str) -> Self {
        self.openid.trusted_audiences.push(audience.into());
        self
    }

    /// Takes an ID token **without a `nonce`** after a login that sent one, which OpenID Connect Core §3.1.3.7 rule 11 forbids
    /// (feature `openid`): for a server that is known to return none. What the nonce protects against PKCE does as well: a code
    /// of another login is no use without the verifier (RFC 9700 §2.1.1). A `nonce` that is there must be the login's all the
    /// same.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client};
    ///
    /// let server = AuthorizationServer::from_issuer("https://as.example.com")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback").id_tokens_may_lack_nonce().build()?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn id_tokens_may_lack_nonce(mut self) -> Self {
        self.openid.may_lack_nonce = true;
        self
    }

    /// How old keys may be that ID tokens are checked with, in seconds since they were fetched (feature `openid`): 86,400 by
    /// default, a day. Older ones are fetched again first, so that a key which the server has withdrawn is not believed for
    /// ever (OpenID Connect Core §10.1.1). 0 is refused.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client};
    ///
    /// let server = AuthorizationServer::from_issuer("https://as.example.com")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback").max_key_age_secs(3600).build()?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn max_key_age_secs(mut self, seconds: u64) -> Self {
        self.openid.max_key_age = seconds;
        self
    }
}
