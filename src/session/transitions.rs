//! The transitions of a session as data: a test holds them against the code, and against the crate's documentation.

use super::SessionPhase;

/// What can happen to a session, as far as the table tells events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionTrigger {
    /// `access` while the token is fresh.
    AccessFresh,
    /// `access` when a refresh is due.
    AccessDue,
    /// `access` when the refresh under way has had its time: it is taken for lost, and sent once more if that was not done yet.
    AccessTimedOut,
    /// The same for a refresh that is to be sent once more, but the server, or the target, is to be left alone for a while.
    AccessTimedOutWaiting,
    /// The API refused the token.
    Refused,
    /// The API refused a token that a refusal had brought.
    RefusedAgain,
    /// The answer to the refresh, with tokens.
    ResponseWithTokens,
    /// Tokens from a refresh that was taken for lost.
    LateResponseWithTokens,
    /// The answer to the refresh breaks a rule, and has a new refresh token all the same.
    ResponseWithRefreshToken,
    /// The answer to the refresh is a success that cannot be read.
    ResponseUnreadable,
    /// The answer to the refresh: `invalid_grant`.
    InvalidGrant,
    /// Any other answer to the refresh.
    ResponseLater,
    /// The refresh under way was sent with a refresh token that late tokens have replaced meanwhile, and brings no others.
    Superseded,
    /// The same, when two refreshes of another process with the new refresh token were lost.
    SupersededExhausted,
    /// An answer, or a failure to send, with another id.
    UnknownRequest,
    /// The request did not reach the server.
    NotDelivered,
    /// The request may have reached the server.
    MaybeDelivered,
    /// The same, or a success that cannot be read, where the server is known to leave the refresh token as it is.
    LostReusable,
    /// `try_again`.
    TryAgain,
    /// `adopt` of newer tokens.
    Adopted,
    /// `adopt` of newer tokens with a refresh token that a refresh was sent with, its outcome unknown, by whichever process.
    AdoptedUnknown,
    /// `adopt` of newer tokens that two such refreshes were sent with.
    AdoptedExhausted,
    /// `adopt` of the session's own tokens, which one refresh was sent with that is not under way here.
    MarkedOnce,
    /// `adopt` of the session's own tokens, which two refreshes were sent with; one of them may be under way here.
    MarkedTwice,
    /// `adopt` of anything else.
    AdoptedNothing,
    /// `sign_out`, with something to revoke and a place to.
    SignOut,
    /// `sign_out`, with nothing to revoke or nowhere to, and a logout to be made in the browser.
    SignOutInBrowser,
    /// `sign_out`, with nobody to tell.
    SignOutHere,
    /// The answer to the revocation, whatever it says, unless it asks for patience.
    Revoked,
    /// The revocation is to be tried again: the answer asks for patience, or there was none.
    RevocationLater,
    /// The same, after as many tries as are made.
    RevocationGivenUp,
    /// The first revocation was answered or failed, and a logout is to be made in the browser.
    RevokedLogoutNext,
    /// The browser came back with the right `state`, or nobody waits for it any more (`Cancelled`).
    Returned,
    /// The same, and the revocation is to be tried again.
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
        row(P::Active, T::AdoptedUnknown, P::OutcomeUnknown),
        row(P::Active, T::AdoptedExhausted, P::Exhausted),
        row(P::Active, T::MarkedOnce, P::OutcomeUnknown),
        row(P::Active, T::MarkedTwice, P::Exhausted),
        row(P::Active, T::SignOut, P::SigningOut),
        row(P::Active, T::SignOutInBrowser, P::LoggingOut),
        row(P::Active, T::SignOutHere, P::SignedOut),
        row(P::Refreshing, T::AccessTimedOut, P::Retrying),
        row(P::Refreshing, T::AccessTimedOutWaiting, P::OutcomeUnknown),
        row(P::Refreshing, T::ResponseWithTokens, P::Active),
        row(P::Refreshing, T::ResponseWithRefreshToken, P::Active),
        row(P::Refreshing, T::ResponseUnreadable, P::OutcomeUnknown),
        row(P::Refreshing, T::InvalidGrant, P::LoginRequired),
        row(P::Refreshing, T::ResponseLater, P::Active),
        row(P::Refreshing, T::NotDelivered, P::Active),
        row(P::Refreshing, T::MaybeDelivered, P::OutcomeUnknown),
        row(P::Refreshing, T::LostReusable, P::Active),
        row(P::Refreshing, T::Superseded, P::Active),
        row(P::Refreshing, T::MarkedOnce, P::Retrying),
        row(P::Refreshing, T::MarkedTwice, P::Retrying),
        row(P::Refreshing, T::Adopted, P::Active),
        row(P::Refreshing, T::AdoptedUnknown, P::OutcomeUnknown),
        row(P::Refreshing, T::AdoptedExhausted, P::Exhausted),
        row(P::Refreshing, T::SignOut, P::SigningOut),
        row(P::Refreshing, T::SignOutInBrowser, P::LoggingOut),
        row(P::Refreshing, T::SignOutHere, P::SignedOut),
        row(P::OutcomeUnknown, T::AccessDue, P::Retrying),
        row(P::OutcomeUnknown, T::Refused, P::Retrying),
        row(P::OutcomeUnknown, T::RefusedAgain, P::Retrying),
        row(P::OutcomeUnknown, T::LateResponseWithTokens, P::Active),
        row(P::OutcomeUnknown, T::Adopted, P::Active),
        row(P::OutcomeUnknown, T::AdoptedExhausted, P::Exhausted),
        row(P::OutcomeUnknown, T::MarkedTwice, P::Exhausted),
        row(P::OutcomeUnknown, T::SignOut, P::SigningOut),
        row(P::OutcomeUnknown, T::SignOutInBrowser, P::LoggingOut),
        row(P::OutcomeUnknown, T::SignOutHere, P::SignedOut),
        row(P::Retrying, T::AccessTimedOut, P::Exhausted),
        row(P::Retrying, T::ResponseWithTokens, P::Active),
        row(P::Retrying, T::ResponseWithRefreshToken, P::Active),
        row(P::Retrying, T::LateResponseWithTokens, P::Refreshing),
        row(P::Retrying, T::ResponseUnreadable, P::Exhausted),
        row(P::Retrying, T::InvalidGrant, P::LoginRequired),
        row(P::Retrying, T::ResponseLater, P::OutcomeUnknown),
        row(P::Retrying, T::NotDelivered, P::OutcomeUnknown),
        row(P::Retrying, T::MaybeDelivered, P::Exhausted),
        row(P::Retrying, T::Superseded, P::OutcomeUnknown),
        row(P::Retrying, T::SupersededExhausted, P::Exhausted),
        row(P::Retrying, T::Adopted, P::Active),
        row(P::Retrying, T::AdoptedUnknown, P::OutcomeUnknown),
        row(P::Retrying, T::AdoptedExhausted, P::Exhausted),
        row(P::Retrying, T::SignOut, P::SigningOut),
        row(P::Retrying, T::SignOutInBrowser, P::LoggingOut),
        row(P::Retrying, T::SignOutHere, P::SignedOut),
        row(P::Exhausted, T::LateResponseWithTokens, P::Active),
        row(P::Exhausted, T::TryAgain, P::OutcomeUnknown),
        row(P::Exhausted, T::Adopted, P::Active),
        row(P::Exhausted, T::AdoptedUnknown, P::OutcomeUnknown),
        row(P::Exhausted, T::SignOut, P::SigningOut),
        row(P::Exhausted, T::SignOutInBrowser, P::LoggingOut),
        row(P::Exhausted, T::SignOutHere, P::SignedOut),
        row(P::LoginRequired, T::Adopted, P::Active),
        row(P::LoginRequired, T::AdoptedUnknown, P::OutcomeUnknown),
        row(P::LoginRequired, T::AdoptedExhausted, P::Exhausted),
        row(P::LoginRequired, T::SignOutInBrowser, P::LoggingOut),
        row(P::LoginRequired, T::SignOutHere, P::SignedOut),
        row(P::SigningOut, T::Revoked, P::SignedOut),
        row(P::SigningOut, T::RevocationGivenUp, P::SignedOut),
        row(P::SigningOut, T::RevokedLogoutNext, P::LoggingOut),
        row(P::LoggingOut, T::Returned, P::SignedOut),
        row(P::LoggingOut, T::ReturnedRevokeNext, P::SigningOut),
    ]
};
