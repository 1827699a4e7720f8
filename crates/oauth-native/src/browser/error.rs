//! Why the browser could not be used.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use oauth_proto::ConfigError;

/// Why the browser could not be used. It contains nothing of the authorization URL or the redirect.
#[derive(Debug)]
#[non_exhaustive]
pub enum BrowserError {
    /// The [`Opener`](super::Opener) could not open the URL.
    Open(io::Error),
    /// Another program listens on the port, or this one does already: end it, or choose another port.
    PortInUse(SocketAddr),
    /// The address cannot be listened on for another reason.
    Listen(SocketAddr, io::Error),
    /// The redirect URI is wrong, or not one of this machine.
    RedirectUri(ConfigError),
    /// The user's input cannot be read.
    Input(io::Error),
    /// The system gives this process no thread.
    Thread(io::Error),
}

impl BrowserError {
    /// A name that stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "browser_not_opened",
            Self::PortInUse(_) => "port_in_use",
            Self::Listen(..) => "cannot_listen",
            Self::RedirectUri(error) => error.code(),
            Self::Input(_) => "input_not_read",
            Self::Thread(_) => "no_thread",
        }
    }
}

impl fmt::Display for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => write!(f, "the browser could not be opened: {error}"),
            Self::PortInUse(address) => write!(
                f,
                "port {} is in use: end what listens on {address}, perhaps this app itself, or use another port",
                address.port()
            ),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::RedirectUri(error) => error.fmt(f),
            Self::Input(error) => write!(f, "the input could not be read: {error}"),
            Self::Thread(error) => write!(f, "no thread could be started: {error}"),
        }
    }
}

impl std::error::Error for BrowserError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) | Self::Listen(_, error) | Self::Input(error) | Self::Thread(error) => Some(error),
            Self::RedirectUri(error) => Some(error),
            Self::PortInUse(_) => None,
        }
    }
}

impl From<ConfigError> for BrowserError {
    fn from(error: ConfigError) -> Self {
        Self::RedirectUri(error)
    }
}
