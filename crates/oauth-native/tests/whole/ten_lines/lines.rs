//! See the parent.
#![allow(unused_imports)]

use super::{origin, path, User};
use std::sync::Arc;

use oauth_native::api::blocking::Api;
use oauth_native::browser::{Loopback, SystemBrowser};
use oauth_native::{store::File, transport::Ureq, SystemClock};
use oauth_native::{AuthorizationRequest, AuthorizationServer, Client};

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut browser = Loopback::bind(User)?;
    let server = AuthorizationServer::from_issuer_on_insecure_loopback(&origin())?;
    let client = Client::builder(server, "your client id", &browser.redirect_uri()).api_origin(&origin()).build()?;
    let request = AuthorizationRequest::new().scope("offline_access");
    let store = Arc::new(File::new(path()));
    let api = Api::open(client, request, Ureq::new(), SystemClock, store, &mut browser)?;
    println!("{}", api.get(&format!("{}/me", origin()))?.body_mut().read_to_string()?);
    Ok(())
}
