//! Where the redirect URI points to: which `Host`, which path, which addresses.

use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use super::refusal::Refusal;
use crate::error::config::ConfigError;
use crate::http::endpoint::{is_loopback, split_port};
use crate::wire::redirect::uri::RedirectUri;

/// Scheme, host, port and path of a redirect URI that a listener on this machine can serve.
pub(super) struct Place {
    /// Scheme and authority, as they were written.
    origin: String,
    path: String,
    /// `None` for `localhost`.
    address: Option<IpAddr>,
    port: u16,
}

impl Place {
    pub(super) fn new(redirect_uri: &RedirectUri) -> Result<Self, ConfigError> {
        let refuse = |problem| Err(ConfigError::RedirectUri { problem });
        let text = redirect_uri.as_str();
        let Ok(url) = Url::parse(text) else { return refuse(NOT_LOOPBACK) };
        let address = match url.host() {
            Some(Host::Ipv4(address)) if is_loopback(&url) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) if is_loopback(&url) => Some(IpAddr::V6(address)),
            Some(Host::Domain("localhost")) => None,
            _ => return refuse(NOT_LOOPBACK),
        };
        let (Some(port), "http", Some((_, rest))) = (url.port_or_known_default(), url.scheme(), text.split_once("://"))
        else {
            return refuse(NOT_LOOPBACK);
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        Ok(Self { origin: ["http://", authority].concat(), path: url.path().into(), address, port })
    }

    /// The addresses to listen on: one, or both of `localhost`.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        let (one, other) = match self.address {
            Some(address) => (address, None),
            None => (Ipv4Addr::LOCALHOST.into(), Some(Ipv6Addr::LOCALHOST.into())),
        };
        let port = self.port;
        [Some(one), other].into_iter().flatten().map(move |address| SocketAddr::new(address, port))
    }

    /// Whether a value of `Host` is the redirect URI's own. Any other may be a name that an attacker makes resolve to this
    /// machine (DNS rebinding), so that pages of that name could read the answers.
    pub(super) fn is_host(&self, value: &str) -> bool {
        let own = self.origin.strip_prefix("http://").unwrap_or_default();
        let ((host, port), (own_host, own_port)) = (split_port(value), split_port(own));
        host.eq_ignore_ascii_case(own_host) && port_or_default(port) == port_or_default(own_port)
    }

    /// The path and query of a request target in origin-form or absolute-form (RFC 9112 §3.2), if they are at this place.
    pub(super) fn locate<'a>(&self, target: &'a str) -> Result<&'a str, Refusal> {
        let rest = if target.starts_with('/') {
            target
        } else {
            let (scheme, rest) = target.split_once("://").ok_or(Refusal::Malformed)?;
            let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            if !scheme.eq_ignore_ascii_case("http") || !self.is_host(authority) {
                return Err(Refusal::OtherHost);
            }
            rest
        };
        let path = rest.split('?').next().unwrap_or_default();
        let path = if path.is_empty() { "/" } else { path };
        if path == self.path {
            Ok(rest)
        } else {
            Err(Refusal::OtherPath)
        }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The URL of a path and query at this place.
    pub(super) fn url(&self, path_and_query: &str) -> String {
        [&self.origin, path_and_query].concat()
    }
}

/// A port that is empty or left out is the default one (RFC 9110 §4.2.1).
fn port_or_default(port: Option<&str>) -> &str {
    port.filter(|port| !port.is_empty()).unwrap_or("80")
}

const NOT_LOOPBACK: &str =
    "is not for a listener on this machine: write http, 127.0.0.1 or [::1], and the port that was bound \
                            (RFC 8252 section 7.3)";

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn place(redirect_uri: &str) -> Place {
        Place::new(&RedirectUri::new(redirect_uri).unwrap()).unwrap()
    }

    #[test]
    fn only_the_own_host_and_port() {
        for (redirect_uri, own, others) in [
            (
                "http://127.0.0.1:51004/cb",
                &["127.0.0.1:51004"][..],
                &[
                    "127.0.0.1",
                    "127.0.0.1:5100",
                    "127.0.0.1:051004",
                    "localhost:51004",
                    "[::1]:51004",
                    "evil:51004",
                    "",
                ][..],
            ),
            ("http://[::1]:51004/cb", &["[::1]:51004"], &["::1:51004", "[::1]", "[0:0:0:0:0:0:0:1]:51004", "[::1]:"]),
            (
                "http://localhost:51004/cb",
                &["localhost:51004", "LocalHost:51004"],
                &["127.0.0.1:51004", "localhost.:51004"],
            ),
            ("http://127.0.0.1/cb", &["127.0.0.1", "127.0.0.1:80", "127.0.0.1:"], &["127.0.0.1:8080", "u@127.0.0.1"]),
            ("http://[::1]/cb", &["[::1]", "[::1]:80"], &["[::1]:81", "::1"]),
        ] {
            let place = place(redirect_uri);
            assert!(own.iter().all(|host| place.is_host(host)), "{redirect_uri}");
            assert_eq!(others.iter().find(|host| place.is_host(host)), None, "{redirect_uri}");
        }
    }

    #[test]
    fn targets_are_located() {
        let place = place("http://127.0.0.1:51004/cb");
        for (target, located) in [
            ("/cb", Ok("/cb")),
            ("/cb?", Ok("/cb?")),
            ("/cb?a=/b?c", Ok("/cb?a=/b?c")),
            ("HTTP://127.0.0.1:51004/cb?a", Ok("/cb?a")),
            ("/", Err(Refusal::OtherPath)),
            ("/cb/", Err(Refusal::OtherPath)),
            ("//cb", Err(Refusal::OtherPath)),
            ("/CB", Err(Refusal::OtherPath)),
            ("/x/../cb", Err(Refusal::OtherPath)),
            ("http://127.0.0.1:51004", Err(Refusal::OtherPath)),
            ("http://127.0.0.1/cb", Err(Refusal::OtherHost)),
            ("https://127.0.0.1:51004/cb", Err(Refusal::OtherHost)),
            ("http://u@127.0.0.1:51004/cb", Err(Refusal::OtherHost)),
            ("http://evil?@127.0.0.1:51004/cb", Err(Refusal::OtherHost)),
            ("*", Err(Refusal::Malformed)),
            ("cb", Err(Refusal::Malformed)),
            ("127.0.0.1:51004", Err(Refusal::Malformed)),
        ] {
            assert_eq!(place.locate(target), located, "{target}");
        }
    }

    #[test]
    fn an_empty_path_is_the_root() {
        let place = place("http://127.0.0.1:51004");
        assert_eq!(place.locate("/?a").map(|rest| place.url(rest)), Ok("http://127.0.0.1:51004/?a".into()));
        assert_eq!(
            place.locate("http://127.0.0.1:51004?a").map(|rest| place.url(rest)),
            Ok("http://127.0.0.1:51004?a".into())
        );
    }

    #[test]
    fn where_to_listen() {
        let addresses =
            |uri: &str| place(uri).addresses().map(|address| alloc::format!("{address}")).collect::<Vec<_>>();
        assert_eq!(addresses("http://127.0.0.1:51004/cb"), ["127.0.0.1:51004"]);
        assert_eq!(addresses("http://[::1]/cb"), ["[::1]:80"]);
        assert_eq!(addresses("http://localhost:8080/cb"), ["127.0.0.1:8080", "[::1]:8080"]);
    }
}
