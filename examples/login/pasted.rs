//! Redirects that the user pastes into the terminal: because the redirect URI is not one that this program can listen on, or
//! because the browser runs on another machine.

use std::io::{self, BufRead};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use oauth_native::browser::LinkSender;
use oauth_proto::redirect::from_pasted;

/// Reads lines, and passes them on to the browser that waits.
#[derive(Clone, Default)]
pub struct Pasted(Arc<Mutex<Place>>);

#[derive(Default)]
struct Place {
    /// The redirect URI, and where its redirects go.
    to: Option<(String, LinkSender)>,
    has_ended: bool,
}

impl Pasted {
    /// Reads the standard input from now on.
    pub fn from_stdin() -> io::Result<Self> {
        let pasted = Self::default();
        let Self(place) = pasted.clone();
        thread::Builder::new().name("pasted redirects".into()).spawn(move || {
            let lock = || place.lock().unwrap_or_else(PoisonError::into_inner);
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if let (Some((uri, links)), false) = (&lock().to, line.trim().is_empty()) {
                    links.deliver(from_pasted(uri, &line));
                }
            }
            let mut place = lock();
            place.has_ended = true;
            // If nothing else can come, the browser notices that this was the last sender.
            place.to = None;
        })?;
        Ok(pasted)
    }

    /// What is pasted from now on is for this redirect URI, and goes there.
    pub fn goes_to(&self, uri: &str, links: LinkSender) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !place.has_ended {
            place.to = Some((uri.to_owned(), links));
        }
    }
}
