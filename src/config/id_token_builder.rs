//! How a client is set up for ID tokens.

use alloc::sync::Arc;

use super::builder::ClientBuilder;
use super::id_token_settings::Verifier;
use crate::openid::signature::{Algorithm, SignatureVerifier};

impl ClientBuilder {
    /// Checks the signatures of ID tokens by a platform's own cryptography, for example (feature `openid`). By default it is
    /// [`RustCrypto`](crate::openid::RustCrypto), if the feature `rustcrypto` is on.
    pub fn signature_verifier(mut self, verifier: impl SignatureVerifier + 'static) -> Self {
        self.id_tokens.verifier = Verifier::Given(Arc::new(verifier));
        self
    }

    /// Accepts ID tokens **without checking their signatures**, since they come from the token endpoint itself, over TLS
    /// (OpenID Connect Core §3.1.3.7 rule 6; feature `openid`). It is as good as the HTTP stack's check of the server's
    /// certificate, and nobody else can rely on such a token. All other rules hold.
    pub fn accept_id_tokens_on_tls_alone(mut self) -> Self {
        self.id_tokens.verifier = Verifier::TlsAlone;
        self
    }

    /// The algorithms that ID tokens may be signed with (RFC 8725 §3.1; feature `openid`): what the client is registered for
    /// (`id_token_signed_response_alg`). By default they are those that the server's metadata names, and RS256 if it names none.
    pub fn id_token_algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.id_tokens.algorithms = Some(algorithms.into());
        self
    }

    /// By how many seconds the server's clock and this one may differ, for ID tokens (feature `openid`): 60 by default, 300
    /// at most. (How early access tokens are refreshed is [`ClientBuilder::leeway_secs`].)
    pub fn clock_leeway_secs(mut self, seconds: u64) -> Self {
        self.id_tokens.clock_leeway = seconds;
        self
    }

    /// An audience that an ID token may name beside this client (OpenID Connect Core §3.1.3.7 rule 3; feature `openid`); may
    /// be called several times. A token that names any other is refused, whatever its `azp` says.
    pub fn trusted_audience(mut self, audience: &str) -> Self {
        self.id_tokens.trusted_audiences.push(audience.into());
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
        self.id_tokens.may_lack_nonce = true;
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
        self.id_tokens.max_key_age = seconds;
        self
    }
}
