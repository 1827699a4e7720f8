//! The two round trips of a login that OpenID Connect adds: the server's metadata before the browser is opened, and its keys
//! when the ID token cannot be checked without. (`openid_off.rs` takes this file's place without the feature `openid`.)

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use super::state::{AwaitingRedirect, ExchangingCode, Rules, State, Step, CODE_LIFETIME_SECS};
use super::Action;
use crate::authorization::AuthorizationRequest;
use crate::base64url::Base64Url32;
use crate::client::Client;
use crate::config_error::ConfigError;
use crate::error::{Error, Ignored, Misuse, Over, Violation};
use crate::http::{Request, RequestId, Response};
use crate::identity::Identity;
use crate::login::Event;
use crate::openid::discovery::WellKnown;
use crate::openid::id_token::Unverified;
use crate::openid::{KeySet, KeySetError, ServerMetadata, MAX_KEY_REQUESTS};
use crate::time::UnixTime;
use crate::token::{self, TokenResponse, Tokens};

/// Whether the server has the response mode that is asked for (RFC 8414 §2), and ID tokens can be checked.
pub(super) fn check(client: &Client, request: &AuthorizationRequest) -> Result<(), ConfigError> {
    if let Some(modes) = &client.server().response_modes {
        let mode = request.value("response_mode").unwrap_or_else(|| "query".into());
        if !modes.contains(&mode) {
            return Err(ConfigError::Metadata {
                name: "response_modes_supported",
                problem: "does not name the response mode that is asked for (RFC 8414 section 2): ask for another one",
            });
        }
    }
    if request.asks_for_openid() {
        client.id_token_rules()?;
    } else if request.requires_acr() {
        return Err(ConfigError::parameter(
            "acr_values",
            "are required, which an ID token must tell: ask for the scope openid",
        ));
    }
    Ok(())
}

/// The server's metadata is asked for.
pub(super) struct Discovering {
    /// The login as it will be then.
    login: AwaitingRedirect,
    place: WellKnown,
}

impl Discovering {
    pub(super) fn start(rules: &Rules<'_>, login: AwaitingRedirect) -> Step {
        Self { login, place: WellKnown::OpenIdConfiguration }.ask(rules)
    }

    fn ask(self, rules: &Rules<'_>) -> Step {
        let request = self.request(rules.client);
        Step::to(State::Discovering(Box::new(self)), Action::SendRequest(request))
    }

    pub(super) fn request(&self, client: &Client) -> Request {
        let url = self.place.of(client.server().issuer.as_deref().unwrap_or_default());
        Request::get(self.id(), Arc::from(url), None)
    }

    pub(super) fn deadline(&self) -> UnixTime {
        self.login.deadline
    }

    /// `state` is to stay secret until the redirect has come, so a digest of it is the name.
    fn id(&self) -> RequestId {
        RequestId::of_secret(self.login.state.octets(), &[]).following(match self.place {
            WellKnown::OpenIdConfiguration => 0,
            WellKnown::OAuthAuthorizationServer => 1,
            WellKnown::OpenIdConfigurationInserted => 2,
        })
    }

    pub(super) fn step(&self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
        if now > self.login.deadline {
            return Err(Error::Over(Over::Expired));
        }
        match event {
            Event::ResponseReceived(id, response) if id == self.id() => self.response(rules, &response, now),
            // To ask twice does no harm.
            Event::SendFailed(id, _) if id == self.id() => {
                Ok(Step::stay(Action::SendRequest(self.request(rules.client))))
            }
            Event::ResponseReceived(..) | Event::SendFailed(..) => Err(Error::Ignored(Ignored::UnknownRequest)),
            Event::RedirectReceived(_) => Err(Error::Ignored(Ignored::RedirectNotAwaited)),
            Event::Cancelled => Err(Error::Over(Over::Cancelled)),
            Event::Start(_) => Err(Error::Misuse(Misuse::AlreadyStarted)),
        }
    }

    fn response(&self, rules: &Rules<'_>, response: &Response<'_>, now: UnixTime) -> Result<Step, Error> {
        let issuer = rules.client.server().issuer.as_deref().unwrap_or_default();
        let metadata = match ServerMetadata::read(response, now) {
            Ok(metadata) => metadata,
            Err(error) if is_not_there(&error) => {
                let nowhere = ConfigError::Issuer {
                    problem: "has no metadata at its well-known places (RFC 8414 section 3): write it as the server does, or \
                              configure the endpoints with AuthorizationServer::new",
                };
                let place = self.place.next(issuer).ok_or_else(|| Error::metadata(nowhere))?;
                return Ok(Self { login: self.login.clone(), place }.ask(rules));
            }
            Err(error) => return Err(error),
        };
        let client = rules.client.with_metadata(&metadata);
        let checked = client.and_then(|client| super::check(&client, rules.request).map(|()| client));
        let client = checked.map_err(Error::metadata)?;
        let rules = Rules { client: &client, request: rules.request };
        let url = self.login.url(&rules);
        Ok(Step::to(State::AwaitingRedirect(self.login.clone()), Action::OpenUrl(url)).with(client))
    }
}

/// Whether an answer says that there is no document at a place.
fn is_not_there(error: &Error) -> bool {
    match error {
        Error::Refused(refused) => matches!(refused.status(), Some(400..=407 | 409..=499)) && !refused.is_transient(),
        Error::Violation(violation) => matches!(violation, Violation::RedirectedResponse(_) | Violation::ContentType),
        _ => false,
    }
}

/// The tokens are here, and the ID token waits for the server's keys.
pub(super) struct FetchingKeys {
    id: RequestId,
    requests: u8,
    /// Until they are handed out.
    tokens: Option<Box<Tokens>>,
    unverified: Unverified,
    deadline: UnixTime,
}

impl FetchingKeys {
    pub(super) fn request(&self, client: &Client) -> Request {
        let url = client.server().jwks_uri.clone().unwrap_or_default();
        Request::get(self.id(), url, None)
    }

    pub(super) fn deadline(&self) -> UnixTime {
        self.deadline
    }

    fn id(&self) -> RequestId {
        self.id.following(self.requests)
    }

    pub(super) fn step(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
        match event {
            Event::ResponseReceived(id, response) if id == self.id() => self.response(rules, &response, now),
            Event::SendFailed(id, _) if id == self.id() => {
                if now > self.deadline {
                    return Err(Error::Over(Over::Expired));
                }
                Ok(Step::stay(Action::SendRequest(self.request(rules.client))))
            }
            Event::ResponseReceived(..) | Event::SendFailed(..) => Err(Error::Ignored(Ignored::UnknownRequest)),
            Event::RedirectReceived(_) => Err(Error::Ignored(Ignored::RedirectNotAwaited)),
            Event::Cancelled => Err(Error::Over(Over::Cancelled)),
            Event::Start(_) => Err(Error::Misuse(Misuse::AlreadyStarted)),
        }
    }

    fn response(&mut self, rules: &Rules<'_>, response: &Response<'_>, now: UnixTime) -> Result<Step, Error> {
        let keys = match fetched_keys(rules.client, response, now) {
            Ok(keys) => keys,
            Err(Error::Refused(refused)) if refused.is_transient() && self.requests < MAX_KEY_REQUESTS => {
                self.requests = self.requests.saturating_add(1);
                return Ok(Step::stay(Action::SendRequest(self.request(rules.client))));
            }
            Err(error) => return Err(error),
        };
        rules.client.verify_id_token(&self.unverified, Some(&keys))?;
        let mut tokens = *self.tokens.take().ok_or(Error::Ignored(Ignored::Finished))?;
        let id_token = self.unverified.clone().into_id_token();
        tokens.identity = tokens.identity.with(id_token, Some(Arc::new(keys)));
        Ok(Step::to(State::Finished, Action::TokensReady(tokens)))
    }
}

/// The answer to a request for keys. Some servers do not name the type of theirs.
pub(crate) fn fetched_keys(client: &Client, response: &Response<'_>, now: UnixTime) -> Result<KeySet, Error> {
    let body = token::body(response, now)?;
    let jwks_uri = client.server().jwks_uri.as_deref().unwrap_or_default();
    KeySet::parse(jwks_uri, body, now).map_err(|error| {
        Error::Violation(match error {
            KeySetError::TooLarge => Violation::ResponseTooLarge,
            KeySetError::Malformed => Violation::ResponseMalformed,
        })
    })
}

/// The end of the exchange: the tokens, if their ID token can be checked now or there is none to check.
pub(super) fn finish(
    rules: &Rules<'_>,
    exchanged: &ExchangingCode,
    answer: TokenResponse<'_>,
    tokens: impl FnOnce(TokenResponse<'_>, Identity) -> Tokens,
    now: UnixTime,
) -> Result<Step, Error> {
    let identity = Identity::unknown(Some(rules.client.clone()));
    let done = |tokens| Step::to(State::Finished, Action::TokensReady(tokens));
    if !rules.request.asks_for_openid() {
        return Ok(done(tokens(answer, identity)));
    }
    let id_token = answer.id_token().ok_or(Error::Violation(Violation::IdTokenMissing))?;
    let unverified = read(rules, exchanged, id_token, answer.access_token(), now)?;
    let keys = identity.keys.clone();
    match rules.client.verify_id_token(&unverified, keys.as_deref()) {
        Ok(()) => Ok(done(tokens(answer, identity.with(unverified.into_id_token(), keys)))),
        // Keys may have been replaced since these were fetched, under the same name even.
        Err(error) if keys.is_some_and(|keys| !keys.may_be_fetched_again(now)) => Err(error.into()),
        Err(_) => {
            let fetching = FetchingKeys {
                id: exchanged.id,
                requests: 1,
                tokens: Some(Box::new(tokens(answer, identity))),
                unverified,
                deadline: now.saturating_add(CODE_LIFETIME_SECS),
            };
            let request = fetching.request(rules.client);
            Ok(Step::to(State::FetchingKeys(Box::new(fetching)), Action::SendRequest(request)))
        }
    }
}

fn read(
    rules: &Rules<'_>,
    exchanged: &ExchangingCode,
    id_token: &str,
    access_token: &str,
    now: UnixTime,
) -> Result<Unverified, Error> {
    let (client, request) = (rules.client, rules.request);
    let id_token_rules = client.id_token_rules().map_err(Error::metadata)?;
    let mut nonce = Base64Url32::new();
    let acr_values = request.value("acr_values").filter(|_| request.requires_acr());
    let organization = request.value("organization");
    let result = id_token_rules
        .nonce(Some(nonce.encode(exchanged.nonce.octets())))
        .max_age(request.value("max_age").and_then(|seconds: String| seconds.parse().ok()))
        .essential_acr(acr_values.as_deref())
        .organization(organization.as_deref())
        .access_token(Some(access_token))
        .code(Some(exchanged.code.reveal()))
        .read(id_token, now);
    nonce.wipe();
    Ok(result?)
}
