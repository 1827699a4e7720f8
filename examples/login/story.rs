//! The whole run: log in, greet the user, call the API, expiry, refresh, call again, sign out.
//!
//! What an app needs of it: `Api::open` to log in, `Api::get` to call, `Api::log_in` if the API wants more, `Api::sign_out` and
//! `Api::log_out`. The rest tells what happens.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use oauth_native::api::{blocking, ApiError, CallError};
use oauth_native::SignOut;
use oauth_proto::drive::blocking::Clock;
use oauth_proto::{Bearer, Entropy, Error, Misuse};

use crate::failure::Failure;
use crate::print::{part, plain, step};
use crate::scene::Scene;
use crate::told::{Told, ToldBrowser, ToldStore};
use crate::who;

/// An app's would be `Api<Ureq>`.
pub type Api = blocking::Api<Told, Told>;

/// An API's answer is cut off after this many bytes.
const MAX_API_BYTES: u64 = 64 * 1024;

/// Runs all of it, from the login to the sign-out.
pub fn tell(scene: &Scene, mut browser: ToldBrowser) -> Result<(), Failure> {
    part("1. Log in");
    step("event", "Start", "");
    let (told, store) = (scene.told.clone(), Arc::new(ToldStore::default()));
    let (client, request) = (scene.client.clone(), scene.request.clone());
    let api = Api::open(client, request, told.clone(), told, Arc::clone(&store) as _, &mut browser)
        .map_err(|error| scene.not_logged_in(error, &browser))?
        .patience_secs(scene.wait.as_secs());
    show(scene, &api, &store);
    let has_asked = who::greet(&api)?;

    part("2. Call the API");
    let mut bearer = call_api(scene, &api, &mut browser)?;
    if let Some(id_token) = who::id_token(&api).filter(|_| !has_asked) {
        who::ask(&api, &id_token, &bearer)?;
    }

    part("3. The access token expires");
    let skip = |why: &str| step("", "", &format!("{why}: this part is skipped"));
    let seconds = bearer.expires_at().map(|time| time.saturating_add(1).saturating_since(scene.told.now()));
    let has_expired = match seconds {
        Some(_) if !store.can_refresh() => {
            skip("there is no refresh token (ask with the scope offline_access, and --prompt consent if need be)");
            false
        }
        Some(seconds) if seconds > scene.wait.as_secs() => {
            skip(&format!("that is {seconds} s away, and --wait allows {} s", scene.wait.as_secs()));
            false
        }
        Some(seconds) => {
            step("", "", &format!("waiting {seconds} s"));
            std::thread::sleep(Duration::from_secs(seconds));
            true
        }
        None => {
            skip("the server did not say when");
            false
        }
    };
    if has_expired {
        call_in_vain(scene, &bearer)?;
        part("4. Refresh, and call again");
        bearer = call_api(scene, &api, &mut browser)?;
        who::id_token(&api).iter().for_each(who::stayed);
    }

    part("5. Sign out");
    sign_out(scene, &api, browser)?;
    call_in_vain(scene, &bearer)
}

/// Calls the API. If it wants more than this login gives, logs in once more, and not a third time.
fn call_api(scene: &Scene, api: &Api, browser: &mut ToldBrowser) -> Result<Bearer, Failure> {
    match try_to_call(scene, api) {
        Err(CallError::Api(ApiError::LoginRequired { why, .. })) if why.request().is_some() => {
            let Some(request) = why.request() else { return Err(Failure::login_required(&why)) };
            part("Log in once more: a login is there already, and more is wanted");
            api.log_in(Arc::clone(request), browser).map_err(|error| scene.not_logged_in(error, browser))?;
            try_to_call(scene, api)
        }
        outcome => outcome,
    }
    .map_err(|error| match error {
        CallError::Api(error) => Failure::no_token(error, scene.told.unreachable()),
        CallError::Call(failure) => failure,
    })
}

fn try_to_call(scene: &Scene, api: &Api) -> Result<Bearer, CallError<Failure>> {
    let bearer = bearer(api)?;
    let Some(url) = scene.api_url.as_deref() else {
        step("api", "(no --api-url)", "nothing to call");
        return Ok(bearer);
    };
    match api.get(url) {
        Ok(response) if response.status().is_success() => {
            let mut body = Vec::new();
            // What is there of a body that breaks off is shown.
            let _ = response.into_body().into_reader().take(MAX_API_BYTES).read_to_end(&mut body);
            step("api", "body", &plain(&String::from_utf8_lossy(&body)));
            Ok(api.bearer()?) // another one, if the API has refused the first
        }
        Ok(response) => {
            let what = format!("the API answered with status {}", response.status().as_u16());
            Err(CallError::Call(Failure::new(what, "check --api-url")))
        }
        Err(CallError::Api(error)) => {
            show_error(&error);
            Err(error.into())
        }
        Err(CallError::Call(error)) => Err(CallError::Call(unreachable(url, &error))),
    }
}

/// An access token that is good now.
fn bearer(api: &Api) -> Result<Bearer, ApiError> {
    let bearer = api.bearer().inspect_err(show_error)?;
    step("access", "Ready", "");
    Ok(bearer)
}

/// Signs the user out. Here this always succeeds, whatever the server answers.
fn sign_out(scene: &Scene, api: &Api, mut browser: ToldBrowser) -> Result<(), Failure> {
    let how = match Entropy::from_os() {
        Ok(entropy) if scene.logs_out => SignOut::new().logout(entropy),
        _ => SignOut::new(),
    };
    let mut signed_out = api.sign_out(how);
    if let Some(url) = signed_out.logout_url.take() {
        match scene.client.post_logout_redirect_uri() {
            Some(uri) => {
                // The listener for logins ends, and its port is free.
                drop(browser);
                browser = scene.ways.to(uri.as_str())?;
            }
            None => step("", "", "nothing comes back without --post-logout-redirect-uri"),
        }
        let logged_out = api.log_out(&url, &mut browser, scene.timeout.as_secs());
        signed_out =
            logged_out.map_err(|error| Failure::new(error.to_string(), "log out in the server's own pages"))?;
    }
    step("action", "SignedOut", "");
    if let Err(error) = api.bearer() {
        show_error(&error);
    }
    match signed_out.not_revoked {
        None => Ok(()),
        Some(Error::Misuse(Misuse::NoLogoutEndpoint)) => {
            step("", "", "no logout endpoint is known: the user is logged out here");
            Ok(())
        }
        Some(Error::Refused(refused)) => Err(Failure::new(
            format!(
                "signed out here, but the server answered the revocation with status {}",
                refused.status().unwrap_or_default()
            ),
            "check --revocation-endpoint, and end the grant in the server's own pages",
        )),
        Some(error) => Err(Failure::new(
            error.to_string(),
            "if that is not enough, run again when the server can be reached, and sign out then",
        )),
    }
}

/// Checks that the embedded API refuses a token that has expired or was revoked. A real API is not called: it may look at
/// signatures alone, and its clock may be slow.
fn call_in_vain(scene: &Scene, bearer: &Bearer) -> Result<(), Failure> {
    let Some(url) = scene.api_url.as_deref().filter(|_| scene.embedded) else { return Ok(()) };
    let headers = bearer.headers("GET", url).map_err(|error| Failure::no_token(ApiError::Bearer(error), None))?;
    let request = scene.told.agent().get(url).config().http_status_as_error(false).proxy(None).build();
    let request = headers.fold(request, |request, (name, value)| request.header(name, value.as_str()));
    let response = request.call().map_err(|error| unreachable(url, &error))?;
    match response.status().as_u16() {
        401 => Ok(()),
        _ => Err(Failure::new(
            "the API takes a token that is no good",
            "this is a mistake in the example: please report it",
        )),
    }
}

fn unreachable(url: &str, error: &ureq::Error) -> Failure {
    let Failure { what, advice } = Failure::unreachable(url);
    Failure::new(format!("{what}: {error}"), advice)
}

/// Why there is no token.
fn show_error(error: &ApiError) {
    match error {
        ApiError::LoginRequired { why, .. } => step("access", "LoginRequired", why.code()),
        ApiError::Refused { error, .. } => step("access", "Refused", error.code()),
        ApiError::Later(_) => step("access", "RetryAt", "that is too late"),
        other => step("access", "no token", other.code()),
    }
}

/// Shows what the login has brought.
fn show(scene: &Scene, api: &Api, store: &ToldStore) {
    let yes = |there: bool| if there { "yes" } else { "no" };
    let (scope, refresh) = (api.session(|session| session.scope().to_owned()), yes(store.can_refresh()));
    let id = yes(who::id_token(api).is_some());
    step("action", "TokensReady", &plain(&format!("refresh token: {refresh}, ID token: {id}, scope: {scope}")));
    // What can be cached: with `Client::with_metadata` and `Client::with_keys` the next login fetches neither.
    let now = scene.told.now();
    api.session(|session| {
        if let Some(metadata) = session.client().metadata() {
            step("cache", "metadata", &format!("fetched {} s ago", metadata.age(now)));
        }
        if let Some(keys) = session.keys() {
            step("cache", "keys", &format!("fetched {} s ago", keys.age(now)));
        }
    });
    let asked = scene.request.requested_scope().split(' ');
    let refused: Vec<_> = asked.filter(|one| !scope.split(' ').any(|granted| granted == *one)).collect();
    if !refused.is_empty() {
        step("scope", "not granted", &plain(&refused.join(" ")));
    }
}
