//! The members of an API's metadata, each by its own name.

use super::accessor::member;
use super::resource::ResourceMetadata;

/// # Members of RFC 9728 §2
impl ResourceMetadata {
    member! {
        /// The ways in which the resource accepts a token (RFC 6750 §2): `header`, `body`, `query`. This crate uses the header.
        texts bearer_methods_supported
    }
    member! {
        /// The URL of the resource's own keys (RFC 7517).
        endpoint jwks_uri
    }
    member! {
        /// The name of the resource, for the user to read. Untrusted: never render it as HTML.
        text resource_name
    }
    member! {
        /// The URL of a page for developers. Untrusted: check it before it becomes a link.
        text resource_documentation
    }
    member! {
        /// The URL of a page about how clients may use the resource's data. Untrusted: check it before it becomes a link.
        text resource_policy_uri
    }
    member! {
        /// The URL of the resource's terms of service. Untrusted: check it before it becomes a link.
        text resource_tos_uri
    }
    member! {
        /// The JWS algorithms of the resource's signed responses.
        texts resource_signing_alg_values_supported
    }
    member! {
        /// Whether access tokens are bound to the client's TLS certificate (RFC 8705 §3); false if absent.
        truth tls_client_certificate_bound_access_tokens or false
    }
    member! {
        /// The types of authorization details that the resource knows (RFC 9396 §2).
        texts authorization_details_types_supported
    }
    member! {
        /// The JWS algorithms of DPoP proofs.
        texts dpop_signing_alg_values_supported
    }
    member! {
        /// Whether the resource accepts only tokens that are bound to a DPoP key (RFC 9449); false if absent.
        truth dpop_bound_access_tokens_required or false
    }
    member! {
        /// The metadata once more, as a signed JWT (RFC 9728 §2.2). Nothing here checks it.
        text signed_metadata
    }
}
