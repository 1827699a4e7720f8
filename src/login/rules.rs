//! Client and request of one login, and the check that they fit together.

use alloc::sync::Arc;

use crate::config::client::Client;
use crate::error::config::ConfigError;
use crate::wire::authorization::AuthorizationRequest;

/// Client and request of one login, shared by its states.
pub(super) struct Rules<'a> {
    pub client: &'a Client,
    pub request: &'a Arc<AuthorizationRequest>,
}

impl Rules<'_> {
    /// Checks that the server supports the request, as far as is known, and that the client can handle the response.
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
        // Servers may not list `query`, the default of the code flow, which need not be requested.
        if let Some(modes) = &server.response_modes {
            if self.request.value("response_mode").is_some_and(|mode| !modes.contains(&mode)) {
                return Err(ConfigError::Metadata {
                    name: "response_modes_supported",
                    problem:
                        "does not name the response mode that is asked for (RFC 8414 section 2): ask for another one",
                });
            }
        }
        self.check_openid()
    }

    /// Checks that an ID token can be verified, if one is requested.
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
