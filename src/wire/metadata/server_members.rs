//! The members of a server's metadata, each by its own name.

use super::accessor::member;
use super::server::ServerMetadata;

/// # Members of RFC 8414 §2
impl ServerMetadata {
    member! {
        /// The authorization endpoint (RFC 6749 §3.1).
        endpoint authorization_endpoint
    }
    member! {
        /// The token endpoint (RFC 6749 §3.2).
        endpoint token_endpoint
    }
    member! {
        /// The URL of the server's keys (RFC 7517).
        endpoint jwks_uri
    }
    member! {
        /// The registration endpoint for clients (RFC 7591 §3).
        endpoint registration_endpoint
    }
    member! {
        /// Scopes that the server supports. It need not list all of them.
        texts scopes_supported
    }
    member! {
        /// The `response_type`s that the server supports.
        texts response_types_supported
    }
    member! {
        /// The `response_mode`s that the server supports; `query` and `fragment` if absent.
        texts response_modes_supported or "query", "fragment"
    }
    member! {
        /// The grant types that the server supports; `authorization_code` and `implicit` if absent.
        texts grant_types_supported or "authorization_code", "implicit"
    }
    member! {
        /// How clients may authenticate at the token endpoint; `client_secret_basic` if absent. Which of them a client with a
        /// secret uses: [`ClientBuilder::client_secret`](crate::ClientBuilder::client_secret).
        texts token_endpoint_auth_methods_supported or "client_secret_basic"
    }
    member! {
        /// The JWS algorithms of client assertions at the token endpoint.
        texts token_endpoint_auth_signing_alg_values_supported
    }
    member! {
        /// The URL of a page for developers. Untrusted: check it before it becomes a link.
        text service_documentation
    }
    member! {
        /// Languages of the server's pages, as BCP 47 tags.
        texts ui_locales_supported
    }
    member! {
        /// The URL of a page about how clients may use the server's data. Untrusted: check it before it becomes a link.
        text op_policy_uri
    }
    member! {
        /// The URL of the server's terms of service. Untrusted: check it before it becomes a link.
        text op_tos_uri
    }
    member! {
        /// The revocation endpoint (RFC 7009).
        endpoint revocation_endpoint
    }
    member! {
        /// How clients may authenticate at the revocation endpoint; `client_secret_basic` if absent.
        texts revocation_endpoint_auth_methods_supported or "client_secret_basic"
    }
    member! {
        /// The JWS algorithms of client assertions at the revocation endpoint.
        texts revocation_endpoint_auth_signing_alg_values_supported
    }
    member! {
        /// The introspection endpoint, where APIs ask about tokens (RFC 7662).
        endpoint introspection_endpoint
    }
    member! {
        /// How APIs may authenticate at the introspection endpoint.
        texts introspection_endpoint_auth_methods_supported
    }
    member! {
        /// The JWS algorithms of client assertions at the introspection endpoint.
        texts introspection_endpoint_auth_signing_alg_values_supported
    }
    member! {
        /// The PKCE methods that the server supports (RFC 7636 §4.3). A server that lists some but not `S256` is refused.
        texts code_challenge_methods_supported
    }
    member! {
        /// The same metadata as a signed JWT (RFC 8414 §2.1). The crate does not check it.
        text signed_metadata
    }
}

/// # Members of OpenID Connect Discovery 1.0 §3 and RP-Initiated Logout 1.0 §2.1
impl ServerMetadata {
    member! {
        /// The userinfo endpoint (OpenID Connect Core §5.3).
        endpoint userinfo_endpoint
    }
    member! {
        /// The endpoint at which the browser ends the user's session (RP-Initiated Logout 1.0 §2.1).
        endpoint end_session_endpoint
    }
    member! {
        /// The authentication context class references (`acr`) that the server supports.
        texts acr_values_supported
    }
    member! {
        /// The types of subject identifiers: `public`, `pairwise`.
        texts subject_types_supported
    }
    member! {
        /// The JWS algorithms of ID tokens.
        texts id_token_signing_alg_values_supported
    }
    member! {
        /// The JWE `alg` values of ID tokens.
        texts id_token_encryption_alg_values_supported
    }
    member! {
        /// The JWE `enc` values of ID tokens.
        texts id_token_encryption_enc_values_supported
    }
    member! {
        /// The JWS algorithms of userinfo.
        texts userinfo_signing_alg_values_supported
    }
    member! {
        /// The JWE `alg` values of userinfo.
        texts userinfo_encryption_alg_values_supported
    }
    member! {
        /// The JWE `enc` values of userinfo.
        texts userinfo_encryption_enc_values_supported
    }
    member! {
        /// The JWS algorithms of request objects.
        texts request_object_signing_alg_values_supported
    }
    member! {
        /// The JWE `alg` values of request objects.
        texts request_object_encryption_alg_values_supported
    }
    member! {
        /// The JWE `enc` values of request objects.
        texts request_object_encryption_enc_values_supported
    }
    member! {
        /// The `display` values that the server supports.
        texts display_values_supported
    }
    member! {
        /// The types of claims that the server supports; `normal` if absent.
        texts claim_types_supported or "normal"
    }
    member! {
        /// Claims that the server may return. It need not list all of them.
        texts claims_supported
    }
    member! {
        /// Languages of claims, as BCP 47 tags.
        texts claims_locales_supported
    }
    member! {
        /// Whether the server supports the parameter `claims`; false if absent.
        truth claims_parameter_supported or false
    }
    member! {
        /// Whether the server supports the parameter `request`; false if absent.
        truth request_parameter_supported or false
    }
    member! {
        /// Whether the server supports the parameter `request_uri`; true if absent.
        truth request_uri_parameter_supported or true
    }
    member! {
        /// Whether every `request_uri` must be registered; false if absent.
        truth require_request_uri_registration or false
    }
}

/// # Members of other specifications
impl ServerMetadata {
    member! {
        /// The endpoint for pushed authorization requests (RFC 9126 §5).
        endpoint pushed_authorization_request_endpoint
    }
    member! {
        /// The endpoint at which a device without a browser starts a login (RFC 8628 §4).
        endpoint device_authorization_endpoint
    }
    member! {
        /// The JWS algorithms of DPoP proofs (RFC 9449 §5.1).
        texts dpop_signing_alg_values_supported
    }
    member! {
        /// The JWS algorithms of introspection responses (RFC 9701 §7).
        texts introspection_signing_alg_values_supported
    }
    member! {
        /// The JWE `alg` values of introspection responses (RFC 9701 §7).
        texts introspection_encryption_alg_values_supported
    }
    member! {
        /// The JWE `enc` values of introspection responses (RFC 9701 §7).
        texts introspection_encryption_enc_values_supported
    }
    member! {
        /// Whether a client id may be the URL of a client's metadata document (draft-ietf-oauth-client-id-metadata-document);
        /// false if absent.
        truth client_id_metadata_document_supported or false
    }
    member! {
        /// The ways in which refresh tokens end, `authorization` and `token_timeout`
        /// (draft-ietf-oauth-refresh-token-expiration).
        texts refresh_token_expiration_types_supported
    }
    member! {
        /// The endpoint at which a first-party app logs a user in without a browser (draft-ietf-oauth-first-party-apps).
        endpoint authorization_challenge_endpoint
    }
}
