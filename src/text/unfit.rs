//! Values from outside do not fit the type that the caller asked for.

use core::fmt;

/// What was received does not fit the type it was to be read into, or was not kept. The library that read it would say more,
/// and show a code or a token doing so; this does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

impl Unfit {
    /// A name that stays the same from version to version.
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
