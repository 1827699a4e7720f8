//! What comes back to a process: answers, and the news that there is none.

use std::rc::Rc;

use oauth_proto::{Delivered, Error, Event, LoginRequired, RequestId, Response, Session, SessionAction, SessionPhase};

use super::caller::check_wait;
use super::network::{Answer, Meaning, Sender};
use super::server::Issued;
use super::truth::{broken, Outcome, TIMEOUT};
use super::World;

impl World<'_> {
    /// An answer arrives: on time, late, twice, or at a process that has forgotten the question, or sleeps.
    pub fn receive(&mut self, sender: Sender, attempt: Option<usize>, answer: Rc<Answer>) {
        let p = sender.process;
        let dropped = attempt.is_some_and(|attempt| self.truth.attempts[attempt].dropped);
        if self.processes[p].life != sender.life || !self.processes[p].alive || dropped {
            self.counts.add("answer came to nobody");
            return self.trace.note(|| format!("    an answer to {sender:?} comes to nobody"));
        }
        if !self.is_awake(p) {
            self.processes[p].mailbox.push((sender, attempt, answer));
            return;
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
        if self.processes[p].life == sender.life && self.is_awake(p) && !dropped {
            let now = self.clock(p);
            self.trace.note(|| format!("    [{p}] hears that {attempt:?} has no answer, at {now}"));
            self.hand_over(sender, attempt, Event::SendFailed(sender.id, Delivered::Maybe), None);
        }
    }

    /// (6) An answer to another question, made up or long forgotten.
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
        // Words cost time, so it is every third one that is looked at so closely.
        let is_looked_at =
            attempt.is_some_and(|attempt| attempt % 3 == 0) && matches!(meaning, Some(Meaning::Tokens(..)));
        let others = if is_looked_at { self.peek(p) } else { None };
        // What is waited for is not ignored, and of the rest nothing is to be seen afterwards.
        let process = &self.processes[p];
        let is_awaited = attempt.is_some_and(|attempt| {
            let attempt = &self.truth.attempts[attempt];
            let is_ours = attempt.machine == process.machine && !process.signed_out && !process.ended;
            is_ours && attempt.outcome == Outcome::Open
        });
        let before = if is_awaited { String::new() } else { self.snapshot(p) };
        let now = self.time(p);
        let result = self.processes[p].session.as_mut().unwrap().handle(event, now);
        self.trace.note(|| format!("    [{p}] says {result:?}"));
        let action = match result {
            Ok(action) => action,
            Err(error) => {
                if is_awaited {
                    broken!("6", "the answer to the refresh under way is ignored: {error:?}");
                }
                self.check_ignored(p, &before, Err(error));
                return self.note_ignored(p, attempt, meaning);
            }
        };
        if self.truth.key_requests.contains(&sender.id.as_u64()) {
            self.took_keys(p, &action, meaning);
            return self.check_identity(p);
        }
        let Some(attempt) = attempt else { return self.goodbye(p, action) };
        if self.truth.attempts[attempt].machine != self.processes[p].machine {
            broken!("6", "an answer to another session is taken: {action:?}");
        }
        if self.processes[p].signed_out {
            return self.took_late(p, attempt, action);
        }
        if self.processes[p].ended {
            broken!("3", "an answer is taken after the end: {action:?}");
        }
        let outcome = self.took(p, attempt, &action, meaning);
        if outcome == Outcome::Tokens && self.truth.attempts[attempt].outcome != Outcome::Open {
            self.counts.add("late tokens taken");
            self.truth.attempts[attempt].late = true;
        }
        self.truth.attempts[attempt].outcome = outcome;
        if let (Some(Meaning::Tokens(issued, _)), Outcome::Tokens) = (meaning, outcome) {
            self.check_others(p, others, attempt, &issued.access_token);
            self.check_refusals(p, self.truth.attempts[attempt].target);
        }
        self.took_outcome(p, attempt, &action);
        if !matches!(action, SessionAction::RetryAt(_)) {
            self.check_memory(p);
        }
    }

    /// (a, 4) What an answer, or the lack of one, does to a session that lives.
    fn took(&mut self, p: usize, attempt: usize, action: &SessionAction, meaning: Option<&Meaning>) -> Outcome {
        let (now, target) = (self.time(p), self.truth.attempts[attempt].target);
        let is_present = self.processes[p].memory.token.as_ref() == Some(&self.truth.attempts[attempt].token);
        let process = &mut self.processes[p];
        match (action, meaning) {
            (SessionAction::Save, Some(Meaning::Tokens(issued, in_grace))) => {
                if *in_grace {
                    self.counts.add("grace period used");
                }
                self.took_tokens(p, attempt, issued);
                return Outcome::Tokens;
            }
            (SessionAction::LoginRequired(LoginRequired::GrantEnded(_)), Some(Meaning::Strangers)) => {
                (process.ended, process.was_told) = (true, true);
                self.counts.add("grant ended: somebody else's tokens");
                return Outcome::Settled;
            }
            (SessionAction::LoginRequired(LoginRequired::GrantEnded(_)), Some(Meaning::InvalidGrant)) => {
                process.ended = true;
                self.check_dead(p);
                self.counts.add("grant ended");
                return Outcome::Settled;
            }
            (SessionAction::LoginRequired(LoginRequired::UserMustAct { .. }), Some(Meaning::MustAct)) => {
                process.must_act[target] = true;
                return Outcome::Settled;
            }
            (SessionAction::Save, Some(Meaning::Useless(issued))) if issued.refresh_token.is_some() => {
                self.took_useless(p, attempt, issued);
                return Outcome::Useless;
            }
            (SessionAction::RetryAt(_), Some(Meaning::Useless(issued))) if issued.refresh_token.is_none() => {
                self.took_useless(p, attempt, issued);
                return Outcome::Useless;
            }
            (SessionAction::RetryAt(at), None) => {
                check_wait(*at, now);
                return Outcome::Lost;
            }
            (SessionAction::RetryAt(at), _) => check_wait(*at, now),
            _ => {}
        }
        let process = &mut self.processes[p];
        match (action, meaning) {
            // Tokens of an earlier refresh came before: what is said of the old refresh token is of no interest.
            (SessionAction::RetryAt(_), Some(said)) if !is_present && !matches!(said, Meaning::Tokens(..)) => {}
            (SessionAction::RetryAt(_), Some(Meaning::Unreadable)) => return Outcome::Lost,
            (SessionAction::RetryAt(_), Some(Meaning::InvalidGrant)) if target != 0 => self.refuse_target(p, target),
            (SessionAction::RetryAt(_), Some(Meaning::NotGranted)) => self.refuse_target(p, target),
            (SessionAction::RetryAt(_), Some(Meaning::ClientRefused)) => process.client_refused = true,
            (SessionAction::RetryAt(_), Some(Meaning::Refused | Meaning::OwnWords)) => {
                process.target_refused[target] = true;
            }
            (SessionAction::RetryAt(_), Some(Meaning::Later)) => {}
            (action, meaning) => broken!("a", "to {meaning:?} for target {target} the session says {action:?}"),
        }
        Outcome::Settled
    }

    /// `invalid_grant` may be said of a target alone: then the login's own refresh tells.
    fn refuse_target(&mut self, p: usize, target: usize) {
        self.processes[p].in_doubt = true;
        self.truth.not_granted.insert(target);
    }

    /// What a refresh that was sent before the sign-out came to.
    fn took_late(&mut self, p: usize, attempt: usize, action: SessionAction) {
        self.truth.attempts[attempt].outcome = Outcome::Settled;
        match action {
            // Whoever carries the sign-out out goes on with it.
            SessionAction::RetryAt(_) => self.counts.add("late answer during the sign-out"),
            SessionAction::SendRequest(_) => {
                self.counts.add("late tokens to revoke after the sign-out");
                self.goodbye(p, action);
            }
            SessionAction::SignedOut => self.counts.add("late answer after the sign-out"),
            other => broken!("3", "process {p} says {other:?} to a late answer after the sign-out"),
        }
        self.note_sign_out(p);
    }

    fn took_tokens(&mut self, p: usize, attempt: usize, issued: &Issued) {
        let (now, given_at) = (self.clock(p), self.truth.attempts[attempt].given_at);
        let target = self.truth.attempts[attempt].target;
        self.truth.came(issued, given_at, now);
        self.note_id_token(p, issued.id_token.as_deref());
        self.took_refresh_token(p, issued.refresh_token.as_deref());
        let process = &mut self.processes[p];
        process.memory.learn(issued, now);
        process.doubts_end = false;
        process.keys_asked = None;
        (process.must_act[target], process.client_refused, process.target_refused[target]) = (false, false, false);
        process.in_doubt &= target != 0;
        let login = process.memory.login;
        for other in 0..self.processes.len() {
            if self.processes[other].memory.login == login {
                self.forgive(other);
            }
        }
    }

    fn took_useless(&mut self, p: usize, attempt: usize, issued: &Issued) {
        let target = self.truth.attempts[attempt].target;
        self.took_refresh_token(p, issued.refresh_token.as_deref());
        let process = &mut self.processes[p];
        process.target_refused[target] = true;
        if issued.refresh_token.is_some() {
            process.memory.token.clone_from(&issued.refresh_token);
            // Of this one nobody listened to what was said.
            (process.memory.token_ends, process.doubts_end) = (None, false);
            self.counts.add("refresh token of a useless answer kept");
        }
    }

    /// (c) From now on the session has this refresh token, which is not older than the one before.
    fn took_refresh_token(&self, p: usize, new: Option<&str>) {
        if let (Some(new), Some(old)) = (new, &self.processes[p].memory.token) {
            if self.server.is_older(new, old) {
                broken!("c", "process {p} had {old} and takes the older {new} from an answer");
            }
        }
    }

    /// (7) A refresh for one target leaves the other targets' tokens alone, and brings the one that was asked for.
    fn check_others(&self, p: usize, before: Option<[Option<String>; 3]>, attempt: usize, new: &str) {
        let Some(before) = before else { return };
        let Some(after) = self.peek(p) else { return };
        let attempt = &self.truth.attempts[attempt];
        let slept = self.clock(p).saturating_sub(attempt.given_at) > TIMEOUT;
        for (other, (before, after)) in before.into_iter().zip(after).enumerate() {
            if self.has_grant_expired(p) || after.is_none() && slept {
                continue;
            }
            if other == attempt.target {
                if after.as_deref() != Some(new) {
                    broken!("7", "{new} came for target {other}, but {after:?} is handed out");
                }
            } else if before.is_some() && before != after {
                broken!("7", "a refresh for target {} made {after:?} of {before:?} for target {other}", attempt.target);
            }
        }
    }

    /// (6) What is refused changes nothing.
    fn check_ignored(&self, p: usize, before: &str, result: Result<SessionAction, Error>) {
        match result {
            Err(error) if error.code() == "unknown_request" => {}
            other => broken!("6", "process {p} says {other:?} to an answer that nobody waits for"),
        }
        let after = self.snapshot(p);
        if before != after {
            broken!("6", "an ignored answer changed process {p}: {before} is now {after}");
        }
    }

    /// (6) The tokens of the last refresh that was lost are not ignored.
    fn note_ignored(&mut self, p: usize, attempt: Option<usize>, meaning: Option<&Meaning>) {
        let process = &self.processes[p];
        self.counts.add(if process.signed_out { "late answer of before ignored" } else { "late answer ignored" });
        let Some(number) = attempt else { return };
        let attempt = &self.truth.attempts[number];
        let is_ours = attempt.machine == process.machine && !process.signed_out && !process.ended;
        let mut later = self.truth.attempts.iter().skip(number + 1).filter(|later| later.machine == attempt.machine);
        let is_last = later.all(|later| later.outcome == Outcome::Open);
        let is_present = process.memory.token.as_ref() == Some(&attempt.token);
        let brings = match meaning {
            Some(Meaning::Tokens(..)) => true,
            Some(Meaning::Useless(issued)) => issued.refresh_token.is_some(),
            _ => false,
        };
        if is_ours && is_last && is_present && attempt.outcome == Outcome::Lost && brings {
            broken!("6", "the tokens of the refresh that was lost are ignored");
        }
    }

    /// All that can be seen of a session.
    pub fn snapshot(&self, p: usize) -> String {
        let session = self.processes[p].session.as_ref().unwrap();
        let saved = serde_json::to_string(&session.save()).unwrap();
        let seen = (session.phase(), session.deadline(), session.scope(), session.last_error().map(Error::code));
        format!("{seen:?} {saved}")
    }

    pub fn phase(&self, p: usize) -> Option<SessionPhase> {
        self.processes[p].session.as_ref().map(Session::phase)
    }
}
