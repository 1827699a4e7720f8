//! ID tokens that wait for their last check.

use alloc::string::String;
use alloc::vec::Vec;

use super::token::IdToken;
use crate::error::id_token::IdTokenError;
use crate::openid::jws::Signed;
use crate::openid::keys::KeySet;
use crate::openid::signature::{Algorithm, SignatureVerifier};
use crate::secret::Secret;
use crate::wire::issuer::IssuerTemplate;

/// An ID token that passed all checks but the last, its signature.
#[derive(Clone)]
pub(crate) struct Unverified {
    pub(super) id_token: IdToken,
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) signed_len: usize,
    pub(super) signature: Vec<u8>,
}

impl Unverified {
    pub(crate) fn verify(
        &self,
        keys: &KeySet,
        verifier: &dyn SignatureVerifier,
        template: Option<&IssuerTemplate>,
    ) -> Result<(), IdTokenError> {
        let message = self.id_token.reveal().as_bytes().get(..self.signed_len).unwrap_or_default();
        let issuers = template.map(|template| [template.text(), self.id_token.issuer()]);
        let (algorithm, kid, signature) = (self.algorithm, self.kid.as_deref(), self.signature.as_slice());
        let signed = Signed { algorithm, issuers, kid, message, signature };
        keys.verify(&signed, verifier)
    }

    pub(crate) fn token(&self) -> &Secret {
        self.id_token.token()
    }

    /// Call this only after [`Unverified::verify`], or if the client relies on TLS alone.
    pub(crate) fn into_id_token(self) -> IdToken {
        self.id_token
    }
}
