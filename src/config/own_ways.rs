//! Settings for servers that deviate from a rule: each is off by default and named after its rule; none switches a check off.

use alloc::borrow::ToOwned;

use super::builder::ClientBuilder;

impl ClientBuilder {
    /// Reads a token response **without a `token_type`**, or with an empty one, as if it said `Bearer`: for a server that is
    /// known to send none, though RFC 6749 §5.1 requires it. A type that is present is still checked.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client};
    ///
    /// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
    ///     .missing_token_type_is_bearer()
    ///     .build()?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn missing_token_type_is_bearer(mut self) -> Self {
        self.exceptions.token_types.missing_is_bearer = true;
        self
    }

    /// Reads this `token_type`, compared without case, as `Bearer`; may be called several times. RFC 6749 §7.1 forbids using a
    /// token of an unknown type: this is for a server that documents its own name for a token to be sent as `Bearer` in the
    /// `Authorization` header (Slack's `bot` and `user`). `DPoP`, `PoP`, `N_A` and `mac` are refused: those tokens are of other
    /// kinds.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client};
    ///
    /// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// let builder = |server| Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback");
    /// assert!(builder(server.clone()).token_type_as_bearer("bot").token_type_as_bearer("user").build().is_ok());
    /// assert!(builder(server).token_type_as_bearer("DPoP").build().is_err());
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn token_type_as_bearer(mut self, token_type: &str) -> Self {
        self.exceptions.token_types.as_bearer.push(token_type.to_owned());
        self
    }

    /// Sends `client_id` **in the body as well** if the client authenticates by `client_secret_basic`, in token requests and
    /// revocations. The header contains it, and RFC 6749 §3.2.1 leaves this open: it is for a server that reads only the body.
    /// With other methods `client_id` is in the body anyway.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client};
    ///
    /// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// let client = Client::builder(server, "s6BhdRkqt3", "https://app.example.com/callback")
    ///     .client_secret_basic("7Fjfp0ZBr1KtDRbnfVdmIw")
    ///     .client_id_in_body()
    ///     .build()?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn client_id_in_body(mut self) -> Self {
        self.exceptions.client_id_in_body = true;
        self
    }
}
