//! One connection of the browser.

use std::io;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use oauth_proto::loopback::{Answer, Connection, Page, Step};
use oauth_proto::Secret;
use zeroize::Zeroize;

use super::listener::{after, Shared};
use crate::browser::inbox::{Arrival, Put};

/// How long a connection may take.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// Without an octet.
    pub idle: Duration,
    /// For a request, for the app's answer to it, and for writing that.
    pub request: Duration,
    /// For the browser to close the connection after the last answer (RFC 9112 §9.6).
    pub linger: Duration,
}

impl Times {
    pub const USUAL: Self =
        Self { idle: Duration::from_secs(10), request: Duration::from_secs(30), linger: Duration::from_secs(1) };
}

/// The most octets that are read and dropped before a connection is closed.
const MAX_DROPPED_BYTES: usize = 1 << 20;

/// Where closing from another thread does not end a read or write, it ends after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A connection that was accepted.
pub(super) struct Served {
    stream: TcpStream,
    times: Times,
    /// A redirect was handed over, and its page was not sent yet.
    is_busy: AtomicBool,
    /// Ends after what it is at.
    is_ending: AtomicBool,
    /// Ends now.
    is_closed: AtomicBool,
}

impl Served {
    pub fn new(stream: TcpStream, times: Times) -> Self {
        let off = || AtomicBool::new(false);
        Self { stream, times, is_busy: off(), is_ending: off(), is_closed: off() }
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::SeqCst)
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Lets no more be read; what is being written is written to the end.
    pub fn end(&self) {
        if !self.is_ending.swap(true, Ordering::SeqCst) {
            let _ = self.stream.shutdown(Shutdown::Read);
        }
    }

    /// Ends it at once.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Serves the connection until it ends.
    pub fn serve(&self, shared: &Shared) {
        let mut buffer = [0; 4096];
        // An error is the end of this connection, and of nothing else.
        let _ = self.requests(shared, &mut buffer);
        // It may have had a code.
        buffer.zeroize();
    }

    fn requests(&self, shared: &Shared, buffer: &mut [u8]) -> io::Result<()> {
        // Pages are small, and nothing follows that they could be sent with.
        self.stream.set_nodelay(true)?;
        let mut connection = shared.receiver.connection();
        let mut octets: &[u8] = &[];
        let mut request_end = None;
        loop {
            match connection.receive(&mut octets) {
                Step::NeedMore => {
                    let idle_end = after(self.times.idle);
                    let end = request_end.map_or(idle_end, |end: Instant| end.min(idle_end));
                    octets = self.read(buffer, end)?;
                    if octets.is_empty() {
                        return Ok(());
                    }
                    request_end = request_end.or_else(|| Some(after(self.times.request)));
                }
                Step::Answer(answer) => {
                    request_end = None;
                    if !self.send(&answer)? {
                        return Ok(());
                    }
                }
                Step::Redirect(url) => {
                    request_end = None;
                    self.is_busy.store(true, Ordering::SeqCst);
                    let page = self.page_for(url.as_str(), shared);
                    drop(url);
                    let answer = answer(&mut connection, page);
                    let goes_on = self.write(&answer);
                    self.is_busy.store(false, Ordering::SeqCst);
                    shared.sent();
                    goes_on?;
                    if answer.closes() {
                        self.linger();
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Hands a redirect over and waits for its page; `None` if the app has none.
    fn page_for(&self, url: &str, shared: &Shared) -> Option<Page> {
        let (reply, page) = sync_channel(1);
        match shared.inbox.put(Arrival { url: Secret::new(url), reply: Some(reply) }) {
            Put::Queued => self.wait_for(&page),
            Put::NotAwaited => Some(Page::not_awaited()),
            Put::Full => None,
        }
    }

    fn wait_for(&self, page: &Receiver<Page>) -> Option<Page> {
        let end = after(self.times.request);
        while Instant::now() < end && !self.is_closed() {
            match page.recv_timeout(LOOK_AGAIN) {
                Ok(page) => return Some(page),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        None
    }

    /// Sends an answer; returns whether the connection goes on.
    fn send(&self, answer: &Answer) -> io::Result<bool> {
        self.write(answer)?;
        if answer.closes() {
            self.linger();
        }
        Ok(!answer.closes())
    }

    fn write(&self, answer: &Answer) -> io::Result<()> {
        let end = after(self.times.request);
        let mut octets = answer.octets();
        while !octets.is_empty() {
            self.stream.set_write_timeout(Some(self.left(end)?))?;
            match (&self.stream).write(octets) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => octets = octets.get(count..).unwrap_or_default(),
                Err(error) if passes(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what there is; nothing at the end of the connection.
    fn read<'a>(&self, buffer: &'a mut [u8], end: Instant) -> io::Result<&'a [u8]> {
        loop {
            if self.is_ending.load(Ordering::SeqCst) {
                self.linger();
                return Ok(&[]);
            }
            self.stream.set_read_timeout(Some(self.left(end)?))?;
            match (&self.stream).read(buffer) {
                Ok(count) => return Ok(buffer.get(..count).unwrap_or_default()),
                Err(error) if passes(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Closes so that the browser has time to read the answer: with octets that nobody has read, the system would reset the
    /// connection.
    fn linger(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let end = after(self.times.linger);
        let (mut dropped, mut count) = ([0; 4096], 0_usize);
        while let Ok(left) = self.left(end) {
            let _ = self.stream.set_read_timeout(Some(left));
            match (&self.stream).read(&mut dropped) {
                Ok(more @ 1..) if count < MAX_DROPPED_BYTES => count = count.saturating_add(more),
                Err(error) if passes(&error) => {}
                Ok(_) | Err(_) => break,
            }
        }
        dropped.zeroize();
    }

    /// The time until this end, or until it is time to look again.
    fn left(&self, end: Instant) -> io::Result<Duration> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || self.is_closed() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // Less than a millisecond may count as none.
        Ok(left.clamp(Duration::from_millis(1), LOOK_AGAIN))
    }
}

/// The answer to the redirect that was handed over.
fn answer(connection: &mut Connection, page: Option<Page>) -> Answer {
    match page {
        Some(page) => connection.answer(&page),
        // The library's own page for this.
        None => match connection.receive(&mut (&[] as &[u8])) {
            Step::Answer(answer) => answer,
            Step::NeedMore | Step::Redirect(_) => connection.answer(&Page::not_awaited()),
        },
    }
}

/// Whether a read or write may be tried again.
fn passes(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
