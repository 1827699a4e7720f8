//! OpenID Connect: verified ID tokens, which say who logged in (feature `openid`).
//!
//! An app that drives a [`Login`](crate::Login) need not call anything here: logins and sessions fetch the server's keys and
//! check ID tokens themselves. The pure functions that they use are public for tests, fuzzing and audits:
//!
//! | for | see |
//! | --- | --- |
//! | rules for an ID token (OpenID Connect Core §3.1.3.7, §12.2, RFC 8725) | [`id_token`] |
//! | keys of a server (RFC 7517) | [`KeySet`] |
//! | signatures, and using the platform's cryptography for them | [`SignatureVerifier`] |
//! | response of the userinfo endpoint (OpenID Connect Core §5.3) | [`UserInfo`] |
//!
//! Discovery (RFC 8414, OpenID Connect Discovery 1.0) and the metadata of APIs (RFC 9728) need no feature: see
//! [`metadata`](crate::metadata).
//!
//! # From login to login
//!
//! Keep the fetched metadata and keys for all logins and sessions. With both, the next login sends only the token request, and a
//! client that knows only its server's issuer can restore a stored session ([`Session::restore`](crate::Session::restore)). Keys
//! older than [`ClientBuilder::max_key_age_secs`](crate::ClientBuilder::max_key_age_secs), a day by default, are fetched again,
//! so that a withdrawn key is not trusted for ever.
//!
//! ```
//! use oauth_proto::{AuthorizationServer, Client, ConfigError, KeySet, ServerMetadata, Tokens, UnixTime};
//!
//! #[derive(Default, serde::Serialize, serde::Deserialize)]
//! struct Kept {
//!     metadata: Option<ServerMetadata>,
//!     keys: Option<KeySet>,
//! }
//!
//! /// After a login.
//! fn kept(tokens: &Tokens) -> Kept {
//!     Kept { metadata: tokens.metadata().cloned(), keys: tokens.keys().cloned() }
//! }
//!
//! /// Before the next one.
//! fn client(kept: Kept, now: UnixTime) -> Result<Client, ConfigError> {
//!     let server = AuthorizationServer::from_issuer("https://tenant.auth0.com/")?;
//!     let mut client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
//!     if let Some(metadata) = kept.metadata.filter(|metadata| metadata.age(now) < 24 * 60 * 60) {
//!         client = client.with_metadata(&metadata)?;
//!     }
//!     Ok(kept.keys.into_iter().fold(client, |client, keys| client.with_keys(keys)))
//! }
//! # assert!(client(Kept::default(), UnixTime::from_secs(0)).is_ok());
//! ```

pub mod id_token;
pub(crate) mod jwk;
mod jws;
pub(crate) mod keys;
mod objects;
#[cfg(feature = "rustcrypto")]
pub(crate) mod rustcrypto;
pub(crate) mod signature;
mod standard_claims;
mod userinfo;

pub use id_token::IdToken;
pub use keys::{KeySet, KeySetError};
#[cfg(feature = "rustcrypto")]
pub use rustcrypto::RustCrypto;
pub use signature::{Algorithm, Curve, PublicKey, SignatureVerifier};
pub use standard_claims::{Address, StandardClaims};
pub use userinfo::UserInfo;
