//! Redirects that the user pastes.

use std::fmt;
use std::io;
use std::io::{BufRead, Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::Builder;

use oauth_proto::drive;
use oauth_proto::redirect::{from_pasted, MAX_REDIRECT_BYTES};
use oauth_proto::{AuthorizationUrl, Error, Secret, UnixTime};
use zeroize::Zeroize;

use super::error::BrowserError;
use super::inbox::{Arrival, Canceller, Inbox, Put, STACK_BYTES};
use super::visit::Visit;

/// Prints the URL, and reads the redirect that the user pastes: for machines without a browser, over SSH for example. The user
/// opens the URL on any machine.
///
/// Use the redirect URI that the client has. Its page need not exist: with `http://127.0.0.1:51004/callback` the user's browser
/// says that it cannot connect, and its address bar shows what to paste. What is understood, says [`from_pasted`]; a bare code
/// without `state` is ignored, so the user is asked for the whole address.
///
/// ```no_run
/// use oauth_native::browser::Paste;
///
/// let browser = Paste::stdin("http://127.0.0.1:51004/callback");
/// ```
///
/// The end of the input cancels the login. Lines are read on a thread, one by one and only while a login waits. `std` cannot
/// interrupt a read: if the wait ends before the line (deadline, cancel), the thread stays in that read, and the next line of the
/// input is its. A terminal passes on lines of some 4,095 characters at most on Linux, and 1,023 on macOS.
pub struct Paste {
    visit: Visit,
    redirect_uri: String,
    output: Output,
    demand: Arc<Demand>,
    /// Until the thread is started.
    input: Option<Input>,
}

type Output = Arc<Mutex<Box<dyn Write + Send>>>;
/// Reads the next line, and returns how many octets were read.
type Input = Box<dyn FnMut(&mut Vec<u8>) -> io::Result<usize> + Send>;

impl Paste {
    /// Reads the standard input, and prints to the standard error, so that the program's output can be piped.
    pub fn stdin(redirect_uri: impl Into<String>) -> Self {
        // The lock for one line at a time, and its own buffer, so that the app loses no input.
        Self::start(redirect_uri.into(), Box::new(|line| read_line(&mut io::stdin().lock(), line)), io::stderr())
    }

    /// Reads this input, and prints to this output.
    pub fn new(
        redirect_uri: impl Into<String>,
        mut input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Self {
        Self::start(redirect_uri.into(), Box::new(move |line| read_line(&mut input, line)), output)
    }

    fn start(redirect_uri: String, input: Input, output: impl Write + Send + 'static) -> Self {
        let output: Output = Arc::new(Mutex::new(Box::new(output)));
        let screen = Arc::clone(&output);
        let opener = move |url: &str| {
            print(
                &screen,
                &format!(
                    "Open this address in a browser, on any machine:\n\n{url}\n\nAfter the login, the browser may say that \
                     it cannot open the page. Copy the whole address of that page, paste it here, and press Enter:\n"
                ),
            )
        };
        Self { visit: Visit::new(opener), redirect_uri, output, demand: Arc::default(), input: Some(input) }
    }

    /// Cancels the login under way, or the next one if there is none.
    pub fn canceller(&self) -> Canceller {
        self.visit.inbox.canceller()
    }

    /// Has the next line read.
    fn ask(&mut self) -> Result<(), BrowserError> {
        if let Some(input) = self.input.take() {
            let (demand, inbox) = (Arc::clone(&self.demand), Arc::clone(&self.visit.inbox));
            let reader = move || read_lines(input, &demand, &inbox);
            let builder = Builder::new().name("oauth-paste".into()).stack_size(STACK_BYTES);
            builder.spawn(reader).map_err(BrowserError::Thread)?;
        }
        if self.visit.inbox.is_empty() {
            self.demand.set(Wanted::Line);
        }
        Ok(())
    }

    fn url_of(&self, arrival: Option<Arrival>) -> Option<String> {
        arrival.map(|arrival| from_pasted(&self.redirect_uri, arrival.url.reveal()))
    }

    fn verdict(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        if verdict.is_err_and(|error| !error.is_fatal()) {
            let text =
                "This is not the address that is needed. Copy it from the address bar after the login, the whole of \
                        it, and paste it here:\n";
            print(&self.output, text).map_err(BrowserError::Open)?;
        }
        self.visit.heard(url, verdict)
    }
}

/// What the reading thread is to do.
#[derive(Default)]
struct Demand {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Nothing,
    Line,
    End,
}

impl Demand {
    fn set(&self, wanted: Wanted) {
        let mut now = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != Wanted::End {
            *now = wanted;
        }
        self.changed.notify_all();
    }

    /// Waits until a line is wanted; returns `false` if none will be.
    fn wait(&self) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_nothing = |wanted: &mut Wanted| *wanted == Wanted::Nothing;
        *self.changed.wait_while(wanted, is_nothing).unwrap_or_else(PoisonError::into_inner) == Wanted::Line
    }
}

fn read_lines(mut input: Input, demand: &Demand, inbox: &Inbox) {
    let mut line = Vec::new();
    while demand.wait() {
        let read = input(&mut line);
        let url = Secret::new(String::from_utf8_lossy(&line).trim());
        line.zeroize();
        match read {
            Ok(0) => return inbox.end(None),
            Err(error) => return inbox.end(Some(error)),
            // An empty line is no answer.
            Ok(_) if url.reveal().is_empty() => {}
            Ok(_) => {
                demand.set(Wanted::Nothing);
                // If the login was cancelled meanwhile, the line is dropped.
                let (Put::Queued | Put::NotAwaited | Put::Full) = inbox.put(Arrival { url, reply: None });
            }
        }
    }
}

/// Reads a line; of one that is longer than any redirect, the rest is dropped.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    // No reallocation, which would leave copies.
    line.reserve_exact(MAX_LINE_BYTES);
    let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
    let count = input.by_ref().take(limit).read_until(b'\n', line)?;
    while line.len() >= MAX_LINE_BYTES && !line.ends_with(b"\n") {
        let rest = input.fill_buf()?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (length, is_end) = (end.map_or(rest.len(), |end| end.saturating_add(1)), end.is_some() || rest.is_empty());
        input.consume(length);
        if is_end {
            break;
        }
    }
    Ok(count)
}

/// The longest line that is kept. It may have white space besides the redirect.
const MAX_LINE_BYTES: usize = MAX_REDIRECT_BYTES + 1024;

fn print(output: &Output, text: &str) -> io::Result<()> {
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    output.write_all(text.as_bytes())?;
    output.flush()
}

impl Drop for Paste {
    fn drop(&mut self) {
        self.demand.set(Wanted::End);
    }
}

impl drive::blocking::Browser for Paste {
    type Error = BrowserError;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        self.ask()?;
        let arrival = self.visit.wait(deadline)?;
        Ok(self.url_of(arrival))
    }

    fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.verdict(url, verdict)
    }
}

/// A thread of its own wakes the task at the deadline; no runtime is needed.
impl drive::Browser for Paste {
    type Error = BrowserError;

    async fn open(&mut self, url: &AuthorizationUrl) -> Result<(), BrowserError> {
        self.visit.open(url)
    }

    async fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, BrowserError> {
        self.ask()?;
        let arrival = self.visit.arrival(deadline).await?;
        Ok(self.url_of(arrival))
    }

    async fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), BrowserError> {
        self.verdict(url, verdict)
    }
}

impl fmt::Debug for Paste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paste").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}
