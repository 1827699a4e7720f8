//! What comes back to a process: answers, and the news that there is none.

use oauth_proto::{Delivered, Error, Event, LoginRequired, RequestId, Response, Session, SessionAction, SessionPhase};

use super::caller::check_wait;
use super::network::{Answer, Meaning, Sender};
use super::store::refresh_token;
use super::truth::{broken, Outcome, Truth};
use super::World;

impl World<'_> {
    /// An answer arrives: on time, late, twice, or at a process that has forgotten the question.
    pub fn receive(&mut self, sender: Sender, attempt: Option<usize>, answer: &Answer) {
        let p = sender.process;
        let dropped = attempt.is_some_and(|attempt| self.truth.attempts[attempt].dropped);
        if self.processes[p].life != sender.life || !self.processes[p].alive || dropped {
            self.counts.add("answer came to nobody");
            return self.trace.note(|| format!("    an answer to {sender:?} comes to nobody"));
        }
        let now = self.clock(p);
        self.trace.note(|| format!("    [{p}] gets {:?} for {attempt:?} at {now}", answer.meaning));
        let response = Response::new(answer.status, answer.headers.as_slice(), answer.body.as_bytes());
        self.hand_over(sender, attempt, Event::ResponseReceived(sender.id, response), Some(&answer.meaning));
    }

    /// The sender learns that there is no answer. It cannot know whether the request arrived.
    pub fn fail(&mut self, sender: Sender, attempt: Option<usize>) {
        let p = sender.process;
        let dropped = attempt.is_some_and(|attempt| self.truth.attempts[attempt].dropped);
        if self.processes[p].life == sender.life && self.processes[p].alive && !dropped {
            let now = self.clock(p);
            self.trace.note(|| format!("    [{p}] hears that {attempt:?} has no answer, at {now}"));
            self.hand_over(sender, attempt, Event::SendFailed(sender.id, Delivered::Maybe), None);
        }
    }

    /// (8) An answer to another question, made up or long forgotten.
    pub fn stray(&mut self, p: usize) {
        let process = &self.processes[p];
        if !process.alive || process.session.is_none() {
            return;
        }
        let known = &self.truth.attempts;
        let ours = |id| known.iter().any(|attempt| attempt.machine == process.machine && attempt.sender.id == id);
        let mut ids = known.iter().rev().map(|attempt| attempt.sender.id);
        let id = ids.find(|id| !ours(*id)).unwrap_or(RequestId::from_u64(3));
        self.counts.add("stray answer");
        let body = br#"{"access_token":"ATX","token_type":"Bearer","refresh_token":"RTX"}"#;
        let headers = [("content-type", "application/json")];
        let before = self.snapshot(p);
        let now = self.time(p);
        let event = Event::ResponseReceived(id, Response::new(200, &headers, body));
        let result = self.processes[p].session.as_mut().unwrap().handle(event, now);
        self.check_ignored(p, &before, result);
    }

    fn hand_over(&mut self, sender: Sender, attempt: Option<usize>, event: Event<'_>, meaning: Option<&Meaning>) {
        let p = sender.process;
        if self.processes[p].session.is_none() {
            return;
        }
        let has_tokens = matches!(meaning, Some(Meaning::Tokens(..) | Meaning::Broken(_)));
        let before = self.snapshot(p);
        let others = if has_tokens { self.peek(p) } else { None };
        let now = self.time(p);
        let result = self.processes[p].session.as_mut().unwrap().handle(event, now);
        self.trace.note(|| format!("    [{p}] says {result:?}"));
        let action = match result {
            Ok(action) => action,
            Err(error) => {
                self.check_ignored(p, &before, Err(error));
                return self.note_ignored(p, attempt);
            }
        };
        if self.truth.key_requests.contains(&sender.id.as_u64()) {
            self.took_keys(p, &action, meaning);
            return self.check_identity(p);
        }
        let Some(attempt) = attempt else { return self.goodbye(p, action) };
        if self.truth.attempts[attempt].machine != self.processes[p].machine {
            broken!(8, "an answer to another session is taken: {action:?}");
        }
        if self.processes[p].signed_out || self.processes[p].ended {
            broken!(5, "an answer is taken after the end: {action:?}");
        }
        match (&action, meaning) {
            (SessionAction::Save(saved), Some(Meaning::Tokens(issued, in_grace))) => {
                self.processes[p].keys_asked = None;
                self.note_id_token(p, issued.id_token.as_deref());
                self.truth.came(issued, now.as_secs());
                let rotated = self.took_refresh_token(p, attempt, issued.refresh_token.as_deref());
                if *in_grace {
                    self.counts.add("grace period used");
                }
                if self.truth.attempts[attempt].outcome != Outcome::Open {
                    self.counts.add("late tokens taken");
                }
                self.truth.attempts[attempt].outcome = Outcome::Tokens { stored: false, rotated };
                let text = serde_json::to_string(saved).unwrap();
                let kept = self.processes[p].session.as_ref().and_then(Session::save);
                if refresh_token(&text) != self.processes[p].token.as_deref()
                    || Some(text) != kept.map(|kept| serde_json::to_string(&kept).unwrap())
                {
                    broken!(6, "what is to be saved is not what the session has");
                }
                self.check_others(p, others, self.truth.attempts[attempt].target, &issued.access_token);
            }
            (_, Some(Meaning::Broken(issued))) => {
                self.counts.add("refresh token of a broken answer kept");
                let rotated = self.took_refresh_token(p, attempt, issued.refresh_token.as_deref());
                self.truth.attempts[attempt].outcome = if issued.refresh_token.is_some() {
                    Outcome::Tokens { stored: false, rotated }
                } else {
                    Outcome::Settled { stored: false }
                };
            }
            (SessionAction::LoginRequired(LoginRequired::GrantEnded(_)), Some(Meaning::InvalidGrant)) => {
                self.check_grant_ended(p, attempt);
                self.truth.attempts[attempt].outcome = Outcome::Settled { stored: false };
                self.processes[p].ended = true;
                self.processes[p].token = None;
            }
            (SessionAction::RetryAt(at), meaning) => {
                check_wait(*at, now);
                let is_present = self.processes[p].renewals == self.truth.attempts[attempt].renewals;
                let outcome = &mut self.truth.attempts[attempt].outcome;
                *outcome = match meaning {
                    Some(Meaning::Later) => Outcome::Settled { stored: false },
                    Some(Meaning::InDoubt) => {
                        self.counts.add("ID token in doubt");
                        Outcome::Settled { stored: false }
                    }
                    // Tokens of an earlier refresh came before: what is said of the old refresh token is of no interest.
                    Some(Meaning::InvalidGrant) if !is_present => Outcome::Settled { stored: false },
                    None | Some(Meaning::Unreadable) => Outcome::Lost,
                    other => broken!(3, "to {other:?} the session says {action:?}"),
                };
            }
            (action, meaning) => broken!(3, "to {meaning:?} the session says {action:?}"),
        }
        self.took_outcome(p, attempt, &action);
        self.check_identity(p);
    }

    /// (6) From now on the session has this refresh token. Whether it took the place of the one that was sent.
    fn took_refresh_token(&mut self, p: usize, attempt: usize, refresh_token: Option<&str>) -> bool {
        self.processes[p].renewals += 1;
        let Some(new) = refresh_token else { return false };
        let old = self.processes[p].token.replace(new.to_owned());
        if let Some(old) = &old {
            if Truth::is_older(&self.server, new, old) {
                broken!(6, "process {p} had {old} and takes the older {new} from an answer");
            }
        }
        self.truth.attempts[attempt].token != new
    }

    /// (9) A refresh for one target leaves the other targets' tokens alone, and brings the one that was asked for.
    fn check_others(&self, p: usize, before: Option<[Option<String>; 3]>, target: usize, new: &str) {
        let (Some(before), Some(after)) = (before, self.peek(p)) else { return };
        for (other, (before, after)) in before.into_iter().zip(after).enumerate() {
            if other == target {
                if after.as_deref() != Some(new) {
                    broken!(9, "{new} came for target {target}, but {after:?} is handed out");
                }
            } else if before.is_some() && before != after {
                broken!(9, "a refresh for target {target} made {after:?} of {before:?} for target {other}");
            }
        }
    }

    /// (3) The grant has ended when the server says so of the token that the session has, and means it.
    fn check_grant_ended(&mut self, p: usize, attempt: usize) {
        let token = &self.truth.attempts[attempt].token;
        if self.processes[p].token.as_ref() != Some(token) {
            broken!(3, "{token} is refused, and process {p} gives {:?} up", self.processes[p].token);
        }
        if self.server.would_accept(token) {
            broken!(3, "the server would still take {token}");
        }
        self.counts.add("grant ended");
    }

    /// (8) What is refused changes nothing.
    fn check_ignored(&self, p: usize, before: &str, result: Result<SessionAction, Error>) {
        match result {
            Err(error) if error.code() == "unknown_request" => {}
            other => broken!(8, "process {p} says {other:?} to an answer that nobody waits for"),
        }
        let after = self.snapshot(p);
        if before != after {
            broken!(8, "an ignored answer changed process {p}: {before} is now {after}");
        }
    }

    /// (8) What is waited for is not ignored.
    fn note_ignored(&mut self, p: usize, attempt: Option<usize>) {
        let process = &self.processes[p];
        if process.signed_out {
            self.counts.add("late answer after the sign-out");
        } else {
            self.counts.add("late answer ignored");
        }
        let Some(attempt) = attempt.map(|attempt| &self.truth.attempts[attempt]) else { return };
        let is_ours = attempt.machine == process.machine && !process.signed_out && !process.ended;
        if is_ours && attempt.outcome == Outcome::Open {
            broken!(8, "the answer to the refresh under way is ignored");
        }
    }

    /// All that can be seen of a session.
    fn snapshot(&self, p: usize) -> String {
        let session = self.processes[p].session.as_ref().unwrap();
        let saved = serde_json::to_string(&session.save()).unwrap();
        let seen = (session.phase(), session.deadline(), session.scope(), session.last_error().map(Error::code));
        format!("{seen:?} {saved}")
    }

    pub fn phase(&self, p: usize) -> Option<SessionPhase> {
        self.processes[p].session.as_ref().map(Session::phase)
    }
}
