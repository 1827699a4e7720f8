//! Who is logged in, in a session: the ID tokens that refreshes bring, and the keys that they are checked with.

mod doubt;
mod ends;
mod keys;
mod refresh;
mod stored;
mod verify;

use oauth_proto::{Access, Client, Error, Event, KeySet, RequestId, Response, Session, SessionAction, UnixTime};
use serde_json::{json, Value};

use crate::model::keys::{jwks, signed};
use crate::support::openid::{claims, keyed, tokens};
use crate::support::{at, json as answer, refresh, START};

/// When the tokens of the login are due.
pub const DUE: u64 = 3590;

/// A session whose login's ID token was signed with the key 1, the only one at the beginning.
pub fn session() -> Session {
    session_of(keyed())
}

pub fn session_of(client: Client) -> Session {
    Session::new(client.clone(), tokens(client))
}

/// The claims of an ID token that comes of a refresh when the tokens are due.
pub fn renewed() -> Value {
    let mut claims = claims();
    (claims["iat"], claims["exp"]) = ((START + DUE).into(), (START + DUE + 3600).into());
    claims
}

/// The answer to a refresh: `AT2`, `RT2`, and this ID token.
pub fn body(id_token: &str) -> String {
    json!({
        "access_token": "AT2", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "RT2", "id_token": id_token,
    })
    .to_string()
}

/// Refreshes at this time, with an ID token that names the first key and is signed with the second.
pub fn refresh_with(
    session: &mut Session,
    claims: &Value,
    names: u8,
    signs: u8,
    now: UnixTime,
) -> Result<SessionAction, Error> {
    let id = refresh(session, now);
    let body = body(&signed(claims, Some(names), signs));
    session.handle(Event::ResponseReceived(id, answer(200, &body)), now)
}

/// Refreshes when the tokens are due, with an ID token of the key 2, which is new.
pub fn refresh_with_new_key(session: &mut Session) {
    let action = refresh_with(session, &renewed(), 2, 2, at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
}

/// The request for keys that is to be sent now.
#[track_caller]
pub fn keys_request(session: &mut Session, now: UnixTime) -> RequestId {
    match session.access(now) {
        Access::SendRequest(request) if request.method() == "GET" => request.id(),
        other => panic!("no request for keys: {other:?}"),
    }
}

/// The token that is handed out now.
#[track_caller]
pub fn ready(session: &mut Session, now: UnixTime) -> String {
    match session.access(now) {
        Access::Ready(bearer) => bearer.token().reveal().to_owned(),
        other => panic!("no token: {other:?}"),
    }
}

/// The keys come.
pub fn keys(session: &mut Session, id: RequestId, numbers: &[u8], now: UnixTime) -> Result<SessionAction, Error> {
    session.handle(Event::ResponseReceived(id, answer(200, &jwks(numbers))), now)
}

pub fn fetched_at(keys: Option<&KeySet>) -> Option<UnixTime> {
    keys.map(KeySet::fetched_at)
}

pub fn last_error(session: &Session) -> Option<&'static str> {
    session.last_error().map(Error::code)
}

pub fn saved(session: &Session) -> Value {
    serde_json::to_value(session.save()).unwrap()
}

pub fn subject(session: &Session) -> Option<&str> {
    session.id_token().map(oauth_proto::IdToken::subject)
}

/// What the server says when it cannot.
pub fn unavailable() -> Response<'static> {
    Response::new(503, &[("retry-after", "7")], b"later")
}
