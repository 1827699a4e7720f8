//! The browser: how the URL gets there, and how it comes back.

use std::io;
use std::sync::Arc;

use oauth_native::browser::{DeepLink, Loopback, Opener, SystemBrowser};
use url::Url;

use crate::failure::Failure;
use crate::pasted::Pasted;
use crate::print::{say, step};
use crate::told::ToldBrowser;
use crate::user_agent::Scripted;

/// Opens the URL in the system's browser, or prints it.
#[derive(Clone)]
pub struct Opens {
    pub no_browser: bool,
    /// With the embedded server, it goes where a printed URL leads to.
    pub scripted: Option<Arc<Scripted>>,
}

impl Opener for Opens {
    fn open(&mut self, url: &str) -> io::Result<()> {
        let opened = if self.no_browser { Err(io::Error::other("--no-browser")) } else { SystemBrowser.open(url) };
        let Err(why) = opened else {
            step("", "", "the browser is open: go on there (Ctrl-C ends this)");
            return Ok(());
        };
        step("", "", &format!("no browser ({why}); this is the URL to open:"));
        say(url);
        match &self.scripted {
            Some(scripted) => {
                step("", "", "a scripted user agent goes there, after a forged redirect from somebody else");
                scripted.set_off(url)
            }
            None => {
                step(
                    "",
                    "",
                    "then wait here; if the browser cannot come back to this machine, paste the URL it ends at",
                );
                Ok(())
            }
        }
    }
}

/// How the browser comes back to the app.
pub struct Ways {
    pub opens: Opens,
    /// `None` with the embedded server, whose redirects all come to this machine.
    pub pasted: Option<Pasted>,
}

impl Ways {
    /// The way back to this URI: a listener, or else the user pastes what the browser ends at.
    pub fn to(&self, uri: &str) -> Result<ToldBrowser, Failure> {
        let opens = self.opens.clone();
        if is_loopback(uri) {
            let browser = Loopback::bind_uri(uri, opens).map_err(|error| {
                Failure::new(
                    format!("the redirect listener for {uri} could not start: {error}"),
                    "another program may hold the port: choose another one with --redirect-uri, or close that program",
                )
            })?;
            let uri = browser.redirect_uri();
            if let Some(pasted) = &self.pasted {
                pasted.goes_to(&uri, browser.link_sender());
            }
            Ok(ToldBrowser::new(Box::new(browser), uri))
        } else {
            let (browser, links) = DeepLink::new(opens);
            if let Some(pasted) = &self.pasted {
                pasted.goes_to(uri, links);
            }
            Ok(ToldBrowser::new(Box::new(browser), uri.to_owned()))
        }
    }
}

/// Whether this program can listen there.
pub fn is_loopback(uri: &str) -> bool {
    let url = Url::parse(uri).ok();
    url.is_some_and(|url| url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")))
}

/// Prints where the browser comes back to.
pub fn show(name: &str, uri: &str) {
    if is_loopback(uri) {
        step("listen", name, uri);
    } else {
        step("paste", name, &format!("{uri}  (paste the URL that the browser ends at here)"));
    }
}

/// The URI for the way back from a logout. If it names no port, it gets that of the redirect URI, whose listener will have ended
/// by then; if that has none either, a free one.
pub fn after_logout(uri: &str, redirect_uri: &str) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    if !is_loopback(uri) || url.port().is_some() {
        return uri.to_owned();
    }
    let login = Url::parse(redirect_uri).ok().filter(|_| is_loopback(redirect_uri));
    match login.and_then(|login| login.port()) {
        // A URL with a host can have a port.
        Some(port) if url.set_port(Some(port)).is_ok() => url.into(),
        _ => Loopback::bind_uri(uri, |_: &str| Ok(())).map_or_else(|_| uri.to_owned(), |free| free.redirect_uri()),
    }
}
