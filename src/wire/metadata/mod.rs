//! Metadata of authorization servers (RFC 8414, OpenID Connect Discovery 1.0) and of APIs (RFC 9728).
//!
//! A login by [`AuthorizationServer::from_issuer`](crate::AuthorizationServer::from_issuer) fetches the server's metadata by
//! itself. This module is for apps that store metadata from login to login ([`ServerMetadata`]), that start from an API's
//! metadata ([`ResourceMetadata`]), or that look for a server's other endpoints.
//!
//! # Where a login looks
//!
//! | [`DiscoveryOrder`] | first | second | third, if the issuer has a path |
//! | --- | --- | --- | --- |
//! | `OpenIdConnectFirst` (default) | [`OpenIdConfiguration`](WellKnown::OpenIdConfiguration) | [`OAuthAuthorizationServer`](WellKnown::OAuthAuthorizationServer) | [`OpenIdConfigurationInserted`](WellKnown::OpenIdConfigurationInserted) |
//! | `OAuthFirst`, issuer with a path | [`OAuthAuthorizationServer`](WellKnown::OAuthAuthorizationServer) | [`OpenIdConfigurationInserted`](WellKnown::OpenIdConfigurationInserted) | [`OpenIdConfiguration`](WellKnown::OpenIdConfiguration) |
//! | `OAuthFirst`, issuer without | [`OAuthAuthorizationServer`](WellKnown::OAuthAuthorizationServer) | [`OpenIdConfiguration`](WellKnown::OpenIdConfiguration) | |
//!
//! The login goes on to the next location if this one has no readable document: a status other than 2xx, a redirect (never
//! followed), a body that is not JSON, a repeated member or one of a wrong type. A readable document decides: if it belongs to
//! another issuer or breaks another rule, the login ends. If no location has a readable document but one could not answer (408,
//! 425, 429, 5xx), the login asks all of them again later, until its deadline. Otherwise it ends with the error of the unreadable
//! document, or with [`Violation::Metadata`](crate::Violation::Metadata).
//!
//! # What is kept
//!
//! [`ServerMetadata`] and [`ResourceMetadata`] hold the whole document, and so does their saved form (any serde format): a later
//! version can read members that this one does not know. A document has at most 1 MiB and nests at most 32 levels deep.
//!
//! A member that the crate uses itself must have the type that its specification gives it, or the document is refused and the
//! error names the member. Any other member may have any type; its accessor returns the error when it is called.
//! `get` reads a member of any name into any `Deserialize` type.

mod accessor;
pub(crate) mod document;
mod kept;
pub(crate) mod resource;
mod resource_members;
pub(crate) mod server;
mod server_members;
pub(crate) mod well_known;

pub use resource::{ResourceMatch, ResourceMetadata};
pub use server::ServerMetadata;
pub use well_known::{well_known_url, DiscoveryOrder, WellKnown};
