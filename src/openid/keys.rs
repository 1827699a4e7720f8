//! A server's public keys: the JWK set (RFC 7517 §5), and the choice of key for an ID token.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::jwk::{Jwk, Key};
use super::jws::Signed;
use super::objects::object_or_none;
use super::signature::SignatureVerifier;
use crate::error::id_token::IdTokenError;
use crate::error::violation::Violation;
use crate::error::Error;
use crate::http::{Response, MAX_RESPONSE_BYTES};
use crate::text::json;
use crate::time::UnixTime;
use crate::wire::token::response::body;

/// Keys fetched up to this many seconds in the future count as new: the clock may have been adjusted.
const MAX_CLOCK_DIFFERENCE_SECS: u64 = 60;

/// The most keys that are tried for a token that does not name its key.
const MAX_CANDIDATES: usize = 4;

/// The public keys of one server (a JWK set, RFC 7517 §5), and when they were fetched.
///
/// Store them, in any serde format, from login to login.
///
/// Unusable keys are left out: those of unsupported kinds, too short, for other purposes, or incomplete. The serialized form is a
/// JWK set with two more members. It is not secret, but an attacker who can change it in the store can sign ID tokens.
///
/// ```
/// use oauth_proto::{KeySet, UnixTime};
///
/// let jwks = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let keys = KeySet::parse("https://as.example.com/jwks", jwks, UnixTime::from_secs(1000))?;
/// assert_eq!((keys.len(), keys.age(UnixTime::from_secs(1060))), (1, 60));
///
/// let stored = serde_json::to_string(&keys)?;
/// assert_eq!(serde_json::from_str::<KeySet>(&stored)?, keys);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    jwks_uri: String,
    fetched_at: UnixTime,
    keys: Vec<Key>,
}

/// Why a document is not a JWK set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// Longer than [`MAX_RESPONSE_BYTES`].
    TooLarge,
    /// Not a JSON object with a list `keys` (RFC 7517 §5).
    Malformed,
}

impl KeySet {
    /// The age, in seconds, below which a session does not fetch keys again, even for an unknown key. (A login does, once.)
    pub const REFETCH_SECS: u64 = 30;

    /// Reads a JWK set that was fetched from `jwks_uri` at `fetched_at`.
    ///
    /// # Errors
    /// [`KeySetError`] for anything but a JWK set. A set without usable keys is empty, not an error.
    pub fn parse(jwks_uri: &str, document: &[u8], fetched_at: UnixTime) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct JwkSet {
            #[serde(deserialize_with = "usable_keys")]
            keys: Vec<Key>,
        }
        if document.len() > MAX_RESPONSE_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let set: JwkSet = json::strict(document).ok_or(KeySetError::Malformed)?;
        Ok(Self { jwks_uri: jwks_uri.to_owned(), fetched_at, keys: set.keys })
    }

    /// Reads the response to a key request, of any content type: some servers send none.
    pub(crate) fn from_response(jwks_uri: &str, response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        let body = body(response, now)?;
        Self::parse(jwks_uri, body, now).map_err(|error| {
            Error::Violation(match error {
                KeySetError::TooLarge => Violation::ResponseTooLarge,
                KeySetError::Malformed => Violation::ResponseMalformed,
            })
        })
    }

    /// The URL that the keys came from.
    pub fn jwks_uri(&self) -> &str {
        &self.jwks_uri
    }

    /// When the keys were fetched.
    pub fn fetched_at(&self) -> UnixTime {
        self.fetched_at
    }

    /// The age of the keys, in seconds.
    pub fn age(&self, now: UnixTime) -> u64 {
        now.saturating_since(self.fetched_at)
    }

    /// The number of usable keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no usable keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the keys are old enough for another fetch, as they always are if the clock was set back.
    pub(crate) fn may_be_fetched_again(&self, now: UnixTime) -> bool {
        now < self.fetched_at || self.age(now) >= Self::REFETCH_SECS
    }

    /// Whether the keys may still be trusted: a key that the server has withdrawn must not be used for ever. Keys from the future
    /// were stored by a wrong clock, so their age is unknown.
    pub(crate) fn is_fresh(&self, now: UnixTime, max_age: u64) -> bool {
        self.fetched_at <= now.saturating_add(MAX_CLOCK_DIFFERENCE_SECS) && self.age(now) <= max_age
    }

    /// Checks that one of the keys that the token may refer to has signed it. Keys that the token brings along are never used.
    pub(super) fn verify(&self, signed: &Signed<'_>, verifier: &dyn SignatureVerifier) -> Result<(), IdTokenError> {
        let is_valid = |key: &Key| verifier.verify(signed.algorithm, &key.public(), signed.message, signed.signature);
        if self.fitting(signed)?.any(is_valid) {
            Ok(())
        } else {
            Err(IdTokenError::Signature)
        }
    }

    /// The keys that the token may refer to.
    pub(super) fn candidates(&self, signed: &Signed<'_>) -> Result<Candidates, IdTokenError> {
        let mut others: Vec<Key> = self.fitting(signed)?.cloned().collect();
        others.reverse();
        others.pop().map(|key| Candidates { key, others }).ok_or(IdTokenError::Signature)
    }

    /// The keys that the token may refer to. There is one at least, but the signature may not have the length that it requires:
    /// such keys are left out.
    fn fitting<'a>(&'a self, signed: &'a Signed<'_>) -> Result<impl Iterator<Item = &'a Key>, IdTokenError> {
        let is_only = self.keys.len() == 1;
        let fitting = || self.keys.iter().filter(move |key| key.may_have_signed(signed, is_only));
        if fitting().nth(MAX_CANDIDATES).is_some() {
            return Err(IdTokenError::KeyAmbiguous);
        }
        if fitting().next().is_none() {
            return Err(IdTokenError::KeyNotFound);
        }
        Ok(fitting().filter(|key| key.signature_len() == signed.signature.len()))
    }
}

/// Keys that may have signed a token, to be tried one after the other: one at least, [`MAX_CANDIDATES`] at most.
#[derive(Clone)]
pub(crate) struct Candidates {
    key: Key,
    /// The next one is the last of them.
    others: Vec<Key>,
}

impl Candidates {
    /// The key to be tried now.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// The same without that key; `None` if it was the last one.
    pub(crate) fn after(mut self) -> Option<Self> {
        self.others.pop().map(|key| Self { key, ..self })
    }
}

/// Reads the usable keys; other elements of the list are skipped (RFC 7517 §5).
fn usable_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Key>, D::Error> {
    struct Keys;

    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<Key>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of keys")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Key>, A::Error> {
            let mut keys = Vec::new();
            while let Some(element) = list.next_element::<Element>()? {
                keys.extend(element.0);
            }
            Ok(keys)
        }
    }

    deserializer.deserialize_seq(Keys)
}

/// An element of the list: a usable key, or nothing.
struct Element(Option<Key>);

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let jwk: Option<Jwk<'de>> = object_or_none(deserializer)?;
        Ok(Self(jwk.and_then(Jwk::into_key)))
    }
}

impl KeySetError {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "key_set_too_large",
            Self::Malformed => "key_set_malformed",
        }
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the document is larger than 1 MiB: is jwks_uri right?",
            Self::Malformed => "the document is no JWK set (RFC 7517 section 5): is jwks_uri right?",
        })
    }
}

impl core::error::Error for KeySetError {}
