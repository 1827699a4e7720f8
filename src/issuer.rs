//! Whose word counts: the issuer identifier of a server (RFC 8414 §2), or a template of them, for a server at which each tenant has
//! an issuer of its own.

#[cfg(feature = "openid")]
use alloc::borrow::ToOwned;
#[cfg(feature = "openid")]
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "openid")]
use crate::config_error::ConfigError;
#[cfg(feature = "openid")]
use crate::endpoint::Transport;
#[cfg(feature = "openid")]
use crate::metadata::missing;
#[cfg(feature = "openid")]
use crate::server::check_issuer;
use crate::server::AuthorizationServer;

/// What stands for the tenant, as Microsoft's metadata has it. No issuer has braces in it: they are no characters of a URL.
const TENANT: &str = "{tenantid}";

/// Whether an `iss` is the issuer that is expected, octet by octet (RFC 9207 §2.4), or an instance of the template that is.
pub(crate) fn is_expected(expected: &str, iss: &str) -> bool {
    if expected.contains(TENANT) {
        tenant_of(expected, iss).is_some()
    } else {
        iss == expected
    }
}

/// The tenant whose issuer this is by the template.
fn tenant_of<'a>(template: &str, iss: &'a str) -> Option<&'a str> {
    let (before, after) = template.split_once(TENANT)?;
    let tenant = iss.strip_prefix(before)?.strip_suffix(after)?;
    Some(tenant).filter(|tenant| is_tenant(tenant))
}

/// An id or a domain name: one segment of a path, and none that a URL parser would take away.
fn is_tenant(text: &str) -> bool {
    let is_inside = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.');
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && text.bytes().all(is_inside)
}

/// An issuer for each tenant.
#[cfg(feature = "openid")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IssuerTemplate {
    text: String,
    /// Those that may log in, if not all.
    tenants: Option<Vec<String>>,
    /// The issuer that the server's metadata has, if it is a tenant's.
    found: Option<String>,
}

#[cfg(feature = "openid")]
impl IssuerTemplate {
    fn new(text: &str, transport: Transport) -> Result<Self, ConfigError> {
        let problem =
            "has not exactly one {tenantid} as a whole segment of the path in its template: write it as the server's \
                       metadata does";
        let path = text.find("://").and_then(|at| text.get(at..)).unwrap_or_default();
        if path.split('/').skip(3).filter(|segment| *segment == TENANT).count() != 1 {
            return Err(ConfigError::Issuer { problem });
        }
        // What is left of braces is refused as any other character that a URL must not have.
        check_issuer(&text.replacen(TENANT, "tenantid", 1), transport)?;
        Ok(Self { text: text.to_owned(), tenants: None, found: None })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The tenant whose issuer this is, if it may log in.
    fn tenant<'a>(&self, iss: &'a str) -> Option<&'a str> {
        tenant_of(&self.text, iss).filter(|tenant| {
            self.tenants.as_ref().is_none_or(|tenants| tenants.iter().any(|one| one == tenant))
                && self.found.as_ref().is_none_or(|found| found == iss)
        })
    }

    /// Whether a token may be of this issuer, as far as its `tid` is known.
    pub(crate) fn may_be(&self, iss: &str, tid: Option<&str>) -> bool {
        self.tenant(iss).is_some_and(|tenant| tid.is_none_or(|tid| tid == tenant))
    }

    /// Whether a token that says `tid` is of this issuer.
    pub(crate) fn is_of(&self, iss: &str, tid: Option<&str>) -> bool {
        tid.is_some() && self.may_be(iss, tid)
    }

    /// With the issuer that the server's metadata has: the template itself, or a tenant's, which then is the only one.
    pub(crate) fn find(&self, issuer: Option<&str>) -> Result<Self, ConfigError> {
        let issuer = issuer.ok_or(missing("issuer"))?;
        if issuer == self.text {
            return Ok(self.clone());
        }
        self.tenant(issuer).ok_or(ConfigError::Issuer {
            problem: "of the metadata is neither the template nor that of a tenant that may log in: write the template as the \
                      metadata does, or use neither",
        })?;
        Ok(Self { found: Some(issuer.to_owned()), ..self.clone() })
    }
}

impl AuthorizationServer {
    /// For a server at which **each tenant has an issuer of its own**, as Microsoft Entra ID has for apps that take accounts of
    /// any tenant (`common`, `organizations`; feature `openid`). `{tenantid}` stands for the tenant: what its metadata has as
    /// `issuer`.
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
    ///     .issuer_template("https://login.microsoftonline.com/{tenantid}/v2.0")?
    ///     .tenants(&["aaaabbbb-0000-cccc-1111-dddd2222eeee"])?;
    /// let client = Client::new(server, "00001111-aaaa-2222-bbbb-3333cccc4444", "com.example.app:/callback")?;
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    #[cfg(feature = "openid")]
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
        #[cfg(feature = "openid")]
        if let Some(template) = &self.template {
            return Some(template.found.as_ref().unwrap_or(&template.text));
        }
        self.issuer.as_deref()
    }

    /// What a saved form knows a server by.
    pub(crate) fn names(&self) -> Vec<&str> {
        let own = self.issuer.as_deref().unwrap_or(&self.authorization_endpoint);
        #[cfg(feature = "openid")]
        let template = self.template.as_ref().map(IssuerTemplate::text);
        #[cfg(not(feature = "openid"))]
        let template = None;
        [own].into_iter().chain(template).collect()
    }
}
