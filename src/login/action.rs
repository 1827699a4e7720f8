//! What a login has done outside, and where it is.

use super::tokens::Tokens;
use crate::http::Request;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationUrl;

/// What is to be done outside.
#[derive(Debug)]
#[must_use = "the login waits until this is done and its outcome is handed to `handle`"]
pub enum Action {
    /// Open this URL in the user's browser, and wait for the redirect.
    OpenUrl(AuthorizationUrl),
    /// Send this request, and hand its answer over. The same request comes again after [`Delivered::No`](crate::Delivered::No), and one for
    /// metadata or keys after [`Delivered::Maybe`](crate::Delivered::Maybe) too: wait a moment before sending it again, and give up with
    /// [`Event::Cancelled`](crate::Event::Cancelled).
    SendRequest(Request),
    /// The server cannot answer now: there is nothing to do before this time. Carry out [`Login::pending_action`](crate::Login::pending_action) then, or hand over
    /// [`Event::Cancelled`](crate::Event::Cancelled) when the user does not want to wait. Wait for as long as it is from now, so that a clock that is set
    /// meanwhile makes it no longer; who wakes up after [`Login::deadline`](crate::Login::deadline) has to start a new login.
    RetryAt(UnixTime),
    /// The login is done.
    TokensReady(Tokens),
}

/// Where a login is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Not started.
    Ready,
    /// The server, known by its issuer alone, is asked for its metadata.
    Discovering,
    /// The user is in the browser.
    AwaitingRedirect,
    /// The code is on its way to the token endpoint.
    ExchangingCode,
    /// The server is asked for the keys that the ID token is checked with.
    FetchingKeys,
    /// The tokens have been handed out.
    Finished,
    /// A fatal error ended it.
    Failed,
}

/// What an accepted event means for the state that it came to.
#[allow(clippy::large_enum_variant)] // it is matched at once
pub(super) enum Progress<T> {
    /// It stays, and this is to be done.
    Stay(Action),
    /// It has what it was for.
    Done(T),
}
