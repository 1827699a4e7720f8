//! How the URL gets to the user's browser.

use std::io;
use std::io::Write;

/// Opens a URL in the user's browser, or tells the user to. A closure `FnMut(&str) -> io::Result<()>` is one.
///
/// It may be called more than once in a login. It should return as soon as the browser has started.
///
/// ```
/// use oauth_native::browser::Opener;
///
/// fn opener() -> impl Opener {
///     |url: &str| std::process::Command::new("firefox").args(["--new-window", url]).spawn().map(drop)
/// }
/// ```
pub trait Opener {
    /// Opens the URL. It contains `state` and `nonce`: pass it on as one argument, never through a shell, and log it nowhere.
    ///
    /// # Errors
    /// If there is no browser, or it cannot be started. Do not put the URL into the error.
    fn open(&mut self, url: &str) -> io::Result<()>;

    /// If this fails, the other is used: `SystemBrowser.or(Print::stderr())`.
    fn or<O: Opener>(self, other: O) -> Or<Self, O>
    where
        Self: Sized,
    {
        Or(self, other)
    }
}

impl<F: FnMut(&str) -> io::Result<()>> Opener for F {
    fn open(&mut self, url: &str) -> io::Result<()> {
        self(url)
    }
}

/// One opener, and another if it fails: see [`Opener::or`].
#[derive(Clone, Copy, Debug)]
pub struct Or<A, B>(A, B);

impl<A: Opener, B: Opener> Opener for Or<A, B> {
    fn open(&mut self, url: &str) -> io::Result<()> {
        self.0.open(url).or_else(|_| self.1.open(url))
    }
}

/// Prints the URL, for the user to open it.
#[derive(Clone, Debug)]
pub struct Print<W>(W);

impl Print<io::Stderr> {
    /// Prints to the standard error, so that the program's output can be piped.
    pub fn stderr() -> Self {
        Self(io::stderr())
    }
}

impl<W: Write> Print<W> {
    /// Prints to this writer.
    pub fn to(writer: W) -> Self {
        Self(writer)
    }
}

impl<W: Write> Opener for Print<W> {
    fn open(&mut self, url: &str) -> io::Result<()> {
        write!(self.0, "Open this address in your browser:\n\n{url}\n\n")?;
        self.0.flush()
    }
}

/// Opens the system's default browser (feature `open`). On Linux and the BSDs the variable `BROWSER` comes first; a browser in
/// the terminal blocks until it is closed. Without that variable and without a screen, it fails there: let another opener
/// follow, with [`or`](Opener::or).
///
/// Only https URLs, and http URLs on this machine, are passed on.
#[cfg(feature = "open")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

#[cfg(feature = "open")]
impl Opener for SystemBrowser {
    fn open(&mut self, url: &str) -> io::Result<()> {
        if !is_web_url(url) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "only https URLs, and http URLs on this machine, are opened",
            ));
        }
        if !has_screen() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "there is no screen"));
        }
        webbrowser::open(url)
    }
}

/// Whether a browser can be seen. On Linux and the BSDs it needs one of these variables (the last one: Windows shows it); without
/// a screen, the system's opener would start a browser in the terminal, or nothing, and call that a success.
#[cfg(feature = "open")]
fn has_screen() -> bool {
    let needs_display = cfg!(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))));
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !needs_display || ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"].iter().any(is_set)
}

/// Whether this is an https URL, or an http URL on this machine, in plain URI characters.
#[cfg(feature = "open")]
fn is_web_url(url: &str) -> bool {
    use oauth_proto::redirect::RedirectUri;

    let scheme = url.split_once("://").map(|(scheme, _)| scheme).unwrap_or_default();
    let before_query = url.split('?').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    // The library's check of redirect URIs knows hosts and loopback addresses.
    matches!(scheme, "https" | "http") && url.bytes().all(is_plain) && RedirectUri::new(before_query).is_ok()
}

#[cfg(all(test, feature = "open"))]
mod tests {
    use super::*;

    #[test]
    fn only_web_urls_are_opened() {
        for url in [
            "https://as.example.com/authorize?client_id=a&redirect_uri=com.example.app%3A%2Fcb&state=s",
            "https://as.example.com",
            "http://127.0.0.1:9000/authorize?state=s",
            "http://[::1]:9000/authorize",
            "http://localhost/authorize?a=b",
        ] {
            assert!(is_web_url(url), "{url}");
        }
        for url in [
            "",
            "/etc/passwd",
            "-e",
            "file:///etc/passwd",
            "file://localhost/etc/passwd",
            "javascript:alert(1)",
            "com.example.app:/x",
            "com.example.app://x",
            "http://as.example.com/authorize",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1@example.com/",
            "https://as.example.com/a b",
            "https://as.example.com/?\"calc",
            "https://as.example.com/?a\\b",
            "https://",
        ] {
            assert!(!is_web_url(url), "{url}");
            assert_eq!(SystemBrowser.open(url).map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
        }
    }
}
