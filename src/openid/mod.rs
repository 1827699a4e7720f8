//! OpenID Connect: who logged in, checked (feature `openid`).
//!
//! Nothing here has to be called by an app that drives a [`Login`](crate::Login): the machines find the server by its issuer,
//! check the ID token and fetch the keys for that by themselves. What they do it with is here as pure functions, for those who
//! test, fuzz or audit:
//!
//! | for | open |
//! | --- | --- |
//! | where a server's metadata is, and what it says (RFC 8414, OpenID Connect Discovery 1.0) | [`discovery`] |
//! | the servers of an API (RFC 9728) | [`resource`] |
//! | the rules that an ID token is held to (OpenID Connect Core §3.1.3.7, §12.2, RFC 8725) | [`id_token`] |
//! | the keys of a server (RFC 7517) | [`KeySet`] |
//! | signatures, and a platform's own cryptography for them | [`SignatureVerifier`] |
//! | what the userinfo endpoint answers (OpenID Connect Core §5.3) | [`UserInfo`] |
//!
//! # From login to login
//!
//! What was fetched is worth keeping, once for all logins and sessions: with both of these the next login sends the token request
//! alone (keys that are older than [`ClientBuilder::max_key_age_secs`](crate::ClientBuilder::max_key_age_secs), a day by default, are
//! fetched again, so that a key that the server has withdrawn is not believed for ever), and a stored session of a client that knows only its server's issuer goes on with them
//! ([`Session::restore`](crate::Session::restore)).
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

mod claims;
pub mod id_token;
mod jws;
pub(crate) mod keys;
mod objects;
#[cfg(feature = "rustcrypto")]
pub(crate) mod rustcrypto;
pub(crate) mod signature;
mod standard_claims;
mod userinfo;
mod whose;

pub use id_token::IdToken;
pub use keys::{KeySet, KeySetError};
#[cfg(feature = "rustcrypto")]
pub use rustcrypto::RustCrypto;
pub use signature::{Algorithm, Curve, PublicKey, SignatureVerifier};
pub use standard_claims::{Address, StandardClaims};
pub use userinfo::UserInfo;
