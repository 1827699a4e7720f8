//! The same tokens through this crate and through `jsonwebtoken`, whose cryptography is *ring*: whether the signature, `exp`, `nbf`, `iss`
//! and `aud` are good, both must say the same. Where they do not, a table says why.

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{decode, decode_header, get_current_timestamp, DecodingKey, Validation};
use oauth_proto::openid::id_token::Rules;
use oauth_proto::{Algorithm, IdTokenError, KeySet, RustCrypto, UnixTime};
use proptest::prelude::*;
use proptest::sample::{select, Index};
use serde_json::{json, Map, Value};

use crate::signing::{jwk, signed, ALGORITHMS};

/// What one of the two says of a token: `Refused` where the rule is one that only one of them has a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Signature,
    Expired,
    NotYetValid,
    Issuer,
    Audience,
    Refused,
}

impl Verdict {
    /// The order in which rules are checked differs: a refusal agrees with a refusal, but for one rule alone.
    fn agrees_with(self, other: Self) -> bool {
        self == other || (self != Self::Accepted && other != Self::Accepted && [self, other].contains(&Self::Refused))
    }
}

/// What a token is held to.
struct Held<'a> {
    token: &'a str,
    keys: &'a Value,
    issuer: &'a str,
    client_id: &'a str,
    algorithms: Vec<&'a str>,
    leeway: u64,
    now: u64,
}

impl Held<'_> {
    fn ours(&self) -> Result<(), IdTokenError> {
        let document = self.keys.to_string();
        let now = UnixTime::from_secs(self.now);
        let keys = KeySet::parse("https://as.example.com/jwks", document.as_bytes(), now).unwrap();
        let algorithms: Vec<_> = self.algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect();
        let rules = Rules::new(self.issuer, self.client_id).algorithms(&algorithms).clock_leeway_secs(self.leeway);
        // That it has a `nonce` is told by one of the two alone, and so not a matter here.
        let nonce = self.token.split('.').nth(1).and_then(|payload| Base64UrlUnpadded::decode_vec(payload).ok());
        let nonce = nonce.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
        let nonce = nonce.as_ref().and_then(|claims| claims.get("nonce")?.as_str());
        rules.nonce(nonce).check(self.token, &keys, &RustCrypto, now).map(drop)
    }

    fn theirs(&self) -> Verdict {
        let Ok(header) = decode_header(self.token) else { return Verdict::Refused };
        if !self.algorithms.contains(&format!("{:?}", header.alg).as_str()) {
            return Verdict::Refused;
        }
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[self.issuer]);
        validation.set_audience(&[self.client_id]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        // It has no clock but the system's: that it goes ahead of the token's is taken for leeway.
        validation.leeway = self.leeway + get_current_timestamp().saturating_sub(self.now);
        // It takes one key; which one, it leaves to its user.
        let keys = self.keys["keys"].as_array().unwrap().iter();
        let keys = keys.filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        let keys = keys.filter(|key| header.kid.is_none() || key.common.key_id == header.kid);
        let mut verdict = Verdict::Refused;
        for key in keys.filter_map(|key| DecodingKey::from_jwk(&key).ok()) {
            verdict =
                match decode::<Value>(self.token, &key, &validation).map_err(jsonwebtoken::errors::Error::into_kind) {
                    Ok(_) => return Verdict::Accepted,
                    Err(ErrorKind::ExpiredSignature) => Verdict::Expired,
                    Err(ErrorKind::ImmatureSignature) => Verdict::NotYetValid,
                    Err(ErrorKind::InvalidIssuer) => Verdict::Issuer,
                    Err(ErrorKind::InvalidAudience) => Verdict::Audience,
                    Err(ErrorKind::InvalidSignature) if verdict == Verdict::Refused => Verdict::Signature,
                    Err(_) => verdict,
                };
        }
        verdict
    }
}

fn verdict(ours: &Result<(), IdTokenError>) -> Verdict {
    match ours {
        Ok(()) => Verdict::Accepted,
        Err(IdTokenError::Signature) => Verdict::Signature,
        Err(IdTokenError::Expired) => Verdict::Expired,
        Err(IdTokenError::NotYetValid) => Verdict::NotYetValid,
        Err(IdTokenError::Issuer) => Verdict::Issuer,
        Err(IdTokenError::Audience) => Verdict::Audience,
        Err(_) => Verdict::Refused,
    }
}

/// The cases that the two see differently, and why. It is always this crate that refuses.
const DIFFERENCES: [(&str, &str); 18] = [
    ("hs256-oct-key-in-jwks", "it takes a key that everybody can read for a secret, if its user allows HS256"),
    ("use-enc-key", "it does not look at `use`"),
    ("typ-at-jwt", "it does not look at `typ`"),
    ("crit-empty", "it does not look at `crit`"),
    ("crit-not-array", "it does not look at `crit`"),
    ("oversize-256k", "it has no limit of size"),
    ("aud-multiple-trusted", "one right audience is enough for it, and here nobody is trusted beside the client"),
    ("aud-multiple-azp-client", "the same, and it does not look at `azp`"),
    ("aud-single-azp-other", "it does not look at `azp`"),
    ("azp-number", "it does not look at `azp`"),
    ("sub-empty", "it takes an empty `sub` for a user"),
    (
        "exp-at-leeway-boundary",
        "for it a token is still good in the second of `exp`; RFC 7519 section 4.1.4 says it is not",
    ),
    ("exp-now-zero-leeway", "the same"),
    ("iat-far-future", "it does not look at `iat`"),
    ("nbf-future", "it has no clock but the system's, and what goes for leeway here makes `nbf` come early"),
    ("nonce-array", "it does not look at `nonce`"),
    ("auth-time-string", "it does not look at `auth_time`"),
    ("at-hash-number", "it does not look at `at_hash`"),
];

/// Rules of which it has none: a generated token that breaks one of them, and no other, is good for it.
const ITS_GAPS: [(IdTokenError, &str); 6] = [
    (IdTokenError::Type, "it does not look at `typ`"),
    (IdTokenError::Critical, "it does not look at `crit`"),
    (IdTokenError::AuthorizedParty, "it does not look at `azp`"),
    (IdTokenError::IssuedAt, "it does not look at `iat`"),
    (IdTokenError::MissingClaim("iat"), "it does not look at `iat`"),
    (IdTokenError::MissingClaim("sub"), "it takes an empty `sub` for a user"),
];

#[test]
fn every_case_token() {
    let file: Value = serde_json::from_str(include_str!("../cases/id_token.json")).unwrap();
    let mut differences = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let config = &case["config"];
        let text = |value: &'static str| config[value].as_str().unwrap();
        let held = Held {
            token: case["jwt"].as_str().unwrap(),
            keys: &file["jwks_sets"][case["jwks"].as_str().unwrap()],
            issuer: text("issuer"),
            client_id: text("client_id"),
            algorithms: config["allowed_algs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect(),
            leeway: config["leeway"].as_u64().unwrap(),
            now: case["now"].as_u64().unwrap(),
        };
        let (ours, theirs) = (held.ours(), held.theirs());
        if !verdict(&ours).agrees_with(theirs) {
            differences.push((case["name"].as_str().unwrap(), ours, theirs));
        }
    }
    for (name, ours, theirs) in &differences {
        assert!(DIFFERENCES.iter().any(|(known, _)| known == name), "{name}: {ours:?}, and theirs {theirs:?}");
    }
    for (name, _) in &DIFFERENCES {
        assert!(differences.iter().any(|(other, ..)| other == name), "{name}: there is no difference any more");
    }
}

const ISSUER: &str = "https://as.example.com";
const CLIENT_ID: &str = "s6BhdRkqt3";

/// A token to be signed: seconds are from now, and far enough from the limits for a slow machine.
#[derive(Clone, Debug)]
struct Draft {
    algorithm: &'static str,
    header: Value,
    iss: &'static str,
    aud: Value,
    sub: String,
    exp: i64,
    is_exp_a_float: bool,
    iat: Option<i64>,
    nbf: Option<i64>,
    azp: Option<&'static str>,
    more: Map<String, Value>,
}

impl Draft {
    fn claims(&self, now: u64) -> Value {
        let at = |offset: i64| now.saturating_add_signed(offset);
        let mut claims = Value::Object(self.more.clone());
        for (name, value) in [
            ("iss", Some(json!(self.iss))),
            ("aud", Some(self.aud.clone())),
            ("sub", Some(json!(self.sub))),
            (
                "exp",
                serde_json::from_str(&format!("{}{}", at(self.exp), if self.is_exp_a_float { ".25" } else { "" })).ok(),
            ),
            ("iat", self.iat.map(|offset| json!(at(offset)))),
            ("nbf", self.nbf.map(|offset| json!(at(offset)))),
            ("azp", self.azp.map(Value::from)),
        ] {
            if let Some(value) = value {
                claims[name] = value;
            }
        }
        claims
    }

    /// How many of the rules that both have are broken.
    fn faults(&self) -> usize {
        let is_audience_bad = self.aud != json!(CLIENT_ID) && self.aud != json!([CLIENT_ID]);
        let is_key_another = self.header.get("kid").is_some_and(|kid| kid != self.algorithm);
        let is_too_early = self.nbf.is_some_and(|nbf| nbf > 60);
        let bad = [is_key_another, self.iss != ISSUER, is_audience_bad, self.exp < -60, is_too_early];
        bad.into_iter().filter(|bad| *bad).count()
    }

    /// One right audience is enough for it.
    fn names_others_too(&self) -> bool {
        self.aud.as_array().is_some_and(|list| list.contains(&json!(CLIENT_ID)) && list.len() > 1)
    }
}

fn header() -> impl Strategy<Value = Value> {
    let kids =
        select(vec![json!("RS256"), json!("PS256"), json!("ES256"), json!("ES384"), json!("EdDSA"), Value::Null]);
    let typ = prop_oneof![4 => Just(Value::Null), 2 => Just(json!("JWT")), 1 => Just(json!("at+jwt"))];
    let crit = prop_oneof![9 => Just(Value::Null), 1 => Just(json!(["exp"]))];
    (prop::bool::weighted(0.8), kids, typ, crit).prop_map(|(is_own_kid, kid, typ, crit)| {
        let kid = if is_own_kid { json!("own") } else { kid };
        let members = [("kid", kid), ("typ", typ), ("crit", crit)];
        members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn draft() -> impl Strategy<Value = Draft> {
    let iss = prop_oneof![6 => Just(ISSUER), 1 => Just("https://as.example.com/"), 1 => Just("https://evil.example")];
    let aud = prop_oneof![
        6 => Just(json!(CLIENT_ID)),
        2 => Just(json!([CLIENT_ID])),
        1 => Just(json!([CLIENT_ID, "other"])),
        1 => Just(json!(["other", "another"])),
        1 => Just(json!("other")),
        1 => Just(json!([])),
    ];
    let times = (
        prop_oneof![6 => Just(600), 1 => Just(30), 1 => Just(-30), 1 => Just(-90), 1 => Just(-600), 1 => Just(1 << 40)],
        any::<bool>(),
        prop_oneof![6 => Just(Some(0)), 1 => Just(Some(-86400)), 1 => Just(Some(30)), 1 => Just(Some(90)), 1 => Just(None)],
        prop_oneof![6 => Just(None), 2 => Just(Some(-600)), 1 => Just(Some(30)), 1 => Just(Some(90)), 1 => Just(Some(600))],
    );
    let azp = prop_oneof![6 => Just(None), 2 => Just(Some(CLIENT_ID)), 1 => Just(Some("other"))];
    let more =
        prop::collection::vec(("x-[a-z\u{e4}\"]{0,8}", select(vec![json!(1.5), json!([{}]), Value::Null])), 0..3);
    (select(&ALGORITHMS[..]), header(), iss, aud, ".{0,20}", times, azp, more).prop_map(
        |(algorithm, mut header, iss, aud, sub, (exp, is_exp_a_float, iat, nbf), azp, more)| {
            header["alg"] = algorithm.into();
            if header["kid"] == "own" {
                header["kid"] = algorithm.into();
            }
            let more = more.into_iter().collect();
            Draft { algorithm, header, iss, aud, sub, exp, is_exp_a_float, iat, nbf, azp, more }
        },
    )
}

/// What happens to a token after it was signed.
#[derive(Clone, Debug)]
enum Damage {
    None,
    /// Another character at this place.
    Text(Index, char),
    /// Another bit of a part, which stays well encoded.
    Bit(Index, Index),
    Cut(Index),
    Appended(char),
    /// Another algorithm in the header, and the signature as it was.
    Renamed(&'static str),
    /// The signature of another token.
    OtherSignature,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        5 => Just(Damage::None),
        1 => (any::<Index>(), select("AZaz09-_.=+/ \u{e9}".chars().collect::<Vec<_>>())).prop_map(|(at, to)| Damage::Text(at, to)),
        2 => any::<(Index, Index)>().prop_map(|(part, bit)| Damage::Bit(part, bit)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => select(vec!['A', '.', '=', ' ', '\n']).prop_map(Damage::Appended),
        1 => select(vec!["none", "HS256", "RS512", "ES256", "EdDSA", "PS256", "RS256"]).prop_map(Damage::Renamed),
        1 => Just(Damage::OtherSignature),
    ]
}

impl Damage {
    fn to(&self, draft: &Draft, token: &str, claims: &Value) -> String {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        match self {
            Self::None => {}
            Self::Text(at, to) => {
                let mut text: Vec<char> = token.chars().collect();
                let at = at.index(text.len());
                text[at] = *to;
                return text.into_iter().collect();
            }
            Self::Bit(part, bit) => {
                let part = part.index(3);
                let mut octets = Base64UrlUnpadded::decode_vec(&parts[part]).unwrap();
                let bit = bit.index(octets.len() * 8);
                octets[bit / 8] ^= 1 << (bit % 8);
                parts[part] = Base64UrlUnpadded::encode_string(&octets);
            }
            Self::Cut(at) => return token[..at.index(token.len())].to_owned(),
            Self::Appended(character) => return format!("{token}{character}"),
            Self::Renamed(algorithm) => {
                let mut header = draft.header.clone();
                header["alg"] = (*algorithm).into();
                parts[0] = Base64UrlUnpadded::encode_string(header.to_string().as_bytes());
            }
            Self::OtherSignature => {
                let mut claims = claims.clone();
                claims["sub"] = "another user".into();
                let other = signed(draft.algorithm, &draft.header, &claims);
                other.rsplit('.').next().unwrap().clone_into(&mut parts[2]);
            }
        }
        parts.join(".")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_tokens(draft in draft(), damage in damage()) {
        let now = get_current_timestamp();
        let claims = draft.claims(now);
        let token = damage.to(&draft, &signed(draft.algorithm, &draft.header, &claims), &claims);
        let keys = json!({ "keys": ALGORITHMS.map(|name| jwk(name, name)) });
        let algorithms = ALGORITHMS.to_vec();
        let held =
            Held { token: &token, keys: &keys, issuer: ISSUER, client_id: CLIENT_ID, algorithms, leeway: 60, now };
        let (ours, theirs) = (held.ours(), held.theirs());
        if theirs == Verdict::Accepted {
            if let Err(error) = ours {
                let is_a_gap = ITS_GAPS.iter().any(|(gap, _)| *gap == error);
                let is_known = is_a_gap || (error == IdTokenError::Audience && draft.names_others_too());
                prop_assert!(is_known, "{error:?}: {token}");
            }
        } else {
            prop_assert!(ours.is_err(), "theirs is {theirs:?}: {token}");
            // The order in which rules are checked differs, which shows where several are broken.
            if matches!(damage, Damage::None) && draft.faults() <= 1 {
                prop_assert!(verdict(&ours).agrees_with(theirs), "{ours:?}, and theirs {theirs:?}: {token}");
            }
        }
    }
}
