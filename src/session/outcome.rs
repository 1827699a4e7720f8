//! What a session answers: to who needs a token, and to what happened outside.

use alloc::sync::Arc;
use core::fmt;

use super::bearer::Bearer;
use crate::error::server_text::ServerText;
use crate::error::Error;
use crate::http::{Request, RequestId};
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::logout::LogoutUrl;

/// The answer to who needs an access token. A driver may match it exhaustively: see [the crate's documentation](crate#matching).
#[derive(Debug)]
#[must_use = "a request that is not sent holds up everybody who waits for it"]
pub enum Access {
    /// Make the call with this token.
    Ready(Bearer),
    /// Send this, the refresh or a request for the server's keys; hand its answer to
    /// [`Session::handle`](crate::Session::handle), store what there is to store, and ask again. Whoever gives up instead
    /// hands over [`Event::SendFailed`](crate::Event::SendFailed); if that is forgotten too, the others wait until
    /// [`Session::deadline`](crate::Session::deadline) and no longer, so give up sooner than that.
    SendRequest(Request),
    /// The refresh of this id is under way: ask again when it has been answered, or at
    /// [`Session::deadline`](crate::Session::deadline) at the latest.
    Wait(RequestId),
    /// The network, or the server for a while: ask again at that time. A device that is online again may say
    /// [`Session::ask_again`](crate::Session::ask_again) and ask at once.
    RetryAt(UnixTime),
    /// The user has to act. [`LoginRequired::is_final`] tells whether the session has ended.
    LoginRequired(LoginRequired),
    /// The server refuses this client or this request, or its answers cannot be used: waiting does not help. The grant is kept.
    /// [`Session::ask_again`](crate::Session::ask_again) when it has been dealt with;
    /// [`Session::end_grant`](crate::Session::end_grant) if the app knows by the error that the grant is over, since some servers
    /// have words of their own for that.
    Refused {
        /// Why.
        error: Error,
        /// When the session asks once more by itself; `None` if it does not.
        retry_at: Option<UnixTime>,
    },
}

/// What the outcome of a request means, and what a sign-out has to do next. A driver may match it exhaustively: see
/// [the crate's documentation](crate#matching).
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
    /// New tokens came, or an ID token that came before has been checked. **Store [`Session::save`](crate::Session::save) before
    /// they are used**, since the old refresh token may be spent; then ask [`Session::access`](crate::Session::access) again.
    /// What is stored is what the session has when it is stored, and the session is locked from `save` until it is: so it is
    /// never older than what was stored before.
    Save,
    /// There are no new tokens: ask [`Session::access`](crate::Session::access) again at that time, or before; it tells what
    /// stands in the way, and [`Session::last_error`](crate::Session::last_error) what the server said. Of a sign-out: ask
    /// [`Session::pending_action`](crate::Session::pending_action) at that time.
    RetryAt(UnixTime),
    /// The user has to act. If it is [final](LoginRequired::is_final), the grant has ended: remove what was stored.
    LoginRequired(LoginRequired),
    /// Of a sign-out: send this revocation, and hand its answer to [`Session::handle`](crate::Session::handle).
    SendRequest(Request),
    /// Of a sign-out: open this URL in the user's browser, and hand over
    /// [`Event::RedirectReceived`](crate::Event::RedirectReceived) when it comes back, or
    /// [`Event::Cancelled`](crate::Event::Cancelled) when nobody waits for that (any more).
    OpenUrl(LogoutUrl),
    /// The sign-out is complete. [`Session::last_error`](crate::Session::last_error) tells whether the server would not have it,
    /// or a refresh token may live on there.
    SignedOut,
}

/// Why the user has to act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginRequired {
    /// The access token expired or was refused, and there is no refresh token. Ask for the scope `offline_access`.
    NoRefreshToken,
    /// The server said `invalid_grant` (RFC 6749 §5.2), or gave tokens of somebody else (OpenID Connect Core §12.2), or the app
    /// said that the grant is over ([`Session::end_grant`](crate::Session::end_grant)). That is final.
    GrantEnded(Error),
    /// The time has come at which the server said that the grant ends
    /// ([`Session::grant_expires_at`](crate::Session::grant_expires_at)). By this device's clock: nothing was sent, and nothing is
    /// removed.
    GrantExpired,
    /// The server wants to see the user (`interaction_required`, `mfa_required` and others), and the grant lives on: nothing is
    /// sent before the login is made, or [`Session::ask_again`](crate::Session::ask_again) says that it has been dealt with.
    UserMustAct {
        /// What the server said: [`Refused::members`](crate::Refused::members) has what came with it, Auth0's `mfa_token` for
        /// example.
        error: Error,
        /// The login to make: what the present one asked for and was granted.
        request: Arc<AuthorizationRequest>,
    },
    /// The API refused a token that had come only because it refused the one before. It is told to that caller alone: the token
    /// may be good elsewhere, and others are given it.
    TokenRefused,
    /// The [`Target`](crate::Target) names a scope or a resource that the login did not ask for (RFC 6749 §6, RFC 8707 §2.2), or
    /// the server would not give. The session goes on.
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
    /// The API demands a stronger or more recent authentication (RFC 9470), or other claims (Entra ID's continuous access
    /// evaluation). The session goes on.
    StepUp {
        /// The authentication context classes that are demanded.
        acr_values: Option<ServerText>,
        /// Seconds since the user last authenticated, at most.
        max_age: Option<u64>,
        /// The claims that are demanded: JSON, for the parameter `claims`.
        claims: Option<ServerText>,
        /// The login to make: what the present one asked for and was granted, and what is demanded.
        request: Arc<AuthorizationRequest>,
    },
    /// The API, or the app, demands what the login was just made for, so that another one would go round in a circle; or scope
    /// that the app does not let APIs demand
    /// ([`ClientBuilder::demandable_scope`](crate::ClientBuilder::demandable_scope)). The session goes on.
    DemandNotMet,
    /// The token that was refused is of another login than the session: the user has logged in again meanwhile, or somebody
    /// else has. Do not repeat the call in the new user's name.
    OtherLogin,
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
#[must_use = "another login that is stored must not be written over"]
pub enum Adopted {
    /// The stored tokens were newer, and are the session's now.
    Newer,
    /// They were the session's own, or older, or the user has signed out: the session's tokens are as they were.
    NotNewer,
    /// They are of another login, which this session does not touch, and the store is that login's now. Going over to it is
    /// the app's own act: [`Session::restore`](crate::Session::restore).
    OtherLogin,
}

impl LoginRequired {
    /// Whether the grant has ended, so that what was stored should be removed. If not, the session is worth keeping until the new
    /// login is done: its tokens are good for everything else, or may be good again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::GrantEnded(_) | Self::SignedOut)
    }

    /// The login to make, if it is more than the one before was.
    pub fn request(&self) -> Option<&Arc<AuthorizationRequest>> {
        match self {
            Self::UserMustAct { request, .. }
            | Self::TargetNotGranted { request }
            | Self::InsufficientScope { request, .. }
            | Self::StepUp { request, .. } => Some(request),
            _ => None,
        }
    }

    /// A name that stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRefreshToken => "no_refresh_token",
            Self::GrantEnded(_) => "grant_ended",
            Self::GrantExpired => "grant_expired",
            Self::UserMustAct { .. } => "user_must_act",
            Self::TokenRefused => "token_refused",
            Self::TargetNotGranted { .. } => "target_not_granted",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::StepUp { .. } => "step_up",
            Self::DemandNotMet => "demand_not_met",
            Self::OtherLogin => "other_login",
            Self::SignedOut => "signed_out",
        }
    }
}

impl fmt::Display for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRefreshToken => f.write_str("the access token cannot be refreshed; log in again"),
            Self::GrantEnded(error) => write!(f, "the grant has ended ({error}); log in again"),
            Self::GrantExpired => f.write_str(
                "the grant has expired, as the server said it would; log in again, if this device's clock is right",
            ),
            Self::UserMustAct { error, .. } => write!(f, "the server wants to see the user ({error}); log in again"),
            Self::TokenRefused => {
                f.write_str("the API refused two tokens in a row; log in again, or ask whoever runs the API")
            }
            Self::TargetNotGranted { .. } => f.write_str("the scope or resource was not granted; log in with it added"),
            Self::InsufficientScope { .. } => f.write_str("the API demands more scope; log in with it added"),
            Self::StepUp { .. } => f.write_str("the API demands a stronger or more recent login"),
            Self::DemandNotMet => {
                f.write_str("what a login was just made for is demanded again, or may not be; ask whoever runs the API")
            }
            Self::OtherLogin => {
                f.write_str("the user has logged in again since; make the call anew, if it is still theirs")
            }
            Self::SignedOut => f.write_str("signed out; log in again"),
        }
    }
}

impl core::error::Error for LoginRequired {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::GrantEnded(error) | Self::UserMustAct { error, .. } => Some(error),
            _ => None,
        }
    }
}
