//! The handle for API calls: [`Api`] for tasks, [`blocking::Api`] for threads.
//!
//! All clones share one session. A handle returns an access token that is good now, refreshes it when that is due, stores what
//! comes, and puts the token on calls:
//!
//! - **One refresh for all.** Whoever needs a token while a refresh is under way waits for that one. A token that is still good
//!   is returned meanwhile.
//! - **One refresh for all processes.** The [store](crate::store) is locked from before the request to after the new tokens have
//!   been stored. What another process has stored is taken over first; then often nothing is left to send.
//! - **Stored before used.** Nobody gets a new token before it is stored. If it cannot be stored, the one who refreshed gets
//!   [`ApiError::Store`], and the tokens are kept in memory. Later calls get them, and try to store them every five seconds.
//! - **401.** If the API refuses a token, the token is refreshed once, however many calls were refused, and each call is made
//!   once more. If the API demands more scope or a stronger login, the error has [the login to make](ApiError::login).
//!
//! # ID tokens
//!
//! A handle does not verify signatures by action. With a client that was built with
//! `verify_id_tokens_by_action`, its session keeps the ID token of the login, and those of refreshes are left aside.
//!
//! # Dropped futures
//!
//! Every future here may be dropped at any time. The task that needs a refresh first carries it out: there is no task in the
//! background, since that would need a runtime. If its future is dropped while the request is under way, the response is lost,
//! and the others wait for as long as the session says (one to two seconds at first), or get [`ApiError::Later`] if their
//! [patience](Api::patience_secs) is shorter. Then one of them sends again, and the server tells whether the refresh token was
//! spent. Many servers accept a spent refresh token again for a short time; others end the grant. So let a refresh come to its
//! end: do not put a timeout around a call that is shorter than the transport's own. If callers come and go, as in a server whose
//! clients hang up, ask for the token in a task of its own, with `tokio::spawn`, for example.
//!
//! What has begun to be stored is stored, even if the future is dropped.
//!
//! A login ([`Api::open`], [`Api::log_in`]) whose future is dropped while the browser is open goes on when the app logs in again, if
//! the store has a place for it. After its redirect has come, the code may have been used: the user has to log in anew.
//!
//! # Threads
//!
//! Stores block. So each refresh, sign-out and login starts a thread for the time that it has the store locked; nothing else
//! does.

pub(crate) mod attempt;
pub mod blocking;
#[cfg(any(feature = "tower", feature = "reqwest-middleware"))]
pub(crate) mod boxed;
mod engine;
mod error;
mod io;
mod log_in;
mod place;
mod reply;
mod shared;
mod signal;
#[cfg(feature = "reqwest")]
mod with_reqwest;
#[cfg(feature = "ureq")]
mod with_ureq;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use oauth_proto::drive::{self, Browser, Clock, DriveError, Transport};
use oauth_proto::LogoutUrl;
use oauth_proto::{
    AuthorizationRequest, Bearer, CallHeaders, Client, Entropy, Error, Ignored, Secret, Session, SignOut, Target,
};

use self::engine::Engine;
pub use self::engine::SignedOut;
pub use self::error::{ApiError, CallError, LoginError};
use self::io::Tasks;
use self::log_in::Kept;
pub use self::reply::Reply;
use self::shared::Shared;
use crate::browser::LogoutBrowser;
use crate::store::{Store, StoreError};
use crate::SystemClock;

/// A handle for API calls from tasks. Cheap to clone; all clones share one session. See the [module](self).
///
/// It needs no runtime. Its futures are `Send` if those of the transport, the clock and the browser are.
///
/// ```
/// use std::sync::Arc;
///
/// use oauth_native::api::{Api, CallError, Reply};
/// use oauth_native::store::Store;
/// use oauth_proto::drive::{Clock, Transport};
/// use oauth_proto::Session;
/// # type Boxed = Box<dyn std::error::Error + Send + Sync>;
/// # struct Answer;
/// # impl Answer {
/// #     fn status(&self) -> u16 { 200 }
/// #     fn headers(&self) -> impl Iterator<Item = (&str, &str)> { [].into_iter() }
/// # }
/// # async fn get(_: &str, _: Option<&str>) -> Result<Answer, std::io::Error> { Ok(Answer) }
///
/// async fn app<T: Transport, C: Clock>(session: Session, http: T, clock: C, store: Arc<dyn Store>) -> Result<(), Boxed> {
///     let api = Api::new(session, http, clock, store).await?.patience_secs(10);
///     let url = "https://api.example.com/me";
///     let me = api.call("GET", url, |headers| async move {
///         let authorization = headers.map(|(_, value)| value).next();
///         let answer = get(url, authorization.as_ref().map(|value| value.as_str())).await?;
///         Ok::<_, std::io::Error>(Reply::new(answer.status(), answer.headers()).with(answer))
///     });
///     match me.await {
///         Ok(answer) => assert_eq!(answer.status(), 200), // or any other status that says nothing about the token
///         Err(CallError::Api(error)) => match error.login() {
///             Some(request) => drop(request.clone()), // log in with this request, and then: api.replace(session).await?
///             None => return Err(error.into()),
///         },
///         Err(CallError::Call(error)) => return Err(error.into()),
///     }
///     Ok(())
/// }
/// ```
pub struct Api<T, C = SystemClock> {
    inner: Arc<Inner<T, C>>,
    patience: u64,
}

struct Inner<T, C> {
    io: Tasks<T, C>,
    shared: Arc<Shared>,
}

impl<T: Transport, C: Clock> Api<T, C> {
    /// Makes the handle of a new login, and stores its session.
    ///
    /// # Errors
    /// [`ApiError::Store`] if it cannot be stored.
    pub async fn new(session: Session, transport: T, clock: C, store: Arc<dyn Store>) -> Result<Self, ApiError> {
        let io = Tasks { transport, clock };
        engine::store(&io, &store, &session).await?;
        Ok(Self::with(session, io, store))
    }

    /// Makes the handle of the session that is stored; `None` if nothing is stored, and the user has to log in.
    ///
    /// If the client knows only its server's issuer, the server's metadata is fetched first. To spare that, keep
    /// [`Client::metadata`] and use [`Client::with_metadata`].
    ///
    /// # Errors
    /// [`ApiError::Store`] if it cannot be read, [`ApiError::Restore`] if it is not a session of this client;
    /// [`ApiError::Later`] and [`ApiError::Metadata`] if the metadata cannot be had.
    pub async fn restore(
        client: Client,
        transport: T,
        clock: C,
        store: Arc<dyn Store>,
    ) -> Result<Option<Self>, ApiError> {
        let io = Tasks { transport, clock };
        let session = engine::restore(&io, &store, client).await?;
        Ok(session.map(|session| Self::with(session, io, store)))
    }

    /// Makes the handle of the session that is stored, or logs the user in: the shortest way to a handle.
    ///
    /// The user has to log in if nothing is stored, or nothing that this client can use, or a session whose token has expired and
    /// cannot be refreshed. Any other stored session is used, whatever request it was made with. If the store has a [place
    /// beside](Store::beside), a login that another process began, and that ended while the browser was open, goes on; for that
    /// the redirect has to come to the same URI: see [`Loopback::bind_for`](crate::browser::Loopback::bind_for).
    ///
    /// # Errors
    /// [`LoginError`] if there is no session: the login failed, or the store cannot be used, or the server's metadata cannot be
    /// fetched. The last is not tried again here, so that nobody waits in vain: let the user try again.
    pub async fn open<B: Browser>(
        client: Client,
        request: impl Into<Arc<AuthorizationRequest>>,
        transport: T,
        clock: C,
        store: Arc<dyn Store>,
        browser: &mut B,
    ) -> Result<Self, LoginError<B::Error>> {
        let io = Tasks { transport, clock };
        let session = match engine::restore(&io, &store, client.clone()).await {
            Ok(Some(session)) if engine::is_of_use(&session, io.clock.now()) => session,
            Ok(_) | Err(ApiError::Restore(_) | ApiError::Store(StoreError::Damaged)) => {
                let session = driven(&io, &store, client, request.into(), browser).await?;
                engine::store(&io, &store, &session).await?;
                session
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self::with(session, io, store))
    }

    /// Logs the user in again, and uses the new session in all clones: with [`ApiError::login`], or with another request of the
    /// app. Tokens of the old login are not revoked. It may be another user who logs in.
    ///
    /// # Errors
    /// [`LoginError`] if the login failed, or cannot be stored; the old session stays.
    pub async fn log_in<B: Browser>(
        &self,
        request: impl Into<Arc<AuthorizationRequest>>,
        browser: &mut B,
    ) -> Result<(), LoginError<B::Error>> {
        let client = self.session(|session| session.client().clone());
        let (io, store) = (&self.inner.io, &self.inner.shared.store);
        let session = driven(io, store, client, request.into(), browser).await?;
        Ok(self.replace(session).await?)
    }

    fn with(session: Session, io: Tasks<T, C>, store: Arc<dyn Store>) -> Self {
        let shared = Arc::new(Shared::new(session, store));
        Self { inner: Arc::new(Inner { io, shared }), patience: 0 }
    }

    /// Returns the token for the login's own API: [`Api::token`] with [`Target::own`].
    ///
    /// # Errors
    /// [`ApiError`] if there is no token now.
    pub async fn bearer(&self) -> Result<Bearer, ApiError> {
        self.engine().token(&Target::own()).await
    }

    /// Returns an access token for one of several APIs that is good now. If it has to be refreshed, this does it, or waits for
    /// the one who does it already.
    ///
    /// # Errors
    /// [`ApiError`] if there is no token now.
    pub async fn token(&self, target: &Target) -> Result<Bearer, ApiError> {
        self.engine().token(target).await
    }

    /// Makes a call with the login's own token: [`Api::call_for`] with [`Target::own`].
    ///
    /// # Errors
    /// [`CallError::Api`] if there is no token, [`CallError::Call`] for an error of `send`.
    pub async fn call<R, E, F>(
        &self,
        method: &str,
        url: &str,
        send: impl FnMut(CallHeaders) -> F,
    ) -> Result<R, CallError<E>>
    where
        F: Future<Output = Result<Reply<R>, E>>,
    {
        self.engine().call(&Target::own(), method, url, send).await
    }

    /// Makes a call with a token for this target. `send` gets the headers to put on the request, sends it with the app's own HTTP
    /// stack, and returns the [`Reply`]. It is called at most twice: the second time after the API has refused the token and
    /// another one has come, unless it returned [`Reply::once`].
    ///
    /// A response that says nothing about the token is a result like any other, whatever its status. So is a refusal after
    /// [`Reply::once`]; by then there is another token, and the app may make the call again. `send` must not follow redirects
    /// with the header on: see [`oauth_proto::bearer::follow`].
    ///
    /// # Errors
    /// - [`ApiError::Bearer`] if the URL's origin must not get the token; nothing is sent to it.
    /// - [`ApiError::LoginRequired`] if the API demands more scope or another login, or refuses the second token too.
    /// - Any other [`ApiError`] if there is no token, or no other one after a refusal.
    /// - [`CallError::Call`] for an error of `send`.
    pub async fn call_for<R, E, F>(
        &self,
        target: &Target,
        method: &str,
        url: &str,
        send: impl FnMut(CallHeaders) -> F,
    ) -> Result<R, CallError<E>>
    where
        F: Future<Output = Result<Reply<R>, E>>,
    {
        self.engine().call(target, method, url, send).await
    }

    /// Stores the session of another login, and then uses it in all clones. Tokens of the old login are not revoked.
    ///
    /// # Errors
    /// [`ApiError::Store`] if it cannot be stored; the old session stays.
    pub async fn replace(&self, session: Session) -> Result<(), ApiError> {
        self.engine().replace(session).await
    }

    /// Reads what is stored, and uses it: after [`LoginRequired::OtherLogin`](oauth_proto::LoginRequired::OtherLogin), if another
    /// process may log in for this one. It may be another user.
    ///
    /// # Errors
    /// [`ApiError::Store`] if it cannot be read, [`ApiError::Restore`] if it is not a session of this client.
    pub async fn reload(&self) -> Result<(), ApiError> {
        self.engine().reload().await
    }

    /// Signs out: takes the newest tokens from the store, forgets them here, removes them from the store, and has the server
    /// revoke them. If a refresh is under way, it waits for that one.
    ///
    /// The user is signed out here in any case; the result tells what could not be done. A revocation that the server wants later
    /// is sent again if that is within the handle's [patience](Api::patience_secs); otherwise call this again to go on.
    pub async fn sign_out(&self, how: SignOut) -> SignedOut {
        self.engine().sign_out(how).await
    }

    /// Goes on after the browser was sent to [`SignedOut::logout_url`]: with the URL that it came back to, or `None` if the app
    /// stops waiting for that.
    ///
    /// # Errors
    /// [`Error::Ignored`] if the URL is not the return from the logout: wait for another. [`Error::Misuse`] for `None` if no
    /// logout is under way.
    pub async fn end_logout(&self, redirect: Option<&str>) -> Result<SignedOut, Error> {
        self.engine().end_logout(redirect).await
    }

    /// Takes the user to [`SignedOut::logout_url`] and back, and completes the sign-out with [`end_logout`](Self::end_logout). It
    /// waits so many seconds for the browser to come back; if the client has no post-logout redirect URI, it does not wait. The
    /// result tells in [`SignedOut::not_revoked`] what is still not done.
    ///
    /// # Errors
    /// The browser's, if it could not be used.
    pub async fn log_out<B>(
        &self,
        url: &LogoutUrl,
        browser: &mut B,
        timeout_secs: u64,
    ) -> Result<SignedOut, <B as Browser>::Error>
    where
        B: Browser + LogoutBrowser<Error = <B as Browser>::Error>,
    {
        let deadline = self.inner.io.clock.now().saturating_add(timeout_secs);
        browser.open_logout(url)?;
        let mut handled = Err(Error::Ignored(Ignored::RedirectNotAwaited));
        while self.engine().waits_for_return(&handled) {
            let Some(back) = browser.redirect(deadline).await?.map(Secret::new) else { break };
            handled = self.end_logout(Some(back.reveal())).await;
            browser.heard_logout(url, handled.as_ref().map(|_| ()))?;
        }
        Ok(self.engine().logged_out(handled).await)
    }

    fn engine(&self) -> Engine<'_, Tasks<T, C>> {
        Engine { io: &self.inner.io, shared: &self.inner.shared, patience: self.patience }
    }
}

/// Drives a login, and stores it while the browser is open.
async fn driven<T: Transport, C: Clock, B: Browser>(
    io: &Tasks<T, C>,
    store: &Arc<dyn Store>,
    client: Client,
    request: Arc<AuthorizationRequest>,
    browser: &mut B,
) -> Result<Session, LoginError<B::Error>> {
    let pending = &store.beside();
    let mut login = log_in::begin(io, pending, client, request).await?;
    let entropy = Entropy::from_os().map_err(LoginError::Entropy)?; // unused: it has been started
    let mut kept = Kept { io, browser, pending };
    let tokens = drive::login(&mut login, entropy, &io.transport, &mut kept, &io.clock).await;
    if matches!(tokens, Err(DriveError::Login(_))) {
        log_in::keep(io, pending, None).await;
    }
    Ok(login.into_session(tokens?))
}

impl<T, C> Api<T, C> {
    /// The same handle, whose callers wait up to so many seconds when the network or the server fails, and try again, before they
    /// get [`ApiError::Later`]. Without this, they do not wait.
    #[must_use]
    pub fn patience_secs(mut self, seconds: u64) -> Self {
        self.patience = seconds;
        self
    }

    /// Lets the next caller ask the server at once: see [`Session::ask_again`].
    pub fn ask_again(&self) {
        self.inner.shared.change(|state| state.session.ask_again());
    }

    /// Looks at the session: who is logged in, the granted scope, the phase. Others wait meanwhile: do nothing slow, and do not
    /// use this handle within `look`.
    pub fn session<R>(&self, look: impl FnOnce(&Session) -> R) -> R {
        look(&self.inner.shared.lock().session)
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.inner.io.transport
    }
}

impl<T, C> Clone for Api<T, C> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), patience: self.patience }
    }
}

impl<T, C> fmt::Debug for Api<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("phase", &self.session(Session::phase)).finish_non_exhaustive()
    }
}
