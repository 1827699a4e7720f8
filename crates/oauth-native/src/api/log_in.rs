//! A login that the end of the process does not end: it is stored while the browser is open, and the next process goes on with it.

use std::sync::Arc;

use oauth_proto::drive::{self, blocking};
use oauth_proto::{AuthorizationRequest, AuthorizationUrl, Client, Error, Login, SavedLogin, UnixTime};

use super::engine::start;
use super::error::LoginError;
use super::io::Io;
use super::place::Place;
use super::shared::SEND_SECS;
use crate::store::Store;

/// Where the login waits, if the store has a place for it.
pub(super) type Pending = Option<Arc<dyn Store<SavedLogin>>>;

/// The login that is stored, if this client can go on with it; else a new one, which is then stored. It waits for its redirect.
pub(super) async fn begin<I: Io, E>(
    io: &I,
    pending: &Pending,
    client: Client,
    request: Arc<AuthorizationRequest>,
) -> Result<Login, LoginError<E>> {
    let now = io.now();
    match stored(io, pending).await.and_then(|saved| Login::resume(client.clone(), saved, now).ok()) {
        Some(login) if login.authorization_request() == &*request => Ok(login),
        // None is stored, or it has expired, or it is of a browser at another port, or it asks for something else.
        _ => {
            let mut login = Login::new(client, request).map_err(LoginError::Request)?;
            start(io, &mut login).await?;
            keep(io, pending, login.save()).await;
            Ok(login)
        }
    }
}

async fn stored<I: Io>(io: &I, pending: &Pending) -> Option<SavedLogin> {
    let place = Place::lock(pending.as_ref()?, SEND_SECS).ok()?;
    place.loaded(io, io.now().saturating_add(SEND_SECS)).await.ok()?
}

/// Stores the login while it waits for its redirect; else removes what is stored. If that fails, the login goes on: only the end
/// of the process would be noticed.
pub(super) async fn keep<I: Io>(io: &I, pending: &Pending, form: Option<SavedLogin>) {
    let Some(place) = pending.as_ref().and_then(|store| Place::lock(store, SEND_SECS).ok()) else { return };
    let _ = place.loaded(io, io.now().saturating_add(SEND_SECS)).await;
    if place.is_locked() {
        drop(place.save(form, None));
        let _ = place.saved(io).await;
    }
}

/// A browser that removes the stored login when its redirect has come: before the code is sent, which must be used only once (RFC
/// 6749 §4.1.2).
pub(super) struct Kept<'a, I, B> {
    pub io: &'a I,
    pub browser: &'a mut B,
    pub pending: &'a Pending,
}

/// Not a method: while it waits, a reference to the browser would make the future of a login one that cannot go to another thread.
async fn forget<I: Io>(io: &I, pending: &Pending, verdict: Result<(), &Error>) {
    if verdict.is_ok() {
        keep(io, pending, None).await;
    }
}

impl<I: Io, B: drive::Browser> drive::Browser for Kept<'_, I, B> {
    type Error = B::Error;

    async fn open(&mut self, url: &AuthorizationUrl) -> Result<(), B::Error> {
        self.browser.open(url).await
    }

    async fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, B::Error> {
        self.browser.redirect(deadline).await
    }

    async fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), B::Error> {
        forget(self.io, self.pending, verdict).await;
        self.browser.heard(url, verdict).await
    }
}

impl<I: Io, B: blocking::Browser> blocking::Browser for Kept<'_, I, B> {
    type Error = B::Error;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), B::Error> {
        self.browser.open(url)
    }

    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, B::Error> {
        self.browser.redirect(deadline)
    }

    fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), B::Error> {
        super::io::run(forget(self.io, self.pending, verdict));
        self.browser.heard(url, verdict)
    }
}
