//! The server as the client knows it: by its endpoints, or by its issuer alone, and then by the metadata that it has.

use oauth_proto::metadata::DiscoveryOrder;
use oauth_proto::AuthorizationServer;
use serde_json::json;

use super::plan::Plan;
use super::Endpoint;

pub const JWKS_URI: &str = "https://as.example/jwks";
const ALGORITHM: &str = "EdDSA";

pub fn issuer(plan: &Plan) -> &'static str {
    if plan.has_path {
        "https://as.example/tenant"
    } else {
        "https://as.example"
    }
}

pub fn server(plan: &Plan) -> AuthorizationServer {
    if plan.discovers {
        return AuthorizationServer::from_issuer(issuer(plan)).unwrap().discovery_order(plan.order);
    }
    let server = AuthorizationServer::new("https://as.example/authorize", "https://as.example/token");
    let server = server.and_then(|server| server.issuer(issuer(plan)));
    server.and_then(|server| server.jwks_uri(JWKS_URI)).unwrap().id_token_signing_alg_values_supported(&[ALGORITHM])
}

/// What is asked at a URL.
pub fn endpoint(plan: &Plan, url: &str) -> Option<Endpoint> {
    let appended = format!("{}/.well-known/openid-configuration", issuer(plan));
    let path = if plan.has_path { "/tenant" } else { "" };
    let [oauth, inserted] = ["oauth-authorization-server", "openid-configuration"]
        .map(|name| format!("https://as.example/.well-known/{name}{path}"));
    let places = match plan.order {
        DiscoveryOrder::OAuthFirst => [oauth, inserted, appended],
        _ => [appended, oauth, inserted],
    };
    let place = places.iter().position(|place| *place == url).filter(|_| plan.discovers);
    let keys = || (url == JWKS_URI && plan.identity.needs_keys()).then_some(Endpoint::Keys);
    place.map(|number| Endpoint::PLACES[number]).or_else(keys)
}

pub fn metadata(plan: &Plan) -> String {
    json!({
        "issuer": issuer(plan),
        "authorization_endpoint": "https://as.example/authorize",
        "token_endpoint": "https://as.example/token",
        "jwks_uri": JWKS_URI,
        "id_token_signing_alg_values_supported": [ALGORITHM],
    })
    .to_string()
}

pub fn metadata_of_another(plan: &Plan) -> String {
    metadata(plan).replace(issuer(plan), "https://other.example")
}
