//! What several targets need for ID tokens: a base64url codec of their own, a verifier with a given answer, and a second
//! implementation of the rules.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use oauth_proto::{Algorithm, PublicKey, SignatureVerifier};
use serde_json::Value;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
pub const ALGORITHMS: [(&str, Algorithm); 11] = [
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("PS256", Algorithm::Ps256),
    ("PS384", Algorithm::Ps384),
    ("PS512", Algorithm::Ps512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("ES512", Algorithm::Es512),
    ("EdDSA", Algorithm::EdDsa),
    ("Ed25519", Algorithm::EdDsa),
];
pub const ALL: [Algorithm; 10] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
];

/// base64url without padding (RFC 4648 §5).
pub fn encode(octets: &[u8]) -> String {
    let mut text = String::new();
    for group in octets.chunks(3) {
        let word = (0..3).fold(0_usize, |word, index| word << 8 | usize::from(*group.get(index).unwrap_or(&0)));
        for sextet in 0..=group.len() {
            text.push(char::from(ALPHABET[word >> (18 - 6 * sextet) & 63]));
        }
    }
    text
}

/// The octets, if the text is exactly what [`encode`] would write.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut octets, mut word, mut bits) = (Vec::new(), 0_usize, 0);
    for octet in text.bytes() {
        word = word << 6 | ALPHABET.iter().position(|other| *other == octet)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push(u8::try_from(word >> bits & 255).ok()?);
        }
    }
    (encode(&octets) == text).then_some(octets)
}

/// A document, which may begin with a byte order mark.
pub fn json(document: &[u8]) -> Value {
    serde_json::from_slice(document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document)).expect("JSON")
}

/// A token of this header and payload, with a signature of the length for `alg` (for RSA, 2,048 bits).
pub fn token(header: &str, payload: &str) -> String {
    let algorithm = serde_json::from_str::<Value>(header).ok();
    let length = match algorithm.as_ref().and_then(|header| header["alg"].as_str()) {
        Some("ES256" | "EdDSA" | "Ed25519") => 64,
        Some("ES384") => 96,
        Some("ES512") => 132,
        _ => 256,
    };
    [encode(header.as_bytes()), encode(payload.as_bytes()), encode(&vec![0x5a; length])].join(".")
}

/// Gives the same answer for every signature, and remembers what it accepted.
pub struct Told {
    answer: AtomicBool,
    accepted: Mutex<Vec<Signed>>,
}

/// Algorithm, message and signature.
type Signed = (Algorithm, Vec<u8>, Vec<u8>);

impl Told {
    pub fn to_say(answer: bool) -> Self {
        Self { answer: AtomicBool::new(answer), accepted: Mutex::default() }
    }

    /// Reverses its answer from now on.
    pub fn change(&self) {
        self.answer.fetch_xor(true, Ordering::Relaxed);
    }

    pub fn accepted_none(&self) -> bool {
        self.accepted.lock().unwrap().is_empty()
    }

    /// Whether it accepted exactly this token, by the algorithm of its header.
    pub fn has_accepted(&self, token: &str) -> bool {
        let header = decode(token.split('.').next().unwrap()).unwrap();
        let header = json(&header);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = decode(signature).unwrap();
        self.accepted.lock().unwrap().iter().any(|(algorithm, its_message, its_signature)| {
            ALGORITHMS.contains(&(header["alg"].as_str().unwrap(), *algorithm))
                && its_message == message.as_bytes()
                && *its_signature == signature
        })
    }
}

impl SignatureVerifier for Told {
    fn algorithms(&self) -> &[Algorithm] {
        &ALL
    }

    fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        check_key(algorithm, key, signature);
        let answer = self.answer.load(Ordering::Relaxed);
        if answer {
            self.accepted.lock().unwrap().push((algorithm, message.to_vec(), signature.to_vec()));
        }
        answer
    }
}

/// A verifier that a client has and whose answer can still be reversed.
pub struct Shared(pub Arc<Told>);

impl SignatureVerifier for Shared {
    fn algorithms(&self) -> &[Algorithm] {
        self.0.algorithms()
    }

    fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(algorithm, key, message, signature)
    }
}

/// Asserts what the trait guarantees to its implementations.
fn check_key(algorithm: Algorithm, key: &PublicKey<'_>, signature: &[u8]) {
    let name = algorithm.name();
    match key {
        PublicKey::Rsa { modulus, exponent } => {
            assert!(name.starts_with("RS") || name.starts_with("PS"));
            assert!((256..=1024).contains(&modulus.len()) && modulus[0] != 0 && signature.len() == modulus.len());
            assert!(modulus.len() > 256 || modulus[0] >= 0x80, "2,048 bits at least");
            assert!((1..=8).contains(&exponent.len()) && exponent[0] != 0 && *exponent != [1]);
            assert!(modulus.last().unwrap() % 2 == 1 && exponent.last().unwrap() % 2 == 1);
        }
        PublicKey::Ec { curve, x, y } => {
            let length =
                [("ES256", 32), ("ES384", 48), ("ES512", 66)].iter().find(|(other, _)| *other == name).unwrap().1;
            assert_eq!([curve.octets(), x.len(), y.len()], [length; 3]);
            assert_eq!(signature.len(), 2 * length);
        }
        PublicKey::Ed25519 { .. } => assert_eq!((name, signature.len()), ("EdDSA", 64)),
        _ => panic!("no such key is known"),
    }
}

/// The rules, with their settings.
#[derive(Clone, Default)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub now: u64,
    pub leeway: u64,
    /// The token was issued just now, so the server's clock is at `iat` or later.
    pub is_new: bool,
    /// `Some(None)`: any, or none.
    pub nonce: Option<Option<&'a str>>,
    pub trusted: &'a [&'a str],
    pub max_age: Option<u64>,
    /// Left halves by SHA-256, SHA-384 and SHA-512.
    pub access_token_hashes: [&'a str; 3],
    pub code_hashes: [&'a str; 3],
    pub organization: Option<&'a str>,
    pub acr: Option<&'a str>,
    /// `sub`, `aud`, `auth_time`.
    pub previous: Option<(&'a str, Value, u64)>,
}

/// Asserts that an accepted token keeps every rule, and returns its claims.
pub fn check(token: &str, expected: &Expected<'_>) -> Value {
    assert!(token.len() <= 65_536);
    let parts: Vec<_> = token.split('.').map(|part| decode(part).expect("well encoded")).collect();
    let [header, payload, _] = parts.as_slice() else { panic!("{} parts", parts.len()) };
    let (header, claims) = (json(header), json(payload));
    assert!(header.is_object() && claims.is_object(), "{header} {claims}");

    let algorithm = header["alg"].as_str().unwrap();
    assert!(ALGORITHMS.iter().any(|(name, _)| *name == algorithm));
    assert!(header.get("crit").is_none());
    assert!(header.get("kid").is_none_or(Value::is_string));
    if let Some(typ) = header.get("typ") {
        let typ = typ.as_str().unwrap().to_ascii_lowercase();
        assert!(["jwt", "jose", "application/jwt", "application/jose"].contains(&typ.as_str()), "{typ}");
    }

    // `null` counts as absent.
    let own = |name: &str| claims.get(name).filter(|value| !value.is_null());
    let text = |name: &str| own(name).map(|value| value.as_str().expect("text"));
    let Expected { issuer, client_id, now, leeway, .. } = *expected;
    let now = if expected.is_new { now.max(seconds(&claims["iat"])) } else { now };
    assert_eq!(text("iss"), Some(issuer));
    assert!(!text("sub").unwrap().is_empty());
    let audience = list(&claims["aud"]);
    assert!(audience.contains(&client_id), "{audience:?}");
    assert!(text("azp").is_none_or(|azp| azp == client_id));
    assert!(audience.iter().all(|one| *one == client_id || expected.trusted.contains(one)), "{audience:?}");
    assert!(seconds(&claims["exp"]).saturating_add(leeway) > now);
    assert!(seconds(&claims["iat"]) <= now + leeway);
    assert!(own("nbf").is_none_or(|nbf| seconds(nbf) <= now + leeway));
    match expected.nonce {
        Some(None) => {}
        Some(nonce) => assert_eq!(text("nonce"), nonce),
        None => assert_eq!(text("nonce"), None),
    }
    if let Some(max_age) = expected.max_age {
        assert!(now.saturating_sub(seconds(&claims["auth_time"])) <= max_age + leeway);
    }
    // EdDSA is Ed25519, which goes with SHA-512 (RFC 8032 §5.1).
    let size = if algorithm.ends_with("256") {
        0
    } else if algorithm.ends_with("384") {
        1
    } else {
        2
    };
    let hashes = [("at_hash", expected.access_token_hashes[size]), ("c_hash", expected.code_hashes[size])];
    for (name, hash) in hashes.into_iter().filter(|(_, hash)| !hash.is_empty()) {
        assert!(text(name).is_none_or(|own| own == hash), "{name}");
    }
    match expected.organization {
        Some(id) if id.starts_with("org_") => assert_eq!(text("org_id"), Some(id)),
        Some(name) => assert_eq!(text("org_name").unwrap().to_lowercase(), name.to_lowercase()),
        None => {}
    }
    if let Some(acr) = expected.acr {
        assert!(acr.split(' ').any(|one| text("acr") == Some(one)));
    }
    if let Some((subject, their_audience, auth_time)) = &expected.previous {
        assert_eq!(text("sub"), Some(*subject));
        let theirs = list(their_audience);
        assert!(audience.iter().all(|one| theirs.contains(one)) && theirs.iter().all(|one| audience.contains(one)));
        assert!(own("auth_time").is_none_or(|own| seconds(own) == *auth_time));
    }
    claims
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(list) => list.iter().map(|one| one.as_str().expect("text")).collect(),
        one => vec![one.as_str().expect("text")],
    }
}

/// Fractions of a second are dropped.
fn seconds(value: &Value) -> u64 {
    // `as` saturates.
    value.as_u64().unwrap_or_else(|| {
        let seconds = value.as_f64().expect("a number");
        assert!(seconds >= 0.0);
        seconds as u64
    })
}
