//! The character sets of RFC 6749 Appendix A.

/// `1*VSCHAR` (`%x20-7E`): code, tokens, client identifiers.
pub(crate) fn is_vschars(text: &str) -> bool {
    !text.is_empty() && is_visible(text)
}

/// `*VSCHAR`. Every octet is looked at, without a way out before the end: so the compiler can do many at once.
pub(crate) fn is_visible(text: &str) -> bool {
    text.bytes().fold(true, |so_far, octet| so_far & matches!(octet, 0x20..=0x7e))
}

/// `1*NQSCHAR` (`%x20-21 / %x23-5B / %x5D-7E`): the `error` code.
pub(crate) fn is_nqschars(text: &str) -> bool {
    is_vschars(text) && !text.bytes().any(|octet| octet == b'"' || octet == b'\\')
}

/// One scope token: `1*NQCHAR` (`%x21 / %x23-5B / %x5D-7E`).
pub(crate) fn is_scope_token(text: &str) -> bool {
    is_nqschars(text) && !text.contains(' ')
}
