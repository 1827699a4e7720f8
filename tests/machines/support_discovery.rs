//! Servers that are known by their issuers, their metadata, and the logins that fetch it. With the feature `openid` the logins ask
//! for an ID token, and the clients check it. All logins are of seed 1.

use oauth_proto::{Action, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Event, Login};
use serde_json::{json, Value};

use super::{at, entropy, REDIRECT_URI};

pub const ISSUER: &str = "https://as.example.com";
pub const JWKS_URI: &str = "https://as.example.com/jwks";

pub fn request() -> AuthorizationRequest {
    AuthorizationRequest::new().scope(if cfg!(feature = "openid") { "openid read" } else { "read" })
}

pub fn builder(server: AuthorizationServer) -> ClientBuilder {
    let builder = Client::builder(server, "app", REDIRECT_URI).api_origin("https://api.example.com");
    #[cfg(feature = "openid")]
    let builder = builder.signature_verifier(crate::model::keys::Verifier);
    builder
}

pub fn issuer_only() -> Client {
    builder(AuthorizationServer::from_issuer(ISSUER).unwrap()).build().unwrap()
}

pub fn issuer_only_with_path() -> Client {
    builder(AuthorizationServer::from_issuer("https://as.example.com/t").unwrap()).build().unwrap()
}

/// The metadata of a server with keys for `EdDSA`.
pub fn metadata(issuer: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token",
        "revocation_endpoint": "https://as.example.com/revoke",
        "jwks_uri": JWKS_URI,
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "code_challenge_methods_supported": ["S256"],
    });
    change(&mut document);
    document.to_string()
}

/// A login that asks for the server's metadata.
pub fn discovering(client: Client) -> Login {
    let mut login = Login::new(client, request()).unwrap();
    let Ok(Action::SendRequest(_)) = login.handle(Event::Start(entropy(1)), at(0)) else { panic!("not started") };
    login
}
