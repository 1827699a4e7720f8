//! Digital signatures (RFC 7518 §3): the algorithms, the keys, and the door that a platform's own cryptography comes in by.

/// A signature algorithm of ID tokens (RFC 7518 §3.1, RFC 8037 §3.1). Neither `none` nor a keyed hash is among them: a
/// client whose secret is known to nobody else is no native app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what a client gets that registered no other.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519. (`EdDSA` may be Ed448 too, which is not supported. RFC 9864 calls this one `Ed25519`.)
    EdDsa,
}

const NAMES: [(&str, Algorithm); 11] = [
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

impl Algorithm {
    /// The algorithm of this name, as `alg` has it; names have a case.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// The name, as `alg` has it.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// The kind of key that it takes.
    pub(crate) fn key_kind(self) -> KeyKind {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => KeyKind::Rsa,
            Self::Es256 => KeyKind::Ec(Curve::P256),
            Self::Es384 => KeyKind::Ec(Curve::P384),
            Self::Es512 => KeyKind::Ec(Curve::P521),
            Self::EdDsa => KeyKind::Ed25519,
        }
    }
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    Ec(Curve),
    Ed25519,
}

/// An elliptic curve of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// `P-256`.
    P256,
    /// `P-384`.
    P384,
    /// `P-521`.
    P521,
}

impl Curve {
    /// How many octets a coordinate has: 32, 48 or 66.
    pub fn octets(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A public key, out of a JWK (RFC 7518 §6, RFC 8037 §2). Integers are big-endian octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey<'a> {
    /// RSA: a modulus of 2,048 to 8,192 bits without leading zeros, and an odd exponent of 3 or more, of eight octets at most.
    Rsa {
        /// `n`.
        modulus: &'a [u8],
        /// `e`.
        exponent: &'a [u8],
    },
    /// A point that has the octets of its curve. **Whether it is on the curve is for the verifier to check.**
    Ec {
        /// `crv`.
        curve: Curve,
        /// `x`.
        x: &'a [u8],
        /// `y`.
        y: &'a [u8],
    },
    /// Ed25519.
    Ed25519 {
        /// `x`.
        x: &'a [u8; 32],
    },
}

/// Checks signatures: by [`RustCrypto`](crate::RustCrypto), or by the platform's own cryptography behind this trait.
///
/// Which key and which algorithm belong together has been decided when it is called, and sizes have been checked: a
/// signature has the length that its algorithm and key give it.
///
/// ```
/// use oauth_proto::{Algorithm, AuthorizationServer, Client, PublicKey, SignatureVerifier};
///
/// struct Platform;
///
/// impl SignatureVerifier for Platform {
///     fn algorithms(&self) -> &[Algorithm] {
///         &[Algorithm::Rs256, Algorithm::Es256]
///     }
///
///     fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
///         // Call the platform here. What it does not know, or cannot do, is not valid.
///         # let _ = (algorithm, key, message, signature);
///         false
///     }
/// }
///
/// let server = AuthorizationServer::from_issuer("https://tenant.auth0.com/")?;
/// let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
///     .signature_verifier(Platform)
///     .build()?;
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
pub trait SignatureVerifier: Send + Sync {
    /// The algorithms that it knows. No token with another one gets as far as [`SignatureVerifier::verify`].
    fn algorithms(&self) -> &[Algorithm];

    /// Whether `signature` is `key`'s signature of `message`. That of ECDSA is `R || S` (RFC 7518 §3.4), not ASN.1: zero, and
    /// whatever is not below the group order, is not valid, nor is a key that is not on its curve.
    fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool;
}
