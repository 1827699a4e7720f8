//! Tokens on the requests of an HTTP stack, as a middleware of that stack: for apps, or libraries such as API clients, that send
//! requests in their own way and should not know about [`Api::call`](crate::api::Api::call).
//!
//! | stack | feature | |
//! | --- | --- | --- |
//! | services of `tower`: `hyper-util`, generated gRPC clients | `tower` | `TowerLayer` |
//! | `reqwest`, with the crate `reqwest-middleware` 0.4 | `reqwest-middleware` | `ReqwestMiddleware` |
//! | `ureq` 3 | `ureq` | `UreqMiddleware` |
//!
//! All of them do what [`Api::call_for`](crate::api::Api::call_for) does:
//! - Each request gets a token that is good now; a refresh that is due comes first, one for all.
//! - If the API refuses the token with a 401, the token is refreshed, once for all, and the request is sent once more if its body
//!   can be had a second time. If it cannot, the app gets the 401; the next request has the new token.
//! - If the API demands more scope or a stronger login, the error has [the login to
//!   make](crate::api::ApiError::login).
//! - A request to an origin that is not the API's ([`ClientBuilder::api_origin`](oauth_proto::ClientBuilder::api_origin)), or one
//!   that has an `Authorization` header already, is not sent; the error is [`ApiError::Bearer`].
//!
//! The stack's error has the [`ApiError`] within; each type says how to get it.
//!
//! # Redirects
//!
//! A stack that follows a redirect must not send the token to another origin. `ureq` never does, with this middleware. For the
//! others, see their types: it is best to follow no redirect at all, as APIs seldom need it.
//!
//! # Futures that are `Send`
//!
//! `tower` and `reqwest-middleware` want futures that may go from thread to thread. So the handle's transport and clock must be
//! [`SendTransport`] and [`SendClock`], as [`Reqwest`](crate::transport::Reqwest) and [`SystemClock`](crate::SystemClock) are.

#[cfg(feature = "reqwest-middleware")]
mod with_reqwest;
#[cfg(feature = "tower")]
mod with_tower;
#[cfg(feature = "ureq")]
mod with_ureq;

#[cfg(feature = "reqwest-middleware")]
pub use self::with_reqwest::ReqwestMiddleware;
#[cfg(feature = "tower")]
pub use self::with_tower::{Cloned, Repeat, TowerLayer, TowerService};
#[cfg(feature = "ureq")]
pub use self::with_ureq::UreqMiddleware;
#[cfg(any(feature = "tower", feature = "reqwest-middleware"))]
pub use crate::api::boxed::{BoxFuture, SendClock, SendTransport};

#[cfg(any(feature = "tower", feature = "reqwest-middleware", feature = "ureq"))]
use crate::api::{attempt::Attempt, ApiError};

/// Puts the token on a request to this URL.
#[cfg(any(feature = "tower", feature = "reqwest-middleware", feature = "ureq"))]
fn authorize(attempt: &Attempt, method: &str, url: &str, headers: &mut http::HeaderMap) -> Result<(), ApiError> {
    let call = attempt.headers(method, url)?.beside(headers.keys()).map_err(ApiError::Bearer)?;
    for (name, value) in call {
        // It is one: the token's characters were checked when it came.
        if let Ok(mut value) = http::HeaderValue::from_str(value.as_str()) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    Ok(())
}
