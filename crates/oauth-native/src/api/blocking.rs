//! The same handle for threads: every call blocks.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use oauth_proto::drive::blocking::{self, Browser, Clock, Transport};
use oauth_proto::drive::DriveError;
use oauth_proto::LogoutUrl;
use oauth_proto::{
    AuthorizationRequest, Bearer, CallHeaders, Client, Entropy, Error, Ignored, Secret, Session, SignOut, Target,
};

use super::engine::{self, Engine, SignedOut};
use super::error::{ApiError, CallError, LoginError};
use super::io::{run, Threads};
use super::log_in::{self, Kept};
use super::reply::Reply;
use super::shared::Shared;
use crate::browser::LogoutBrowser;
use crate::store::{Store, StoreError};
use crate::SystemClock;

/// A handle for API calls from threads. Cheap to clone; all clones share one session. See the [module](super).
///
/// ```
/// use std::sync::Arc;
///
/// use oauth_native::api::blocking::Api;
/// use oauth_native::api::{CallError, Reply};
/// use oauth_native::store::Store;
/// use oauth_native::SystemClock;
/// use oauth_proto::drive::blocking::Transport;
/// use oauth_proto::Client;
/// # struct Answer;
/// # impl Answer {
/// #     fn status(&self) -> u16 { 200 }
/// #     fn headers(&self) -> impl Iterator<Item = (&str, &str)> { [].into_iter() }
/// # }
/// # fn get(_: &str, _: &[(&str, String)]) -> Result<Answer, std::io::Error> { Ok(Answer) }
///
/// fn app<T: Transport>(client: Client, http: T, store: Arc<dyn Store>) -> Result<(), Box<dyn std::error::Error>> {
///     let Some(api) = Api::restore(client, http, SystemClock, store)? else { return Ok(()) }; // log in, and Api::new(…)
///     let url = "https://api.example.com/me";
///     let me = api.call("GET", url, |headers| {
///         let headers: Vec<_> = headers.map(|(name, value)| (name, value.as_str().to_owned())).collect();
///         let answer = get(url, &headers)?;
///         Ok::<_, std::io::Error>(Reply::new(answer.status(), answer.headers()).with(answer))
///     });
///     if let Err(CallError::Api(error)) = &me {
///         if let Some(request) = error.login() {
///             drop(request.clone()); // log in with this request, and then: api.replace(session)?
///         }
///     }
///     assert_eq!(me?.status(), 200);
///     Ok(())
/// }
/// ```
pub struct Api<T, C = SystemClock> {
    inner: Arc<Inner<T, C>>,
    patience: u64,
}

struct Inner<T, C> {
    io: Threads<T, C>,
    shared: Arc<Shared>,
}

impl<T: Transport, C: Clock> Api<T, C> {
    /// Makes the handle of a new login, and stores its session.
    ///
    /// # Errors
    /// [`ApiError::Store`] if it cannot be stored.
    pub fn new(session: Session, transport: T, clock: C, store: Arc<dyn Store>) -> Result<Self, ApiError> {
        let io = Threads { transport, clock };
        run(engine::store(&io, &store, &session))?;
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
    pub fn restore(client: Client, transport: T, clock: C, store: Arc<dyn Store>) -> Result<Option<Self>, ApiError> {
        let io = Threads { transport, clock };
        let session = run(engine::restore(&io, &store, client))?;
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
    pub fn open<B: Browser>(
        client: Client,
        request: impl Into<Arc<AuthorizationRequest>>,
        transport: T,
        clock: C,
        store: Arc<dyn Store>,
        browser: &mut B,
    ) -> Result<Self, LoginError<B::Error>> {
        let io = Threads { transport, clock };
        let session = match run(engine::restore(&io, &store, client.clone())) {
            Ok(Some(session)) if engine::is_of_use(&session, io.clock.now()) => session,
            Ok(_) | Err(ApiError::Restore(_) | ApiError::Store(StoreError::Damaged)) => {
                let session = driven(&io, &store, client, request.into(), browser)?;
                run(engine::store(&io, &store, &session))?;
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
    pub fn log_in<B: Browser>(
        &self,
        request: impl Into<Arc<AuthorizationRequest>>,
        browser: &mut B,
    ) -> Result<(), LoginError<B::Error>> {
        let client = self.session(|session| session.client().clone());
        let (io, store) = (&self.inner.io, &self.inner.shared.store);
        let session = driven(io, store, client, request.into(), browser)?;
        Ok(self.replace(session)?)
    }

    fn with(session: Session, io: Threads<T, C>, store: Arc<dyn Store>) -> Self {
        let shared = Arc::new(Shared::new(session, store));
        Self { inner: Arc::new(Inner { io, shared }), patience: 0 }
    }

    /// Returns the token for the login's own API: [`Api::token`] with [`Target::own`].
    ///
    /// # Errors
    /// [`ApiError`] if there is no token now.
    pub fn bearer(&self) -> Result<Bearer, ApiError> {
        self.token(&Target::own())
    }

    /// Returns an access token for one of several APIs that is good now: see [`api::Api::token`](super::Api::token).
    ///
    /// # Errors
    /// [`ApiError`] if there is no token now.
    pub fn token(&self, target: &Target) -> Result<Bearer, ApiError> {
        run(self.engine().token(target))
    }

    /// Makes a call with the login's own token: [`Api::call_for`] with [`Target::own`].
    ///
    /// # Errors
    /// [`CallError::Api`] if there is no token, [`CallError::Call`] for an error of `send`.
    pub fn call<R, E>(
        &self,
        method: &str,
        url: &str,
        send: impl FnMut(CallHeaders) -> Result<Reply<R>, E>,
    ) -> Result<R, CallError<E>> {
        self.call_for(&Target::own(), method, url, send)
    }

    /// Makes a call with a token for this target; `send` is called at most twice: see
    /// [`api::Api::call_for`](super::Api::call_for).
    ///
    /// # Errors
    /// [`CallError::Api`] if there is no token, or the API refuses it; [`CallError::Call`] for an error of `send`.
    pub fn call_for<R, E>(
        &self,
        target: &Target,
        method: &str,
        url: &str,
        mut send: impl FnMut(CallHeaders) -> Result<Reply<R>, E>,
    ) -> Result<R, CallError<E>> {
        run(self.engine().call(target, method, url, |headers| ready(send(headers))))
    }

    /// Stores the session of another login, and then uses it in all clones. Tokens of the old login are not revoked.
    ///
    /// # Errors
    /// [`ApiError::Store`] if it cannot be stored; the old session stays.
    pub fn replace(&self, session: Session) -> Result<(), ApiError> {
        run(self.engine().replace(session))
    }

    /// Reads what is stored, and uses it: see [`api::Api::reload`](super::Api::reload).
    ///
    /// # Errors
    /// [`ApiError::Store`] if it cannot be read, [`ApiError::Restore`] if it is not a session of this client.
    pub fn reload(&self) -> Result<(), ApiError> {
        run(self.engine().reload())
    }

    /// Signs out: see [`api::Api::sign_out`](super::Api::sign_out).
    pub fn sign_out(&self, how: SignOut) -> SignedOut {
        run(self.engine().sign_out(how))
    }

    /// Goes on after the browser was sent to [`SignedOut::logout_url`]: with the URL that it came back to, or `None` if the app
    /// stops waiting for that.
    ///
    /// # Errors
    /// [`Error::Ignored`] if the URL is not the return from the logout: wait for another. [`Error::Misuse`] for `None` if no
    /// logout is under way.
    pub fn end_logout(&self, redirect: Option<&str>) -> Result<SignedOut, Error> {
        run(self.engine().end_logout(redirect))
    }

    /// Takes the user to the logout at the server and back, and completes the sign-out: see
    /// [`api::Api::log_out`](super::Api::log_out).
    ///
    /// ```
    /// use oauth_native::api::blocking::Api;
    /// use oauth_native::browser::{Loopback, Print};
    /// use oauth_native::SignOut;
    /// use oauth_proto::drive::blocking::Transport;
    /// use oauth_proto::Entropy;
    ///
    /// fn sign_out<T: Transport>(api: &Api<T>) -> Result<(), Box<dyn std::error::Error>> {
    ///     let signed_out = api.sign_out(SignOut::new().logout(Entropy::from_os()?));
    ///     if let Some(url) = &signed_out.logout_url {
    ///         // where the client's post_logout_redirect_uri leads to
    ///         let mut browser = Loopback::bind_uri("http://127.0.0.1:51004/signed-out", Print::stderr())?;
    ///         let _ = api.log_out(url, &mut browser, 300)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// The browser's, if it could not be used.
    pub fn log_out<B>(
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
            let Some(back) = browser.redirect(deadline)?.map(Secret::new) else { break };
            handled = self.end_logout(Some(back.reveal()));
            browser.heard_logout(url, handled.as_ref().map(|_| ()))?;
        }
        Ok(run(self.engine().logged_out(handled)))
    }

    pub(super) fn engine(&self) -> Engine<'_, Threads<T, C>> {
        Engine { io: &self.inner.io, shared: &self.inner.shared, patience: self.patience }
    }
}

/// Drives a login, and stores it while the browser is open.
fn driven<T: Transport, C: Clock, B: Browser>(
    io: &Threads<T, C>,
    store: &Arc<dyn Store>,
    client: Client,
    request: Arc<AuthorizationRequest>,
    browser: &mut B,
) -> Result<Session, LoginError<B::Error>> {
    let pending = &store.beside();
    let mut login = run(log_in::begin(io, pending, client, request))?;
    let entropy = Entropy::from_os().map_err(LoginError::Entropy)?; // unused: it has been started
    let mut kept = Kept { io, browser, pending };
    let tokens = blocking::login(&mut login, entropy, &io.transport, &mut kept, &io.clock);
    if matches!(tokens, Err(DriveError::Login(_))) {
        run(log_in::keep(io, pending, None));
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
