//! A web app: each visitor logs in, and the app calls an API for them. Logins and sessions are found by cookies.
//!
//! `cargo run -p oauth-native --features reqwest --example axum -- ISSUER CLIENT_ID API_URL [PORT]`
//!
//! Register `http://127.0.0.1:PORT/callback` (3000 if you name none) as redirect URI. An app on the internet uses https, and then
//! adds `Secure` to its cookies and the prefix `__Host-` to their names; it keeps sessions in a database, and gives its client a
//! secret ([`ClientBuilder::client_secret`](oauth_native::oauth_proto::ClientBuilder::client_secret)).
//! It also ends sessions that nobody has used for long, which here stay until the user logs out.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::Router;
use oauth_native::api::{Api, CallError};
use oauth_native::oauth_proto::drive::{finish, start, Clock};
use oauth_native::oauth_proto::{Entropy, Login};
use oauth_native::{store::Memory, transport::Reqwest, SystemClock};
use oauth_native::{AuthorizationRequest, AuthorizationServer as Server, Client, SignOut};

struct App {
    client: Client,
    request: Arc<AuthorizationRequest>,
    origin: String,
    api_url: String,
    http: Reqwest,
    /// By the cookie of the browser that began them. The oldest is the first.
    logins: Mutex<BTreeMap<String, Login>>,
    users: Mutex<HashMap<String, Api<Reqwest>>>,
}

/// Everybody can begin a login: if there are more, the oldest are forgotten. One takes some hundred bytes, since all share a client.
const MAX_LOGINS: usize = 100_000;

type Answer = Result<Response, (StatusCode, String)>;

/// The user's own page.
async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    let user = cookie(&headers, "session").and_then(|id| locked(&app.users).get(id).cloned());
    let Some(api) = user else { return Ok(Html("<a href=/login>Log in</a>").into_response()) };
    // In a task of its own: if the browser hangs up, a refresh must not be broken off.
    let task = tokio::spawn(async move { api.get(&app.api_url).await?.text().await.map_err(CallError::Call) });
    let (status, page) = match task.await.map_err(failed)? {
        Ok(body) => (
            StatusCode::OK,
            format!("<pre>{}</pre><form method=post action=/logout><button>Log out</button></form>", escaped(&body)),
        ),
        Err(CallError::Api(error)) if error.login().is_some() => {
            (StatusCode::UNAUTHORIZED, "<a href=/login>Log in again</a>".into())
        }
        Err(error) => return Err((StatusCode::BAD_GATEWAY, format!("The API cannot be called: {error}"))),
    };
    Ok((status, [(CACHE_CONTROL, "no-store")], Html(page)).into_response())
}

/// Begins a login, and sends the browser to the server.
async fn login(State(app): State<Arc<App>>) -> Answer {
    let mut login = Login::new(app.client.clone(), Arc::clone(&app.request)).map_err(failed)?;
    let url = start(&mut login, Entropy::from_os().map_err(failed)?, &app.http, &SystemClock).await.map_err(failed)?;
    let id = format!("{:016x}{}", Clock::now(&SystemClock).as_secs(), random()?);
    let mut logins = locked(&app.logins);
    if logins.len() >= MAX_LOGINS {
        logins.pop_first();
    }
    logins.insert(id.clone(), login);
    Ok((set_cookie("login", &id), Redirect::to(url.as_str())).into_response())
}

/// The browser comes back.
async fn callback(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Answer {
    let id = cookie(&headers, "login").unwrap_or_default().to_owned();
    // While one request uses the login, another finds none: the code is sent once.
    let Some(mut login) = locked(&app.logins).remove(&id) else {
        return Err((StatusCode::BAD_REQUEST, "No login of this browser waits: begin at the app's first page.".into()));
    };
    let tokens = match finish(&mut login, &format!("{}{uri}", app.origin), &app.http, &SystemClock).await {
        Ok(tokens) => tokens,
        Err(error) => {
            if !error.is_fatal() {
                // The redirect was not this login's: it waits on.
                locked(&app.logins).insert(id, login);
            }
            return Err(failed(error));
        }
    };
    let session = login.into_session(tokens);
    let api = Api::new(session, app.http.clone(), SystemClock, Arc::new(Memory::new())).await.map_err(failed)?;
    // A new name: nobody can have planted it in this browser before.
    let session = random()?;
    let mut users = locked(&app.users);
    cookie(&headers, "session").and_then(|id| users.remove(id));
    users.insert(session.clone(), api);
    Ok((set_cookie("session", &session), Redirect::to("/")).into_response())
}

async fn logout(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    let user = cookie(&headers, "session").and_then(|id| locked(&app.users).remove(id));
    if let Some(api) = user {
        let _ = tokio::spawn(async move { api.sign_out(SignOut::new()).await.not_revoked }).await;
    }
    Ok(Redirect::to("/").into_response())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (issuer, id, api_url, port) = match arguments.as_slice() {
        [issuer, id, url] => (issuer, id, url, "3000"),
        [issuer, id, url, port] => (issuer, id, url, port.as_str()),
        _ => return Err("usage: axum ISSUER CLIENT_ID API_URL [PORT]".into()),
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let server =
        if issuer.starts_with("http:") { Server::from_issuer_on_insecure_loopback } else { Server::from_issuer };
    let api_origin: Vec<_> = api_url.split('/').take(3).collect();
    let client = Client::builder(server(issuer)?, id, &format!("{origin}/callback"))
        .api_origin(&api_origin.join("/"))
        .build()?;
    let (api_url, http) = (api_url.clone(), Reqwest::new()?);
    let request = Arc::new(AuthorizationRequest::new().scope("offline_access"));
    // A login fetches the server's metadata. This one is for nothing else: the others then have them.
    let mut first = Login::new(client, Arc::clone(&request))?;
    let _ = start(&mut first, Entropy::from_os()?, &http, &SystemClock).await?;
    let client = first.client().clone();
    let (logins, users) = (Mutex::default(), Mutex::default());
    let app = App { client, request, origin: origin.clone(), api_url, http, logins, users };
    let routes = Router::new().route("/", get(home)).route("/login", get(login)).route("/callback", get(callback));
    println!("{origin}");
    axum::serve(listener, routes.route("/logout", post(logout)).with_state(Arc::new(app))).await?;
    Ok(())
}

/// A cookie that no script reads and no other site's form sends.
fn set_cookie(name: &str, value: &str) -> AppendHeaders<[(axum::http::HeaderName, String); 1]> {
    AppendHeaders([(SET_COOKIE, format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax"))])
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split("; "));
    pairs.filter_map(|pair| pair.split_once('=')).find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn random() -> Result<String, (StatusCode, String)> {
    let (high, low) = (getrandom::u64().map_err(failed)?, getrandom::u64().map_err(failed)?);
    Ok(format!("{high:016x}{low:016x}"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The library's errors have nothing secret in them.
fn failed(error: impl std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::BAD_GATEWAY, format!("The login failed: {error}"))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
