//! The head of a request: start line and header fields (RFC 9112 §2 to §6), octet by octet, strict where servers differ.
//!
//! Browsers send none of what is refused here. Leniency would only help somebody whose request is read in two ways.

use super::buffer::Buffer;
use super::place::Place;
use super::refusal::Refusal;
use crate::wire::redirect::MAX_REDIRECT_BYTES;

/// The longest line of a head, in octets (64 KiB). Browsers send all cookies of a host in one, whatever the port.
pub const MAX_LINE_BYTES: usize = MAX_REDIRECT_BYTES;

/// The longest head of a request, in octets (256 KiB). Of its lines only the first is kept.
pub const MAX_HEAD_BYTES: usize = 256 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Post,
    Other,
}

/// The first line of a request (RFC 9112 §3).
pub(super) struct StartLine {
    pub method: Method,
    pub target: Buffer,
    /// HTTP/1.1, else HTTP/1.0.
    pub is_1_1: bool,
}

/// What the fields say, as far as it matters here.
#[derive(Default)]
pub(super) struct Fields {
    /// Whether `Host` is the redirect URI's.
    pub host: Option<bool>,
    pub content_length: Option<usize>,
    pub has_transfer_encoding: bool,
    /// Whether the body is said to be a form.
    pub is_form: Option<bool>,
    /// Whether `100-continue` is expected, and not something else.
    pub expects_continue: Option<bool>,
    pub close: bool,
    pub keep_alive: bool,
}

/// Reads one head. It keeps one line at a time.
#[derive(Default)]
pub(super) struct HeadReader {
    line: Buffer,
    after_cr: bool,
    /// How many octets were read.
    read: usize,
    start: Option<StartLine>,
    fields: Fields,
}

impl HeadReader {
    /// Takes octets up to the end of the head, which is `Some` when it is complete. The result depends on the octets alone, not
    /// on how they are split over calls.
    pub(super) fn read(&mut self, octets: &mut &[u8], place: &Place) -> Result<Option<(StartLine, Fields)>, Refusal> {
        while self.take_line(octets)? {
            if self.line.len() == 0 {
                match self.start.take() {
                    Some(start) => return Ok(Some((start, core::mem::take(&mut self.fields)))),
                    // RFC 9112 §2.2: an empty line before the request is ignored.
                    None => continue,
                }
            }
            if self.start.is_some() {
                self.fields.add(self.line.octets(), place)?;
            } else {
                self.start = Some(StartLine::parse(self.line.text().ok_or(Refusal::Malformed)?)?);
            }
            self.line.clear();
        }
        Ok(None)
    }

    /// Whether the start line asks for a head alone.
    pub(super) fn is_head(&self) -> bool {
        self.start.as_ref().is_some_and(|start| start.method == Method::Head)
    }

    /// Takes octets up to the end of a line, CR LF; whether it is complete. CR and LF alone are refused (RFC 9112 §2.2), as is
    /// any octet that no line may have (RFC 9110 §5.5), as soon as it comes.
    fn take_line(&mut self, octets: &mut &[u8]) -> Result<bool, Refusal> {
        let (mut taken, mut content, mut complete) = (0_usize, 0_usize, false);
        for octet in octets.iter().copied() {
            taken = taken.saturating_add(1);
            self.read = self.read.saturating_add(1);
            if self.read > MAX_HEAD_BYTES {
                return Err(Refusal::HeadTooLong);
            }
            match octet {
                b'\n' if self.after_cr => {
                    self.after_cr = false;
                    complete = true;
                    break;
                }
                _ if self.after_cr || !self.may_have(octet) => return Err(Refusal::Malformed),
                b'\r' => self.after_cr = true,
                _ => content = content.saturating_add(1),
            }
            if self.line.len().saturating_add(content) > MAX_LINE_BYTES {
                return Err(if self.start.is_none() { Refusal::TargetTooLong } else { Refusal::HeadTooLong });
            }
        }
        let (now, later) = octets.split_at_checked(taken).unwrap_or((octets, &[]));
        self.line.push(now.get(..content).unwrap_or_default(), MAX_LINE_BYTES);
        *octets = later;
        Ok(complete)
    }

    fn may_have(&self, octet: u8) -> bool {
        match octet {
            b'\r' | b' '..=b'~' => true,
            b'\t' | 0x80.. => self.start.is_some(),
            _ => false,
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let target = self.start.as_ref().map_or(0, |start| start.target.capacity());
        target.saturating_add(self.line.capacity())
    }
}

impl StartLine {
    /// `method SP request-target SP HTTP-version`, with exactly one space each.
    fn parse(line: &str) -> Result<Self, Refusal> {
        let mut parts = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed);
        };
        // A fragment is never sent (RFC 9112 §3.2).
        if !is_token(method.as_bytes()) || target.is_empty() || target.contains('#') {
            return Err(Refusal::Malformed);
        }
        let is_1_1 = match version.strip_prefix("HTTP/").map(str::as_bytes) {
            Some(b"1.1") => true,
            Some(b"1.0") => false,
            Some([major, b'.', minor]) if major.is_ascii_digit() && minor.is_ascii_digit() => {
                return Err(Refusal::OtherVersion);
            }
            _ => return Err(Refusal::Malformed),
        };
        let method = match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            _ => Method::Other,
        };
        let mut kept = Buffer::default();
        kept.push(target.as_bytes(), target.len());
        Ok(Self { method, target: kept, is_1_1 })
    }
}

impl Fields {
    fn add(&mut self, line: &[u8], place: &Place) -> Result<(), Refusal> {
        // A name is a token: so neither a folded line nor a space before the colon passes (RFC 9112 §5.1, §5.2).
        let colon = line.iter().position(|octet| *octet == b':').ok_or(Refusal::Malformed)?;
        let (name, value) = line.split_at_checked(colon).ok_or(Refusal::Malformed)?;
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if !is_token(name) {
            return Err(Refusal::Malformed);
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let repeated = if is("host") {
            self.host.replace(core::str::from_utf8(value).is_ok_and(|value| place.is_host(value))).is_some()
        } else if is("content-length") {
            self.content_length.replace(number(value)?).is_some()
        } else if is("content-type") {
            self.is_form.replace(is_form(value)).is_some()
        } else if is("expect") {
            let expected = value.eq_ignore_ascii_case(b"100-continue");
            self.expects_continue = Some(expected && self.expects_continue.unwrap_or(true));
            false
        } else {
            if is("transfer-encoding") {
                self.has_transfer_encoding = true;
            } else if is("connection") {
                for option in value.split(|octet| *octet == b',').map(<[u8]>::trim_ascii) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            false
        };
        // RFC 9112 §3.2 demands it for `Host`, and §6.3 allows it for `Content-Length`, even if the values agree.
        if repeated {
            return Err(Refusal::Malformed);
        }
        Ok(())
    }
}

/// A token (RFC 9110 §5.6.2).
fn is_token(octets: &[u8]) -> bool {
    let is_tchar = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet);
    !octets.is_empty() && octets.iter().all(is_tchar)
}

/// `1*DIGIT`; more than fits counts as the greatest number. A list of numbers is refused (RFC 9112 §6.3).
fn number(digits: &[u8]) -> Result<usize, Refusal> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Malformed);
    }
    Ok(digits
        .iter()
        .fold(0_usize, |number, digit| number.saturating_mul(10).saturating_add(usize::from(digit.wrapping_sub(b'0')))))
}

fn is_form(content_type: &[u8]) -> bool {
    let essence = content_type.split(|octet| *octet == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}
