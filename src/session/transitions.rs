//! The transitions of a session as data. Tests compare them with the code; drivers do not need them.

use super::outcome::SessionPhase;

/// What can happen to a session, in the terms of [`TRANSITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionTrigger {
    /// `access` while the token is fresh.
    AccessFresh,
    /// `access` when a refresh is due.
    AccessDue,
    /// `access` past the deadline of the refresh under way, which counts as lost; the next one is sent.
    AccessTimedOut,
    /// As [`AccessTimedOut`](Self::AccessTimedOut), but the next one has to wait.
    AccessTimedOutWaiting,
    /// The API refused the token.
    Refused,
    /// The API refused a token that was refreshed because of an earlier refusal.
    RefusedAgain,
    /// The response to the refresh has tokens.
    Tokens,
    /// Tokens of a lost refresh; after a sign-out, also of the refresh that was under way.
    LateTokens,
    /// The response to the refresh has no usable tokens: try later, a refusal, the user has to act, or it cannot be read.
    NoTokens,
    /// No response to the refresh, delivered or not.
    NoAnswer,
    /// The response to the login's own refresh is `invalid_grant`.
    InvalidGrant,
    /// The response to the refresh has another user's ID token.
    SomebodyElses,
    /// `end_grant`.
    EndGrant,
    /// A response, or a failure to send, with another id.
    UnknownRequest,
    /// `adopt` of newer tokens.
    Adopted,
    /// `adopt` of anything else.
    AdoptedNothing,
    /// `sign_out`, with a token to revoke and an endpoint for it.
    SignOut,
    /// `sign_out`, with nothing to revoke or no endpoint for it, and a logout in the browser.
    SignOutInBrowser,
    /// `sign_out`, with nothing to revoke or no endpoint, and no logout in the browser.
    SignOutHere,
    /// The last revocation got a final response, or has been tried often enough.
    Revoked,
    /// The revocation is tried again: the server is busy, or no response came.
    RevocationLater,
    /// The first revocation got a response or failed, and a logout in the browser is next.
    RevokedLogoutNext,
    /// The browser came back from the logout, or the app stopped waiting (`Cancelled`).
    Returned,
    /// As [`Returned`](Self::Returned), with a token still to be revoked.
    ReturnedRevokeNext,
    /// A redirect that is not the return from the logout.
    RedirectStray,
}

/// One row of [`TRANSITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTransition {
    /// The phase before.
    pub from: SessionPhase,
    /// What happens.
    pub on: SessionTrigger,
    /// The phase after.
    pub to: SessionPhase,
}

const fn row(from: SessionPhase, on: SessionTrigger, to: SessionPhase) -> SessionTransition {
    SessionTransition { from, on, to }
}

/// All transitions of a session from one phase to another. Anything not listed leaves the phase unchanged.
pub const TRANSITIONS: &[SessionTransition] = {
    use {SessionPhase as P, SessionTrigger as T};
    &[
        row(P::Active, T::AccessDue, P::Refreshing),
        row(P::Active, T::Refused, P::Refreshing),
        row(P::Active, T::EndGrant, P::LoginRequired),
        row(P::Active, T::SignOut, P::SigningOut),
        row(P::Active, T::SignOutInBrowser, P::LoggingOut),
        row(P::Active, T::SignOutHere, P::SignedOut),
        row(P::Refreshing, T::Tokens, P::Active),
        row(P::Refreshing, T::NoTokens, P::Active),
        row(P::Refreshing, T::NoAnswer, P::Active),
        row(P::Refreshing, T::AccessTimedOutWaiting, P::Active),
        row(P::Refreshing, T::Adopted, P::Active),
        row(P::Refreshing, T::InvalidGrant, P::LoginRequired),
        row(P::Refreshing, T::SomebodyElses, P::LoginRequired),
        row(P::Refreshing, T::EndGrant, P::LoginRequired),
        row(P::Refreshing, T::SignOut, P::SigningOut),
        row(P::Refreshing, T::SignOutInBrowser, P::LoggingOut),
        row(P::Refreshing, T::SignOutHere, P::SignedOut),
        row(P::LoginRequired, T::Adopted, P::Active),
        row(P::LoginRequired, T::SignOutInBrowser, P::LoggingOut),
        row(P::LoginRequired, T::SignOutHere, P::SignedOut),
        row(P::SigningOut, T::Revoked, P::SignedOut),
        row(P::SigningOut, T::RevokedLogoutNext, P::LoggingOut),
        row(P::LoggingOut, T::Returned, P::SignedOut),
        row(P::LoggingOut, T::ReturnedRevokeNext, P::SigningOut),
        row(P::SignedOut, T::LateTokens, P::SigningOut),
    ]
};
