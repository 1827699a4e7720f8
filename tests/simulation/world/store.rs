//! The store that the processes share: one text, and a lock that ends with the process that holds it. And what a process does
//! with it.

use std::collections::BTreeMap;

use oauth_proto::{Adopted, Session, SignOut};

use super::process::{Job, Step};
use super::server::{Issued, Server};
use super::sign_out::Goodbye;
use super::truth::broken;
use super::World;

/// Whatever the processes keep is in here.
#[derive(Default)]
pub struct Store {
    pub lock: Option<usize>,
    pub content: Option<(String, Memory)>,
    /// The newest refresh token of each login that was ever in it, and the last login.
    newest: BTreeMap<usize, String>,
    last_login: usize,
}

/// What a session has, or what is stored, as the answers said.
#[derive(Clone, Default, Debug)]
pub struct Memory {
    pub login: usize,
    pub token: Option<String>,
    /// When the whole grant ends, and when the refresh token does, by the clock of who was told.
    pub grant_ends: Option<u64>,
    pub token_ends: Option<u64>,
}

impl Memory {
    /// Tokens came at this time.
    pub fn learn(&mut self, issued: &Issued, now: u64) {
        let at = |seconds| now + seconds;
        self.grant_ends = issued.grant_ends_in.map(at).or(self.grant_ends);
        // Of one that was used since nobody knows, nor of a new one.
        self.token_ends = issued.refresh_token_ends_in.map(at);
        self.token = issued.refresh_token.clone().or(self.token.take());
    }
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

    /// Whether a newer refresh token of the same login was stored.
    pub fn has_newer(&self, server: &Server, token: &str) -> bool {
        let newest = server.login_of(token).and_then(|login| self.newest.get(&login));
        newest.is_some_and(|newest| server.is_older(token, newest))
    }
}

/// The refresh token in the text of a saved session.
pub fn refresh_token(text: &str) -> Option<&str> {
    member(text, "\"refresh_token\":\"")
}

/// The login's own access token in it.
fn access_token(text: &str) -> Option<&str> {
    member(text, "\"access_token\":\"")
}

fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_once(name)?.1.split_once('"').map(|(token, _)| token)
}

impl World<'_> {
    /// What is in the store is the truth about sign-outs and logins, and may be newer than what the process has.
    pub fn adopt(&mut self, p: usize, content: Option<(String, Memory)>) -> Step {
        let next = match &self.processes[p].job {
            Some(Job::Access(_) | Job::Refused(..)) => Step::Ask,
            Some(Job::Flush) => Step::Store,
            Some(Job::SignOut { .. }) => Step::SignOut,
            Some(Job::Start | Job::LogIn) | None => Step::Unlock,
        };
        let Some((text, theirs)) = content else {
            self.see_nothing_stored(p);
            return Step::Unlock;
        };
        let process = &self.processes[p];
        if process.signed_out && !matches!(process.goodbye, Goodbye::None) {
            // First the sign-out is done; then there is a new login to go over to.
            self.tell_caller(p);
            return Step::Unlock;
        }
        if process.signed_out || process.session.is_none() {
            self.go_over(p, &text, theirs);
            return next;
        }
        let is_other = process.memory.login != theirs.login;
        let before = is_other.then(|| self.snapshot(p));
        let saved = serde_json::from_str(&text).unwrap();
        let process = &mut self.processes[p];
        let ours = process.memory.clone();
        let adopted = process.session.as_mut().unwrap().adopt(saved).unwrap();
        // (b)
        if (adopted == Adopted::OtherLogin) != is_other {
            broken!("b", "process {p} has {ours:?} and finds {theirs:?}: {adopted:?}");
        }
        let older = |one: &Memory, other: &Memory| match (&one.token, &other.token) {
            (Some(one), Some(other)) => self.server.is_older(one, other),
            _ => false,
        };
        match adopted {
            Adopted::OtherLogin => {
                if Some(self.snapshot(p)) != before {
                    broken!("b", "what is of another login changed process {p}");
                }
                self.counts.add("another login found in the store");
                self.go_over(p, &text, theirs);
                // There is nothing to store of it, and it is not the one that the user wanted to end.
                if matches!(next, Step::Ask) {
                    next
                } else {
                    Step::Unlock
                }
            }
            Adopted::Newer => {
                if older(&theirs, &ours) {
                    broken!("c", "process {p} had {ours:?} and took the older {theirs:?}");
                }
                self.took_newer(p, theirs);
                next
            }
            Adopted::NotNewer => {
                if older(&ours, &theirs) {
                    broken!("c", "process {p} kept {ours:?} and did not take the newer {theirs:?}");
                }
                next
            }
        }
    }

    fn took_newer(&mut self, p: usize, theirs: Memory) {
        self.counts.add("newer tokens adopted");
        self.trace.note(|| format!("    adopts {theirs:?}"));
        let process = &mut self.processes[p];
        if core::mem::take(&mut process.ended) {
            self.counts.add("newer tokens adopted after the end of the grant");
        }
        let is_rotated = process.memory.token != theirs.token;
        process.memory = theirs;
        (process.was_told, process.in_doubt, process.keys_asked) = (false, false, None);
        process.doubts_end = false;
        let machine = process.machine;
        if is_rotated {
            self.truth.superseded(machine);
        }
        self.check_memory(p);
    }

    /// Goes on with the login that is stored.
    fn go_over(&mut self, p: usize, text: &str, theirs: Memory) {
        let saved = serde_json::from_str(text).unwrap();
        let session = Session::restore(self.client.clone(), saved).unwrap();
        self.counts.add("session restored");
        self.install(p, session, theirs);
    }

    fn tell_caller(&mut self, p: usize) {
        if let Some(caller) = self.processes[p].caller() {
            self.callers[caller].told(self.quiet);
        }
    }

    /// Somebody signed out, or the grant ended, and removed it.
    fn see_nothing_stored(&mut self, p: usize) {
        self.tell_caller(p);
        let process = &mut self.processes[p];
        process.to_flush = false;
        if process.signed_out || process.session.is_none() {
            return;
        }
        self.counts.add("sign-out seen in the store");
        self.begin_sign_out(p, SignOut::new());
    }

    /// A new session value.
    pub fn install(&mut self, p: usize, session: Session, memory: Memory) {
        self.machines += 1;
        let process = &mut self.processes[p];
        process.machine = self.machines;
        process.session = Some(session);
        process.memory = memory;
        (process.signed_out, process.ended, process.to_flush, process.to_ask_again) = (false, false, false, false);
        (process.was_told, process.in_doubt) = (false, false);
        (process.must_act, process.client_refused, process.target_refused) = ([false; 3], false, [false; 3]);
        process.goodbye = Goodbye::None;
        (process.keys_asked, process.doubts_end) = (None, false);
    }

    /// (c) Stores what the session has; removes what is stored if it has nothing.
    pub fn write(&mut self, p: usize) {
        let process = &self.processes[p];
        let Some(session) = &process.session else { return };
        let Some(saved) = session.save() else { return self.remove(p) };
        let memory = process.memory.clone();
        if self.truth.gone.contains(&memory.login) {
            broken!("c", "process {p} stores login {} again, which is over", memory.login);
        }
        if memory.login < self.store.last_login {
            broken!("c", "process {p} stores login {} over {}", memory.login, self.store.last_login);
        }
        let text = serde_json::to_string(&saved).unwrap();
        let strange = |token: &&str| self.server.login_of(token) != Some(memory.login);
        if let Some(token) = [access_token(&text), refresh_token(&text)].into_iter().flatten().find(strange) {
            broken!("b", "process {p} stores {token} for login {}", memory.login);
        }
        if let Some(token) = refresh_token(&text) {
            if self.store.has_newer(&self.server, token) {
                broken!("c", "process {p} stores {token} after {:?}", self.store.newest);
            }
            self.store.newest.insert(memory.login, token.to_owned());
        }
        self.store.last_login = memory.login;
        self.store.content = Some((text, memory));
    }

    pub fn remove(&mut self, p: usize) {
        let stored = self.store.content.take().map(|(_, memory)| memory.login);
        self.truth.gone.extend([self.processes[p].memory.login].into_iter().chain(stored));
        self.trace.note(|| format!("    [{p}] empties the store"));
    }

    /// (4) The session has the refresh token that it saw last; nothing once it is over.
    pub fn check_memory(&mut self, p: usize) {
        self.check_identity(p);
        self.note_sign_out(p);
        let process = &self.processes[p];
        let Some(session) = &process.session else { return };
        let Some(saved) = session.save() else {
            if !process.ended && !process.signed_out {
                broken!("4", "process {p} has nothing to save, but is not over");
            }
            return;
        };
        if process.signed_out || process.ended {
            broken!("3", "process {p} has something to save, but is over");
        }
        let text = serde_json::to_string(&saved).unwrap();
        if refresh_token(&text) != process.memory.token.as_deref() {
            broken!("4", "process {p} has {:?}, not {:?}", refresh_token(&text), process.memory.token);
        }
    }
}
