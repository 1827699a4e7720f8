// src-tauri/src/auth.rs
use std::error::Error;
use std::io;
use std::sync::Arc;

use oauth_native::api::{Api, ApiError, CallError};
use oauth_native::browser::Loopback;
use oauth_native::{store::File, store::StoreError, transport::Reqwest, SystemClock};
use oauth_native::{AuthorizationRequest, AuthorizationServer, Client, SignOut};
use tauri::async_runtime::Mutex;
use tauri::{Manager, State};
use tauri_plugin_opener::OpenerExt;

const API: &str = "https://api.example.com";

pub struct Auth {
    client: Client,
    transport: Reqwest,
    store: Arc<File>,
    /// Locked while a login is under way.
    browser: Mutex<Loopback>,
    api: Mutex<Option<Api<Reqwest>>>,
}

pub fn setup(app: &mut tauri::App) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(File::new(app.path().app_local_data_dir()?.join("session.json")));
    let handle = app.handle().clone();
    let open = move |url: &str| handle.opener().open_url(url, None::<&str>).map_err(io::Error::other);
    let browser = Loopback::bind_for(&*store, open)?;
    let server = AuthorizationServer::from_issuer("https://as.example.com")?;
    let client = Client::builder(server, "s6BhdRkqt3", &browser.redirect_uri()).api_origin(API).build()?;
    let (browser, api) = (Mutex::new(browser), Mutex::new(None));
    app.manage(Auth { client, transport: Reqwest::new()?, store, browser, api });
    Ok(())
}

impl Auth {
    /// The handle of the stored session, which is restored once; `None` if the user has to log in.
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
        let request = AuthorizationRequest::new().scope("offline_access");
        if let Some(api) = self.api().await? {
            return Ok(api.log_in(request, &mut *browser).await?);
        }
        let (client, transport, store) = (self.client.clone(), self.transport.clone(), self.store.clone());
        let api = Api::open(client, request, transport, SystemClock, store, &mut *browser).await?;
        *self.api.lock().await = Some(api);
        Ok(())
    }
}

pub async fn log_in(auth: State<'_, Auth>) -> Result<(), String> {
    auth.log_in().await.map_err(|error| error.to_string())
}

/// Gets a document of the API. The error is `login` if the user has to log in, or a text.
pub async fn call_api(auth: State<'_, Auth>, path: String) -> Result<String, String> {
    let Some(api) = auth.api().await.map_err(|error| error.to_string())? else { return Err("login".into()) };
    match api.get(&format!("{API}{path}")).await {
        Ok(response) => response.text().await.map_err(|error| error.to_string()),
        Err(CallError::Api(ApiError::LoginRequired { .. })) => Err("login".into()),
        Err(error) => Err(error.to_string()),
    }
}

pub async fn log_out(auth: State<'_, Auth>) -> Result<(), String> {
    if let Some(api) = auth.api().await.map_err(|error| error.to_string())? {
        // The user is signed out here in any case. The result has the URL of a logout in the browser, and what went wrong.
        drop(api.sign_out(SignOut::new()).await);
    }
    Ok(())
}
