//! Randomness as an argument: this crate draws none by itself.

use core::fmt;

use crate::secret::wipe;

/// 96 random bytes for one login: 32 each for the code verifier, `state` and `nonce`.
///
/// It serves one login only: it is neither `Clone` nor `Copy`, `Debug` shows nothing of it, and it is wiped when dropped. 256
/// bits for each part are more than RFC 7636 §7.1 (verifier) and RFC 6749 §10.10 (state) ask for.
///
/// ```
/// use oauth_proto::Entropy;
///
/// // Constant bytes are refused: the three parts must differ.
/// assert!(Entropy::new([0; 96]).is_err());
/// # #[cfg(feature = "getrandom")]
/// let entropy = Entropy::from_os().expect("the operating system has randomness");
/// ```
pub struct Entropy {
    verifier: [u8; 32],
    state: [u8; 32],
    nonce: [u8; 32],
}

/// Why bytes cannot serve as [`Entropy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntropyError {
    /// Two of the three parts are equal, so the bytes are not random.
    Repeated,
    /// The operating system gave no randomness (feature `getrandom`).
    Unavailable,
    /// A slice does not have 96 bytes.
    Length,
}

impl Entropy {
    /// Takes 96 bytes from a cryptographically secure random number generator.
    ///
    /// # Errors
    /// [`EntropyError::Repeated`] if two of the three 32-byte parts are equal, as from a constant fill or a stuck generator.
    pub fn new(mut octets: [u8; 96]) -> Result<Self, EntropyError> {
        let mut entropy = Self { verifier: [0; 32], state: [0; 32], nonce: [0; 32] };
        let parts = [&mut entropy.verifier, &mut entropy.state, &mut entropy.nonce];
        for (part, chunk) in parts.into_iter().zip(octets.chunks_exact(32)) {
            part.copy_from_slice(chunk);
        }
        wipe(&mut octets);
        let Self { verifier, state, nonce } = &entropy;
        if verifier == state || state == nonce || verifier == nonce {
            return Err(EntropyError::Repeated);
        }
        Ok(entropy)
    }

    /// Draws 96 bytes from the operating system (feature `getrandom`).
    ///
    /// # Errors
    /// [`EntropyError::Unavailable`] if the operating system gives none.
    #[cfg(feature = "getrandom")]
    pub fn from_os() -> Result<Self, EntropyError> {
        let mut octets = [0; 96];
        getrandom::fill(&mut octets).map_err(|_| EntropyError::Unavailable)?;
        let entropy = Self::new(octets);
        wipe(&mut octets);
        entropy
    }

    pub(crate) fn verifier(&self) -> &[u8; 32] {
        &self.verifier
    }

    pub(crate) fn state(&self) -> &[u8; 32] {
        &self.state
    }

    pub(crate) fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }
}

/// Copies 96 bytes that came through a foreign interface, which has no arrays of a fixed length. Wipe the original.
///
/// ```
/// use oauth_proto::{Entropy, EntropyError};
///
/// let octets: Vec<u8> = (0..96).collect();
/// assert!(Entropy::try_from(octets.as_slice()).is_ok());
/// assert_eq!(Entropy::try_from(&octets[1..]).unwrap_err(), EntropyError::Length);
/// ```
impl TryFrom<&[u8]> for Entropy {
    type Error = EntropyError;

    /// # Errors
    /// [`EntropyError::Length`] for any other number of bytes, and as [`Entropy::new`].
    fn try_from(octets: &[u8]) -> Result<Self, EntropyError> {
        let mut octets = <[u8; 96]>::try_from(octets).map_err(|_| EntropyError::Length)?;
        let entropy = Self::new(octets);
        wipe(&mut octets);
        entropy
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        wipe(&mut self.verifier);
        wipe(&mut self.state);
        wipe(&mut self.nonce);
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

impl EntropyError {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        match self {
            Self::Repeated => "entropy_repeated",
            Self::Unavailable => "entropy_unavailable",
            Self::Length => "entropy_length",
        }
    }
}

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => {
                "two parts of the entropy are equal: pass 96 octets from a secure random number generator"
            }
            Self::Unavailable => {
                "the operating system gave no randomness: try again, or pass 96 octets to Entropy::new"
            }
            Self::Length => "the entropy does not have 96 octets: pass 96 from a secure random number generator",
        })
    }
}

impl core::error::Error for EntropyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::tests::wiped_by;

    #[test]
    fn dropping_wipes() {
        let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
        assert_eq!(wiped_by(|| drop(entropy)), 3);
    }
}
