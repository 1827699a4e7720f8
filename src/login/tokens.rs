//! The result of a login: its tokens.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::identity::Identity;
use crate::config::client::Client;
#[cfg(feature = "openid")]
use crate::openid::id_token::token::IdToken;
#[cfg(feature = "openid")]
use crate::openid::keys::KeySet;
use crate::secret::Secret;
use crate::text::unfit::Unfit;
use crate::text::{chars, json};
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::metadata::server::ServerMetadata;
use crate::wire::scope::{self, Scope};
use crate::wire::token::response::TokenResponse;

/// The tokens of a login, for a [`Session`](crate::Session), which refreshes them and hands them out.
///
/// `Debug` shows none of them, and they are wiped when dropped.
pub struct Tokens {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) obtained_at: Option<UnixTime>,
    pub(crate) expires_at: Option<UnixTime>,
    /// When the user's consent ends, and when the refresh token expires if it is not used.
    pub(crate) authorization_expires_at: Option<UnixTime>,
    pub(crate) refresh_token_expires_at: Option<UnixTime>,
    pub(crate) response_scope: Option<Box<str>>,
    pub(crate) request: Arc<AuthorizationRequest>,
    pub(crate) body: Option<Secret>,
    pub(crate) identity: Identity,
}

impl Tokens {
    /// `now`: when lifetimes begin.
    pub(crate) fn new(
        response: TokenResponse<'_>,
        request: Arc<AuthorizationRequest>,
        body: Option<Secret>,
        identity: Identity,
        now: UnixTime,
    ) -> Self {
        let after = |seconds| now.saturating_add(seconds);
        Self {
            access_token: Secret::from(response.access_token),
            refresh_token: response.refresh_token.map(Secret::from),
            obtained_at: Some(now),
            expires_at: response.expires_in.map(after),
            authorization_expires_at: response.authorization_expires_in.map(after),
            refresh_token_expires_at: response.refresh_token_expires_in.map(after),
            response_scope: response.scope.map(|scope| scope.into_owned().into_boxed_str()),
            request,
            body,
            identity,
        }
    }

    /// Makes tokens without a login, from those that the app got before it used this crate. Give them to one session only. A
    /// refresh token that is empty or has invalid characters (RFC 6749 Appendix A.17) counts as absent; such an access token is
    /// never sent. The scope is tokens separated by spaces; invalid ones are left out.
    ///
    /// ```
    /// use oauth_proto::{Secret, Tokens, UnixTime};
    ///
    /// let expires_at = Some(UnixTime::from_secs(1_700_000_000));
    /// let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), expires_at, "openid profile");
    /// assert_eq!(tokens.scope(), "openid profile");
    /// ```
    pub fn from_parts(
        access_token: Secret,
        refresh_token: Option<Secret>,
        expires_at: Option<UnixTime>,
        scope: &str,
    ) -> Self {
        let scope: Vec<_> = scope.split(' ').filter(|token| chars::is_scope_token(token)).collect();
        Self {
            access_token,
            refresh_token: refresh_token.filter(|token| chars::is_vschars(token.reveal())),
            obtained_at: None,
            expires_at,
            authorization_expires_at: None,
            refresh_token_expires_at: None,
            response_scope: Some(scope.join(" ").into_boxed_str()),
            request: Arc::new(AuthorizationRequest::new()),
            body: None,
            identity: Identity::unknown(None),
        }
    }

    /// The access token.
    pub fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// The refresh token, if there is one. Many servers issue one only for the scope `offline_access`.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// The verified ID token: who logged in (feature `openid`). Present whenever the scope `openid` was requested.
    #[cfg(feature = "openid")]
    pub fn id_token(&self) -> Option<&IdToken> {
        self.identity.id_token.as_ref()
    }

    /// The server's metadata, if the login fetched it or was given it. Store it for the next login.
    pub fn metadata(&self) -> Option<&ServerMetadata> {
        self.identity.client.as_ref().and_then(Client::metadata)
    }

    /// The keys that the ID token was checked with, or the client's (feature `openid`). Store them for the next login.
    #[cfg(feature = "openid")]
    pub fn keys(&self) -> Option<&KeySet> {
        self.identity.keys.as_deref()
    }

    /// How many seconds the server's clock is ahead of this device's (negative: behind), by the `Date` of the response with the
    /// ID token (feature `openid`). Tell the user if it is large. New ID tokens are checked by the server's clock, everything
    /// else by this device's. `None` without a `Date`, beyond a day, or without the scope `openid`.
    #[cfg(feature = "openid")]
    pub fn clock_offset_secs(&self) -> Option<i64> {
        self.identity.clock_offset
    }

    /// When the access token expires, if the server said so: counted from the arrival of the response, or from the end of the
    /// code's lifetime if that was earlier.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// The granted scope: the server's, or the requested one if the response had none (RFC 6749 §5.1).
    pub fn scope(&self) -> &str {
        self.response_scope.as_deref().unwrap_or(self.request.requested_scope())
    }

    /// The scope in the server's response, if any.
    pub fn response_scope(&self) -> Option<&str> {
        self.response_scope.as_deref()
    }

    /// The requested scope tokens that were not granted: users may deny some, and servers may grant less or more. This is not an
    /// error (RFC 6749 §3.3).
    ///
    /// Scopes are compared as sets; commas separate tokens too, as some servers write them (GitHub, Facebook: `repo,gist`). A
    /// requested token with a comma in it is also found as it is.
    pub fn scope_not_granted(&self) -> impl Iterator<Item = &str> {
        let granted = Scope::granted(self.scope(), self.request.requested_scope());
        scope::tokens(self.request.requested_scope()).filter(move |token| !granted.has(token))
    }

    /// The scope tokens that were granted and not requested.
    pub fn scope_not_asked_for(&self) -> impl Iterator<Item = &str> {
        let asked = Scope::asked(self.request.requested_scope()).with_parts();
        scope::granted(self.scope(), self.request.requested_scope()).filter(move |token| !asked.has(token))
    }

    /// Reads the login's token response into any `Deserialize` type, for members that this crate does not know. Only for clients
    /// built with [`ClientBuilder::keep_token_response`](crate::ClientBuilder::keep_token_response), since keeping it costs a
    /// copy. For the response to a refresh use [`Response::members`](crate::Response::members).
    ///
    /// # Errors
    /// [`Unfit`] if the response was not kept or does not fit the type.
    pub fn members<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Unfit> {
        json::read(self.body.as_ref().map_or("", Secret::reveal).as_bytes())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Tokens");
        shown.field("expires_at", &self.expires_at).field("has_refresh_token", &self.refresh_token.is_some());
        shown.field("authorization_expires_at", &self.authorization_expires_at);
        shown.field("refresh_token_expires_at", &self.refresh_token_expires_at);
        #[cfg(feature = "openid")]
        shown.field("has_id_token", &self.identity.id_token.is_some());
        shown.finish_non_exhaustive()
    }
}
