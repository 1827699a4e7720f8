//! What the kinds of browsers have in common: opening the URL, and waiting for what comes back.

use std::io;
use std::sync::Arc;

use oauth_proto::{Error, UnixTime};

use super::error::BrowserError;
use super::inbox::{Arrival, Inbox};
use super::opener::Opener;
use crate::trace;

/// A user's visit to the authorization server.
pub(super) struct Visit {
    pub inbox: Arc<Inbox>,
    opener: Box<dyn Opener + Send>,
    /// The URL was not opened, because a redirect had arrived before.
    is_unopened: bool,
    pub reopens_after_stray: bool,
}

impl Visit {
    pub fn new(opener: impl Opener + Send + 'static) -> Self {
        Self { inbox: Arc::default(), opener: Box::new(opener), is_unopened: false, reopens_after_stray: false }
    }

    pub fn open(&mut self, url: &str) -> Result<(), BrowserError> {
        self.is_unopened = self.inbox.begin();
        if self.is_unopened {
            return Ok(());
        }
        self.open_now(url)
    }

    pub fn wait(&self, deadline: UnixTime) -> Result<Option<Arrival>, BrowserError> {
        self.inbox.wait(deadline)
    }

    pub async fn arrival(&mut self, deadline: UnixTime) -> Result<Option<Arrival>, BrowserError> {
        self.inbox.arrival(deadline).await
    }

    pub fn heard(&mut self, url: &str, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        trace::redirected(verdict);
        if !verdict.is_err_and(|error| !error.is_fatal()) {
            self.inbox.finish();
            return Ok(());
        }
        if self.inbox.is_empty() && (self.is_unopened || self.reopens_after_stray) {
            self.is_unopened = false;
            return self.open_now(url);
        }
        Ok(())
    }

    fn open_now(&mut self, url: &str) -> Result<(), BrowserError> {
        let opened = self.opener.open(url);
        match &opened {
            Ok(()) => trace::opened(url),
            Err(_) => trace::not_opened(url),
        }
        opened.map_err(|error| BrowserError::Open(without(url, error)))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// The error, without its text if that has the URL, which has `state` and `nonce`.
fn without(url: &str, error: io::Error) -> io::Error {
    let secret = url.split_once('?').map_or(url, |(_, query)| query);
    if !secret.is_empty() && format!("{error} {error:?}").contains(secret) {
        error.kind().into()
    } else {
        error
    }
}
