//! Sends the library's requests, and calls of the API, with ureq. The rules for this are in the docs of `oauth_proto::http`.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use oauth_proto::{CallHeaders, Delivered, Event, Request, RequestId, Response};
use ureq::{Agent, Body, Error, RequestBuilder, Timeout};

/// An API's answer is cut off after this many bytes.
const MAX_API_BYTES: usize = 64 * 1024;

/// What came back for one request, kept until the machine has looked at it.
pub struct Answer {
    id: RequestId,
    outcome: Result<Received, Failure>,
}

/// A response, whatever its status.
pub struct Received {
    /// The HTTP status.
    pub status: u16,
    /// All header fields whose value is text.
    pub headers: Vec<(String, String)>,
    /// The body, up to one byte more than the limit, so that one can see that it was too long.
    pub body: Vec<u8>,
}

/// No response.
pub struct Failure {
    /// Whether the server may have received the request nevertheless.
    pub delivered: Delivered,
    /// The reason, for printing.
    pub why: String,
}

impl Answer {
    /// The event for the machine.
    pub fn event(&self) -> Event<'_> {
        match &self.outcome {
            Ok(got) => Event::ResponseReceived(self.id, got.response()),
            Err(failure) => Event::SendFailed(self.id, failure.delivered),
        }
    }

    /// The same, for printing.
    pub fn outcome(&self) -> Result<&Received, &Failure> {
        self.outcome.as_ref()
    }
}

/// The HTTP stack. Redirects are never followed: they would carry the token request or bearer token elsewhere.
pub struct Http {
    direct: Agent,
    usual: Agent,
}

impl Http {
    /// `timeout` covers a whole request with its response.
    pub fn new(timeout: Duration) -> Self {
        let config = || {
            Agent::config_builder()
                .max_redirects(0)
                .http_status_as_error(false)
                .timeout_global(Some(timeout))
                .timeout_connect(Some(timeout))
        };
        Self { direct: config().proxy(None).build().into(), usual: config().build().into() }
    }

    /// Sends a request of a login or session.
    pub fn send(&self, request: &Request) -> Answer {
        let (agent, url) = (self.agent(request.url()), request.url());
        let sent = match request.method() {
            "GET" => with_headers(agent.get(url), request).call(),
            _ => with_headers(agent.post(url), request).send(request.body()),
        };
        let outcome = sent.map_err(Failure::from).and_then(|response| received(response, request.max_response_bytes()));
        Answer { id: request.id(), outcome }
    }

    /// `GET url` with the headers of a bearer token.
    pub fn get(&self, url: &str, headers: CallHeaders) -> Result<Received, Failure> {
        let request = self.agent(url).get(url).header("Accept", "application/json");
        let request = headers.fold(request, |request, (name, value)| request.header(name, value.as_str()));
        received(request.call()?, MAX_API_BYTES)
    }

    /// Plain `http` is used on loopback only, where no proxy must be asked.
    fn agent(&self, url: &str) -> &Agent {
        if url.starts_with("http://") {
            &self.direct
        } else {
            &self.usual
        }
    }
}

impl Received {
    /// As the library takes it.
    pub fn response(&self) -> Response<'_> {
        Response::new(self.status, self.headers.as_slice(), &self.body)
    }

    /// All values of one header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }
}

fn with_headers<Kind>(builder: RequestBuilder<Kind>, request: &Request) -> RequestBuilder<Kind> {
    request.headers().fold(builder, |builder, (name, value)| builder.header(name, value))
}

fn received(response: ureq::http::Response<Body>, limit: usize) -> Result<Received, Failure> {
    let (head, body) = response.into_parts();
    let headers = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    body.into_reader()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure { delivered: Delivered::Maybe, why: format!("the response broke off: {error}") })?;
    Ok(Received { status: head.status.as_u16(), headers, body: bytes })
}

impl From<Error> for Failure {
    /// `Delivered::No` only if no byte of the request can have been sent: no address, no connection.
    fn from(error: Error) -> Self {
        let delivered = match &error {
            Error::HostNotFound | Error::ConnectionFailed | Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                Delivered::No
            }
            Error::Io(io) if io.kind() == ErrorKind::ConnectionRefused => Delivered::No,
            _ => Delivered::Maybe,
        };
        Self { delivered, why: error.to_string() }
    }
}
