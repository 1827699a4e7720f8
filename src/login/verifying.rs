//! State: the tokens have come, and the app verifies the signature of the ID token, with one key after the other.

use alloc::sync::Arc;

use super::action::{Action, Progress};
use super::backoff;
use super::event::Event;
use super::signature_check::SignatureCheck;
use super::unchecked::{Next, Trial, Unchecked};
use crate::error::id_token::IdTokenError;
use crate::error::Error;
use crate::time::UnixTime;

/// The app verifies the signature, without a deadline.
pub(super) struct Verifying {
    unchecked: Unchecked,
    trial: Trial,
}

impl Verifying {
    pub(super) fn new(unchecked: Unchecked, trial: Trial) -> Self {
        Self { unchecked, trial }
    }

    pub(super) fn check(&self) -> SignatureCheck {
        SignatureCheck::new(self.unchecked.id, &self.unchecked.unverified, self.trial.candidates.key())
    }

    pub(super) fn step(&mut self, event: Event<'_>, now: UnixTime) -> Result<Progress<Next>, Error> {
        let id = self.unchecked.id;
        match event {
            Event::Verified(of, true) if of == id => {
                self.unchecked.finish(Some(Arc::clone(&self.trial.keys))).map(Next::Finished).map(Progress::Done)
            }
            Event::Verified(of, false) if of == id => self.not_valid(),
            Event::VerifyFailed(of) if of == id => {
                let at = backoff::until(None, self.unchecked.since, now, id);
                self.unchecked.id = id.next();
                Ok(Progress::Stay(Action::RetryAt(at)))
            }
            event => Err(event.refusal()),
        }
    }

    /// This key has not signed the token.
    fn not_valid(&mut self) -> Result<Progress<Next>, Error> {
        if let Some(others) = self.trial.candidates.clone().after() {
            self.trial.candidates = others;
            self.unchecked.id = self.unchecked.id.next();
            return Ok(Progress::Stay(Action::Verify(self.check())));
        }
        if self.trial.are_new {
            return Err(IdTokenError::Signature.into());
        }
        self.unchecked.take().map(Next::FetchKeys).map(Progress::Done)
    }
}
