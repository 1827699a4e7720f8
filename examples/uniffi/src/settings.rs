//! What the app sets up once.

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, ConfigError};

/// Client, server and what to ask the user for.
#[derive(uniffi::Record)]
pub struct Settings {
    /// The server's issuer identifier, exactly as the server writes it.
    pub issuer: String,
    /// The client's id at the server.
    pub client_id: String,
    /// Where the browser returns to after a login.
    pub redirect_uri: String,
    /// Tokens separated by spaces: `openid profile offline_access`.
    pub scope: String,
    /// The API that the access token is for, if the server asks for that (Auth0).
    #[uniffi(default = None)]
    pub audience: Option<String>,
    /// The origins that access tokens may be sent to.
    #[uniffi(default = [])]
    pub api_origins: Vec<String>,
    /// Where the browser returns to after a logout.
    #[uniffi(default = None)]
    pub post_logout_redirect_uri: Option<String>,
    /// For tests: plain http at loopback addresses.
    #[uniffi(default = false)]
    pub insecure_loopback: bool,
}

impl Settings {
    pub(crate) fn client(&self) -> Result<Client, ConfigError> {
        let server = if self.insecure_loopback {
            AuthorizationServer::from_issuer_on_insecure_loopback(&self.issuer)?
        } else {
            AuthorizationServer::from_issuer(&self.issuer)?
        };
        let client = Client::builder(server, &self.client_id, &self.redirect_uri);
        let client = self.api_origins.iter().fold(client, |client, origin| client.api_origin(origin));
        match &self.post_logout_redirect_uri {
            Some(uri) => client.post_logout_redirect_uri(uri).build(),
            None => client.build(),
        }
    }

    pub(crate) fn request(&self) -> AuthorizationRequest {
        let request = AuthorizationRequest::new().scope(&self.scope);
        self.audience.iter().fold(request, |request, audience| request.audience(audience))
    }
}
