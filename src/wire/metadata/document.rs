//! The members of an authorization server's metadata that the crate uses itself (RFC 8414 §2, OpenID Connect Discovery 1.0 §3).

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::config::ConfigError;
use crate::text::members::{self, members, Fault};

members! {
    /// The members must have the types of their specifications, whatever features are on; `null` counts as absent, other members
    /// are skipped (RFC 8414 §3.2).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Document {
        pub issuer: Option<String>,
        pub authorization_endpoint: Option<String>,
        pub token_endpoint: Option<String>,
        pub revocation_endpoint: Option<String>,
        pub end_session_endpoint: Option<String>,
        pub jwks_uri: Option<String>,
        pub userinfo_endpoint: Option<String>,
        pub id_token_signing_alg_values_supported: Option<Vec<String>>,
        pub response_modes_supported: Option<Vec<String>>,
        pub code_challenge_methods_supported: Option<Vec<String>>,
        pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
        pub authorization_response_iss_parameter_supported: Option<bool>,
        pub require_pushed_authorization_requests: Option<bool>,
        pub require_signed_request_object: Option<bool>,
    }
}

/// What to do about a member of a wrong type.
pub(crate) const WRONG_TYPE: &str =
    "has the wrong type (RFC 8414 section 2): tell the server's operator, or configure the endpoints with \
     AuthorizationServer::new";

impl Document {
    /// Reads a document. An empty URL counts as absent: some servers list endpoints that they do not have.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, Fault> {
        let mut document: Self = members::parse(document)?;
        for url in [
            &mut document.issuer,
            &mut document.authorization_endpoint,
            &mut document.token_endpoint,
            &mut document.revocation_endpoint,
            &mut document.end_session_endpoint,
            &mut document.jwks_uri,
            &mut document.userinfo_endpoint,
        ] {
            url.take_if(|url| url.is_empty());
        }
        Ok(document)
    }

    /// Compares the issuer byte for byte (RFC 8414 §3.3, §4), before anything else in the document is used.
    pub(crate) fn check_issuer(&self, issuer: &str) -> Result<(), ConfigError> {
        match &self.issuer {
            Some(own) if own == issuer => Ok(()),
            Some(_) => Err(ConfigError::Issuer {
                problem: "differs from the one the metadata was fetched for (RFC 8414 section 3.3): write it exactly as the server \
                          does, with or without a '/' at its end, or use neither",
            }),
            None => Err(missing("issuer")),
        }
    }
}

pub(crate) fn missing(name: &'static str) -> ConfigError {
    ConfigError::Metadata {
        name,
        problem: "is missing (RFC 8414 section 2): configure the endpoints with AuthorizationServer::new",
    }
}
