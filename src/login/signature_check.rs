//! The check of a signature, for an app that does it by an action.

#[cfg(feature = "openid")]
use alloc::boxed::Box;
#[cfg(feature = "openid")]
use alloc::string::String;
use core::fmt;

use crate::http::RequestId;
#[cfg(feature = "openid")]
use crate::openid::id_token::unverified::Unverified;
#[cfg(feature = "openid")]
use crate::openid::jwk::Key;
#[cfg(feature = "openid")]
use crate::openid::signature::{Algorithm, PublicKey};

/// A signature to verify: [`Action::Verify`](crate::Action::Verify) of a login, [`Access::Verify`](crate::Access::Verify) of a
/// session.
///
/// It comes only if the client was built with
/// [`verify_id_tokens_by_action`](crate::ClientBuilder::verify_id_tokens_by_action), so never without the feature `openid`. The
/// crate has checked everything else of the ID token: also that key and algorithm fit together, and that the signature has the
/// length that they require. If several keys may have signed a token, there is a check for each, one after the other.
///
/// Hand over [`Event::Verified`](crate::Event::Verified) with its [`id`](Self::id); or
/// [`Event::VerifyFailed`](crate::Event::VerifyFailed) if it cannot be made now. Both are accepted only for the check that was
/// handed out last.
///
/// `Debug` shows the id and the algorithm: the signed bytes are personal data.
///
/// With `WebCrypto` (`SubtleCrypto`), import [`jwk`](Self::jwk) in the format `"jwk"` for the usage `verify`, then call `verify`:
///
/// | [`Algorithm`](crate::Algorithm) | to import the key | to verify |
/// | --- | --- | --- |
/// | `Rs256` | `{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }` | the same |
/// | `Ps256` | `{ name: "RSA-PSS", hash: "SHA-256" }` | `{ name: "RSA-PSS", saltLength: 32 }` |
/// | `Es256` | `{ name: "ECDSA", namedCurve: "P-256" }` | `{ name: "ECDSA", hash: "SHA-256" }` |
/// | `EdDsa` | `{ name: "Ed25519" }` | the same |
pub struct SignatureCheck {
    id: RequestId,
    #[cfg(feature = "openid")]
    of: Box<(Unverified, Key)>,
    /// Without the feature no value of this type exists.
    #[cfg(not(feature = "openid"))]
    _never: core::convert::Infallible,
}

impl SignatureCheck {
    /// The id, to be handed over with the outcome.
    pub fn id(&self) -> RequestId {
        self.id
    }
}

#[cfg(feature = "openid")]
impl SignatureCheck {
    pub(crate) fn new(id: RequestId, unverified: &Unverified, key: &Key) -> Self {
        Self { id, of: Box::new((unverified.clone(), key.clone())) }
    }

    /// The algorithm of the signature: one of those that the client was built with (feature `openid`).
    pub fn algorithm(&self) -> Algorithm {
        self.of.0.algorithm
    }

    /// The key (feature `openid`), in the form that a [`SignatureVerifier`](crate::SignatureVerifier) gets.
    pub fn key(&self) -> PublicKey<'_> {
        self.of.1.public()
    }

    /// The key as a JWK in JSON (RFC 7517 §4; feature `openid`), with the members of the key itself alone: `kty`, and of `crv`,
    /// `x`, `y`, `n` and `e` those that the kind of key has (RFC 7518 §6, RFC 8037 §2).
    pub fn jwk(&self) -> String {
        self.of.1.to_json()
    }

    /// The signed bytes (the JWS signing input of RFC 7515 §5.2; feature `openid`): the token's header and payload, encoded, with
    /// a period between them. Do not log them.
    pub fn message(&self) -> &[u8] {
        self.of.0.message()
    }

    /// The signature (feature `openid`). For ECDSA it is `R || S` (RFC 7518 §3.4), not ASN.1.
    pub fn signature(&self) -> &[u8] {
        &self.of.0.signature
    }
}

impl fmt::Debug for SignatureCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SignatureCheck");
        shown.field("id", &self.id);
        #[cfg(feature = "openid")]
        shown.field("algorithm", &self.algorithm());
        shown.finish_non_exhaustive()
    }
}
