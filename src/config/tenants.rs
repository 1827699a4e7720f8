//! A server at which each tenant has an issuer of its own, and what issuer is expected of a server.

#[cfg(feature = "openid")]
use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::server::AuthorizationServer;
use crate::error::config::ConfigError;
#[cfg(feature = "openid")]
use crate::wire::issuer::is_tenant;
use crate::wire::issuer::IssuerTemplate;

impl AuthorizationServer {
    /// For a server at which **each tenant has an issuer of its own**, as Microsoft Entra ID has for apps that take accounts of
    /// any tenant (`common`, `organizations`). `{tenantid}` stands for the tenant: what its metadata has as `issuer`.
    ///
    /// It takes the place of the one issuer in every check, and switches none off:
    /// - the metadata's `issuer` must be the template, or an instance of it;
    /// - an ID token's `iss` must be the template with the token's own `tid` in it, and what the metadata has if that is an
    ///   instance; after a refresh, it must be that of the login (OpenID Connect Core §12.2);
    /// - a redirect's `iss` (RFC 9207) must be an instance;
    /// - a key that names an `issuer` signs for that one alone
    ///   ([Microsoft's rules](https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens)).
    ///
    /// The metadata is looked for at the URL that [`AuthorizationServer::from_issuer`] was given. A user is known by issuer and
    /// subject together, in whatever tenant ([`IdToken::is_same_user`](crate::IdToken::is_same_user)). Which tenants may log in
    /// says [`AuthorizationServer::tenants`]; without it any may, so look at `tid` before you trust what a token says of a
    /// user's organization.
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

    /// The tenants that may log in by the [`AuthorizationServer::issuer_template`], by their `tid` as ID tokens have it: an id,
    /// not a domain name (feature `openid`). An ID token tells, so ask for the scope `openid`.
    ///
    /// # Errors
    /// [`ConfigError::Issuer`] without a template, for an empty list, and for what can be no tenant: letters, digits, `-` and `.`
    /// alone.
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

    /// What an `iss` must be, or be an instance of.
    pub(crate) fn expected_issuer(&self) -> Option<&str> {
        if let Some(template) = &self.template {
            return Some(template.expected());
        }
        self.issuer.as_deref()
    }

    /// What a saved form knows a server by.
    pub(crate) fn names(&self) -> Vec<&str> {
        let own = self.issuer.as_deref().unwrap_or(&self.authorization_endpoint);
        let template = self.template.as_ref().map(IssuerTemplate::text);
        [own].into_iter().chain(template).collect()
    }
}
