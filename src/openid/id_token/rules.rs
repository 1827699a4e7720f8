//! The rules for ID tokens (OpenID Connect Core §3.1.3.7, §12.2, RFC 8725 §3).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::claims::Claims;
use super::token::IdToken;
use super::unverified::Unverified;
use crate::error::id_token::IdTokenError;
use crate::openid::jws::{decode, Jws};
use crate::openid::keys::KeySet;
use crate::openid::signature::{Algorithm, SignatureVerifier};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::issuer::IssuerTemplate;

/// The upper limit of the clock leeway, in seconds.
pub const MAX_CLOCK_LEEWAY_SECS: u64 = 300;

/// The rules for an ID token.
///
/// Logins and sessions make them from the client's settings, the requests sent, and what came with the token.
///
/// ```
/// use oauth_proto::openid::id_token::Rules;
/// use oauth_proto::{IdTokenError, KeySet, UnixTime};
/// # struct Verifier;
/// # impl oauth_proto::SignatureVerifier for Verifier {
/// #     fn algorithms(&self) -> &[oauth_proto::Algorithm] { &[oauth_proto::Algorithm::Rs256] }
/// #     fn verify(&self, _: oauth_proto::Algorithm, _: &oauth_proto::PublicKey<'_>, _: &[u8], _: &[u8]) -> bool { false }
/// # }
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let keys = KeySet::parse("https://as.example.com/jwks", br#"{"keys":[]}"#, now)?;
/// let rules = Rules::new("https://as.example.com", "s6BhdRkqt3").nonce(Some("n-0S6_WzA2Mj"));
/// let error = rules.check("eyJhbGciOiJub25lIn0.e30.", &keys, &Verifier, now).unwrap_err();
/// assert_eq!(error, IdTokenError::AlgorithmNotAllowed);
/// # Ok::<(), oauth_proto::KeySetError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub(super) issuer: &'a str,
    /// Replaces `issuer` at a server with one issuer for each tenant.
    pub(super) template: Option<&'a IssuerTemplate>,
    pub(super) client_id: &'a str,
    algorithms: &'a [Algorithm],
    pub(super) trusted_audiences: &'a [String],
    clock_leeway: u64,
    pub(super) nonce: Nonce<'a>,
    pub(super) may_lack_nonce: bool,
    max_age: Option<u64>,
    acr_values: Option<&'a str>,
    pub(super) organization: Option<&'a str>,
    access_token: Option<&'a str>,
    code: Option<&'a str>,
    pub(super) previous: Option<&'a IdToken>,
    is_from_token_endpoint: bool,
}

/// The expected `nonce`.
#[derive(Clone, Copy)]
pub(super) enum Nonce<'a> {
    /// None was sent: the token must have none.
    None,
    /// This one was sent: the token must have it.
    Sent(&'a str),
    /// The token may have one, which must be this one (OpenID Connect Core §12.2).
    Refreshed(Option<&'a str>),
}

impl<'a> Rules<'a> {
    /// Makes rules for tokens of this issuer for this client: only RS256, 60 seconds of leeway, no `nonce`.
    pub fn new(issuer: &'a str, client_id: &'a str) -> Self {
        Self {
            issuer,
            template: None,
            client_id,
            algorithms: &[Algorithm::Rs256],
            trusted_audiences: &[],
            clock_leeway: 60,
            nonce: Nonce::None,
            may_lack_nonce: false,
            max_age: None,
            acr_values: None,
            organization: None,
            access_token: None,
            code: None,
            previous: None,
            is_from_token_endpoint: false,
        }
    }

    /// Accepts the issuers of this template instead of one issuer.
    pub(crate) fn issuer_template(self, template: Option<&'a IssuerTemplate>) -> Self {
        Self { template, ..self }
    }

    /// Allows these algorithms instead of RS256.
    #[must_use]
    pub fn algorithms(self, algorithms: &'a [Algorithm]) -> Self {
        Self { algorithms, ..self }
    }

    /// Allows these audiences besides the client.
    #[must_use]
    pub fn trusted_audiences(self, trusted_audiences: &'a [String]) -> Self {
        Self { trusted_audiences, ..self }
    }

    /// Sets how many seconds the server's clock and this device's may differ, at most [`MAX_CLOCK_LEEWAY_SECS`].
    #[must_use]
    pub fn clock_leeway_secs(self, clock_leeway: u64) -> Self {
        Self { clock_leeway: clock_leeway.min(MAX_CLOCK_LEEWAY_SECS), ..self }
    }

    /// Sets the `nonce` that was sent, if any.
    #[must_use]
    pub fn nonce(self, nonce: Option<&'a str>) -> Self {
        Self { nonce: nonce.map_or(Nonce::None, Nonce::Sent), ..self }
    }

    /// Sets whether the `nonce` that was sent may be missing. If present, it must still match.
    #[must_use]
    pub fn nonce_may_be_missing(self, may_lack_nonce: bool) -> Self {
        Self { may_lack_nonce, ..self }
    }

    /// Sets the `max_age` that was sent, in seconds: `auth_time` must be present and no older.
    #[must_use]
    pub fn max_age(self, max_age: Option<u64>) -> Self {
        Self { max_age, ..self }
    }

    /// Requires `acr` to be one of these, separated by spaces.
    #[must_use]
    pub fn essential_acr(self, acr_values: Option<&'a str>) -> Self {
        Self { acr_values, ..self }
    }

    /// Sets the requested organization (Auth0): an id (`org_…`), or a name, compared without case.
    #[must_use]
    pub fn organization(self, organization: Option<&'a str>) -> Self {
        Self { organization, ..self }
    }

    /// Sets the access token that came with the ID token: `at_hash`, if present, must match.
    #[must_use]
    pub fn access_token(self, access_token: Option<&'a str>) -> Self {
        Self { access_token, ..self }
    }

    /// Sets the exchanged code: `c_hash`, if present, must match.
    #[must_use]
    pub fn code(self, code: Option<&'a str>) -> Self {
        Self { code, ..self }
    }

    /// Sets the previous token, for a token from a refresh (OpenID Connect Core §12.2): user, audience and `auth_time` must be
    /// the same. A `nonce`, if present, must be the login's, if that is known. (An `azp` must name this client in any case, so it
    /// is not compared.)
    #[must_use]
    pub fn after(self, previous: Option<&'a IdToken>, login_nonce: Option<&'a str>) -> Self {
        Self { previous, nonce: Nonce::Refreshed(login_nonce), ..self }
    }

    /// Says that the token has just come from the server's token endpoint.
    #[must_use]
    pub(crate) fn of_token_endpoint(self) -> Self {
        Self { is_from_token_endpoint: true, ..self }
    }

    /// Checks a token, including its signature by these keys.
    ///
    /// # Errors
    /// [`IdTokenError`], for the first broken rule.
    pub fn check(
        &self,
        token: &str,
        keys: &KeySet,
        verifier: &dyn SignatureVerifier,
        now: UnixTime,
    ) -> Result<IdToken, IdTokenError> {
        let unverified = self.read(token, now)?;
        if !verifier.algorithms().contains(&unverified.algorithm) {
            return Err(IdTokenError::AlgorithmNotAllowed);
        }
        unverified.verify(keys, verifier, self.template)?;
        Ok(unverified.id_token)
    }

    /// Checks a token **without its signature**: only for one that has just come from the server's token endpoint over TLS
    /// (OpenID Connect Core §3.1.3.7 rule 6).
    ///
    /// # Errors
    /// [`IdTokenError`], for the first broken rule.
    pub fn check_on_tls_alone(&self, token: &str, now: UnixTime) -> Result<IdToken, IdTokenError> {
        self.read(token, now).map(|unverified| unverified.id_token)
    }

    /// All checks except the signature.
    pub(crate) fn read(&self, token: &str, now: UnixTime) -> Result<Unverified, IdTokenError> {
        let Jws { signed_len, algorithm, kid, payload, signature } = Jws::parse(token, self.algorithms)?;
        let claims = Claims::parse(payload.reveal()).ok_or(IdTokenError::Malformed)?;
        self.check_parties(&claims)?;
        self.check_nonce(&claims)?;
        self.check_authentication(&claims)?;
        self.check_hashes(algorithm, &claims)?;
        // Last: a session keeps its tokens if only the clock is wrong, so that error must not hide another.
        self.check_times(&claims, now)?;
        let id_token = IdToken::new(Secret::new(token), payload, claims);
        Ok(Unverified { id_token, algorithm, kid, signed_len, signature })
    }

    /// Checks whose it is and for whom (§3.1.3.7 rules 2 to 5, §12.2).
    pub(super) fn check_parties(&self, claims: &Claims) -> Result<(), IdTokenError> {
        let missing = IdTokenError::MissingClaim;
        let issuer = claims.iss.as_deref().ok_or(missing("iss"))?;
        let is_ours = match self.template {
            Some(template) => template.is_of(issuer, claims.tid.as_deref()),
            None => issuer == self.issuer,
        };
        if !is_ours || self.previous.is_some_and(|previous| previous.issuer() != issuer) {
            return Err(IdTokenError::Issuer);
        }
        let audience = &claims.aud.as_ref().ok_or(missing("aud"))?.0;
        let is_trusted = |one: &String| one == self.client_id || self.trusted_audiences.contains(one);
        // Regardless of `azp`: another audience could show the token to a party that accepts it as its own (rule 3).
        if !audience.iter().any(|one| one == self.client_id) || !audience.iter().all(is_trusted) {
            return Err(IdTokenError::Audience);
        }
        if claims.azp.as_deref().is_some_and(|azp| azp != self.client_id) {
            return Err(IdTokenError::AuthorizedParty);
        }
        let subject = claims.sub.as_deref().filter(|subject| !subject.is_empty()).ok_or(missing("sub"))?;
        if let Some(previous) = self.previous {
            if subject != previous.subject() {
                return Err(IdTokenError::SubjectMismatch);
            }
            if !is_same_set(audience, previous.audience()) {
                return Err(IdTokenError::Audience);
            }
        }
        Ok(())
    }

    /// Checks which login it belongs to (rule 11).
    fn check_nonce(&self, claims: &Claims) -> Result<(), IdTokenError> {
        match (self.nonce, claims.nonce.as_ref().map(Secret::reveal)) {
            (Nonce::None | Nonce::Refreshed(_), None) | (Nonce::Refreshed(None), Some(_)) => Ok(()),
            (Nonce::Sent(_), None) if self.may_lack_nonce => Ok(()),
            (Nonce::Sent(_), None) => Err(IdTokenError::NonceMissing),
            (Nonce::Sent(sent) | Nonce::Refreshed(Some(sent)), Some(nonce))
                if bool::from(sent.as_bytes().ct_eq(nonce.as_bytes())) =>
            {
                Ok(())
            }
            (_, Some(_)) => Err(IdTokenError::NonceMismatch),
        }
    }

    fn check_authentication(&self, claims: &Claims) -> Result<(), IdTokenError> {
        if let Some(acr_values) = self.acr_values {
            let acr = claims.acr.as_deref().filter(|acr| !acr.is_empty());
            if !acr_values.split(' ').any(|required| acr == Some(required)) {
                return Err(IdTokenError::AuthenticationContext);
            }
        }
        let has_organization = match self.organization {
            Some(id) if is_organization_id(id) => claims.org_id.as_deref() == Some(id),
            // Auth0 keeps names in lower case, and they are ASCII.
            Some(name) => claims.org_name.as_ref().is_some_and(|org_name| org_name.eq_ignore_ascii_case(name)),
            None => true,
        };
        has_organization.then_some(()).ok_or(IdTokenError::Organization)
    }

    fn check_hashes(&self, algorithm: Algorithm, claims: &Claims) -> Result<(), IdTokenError> {
        for (claim, of, error) in [
            (&claims.at_hash, self.access_token, IdTokenError::AccessTokenHash),
            (&claims.c_hash, self.code, IdTokenError::CodeHash),
        ] {
            if let (Some(claim), Some(of)) = (claim, of) {
                if !is_half_hash(algorithm, claim, of) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn check_times(&self, claims: &Claims, now: UnixTime) -> Result<(), IdTokenError> {
        let missing = IdTokenError::MissingClaim;
        let (exp, iat) = (claims.exp.ok_or(missing("exp"))?.0, claims.iat.ok_or(missing("iat"))?.0);
        // A token of this login or refresh was issued just now, so the server's clock is at `iat` at least: a slow clock of the
        // device is no reason to refuse it (§3.1.3.7 rule 10).
        let is_new = self.is_from_token_endpoint && (claims.nonce.is_some() || !matches!(self.nonce, Nonce::Sent(_)));
        let now = if is_new { now.max(iat) } else { now };
        let latest = now.saturating_add(self.clock_leeway);
        if now >= exp.saturating_add(self.clock_leeway) {
            return Err(IdTokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf.0 > latest) {
            return Err(IdTokenError::NotYetValid);
        }
        if iat > latest {
            return Err(IdTokenError::IssuedAt);
        }
        if let Some(max_age) = self.max_age {
            let auth_time = claims.auth_time.ok_or(IdTokenError::AuthTimeMissing)?.0;
            // A time in the future proves nothing.
            if auth_time > latest {
                return Err(IdTokenError::AuthTimeInFuture);
            }
            if now.saturating_since(auth_time) > max_age.saturating_add(self.clock_leeway) {
                return Err(IdTokenError::AuthTimeTooOld);
            }
        }
        if let (Some(before), Some(auth_time)) = (self.previous.and_then(IdToken::auth_time), claims.auth_time) {
            if auth_time.0 != before {
                return Err(IdTokenError::AuthTimeMismatch);
            }
        }
        Ok(())
    }
}

fn is_same_set(one: &[String], other: &[String]) -> bool {
    one.iter().collect::<BTreeSet<_>>() == other.iter().collect()
}

/// Whether Auth0's organization is named by its id, not its name.
pub(super) fn is_organization_id(organization: &str) -> bool {
    organization.starts_with("org_")
}

/// Checks the left half of the algorithm's hash, base64url-encoded (OpenID Connect Core §3.1.3.6, RFC 8037 §3.1).
fn is_half_hash(algorithm: Algorithm, claim: &str, of: &str) -> bool {
    let hash: Vec<u8> = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => Sha256::digest(of).to_vec(),
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => Sha384::digest(of).to_vec(),
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::Es512 | Algorithm::EdDsa => Sha512::digest(of).to_vec(),
    };
    let half = hash.get(..hash.len() / 2).unwrap_or_default();
    decode(claim).is_ok_and(|claim| bool::from(claim.as_slice().ct_eq(half)))
}
