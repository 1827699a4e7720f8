//! What has gone wrong for people who use an app, one test for each: in a train, in a tunnel, beside somebody else who uses the
//! same device, at a server with words of its own. Each walks through what happened, on the public interface alone, and says
//! what must come of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod apis;
mod bad_networks;
mod browsers;
#[cfg(feature = "openid")]
#[path = "../support/id_token.rs"]
mod id_token;
#[cfg(feature = "openid")]
mod identities;
#[cfg(feature = "openid")]
#[path = "../support/keys.rs"]
mod keys;
#[cfg(feature = "openid")]
mod logins;
mod own_ways;
mod pages;
mod server_words;
mod stores;

use std::collections::BTreeMap;

use oauth_proto::{
    Access, AuthorizationServer, Bearer, Client, Delivered, Error, Event, Headers, Request, RequestId, Response,
    Secret, Session, SessionAction, Target, Tokens, UnixTime,
};

const T0: u64 = 1_700_000_000;
const DAY: u64 = 24 * 60 * 60;
const YEAR: u64 = 365 * DAY;
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")
        .and_then(|server| server.revocation_endpoint("https://as.example.com/revoke"))
        .unwrap()
}

fn client() -> Client {
    Client::builder(server(), "s6BhdRkqt3", "com.example.app:/callback")
        .api_origin("https://api.example.com")
        .build()
        .unwrap()
}

/// AT1 until an hour after [`T0`], RT1, scope `read write`.
fn tokens() -> Tokens {
    Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(T0 + 3600)), "read write")
}

fn session() -> Session {
    Session::new(client(), tokens())
}

/// What is stored is read by another process, or the next start of this one.
fn restart(session: &Session) -> Session {
    let text = serde_json::to_string(&session.save().expect("something is stored")).unwrap();
    Session::restore(session.client().clone(), serde_json::from_str(&text).unwrap()).unwrap()
}

fn stored_refresh_token(session: &Session) -> Option<String> {
    let saved = serde_json::to_value(session.save()).unwrap();
    saved["refresh_token"].as_str().map(str::to_owned)
}

#[track_caller]
fn request(access: Access) -> Request {
    let Access::SendRequest(request) = access else { panic!("no request: {access:?}") };
    request
}

#[track_caller]
fn ready(access: Access) -> Bearer {
    let Access::Ready(bearer) = access else { panic!("no token: {access:?}") };
    bearer
}

/// The parameters of a token request.
fn parameters(request: &Request) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(request.body()).into_owned().collect()
}

fn sent_token(request: &Request) -> String {
    parameters(request)["refresh_token"].clone()
}

fn answer(session: &mut Session, id: RequestId, status: u16, body: &str, now: u64) -> Result<SessionAction, Error> {
    session.handle(Event::ResponseReceived(id, Response::new(status, &JSON, body.as_bytes())), at(now))
}

/// Nobody knows what became of it.
fn lose(session: &mut Session, id: RequestId, now: u64) -> UnixTime {
    let action = session.handle(Event::SendFailed(id, Delivered::Maybe), at(now));
    let Ok(SessionAction::RetryAt(time)) = action else { panic!("{action:?}") };
    time
}

fn new_tokens(number: u32) -> String {
    format!(r#"{{"access_token":"AT{number}","token_type":"Bearer","expires_in":3600,"refresh_token":"RT{number}"}}"#)
}

/// A driver that asks for a token whenever it may, for so long, and a server that always answers so: how many requests that
/// takes, and the last that the driver was told.
fn ask_for(session: &mut Session, target: &Target, from: u64, seconds: u64, status: u16, body: &str) -> (u32, Access) {
    let (mut now, mut requests) = (from, 0);
    loop {
        let access = session.access_for(target, at(now));
        match access {
            Access::SendRequest(request) => {
                requests += 1;
                drop(answer(session, request.id(), status, body, now));
                assert!(requests < 10_000, "no end");
            }
            access if now >= from + seconds => return (requests, access),
            Access::RetryAt(time) | Access::Refused { retry_at: Some(time), .. } => {
                now = time.as_secs().clamp(now + 1, from + seconds);
            }
            _ => now = (now + 10).min(from + seconds),
        }
    }
}

fn none() -> Headers<'static> {
    Headers::NONE
}
