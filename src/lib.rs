//! OAuth 2.0 and OpenID Connect login for native apps, and the API calls after it, as state machines without I/O.
//!
//! Log a user in (authorization code with PKCE: RFC 6749, RFC 7636, RFC 8252), call an API with the access token, refresh
//! it when it expires, sign out. The crate does no I/O, reads no clock and draws no random numbers: events go in, actions
//! come out, and any HTTP stack, async runtime, thread model or platform carries them out. `no_std` with `alloc`.
//!
//! # The states
//!
//! A [`Login`] goes from nothing to tokens. Every event that it accepts yields exactly one [`Action`]; an event that it
//! refuses changes nothing.
//!
//! ```text
//!             Start               RedirectReceived           ResponseReceived
//!   Ready ────────────▶ AwaitingRedirect ──────▶ ExchangingCode ──────▶ Finished
//!     │      OpenUrl      │    ▲   SendRequest    │     │    TokensReady   ▲
//!     │ Start             │    │ metadata         │     │ keys needed      │ keys
//!     └──▶ Discovering ───┼────┘                  │     └▶ FetchingKeys ───┘
//!            ↺ elsewhere, │ ↺ not ours: refused   │          ↺ SendFailed, later
//!              later      └───────────┬───────────┘ ↺ SendFailed(No), later
//!                                     └─ denied · server broke a rule · cancelled · expired ─▶ Failed
//! ```
//!
//! Two phases are passed through when they are needed: `Discovering`, if the server is known by its issuer alone, and
//! `FetchingKeys`, if the server's keys are not at hand to check the ID token with. A server that cannot answer now is left alone for
//! a while ([`Action::RetryAt`]): [`http`](crate::http#what-a-status-means) has what each status means at each step.
//!
//! A [`Session`] goes from tokens to authorized API calls, for as long as the grant lives: for one API, or with a [`Target`] for
//! each of several.
//!
//! ```text
//!                  a refresh is due
//!   Active ───────────────────────────────▶ Refreshing
//!    ▲  ▲   tokens · none now · no answer     │   │
//!    │  └─────────────────────────────────────┘   │ invalid_grant · somebody else's tokens
//!    │                                            ▼
//!    └──── newer tokens adopted ──────────── LoginRequired
//!
//!   any of these ── sign_out ─▶ SigningOut ── revoked ─▶ LoggingOut ── returned ─▶ SignedOut
//!                                    ▲── tokens of a refresh that was under way ──────┘
//! ```
//!
//! **Only the server ends a grant.** A refresh whose answer is lost is tried again, later and later, for as long as it takes; if
//! its token was spent the server says so. What a refresh comes to is one of four: tokens; later (network, 429, 5xx, pages that
//! are no OAuth answer); the user has to act; the server refuses this client or this request, and waiting does not help. In the
//! last three the grant is kept, and an access token that is still good is handed out.
//!
//! In full, as [`login::transitions::TRANSITIONS`] and [`session::transitions::TRANSITIONS`] have them; what is not here does not
//! happen:
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
//!   ExchangingCode   ── ResponseLater · NotDelivered ─▶ ExchangingCode
//!   ExchangingCode   ── ResponseWithError · ResponseBroken · MaybeDelivered · Cancelled · Expired ─▶ Failed
//!   FetchingKeys     ── Keys ─▶ Finished
//!   FetchingKeys     ── KeysLater · NotDelivered · MaybeDelivered ─▶ FetchingKeys
//!   FetchingKeys     ── KeysBroken · Cancelled ─▶ Failed
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
//! All there is to write. A redirect that was not ours leaves the login as it was, so the loop waits for the next one, and
//! the browser is not opened again.
//!
//! ```
//! use oauth_proto::{Access, Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login};
//! use oauth_proto::Response;
//! # use oauth_proto::{Request, UnixTime};
//! # struct Http;
//! # impl Http { fn send(&self, _: &Request) -> (u16, Vec<(String, String)>, Vec<u8>) {
//! #     let body = br#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#.to_vec();
//! #     (200, vec![("Content-Type".into(), "application/json".into())], body) } }
//! # #[derive(Default)] struct Browser { state: String, opened: u32, visits: u32 }
//! # impl Browser {
//! #     fn open(&mut self, url: &str) {
//! #         self.opened += 1;
//! #         self.state = url.split("&state=").nth(1).unwrap()[..43].to_string(); }
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
//! let server = AuthorizationServer::new("https://tenant.auth0.com/authorize", "https://tenant.auth0.com/oauth/token")?
//!     .issuer("https://tenant.auth0.com/")?;
//! let client = Client::builder(server, "your client id", "com.example.app:/callback")
//!     .api_origin("https://api.example.com")
//!     .build()?;
//! let request = AuthorizationRequest::new().scope("read:me offline_access").audience("https://api.example.com");
//!
//! let mut login = Login::new(client, request)?;
//! let mut step = login.handle(Event::Start(entropy()?), now()); // entropy: 96 random octets, or Entropy::from_os()
//! let tokens = loop {
//!     step = match step {
//!         Ok(Action::TokensReady(tokens)) => break tokens,
//!         Ok(Action::SendRequest(request)) => {
//!             let (status, headers, body) = http.send(&request); // yours: a u16, pairs of names and values, octets
//!             let response = Response::new(status, headers.as_slice(), &body);
//!             login.handle(Event::ResponseReceived(request.id(), response), now())
//!         }
//!         Ok(Action::OpenUrl(url)) => {
//!             browser.open(&url);
//!             login.handle(Event::RedirectReceived(&browser.next_redirect()), now())
//!         }
//!         Ok(Action::RetryAt(time)) => {
//!             sleep_until(time); // the server is busy
//!             Ok(login.pending_action().expect("what to do then"))
//!         }
//!         Err(error) if error.is_fatal() => return Err(error.into()),
//!         Err(_not_ours) => login.handle(Event::RedirectReceived(&browser.next_redirect()), now()),
//!     };
//! };
//!
//! let mut session = login.into_session(tokens); // store session.save() now
//! if let Access::Ready(bearer) = session.access(now()) {
//!     for (name, value) in bearer.headers("GET", "https://api.example.com/me")? { // of the call
//! #       assert_eq!((name, value.as_str(), browser.opened, browser.visits), ("authorization", "Bearer AT1", 1, 2));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `http.send` is yours: the contract is in [`http`]. When a request cannot be sent, hand over [`Event::SendFailed`] and say
//! whether it may have reached the server; wait a moment before you send it again. Let the browser's page be answered before
//! the process ends. How a session is driven is shown at [`Session`], and signed out of at [`Session::sign_out`]; several
//! processes on one store, at [`Session::adopt`]; a redirect that is posted as a form, at [`redirect`]. `examples/login` in
//! the repository does all of it on real HTTP.
//!
//! # Matching
//!
//! Four enums are what a driver carries out or passes on, and may be matched exhaustively: [`Action`], [`Access`],
//! [`SessionAction`] and [`Adopted`]. A new thing to be done outside would be a new variant, in a version that says so (before 1.0 a minor one): a driver that
//! did not know it could not go on, and the compiler is to say so. [`Event`], [`LoginRequired`], [`SessionPhase`], [`Phase`] and the
//! errors grow: a driver needs a wildcard arm there, and [`Error::is_fatal`], [`LoginRequired::is_final`] and
//! [`LoginRequired::request`] say all that it must know.
//!
//! # Where to look
//!
//! | for | open |
//! | --- | --- |
//! | configuration, and every check of it | [`Client`], [`AuthorizationServer`] |
//! | what to ask for | [`AuthorizationRequest`] |
//! | the login, and saving it while the browser is open | [`login`] |
//! | who logged in, discovery by issuer, keys, userinfo | [`openid`], [`AuthorizationServer::from_issuer`] |
//! | tokens for calls, refresh, what a 401 means | [`session`], [`bearer`], [`challenge`] |
//! | several APIs with one login | [`Target`], [`Session::access_for`] |
//! | several processes with one store | [`Session::adopt`] |
//! | sign-out, here and in the browser | [`Session::sign_out`], [`logout`] |
//! | the parsers, as pure functions | [`redirect::parse`], [`token::parse_response`], [`challenge::parse`] |
//! | errors, sorted by who must act | [`error`] |
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `std` | yes | typed vendor parameters (`serde_urlencoded`), `UnixTime` from and to `SystemTime` |
//! | `getrandom` | yes | `Entropy::from_os` |
//! | `openid` | yes | OpenID Connect: discovery by issuer, checked ID tokens, keys, userinfo |
//! | `rustcrypto` | yes | the signatures of ID tokens checked by the crates of `RustCrypto`; turns `openid` on |
//! | `http` | no | conversions with the types of the `http` crate; needs `std` |
//!
//! Without default features the crate needs `alloc` alone; time and randomness are arguments anyway. To drop the tables of
//! internationalized host names, which are most of what the `url` crate weighs, run
//! `cargo update -p idna_adapter --precise 1.0.0` in *your* lock file: a library cannot choose that for you.
//!
//! # Limits, on purpose
//!
//! No sockets, TLS, browsers, storage or timers. No implicit and no password grant, no `plain` PKCE, no client without PKCE.
//! ID tokens are signed, not encrypted; without the feature `openid` there are none. A secret is wiped when it is dropped;
//! what the compiler moved about before, and what a JSON escape made the parser copy, is not.
#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod config;
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
pub use login::{Action, Event, Login, Phase, SavedLogin, Tokens};
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
pub use wire::{authorization, challenge, logout, metadata, pkce, redirect, token};
pub use wire::{AuthorizationRequest, AuthorizationUrl, LogoutParameters, LogoutUrl, ResponseMode, Target};

/// The README's example compiles.
#[cfg(all(doctest, feature = "std", feature = "getrandom", feature = "openid"))]
#[doc = include_str!("../README.md")]
struct Readme;
