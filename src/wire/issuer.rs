//! The issuer identifier of a server (RFC 8414 §2), or a template of issuers, one for each tenant.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::config::ConfigError;
use crate::http::endpoint::{self, Transport};

/// The placeholder for the tenant, as in Microsoft's metadata. No issuer contains braces: a URL must not.
const TENANT: &str = "{tenantid}";

/// Whether an `iss` equals the expected issuer, byte for byte (RFC 9207 §2.4), or matches the expected template.
pub(crate) fn is_expected(expected: &str, iss: &str) -> bool {
    if expected.contains(TENANT) {
        tenant_of(expected, iss).is_some()
    } else {
        iss == expected
    }
}

/// The tenant of this issuer, if it matches the template.
fn tenant_of<'a>(template: &str, iss: &'a str) -> Option<&'a str> {
    let (before, after) = template.split_once(TENANT)?;
    let tenant = iss.strip_prefix(before)?.strip_suffix(after)?;
    Some(tenant).filter(|tenant| is_tenant(tenant))
}

/// Whether this is an id or domain name: one path segment that no URL parser would remove.
pub(crate) fn is_tenant(text: &str) -> bool {
    let is_inside = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.');
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && text.bytes().all(is_inside)
}

/// A template with an issuer for each tenant.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IssuerTemplate {
    text: String,
    /// The tenants that may log in; `None` for all.
    pub(crate) tenants: Option<Vec<String>>,
    /// The issuer in the server's metadata, if it is a tenant's.
    found: Option<String>,
}

impl IssuerTemplate {
    pub(crate) fn new(text: &str, transport: Transport) -> Result<Self, ConfigError> {
        let problem =
            "has not exactly one {tenantid} as a whole segment of the path in its template: write it as the server's \
                       metadata does";
        let path = text.find("://").and_then(|at| text.get(at..)).unwrap_or_default();
        if path.split('/').skip(3).filter(|segment| *segment == TENANT).count() != 1 {
            return Err(ConfigError::Issuer { problem });
        }
        // Other braces are refused like any character that a URL must not have.
        check_issuer(&text.replacen(TENANT, "tenantid", 1), transport)?;
        Ok(Self { text: text.to_owned(), tenants: None, found: None })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The template, or the single issuer that the metadata named.
    pub(crate) fn expected(&self) -> &str {
        self.found.as_ref().unwrap_or(&self.text)
    }

    /// The tenant of this issuer, if it may log in.
    fn tenant<'a>(&self, iss: &'a str) -> Option<&'a str> {
        tenant_of(&self.text, iss).filter(|tenant| {
            self.tenants.as_ref().is_none_or(|tenants| tenants.iter().any(|one| one == tenant))
                && self.found.as_ref().is_none_or(|found| found == iss)
        })
    }

    /// Whether a token may have this issuer, as far as its `tid` is known.
    #[cfg(feature = "openid")]
    pub(crate) fn may_be(&self, iss: &str, tid: Option<&str>) -> bool {
        self.tenant(iss).is_some_and(|tenant| tid.is_none_or(|tid| tid == tenant))
    }

    /// Whether a token with this `tid` has this issuer.
    #[cfg(feature = "openid")]
    pub(crate) fn is_of(&self, iss: &str, tid: Option<&str>) -> bool {
        tid.is_some() && self.may_be(iss, tid)
    }

    /// Adds the issuer from the server's metadata: the template itself, or a tenant's, which is then the only one allowed.
    pub(crate) fn find(&self, issuer: &str) -> Result<Self, ConfigError> {
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

/// Checks an issuer identifier (RFC 8414 §2).
pub(crate) fn check_issuer(issuer: &str, transport: Transport) -> Result<(), ConfigError> {
    endpoint::parse(issuer, transport).map_err(|problem| ConfigError::Issuer { problem })?;
    if issuer.contains('?') {
        return Err(ConfigError::Issuer { problem: "has a query: remove everything from '?' on (RFC 8414 section 2)" });
    }
    Ok(())
}
