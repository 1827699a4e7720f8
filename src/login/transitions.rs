//! The transitions of a login as data. Tests compare them with the code; drivers do not need them.

use super::action::Phase;

/// What can happen to a login, in the terms of [`TRANSITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// `Start`, with the server's endpoints known.
    Start,
    /// `Start`, with a server known only by its issuer.
    StartByIssuer,
    /// The response to the metadata request: a usable document.
    Metadata,
    /// No readable document at this well-known location, and there is another location.
    MetadataElsewhere,
    /// No readable document at the last location either, and at one of them the server was busy.
    MetadataLater,
    /// No readable document at any location, or an unusable one.
    MetadataBroken,
    /// A redirect with the right `state` and a code.
    RedirectWithCode,
    /// A redirect with the right `state` and an error.
    RedirectWithError,
    /// A redirect with the right `state` that breaks a rule.
    RedirectBroken,
    /// Any other redirect: another login's, forged, too long.
    RedirectStray,
    /// The response to the token request: tokens.
    ResponseWithTokens,
    /// The same, with an ID token that cannot be checked without fetching the server's keys.
    ResponseWithoutKeys,
    /// The same, with an ID token whose signature the app has to verify.
    ResponseToVerify,
    /// The server has not processed the code, and there is time to send it again.
    ResponseLater,
    /// Any other error or status of the token endpoint.
    ResponseWithError,
    /// A response of the token endpoint that breaks a rule.
    ResponseBroken,
    /// The response to the key request: one of the keys has signed the ID token.
    Keys,
    /// The response to the key request: keys of which one may have signed the ID token, as the app has to verify.
    KeysToVerify,
    /// The server cannot give the keys now.
    KeysLater,
    /// None of the keys has signed the ID token, or any other response.
    KeysBroken,
    /// `Verified`: the signature is valid.
    SignatureValid,
    /// `Verified`: the signature is not valid with this key, and another key fits the ID token too.
    SignatureOfAnotherKey,
    /// `Verified`: the signature is not valid with any of the keys that the client had, so new ones are fetched.
    SignatureOfNewKey,
    /// `Verified`: the signature is not valid with any of the keys that were just fetched.
    SignatureInvalid,
    /// `VerifyFailed`.
    VerifyFailed,
    /// A response, a failure to send or the outcome of a check, with another id.
    UnknownRequest,
    /// The request did not reach the server.
    NotDelivered,
    /// The request may have reached the server.
    MaybeDelivered,
    /// `Cancelled`.
    Cancelled,
    /// Any event after the deadline; in `ExchangingCode`, an undelivered request after the code's lifetime.
    Expired,
}

/// What [`Login::handle`](crate::Login::handle) returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Yields {
    /// [`Action::OpenUrl`](super::Action::OpenUrl).
    OpenUrl,
    /// [`Action::SendRequest`](super::Action::SendRequest).
    SendRequest,
    /// [`Action::Verify`](super::Action::Verify).
    Verify,
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
    /// What [`Login::handle`](crate::Login::handle) returns.
    pub yields: Yields,
}

const fn row(from: Phase, on: Trigger, to: Phase, yields: Yields) -> Transition {
    Transition { from, on, to, yields }
}

/// All transitions of a login.
///
/// Any other event is refused and changes nothing; in `Failed`, every event returns the error that ended the login.
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
        row(P::ExchangingCode, T::ResponseToVerify, P::Verifying, Y::Verify),
        row(P::ExchangingCode, T::ResponseLater, P::ExchangingCode, Y::RetryAt),
        row(P::ExchangingCode, T::ResponseWithError, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::ResponseBroken, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::NotDelivered, P::ExchangingCode, Y::SendRequest),
        row(P::ExchangingCode, T::MaybeDelivered, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::Cancelled, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::Expired, P::Failed, Y::FatalError),
        row(P::FetchingKeys, T::Keys, P::Finished, Y::TokensReady),
        row(P::FetchingKeys, T::KeysToVerify, P::Verifying, Y::Verify),
        row(P::FetchingKeys, T::KeysLater, P::FetchingKeys, Y::RetryAt),
        row(P::FetchingKeys, T::NotDelivered, P::FetchingKeys, Y::SendRequest),
        row(P::FetchingKeys, T::MaybeDelivered, P::FetchingKeys, Y::SendRequest),
        row(P::FetchingKeys, T::KeysBroken, P::Failed, Y::FatalError),
        row(P::FetchingKeys, T::Cancelled, P::Failed, Y::FatalError),
        row(P::Verifying, T::SignatureValid, P::Finished, Y::TokensReady),
        row(P::Verifying, T::SignatureOfAnotherKey, P::Verifying, Y::Verify),
        row(P::Verifying, T::SignatureOfNewKey, P::FetchingKeys, Y::SendRequest),
        row(P::Verifying, T::VerifyFailed, P::Verifying, Y::RetryAt),
        row(P::Verifying, T::SignatureInvalid, P::Failed, Y::FatalError),
        row(P::Verifying, T::Cancelled, P::Failed, Y::FatalError),
    ]
};
