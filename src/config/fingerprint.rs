//! What saved forms name a client by.

use alloc::string::String;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// Issuer, client id and redirect URI, hashed.
pub(crate) type Fingerprint = String;

/// 128 bits of it, for what is stored often and need not withstand anybody.
pub(crate) fn short_fingerprint(parts: &[&str]) -> Fingerprint {
    let mut short = fingerprint(parts);
    short.truncate(22);
    short
}

pub(crate) fn fingerprint(parts: &[&str]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths keep `a` + `bc` and `ab` + `c` apart.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Base64UrlUnpadded::encode_string(&hash.finalize())
}
