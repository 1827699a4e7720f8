//! The pages that the browser shows after a redirect. Text from outside is escaped.

use oauth_proto::Error;

use crate::failure::words;
use crate::print::plain;
use crate::server::page::{document, escape};

/// What the login or the sign-out made of a redirect.
pub enum Verdict {
    LoggedIn,
    LoggedOut,
    /// The server refused, with this error.
    Refused(String),
    /// The server's answer cannot be used, for this reason.
    Unusable(String),
    /// It is not the answer; the app keeps waiting.
    NotOurs,
    /// The app does not wait for a redirect now.
    NotAwaited,
}

impl Verdict {
    /// From the result of `handle`; `done` is the verdict if the redirect was accepted.
    pub fn of<T>(handled: &Result<T, Error>, done: Self) -> Self {
        match handled {
            Ok(_) => done,
            Err(error) if !error.is_fatal() => Self::NotOurs,
            Err(Error::Refused(refused)) => Self::Refused(words(refused)),
            Err(error) => Self::Unusable(error.to_string()),
        }
    }

    /// The path of its page, which contains nothing of the redirect.
    pub fn path(&self) -> &'static str {
        match self {
            Self::LoggedIn => "/done/logged-in",
            Self::LoggedOut => "/done/logged-out",
            Self::Refused(_) => "/done/denied",
            Self::Unusable(_) => "/done/unusable",
            Self::NotOurs => "/done/not-ours",
            Self::NotAwaited => "/done/not-awaited",
        }
    }

    /// The page.
    pub fn page(&self) -> String {
        const CLOSE: &str = "You can close this window.";
        let (title, text) = match self {
            Self::LoggedIn => ("Logged in", "The server has let you in, and the app does the rest.".to_owned()),
            Self::LoggedOut => ("Logged out", "You are logged out of the app and of the server.".to_owned()),
            Self::Refused(words) => ("Not logged in", format!("The server says: <b>{}</b>", escape(&plain(words)))),
            Self::Unusable(why) => {
                ("Not logged in", format!("The server's answer cannot be used: {}.", escape(&plain(why))))
            }
            Self::NotOurs => (
                "Not the answer that the app waits for",
                "It goes on waiting: finish in the window that it opened last.".to_owned(),
            ),
            Self::NotAwaited => ("Nobody waits for this", "The app has its answer, or has given up.".to_owned()),
        };
        document(title, &format!("<p>{text}</p>\n<p>{CLOSE} The terminal shows how it goes.</p>"))
    }
}
