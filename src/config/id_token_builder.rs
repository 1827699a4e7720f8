//! The settings of a client for ID tokens.

use alloc::sync::Arc;

use super::builder::ClientBuilder;
use super::id_token_settings::Verifier;
use crate::openid::signature::{Algorithm, SignatureVerifier};

impl ClientBuilder {
    /// Checks the signatures of ID tokens with this verifier, for example the platform's cryptography (feature `openid`). The
    /// default is [`RustCrypto`](crate::openid::RustCrypto), if the feature `rustcrypto` is on.
    pub fn signature_verifier(mut self, verifier: impl SignatureVerifier + 'static) -> Self {
        self.id_tokens.verifier = Verifier::Given(Arc::new(verifier));
        self
    }

    /// Has the app verify the signatures of ID tokens by an action, for cryptography that answers later (`WebCrypto`, a key
    /// management service; feature `openid`): a login returns [`Action::Verify`](crate::Action::Verify), a session
    /// [`Access::Verify`](crate::Access::Verify), and [`SignatureCheck`](crate::SignatureCheck) is what to verify. All other rules
    /// have been checked before. `algorithms` are those that the app can verify (RFC 8725 §3.1): a token with another one is refused.
    /// This takes the place of [`ClientBuilder::signature_verifier`].
    ///
    /// ```
    /// use oauth_proto::{Action, Algorithm, AuthorizationServer, Client, Error, Event, Login, UnixTime};
    /// # fn platform(_: oauth_proto::Algorithm, _: &str, _: &[u8], _: &[u8]) -> Result<bool, ()> { Ok(true) }
    ///
    /// let server = AuthorizationServer::from_issuer("https://tenant.auth0.com/")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
    ///     .verify_id_tokens_by_action(&[Algorithm::Rs256, Algorithm::Es256])
    ///     .build()?;
    ///
    /// /// One arm of the loop that drives the login.
    /// fn verify(login: &mut Login, action: Action, now: UnixTime) -> Result<Action, Error> {
    ///     let Action::Verify(check) = action else { return Ok(action) };
    ///     match platform(check.algorithm(), &check.jwk(), check.message(), check.signature()) {
    ///         Ok(is_valid) => login.handle(Event::Verified(check.id(), is_valid), now),
    ///         Err(_not_now) => login.handle(Event::VerifyFailed(check.id()), now),
    ///     }
    /// }
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn verify_id_tokens_by_action(mut self, algorithms: &[Algorithm]) -> Self {
        self.id_tokens.verifier = Verifier::Action(algorithms.into());
        self
    }

    /// Accepts ID tokens **without checking their signatures**, since they come from the token endpoint itself, over TLS (OpenID
    /// Connect Core §3.1.3.7 rule 6; feature `openid`). This is as secure as the HTTP stack's check of the server's certificate,
    /// and third parties cannot rely on such a token. All other rules apply.
    pub fn accept_id_tokens_on_tls_alone(mut self) -> Self {
        self.id_tokens.verifier = Verifier::TlsAlone;
        self
    }

    /// Sets the allowed signature algorithms of ID tokens (RFC 8725 §3.1; feature `openid`): those that the client is registered
    /// for (`id_token_signed_response_alg`). By default those in the server's metadata, or RS256 if it names none.
    pub fn id_token_algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.id_tokens.algorithms = Some(algorithms.into());
        self
    }

    /// Sets how many seconds the server's clock and this device's may differ, for ID tokens (feature `openid`): 60 by default, at
    /// most 300. ([`ClientBuilder::leeway_secs`] is for access tokens.)
    pub fn clock_leeway_secs(mut self, seconds: u64) -> Self {
        self.id_tokens.clock_leeway = seconds;
        self
    }

    /// Allows an audience in ID tokens besides this client (OpenID Connect Core §3.1.3.7 rule 3; feature `openid`); may be
    /// called several times. A token with any other audience is refused, whatever its `azp`.
    pub fn trusted_audience(mut self, audience: &str) -> Self {
        self.id_tokens.trusted_audiences.push(audience.into());
        self
    }

    /// Accepts an ID token **without a `nonce`** after a login that sent one, which OpenID Connect Core §3.1.3.7 rule 11 forbids
    /// (feature `openid`): for a server that is known to return none. PKCE gives the same protection: the code of another login
    /// is useless without its verifier (RFC 9700 §2.1.1). A `nonce` that is present must still be the login's.
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

    /// Sets the maximum age of the keys that check ID tokens, in seconds since the fetch (feature `openid`): 86,400 (a day) by
    /// default; 0 is refused. Older keys are fetched again first, so that a withdrawn key is not trusted for ever (OpenID Connect
    /// Core §10.1.1).
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
