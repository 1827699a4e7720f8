//! What a session answers: to who needs a token, and to what happened outside.

use alloc::sync::Arc;
use core::fmt;

use super::SavedSession;
use crate::authorization::AuthorizationRequest;
use crate::bearer::Bearer;
use crate::error::{Error, ServerText};
use crate::http::{Request, RequestId};
use crate::logout::LogoutUrl;
use crate::time::UnixTime;

/// The answer to who needs an access token.
#[derive(Debug)]
#[must_use = "a request that is not sent holds up everybody who waits for it"]
pub enum Access {
    /// Make the call with this token.
    Ready(Bearer),
    /// Store [`Session::save`](crate::Session::save), which says from now on that a refresh was sent; send this, the refresh
    /// or a request for the server's keys; hand its answer to [`Session::handle`](crate::Session::handle), store what that
    /// gives, and ask again. Whoever gives up instead hands over [`Event::SendFailed`](crate::Event::SendFailed); if that is
    /// forgotten too, the others wait until [`Session::deadline`](crate::Session::deadline) and no longer, so give up sooner
    /// than that.
    SendRequest(Request),
    /// The refresh of this id is under way: ask again when it has been answered, or at
    /// [`Session::deadline`](crate::Session::deadline) at the latest.
    Wait(RequestId),
    /// The server is to be left alone until then: ask again at that time.
    RetryAt(UnixTime),
    /// Only a new login helps. [`LoginRequired::is_final`] tells whether the session has ended.
    LoginRequired(LoginRequired),
}

/// What the outcome of a request means, and what a sign-out has to do next.
///
/// To ignore one takes a deliberate act. This compiles:
///
/// ```
/// #![deny(unused_must_use)]
/// # use oauth_proto::SessionAction;
/// fn outcome(action: SessionAction) -> SessionAction { action }
/// fn forget(action: SessionAction) { drop(outcome(action)); }
/// ```
///
/// and this does not:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # use oauth_proto::SessionAction;
/// fn outcome(action: SessionAction) -> SessionAction { action }
/// fn forget(action: SessionAction) { outcome(action); }
/// ```
#[derive(Debug)]
#[must_use = "new tokens that are not stored are lost when the process ends"]
pub enum SessionAction {
    /// New tokens came, or an ID token that came before has been checked. **Store this before they are used**, since the old
    /// refresh token may be spent; then ask [`Session::access`](crate::Session::access) again. With several processes, only
    /// under the lock, after [`Session::adopt`](crate::Session::adopt): another one may have stored newer tokens since the
    /// request was sent.
    Save(SavedSession),
    /// It did not work this time; [`Session::last_error`](crate::Session::last_error) tells what the server said. Some of
    /// what servers say will not change by waiting: how long to go on is the app's to decide. Ask
    /// [`Session::access`](crate::Session::access) again at that time; of a sign-out
    /// [`Session::pending_action`](crate::Session::pending_action).
    RetryAt(UnixTime),
    /// The grant has ended: remove what was stored.
    LoginRequired(LoginRequired),
    /// Of a sign-out: send this revocation, and hand its answer to [`Session::handle`](crate::Session::handle).
    SendRequest(Request),
    /// Of a sign-out: open this URL in the user's browser, and hand over
    /// [`Event::RedirectReceived`](crate::Event::RedirectReceived) when it comes back, or
    /// [`Event::Cancelled`](crate::Event::Cancelled) when nobody waits for that (any more).
    OpenUrl(LogoutUrl),
    /// The sign-out is complete. [`Session::last_error`](crate::Session::last_error) tells whether the server would not have it.
    SignedOut,
}

/// Why only a new login helps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginRequired {
    /// The access token expired or was refused, and there is no refresh token. Ask for the scope `offline_access`.
    NoRefreshToken,
    /// The server said `invalid_grant` (RFC 6749 §5.2). That is final: an answer to an earlier refresh that comes after it
    /// changes nothing.
    GrantEnded(Error),
    /// Two refreshes with one refresh token had no answer. It may be spent, and a server that sees it again may take it for
    /// stolen (RFC 9700 §4.14.2): [`Session::try_again`](crate::Session::try_again) is for the user to decide.
    OutcomeUnknown,
    /// The API refused a token that had just been refreshed because it refused the one before. Tokens for other targets are
    /// still good.
    TokenRefused,
    /// The [`Target`](crate::Target) names a scope or a resource that the login did not ask for or was not granted (RFC 6749 §6,
    /// RFC 8707 §2.2). The session goes on.
    TargetNotGranted {
        /// The login to make: what the present one asked for and was granted, and the target.
        request: Arc<AuthorizationRequest>,
    },
    /// The API demands more scope (RFC 6750 §3.1). The session goes on.
    InsufficientScope {
        /// What is demanded, if the API says.
        scope: Option<ServerText>,
        /// The login to make: what the present one asked for and was granted, and what is demanded.
        request: Arc<AuthorizationRequest>,
    },
    /// The API demands a stronger or more recent authentication (RFC 9470). The session goes on.
    StepUp {
        /// The authentication context classes that are demanded.
        acr_values: Option<ServerText>,
        /// Seconds since the user last authenticated, at most.
        max_age: Option<u64>,
        /// The login to make: what the present one asked for and was granted, and what is demanded.
        request: Arc<AuthorizationRequest>,
    },
    /// The API, or the app, demands again what logins have just been made for, twice in a row: another one would go round in
    /// a circle. The session goes on.
    DemandNotMet,
    /// The user signed out.
    SignedOut,
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionPhase {
    /// The grant lives.
    Active,
    /// A refresh is under way.
    Refreshing,
    /// A refresh was sent and its answer was lost: the refresh token may be spent or not. The next need tries it once more, as
    /// servers with a grace period allow.
    OutcomeUnknown,
    /// A refresh is under way after one whose answer was lost.
    Retrying,
    /// That one's answer was lost too. The refresh token is not sent again by itself; access tokens that are still good are
    /// handed out.
    Exhausted,
    /// The grant has ended.
    LoginRequired,
    /// Signed out here; the server is being told.
    SigningOut,
    /// Signed out here; the user's session at the server is being ended in the browser.
    LoggingOut,
    /// Signed out.
    SignedOut,
}

/// What [`Session::adopt`](crate::Session::adopt) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "callers that wait can be served when newer tokens came"]
pub enum Adopted {
    /// The stored tokens were newer, and are the session's now.
    Newer,
    /// They were the session's own, or older, or the user has signed out: the session's tokens are as they were.
    NotNewer,
}

impl LoginRequired {
    /// Whether the grant has ended, so that what was stored should be removed. If not, the session is worth keeping until the new
    /// login is done: its tokens are good for everything else, or may be good again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::GrantEnded(_) | Self::SignedOut)
    }
}

impl fmt::Display for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRefreshToken => f.write_str("the access token cannot be refreshed; log in again"),
            Self::GrantEnded(error) => write!(f, "the grant has ended ({error}); log in again"),
            Self::OutcomeUnknown => f.write_str(
                "two refreshes had no answer, so the refresh token may be spent; log in again, or try again",
            ),
            Self::TokenRefused => f.write_str("the API refused two tokens in a row; log in again"),
            Self::TargetNotGranted { .. } => f.write_str("the scope or resource was not granted; log in with it added"),
            Self::InsufficientScope { .. } => f.write_str("the API demands more scope; log in with it added"),
            Self::StepUp { .. } => f.write_str("the API demands a stronger or more recent login"),
            Self::DemandNotMet => {
                f.write_str("what a login was just made for is demanded again; ask whoever runs the API")
            }
            Self::SignedOut => f.write_str("signed out; log in again"),
        }
    }
}
