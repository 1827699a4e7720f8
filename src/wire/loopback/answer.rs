//! The octets of an answer (RFC 9112 §4, §6). They contain nothing of the request.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write as _;

use super::page::Page;
use super::refusal;

/// Octets to write to a connection.
#[must_use = "the browser waits for it"]
pub struct Answer {
    octets: Vec<u8>,
    closes: bool,
}

impl Answer {
    /// The octets: write them all.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The octets, without a copy.
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// Whether to close the connection after the octets are written. To close it, shut down writing, read and drop what comes
    /// until the end or for a second, then drop the connection (RFC 9112 §9.6): with unread octets, the system would reset it,
    /// and the browser might lose the page.
    pub fn closes(&self) -> bool {
        self.closes
    }

    pub(super) fn new(page: &Page, is_head: bool, closes: bool) -> Self {
        let body = page.html_text();
        let mut text = String::with_capacity(body.len().saturating_add(512));
        let (status, reason) = (page.status(), refusal::reason(page.status()));
        // Writing to a `String` cannot fail. No `Date`: there is no clock (RFC 9110 §6.6.1).
        let _ = write!(text, "HTTP/1.1 {status} {reason}\r\n");
        let mut field = |name: &str, value: &str| {
            let _ = write!(text, "{name}: {value}\r\n");
        };
        field("Content-Type", "text/html; charset=utf-8");
        field("Cache-Control", "no-store");
        field("Referrer-Policy", "no-referrer");
        field("Content-Security-Policy", page.policy());
        field("X-Content-Type-Options", "nosniff");
        if let Some(url) = page.location() {
            field("Location", url);
        }
        if status == 405 {
            field("Allow", "GET, HEAD, POST");
        }
        field("Connection", if closes { "close" } else { "keep-alive" });
        let _ = write!(text, "Content-Length: {}\r\n\r\n", body.len());
        if !is_head {
            text.push_str(&body);
        }
        Self { octets: text.into_bytes(), closes }
    }

    /// The body is awaited (RFC 9110 §15.2.1).
    pub(super) fn go_on() -> Self {
        Self { octets: b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), closes: false }
    }

    pub(super) fn nothing() -> Self {
        Self { octets: Vec::new(), closes: true }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("octets", &self.octets.len())
            .field("closes", &self.closes)
            .finish_non_exhaustive()
    }
}
