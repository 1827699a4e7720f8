//! Who logged in: the ID tokens that the server gives, and the keys that they are signed with. A login may be of
//! another user than the one before.

use oauth_proto::{Error, KeySet, Request, Session, SessionAction};
use serde_json::json;

use super::caller::check_wait;
use super::keys::{jwks, signed};
use super::network::{Answer, Meaning, Message, Sender};
use super::server::{Issued, STRANGER};
use super::truth::{broken, TIMEOUT};
use super::World;

pub const ISSUER: &str = "https://as.example";
pub const JWKS_URI: &str = "https://as.example/jwks";
/// Nobody's key.
const FORGER: u8 = 255;

/// Whether logins are of OpenID Connect, and how their ID tokens are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    None,
    TlsAlone,
    Keys,
}

/// What is wrong with an ID token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    OtherUser,
    /// And it has more faults, which must not hide whose it is.
    OtherUserMalformed,
    OtherNonce,
    OtherClient,
    OtherAccessToken,
    OutOfTime,
    Unreadable,
    /// It names a key of the server, and is signed with another.
    Forged,
}

const STRANGERS: [Flaw; 4] = [Flaw::OtherUser, Flaw::OtherUserMalformed, Flaw::OtherNonce, Flaw::OtherClient];

impl World<'_> {
    /// Adds the ID token of a login, which is as good as the clock of its process.
    pub fn identify_login(&mut self, p: usize, issued: &mut Issued, nonce: &str) {
        if self.plan.identity == Identity::None {
            return;
        }
        let now = self.clock(p);
        let lifetime = self.server.grant_lifetime.filter(|_| self.server.says_ends);
        let login = self.server.logins.last_mut().unwrap();
        (login.nonce, login.auth_time) = (nonce.to_owned(), now);
        login.session_expiry = lifetime.map(|seconds| now + seconds);
        let id_token = self.id_token(self.server.logins.len() - 1, now, None);
        issued.id_token = Some(id_token);
    }

    /// Adds an ID token to the answer to a refresh, with a flaw perhaps; what the answer then means.
    pub fn identify(&mut self, mut issued: Issued, in_grace: bool) -> (Issued, Meaning) {
        // A server need not give one at a refresh.
        if self.plan.identity == Identity::None || self.choices.aside(10) < 2 {
            return (issued.clone(), Meaning::Tokens(issued, in_grace));
        }
        let replaced = self.choices.aside(20);
        if replaced < 3 && !self.quiet {
            // Once or twice.
            self.server.key = self.server.key % 200 + if replaced < 2 { 2 } else { 1 };
            self.counts.add("server's key replaced");
        }
        let flaws = [
            Flaw::OtherUser,
            Flaw::OtherAccessToken,
            Flaw::OutOfTime,
            Flaw::Unreadable,
            Flaw::Forged,
            Flaw::Forged,
            STRANGERS[self.choices.aside(4)],
        ];
        let number = self.choices.aside(100);
        let flaw = flaws.get(number / 4).copied().filter(|_| !self.quiet);
        // TLS alone tells nothing of who signed it.
        let flaw = flaw.filter(|flaw| *flaw != Flaw::Forged || self.plan.identity == Identity::Keys);
        let login = self.server.login_of(&issued.access_token).unwrap();
        let id_token = self.id_token(login, self.now, flaw);
        if flaw.is_some_and(|flaw| STRANGERS.contains(&flaw)) {
            let target = self.server.access_token(&issued.access_token).unwrap().target;
            let strangers = self.server.strangers(target, self.now);
            return (Issued { id_token: Some(id_token), ..strangers }, Meaning::Strangers);
        }
        issued.id_token = Some(id_token);
        // Whoever signed it, the tokens came over TLS.
        (issued.clone(), Meaning::Tokens(issued, in_grace))
    }

    fn id_token(&mut self, login: usize, now: u64, flaw: Option<Flaw>) -> String {
        if flaw == Some(Flaw::Unreadable) {
            return "e30.e30.".into();
        }
        let known = &self.server.logins[login];
        // Each is another one, though it says the same.
        self.server.id_tokens += 1;
        let mut claims = json!({
            "iss": ISSUER, "aud": "app", "sub": user(known.user), "nonce": known.nonce, "auth_time": known.auth_time,
            "iat": now, "exp": now.saturating_add(3600), "jti": self.server.id_tokens,
        });
        if let Some(at) = known.session_expiry {
            claims["session_expiry"] = at.into();
        }
        match flaw {
            Some(Flaw::OtherUser) => claims["sub"] = user(STRANGER).into(),
            Some(Flaw::OtherUserMalformed) => (claims["sub"], claims["exp"]) = (user(STRANGER).into(), "soon".into()),
            Some(Flaw::OtherNonce) => claims["nonce"] = "another".into(),
            Some(Flaw::OtherClient) => claims["aud"] = "another app".into(),
            Some(Flaw::OtherAccessToken) => claims["at_hash"] = "77QmUPtjPfzWtF2AnpK9RQ".into(),
            Some(Flaw::OutOfTime) => (claims["iat"], claims["exp"]) = (1.into(), 2.into()),
            _ => {}
        }
        let key = self.server.key;
        let id_token = signed(&claims, Some(key), if flaw == Some(Flaw::Forged) { FORGER } else { key });
        if flaw.is_none() {
            self.server.genuine.insert(id_token.clone());
        }
        id_token
    }

    /// The server's keys: the present one, and the one before.
    pub fn jwks(&self) -> String {
        jwks(&[self.server.key - 1, self.server.key])
    }

    /// What becomes of an ID token that came with tokens.
    pub fn note_id_token(&mut self, p: usize, id_token: Option<&str>) {
        if let (Some(id_token), Some(session)) = (id_token, &self.processes[p].session) {
            let is_taken = session.id_token().is_some_and(|taken| taken.reveal() == id_token);
            self.counts.add(match session.last_error() {
                _ if is_taken => "ID token taken",
                Some(_) => "ID token left aside",
                None => "ID token waits for keys",
            });
        }
    }

    /// (1) A session wants the server's keys: once at a time. Nobody waits for that.
    pub fn ask_for_keys(&mut self, p: usize, request: &Request) {
        let now = self.clock(p);
        let process = &mut self.processes[p];
        if process.signed_out || process.ended {
            broken!("3", "process {p} wants keys though it is over");
        }
        if request.method() != "GET" || request.url() != JWKS_URI || !request.body().is_empty() {
            broken!("1", "a request for keys that says more: {request:?}");
        }
        let id = request.id();
        if process.keys_asked.is_some_and(|at| at <= now && now - at < TIMEOUT)
            || self.truth.key_requests.contains(&id.as_u64())
        {
            broken!("1", "keys are asked for twice");
        }
        process.keys_asked = Some(now);
        let sender = Sender { process: p, life: process.life, id };
        self.truth.key_requests.insert(id.as_u64());
        self.counts.add("keys asked for");
        // It may go out and never arrive, as any message.
        self.network.push(Message::Keys { sender });
    }

    /// The server gives its keys, or has trouble.
    pub fn serve_keys(&mut self, sender: Sender) -> Answer {
        let trouble = self.choices.aside(100) < self.plan.trouble;
        let status = if trouble { [503, 404, 200][self.choices.aside(3)] } else { 200 };
        let body = match (trouble, status) {
            (true, 200) => "<h1>keys</h1>".into(),
            _ => self.jwks(),
        };
        self.trace.note(|| format!("    server: keys for {sender:?} -> {status} {body:.20}"));
        let meaning = if trouble { Meaning::Later } else { Meaning::Keys };
        Answer { status, headers: vec![("content-type".into(), "application/json".into())], body, meaning }
    }

    /// (a, 4) What the answer to a request for keys, or the lack of one, does to a session.
    pub fn took_keys(&mut self, p: usize, action: &SessionAction, meaning: Option<&Meaning>) {
        if self.processes[p].signed_out || self.processes[p].ended {
            broken!("3", "keys are taken after the end: {action:?}");
        }
        let now = self.time(p);
        self.processes[p].keys_asked = None;
        match (action, meaning) {
            (SessionAction::Save, Some(Meaning::Keys)) => {
                self.counts.add("ID token checked by new keys");
                self.processes[p].to_flush = true;
            }
            (SessionAction::RetryAt(at), _) => {
                check_wait(*at, now);
                self.counts.add(match meaning {
                    None => "keys request failed",
                    Some(Meaning::Keys) if self.last_error(p) == Some("id_token_signature") => "ID token forged",
                    Some(Meaning::Keys) => "the keys have none for the ID token",
                    Some(_) => "the server could not give its keys",
                });
            }
            (action, meaning) => broken!("a", "to keys {meaning:?} the session says {action:?}"),
        }
        for caller in self.callers.iter_mut().filter(|caller| caller.process == p) {
            caller.wake();
        }
    }

    fn last_error(&self, p: usize) -> Option<&'static str> {
        self.processes[p].session.as_ref().and_then(Session::last_error).map(Error::code)
    }

    /// (8) A session says who is logged in, as long as it lives: the user of its login, by an ID token that the server gave.
    pub fn check_identity(&self, p: usize) {
        let process = &self.processes[p];
        let Some(session) = &process.session else { return };
        let id_token = session.id_token();
        if self.plan.identity == Identity::None || process.signed_out || process.ended {
            if id_token.is_some() {
                broken!("8", "process {p} shows an ID token");
            }
            return;
        }
        let Some(id_token) = id_token else { broken!("8", "process {p} does not know who is logged in") };
        let login = process.memory.login;
        if id_token.subject() != user(self.server.logins[login].user) {
            broken!("8", "process {p} takes {} for the user of login {login}", id_token.subject());
        }
        if !self.server.genuine.contains(id_token.reveal()) {
            broken!("8", "process {p} believes an ID token with a flaw");
        }
        let keys = session.keys().map_or(0, KeySet::len);
        if self.plan.identity == Identity::TlsAlone && keys > 0 {
            broken!("8", "process {p} has keys that it does not need");
        }
    }
}

fn user(number: usize) -> String {
    format!("user {number}")
}
