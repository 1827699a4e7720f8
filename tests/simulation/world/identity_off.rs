//! Without the feature `openid` nobody knows who logged in.
#![allow(clippy::unused_self)] // the face is that of the file whose place this takes

use oauth_proto::{Request, SessionAction};

use super::network::{Answer, Meaning, Sender};
use super::server::Issued;
use super::truth::broken;
use super::World;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    None,
}

impl World<'_> {
    pub fn identify_login(&mut self, _: usize, _: &mut Issued, _: &str) {}

    pub fn identify(&mut self, issued: Issued, in_grace: bool) -> (Issued, Meaning) {
        (issued.clone(), Meaning::Tokens(issued, in_grace))
    }

    pub fn jwks(&self) -> String {
        broken!("1", "a login wants keys");
    }

    pub fn ask_for_keys(&mut self, p: usize, request: &Request) {
        broken!("1", "process {p} wants keys: {request:?}");
    }

    pub fn serve_keys(&mut self, sender: Sender) -> Answer {
        broken!("1", "keys for {sender:?}");
    }

    pub fn took_keys(&mut self, p: usize, action: &SessionAction, _: Option<&Meaning>) {
        broken!("1", "process {p} took keys: {action:?}");
    }

    pub fn note_id_token(&mut self, _: usize, _: Option<&str>) {}

    pub fn check_identity(&self, _: usize) {}
}
