//! Who logs in: the ID tokens that the server gives, and the keys that they are signed with.

use oauth_proto::{AuthorizationRequest, Client, ClientBuilder, KeySet, Tokens, UnixTime};
use serde_json::json;

use super::choices::Choices;
use super::discovery::{self, issuer, JWKS_URI};
use super::keys::{self, jwks as jwk_set, named, Verifier};
use super::plan::Plan;
use super::truth::{broken, DAY, LEEWAY};
use super::{World, CLIENT_ID, REDIRECT_URI};

/// The server's key, and the one before.
const KEY: u8 = 2;
const OLD_KEY: u8 = 1;
/// Nobody's key.
const FORGER: u8 = 255;

/// Whether the login is of OpenID Connect, and how its ID token is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    None,
    TlsAlone,
    Keys,
}

impl Identity {
    pub const ALL: &[Self] = &[Self::None, Self::TlsAlone, Self::Keys, Self::Keys];

    pub fn has_id_tokens(self) -> bool {
        self != Self::None
    }

    pub fn needs_keys(self) -> bool {
        self == Self::Keys
    }
}

/// Which keys a client has before it logs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    None,
    /// The server's, fetched so many seconds ago.
    Present(u64),
    /// Those of before.
    Old,
    /// Those of before, by the name that the present one has now.
    OldByItsName,
}

impl Known {
    pub fn draw(choices: &mut Choices) -> Self {
        choices.pick(&[
            Self::None,
            Self::None,
            Self::Present(100),
            Self::Present(2 * DAY),
            Self::Old,
            Self::OldByItsName,
        ])
    }
}

/// What is wrong with an ID token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    Missing,
    /// It is of another login.
    OtherNonce,
    NoNonce,
    OtherClient,
    OtherIssuer,
    OtherAccessToken,
    /// It had expired when it was issued.
    Expired,
    /// The same, and it was issued hours ago.
    Stale,
    /// The user had proved who they are a day before that, and `max_age` was asked for.
    OldProof,
    NoProof,
    FutureProof,
    /// It names the server's key, and is signed with another.
    Forged,
}

impl Flaw {
    pub fn draw(choices: &mut Choices, plan: &Plan) -> Option<Self> {
        let flaws = [
            Self::Missing,
            Self::OtherNonce,
            Self::OtherNonce,
            Self::NoNonce,
            Self::OtherClient,
            Self::OtherIssuer,
            Self::OtherAccessToken,
            Self::Expired,
            Self::Stale,
            Self::OldProof,
            Self::NoProof,
            Self::FutureProof,
            Self::Forged,
            Self::Forged,
        ];
        let flaw = choices.pick(&flaws);
        choices.percent(15).then_some(match flaw {
            Self::OldProof | Self::NoProof | Self::FutureProof if plan.max_age.is_none() => Self::Expired,
            // TLS alone tells nothing of who signed it.
            Self::Forged if plan.identity != Identity::Keys => Self::OtherNonce,
            flaw => flaw,
        })
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_id_token",
            Self::OtherNonce => "id_token_nonce_mismatch",
            Self::NoNonce => "id_token_nonce_missing",
            Self::OtherClient => "id_token_audience",
            Self::OtherIssuer => "id_token_issuer",
            Self::OtherAccessToken => "id_token_at_hash",
            Self::Expired | Self::Stale => "id_token_expired",
            Self::OldProof => "id_token_auth_time_too_old",
            Self::NoProof => "id_token_auth_time_missing",
            Self::FutureProof => "id_token_auth_time_in_future",
            Self::Forged => "id_token_signature",
        }
    }

    /// What only a clock can tell.
    pub fn is_of_time(self) -> bool {
        matches!(self, Self::Expired | Self::Stale | Self::OldProof | Self::NoProof | Self::FutureProof)
    }

    /// What the clock hides.
    pub fn is_seen_last(self) -> bool {
        self.is_of_time() || self == Self::Forged
    }
}

pub fn builder(plan: &Plan) -> ClientBuilder {
    let builder = Client::builder(discovery::server(plan), CLIENT_ID, REDIRECT_URI);
    match plan.identity {
        Identity::TlsAlone => builder.accept_id_tokens_on_tls_alone(),
        _ => builder.signature_verifier(Verifier),
    }
}

/// The keys that the app has stored before.
pub fn with_keys(client: Client, known: Known, now: u64) -> Client {
    let keys = |set: String, at: u64| KeySet::parse(JWKS_URI, set.as_bytes(), UnixTime::from_secs(at)).unwrap();
    match known {
        Known::None => client,
        Known::Present(ago) => client.with_keys(keys(jwks(false), now - ago)),
        Known::Old => client.with_keys(keys(jwks(true), now - 100)),
        Known::OldByItsName => client.with_keys(keys(named(&[(KEY, OLD_KEY)]), now - 100)),
    }
}

pub fn request(plan: &Plan) -> AuthorizationRequest {
    let request = AuthorizationRequest::new().scope(if plan.identity.has_id_tokens() { "openid read" } else { "read" });
    match plan.max_age {
        Some(seconds) => request.max_age(seconds),
        None => request,
    }
}

/// The server's keys, or those of yesterday.
pub fn jwks(are_old: bool) -> String {
    jwk_set(&if are_old { vec![OLD_KEY] } else { vec![OLD_KEY, KEY] })
}

impl World<'_> {
    /// What the server gives for the code: the ID token, its `iat` and its `exp`.
    pub fn id_token(&mut self) -> Option<(String, u64, u64)> {
        if !self.plan.identity.has_id_tokens() || self.plan.flaw == Some(Flaw::Missing) {
            return None;
        }
        let code = self.server.code.as_ref().unwrap();
        let now = self.server_time();
        let (mut iat, mut exp, mut auth_time) = (now, now + self.plan.token_lifetime, code.auth_time);
        match self.plan.flaw {
            Some(Flaw::Expired) => exp = now - LEEWAY,
            Some(Flaw::Stale) => (iat, exp) = (now - 7200, now - 3600),
            Some(Flaw::OldProof) => auth_time = now - DAY - self.plan.max_age.unwrap() - LEEWAY,
            Some(Flaw::FutureProof) => auth_time = now + 3600,
            _ => {}
        }
        let mut claims = json!({
            "iss": issuer(&self.plan), "aud": CLIENT_ID, "sub": "u", "nonce": code.nonce, "auth_time": auth_time,
            "iat": iat, "nbf": iat, "exp": exp,
        });
        match self.plan.flaw {
            Some(Flaw::OtherNonce) => claims["nonce"] = "another".into(),
            Some(Flaw::NoNonce) => drop(claims.as_object_mut().unwrap().remove("nonce")),
            Some(Flaw::OtherClient) => claims["aud"] = "another app".into(),
            Some(Flaw::OtherIssuer) => claims["iss"] = "https://other.example".into(),
            Some(Flaw::OtherAccessToken) => claims["at_hash"] = "77QmUPtjPfzWtF2AnpK9RQ".into(),
            Some(Flaw::NoProof) => drop(claims.as_object_mut().unwrap().remove("auth_time")),
            _ => {}
        }
        let signer = if self.plan.flaw == Some(Flaw::Forged) { FORGER } else { KEY };
        Some((keys::signed(&claims, Some(KEY), signer), iat, exp))
    }

    /// (g) No ID token that the server did not issue for this login; and what the login says of the server's clock is true.
    pub fn check_identity(&mut self, tokens: &Tokens) {
        let issued = self.server.issued.as_ref().unwrap();
        let id_token = tokens.id_token().map(oauth_proto::IdToken::reveal);
        if !self.plan.identity.has_id_tokens() {
            if id_token.is_some() {
                broken!("g", "an ID token that nobody asked for");
            }
            return;
        }
        if id_token.is_none() || id_token != issued.id_token.as_deref() {
            broken!("g", "an ID token that the server did not issue");
        }
        let answered = self.truth.answered.as_ref().unwrap();
        match self.plan.flaw {
            None => {}
            // Nobody can tell whose clock is slow and who does not see the server's.
            Some(Flaw::Stale) if answered.judged_at < issued.exp + LEEWAY => {
                self.counts.add("nobody could know that the ID token was old");
            }
            Some(flaw) => broken!("g", "an ID token with a flaw is believed: {flaw:?}"),
        }
        let signed = |secs: u64| i64::try_from(secs).unwrap();
        let ahead = answered.date.map(|date| signed(date) - signed(answered.device));
        if tokens.clock_offset_secs() != ahead.filter(|secs| secs.unsigned_abs() <= DAY) {
            broken!(
                "g",
                "the server's clock is said to be ahead by {:?}, and is by {ahead:?}",
                tokens.clock_offset_secs()
            );
        }
        match tokens.clock_offset_secs() {
            None => self.counts.add("logged in without knowing the server's clock"),
            Some(secs) if secs > 60 => self.counts.add("logged in with a slow clock"),
            Some(secs) if secs < -60 => self.counts.add("logged in with a fast clock"),
            Some(_) => {}
        }
    }
}
