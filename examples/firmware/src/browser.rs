//! A device without a browser: it shows the authorization URL, and the user pastes the redirect from a browser elsewhere.

use alloc::string::String;

use embassy_time::{with_timeout, Duration};
use oauth_proto::drive::{Browser, Clock};
use oauth_proto::{redirect, AuthorizationUrl, Error, UnixTime};
use zeroize::Zeroizing;

use crate::clock::WallClock;

/// Where the user reads and types: a serial port, a display with a QR code, a form of the device's own web server.
pub trait Terminal {
    /// Shows a line of text.
    fn show(&mut self, line: &str);

    /// Waits for a line that the user types.
    async fn line(&mut self) -> String;
}

/// The browser is elsewhere; the redirect is pasted.
pub struct Pasted<'a, T> {
    terminal: T,
    redirect_uri: &'a str,
}

impl<'a, T: Terminal> Pasted<'a, T> {
    /// The terminal, and the client's redirect URI: a page of yours that shows its own address, to be copied.
    pub fn new(terminal: T, redirect_uri: &'a str) -> Self {
        Self { terminal, redirect_uri }
    }
}

impl<T: Terminal> Browser for Pasted<'_, T> {
    type Error = core::convert::Infallible;

    async fn open(&mut self, url: &AuthorizationUrl) -> Result<(), Self::Error> {
        self.terminal
            .show("Open this address in a browser, log in, and paste the address of the page that you come to:");
        self.terminal.show(url.as_str());
        Ok(())
    }

    async fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, Self::Error> {
        let left = deadline.as_secs().saturating_sub(WallClock.now().as_secs());
        let line = with_timeout(Duration::from_secs(left), self.terminal.line()).await.ok().map(Zeroizing::new);
        Ok(line.map(|line| redirect::from_pasted(self.redirect_uri, &line)))
    }

    async fn heard(&mut self, _url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), Self::Error> {
        match verdict {
            Ok(()) => self.terminal.show("Thank you."),
            Err(error) if error.is_fatal() => {}
            Err(error) => {
                self.terminal.show(error.code());
                self.terminal.show("This is not the address that was expected. Paste the whole address:");
            }
        }
        Ok(())
    }
}
