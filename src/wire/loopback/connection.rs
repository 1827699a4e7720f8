//! One TCP connection: requests in their order, one at a time.

use alloc::sync::Arc;
use core::fmt;
use core::mem::take;

use super::answer::Answer;
use super::buffer::Buffer;
use super::head::{Fields, HeadReader, Method, StartLine, MAX_LINE_BYTES};
use super::page::Page;
use super::place::Place;
use super::refusal::Refusal;
use super::step::{ReceivedUrl, Step};
use crate::secret::Secret;
use crate::wire::redirect::{from_form_post, MAX_REDIRECT_BYTES};

/// The longest body of a form post, in octets (64 KiB).
pub const MAX_BODY_BYTES: usize = MAX_REDIRECT_BYTES;

/// The most octets that a connection holds between two calls (129 KiB): a line or URL, and a line or body.
pub const MAX_HELD_BYTES: usize = MAX_LINE_BYTES + MAX_BODY_BYTES + 1024;

/// One TCP connection of a browser. It holds at most [`MAX_HELD_BYTES`] of its octets, and wipes them.
pub struct Connection {
    place: Arc<Place>,
    state: State,
}

enum State {
    /// Before or in the head of a request.
    Head(HeadReader),
    /// In the body of a request to the redirect URI; only a form post has one.
    Body { request: Request, body: Buffer },
    /// A redirect was handed over and waits for its page.
    Handed(Ending),
    /// The last answer said so.
    Closed,
}

/// A request to the redirect URI whose head is complete.
struct Request {
    /// The body is missing in it.
    url: Secret,
    is_post: bool,
    body_length: usize,
    ending: Ending,
}

/// How an answer ends.
#[derive(Clone, Copy)]
struct Ending {
    /// With its head (RFC 9110 §9.3.2).
    is_head: bool,
    /// With the connection.
    closes: bool,
}

impl Connection {
    pub(super) fn new(place: Arc<Place>) -> Self {
        Self { place, state: State::Head(HeadReader::default()) }
    }

    /// Takes octets that were read from the connection. Of `octets`, those up to the end of the present request are taken: what
    /// is left is the next request's, for the next call. How the octets are split over calls makes no difference.
    ///
    /// If a redirect was handed over and [`Connection::answer`] not called, the browser is told that the app does not answer, and
    /// the connection closes. After an answer that closes the connection, octets are dropped, and the answers are empty.
    pub fn receive(&mut self, octets: &mut &[u8]) -> Step {
        match &mut self.state {
            State::Head(reader) => match reader.read(octets, &self.place) {
                Ok(None) => Step::NeedMore,
                Ok(Some((start, fields))) => self.route(&start, &fields, octets),
                Err(refusal) => {
                    let ending = Ending { is_head: reader.is_head(), closes: true };
                    self.refuse(refusal, ending, octets)
                }
            },
            State::Body { .. } => self.receive_body(octets),
            State::Handed(ending) => {
                let ending = Ending { closes: true, ..*ending };
                self.refuse(Refusal::NotAnswered, ending, octets)
            }
            State::Closed => {
                *octets = &[];
                Step::Answer(Answer::nothing())
            }
        }
    }

    /// The answer to the redirect that [`Connection::receive`] has handed over. If none waits for one, it is empty and closes the
    /// connection.
    pub fn answer(&mut self, page: &Page) -> Answer {
        let State::Handed(ending) = self.state else {
            self.state = State::Closed;
            return Answer::nothing();
        };
        self.end(page, ending)
    }

    /// Does what a complete head asks for.
    fn route(&mut self, start: &StartLine, fields: &Fields, octets: &mut &[u8]) -> Step {
        let has_body = fields.has_transfer_encoding || fields.content_length.is_some_and(|length| length > 0);
        // RFC 9112 §9.3.
        let closes = fields.close || !start.is_1_1 && !fields.keep_alive;
        let ending = Ending { is_head: start.method == Method::Head, closes };
        match self.url_of(start, fields, has_body) {
            Ok(url) => {
                let body_length = fields.content_length.unwrap_or_default();
                let is_post = start.method == Method::Post;
                let request = Request { url, is_post, body_length, ending };
                self.state = State::Body { request, body: Buffer::default() };
                if start.is_1_1 && body_length > 0 && fields.expects_continue == Some(true) {
                    return Step::Answer(Answer::go_on());
                }
                self.receive_body(octets)
            }
            // The browser looks for an icon, for example. Nothing of the request is left to be read.
            Err(Refusal::OtherPath) if !has_body => self.refuse(Refusal::OtherPath, ending, octets),
            Err(refusal) => self.refuse(refusal, Ending { closes: true, ..ending }, octets),
        }
    }

    /// The URL that is asked for, if it is the redirect URI's. `Host` is looked at first.
    fn url_of(&self, start: &StartLine, fields: &Fields, has_body: bool) -> Result<Secret, Refusal> {
        match fields.host {
            // RFC 9112 §3.2. HTTP/1.0 has no `Host`, but browsers send it always.
            None if start.is_1_1 => return Err(Refusal::Malformed),
            Some(false) => return Err(Refusal::OtherHost),
            None | Some(true) => {}
        }
        // RFC 9112 §6.1: both together may be request smuggling.
        if fields.has_transfer_encoding && fields.content_length.is_some() {
            return Err(Refusal::Malformed);
        }
        let is_post = match start.method {
            Method::Other => return Err(Refusal::OtherMethod),
            // RFC 9110 §9.3.1: a body has no meaning there.
            Method::Get | Method::Head if has_body => return Err(Refusal::Malformed),
            method => method == Method::Post,
        };
        let path_and_query = self.place.locate(start.target.text().ok_or(Refusal::Malformed)?)?;
        if is_post {
            if !fields.is_form.unwrap_or(false) {
                return Err(Refusal::OtherMediaType);
            }
            // RFC 9112 §6.3: browsers do not send forms in chunks.
            if fields.content_length.ok_or(Refusal::LengthMissing)? > MAX_BODY_BYTES {
                return Err(Refusal::BodyTooLong);
            }
            if start.is_1_1 && fields.expects_continue == Some(false) {
                return Err(Refusal::OtherExpectation);
            }
        }
        Ok(Secret::new(self.place.url(path_and_query)))
    }

    /// Takes the octets of the body; hands the redirect over once they are all there.
    fn receive_body(&mut self, octets: &mut &[u8]) -> Step {
        let State::Body { request, body } = &mut self.state else { return Step::NeedMore };
        let missing = request.body_length.saturating_sub(body.len());
        let (now, later) = octets.split_at_checked(missing).unwrap_or((octets, &[]));
        body.push(now, request.body_length);
        *octets = later;
        if body.len() < request.body_length {
            return Step::NeedMore;
        }
        let ending = request.ending;
        let url = if request.is_post {
            body.text().map(|body| Secret::new(from_form_post(request.url.reveal(), body)))
        } else {
            Some(take(&mut request.url))
        };
        let Some(url) = url else {
            return self.refuse(Refusal::Malformed, Ending { closes: true, ..ending }, octets);
        };
        self.state = State::Handed(ending);
        Step::Redirect(ReceivedUrl::new(url))
    }

    fn refuse(&mut self, refusal: Refusal, ending: Ending, octets: &mut &[u8]) -> Step {
        if ending.closes {
            *octets = &[];
        }
        Step::Answer(self.end(&Page::of_refusal(refusal), ending))
    }

    fn end(&mut self, page: &Page, ending: Ending) -> Answer {
        self.state = if ending.closes { State::Closed } else { State::Head(HeadReader::default()) };
        Answer::new(page, ending.is_head, ending.closes)
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        match &self.state {
            State::Head(reader) => reader.held(),
            State::Body { request, body } => request.url.reveal().len().saturating_add(body.capacity()),
            State::Handed(_) | State::Closed => 0,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::secret::tests::wiped_by;
    use crate::wire::redirect::uri::RedirectUri;

    fn connection() -> Connection {
        let redirect_uri = RedirectUri::new("http://127.255.255.255:51004/cb").unwrap();
        Connection::new(Arc::new(Place::new(&redirect_uri).unwrap()))
    }

    const HOST: &str = "Host: 127.255.255.255:51004\r\n";

    /// The longest target, the longest field line, the longest body: the most that is ever held.
    #[test]
    fn the_longest_request_is_held_within_the_limit() {
        let head = ["POST /cb?", &"q".repeat(MAX_LINE_BYTES - 18), " HTTP/1.1\r\n"].concat();
        let fields = [HOST, "Content-Type: application/x-www-form-urlencoded\r\n"].concat();
        let cookie = ["Cookie: ", &"c".repeat(MAX_LINE_BYTES - 8), "\r\n"].concat();
        let body = "b".repeat(MAX_BODY_BYTES);
        let length = alloc::format!("Content-Length: {MAX_BODY_BYTES}\r\n\r\n");
        let request = [head, fields, cookie.clone(), cookie, length, body].concat();
        for size in [1, 1_000, request.len()] {
            let (mut connection, mut most, mut redirects) = (connection(), 0, 0);
            for mut octets in request.as_bytes().chunks(size) {
                redirects += u32::from(matches!(connection.receive(&mut octets), Step::Redirect(_)));
                assert!(octets.is_empty());
                most = most.max(connection.held());
            }
            assert_eq!(redirects, 1);
            assert!(most <= MAX_HELD_BYTES, "{most}");
            assert!(size == request.len() || most > 2 * MAX_LINE_BYTES, "{most}: the test does not see what is held");
        }
    }

    #[test]
    fn what_never_ends_is_not_held() {
        for endless in ["A", "GET /cb HTTP/1.1\r\nA: ", "GET /cb HTTP/1.1\r\n", "\r\n"] {
            let (mut connection, mut taken) = (connection(), endless.len());
            let mut octets = endless.as_bytes();
            let _ = connection.receive(&mut octets);
            let more: &[u8] = if endless.ends_with("\r\n") { b"a:\r\n" } else { b"a" };
            let more = if endless == "\r\n" { b"\r\n" } else { more };
            while let Step::NeedMore = connection.receive(&mut &*more) {
                taken += more.len();
                assert!(connection.held() <= MAX_HELD_BYTES && taken < 300_000, "{endless}");
            }
            assert!(matches!(connection.state, State::Closed));
        }
    }

    #[test]
    fn a_code_is_wiped() {
        let post = "POST /cb HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n";
        let whole = [post, HOST, "\r\ncode=C1&s"].concat();
        for (request, times) in
            [(whole.as_str(), 5), (&whole[..whole.len() - 1], 4), ("GET /cb?code=C1 HTTP/1.1\r\nA", 3)]
        {
            let wiped = wiped_by(|| drop(connection().receive(&mut request.as_bytes())));
            assert!(wiped >= times, "{wiped}: {request}");
        }
    }

    #[test]
    fn nothing_is_shown() {
        let request = ["GET /cb?code=C1 HTTP/1.1\r\n", HOST, "\r\n"].concat();
        let (mut connection, mut octets) = (connection(), request.as_bytes());
        let step = connection.receive(&mut octets);
        let shown: Vec<_> = [alloc::format!("{step:?}"), alloc::format!("{connection:?}")].into();
        assert_eq!(shown, ["Redirect(ReceivedUrl(..))", "Connection { .. }"]);
    }
}
