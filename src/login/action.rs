//! The actions and phases of a login.

use super::signature_check::SignatureCheck;
use super::tokens::Tokens;
use crate::http::Request;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationUrl;

/// What the driver of a login must do next.
#[derive(Debug)]
#[must_use = "the login waits until this is done and its outcome is handed to `handle`"]
pub enum Action {
    /// Open this URL in the user's browser, and wait for the redirect.
    OpenUrl(AuthorizationUrl),
    /// Send this request, and hand over its response. The same request comes again after [`Delivered::No`](crate::Delivered::No),
    /// and a request for metadata or keys also after [`Delivered::Maybe`](crate::Delivered::Maybe): wait a moment before sending
    /// it again, and give up with [`Event::Cancelled`](crate::Event::Cancelled).
    SendRequest(Request),
    /// Verify this signature, and hand over [`Event::Verified`](crate::Event::Verified). Comes only if the client was built with
    /// [`verify_id_tokens_by_action`](crate::ClientBuilder::verify_id_tokens_by_action).
    Verify(SignatureCheck),
    /// The server cannot answer now, or the app cannot verify now. Wait until this time, then carry out
    /// [`Login::pending_action`](crate::Login::pending_action); or hand over [`Event::Cancelled`](crate::Event::Cancelled) if the
    /// user does not want to wait. Turn the time into a duration at once and sleep for that, so that a change of the clock does
    /// not prolong the wait. After [`Login::deadline`](crate::Login::deadline), start a new login.
    RetryAt(UnixTime),
    /// The login has succeeded.
    TokensReady(Tokens),
}

/// The phase of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Not started.
    Ready,
    /// The server's metadata is being fetched.
    Discovering,
    /// The user is in the browser.
    AwaitingRedirect,
    /// The code is being exchanged at the token endpoint.
    ExchangingCode,
    /// The server's keys, which check the ID token, are being fetched.
    FetchingKeys,
    /// The app is verifying the signature of the ID token.
    Verifying,
    /// The tokens have been handed out.
    Finished,
    /// A fatal error ended the login.
    Failed,
}

/// The effect of an accepted event on a state.
#[allow(clippy::large_enum_variant)] // it is matched at once
pub(super) enum Progress<T> {
    /// The state stays; do this.
    Stay(Action),
    /// The state is complete, with this result.
    Done(T),
}
