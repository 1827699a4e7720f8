//! The network between processes and server: what is under way arrives in any order, twice, or never.

use std::rc::Rc;

use oauth_proto::RequestId;

use super::server::{Issued, Verdict};
use super::trouble::{after_work, before_work, json, token_body, AFTER_WORK, KINDS, OUTAGE, PORTAL};
use super::weather::Weather;
use super::World;

/// Under way.
#[cfg_attr(not(feature = "openid"), allow(dead_code))] // there are no ID tokens then
#[derive(Clone)]
pub enum Message {
    Refresh { attempt: usize, copy: bool },
    Revocation { sender: Sender, token: String },
    Keys { sender: Sender },
    Answer { sender: Sender, attempt: Option<usize>, answer: Rc<Answer> },
}

/// Who sent a request. An answer that comes after the sender's death comes to nobody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender {
    pub process: usize,
    pub life: u32,
    pub id: RequestId,
}

/// What comes back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub meaning: Meaning,
}

/// What it should mean to the session.
#[cfg_attr(not(feature = "openid"), allow(dead_code))] // there are no ID tokens then
#[derive(Clone, Debug)]
pub enum Meaning {
    /// Tokens; whether they came in the grace period.
    Tokens(Issued, bool),
    /// Tokens of somebody else.
    Strangers,
    InvalidGrant,
    /// The same, in words that only the app knows.
    OwnWords,
    MustAct,
    ClientRefused,
    /// The target is not granted.
    NotGranted,
    Refused,
    /// Not now, for whatever reason.
    Later,
    /// Tokens had been issued, but the answer cannot be read.
    Unreadable,
    /// The answer has no access token that can be used, but the new refresh token.
    Useless(Issued),
    Revoked,
    Keys,
}

impl World<'_> {
    /// Something under way arrives: anything, whatever was sent first.
    pub fn deliver(&mut self) {
        if self.network.is_empty() {
            return self.tick();
        }
        let index = self.choices.below(self.network.len().min(256));
        let message = self.network.remove(index);
        if index > 0 {
            self.counts.add("message overtook another");
        }
        if self.choices.percent(self.plan.lose) {
            return self.lose(message);
        }
        if self.choices.percent(self.plan.duplicate) {
            self.counts.add("message duplicated");
            let mut copy = message.clone();
            if let Message::Refresh { copy, attempt } = &mut copy {
                *copy = true;
                self.truth.attempts[*attempt].doubled = true;
            }
            self.network.push(copy);
        }
        self.arrive(message);
    }

    pub fn arrive(&mut self, message: Message) {
        match message {
            Message::Refresh { attempt, copy } => self.serve_refresh(attempt, copy),
            Message::Revocation { sender, token } => self.serve_revocation(sender, &token),
            Message::Keys { sender } => {
                let answer = Rc::new(self.serve_keys(sender));
                self.network.push(Message::Answer { sender, attempt: None, answer });
            }
            // In a train, six of ten.
            message @ Message::Answer { .. } if self.weather == Weather::Train && self.choices.percent(60) => {
                self.counts.add("answer lost in a train");
                self.lose(message);
            }
            Message::Answer { sender, attempt, .. } if self.weather == Weather::Tunnel => self.fail(sender, attempt),
            Message::Answer { sender, attempt, answer } => self.receive(sender, attempt, answer),
        }
    }

    /// Every request reaches the server, and no answer has come back yet.
    pub fn serve_all(&mut self) {
        for message in core::mem::take(&mut self.network) {
            match message {
                answer @ Message::Answer { .. } => self.network.push(answer),
                request => self.arrive(request),
            }
        }
    }

    /// The message is gone. Its sender may learn of it, or never.
    fn lose(&mut self, message: Message) {
        let (sender, attempt) = match message {
            Message::Refresh { attempt, copy: true } => {
                return self.trace.note(|| format!("    a copy of request {attempt} is lost"));
            }
            Message::Refresh { attempt, .. } => (self.truth.attempts[attempt].sender, Some(attempt)),
            Message::Revocation { sender, .. } | Message::Keys { sender } => (sender, None),
            Message::Answer { sender, attempt, .. } => (sender, attempt),
        };
        self.counts.add("message lost");
        self.trace.note(|| format!("    a message of {sender:?} is lost"));
        if self.choices.percent(50) {
            self.fail(sender, attempt);
        }
    }

    /// What goes wrong with a request, if anything does.
    fn trouble(&mut self, target: usize) -> Option<usize> {
        let weather = match self.weather {
            Weather::Portal => Some(self.choices.pick(&PORTAL)),
            Weather::Outage => Some(self.choices.pick(&OUTAGE)),
            Weather::Words(kind) => Some(kind),
            _ if self.choices.percent(self.plan.trouble) => Some(self.choices.below(KINDS)),
            _ => None,
        };
        let declines = self.server.declines.filter(|(declined, _)| *declined == target);
        weather.or(declines.map(|(_, kind)| kind))
    }

    fn serve_refresh(&mut self, attempt: usize, copy: bool) {
        let (sender, target) = (self.truth.attempts[attempt].sender, self.truth.attempts[attempt].target);
        let token = self.truth.attempts[attempt].token.clone();
        let trouble = self.trouble(target);
        let answer = match trouble {
            Some(kind) if kind < AFTER_WORK => before_work(kind, target),
            _ => self.work(attempt, trouble, &token, target, copy),
        };
        self.trace.note(|| {
            let copy = if copy { " (a copy)" } else { "" };
            format!("    server: request {attempt}{copy} with {token} -> {:?}", answer.meaning)
        });
        self.network.push(Message::Answer { sender, attempt: Some(attempt), answer: Rc::new(answer) });
    }

    fn work(&mut self, attempt: usize, trouble: Option<usize>, token: &str, target: usize, copy: bool) -> Answer {
        let was_alive = self.server.login_of(token).is_some_and(|login| !self.server.logins[login].ended);
        let (issued, in_grace) = match self.server.refresh(token, target, self.now) {
            Verdict::InvalidGrant => {
                if was_alive {
                    self.counts.add(if copy {
                        "token refused by the server: a copy"
                    } else {
                        "token refused by the server"
                    });
                }
                return if self.server.has_own_words {
                    json(200, r#"{"error":"bad_refresh_token"}"#, Meaning::OwnWords)
                } else {
                    json(400, r#"{"error":"invalid_grant"}"#, Meaning::InvalidGrant)
                };
            }
            Verdict::Tokens(issued) => (issued, false),
            Verdict::Grace(issued) => (issued, true),
        };
        let refresh_token = issued.refresh_token.clone();
        let answer = match trouble {
            Some(kind) => after_work(kind, issued),
            None => {
                let (issued, meaning) = self.identify(issued, in_grace);
                json(200, &token_body(&issued, "Bearer"), meaning)
            }
        };
        // What somebody else got in the user's place, nobody can give back.
        if !matches!(answer.meaning, Meaning::Strangers) {
            self.truth.given.extend(refresh_token.map(|token| (token, attempt)));
        }
        answer
    }

    fn serve_revocation(&mut self, sender: Sender, token: &str) {
        let is_down = matches!(self.weather, Weather::Portal | Weather::Outage);
        let answer = if is_down || self.choices.percent(self.plan.trouble) {
            before_work(self.choices.below(5), 0)
        } else {
            self.server.revoke(token);
            self.counts.add("revocation done");
            json(200, "", Meaning::Revoked)
        };
        self.trace.note(|| format!("    server: revocation of {token} -> {:?}", answer.meaning));
        self.network.push(Message::Answer { sender, attempt: None, answer: Rc::new(answer) });
    }
}
