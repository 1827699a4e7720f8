//! The way to a logout and back.

use oauth_proto::Error;
use oauth_proto::LogoutUrl;

/// A browser that can take the user to a logout and back, as for a login: for `Api::log_out`, which waits with the
/// [`Browser`](oauth_proto::drive::Browser) that it is as well.
///
/// The way back is the client's [post-logout redirect URI](oauth_proto::ClientBuilder::post_logout_redirect_uri), which is not
/// the one of its logins. So a [`Loopback`](super::Loopback) for this is bound to that URI.
pub trait LogoutBrowser {
    /// Why the browser could not be used.
    type Error;

    /// Opens the URL in the user's browser.
    ///
    /// # Errors
    /// If the browser cannot be opened.
    fn open_logout(&mut self, url: &LogoutUrl) -> Result<(), Self::Error>;

    /// Hears what the session made of the last URL that came back: the time to answer the browser with
    /// [`Page::of_sign_out`](oauth_proto::loopback::Page::of_sign_out). After an error, the wait goes on.
    ///
    /// # Errors
    /// If the browser has to be opened again, and cannot be.
    fn heard_logout(&mut self, url: &LogoutUrl, verdict: Result<(), &Error>) -> Result<(), Self::Error>;
}
