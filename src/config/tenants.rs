//! Servers with one issuer for each tenant, and the issuer that is expected of any server.

#[cfg(feature = "openid")]
use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::server::AuthorizationServer;
use crate::error::config::ConfigError;
#[cfg(feature = "openid")]
use crate::wire::issuer::is_tenant;
use crate::wire::issuer::IssuerTemplate;

impl AuthorizationServer {
    /// Sets a template of issuers, for a server with **one issuer for each tenant**, such as Microsoft Entra ID for apps that
    /// accept accounts of any tenant (`common`, `organizations`). Pass the metadata's `issuer`, where `{tenantid}` stands for the
    /// tenant.
    ///
    /// The template replaces the issuer in every check; no check is switched off:
    /// - the metadata's `issuer` must be the template, or an instance of it;
    /// - an ID token's `iss` must be the template with the token's own `tid`, and equal the metadata's `issuer` if that is an
    ///   instance; after a refresh, it must be the login's (OpenID Connect Core §12.2);
    /// - a redirect's `iss` (RFC 9207) must be an instance;
    /// - a key that names an `issuer` signs for that issuer alone ([Microsoft's
    ///   rules](https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens)).
    ///
    /// The metadata is fetched by the URL that was passed to [`AuthorizationServer::from_issuer`]. Identify a user by issuer and
    /// subject together ([`IdToken::is_same_user`](crate::IdToken::is_same_user)). [`AuthorizationServer::tenants`] limits which
    /// tenants may log in; without it any may, so check `tid` before you trust what a token says about a user's organization.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] unless it is an https URL with one `{tenantid}` as a whole segment of its path.
    ///
    /// ```
    /// use oauth_proto::{AuthorizationServer, Client};
    ///
    /// let server = AuthorizationServer::from_issuer("https://login.microsoftonline.com/organizations/v2.0")?
    ///     .issuer_template("https://login.microsoftonline.com/{tenantid}/v2.0")?;
    /// let client = Client::new(server, "00001111-aaaa-2222-bbbb-3333cccc4444", "com.example.app:/callback")?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn issuer_template(mut self, template: &str) -> Result<Self, ConfigError> {
        self.template = Some(IssuerTemplate::new(template, self.transport)?);
        Ok(self)
    }

    /// Limits the tenants that may log in by the [`AuthorizationServer::issuer_template`] to these ids (`tid` in ID tokens), not
    /// domain names (feature `openid`). Only an ID token names the tenant, so request the scope `openid`.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] without a template, for an empty list, and for an id with other characters than letters, digits,
    /// `-` and `.`.
    ///
    /// ```
    /// use oauth_proto::AuthorizationServer;
    ///
    /// let server = AuthorizationServer::from_issuer("https://login.microsoftonline.com/organizations/v2.0")?
    ///     .issuer_template("https://login.microsoftonline.com/{tenantid}/v2.0")?
    ///     .tenants(&["aaaabbbb-0000-cccc-1111-dddd2222eeee"])?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    #[cfg(feature = "openid")]
    pub fn tenants(mut self, tenants: &[impl AsRef<str>]) -> Result<Self, ConfigError> {
        let bad = |problem| ConfigError::Issuer { problem };
        let template = self.template.as_mut();
        let template = template.ok_or(bad("has tenants and no template: call issuer_template first"))?;
        let tenants: Vec<_> = tenants.iter().map(|tenant| tenant.as_ref().to_owned()).collect();
        if tenants.is_empty() || !tenants.iter().all(|tenant| is_tenant(tenant)) {
            return Err(bad("has no tenants, or one that is none: name each by its id, as tid has it"));
        }
        template.tenants = Some(tenants);
        Ok(self)
    }

    /// The issuer or template that an `iss` must match.
    pub(crate) fn expected_issuer(&self) -> Option<&str> {
        if let Some(template) = &self.template {
            return Some(template.expected());
        }
        self.issuer.as_deref()
    }

    /// The names by which saved forms identify a server.
    pub(crate) fn names(&self) -> Vec<&str> {
        let own = self.issuer.as_deref().unwrap_or(&self.authorization_endpoint);
        let template = self.template.as_ref().map(IssuerTemplate::text);
        [own].into_iter().chain(template).collect()
    }
}
