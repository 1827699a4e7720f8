//! The model authorization server and its records: it rotates refresh tokens, detects that one is used twice, may grant grace,
//! and lets tokens and grants expire. What a session says is measured by these records.

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
    /// A revocation ends the whole grant; if not, the one token.
    pub revokes_family: bool,
    /// Of a refresh token that is dead it says `bad_refresh_token`, with status 200.
    pub has_own_words: bool,
    /// Whether logins get a refresh token.
    pub offline: bool,
    /// Grants end so many seconds after the login, and refresh tokens so many after they were given or used last.
    pub grant_lifetime: Option<u64>,
    pub refresh_lifetime: Option<u64>,
    /// It says when they do.
    pub says_ends: bool,
    /// For this target it has this answer alone (a number of `network::trouble`).
    pub declines: Option<(usize, usize)>,
    /// `expires_in` by target.
    pub lifetimes: [Option<u64>; 3],
    /// The first is somebody else's; the others are the user's, in their order.
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
    /// The server ended it: no refresh token of it is good any more.
    pub ended: bool,
    pub ends_at: Option<u64>,
    /// Whose it is.
    pub user: usize,
    /// What its ID tokens repeat.
    pub nonce: String,
    pub auth_time: u64,
    pub session_expiry: Option<u64>,
}

#[derive(Debug)]
struct RefreshToken {
    login: usize,
    /// How many rotations lie between the login and this token.
    depth: u32,
    issued_at: u64,
    expires_at: Option<u64>,
    revoked: bool,
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
    pub grant_ends_in: Option<u64>,
    pub refresh_token_ends_in: Option<u64>,
    pub id_token: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Verdict {
    Tokens(Issued),
    /// As `Tokens`, for a token that had been used before.
    Grace(Issued),
    InvalidGrant,
}

/// The login of somebody else, whose tokens nobody here is ever to use.
pub const STRANGER: usize = 0;

impl Server {
    pub fn new(rotation: Rotation, grace: u64, lifetimes: [Option<u64>; 3]) -> Self {
        let mut server = Self {
            rotation,
            grace,
            rotates_after: 0,
            only_refuses: false,
            revokes_family: true,
            has_own_words: false,
            offline: true,
            grant_lifetime: None,
            refresh_lifetime: None,
            says_ends: true,
            declines: None,
            lifetimes,
            logins: Vec::new(),
            key: 1,
            id_tokens: 0,
            genuine: BTreeSet::new(),
            refresh_tokens: BTreeMap::new(),
            access_tokens: BTreeMap::new(),
        };
        server.add_login(STRANGER, 0);
        server
    }

    pub fn login(&mut self, user: usize, now: u64) -> Issued {
        let login = self.add_login(user, now);
        let refresh_token = self.offline.then(|| self.refresh_token(login, 0, now));
        self.issue(login, 0, refresh_token.as_deref(), true, now)
    }

    fn add_login(&mut self, user: usize, now: u64) -> usize {
        let ends_at = self.grant_lifetime.map(|seconds| now + seconds);
        let nonce = String::new();
        self.logins.push(Login { ended: false, ends_at, user, nonce, auth_time: 0, session_expiry: None });
        self.logins.len() - 1
    }

    /// Tokens of somebody else.
    #[cfg_attr(not(feature = "openid"), allow(dead_code))] // nobody could tell
    pub fn strangers(&mut self, target: usize, now: u64) -> Issued {
        let refresh_token = self.refresh_token(STRANGER, 0, now);
        self.issue(STRANGER, target, Some(&refresh_token), true, now)
    }

    pub fn refresh(&mut self, token: &str, target: usize, now: u64) -> Verdict {
        if !self.accepts(token, now) {
            self.detect_theft(token, now);
            return Verdict::InvalidGrant;
        }
        let known = self.refresh_tokens.get_mut(token).unwrap();
        let (login, depth) = (known.login, known.depth);
        let is_young = known.rotated_at.is_none() && now - known.issued_at < self.rotates_after;
        if self.rotation == Rotation::None || is_young {
            known.expires_at = self.refresh_lifetime.map(|seconds| now + seconds);
            return Verdict::Tokens(self.issue(login, target, Some(token), false, now));
        }
        match (known.rotated_at, self.rotation, known.successor.clone()) {
            (None, ..) => {
                let successor = self.refresh_token(login, depth + 1, now);
                let known = self.refresh_tokens.get_mut(token).unwrap();
                (known.rotated_at, known.successor) = (Some(now), Some(successor.clone()));
                Verdict::Tokens(self.issue(login, target, Some(&successor), true, now))
            }
            (_, Rotation::SameSuccessor, Some(successor)) => {
                Verdict::Grace(self.issue(login, target, Some(&successor), true, now))
            }
            _ => {
                let sibling = self.refresh_token(login, depth + 1, now);
                Verdict::Grace(self.issue(login, target, Some(&sibling), true, now))
            }
        }
    }

    /// A used token: whoever has it may have stolen it (RFC 9700 §4.14.2).
    fn detect_theft(&mut self, token: &str, now: u64) {
        let Some(known) = self.refresh_tokens.get(token) else { return };
        if known.rotated_at.is_some() && known.expires_at.is_none_or(|at| now < at) {
            self.logins[known.login].ended |= !self.only_refuses;
        }
    }

    /// Whether a refresh with this token gives tokens now.
    pub fn accepts(&self, token: &str, now: u64) -> bool {
        let Some(known) = self.refresh_tokens.get(token) else { return false };
        let login = &self.logins[known.login];
        let has_time = |end: Option<u64>| end.is_none_or(|at| now < at);
        let lives = !login.ended && !known.revoked && has_time(login.ends_at) && has_time(known.expires_at);
        let Some(rotated_at) = known.rotated_at.filter(|_| lives && self.rotation != Rotation::None) else {
            return lives;
        };
        let unused = |successor: &String| {
            let successor = &self.refresh_tokens[successor];
            successor.rotated_at.is_none() && !successor.revoked
        };
        now - rotated_at <= self.grace
            && match self.rotation {
                Rotation::SameSuccessor => known.successor.as_ref().is_some_and(unused),
                Rotation::Siblings => true,
                Rotation::None | Rotation::Strict => false,
            }
    }

    /// Revokes a token, and the whole grant perhaps (RFC 7009 §2.1).
    pub fn revoke(&mut self, token: &str) {
        let Some(known) = self.refresh_tokens.get_mut(token) else { return };
        known.revoked = true;
        self.logins[known.login].ended |= self.revokes_family;
    }

    pub fn login_of(&self, token: &str) -> Option<usize> {
        let refresh_token = self.refresh_tokens.get(token).map(|known| known.login);
        refresh_token.or(self.access_tokens.get(token).map(|known| known.login))
    }

    /// Whether the one refresh token is older than the other, of whatever login.
    pub fn is_older(&self, one: &str, other: &str) -> bool {
        let place = |token: &str| self.refresh_tokens.get(token).map(|known| (known.login, known.depth));
        place(one) < place(other)
    }

    pub fn access_token(&self, token: &str) -> Option<AccessToken> {
        self.access_tokens.get(token).copied()
    }

    /// Whose refresh token is this one; said only if it is new.
    fn issue(&mut self, login: usize, target: usize, refresh: Option<&str>, is_new: bool, now: u64) -> Issued {
        let access_token = format!("AT{}", self.access_tokens.len());
        self.access_tokens.insert(access_token.clone(), AccessToken { login, target });
        let left = |end: Option<u64>| end.filter(|_| self.says_ends).map(|at| at.saturating_sub(now).max(1));
        let expires_at = refresh.and_then(|token| self.refresh_tokens[token].expires_at);
        Issued {
            access_token,
            refresh_token: refresh.filter(|_| is_new).map(str::to_owned),
            expires_in: self.lifetimes[target],
            grant_ends_in: left(self.logins[login].ends_at),
            refresh_token_ends_in: left(expires_at),
            id_token: None,
        }
    }

    fn refresh_token(&mut self, login: usize, depth: u32, now: u64) -> String {
        let token = format!("RT{login}.{}", self.refresh_tokens.len());
        let expires_at = self.refresh_lifetime.map(|seconds| now + seconds);
        let known = RefreshToken {
            login,
            depth,
            issued_at: now,
            expires_at,
            revoked: false,
            rotated_at: None,
            successor: None,
        };
        self.refresh_tokens.insert(token.clone(), known);
        token
    }
}
