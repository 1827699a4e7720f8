//! The browser and the way back: implementations of the library's [`Browser`](oauth_proto::drive::Browser), for threads and for
//! any async executor.
//!
//! | The redirect comes | |
//! |---|---|
//! | to a port of this machine: desktop apps, command-line tools | [`Loopback`] |
//! | from the platform, which opens the app with a URL: mobile apps, Tauri, a second instance | [`DeepLink`] |
//! | from the user, who pastes it: machines without a browser | [`Paste`] |
//!
//! How the URL gets to the user, an [`Opener`] says: `SystemBrowser` (feature `open`), [`Print`], or a closure.
//!
//! Waiting ends with the redirect, at the login's deadline, or when a [`Canceller`] is used. The future of an async wait may be
//! dropped: a redirect that has come is kept for the next wait, which then opens no browser.

mod deep_link;
mod error;
mod inbox;
mod logout;
mod loopback;
mod opener;
mod paste;
mod visit;

pub use self::deep_link::{DeepLink, LinkSender};
pub use self::error::BrowserError;
pub use self::inbox::Canceller;
pub use self::logout::LogoutBrowser;
pub use self::loopback::Loopback;
#[cfg(feature = "open")]
pub use self::opener::SystemBrowser;
pub use self::opener::{Opener, Or, Print};
pub use self::paste::Paste;
