//! What a session returns to a caller that asks for a token, and for each event.

use alloc::sync::Arc;
use core::fmt;

use super::bearer::Bearer;
use crate::error::server_text::ServerText;
use crate::error::Error;
use crate::http::{Request, RequestId};
use crate::login::signature_check::SignatureCheck;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::logout::LogoutUrl;

/// An access token, or what to do until there is one: the result of [`Session::access`](crate::Session::access).
///
/// A driver may match it exhaustively: see [the crate's documentation](crate#matching).
#[derive(Debug)]
#[must_use = "a request that is not sent holds up everybody who waits for it"]
pub enum Access {
    /// Make the call with this token.
    Ready(Bearer),
    /// Send this request (a refresh, or one for the server's keys), hand its response to
    /// [`Session::handle`](crate::Session::handle), carry out the returned action, and ask again. To give up, hand over
    /// [`Event::SendFailed`](crate::Event::SendFailed); otherwise the other callers wait until
    /// [`Session::deadline`](crate::Session::deadline). Give the HTTP stack a shorter timeout.
    SendRequest(Request),
    /// Verify this signature, of the ID token that a refresh brought, hand over [`Event::Verified`](crate::Event::Verified), carry out
    /// the returned action, and ask again. Nobody else waits for it. Comes only if the client was built with
    /// [`verify_id_tokens_by_action`](crate::ClientBuilder::verify_id_tokens_by_action).
    Verify(SignatureCheck),
    /// The refresh of this id is under way: ask again when its response has come, or at
    /// [`Session::deadline`](crate::Session::deadline) at the latest.
    Wait(RequestId),
    /// The network failed, or the server is busy: ask again at that time. A device that is online again may call
    /// [`Session::ask_again`](crate::Session::ask_again) and ask at once.
    RetryAt(UnixTime),
    /// The user has to act. [`LoginRequired::is_final`] tells whether the session has ended.
    LoginRequired(LoginRequired),
    /// The server refuses this client or this request, its responses cannot be used, or its token endpoint is not known: waiting
    /// does not help. The grant is kept. Call [`Session::ask_again`](crate::Session::ask_again) when this has been dealt with, or
    /// [`Session::end_grant`](crate::Session::end_grant) if the error means that the grant is over: some servers have their own
    /// error codes for that.
    Refused {
        /// The reason.
        error: Error,
        /// When the session asks again by itself; `None` if it does not.
        retry_at: Option<UnixTime>,
    },
}

/// What to do after an event, and the steps of a sign-out.
///
/// A driver may match it exhaustively: see [the crate's documentation](crate#matching).
///
/// An action must not be ignored by accident. This compiles:
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
    /// New tokens came, or an ID token that came before has been checked. **Store [`Session::save`](crate::Session::save)
    /// before using them**, since the old refresh token may be spent; then ask [`Session::access`](crate::Session::access)
    /// again. Keep the session locked from `save` until its result is stored, so that nothing older is stored after it.
    Save,
    /// No new tokens: ask [`Session::access`](crate::Session::access) again at that time or before. It returns the reason;
    /// [`Session::last_error`](crate::Session::last_error) is the server's error. During a sign-out: carry out
    /// [`Session::pending_action`](crate::Session::pending_action) at that time.
    RetryAt(UnixTime),
    /// The user has to act. If it is [final](LoginRequired::is_final), the grant has ended: remove the stored session.
    LoginRequired(LoginRequired),
    /// In a sign-out: send this revocation, and hand its response to [`Session::handle`](crate::Session::handle).
    SendRequest(Request),
    /// In a sign-out: open this URL in the user's browser. Hand over [`Event::RedirectReceived`](crate::Event::RedirectReceived)
    /// when the browser comes back, or [`Event::Cancelled`](crate::Event::Cancelled) if the app stops waiting.
    OpenUrl(LogoutUrl),
    /// The sign-out is complete. [`Session::last_error`](crate::Session::last_error) tells if the server refused it, or if a
    /// refresh token may still be valid there.
    SignedOut,
}

/// Why the user has to act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginRequired {
    /// A new access token is needed, and there is no refresh token. Ask for the scope `offline_access` at the next login.
    NoRefreshToken,
    /// The server said `invalid_grant` (RFC 6749 §5.2) or sent another user's tokens (OpenID Connect Core §12.2), or the app
    /// ended the grant ([`Session::end_grant`](crate::Session::end_grant)). This is final.
    GrantEnded(Error),
    /// The grant has expired by this device's clock ([`Session::grant_expires_at`](crate::Session::grant_expires_at)). Nothing
    /// was sent. Keep the stored session.
    GrantExpired,
    /// The server wants the user to act (`interaction_required`, `mfa_required` and others). The grant is kept; no refresh for
    /// this target is sent before a new login or [`Session::ask_again`](crate::Session::ask_again).
    UserMustAct {
        /// The server's error. [`Refused::members`](crate::Refused::members) reads other members, such as Auth0's `mfa_token`.
        error: Error,
        /// The login to make: what the present one asked for and was granted, and the target.
        request: Arc<AuthorizationRequest>,
    },
    /// The API refused a token soon after a refresh that an earlier refusal had caused. Only that caller is told: the token may
    /// be good elsewhere, and others still get it.
    TokenRefused,
    /// The [`Target`](crate::Target) names a scope or a resource that the login did not ask for (RFC 6749 §6, RFC 8707 §2.2),
    /// or that the server does not grant. The session continues.
    TargetNotGranted {
        /// The login to make: what the present one asked for and was granted, and the target.
        request: Arc<AuthorizationRequest>,
    },
    /// The API demands more scope (RFC 6750 §3.1). The session continues.
    InsufficientScope {
        /// The demanded scope, if the API says.
        scope: Option<ServerText>,
        /// The login to make: what the present one asked for and was granted, and what is demanded, as far as the app allows it.
        request: Arc<AuthorizationRequest>,
    },
    /// The API demands a stronger or more recent authentication (RFC 9470), or other claims (Entra ID's continuous access
    /// evaluation). The session continues.
    StepUp {
        /// The demanded authentication context classes.
        acr_values: Option<ServerText>,
        /// The longest time since the user last authenticated, in seconds.
        max_age: Option<u64>,
        /// The demanded claims, as JSON for the parameter `claims`.
        claims: Option<ServerText>,
        /// The login to make: what the present one asked for and was granted, and what is demanded.
        request: Arc<AuthorizationRequest>,
    },
    /// The API or the app demands again what the login was just made for, so another login would not help; or the API demands
    /// scope that the app does not let it demand ([`ClientBuilder::demandable_scope`](crate::ClientBuilder::demandable_scope)).
    /// The session continues.
    DemandNotMet,
    /// The refused token is from another login than the session: the same or another user has logged in meanwhile. Do not repeat
    /// the call in the new user's name.
    OtherLogin,
    /// The user signed out.
    SignedOut,
}

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionPhase {
    /// The grant lives, and no refresh is under way.
    Active,
    /// A refresh is under way.
    Refreshing,
    /// The grant has ended.
    LoginRequired,
    /// Signed out here; tokens are being revoked at the server.
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
    /// The stored tokens were newer, and the session has them now.
    Newer,
    /// The stored tokens were the session's own or older, or the user has signed out. The session keeps what it had.
    NotNewer,
    /// The stored tokens are from another login, and the store is for that login now. The session is unchanged. To use that
    /// login, call [`Session::restore`](crate::Session::restore).
    OtherLogin,
}

impl LoginRequired {
    /// Whether the session has ended: then clear the store. If not, keep the session until the new login is done: its tokens may
    /// be good for other calls, or be good again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::GrantEnded(_) | Self::SignedOut)
    }

    /// The request of the login to make, if the variant has one; otherwise use
    /// [`Session::authorization_request`](crate::Session::authorization_request).
    pub fn request(&self) -> Option<&Arc<AuthorizationRequest>> {
        match self {
            Self::UserMustAct { request, .. }
            | Self::TargetNotGranted { request }
            | Self::InsufficientScope { request, .. }
            | Self::StepUp { request, .. } => Some(request),
            _ => None,
        }
    }

    /// A stable name, the same in every version.
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
                f.write_str("the API refused two tokens in a row; log in again, or ask the API's operator")
            }
            Self::TargetNotGranted { .. } => f.write_str("the scope or resource was not granted; log in with it added"),
            Self::InsufficientScope { .. } => f.write_str("the API demands more scope; log in with it added"),
            Self::StepUp { .. } => f.write_str("the API demands a stronger or more recent login"),
            Self::DemandNotMet => {
                f.write_str("what a login was just made for is demanded again, or may not be; ask the API's operator")
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
