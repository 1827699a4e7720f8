//! HTTP/1.1 by reqwless, over any connection: the transport of the login, and the calls of an API.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_time::{with_timeout, Duration};
use embedded_io_async::{Read, Write};
use oauth_proto::drive::{OwnedResponse, Transport};
use oauth_proto::{Delivered, Request};
use reqwless::request::{Method, Request as Http1, RequestBuilder};
use reqwless::response::Response;
use zeroize::Zeroizing;

/// The most bytes of a body that are kept. What is cut off is no JSON any more, so that the login refuses it.
const MAX_BODY: usize = 8 * 1024;
/// The most bytes of the head of a response.
const MAX_HEAD: usize = 2 * 1024;
/// How long a connection, and then a response, may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Opens connections to servers.
pub trait Connect {
    /// A connection.
    type Connection<'a>: Read + Write
    where
        Self: 'a;

    /// Opens a connection on which TLS has proved that the server is `host`; `None` if that fails.
    async fn connect<'a>(&'a mut self, host: &'a str, port: u16) -> Option<Self::Connection<'a>>;
}

/// One request at a time.
pub struct Http<C>(Mutex<NoopRawMutex, C>);

/// What a server answered.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl<C: Connect> Http<C> {
    /// HTTP over these connections.
    pub fn new(connect: C) -> Self {
        Self(Mutex::new(connect))
    }

    /// Sends a request and reads its response. No redirect is followed.
    pub async fn exchange(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Delivered> {
        let (authority, path) = split(url).ok_or(Delivered::No)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| Delivered::No)?),
            None => (authority, 443),
        };
        let mut connect = self.0.lock().await;
        let connection = with_timeout(TIMEOUT, connect.connect(host, port)).await.ok().flatten();
        let mut connection = connection.ok_or(Delivered::No)?;

        let method = if method == "POST" { Method::POST } else { Method::GET };
        let request = Http1::new(method, path).host(authority).headers(headers).body(body).build();
        let exchange = async {
            request.write_header(&mut connection).await.ok()?;
            connection.write_all(body).await.ok()?;
            connection.flush().await.ok()?;
            read(&mut connection, method).await
        };
        with_timeout(TIMEOUT, exchange).await.ok().flatten().ok_or(Delivered::Maybe)
    }
}

impl<C: Connect> Transport for Http<C> {
    async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        let headers: Vec<_> = request.headers().collect();
        let answer = self.exchange(request.method(), request.url(), &headers, request.body()).await?;
        Ok(OwnedResponse::new(answer.status, answer.headers, answer.body))
    }
}

/// Reads a response.
async fn read(connection: &mut impl Read, method: Method) -> Option<Answer> {
    let mut head = Zeroizing::new([0; MAX_HEAD]); // the beginning of the body gets in here too
    let response = Response::read(connection, method, head.as_mut_slice()).await.ok()?;
    let status = response.status.0;
    let named = response.headers().filter(|(name, _)| !name.is_empty());
    let headers = named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut body = Zeroizing::new(Vec::with_capacity(response.content_length.unwrap_or(MAX_BODY).min(MAX_BODY)));
    let mut reader = response.body().reader();
    let mut chunk = Zeroizing::new([0; 256]);
    while body.len() < MAX_BODY {
        let most = chunk.len().min(MAX_BODY - body.len());
        match reader.read(&mut chunk[..most]).await.ok()? {
            0 => break,
            length => body.extend_from_slice(&chunk[..length]),
        }
    }
    Some(Answer { status, headers, body: core::mem::take(&mut body) })
}

/// Host and port, and the path with the query, of an https URL.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    match rest.find('/') {
        Some(slash) => Some(rest.split_at(slash)),
        None if rest.contains('?') => None,
        None => Some((rest, "/")),
    }
}
