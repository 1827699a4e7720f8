//! What one login is about: the client and the request, and whether they go together.

use alloc::sync::Arc;

use crate::config::client::Client;
use crate::error::config::ConfigError;
use crate::wire::authorization::AuthorizationRequest;

/// The rules of one login, shared: what its states are read with.
pub(super) struct Rules<'a> {
    pub client: &'a Client,
    pub request: &'a Arc<AuthorizationRequest>,
}

impl Rules<'_> {
    /// Whether the server can do what is asked for, as far as is known, and the client can deal with the answer.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (client, server) = (self.client, self.client.server());
        if let Some(name) = client.server_query_names().iter().find(|name| self.request.sends(name)) {
            return Err(ConfigError::parameter(
                name,
                "is in the authorization endpoint's own query already: remove one",
            ));
        }
        if let Some((name, problem)) = server.demands {
            return Err(ConfigError::Metadata { name, problem });
        }
        // Servers leave out what nobody has to ask for: `query` is the default of the code flow.
        if let Some(modes) = &server.response_modes {
            if self.request.value("response_mode").is_some_and(|mode| !modes.contains(&mode)) {
                return Err(ConfigError::Metadata {
                    name: "response_modes_supported",
                    problem: "does not name the response mode that is asked for (RFC 8414 section 2): ask for another one",
                });
            }
        }
        self.check_openid()
    }

    /// Whether an ID token can be checked if one is asked for.
    #[cfg(feature = "openid")]
    fn check_openid(&self) -> Result<(), ConfigError> {
        if self.request.asks_for_openid() {
            self.client.id_token_rules()?;
        } else if self.request.requires_acr() {
            return Err(ConfigError::parameter(
                "acr_values",
                "are required, which an ID token must tell: ask for the scope openid",
            ));
        }
        Ok(())
    }

    #[cfg(not(feature = "openid"))]
    fn check_openid(&self) -> Result<(), ConfigError> {
        if self.request.asks_for_openid() {
            return Err(ConfigError::parameter(
                "scope",
                "has openid: turn on the feature openid, which checks ID tokens",
            ));
        }
        Ok(())
    }
}
