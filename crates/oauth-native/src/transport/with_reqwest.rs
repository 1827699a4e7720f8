//! `reqwest`, which is async.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use oauth_proto::drive::{OwnedResponse, Transport};
use oauth_proto::{Delivered, Request};
use reqwest::header::{HeaderValue, ACCEPT_ENCODING};
use reqwest::{redirect, Client, Error, Method, RequestBuilder, Response, Url};

use super::body::Body;
use super::settings::Settings;
use super::watched::{State, Watched};
use super::{allowed, is_loopback};
use crate::trace;

/// Sends requests with `reqwest`, in a `tokio` runtime (feature `reqwest`). The [module](super) says what it does and what its
/// errors mean. A clone is cheap.
///
/// A request whose future is dropped may have been delivered.
///
/// ```
/// use oauth_native::transport::{Reqwest, Settings};
///
/// let transport = Reqwest::new()?;
/// let mine = Reqwest::with_settings(&Settings::new().user_agent("example-app/2.1"))?;
/// # let _ = (transport, mine);
/// # Ok::<(), reqwest::Error>(())
/// ```
#[derive(Clone)]
pub struct Reqwest {
    usual: Client,
    /// For loopback, where no proxy must be asked.
    direct: Client,
    /// For the app's own calls.
    calls: Client,
    /// For those to loopback.
    direct_calls: Client,
    timeout: Duration,
}

impl Reqwest {
    /// A transport with the usual [`Settings`].
    ///
    /// # Errors
    /// The client's, if TLS cannot be set up.
    pub fn new() -> Result<Self, Error> {
        Self::with_settings(&Settings::new())
    }

    /// A transport with these settings.
    ///
    /// # Errors
    /// The client's, if TLS cannot be set up.
    pub fn with_settings(settings: &Settings) -> Result<Self, Error> {
        let base = || {
            Client::builder()
                .use_rustls_tls()
                .redirect(redirect::Policy::none())
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                .connect_timeout(settings.connect_timeout)
                .user_agent(settings.user_agent.as_str())
        };
        let client = || base().pool_max_idle_per_host(0);
        let (usual, direct) = (client().build()?, client().no_proxy().build()?);
        let calls = || base().read_timeout(settings.timeout);
        let (calls, direct_calls) = (calls().build()?, calls().no_proxy().build()?);
        Ok(Self { usual, direct, calls, direct_calls, timeout: settings.timeout })
    }

    /// A transport that uses the app's client: its TLS configuration, proxy, connections, cookies and user agent.
    ///
    /// The client must be built with `redirect(Policy::none())`, and should have a `connect_timeout`. If it follows a redirect
    /// all the same, its response is not handed over (the outcome is [`Delivered::Maybe`]), and the body of a `POST` is not sent
    /// again; but an access token may then have been sent elsewhere. For a server on loopback it needs `no_proxy()`. A request
    /// may take [thirty seconds](Settings::timeout), whatever the client says; set [`Self::timeout`] for another limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use oauth_native::transport::Reqwest;
    ///
    /// let client = reqwest::Client::builder()
    ///     .redirect(reqwest::redirect::Policy::none())
    ///     .connect_timeout(Duration::from_secs(10))
    ///     .build()?;
    /// let transport = Reqwest::with_client(client);
    /// # let _ = transport;
    /// # Ok::<(), reqwest::Error>(())
    /// ```
    pub fn with_client(client: Client) -> Self {
        let (usual, direct, direct_calls) = (client.clone(), client.clone(), client.clone());
        Self { usual, direct, calls: client, direct_calls, timeout: Settings::new().timeout }
    }

    /// Sets how long a request may take: see [`Settings::timeout`].
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// The client for the app's own calls: the app's, or one that keeps connections and reads bodies of any length.
    pub(crate) fn calls(&self, host: Option<&str>) -> &Client {
        if host.is_some_and(is_loopback) {
            &self.direct_calls
        } else {
            &self.calls
        }
    }

    /// What the contract needs, and the request's headers.
    fn prepare(&self, request: &Request, url: Url, loopback: bool) -> Result<RequestBuilder, Delivered> {
        let method = if request.method() == "POST" { Method::POST } else { Method::GET };
        let client = if loopback { &self.direct } else { &self.usual };
        let builder = client.request(method, url).timeout(self.timeout).header(ACCEPT_ENCODING, "identity");
        request.headers().try_fold(builder, |builder, (name, value)| {
            let mut value = HeaderValue::from_str(value).map_err(|_| Delivered::No)?;
            value.set_sensitive(name == "authorization");
            Ok(builder.header(name, value))
        })
    }
}

impl Transport for Reqwest {
    async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        trace::sends(request);
        let outcome = self.exchange(request).await;
        trace::ends(request, &outcome);
        outcome
    }
}

impl Reqwest {
    async fn exchange(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        let url = Url::parse(request.url()).map_err(|_| Delivered::No)?;
        let loopback = url.host_str().is_some_and(is_loopback);
        if !allowed(Some(url.scheme()), loopback) {
            return Err(Delivered::No);
        }
        let builder = self.prepare(request, url.clone(), loopback)?;
        let response = if request.method() == "POST" {
            let state = Arc::new(State::default());
            let body = reqwest::Body::wrap(Watched::new(request.body(), &state));
            builder.body(body).send().await.map_err(|_| state.give_up())?
        } else {
            builder.send().await.map_err(|error| of_get(&error))?
        };
        if *response.url() != url {
            return Err(Delivered::Maybe); // the app's client has followed a redirect
        }
        received(response, request.max_response_bytes()).await.map_err(|_| Delivered::Maybe)
    }
}

impl fmt::Debug for Reqwest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reqwest").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Whether a request without a body may have been delivered.
fn of_get(error: &Error) -> Delivered {
    // `is_connect` is true for what fails while a connection is made: name, address, proxy, TLS, connect timeout.
    if error.is_builder() || error.is_connect() {
        Delivered::No
    } else {
        Delivered::Maybe
    }
}

async fn received(mut response: Response, limit: usize) -> Result<OwnedResponse, Error> {
    let headers =
        response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let mut body = Body::new(limit);
    while let Some(chunk) = response.chunk().await? {
        if body.take(&chunk) {
            break;
        }
    }
    Ok(OwnedResponse::new(response.status().as_u16(), headers, body.finish()))
}
