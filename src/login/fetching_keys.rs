//! State: the tokens have come, and the ID token waits for the server's keys.

use alloc::sync::Arc;

use super::action::{Action, Progress};
use super::backoff;
use super::event::Event;
use super::rules::Rules;
use super::unchecked::{Next, Trial, Unchecked};
use crate::config::client::Client;
use crate::config::id_token_settings::Signature;
use crate::error::Error;
use crate::http::{Request, Response};
use crate::openid::keys::KeySet;
use crate::time::UnixTime;

/// The tokens have come, and the ID token waits for the server's keys, without a deadline.
pub(super) struct FetchingKeys(Unchecked);

impl FetchingKeys {
    pub(super) fn new(unchecked: Unchecked) -> Self {
        Self(unchecked)
    }

    pub(super) fn request(&self, client: &Client) -> Request {
        let url = client.server().jwks_uri.clone().unwrap_or_default();
        Request::get(self.0.id, url, None)
    }

    pub(super) fn step(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Progress<Next>, Error> {
        match event {
            Event::ResponseReceived(id, response) if id == self.0.id => self.response(rules, &response, now),
            Event::SendFailed(id, _) if id == self.0.id => {
                Ok(Progress::Stay(Action::SendRequest(self.request(rules.client))))
            }
            event => Err(event.refusal()),
        }
    }

    fn response(&mut self, rules: &Rules<'_>, response: &Response<'_>, now: UnixTime) -> Result<Progress<Next>, Error> {
        let Self(unchecked) = self;
        let keys = match KeySet::from_response(rules.client.jwks_uri(), response, now) {
            Ok(keys) => Arc::new(keys),
            Err(error) if error.is_transient() => {
                let at = backoff::until(error.retry_after(), unchecked.since, now, unchecked.id);
                unchecked.id = unchecked.id.next();
                return Ok(Progress::Stay(Action::RetryAt(at)));
            }
            Err(error) => return Err(error),
        };
        let next = match rules.client.verify_id_token(&unchecked.unverified, Some(&keys))? {
            Signature::Valid => Next::Finished(unchecked.finish(Some(keys))?),
            Signature::Unknown(candidates) => {
                Next::Verify(unchecked.take()?, Trial { candidates, keys, are_new: true })
            }
        };
        Ok(Progress::Done(next))
    }
}
