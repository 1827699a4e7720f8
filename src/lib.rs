//! OAuth 2.0 login for native apps, and the API calls after it, as state machines without I/O.
#![no_std]
#![cfg_attr(docsrs, feature(doc_auto_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod authorization;
pub mod bearer;
pub mod challenge;
mod chars;
mod client;
mod config_error;
mod endpoint;
mod entropy;
pub mod error;
mod form;
pub mod http;
mod json;
pub mod login;
pub mod pkce;
pub mod redirect;
mod redirect_uri;
mod restore;
mod retry_after;
mod secret;
mod server;
pub mod session;
mod time;
pub mod token;

pub use authorization::{AuthorizationRequest, AuthorizationUrl, ResponseMode};
pub use bearer::{Bearer, BearerError};
pub use client::{Client, ClientBuilder};
pub use config_error::ConfigError;
pub use entropy::{Entropy, EntropyError};
pub use error::{Error, Ignored, Misuse, Over, Refused, Violation};
pub use http::{Delivered, Headers, Request, RequestId, Response};
pub use login::{Action, Event, Login, Phase, SavedLogin};
pub use restore::RestoreError;
pub use secret::Secret;
pub use server::AuthorizationServer;
pub use session::{Access, LoginRequired, SavedSession, Session, SessionAction, SessionPhase};
pub use time::UnixTime;
pub use token::Tokens;
