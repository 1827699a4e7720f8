//! A small OpenID provider and a small protected API, for 127.0.0.1 only, in a thread of their own.
//!
//! It makes every check that a client relies on (see [`grants`]). This file is the HTTP part.

mod grants;
mod id_token;
mod openid;
mod page;
mod sessions;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{header, HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{json, Value};
use url::Url;

use grants::{Asked, Caller, Grants, Refusal};
pub use grants::{CLIENT_ID, REDIRECT_PATH};
use id_token::Signer;
use sessions::Sessions;
pub use sessions::RETURN_PATH;

const MAX_BODY: usize = 16 * 1024;
const MAX_USER: usize = 64;

/// A server that runs until the process ends.
pub struct Server {
    /// Its issuer identifier: `http://127.0.0.1:port`.
    pub issuer: String,
}

impl Server {
    /// Takes a free port and starts.
    pub fn start(code_lifetime: Duration, access_lifetime: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let shared = Shared(Arc::new(Inner {
            issuer: issuer.clone(),
            signer: Signer::new().map_err(|error| io::Error::other(error.to_string()))?,
            grants: Mutex::new(Grants::new(code_lifetime, access_lifetime)),
            sessions: Mutex::new(Sessions::default()),
        }));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("authorization server".into()).spawn(move || {
            let served = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router(shared)).await
            });
            if let Err(error) = served {
                eprintln!("the embedded server has stopped: {error}");
            }
        })?;
        Ok(Self { issuer })
    }

    /// The URL of one of its paths. All but the API's (`/api/me`) are in its metadata too.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The `audience` of the API here.
    pub fn audience(&self) -> String {
        audience(&self.issuer)
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(openid::configuration))
        .route("/jwks", get(openid::jwks))
        .route("/authorize", get(show_login).post(log_in))
        .route("/token", post(token))
        .route("/revoke", post(revoke))
        .route("/userinfo", get(openid::userinfo).post(openid::userinfo))
        .route("/logout", get(sessions::ask).post(sessions::end))
        .route("/api/me", get(me))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared)
}

#[derive(Clone)]
struct Shared(Arc<Inner>);

struct Inner {
    issuer: String,
    signer: Signer,
    grants: Mutex<Grants>,
    sessions: Mutex<Sessions>,
}

impl Shared {
    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.0.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Redirects back to the client, with `state` and `iss` (RFC 9207).
    fn redirect(&self, redirect_uri: &str, state: Option<&str>, answer: &[(&str, &str)]) -> Response {
        let Ok(mut url) = Url::parse(redirect_uri) else {
            return problem("redirect_uri is not a URL");
        };
        url.query_pairs_mut()
            .extend_pairs(answer)
            .extend_pairs(state.map(|state| ("state", state)))
            .append_pair("iss", &self.0.issuer);
        (PAGE_HEADERS, Redirect::to(url.as_str())).into_response()
    }
}

/// Of every page.
const PAGE_HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
];

const NO_STORE: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// `GET /authorize`, the authorization request (RFC 6749 §4.1.1): the login page, or an error.
async fn show_login(State(shared): State<Shared>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let Some(form) = Form::parse(query.unwrap_or_default().as_bytes()) else {
        return problem("A parameter of the authorization request appears twice.");
    };
    // Until both have been checked, nothing may be sent to the redirect URI.
    let Some(client_id) = form.get("client_id").filter(|id| *id == CLIENT_ID) else {
        return problem("Unknown client_id. The client of this server is oauth-proto-example.");
    };
    let Some(redirect_uri) = form.get("redirect_uri").filter(|uri| is_registered(uri)) else {
        return problem("This redirect_uri is not registered for the client.");
    };
    let asked = match check(&form, redirect_uri, &shared.0.issuer) {
        Ok(asked) => asked,
        Err((error, description)) => {
            return shared.redirect(
                redirect_uri,
                form.get("state"),
                &[("error", error), ("error_description", description)],
            )
        }
    };
    let scope = asked.scope.clone();
    let Ok(ticket) = shared.grants().ticket(asked, now()) else {
        return problem("No random numbers on this machine.");
    };
    let sessions = shared.sessions();
    let user = form.get("login_hint").or_else(|| sessions.user(&headers)).unwrap_or("Ada Lovelace");
    (PAGE_HEADERS, Html(page::login(&ticket, client_id, &scope, user))).into_response()
}

fn check(form: &Form, redirect_uri: &str, issuer: &str) -> Result<Asked, Refusal> {
    if form.get("response_type") != Some("code") {
        return Err(("unsupported_response_type", "response_type must be code"));
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(("invalid_request", "response_mode must be query"));
    }
    if form.get("code_challenge_method") != Some("S256") {
        return Err(("invalid_request", "code_challenge_method must be S256"));
    }
    let code_challenge = form
        .get("code_challenge")
        .filter(|challenge| grants::is_challenge(challenge))
        .ok_or(("invalid_request", "code_challenge must be 43 characters of base64url"))?;
    let scope = form.get("scope").unwrap_or("profile");
    if !scope.split(' ').all(|one| grants::SCOPES.contains(&one)) {
        return Err(("invalid_scope", "the scopes here are openid, profile, email, address and offline_access"));
    }
    let scope = grants::granted(scope);
    if scope.is_empty() {
        return Err(("invalid_scope", "nobody has an address here"));
    }
    let known = audience(issuer);
    if form.get("audience").is_some_and(|audience| audience != known) {
        return Err(("invalid_target", "unknown audience"));
    }
    if form.get("prompt") == Some("none") {
        return Err(("login_required", "nobody is logged in here"));
    }
    Ok(Asked {
        redirect_uri: redirect_uri.to_owned(),
        state: form.get("state").map(str::to_owned),
        code_challenge: code_challenge.to_owned(),
        scope,
        audience: form.get("audience").map(str::to_owned),
        nonce: form.get("nonce").map(str::to_owned),
    })
}

/// `POST /authorize`, the form of the login page.
async fn log_in(State(shared): State<Shared>, body: String) -> Response {
    let form = Form::parse(body.as_bytes()).unwrap_or_default();
    let ticket = form.get("ticket").unwrap_or_default();
    let Some(asked) = shared.grants().take_ticket(ticket, now()) else {
        return problem("This login page was used before or is too old. Start again in the app.");
    };
    let redirect_uri = asked.redirect_uri.clone();
    let state = asked.state.clone();
    let user: String = form.get("user").unwrap_or_default().trim().chars().take(MAX_USER).collect();
    if form.get("decision") != Some("allow") || user.is_empty() {
        return shared.redirect(
            &redirect_uri,
            state.as_deref(),
            &[("error", "access_denied"), ("error_description", "the user said no")],
        );
    }
    let code = shared.grants().approve(asked, &user, unix_time(), now());
    let session = shared.sessions().open(&user);
    let (Ok(code), Ok(session)) = (code, session) else {
        return shared.redirect(&redirect_uri, state.as_deref(), &[("error", "server_error")]);
    };
    let redirect = shared.redirect(&redirect_uri, state.as_deref(), &[("code", &code)]);
    ([(header::SET_COOKIE, session)], redirect).into_response()
}

/// `POST /token` (RFC 6749 §4.1.3 and §6).
async fn token(State(shared): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let form = match client_form(&headers, &body) {
        Ok(form) => form,
        Err(refusal) => return refuse(refusal),
    };
    let field = |name| form.get(name).unwrap_or_default();
    let issued = match form.get("grant_type") {
        Some("authorization_code") => {
            shared.grants().redeem(field("code"), field("redirect_uri"), field("code_verifier"), now())
        }
        Some("refresh_token") => shared.grants().refresh(field("refresh_token"), now()),
        Some(_) => Err(("unsupported_grant_type", "authorization_code or refresh_token")),
        None => Err(("invalid_request", "grant_type is missing")),
    };
    let issued = match issued {
        Ok(issued) => issued,
        Err(refusal) => return refuse(refusal),
    };
    let openid = grants::has(&issued.scope, "openid");
    let answer = json!({
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.lifetime.as_secs(),
        "scope": issued.scope,
        "refresh_token": issued.refresh_token,
        "id_token": openid.then(|| shared.0.signer.id_token(&shared.0.issuer, &issued, unix_time())),
    });
    (NO_STORE, Json(without_nulls(answer))).into_response()
}

/// `POST /revoke` (RFC 7009). An unknown token is no error (§2.2).
async fn revoke(State(shared): State<Shared>, headers: HeaderMap, body: String) -> Response {
    match client_form(&headers, &body) {
        Ok(form) => match form.get("token") {
            Some(token) => {
                shared.grants().revoke(token);
                (StatusCode::OK, NO_STORE).into_response()
            }
            None => refuse(("invalid_request", "token is missing")),
        },
        Err(refusal) => refuse(refusal),
    }
}

/// `GET /api/me`, the protected API (RFC 6750).
async fn me(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let caller = match bearer(&shared, &headers) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    if caller.audience.as_deref() != Some(audience(&shared.0.issuer).as_str()) {
        return invalid_token("the token is for another audience");
    }
    if !grants::has(&caller.scope, "profile") {
        return insufficient_scope("profile");
    }
    (NO_STORE, Json(json!({ "user": caller.user, "scope": caller.scope }))).into_response()
}

/// Whose access token is in the header (RFC 6750 §2.1), or the answer to a request without a valid one.
#[allow(clippy::result_large_err)] // the error is the answer, and sent at once
fn bearer(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Response> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, token)| token);
    // No token, no error code (RFC 6750 §3.1).
    let token = token.ok_or_else(|| challenge(StatusCode::UNAUTHORIZED, ""))?;
    shared.grants().caller(token, now()).map_err(invalid_token)
}

fn invalid_token(why: &str) -> Response {
    let error = format!(", error=\"invalid_token\", error_description=\"{why}\"");
    challenge(StatusCode::UNAUTHORIZED, &error)
}

fn insufficient_scope(scope: &str) -> Response {
    challenge(StatusCode::FORBIDDEN, &format!(", error=\"insufficient_scope\", scope=\"{scope}\""))
}

fn challenge(status: StatusCode, error: &str) -> Response {
    (status, [(header::WWW_AUTHENTICATE, format!("Bearer realm=\"example\"{error}"))]).into_response()
}

/// The form of a token or revocation request, if it is from the registered client.
fn client_form(headers: &HeaderMap, body: &str) -> Result<Form, Refusal> {
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(("invalid_request", "the body must be application/x-www-form-urlencoded"));
    }
    let form = Form::parse(body.as_bytes()).ok_or(("invalid_request", "a parameter appears twice"))?;
    match form.get("client_id") {
        Some(CLIENT_ID) => Ok(form),
        _ => Err(("invalid_client", "unknown client_id")),
    }
}

/// RFC 6749 §5.2.
fn refuse((error, description): Refusal) -> Response {
    let status = match error {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({ "error": error, "error_description": description });
    (status, NO_STORE, Json(body)).into_response()
}

fn problem(text: &str) -> Response {
    (StatusCode::BAD_REQUEST, PAGE_HEADERS, Html(page::problem(text))).into_response()
}

fn is_registered(redirect_uri: &str) -> bool {
    is_loopback(redirect_uri, REDIRECT_PATH)
}

/// `http`, a loopback IP literal, any port, this path, nothing else (RFC 8252 §7.3).
fn is_loopback(uri: &str, path: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| {
        url.as_str() == uri
            && url.scheme() == "http"
            && matches!(url.host_str(), Some("127.0.0.1" | "[::1]"))
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == path
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn audience(issuer: &str) -> String {
    format!("{issuer}/api")
}

/// Members without a value are left out.
fn without_nulls(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}

/// Form-encoded parameters, none of which appears twice (RFC 6749 §3.1 and §3.2).
#[derive(Default)]
struct Form(BTreeMap<String, String>);

impl Form {
    fn parse(input: &[u8]) -> Option<Self> {
        let mut form = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(input) {
            if form.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(Self(form))
    }

    /// A parameter without a value counts as absent (RFC 6749 §3.1).
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[allow(clippy::disallowed_methods)] // the library reads no clock; a server has to
fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970.
#[allow(clippy::disallowed_methods)]
fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
