//! The members of a server's metadata, each by its own name.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::server::ServerMetadata;
use crate::error::config::ConfigError;

/// One accessor, named like its member. The kinds: `endpoint` is a URL that requests go to, `text` any other text, `texts` a list of
/// them, perhaps with the specification's default for an absent one, `truth` a boolean with its default.
macro_rules! member {
    ($(#[$doc:meta])* endpoint $name:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Endpoint`] unless it is an absolute https URL, [`ConfigError::Metadata`] if it is no text.
        pub fn $name(&self) -> Result<Option<String>, ConfigError> {
            self.kept.endpoint(stringify!($name), self.transport())
        }
    };
    ($(#[$doc:meta])* text $name:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`] if it is no text.
        pub fn $name(&self) -> Result<Option<String>, ConfigError> {
            self.kept.text_of(stringify!($name))
        }
    };
    ($(#[$doc:meta])* texts $name:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`] if it is no list.
        pub fn $name(&self) -> Result<Option<Vec<String>>, ConfigError> {
            self.kept.texts(stringify!($name))
        }
    };
    ($(#[$doc:meta])* texts $name:ident or $($default:literal),+) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`] if it is no list.
        pub fn $name(&self) -> Result<Vec<String>, ConfigError> {
            Ok(self.kept.texts(stringify!($name))?.unwrap_or_else(|| vec![$($default.into()),+]))
        }
    };
    ($(#[$doc:meta])* truth $name:ident or $default:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`] if it is no boolean.
        pub fn $name(&self) -> Result<bool, ConfigError> {
            Ok(self.kept.truth(stringify!($name))?.unwrap_or($default))
        }
    };
}

/// # Members of RFC 8414 §2
impl ServerMetadata {
    member! {
        /// Where the user is sent to log in (RFC 6749 §3.1).
        endpoint authorization_endpoint
    }
    member! {
        /// Where codes and refresh tokens are exchanged (RFC 6749 §3.2).
        endpoint token_endpoint
    }
    member! {
        /// The server's keys (RFC 7517).
        endpoint jwks_uri
    }
    member! {
        /// Where clients register themselves (RFC 7591 §3).
        endpoint registration_endpoint
    }
    member! {
        /// Scopes that the server knows. It need not list all of them.
        texts scopes_supported
    }
    member! {
        /// The `response_type`s that the server supports.
        texts response_types_supported
    }
    member! {
        /// The `response_mode`s that the server supports; `query` and `fragment` if it does not say.
        texts response_modes_supported or "query", "fragment"
    }
    member! {
        /// The grant types that the server supports; `authorization_code` and `implicit` if it does not say.
        texts grant_types_supported or "authorization_code", "implicit"
    }
    member! {
        /// How clients may authenticate at the token endpoint; `client_secret_basic` if the server does not say. Which of them
        /// a client with a secret uses: [`ClientBuilder::client_secret`](crate::ClientBuilder::client_secret).
        texts token_endpoint_auth_methods_supported or "client_secret_basic"
    }
    member! {
        /// The JWS algorithms of client assertions at the token endpoint.
        texts token_endpoint_auth_signing_alg_values_supported
    }
    member! {
        /// A page for developers. Text from outside: check it before it becomes a link.
        text service_documentation
    }
    member! {
        /// Languages of the server's pages, as BCP 47 tags.
        texts ui_locales_supported
    }
    member! {
        /// A page about how clients may use data of the server. Text from outside: check it before it becomes a link.
        text op_policy_uri
    }
    member! {
        /// The server's terms of service. Text from outside: check it before it becomes a link.
        text op_tos_uri
    }
    member! {
        /// Where tokens are revoked (RFC 7009).
        endpoint revocation_endpoint
    }
    member! {
        /// How clients may authenticate at the revocation endpoint; `client_secret_basic` if the server does not say.
        texts revocation_endpoint_auth_methods_supported or "client_secret_basic"
    }
    member! {
        /// The JWS algorithms of client assertions at the revocation endpoint.
        texts revocation_endpoint_auth_signing_alg_values_supported
    }
    member! {
        /// Where APIs ask about tokens (RFC 7662).
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
        /// The metadata once more, as a signed JWT (RFC 8414 §2.1). Nothing here checks it.
        text signed_metadata
    }
}

/// # Members of OpenID Connect Discovery 1.0 §3 and RP-Initiated Logout 1.0 §2.1
impl ServerMetadata {
    member! {
        /// Where the server tells about the user (OpenID Connect Core §5.3).
        endpoint userinfo_endpoint
    }
    member! {
        /// Where the browser is sent to end the user's session at the server (RP-Initiated Logout 1.0 §2.1).
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
        /// The types of claims that the server supports; `normal` if it does not say.
        texts claim_types_supported or "normal"
    }
    member! {
        /// Claims that the server may tell. It need not list all of them.
        texts claims_supported
    }
    member! {
        /// Languages of claims, as BCP 47 tags.
        texts claims_locales_supported
    }
    member! {
        /// Whether the server supports the parameter `claims`; not if it does not say.
        truth claims_parameter_supported or false
    }
    member! {
        /// Whether the server supports the parameter `request`; not if it does not say.
        truth request_parameter_supported or false
    }
    member! {
        /// Whether the server supports the parameter `request_uri`; it does if it does not say.
        truth request_uri_parameter_supported or true
    }
    member! {
        /// Whether every `request_uri` must be registered; not if the server does not say.
        truth require_request_uri_registration or false
    }
}

/// # Members of other specifications
impl ServerMetadata {
    member! {
        /// Where authorization requests are pushed (RFC 9126 §5).
        endpoint pushed_authorization_request_endpoint
    }
    member! {
        /// Where a device without a browser starts a login (RFC 8628 §4).
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
        /// Whether a client id may be the URL of a client's metadata document
        /// (draft-ietf-oauth-client-id-metadata-document); not if the server does not say.
        truth client_id_metadata_document_supported or false
    }
    member! {
        /// The ways in which refresh tokens end, `authorization` and `token_timeout`
        /// (draft-ietf-oauth-refresh-token-expiration).
        texts refresh_token_expiration_types_supported
    }
    member! {
        /// Where a first-party app logs a user in without a browser (draft-ietf-oauth-first-party-apps).
        endpoint authorization_challenge_endpoint
    }
}
