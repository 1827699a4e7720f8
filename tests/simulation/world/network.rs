//! The network between processes and server: what is under way arrives in any order, twice, or never.

use std::rc::Rc;

use oauth_proto::RequestId;

use super::server::{Issued, Verdict};
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
    InvalidGrant,
    /// Not now, for whatever reason.
    Later,
    /// Tokens had been issued, but the answer cannot be read.
    Unreadable,
    /// Tokens had been issued; the answer breaks a rule, but holds the new refresh token.
    Broken(Issued),
    /// Tokens had been issued, but the ID token beside them is not the user's, or not the server's.
    InDoubt,
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
            if let Message::Refresh { copy, .. } = &mut copy {
                *copy = true;
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
            Message::Answer { sender, attempt, answer } => self.receive(sender, attempt, &answer),
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

    fn serve_refresh(&mut self, attempt: usize, copy: bool) {
        let (sender, target) = (self.truth.attempts[attempt].sender, self.truth.attempts[attempt].target);
        let token = self.truth.attempts[attempt].token.clone();
        let trouble = if self.choices.percent(self.plan.trouble) { Some(self.choices.below(11)) } else { None };
        if trouble == Some(5) && target != 0 {
            self.truth.not_granted.insert(target);
        }
        let answer = match trouble {
            // The request did not get so far that a token was used.
            Some(kind @ 0..=6) => later(kind, target),
            _ => {
                let was_alive = self.server.login_of(&token).is_some_and(|login| !self.server.logins[login].ended);
                let verdict = self.server.refresh(&token, target, self.now);
                if was_alive && matches!(verdict, Verdict::InvalidGrant) {
                    self.counts.add("used token refused by the server");
                    if copy {
                        self.counts.add("used token refused by the server: a copy");
                    }
                }
                match (verdict, trouble) {
                    (Verdict::InvalidGrant, _) => {
                        json(400, r#"{"error":"invalid_grant"}"#.into(), Meaning::InvalidGrant)
                    }
                    (Verdict::Tokens(issued) | Verdict::Grace(issued), Some(kind)) => spoilt(kind, issued),
                    (Verdict::Tokens(issued), None) => self.tokens(issued, false),
                    (Verdict::Grace(issued), None) => self.tokens(issued, true),
                }
            }
        };
        self.trace.note(|| {
            let copy = if copy { " (a copy)" } else { "" };
            format!("    server: request {attempt}{copy} with {token} -> {:?}", answer.meaning)
        });
        self.network.push(Message::Answer { sender, attempt: Some(attempt), answer: Rc::new(answer) });
    }

    fn tokens(&mut self, issued: Issued, in_grace: bool) -> Answer {
        let (issued, meaning) = self.identify(issued, in_grace);
        json(200, token_body(&issued, "Bearer"), meaning)
    }

    fn serve_revocation(&mut self, sender: Sender, token: &str) {
        let answer = if self.choices.percent(self.plan.trouble) {
            later(self.choices.below(4), 0)
        } else {
            self.server.revoke(token);
            self.counts.add("revocation done");
            json(200, String::new(), Meaning::Revoked)
        };
        self.trace.note(|| format!("    server: revocation of {token} -> {:?}", answer.meaning));
        self.network.push(Message::Answer { sender, attempt: None, answer: Rc::new(answer) });
    }
}

fn json(status: u16, body: String, meaning: Meaning) -> Answer {
    Answer { status, headers: vec![("content-type".into(), "application/json".into())], body, meaning }
}

fn html(status: u16, meaning: Meaning) -> Answer {
    let body = "<html>invalid_grant</html>".into();
    Answer { status, headers: vec![("content-type".into(), "text/html".into())], body, meaning }
}

pub fn token_body(issued: &Issued, token_type: &str) -> String {
    let Issued { access_token, refresh_token, expires_in, id_token } = issued;
    let id_token = id_token.as_ref().map(|token| format!(",\"id_token\":\"{token}\"")).unwrap_or_default();
    let refresh_token = refresh_token.as_ref().map(|token| format!(",\"refresh_token\":\"{token}\""));
    let expires_in = expires_in.map(|seconds| format!(",\"expires_in\":{seconds}"));
    let (refresh_token, expires_in) = (refresh_token.unwrap_or_default(), expires_in.unwrap_or_default());
    format!(
        "{{\"access_token\":\"{access_token}\",\"token_type\":\"{token_type}\"{refresh_token}{expires_in}{id_token}}}"
    )
}

/// The server, or something before it, has no time for this.
fn later(kind: usize, target: usize) -> Answer {
    let retry_after = |mut answer: Answer, value: &str| {
        answer.headers.push(("Retry-After".into(), value.into()));
        answer
    };
    match kind {
        0 => html(500, Meaning::Later),
        1 => retry_after(html(503, Meaning::Later), "7"),
        2 => retry_after(json(429, "{}".into(), Meaning::Later), "Fri, 31 Dec 2999 23:59:59 GMT"),
        3 => retry_after(html(503, Meaning::Later), "soon"),
        4 => json(400, r#"{"error":"invalid_client"}"#.into(), Meaning::Later),
        // Of a target that is no API's, the server has nothing to say.
        5 if target != 0 => json(400, r#"{"error":"invalid_target"}"#.into(), Meaning::Later),
        _ => html(403, Meaning::Later),
    }
}

/// The server did its work, and its answer comes in another form.
fn spoilt(kind: usize, issued: Issued) -> Answer {
    let mut body = token_body(&issued, "Bearer");
    match kind {
        7 => {
            body.truncate(body.len() / 2);
            json(200, body, Meaning::Unreadable)
        }
        8 => html(504, Meaning::Later),
        _ => json(200, token_body(&issued, "mac"), Meaning::Broken(issued)),
    }
}
