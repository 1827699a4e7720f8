//! What the embedded authorization server stores, and all its checks. No HTTP here, and time is an argument.
//!
//! A code, an access token and a refresh token all point to the grant they came from. Ending the grant ends all of them at
//! once, which happens when a code or a refresh token comes a second time (RFC 6749 §4.1.2, RFC 9700 §4.14.2).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// The only client that is registered.
pub const CLIENT_ID: &str = "oauth-proto-example";
/// Its redirect URI, on any port of the loopback interface (RFC 8252 §7.3).
pub const REDIRECT_PATH: &str = "/callback";
/// The scopes that may be asked for.
pub const SCOPES: [&str; 5] = ["openid", "profile", "email", "address", "offline_access"];
/// This scope is never granted, and the token response says so (RFC 6749 §3.3).
const NEVER_GRANTED: &str = "address";

const TICKET_LIFETIME: Duration = Duration::from_secs(600);
const MAX_TICKETS: usize = 1_000;

/// An authorization request that passed every check.
pub struct Asked {
    pub redirect_uri: String,
    pub state: Option<String>,
    pub code_challenge: String,
    pub scope: String,
    pub audience: Option<String>,
    pub nonce: Option<String>,
}

/// What a successful token request gives.
pub struct Issued {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub scope: String,
    pub lifetime: Duration,
    pub user: String,
    /// When the user logged in, in seconds since 1970.
    pub auth_time: u64,
    /// From the authorization request; `None` at a refresh (OpenID Connect Core 1.0 §12.2).
    pub nonce: Option<String>,
}

/// Who calls the API, and what they may do.
#[derive(Debug)]
pub struct Caller {
    pub user: String,
    pub scope: String,
    pub audience: Option<String>,
}

/// Why a token request is refused: the error of RFC 6749 §5.2 and a text for people.
pub type Refusal = (&'static str, &'static str);

struct Code {
    asked: Asked,
    grant: u64,
    expires: Instant,
    spent: bool,
}

struct Grant {
    user: String,
    scope: String,
    audience: Option<String>,
    auth_time: u64,
    ended: bool,
}

struct Refresh {
    grant: u64,
    spent: bool,
}

/// All tickets (login pages shown), codes, grants and tokens.
pub struct Grants {
    code_lifetime: Duration,
    access_lifetime: Duration,
    tickets: BTreeMap<String, (Asked, Instant)>,
    codes: BTreeMap<String, Code>,
    by_id: BTreeMap<u64, Grant>,
    access: BTreeMap<String, (u64, Instant)>,
    refresh: BTreeMap<String, Refresh>,
}

impl Grants {
    /// Empty: nothing was issued yet.
    pub fn new(code_lifetime: Duration, access_lifetime: Duration) -> Self {
        Self {
            code_lifetime,
            access_lifetime,
            tickets: BTreeMap::new(),
            codes: BTreeMap::new(),
            by_id: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
        }
    }

    /// Keeps the request while its login page is open. The ticket goes into the page's form and works once.
    pub fn ticket(&mut self, asked: Asked, now: Instant) -> Result<String, getrandom::Error> {
        self.tickets.retain(|_, (_, expires)| now < *expires);
        if self.tickets.len() >= MAX_TICKETS {
            self.tickets.clear();
        }
        let ticket = random()?;
        self.tickets.insert(ticket.clone(), (asked, later(now, TICKET_LIFETIME)));
        Ok(ticket)
    }

    /// Takes the request back, once.
    pub fn take_ticket(&mut self, ticket: &str, now: Instant) -> Option<Asked> {
        let (asked, expires) = self.tickets.remove(ticket)?;
        (now < expires).then_some(asked)
    }

    /// The user agreed: a new grant, and the code for it.
    pub fn approve(
        &mut self,
        asked: Asked,
        user: &str,
        auth_time: u64,
        now: Instant,
    ) -> Result<String, getrandom::Error> {
        let code = random()?;
        let id = u64::try_from(self.by_id.len()).unwrap_or(u64::MAX);
        let (scope, audience) = (asked.scope.clone(), asked.audience.clone());
        self.by_id.insert(id, Grant { user: user.to_owned(), scope, audience, auth_time, ended: false });
        self.codes
            .insert(code.clone(), Code { asked, grant: id, expires: later(now, self.code_lifetime), spent: false });
        Ok(code)
    }

    /// The token request with a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
    pub fn redeem(&mut self, code: &str, redirect_uri: &str, verifier: &str, now: Instant) -> Result<Issued, Refusal> {
        let Some(code) = self.codes.get_mut(code) else {
            return Err(("invalid_grant", "unknown code"));
        };
        if code.spent {
            let grant = code.grant;
            self.end(grant);
            return Err(("invalid_grant", "the code was used before; what it gave is revoked"));
        }
        // The code is used up, even if this attempt fails.
        code.spent = true;
        if now >= code.expires {
            return Err(("invalid_grant", "the code has expired"));
        }
        if code.asked.redirect_uri != redirect_uri {
            return Err(("invalid_grant", "another redirect_uri"));
        }
        if !is_verifier(verifier) || challenge_of(verifier) != code.asked.code_challenge {
            return Err(("invalid_grant", "code_verifier does not fit code_challenge"));
        }
        let (grant, nonce) = (code.grant, code.asked.nonce.take());
        let issued = self.issue(grant, now)?;
        Ok(Issued { nonce, ..issued })
    }

    /// The token request with a refresh token (RFC 6749 §6). Each refresh token works once.
    pub fn refresh(&mut self, token: &str, now: Instant) -> Result<Issued, Refusal> {
        let Some(refresh) = self.refresh.get_mut(token) else {
            return Err(("invalid_grant", "unknown refresh token"));
        };
        let grant = refresh.grant;
        if refresh.spent {
            self.end(grant);
            return Err(("invalid_grant", "the refresh token was used before; the whole grant is revoked"));
        }
        refresh.spent = true;
        self.issue(grant, now)
    }

    /// Revocation (RFC 7009): a refresh token ends its whole grant, an access token only itself.
    pub fn revoke(&mut self, token: &str) {
        if let Some(grant) = self.refresh.get(token).map(|refresh| refresh.grant) {
            self.end(grant);
        }
        self.access.remove(token);
    }

    /// Whether an access token is valid, for the protected API. `Err` is the `error_description` for the 401.
    pub fn caller(&self, access_token: &str, now: Instant) -> Result<Caller, &'static str> {
        let (grant, expires) = self.access.get(access_token).ok_or("unknown or revoked token")?;
        let grant = self.by_id.get(grant).ok_or("unknown grant")?;
        if grant.ended {
            return Err("the grant is revoked");
        }
        if now >= *expires {
            return Err("the token has expired");
        }
        Ok(Caller { user: grant.user.clone(), scope: grant.scope.clone(), audience: grant.audience.clone() })
    }

    fn issue(&mut self, id: u64, now: Instant) -> Result<Issued, Refusal> {
        let Some(grant) = self.by_id.get(&id).filter(|grant| !grant.ended) else {
            return Err(("invalid_grant", "the grant is revoked"));
        };
        let no_random = |_| ("server_error", "no random numbers");
        let access_token = random().map_err(no_random)?;
        let expires = later(now, self.access_lifetime);
        self.access.insert(access_token.clone(), (id, expires));
        let refresh_token = if has(&grant.scope, "offline_access") {
            let token = random().map_err(no_random)?;
            self.refresh.insert(token.clone(), Refresh { grant: id, spent: false });
            Some(token)
        } else {
            None
        };
        Ok(Issued {
            access_token,
            refresh_token,
            scope: grant.scope.clone(),
            lifetime: self.access_lifetime,
            user: grant.user.clone(),
            auth_time: grant.auth_time,
            nonce: None,
        })
    }

    fn end(&mut self, grant: u64) {
        if let Some(grant) = self.by_id.get_mut(&grant) {
            grant.ended = true;
        }
    }
}

/// Whether a list of scopes, separated by spaces, contains this one.
pub fn has(scope: &str, wanted: &str) -> bool {
    scope.split(' ').any(|one| one == wanted)
}

/// The part of this scope that will be granted.
pub fn granted(scope: &str) -> String {
    scope.split(' ').filter(|one| *one != NEVER_GRANTED).collect::<Vec<_>>().join(" ")
}

/// A SHA-256 hash in base64url is 43 characters (RFC 7636 §4.2).
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(is_base64url)
}

/// RFC 7636 §4.1.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| is_base64url(byte) || byte == b'.' || byte == b'~')
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn challenge_of(verifier: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(verifier))
}

/// 256 bits from the operating system.
pub fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Base64UrlUnpadded::encode_string(&bytes))
}

fn later(now: Instant, lifetime: Duration) -> Instant {
    now.checked_add(lifetime).unwrap_or(now)
}
