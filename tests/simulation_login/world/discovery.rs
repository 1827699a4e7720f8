//! Where the server's metadata is, what is in it, and in which order a client looks for it.

use oauth_proto::metadata::DiscoveryOrder;
use oauth_proto::AuthorizationServer;
use serde_json::json;

use super::plan::Plan;
use super::Endpoint;

pub const JWKS_URI: &str = "https://as.example/jwks";

pub fn issuer(plan: &Plan) -> &'static str {
    if plan.has_path {
        "https://as.example/tenant"
    } else {
        "https://as.example"
    }
}

/// The server as the client knows it at first.
pub fn server(plan: &Plan) -> AuthorizationServer {
    let server = if plan.discovers {
        AuthorizationServer::from_issuer(issuer(plan)).map(|server| server.discovery_order(plan.order))
    } else {
        AuthorizationServer::new("https://as.example/authorize", "https://as.example/token")
            .and_then(|server| server.issuer(issuer(plan)))
            .and_then(|server| server.jwks_uri(JWKS_URI))
    };
    server.unwrap()
}

/// Which of the well-known places is asked at a URL: the first, the second or the third.
pub fn endpoint(plan: &Plan, url: &str) -> Option<Endpoint> {
    let appended = format!("{}/.well-known/openid-configuration", issuer(plan));
    let inserted = |name: &str| {
        let path = if plan.has_path { "/tenant" } else { "" };
        format!("https://as.example/.well-known/{name}{path}")
    };
    let (oauth, openid) = (inserted("oauth-authorization-server"), inserted("openid-configuration"));
    let places = match plan.order {
        DiscoveryOrder::OAuthFirst => [oauth, openid, appended],
        _ => [appended, oauth, openid],
    };
    let place = places.iter().position(|place| *place == url).filter(|_| plan.discovers);
    place.map(|number| Endpoint::PLACES[number])
}

pub fn metadata(plan: &Plan) -> String {
    json!({
        "issuer": issuer(plan),
        "authorization_endpoint": "https://as.example/authorize",
        "token_endpoint": "https://as.example/token",
        "jwks_uri": JWKS_URI,
        "id_token_signing_alg_values_supported": ["EdDSA"],
    })
    .to_string()
}

pub fn metadata_of_another(plan: &Plan) -> String {
    metadata(plan).replace(issuer(plan), "https://other.example")
}
