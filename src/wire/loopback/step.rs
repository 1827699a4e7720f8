//! What comes out of a connection.

use core::fmt;
use core::ops::Deref;

use super::answer::Answer;
use crate::secret::Secret;

/// What to do next with a connection.
#[derive(Debug)]
#[must_use = "the browser waits for its answer"]
pub enum Step {
    /// All octets were taken: read more from the connection. If it has ended, drop it.
    NeedMore,
    /// The request was no redirect. Write this answer; then close the connection, or go on with the octets that are left.
    Answer(Answer),
    /// A redirect for [`Event::RedirectReceived`](crate::Event::RedirectReceived). Then write what
    /// [`Connection::answer`](super::Connection::answer) gives.
    Redirect(ReceivedUrl),
}

/// The URL that a browser was redirected to. Anybody can send one: the login checks it. It may contain the code, so `Debug` does
/// not show it, and it is wiped when it is dropped.
pub struct ReceivedUrl(Secret);

impl ReceivedUrl {
    pub(super) fn new(url: Secret) -> Self {
        Self(url)
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.0.reveal()
    }
}

impl Deref for ReceivedUrl {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for ReceivedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceivedUrl(..)")
    }
}
