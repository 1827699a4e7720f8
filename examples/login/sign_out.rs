//! The sign-out: locally at once, then at the server (RFC 7009), then in the browser. The driver of a sign-out is here.

use oauth_proto::{Access, Entropy, Error, Event, Misuse, SessionAction, SignOut};

use crate::account::Account;
use crate::browser::Errand;
use crate::failure::Failure;
use crate::landing::Verdict;
use crate::print::{redacted, step, step_with_parameters};
use crate::scene::Scene;
use crate::story::{entropy, now};
use crate::tries::{send, Tries};
use crate::wait::wait_until;

/// Signs the user out. Locally this always succeeds, whatever the server answers.
pub fn sign_out(scene: &Scene, account: &Account) -> Result<(), Failure> {
    let entropy: Option<Entropy> = scene.logs_out.then(entropy).transpose()?;
    let (mut tries, mut told) = (Tries::default(), None);
    let how = entropy.map_or_else(SignOut::new, |entropy| SignOut::new().logout(entropy));
    let mut turn = {
        let mut session = account.lock();
        let turn = session.sign_out(how);
        account.forget(); // first of all: the user stays signed out even if this program ends now
        turn
    };
    loop {
        turn = match turn {
            SessionAction::SendRequest(request) => {
                let answer = send(scene, &request, &mut tries)?;
                told = answer.outcome().ok().map(|received| received.status);
                account.lock().handle(answer.event(), now())?
            }
            SessionAction::OpenUrl(url) => {
                step_with_parameters("action", "OpenUrl", &url);
                scene.open(&url, Errand::LogOut);
                await_return(scene, account)?
            }
            SessionAction::RetryAt(time) if wait_until(time, scene.wait) => {
                account.lock().pending_action().unwrap_or(SessionAction::SignedOut)
            }
            SessionAction::RetryAt(_) | SessionAction::SignedOut => break,
            other @ (SessionAction::Save | SessionAction::LoginRequired(_)) => return Err(Failure::unexpected(&other)),
        };
    }
    step("action", "SignedOut", "");
    let mut session = account.lock();
    if let Access::LoginRequired(why) = session.access(now()) {
        step("access", "LoginRequired", why.code());
    }
    match (told, session.last_error()) {
        (Some(200..=299), None) => Ok(()),
        (None, None) | (_, Some(Error::Misuse(Misuse::NoLogoutEndpoint))) => {
            step("", "", "the tokens are forgotten here; no revocation or logout endpoint is known to tell the server");
            Ok(())
        }
        (Some(status), None | Some(Error::Refused(_))) => Err(Failure::new(
            format!("signed out here, but the server answered the revocation with status {status}"),
            "check --revocation-endpoint, and end the grant in the server's own pages",
        )),
        (_, Some(error)) => Err(Failure::new(
            error.to_string(),
            "if that is not enough, run again when the server can be reached, and sign out then",
        )),
    }
}

/// Waits for the browser to come back from the logout. The user is signed out even if it does not.
fn await_return(scene: &Scene, account: &Account) -> Result<SessionAction, Failure> {
    let Some(way_back) = scene.client.post_logout_redirect_uri() else {
        step("event", "Cancelled", "nothing comes back without --post-logout-redirect-uri");
        return Ok(account.lock().handle(Event::Cancelled, now())?);
    };
    while let Ok(arrived) = scene.redirects.next(scene.timeout) {
        let url = arrived.url(way_back.as_str());
        step("event", "RedirectReceived", &redacted(&url));
        let handled = account.lock().handle(Event::RedirectReceived(&url), now());
        arrived.tell(Verdict::of(&handled, Verdict::LoggedOut));
        match handled {
            Ok(action) => return Ok(action),
            Err(error) => step("refused", error.code(), "not ours, still waiting"),
        }
    }
    step("event", "Cancelled", "nobody came back from the logout");
    Ok(account.lock().handle(Event::Cancelled, now())?)
}
