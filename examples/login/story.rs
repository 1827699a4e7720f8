//! The whole run: log in, greet the user, call the API, expiry, refresh, call again, sign out. The driver of a login is here.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oauth_proto::{
    redirect, Action, AuthorizationRequest, Bearer, Client, Entropy, Error, Event, Login, Phase, Refused, Tokens,
    UnixTime,
};

use crate::account::{Account, NoToken};
use crate::browser::Errand;
use crate::failure::{words, Failure};
use crate::http::Received;
use crate::landing::Verdict;
use crate::print::{part, plain, redacted, step, step_with_parameters};
use crate::redirects::Nothing;
use crate::scene::{lost_on_the_way, Scene};
use crate::sign_out::sign_out;
use crate::tries::{send, Tries};
use crate::wait::{skip, wait_for, wait_until};
use crate::who;

/// Runs all of it, from the login to the sign-out.
pub fn tell(scene: &Scene) -> Result<(), Failure> {
    part("1. Log in");
    let (login, tokens) = log_in(scene, Arc::new(scene.request.clone()))?;
    who::not_granted(&tokens);
    let refreshable = tokens.refresh_token().is_some();
    let mut account = Account::new(login.into_session(tokens));
    let has_asked = who::greet(scene, &account)?;

    part("2. Call the API");
    let mut bearer = call_api(scene, &mut account)?;
    if let Some(id_token) = account.id_token().filter(|_| !has_asked) {
        who::ask(scene, &id_token, &bearer)?;
    }

    part("3. The access token expires");
    let expired = match bearer.expires_at() {
        Some(_) if !refreshable => {
            skip("there is no refresh token (ask with the scope offline_access, and --prompt consent if need be)")
        }
        Some(time) => wait_until(time.saturating_add(1), scene.wait),
        None => skip("the server did not say when"),
    };
    if expired {
        call_in_vain(scene, &bearer)?;
        part("4. Refresh, and call again");
        bearer = call_api(scene, &mut account)?;
        account.id_token().iter().for_each(who::stayed);
    }

    part("5. Sign out");
    sign_out(scene, &account)?;
    call_in_vain(scene, &bearer)
}

/// The driver of a login.
fn log_in(scene: &Scene, request: Arc<AuthorizationRequest>) -> Result<(Login, Tokens), Failure> {
    let mut login = Login::new(scene.client.clone(), request)?;
    let (mut tries, mut unproved) = (Tries::default(), None);
    step("event", "Start", "");
    let mut turn = login.handle(Event::Start(entropy()?), now());
    loop {
        turn = match turn {
            Ok(Action::OpenUrl(url)) => {
                step_with_parameters("action", "OpenUrl", &url);
                scene.open(&url, Errand::LogIn);
                await_redirect(scene, &mut login, &mut unproved)?
            }
            Ok(Action::SendRequest(request)) => {
                let answer = send(scene, &request, &mut tries)?;
                login.handle(answer.event(), now())
            }
            // For a client that was built with `verify_id_tokens_by_action`; this one was not.
            Ok(Action::Verify(check)) => return Err(Failure::unexpected(&check)),
            Ok(Action::RetryAt(time)) => {
                step("action", "RetryAt", "");
                wait_for(time, waits_for(&login));
                Ok(login.pending_action().ok_or_else(|| Failure::unexpected(&login.phase()))?)
            }
            Ok(Action::TokensReady(tokens)) => {
                show(&tokens);
                show_cacheable(login.client(), &tokens);
                return Ok((login, tokens));
            }
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => {
                step("refused", error.code(), "not ours, still waiting");
                await_redirect(scene, &mut login, &mut unproved)?
            }
        };
    }
}

/// What the server cannot do yet, for printing.
fn waits_for(login: &Login) -> &'static str {
    match login.phase() {
        Phase::Discovering => "says later what is to be known of it",
        Phase::ExchangingCode => "takes the code later",
        Phase::FetchingKeys => "gives its keys later; the tokens are here, and their ID token waits for them",
        _ => "cannot answer now",
    }
}

/// The next redirect, or the end of waiting. `unproved` is the error of a redirect without `state`: anybody can have sent it, so
/// it does not end the login; but a user who has seen the same error in the browser need not wait any longer.
fn await_redirect(
    scene: &Scene,
    login: &mut Login,
    unproved: &mut Option<Refused>,
) -> Result<Result<Action, Error>, Failure> {
    let redirect_uri = scene.client.redirect_uri();
    let patience = login.deadline().map_or(0, |deadline| deadline.as_secs().saturating_sub(now().as_secs()));
    match scene.redirects.next(Duration::from_secs(patience)) {
        Ok(arrived) => {
            let url = arrived.url(redirect_uri.as_str());
            step("event", "RedirectReceived", &redacted(&url));
            let handled = login.handle(Event::RedirectReceived(&url), now());
            arrived.tell(Verdict::of(&handled, Verdict::LoggedIn));
            if let Some(refused) = redirect::unproved_error(&url, redirect_uri) {
                step("unproved", "error", &plain(&words(&refused)));
                step(
                    "",
                    "",
                    "it has no state, so anybody can have sent it; if the browser shows the same, end this with Ctrl-C",
                );
                *unproved = Some(refused);
            }
            Ok(handled)
        }
        Err(nothing) => {
            step("event", "Cancelled", "");
            if let Err(error) = login.handle(Event::Cancelled, now()) {
                step("refused", error.code(), "");
            }
            Err(match (nothing, unproved) {
                (Nothing::From(why), _) => lost_on_the_way(&why),
                (_, Some(refused)) => Failure::unproved(refused),
                (Nothing::InTime, None) => Failure::no_redirect(redirect_uri.as_str()),
                (Nothing::Ever, None) => Failure::new(
                    "standard input ended before a redirect was pasted",
                    "run again in a terminal, and paste the URL that the browser ends at",
                ),
            })
        }
    }
}

/// Calls the API. If it wants more than this login gives, logs in once more, and not a third time.
fn call_api(scene: &Scene, account: &mut Account) -> Result<Bearer, Failure> {
    let why = match try_to_call(scene, account) {
        Ok(bearer) => return Ok(bearer),
        Err(NoToken::LoginRequired(why)) => why,
        Err(failed @ NoToken::Failed(_)) => return Err(failed.into()),
    };
    let Some(request) = why.request() else { return Err(Failure::login_required(&why)) };
    part("Log in once more: a login is there already, and more is wanted");
    let (login, tokens) = log_in(scene, Arc::clone(request))?;
    *account = Account::new(login.into_session(tokens)); // only now: until the login succeeds, the old session stays in use
    Ok(try_to_call(scene, account)?)
}

/// One call, and a second one if the API refuses the token and the session has another.
fn try_to_call(scene: &Scene, account: &Account) -> Result<Bearer, NoToken> {
    let access = account.lock().access(now());
    let mut bearer = account.bearer(scene, access)?;
    loop {
        let Some(url) = scene.api_url.as_deref() else {
            step("api", "(no --api-url)", "nothing to call");
            return Ok(bearer);
        };
        let answer = send_bearer(scene, url, &bearer)?;
        show_call(url, &answer);
        if (200..=299).contains(&answer.status) {
            return Ok(bearer);
        }
        let advice = account.lock().refused(&bearer, answer.status, answer.headers.as_slice(), now());
        let Some(access) = advice else {
            // This status says nothing about the token.
            let what = format!("the API answered with status {}", answer.status);
            return Err(Failure::new(what, "check --api-url").into());
        };
        bearer = account.bearer(scene, access)?;
    }
}

/// From the operating system.
pub fn entropy() -> Result<Entropy, Failure> {
    Entropy::from_os().map_err(|error| Failure::new(error.to_string(), "run again"))
}

/// Checks that the embedded API refuses a token that has expired or was revoked. A real API is not called: it may look at
/// signatures alone, and its clock may be slow.
fn call_in_vain(scene: &Scene, bearer: &Bearer) -> Result<(), Failure> {
    let Some(url) = scene.api_url.as_deref().filter(|_| scene.embedded) else { return Ok(()) };
    let answer = send_bearer(scene, url, bearer)?;
    show_call(url, &answer);
    match answer.status {
        401 => Ok(()),
        _ => Err(Failure::new(
            "the API takes a token that is no good",
            "this is a mistake in the example: please report it",
        )),
    }
}

fn send_bearer(scene: &Scene, url: &str, bearer: &Bearer) -> Result<Received, Failure> {
    let headers = bearer.headers("GET", url).map_err(|error| {
        Failure::new(format!("the token may not go to {}: {error}", redacted(url)), "check --api-url")
    })?;
    scene.http.get(url, headers).map_err(|failed| Failure::unreachable(url, &failed.why))
}

fn show_call(url: &str, answer: &Received) {
    step("api", "GET", &redacted(url));
    let body = String::from_utf8_lossy(&answer.body);
    let details = if body.is_empty() { answer.header("www-authenticate").join(", ") } else { body.into_owned() };
    step("api", &format!("status {}", answer.status), &plain(&details));
}

fn show(tokens: &Tokens) {
    let lifetime = match tokens.expires_at() {
        Some(time) => format!("for {} s", time.as_secs().saturating_sub(now().as_secs())),
        None => "for a time unknown".into(),
    };
    let yes = |there: bool| if there { "yes" } else { "no" };
    let refresh = yes(tokens.refresh_token().is_some());
    let id = yes(tokens.id_token().is_some());
    let details =
        format!("access token {lifetime}, refresh token: {refresh}, ID token: {id}, scope: {}", tokens.scope());
    step("action", "TokensReady", &plain(&details));
}

/// Shows what can be cached: with [`Client::with_metadata`] and [`Client::with_keys`] the next login fetches neither.
fn show_cacheable(client: &Client, tokens: &Tokens) {
    if let Some(metadata) = client.metadata() {
        step("cache", "metadata", &format!("fetched {} s ago", metadata.age(now())));
    }
    if let Some(keys) = tokens.keys() {
        step("cache", "keys", &format!("fetched {} s ago", keys.age(now())));
    }
}

#[allow(clippy::disallowed_methods)] // the library reads no clock: this is where its caller does
pub fn now() -> UnixTime {
    SystemTime::now().into()
}
