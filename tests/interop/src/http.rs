//! `ureq` as the HTTP stack.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oauth_proto::{Delivered, Event, Request, RequestId, Response};
use serde_json::Value;
use ureq::{http, Agent};

/// The driver of the requests that the machines hand out.
#[derive(Clone, Debug)]
pub struct Http {
    agent: Agent,
    sent: Arc<Mutex<Vec<String>>>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Answer {
    id: RequestId,
    outcome: Result<http::Response<Vec<u8>>, Delivered>,
}

impl Http {
    /// An HTTP client with connections of its own.
    pub fn new() -> Self {
        Self { agent: agent(), sent: Arc::default() }
    }

    /// The same, which waits no longer than this for an answer.
    pub fn with_patience(patience: Duration) -> Self {
        Self { agent: agent_with_patience(patience), sent: Arc::default() }
    }

    /// Sends the request, and reads no more than one octet past what it allows: the machine sees that it is too much.
    pub fn send(&self, request: &Request) -> Answer {
        let limit = request.max_response_bytes() as u64 + 1;
        let id = request.id();
        let request = by_hand(request);
        self.log().push(format!("{} {}", request.method(), request.uri().path()));
        let sent = self.agent.run(request);
        let outcome = sent.and_then(|response| {
            let (parts, body) = response.into_parts();
            let mut read = Vec::new();
            body.into_reader().take(limit).read_to_end(&mut read)?;
            Ok(http::Response::from_parts(parts, read))
        });
        Answer { id, outcome: outcome.map_err(|error| delivered(&error)) }
    }

    /// What machines had sent since the last time that this was asked: `"GET /jwks"`.
    pub fn sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.log())
    }

    fn log(&self) -> MutexGuard<'_, Vec<String>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request by hand, outside any machine.
    pub fn send_by_hand(&self, request: &Request) -> (u16, Value) {
        let response = self.agent.run(by_hand(request)).expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().read_to_vec().expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Fetches a page or a document.
    pub fn get(&self, url: &str) -> (u16, Vec<u8>) {
        let response = self.agent.get(url).call().expect("an answer");
        let status = response.status().as_u16();
        (status, response.into_body().read_to_vec().expect("a body"))
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.agent
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer {
    /// The event for the machine that asked.
    pub fn event(&self) -> Event<'_> {
        match &self.outcome {
            Ok(response) => Event::ResponseReceived(self.id, Response::from(response)),
            Err(delivered) => Event::SendFailed(self.id, *delivered),
        }
    }

    /// The answer, for those who read it without a machine.
    pub fn response(&self) -> Response<'_> {
        Response::from(self.outcome.as_ref().expect("an answer"))
    }

    /// The JSON object of the answer.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.outcome.as_ref().expect("an answer").body()).expect("JSON")
    }

    /// The answer with another value of this member, as somebody on the way would put it there.
    #[must_use]
    pub fn with(mut self, member: &str, value: &Value) -> Self {
        let mut json = self.json();
        json[member] = value.clone();
        *self.outcome.as_mut().expect("an answer").body_mut() = json.to_string().into_bytes();
        self
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.outcome.as_ref().ok().map(|response| response.status().as_u16())
    }
}

fn by_hand(request: &Request) -> http::Request<Vec<u8>> {
    http::Request::try_from(request).expect("an endpoint that the `http` crate can hold")
}

/// Only a failure to connect proves that the server saw nothing.
fn delivered(error: &ureq::Error) -> Delivered {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Timeout(ureq::Timeout::Connect) => {
            Delivered::No
        }
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => Delivered::No,
        _ => Delivered::Maybe,
    }
}

/// No redirects followed, every status an answer and not an error, and an end to all waiting.
pub(crate) fn agent() -> Agent {
    agent_with_patience(Duration::from_secs(30))
}

fn agent_with_patience(patience: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(patience))
        .proxy(None)
        .build();
    Agent::new_with_config(config)
}
