//! State: the server's metadata is being fetched, from one well-known location after another, and again later if the server is
//! busy.

use alloc::sync::Arc;

use super::action::{Action, Progress};
use super::awaiting_redirect::AwaitingRedirect;
use super::backoff;
use super::event::Event;
use super::rules::Rules;
use crate::config::client::Client;
use crate::error::config::ConfigError;
use crate::error::violation::Violation;
use crate::error::{Error, Over};
use crate::http::{Request, RequestId, Response};
use crate::time::UnixTime;
use crate::wire::metadata::server::ServerMetadata;
use crate::wire::metadata::well_known::WellKnown;

/// The server's metadata is being fetched.
pub(super) struct Discovering {
    /// The state that follows.
    login: AwaitingRedirect,
    id: RequestId,
    place: WellKnown,
    /// What went wrong at the locations before this one, other than a missing document.
    trouble: Option<Trouble>,
}

/// A reason to report or to ask again. `Unavailable` outranks `Unreadable`.
#[derive(Clone)]
enum Trouble {
    /// There is an unreadable document.
    Unreadable(Error),
    /// The server could not answer: there may be a document later.
    Unavailable(Error),
}

impl Discovering {
    pub(super) fn new(rules: &Rules<'_>, login: AwaitingRedirect) -> Self {
        // `state` must stay secret until the redirect has come, so the id is a digest of it.
        let id = RequestId::of_secret(login.state.octets(), &[]);
        Self { login, id, place: rules.client.server().discovery_order.first(), trouble: None }
    }

    /// The state that follows once the server is known.
    pub(super) fn login(&self) -> &AwaitingRedirect {
        &self.login
    }

    pub(super) fn request(&self, client: &Client) -> Request {
        let url = self.place.of(client.server().issuer.as_deref().unwrap_or_default());
        Request::get(self.id, Arc::from(url), None)
    }

    pub(super) fn step(
        &mut self,
        rules: &Rules<'_>,
        event: Event<'_>,
        now: UnixTime,
    ) -> Result<Progress<Client>, Error> {
        if now > self.login.deadline {
            return Err(Error::Over(Over::Expired));
        }
        match event {
            Event::ResponseReceived(id, response) if id == self.id => self.response(rules, &response, now),
            // Asking twice does no harm.
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
    ) -> Result<Progress<Client>, Error> {
        let metadata = match ServerMetadata::read(response, now) {
            Ok(metadata) => metadata,
            Err(error) => return self.elsewhere(rules, error, now),
        };
        let client = rules.client.with_metadata(&metadata).and_then(|client| {
            let rules = Rules { client: &client, request: rules.request };
            rules.check().map(|()| client)
        });
        client.map(Progress::Done).map_err(Error::metadata)
    }

    /// Goes on to the next location, since this one has no readable document. After the last, all are asked again later if one
    /// could not answer.
    fn elsewhere(&mut self, rules: &Rules<'_>, error: Error, now: UnixTime) -> Result<Progress<Client>, Error> {
        let trouble = Trouble::of(error, self.trouble.clone());
        let server = rules.client.server();
        let issuer = server.issuer.as_deref().unwrap_or_default();
        if let Some(place) = server.discovery_order.after(self.place, issuer) {
            *self = Self { login: self.login.clone(), id: self.id.next(), place, trouble };
            return Ok(Progress::Stay(Action::SendRequest(self.request(rules.client))));
        }
        let error = match trouble {
            Some(Trouble::Unavailable(error)) => error,
            Some(Trouble::Unreadable(error)) => return Err(error),
            None => {
                return Err(Error::metadata(ConfigError::Issuer {
                    problem: "has no metadata at its well-known places (RFC 8414 section 3): write it as the server does, or \
                              configure the endpoints with AuthorizationServer::new",
                }));
            }
        };
        let begun = self.login.deadline.saturating_sub(rules.client.login_timeout());
        let at = backoff::until(error.retry_after(), begun, now, self.id);
        if at > self.login.deadline {
            return Err(error);
        }
        let place = server.discovery_order.first();
        *self = Self { login: self.login.clone(), id: self.id.next(), place, trouble: None };
        Ok(Progress::Stay(Action::RetryAt(at)))
    }
}

impl Trouble {
    /// What to remember of this location and of those before.
    fn of(error: Error, before: Option<Self>) -> Option<Self> {
        match before {
            // The longest `Retry-After` counts.
            Some(Self::Unavailable(before)) if !error.is_transient() || error.retry_after() < before.retry_after() => {
                Some(Self::Unavailable(before))
            }
            _ if error.is_transient() => Some(Self::Unavailable(error)),
            before if is_not_there(&error) => before,
            _ => Some(Self::Unreadable(error)),
        }
    }
}

/// Whether there is no document: many servers return a page or a redirect for any path.
fn is_not_there(error: &Error) -> bool {
    use Violation::{ContentType, RedirectedResponse};
    matches!(error, Error::Refused(_) | Error::Violation(RedirectedResponse(_) | ContentType))
}
