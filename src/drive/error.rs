//! Why a driven login did not end with tokens.

use core::fmt;

use crate::error::Error;

/// Why a driven login did not end with tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriveError<E> {
    /// The login has ended with this error: start a new login. It is fatal, but for
    /// [`Misuse::AlreadyStarted`](crate::Misuse::AlreadyStarted), if the login had handed out its tokens before, and
    /// [`Misuse::NoCrypto`](crate::Misuse::NoCrypto), which leaves the login as it was.
    Login(Error),
    /// The browser could not be opened, or no redirect can reach the app. The login still waits for its redirect: drive it again.
    Browser(E),
}

impl<E> DriveError<E> {
    /// A name that stays the same from version to version: that of the login's error, or `browser`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Login(error) => error.code(),
            Self::Browser(_) => "browser",
        }
    }
}

impl<E> From<Error> for DriveError<E> {
    fn from(error: Error) -> Self {
        Self::Login(error)
    }
}

impl<E: fmt::Display> fmt::Display for DriveError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(error) => error.fmt(f),
            Self::Browser(error) => write!(f, "the browser could not be used: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for DriveError<E> {}
