//! Without the feature `openid` the endpoints are known, and nobody knows who logs in.
#![allow(clippy::unused_self, clippy::unnecessary_wraps)] // the face is that of the file whose place this takes

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Tokens};

use super::choices::Choices;
use super::plan::Plan;
use super::{Endpoint, World, CLIENT_ID, REDIRECT_URI};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    None,
}

impl Identity {
    pub const ALL: &[Self] = &[Self::None];
    pub const CAN_DISCOVER: bool = false;

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

pub fn builder(_: &Plan) -> ClientBuilder {
    let server = AuthorizationServer::new("https://as.example/authorize", "https://as.example/token").unwrap();
    Client::builder(server, CLIENT_ID, REDIRECT_URI)
}

pub fn with_keys(client: Client, _: Known, _: u64) -> Client {
    client
}

pub fn request(_: &Plan) -> AuthorizationRequest {
    AuthorizationRequest::new().scope("read")
}

pub fn endpoint(_: &Plan, _: &str) -> Option<Endpoint> {
    None
}

pub fn metadata(_: &Plan) -> String {
    String::new()
}

pub fn metadata_of_another(_: &Plan) -> String {
    String::new()
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
