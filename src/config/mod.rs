//! Configuration, set up once by an app and fully checked: the authorization server and the client.

pub(crate) mod builder;
pub(crate) mod client;
mod discovered;
pub(crate) mod fingerprint;
#[cfg(feature = "openid")]
mod id_token_builder;
#[cfg(feature = "openid")]
pub(crate) mod id_token_settings;
#[cfg(feature = "openid")]
mod id_tokens;
mod own_ways;
pub(crate) mod server;
mod tenants;

pub use builder::ClientBuilder;
pub use client::Client;
pub use server::AuthorizationServer;
