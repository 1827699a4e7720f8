//! A runtime of several threads may move every future of a handle from one to another.

use std::sync::Arc;

use oauth_native::api::Api;
use oauth_native::browser::{DeepLink, Loopback, Paste};
use oauth_native::store::Store;
use oauth_native::transport::Reqwest;
use oauth_native::SystemClock;
use oauth_proto::{AuthorizationRequest, Client, SignOut};
use reqwest::Method;

fn is_send<T: Send>(future: T) -> T {
    future
}

/// Compiles, or does not.
#[allow(dead_code)]
async fn opens(client: Client, http: Reqwest, store: Arc<dyn Store>, browsers: (Loopback, DeepLink, Paste)) {
    let (mut loopback, mut link, mut paste) = browsers;
    let request = AuthorizationRequest::new();
    let opened = Api::open(client.clone(), request.clone(), http.clone(), SystemClock, store.clone(), &mut loopback);
    drop(is_send(opened));
    let opened = Api::open(client, request.clone(), http, SystemClock, store, &mut link);
    let api = is_send(opened).await.unwrap();
    drop(is_send(api.log_in(request.clone(), &mut loopback)));
    drop(is_send(api.log_in(request.clone(), &mut link)));
    drop(is_send(api.log_in(request, &mut paste)));
    drop(is_send(api.get("https://api.example.com/me")));
    drop(is_send(api.send(api.request(Method::GET, "https://api.example.com/me"))));
    drop(is_send(api.bearer()));
    drop(is_send(api.reload()));
    drop(is_send(api.sign_out(SignOut::new())));
}
