//! What follows when the tokens have come: the login is finished, or the signature of the ID token has to be checked first.

#[cfg(feature = "openid")]
use alloc::boxed::Box;
#[cfg(feature = "openid")]
use alloc::sync::Arc;

use super::tokens::Tokens;
#[cfg(feature = "openid")]
use crate::error::{Error, Ignored};
#[cfg(feature = "openid")]
use crate::http::RequestId;
#[cfg(feature = "openid")]
use crate::openid::id_token::unverified::Unverified;
#[cfg(feature = "openid")]
use crate::openid::keys::{Candidates, KeySet};
#[cfg(feature = "openid")]
use crate::time::UnixTime;

/// What follows when the tokens have come.
#[allow(clippy::large_enum_variant)] // it is matched at once
pub(super) enum Next {
    Finished(Tokens),
    /// The server's keys are needed.
    #[cfg(feature = "openid")]
    FetchKeys(Unchecked),
    /// The app has to verify the signature.
    #[cfg(feature = "openid")]
    Verify(Unchecked, Trial),
}

/// The keys that the app has to verify a signature with.
#[cfg(feature = "openid")]
pub(super) struct Trial {
    pub candidates: Candidates,
    /// The keys that the candidates are of.
    pub keys: Arc<KeySet>,
    /// Whether they were fetched for this ID token. If not, and the signature is not valid with any, they are fetched once.
    pub are_new: bool,
}

/// Tokens whose ID token has passed all checks but the last, its signature.
#[cfg(feature = "openid")]
pub(super) struct Unchecked {
    /// Of what the login waits for.
    pub id: RequestId,
    pub since: UnixTime,
    pub unverified: Unverified,
    /// `None` once handed out.
    tokens: Option<Box<Tokens>>,
}

#[cfg(feature = "openid")]
impl Unchecked {
    pub(super) fn new(id: RequestId, tokens: Tokens, unverified: Unverified, now: UnixTime) -> Self {
        Self { id, since: now, unverified, tokens: Some(Box::new(tokens)) }
    }

    /// Hands the tokens out. The signature is valid, by these keys.
    pub(super) fn finish(&mut self, keys: Option<Arc<KeySet>>) -> Result<Tokens, Error> {
        let mut tokens = *self.tokens.take().ok_or(Error::Ignored(Ignored::Finished))?;
        tokens.identity = tokens.identity.with(self.unverified.clone().into_id_token(), keys);
        Ok(tokens)
    }

    /// The same for the next state, with the next id.
    pub(super) fn take(&mut self) -> Result<Self, Error> {
        let tokens = self.tokens.take().ok_or(Error::Ignored(Ignored::Finished))?;
        let unverified = self.unverified.clone();
        Ok(Self { id: self.id.next(), since: self.since, unverified, tokens: Some(tokens) })
    }
}
