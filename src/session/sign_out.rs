//! The sign-out: everything local is forgotten already, only the server has yet to hear of it (RFC 7009).

use super::state::{backoff, request_id};
use super::SessionAction;
use crate::client::Client;
use crate::error::{is_transient, Error, Ignored};
use crate::http::{Delivered, Request, RequestId, Response};
use crate::retry_after;
use crate::secret::Secret;
use crate::time::UnixTime;

/// How often a revocation is sent at most.
const MAX_REVOCATIONS: u32 = 5;

/// Nothing local is left but the token that is being revoked.
pub(super) struct SigningOut {
    token: Secret,
    hint: &'static str,
    /// How many revocations have been answered, or have failed.
    tried: u32,
}

impl SigningOut {
    pub(super) fn new(token: Secret, hint: &'static str) -> Self {
        Self { token, hint, tried: 0 }
    }

    /// The revocation: the same until it has been answered. `None` if there is nowhere to send it.
    pub(super) fn request(&self, client: &Client) -> Option<Request> {
        client.token_endpoint().revocation(self.id(), &self.token, Some(self.hint))
    }

    fn id(&self) -> RequestId {
        request_id(&self.token, &[u64::from(self.tried)])
    }

    /// Signing out has happened already; nothing that the server answers can undo it (RFC 7009 §2.2).
    pub(super) fn outcome(
        &mut self,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        if id != self.id() {
            return Err(Error::Ignored(Ignored::UnknownRequest));
        }
        let wait = match outcome {
            Ok(response) if is_transient(response.status()) => retry_after::seconds(response, now),
            Ok(_) => return Ok(SessionAction::SignedOut),
            Err(_) => None,
        };
        self.tried = self.tried.saturating_add(1);
        if self.tried >= MAX_REVOCATIONS {
            return Ok(SessionAction::SignedOut);
        }
        Ok(SessionAction::RetryAt(now.saturating_add(wait.unwrap_or(0).max(backoff(self.tried)))))
    }
}
