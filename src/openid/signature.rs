//! Digital signatures (RFC 7518 §3): algorithms, keys, and the trait for a platform's own cryptography.

/// A signature algorithm of ID tokens (RFC 7518 §3.1, RFC 8037 §3.1). `none` and keyed hashes are not supported: a native app
/// cannot keep a hash's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: the default for a client that registered no other.
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
    /// Ed25519, as `EdDSA` or `Ed25519` (RFC 9864). Ed448, which `EdDSA` may also mean, is not supported.
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
    /// Returns the algorithm with this `alg` name, compared with case.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// The `alg` name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// The kind of key that it needs.
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

/// The kind of a key.
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
    /// The size of a coordinate in bytes: 32, 48 or 66.
    pub fn octets(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A public key from a JWK (RFC 7518 §6, RFC 8037 §2). Integers are big-endian bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey<'a> {
    /// RSA: a modulus of 2,048 to 8,192 bits without leading zeros, and an odd exponent of 3 or more, of at most eight bytes.
    Rsa {
        /// `n`.
        modulus: &'a [u8],
        /// `e`.
        exponent: &'a [u8],
    },
    /// A point with coordinates of the curve's size. **The verifier must check that it is on the curve.**
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

/// Checks signatures: implemented by [`RustCrypto`](crate::RustCrypto), or by the app for the platform's own cryptography.
///
/// Before a call, the crate has checked that key and algorithm fit together, and that the signature has the length that they
/// require.
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
    /// The supported algorithms. A token with another algorithm does not reach [`SignatureVerifier::verify`].
    fn algorithms(&self) -> &[Algorithm];

    /// Whether `signature` is `key`'s signature of `message`. For ECDSA it is `R || S` (RFC 7518 §3.4), not ASN.1: return false
    /// if one of them is zero or not below the group order, or if the key is not on its curve.
    fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool;
}
