//! Errors of a configuration.

use alloc::string::String;
use core::fmt;

/// Why a configuration cannot be used. Nothing has been sent; the message names the value and says what to do.
///
/// ```
/// use oauth_proto::AuthorizationServer;
///
/// let error = AuthorizationServer::new("http://as.example.com/authorize", "https://as.example.com/token").unwrap_err();
/// assert_eq!(error.code(), "endpoint");
/// assert!(error.to_string().starts_with("authorization_endpoint: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// An endpoint of the authorization server, named as in RFC 8414 §2.
    Endpoint {
        /// The endpoint's name.
        name: &'static str,
        /// The problem and remedy.
        problem: &'static str,
    },
    /// The issuer identifier (RFC 8414 §2).
    Issuer {
        /// The problem and remedy.
        problem: &'static str,
    },
    /// A member of the server's metadata (RFC 8414 §2).
    Metadata {
        /// The member's name.
        name: &'static str,
        /// The problem and remedy.
        problem: &'static str,
    },
    /// The resource that metadata is for (RFC 9728 §1.2).
    Resource {
        /// The problem and remedy.
        problem: &'static str,
    },
    /// The redirect URI (RFC 8252 §7).
    RedirectUri {
        /// The problem and remedy.
        problem: &'static str,
    },
    /// Another value of the client's configuration.
    Client {
        /// The value's name.
        name: &'static str,
        /// The problem and remedy.
        problem: &'static str,
    },
    /// A parameter of a request.
    Parameter {
        /// The parameter's name.
        name: String,
        /// The problem and remedy.
        problem: &'static str,
    },
}

impl ConfigError {
    pub(crate) fn parameter(name: &str, problem: &'static str) -> Self {
        Self::Parameter { name: name.into(), problem }
    }

    /// A stable name, the same in every version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } => "endpoint",
            Self::Issuer { .. } => "issuer",
            Self::Metadata { .. } => "metadata",
            Self::Resource { .. } => "resource",
            Self::RedirectUri { .. } => "redirect_uri",
            Self::Client { .. } => "client",
            Self::Parameter { .. } => "parameter",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, problem) = match self {
            Self::Endpoint { name, problem } | Self::Metadata { name, problem } | Self::Client { name, problem } => {
                (*name, *problem)
            }
            Self::Issuer { problem } => ("issuer", *problem),
            Self::Resource { problem } => ("resource", *problem),
            Self::RedirectUri { problem } => ("redirect_uri", *problem),
            Self::Parameter { name, problem } => (name.as_str(), *problem),
        };
        write!(f, "{name}: {problem}")
    }
}

impl core::error::Error for ConfigError {}
