//! What the page is told about each step: `{ machine, from, event, action, to }`, all of them strings. `from` and `to` are phases,
//! as in the pictures of the states. Nothing secret is in a step: no token, no code, no URL but those of endpoints.

use js_sys::{Object, Reflect};
use oauth_proto::{Access, Action, Error, Event, Request, SessionAction, SignatureCheck, UnixTime};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::time::now;
use crate::App;

pub struct Step {
    pub machine: &'static str,
    pub from: String,
    pub event: String,
    pub action: String,
    pub to: String,
}

impl App {
    /// Shows a step, and goes on when it has been seen: the page makes a pause so that people can follow.
    pub async fn shown(&self, step: Step) {
        let object = Object::new();
        let members = [
            ("machine", step.machine),
            ("from", &step.from),
            ("event", &step.event),
            ("action", &step.action),
            ("to", &step.to),
        ];
        for (name, value) in members {
            let _ = Reflect::set(&object, &name.into(), &value.into());
        }
        if let Ok(seen) = self.show.call1(&JsValue::NULL, &object) {
            let _ = JsFuture::from(js_sys::Promise::resolve(&seen)).await;
        }
    }
}

pub fn of_event(event: &Event<'_>) -> String {
    match event {
        Event::Start(_) => "Start".into(),
        Event::RedirectReceived(_) => "RedirectReceived".into(),
        Event::ResponseReceived(_, response) => format!("ResponseReceived: {}", response.status()),
        Event::SendFailed(_, delivered) => format!("SendFailed: {delivered:?}"),
        Event::Verified(_, is_valid) => format!("Verified: {is_valid}"),
        Event::Cancelled => "Cancelled".into(),
        other => format!("{other:?}"),
    }
}

pub fn of_action(result: &Result<Action, Error>) -> String {
    match result {
        Ok(Action::OpenUrl(_)) => "OpenUrl".into(),
        Ok(Action::SendRequest(request)) => of_request(request),
        Ok(Action::Verify(check)) => of_check(check),
        Ok(Action::RetryAt(time)) => of_time(*time),
        Ok(Action::TokensReady(_)) => "TokensReady".into(),
        Err(error) => of_error(error),
    }
}

pub fn of_access(access: &Access) -> String {
    match access {
        Access::Ready(_) => "Ready".into(),
        Access::SendRequest(request) => of_request(request),
        Access::Verify(check) => of_check(check),
        Access::Wait(_) => "Wait".into(),
        Access::RetryAt(time) => of_time(*time),
        Access::LoginRequired(why) => format!("LoginRequired: {}", why.code()),
        Access::Refused { error, .. } => format!("Refused: {}", error.code()),
    }
}

pub fn of_session_action(result: &Result<SessionAction, Error>) -> String {
    match result {
        Ok(SessionAction::Save) => "Save".into(),
        Ok(SessionAction::RetryAt(time)) => of_time(*time),
        Ok(SessionAction::LoginRequired(why)) => format!("LoginRequired: {}", why.code()),
        Ok(SessionAction::SendRequest(request)) => of_request(request),
        Ok(SessionAction::OpenUrl(_)) => "OpenUrl".into(),
        Ok(SessionAction::SignedOut) => "SignedOut".into(),
        Err(error) => of_error(error),
    }
}

fn of_request(request: &Request) -> String {
    format!("SendRequest: {} {}", request.method(), request.url())
}

fn of_check(check: &SignatureCheck) -> String {
    format!("Verify: {}", check.algorithm().name())
}

fn of_time(time: UnixTime) -> String {
    format!("RetryAt: in {} s", time.saturating_since(now()))
}

fn of_error(error: &Error) -> String {
    format!("{}: {}", if error.is_fatal() { "fatal error" } else { "refused" }, error.code())
}
