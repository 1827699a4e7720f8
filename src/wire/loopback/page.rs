//! What the person sees in the browser after a redirect.

use alloc::borrow::{Borrow, Cow};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::refusal::Refusal;
use crate::error::config::ConfigError;
use crate::error::refused::Refused;
use crate::error::{Error, Ignored, Over};
use crate::http::endpoint::{self, Transport};

/// What a machine made of a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It was accepted. A login still has to exchange its code for tokens.
    Accepted,
    /// The user or the server refused, with an error response.
    Refused,
    /// It cannot be used, or came too late: the login is over.
    Unusable,
    /// It is not the one that is awaited. The app goes on waiting. (It may be an error without `state`, which proves nothing:
    /// [`unproved_error`](crate::redirect::unproved_error) reads it.)
    NotOurs,
    /// None is awaited: the page was loaded again, or the login is over.
    NotAwaited,
}

impl Outcome {
    /// From the result of [`Login::handle`](crate::Login::handle) or [`Session::handle`](crate::Session::handle), or from what
    /// [`Browser::heard`](crate::drive::Browser::heard) is told.
    pub fn of<T, E: Borrow<Error>>(handled: &Result<T, E>) -> Self {
        match handled.as_ref().map_err(Borrow::borrow) {
            Ok(_) => Self::Accepted,
            Err(Error::Refused(_)) => Self::Refused,
            Err(
                Error::Ignored(Ignored::RedirectNotAwaited | Ignored::Finished)
                | Error::Over(Over::Cancelled)
                | Error::Misuse(_),
            ) => Self::NotAwaited,
            Err(Error::Ignored(_)) => Self::NotOurs,
            Err(Error::Violation(_) | Error::Over(_)) => Self::Unusable,
        }
    }
}

/// A page for the browser: the crate's own, or the app's.
///
/// The crate's pages are in English, contain no script and load nothing. Text of the server's error response is escaped. `Debug`
/// shows the status only.
#[derive(Clone)]
pub struct Page {
    status: u16,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Ours {
        title: &'static str,
        text: &'static str,
        said: Option<String>,
    },
    /// HTML of the app.
    App(Cow<'static, str>),
    /// A URL of the app.
    Elsewhere(String),
}

impl Page {
    /// The page for a login's redirect, from the result of [`Login::handle`](crate::Login::handle), or from what
    /// [`Browser::heard`](crate::drive::Browser::heard) is told.
    pub fn of<T, E: Borrow<Error>>(handled: &Result<T, E>) -> Self {
        let handled = &handled.as_ref().map_err(Borrow::borrow);
        let (title, text) = match Outcome::of(handled) {
            Outcome::Accepted => ("Return to the app", "The server has answered, and the app completes the login."),
            Outcome::Refused => {
                ("Not logged in", "The login was cancelled or refused. To try again, start it again in the app.")
            }
            Outcome::Unusable if matches!(handled, Err(Error::Over(Over::Expired))) => {
                ("Not logged in", "The login took too long. To try again, start it again in the app.")
            }
            Outcome::Unusable => (
                "Not logged in",
                "The app cannot use the server's answer. To try again, start the login again in the app.",
            ),
            Outcome::NotOurs => return Self::not_ours(),
            Outcome::NotAwaited => return Self::not_awaited(),
        };
        Self::ours(handled, title, text)
    }

    /// The page for the return from a sign-out in the browser, from the result of [`Session::handle`](crate::Session::handle).
    pub fn of_sign_out<T, E: Borrow<Error>>(handled: &Result<T, E>) -> Self {
        let handled = &handled.as_ref().map_err(Borrow::borrow);
        let (title, text) = match Outcome::of(handled) {
            Outcome::Accepted => ("Signed out", "You have signed out of the app."),
            Outcome::Refused | Outcome::Unusable => {
                ("Signed out of the app", "The server may still know you, and log you in without asking.")
            }
            Outcome::NotOurs => return Self::not_ours(),
            Outcome::NotAwaited => return Self::not_awaited(),
        };
        Self::ours(handled, title, text)
    }

    /// The page for a redirect that no login waits for, because the app has ended it for example.
    pub fn not_awaited() -> Self {
        let text = "The app has its answer already, or no longer waits for one. Return to the app.";
        Self { status: 400, content: Content::Ours { title: "The app does not wait for this", text, said: None } }
    }

    /// A page of the app. Its header fields are those of the crate's pages, except that styles in the page and images in `data:`
    /// URLs are allowed; scripts and anything that would have to be loaded are not. What comes from outside, the app escapes.
    ///
    /// # Errors
    /// [`ConfigError::Client`] for a status other than 2xx, 4xx and 5xx, or without a body (204, 205).
    pub fn html(status: u16, html: impl Into<Cow<'static, str>>) -> Result<Self, ConfigError> {
        match status {
            200..=203 | 206..=299 | 400..=599 => Ok(Self { status, content: Content::App(html.into()) }),
            _ => Err(ConfigError::Client {
                name: "loopback page",
                problem: "has a status that does not go with a page: use 200, or one from 400 to 599",
            }),
        }
    }

    /// Sends the browser on to a web page of the app (303, RFC 9110 §15.4.4). Then the address bar and the history do not show
    /// the code, and the app may end. The page is told nothing: choose its URL by the [`Outcome`].
    ///
    /// # Errors
    /// [`ConfigError::Client`] for a URL that is not https, or http on this machine; that has a fragment; or that browsers do not
    /// read as it is written.
    pub fn elsewhere(url: &str) -> Result<Self, ConfigError> {
        endpoint::check(url, Transport::HttpsOrLoopback)
            .map_err(|problem| ConfigError::Client { name: "loopback page", problem })?;
        // An empty fragment, or else the browser would take over that of the redirect (RFC 9110 §10.2.2), which may be anything.
        Ok(Self { status: 303, content: Content::Elsewhere([url, "#"].concat()) })
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn of_refusal(refusal: Refusal) -> Self {
        let text = "If the app waits for a login, it still does.";
        Self { status: refusal.status(), content: Content::Ours { title: refusal.title(), text, said: None } }
    }

    fn not_ours() -> Self {
        let text = "The app still waits: go on in the window that it has opened last.";
        Self {
            status: 400,
            content: Content::Ours { title: "This is not the answer that the app waits for", text, said: None },
        }
    }

    fn ours<T>(handled: &Result<T, &Error>, title: &'static str, text: &'static str) -> Self {
        let said = match handled {
            Err(Error::Refused(refused)) => words(refused),
            Err(error) => Some(alloc::format!("Reason: {}.", error.code())),
            Ok(_) => None,
        };
        // The redirect was right, even if it brings a refusal.
        let status = if matches!(handled, Ok(_) | Err(Error::Refused(_))) { 200 } else { 400 };
        Self { status, content: Content::Ours { title, text, said } }
    }

    /// Where the browser is sent on to.
    pub(super) fn location(&self) -> Option<&str> {
        match &self.content {
            Content::Elsewhere(url) => Some(url),
            Content::Ours { .. } | Content::App(_) => None,
        }
    }

    pub(super) fn policy(&self) -> &'static str {
        match self.content {
            Content::App(_) => APP_POLICY,
            Content::Ours { .. } | Content::Elsewhere(_) => POLICY,
        }
    }

    pub(super) fn html_text(&self) -> Cow<'_, str> {
        match &self.content {
            Content::App(html) => Cow::Borrowed(html),
            Content::Ours { title, text, said } => document(title, text, said.as_deref()).into(),
            Content::Elsewhere(_) => document("Return to the app", "The app has the answer.", None).into(),
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What the server said, as text.
fn words(refused: &Refused) -> Option<String> {
    let (error, description) = (refused.oauth_error(), refused.description());
    let said = error.into_iter().chain(description).collect::<Vec<_>>().join(": ");
    (!said.is_empty()).then(|| alloc::format!("The server says: {said}"))
}

/// The most characters of the server's text that a page shows.
const MAX_SAID: usize = 300;

fn document(title: &str, text: &str, said: Option<&str>) -> String {
    let said = said.map(|said| ["<p class=\"said\">", &escape(said), "</p>\n"].concat()).unwrap_or_default();
    [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
        title,
        "</title>\n<style>",
        STYLE,
        "</style>\n</head>\n<body>\n<main>\n<h1>",
        title,
        "</h1>\n<p>",
        text,
        " You can close this window.</p>\n",
        &said,
        "</main>\n</body>\n</html>\n",
    ]
    .concat()
}

/// Text from outside, without control characters and those that turn the direction of text round, cut and escaped.
fn escape(text: &str) -> String {
    let turns =
        |c: &char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = text.chars().filter(|c| !c.is_control() && !turns(c));
    let mut escaped = String::new();
    for character in shown.by_ref().take(MAX_SAID) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    if shown.next().is_some() {
        escaped.push('…');
    }
    escaped
}

/// The style of the pages: light and dark as the browser is set.
const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1f2328;--quiet:#59636e;--ground:#fff;--line:#d1d9e0}\
@media(prefers-color-scheme:dark){:root{--text:#f0f6fc;--quiet:#9198a1;--ground:#0d1117;--line:#3d444d}}\
body{margin:0;background:var(--ground);color:var(--text);font:1.125rem/1.5 system-ui,sans-serif}\
main{max-width:34rem;margin:0 auto;padding:15vh 1.5rem 2rem}\
h1{margin:0 0 1rem;font-size:1.75rem;line-height:1.25}\
p{margin:0 0 1rem}\
.said{padding-left:1rem;border-left:.25rem solid var(--line);color:var(--quiet);overflow-wrap:anywhere}";

/// The pages load nothing and run nothing; of styles, only that one, by its digest, is used.
const POLICY: &str =
    "default-src 'none'; style-src 'sha256-It9TjKsMOSvEv35xN6N7n23NZn1EEtPHk3KVHdmkNtA='; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The same for pages of the app, whose styles are not known.
const APP_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_style() {
        let digest = Base64::encode_string(&Sha256::digest(STYLE));
        assert!(POLICY.contains(&alloc::format!("'sha256-{digest}'")), "{digest}");
    }

    #[test]
    fn text_from_outside_is_text() {
        assert_eq!(escape("<b>&\"'\u{0}\n\u{7f}\u{9b}\u{202e}ä"), "&lt;b&gt;&amp;&quot;&#39;ä");
        assert_eq!(escape(&"<".repeat(300)), "&lt;".repeat(300));
        assert_eq!(escape(&"<".repeat(301)), ["&lt;".repeat(300), "…".into()].concat());
    }
}
