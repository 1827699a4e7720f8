//! The error for received values that do not fit the caller's type.

use core::fmt;

/// The error for received values that do not fit the requested type, or were not kept.
///
/// It has no details: those of the parser might show a code or a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

impl Unfit {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        "unfit"
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "what was received does not fit the type: make its fields optional; or it was not kept: of a token response, see \
             ClientBuilder::keep_token_response",
        )
    }
}

impl core::error::Error for Unfit {}
