//! Ten tasks that share one session: one refresh for all of them, on any number of threads.
//!
//! `cargo run -p oauth-native --features reqwest,open,file-store --example service -- ISSUER CLIENT_ID API_URL`
//!
//! The server must take any port of `http://127.0.0.1/callback` (RFC 8252 §7.3).

use std::error::Error;
use std::sync::Arc;

use oauth_native::api::{Api, CallError};
use oauth_native::browser::{Loopback, Opener, Print, SystemBrowser};
use oauth_native::{store::File, transport::Reqwest, SystemClock};
use oauth_native::{AuthorizationRequest, AuthorizationServer as Server, Client};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, id, url] = arguments.as_slice() else { return Err("usage: service ISSUER CLIENT_ID API_URL".into()) };
    let server =
        if issuer.starts_with("http:") { Server::from_issuer_on_insecure_loopback } else { Server::from_issuer };

    let store = Arc::new(File::of_app("oauth-native-service")?);
    let mut browser = Loopback::bind_for(&*store, |url: &str| {
        eprintln!("Log in in your browser, within an hour.");
        SystemBrowser.or(Print::stderr()).open(url)
    })?;
    let origin: Vec<_> = url.split('/').take(3).collect();
    let client = Client::builder(server(issuer)?, id, &browser.redirect_uri()).api_origin(&origin.join("/")).build()?;
    let request = AuthorizationRequest::new().scope("offline_access");
    let api = Api::open(client, request, Reqwest::new()?, SystemClock, store, &mut browser).await?.patience_secs(30);

    let tasks: Vec<_> = (0..10).map(|number| tokio::spawn(work(number, api.clone(), url.clone()))).collect();
    for task in tasks {
        println!("{}", task.await??);
    }
    Ok(())
}

async fn work(number: u32, api: Api<Reqwest>, url: String) -> Result<String, CallError<reqwest::Error>> {
    let body = api.get(&url).await?.text().await.map_err(CallError::Call)?;
    Ok(format!("task {number}: {body}"))
}
