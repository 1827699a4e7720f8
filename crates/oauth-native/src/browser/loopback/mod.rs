//! A listener on this machine for the redirect.

mod connection;
mod listener;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::mpsc::SyncSender;
use std::sync::Arc;

use oauth_proto::drive;
use oauth_proto::loopback::{Page, Receiver};
use oauth_proto::redirect::RedirectUri;
use oauth_proto::LogoutUrl;
use oauth_proto::{AuthorizationUrl, Error, UnixTime};

use self::connection::Times;
use self::listener::Listener;
use super::deep_link::LinkSender;
use super::error::BrowserError;
use super::inbox::{Arrival, Canceller};
use super::logout::LogoutBrowser;
use super::opener::Opener;
use super::visit::Visit;
use crate::store::Store;

/// Opens the browser, and listens on this machine for the redirect (RFC 8252 §7.3): for desktop apps and command-line tools.
///
/// Bind it before the client is made, and give its [`redirect_uri`](Self::redirect_uri) to the client. One `Loopback` serves any
/// number of logins, one after the other. It implements [`Browser`](drive::Browser) for threads and for any async executor.
///
/// ```
/// use oauth_native::browser::{Loopback, Print};
/// use oauth_native::oauth_proto::{AuthorizationServer, Client};
///
/// let browser = Loopback::bind(Print::stderr())?; // SystemBrowser, with the feature `open`
/// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// let client = Client::new(server, "s6BhdRkqt3", &browser.redirect_uri())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What is no redirect is answered, and does not disturb the wait: icons, probes, connections that send nothing (browsers open
/// such in advance), other hosts, garbage. Connections are served side by side, at most
/// [`MAX_CONNECTIONS`](Self::MAX_CONNECTIONS) of them, then the oldest is closed; without an octet for 10 seconds, or if a
/// request takes longer than 30, a connection is closed too. Redirects that no login waits for get a page that says so.
///
/// Dropping it stops listening and ends its threads. A page that is being sent is sent to the end, which the drop waits for, two
/// seconds at most: so drop it before the process ends, and do not call [`std::process::exit`] before.
pub struct Loopback {
    // Before the listener: nothing is awaited any more when it stops.
    visit: Visit,
    /// Where the page for the last redirect goes.
    reply: Option<SyncSender<Page>>,
    pages: Box<Pages>,
    redirect_uri: RedirectUri,
    /// Stops when dropped.
    _listener: Listener,
}

type Pages = dyn FnMut(&Result<(), Error>) -> Page + Send;

impl Loopback {
    /// The most connections that are served at a time.
    pub const MAX_CONNECTIONS: usize = listener::MAX_CONNECTIONS;

    /// Binds a free port of `127.0.0.1`, or of `[::1]` where there is no IPv4, for the path `/callback`. Servers that follow
    /// RFC 8252 §7.3 accept any port; for others, see [`bind_uri`](Self::bind_uri).
    ///
    /// # Errors
    /// [`BrowserError::Listen`] and [`BrowserError::Thread`].
    pub fn bind(opener: impl Opener + Send + 'static) -> Result<Self, BrowserError> {
        Self::bind_path("/callback", opener)
    }

    /// The same for another path, which begins with `/`.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind), and [`BrowserError::RedirectUri`] for a path that does not fit into a URI.
    pub fn bind_path(path: &str, opener: impl Opener + Send + 'static) -> Result<Self, BrowserError> {
        let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);
        let socket = bind(v4).or_else(|error| bind(v6).map_err(|_| error))?;
        let address = socket.local_addr().map_err(|error| BrowserError::Listen(v4, error))?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        let redirect_uri = RedirectUri::new(&format!("http://{address}{slash}{path}"))?;
        Self::serve(redirect_uri, vec![socket], opener)
    }

    /// Listens where this redirect URI leads to, for servers that demand the very URI that is registered, with its port:
    /// `http://127.0.0.1:51004/callback`. If it names no port, it gets a free one: see [`redirect_uri`](Self::redirect_uri). For
    /// `localhost` it listens on both addresses that the browser may choose.
    ///
    /// # Errors
    /// [`BrowserError::PortInUse`]; [`BrowserError::RedirectUri`] unless the URI is http on this machine;
    /// [`BrowserError::Listen`] and [`BrowserError::Thread`].
    pub fn bind_uri(redirect_uri: &str, opener: impl Opener + Send + 'static) -> Result<Self, BrowserError> {
        let redirect_uri = with_port(RedirectUri::new(redirect_uri)?)?;
        let sockets = sockets(&redirect_uri)?;
        Self::serve(redirect_uri, sockets, opener)
    }

    /// Like [`bind`](Self::bind), but if a login waits in the [place beside](Store::beside) this store, on that login's port: then
    /// the browser that is still open comes back to this process, and [`Api::open`](crate::api::Api::open) goes on with the login.
    /// If that port is taken, by another process that waits, for example, it is any free one. [`bind_uri`](Self::bind_uri) needs
    /// nothing of the kind: there the URI is always the same.
    ///
    /// It reads the store, which blocks while another process has the place beside locked.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind).
    pub fn bind_for(store: &dyn Store, opener: impl Opener + Send + 'static) -> Result<Self, BrowserError> {
        match waiting(store).and_then(|uri| sockets(&uri).ok().map(|sockets| (uri, sockets))) {
            Some((uri, sockets)) => Self::serve(uri, sockets, opener),
            None => Self::bind(opener),
        }
    }

    fn serve(
        redirect_uri: RedirectUri,
        sockets: Vec<TcpListener>,
        opener: impl Opener + Send + 'static,
    ) -> Result<Self, BrowserError> {
        let visit = Visit::new(opener);
        let receiver = Receiver::new(&redirect_uri)?;
        let listener =
            Listener::start(receiver, Arc::clone(&visit.inbox), Times::USUAL, sockets).map_err(BrowserError::Thread)?;
        Ok(Self { visit, reply: None, pages: Box::new(Page::of), redirect_uri, _listener: listener })
    }

    /// Replaces the pages that the user sees after a redirect. They are chosen by what the login made of it; for the rest, fall
    /// back on [`Page::of`].
    ///
    /// ```
    /// use oauth_native::browser::{Loopback, Print};
    /// use oauth_native::oauth_proto::loopback::{Outcome, Page};
    ///
    /// let welcome = Page::html(200, "<!doctype html><title>Example</title><p>Welcome! Go back to Example.")?;
    /// let browser = Loopback::bind(Print::stderr())?.pages(move |handled| match Outcome::of(handled) {
    ///     Outcome::Accepted => welcome.clone(),
    ///     _ => Page::of(handled),
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pages(mut self, pages: impl FnMut(&Result<(), Error>) -> Page + Send + 'static) -> Self {
        self.pages = Box::new(pages);
        self
    }

    /// The redirect URI with the bound port, for the client.
    pub fn redirect_uri(&self) -> String {
        self.redirect_uri.as_str().into()
    }

    /// Cancels the login under way, or the next one if there is none.
    pub fn canceller(&self) -> Canceller {
        self.visit.inbox.canceller()
    }

    /// Takes redirects that come in another way: pasted by a user whose browser runs on another machine, for example. They count
    /// while a login waits.
    pub fn link_sender(&self) -> LinkSender {
        LinkSender::beside(&self.visit.inbox)
    }

    fn received(&mut self, arrival: Option<Arrival>) -> Option<String> {
        let arrival = arrival?;
        // If a wait before was dropped without a verdict, its page is no longer awaited here: the browser is told so.
        self.reply = arrival.reply;
        Some(arrival.url.reveal().into())
    }

    fn answer(&mut self, page: impl FnOnce(&mut Pages) -> Page) {
        if let Some(reply) = self.reply.take() {
            // It fails if the browser has left, which changes nothing for the login.
            let _ = reply.try_send(page(&mut self.pages));
        }
    }
}

/// Where the stored login waits for its redirect.
fn waiting(store: &dyn Store) -> Option<RedirectUri> {
    let saved = store.beside()?.lock().ok()?.load().ok()??;
    RedirectUri::new(saved.redirect_uri()).ok()
}

/// The URI itself if it names a port, or else with a port that is free now.
fn with_port(uri: RedirectUri) -> Result<RedirectUri, BrowserError> {
    let Some(address) = Receiver::new(&uri)?.addresses().next() else { return Ok(uri) };
    let (scheme, rest) = uri.as_str().split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // The host may be an IPv6 address in brackets.
    if authority.rsplit(']').next().is_some_and(|port| port.contains(':')) {
        return Ok(uri);
    }
    let any = SocketAddr::new(address.ip(), 0);
    let free = bind(any)?.local_addr().map_err(|error| BrowserError::Listen(any, error))?;
    Ok(RedirectUri::new(&format!("{scheme}://{authority}:{}{path}", free.port()))?)
}

/// Binds every address that a browser may choose for this URI.
fn sockets(redirect_uri: &RedirectUri) -> Result<Vec<TcpListener>, BrowserError> {
    let (mut sockets, mut first_error) = (Vec::new(), None);
    for address in Receiver::new(redirect_uri)?.addresses() {
        match bind(address) {
            Ok(socket) => sockets.push(socket),
            // If another program has one of the addresses, the browser might go there.
            Err(error @ BrowserError::PortInUse(_)) => return Err(error),
            // A machine without IPv6, for example.
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok(sockets),
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, BrowserError> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BrowserError::PortInUse(address),
        _ => BrowserError::Listen(address, error),
    })
}

impl drive::blocking::Browser for Loopback {
    type Error = BrowserError;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        let arrival = self.visit.wait(deadline)?;
        Ok(self.received(arrival))
    }

    fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.answer(|pages| pages(&verdict.map_err(Clone::clone)));
        self.visit.heard(url, verdict)
    }
}

/// A thread of its own wakes the task at the deadline; no runtime is needed.
impl drive::Browser for Loopback {
    type Error = BrowserError;

    async fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    async fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        let arrival = self.visit.arrival(deadline).await?;
        Ok(self.received(arrival))
    }

    async fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.answer(|pages| pages(&verdict.map_err(Clone::clone)));
        self.visit.heard(url, verdict)
    }
}

/// The pages are [`Page::of_sign_out`].
impl LogoutBrowser for Loopback {
    type Error = BrowserError;

    fn open_logout(&mut self, url: &LogoutUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    fn heard_logout(&mut self, url: &LogoutUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.answer(|_| Page::of_sign_out(&verdict));
        self.visit.heard(url, verdict)
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}
