//! Redirects that the platform hands over.

use std::fmt;
use std::sync::Arc;

use oauth_proto::drive;
use oauth_proto::redirect::MAX_REDIRECT_BYTES;
use oauth_proto::LogoutUrl;
use oauth_proto::{AuthorizationUrl, Error, Secret, UnixTime};

use super::error::BrowserError;
use super::inbox::{Arrival, Canceller, Inbox, Put};
use super::logout::LogoutBrowser;
use super::opener::Opener;
use super::visit::Visit;

/// Opens the browser, and waits for the redirect that the platform hands over to the app: a custom scheme (RFC 8252 §7.1), a
/// claimed https link (§7.2), Tauri's deep links, or a second instance of the app that passes its URL on.
///
/// The app gives each URL that it is opened with to the [`LinkSender`]. What is not this login's redirect is ignored.
/// It implements [`Browser`](drive::Browser) for threads and for any async executor.
///
/// ```
/// use oauth_native::browser::{DeepLink, Print};
///
/// let (browser, links) = DeepLink::new(Print::stderr());
///
/// // where the platform hands over a URL (Tauri: `app.deep_link().on_open_url(…)`)
/// links.deliver("com.example.app:/callback?code=…");
/// ```
///
/// # If the app was ended while the browser was open
/// The redirect then starts the app. Deliver its URL first, then restore the login and drive it: with a URL that has arrived
/// already, the browser is not opened, unless the login ignores that URL.
///
/// # iOS
/// `ASWebAuthenticationSession` closes at the first URL of the app's scheme, also at one that is not this login's redirect. Then
/// the user has no window to go on in: see [`reopen_after_stray`](Self::reopen_after_stray).
pub struct DeepLink {
    visit: Visit,
}

impl DeepLink {
    /// A browser, and the sender for the URLs. If all clones of the sender are dropped, the login is cancelled.
    pub fn new(opener: impl Opener + Send + 'static) -> (Self, LinkSender) {
        let visit = Visit::new(opener);
        let inbox = Arc::clone(&visit.inbox);
        let sender = LinkSender { end: Some(Arc::new(End(Arc::clone(&inbox)))), inbox };
        (Self { visit }, sender)
    }

    /// Whether to open the browser again after a URL that the login ignores: for platforms whose browser closes at the first URL
    /// of the app's scheme, such as iOS. Not by default: elsewhere, whoever sends such URLs could open windows without end.
    #[must_use]
    pub fn reopen_after_stray(mut self, reopen: bool) -> Self {
        self.visit.reopens_after_stray = reopen;
        self
    }

    /// Cancels the login under way, or the next one if there is none: for example when the user closes the browser.
    pub fn canceller(&self) -> Canceller {
        self.visit.inbox.canceller()
    }
}

/// Takes the URLs that the platform hands over to the app, for a [`DeepLink`], or those that come to a
/// [`Loopback`](super::Loopback::link_sender) in another way. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct LinkSender {
    inbox: Arc<Inbox>,
    /// Only a [`DeepLink`] waits for nothing else.
    end: Option<Arc<End>>,
}

impl LinkSender {
    /// Hands a URL over. Without a login that waits, a [`DeepLink`] keeps the latest 16 for the next one, since such a URL may be
    /// what the app was started with. A URL that is longer than [`MAX_REDIRECT_BYTES`] is dropped: no login would accept it.
    ///
    /// Returns whether a login may get it: not after the browser was dropped.
    pub fn deliver(&self, url: impl Into<String>) -> bool {
        let url = Secret::new(url);
        if url.reveal().len() > MAX_REDIRECT_BYTES {
            return false;
        }
        let arrival = Arrival { url, reply: None };
        match self.end {
            Some(_) => self.inbox.put_early(arrival),
            None => self.inbox.put(arrival) == Put::Queued,
        }
    }

    /// One whose end means nothing.
    pub(super) fn beside(inbox: &Arc<Inbox>) -> Self {
        Self { inbox: Arc::clone(inbox), end: None }
    }
}

/// Ends the wait with the last sender.
struct End(Arc<Inbox>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end(None);
    }
}

fn url_of(arrival: Option<Arrival>) -> Option<String> {
    arrival.map(|arrival| arrival.url.reveal().into())
}

impl drive::blocking::Browser for DeepLink {
    type Error = BrowserError;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        self.visit.wait(deadline).map(url_of)
    }

    fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.visit.heard(url, verdict)
    }
}

/// A thread of its own wakes the task at the deadline; no runtime is needed.
impl drive::Browser for DeepLink {
    type Error = BrowserError;

    async fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    async fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        self.visit.arrival(deadline).await.map(url_of)
    }

    async fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.visit.heard(url, verdict)
    }
}

impl LogoutBrowser for DeepLink {
    type Error = BrowserError;

    fn open_logout(&mut self, url: &LogoutUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    fn heard_logout(&mut self, url: &LogoutUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.visit.heard(url, verdict)
    }
}

impl fmt::Debug for DeepLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeepLink").finish_non_exhaustive()
    }
}

impl fmt::Debug for LinkSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSender").finish_non_exhaustive()
    }
}
