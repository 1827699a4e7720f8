//! One public key of a server (a JWK, RFC 7517 §4): what is usable of it, and how it is stored.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::jws::{decode, Signed};
use super::signature::{Algorithm, Curve, KeyKind, PublicKey};
use crate::text::json::Value;

pub(super) const MIN_RSA_BITS: usize = 2048;
pub(super) const MAX_RSA_BITS: usize = 8192;
const MAX_RSA_EXPONENT_OCTETS: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredKey", into = "StoredKey")]
pub(crate) struct Key {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    /// The issuer that the key signs for, as in Microsoft's keys. If it is not a string, it matches no issuer.
    issuer: Option<String>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Rsa { modulus: Box<[u8]>, exponent: Box<[u8]> },
    Ec { curve: Curve, x: Box<[u8]>, y: Box<[u8]> },
    Ed25519 { x: [u8; 32] },
}

impl Key {
    /// Compares `kid`, `kty`, `crv` and `alg` together (RFC 8725 §3.1); `use` and `key_ops` were checked before. A `kid` is a
    /// hint (RFC 7515 §4.1.4) that a key need not repeat (RFC 7517 §4.5), needed only to choose among several keys (OpenID
    /// Connect Core §10.1): a server's only key may lack it. The signature decides.
    pub(super) fn may_have_signed(&self, signed: &Signed<'_>, is_only: bool) -> bool {
        let is_meant = |kid: &str| self.kid.as_deref().map_or(is_only, |own| own == kid);
        signed.kid.is_none_or(is_meant)
            && self.algorithm.is_none_or(|algorithm| algorithm == signed.algorithm)
            && self.kind() == signed.algorithm.key_kind()
            && self.signs_for(signed.issuers)
    }

    /// With one issuer for each tenant, a key may belong to one tenant.
    fn signs_for(&self, issuers: Option<[&str; 2]>) -> bool {
        issuers.is_none_or(|issuers| self.issuer.as_deref().is_none_or(|own| issuers.contains(&own)))
    }

    fn kind(&self) -> KeyKind {
        match &self.material {
            Material::Rsa { .. } => KeyKind::Rsa,
            Material::Ec { curve, .. } => KeyKind::Ec(*curve),
            Material::Ed25519 { .. } => KeyKind::Ed25519,
        }
    }

    pub(crate) fn public(&self) -> PublicKey<'_> {
        match &self.material {
            Material::Rsa { modulus, exponent } => PublicKey::Rsa { modulus, exponent },
            Material::Ec { curve, x, y } => PublicKey::Ec { curve: *curve, x, y },
            Material::Ed25519 { x } => PublicKey::Ed25519 { x },
        }
    }

    /// The members of the key alone, as JSON.
    pub(crate) fn to_json(&self) -> String {
        let StoredKey { kty, crv, n, e, x, y, .. } = self.clone().into();
        let mut json = String::new();
        for (name, value) in [("kty", kty), ("crv", crv), ("n", n), ("e", e), ("x", x), ("y", y)] {
            if let Some(value) = value {
                // No character of them needs an escape.
                json.extend([if json.is_empty() { "{\"" } else { ",\"" }, name, "\":\"", &value, "\""]);
            }
        }
        json.push('}');
        json
    }

    pub(super) fn signature_len(&self) -> usize {
        match &self.material {
            Material::Rsa { modulus, .. } => modulus.len(),
            Material::Ec { curve, .. } => curve.octets().saturating_mul(2),
            Material::Ed25519 { .. } => 64,
        }
    }
}

/// A JWK as received: any member may be of any type.
#[derive(Default)]
pub(super) struct Jwk<'a> {
    kty: Value<'a>,
    crv: Value<'a>,
    n: Value<'a>,
    e: Value<'a>,
    x: Value<'a>,
    y: Value<'a>,
    kid: Value<'a>,
    alg: Value<'a>,
    usage: Value<'a>,
    key_ops: Value<'a>,
    issuer: Value<'a>,
}

impl Jwk<'_> {
    /// Returns the key, if it can check signatures.
    pub(super) fn into_key(self) -> Option<Key> {
        let is_for_signatures = match &self.usage {
            Value::None => true,
            Value::Text(usage) => usage == "sig",
            _ => false,
        };
        let may_verify = match &self.key_ops {
            Value::None => true,
            Value::Texts(operations) => operations.split(' ').any(|operation| operation == "verify"),
            _ => false,
        };
        if !is_for_signatures || !may_verify {
            return None;
        }
        let algorithm = match &self.alg {
            Value::None => None,
            Value::Text(name) => Some(Algorithm::from_name(name)?),
            _ => return None,
        };
        let material = match (text(&self.kty)?, text(&self.crv)) {
            ("RSA", _) => rsa(&octets(&self.n)?, &octets(&self.e)?)?,
            ("EC", Some(curve)) => {
                let curve = curve_of(curve)?;
                let coordinate = |value| octets(value).filter(|octets| octets.len() == curve.octets());
                Material::Ec { curve, x: coordinate(&self.x)?.into(), y: coordinate(&self.y)?.into() }
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519 { x: octets(&self.x)?.try_into().ok()? },
            _ => return None,
        };
        let kid = match self.kid {
            Value::None => None,
            Value::Text(kid) => Some(kid.into_owned()),
            _ => return None,
        };
        let issuer = match self.issuer {
            Value::None => None,
            Value::Text(issuer) => Some(issuer.into_owned()),
            _ => Some(String::new()),
        };
        Some(Key { kid, algorithm, issuer, material })
    }
}

fn text<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn octets(value: &Value<'_>) -> Option<Vec<u8>> {
    decode(text(value)?).ok()
}

const CURVES: [(&str, Curve); 3] = [("P-256", Curve::P256), ("P-384", Curve::P384), ("P-521", Curve::P521)];

fn curve_of(name: &str) -> Option<Curve> {
    CURVES.iter().find(|(known, _)| *known == name).map(|(_, curve)| *curve)
}

/// Short keys are insecure (RFC 7518 §3.3), and very long ones too expensive for a login.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Material> {
    let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
    let zeros = modulus.first()?.leading_zeros();
    let bits = modulus.len().saturating_mul(8).saturating_sub(usize::try_from(zeros).unwrap_or(0));
    let is_odd = |number: &[u8]| number.last().is_some_and(|octet| octet % 2 == 1);
    let fits = (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)
        && exponent.len() <= MAX_RSA_EXPONENT_OCTETS
        && exponent != [1]
        && is_odd(modulus)
        && is_odd(exponent);
    fits.then(|| Material::Rsa { modulus: modulus.into(), exponent: exponent.into() })
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl<'de> Deserialize<'de> for Jwk<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JwkVisitor)
    }
}

struct JwkVisitor;

impl<'de> Visitor<'de> for JwkVisitor {
    type Value = Jwk<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Jwk<'de>, A::Error> {
        let mut jwk = Jwk::default();
        let mut is_twice = false;
        while let Some(name) = map.next_key::<Name>()? {
            let slot = match name {
                Name::Kty => &mut jwk.kty,
                Name::Crv => &mut jwk.crv,
                Name::N => &mut jwk.n,
                Name::E => &mut jwk.e,
                Name::X => &mut jwk.x,
                Name::Y => &mut jwk.y,
                Name::Kid => &mut jwk.kid,
                Name::Alg => &mut jwk.alg,
                Name::Use => &mut jwk.usage,
                Name::KeyOps => &mut jwk.key_ops,
                Name::Issuer => &mut jwk.issuer,
                Name::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            is_twice |= *slot != Value::None;
            *slot = map.next_value()?;
        }
        // An empty JWK is not usable.
        Ok(if is_twice { Jwk::default() } else { jwk })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Kty,
    Crv,
    N,
    E,
    X,
    Y,
    Kid,
    Alg,
    Use,
    KeyOps,
    Issuer,
    #[serde(other)]
    Unknown,
}

/// A key as stored: a JWK with all members, in fixed order, for formats that do not name them.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredKey {
    kty: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    issuer: Option<String>,
}

impl From<Key> for StoredKey {
    fn from(key: Key) -> Self {
        let text = |text: &str| Some(String::from(text));
        let encode = |octets: &[u8]| Some(Base64UrlUnpadded::encode_string(octets));
        let stored = match &key.material {
            Material::Rsa { modulus, exponent } => {
                Self { kty: text("RSA"), n: encode(modulus), e: encode(exponent), ..Self::default() }
            }
            Material::Ec { curve, x, y } => {
                let crv = CURVES.iter().find(|(_, known)| known == curve).map(|(name, _)| String::from(*name));
                Self { kty: text("EC"), crv, x: encode(x), y: encode(y), ..Self::default() }
            }
            Material::Ed25519 { x } => Self { kty: text("OKP"), crv: text("Ed25519"), x: encode(x), ..Self::default() },
        };
        let alg = key.algorithm.map(|algorithm| algorithm.name().into());
        Self { alg, kid: key.kid, issuer: key.issuer, ..stored }
    }
}

impl TryFrom<StoredKey> for Key {
    type Error = &'static str;

    fn try_from(stored: StoredKey) -> Result<Self, &'static str> {
        let value = |text: Option<String>| text.map_or(Value::None, |text| Value::Text(Cow::Owned(text)));
        let jwk = Jwk {
            kty: value(stored.kty),
            crv: value(stored.crv),
            n: value(stored.n),
            e: value(stored.e),
            x: value(stored.x),
            y: value(stored.y),
            kid: value(stored.kid),
            alg: value(stored.alg),
            issuer: value(stored.issuer),
            ..Jwk::default()
        };
        jwk.into_key().ok_or("no usable key")
    }
}
