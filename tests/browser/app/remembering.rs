//! A browser that removes the stored login when its redirect has come.

use std::sync::Arc;

use oauth_native::browser::BrowserError;
use oauth_native::oauth_proto::drive::blocking::Browser;
use oauth_native::oauth_proto::{AuthorizationUrl, Error, SavedLogin, UnixTime};
use oauth_native::store::{File, Store as _};
use serde_json::json;

use crate::events::Events;

pub struct Remembering<'a, B> {
    pub browser: &'a mut B,
    pub store: Arc<File<SavedLogin>>,
    pub events: Events,
}

impl<B: Browser<Error = BrowserError>> Browser for Remembering<'_, B> {
    type Error = BrowserError;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.browser.open(url)
    }

    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        self.browser.redirect(deadline)
    }

    fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        if !verdict.is_err_and(|error| !error.is_fatal()) {
            // Before the code is sent: a login that is resumed later must not send it again.
            let removed = self.store.lock().and_then(|mut locked| locked.save(None));
            if let Err(error) = removed {
                self.events.say(&json!({ "event": "not_removed", "why": error.to_string() }));
            }
        }
        self.events.say(&json!({ "event": "redirect", "verdict": verdict.map_or_else(Error::code, |()| "accepted") }));
        self.browser.heard(url, verdict)
    }
}
