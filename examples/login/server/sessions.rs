//! The user's session at the server, and the logout: OpenID Connect RP-Initiated Logout 1.0.
//!
//! The session is a cookie, by which the login page knows the user. It is separate from a grant: ending one does not end the
//! other.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::{header, HeaderMap, HeaderName};
use axum::response::{Html, IntoResponse, Redirect, Response};
use url::Url;

use super::grants::{random, CLIENT_ID};
use super::{is_loopback, page, problem, Form, Shared, PAGE_HEADERS};

/// Where the client's browser may be sent after a logout, on any port of the loopback interface.
pub const RETURN_PATH: &str = "/loggedout";

const COOKIE: &str = "oauth-proto-example";
const MAX_ENTRIES: usize = 1_000;

/// The sessions, and the logout pages that are shown.
#[derive(Default)]
pub struct Sessions {
    users: BTreeMap<String, String>,
    logouts: BTreeMap<String, Logout>,
}

/// A logout that passed every check, while its page is open.
struct Logout {
    session: String,
    way_back: Option<Url>,
}

impl Sessions {
    /// Begins a session for a user who has logged in. Returns the value of `Set-Cookie`.
    pub fn open(&mut self, user: &str) -> Result<String, getrandom::Error> {
        let session = random()?;
        insert(&mut self.users, session.clone(), user.to_owned());
        Ok(format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax"))
    }

    /// The user of this browser.
    pub fn user(&self, headers: &HeaderMap) -> Option<&str> {
        self.users.get(cookie(headers)?).map(String::as_str)
    }
}

/// `GET /logout` (§2): a page that asks for confirmation, because any web page can lead a browser here.
pub async fn ask(State(shared): State<Shared>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let Some(form) = Form::parse(query.unwrap_or_default().as_bytes()) else {
        return problem("A parameter of the logout request appears twice.");
    };
    if form.get("client_id") != Some(CLIENT_ID) {
        return problem("Unknown client_id. The client of this server is oauth-proto-example.");
    }
    // The hint may have expired, but it must be this user's.
    if let Some(hint) = form.get("id_token_hint") {
        if shared.0.signer.audience(hint).as_deref() != Some(CLIENT_ID) {
            return problem("This id_token_hint is no ID token of this server for the client.");
        }
    }
    let way_back = match form.get("post_logout_redirect_uri") {
        None => None,
        Some(uri) => match Url::parse(uri) {
            Ok(mut url) if is_loopback(uri, RETURN_PATH) => {
                if let Some(state) = form.get("state") {
                    url.query_pairs_mut().append_pair("state", state);
                }
                Some(url)
            }
            _ => return problem("This post_logout_redirect_uri is not registered for the client."),
        },
    };
    let mut sessions = shared.sessions();
    let Some(user) = sessions.user(&headers).map(str::to_owned) else {
        // No user is logged in, so there is nothing to confirm.
        return leave(way_back);
    };
    let Ok(ticket) = random() else {
        return problem("No random numbers on this machine.");
    };
    let session = cookie(&headers).unwrap_or_default().to_owned();
    insert(&mut sessions.logouts, ticket.clone(), Logout { session, way_back });
    (PAGE_HEADERS, Html(page::logout(&ticket, CLIENT_ID, &user))).into_response()
}

/// `POST /logout`, the form of that page: the ticket works once, and only in the browser that was shown it.
pub async fn end(State(shared): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let form = Form::parse(body.as_bytes()).unwrap_or_default();
    let mut sessions = shared.sessions();
    let logout = sessions.logouts.remove(form.get("ticket").unwrap_or_default());
    let Some(logout) = logout.filter(|logout| cookie(&headers) == Some(logout.session.as_str())) else {
        return problem("This logout page was used before, or in another browser. Start again in the app.");
    };
    sessions.users.remove(&logout.session);
    let forget = [(header::SET_COOKIE, format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"))];
    (forget, leave(logout.way_back)).into_response()
}

/// Redirects back to the client, or shows a page that says what happened.
fn leave(way_back: Option<Url>) -> Response {
    match way_back {
        Some(url) => (PAGE_HEADERS, Redirect::to(url.as_str())).into_response(),
        None => (PAGE_HEADERS, Html(page::logged_out())).into_response(),
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    const NAME: HeaderName = header::COOKIE;
    let cookies = headers.get_all(NAME).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Adds an entry. If there are too many, all others are dropped, which is good enough for a server that runs for an hour.
fn insert<V>(map: &mut BTreeMap<String, V>, key: String, value: V) {
    if map.len() >= MAX_ENTRIES {
        map.clear();
    }
    map.insert(key, value);
}
