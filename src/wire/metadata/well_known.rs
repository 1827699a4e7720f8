//! The well-known locations of a server's metadata (RFC 8414 §3.1, §5, OpenID Connect Discovery 1.0 §4.1).

use alloc::string::String;

use crate::error::config::ConfigError;
use crate::http::endpoint::Transport;
use crate::wire::issuer::check_issuer;

/// A well-known location of a server's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WellKnown {
    /// `openid-configuration`, appended to the issuer (OpenID Connect Discovery 1.0 §4.1).
    OpenIdConfiguration,
    /// `oauth-authorization-server`, inserted between the issuer's host and its path (RFC 8414 §3.1).
    OAuthAuthorizationServer,
    /// `openid-configuration`, inserted between the issuer's host and its path (RFC 8414 §5).
    OpenIdConfigurationInserted,
}

/// The order in which a login asks the well-known locations: see
/// [`AuthorizationServer::discovery_order`](crate::AuthorizationServer::discovery_order).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryOrder {
    /// OpenID Connect's appended form first, then RFC 8414's location, then OpenID Connect's inserted form.
    #[default]
    OpenIdConnectFirst,
    /// RFC 8414's location first, then OpenID Connect's inserted form, then its appended form, as the Model Context Protocol
    /// demands.
    OAuthFirst,
}

/// The URL of an issuer's metadata at a well-known location. One `/` at the end of the issuer is left out.
///
/// # Errors
/// [`ConfigError::Issuer`] unless it is an https URL without query, fragment and user information (RFC 8414 §2).
///
/// ```
/// use oauth_proto::metadata::{well_known_url, WellKnown};
///
/// let issuer = "https://example.com/tenant/";
/// let url = well_known_url(issuer, WellKnown::OpenIdConfiguration)?;
/// assert_eq!(url, "https://example.com/tenant/.well-known/openid-configuration");
/// let url = well_known_url(issuer, WellKnown::OAuthAuthorizationServer)?;
/// assert_eq!(url, "https://example.com/.well-known/oauth-authorization-server/tenant");
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
pub fn well_known_url(issuer: &str, place: WellKnown) -> Result<String, ConfigError> {
    check_issuer(issuer, Transport::Https)?;
    Ok(place.of(issuer))
}

impl WellKnown {
    /// The URL for an issuer that was checked.
    pub(crate) fn of(self, issuer: &str) -> String {
        let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
        let (host, path) = split_path(issuer);
        match self {
            Self::OpenIdConfiguration => [issuer, "/.well-known/openid-configuration"].concat(),
            Self::OAuthAuthorizationServer => [host, "/.well-known/oauth-authorization-server", path].concat(),
            Self::OpenIdConfigurationInserted => [host, "/.well-known/openid-configuration", path].concat(),
        }
    }
}

impl DiscoveryOrder {
    /// The locations of an issuer that was checked. Without a path, the two forms of `openid-configuration` are the same.
    fn places(self, issuer: &str) -> &'static [WellKnown] {
        use WellKnown::{OAuthAuthorizationServer, OpenIdConfiguration, OpenIdConfigurationInserted};
        let has_path = !matches!(split_path(issuer).1, "" | "/");
        match (self, has_path) {
            (Self::OpenIdConnectFirst, true) => {
                &[OpenIdConfiguration, OAuthAuthorizationServer, OpenIdConfigurationInserted]
            }
            (Self::OpenIdConnectFirst, false) => &[OpenIdConfiguration, OAuthAuthorizationServer],
            (Self::OAuthFirst, true) => &[OAuthAuthorizationServer, OpenIdConfigurationInserted, OpenIdConfiguration],
            (Self::OAuthFirst, false) => &[OAuthAuthorizationServer, OpenIdConfiguration],
        }
    }

    pub(crate) fn first(self) -> WellKnown {
        match self {
            Self::OpenIdConnectFirst => WellKnown::OpenIdConfiguration,
            Self::OAuthFirst => WellKnown::OAuthAuthorizationServer,
        }
    }

    /// The location that is asked after this one.
    pub(crate) fn after(self, place: WellKnown, issuer: &str) -> Option<WellKnown> {
        self.places(issuer).iter().skip_while(|other| **other != place).nth(1).copied()
    }
}

/// Scheme and authority of an absolute URL, and the rest.
pub(super) fn split_path(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at.saturating_add(3));
    let after = |at: usize| at.saturating_add(authority);
    let end = url.get(authority..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), after);
    url.split_at(end)
}
