//! Without the feature `openid` a login has no such round trips: nothing can be made of these types, so that what the
//! machine does with them is compiled to nothing.
#![allow(clippy::unused_self, clippy::unnecessary_wraps)] // the face is that of the file whose place this takes

use super::state::{AwaitingRedirect, ExchangingCode, Rules, State, Step};
use super::Action;
use crate::authorization::AuthorizationRequest;
use crate::client::Client;
use crate::config_error::ConfigError;
use crate::error::Error;
use crate::http::{Request, Response};
use crate::identity::Identity;
use crate::login::Event;
use crate::time::UnixTime;
use crate::token::{TokenResponse, Tokens};

pub(super) fn check(_: &Client, request: &AuthorizationRequest) -> Result<(), ConfigError> {
    if request.asks_for_openid() {
        return Err(ConfigError::parameter("scope", "has openid: turn on the feature openid, which checks ID tokens"));
    }
    Ok(())
}

pub(super) enum Discovering {}

impl Discovering {
    /// The endpoints are always known.
    pub(super) fn start(rules: &Rules<'_>, login: AwaitingRedirect) -> Step {
        let url = login.url(rules);
        Step::to(State::AwaitingRedirect(login), Action::OpenUrl(url))
    }

    pub(super) fn request(&self, _: &Client) -> Request {
        match *self {}
    }

    pub(super) fn deadline(&self) -> UnixTime {
        match *self {}
    }

    pub(super) fn step(&self, _: &Rules<'_>, _: Event<'_>, _: UnixTime) -> Result<Step, Error> {
        match *self {}
    }
}

pub(super) enum FetchingKeys {}

impl FetchingKeys {
    pub(super) fn request(&self, _: &Client) -> Request {
        match *self {}
    }

    pub(super) fn step(&mut self, _: &Rules<'_>, _: Event<'_>, _: UnixTime) -> Result<Step, Error> {
        match *self {}
    }
}

pub(super) fn finish(
    _: &Rules<'_>,
    _: &ExchangingCode,
    _: &Response<'_>,
    answer: TokenResponse<'_>,
    tokens: impl FnOnce(TokenResponse<'_>, Identity) -> Tokens,
    _: UnixTime,
) -> Result<Step, Error> {
    Ok(Step::to(State::Finished, Action::TokensReady(tokens(answer, Identity))))
}
