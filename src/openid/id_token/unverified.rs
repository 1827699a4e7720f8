//! ID tokens that wait for their last check.

use alloc::string::String;
use alloc::vec::Vec;

use super::token::IdToken;
use crate::error::id_token::IdTokenError;
use crate::openid::jws::Signed;
use crate::openid::keys::{Candidates, KeySet};
use crate::openid::signature::{Algorithm, SignatureVerifier};
use crate::secret::Secret;
use crate::wire::issuer::IssuerTemplate;

/// An ID token that passed all checks but the last, its signature.
#[derive(Clone)]
pub(crate) struct Unverified {
    pub(super) id_token: IdToken,
    pub(crate) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) signed_len: usize,
    pub(crate) signature: Vec<u8>,
}

impl Unverified {
    pub(crate) fn verify(
        &self,
        keys: &KeySet,
        verifier: &dyn SignatureVerifier,
        template: Option<&IssuerTemplate>,
    ) -> Result<(), IdTokenError> {
        keys.verify(&self.signed(template), verifier)
    }

    /// The keys that may have signed it, for an app that verifies by an action.
    pub(crate) fn candidates(
        &self,
        keys: &KeySet,
        template: Option<&IssuerTemplate>,
    ) -> Result<Candidates, IdTokenError> {
        keys.candidates(&self.signed(template))
    }

    fn signed<'a>(&'a self, template: Option<&'a IssuerTemplate>) -> Signed<'a> {
        Signed {
            algorithm: self.algorithm,
            issuers: template.map(|template| [template.text(), self.id_token.issuer()]),
            kid: self.kid.as_deref(),
            message: self.message(),
            signature: &self.signature,
        }
    }

    /// The bytes that were signed (RFC 7515 §5.2).
    pub(crate) fn message(&self) -> &[u8] {
        self.id_token.reveal().as_bytes().get(..self.signed_len).unwrap_or_default()
    }

    pub(crate) fn token(&self) -> &Secret {
        self.id_token.token()
    }

    /// Call this only after [`Unverified::verify`] or if the app has verified it, or if the client relies on TLS alone.
    pub(crate) fn into_id_token(self) -> IdToken {
        self.id_token
    }
}
