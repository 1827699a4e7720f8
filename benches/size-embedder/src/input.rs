//! What comes from outside, line by line, and what goes out.

use alloc::string::String;
use core::fmt::Display;
use core::fmt::Write as _;

use oauth_proto::{Delivered, Entropy, Event, Request, RequestId, Response, UnixTime};

use crate::{text, Outcome};

/// The lines of the standard input, the time, and what has been shown.
pub struct Input<'a> {
    lines: core::str::Lines<'a>,
    now: u64,
    shown: String,
}

/// An HTTP response, or none.
pub struct Answer<'a> {
    status: u16,
    headers: [(&'a str, &'a str); 1],
    body: &'a str,
}

impl<'a> Input<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        let lines = core::str::from_utf8(octets).unwrap_or("").lines();
        Self { lines, now: 1_700_000_000, shown: String::new() }
    }

    /// The next line that is no comment; an empty one when there is none left.
    pub fn line(&mut self) -> &'a str {
        self.lines.find(|line| !line.starts_with('#')).unwrap_or("")
    }

    /// The next line as a number.
    pub fn number(&mut self) -> u64 {
        self.line().parse().unwrap_or(0)
    }

    /// Nobody answers any more.
    pub fn is_over(&self) -> bool {
        self.lines.clone().next().is_none()
    }

    /// Every look at the clock takes a second.
    pub fn now(&mut self) -> UnixTime {
        self.wait(1);
        UnixTime::from_secs(self.now)
    }

    pub fn wait(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(seconds);
    }

    /// 96 octets, as the next line has them.
    pub fn entropy(&mut self) -> Outcome<Entropy> {
        let octets = self.line().as_bytes().try_into().map_err(text)?;
        Entropy::new(octets).map_err(text)
    }

    pub fn show(&mut self, what: impl Display) {
        let _ = writeln!(self.shown, "{what}");
    }

    pub fn shown(&self) -> &[u8] {
        self.shown.as_bytes()
    }

    /// The user's part: looks at the page, and is redirected to where the next line says, with the `state` of the page if
    /// the line leaves room for one.
    pub fn browse(&mut self, url: &str) -> String {
        self.show(url);
        let mut redirect = String::from(self.line());
        if redirect.ends_with("state=") {
            let state = url.split("&state=").nth(1).unwrap_or("");
            redirect.push_str(state.split('&').next().unwrap_or(""));
        }
        redirect
    }

    /// The server's part: three lines of status, content type and body. A status of 0 is no answer.
    pub fn send(&mut self, request: &Request) -> Answer<'a> {
        self.show(request.method());
        self.show(request.url());
        for (name, value) in request.headers() {
            self.show(name);
            self.show(value);
        }
        self.show(request.body().escape_ascii());
        let status = u16::try_from(self.number()).unwrap_or(0);
        Answer { status, headers: [("content-type", self.line())], body: self.line() }
    }
}

impl Answer<'_> {
    /// What the machines are told.
    pub fn event(&self, id: RequestId) -> Event<'_> {
        match self.response() {
            Some(response) => Event::ResponseReceived(id, response),
            None => Event::SendFailed(id, Delivered::Maybe),
        }
    }

    pub fn response(&self) -> Option<Response<'_>> {
        (self.status != 0).then(|| Response::new(self.status, &self.headers, self.body.as_bytes()))
    }
}
