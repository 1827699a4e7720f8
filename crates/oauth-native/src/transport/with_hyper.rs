//! `hyper`, by the client of `hyper-util`, which is async.

use std::fmt;
use std::future::{poll_fn, Future};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HeaderValue, ACCEPT_ENCODING, USER_AGENT};
use http::{Response, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::legacy::{Client, Error, ResponseFuture};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo};
use oauth_proto::drive::{OwnedResponse, Transport};
use oauth_proto::{Delivered, Request};
use tokio::net::TcpStream;
use tower_service::Service;

use super::body::Body;
use super::settings::Settings;
use super::watched::{State, Watched};
use super::{allowed, is_loopback};
use crate::trace;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Sends requests with `hyper`, in a `tokio` runtime (feature `hyper`). The [module](super) says what it does and what its errors
/// mean. A clone is cheap.
///
/// A request whose future is dropped may have been delivered.
///
/// ```
/// use oauth_native::transport::{Hyper, Settings};
///
/// let transport = Hyper::new()?;
/// let mine = Hyper::with_settings(&Settings::new().user_agent("example-app/2.1"))?;
/// # let _ = (transport, mine);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Hyper {
    send: Arc<Sending>,
    settings: Settings,
}

type Sending = dyn Fn(http::Request<Watched>) -> ResponseFuture + Send + Sync;

impl Hyper {
    /// A transport with the usual [`Settings`].
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new() -> io::Result<Self> {
        Self::with_settings(&Settings::new())
    }

    /// A transport with these settings.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn with_settings(settings: &Settings) -> io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = Proxied { tcp, proxies: Arc::new(Matcher::from_env()) };
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(io::Error::other)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self::with_connector(connector, settings))
    }

    /// A transport that uses the app's connector: its TLS configuration and its proxy, which loopback must not be reached by.
    pub fn with_connector<C>(connector: C, settings: &Settings) -> Self
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Connection + Read + Write + Unpin + Send,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
    {
        let connector = Timed { connector, limit: settings.connect_timeout };
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(connector);
        Self { send: Arc::new(move |message| client.request(message)), settings: settings.clone() }
    }

    /// What the contract needs, and the request's headers.
    fn prepare(&self, request: &Request, url: Uri, body: Watched) -> Result<http::Request<Watched>, Delivered> {
        let message = http::Request::builder().method(request.method()).uri(url);
        let message = message.header(ACCEPT_ENCODING, "identity").header(USER_AGENT, &self.settings.user_agent);
        let message = request.headers().try_fold(message, |message, (name, value)| {
            let mut value = HeaderValue::from_str(value).map_err(|_| Delivered::No)?;
            value.set_sensitive(name == "authorization");
            Ok(message.header(name, value))
        })?;
        message.body(body).map_err(|_| Delivered::No)
    }

    async fn exchange(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        let url: Uri = request.url().parse().map_err(|_| Delivered::No)?;
        if !allowed(url.scheme_str(), url.host().is_some_and(is_loopback)) {
            return Err(Delivered::No);
        }
        let (is_post, state) = (request.method() == "POST", Arc::new(State::default()));
        let body = if is_post { Watched::new(request.body(), &state) } else { Watched::none() };
        let message = self.prepare(request, url, body)?;
        let unanswered = |of_get| if is_post { state.give_up() } else { of_get };
        let exchange = async {
            let response = (self.send)(message).await.map_err(|error| unanswered(of_get(&error)))?;
            received(response, request.max_response_bytes()).await.map_err(|_| Delivered::Maybe)
        };
        let answer = tokio::time::timeout(self.settings.timeout, exchange).await;
        answer.unwrap_or_else(|_| Err(unanswered(Delivered::Maybe)))
    }
}

impl Transport for Hyper {
    async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        trace::sends(request);
        let outcome = self.exchange(request).await;
        trace::ends(request, &outcome);
        outcome
    }
}

impl fmt::Debug for Hyper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hyper").field("timeout", &self.settings.timeout).finish_non_exhaustive()
    }
}

/// Whether a request without a body may have been delivered.
fn of_get(error: &Error) -> Delivered {
    // `is_connect` is true for what fails while a connection is made: name, address, proxy, TLS, connect timeout.
    if error.is_connect() {
        Delivered::No
    } else {
        Delivered::Maybe
    }
}

async fn received(response: Response<Incoming>, limit: usize) -> Result<OwnedResponse, hyper::Error> {
    let (head, mut from) = response.into_parts();
    let headers =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let mut body = Body::new(limit);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut from).poll_frame(context)).await {
        if frame?.data_ref().is_some_and(|chunk| body.take(chunk)) {
            break;
        }
    }
    Ok(OwnedResponse::new(head.status.as_u16(), headers, body.finish()))
}

/// Connects by TCP: to loopback directly, to other hosts through the proxy that the environment names, if it names one.
#[derive(Clone)]
struct Proxied {
    tcp: HttpConnector,
    proxies: Arc<Matcher>,
}

impl Service<Uri> for Proxied {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Boxed<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let is_direct = url.host().is_some_and(is_loopback);
        let Some(proxy) = self.proxies.intercept(&url).filter(|_| !is_direct) else {
            let connecting = self.tcp.call(url);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        if proxy.uri().scheme_str() != Some("http") {
            return Box::pin(async { Err("only proxies whose URL begins with http:// are supported".into()) });
        }
        let tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        let mut tunnel = match proxy.basic_auth() {
            Some(value) => tunnel.with_auth(value.clone()),
            None => tunnel,
        };
        let connecting = tunnel.call(url);
        Box::pin(async move { Ok(connecting.await?) })
    }
}

/// Limits how long it takes to connect, TLS included.
#[derive(Clone)]
struct Timed<C> {
    connector: C,
    limit: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Boxed<C::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.limit, self.connector.call(url));
        Box::pin(async move { connecting.await?.map_err(Into::into) })
    }
}
