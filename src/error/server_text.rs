//! Words that a server sent.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;

/// Text that a server sent: shown by its accessor alone, since nobody knows what a server puts in.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerText(Box<str>);

impl ServerText {
    const MAX_CHARS: usize = 1024;

    /// Drops control characters and what comes after 1,024 characters.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.chars().filter(|character| !character.is_control()).take(Self::MAX_CHARS).collect())
    }

    /// All of a text whose size has been limited before, and which must not be cut.
    pub(crate) fn whole(text: &str) -> Self {
        Self(text.chars().filter(|character| !character.is_control()).collect())
    }

    /// The text, not to be trusted.
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
