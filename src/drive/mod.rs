//! The loop that drives a login: give it a [`Transport`], a [`Browser`] and a [`Clock`].
//!
//! The functions here do what [the crate's documentation](crate#a-complete-login) shows as a loop, and what that loop leaves out:
//! requests that could not be sent are sent again after a moment, and redirects that belong to another login are waited out.
//! [`login`] is `async` and needs no runtime; [`blocking::login`] is the same for threads. Where the redirect comes to another
//! function, as in a web app, [`start`] and [`finish`] are its halves. They do no I/O of their own.
//!
//! # Cancelling
//!
//! Dropping the future of [`login`] leaves the [`Login`] as it was. Drive it again with the same function, or hand over
//! [`Event::Cancelled`]. Two things to know:
//! - While the user is in the browser, driving again opens the browser again.
//! - From the moment when the redirect was accepted until the response of the token endpoint is there, the code may have been
//!   used, and it must not be sent twice (RFC 6749 §4.1.2). Driving a login in [`Phase::ExchangingCode`] therefore ends it with
//!   [`Over::OutcomeUnknown`](crate::Over::OutcomeUnknown), whoever brought it there: hand redirects over by
//!   [`Browser::redirect`], not to the login yourself.
//!
//! # How long it takes
//!
//! [`ClientBuilder::login_timeout_secs`](crate::ClientBuilder::login_timeout_secs) limits the time until the redirect is there,
//! and [`CODE_LIFETIME_SECS`](crate::login::CODE_LIFETIME_SECS) the time in which the code is sent again. Your transport limits
//! the time of a request: without that, a silent server is waited for without end. The server's keys, for an ID token, are asked
//! for until they come, in the end every half minute where the network is gone: the tokens are there already. Let the user give up
//! by dropping the future, but put no short timeout around it, for the reason above. A thread has no future to drop:
//! [`Transport::gives_up`] ends a login whose server cannot be reached.
//!
//! # Tasks and threads
//!
//! The future is `Send` if your types and the futures that they return are, so that a runtime may move it from thread to thread.
//!
//! # Signatures
//!
//! A client that was built with [`verify_id_tokens_by_action`](crate::ClientBuilder::verify_id_tokens_by_action) needs a [`Crypto`]:
//! [`login_with`] takes one. Without it, such a login is not driven at all.
//!
//! # Example
//!
//! ```
//! use oauth_proto::drive::{login, OwnedResponse, Browser, Clock, Transport};
//! use oauth_proto::{AuthorizationRequest, AuthorizationServer, AuthorizationUrl, Client, Delivered, Entropy, Login};
//! use oauth_proto::{Request, UnixTime};
//! # use std::future::Future;
//!
//! struct Http;
//! impl Transport for Http {
//!     async fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
//!         // reqwest, hyper, fetch …; see `oauth_proto::http` for what it must do
//! #       let body = br#"{"access_token":"AT1","token_type":"Bearer"}"#.to_vec();
//! #       let _ = request;
//!         Ok(OwnedResponse::new(200, vec![("content-type".into(), b"application/json".to_vec())], body))
//!     }
//! }
//!
//! struct App;
//! # static STATE: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
//! impl Browser for App {
//!     type Error = std::io::Error;
//!
//!     async fn open(&mut self, url: &AuthorizationUrl) -> Result<(), std::io::Error> {
//!         // open the browser
//! #       *STATE.lock().unwrap() = url.as_str().split("&state=").nth(1).unwrap()[..43].into();
//!         Ok(())
//!     }
//!
//!     async fn redirect(&mut self, _deadline: UnixTime) -> Result<Option<String>, std::io::Error> {
//!         // wait for the next URL that comes to the redirect URI; `None` if the user gives up, or at the deadline
//! #       let url = format!("com.example.app:/callback?code=SplxlOBeZQQYbYS6WxSbIA&state={}", STATE.lock().unwrap());
//!         Ok(Some(url))
//!     }
//! }
//!
//! struct Timer;
//! impl Clock for Timer {
//!     fn now(&self) -> UnixTime {
//!         UnixTime::from_secs(1_700_000_000) // the time
//!     }
//!
//!     async fn sleep_until(&self, _time: UnixTime) {
//!         // wait: without that, a request that cannot be sent is tried again without a pause
//!     }
//! }
//!
//! # let entropy = Entropy::new(core::array::from_fn(|index| index as u8))?;
//! # let task = async {
//! let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
//! let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
//! let mut pending = Login::new(client, AuthorizationRequest::new().scope("read"))?;
//! let tokens = login(&mut pending, entropy, &Http, &mut App, &Timer).await?;
//! let session = pending.into_session(tokens);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # };
//! # let mut task = std::pin::pin!(task);
//! # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! # assert!(matches!(task.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(()))));
//! # Ok::<(), oauth_proto::EntropyError>(())
//! ```

pub mod blocking;
mod error;
mod owned_response;

use alloc::string::String;
use core::future::Future;

pub use self::error::DriveError;
pub use self::owned_response::OwnedResponse;
use crate::entropy::Entropy;
use crate::error::{Error, Ignored, Misuse};
use crate::http::{Delivered, Request};
use crate::login::action::{Action, Phase};
use crate::login::event::Event;
use crate::login::signature_check::SignatureCheck;
use crate::login::tokens::Tokens;
use crate::login::Login;
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationUrl;

/// Sends HTTP requests. [`http`](crate::http) says what an implementation must do: above all, follow no redirect, and read no more
/// of the body than [`Request::max_response_bytes`] and one byte.
pub trait Transport {
    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// [`Delivered`] if there is no response: whether the server may have got the request.
    fn send(&self, request: &Request) -> impl Future<Output = Result<OwnedResponse, Delivered>>;

    /// Whether to end the login, with [`Over::Cancelled`](crate::Over::Cancelled), instead of sending a request again. `failures`
    /// is how many times in a row there was no response, 1 at first. By default the login goes on as long as it can.
    fn gives_up(&self, failures: u32) -> bool {
        let _ = failures;
        false
    }
}

/// Takes the user to the authorization server and back: [`open`](Self::open) once, then [`redirect`](Self::redirect) and
/// [`heard`](Self::heard) in turn until the login's own redirect has come.
///
/// A listener on loopback keeps the connection on which [`loopback`](crate::loopback) has handed the redirect over until `heard`
/// is called, and answers it with [`Page::of`](crate::loopback::Page::of). It serves its other connections meanwhile, best by a
/// task or thread of its own.
pub trait Browser {
    /// Why the browser could not be used.
    type Error;

    /// Opens the URL in the user's browser.
    ///
    /// # Errors
    /// The login is then not driven further; it stays as it is.
    fn open(&mut self, url: &AuthorizationUrl) -> impl Future<Output = Result<(), Self::Error>>;

    /// Waits for the next URL that comes to the redirect URI, and returns it unchecked; `None` if the user gives up, and at
    /// `deadline` at the latest. The URL may hold the code, and is wiped after use. Keep what comes while nobody waits, or tell the
    /// browser that it [is not awaited](crate::loopback::Page::not_awaited).
    ///
    /// # Errors
    /// The login is then not driven further; it stays as it is.
    fn redirect(&mut self, deadline: UnixTime) -> impl Future<Output = Result<Option<String>, Self::Error>>;

    /// Hears what the login made of the last redirect: the time to answer the browser with a page. After an error that is not
    /// fatal, the redirect was not this login's, and [`redirect`](Self::redirect) is called again; where the platform closes the
    /// browser at the first URL of the app's scheme, as iOS does, open `url` again here. It is called once for each URL that
    /// [`redirect`](Self::redirect) has returned. The code is sent after it: do not wait here for a browser that does not read.
    ///
    /// # Errors
    /// If the redirect is still awaited, the login is not driven further; it stays as it is. Otherwise the error is dropped: a
    /// login does not fail because its page could not be shown.
    fn heard(
        &mut self,
        url: &AuthorizationUrl,
        verdict: Result<(), &Error>,
    ) -> impl Future<Output = Result<(), Self::Error>> {
        let _ = (url, verdict);
        core::future::ready(Ok(()))
    }
}

/// Tells the time and waits.
pub trait Clock {
    /// The present time.
    fn now(&self) -> UnixTime;

    /// Waits until this time, or for as long as it is from now: a clock that is set meanwhile must not make the wait longer.
    fn sleep_until(&self, time: UnixTime) -> impl Future<Output = ()>;
}

/// Cryptography that answers later, such as `WebCrypto` or a key management service.
pub trait Crypto {
    /// Whether the signature is valid; `None` if that cannot be told now: then the same is asked again after a while. What the
    /// platform does not support is not valid, nor is a key that it refuses.
    fn verify(&self, check: &SignatureCheck) -> impl Future<Output = Option<bool>>;
}

/// Drives a login until its tokens are there. One that has not been started is started with `entropy`; any other goes on where
/// it is, unless its code was being exchanged, and `entropy` is dropped. See the [module](self#cancelling) for what happens if
/// the future is dropped.
///
/// # Errors
/// [`DriveError::Login`] when the login has ended without tokens, or had ended before; [`DriveError::Browser`] for an error of
/// `browser` before the redirect was there. [`Misuse::NoCrypto`], before anything is done, if the app verifies signatures by
/// action: use [`login_with`].
pub async fn login<T: Transport, B: Browser, C: Clock>(
    login: &mut Login,
    entropy: Entropy,
    transport: &T,
    browser: &mut B,
    clock: &C,
) -> Result<Tokens, DriveError<B::Error>> {
    if login.may_ask_to_verify() {
        return Err(Error::Misuse(Misuse::NoCrypto).into());
    }
    login_with(login, entropy, transport, browser, clock, &Never).await
}

/// For clients that ask for nothing.
struct Never;

impl Crypto for Never {
    fn verify(&self, _: &SignatureCheck) -> impl Future<Output = Option<bool>> {
        core::future::ready(None)
    }
}

/// The same as [`login`], with cryptography for a client that leaves the verification of signatures to an action.
///
/// # Errors
/// As [`login`], without [`Misuse::NoCrypto`].
pub async fn login_with<T: Transport, B: Browser, C: Clock, K: Crypto>(
    login: &mut Login,
    entropy: Entropy,
    transport: &T,
    browser: &mut B,
    clock: &C,
    crypto: &K,
) -> Result<Tokens, DriveError<B::Error>> {
    let mut action = resume(login, entropy, clock.now())?;
    loop {
        action = match carry_out(login, action, transport, clock, crypto).await? {
            Reached::Tokens(tokens) => return Ok(tokens),
            Reached::Url(url) => {
                browser.open(&url).await.map_err(DriveError::Browser)?;
                redirect(login, &url, browser, clock).await?
            }
        };
    }
}

/// Starts a login, and returns the URL to open in the user's browser: for apps in which the redirect comes to another function
/// or another process, such as a web app. Keep the login, or [`Login::save`], and give the redirect to [`finish`].
///
/// A login that waits for its redirect already returns its URL again, and `entropy` is dropped.
///
/// ```
/// # use oauth_proto::drive::{finish, start, Clock, Transport};
/// # use oauth_proto::{AuthorizationRequest, Client, Entropy, Error, Login, Session};
/// # type Boxed = Box<dyn std::error::Error>;
/// async fn to_the_browser<T: Transport, C: Clock>(
///     client: Client,
///     entropy: Entropy,
///     http: &T,
///     clock: &C,
/// ) -> Result<(Login, String), Boxed> {
///     let mut login = Login::new(client, AuthorizationRequest::new().scope("read"))?;
///     let url = start(&mut login, entropy, http, clock).await?;
///     Ok((login, url.as_str().to_owned()))
/// }
///
/// async fn back<T: Transport, C: Clock>(mut login: Login, url: &str, http: &T, clock: &C) -> Result<Session, Error> {
///     let tokens = finish(&mut login, url, http, clock).await?;
///     Ok(login.into_session(tokens))
/// }
/// ```
///
/// # Errors
/// The login's, if it has ended, or if it is past its redirect.
pub async fn start<T: Transport, C: Clock>(
    login: &mut Login,
    entropy: Entropy,
    transport: &T,
    clock: &C,
) -> Result<AuthorizationUrl, Error> {
    let action = match login.phase() {
        Phase::Discovering | Phase::AwaitingRedirect => go_on(login, clock.now())?,
        _ => login.handle(Event::Start(entropy), clock.now())?,
    };
    match carry_out(login, action, transport, clock, &Never).await? {
        Reached::Url(url) => Ok(url),
        // No login has tokens without a redirect.
        Reached::Tokens(_) => Err(Error::Ignored(Ignored::Finished)),
    }
}

/// Hands a redirect over to a login that waits for it, and drives the login until its tokens are there: the second half of
/// [`start`]. If the future is dropped, drive the login on with [`login`], which knows what may have been sent.
///
/// # Errors
/// If [`Error::is_fatal`] says so, the login has ended. Otherwise the redirect was not this login's, which still waits; or it is
/// [`Misuse::NoCrypto`], before anything is done, if the app verifies signatures by action: use [`finish_with`].
pub async fn finish<T: Transport, C: Clock>(
    login: &mut Login,
    redirect: &str,
    transport: &T,
    clock: &C,
) -> Result<Tokens, Error> {
    if login.may_ask_to_verify() {
        return Err(Error::Misuse(Misuse::NoCrypto));
    }
    finish_with(login, redirect, transport, clock, &Never).await
}

/// The same as [`finish`], with cryptography for a client that leaves the verification of signatures to an action.
///
/// # Errors
/// As [`finish`], without [`Misuse::NoCrypto`].
pub async fn finish_with<T: Transport, C: Clock, K: Crypto>(
    login: &mut Login,
    redirect: &str,
    transport: &T,
    clock: &C,
    crypto: &K,
) -> Result<Tokens, Error> {
    let action = login.handle(Event::RedirectReceived(redirect), clock.now())?;
    match carry_out(login, action, transport, clock, crypto).await? {
        Reached::Tokens(tokens) => Ok(tokens),
        // No login goes back to its redirect.
        Reached::Url(_) => Err(Error::Ignored(Ignored::Finished)),
    }
}

/// What a driver cannot do with a transport alone.
enum Reached {
    Url(AuthorizationUrl),
    Tokens(Tokens),
}

/// Sends requests, verifies signatures and waits, as the login says.
async fn carry_out<T: Transport, C: Clock, K: Crypto>(
    login: &mut Login,
    mut action: Action,
    transport: &T,
    clock: &C,
    crypto: &K,
) -> Result<Reached, Error> {
    let mut unsent: u32 = 0;
    loop {
        action = match action {
            Action::TokensReady(tokens) => return Ok(Reached::Tokens(tokens)),
            Action::OpenUrl(url) => return Ok(Reached::Url(url)),
            Action::SendRequest(request) => match transport.send(&request).await {
                Ok(answer) => {
                    unsent = 0;
                    login.handle(Event::ResponseReceived(request.id(), answer.response()), clock.now())?
                }
                Err(delivered) => {
                    let _ = login.handle(Event::SendFailed(request.id(), delivered), clock.now())?;
                    unsent = unsent.saturating_add(1);
                    if transport.gives_up(unsent) {
                        login.handle(Event::Cancelled, clock.now())?
                    } else {
                        clock.sleep_until(clock.now().saturating_add(pause(unsent))).await;
                        go_on(login, clock.now())?
                    }
                }
            },
            Action::Verify(check) => {
                let outcome = match crypto.verify(&check).await {
                    Some(is_valid) => Event::Verified(check.id(), is_valid),
                    None => Event::VerifyFailed(check.id()),
                };
                login.handle(outcome, clock.now())?
            }
            Action::RetryAt(time) => {
                clock.sleep_until(time).await;
                go_on(login, clock.now())?
            }
        };
    }
}

/// What to do first.
fn resume(login: &mut Login, entropy: Entropy, now: UnixTime) -> Result<Action, Error> {
    match (login.phase(), login.pending_action()) {
        // It may have been sent before the future was dropped (RFC 6749 §4.1.2).
        (Phase::ExchangingCode, Some(Action::SendRequest(request))) => {
            login.handle(Event::SendFailed(request.id(), Delivered::Maybe), now)
        }
        (_, Some(_)) => go_on(login, now),
        // Not started; or over, and the login says what it came to.
        (_, None) => login.handle(Event::Start(entropy), now),
    }
}

/// What the login waits for, unless its time is over: nothing was done since `now` was told.
fn go_on(login: &mut Login, now: UnixTime) -> Result<Action, Error> {
    match login.pending_action().ok_or(Error::Ignored(Ignored::Finished))? {
        // The same request, which was not sent; or the login has expired.
        Action::SendRequest(request) => login.handle(Event::SendFailed(request.id(), Delivered::No), now),
        _ if login.deadline().is_some_and(|deadline| now > deadline) => login.handle(Event::Cancelled, now),
        action => Ok(action),
    }
}

/// Waits for this login's redirect.
async fn redirect<B: Browser, C: Clock>(
    login: &mut Login,
    url: &AuthorizationUrl,
    browser: &mut B,
    clock: &C,
) -> Result<Action, DriveError<B::Error>> {
    loop {
        let deadline = login.deadline().unwrap_or_default();
        let redirect = browser.redirect(deadline).await.map_err(DriveError::Browser)?.map(Secret::new);
        let now = clock.now();
        let Some(redirect) = redirect else {
            // The browser has waited to the deadline: the user has not cancelled, even if the last second is not over.
            let now = if now == deadline { now.saturating_add(1) } else { now };
            return Ok(login.handle(Event::Cancelled, now)?);
        };
        let handled = login.handle(Event::RedirectReceived(redirect.reveal()), now);
        drop(redirect);
        let heard = browser.heard(url, handled.as_ref().map(|_| ())).await;
        match handled {
            Err(error) if !error.is_fatal() => heard.map_err(DriveError::Browser)?,
            // The browser has done its part: a page that could not be shown changes nothing.
            handled => return Ok(handled?),
        }
    }
}

/// Seconds to wait before a request that got no response is sent again: one, then twice as long each time, half a minute at most.
fn pause(unsent: u32) -> u64 {
    1_u64.checked_shl(unsent.saturating_sub(1).min(5)).unwrap_or(32).min(30)
}
