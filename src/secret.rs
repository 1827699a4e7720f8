//! Text that must not be printed and is wiped when it is dropped.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use zeroize::Zeroize;

/// A secret text: an access token, a refresh token, a client secret.
///
/// It is wiped from memory when dropped (moves by the compiler aside), its `Debug` shows nothing of it, and it
/// has no `Display`. [`Secret::reveal`] is the only way to the text, so every use can be found by its name.
///
/// ```
/// use oauth_proto::Secret;
///
/// let secret = Secret::new("tGzv3JOkF0XG5Qx2TlKWIA");
/// assert_eq!(secret.reveal(), "tGzv3JOkF0XG5Qx2TlKWIA");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// ```
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over. No copy is made of a `String`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be sent to where it belongs and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether both are one text. For tokens that this client has already: nobody learns from how long it takes.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl From<Cow<'_, str>> for Secret {
    fn from(text: Cow<'_, str>) -> Self {
        Self(text.into_owned())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The one place that wipes, never inlined, so that a profiler can tell what wiping costs.
#[inline(never)]
pub(crate) fn wipe<T: Zeroize + ?Sized>(value: &mut T) {
    value.zeroize();
    #[cfg(test)]
    tests::WIPED.with(|wiped| wiped.set(wiped.get().saturating_add(1)));
}

/// Random octets of a pending login: inline, so that the login stays small, and wiped when dropped.
#[derive(Clone)]
pub(crate) struct SecretOctets([u8; 32]);

impl SecretOctets {
    pub(crate) fn new(octets: &[u8; 32]) -> Self {
        Self(*octets)
    }

    pub(crate) fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SecretOctets {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// For saved forms alone: `Secret` itself is not serializable, so that none gets into a log by way of a struct.
pub(crate) mod as_text {
    use alloc::string::String;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    pub(crate) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.reveal())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }

    /// The same for a secret that may be absent.
    pub(crate) mod optional {
        use alloc::string::String;

        use serde::{Deserialize, Deserializer, Serializer};

        use super::Secret;

        // serde hands the field over as it is.
        #[allow(clippy::ref_option)]
        pub(crate) fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
            match secret {
                Some(secret) => serializer.serialize_some(secret.reveal()),
                None => serializer.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
            Option::<String>::deserialize(deserializer).map(|text| text.map(Secret::new))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use core::cell::Cell;

    use super::*;

    std::thread_local! {
        /// How often this thread has wiped something.
        pub(super) static WIPED: Cell<u32> = const { Cell::new(0) };
    }

    pub(crate) fn wiped_by(action: impl FnOnce()) -> u32 {
        let before = WIPED.get();
        action();
        WIPED.get().saturating_sub(before)
    }

    #[test]
    fn dropping_wipes() {
        let (secret, octets) = (Secret::new("tGzv3JOkF0XG5Qx2TlKWIA"), SecretOctets::new(&[7; 32]));
        assert_eq!(wiped_by(|| drop(secret)), 1);
        assert_eq!(wiped_by(|| drop(octets)), 1);
    }

    #[test]
    fn wiping_leaves_nothing() {
        let mut text = String::from("secret");
        wipe(&mut text);
        assert!(text.is_empty());
        let mut octets = [7_u8; 32];
        wipe(&mut octets);
        assert_eq!(octets, [0; 32]);
    }
}
