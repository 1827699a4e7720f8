//! The two round trips of a login that OpenID Connect adds: the server's metadata before the browser is opened, and its keys
//! when the ID token cannot be checked without. (`openid_off.rs` takes this file's place without the feature `openid`.)

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::state::{AwaitingRedirect, ExchangingCode, Rules, State, Step, CODE_LIFETIME_SECS};
use super::Action;
use crate::authorization::AuthorizationRequest;
use crate::backoff;
use crate::base64url::Base64Url32;
use crate::client::Client;
use crate::config_error::ConfigError;
use crate::error::{Error, Ignored, Misuse, Over, Violation};
use crate::http::{Request, RequestId, Response};
use crate::identity::Identity;
use crate::login::Event;
use crate::openid::discovery::WellKnown;
use crate::openid::id_token::Unverified;
use crate::openid::{KeySet, KeySetError, ServerMetadata};
use crate::server_clock::ServerClock;
use crate::time::UnixTime;
use crate::token::{self, TokenResponse, Tokens};

/// Whether the server has the response mode that is asked for (RFC 8414 §2), and ID tokens can be checked.
pub(super) fn check(client: &Client, request: &AuthorizationRequest) -> Result<(), ConfigError> {
    if let Some(modes) = &client.server().response_modes {
        // Servers leave out what nobody has to ask for: `query` is the default of the code flow.
        if request.value("response_mode").is_some_and(|mode| !modes.contains(&mode)) {
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
    id: RequestId,
    place: WellKnown,
    /// What stands in the way at the places before this one, as far as it tells anything.
    trouble: Option<Trouble>,
}

/// The last of the more telling kind is kept.
#[derive(Clone)]
enum Trouble {
    /// There is a document that cannot be read.
    Unreadable(Error),
    /// There may be one, later.
    Unavailable(Error),
}

impl Discovering {
    pub(super) fn start(rules: &Rules<'_>, login: AwaitingRedirect) -> Step {
        // `state` is to stay secret until the redirect has come, so a digest of it is the name.
        let id = RequestId::of_secret(login.state.octets(), &[]);
        let discovering = Self { login, id, place: WellKnown::OpenIdConfiguration, trouble: None };
        let request = discovering.request(rules.client);
        Step::to(State::Discovering(Box::new(discovering)), Action::SendRequest(request))
    }

    pub(super) fn request(&self, client: &Client) -> Request {
        let url = self.place.of(client.server().issuer.as_deref().unwrap_or_default());
        Request::get(self.id, Arc::from(url), None)
    }

    pub(super) fn deadline(&self) -> UnixTime {
        self.login.deadline
    }

    pub(super) fn step(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
        if now > self.login.deadline {
            return Err(Error::Over(Over::Expired));
        }
        match event {
            Event::ResponseReceived(id, response) if id == self.id => self.response(rules, &response, now),
            // To ask twice does no harm.
            Event::SendFailed(id, _) if id == self.id => {
                Ok(Step::stay(Action::SendRequest(self.request(rules.client))))
            }
            Event::ResponseReceived(..) | Event::SendFailed(..) => Err(Error::Ignored(Ignored::UnknownRequest)),
            Event::RedirectReceived(_) => Err(Error::Ignored(Ignored::RedirectNotAwaited)),
            Event::Cancelled => Err(Error::Over(Over::Cancelled)),
            Event::Start(_) => Err(Error::Misuse(Misuse::AlreadyStarted)),
        }
    }

    fn response(&mut self, rules: &Rules<'_>, response: &Response<'_>, now: UnixTime) -> Result<Step, Error> {
        let metadata = match ServerMetadata::read(response, now) {
            Ok(metadata) => metadata,
            Err(error) => return self.elsewhere(rules, error, now),
        };
        let client = rules.client.with_metadata(&metadata);
        let checked = client.and_then(|client| super::check(&client, rules.request).map(|()| client));
        let client = checked.map_err(Error::metadata)?;
        let rules = Rules { client: &client, request: rules.request };
        let url = self.login.url(&rules);
        Ok(Step::to(State::AwaitingRedirect(self.login.clone()), Action::OpenUrl(url)).with(client))
    }

    /// There is no document at this place: the next is asked. After the last, all of them once more and later, if one may have a
    /// document then.
    fn elsewhere(&mut self, rules: &Rules<'_>, error: Error, now: UnixTime) -> Result<Step, Error> {
        let trouble = Trouble::of(error, self.trouble.clone());
        let issuer = rules.client.server().issuer.as_deref().unwrap_or_default();
        if let Some(place) = self.place.next(issuer) {
            *self = Self { login: self.login.clone(), id: self.id.next(), place, trouble };
            return Ok(Step::stay(Action::SendRequest(self.request(rules.client))));
        }
        let error = match trouble {
            Some(Trouble::Unavailable(error)) => error,
            Some(Trouble::Unreadable(error)) => return Err(error),
            None => {
                return Err(Error::metadata(ConfigError::Issuer {
                    problem: "has no metadata at its well-known places (RFC 8414 section 3): write it as the server does, or \
                              configure the endpoints with AuthorizationServer::new",
                }));
            }
        };
        let begun = self.login.deadline.saturating_sub(rules.client.login_timeout());
        let at = now.saturating_add(backoff::wait(error.retry_after(), begun, now, self.id));
        if at > self.login.deadline {
            return Err(error);
        }
        let place = WellKnown::OpenIdConfiguration;
        *self = Self { login: self.login.clone(), id: self.id.next(), place, trouble: None };
        Ok(Step::stay(Action::RetryAt(at)))
    }
}

impl Trouble {
    /// What is worth remembering of this place and of those before.
    fn of(error: Error, before: Option<Self>) -> Option<Self> {
        match before {
            // Who asks for the longest wait is heard.
            Some(Self::Unavailable(before)) if !error.is_transient() || error.retry_after() < before.retry_after() => {
                Some(Self::Unavailable(before))
            }
            _ if error.is_transient() => Some(Self::Unavailable(error)),
            before if is_not_there(&error) => before,
            _ => Some(Self::Unreadable(error)),
        }
    }
}

/// A page, or a way to one, is what many servers have for any path.
fn is_not_there(error: &Error) -> bool {
    use Violation::{ContentType, RedirectedResponse};
    matches!(error, Error::Refused(_) | Error::Violation(RedirectedResponse(_) | ContentType))
}

/// The tokens are here, and the ID token waits for the server's keys: for as long as the user does.
pub(super) struct FetchingKeys {
    id: RequestId,
    since: UnixTime,
    /// Until they are handed out.
    tokens: Option<Box<Tokens>>,
    unverified: Unverified,
}

impl FetchingKeys {
    pub(super) fn request(&self, client: &Client) -> Request {
        let url = client.server().jwks_uri.clone().unwrap_or_default();
        Request::get(self.id, url, None)
    }

    pub(super) fn step(&mut self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<Step, Error> {
        match event {
            Event::ResponseReceived(id, response) if id == self.id => self.response(rules, &response, now),
            Event::SendFailed(id, _) if id == self.id => {
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
            Err(error) if error.is_transient() => {
                let at = now.saturating_add(backoff::wait(error.retry_after(), self.since, now, self.id));
                self.id = self.id.next();
                return Ok(Step::stay(Action::RetryAt(at)));
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
    response: &Response<'_>,
    answer: TokenResponse<'_>,
    tokens: impl FnOnce(TokenResponse<'_>, Identity) -> Tokens,
    now: UnixTime,
) -> Result<Step, Error> {
    let mut identity = Identity::unknown(Some(rules.client.clone()));
    let done = |tokens| Step::to(State::Finished, Action::TokensReady(tokens));
    if !rules.request.asks_for_openid() {
        return Ok(done(tokens(answer, identity)));
    }
    let id_token = answer.id_token().ok_or(Error::Violation(Violation::IdTokenMissing))?;
    // A token that has just come is judged by the clock of whoever issued it: phones are off by an hour, and more.
    let clock = ServerClock::of(response.header("date"), now);
    identity.clock_offset = clock.offset();
    let longest = rules.client.login_timeout().saturating_add(CODE_LIFETIME_SECS);
    let taken = now.saturating_since(exchanged.started).min(longest);
    let unverified = read(rules, exchanged, id_token, answer.access_token(), taken, clock.time(now))?;
    let keys = identity.keys.take_if(|keys| keys.is_fresh(now, rules.client.max_key_age()));
    // Keys may have been replaced since these were fetched, under the same name even: what they do not check is worth fetching them
    // once, however young they are.
    if rules.client.verify_id_token(&unverified, keys.as_deref()).is_ok() {
        return Ok(done(tokens(answer, identity.with(unverified.into_id_token(), keys))));
    }
    let tokens = Some(Box::new(tokens(answer, identity)));
    let fetching = FetchingKeys { id: exchanged.id.next(), since: now, tokens, unverified };
    let request = fetching.request(rules.client);
    Ok(Step::to(State::FetchingKeys(Box::new(fetching)), Action::SendRequest(request)))
}

fn read(
    rules: &Rules<'_>,
    exchanged: &ExchangingCode,
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
    // It is about the time before the user was asked (§3.1.2.1), and not about how long they, or a busy server, have taken since.
    let max_age = request.value("max_age").and_then(|seconds| seconds.parse().ok());
    let result = id_token_rules
        .nonce(Some(nonce.encode(exchanged.nonce.octets())))
        .max_age(max_age.map(|seconds: u64| seconds.saturating_add(taken)))
        .essential_acr(acr_values.as_deref())
        .organization(organization.as_deref())
        .access_token(Some(access_token))
        .code(Some(exchanged.code.reveal()))
        .of_token_endpoint()
        .read(id_token, now);
    nonce.wipe();
    Ok(result?)
}
