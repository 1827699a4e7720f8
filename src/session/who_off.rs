//! Who is logged in, without the feature `openid`: nobody knows, and no keys are asked for.
#![allow(clippy::unused_self, clippy::unnecessary_wraps)] // the face is that of the file whose place this takes

use super::active::Active;
use super::ends::Ends;
use super::grant::Grant;
use super::SessionAction;
use crate::client::Client;
use crate::error::Error;
use crate::http::{Delivered, Request, RequestId, Response};
use crate::identity::Identity;
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::token::TokenResponse;

#[derive(Clone)]
pub(super) struct Who;

pub(super) struct New;

impl Who {
    pub(super) fn new(_: Identity) -> Self {
        Self
    }

    pub(super) fn take_hint(&mut self) -> Option<Secret> {
        None
    }

    pub(super) fn follow(&mut self, _: &Self) {}

    pub(super) fn read(
        &self,
        _: &Client,
        _: &Grant,
        _: &TokenResponse<'_>,
        _: Option<&str>,
        _: UnixTime,
    ) -> Result<New, Error> {
        Ok(New)
    }

    pub(super) fn take(&mut self, _: New, _: &mut Ends) -> Option<Error> {
        None
    }

    pub(super) fn keys_request(&mut self, _: &Client, _: UnixTime) -> Option<Request> {
        None
    }
}

impl Active {
    pub(super) fn keys_outcome(
        &mut self,
        _: &Client,
        _: RequestId,
        _: Result<&Response<'_>, Delivered>,
        _: UnixTime,
    ) -> Option<SessionAction> {
        None
    }
}
