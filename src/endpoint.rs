//! URLs that a request may go to: checked once, when they are configured, and kept as they were written.

use alloc::string::String;
use alloc::sync::Arc;

use url::{Host, Url};

/// Whether plain `http` on a loopback literal is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Https,
    HttpsOrLoopback,
}

/// RFC 6749 §3.1, §3.2: an absolute https URL without fragment. What is not a plain URL is refused before a host
/// could hand it to a program as an argument (CVE-2025-6514).
pub(crate) fn check(text: &str, transport: Transport) -> Result<Arc<str>, &'static str> {
    parse(text, transport).map(|_| Arc::from(text))
}

/// The origin (scheme, host, port) of a URL that a token may be sent to (RFC 6454 §4).
pub(crate) fn origin(text: &str, transport: Transport) -> Result<String, &'static str> {
    parse(text, transport).map(|url| url.origin().ascii_serialization())
}

pub(crate) fn parse(text: &str, transport: Transport) -> Result<Url, &'static str> {
    if !text.bytes().all(|octet| octet.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&octet)) {
        return Err("has a character that a URL must not have: percent-encode it");
    }
    if !has_prefix(text, "https://") && !has_prefix(text, "http://") {
        return Err("is not an absolute https URL: write it in full, https://…");
    }
    let url = Url::parse(text).map_err(|_| "is not a URL: write it in full, https://host/path")?;
    if url.fragment().is_some() {
        return Err("has a fragment: remove everything from '#' on");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has user information: remove everything up to '@'");
    }
    match (url.scheme(), transport) {
        ("https", _) => Ok(url),
        (_, Transport::HttpsOrLoopback) if is_loopback(&url) => Ok(url),
        (_, Transport::HttpsOrLoopback) => Err("is plain http: use https, or http on 127.0.0.1 or [::1]"),
        _ => Err("is plain http: use https"),
    }
}

/// A loopback literal: a name such as `localhost` may be resolved to another host (RFC 8252 §8.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
