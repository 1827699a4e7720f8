// src-tauri/src/auth.rs
use std::error::Error;
use std::io;
use std::sync::Arc;

use oauth_native::api::{Api, ApiError, CallError, Reply};
use oauth_native::browser::Loopback;
use oauth_native::oauth_proto::drive::login;
use oauth_native::oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, Entropy, Login, SignOut};
use oauth_native::store::{File, StoreError};
use oauth_native::transport::Reqwest;
use oauth_native::SystemClock;
use tauri::async_runtime::Mutex;
use tauri::{Manager, State};
use tauri_plugin_opener::OpenerExt;

const API: &str = "https://api.example.com";

pub struct Auth {
    client: Client,
    transport: Reqwest,
    http: reqwest::Client,
    store: Arc<File>,
    /// Locked while a login is under way.
    browser: Mutex<Loopback>,
    api: Mutex<Option<Api<Reqwest>>>,
}

pub fn setup(app: &mut tauri::App) -> Result<(), Box<dyn Error>> {
    let handle = app.handle().clone();
    let open = move |url: &str| handle.opener().open_url(url, None::<&str>).map_err(io::Error::other);
    let browser = Loopback::bind(open)?;
    let server = AuthorizationServer::from_issuer("https://as.example.com")?;
    let client = Client::builder(server, "s6BhdRkqt3", &browser.redirect_uri()).api_origin(API).build()?;
    let store = Arc::new(File::new(app.path().app_local_data_dir()?.join("session.json")));
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let (browser, api) = (Mutex::new(browser), Mutex::new(None));
    app.manage(Auth { client, transport: Reqwest::new()?, http, store, browser, api });
    Ok(())
}

impl Auth {
    /// The handle of the session, which is restored once; `None` if the user has to log in.
    async fn api(&self) -> Result<Option<Api<Reqwest>>, ApiError> {
        let mut api = self.api.lock().await;
        if api.is_none() {
            let (client, store) = (self.client.clone(), self.store.clone());
            *api = match Api::restore(client, self.transport.clone(), SystemClock, store).await {
                // What is stored is of no use any more.
                Err(ApiError::Restore(_) | ApiError::Store(StoreError::Damaged)) => None,
                restored => restored?,
            };
        }
        Ok(api.clone())
    }

    async fn log_in(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut browser = self.browser.lock().await;
        let mut pending = Login::new(self.client.clone(), AuthorizationRequest::new().scope("offline_access"))?;
        let tokens = login(&mut pending, Entropy::from_os()?, &self.transport, &mut *browser, &SystemClock).await?;
        let session = pending.into_session(tokens);
        let mut api = self.api.lock().await;
        if let Some(api) = &*api {
            api.log_in(session).await?;
        } else {
            *api = Some(Api::new(session, self.transport.clone(), SystemClock, self.store.clone()).await?);
        }
        Ok(())
    }
}

pub async fn log_in(auth: State<'_, Auth>) -> Result<(), String> {
    auth.log_in().await.map_err(|error| error.to_string())
}

/// Gets a document of the API. The error is `login` if the user has to log in, or a text.
pub async fn call_api(auth: State<'_, Auth>, path: String) -> Result<String, String> {
    let Some(api) = auth.api().await.map_err(|error| error.to_string())? else { return Err("login".into()) };
    let (url, http) = (&format!("{API}{path}"), &auth.http);
    let called = api.call("GET", url, |headers| async move {
        let request = headers.fold(http.get(url), |request, (name, value)| request.header(name, value.as_str()));
        let response = request.send().await?;
        let reply = Reply::new(response.status().as_u16(), response.headers());
        Ok::<_, reqwest::Error>(reply.with(response.text().await?))
    });
    called.await.map_err(|error| match error {
        CallError::Api(ApiError::LoginRequired { .. }) => "login".into(),
        error => error.to_string(),
    })
}

pub async fn log_out(auth: State<'_, Auth>) -> Result<(), String> {
    if let Some(api) = auth.api().await.map_err(|error| error.to_string())? {
        // The user is signed out here in any case. The result has the URL of a logout in the browser, and what went wrong.
        drop(api.sign_out(SignOut::new()).await);
    }
    Ok(())
}
