//! What the response to a refresh means (RFC 6749 §5): a pure function, and the only place that classifies error codes.

use alloc::borrow::Cow;

use crate::config::client::Client;
use crate::error::refused::Refused;
use crate::error::Error;
use crate::http::Response;
use crate::time::UnixTime;
use crate::wire::token::response::{parse_response_as, remains, Remains, TokenResponse};

pub(super) enum Verdict<'a> {
    Tokens(TokenResponse<'a>),
    /// A success that cannot be used. The server may still have replaced the refresh token.
    Useless(Error, Option<Cow<'a, str>>),
    /// A success that cannot be read, and may have contained new tokens.
    Lost(Error),
    /// Try later: 408, 425, 429, 5xx, any 3xx, a page.
    Later(Error, Option<u64>),
    /// `invalid_grant`.
    InvalidGrant(Error),
    UserMustAct(Error),
    /// The target is not granted.
    NotGranted(Error),
    /// The client is refused, for any request.
    ClientRefused(Error),
    Refused(Error),
}

/// Error codes for which the user has to act at the server, and the grant lives on (OpenID Connect Core §3.1.2.6, and others).
const USER_MUST_ACT: [&str; 7] = [
    "interaction_required",
    "login_required",
    "consent_required",
    "account_selection_required",
    "mfa_required",
    "insufficient_authorization",
    "unmet_authentication_requirements",
];

impl<'a> Verdict<'a> {
    pub(super) fn of(response: &Response<'a>, client: &Client, now: UnixTime) -> Self {
        let error = match parse_response_as(response, client.token_types(), now) {
            Ok(tokens) => return Self::Tokens(tokens),
            Err(error) => error,
        };
        if let Error::Refused(refused) = &error {
            return Self::refused(refused, error.clone());
        }
        match remains(response) {
            Remains::Success(refresh_token) => Self::Useless(error, refresh_token),
            Remains::Unreadable => Self::Lost(error),
            Remains::Nothing => Self::Later(error, None),
        }
    }

    fn refused(refused: &Refused, error: Error) -> Self {
        let (status, word) = (refused.status().unwrap_or_default(), refused.oauth_error());
        let is_client_error = (400..=499).contains(&status);
        match word {
            _ if refused.is_transient() => Self::Later(error, refused.retry_after()),
            // Defined for the authorization endpoint (RFC 6749 §4.1.2.1), but also used here.
            Some("temporarily_unavailable" | "server_error") => Self::Later(error, refused.retry_after()),
            // Only this code with a 4xx ends a grant (RFC 6749 §5.2).
            Some("invalid_grant") if is_client_error => Self::InvalidGrant(error),
            Some(word) if USER_MUST_ACT.contains(&word) => Self::UserMustAct(error),
            Some("invalid_target" | "invalid_scope") => Self::NotGranted(error),
            Some("invalid_client" | "unauthorized_client" | "unsupported_grant_type") => Self::ClientRefused(error),
            Some(_) => Self::Refused(error),
            // A 4xx without a code, or a success whose `error` is not a string.
            None if is_client_error || (200..=299).contains(&status) => Self::Refused(error),
            // Any other status, perhaps from a proxy.
            None => Self::Later(error, refused.retry_after()),
        }
    }

    /// The refresh token that a response brought, if any; `Err` if that is not known.
    pub(super) fn brought(self) -> Result<Option<Cow<'a, str>>, ()> {
        match self {
            Self::Tokens(tokens) => Ok(tokens.refresh_token),
            Self::Useless(_, refresh_token) => Ok(refresh_token),
            // Too late, too early, too often: the server did not process the request.
            Self::Later(Error::Refused(refused), _) if matches!(refused.status(), Some(400..=499)) => Ok(None),
            // A proxy may have answered, or the server after it processed the request.
            Self::Later(..) | Self::Lost(_) => Err(()),
            _ => Ok(None),
        }
    }
}
