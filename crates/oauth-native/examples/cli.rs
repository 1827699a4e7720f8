//! A command-line tool that logs its user in by the system's browser, keeps the session in a file, and calls an API.
//!
//! `cargo run -p oauth-native --features ureq,open,file-store --example cli -- ISSUER CLIENT_ID API_URL`
//!
//! If it is ended while the browser is open, start it again: it listens on the same port, and takes the redirect there. The server
//! must take any port of `http://127.0.0.1/callback` (RFC 8252 §7.3).

use std::error::Error;
use std::sync::Arc;

use oauth_native::api::{blocking::Api, CallError};
use oauth_native::browser::{Loopback, Opener, Print, SystemBrowser};
use oauth_native::{store::File, transport::Ureq, SystemClock};
use oauth_native::{AuthorizationRequest, AuthorizationServer as Server, Client};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, id, url] = arguments.as_slice() else { return Err("usage: cli ISSUER CLIENT_ID API_URL".into()) };
    let server =
        if issuer.starts_with("http:") { Server::from_issuer_on_insecure_loopback } else { Server::from_issuer };

    let store = Arc::new(File::of_app("oauth-native-cli")?);
    let mut browser = Loopback::bind_for(&*store, |url: &str| {
        eprintln!("Log in in your browser, within an hour.");
        SystemBrowser.or(Print::stderr()).open(url)
    })?;
    let origin: Vec<_> = url.split('/').take(3).collect();
    let client = Client::builder(server(issuer)?, id, &browser.redirect_uri()).api_origin(&origin.join("/")).build()?;
    let request = AuthorizationRequest::new().scope("offline_access");
    let api = Api::open(client, request, Ureq::new(), SystemClock, store, &mut browser)?;
    let response = match api.get(url) {
        Err(CallError::Api(error)) if error.login().is_some() => {
            // The server wants the user to log in again, or the API wants more scope.
            error.login().map(|request| api.log_in(request.clone(), &mut browser)).transpose()?;
            api.get(url)
        }
        response => response,
    };
    println!("{}", response?.body_mut().read_to_string()?);
    Ok(())
}
