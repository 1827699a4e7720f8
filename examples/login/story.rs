//! The story: log in, greet the user, call the API, expiry, refresh, call again, sign out. The two driver loops are here.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use oauth_proto::{
    Access, Action, Bearer, Client, Delivered, Entropy, Error, Event, Login, Misuse, Request, SavedSession, Session,
    SessionAction, SignOut, Tokens, UnixTime,
};
use serde_json::Value;

use crate::browser::Errand;
use crate::failure::{self, Failure};
use crate::http::{Answer, Received};
use crate::listener::Nothing;
use crate::print::{part, plain, redacted, step, step_with_parameters};
use crate::scene::Scene;
use crate::who;

/// A request may fail so many times in a row.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(700);

/// Nothing in this story takes more turns than this.
const MAX_TURNS: usize = 8;

/// From nothing to signed out.
pub fn tell(scene: &Scene) -> Result<(), Failure> {
    part("1. Log in");
    let tokens = log_in(scene)?;
    who::greet(&tokens);
    let expires_at = tokens.expires_at();
    let refreshable = tokens.refresh_token().is_some();
    let mut session = Session::new(scene.client.clone(), tokens);
    let mut store = Store::default();
    if let Some(saved) = session.save() {
        store.keep(&saved);
    }

    part("2. Call the API");
    let mut bearer = call_api(scene, &mut session, &mut store)?;
    if let Some(id_token) = session.id_token() {
        who::ask(scene, id_token, &bearer)?;
    }

    part("3. The access token expires");
    let expired = match expires_at {
        Some(_) if !refreshable => {
            skip("there is no refresh token (ask with the scope offline_access, and --prompt consent if need be)")
        }
        Some(time) => wait_until(time.saturating_add(1), scene.wait),
        None => skip("the server did not say when"),
    };
    if expired {
        call_in_vain(scene, &bearer)?;
        part("4. Refresh, and call again");
        bearer = call_api(scene, &mut session, &mut store)?;
        session.id_token().into_iter().for_each(who::stayed);
    }

    part("5. Sign out");
    store.clear(); // first of all: the user is signed out even if this program ends right now
    sign_out(scene, &mut session)?;
    call_in_vain(scene, &bearer)
}

/// The driver of a login.
fn log_in(scene: &Scene) -> Result<Tokens, Failure> {
    let mut login = Login::new(scene.client.clone(), scene.request.clone())?;
    let mut tries = Tries::default();
    step("event", "Start", "");
    let mut turn = login.handle(Event::Start(entropy()?), now());
    loop {
        turn = match turn {
            Ok(Action::OpenUrl(url)) => {
                step_with_parameters("action", "OpenUrl", &url);
                scene.open(&url, Errand::LogIn)?;
                await_redirect(scene, &mut login)?
            }
            Ok(Action::SendRequest(request)) => {
                let answer = send(scene, &request, &mut tries)?;
                login.handle(answer.event(), now())
            }
            Ok(Action::TokensReady(tokens)) => {
                show(&tokens);
                show_cacheable(login.client(), &tokens);
                return Ok(tokens);
            }
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => {
                step("refused", error.code(), "not ours, still waiting");
                await_redirect(scene, &mut login)?
            }
        };
    }
}

/// The next redirect, or the end of waiting.
fn await_redirect(scene: &Scene, login: &mut Login) -> Result<Result<Action, Error>, Failure> {
    let patience = login.deadline().map_or(0, |deadline| deadline.as_secs().saturating_sub(now().as_secs()));
    match scene.redirects.next(Duration::from_secs(patience)) {
        Ok(url) => {
            step("event", "RedirectReceived", &redacted(&url));
            Ok(login.handle(Event::RedirectReceived(&url), now()))
        }
        Err(nothing) => {
            step("event", "Cancelled", "");
            if let Err(error) = login.handle(Event::Cancelled, now()) {
                step("refused", error.code(), "");
            }
            Err(match nothing {
                Nothing::InTime => Failure::no_redirect(scene.client.redirect_uri().as_str()),
                Nothing::Ever => Failure::new(
                    "standard input ended before a redirect was pasted",
                    "run again in a terminal, and paste the URL that the browser ends at",
                ),
            })
        }
    }
}

/// The driver of a session: to a bearer token, whatever that takes, and to the API with it.
fn call_api(scene: &Scene, session: &mut Session, store: &mut Store) -> Result<Bearer, Failure> {
    let mut tries = Tries::default();
    let mut access = session.access(now());
    for _ in 0..MAX_TURNS {
        access = match access {
            Access::Ready(bearer) => {
                step("access", "Ready", "");
                let Some(url) = scene.api_url.as_deref() else {
                    step("api", "(no --api-url)", "nothing to call");
                    return Ok(bearer);
                };
                let answer = send_bearer(scene, url, &bearer)?;
                show_call(url, &answer);
                if (200..=299).contains(&answer.status) {
                    return Ok(bearer);
                }
                session.refused(&bearer, answer.status, &answer.header("www-authenticate"), now()).ok_or_else(|| {
                    Failure::new(format!("the API answered with status {}", answer.status), "check --api-url")
                })?
            }
            Access::SendRequest(request) => {
                let why = match request.method() {
                    "GET" => "a new ID token is signed with a new key",
                    _ => "the access token is too old, or was refused: refresh",
                };
                step("access", "SendRequest", why);
                let answer = send(scene, &request, &mut tries)?;
                match session.handle(answer.event(), now())? {
                    SessionAction::Save(saved) => {
                        let rotated = store.keep(&saved);
                        step(
                            "action",
                            "Save",
                            if rotated { "rotated: another refresh token" } else { "the refresh token stays" },
                        );
                        session.access(now())
                    }
                    SessionAction::RetryAt(time) => Access::RetryAt(time),
                    SessionAction::LoginRequired(why) => Access::LoginRequired(why),
                    other => return Err(Failure::unexpected(&other)),
                }
            }
            Access::RetryAt(time) => {
                step("access", "RetryAt", "");
                match session.last_error() {
                    Some(Error::Refused(refused)) if refused.is_transient() => {}
                    None => {}
                    Some(error) => return Err(error.clone().into()),
                }
                if !wait_until(time, scene.wait) {
                    return Err(Failure::new(
                        "the server asks for more patience than --wait allows",
                        "run again later",
                    ));
                }
                session.access(now())
            }
            Access::LoginRequired(why) => return Err(Failure::login_required(&why)),
            other @ Access::Wait(_) => return Err(Failure::unexpected(&other)),
        };
    }
    Err(Failure::new("the API and the authorization server do not agree on a token", "check --audience and --api-url"))
}

/// The driver of a sign-out: signed out here at once; then the server is told (RFC 7009), and the user is logged out there
/// in the browser.
fn sign_out(scene: &Scene, session: &mut Session) -> Result<(), Failure> {
    let mut tries = Tries::default();
    let mut told = None;
    let how = if scene.logs_out { SignOut::new().logout(entropy()?) } else { SignOut::new() };
    let mut turn = session.sign_out(how);
    loop {
        turn = match turn {
            SessionAction::SendRequest(request) => {
                let answer = send(scene, &request, &mut tries)?;
                told = answer.outcome().ok().map(|received| received.status);
                session.handle(answer.event(), now())?
            }
            SessionAction::OpenUrl(url) => {
                step_with_parameters("action", "OpenUrl", &url);
                scene.open(&url, Errand::LogOut)?;
                await_return(scene, session)?
            }
            SessionAction::RetryAt(time) if wait_until(time, scene.wait) => {
                session.pending_action().unwrap_or(SessionAction::SignedOut)
            }
            SessionAction::SignedOut => break,
            other => return Err(Failure::unexpected(&other)),
        };
    }
    step("action", "SignedOut", "");
    if let Access::LoginRequired(why) = session.access(now()) {
        step("access", "LoginRequired", failure::name(&why));
    }
    match (told, session.last_error()) {
        (Some(200), _) => Ok(()),
        (Some(status), _) => Err(Failure::new(
            format!("signed out here, but the server answered the revocation with status {status}"),
            "check --revocation-endpoint, and end the grant in the server's own pages",
        )),
        (None, None | Some(Error::Misuse(Misuse::NoLogoutEndpoint))) => {
            step("", "", "the tokens are forgotten here; no revocation endpoint is known to tell the server");
            Ok(())
        }
        (None, Some(error)) => Err(Failure::new(
            format!("signed out here, but {error}"),
            "run again, and end the grant in the server's own pages",
        )),
    }
}

/// The return from the logout, or the end of waiting for it: signed out we are in any case.
fn await_return(scene: &Scene, session: &mut Session) -> Result<SessionAction, Failure> {
    if scene.client.post_logout_redirect_uri().is_none() {
        step("event", "Cancelled", "nothing comes back without --post-logout-redirect-uri");
        return Ok(session.handle(Event::Cancelled, now())?);
    }
    while let Ok(url) = scene.redirects.next(scene.timeout) {
        step("event", "RedirectReceived", &redacted(&url));
        match session.handle(Event::RedirectReceived(&url), now()) {
            Ok(action) => return Ok(action),
            Err(error) => step("refused", error.code(), "not ours, still waiting"),
        }
    }
    step("event", "Cancelled", "nobody came back from the logout");
    Ok(session.handle(Event::Cancelled, now())?)
}

fn entropy() -> Result<Entropy, Failure> {
    Entropy::from_os().map_err(|error| Failure::new(error.to_string(), "run again"))
}

/// The embedded API must refuse a token that has expired or was revoked. A real one may look at signatures alone, and
/// its clock may be slow, so it is not asked.
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

/// What an app would write to the keychain.
#[derive(Default)]
struct Store(Option<Value>);

impl Store {
    /// Keeps the tokens, and says whether there is another refresh token than before.
    fn keep(&mut self, saved: &SavedSession) -> bool {
        let saved = serde_json::to_value(saved).ok();
        let refresh_token =
            |saved: &Option<Value>| saved.as_ref().and_then(|saved| saved.get("refresh_token")).cloned();
        let rotated = refresh_token(&self.0) != refresh_token(&saved);
        self.0 = saved;
        rotated
    }

    fn clear(&mut self) {
        self.0 = None;
    }
}

#[derive(Default)]
struct Tries(u32);

/// Sends one request and shows what came of it. Gives up when the server cannot be reached.
fn send(scene: &Scene, request: &Request, tries: &mut Tries) -> Result<Answer, Failure> {
    step("action", "SendRequest", &format!("{} {}", request.method(), redacted(request.url())));
    let answer = scene.http.send(request);
    match answer.outcome() {
        Ok(received) => {
            *tries = Tries::default();
            step("event", "ResponseReceived", &format!("status {}", received.status));
        }
        Err(failed) => {
            step("event", "SendFailed", &format!("{:?}: {}", failed.delivered, plain(&failed.why)));
            tries.0 = tries.0.saturating_add(1);
            if tries.0 >= TRIES {
                return Err(Failure::unreachable(request.url(), &failed.why));
            }
            if failed.delivered == Delivered::No {
                sleep(PAUSE);
            }
        }
    }
    Ok(answer)
}

fn send_bearer(scene: &Scene, url: &str, bearer: &Bearer) -> Result<Received, Failure> {
    let authorization = bearer.authorization(url, &["Accept"]).map_err(|error| {
        Failure::new(format!("the token may not go to {}: {error}", redacted(url)), "check --api-url")
    })?;
    scene.http.get(url, authorization.as_str()).map_err(|failed| Failure::unreachable(url, &failed.why))
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

/// The next login needs neither if it gets them by [`Client::with_metadata`] and [`Client::with_keys`].
fn show_cacheable(client: &Client, tokens: &Tokens) {
    if let Some(metadata) = client.metadata() {
        step("cache", "metadata", &format!("fetched {} s ago", metadata.age(now())));
    }
    if let Some(keys) = tokens.keys() {
        step("cache", "keys", &format!("fetched {} s ago", keys.age(now())));
    }
}

fn skip(why: &str) -> bool {
    step("", "", &format!("{why}: this part is left out"));
    false
}

/// Waits until a time has come; `false` if that is too far away.
fn wait_until(time: UnixTime, at_most: Duration) -> bool {
    let seconds = time.as_secs().saturating_sub(now().as_secs());
    if seconds > at_most.as_secs() {
        return skip(&format!("that is {seconds} s away, and --wait allows {} s", at_most.as_secs()));
    }
    step("", "", &format!("waiting {seconds} s"));
    sleep(Duration::from_secs(seconds));
    true
}

#[allow(clippy::disallowed_methods)] // the library reads no clock: this is where its caller does
pub fn now() -> UnixTime {
    SystemTime::now().into()
}
