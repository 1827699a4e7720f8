//! State: the tokens have come, and the ID token waits for the server's keys.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::action::{Action, Progress};
use super::backoff;
use super::event::Event;
use super::rules::Rules;
use super::tokens::Tokens;
use crate::config::client::Client;
use crate::error::{Error, Ignored};
use crate::http::{Request, RequestId, Response};
use crate::openid::id_token::unverified::Unverified;
use crate::openid::keys::KeySet;
use crate::time::UnixTime;

/// The tokens have come, and the ID token waits for the server's keys, without a deadline.
pub(super) struct FetchingKeys {
    id: RequestId,
    since: UnixTime,
    /// `None` once handed out.
    tokens: Option<Box<Tokens>>,
    unverified: Unverified,
}

impl FetchingKeys {
    pub(super) fn new(id: RequestId, tokens: Tokens, unverified: Unverified, now: UnixTime) -> Self {
        Self { id, since: now, tokens: Some(Box::new(tokens)), unverified }
    }

    pub(super) fn request(&self, client: &Client) -> Request {
        let url = client.server().jwks_uri.clone().unwrap_or_default();
        Request::get(self.id, url, None)
    }

    pub(super) fn step(
        &mut self,
        rules: &Rules<'_>,
        event: Event<'_>,
        now: UnixTime,
    ) -> Result<Progress<Tokens>, Error> {
        match event {
            Event::ResponseReceived(id, response) if id == self.id => self.response(rules, &response, now),
            Event::SendFailed(id, _) if id == self.id => {
                Ok(Progress::Stay(Action::SendRequest(self.request(rules.client))))
            }
            event => Err(event.refusal()),
        }
    }

    fn response(
        &mut self,
        rules: &Rules<'_>,
        response: &Response<'_>,
        now: UnixTime,
    ) -> Result<Progress<Tokens>, Error> {
        let keys = match KeySet::from_response(rules.client.jwks_uri(), response, now) {
            Ok(keys) => keys,
            Err(error) if error.is_transient() => {
                let at = backoff::until(error.retry_after(), self.since, now, self.id);
                self.id = self.id.next();
                return Ok(Progress::Stay(Action::RetryAt(at)));
            }
            Err(error) => return Err(error),
        };
        rules.client.verify_id_token(&self.unverified, Some(&keys))?;
        let mut tokens = *self.tokens.take().ok_or(Error::Ignored(Ignored::Finished))?;
        let id_token = self.unverified.clone().into_id_token();
        tokens.identity = tokens.identity.with(id_token, Some(Arc::new(keys)));
        Ok(Progress::Done(tokens))
    }
}
