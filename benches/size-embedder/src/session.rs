//! The session: calls, refreshes, refused tokens, a process that dies, another process, and the sign-out.

use oauth_proto::{
    Access, Adopted, Bearer, Client, Event, SavedSession, Session, SessionAction, SessionPhase, SignOut, Tokens,
};

use crate::input::Input;
use crate::{text, Outcome};

/// Does what the lines say.
pub fn live(input: &mut Input<'_>, client: Client, tokens: Tokens) -> Outcome<()> {
    let mut session = Session::new(client, tokens);
    let mut bearer = None;
    loop {
        match input.line() {
            "wait" => {
                let seconds = input.number();
                input.wait(seconds);
            }
            "call" => {
                let access = session.access(input.now());
                bearer = serve(input, &mut session, access)?;
            }
            "refused" => {
                let (status, challenge) = (u16::try_from(input.number()).unwrap_or(0), input.line());
                let headers = [("www-authenticate", challenge)];
                let access = bearer.as_ref().and_then(|it| session.refused(it, status, &headers, input.now()));
                if let Some(access) = access {
                    bearer = serve(input, &mut session, access)?;
                }
            }
            "restore" => {
                if let Some(saved) = session.save() {
                    let stored = store(input, &saved)?;
                    session = Session::restore(session.client().clone(), stored).map_err(text)?;
                }
            }
            "adopt" => {
                if let Some(saved) = session.save() {
                    let stored = store(input, &saved)?;
                    input.show(match session.adopt(stored).map_err(text)? {
                        Adopted::Newer => "newer",
                        Adopted::NotNewer => "not newer",
                        Adopted::OtherLogin => "another login",
                    });
                }
            }
            "ask again" => session.ask_again(),
            #[cfg(feature = "openid")]
            "userinfo" => crate::openid::userinfo(input, &session, bearer.as_ref())?,
            "sign out" => {
                let how = SignOut::new().logout(input.entropy()?);
                sign_out(input, &mut session, how)?;
            }
            "" => break,
            other => return Err(text(other)),
        }
    }
    if session.phase() == SessionPhase::SignedOut {
        input.show("signed out");
    }
    Ok(())
}

/// Makes the call, or does what is needed before it can be made.
fn serve(input: &mut Input<'_>, session: &mut Session, mut access: Access) -> Outcome<Option<Bearer>> {
    loop {
        match access {
            Access::Ready(bearer) => {
                let headers = bearer.headers("GET", input.line()).map_err(text)?;
                for (name, value) in headers.beside([input.line()]).map_err(text)? {
                    input.show(name);
                    input.show(value.as_str());
                }
                return Ok(Some(bearer));
            }
            Access::SendRequest(request) => {
                let answer = input.send(&request);
                match session.handle(answer.event(request.id()), input.now()) {
                    Ok(action) => act(input, session, action)?,
                    Err(error) => input.show(error),
                }
            }
            // The client does not verify by action.
            Access::Verify(_) => {}
            Access::Wait(_) => input.wait(1),
            Access::RetryAt(time) if !input.is_over() => {
                let now = input.now();
                input.wait(time.as_secs().saturating_sub(now.as_secs()));
            }
            Access::RetryAt(time) => {
                input.show(time.as_secs());
                return Ok(None);
            }
            Access::LoginRequired(why) => {
                input.show(why);
                return Ok(None);
            }
            Access::Refused { error, .. } => {
                input.show(error);
                return Ok(None);
            }
        }
        access = session.access(input.now());
    }
}

/// What the outcome of a request means.
fn act(input: &mut Input<'_>, session: &Session, action: SessionAction) -> Outcome<()> {
    match action {
        SessionAction::Save => {
            if let Some(saved) = session.save() {
                let _ = store(input, &saved)?;
            }
        }
        SessionAction::LoginRequired(why) => input.show(why),
        SessionAction::RetryAt(time) => input.show(time.as_secs()),
        _ => {}
    }
    if let Some(error) = session.last_error() {
        input.show(error);
    }
    Ok(())
}

/// Writes it and reads it back.
fn store(input: &mut Input<'_>, saved: &SavedSession) -> Outcome<SavedSession> {
    let stored = serde_json::to_string(saved).map_err(text)?;
    input.show(&stored);
    serde_json::from_str(&stored).map_err(text)
}

fn sign_out(input: &mut Input<'_>, session: &mut Session, how: SignOut) -> Outcome<()> {
    let mut step = Ok(session.sign_out(how));
    loop {
        step = match step {
            Ok(SessionAction::SendRequest(request)) => {
                let answer = input.send(&request);
                session.handle(answer.event(request.id()), input.now())
            }
            Ok(SessionAction::OpenUrl(url)) => {
                let redirect = input.browse(&url);
                session.handle(Event::RedirectReceived(&redirect), input.now())
            }
            Ok(action) => return act(input, session, action),
            Err(_) if session.phase() == SessionPhase::LoggingOut => session.handle(Event::Cancelled, input.now()),
            Err(error) => return Err(text(error)),
        };
    }
}
