//! Text from a server.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;

/// Text from a server, which may contain anything. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerText(Box<str>);

impl ServerText {
    const MAX_CHARS: usize = 1024;

    /// Drops control characters, and everything after 1,024 characters.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.chars().filter(|character| !character.is_control()).take(Self::MAX_CHARS).collect())
    }

    /// Keeps all of a text whose size was limited before, except control characters.
    pub(crate) fn whole(text: &str) -> Self {
        Self(text.chars().filter(|character| !character.is_control()).collect())
    }

    /// The text. Do not trust it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for ServerText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ServerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerText(..)")
    }
}
