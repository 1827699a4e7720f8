//! The client side of OAuth 2.0 and OpenID Connect for native apps, as state machines without I/O.
//!
//! Log a user in (authorization code with PKCE: RFC 6749, RFC 7636, RFC 8252), call APIs with the access token, refresh it when
//! it expires, sign out. You hand in what happened ([`Event`]) and carry out what comes back ([`Action`]), with any HTTP
//! stack, async runtime, thread model or platform. The crate does no I/O, reads no clock and draws no random numbers. It needs
//! `alloc`, but not `std`.
//!
//! # A complete login
//!
//! ```
//! use oauth_proto::{Access, Action, AuthorizationRequest, AuthorizationServer, Client, Entropy};
//! use oauth_proto::{Event, Login, Response};
//! # use oauth_proto::{Request, UnixTime};
//! # struct Http;
//! # impl Http { fn send(&self, request: &Request) -> (u16, Vec<(String, String)>, Vec<u8>) {
//! #     let body = if request.method() == "POST" {
//! #         r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#
//! #     } else {
//! #         r#"{"issuer":"https://tenant.auth0.com/","authorization_endpoint":"https://tenant.auth0.com/authorize",
//! #             "token_endpoint":"https://tenant.auth0.com/oauth/token","response_types_supported":["code"],
//! #             "code_challenge_methods_supported":["S256"],"token_endpoint_auth_methods_supported":["none"]}"#
//! #     };
//! #     (200, vec![("Content-Type".into(), "application/json".into())], body.into()) } }
//! # #[derive(Default)] struct Browser { state: String, opened: u32, visits: u32 }
//! # impl Browser {
//! #     fn open(&mut self, url: &str) -> String {
//! #         self.opened += 1;
//! #         self.state = url.split("&state=").nth(1).unwrap()[..43].to_string();
//! #         self.next_redirect() }
//! #     fn next_redirect(&mut self) -> String {
//! #         self.visits += 1;
//! #         if self.visits == 1 { return "com.example.app:/callback?code=forged&state=forged".into(); }
//! #         format!("com.example.app:/callback?code=SplxlOBeZQQYbYS6WxSbIA&state={}", self.state) }
//! # }
//! # fn now() -> UnixTime { UnixTime::from_secs(1_700_000_000) }
//! # fn sleep_until(_: UnixTime) {}
//! # fn entropy() -> Result<Entropy, oauth_proto::EntropyError> { Entropy::new(core::array::from_fn(|i| i as u8)) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (http, mut browser) = (Http, Browser::default());
//!
//! let server = AuthorizationServer::from_issuer("https://tenant.auth0.com/")?;
//! let client = Client::builder(server, "your client id", "com.example.app:/callback")
//!     .api_origin("https://api.example.com")
//!     .build()?;
//! let request = AuthorizationRequest::new()
//!     .scope("read:me offline_access")
//!     .audience("https://api.example.com");
//!
//! let mut login = Login::new(client, request)?;
//! let mut step = login.handle(Event::Start(entropy()?), now());
//! let tokens = loop {
//!     step = match step {
//!         Ok(Action::TokensReady(tokens)) => break tokens,
//!         Ok(Action::OpenUrl(url)) => login.handle(Event::RedirectReceived(&browser.open(&url)), now()),
//!         Ok(Action::SendRequest(request)) => {
//!             let (status, headers, body) = http.send(&request);
//!             let response = Response::new(status, &headers, &body);
//!             login.handle(Event::ResponseReceived(request.id(), response), now())
//!         }
//!         Ok(Action::RetryAt(time)) => { sleep_until(time); Ok(login.pending_action().unwrap()) }
//!         Ok(Action::Verify(_)) => unreachable!("only for a client that verifies ID tokens by action"),
//!         Err(error) if error.is_fatal() => return Err(error.into()),
//!         Err(_stray) => login.handle(Event::RedirectReceived(&browser.next_redirect()), now()),
//!     };
//! };
//!
//! let mut session = login.into_session(tokens); // store session.save() now
//! if let Access::Ready(bearer) = session.access(now()) {
//!     for (name, value) in bearer.headers("GET", "https://api.example.com/me")? {
//!         // a header of the API call
//! #       assert_eq!((name, value.as_str(), browser.opened, browser.visits), ("authorization", "Bearer AT1", 1, 2));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! You provide `entropy`, 96 random bytes ([`Entropy::from_os`]); `now`, the time; `http.send`, which gives the status, pairs of
//! names and values, and the body; `browser.open`, which opens the URL and waits for a redirect; `browser.next_redirect`, which
//! waits for another; `sleep_until`. See also [The driver](#the-driver).
//!
//! # Where to start
//!
//! | I have | look here |
//! | --- | --- |
//! | blocking HTTP (`ureq`, `curl`) | the loop above, or [`drive::blocking::login`]; `oauth-native` in the repository does all of it on `ureq`, and `examples/login` shows it |
//! | async HTTP (`reqwest`, `hyper`, on `tokio` or any other) | the same loop with `.await`, or [`drive::login`]; [`Session`] shows an async caller |
//! | the `http` crate's types | the feature `http` converts [`Request`] and [`Response`] |
//! | WebAssembly in a browser | [`http`](crate::http#fetch) for `fetch`, [`Login::save`], [below](#webassembly); `examples/web` in the repository |
//! | bare metal, your own stack | `default-features = false`; [`Entropy::new`], [`UnixTime::from_secs`], [`Headers::from_fn`]; `examples/firmware` runs on a Cortex-M4 |
//! | `embassy` | [`drive::login`]; `docs/embassy.md` has the code to copy |
//! | Kotlin, Swift, Python (`UniFFI`, JNI) | `examples/uniffi` in the repository: [`Login`] and [`Session`] as objects, [`RequestId::as_u64`], [`Error::code`] |
//! | OAuth only | [`AuthorizationServer::new`] or [`from_issuer`](AuthorizationServer::from_issuer); no scope `openid` |
//! | OpenID Connect | the scope `openid`; then [`Session::id_token`] says who logged in, and [`openid`] how it is checked |
//! | cryptography of the platform | [`SignatureVerifier`]: two functions, for the signatures of ID tokens |
//! | cryptography that answers later (`WebCrypto`, a KMS) | [`ClientBuilder::verify_id_tokens_by_action`], [`Action::Verify`] |
//! | one process | [`Session`] behind a lock; store [`Session::save`], begin with [`Session::restore`] |
//! | several processes with one store | [`Session::adopt`]; `examples/two_processes` runs two |
//! | several APIs with one login | a [`Target`] for each, [`Session::access_for`], [`ClientBuilder::api_origin_for`] |
//! | an app that may end, a page that is left during the login | [`Login::save`] when the browser opens, [`Login::resume`] |
//! | a device without a browser | the user pastes the redirect: [`redirect::from_pasted`], [`Login::url_of_bare_code`] |
//! | a desktop app that listens on loopback | [`loopback`]: what a browser sends goes in, the redirect and a page come out |
//! | a redirect that is posted as a form | [`redirect::from_form_post`] |
//! | a server that breaks a rule | the setting of [`ClientBuilder`] named after the rule; [`AuthorizationServer::tenants`] |
//!
//! # The states
//!
//! A [`Login`] goes from nothing to tokens. Every event that it accepts gives one [`Action`]; an event that it refuses changes
//! nothing.
//!
#![doc = "<div style=\"overflow-x:auto\">"]
#![doc = include_str!("../docs/login.svg")]
#![doc = "</div>"]
//!
//! `Discovering` fetches the metadata of a server known only by its issuer; `FetchingKeys` fetches the server's keys if an ID
//! token needs them; in `Verifying` the app verifies the ID token's signature, if the client leaves that to an action. A busy
//! server is asked again later ([`Action::RetryAt`]): [`http`](crate::http#what-a-status-means) lists what each status means at
//! each step.
//!
//! A [`Session`] goes from tokens to authorized API calls, for as long as the grant (the user's authorization, RFC 6749 §1.3)
//! lives, and then signs out.
//!
#![doc = "<div style=\"overflow-x:auto\">"]
#![doc = include_str!("../docs/session.svg")]
#![doc = "</div>"]
//!
//! **Only the server ends a grant**: by `invalid_grant`, or by sending another user's ID token. (An app that knows the grant to
//! be over calls [`Session::end_grant`].) A refresh whose response is lost is sent again, with growing waits, for as long as it
//! takes. Every other outcome keeps the grant: tokens; *later* (network, 429, 5xx, web pages instead of an OAuth response); the
//! user has to act; the server refuses this client or this request, and waiting does not help. In the last three, an access token
//! that is still good is handed out.
//!
//! All transitions as text; there are no others. As data: [`login::transitions::TRANSITIONS`],
//! [`session::transitions::TRANSITIONS`].
//!
//! ```text
//! Login
//!   Ready            ── Start ─▶ AwaitingRedirect
//!   Ready            ── StartByIssuer ─▶ Discovering
//!   Ready            ── Cancelled ─▶ Failed
//!   Discovering      ── Metadata ─▶ AwaitingRedirect
//!   Discovering      ── MetadataElsewhere · MetadataLater · NotDelivered · MaybeDelivered ─▶ Discovering
//!   Discovering      ── MetadataBroken · Cancelled · Expired ─▶ Failed
//!   AwaitingRedirect ── RedirectWithCode ─▶ ExchangingCode
//!   AwaitingRedirect ── RedirectWithError · RedirectBroken · Cancelled · Expired ─▶ Failed
//!   ExchangingCode   ── ResponseWithTokens ─▶ Finished
//!   ExchangingCode   ── ResponseWithoutKeys ─▶ FetchingKeys
//!   ExchangingCode   ── ResponseToVerify ─▶ Verifying
//!   ExchangingCode   ── ResponseLater · NotDelivered ─▶ ExchangingCode
//!   ExchangingCode   ── ResponseWithError · ResponseBroken · MaybeDelivered · Cancelled · Expired ─▶ Failed
//!   FetchingKeys     ── Keys ─▶ Finished
//!   FetchingKeys     ── KeysToVerify ─▶ Verifying
//!   FetchingKeys     ── KeysLater · NotDelivered · MaybeDelivered ─▶ FetchingKeys
//!   FetchingKeys     ── KeysBroken · Cancelled ─▶ Failed
//!   Verifying        ── SignatureValid ─▶ Finished
//!   Verifying        ── SignatureOfAnotherKey · VerifyFailed ─▶ Verifying
//!   Verifying        ── SignatureOfNewKey ─▶ FetchingKeys
//!   Verifying        ── SignatureInvalid · Cancelled ─▶ Failed
//!
//! Session
//!   Active           ── AccessDue · Refused ─▶ Refreshing
//!   Refreshing       ── Tokens · NoTokens · NoAnswer · AccessTimedOutWaiting · Adopted ─▶ Active
//!   Refreshing       ── InvalidGrant · SomebodyElses ─▶ LoginRequired
//!   Active · Refreshing ── EndGrant ─▶ LoginRequired
//!   LoginRequired    ── Adopted ─▶ Active
//!   Active · Refreshing ── SignOut ─▶ SigningOut
//!   Active · Refreshing · LoginRequired ── SignOutInBrowser ─▶ LoggingOut
//!   Active · Refreshing · LoginRequired ── SignOutHere ─▶ SignedOut
//!   SigningOut       ── Revoked ─▶ SignedOut
//!   SigningOut       ── RevokedLogoutNext ─▶ LoggingOut
//!   LoggingOut       ── Returned ─▶ SignedOut
//!   LoggingOut       ── ReturnedRevokeNext ─▶ SigningOut
//!   SignedOut        ── LateTokens ─▶ SigningOut
//! ```
//!
//! # The driver
//!
//! - **Sending**: [`http`] has the contract. When a request cannot be sent, hand over [`Event::SendFailed`] and say whether it
//!   may have reached the server; wait a moment before you send it again.
//! - **Redirects**: hand over every URL that comes. One that is not this login's (another app's link, a forgery) gives an error
//!   that is not fatal and changes nothing: wait for the next one, and do not open the browser again. Answer the browser with a
//!   page before the process ends: [`loopback`] has them.
//! - **After the login**: [`Session`] shows the loop for access tokens, [`Session::refused`] what to do after a 401,
//!   [`Session::sign_out`] the sign-out.
//!
//! # Matching
//!
//! [`Action`], [`Access`], [`SessionAction`], [`Adopted`] and [`loopback::Step`] may be matched exhaustively: a driver has to carry
//! out each variant.
//! A new variant is a breaking change (before 1.0, a minor version), so that the compiler points out what is missing. [`Event`],
//! [`LoginRequired`], [`SessionPhase`], [`Phase`] and the errors may grow: a driver needs a wildcard arm there, and
//! [`Error::is_fatal`], [`LoginRequired::is_final`] and [`LoginRequired::request`] tell it all that it needs.
//!
//! # Where to look
//!
//! | for | open |
//! | --- | --- |
//! | configuration, and every check of it | [`Client`], [`ClientBuilder`], [`AuthorizationServer`] |
//! | what to ask the user and the server for | [`AuthorizationRequest`], its `parameter` for the server's own parameters |
//! | metadata of servers and APIs, and their locations | [`metadata`] |
//! | ID tokens, keys, userinfo | [`openid`] |
//! | headers of an API call, and what a 401 or 403 means | [`bearer`], [`Session::refused`], [`challenge`] |
//! | sign-out, here and in the browser | [`Session::sign_out`], [`logout`] |
//! | the parsers, as pure functions | [`redirect::parse`], [`token::parse_response`], [`challenge::parse`] |
//! | errors, sorted by who has to act | [`error`] |
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `std` | yes | typed vendor parameters (`serde_urlencoded`), `UnixTime` from and to `SystemTime` |
//! | `getrandom` | yes | `Entropy::from_os`; in WebAssembly also add `getrandom = { version = "0.3.4", features = ["wasm_js"] }` to your app |
//! | `openid` | yes | OpenID Connect: ID tokens and the rules they are checked by, keys, userinfo |
//! | `rustcrypto` | yes | the signatures of ID tokens checked by the `RustCrypto` crates; turns `openid` on |
//! | `http` | no | conversions from and to the types of the `http` crate; turns `std` on |
//!
//! <a id="webassembly"></a>
//! On `wasm32-unknown-unknown` in a browser or Node, the feature `getrandom` needs one more line in your app's `Cargo.toml`, without
//! which the crate `getrandom` does not compile: `getrandom = { version = "0.3.4", features = ["wasm_js"] }`. Or leave the feature
//! out, and give [`Entropy::new`] bytes of `crypto.getRandomValues`.
//!
//! Without default features the crate needs `alloc` alone. Most of the `url` crate's size is tables for internationalized host
//! names; to drop them, run `cargo update -p idna_adapter --precise 1.0.0` in *your* lock file (a library cannot choose that).
//!
//! # Limits, on purpose
//!
//! No sockets, TLS, browsers, storage or timers. No implicit and no password grant, no `plain` PKCE, no client without PKCE. Not
//! yet: pushed authorization requests (RFC 9126), DPoP (RFC 9449). ID tokens are signed, not encrypted; without the feature
//! `openid` they are not read. A secret is wiped when it is dropped, except for copies that the compiler makes when it moves a
//! value, and the JSON parser for an escape.
#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod config;
pub mod drive;
mod entropy;
pub mod error;
pub mod http;
pub mod login;
#[cfg(feature = "openid")]
pub mod openid;
mod secret;
pub mod session;
mod text;
mod time;
mod wire;

pub use config::{AuthorizationServer, Client, ClientBuilder};
pub use entropy::{Entropy, EntropyError};
#[cfg(feature = "openid")]
pub use error::IdTokenError;
pub use error::{ConfigError, Error, Ignored, Misuse, Over, Refused, RestoreError, ServerText, Violation};
pub use http::{Delivered, Headers, Request, RequestId, Response};
pub use login::{Action, Event, Login, Phase, SavedLogin, SignatureCheck, Tokens};
#[cfg(feature = "rustcrypto")]
pub use openid::RustCrypto;
#[cfg(feature = "openid")]
pub use openid::{
    Algorithm, Curve, IdToken, KeySet, KeySetError, PublicKey, SignatureVerifier, StandardClaims, UserInfo,
};
pub use secret::Secret;
pub use session::bearer::{self, Bearer, BearerError, CallHeaders};
pub use session::{Access, Adopted, LoginRequired, SavedSession, Session, SessionAction, SessionPhase, SignOut};
pub use text::Unfit;
pub use time::UnixTime;
pub use wire::metadata::{ResourceMetadata, ServerMetadata};
pub use wire::{authorization, challenge, logout, loopback, metadata, pkce, redirect, token};
pub use wire::{AuthorizationRequest, AuthorizationUrl, LogoutParameters, LogoutUrl, ResponseMode, Target};

/// The README's example compiles.
#[cfg(all(doctest, feature = "std", feature = "getrandom"))]
#[doc = include_str!("../README.md")]
struct Readme;
