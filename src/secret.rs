//! Strings and bytes that are never printed, and are wiped when dropped.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use zeroize::Zeroize;

/// A secret string: an access token, a refresh token or a client secret.
///
/// It is wiped from memory when dropped (except for copies that the compiler makes when it moves the value). `Debug` shows
/// nothing of it, and there is no `Display`. Only [`Secret::reveal`] returns it, so every use is found by that name.
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
    /// Takes over the string. A `String` is not copied.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the string. Send it only where it belongs.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether both strings are equal. Not in constant time: only for tokens that the client already has, so it reveals nothing.
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

/// The only place that wipes. Never inlined, so that a profiler can show its cost.
#[inline(never)]
pub(crate) fn wipe<T: Zeroize + ?Sized>(value: &mut T) {
    value.zeroize();
    #[cfg(test)]
    tests::WIPED.with(|wiped| wiped.set(wiped.get().saturating_add(1)));
}

/// Random bytes of a pending login, wiped when dropped. Stored inline, so that the login stays small.
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

/// For saved forms only: `Secret` itself is not serializable, so that no struct brings one into a log.
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

    /// The same for an optional secret.
    pub(crate) mod optional {
        use alloc::string::String;

        use serde::{Deserialize, Deserializer, Serializer};

        use super::Secret;

        // serde passes the field like this.
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
