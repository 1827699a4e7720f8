//! The model authorization server: it rotates refresh tokens, detects that one is used twice, and may grant grace.

use std::collections::{BTreeMap, BTreeSet};

/// What the server does with a refresh token that was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rotation {
    /// It stays in force; answers do not repeat it.
    None,
    /// A new one takes its place; the old one is never good again.
    Strict,
    /// As `Strict`; for the grace period the old one gives the very same successor.
    SameSuccessor,
    /// As `Strict`; for the grace period the old one gives one more successor, and all of them are good.
    Siblings,
}

#[cfg_attr(not(feature = "openid"), allow(dead_code))] // there are no ID tokens then
#[derive(Debug)]
pub struct Server {
    pub rotation: Rotation,
    /// Seconds for which a used token still gives new ones.
    pub grace: u64,
    /// Tokens that are younger than this stay in force when they are used; answers do not repeat them.
    pub rotates_after: u64,
    /// Outside of the grace period a used token is refused, and that is all: its family lives on.
    pub only_refuses: bool,
    /// Whether logins get a refresh token.
    pub offline: bool,
    /// `expires_in` by target.
    pub lifetimes: [Option<u64>; 3],
    pub logins: Vec<Login>,
    /// The number of the key that ID tokens are signed with.
    pub key: u8,
    /// How many ID tokens were given, and those without a flaw.
    pub id_tokens: u64,
    pub genuine: BTreeSet<String>,
    refresh_tokens: BTreeMap<String, RefreshToken>,
    access_tokens: BTreeMap<String, AccessToken>,
}

/// A login, and with it the family of refresh tokens that began there.
#[cfg_attr(not(feature = "openid"), allow(dead_code))] // there are no ID tokens then
#[derive(Debug)]
pub struct Login {
    /// The server ended it. Ground truth: no refresh token of it is good any more.
    pub ended: bool,
    /// What its ID tokens repeat.
    pub nonce: String,
    pub auth_time: u64,
}

#[derive(Debug)]
struct RefreshToken {
    login: usize,
    /// How many rotations lie between the login and this token.
    depth: u32,
    issued_at: u64,
    rotated_at: Option<u64>,
    successor: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct AccessToken {
    pub login: usize,
    pub target: usize,
}

#[derive(Clone, Debug)]
pub struct Issued {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub expires_in: Option<u64>,
    pub id_token: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Verdict {
    Tokens(Issued),
    /// As `Tokens`, for a token that had been used before.
    Grace(Issued),
    InvalidGrant,
}

impl Server {
    pub fn new(rotation: Rotation, grace: u64, lifetimes: [Option<u64>; 3]) -> Self {
        let (refresh_tokens, access_tokens) = (BTreeMap::new(), BTreeMap::new());
        let logins = Vec::new();
        Self {
            rotation,
            grace,
            rotates_after: 0,
            only_refuses: false,
            offline: true,
            lifetimes,
            logins,
            key: 1,
            id_tokens: 0,
            genuine: BTreeSet::new(),
            refresh_tokens,
            access_tokens,
        }
    }

    pub fn login(&mut self, now: u64) -> Issued {
        let login = self.logins.len();
        self.logins.push(Login { ended: false, nonce: String::new(), auth_time: 0 });
        let refresh_token = self.offline.then(|| self.refresh_token(login, 0, now));
        self.issue(login, 0, refresh_token)
    }

    pub fn refresh(&mut self, token: &str, target: usize, now: u64) -> Verdict {
        let Some(known) = self.refresh_tokens.get(token) else { return Verdict::InvalidGrant };
        let (login, depth) = (known.login, known.depth);
        if self.logins[login].ended {
            return Verdict::InvalidGrant;
        }
        let is_young = known.rotated_at.is_none() && now - known.issued_at < self.rotates_after;
        if self.rotation == Rotation::None || is_young {
            return Verdict::Tokens(self.issue(login, target, None));
        }
        let Some(rotated_at) = known.rotated_at else {
            let successor = self.refresh_token(login, depth + 1, now);
            let known = self.refresh_tokens.get_mut(token).unwrap();
            known.rotated_at = Some(now);
            known.successor = Some(successor.clone());
            return Verdict::Tokens(self.issue(login, target, Some(successor)));
        };
        let in_grace = now - rotated_at <= self.grace;
        let successor = known.successor.clone().filter(|successor| self.refresh_tokens[successor].rotated_at.is_none());
        match (self.rotation, successor) {
            (Rotation::SameSuccessor, Some(successor)) if in_grace => {
                Verdict::Grace(self.issue(login, target, Some(successor)))
            }
            (Rotation::Siblings, _) if in_grace => {
                let sibling = self.refresh_token(login, depth + 1, now);
                Verdict::Grace(self.issue(login, target, Some(sibling)))
            }
            // A used token: whoever has it may have stolen it (RFC 9700 §4.14.2).
            _ => {
                self.logins[login].ended = !self.only_refuses;
                Verdict::InvalidGrant
            }
        }
    }

    /// Revokes the login that the token belongs to (RFC 7009 §2.1).
    pub fn revoke(&mut self, token: &str) {
        let login = self.login_of(token);
        if let Some(login) = login {
            self.logins[login].ended = true;
        }
    }

    pub fn login_of(&self, token: &str) -> Option<usize> {
        let refresh_token = self.refresh_tokens.get(token).map(|known| known.login);
        refresh_token.or(self.access_tokens.get(token).map(|known| known.login))
    }

    pub fn depth(&self, refresh_token: &str) -> u32 {
        self.refresh_tokens[refresh_token].depth
    }

    pub fn access_token(&self, token: &str) -> Option<AccessToken> {
        self.access_tokens.get(token).copied()
    }

    /// Whether a refresh with this token would give tokens now.
    pub fn would_accept(&self, token: &str) -> bool {
        let known = &self.refresh_tokens[token];
        !self.logins[known.login].ended && (self.rotation == Rotation::None || known.rotated_at.is_none())
    }

    fn issue(&mut self, login: usize, target: usize, refresh_token: Option<String>) -> Issued {
        let access_token = format!("AT{}", self.access_tokens.len());
        self.access_tokens.insert(access_token.clone(), AccessToken { login, target });
        Issued { access_token, refresh_token, expires_in: self.lifetimes[target], id_token: None }
    }

    fn refresh_token(&mut self, login: usize, depth: u32, issued_at: u64) -> String {
        let token = format!("RT{login}.{}", self.refresh_tokens.len());
        let known = RefreshToken { login, depth, issued_at, rotated_at: None, successor: None };
        self.refresh_tokens.insert(token.clone(), known);
        token
    }
}
