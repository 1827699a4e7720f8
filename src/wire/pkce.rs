//! Proof Key for Code Exchange (RFC 7636), always with `S256`: neither `plain` nor a login without PKCE is possible.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::secret::{wipe, Secret};
use crate::text::base64url::Base64Url32;

/// A code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
///
/// A [`Login`](crate::Login) makes its own from [`Entropy`](crate::Entropy). Use this type to build requests by hand, and in
/// tests. RFC 7636 Appendix B:
///
/// ```
/// use oauth_proto::pkce::CodeVerifier;
///
/// let octets = [
///     116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186,
///     22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
/// ];
/// let verifier = CodeVerifier::from_octets(&octets)?;
/// assert_eq!(verifier.reveal(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
/// assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// # Ok::<(), oauth_proto::pkce::InvalidVerifier>(())
/// ```
#[derive(Clone)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// Checks a verifier that the caller made.
    ///
    /// # Errors
    /// [`InvalidVerifier`] unless it is 43 to 128 characters of `A-Z a-z 0-9 - . _ ~`.
    ///
    /// ```
    /// use oauth_proto::pkce::CodeVerifier;
    ///
    /// assert!(CodeVerifier::new("too short").is_err());
    /// ```
    pub fn new(verifier: &str) -> Result<Self, InvalidVerifier> {
        let unreserved = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
        if (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved) {
            Ok(Self(Secret::new(verifier)))
        } else {
            Err(InvalidVerifier)
        }
    }

    /// Encodes 32 to 96 random bytes in base64url without padding; 32 bytes make 43 characters.
    ///
    /// # Errors
    /// [`InvalidVerifier`] for fewer bytes (too little randomness, §7.1) or more (too long, §4.1).
    pub fn from_octets(octets: &[u8]) -> Result<Self, InvalidVerifier> {
        let mut buffer = [0; 128];
        let verifier = Base64UrlUnpadded::encode(octets, &mut buffer).map_err(|_| InvalidVerifier).and_then(Self::new);
        wipe(&mut buffer);
        verifier
    }

    /// The verifier: send it only to the token endpoint.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The `S256` challenge (§4.2).
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge::s256(self.reveal().as_bytes())
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(..)")
    }
}

/// A code challenge: `BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))`, 43 characters (RFC 7636 §4.2). Not a secret.
#[derive(Clone)]
pub struct CodeChallenge(Base64Url32);

impl CodeChallenge {
    pub(crate) fn s256(verifier: &[u8]) -> Self {
        let mut text = Base64Url32::new();
        text.encode(&Sha256::digest(verifier).into());
        Self(text)
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for CodeChallenge {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for CodeChallenge {}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodeChallenge").field(&self.as_str()).finish()
    }
}

/// The error for a verifier that is not 43 to 128 unreserved characters (RFC 7636 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidVerifier;

impl InvalidVerifier {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        "invalid_verifier"
    }
}

impl fmt::Display for InvalidVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code verifier is 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636 section 4.1)")
    }
}

impl core::error::Error for InvalidVerifier {}
