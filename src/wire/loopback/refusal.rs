//! Why a request is not a redirect, as an HTTP status.

/// Why a request is answered without being handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It breaks a rule of RFC 9112.
    Malformed,
    /// Its path is not the redirect URI's.
    OtherPath,
    OtherMethod,
    /// A `POST` that does not say how long its body is (RFC 9112 §6.3).
    LengthMissing,
    BodyTooLong,
    TargetTooLong,
    /// The body is no form.
    OtherMediaType,
    /// It expects something other than `100-continue` (RFC 9110 §10.1.1).
    OtherExpectation,
    /// Its `Host` is not the redirect URI's (RFC 9110 §15.5.20).
    OtherHost,
    HeadTooLong,
    /// The app did not answer the redirect.
    NotAnswered,
    OtherVersion,
}

impl Refusal {
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::OtherPath => 404,
            Self::OtherMethod => 405,
            Self::LengthMissing => 411,
            Self::BodyTooLong => 413,
            Self::TargetTooLong => 414,
            Self::OtherMediaType => 415,
            Self::OtherExpectation => 417,
            Self::OtherHost => 421,
            Self::HeadTooLong => 431,
            Self::NotAnswered => 503,
            Self::OtherVersion => 505,
        }
    }

    /// The heading of its page.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::OtherPath => "There is no page here",
            Self::OtherHost => "This address is not served here",
            Self::NotAnswered => "The app does not answer",
            _ => "This request cannot be answered",
        }
    }
}

/// The reason phrases of RFC 9110 §15; empty for a status that only an app sends (RFC 9112 §4).
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
