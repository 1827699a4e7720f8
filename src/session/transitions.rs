//! The transitions of a session as data: for tests and documentation, which hold them against the code. No driver needs them.

use super::outcome::SessionPhase;

/// What can happen to a session, as far as the table tells events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionTrigger {
    /// `access` while the token is fresh.
    AccessFresh,
    /// `access` when a refresh is due.
    AccessDue,
    /// `access` when the refresh under way has had its time: it is taken for lost, and the next one is sent.
    AccessTimedOut,
    /// The same, and the next one has to wait.
    AccessTimedOutWaiting,
    /// The API refused the token.
    Refused,
    /// The API refused a token that a refusal had just brought.
    RefusedAgain,
    /// The answer to the refresh, with tokens.
    Tokens,
    /// Tokens of the refresh that was lost; after a sign-out, those of the one that was under way too.
    LateTokens,
    /// The answer to the refresh, without tokens that can be used: not now, not like this, not without the user, or what cannot
    /// be read.
    NoTokens,
    /// No answer to the refresh: it was not delivered, or nobody knows.
    NoAnswer,
    /// The answer to the login's own refresh: `invalid_grant`.
    InvalidGrant,
    /// The answer to the refresh, with somebody else's ID token.
    SomebodyElses,
    /// `end_grant`.
    EndGrant,
    /// An answer, or a failure to send, with another id.
    UnknownRequest,
    /// `adopt` of newer tokens.
    Adopted,
    /// `adopt` of anything else.
    AdoptedNothing,
    /// `sign_out`, with something to revoke and a place to.
    SignOut,
    /// `sign_out`, with nothing to revoke or nowhere to, and a logout to be made in the browser.
    SignOutInBrowser,
    /// `sign_out`, with nobody to tell.
    SignOutHere,
    /// The answer to the revocation, whatever it says, unless it asks for patience; or it was tried often enough. Nothing else
    /// is to be revoked.
    Revoked,
    /// The revocation is to be tried again: the answer asks for patience, or there was none.
    RevocationLater,
    /// The first revocation was answered or failed, and a logout is to be made in the browser.
    RevokedLogoutNext,
    /// The browser came back as it should, or nobody waits for it any more (`Cancelled`).
    Returned,
    /// The same, and there is something to revoke yet.
    ReturnedRevokeNext,
    /// A redirect that is not the return.
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

/// Every transition from one phase to another. Whatever is not listed leaves the phase as it is.
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
