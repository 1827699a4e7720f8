//! The transitions of a login as data: for tests and documentation, which hold them against the code. No driver needs them.

use super::action::Phase;

/// What can happen to a login, as far as the table tells events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// `Start`, the server's endpoints known.
    Start,
    /// `Start` with a server that is known by its issuer alone.
    StartByIssuer,
    /// The answer to the request for the server's metadata: a document that does.
    Metadata,
    /// The same: nothing at this place that can be read, and there is another to ask.
    MetadataElsewhere,
    /// The same: nothing at the last place either, and the server could not answer at one of them.
    MetadataLater,
    /// The same: nothing at any place, or a document that does not do.
    MetadataBroken,
    /// A redirect with the right `state` and a code.
    RedirectWithCode,
    /// A redirect with the right `state` and an error.
    RedirectWithError,
    /// A redirect with the right `state` that breaks a rule.
    RedirectBroken,
    /// Any other redirect: not ours, forged, too long.
    RedirectStray,
    /// The answer to the token request, with tokens.
    ResponseWithTokens,
    /// The same, with an ID token that cannot be checked without the server's keys.
    ResponseWithoutKeys,
    /// The same: the server has not looked at the code, and it lives long enough to be sent again.
    ResponseLater,
    /// The answer to the token request, with any other error or status.
    ResponseWithError,
    /// The answer to the token request, breaking a rule.
    ResponseBroken,
    /// The answer to the request for the keys: the ID token has been signed with one of them.
    Keys,
    /// The same: the server cannot give them now.
    KeysLater,
    /// The same: the ID token has not been signed with any of them, or any other answer.
    KeysBroken,
    /// An answer, or a failure to send, with another id.
    UnknownRequest,
    /// The request did not reach the server.
    NotDelivered,
    /// The request may have reached the server.
    MaybeDelivered,
    /// `Cancelled`.
    Cancelled,
    /// Any event after the deadline; while the code is exchanged, a request not delivered after the code's lifetime.
    Expired,
}

/// What a transition gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Yields {
    /// [`Action::OpenUrl`](super::Action::OpenUrl).
    OpenUrl,
    /// [`Action::SendRequest`](super::Action::SendRequest).
    SendRequest,
    /// [`Action::RetryAt`](super::Action::RetryAt).
    RetryAt,
    /// [`Action::TokensReady`](super::Action::TokensReady).
    TokensReady,
    /// A fatal error.
    FatalError,
}

/// One row of [`TRANSITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The phase before.
    pub from: Phase,
    /// What happens.
    pub on: Trigger,
    /// The phase after.
    pub to: Phase,
    /// What `handle` gives back.
    pub yields: Yields,
}

const fn row(from: Phase, on: Trigger, to: Phase, yields: Yields) -> Transition {
    Transition { from, on, to, yields }
}

/// Every transition there is. Whatever is not listed is refused and changes nothing; in `Failed` the error that ended
/// the login is repeated.
pub const TRANSITIONS: &[Transition] = {
    use {Phase as P, Trigger as T, Yields as Y};
    &[
        row(P::Ready, T::Start, P::AwaitingRedirect, Y::OpenUrl),
        row(P::Ready, T::StartByIssuer, P::Discovering, Y::SendRequest),
        row(P::Ready, T::Cancelled, P::Failed, Y::FatalError),
        row(P::Discovering, T::Metadata, P::AwaitingRedirect, Y::OpenUrl),
        row(P::Discovering, T::MetadataElsewhere, P::Discovering, Y::SendRequest),
        row(P::Discovering, T::MetadataLater, P::Discovering, Y::RetryAt),
        row(P::Discovering, T::NotDelivered, P::Discovering, Y::SendRequest),
        row(P::Discovering, T::MaybeDelivered, P::Discovering, Y::SendRequest),
        row(P::Discovering, T::MetadataBroken, P::Failed, Y::FatalError),
        row(P::Discovering, T::Cancelled, P::Failed, Y::FatalError),
        row(P::Discovering, T::Expired, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::RedirectWithCode, P::ExchangingCode, Y::SendRequest),
        row(P::AwaitingRedirect, T::RedirectWithError, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::RedirectBroken, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::Cancelled, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::Expired, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::ResponseWithTokens, P::Finished, Y::TokensReady),
        row(P::ExchangingCode, T::ResponseWithoutKeys, P::FetchingKeys, Y::SendRequest),
        row(P::ExchangingCode, T::ResponseLater, P::ExchangingCode, Y::RetryAt),
        row(P::ExchangingCode, T::ResponseWithError, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::ResponseBroken, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::NotDelivered, P::ExchangingCode, Y::SendRequest),
        row(P::ExchangingCode, T::MaybeDelivered, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::Cancelled, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::Expired, P::Failed, Y::FatalError),
        row(P::FetchingKeys, T::Keys, P::Finished, Y::TokensReady),
        row(P::FetchingKeys, T::KeysLater, P::FetchingKeys, Y::RetryAt),
        row(P::FetchingKeys, T::NotDelivered, P::FetchingKeys, Y::SendRequest),
        row(P::FetchingKeys, T::MaybeDelivered, P::FetchingKeys, Y::SendRequest),
        row(P::FetchingKeys, T::KeysBroken, P::Failed, Y::FatalError),
        row(P::FetchingKeys, T::Cancelled, P::Failed, Y::FatalError),
    ]
};
