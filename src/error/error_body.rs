//! The body of an error response, kept for members beyond those of RFC 6749 §5.2.

use core::fmt;

use crate::secret::Secret;

/// The body of an error response that has other members than those of RFC 6749 §5.2. Otherwise nothing is kept.
#[derive(Clone, Default)]
pub(crate) struct ErrorBody(Option<Secret>);

impl ErrorBody {
    /// A body longer than this is not kept.
    const MAX_BYTES: usize = 16 * 1024;

    /// Copies a body that was read as JSON, and so is UTF-8.
    pub(crate) fn keep(body: &[u8]) -> Self {
        let text = core::str::from_utf8(body).ok().filter(|text| text.len() <= Self::MAX_BYTES);
        Self(text.map(Secret::new))
    }

    pub(crate) fn text(&self) -> &str {
        self.0.as_ref().map_or("", Secret::reveal)
    }
}

impl PartialEq for ErrorBody {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for ErrorBody {}

impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorBody(..)")
    }
}
