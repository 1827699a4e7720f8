//! The character sets of RFC 6749 Appendix A.

/// `1*VSCHAR` (`%x20-7E`): code, tokens, client identifiers.
pub(crate) fn is_vschars(text: &str) -> bool {
    !text.is_empty() && is_visible(text)
}

/// `*VSCHAR`.
pub(crate) fn is_visible(text: &str) -> bool {
    all(text.as_bytes(), |octet| octet.wrapping_sub(0x20) < 0x5f)
}

/// What can follow `Bearer ` in a header: visible ASCII, and spaces only inside (RFC 6749 A.12, RFC 9110 §5.5).
pub(crate) fn is_header_token(text: &str) -> bool {
    is_vschars(text) && !text.starts_with(' ') && !text.ends_with(' ')
}

/// Whether a URI may have these characters (RFC 3986 §2). Percent-encoded ones are not decoded.
pub(crate) fn is_uri_chars(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&octet))
}

/// Whether every byte passes `test`. Blocks are tested without a branch for each byte, so that the compiler vectorizes them.
pub(crate) fn all(octets: &[u8], test: impl Fn(u8) -> bool) -> bool {
    let pass = |some: &[u8]| some.iter().fold(true, |passed, octet| passed & test(*octet));
    let long = octets.chunks_exact(128);
    let rest = long.remainder();
    let rest_passes = match rest.last_chunk::<32>() {
        // The last 32 bytes, even if some were tested before.
        Some(last) => rest.chunks_exact(32).all(pass) && pass(last),
        None => pass(rest),
    };
    rest_passes && long.into_iter().all(pass)
}

/// `1*NQSCHAR` (`%x20-21 / %x23-5B / %x5D-7E`): the `error` code.
pub(crate) fn is_nqschars(text: &str) -> bool {
    is_vschars(text) && !text.bytes().any(|octet| octet == b'"' || octet == b'\\')
}

/// One scope token: `1*NQCHAR` (`%x21 / %x23-5B / %x5D-7E`).
pub(crate) fn is_scope_token(text: &str) -> bool {
    is_nqschars(text) && !text.contains(' ')
}
