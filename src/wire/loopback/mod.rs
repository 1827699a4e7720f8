//! A receiver for the redirect that a browser sends to this machine (RFC 8252 §7.3), without I/O.
//!
//! A desktop app or a command-line tool has `http://127.0.0.1:PORT/…` or `http://[::1]:PORT/…` as its redirect URI, and listens
//! there for the browser. Octets that arrive go in; out come answers to what is no redirect (icons, probes, other hosts,
//! garbage), and the redirect's URL for [`Event::RedirectReceived`](crate::Event::RedirectReceived), to be answered with a
//! [`Page`]. Whether the redirect is the right one, the login checks.
//!
//! ```
//! use oauth_proto::loopback::{Page, Receiver, Step};
//! # use oauth_proto::{Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, UnixTime};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
//! # let client = Client::new(server, "s6BhdRkqt3", "http://127.0.0.1:51004/callback")?;
//! # let mut login = Login::new(client.clone(), AuthorizationRequest::new().scope("read"))?;
//! # let now = UnixTime::from_secs(0);
//! # let entropy = Entropy::new(core::array::from_fn(|index| index as u8))?;
//! # let Action::OpenUrl(url) = login.handle(Event::Start(entropy), now)? else { panic!() };
//! # let state = url.split("&state=").nth(1).unwrap()[..43].to_owned();
//! # struct Socket(Vec<Vec<u8>>, Vec<u8>);
//! # impl Socket {
//! #     fn read<'a>(&mut self, buffer: &'a mut [u8]) -> &'a [u8] {
//! #         let octets = if self.0.is_empty() { Vec::new() } else { self.0.remove(0) };
//! #         buffer[..octets.len()].copy_from_slice(&octets);
//! #         &buffer[..octets.len()]
//! #     }
//! #     fn write(&mut self, octets: &[u8]) { self.1.extend_from_slice(octets) }
//! # }
//! # let icon = "GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:51004\r\n\r\n".to_owned();
//! # let redirect = format!("GET /callback?code=C1&state={state} HTTP/1.1\r\nHost: 127.0.0.1:51004\r\n\r\n");
//! # let mut socket = Socket(vec![icon.into(), redirect[..30].into(), redirect[30..].into()], Vec::new());
//!
//! let receiver = Receiver::new(client.redirect_uri())?;
//! let mut connection = receiver.connection(); // for each connection that was accepted
//! let mut buffer = [0; 4096];
//! let mut octets: &[u8] = &[];
//! let action = loop {
//!     match connection.receive(&mut octets) {
//!         Step::NeedMore => {
//!             octets = socket.read(&mut buffer);
//! #           assert!(!octets.is_empty());
//!             // if there are none, the connection has ended: break
//!         }
//!         Step::Answer(answer) => {
//!             socket.write(answer.octets());
//!             // if answer.closes(), close the connection: break
//!         }
//!         Step::Redirect(url) => {
//!             let handled = login.handle(Event::RedirectReceived(&url), now);
//!             let answer = connection.answer(&Page::of(&handled));
//!             socket.write(answer.octets());
//!             if let Ok(action) = handled { break action }
//!             // a fatal error ends the login: break; after any other go on, the right redirect may still come
//!         }
//!     }
//! };
//! assert!(matches!(action, Action::SendRequest(_)));
//! # let written = String::from_utf8(socket.1)?;
//! # assert!(written.starts_with("HTTP/1.1 404 Not Found\r\n"));
//! # assert!(written.contains("HTTP/1.1 200 OK\r\n") && written.contains("You can close this window."));
//! # Ok(())
//! # }
//! ```
//!
//! # What the driver does
//! - **Bind before the client is made**, on port 0 of `127.0.0.1`, or of `[::1]` where there is no IPv4 (RFC 8252 §7.3), and
//!   write the bound port into the redirect URI. If the server wants the registered port, bind [`Receiver::addresses`]. Bind no
//!   other address: the whole network could connect.
//! - **Serve connections side by side**, some 16 at a time; to accept one more, close the one that was silent for longest.
//!   Browsers open connections on which they send nothing, or send later (preconnect): a driver that serves one at a time never
//!   sees the redirect on the next.
//! - **Set timeouts**: some 10 seconds without an octet, 30 for a request, and close without an answer. The time that the user
//!   takes for the login does not count: the browser sends the redirect after it.
//! - **Close** as [`Answer::closes`] says, after a redirect too. A connection that is kept open may be closed at any time between
//!   two requests (RFC 9112 §9.5).
//! - **Stop listening** when the login ends, after the page was written to the end.
//!
//! # The address bar
//! The page is the direct answer to the redirect, so the address bar and the history keep the URL with the code. That is no leak:
//! the code is used up within moments, and useless without the login's PKCE verifier; `Referrer-Policy` keeps it from other
//! sites. A redirect to a clean path of this listener would need the app to live until the browser has connected again; if it
//! ended before, the user would see an error after a login that succeeded. An app with a web site sends the browser on to it:
//! [`Page::elsewhere`].
//!
//! # Limits
//! HTTP/1.1 and 1.0. `GET`, `HEAD` and `POST`, the latter with `application/x-www-form-urlencoded` (`response_mode=form_post`)
//! and `Content-Length`: a body in chunks gets 411 (RFC 9112 §6.3). What is ambiguous in HTTP is refused with 400, and the
//! connection closed: CR or LF alone, NUL (RFC 9112 §2.2), folded lines, a space before the colon (§5), repeated `Host` or
//! `Content-Length`, `Content-Length` with `Transfer-Encoding` (§6). A line above [`MAX_LINE_BYTES`] gets 414 or 431, a head
//! above [`MAX_HEAD_BYTES`] 431, a body above [`MAX_BODY_BYTES`] 413. A `Host` that is not the redirect URI's gets 421: it may be
//! a name that an attacker makes resolve to this machine (DNS rebinding). Work is linear in the octets, and a connection holds at
//! most [`MAX_HELD_BYTES`] of them.

mod answer;
mod buffer;
mod connection;
mod head;
mod page;
mod place;
mod refusal;
mod step;

use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;

pub use self::answer::Answer;
pub use self::connection::{Connection, MAX_BODY_BYTES, MAX_HELD_BYTES};
pub use self::head::{MAX_HEAD_BYTES, MAX_LINE_BYTES};
pub use self::page::{Outcome, Page};
use self::place::Place;
pub use self::step::{ReceivedUrl, Step};
use crate::error::config::ConfigError;
use crate::wire::redirect::uri::RedirectUri;

/// Receives the redirects to one redirect URI on this machine. Cheap to clone.
#[derive(Clone)]
pub struct Receiver {
    place: Arc<Place>,
}

impl Receiver {
    /// Makes a receiver for the [redirect URI of a client](crate::Client::redirect_uri), or its
    /// [post-logout redirect URI](crate::Client::post_logout_redirect_uri).
    ///
    /// # Errors
    /// [`ConfigError::RedirectUri`] unless it is http on a loopback address or `localhost`.
    pub fn new(redirect_uri: &RedirectUri) -> Result<Self, ConfigError> {
        Ok(Self { place: Arc::new(Place::new(redirect_uri)?) })
    }

    /// The addresses that the redirect URI leads to, with its port: one, or for `localhost` both that it may resolve to. Listen on
    /// both, so that nobody else can; on a machine without IPv6, the second cannot be bound, and the first is enough.
    ///
    /// ```
    /// use oauth_proto::loopback::Receiver;
    /// use oauth_proto::redirect::RedirectUri;
    ///
    /// let receiver = Receiver::new(&RedirectUri::new("http://[::1]:51004/callback")?)?;
    /// assert_eq!(receiver.addresses().collect::<Vec<_>>(), ["[::1]:51004".parse().unwrap()]);
    /// # Ok::<(), oauth_proto::ConfigError>(())
    /// ```
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        self.place.addresses()
    }

    /// A connection that was accepted.
    pub fn connection(&self) -> Connection {
        Connection::new(Arc::clone(&self.place))
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("origin", &self.place.origin()).finish_non_exhaustive()
    }
}
