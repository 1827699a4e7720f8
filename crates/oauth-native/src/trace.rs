//! What happens, as events of the crate `tracing` (feature `tracing`) with the target `oauth_native`. Without the feature, these
//! functions do nothing.
//!
//! An event has names, numbers and codes of this crate and the library, and URLs without query, fragment and user information:
//! no code, token, `state`, body, cookie or text of a server.

use oauth_proto::drive::OwnedResponse;
use oauth_proto::{Delivered, Error, Request, SessionAction, UnixTime};

use crate::store::StoreError;

/// Each function sends an event: its level, its text and its fields.
macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $name:ident($($arg:ident: $type:ty),*) => $level:ident!($($event:tt)*);
    )*) => { $(
        $(#[$doc])*
        #[allow(dead_code)] // the features choose who calls it
        pub(crate) fn $name($($arg: $type),*) {
            #[cfg(feature = "tracing")]
            tracing::$level!(target: "oauth_native", $($event)*);
            #[cfg(not(feature = "tracing"))]
            let _ = ($($arg,)*);
        }
    )* };
}

events! {
    /// A transport begins with a request.
    sends(request: &Request) =>
        debug!(purpose = purpose(request), method = request.method(), url = place(request.url()), "request");

    /// The response has come.
    answered(request: &Request, status: u16) => debug!(purpose = purpose(request), status, "response");

    /// There is no response.
    not_answered(request: &Request, delivered: Delivered) =>
        warn!(purpose = purpose(request), ?delivered, "no response");

    /// The browser has the URL of the login or the logout.
    opened(url: &str) => info!(server = origin(url), "browser opened");

    /// It could not be started.
    not_opened(url: &str) => warn!(server = origin(url), "browser not opened");

    /// The login has looked at a redirect.
    redirected(verdict: Result<(), &Error>) => info!(verdict = verdict.map_or_else(Error::code, |()| "accepted"), "redirect");

    /// The clock waits.
    sleeps(until: UnixTime) => trace!(until = until.as_secs(), "sleeps");

    /// The store is locked and read.
    locked(is_found: bool) => debug!(is_found, "store locked");

    /// It could not be locked or read.
    not_locked(error: &StoreError) => warn!(error = store_code(error), "store not locked");

    /// The session is stored, or removed.
    saved() => debug!("stored");

    /// It could not be stored.
    not_saved(error: &StoreError) => warn!(error = store_code(error), "not stored");

    /// A caller needs a new token. If no other process has stored one, a refresh follows.
    needs_token() => info!("new token needed");

    /// A refresh has ended with this [`outcome`].
    refreshed(outcome: &'static str) => info!(outcome, "refresh ended");

    /// A caller waits, because the network failed or the server is busy.
    waits(until: UnixTime) => info!(until = until.as_secs(), "waits before it asks again");

    /// A caller is told to ask later.
    later(until: UnixTime) => warn!(until = until.as_secs(), "no token now");

    /// A caller is told that there must be a login.
    login_required(code: &'static str) => info!(why = code, "login required");

    /// The API has refused a call.
    refused(status: u16) => info!(status, "the API refuses a call");

    /// The user signs out.
    signs_out() => info!("sign-out begins");

    /// The user is signed out here.
    signed_out(not_revoked: Option<&Error>, not_removed: Option<&StoreError>) => info!(
        not_revoked = not_revoked.map(Error::code),
        not_removed = not_removed.map(store_code),
        "signed out"
    );
}

/// How a transport's request has ended.
#[allow(dead_code)] // without a transport
pub(crate) fn ends(request: &Request, outcome: &Result<OwnedResponse, Delivered>) {
    match outcome {
        Ok(answer) => answered(request, answer.response().status()),
        Err(delivered) => not_answered(request, *delivered),
    }
}

/// What a request is for.
#[cfg(feature = "tracing")]
fn purpose(request: &Request) -> &'static str {
    let form = || request.body().split(|octet| *octet == b'&');
    let has = |pair: &[u8]| form().any(|other| other == pair);
    if request.method() == "GET" {
        "fetch"
    } else if has(b"grant_type=authorization_code") {
        "code"
    } else if has(b"grant_type=refresh_token") {
        "refresh"
    } else {
        "revocation"
    }
}

/// A URL without user information, query and fragment.
#[cfg(feature = "tracing")]
fn place(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// Scheme, host and port.
#[cfg(feature = "tracing")]
fn origin(url: &str) -> String {
    place(url).split('/').take(3).collect::<Vec<_>>().join("/")
}

#[cfg(feature = "tracing")]
fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::Io(_) => "io",
        StoreError::Damaged => "damaged",
        StoreError::Busy(_) => "busy",
    }
}

/// What has come of a refresh, to be told when the session is no longer locked.
pub(crate) fn outcome(action: &Result<SessionAction, Error>) -> &'static str {
    match action {
        Ok(SessionAction::Save) => "tokens",
        Ok(SessionAction::LoginRequired(why)) => why.code(),
        Ok(SessionAction::RetryAt(_)) => "later",
        Ok(_) => "other",
        Err(error) => error.code(),
    }
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;

    #[test]
    fn urls_are_cut() {
        for (url, expected) in [
            ("https://as.example.com/token?a=b#c", "https://as.example.com/token"),
            ("https://user:word@as.example.com:8443/a/b", "https://as.example.com:8443/a/b"),
            ("https://as.example.com?code=a@b/c", "https://as.example.com"),
            ("http://[::1]:80#/a", "http://[::1]:80"),
        ] {
            assert_eq!(place(url), expected);
            assert_eq!(origin(url), expected.split('/').take(3).collect::<Vec<_>>().join("/"));
        }
    }
}
