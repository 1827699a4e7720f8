//! The endpoints of an OpenID provider: metadata, keys and userinfo. ID tokens are in `id_token`.

use axum::extract::State;
use axum::http::{header, HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::Json;
use serde_json::json;

use super::grants::{has, SCOPES};
use super::id_token::subject;
use super::{bearer, insufficient_scope, without_nulls, Shared, NO_STORE};

/// Neither changes while the server runs.
const CACHEABLE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=3600")];

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §3 and §4; RFC 8414; RFC 9207 §3).
pub async fn configuration(State(shared): State<Shared>) -> Response {
    let issuer = &shared.0.issuer;
    let url = |path: &str| format!("{issuer}{path}");
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": url("/authorize"),
        "token_endpoint": url("/token"),
        "jwks_uri": url("/jwks"),
        "userinfo_endpoint": url("/userinfo"),
        "revocation_endpoint": url("/revoke"),
        "end_session_endpoint": url("/logout"),
        "scopes_supported": SCOPES,
        "claims_supported": ["sub", "name", "email", "email_verified", "auth_time"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
    });
    (CACHEABLE, Json(metadata)).into_response()
}

/// `GET /jwks` (RFC 7517 §5).
pub async fn jwks(State(shared): State<Shared>) -> Response {
    (CACHEABLE, Json(shared.0.signer.jwks())).into_response()
}

/// `GET /userinfo` (OpenID Connect Core 1.0 §5.3).
pub async fn userinfo(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let caller = match bearer(&shared, &headers) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    if !has(&caller.scope, "openid") {
        return insufficient_scope("openid");
    }
    let sub = subject(&caller.user);
    let (profile, email) = (has(&caller.scope, "profile"), has(&caller.scope, "email"));
    let claims = json!({
        "sub": sub,
        "name": profile.then_some(&caller.user),
        "email": email.then(|| format!("{sub}@example.com")),
        "email_verified": email.then_some(false),
    });
    (NO_STORE, Json(without_nulls(claims))).into_response()
}
