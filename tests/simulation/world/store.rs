//! The store that the processes share: one text, and a lock that ends with the process that holds it. And what a process does
//! with it.

use oauth_proto::{Adopted, Session, SessionPhase, SignOut};

use super::process::{Job, Step};
use super::sign_out::Goodbye;
use super::truth::{broken, Truth};
use super::World;

/// Whatever the processes keep is in here.
#[derive(Default)]
pub struct Store {
    pub lock: Option<usize>,
    pub text: Option<String>,
}

impl Store {
    /// Takes the lock, unless another process has it.
    pub fn try_lock(&mut self, process: usize) -> bool {
        let free = self.lock.is_none_or(|holder| holder == process);
        if free {
            self.lock = Some(process);
        }
        free
    }

    pub fn unlock(&mut self, process: usize) {
        if self.lock == Some(process) {
            self.lock = None;
        }
    }
}

/// The refresh token in the text of a saved session.
pub fn refresh_token(text: &str) -> Option<&str> {
    member(text, "\"refresh_token\":\"")
}

/// The login's own access token in it.
pub fn access_token(text: &str) -> Option<&str> {
    member(text, "\"access_token\":\"")
}

fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_once(name)?.1.split_once('"').map(|(token, _)| token)
}

impl World<'_> {
    /// What is in the store is the truth about sign-outs and logins, and may be newer than what the process has.
    pub fn adopt(&mut self, p: usize, text: Option<&str>) -> Step {
        let job = &self.processes[p].job;
        let next = match job {
            Some(Job::Access(_) | Job::Refused(..)) => Step::Ask,
            Some(Job::Flush) => Step::Store,
            Some(Job::SignOut { .. }) => Step::SignOut,
            Some(Job::Start | Job::LogIn) | None => Step::Unlock,
        };
        let Some(text) = text else {
            self.see_nothing_stored(p);
            return Step::Unlock;
        };
        let saved = serde_json::from_str(text).unwrap();
        let stored = refresh_token(text).map(str::to_owned);
        let process = &mut self.processes[p];
        if process.signed_out || process.session.is_none() {
            let session = Session::restore(self.client.clone(), saved).unwrap();
            self.counts.add("session restored");
            match session.phase() {
                SessionPhase::OutcomeUnknown => self.counts.add("session restored with a lost refresh"),
                SessionPhase::Exhausted => self.counts.add("session restored with two lost refreshes"),
                _ => {}
            }
            let login = access_token(text).and_then(|token| self.server.login_of(token));
            self.install(p, session, stored, login.unwrap_or_default());
            return next;
        }
        let ours = process.token.clone();
        let session = process.session.as_mut().unwrap();
        if !process.refused.is_empty() {
            // Of a token that it has no more, a session need not know that it was refused: another process may still have it.
            let had = serde_json::to_string(&session.save()).unwrap();
            process.refused.retain(|token| had.contains(&format!("\"{token}\"")));
        }
        let newer = session.adopt(saved).unwrap() == Adopted::Newer;
        let older = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => Truth::is_older(&self.server, one, other),
            _ => false,
        };
        if newer {
            if older(&stored, &ours) {
                broken!(6, "process {p} had {ours:?} and took the older {stored:?}");
            }
            self.counts.add("newer tokens adopted");
            self.trace.note(|| format!("    adopts {stored:?} in place of {ours:?}"));
            let process = &mut self.processes[p];
            if core::mem::take(&mut process.ended) {
                self.counts.add("newer tokens adopted after the end of the grant");
            }
            process.login = access_token(text).and_then(|token| self.server.login_of(token)).unwrap_or(process.login);
            process.token = stored;
            process.keys_asked = None;
            let machine = process.machine;
            self.truth.superseded(machine);
        } else if older(&ours, &stored) {
            let login = |token: &Option<String>| token.as_deref().and_then(|token| self.server.login_of(token));
            if login(&ours) != login(&stored) {
                broken!(5, "process {p} kept {ours:?}, and the user has logged in again since: {stored:?}");
            }
            broken!(6, "process {p} kept {ours:?} and did not take the newer {stored:?}");
        }
        next
    }

    /// Somebody signed out, or the grant ended, and removed it.
    fn see_nothing_stored(&mut self, p: usize) {
        if let Some(caller) = self.processes[p].caller() {
            self.callers[caller].told(self.quiet);
        }
        let process = &mut self.processes[p];
        process.to_flush = false;
        if process.signed_out || process.session.is_none() {
            return;
        }
        self.counts.add("sign-out seen in the store");
        let action = process.session.as_mut().unwrap().sign_out(SignOut::new());
        process.signed_out = true;
        // Who signed out has told the server; telling it once more does no harm.
        if self.choices.percent(50) {
            self.goodbye(p, action);
        }
    }

    /// A new session value.
    pub fn install(&mut self, p: usize, session: Session, token: Option<String>, login: usize) {
        self.machines += 1;
        let process = &mut self.processes[p];
        process.login = login;
        process.machine = self.machines;
        process.session = Some(session);
        process.token = token;
        (process.signed_out, process.ended, process.to_flush, process.try_again) = (false, false, false, false);
        process.goodbye = Goodbye::None;
        process.refused.clear();
        process.keys_asked = None;
    }

    /// (5, 6) Stores what the session has; removes what is stored if it has nothing.
    pub fn write(&mut self, p: usize) {
        let process = &self.processes[p];
        let Some(session) = &process.session else { return };
        let Some(saved) = session.save() else { return self.remove(p) };
        if self.truth.gone.contains(&process.login) {
            broken!(5, "process {p} stores login {} again, which is over", process.login);
        }
        let text = serde_json::to_string(&saved).unwrap();
        if let (Some(old), Some(new)) = (self.store.text.as_deref().and_then(refresh_token), refresh_token(&text)) {
            if Truth::is_older(&self.server, new, old) && !matches!(process.job, Some(Job::LogIn)) {
                broken!(6, "process {p} stores {new} over the newer {old}");
            }
        }
        let machine = process.machine;
        self.store.text = Some(text);
        self.truth.stored(machine);
    }

    pub fn remove(&mut self, p: usize) {
        let stored = self.store.text.take();
        let stored = stored.as_deref().and_then(access_token).and_then(|token| self.server.login_of(token));
        self.truth.gone.extend([self.processes[p].login].into_iter().chain(stored));
        self.trace.note(|| format!("    [{p}] empties the store"));
    }

    /// (6) The session has the refresh token that it saw last; nothing once it is over.
    pub fn check_memory(&self, p: usize) {
        self.check_identity(p);
        let process = &self.processes[p];
        let Some(session) = &process.session else { return };
        let Some(saved) = session.save() else {
            if !process.ended && !process.signed_out {
                broken!(6, "process {p} has nothing to save, but is not over");
            }
            return;
        };
        if process.signed_out || process.ended {
            broken!(5, "process {p} has something to save, but is over");
        }
        let text = serde_json::to_string(&saved).unwrap();
        if refresh_token(&text) != process.token.as_deref() {
            broken!(6, "process {p} has {:?}, not {:?}", refresh_token(&text), process.token);
        }
    }
}
