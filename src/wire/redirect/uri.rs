//! The redirect URI: checked at configuration, sent exactly as written, and compared with incoming URLs (RFC 6749 §3.1.2, RFC
//! 8252 §7, RFC 9700 §2.1).

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use url::{Host, Url};

use crate::error::config::ConfigError;
use crate::http::endpoint::{self, as_written, is_loopback, split_port};
use crate::text::{chars, form};

/// A checked redirect URI: a private-use scheme (`com.example.app:/callback`), a claimed https URL, or a loopback URL with the
/// port that is bound (`http://127.0.0.1:51004/callback`).
///
/// ```
/// use oauth_proto::redirect::RedirectUri;
///
/// let uri = RedirectUri::new("com.example.app:/callback")?;
/// assert_eq!(uri.as_str(), "com.example.app:/callback");
/// assert!(RedirectUri::new("http://app.example.com/callback").is_err(), "http is for loopback alone");
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: Arc<str>,
    has_query: bool,
    own_query: Vec<(String, String)>,
}

impl RedirectUri {
    /// Checks a redirect URI.
    ///
    /// # Errors
    /// [`ConfigError::RedirectUri`] for one that is relative, has a fragment, user information or characters that a URI must not
    /// have, has a wildcard in its host, is `http` to a host other than loopback, names port 0, has a private-use scheme without
    /// a dot (RFC 8252 §7.1), or has parameters named like those of the authorization response.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        Self::check(text, false)
    }

    pub(crate) fn check(text: &str, undotted_scheme: bool) -> Result<Self, ConfigError> {
        let refuse = |problem| Err(ConfigError::RedirectUri { problem });
        if endpoint::has_raw_host(text) {
            return refuse(endpoint::RAW_HOST);
        }
        if !chars::is_uri_chars(text) {
            return refuse("has a character that a URI must not have: percent-encode it (RFC 3986 section 2)");
        }
        let Some(parts) = Parts::split(text) else {
            return refuse("is not an absolute URI: write scheme, colon and the rest (RFC 6749 section 3.1.2)");
        };
        if parts.fragment {
            return refuse("has a fragment: remove everything from '#' on (RFC 6749 section 3.1.2)");
        }
        if parts.authority.is_some_and(|authority| authority.contains('@')) {
            return refuse("has user information: remove everything up to '@'");
        }
        if parts.authority.is_some_and(|authority| authority.contains('*')) {
            return refuse(
                "has a wildcard in its host: write the very URI that the browser comes back to, and register that (RFC 9700 \
                 section 2.1)",
            );
        }
        let Ok(url) = Url::parse(text) else {
            return refuse("is not a URI: write it as it is registered with the authorization server");
        };
        match url.scheme() {
            "https" | "http" if parts.host().is_none_or(|(host, _)| host.is_empty()) => {
                return refuse("has no host: write scheme, two slashes and the host");
            }
            "http" if !is_loopback(&url) && url.host() != Some(Host::Domain("localhost")) => {
                return refuse("is http to another host than this one: use https, or http on 127.0.0.1 or [::1]");
            }
            "https" | "http" if as_written(text, &url).is_err() => {
                return refuse(
                    "is not read by browsers as it is written, so they would not come back to it: write a plain host name, an \
                     address in its shortest form, a port without leading zeros, and a path without dot segments",
                );
            }
            "https" | "http" if url.port() == Some(0) => {
                return refuse("has port 0: bind the port first and write the bound one (RFC 8252 section 7.3)");
            }
            "https" | "http" => {}
            scheme if FORBIDDEN_SCHEMES.contains(&scheme) => {
                return refuse("has a scheme that no app can own: use a private-use scheme (RFC 8252 section 7.1)");
            }
            scheme if !scheme.contains('.') && !undotted_scheme => {
                return refuse(
                    "has a scheme without a dot, which any app may claim: use a reversed domain name of yours \
                     (RFC 8252 section 7.1), or ClientBuilder::allow_undotted_scheme",
                );
            }
            _ => {}
        }
        let Ok(own_query) = form::decode_pairs(parts.query.unwrap_or_default()) else {
            return refuse("has a query that cannot be decoded: percent-encode it as UTF-8");
        };
        if own_query.iter().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_str())) {
            return refuse("has a parameter of the authorization response in its query: rename it");
        }
        if own_query.len() > MAX_OWN_PARAMETERS {
            return refuse("has more than 16 parameters in its query: keep such values in the app");
        }
        Ok(Self { text: text.into(), own_query, has_query: parts.query.is_some() })
    }

    /// The URI as it was written: both requests send it like this (RFC 6749 §4.1.3).
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The query of `url`, if `url` has the scheme, authority and path of this redirect URI (RFC 3986 §6.2.2, RFC 8252 §7).
    /// Call [`RedirectUri::has_own_query`] too, after the size was checked.
    pub(crate) fn query_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        self.plain_query_of(url).map(without_fragment).or_else(|| self.equivalent_query_of(url))
    }

    /// The usual case: exactly the same bytes and a query. The fragment is not removed, so the cost does not depend on the length
    /// of the rest.
    pub(crate) fn plain_query_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let plain = (!self.has_query).then_some(&*self.text)?;
        url.strip_prefix(plain)?.strip_prefix('?')
    }

    /// The query of a URL that differs only as RFC 3986 §6.2.2 and §6.2.3 and RFC 6749 §3.1.2 allow platforms and servers, or,
    /// with a private-use scheme, by a final slash.
    fn equivalent_query_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let (ours, theirs) = (Parts::split(&self.text)?, Parts::split(url)?);
        if !ours.scheme.eq_ignore_ascii_case(theirs.scheme) {
            return None;
        }
        match (ours.host(), theirs.host()) {
            (None, None) => {}
            (Some((host, port)), Some((other_host, other_port))) => {
                if !host.eq_ignore_ascii_case(other_host) || ours.port(port) != ours.port(other_port) {
                    return None;
                }
            }
            _ => return None,
        }
        ours.has_path_of(&theirs).then(|| theirs.query.unwrap_or_default())
    }

    /// Whether a query has all of this redirect URI's own parameters (RFC 6749 §3.1.2).
    pub(crate) fn has_own_query(&self, query: &str) -> bool {
        self.own_query.iter().all(|(name, value)| {
            let same = |raw: &str, own: &str| form::decode(raw).is_ok_and(|decoded| decoded == own);
            form::pairs(query).any(|(raw_name, raw_value)| same(raw_name, name) && same(raw_value, value))
        })
    }

    /// The URI without the port of a loopback URL, which changes with each login (RFC 8252 §7.3).
    pub(crate) fn without_loopback_port(&self) -> (&str, &str) {
        let text: &str = &self.text;
        let Some((before, authority)) =
            text.split_once("://").filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http"))
        else {
            return (text, "");
        };
        let end = authority.find(['/', '?']).unwrap_or(authority.len());
        let (authority, rest) = authority.split_at(end);
        let (host, _) = split_port(authority);
        (text.get(..before.len().saturating_add(3).saturating_add(host.len())).unwrap_or(text), rest)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedirectUri").field(&self.as_str()).finish()
    }
}

/// The most parameters in a redirect URI's query: each is searched for in every redirect.
const MAX_OWN_PARAMETERS: usize = 16;

/// Parameters of the authorization response (RFC 6749 §4.1.2, RFC 9207): no redirect URI may have them.
const RESPONSE_PARAMETERS: [&str; 7] = ["code", "state", "iss", "error", "error_description", "error_uri", "response"];

/// Schemes that run script, read files or belong to the platform.
const FORBIDDEN_SCHEMES: [&str; 13] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "about",
    "blob",
    "filesystem",
    "view-source",
    "ftp",
    "ws",
    "wss",
    "mailto",
    "urn",
];

/// A URI split as in RFC 3986 Appendix B, nothing decoded or changed.
struct Parts<'a> {
    scheme: &'a str,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: bool,
}

impl<'a> Parts<'a> {
    fn split(uri: &'a str) -> Option<Self> {
        let before_fragment = without_fragment(uri);
        let (before_query, query) =
            before_fragment.split_once('?').map_or((before_fragment, None), |(before, query)| (before, Some(query)));
        let (scheme, rest) = before_query.split_once(':')?;
        let valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
        if !valid {
            return None;
        }
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Some(Self { scheme, authority, path, query, fragment: before_fragment.len() != uri.len() })
    }

    fn is_http(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("https") || self.scheme.eq_ignore_ascii_case("http")
    }

    /// Host and port. An empty authority counts as none (`com.app:///cb` is `com.app:/cb`, RFC 3986 §3.2), except for http.
    fn host(&self) -> Option<(&'a str, Option<&'a str>)> {
        self.authority.filter(|authority| !authority.is_empty() || self.is_http()).map(split_port)
    }

    /// A port; the scheme's default counts as absent (RFC 3986 §6.2.3).
    fn port(&self, port: Option<&'a str>) -> Option<&'a str> {
        let default = if self.scheme.eq_ignore_ascii_case("https") { "443" } else { "80" };
        let unwritten = |port: &&str| port.is_empty() || self.is_http() && *port == default;
        port.filter(|port| !unwritten(port))
    }

    /// Whether the paths are equal. With a private-use scheme, which belongs to one app, a final slash is ignored: some servers
    /// register and send one that the app did not write (Microsoft's `msauth.…://auth/`).
    fn has_path_of(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.path(), other.path());
        let is_longer = |long: &str, short: &str| long.strip_suffix('/') == Some(short);
        ours == theirs || !self.is_http() && (is_longer(ours, theirs) || is_longer(theirs, ours))
    }

    /// The exact path; for http an empty one is `/` (RFC 3986 §6.2.3).
    fn path(&self) -> &'a str {
        if self.path.is_empty() && self.is_http() {
            "/"
        } else {
            self.path
        }
    }
}

fn without_fragment(uri: &str) -> &str {
    // Usually there is no fragment, and this search is the fastest.
    if chars::all(uri.as_bytes(), |octet| octet != b'#') {
        return uri;
    }
    uri.split_once('#').map_or(uri, |(before, _)| before)
}
