//! The sign-out, after all local tokens are forgotten: revokes them at the server (RFC 7009), and ends the user's session there
//! in the browser (OpenID Connect RP-Initiated Logout 1.0).

use alloc::vec::Vec;
use core::fmt;

use super::flights::InTheAir;
use super::outcome::SessionAction;
use super::patience::Patience;
use super::verdict::Verdict;
use crate::config::client::Client;
use crate::entropy::Entropy;
use crate::error::refused::is_transient;
use crate::error::{Error, Ignored, Misuse, Over};
use crate::http::{retry_after, Delivered, Request, RequestId, Response};
use crate::secret::{Secret, SecretOctets};
use crate::text::base64url::Base64Url32;
use crate::time::UnixTime;
use crate::wire::logout::{self, LogoutRequest, LogoutUrl};
use crate::wire::token::response::refused;

/// How often a revocation is sent at most, retries included.
const MAX_REVOCATIONS: u32 = 5;

/// The settings of a sign-out, for [`Session::sign_out`](crate::Session::sign_out).
///
/// ```
/// use oauth_proto::SignOut;
///
/// let here = SignOut::new();
/// # let octets: [u8; 96] = core::array::from_fn(|index| index as u8);
/// # let entropy = oauth_proto::Entropy::new(octets)?;
/// let at_the_server_too = SignOut::new().logout(entropy); // 96 random octets, or Entropy::from_os()
/// # Ok::<(), oauth_proto::EntropyError>(())
/// ```
#[must_use = "nothing is signed out until this is given to `Session::sign_out`"]
#[derive(Default)]
pub struct SignOut {
    state: Option<SecretOctets>,
    federated: bool,
    without_hint: bool,
}

impl SignOut {
    /// Forgets all tokens here at once, and revokes the refresh token (if there is none, the access token) if the server has a
    /// revocation endpoint (RFC 7009).
    pub fn new() -> Self {
        Self::default()
    }

    /// Also ends the user's session at the server, in the browser, if the server has a logout endpoint (OpenID Connect
    /// RP-Initiated Logout 1.0, Auth0's `/v2/logout`, or another server's own). The entropy makes the `state` that the return
    /// must have.
    pub fn logout(mut self, entropy: Entropy) -> Self {
        self.state = Some(SecretOctets::new(entropy.state()));
        drop(entropy);
        self
    }

    /// Also logs the user out at the identity provider behind the server (Auth0's `federated`): the next login asks for
    /// credentials there too. Has no effect without [`SignOut::logout`].
    pub fn federated(mut self) -> Self {
        self.federated = true;
        self
    }

    /// Keeps the ID token (`id_token_hint`) out of the logout URL: it names the user, and URLs stay in histories and logs. The
    /// server may then ask whether to log out. Has no effect without [`SignOut::logout`].
    pub fn without_id_token_hint(mut self) -> Self {
        self.without_hint = true;
        self
    }
}

impl fmt::Debug for SignOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignOut")
            .field("logout", &self.state.is_some())
            .field("federated", &self.federated)
            .field("without_id_token_hint", &self.without_hint)
            .finish_non_exhaustive()
    }
}

/// The tokens that the server must be sent, and the refreshes whose responses may still come.
pub(super) struct Shown {
    /// The token to revoke, and its `token_type_hint`.
    pub token: Option<(Secret, &'static str)>,
    pub id_token: Option<Secret>,
    pub in_the_air: InTheAir,
}

/// A sign-out that is under way or done. It keeps only what it must still send.
pub(super) struct SigningOut {
    /// Revoked in this order: the session's own token, then refresh tokens that came late.
    to_revoke: Vec<Revocation>,
    logout: Option<Logout>,
    in_the_air: InTheAir,
    /// The last error of the sign-out.
    last_error: Option<Error>,
}

static NOT_REVOKED: Error = Error::Over(Over::NotRevoked);

struct Revocation {
    token: Secret,
    hint: &'static str,
    /// How many requests got a response or failed.
    tried: u32,
    patience: Patience,
    /// The logout in the browser waits for its first attempt.
    goes_first: bool,
    last_error: Option<Error>,
}

impl Revocation {
    fn new(token: Secret, hint: &'static str) -> Self {
        Self { token, hint, tried: 0, patience: Patience::default(), goes_first: false, last_error: None }
    }
}

/// The logout, while the browser has not come back.
struct Logout {
    url: LogoutUrl,
    /// The `state` that the return must have, if the server returns it.
    state: Option<SecretOctets>,
}

impl SigningOut {
    pub(super) fn new(client: &Client, how: &SignOut, shown: Shown) -> Self {
        // Without an endpoint nothing can be revoked.
        let token = shown.token.filter(|_| client.server().revocation_endpoint.is_some());
        let to_revoke =
            token.into_iter().map(|(token, hint)| Revocation { goes_first: true, ..Revocation::new(token, hint) });
        let logout = how.state.as_ref().zip(client.server().logout_endpoint.as_ref()).map(|(octets, endpoint)| {
            let mut state = Base64Url32::new();
            let request = LogoutRequest {
                id_token_hint: shown.id_token.as_ref().filter(|_| !how.without_hint),
                client_id: client.client_id(),
                return_to: client.post_logout_redirect_uri(),
                state: state.encode(octets.octets()),
                federated: how.federated,
            };
            let is_brought = endpoint.parameters.brings_state();
            Logout { url: LogoutUrl::build(endpoint, &request), state: is_brought.then(|| octets.clone()) }
        });
        let in_vain = how.state.is_some() && logout.is_none();
        let last_error = in_vain.then_some(Error::Misuse(Misuse::NoLogoutEndpoint));
        // With unknown endpoints the server cannot be told, unless the app set the revocation endpoint.
        let is_unknown = !client.has_endpoints() && client.server().revocation_endpoint.is_none();
        let last_error = last_error.or(is_unknown.then_some(Error::Over(Over::NotRevoked)));
        Self { to_revoke: to_revoke.collect(), logout, in_the_air: shown.in_the_air, last_error }
    }

    /// The next action, the same until its outcome is known; `None` if nothing is left. Revocation retries do not delay the
    /// browser.
    pub(super) fn pending_action(&self, client: &Client) -> Option<SessionAction> {
        if self.is_logging_out() {
            return self.logout.as_ref().map(|logout| SessionAction::OpenUrl(logout.url.clone()));
        }
        self.to_revoke.first()?.request(client).map(SessionAction::SendRequest)
    }

    pub(super) fn is_logging_out(&self) -> bool {
        self.logout.is_some() && !self.to_revoke.first().is_some_and(|first| first.goes_first && first.tried == 0)
    }

    /// Whether nothing is left to do, except for late responses.
    pub(super) fn is_done(&self) -> bool {
        self.logout.is_none() && self.to_revoke.is_empty()
    }

    /// The server's refusal, or `NotRevoked` while a refresh token may still be valid at the server.
    pub(super) fn last_error(&self) -> Option<&Error> {
        let of_first = self.to_revoke.first().and_then(|first| first.last_error.as_ref());
        let may_live_on = !self.to_revoke.is_empty() || self.in_the_air.is_anything();
        of_first.or(self.last_error.as_ref()).or_else(|| may_live_on.then_some(&NOT_REVOKED))
    }

    /// Takes the outcome of a revocation. The user is signed out already; no response can undo that (RFC 7009 §2.2).
    pub(super) fn outcome(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        let asked = !self.is_logging_out();
        let Some(first) = self.to_revoke.first_mut().filter(|first| asked && first.id() == id) else {
            return self.late_outcome(client, id, outcome, now);
        };
        first.tried = first.tried.saturating_add(1);
        let (error, wait) = match outcome {
            Ok(response) if (200..=299).contains(&response.status()) => (None, None),
            Ok(response) => {
                let wait = retry_after::seconds(response, now).unwrap_or(0);
                (Some(refused(response, now)), is_transient(response.status()).then_some(wait))
            }
            Err(_) => (Some(NOT_REVOKED.clone()), Some(0)),
        };
        match wait.filter(|_| first.tried < MAX_REVOCATIONS) {
            Some(wait) => {
                first.patience.answered(Some(wait), id, now);
                first.last_error = error;
            }
            None => {
                self.to_revoke.remove(0);
                // A later success does not clear the error of another token.
                self.last_error = error.or(self.last_error.take());
            }
        }
        Ok(self.next(client, now))
    }

    /// Takes the outcome of a refresh that was under way at the sign-out. A refresh token that it brought is revoked: after the
    /// present actions, or by this caller if they are done.
    fn late_outcome(
        &mut self,
        client: &Client,
        id: RequestId,
        outcome: Result<&Response<'_>, Delivered>,
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        let is_done = self.is_done();
        let air = &mut self.in_the_air;
        let sent = air.take(id).ok_or(Error::Ignored(Ignored::UnknownRequest))?;
        match outcome.map(|response| Verdict::of(response, client, now).brought()) {
            Ok(Ok(None)) | Err(Delivered::No) => {}
            Ok(Ok(Some(token))) if client.server().revocation_endpoint.is_some() => {
                self.to_revoke.push(Revocation::new(Secret::from(token), "refresh_token"));
            }
            // The token cannot be revoked, or it is not known what the refresh brought.
            Ok(_) => air.is_unknown = true,
            // The response may still come.
            Err(Delivered::Maybe) => air.lose(sent),
        }
        Ok(if is_done { self.next(client, now) } else { SessionAction::RetryAt(now) })
    }

    /// Takes the URL that the browser came back with.
    pub(super) fn returned(&mut self, client: &Client, url: &str, now: UnixTime) -> Result<SessionAction, Error> {
        let logout = self.logout.as_ref().filter(|_| self.is_logging_out());
        let (logout, uri) =
            logout.zip(client.post_logout_redirect_uri()).ok_or(Error::Ignored(Ignored::RedirectNotAwaited))?;
        match &logout.state {
            Some(state) => logout::check_return(url, uri, Base64Url32::new().encode(state.octets()))?,
            None => logout::check_return_url(url, uri)?,
        }
        self.logout = None;
        Ok(self.next(client, now))
    }

    /// Ends the wait for the browser.
    pub(super) fn cancelled(&mut self, client: &Client, now: UnixTime) -> Option<SessionAction> {
        if !self.is_logging_out() {
            return None;
        }
        self.logout = None;
        Some(self.next(client, now))
    }

    fn next(&mut self, client: &Client, now: UnixTime) -> SessionAction {
        let waits = !self.is_logging_out();
        let first = self.to_revoke.first_mut().filter(|_| waits);
        match first.and_then(|first| first.patience.until(now)) {
            Some(time) => SessionAction::RetryAt(time),
            None => self.pending_action(client).unwrap_or(SessionAction::SignedOut),
        }
    }
}

impl Revocation {
    fn request(&self, client: &Client) -> Option<Request> {
        // The revocation endpoint may be known although the token endpoint is not.
        client.known_token_endpoint().revocation(self.id(), &self.token, Some(self.hint))
    }

    fn id(&self) -> RequestId {
        RequestId::of_secret(self.token.reveal().as_bytes(), &[u64::from(self.tried)])
    }
}
