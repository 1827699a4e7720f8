//! URLs that requests may go to: checked once, at configuration, and kept as written.

use alloc::string::String;
use alloc::sync::Arc;

use url::{Host, Url};

use crate::text::chars;

/// Whether plain `http` to loopback is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Https,
    HttpsOrLoopback,
}

/// Checks an endpoint: an absolute https URL without fragment (RFC 6749 §3.1, §3.2). The app may pass it to a program as an
/// argument, so anything but a plain URL is refused (CVE-2025-6514).
pub(crate) fn check(text: &str, transport: Transport) -> Result<Arc<str>, &'static str> {
    parse(text, transport).map(|_| Arc::from(text))
}

/// Returns the origin (scheme, host, port) of a URL that a token may be sent to (RFC 6454 §4).
pub(crate) fn origin(text: &str, transport: Transport) -> Result<String, &'static str> {
    parse(text, transport).map(|url| url.origin().ascii_serialization())
}

/// Checks a configured origin: nothing may follow the port, since the whole origin is meant.
pub(crate) fn bare_origin(text: &str, transport: Transport) -> Result<String, &'static str> {
    let url = parse(text, transport)?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || text.contains('*') {
        return Err("is more than an origin, or a pattern: write scheme, host and port alone, once for each API");
    }
    Ok(url.origin().ascii_serialization())
}

pub(crate) fn parse(text: &str, transport: Transport) -> Result<Url, &'static str> {
    if has_raw_host(text) {
        return Err(RAW_HOST);
    }
    if !chars::is_uri_chars(text) {
        return Err("has a character that a URL must not have: percent-encode it");
    }
    if !has_prefix(text, "https://") && !has_prefix(text, "http://") {
        return Err("is not an absolute https URL: write it in full, https://…");
    }
    let url = Url::parse(text).map_err(|_| "is not a URL: write it in full, https://host/path")?;
    if url.fragment().is_some() {
        return Err("has a fragment: remove everything from '#' on");
    }
    as_written(text, &url)?;
    match (url.scheme(), transport) {
        ("https", _) => Ok(url),
        (_, Transport::HttpsOrLoopback) if is_loopback(&url) || is_localhost(&url) => Ok(url),
        (_, Transport::HttpsOrLoopback) => Err("is plain http: use https, or http on 127.0.0.1, [::1] or localhost"),
        _ => Err("is plain http: use https, or for tests on one machine AuthorizationServer::on_insecure_loopback"),
    }
}

/// Refuses http and https URLs that browsers and HTTP stacks read differently than written: `https:///host`, `http://0x7f.1`,
/// `%61`, dot segments. The URL that is checked must be the one that is used.
pub(crate) fn as_written(text: &str, url: &Url) -> Result<(), &'static str> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("has user information: remove everything up to '@'");
    }
    let (host, port) = split_port(authority);
    if host.is_empty() || !url.host_str().is_some_and(|read| read.eq_ignore_ascii_case(host)) {
        return Err(
            "has a host that is not read as it is written: write a plain host name, or an address in its shortest form",
        );
    }
    if port.is_some_and(|port| port.is_empty() || port.starts_with('0') && port != "0") {
        return Err("has a port that is not read as it is written: write it without leading zeros, or leave it out");
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    if !path.is_empty() && url.path() != path {
        return Err("has a path that is not read as it is written: remove dot segments");
    }
    Ok(())
}

pub(crate) const RAW_HOST: &str =
    "has a character outside ASCII in its host: write the host in punycode, xn--… (RFC 3986 section 3.2.2)";

/// Whether the host of an http or https URL has characters outside ASCII. Elsewhere in a URL they can be percent-encoded, but
/// not in a host that is looked up (RFC 3986 §3.2.2).
pub(crate) fn has_raw_host(text: &str) -> bool {
    if !has_prefix(text, "https://") && !has_prefix(text, "http://") {
        return false;
    }
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !authority.rsplit('@').next().unwrap_or_default().is_ascii()
}

/// Splits off the port. User information stays with the host, so it never equals a configured one.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The last colon of `[::1]` belongs to the address.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Whether the host is a loopback address. A name such as `localhost` may resolve to another host (RFC 8252 §8.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

/// Whether the host is the name `localhost`: for tests only, since the system decides what it resolves to.
fn is_localhost(url: &Url) -> bool {
    url.host() == Some(Host::Domain("localhost"))
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
