//! Error responses of a server.

use core::fmt;

use super::error_body::ErrorBody;
use super::server_text::ServerText;
use crate::text::json;
use crate::text::unfit::Unfit;

/// A refusal by the server: its error response, with the HTTP status if there was one (RFC 6749 §4.1.2.1, §5.2).
///
/// `Display` shows the error code, the status and what to do about them. Only the accessors return the rest of the server's text,
/// which may contain anything. A message for the user, as plain text:
///
/// ```
/// fn message(refused: &oauth_proto::Refused) -> String {
///     match refused.description() {
///         Some(description) => format!("{refused}. The server says: {description}"),
///         None => refused.to_string(),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<ServerText>,
    pub(crate) description: Option<ServerText>,
    pub(crate) uri: Option<ServerText>,
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: ErrorBody,
}

impl Refused {
    /// A refusal with a status and no error code.
    pub(crate) fn without_words(status: u16) -> Self {
        Self {
            status: Some(status),
            error: None,
            description: None,
            uri: None,
            retry_after: None,
            body: ErrorBody::default(),
        }
    }

    /// The error code, such as `access_denied` or `invalid_grant` (`error`). Its case matters (RFC 6749 §1.9).
    pub fn oauth_error(&self) -> Option<&str> {
        self.error.as_ref().map(ServerText::as_str)
    }

    /// The description without control characters (`error_description`). Untrusted: never render it as HTML.
    pub fn description(&self) -> Option<&str> {
        self.description.as_ref().map(ServerText::as_str)
    }

    /// The URL of a page about the error (`error_uri`), if it is `http` or `https`.
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_ref().map(ServerText::as_str)
    }

    /// The HTTP status; `None` for an error that came by redirect.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The seconds that the server asks to wait (`Retry-After`), at most an hour.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// Reads the response's JSON members into any `Deserialize` type, for members beyond the three of RFC 6749 §5.2: Auth0's
    /// `mfa_token`, `auth_session` of first-party apps, Entra's `suberror` and `claims`, an `error` that is an object. They may
    /// contain secrets: the body is wiped when this is dropped, and `Debug` shows nothing of it.
    ///
    /// # Errors
    /// [`Unfit`] if the members do not fit the type, or were not kept: there are only those three, the body is not a JSON object
    /// or is longer than 16 KiB, or the error came by redirect.
    ///
    /// ```
    /// use oauth_proto::token::parse_response;
    /// use oauth_proto::{Error, Headers, Response, UnixTime};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Mfa {
    ///     mfa_token: String,
    /// }
    ///
    /// let body = br#"{"error":"mfa_required","mfa_token":"Fe26.2*SERVER_1609262420"}"#;
    /// let answer = parse_response(&Response::new(403, Headers::NONE, body), UnixTime::from_secs(0));
    /// let Err(Error::Refused(refused)) = answer else { panic!() };
    /// assert_eq!(refused.members::<Mfa>()?.mfa_token, "Fe26.2*SERVER_1609262420");
    /// # Ok::<(), oauth_proto::Unfit>(())
    /// ```
    pub fn members<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Unfit> {
        json::read(self.body.text().as_bytes())
    }

    /// Whether a later request may succeed: 408 and 425 (RFC 9110 §15.5.9, RFC 8470 §5.2), 429 (RFC 6585 §4) and 5xx
    /// (RFC 9110 §15.6).
    pub fn is_transient(&self) -> bool {
        self.status.is_some_and(is_transient)
    }

    /// Whether the server says that it has not processed the request: it came too slowly (RFC 9110 §15.5.9), too early (RFC
    /// 8470 §5.2) or too often (RFC 6585 §4), or the server is overloaded or under maintenance (RFC 9110 §15.6.4), which some
    /// servers say with the error code of RFC 6749 §4.1.2.1. Any other 5xx leaves it open.
    pub(crate) fn is_unprocessed(&self) -> bool {
        matches!(self.status, Some(408 | 425 | 429 | 503)) || self.oauth_error() == Some("temporarily_unavailable")
    }
}

/// Whether the server has not decided, and may be asked again.
pub(crate) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

impl Refused {
    pub(super) fn code(&self) -> &'static str {
        match (self.status, &self.error) {
            _ if self.is_transient() => "unavailable",
            (None, _) => "authorization_error",
            (Some(_), Some(_)) => "oauth_error",
            (Some(_), None) => "http_error",
        }
    }
}

impl fmt::Display for Refused {
    /// Shows an error code only if it consists of lower-case letters and `_`: a server may put anything there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looks_like_a_code =
            |code: &&str| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        f.write_str("refused by the server")?;
        match self.oauth_error() {
            Some(code) if looks_like_a_code(&code) => write!(f, ": {code}")?,
            Some(_) => f.write_str(" with an error code of its own")?,
            None => {}
        }
        if let Some(status) = self.status {
            write!(f, " (HTTP status {status})")?;
        }
        write!(f, "; {}", self.advice())
    }
}

impl Refused {
    /// What to do. A refused login is over; a session asks again by itself where that helps.
    fn advice(&self) -> &'static str {
        match (self.oauth_error(), self.status) {
            _ if self.is_transient() => BUSY,
            (Some("temporarily_unavailable" | "server_error"), _) => BUSY,
            (Some("access_denied"), _) => "the user said no, or the server's rules did: start a new login when the user wants one",
            (Some("invalid_grant"), _) => {
                "the code or the refresh token is used up, expired or another client's, or the server wants it bound to a key \
                 (DPoP): start a new login"
            }
            (Some("invalid_client" | "unauthorized_client" | "unsupported_grant_type" | "unsupported_response_type"), _) => {
                "compare the client's id, secret and authentication method with its registration at the server, and the grants it \
                 may use"
            }
            (Some("invalid_scope" | "invalid_target"), _) => {
                "ask for scopes and resources that the server lets this client have"
            }
            (Some("use_dpop_nonce" | "invalid_dpop_proof"), _) => {
                "the server wants DPoP (RFC 9449), which this version does not speak: register the client without"
            }
            (
                Some(
                    "interaction_required"
                    | "login_required"
                    | "consent_required"
                    | "account_selection_required"
                    | "mfa_required",
                ),
                _,
            ) => "the user has to do something at the server: start a new login, without prompt=none",
            (Some(_), _) => "its description may say what to change in the request or in the client's registration",
            (None, Some(407)) => "a proxy of the network wants to know the user: see to the network",
            (None, _) => "is the endpoint's URL right, and is it the server that answers?",
        }
    }
}

const BUSY: &str =
    "the server is busy or in trouble: a session asks again by itself, and a login is started anew later";
