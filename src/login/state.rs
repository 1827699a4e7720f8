//! All that changes a login is in this file: the states, the one function that goes from one to the next, and the
//! table of transitions, which a test holds against that function.

use alloc::sync::Arc;

use super::{Action, Event, Phase};
use crate::authorization::{AuthorizationRequest, AuthorizationUrl, PerLogin};
use crate::base64url::Base64Url32;
use crate::client::Client;
use crate::entropy::Entropy;
use crate::error::{Error, Ignored, Misuse, Over, Violation};
use crate::http::{Delivered, Request, RequestId, Response};
use crate::pkce::CodeChallenge;
use crate::redirect::{self, AuthorizationCode, Expected};
use crate::secret::{Secret, SecretOctets};
use crate::time::UnixTime;
use crate::token::{self, Tokens};

/// A code must be exchanged this soon: RFC 6749 §4.1.2 recommends that it lives ten minutes at most.
pub const CODE_LIFETIME_SECS: u64 = 600;

/// What can happen to a login, as far as the table tells events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// `Start`.
    Start,
    /// A redirect with the right `state` and a code.
    RedirectWithCode,
    /// A redirect with the right `state` and an error.
    RedirectWithError,
    /// A redirect with the right `state` that breaks a rule.
    RedirectBroken,
    /// Any other redirect: not ours, forged, too long.
    RedirectStray,
    /// The answer to the token request, with tokens.
    ResponseWithTokens,
    /// The answer to the token request, with an error or a status.
    ResponseWithError,
    /// The answer to the token request, breaking a rule.
    ResponseBroken,
    /// An answer, or a failure to send, with another id.
    UnknownRequest,
    /// The token request did not reach the server.
    NotDelivered,
    /// The token request may have reached the server.
    MaybeDelivered,
    /// `Cancelled`.
    Cancelled,
    /// Any event after the deadline; while the code is exchanged, a request not delivered after the code's lifetime.
    Expired,
}

/// What a transition gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Yields {
    /// [`Action::OpenUrl`].
    OpenUrl,
    /// [`Action::SendRequest`].
    SendRequest,
    /// [`Action::TokensReady`].
    TokensReady,
    /// A fatal error.
    FatalError,
}

/// One row of [`TRANSITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The phase before.
    pub from: Phase,
    /// What happens.
    pub on: Trigger,
    /// The phase after.
    pub to: Phase,
    /// What `handle` gives back.
    pub yields: Yields,
}

const fn row(from: Phase, on: Trigger, to: Phase, yields: Yields) -> Transition {
    Transition { from, on, to, yields }
}

/// Every transition there is. Whatever is not listed is refused and changes nothing; in `Failed` the error that ended
/// the login is repeated.
pub const TRANSITIONS: &[Transition] = {
    use {Phase as P, Trigger as T, Yields as Y};
    &[
        row(P::Ready, T::Start, P::AwaitingRedirect, Y::OpenUrl),
        row(P::Ready, T::Cancelled, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::RedirectWithCode, P::ExchangingCode, Y::SendRequest),
        row(P::AwaitingRedirect, T::RedirectWithError, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::RedirectBroken, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::Cancelled, P::Failed, Y::FatalError),
        row(P::AwaitingRedirect, T::Expired, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::ResponseWithTokens, P::Finished, Y::TokensReady),
        row(P::ExchangingCode, T::ResponseWithError, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::ResponseBroken, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::NotDelivered, P::ExchangingCode, Y::SendRequest),
        row(P::ExchangingCode, T::MaybeDelivered, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::Cancelled, P::Failed, Y::FatalError),
        row(P::ExchangingCode, T::Expired, P::Failed, Y::FatalError),
    ]
};

/// The rules of one login, shared: what its states are read with.
pub(super) struct Rules<'a> {
    pub client: &'a Client,
    pub request: &'a Arc<AuthorizationRequest>,
}

#[derive(Clone)]
pub(super) enum State {
    Ready,
    AwaitingRedirect(AwaitingRedirect),
    ExchangingCode(ExchangingCode),
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
#[derive(Clone)]
pub(super) struct ExchangingCode {
    id: RequestId,
    verifier: SecretOctets,
    code: AuthorizationCode,
    deadline: UnixTime,
}

type Step = Result<(State, Action), Error>;

impl State {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Ready => Phase::Ready,
            Self::AwaitingRedirect(_) => Phase::AwaitingRedirect,
            Self::ExchangingCode(_) => Phase::ExchangingCode,
            Self::Finished => Phase::Finished,
            Self::Failed(_) => Phase::Failed,
        }
    }

    /// The one way from state to state. The step itself only reads the state, so a refused event cannot have changed
    /// it; leaving a state drops it, and its secrets are wiped.
    pub(super) fn handle(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Action, Error> {
        match self.step(rules, event, now) {
            Ok((next, action)) => {
                *self = next;
                Ok(action)
            }
            Err(error) => {
                if error.is_fatal() && !matches!(self, Self::Failed(_)) {
                    *self = Self::Failed(error.clone());
                }
                Err(error)
            }
        }
    }

    fn step(&self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Step {
        match self {
            Self::Ready => ready(rules, event, now),
            Self::AwaitingRedirect(state) => state.step(rules, event, now),
            Self::ExchangingCode(state) => state.step(rules, event, now),
            Self::Finished => Err(match event {
                Event::Start(_) => Error::Misuse(Misuse::AlreadyStarted),
                _ => Error::Ignored(Ignored::Finished),
            }),
            Self::Failed(error) => Err(error.clone()),
        }
    }

    pub(super) fn pending_action(&self, rules: &Rules<'_>) -> Option<Action> {
        match self {
            Self::AwaitingRedirect(state) => Some(Action::OpenUrl(state.url(rules))),
            Self::ExchangingCode(state) => Some(Action::SendRequest(state.request(rules))),
            Self::Ready | Self::Finished | Self::Failed(_) => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<UnixTime> {
        match self {
            Self::AwaitingRedirect(state) => Some(state.deadline),
            Self::ExchangingCode(state) => Some(state.deadline),
            Self::Ready | Self::Finished | Self::Failed(_) => None,
        }
    }
}

fn ready(rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Step {
    match event {
        Event::Start(entropy) => {
            let next = AwaitingRedirect::new(&entropy, now.saturating_add(rules.client.login_timeout()));
            let url = next.url(rules);
            Ok((State::AwaitingRedirect(next), Action::OpenUrl(url)))
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

    fn step(&self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Step {
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

    fn redirect(&self, rules: &Rules<'_>, url: &str, now: UnixTime) -> Step {
        let server = rules.client.server();
        let mut state = Base64Url32::new();
        let response = redirect::parse(
            url,
            &Expected {
                redirect_uri: rules.client.redirect_uri(),
                state: state.encode(self.state.octets()),
                issuer: server.issuer.as_deref(),
                iss_required: server.iss_required,
            },
        )?;
        let next = ExchangingCode {
            // The state has done its work: no other redirect is accepted, so a digest of it may be a public name.
            id: RequestId::fold(self.state.octets()),
            verifier: self.verifier.clone(),
            code: response.into_code(),
            deadline: now.saturating_add(CODE_LIFETIME_SECS),
        };
        let request = next.request(rules);
        Ok((State::ExchangingCode(next), Action::SendRequest(request)))
    }

    fn url(&self, rules: &Rules<'_>) -> AuthorizationUrl {
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
    fn step(&self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Step {
        match event {
            Event::ResponseReceived(id, response) if id == self.id => Self::response(rules, &response, now),
            Event::SendFailed(id, Delivered::No) if id == self.id => {
                if now > self.deadline {
                    return Err(Error::Over(Over::Expired));
                }
                Ok((State::ExchangingCode(self.clone()), Action::SendRequest(self.request(rules))))
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
    fn response(rules: &Rules<'_>, response: &Response<'_>, now: UnixTime) -> Step {
        let answer = token::parse_response(response, now)?;
        if rules.request.asks_for_openid() && answer.id_token().is_none() {
            return Err(Error::Violation(Violation::IdTokenMissing));
        }
        // It parsed as JSON, so it is UTF-8.
        let body =
            rules.client.keeps_token_response().then(|| core::str::from_utf8(response.body()).unwrap_or_default());
        let tokens = Tokens::new(answer, Arc::clone(rules.request), body.map(Secret::new), now);
        Ok((State::Finished, Action::TokensReady(tokens)))
    }

    fn request(&self, rules: &Rules<'_>) -> Request {
        let mut verifier = Base64Url32::new();
        // One access token is for one resource (RFC 8707 §2.2): the first.
        let resources = rules.request.resources().get(..1).unwrap_or_default();
        let endpoint = rules.client.token_endpoint();
        let request =
            endpoint.exchange(self.id, self.code.reveal(), verifier.encode(self.verifier.octets()), resources);
        verifier.wipe();
        request
    }
}
