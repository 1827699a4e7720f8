//! The settings for ID tokens, and the policy that they make with a known server.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::server::AuthorizationServer;
use crate::error::config::ConfigError;
use crate::error::id_token::IdTokenError;
use crate::openid::id_token::rules::{Rules, MAX_CLOCK_LEEWAY_SECS};
use crate::openid::id_token::unverified::Unverified;
use crate::openid::keys::{Candidates, KeySet};
use crate::openid::signature::{Algorithm, SignatureVerifier};
use crate::wire::issuer::IssuerTemplate;

/// The settings of the builder.
#[derive(Clone)]
pub(crate) struct IdTokenSettings {
    pub verifier: Verifier,
    pub algorithms: Option<Vec<Algorithm>>,
    pub clock_leeway: u64,
    pub trusted_audiences: Vec<String>,
    pub max_key_age: u64,
    pub may_lack_nonce: bool,
}

/// A day: a key that the server has withdrawn is trusted no longer than that.
const MAX_KEY_AGE_SECS: u64 = 24 * 60 * 60;

#[derive(Clone)]
pub(crate) enum Verifier {
    /// The crate's own, if the feature is on.
    Default,
    Given(Arc<dyn SignatureVerifier>),
    /// The app, which knows these algorithms.
    Action(Vec<Algorithm>),
    TlsAlone,
}

impl Default for IdTokenSettings {
    fn default() -> Self {
        Self {
            verifier: Verifier::Default,
            algorithms: None,
            clock_leeway: 60,
            trusted_audiences: Vec::new(),
            max_key_age: MAX_KEY_AGE_SECS,
            may_lack_nonce: false,
        }
    }
}

impl IdTokenSettings {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.clock_leeway > MAX_CLOCK_LEEWAY_SECS {
            return Err(ConfigError::Client {
                name: "clock_leeway",
                problem: "is more than 300 seconds: have the clock set instead",
            });
        }
        if self.max_key_age == 0 {
            return Err(ConfigError::Client {
                name: "max_key_age",
                problem: "is 0, so no key could ever be used: give them some hours",
            });
        }
        Ok(())
    }

    #[cfg_attr(feature = "rustcrypto", allow(clippy::unnecessary_wraps))]
    fn verified(&self) -> Result<Verified, ConfigError> {
        match &self.verifier {
            Verifier::Given(verifier) => Ok(Verified::By(Arc::clone(verifier))),
            Verifier::Action(_) => Ok(Verified::ByAction),
            Verifier::TlsAlone => Ok(Verified::ByTls),
            #[cfg(feature = "rustcrypto")]
            Verifier::Default => Ok(Verified::By(Arc::new(crate::openid::rustcrypto::RustCrypto))),
            #[cfg(not(feature = "rustcrypto"))]
            Verifier::Default => Err(ConfigError::Client {
                name: "signature_verifier",
                problem: "is not set, and ID tokens are signed: set it, or turn on the feature rustcrypto",
            }),
        }
    }

    /// The policy for ID tokens, or why this client cannot request any.
    pub(crate) fn policy(&self, server: &AuthorizationServer) -> Result<IdTokenPolicy, ConfigError> {
        let by = self.verified()?;
        if server.expected_issuer().is_none() {
            return Err(ConfigError::Issuer {
                problem: "is not set, and ID tokens must be of a known one: set it with issuer(…)",
            });
        }
        if server.has_endpoints() && server.jwks_uri.is_none() && !matches!(by, Verified::ByTls) {
            return Err(ConfigError::Endpoint {
                name: "jwks_uri",
                problem: "is not set, and ID tokens are signed: set it with AuthorizationServer::jwks_uri",
            });
        }
        // Those that can be verified; `None`: any.
        let verifiable = match (&by, &self.verifier) {
            (Verified::By(verifier), _) => Some(verifier.algorithms()),
            (_, Verifier::Action(algorithms)) => Some(algorithms.as_slice()),
            _ => None,
        };
        let known = |names: &Vec<String>| names.iter().filter_map(|name| Algorithm::from_name(name)).collect();
        let mut algorithms = match (&self.algorithms, &server.signing_algorithms) {
            (Some(own), _) => own.clone(),
            (None, Some(names)) => known(names),
            // The metadata will tell.
            (None, None) if !server.has_endpoints() => {
                verifiable.map_or(alloc::vec![Algorithm::Rs256], <[Algorithm]>::to_vec)
            }
            (None, None) => alloc::vec![Algorithm::Rs256],
        };
        if let Some(verifiable) = verifiable {
            algorithms.retain(|algorithm| verifiable.contains(algorithm));
        }
        if algorithms.is_empty() {
            return Err(ConfigError::Client {
                name: "id_token_algorithms",
                problem: "has none that the server signs with and the signature verifier knows: allow another one, or set another verifier",
            });
        }
        Ok(IdTokenPolicy {
            verified: by,
            algorithms,
            clock_leeway: self.clock_leeway,
            may_lack_nonce: self.may_lack_nonce,
            template: server.template.clone(),
        })
    }
}

/// Who verifies the signatures.
#[derive(Clone)]
enum Verified {
    By(Arc<dyn SignatureVerifier>),
    /// The app, by an action.
    ByAction,
    /// Nobody: the client relies on TLS.
    ByTls,
}

/// What is known of a signature.
pub(crate) enum Signature {
    Valid,
    /// The app must be asked, with these keys.
    Unknown(Candidates),
}

/// The policy of one client of one server for ID tokens.
#[derive(Clone)]
pub(crate) struct IdTokenPolicy {
    verified: Verified,
    algorithms: Vec<Algorithm>,
    clock_leeway: u64,
    may_lack_nonce: bool,
    template: Option<IssuerTemplate>,
}

impl IdTokenPolicy {
    /// Adds this policy to the rules about issuer and audience.
    pub(crate) fn rules<'a>(&'a self, parties: Rules<'a>) -> Rules<'a> {
        parties
            .algorithms(&self.algorithms)
            .clock_leeway_secs(self.clock_leeway)
            .nonce_may_be_missing(self.may_lack_nonce)
    }

    /// Checks the signature, as far as that can be done here. `KeyNotFound` if there are no keys.
    pub(crate) fn verify(&self, unverified: &Unverified, keys: Option<&KeySet>) -> Result<Signature, IdTokenError> {
        let template = self.template.as_ref();
        match (&self.verified, keys) {
            (Verified::ByTls, _) => Ok(Signature::Valid),
            (_, None) => Err(IdTokenError::KeyNotFound),
            (Verified::By(verifier), Some(keys)) => {
                unverified.verify(keys, &**verifier, template).map(|()| Signature::Valid)
            }
            (Verified::ByAction, Some(keys)) => unverified.candidates(keys, template).map(Signature::Unknown),
        }
    }

    /// Whether the app verifies signatures by an action.
    pub(crate) fn verifies_by_action(&self) -> bool {
        matches!(self.verified, Verified::ByAction)
    }
}
