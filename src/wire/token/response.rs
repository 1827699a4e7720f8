//! Responses of the token endpoint (RFC 6749 §5): strict where it protects, lenient where servers differ.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;

use super::media_type::MediaType;
use super::token_type::TokenTypes;
use crate::error::error_body::ErrorBody;
use crate::error::refused::Refused;
use crate::error::server_text::ServerText;
use crate::error::violation::Violation;
use crate::error::Error;
use crate::http::{retry_after, Response, MAX_RESPONSE_BYTES};
use crate::text::chars;
use crate::text::json::{self, Members, Unreadable, Value};
use crate::time::UnixTime;
use crate::wire::redirect::is_web_url;

/// The longest access token, refresh token or scope that is accepted, in bytes (32 KiB).
pub const MAX_TOKEN_BYTES: usize = 32 * 1024;

/// A successful token response (RFC 6749 §5.1), borrowed from the body.
pub struct TokenResponse<'a> {
    pub(crate) access_token: Cow<'a, str>,
    pub(crate) expires_in: Option<u64>,
    pub(crate) refresh_token: Option<Cow<'a, str>>,
    pub(crate) scope: Option<Cow<'a, str>>,
    pub(crate) id_token: Option<Cow<'a, str>>,
    pub(crate) authorization_expires_in: Option<u64>,
    pub(crate) refresh_token_expires_in: Option<u64>,
}

impl TokenResponse<'_> {
    /// The upper limit of lifetimes, in seconds: 136 years.
    pub const MAX_EXPIRES_IN: u64 = u32::MAX as u64;

    /// `access_token`: one or more visible characters, possibly with spaces between them, as allowed in a header; at most
    /// [`MAX_TOKEN_BYTES`].
    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// `expires_in`, in seconds: at most [`TokenResponse::MAX_EXPIRES_IN`], and 0 if negative. A number, or a string of digits as
    /// some servers send it; other values count as absent.
    pub fn expires_in(&self) -> Option<u64> {
        self.expires_in
    }

    /// `refresh_token`. `None` after a refresh means that the old one stays valid (§6).
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_deref()
    }

    /// `scope`. `None` means the requested one; an empty string means no scope at all (§5.1).
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// `id_token`, **not verified**: do not rely on what it says.
    pub fn id_token(&self) -> Option<&str> {
        self.id_token.as_deref()
    }

    /// `authorization_expires_in`: seconds until the user's consent ends, regardless of refreshes
    /// (draft-ietf-oauth-refresh-token-expiration). Read like [`TokenResponse::expires_in`]; 0 counts as absent.
    pub fn authorization_expires_in(&self) -> Option<u64> {
        self.authorization_expires_in
    }

    /// Seconds until the refresh token expires if it is not used: `refresh_token_timeout`
    /// (draft-ietf-oauth-refresh-token-expiration), or else `refresh_token_expires_in` (GitHub and others) or
    /// `refresh_expires_in` (Keycloak, whose 0 means never). Read like [`TokenResponse::authorization_expires_in`].
    pub fn refresh_token_expires_in(&self) -> Option<u64> {
        self.refresh_token_expires_in
    }
}

impl fmt::Debug for TokenResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Reads a response of the token endpoint. A pure function: fuzz it directly.
///
/// `now` only serves to read a `Retry-After` date if there is no `Date` header.
///
/// # Errors
/// [`Error::Refused`] for an OAuth error with any content type, or a status other than 2xx; [`Error::Violation`] for a response
/// that breaks a rule.
///
/// ```
/// use oauth_proto::token::parse_response;
/// use oauth_proto::{Response, UnixTime};
///
/// let headers = [("Content-Type", "application/json;charset=UTF-8")];
/// let body = br#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}"#;
/// let tokens = parse_response(&Response::new(200, &headers, body), UnixTime::from_secs(0))?;
/// assert_eq!(tokens.access_token(), "2YotnFZFEjr1zCsicMWpAA");
/// assert_eq!(tokens.expires_in(), Some(3600));
/// # Ok::<(), oauth_proto::Error>(())
/// ```
pub fn parse_response<'a>(response: &Response<'a>, now: UnixTime) -> Result<TokenResponse<'a>, Error> {
    parse_response_as(response, &TokenTypes::STRICT, now)
}

/// As `parse_response`, with the server's own token types.
pub(crate) fn parse_response_as<'a>(
    response: &Response<'a>,
    token_types: &TokenTypes,
    now: UnixTime,
) -> Result<TokenResponse<'a>, Error> {
    let body = body(response, now)?;
    let is_json = may_be_json(response, body);
    // Servers send errors with many content types.
    if !is_json && !json::begins_as_object(body) {
        return Err(Error::Violation(Violation::ContentType));
    }
    Err(Error::Violation(match json::members(body) {
        Ok(members) if is_error(&members) => {
            return Err(Error::Refused(Box::new(words(&members, body, response.status()))));
        }
        _ if !is_json => Violation::ContentType,
        // Tokens must not come with an `error`, even a malformed one.
        Ok(members) if members.error == Value::None => return tokens(members, token_types),
        Ok(_) => Violation::MemberMalformed("error"),
        Err(Unreadable::Malformed) => Violation::ResponseMalformed,
        Err(Unreadable::TooDeep) => Violation::ResponseTooLarge,
    }))
}

/// Whether there is an `error` as in RFC 6749 §5.2, or of another form, as some servers send.
fn is_error(members: &Members<'_>) -> bool {
    match &members.error {
        Value::None => false,
        Value::Text(error) => chars::is_nqschars(error),
        _ => true,
    }
}

/// Whether a body of this type is read as JSON (RFC 6749 §5.1, RFC 8414 §3.2).
fn may_be_json(response: &Response<'_>, body: &[u8]) -> bool {
    match MediaType::of(response) {
        MediaType::Json => true,
        MediaType::Text => json::begins_as_object(body),
        MediaType::Jwt | MediaType::Other | MediaType::Html => false,
    }
}

/// The body of a success that must be a JSON object, if its type allows that.
#[cfg(feature = "openid")]
pub(crate) fn json_body<'a>(response: &Response<'a>, now: UnixTime) -> Result<&'a [u8], Error> {
    let body = body(response, now)?;
    may_be_json(response, body).then_some(body).ok_or(Error::Violation(Violation::ContentType))
}

/// Whether the content type is that of a JWT.
#[cfg(feature = "openid")]
pub(crate) fn is_jwt(response: &Response<'_>) -> bool {
    MediaType::of(response) == MediaType::Jwt
}

/// The body of a document fetched by its URL. File servers may not know its type: a JSON object is accepted with any type but
/// HTML.
pub(crate) fn document<'a>(response: &Response<'a>, now: UnixTime) -> Result<&'a [u8], Error> {
    let body = body(response, now)?;
    let is_read = may_be_json(response, body) || MediaType::of(response) != MediaType::Html && json::is_object(body);
    is_read.then_some(body).ok_or(Error::Violation(Violation::ContentType))
}

/// The body of a success of any type. The status should be 200 (RFC 6749 §5.1); some servers send 201.
pub(crate) fn body<'a>(response: &Response<'a>, now: UnixTime) -> Result<&'a [u8], Error> {
    match response.status() {
        200..=299 => {}
        // Without `Location` it is no redirect; nor is a 304 (RFC 9110 §15.4.5).
        status @ 300..=399 if status != 304 && response.header("location").is_some() => {
            return Err(Error::Violation(Violation::RedirectedResponse(status)));
        }
        _ => return Err(refused(response, now)),
    }
    if response.body().len() > MAX_RESPONSE_BYTES {
        return Err(Error::Violation(Violation::ResponseTooLarge));
    }
    Ok(response.body())
}

/// The usable part of a response that brought no tokens and is not a refusal.
pub(crate) enum Remains<'a> {
    /// A success that breaks a rule. Its refresh token may have replaced the old one.
    Success(Option<Cow<'a, str>>),
    /// Unreadable JSON, which may have contained new tokens.
    Unreadable,
    /// Nothing usable.
    Nothing,
}

pub(crate) fn remains<'a>(response: &Response<'a>) -> Remains<'a> {
    if !(200..=299).contains(&response.status()) || !may_be_json(response, response.body()) {
        return Remains::Nothing;
    }
    if response.body().len() > MAX_RESPONSE_BYTES {
        return Remains::Unreadable;
    }
    match json::members(response.body()) {
        Ok(members) => Remains::Success(match members.refresh_token {
            Value::Text(token) if chars::is_vschars(&token) && token.len() <= MAX_TOKEN_BYTES => Some(token),
            _ => None,
        }),
        Err(_) => Remains::Unreadable,
    }
}

/// The error for a response that is not a success.
pub(crate) fn refused(response: &Response<'_>, now: UnixTime) -> Error {
    Error::Refused(Box::new(refusal(response, now)))
}

fn tokens<'a>(members: Members<'a>, token_types: &TokenTypes) -> Result<TokenResponse<'a>, Error> {
    let malformed = |name| Error::Violation(Violation::MemberMalformed(name));
    for value in [&members.access_token, &members.refresh_token, &members.scope] {
        if matches!(value, Value::Text(text) if text.len() > MAX_TOKEN_BYTES)
            || matches!(value, Value::Texts(text) if text.len() > MAX_TOKEN_BYTES)
        {
            return Err(Error::Violation(Violation::ResponseTooLarge));
        }
    }
    let access_token = match members.access_token {
        Value::None => return Err(Error::Violation(Violation::AccessTokenMissing)),
        Value::Text(token) if token.is_empty() => return Err(Error::Violation(Violation::AccessTokenMissing)),
        Value::Text(token) if chars::is_header_token(&token) => token,
        _ => return Err(malformed("access_token")),
    };
    token_types.check_bearer(&members.token_type)?;
    // An empty optional token counts as absent.
    let optional_token = |name, value| match value {
        Value::None => Ok(None),
        Value::Text(token) if token.is_empty() => Ok(None),
        Value::Text(token) if chars::is_vschars(&token) => Ok(Some(token)),
        _ => Err(malformed(name)),
    };
    // These are hints: a wrong one does not invalidate the grant.
    let lifetime = |value| seconds(value).filter(|seconds| *seconds > 0);
    let of_refresh_token =
        [&members.refresh_token_timeout, &members.refresh_token_expires_in, &members.refresh_expires_in];
    Ok(TokenResponse {
        access_token,
        expires_in: seconds(&members.expires_in),
        authorization_expires_in: lifetime(&members.authorization_expires_in),
        refresh_token_expires_in: of_refresh_token.into_iter().find_map(lifetime),
        refresh_token: optional_token("refresh_token", members.refresh_token)?,
        scope: match members.scope {
            Value::None => None,
            Value::Text(scope) if chars::is_visible(&scope) => Some(scope),
            Value::Texts(scope) if chars::is_visible(&scope) => Some(Cow::Owned(scope)),
            _ => return Err(malformed("scope")),
        },
        id_token: optional_token("id_token", members.id_token)?,
    })
}

/// A lifetime: a number or a string of digits, at most [`TokenResponse::MAX_EXPIRES_IN`].
fn seconds(value: &Value<'_>) -> Option<u64> {
    let seconds = match value {
        Value::Integer(seconds) => *seconds,
        Value::Negative => 0,
        // `as` saturates, and turns negative values into 0.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Value::Float(seconds) => *seconds as u64,
        Value::Text(digits) if !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit()) => {
            digits.parse().unwrap_or(u64::MAX)
        }
        _ => return None,
    };
    Some(seconds.min(TokenResponse::MAX_EXPIRES_IN))
}

/// The refusal for a status other than 2xx: the status, and the server's error if there is one.
fn refusal(response: &Response<'_>, now: UnixTime) -> Refused {
    let status = response.status();
    let body = Some(response.body()).filter(|body| body.len() <= MAX_RESPONSE_BYTES && json::begins_as_object(body));
    let body = body.filter(|_| (400..=599).contains(&status));
    let words = body.and_then(|body| Some(words(&json::members(body).ok()?, body, status)));
    let mut refused = words.unwrap_or_else(|| Refused::without_words(status));
    refused.retry_after = retry_after::seconds(response, now);
    refused
}

/// The error of RFC 6749 §5.2, if `error` is valid or of another form, and the whole body if it has more members.
fn words(members: &Members<'_>, body: &[u8], status: u16) -> Refused {
    let text = |value: &Value<'_>| match value {
        Value::Text(text) if !text.is_empty() => Some(ServerText::new(text)),
        _ => None,
    };
    let mut refused = Refused::without_words(status);
    if is_error(members) {
        refused.error = text(&members.error);
        refused.description = text(&members.error_description);
        refused.uri = text(&members.error_uri).filter(|uri| is_web_url(uri.as_str()));
    }
    if members.has_more_than_error || !matches!(members.error, Value::None | Value::Text(_)) {
        refused.body = ErrorBody::keep(body);
    }
    refused
}
