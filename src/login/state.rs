//! All changes from state to state are made here. What happens within a state is in the file of its name; `transitions` lists the
//! same as data.

use alloc::boxed::Box;

use super::action::{Action, Phase, Progress};
use super::awaiting_redirect::AwaitingRedirect;
use super::discovering::Discovering;
use super::event::Event;
use super::exchanging_code::ExchangingCode;
#[cfg(feature = "openid")]
use super::fetching_keys::FetchingKeys;
use super::rules::Rules;
use super::unchecked::Next;
#[cfg(feature = "openid")]
use super::verifying::Verifying;
use crate::config::client::Client;
use crate::error::{Error, Ignored, Misuse};
use crate::time::UnixTime;

pub(super) enum State {
    Ready,
    Discovering(Box<Discovering>),
    AwaitingRedirect(AwaitingRedirect),
    ExchangingCode(ExchangingCode),
    #[cfg(feature = "openid")]
    FetchingKeys(Box<FetchingKeys>),
    #[cfg(feature = "openid")]
    Verifying(Box<Verifying>),
    Finished,
    Failed(Error),
}

/// The effect of an accepted event.
struct Step {
    /// The next state; `None` to stay.
    next: Option<State>,
    /// The client to continue with, if discovery found its server.
    client: Option<Client>,
    action: Action,
}

impl Step {
    fn to(next: State, action: Action) -> Self {
        Self { next: Some(next), client: None, action }
    }

    fn stay(action: Action) -> Self {
        Self { next: None, client: None, action }
    }

    fn await_redirect(rules: &Rules<'_>, login: AwaitingRedirect) -> Self {
        let url = login.url(rules);
        Self::to(State::AwaitingRedirect(login), Action::OpenUrl(url))
    }

    #[cfg_attr(not(feature = "openid"), expect(unused_variables))] // used for ID tokens only
    fn after_tokens(rules: &Rules<'_>, next: Next) -> Self {
        match next {
            Next::Finished(tokens) => Self::to(State::Finished, Action::TokensReady(tokens)),
            #[cfg(feature = "openid")]
            Next::FetchKeys(unchecked) => {
                let next = FetchingKeys::new(unchecked);
                let request = next.request(rules.client);
                Self::to(State::FetchingKeys(Box::new(next)), Action::SendRequest(request))
            }
            #[cfg(feature = "openid")]
            Next::Verify(unchecked, trial) => {
                let next = Verifying::new(unchecked, trial);
                let check = next.check();
                Self::to(State::Verifying(Box::new(next)), Action::Verify(check))
            }
        }
    }
}

impl State {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Ready => Phase::Ready,
            Self::Discovering(_) => Phase::Discovering,
            Self::AwaitingRedirect(_) => Phase::AwaitingRedirect,
            Self::ExchangingCode(_) => Phase::ExchangingCode,
            #[cfg(feature = "openid")]
            Self::FetchingKeys(_) => Phase::FetchingKeys,
            #[cfg(feature = "openid")]
            Self::Verifying(_) => Phase::Verifying,
            Self::Finished => Phase::Finished,
            Self::Failed(_) => Phase::Failed,
        }
    }

    /// The only way from state to state; also returns the client to continue with, if it changed. A step that refuses an event
    /// has changed nothing: only its last lines replace the request id or take the tokens. A state that is left is dropped, and
    /// its secrets are wiped.
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
            Self::Discovering(state) => Ok(match state.step(rules, event, now)? {
                Progress::Stay(action) => Step::stay(action),
                Progress::Done(client) => {
                    let found = Rules { client: &client, request: rules.request };
                    let step = Step::await_redirect(&found, state.login().clone());
                    Step { client: Some(client), ..step }
                }
            }),
            Self::AwaitingRedirect(state) => {
                let code = state.step(rules, event, now)?;
                let next = ExchangingCode::new(rules, state, code, now);
                let request = next.request(rules);
                Ok(Step::to(Self::ExchangingCode(next), Action::SendRequest(request)))
            }
            Self::ExchangingCode(state) => Ok(match state.step(rules, event, now)? {
                Progress::Stay(action) => Step::stay(action),
                Progress::Done(next) => Step::after_tokens(rules, next),
            }),
            #[cfg(feature = "openid")]
            Self::FetchingKeys(state) => Ok(match state.step(rules, event, now)? {
                Progress::Stay(action) => Step::stay(action),
                Progress::Done(next) => Step::after_tokens(rules, next),
            }),
            #[cfg(feature = "openid")]
            Self::Verifying(state) => Ok(match state.step(event, now)? {
                Progress::Stay(action) => Step::stay(action),
                Progress::Done(next) => Step::after_tokens(rules, next),
            }),
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
            #[cfg(feature = "openid")]
            Self::FetchingKeys(state) => Some(Action::SendRequest(state.request(rules.client))),
            #[cfg(feature = "openid")]
            Self::Verifying(state) => Some(Action::Verify(state.check())),
            Self::Ready | Self::Finished | Self::Failed(_) => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<UnixTime> {
        match self {
            Self::Discovering(state) => Some(state.login().deadline),
            Self::AwaitingRedirect(state) => Some(state.deadline),
            Self::ExchangingCode(state) => Some(state.deadline()),
            _ => None,
        }
    }
}

fn ready(rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
    match event {
        Event::Start(entropy) => {
            let login = AwaitingRedirect::new(&entropy, now.saturating_add(rules.client.login_timeout()));
            if rules.client.has_endpoints() {
                return Ok(Step::await_redirect(rules, login));
            }
            let next = Discovering::new(rules, login);
            let request = next.request(rules.client);
            Ok(Step::to(State::Discovering(Box::new(next)), Action::SendRequest(request)))
        }
        event => Err(event.refusal()),
    }
}
