//! All that changes a login is in this file: the states, and the one function that goes from one to the next. The two round trips
//! that OpenID Connect adds are states of `openid`; `transitions` has the same as data.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::openid::{self, Discovering, FetchingKeys};
use super::{Action, Event, Phase};
use crate::authorization::{AuthorizationRequest, AuthorizationUrl, PerLogin};
use crate::backoff;
use crate::base64url::Base64Url32;
use crate::client::Client;
use crate::entropy::Entropy;
use crate::error::{Error, Ignored, Misuse, Over};
use crate::http::{Delivered, Request, RequestId, Response};
use crate::pkce::CodeChallenge;
use crate::redirect::{self, AuthorizationCode, Expected};
use crate::secret::{Secret, SecretOctets};
use crate::time::UnixTime;
use crate::token::{self, TokenResponse, Tokens};

/// A code must be exchanged this soon: RFC 6749 §4.1.2 recommends that it lives ten minutes at most.
pub const CODE_LIFETIME_SECS: u64 = 600;

/// The rules of one login, shared: what its states are read with.
pub(super) struct Rules<'a> {
    pub client: &'a Client,
    pub request: &'a Arc<AuthorizationRequest>,
}

#[cfg_attr(not(feature = "openid"), allow(dead_code))] // two states cannot be reached then
pub(super) enum State {
    Ready,
    Discovering(Box<Discovering>),
    AwaitingRedirect(AwaitingRedirect),
    ExchangingCode(ExchangingCode),
    FetchingKeys(Box<FetchingKeys>),
    Finished,
    Failed(Error),
}

/// The user is in the browser. 104 bytes: millions of these may be pending on a server.
#[derive(Clone)]
pub(super) struct AwaitingRedirect {
    pub verifier: SecretOctets,
    pub state: SecretOctets,
    pub nonce: SecretOctets,
    pub deadline: UnixTime,
}

/// The code is on its way to the token endpoint.
pub(super) struct ExchangingCode {
    pub id: RequestId,
    verifier: SecretOctets,
    #[cfg(feature = "openid")]
    pub nonce: SecretOctets,
    pub code: AuthorizationCode,
    deadline: UnixTime,
    /// When the login was started.
    #[cfg(feature = "openid")]
    pub started: UnixTime,
}

/// What an accepted event leads to.
pub(super) struct Step {
    /// The state that comes now; `None` for the one that was.
    next: Option<State>,
    /// The client that the login goes on with, if its server was found.
    client: Option<Client>,
    action: Action,
}

impl Step {
    pub(super) fn to(next: State, action: Action) -> Self {
        Self { next: Some(next), client: None, action }
    }

    /// The server was found.
    #[cfg(feature = "openid")]
    pub(super) fn with(self, client: Client) -> Self {
        Self { client: Some(client), ..self }
    }

    pub(super) fn stay(action: Action) -> Self {
        Self { next: None, client: None, action }
    }
}

impl State {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Ready => Phase::Ready,
            Self::Discovering(_) => Phase::Discovering,
            Self::AwaitingRedirect(_) => Phase::AwaitingRedirect,
            Self::ExchangingCode(_) => Phase::ExchangingCode,
            Self::FetchingKeys(_) => Phase::FetchingKeys,
            Self::Finished => Phase::Finished,
            Self::Failed(_) => Phase::Failed,
        }
    }

    /// The one way from state to state, with the client to go on with if that is another one. A step that refuses an event has
    /// changed nothing: it changes the name of the next request, and takes the tokens out, at its very end. Leaving a state drops
    /// it, and its secrets are wiped.
    pub(super) fn handle(
        &mut self,
        rules: &Rules<'_>,
        event: Event<'_>,
        now: UnixTime,
    ) -> Result<(Action, Option<Client>), Error> {
        match self.step(rules, event, now) {
            Ok(step) => {
                if let Some(next) = step.next {
                    *self = next;
                }
                Ok((step.action, step.client))
            }
            Err(error) => {
                if error.is_fatal() && !matches!(self, Self::Failed(_)) {
                    *self = Self::Failed(error.clone());
                }
                Err(error)
            }
        }
    }

    fn step(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
        match self {
            Self::Ready => ready(rules, event, now),
            Self::Discovering(state) => state.step(rules, event, now),
            Self::AwaitingRedirect(state) => state.step(rules, event, now),
            Self::ExchangingCode(state) => state.step(rules, event, now),
            Self::FetchingKeys(state) => state.step(rules, event, now),
            Self::Finished => Err(match event {
                Event::Start(_) => Error::Misuse(Misuse::AlreadyStarted),
                _ => Error::Ignored(Ignored::Finished),
            }),
            Self::Failed(error) => Err(error.clone()),
        }
    }

    pub(super) fn pending_action(&self, rules: &Rules<'_>) -> Option<Action> {
        match self {
            Self::Discovering(state) => Some(Action::SendRequest(state.request(rules.client))),
            Self::AwaitingRedirect(state) => Some(Action::OpenUrl(state.url(rules))),
            Self::ExchangingCode(state) => Some(Action::SendRequest(state.request(rules))),
            Self::FetchingKeys(state) => Some(Action::SendRequest(state.request(rules.client))),
            Self::Ready | Self::Finished | Self::Failed(_) => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<UnixTime> {
        match self {
            Self::Discovering(state) => Some(state.deadline()),
            Self::AwaitingRedirect(state) => Some(state.deadline),
            Self::ExchangingCode(state) => Some(state.deadline),
            Self::Ready | Self::FetchingKeys(_) | Self::Finished | Self::Failed(_) => None,
        }
    }
}

fn ready(rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
    match event {
        Event::Start(entropy) => {
            let next = AwaitingRedirect::new(&entropy, now.saturating_add(rules.client.login_timeout()));
            if !rules.client.has_endpoints() {
                return Ok(Discovering::start(rules, next));
            }
            let url = next.url(rules);
            Ok(Step::to(State::AwaitingRedirect(next), Action::OpenUrl(url)))
        }
        Event::Cancelled => Err(Error::Over(Over::Cancelled)),
        Event::RedirectReceived(_) => Err(Error::Ignored(Ignored::RedirectNotAwaited)),
        Event::ResponseReceived(..) | Event::SendFailed(..) => Err(Error::Ignored(Ignored::UnknownRequest)),
    }
}

impl AwaitingRedirect {
    pub(super) fn new(entropy: &Entropy, deadline: UnixTime) -> Self {
        Self {
            verifier: SecretOctets::new(entropy.verifier()),
            state: SecretOctets::new(entropy.state()),
            nonce: SecretOctets::new(entropy.nonce()),
            deadline,
        }
    }

    fn step(&self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
        if now > self.deadline {
            return Err(Error::Over(Over::Expired));
        }
        match event {
            Event::RedirectReceived(url) => self.redirect(rules, url, now),
            Event::Cancelled => Err(Error::Over(Over::Cancelled)),
            Event::Start(_) => Err(Error::Misuse(Misuse::AlreadyStarted)),
            Event::ResponseReceived(..) | Event::SendFailed(..) => Err(Error::Ignored(Ignored::UnknownRequest)),
        }
    }

    fn redirect(&self, rules: &Rules<'_>, url: &str, now: UnixTime) -> Result<Step, Error> {
        let server = rules.client.server();
        let mut state = Base64Url32::new();
        let response = redirect::parse(
            url,
            &Expected {
                redirect_uri: rules.client.redirect_uri(),
                state: state.encode(self.state.octets()),
                issuer: server.expected_issuer(),
                iss_required: server.iss_required,
            },
        )?;
        let next = ExchangingCode {
            // The state has done its work: no other redirect is accepted, so a digest of it may be a public name.
            id: RequestId::fold(self.state.octets()),
            verifier: self.verifier.clone(),
            #[cfg(feature = "openid")]
            nonce: self.nonce.clone(),
            code: response.into_code(),
            deadline: now.saturating_add(CODE_LIFETIME_SECS),
            #[cfg(feature = "openid")]
            started: self.deadline.saturating_sub(rules.client.login_timeout()),
        };
        let request = next.request(rules);
        Ok(Step::to(State::ExchangingCode(next), Action::SendRequest(request)))
    }

    pub(super) fn url(&self, rules: &Rules<'_>) -> AuthorizationUrl {
        let (mut verifier, mut state, mut nonce) = (Base64Url32::new(), Base64Url32::new(), Base64Url32::new());
        verifier.encode(self.verifier.octets());
        let challenge = CodeChallenge::s256(verifier.as_bytes());
        verifier.wipe();
        AuthorizationUrl::build(
            rules.client.authorization_prefix(),
            rules.request,
            &PerLogin {
                state: state.encode(self.state.octets()),
                code_challenge: challenge.as_str(),
                nonce: rules.request.asks_for_openid().then(|| nonce.encode(self.nonce.octets())),
            },
        )
    }
}

impl ExchangingCode {
    fn step(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
        match event {
            Event::ResponseReceived(id, response) if id == self.id => self.response(rules, &response, now),
            Event::SendFailed(id, Delivered::No) if id == self.id => {
                if now > self.deadline {
                    return Err(Error::Over(Over::Expired));
                }
                Ok(Step::stay(Action::SendRequest(self.request(rules))))
            }
            // The code may be used up: it is not sent again (RFC 6749 §4.1.2).
            Event::SendFailed(id, Delivered::Maybe) if id == self.id => Err(Error::Over(Over::OutcomeUnknown)),
            Event::ResponseReceived(..) | Event::SendFailed(..) => Err(Error::Ignored(Ignored::UnknownRequest)),
            Event::RedirectReceived(_) => Err(Error::Ignored(Ignored::RedirectNotAwaited)),
            Event::Cancelled => Err(Error::Over(Over::Cancelled)),
            Event::Start(_) => Err(Error::Misuse(Misuse::AlreadyStarted)),
        }
    }

    /// An answer is taken however late it comes: what the server issued is not thrown away.
    fn response(&mut self, rules: &Rules<'_>, response: &Response<'_>, now: UnixTime) -> Result<Step, Error> {
        let answer = match token::parse_response_as(response, rules.client.token_types(), now) {
            Ok(answer) => answer,
            Err(error) => return self.later(error, now),
        };
        // It parsed as JSON, so it is UTF-8.
        let body =
            rules.client.keeps_token_response().then(|| core::str::from_utf8(response.body()).unwrap_or_default());
        // Lifetimes count from when the request was sent: by the deadline, however long the answer took to be handed over. A
        // laptop may have slept in between.
        let sent_by = now.min(self.deadline);
        let tokens = |answer: TokenResponse<'_>, identity| {
            Tokens::new(answer, Arc::clone(rules.request), body.map(Secret::new), identity, sent_by)
        };
        openid::finish(rules, self, response, answer, tokens, now)
    }

    /// A code that was not looked at is sent again, as long as it lives (RFC 6749 §4.1.2). Every other answer may have used it up.
    fn later(&mut self, error: Error, now: UnixTime) -> Result<Step, Error> {
        let is_unused = matches!(&error, Error::Refused(refused) if refused.is_unprocessed());
        let begun = self.deadline.saturating_sub(CODE_LIFETIME_SECS);
        let at = now.saturating_add(backoff::wait(error.retry_after(), begun, now, self.id));
        if !is_unused || at > self.deadline {
            return Err(error);
        }
        self.id = self.id.next();
        Ok(Step::stay(Action::RetryAt(at)))
    }

    fn request(&self, rules: &Rules<'_>) -> Request {
        let mut verifier = Base64Url32::new();
        // One access token is for one resource (RFC 8707 §2.2): the first.
        let resources = rules.request.resources().get(..1).unwrap_or_default();
        let endpoint = rules.client.known_token_endpoint();
        let request =
            endpoint.exchange(self.id, self.code.reveal(), verifier.encode(self.verifier.octets()), resources);
        verifier.wipe();
        request
    }
}
