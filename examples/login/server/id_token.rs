//! ID tokens (OpenID Connect Core 1.0 §2), signed with ES256 (RFC 7518 §3.4). The key is made when the server starts.

use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

use super::grants::{has, Issued, CLIENT_ID};
use super::without_nulls;

/// A claim of this server's own, with a name that nobody else uses (§5.1.2).
const ROLES: &str = "https://example.com/roles";
const LIFETIME_SECS: u64 = 300;

/// The server's key.
pub struct Signer {
    key: SigningKey,
    kid: String,
    x: String,
    y: String,
}

impl Signer {
    /// A new key.
    pub fn new() -> Result<Self, getrandom::Error> {
        let key = loop {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes)?;
            // All but one in 2^32 random values are a valid key.
            if let Ok(key) = SigningKey::from_slice(&bytes) {
                break key;
            }
        };
        let point = key.verifying_key().to_encoded_point(false);
        let [x, y] = [point.x(), point.y()].map(|half| half.map(base64url).unwrap_or_default());
        // Each key has its own id, so a client that cached the key of an earlier run sees that this is another.
        let kid = x.chars().take(8).collect();
        Ok(Self { key, kid, x, y })
    }

    /// The JWK set with the public key (RFC 7517 §5).
    pub fn jwks(&self) -> Value {
        let Self { kid, x, y, .. } = self;
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y }] })
    }

    /// The ID token for these tokens. `now` and all times in it are in seconds since 1970.
    pub fn id_token(&self, issuer: &str, tokens: &Issued, now: u64) -> String {
        let claims = json!({
            "iss": issuer,
            "sub": subject(&tokens.user),
            "aud": CLIENT_ID,
            "exp": now.saturating_add(LIFETIME_SECS),
            "iat": now,
            "auth_time": tokens.auth_time,
            "nonce": tokens.nonce,
            "at_hash": half_hash(&tokens.access_token),
            "name": has(&tokens.scope, "profile").then_some(&tokens.user),
            ROLES: ["demo"],
        });
        self.sign(&without_nulls(claims))
    }

    /// The client in an ID token that this server has signed, even if it has expired.
    pub fn audience(&self, token: &str) -> Option<String> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
        self.key.verifying_key().verify(signed.as_bytes(), &Signature::from_slice(&signature).ok()?).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims: Value = serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).ok()?).ok()?;
        claims.get("aud")?.as_str().map(str::to_owned)
    }

    /// The JWS Compact Serialization (RFC 7515 §3.1).
    fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        let [header, claims] = [&header, claims].map(|part| base64url(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature: Signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", base64url(signature.to_bytes()))
    }
}

/// `sub` for a name: the same name is the same user. `sub` must be ASCII (§2), which a name need not be.
pub fn subject(user: &str) -> String {
    let hash = base64url(Sha256::digest(user));
    format!("user-{}", hash.chars().take(12).collect::<String>())
}

/// `at_hash`: the left half of the access token's SHA-256 hash (§3.1.3.6).
fn half_hash(token: &str) -> String {
    let hash = Sha256::digest(token);
    base64url(hash.iter().copied().take(16).collect::<Vec<_>>())
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}
