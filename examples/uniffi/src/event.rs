//! Events and HTTP messages that own their parts.

use oauth_proto::drive::OwnedResponse;
use oauth_proto::{Delivered, Entropy, EntropyError, Error, Request, RequestId};

use crate::error::OauthError;

/// What happened outside: the input of a login and of a session.
#[derive(uniffi::Enum)]
pub enum Event {
    /// The user wants to log in.
    Start {
        /// 96 bytes from a secure random number generator; without them, the operating system's.
        #[uniffi(default = None)]
        entropy: Option<Vec<u8>>,
    },
    /// The app received this URL. Pass it on whole, even if it may not belong to this login.
    RedirectReceived { url: String },
    /// The response to the request with this id. Of the body at most `max_response_bytes` and one byte more.
    ResponseReceived { id: RequestId, status: u16, headers: Vec<Header>, body: Vec<u8> },
    /// The request with this id got no response.
    SendFailed { id: RequestId, delivered: Delivered },
    /// The user gave up, or the app does not want to wait any longer.
    Cancelled,
}

/// One header of a request or response.
#[derive(uniffi::Record)]
pub struct Header {
    pub name: String,
    pub value: String,
}

/// A request to send, by the contract in README.md.
#[derive(uniffi::Record)]
pub struct HttpRequest {
    /// To be handed over with the response.
    pub id: RequestId,
    /// `GET` or `POST`.
    pub method: String,
    pub url: String,
    pub headers: Vec<Header>,
    /// Secret; empty for a `GET`.
    pub body: Vec<u8>,
    /// The most bytes that the response's body may have. Read one more at most.
    pub max_response_bytes: u64,
}

impl Event {
    /// Hands the event to a login or session.
    pub(crate) fn hand<T>(self, to: impl FnOnce(oauth_proto::Event<'_>) -> Result<T, Error>) -> Result<T, OauthError> {
        Ok(match self {
            Self::Start { entropy } => to(oauth_proto::Event::Start(random(entropy)?)),
            Self::RedirectReceived { url } => to(oauth_proto::Event::RedirectReceived(&url)),
            Self::ResponseReceived { id, status, headers, body } => {
                let headers = headers.into_iter().map(|header| (header.name, header.value.into_bytes())).collect();
                let response = OwnedResponse::new(status, headers, body); // wipes the body
                to(oauth_proto::Event::ResponseReceived(id, response.response()))
            }
            Self::SendFailed { id, delivered } => to(oauth_proto::Event::SendFailed(id, delivered)),
            Self::Cancelled => to(oauth_proto::Event::Cancelled),
        }?)
    }
}

/// The bytes of the app, or else of the operating system.
pub(crate) fn random(octets: Option<Vec<u8>>) -> Result<Entropy, EntropyError> {
    match octets {
        Some(octets) => Entropy::try_from(octets.as_slice()),
        None => Entropy::from_os(),
    }
}

impl From<&Request> for HttpRequest {
    fn from(request: &Request) -> Self {
        Self {
            id: request.id(),
            method: request.method().into(),
            url: request.url().into(),
            headers: request.headers().map(Header::from).collect(),
            body: request.body().to_vec(),
            max_response_bytes: request.max_response_bytes() as u64,
        }
    }
}

impl<V: AsRef<str>> From<(&str, V)> for Header {
    fn from((name, value): (&str, V)) -> Self {
        Self { name: name.into(), value: value.as_ref().into() }
    }
}
