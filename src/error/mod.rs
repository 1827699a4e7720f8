//! Errors, sorted by who has to act. None shows a code, a token, a secret or a redirect URL.

use alloc::boxed::Box;
use core::fmt;

pub(crate) mod config;
pub(crate) mod error_body;
#[cfg(feature = "openid")]
pub(crate) mod id_token;
pub(crate) mod refused;
pub(crate) mod restore;
pub(crate) mod server_text;
pub(crate) mod violation;

pub use config::ConfigError;
#[cfg(feature = "openid")]
pub use id_token::IdTokenError;
pub use refused::Refused;
pub use restore::RestoreError;
pub use server_text::ServerText;
pub use violation::Violation;

use crate::text::members::Fault;

/// Why a login or session did not do what an event asked for, or what went wrong at the server.
///
/// [`Error::is_fatal`] tells two kinds apart: after a fatal error a login is over and returns the same error for every later
/// event; after any other ([`Misuse`], [`Ignored`]) nothing has changed. [`Session::handle`](crate::Session::handle) returns only
/// errors that are not fatal.
///
/// ```
/// use oauth_proto::{Error, Ignored, Over};
///
/// assert!(!Error::Ignored(Ignored::StateMismatch).is_fatal());
/// assert!(Error::Over(Over::Cancelled).is_fatal());
/// assert_eq!(Error::Ignored(Ignored::StateMismatch).code(), "state_mismatch");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The app's code must change: this call is not possible here.
    Misuse(Misuse),
    /// Nothing needs to be done: the event was for another login or session, or came late.
    Ignored(Ignored),
    /// The user or the server refused: the server's error response.
    Refused(Box<Refused>),
    /// The server broke a rule. A login uses nothing of such a response.
    Violation(Violation),
    /// The login is over: start a new one. After a sign-out: [`Over::NotRevoked`].
    Over(Over),
}

/// A wrong call or setup by the app, never caused by data from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// `Start` came again: a login starts once.
    AlreadyStarted,
    /// A session takes `ResponseReceived`, `SendFailed`, `Verified` and `VerifyFailed`, and during a logout in the browser
    /// `RedirectReceived` and `Cancelled`.
    NotForASession,
    /// The sign-out should also end the session at the server, but no endpoint for that is configured.
    NoLogoutEndpoint,
    /// The client has the app verify signatures by action, and [`drive::login`](crate::drive::login) cannot do that.
    NoCrypto,
    /// A token must be refreshed, and the client knows only its server's issuer.
    ServerUnknown,
}

/// An event for another login or session, or a late one. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// The URL is not this login's redirect URI (RFC 9700 §2.1).
    NotOurRedirect,
    /// The redirect is longer than [`MAX_REDIRECT_BYTES`](crate::redirect::MAX_REDIRECT_BYTES).
    RedirectTooLarge,
    /// The authorization response has a parameter twice (RFC 6749 §3.1), and no `state`, or one of another login. With only
    /// this login's `state`, it is [`Violation::DuplicateParameter`].
    DuplicateParameter,
    /// The redirect has no `state` (RFC 6749 §10.12). If it has an error, some servers mean it:
    /// [`unproved_error`](crate::redirect::unproved_error) returns it, to be shown but not trusted.
    StateMissing,
    /// The redirect has another `state` (RFC 6749 §10.12): it belongs to another login, or is forged.
    StateMismatch,
    /// No redirect is awaited: the login has not started, or has accepted one already.
    RedirectNotAwaited,
    /// The id is of no request under way.
    UnknownRequest,
    /// The login has ended with tokens.
    Finished,
}

/// Why a login or a sign-out is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Over {
    /// The caller cancelled the login.
    Cancelled,
    /// The login's deadline has passed.
    Expired,
    /// The code may have been used and the response was lost. A code must not be sent twice (RFC 6749 §4.1.2).
    OutcomeUnknown,
    /// The server could not be told of the sign-out: the refresh token may still be valid (RFC 7009).
    NotRevoked,
}

impl Error {
    /// Whether a login that returned this error has ended; if not, the login is unchanged. For a session, see
    /// [`LoginRequired::is_final`](crate::LoginRequired::is_final).
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Misuse(_) | Self::Ignored(_))
    }

    /// A stable name, the same in every version, for metrics and foreign interfaces.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Misuse(misuse) => misuse.code(),
            Self::Ignored(ignored) => ignored.code(),
            Self::Refused(refused) => refused.code(),
            Self::Violation(violation) => violation.code(),
            Self::Over(over) => over.code(),
        }
    }
}

impl Misuse {
    fn code(self) -> &'static str {
        match self {
            Self::AlreadyStarted => "already_started",
            Self::NotForASession => "not_for_a_session",
            Self::NoLogoutEndpoint => "no_logout_endpoint",
            Self::NoCrypto => "no_crypto",
            Self::ServerUnknown => "server_unknown",
        }
    }
}

impl Ignored {
    fn code(self) -> &'static str {
        match self {
            Self::NotOurRedirect => "not_our_redirect",
            Self::RedirectTooLarge => "redirect_too_large",
            Self::DuplicateParameter => "duplicate_parameter",
            Self::StateMissing => "state_missing",
            Self::StateMismatch => "state_mismatch",
            Self::RedirectNotAwaited => "redirect_not_awaited",
            Self::UnknownRequest => "unknown_request",
            Self::Finished => "finished",
        }
    }
}

impl Over {
    fn code(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::NotRevoked => "not_revoked",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misuse(misuse) => f.write_str(match misuse {
                Misuse::AlreadyStarted => "the login has been started: make a new Login for another one",
                Misuse::NotForASession => {
                    "a session takes ResponseReceived, SendFailed, Verified and VerifyFailed, and while it signs out in the browser \
                     RedirectReceived and Cancelled"
                }
                Misuse::NoLogoutEndpoint => {
                    "there is no logout endpoint to send the browser to: set it with \
                     AuthorizationServer::end_session_endpoint"
                }
                Misuse::NoCrypto => {
                    "the client leaves signatures to the app: drive the login with drive::login_with, or give the client a \
                     SignatureVerifier"
                }
                Misuse::ServerUnknown => {
                    "the client knows only its server's issuer: give it the metadata with Client::with_metadata"
                }
            }),
            Self::Ignored(ignored) => f.write_str(match ignored {
                Ignored::NotOurRedirect => "the URL is not this login's redirect URI; keep waiting",
                Ignored::RedirectTooLarge => "the redirect is too long to be looked at; keep waiting",
                Ignored::DuplicateParameter => "the redirect repeats a parameter (RFC 6749 section 3.1); keep waiting",
                Ignored::StateMissing => {
                    "the redirect has no state (RFC 6749 section 10.12), so it may be anybody's, and so may an error in it; keep \
                     waiting"
                }
                Ignored::StateMismatch => "the redirect has another state (RFC 6749 section 10.12); keep waiting",
                Ignored::RedirectNotAwaited => "no redirect is awaited now; this one is not looked at",
                Ignored::UnknownRequest => "the answer belongs to no request under way; it is not looked at",
                Ignored::Finished => "the login has finished; the event is not looked at",
            }),
            Self::Refused(refused) => refused.fmt(f),
            Self::Violation(violation) => violation.fmt_message(f),
            Self::Over(over) => f.write_str(match over {
                Over::Cancelled => "the login was cancelled; start a new one",
                Over::Expired => "the login took too long; start a new one",
                Over::OutcomeUnknown => {
                    "the code may have been used and the answer was lost (RFC 6749 section 4.1.2); start a new login"
                }
                Over::NotRevoked => {
                    "signed out here, but the server could not be told (RFC 7009): end the grant in the server's own pages"
                }
            }),
        }
    }
}

impl Error {
    /// Whether trying later may help.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.is_transient())
    }

    /// How many seconds the server asks to wait (`Retry-After`).
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused(refused) => refused.retry_after(),
            _ => None,
        }
    }
}

#[cfg(feature = "openid")]
impl From<IdTokenError> for Error {
    fn from(error: IdTokenError) -> Self {
        Self::Violation(Violation::IdToken(error))
    }
}

impl Error {
    /// The error for a document's fault. `problem`: what to do about a wrong type.
    pub(crate) fn of_document(fault: Fault, problem: &'static str) -> Self {
        match fault {
            Fault::Malformed => Self::Violation(Violation::ResponseMalformed),
            Fault::WrongType(name) => Self::metadata(ConfigError::Metadata { name, problem }),
        }
    }

    /// The error for unusable metadata.
    pub(crate) fn metadata(error: ConfigError) -> Self {
        Self::Violation(Violation::Metadata(Box::new(error)))
    }
}

impl core::error::Error for Error {}
