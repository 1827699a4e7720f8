//! A queue of the redirects that came in, from listeners and from lines pasted on standard input.
//!
//! Every URL is handed on unchanged: the login decides which one is ours, not this file.

use std::io::{self, BufRead};
use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use oauth_proto::redirect::from_pasted;
use tokio::sync::oneshot;

use crate::landing::Verdict;
use crate::listener::Serving;

/// How many unread redirects are kept.
const QUEUE: usize = 64;

/// What came in.
pub struct Arrived {
    text: String,
    /// The browser that brought it and waits for its page; `None` if it was pasted.
    browser: Option<oneshot::Sender<Verdict>>,
}

impl Arrived {
    /// The URL, completed if a person pasted only a part of it.
    pub fn url(&self, redirect_uri: &str) -> String {
        match self.browser {
            Some(_) => self.text.clone(),
            None => from_pasted(redirect_uri, &self.text),
        }
    }

    /// Tells the browser the outcome.
    pub fn tell(self, verdict: Verdict) {
        if let Some(browser) = self.browser {
            let _ = browser.send(verdict); // the browser may have gone away
        }
    }
}

/// Where redirects are handed in.
#[derive(Clone)]
pub struct Inlet(SyncSender<Result<Arrived, String>>);

impl Inlet {
    /// A redirect from a browser, which then gets the verdict. `None` if too many are unread.
    pub fn hand_in(&self, url: String) -> Option<oneshot::Receiver<Verdict>> {
        let (browser, verdict) = oneshot::channel();
        self.0.try_send(Ok(Arrived { text: url, browser: Some(browser) })).ok()?;
        Some(verdict)
    }

    /// No redirect will come: the user agent has failed.
    pub fn give_up(&self, why: String) {
        let _ = self.0.try_send(Err(why));
    }
}

/// The redirects that came in.
pub struct Redirects {
    inlet: Inlet,
    receiver: Receiver<Result<Arrived, String>>,
}

/// Why there is no redirect to look at.
pub enum Nothing {
    /// The time is up.
    InTime,
    /// Neither a listener nor an open standard input is left.
    Ever,
    /// The scripted user agent has failed.
    From(String),
}

impl Redirects {
    /// None so far.
    pub fn new() -> Self {
        let (sender, receiver) = sync_channel(QUEUE);
        Self { inlet: Inlet(sender), receiver }
    }

    /// A place to hand them in.
    pub fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }

    /// Takes pasted lines as well, from now on.
    pub fn also_from_stdin(&self) -> io::Result<()> {
        let Inlet(sender) = self.inlet();
        thread::Builder::new().name("pasted redirects".into()).spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                let arrived = Arrived { text: line, browser: None };
                if !arrived.text.trim().is_empty() && sender.send(Ok(arrived)).is_err() {
                    break;
                }
            }
        })?;
        Ok(())
    }

    /// No more sources will be added: when the last one ends, `next` says so.
    pub fn seal(self, serving: Vec<Serving>) -> Sealed {
        Sealed { receiver: self.receiver, _serving: serving }
    }
}

/// The queue after all sources were added.
pub struct Sealed {
    receiver: Receiver<Result<Arrived, String>>,
    _serving: Vec<Serving>,
}

impl Sealed {
    /// The next URL that came in.
    pub fn next(&self, patience: Duration) -> Result<Arrived, Nothing> {
        match self.receiver.recv_timeout(patience) {
            Ok(arrived) => arrived.map_err(Nothing::From),
            Err(RecvTimeoutError::Timeout) => Err(Nothing::InTime),
            Err(RecvTimeoutError::Disconnected) => Err(Nothing::Ever),
        }
    }
}
