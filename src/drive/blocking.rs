//! The same loop for threads: every call blocks.

use alloc::string::String;
use core::future::{ready, Future};
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use super::error::DriveError;
use super::owned_response::OwnedResponse;
use crate::entropy::Entropy;
use crate::error::Error;
use crate::http::{Delivered, Request};
use crate::login::tokens::Tokens;
use crate::login::Login;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationUrl;

/// Sends HTTP requests: see [`drive::Transport`](crate::drive::Transport).
pub trait Transport {
    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// [`Delivered`] if there is no response: whether the server may have got the request.
    fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered>;

    /// Whether to end the login instead of sending a request again: see
    /// [`drive::Transport::gives_up`](crate::drive::Transport::gives_up).
    fn gives_up(&self, failures: u32) -> bool {
        let _ = failures;
        false
    }
}

/// Takes the user to the authorization server and back: see [`drive::Browser`](crate::drive::Browser).
pub trait Browser {
    /// Why the browser could not be used.
    type Error;

    /// Opens the URL in the user's browser.
    ///
    /// # Errors
    /// The login is then not driven further; it stays as it is.
    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), Self::Error>;

    /// Waits for the next URL that comes to the redirect URI, and returns it unchecked; `None` if the user gives up, and at
    /// `deadline` at the latest.
    ///
    /// # Errors
    /// The login is then not driven further; it stays as it is.
    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, Self::Error>;

    /// Hears what the login made of the last redirect: see [`drive::Browser::heard`](crate::drive::Browser::heard).
    ///
    /// # Errors
    /// If the redirect is still awaited, the login is not driven further; it stays as it is. Otherwise the error is dropped.
    fn heard(&mut self, url: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), Self::Error> {
        let _ = (url, verdict);
        Ok(())
    }
}

/// Tells the time and waits: see [`drive::Clock`](crate::drive::Clock).
pub trait Clock {
    /// The present time.
    fn now(&self) -> UnixTime;

    /// Waits until this time, or for as long as it is from now.
    fn sleep_until(&self, time: UnixTime);
}

/// Drives a login until its tokens are there: see [`drive::login`](crate::drive::login).
///
/// # Errors
/// [`DriveError::Login`] when the login has ended without tokens, or had ended before; [`DriveError::Browser`] for an error of
/// `browser` before the redirect was there. [`Misuse::NoCrypto`](crate::Misuse::NoCrypto), before anything is done, if the app
/// verifies signatures by action: what blocks can be a [`SignatureVerifier`](crate::SignatureVerifier).
pub fn login<T: Transport, B: Browser, C: Clock>(
    login: &mut Login,
    entropy: Entropy,
    transport: &T,
    browser: &mut B,
    clock: &C,
) -> Result<Tokens, DriveError<B::Error>> {
    let (transport, mut browser, clock) = (Blocks(transport), Blocks(browser), Blocks(clock));
    run(super::login(login, entropy, &transport, &mut browser, &clock))
}

/// Starts a login, and returns the URL to open: see [`drive::start`](crate::drive::start).
///
/// # Errors
/// The login's, if it has ended, or if it is past its redirect.
pub fn start<T: Transport, C: Clock>(
    login: &mut Login,
    entropy: Entropy,
    transport: &T,
    clock: &C,
) -> Result<AuthorizationUrl, Error> {
    run(super::start(login, entropy, &Blocks(transport), &Blocks(clock)))
}

/// Hands a redirect over, and drives the login until its tokens are there: see [`drive::finish`](crate::drive::finish).
///
/// # Errors
/// If [`Error::is_fatal`] says so, the login has ended. Otherwise the redirect was not this login's, which still waits.
pub fn finish<T: Transport, C: Clock>(
    login: &mut Login,
    redirect: &str,
    transport: &T,
    clock: &C,
) -> Result<Tokens, Error> {
    run(super::finish(login, redirect, &Blocks(transport), &Blocks(clock)))
}

fn run<F: Future>(task: F) -> F::Output {
    let mut task = pin!(task);
    // None of its futures waits for anything, so the first call is the last.
    loop {
        if let Poll::Ready(outcome) = task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return outcome;
        }
    }
}

/// What blocks, as something that is always ready.
struct Blocks<T>(T);

impl<T: Transport> super::Transport for Blocks<&T> {
    fn send(&self, request: &Request) -> impl Future<Output = Result<OwnedResponse, Delivered>> {
        ready(self.0.send(request))
    }

    fn gives_up(&self, failures: u32) -> bool {
        self.0.gives_up(failures)
    }
}

impl<B: Browser> super::Browser for Blocks<&mut B> {
    type Error = B::Error;

    fn open(&mut self, url: &AuthorizationUrl) -> impl Future<Output = Result<(), B::Error>> {
        ready(self.0.open(url))
    }

    fn redirect(&mut self, deadline: UnixTime) -> impl Future<Output = Result<Option<String>, B::Error>> {
        ready(self.0.redirect(deadline))
    }

    fn heard(
        &mut self,
        url: &AuthorizationUrl,
        verdict: Result<(), &Error>,
    ) -> impl Future<Output = Result<(), B::Error>> {
        ready(self.0.heard(url, verdict))
    }
}

impl<C: Clock> super::Clock for Blocks<&C> {
    fn now(&self) -> UnixTime {
        self.0.now()
    }

    fn sleep_until(&self, time: UnixTime) -> impl Future<Output = ()> {
        self.0.sleep_until(time);
        ready(())
    }
}
