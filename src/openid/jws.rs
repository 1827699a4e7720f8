//! Parses a signed token in compact form (RFC 7515 §7.1) and its header (§4.1). Nothing is verified yet.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::IgnoredAny;
use serde::Deserialize;

use super::signature::Algorithm;
use crate::error::id_token::IdTokenError;
use crate::secret::{wipe, Secret};
use crate::text::json;

/// The longest ID token that is accepted, in bytes (64 KiB).
pub const MAX_ID_TOKEN_BYTES: usize = 64 * 1024;

/// The decoded parts of a token.
pub(super) struct Jws {
    /// The length of the signed part, from the token's beginning, in bytes.
    pub signed_len: usize,
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    /// JSON.
    pub payload: Secret,
    pub signature: Vec<u8>,
}

/// A message with its signature, and what its header says about the key.
pub(super) struct Signed<'a> {
    pub algorithm: Algorithm,
    /// For a server with one issuer for each tenant: the template, and the token's issuer.
    pub issuers: Option<[&'a str; 2]>,
    pub kid: Option<&'a str>,
    pub message: &'a [u8],
    pub signature: &'a [u8],
}

/// Other members of the header, such as keys that the token brings along (`jwk`, `jku`, `x5u`, `x5c`), are never read (RFC 8725
/// §3.10).
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    kid: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    typ: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "json::present")]
    crit: Option<IgnoredAny>,
}

impl Jws {
    /// Checks the size and number of parts before copying anything.
    pub(super) fn parse(token: &str, allowed: &[Algorithm]) -> Result<Self, IdTokenError> {
        if token.len() > MAX_ID_TOKEN_BYTES {
            return Err(IdTokenError::TooLarge);
        }
        let mut parts = token.splitn(4, '.');
        let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(IdTokenError::Malformed);
        };
        if let Some(rest) = parts.next() {
            // Five parts make an encrypted token (RFC 7516 §7.1).
            let is_jwe = rest.bytes().filter(|octet| *octet == b'.').count() == 1;
            return Err(if is_jwe { IdTokenError::Encrypted } else { IdTokenError::Malformed });
        }
        let signed_len = token.len().saturating_sub(signature.len()).saturating_sub(1);
        let (algorithm, kid) = parse_header(header, allowed)?;
        let payload = String::from_utf8(decode(payload)?).map_err(|error| {
            wipe(&mut error.into_bytes());
            IdTokenError::Malformed
        })?;
        Ok(Self { signed_len, algorithm, kid, payload: Secret::new(payload), signature: decode(signature)? })
    }
}

fn parse_header(encoded: &str, allowed: &[Algorithm]) -> Result<(Algorithm, Option<String>), IdTokenError> {
    let octets = decode(encoded)?;
    let header: Header<'_> = json::strict(&octets).ok_or(IdTokenError::Malformed)?;
    let algorithm = Algorithm::from_name(&header.alg).filter(|algorithm| allowed.contains(algorithm));
    let algorithm = algorithm.ok_or(IdTokenError::AlgorithmNotAllowed)?;
    if header.crit.is_some() {
        return Err(IdTokenError::Critical);
    }
    if header.typ.as_deref().is_some_and(|typ| !is_plain_type(typ)) {
        return Err(IdTokenError::Type);
    }
    Ok((algorithm, header.kid.map(Cow::into_owned)))
}

/// ID tokens have no `typ` of their own; the `typ` of other tokens (`at+jwt`, `logout+jwt`, `dpop+jwt` …) keeps them from being
/// taken for ID tokens.
fn is_plain_type(typ: &str) -> bool {
    let name = typ
        .split_once('/')
        .map_or(typ, |(kind, name)| if kind.eq_ignore_ascii_case("application") { name } else { typ });
    ["JWT", "JOSE"].iter().any(|plain| name.eq_ignore_ascii_case(plain))
}

/// Decodes base64url without padding, in canonical form only.
pub(super) fn decode(encoded: &str) -> Result<Vec<u8>, IdTokenError> {
    Base64UrlUnpadded::decode_vec(encoded).map_err(|_| IdTokenError::Malformed)
}
