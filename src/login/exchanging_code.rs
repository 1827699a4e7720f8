//! State: the code is being exchanged. Decides when it is sent again, and what the response means.

use alloc::sync::Arc;

use super::action::{Action, Progress};
use super::awaiting_redirect::AwaitingRedirect;
use super::backoff;
use super::event::Event;
use super::identity::Identity;
use super::rules::Rules;
use super::tokens::Tokens;
use super::unchecked::Next;
#[cfg(feature = "openid")]
use super::unchecked::{Trial, Unchecked};
#[cfg(feature = "openid")]
use crate::config::id_token_settings::Signature;
#[cfg(feature = "openid")]
use crate::error::violation::Violation;
use crate::error::{Error, Over};
#[cfg(feature = "openid")]
use crate::http::server_clock::ServerClock;
use crate::http::{Delivered, Request, RequestId, Response};
#[cfg(feature = "openid")]
use crate::openid::id_token::unverified::Unverified;
use crate::secret::{Secret, SecretOctets};
use crate::text::base64url::Base64Url32;
use crate::time::UnixTime;
use crate::wire::redirect::AuthorizationCode;
use crate::wire::token::response::parse_response_as;
#[cfg(feature = "openid")]
use crate::wire::token::response::TokenResponse;

/// The lifetime assumed for a code, in seconds: RFC 6749 §4.1.2 recommends at most ten minutes.
pub const CODE_LIFETIME_SECS: u64 = 600;

/// The code is being exchanged at the token endpoint.
#[cfg_attr(not(feature = "openid"), expect(dead_code))] // used for ID tokens only
pub(super) struct ExchangingCode {
    id: RequestId,
    verifier: SecretOctets,
    nonce: SecretOctets,
    code: AuthorizationCode,
    deadline: UnixTime,
    /// When the login was started.
    started: UnixTime,
}

impl ExchangingCode {
    pub(super) fn new(rules: &Rules<'_>, login: &AwaitingRedirect, code: AuthorizationCode, now: UnixTime) -> Self {
        Self {
            // No other redirect is accepted now, so a value made from `state` may become public.
            id: RequestId::fold(login.state.octets()),
            verifier: login.verifier.clone(),
            nonce: login.nonce.clone(),
            code,
            deadline: now.saturating_add(CODE_LIFETIME_SECS),
            started: login.deadline.saturating_sub(rules.client.login_timeout()),
        }
    }

    pub(super) fn deadline(&self) -> UnixTime {
        self.deadline
    }

    pub(super) fn step(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Progress<Next>, Error> {
        match event {
            Event::ResponseReceived(id, response) if id == self.id => self.response(rules, &response, now),
            Event::SendFailed(id, Delivered::No) if id == self.id => {
                if now > self.deadline {
                    return Err(Error::Over(Over::Expired));
                }
                Ok(Progress::Stay(Action::SendRequest(self.request(rules))))
            }
            // The code may be used up: it is not sent again (RFC 6749 §4.1.2).
            Event::SendFailed(id, Delivered::Maybe) if id == self.id => Err(Error::Over(Over::OutcomeUnknown)),
            event => Err(event.refusal()),
        }
    }

    /// Accepts a response at any time: tokens are not thrown away for being late.
    fn response(&mut self, rules: &Rules<'_>, response: &Response<'_>, now: UnixTime) -> Result<Progress<Next>, Error> {
        let answer = match parse_response_as(response, rules.client.token_types(), now) {
            Ok(answer) => answer,
            Err(error) => return self.later(error, now),
        };
        #[cfg(feature = "openid")]
        let (identity, open) = self.identify(rules, response, &answer, now)?;
        #[cfg(not(feature = "openid"))]
        let identity = Identity::unknown(Some(rules.client.clone()));
        // It parsed as JSON, so it is UTF-8.
        let body =
            rules.client.keeps_token_response().then(|| core::str::from_utf8(response.body()).unwrap_or_default());
        // Lifetimes count from the sending of the request, which was by the deadline. The response may come much later: a laptop
        // may have slept in between.
        let sent_by = now.min(self.deadline);
        let tokens = Tokens::new(answer, Arc::clone(rules.request), body.map(Secret::new), identity, sent_by);
        #[cfg(feature = "openid")]
        if let Some((unverified, trial)) = open {
            let unchecked = Unchecked::new(self.id.next(), tokens, unverified, now);
            return Ok(Progress::Done(match trial {
                Some(trial) => Next::Verify(unchecked, trial),
                None => Next::FetchKeys(unchecked),
            }));
        }
        Ok(Progress::Done(Next::Finished(tokens)))
    }

    /// Sends an unprocessed code again while it lives (RFC 6749 §4.1.2). Any other response may have used it up.
    fn later(&mut self, error: Error, now: UnixTime) -> Result<Progress<Next>, Error> {
        let is_unused = matches!(&error, Error::Refused(refused) if refused.is_unprocessed());
        let begun = self.deadline.saturating_sub(CODE_LIFETIME_SECS);
        let at = backoff::until(error.retry_after(), begun, now, self.id);
        if !is_unused || at > self.deadline {
            return Err(error);
        }
        self.id = self.id.next();
        Ok(Progress::Stay(Action::RetryAt(at)))
    }

    pub(super) fn request(&self, rules: &Rules<'_>) -> Request {
        let mut verifier = Base64Url32::new();
        // One access token is for one resource (RFC 8707 §2.2): the first.
        let resources = rules.request.resources().get(..1).unwrap_or_default();
        let endpoint = rules.client.known_token_endpoint();
        let request =
            endpoint.exchange(self.id, self.code.reveal(), verifier.encode(self.verifier.octets()), resources);
        verifier.wipe();
        request
    }
}

/// An ID token whose signature is unchecked, and the keys that it is to be verified with, if they are there.
#[cfg(feature = "openid")]
type Open = (Unverified, Option<Trial>);

#[cfg(feature = "openid")]
impl ExchangingCode {
    /// Returns the identity, if requested, and the ID token if its signature is still unchecked, with the keys that the app has to
    /// verify it with; without those, they must be fetched.
    fn identify(
        &self,
        rules: &Rules<'_>,
        response: &Response<'_>,
        answer: &TokenResponse<'_>,
        now: UnixTime,
    ) -> Result<(Identity, Option<Open>), Error> {
        let mut identity = Identity::unknown(Some(rules.client.clone()));
        if !rules.request.asks_for_openid() {
            return Ok((identity, None));
        }
        let id_token = answer.id_token().ok_or(Error::Violation(Violation::IdTokenMissing))?;
        // A new token is checked with its issuer's clock: phones are off by an hour and more.
        let clock = ServerClock::of(response.header("date"), now);
        identity.clock_offset = clock.offset();
        let longest = rules.client.login_timeout().saturating_add(CODE_LIFETIME_SECS);
        let taken = now.saturating_since(self.started).min(longest);
        let unverified = self.read(rules, id_token, answer.access_token(), taken, clock.time(now))?;
        let keys = identity.keys.take_if(|keys| keys.is_fresh(now, rules.client.max_key_age()));
        // The server may have replaced its keys since, even under the same name. If these do not verify the token, they are
        // fetched again once, however young they are.
        Ok(match (rules.client.verify_id_token(&unverified, keys.as_deref()), keys) {
            (Ok(Signature::Valid), keys) => (identity.with(unverified.into_id_token(), keys), None),
            (Ok(Signature::Unknown(candidates)), Some(keys)) => {
                (identity, Some((unverified, Some(Trial { candidates, keys, are_new: false }))))
            }
            _ => (identity, Some((unverified, None))),
        })
    }

    fn read(
        &self,
        rules: &Rules<'_>,
        id_token: &str,
        access_token: &str,
        taken: u64,
        now: UnixTime,
    ) -> Result<Unverified, Error> {
        let (client, request) = (rules.client, rules.request);
        let id_token_rules = client.id_token_rules().map_err(Error::metadata)?;
        let mut nonce = Base64Url32::new();
        let acr_values = request.value("acr_values").filter(|_| request.requires_acr());
        let organization = request.value("organization");
        // `max_age` is about the time before the user was asked (§3.1.2.1), not about how long the user or a busy server has
        // taken since.
        let max_age = request.value("max_age").and_then(|seconds| seconds.parse().ok());
        let result = id_token_rules
            .nonce(Some(nonce.encode(self.nonce.octets())))
            .max_age(max_age.map(|seconds: u64| seconds.saturating_add(taken)))
            .essential_acr(acr_values.as_deref())
            .organization(organization.as_deref())
            .access_token(Some(access_token))
            .code(Some(self.code.reveal()))
            .of_token_endpoint()
            .read(id_token, now);
        nonce.wipe();
        Ok(result?)
    }
}
