//! Fingerprints of a client in saved forms.

use alloc::string::String;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// A hash of issuer, client id and redirect URI.
pub(crate) type Fingerprint = String;

/// The first 132 bits of the hash, for forms that are stored often and need not resist attacks.
pub(crate) fn short_fingerprint(parts: &[&str]) -> Fingerprint {
    let mut short = fingerprint(parts);
    short.truncate(22);
    short
}

pub(crate) fn fingerprint(parts: &[&str]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in parts {
        // The lengths keep `a` + `bc` and `ab` + `c` apart.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Base64UrlUnpadded::encode_string(&hash.finalize())
}
