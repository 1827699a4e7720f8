//! Sends the library's requests with an HTTP stack: [`Ureq`] blocks (feature `ureq`); [`Reqwest`] (feature `reqwest`) and
//! [`Hyper`] (feature `hyper`) are async.
//!
//! All keep the contract of [`oauth_proto::http`]:
//! - No redirect is followed, and every status is a response, not an error.
//! - Of a body, at most [`Request::max_response_bytes`](oauth_proto::Request::max_response_bytes) and one byte are read.
//! - Plain `http` is sent to loopback only (`127.0.0.0/8`, `[::1]`, `localhost`), and loopback is never reached through a proxy.
//!   Any other host is reached through the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, …).
//! - Beside the request's own headers they send `host`, `content-length`, `user-agent` and `accept-encoding: identity`, since a
//!   compressed body could not be bounded before it is unpacked.
//! - No cookies, and no connection is kept for the next request: see [below](#connections).
//!
//! For any other stack, implement [`drive::Transport`](oauth_proto::drive::Transport) or
//! [`drive::blocking::Transport`](oauth_proto::drive::blocking::Transport).
//!
//! # Delivered or not
//!
//! A `POST` carries a code or a refresh token, so it matters whether a failed one may have reached the server. The stacks' errors
//! do not always tell: a reset while the TLS handshake is under way looks like a reset after the request. So the body is watched:
//! as long as the stack has not asked for its first byte, none can have been written, and without its body a server cannot act
//! upon a `POST` (RFC 9112 §8). `No` means exactly this; everything later is `Maybe`. A stack that asks earlier than it writes
//! makes some `No` a `Maybe`, never the other way. So it does not depend on the stack's version.
//!
//! A `GET` has no body, and it changes nothing on the server. There the error decides.
//!
//! | What happens | `POST` | `GET`, `ureq` | `GET`, others |
//! | --- | --- | --- | --- |
//! | URL that the stack cannot send, plain `http` elsewhere than loopback | `No` | `No` | `No` |
//! | The host name is not found | `No` | `No` (on Windows `Maybe`) | `No` |
//! | The connection is refused | `No` | `No` | `No` |
//! | No address, no connection within [`Settings::connect_timeout`] | `No` | `No` | `No` |
//! | The host or network is unreachable | `No` | `Maybe` | `No` |
//! | The proxy cannot be reached, or refuses to connect | `No` | `No`, or as above | `No` |
//! | The TLS handshake fails: no TLS at all, a certificate that is not trusted, a reset | `No` | `Maybe` | `No` |
//! | The connection is closed or reset after it was made | `Maybe` | `Maybe` | `Maybe` |
//! | No response within [`Settings::timeout`] | `Maybe` | `Maybe` | `Maybe` |
//! | No HTTP response, or too large a head (`ureq`: 64 KiB, 128 headers; others: 400 KiB, 100) | `Maybe` | `Maybe` | `Maybe` |
//! | The body breaks off before its length or last chunk, or stalls until the timeout | `Maybe` | `Maybe` | `Maybe` |
//!
//! A body without `content-length` and without chunks ends when the connection does. One that broke off looks complete then; the
//! library refuses it, because half a JSON object is none.
//!
//! # Connections
//!
//! [`Ureq::new`], [`Reqwest::new`] and [`Hyper`] make a connection for each request. A connection that is kept may have been
//! closed by the server, or forgotten by a router on the way, when the next request is written to it: the outcome is then
//! unknown, which ends a login whose code was being exchanged. This is likely in a login, where the user spends a minute in the
//! browser between two requests. A handshake costs less. To have connections kept, for example in a server where many people
//! log in at once, pass your own agent of `ureq` or client of `reqwest`. Even then no `POST` is sent twice: after it was
//! written, a closed connection is `Maybe`.
//!
//! # Time
//!
//! [`Settings`] has the limits and says why they are what they are.

#[cfg(any(feature = "ureq", feature = "reqwest", feature = "hyper"))]
mod body;
#[cfg(any(feature = "ureq", feature = "reqwest", feature = "hyper"))]
mod settings;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod watched;
#[cfg(feature = "hyper")]
mod with_hyper;
#[cfg(feature = "reqwest")]
mod with_reqwest;
#[cfg(feature = "ureq")]
mod with_ureq;

#[cfg(any(feature = "ureq", feature = "reqwest", feature = "hyper"))]
pub use self::settings::Settings;
#[cfg(feature = "hyper")]
pub use self::with_hyper::Hyper;
#[cfg(feature = "reqwest")]
pub use self::with_reqwest::Reqwest;
#[cfg(feature = "ureq")]
pub use self::with_ureq::Ureq;

/// Whether a request may be sent to this scheme and host: by TLS anywhere, by plain `http` on loopback only.
#[cfg(any(feature = "ureq", feature = "reqwest", feature = "hyper"))]
fn allowed(scheme: Option<&str>, loopback: bool) -> bool {
    scheme == Some("https") || (scheme == Some("http") && loopback)
}

/// Whether a URL's host is this machine.
#[cfg(any(feature = "ureq", feature = "reqwest", feature = "hyper"))]
fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(all(test, any(feature = "ureq", feature = "reqwest", feature = "hyper")))]
mod tests {
    use super::*;

    #[test]
    fn loopback() {
        for host in ["127.0.0.1", "127.8.9.10", "[::1]", "localhost", "LOCALHOST"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "128.0.0.1", "[::2]", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "a.localhost"]
        {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(allowed(Some("https"), false) && allowed(Some("https"), true) && allowed(Some("http"), true));
        assert!(!allowed(Some("http"), false) && !allowed(Some("ftp"), true) && !allowed(None, true));
    }
}
