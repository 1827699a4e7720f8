//! The media type of a body, by its `Content-Type` (RFC 9110 §8.3).

use crate::http::Response;

/// A kind of body, ordered from the most to the least useful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MediaType {
    /// JSON, or no `Content-Type`.
    Json,
    /// Text or a script: some servers send JSON with such a type.
    Text,
    /// A signed or encrypted JWT (RFC 7519 §10.3.1).
    Jwt,
    Other,
    /// A web page: never read as JSON.
    Html,
}

impl MediaType {
    pub(super) fn of(response: &Response<'_>) -> Self {
        let Some(content_type) = response.header("content-type") else { return Self::Json };
        if content_type == "application/json" {
            return Self::Json;
        }
        // Some servers send the header twice, and HTTP stacks join the values.
        content_type.split(',').map(Self::read).max().unwrap_or(Self::Other)
    }

    /// A prefix is not enough: `application/json-seq` is another format.
    fn read(value: &str) -> Self {
        let name = value.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
        let known = NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        known.map_or_else(|| if has_suffix(name) { Self::Json } else { Self::Other }, |(_, kind)| *kind)
    }
}

const NAMES: [(&str, MediaType); 10] = [
    ("application/json", MediaType::Json),
    ("application/x-json", MediaType::Json),
    ("text/json", MediaType::Json),
    ("text/plain", MediaType::Text),
    ("text/javascript", MediaType::Text),
    ("application/javascript", MediaType::Text),
    ("application/x-javascript", MediaType::Text),
    ("application/jwt", MediaType::Jwt),
    ("text/html", MediaType::Html),
    ("application/xhtml+xml", MediaType::Html),
];

/// Whether it ends in `+json` (RFC 6839 §3.1).
fn has_suffix(name: &str) -> bool {
    let (kind, subtype) = name.split_once('/').unwrap_or_default();
    let suffix = subtype.len().checked_sub(5).and_then(|start| subtype.get(start..));
    !kind.is_empty() && subtype.len() > 5 && suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
}
