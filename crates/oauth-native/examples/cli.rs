//! A command-line tool that logs its user in by the system's browser, keeps the session in a file, and calls an API.
//!
//! `cargo run -p oauth-native --features ureq,open,file-store --example cli -- ISSUER CLIENT_ID API_URL`
//!
//! The server must take any port of `http://127.0.0.1/callback` (RFC 8252 §7.3).

use std::error::Error;
use std::sync::Arc;

use oauth_native::api::blocking::Api;
use oauth_native::api::{ApiError, Reply};
use oauth_native::browser::{Loopback, Opener, Print, SystemBrowser};
use oauth_native::oauth_proto::drive::blocking::login;
use oauth_native::oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, Entropy, Login};
use oauth_native::store::{File, StoreError};
use oauth_native::transport::Ureq;
use oauth_native::SystemClock;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client_id, api_url] = arguments.as_slice() else {
        return Err("usage: cli ISSUER CLIENT_ID API_URL".into());
    };
    let origin = api_url.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut browser = Loopback::bind(SystemBrowser.or(Print::stderr()))?;
    let client = Client::builder(AuthorizationServer::from_issuer(issuer)?, client_id, &browser.redirect_uri())
        .api_origin(&origin)
        .build()?;
    let store = Arc::new(File::new("session.json"));
    let api = match Api::restore(client.clone(), Ureq::new(), SystemClock, store.clone()) {
        Ok(Some(api)) => api,
        // Nothing is stored, or nothing that this client can use.
        Ok(None) | Err(ApiError::Restore(_) | ApiError::Store(StoreError::Damaged)) => {
            let mut pending = Login::new(client, AuthorizationRequest::new().scope("offline_access"))?;
            let tokens = login(&mut pending, Entropy::from_os()?, &Ureq::new(), &mut browser, &SystemClock)?;
            Api::new(pending.into_session(tokens), Ureq::new(), SystemClock, store)?
        }
        Err(error) => return Err(error.into()),
    };
    let body = api.call("GET", api_url, |headers| {
        let request = headers.fold(ureq::get(api_url), |request, (name, value)| request.header(name, value.as_str()));
        let mut response = request.config().http_status_as_error(false).build().call()?;
        let text = response.body_mut().read_to_string()?;
        Ok::<_, ureq::Error>(Reply::new(response.status().as_u16(), response.headers()).with(text))
    })?;
    println!("{body}");
    Ok(())
}
