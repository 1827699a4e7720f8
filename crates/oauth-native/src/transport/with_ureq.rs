//! `ureq`, which blocks.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use oauth_proto::drive::blocking::Transport;
use oauth_proto::drive::OwnedResponse;
use oauth_proto::{Delivered, Request};
use ureq::config::Config;
use ureq::http::{self, Uri};
use ureq::{Agent, AsSendBody, Error, RequestBuilder, SendBody, Timeout};

use super::body::Body;
use super::settings::Settings;
use super::{allowed, is_loopback};
use crate::trace;

/// Sends requests with `ureq`; each call blocks (feature `ureq`). The [module](super) says what it does and what its errors mean.
///
/// ```
/// use oauth_native::transport::{Settings, Ureq};
///
/// let transport = Ureq::new();
/// let mine = Ureq::with_settings(&Settings::new().user_agent("example-app/2.1"));
/// # let _ = (transport, mine);
/// ```
#[derive(Clone)]
pub struct Ureq {
    stack: Stack,
    /// For the app's own calls.
    calls: Agent,
    timeout: Duration,
}

#[derive(Clone)]
enum Stack {
    /// A new agent for each request, which has no connection and no cookie of another.
    Own(Box<Config>),
    Of(Agent),
}

impl Ureq {
    /// A transport with the usual [`Settings`].
    pub fn new() -> Self {
        Self::with_settings(&Settings::new())
    }

    /// A transport with these settings.
    pub fn with_settings(settings: &Settings) -> Self {
        let config = Agent::config_builder()
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .user_agent(settings.user_agent.as_str())
            .max_idle_connections(0)
            .build();
        let calls = Agent::config_builder()
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_recv_response(Some(settings.timeout))
            .user_agent(settings.user_agent.as_str())
            .build();
        Self { stack: Stack::Own(Box::new(config)), calls: calls.new_agent(), timeout: settings.timeout }
    }

    /// A transport that uses the app's agent: its TLS configuration, proxy, connections, cookies, middleware and user agent.
    ///
    /// What the contract needs is set for each request, whatever the agent says: no redirects, statuses as responses, no proxy
    /// for loopback, and [thirty seconds](Settings::timeout) for the whole request. Set [`Self::timeout`] for another limit, and
    /// on the agent `timeout_connect` and `timeout_resolve`. A middleware of the agent must not send a request twice.
    pub fn with_agent(agent: Agent) -> Self {
        Self { stack: Stack::Of(agent.clone()), calls: agent, timeout: Settings::new().timeout }
    }

    /// Sets how long a request may take: see [`Settings::timeout`].
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sends one of the app's own calls, by the app's agent, or by one that keeps connections.
    pub(crate) fn call<B: AsSendBody>(&self, request: http::Request<B>) -> Result<http::Response<ureq::Body>, Error> {
        let loopback = request.uri().host().is_some_and(is_loopback);
        let config = self.calls.configure_request(request).max_redirects(0).http_status_as_error(false);
        self.calls.run(if loopback { config.proxy(None).build() } else { config.build() })
    }

    /// What the contract needs, and the request's headers.
    fn prepare<Kind>(&self, builder: RequestBuilder<Kind>, request: &Request, loopback: bool) -> RequestBuilder<Kind> {
        let config = builder
            .config()
            .https_only(!loopback)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(self.timeout));
        let builder = if loopback { config.proxy(None).build() } else { config.build() };
        let builder = builder.header("accept-encoding", "identity");
        request.headers().fold(builder, |builder, (name, value)| {
            let value = http::HeaderValue::from_str(value).map(|mut value| {
                value.set_sensitive(name == "authorization");
                value
            });
            match value {
                Ok(value) => builder.header(name, value),
                // Kept by the builder as an error, which comes out before anything is sent.
                Err(_) => builder.header(name, "\n"),
            }
        })
    }
}

impl Default for Ureq {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for Ureq {
    fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        trace::sends(request);
        let outcome = self.exchange(request);
        trace::ends(request, &outcome);
        outcome
    }
}

impl Ureq {
    fn exchange(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        let uri: Uri = request.url().parse().map_err(|_| Delivered::No)?;
        let loopback = uri.host().is_some_and(is_loopback);
        if !allowed(uri.scheme_str(), loopback) {
            return Err(Delivered::No);
        }
        let agent = match &self.stack {
            Stack::Own(config) => config.new_agent(),
            Stack::Of(agent) => agent.clone(),
        };
        let response = if request.method() == "POST" {
            let mut body = Watched { rest: request.body(), asked: false };
            let builder = self.prepare(agent.post(uri), request, loopback);
            let builder = builder.header("content-length", request.body().len());
            let outcome = builder.send(SendBody::from_reader(&mut body));
            let delivered = if body.asked { Delivered::Maybe } else { Delivered::No };
            outcome.map_err(|_| delivered)?
        } else {
            self.prepare(agent.get(uri), request, loopback).call().map_err(|error| of_get(&error))?
        };
        let (head, body) = response.into_parts();
        let headers =
            head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        let body = read(body.into_reader(), request.max_response_bytes()).map_err(|_| Delivered::Maybe)?;
        Ok(OwnedResponse::new(head.status.as_u16(), headers, body))
    }
}

impl fmt::Debug for Ureq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ureq").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The body of a request, which knows whether it was asked for.
struct Watched<'a> {
    rest: &'a [u8],
    asked: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.asked = true;
        self.rest.read(into)
    }
}

/// Whether a request without a body may have been delivered.
fn of_get(error: &Error) -> Delivered {
    match error {
        Error::Http(_)
        | Error::BadUri(_)
        | Error::RequireHttpsOnly(_)
        | Error::InvalidProxyUrl
        | Error::HostNotFound
        | Error::ConnectionFailed
        | Error::ConnectProxyFailed(_)
        | Error::TlsRequired
        | Error::Timeout(Timeout::Resolve | Timeout::Connect) => Delivered::No,
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused || is_lookup(error) => Delivered::No,
        // Everything else can also come after the request was written, or has no meaning that one could rely on.
        _ => Delivered::Maybe,
    }
}

/// Whether the name could not be looked up. `std` has no kind for it, only these words, on Unix.
fn is_lookup(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && error.to_string().starts_with("failed to lookup address information")
}

fn read(mut from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut body = Body::new(limit);
    loop {
        let room = body.room();
        if room.is_empty() {
            return Ok(body.finish());
        }
        match from.read(room) {
            Ok(0) => return Ok(body.finish()),
            Ok(count) => body.filled(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
