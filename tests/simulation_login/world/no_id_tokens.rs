//! Without the feature `openid` nobody knows who logs in.
#![allow(clippy::unused_self, clippy::unnecessary_wraps)] // the face is that of the file whose place this takes

use oauth_proto::{AuthorizationRequest, Client, ClientBuilder, Tokens};

use super::choices::Choices;
use super::discovery;
use super::plan::Plan;
use super::{World, CLIENT_ID, REDIRECT_URI};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    None,
}

impl Identity {
    pub const ALL: &[Self] = &[Self::None];

    pub fn has_id_tokens(self) -> bool {
        false
    }

    pub fn needs_keys(self) -> bool {
        false
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    None,
}

impl Known {
    pub fn draw(_: &mut Choices) -> Self {
        Self::None
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {}

impl Flaw {
    pub fn draw(_: &mut Choices, _: &Plan) -> Option<Self> {
        None
    }

    pub fn code(self) -> &'static str {
        match self {}
    }

    pub fn is_of_time(self) -> bool {
        match self {}
    }

    pub fn is_seen_last(self) -> bool {
        match self {}
    }
}

pub fn builder(plan: &Plan) -> ClientBuilder {
    Client::builder(discovery::server(plan), CLIENT_ID, REDIRECT_URI)
}

pub fn with_keys(client: Client, _: Known, _: u64) -> Client {
    client
}

pub fn request(_: &Plan) -> AuthorizationRequest {
    AuthorizationRequest::new().scope("read")
}

pub fn jwks(_: bool) -> String {
    String::new()
}

impl World<'_> {
    pub fn id_token(&mut self) -> Option<(String, u64, u64)> {
        None
    }

    pub fn check_identity(&mut self, _: &Tokens) {}
}
