//! oauth-proto in a web page: `driver` carries out what the machines ask for, by `fetch`; `page` leaves the page for the
//! authorization server, and goes on when it is loaded again. Under Node there is no page, and everything else is the same.

mod driver;
mod fetch;
mod page;
mod signature;
mod steps;
mod time;

use std::cell::RefCell;
use std::sync::Arc;

use js_sys::Function;
use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, ConfigError, Error, Login, Session};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// The app: its client at the authorization server, and who is logged in. Nothing of it is kept when the page is closed.
#[wasm_bindgen]
pub struct App {
    client: Client,
    request: Arc<AuthorizationRequest>,
    api: String,
    machine: RefCell<Machine>,
    show: Function,
}

/// First a login, then the session that it became.
enum Machine {
    None,
    Login(Box<Login>),
    Session(Box<Session>),
}

/// What the app is set up with; no secret is in it.
#[derive(Deserialize)]
struct Settings {
    issuer: String,
    client_id: String,
    redirect_uri: String,
    post_logout_redirect_uri: String,
    scope: String,
    /// RFC 8707: what the access token is for.
    resource: String,
    /// The URL that the app calls with it.
    api: String,
    api_origin: String,
}

#[wasm_bindgen]
impl App {
    /// Takes the settings as JSON, and a function that is called with each step of the machines: see `steps`. If it returns a
    /// promise, that is waited for.
    ///
    /// # Errors
    /// What is wrong with the settings.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, show: Function) -> Result<App, JsValue> {
        let settings: Settings =
            serde_json::from_str(settings).map_err(|error| failure("settings", &error.to_string()))?;
        let client = settings.client().map_err(|error| failure(error.code(), &error.to_string()))?;
        // `offline_access` asks for a refresh token, and needs the prompt (OpenID Connect Core section 11).
        let request = AuthorizationRequest::new().scope(&settings.scope).resource(&settings.resource).prompt("consent");
        Ok(App { client, request: Arc::new(request), api: settings.api, machine: RefCell::new(Machine::None), show })
    }

    /// The phase of the login or the session; `undefined` if there is neither.
    #[wasm_bindgen(getter)]
    pub fn phase(&self) -> Option<String> {
        match &*self.machine.borrow() {
            Machine::None => None,
            Machine::Login(login) => Some(format!("{:?}", login.phase())),
            Machine::Session(session) => Some(format!("{:?}", session.phase())),
        }
    }

    /// The name of the user, as the ID token says; `undefined` if nobody is logged in.
    #[wasm_bindgen(getter)]
    pub fn user(&self) -> Option<String> {
        let Machine::Session(session) = &*self.machine.borrow() else { return None };
        let token = session.id_token()?;
        let name = token.standard_claims().name;
        Some(name.unwrap_or_else(|| token.subject().into()))
    }
}

impl Settings {
    fn client(&self) -> Result<Client, ConfigError> {
        // Everything here is on this machine. At any other server: AuthorizationServer::from_issuer, which demands https.
        let server = AuthorizationServer::from_issuer_on_insecure_loopback(&self.issuer)?;
        Client::builder(server, &self.client_id, &self.redirect_uri)
            .post_logout_redirect_uri(&self.post_logout_redirect_uri)
            .api_origin(&self.api_origin)
            .verify_id_tokens_by_action(&signature::ALGORITHMS)
            .build()
    }
}

/// An `Error` for JavaScript: its name is the code, which never changes, and its message says what to do.
fn failure(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    error.set_name(code);
    error.into()
}

/// The same of an error of the machines, none of which shows a secret.
fn failed(error: Error) -> JsValue {
    failure(error.code(), &error.to_string())
}
