//! Corner cases that were wrong once, one test for each: what a server, a browser, a clock or a caller can do, and what must
//! come of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod configuration;
mod login;
mod responses;
mod session;

use oauth_proto::{
    Access, AuthorizationServer, Bearer, Client, ClientBuilder, Event, Request, RequestId, Response, UnixTime,
};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap()
}

fn builder() -> ClientBuilder {
    let server = server().revocation_endpoint("https://as.example.com/revoke").unwrap();
    Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback").api_origin("https://api.example.com")
}

fn client() -> Client {
    builder().build().unwrap()
}

fn answer<'a>(id: RequestId, status: u16, headers: &'a [(&'a str, &'a str)], body: &'a str) -> Event<'a> {
    Event::ResponseReceived(id, Response::new(status, headers, body.as_bytes()))
}

fn ready(access: Access) -> Bearer {
    let Access::Ready(bearer) = access else { panic!("not ready: {access:?}") };
    bearer
}

fn request(access: Access) -> Request {
    let Access::SendRequest(request) = access else { panic!("no request: {access:?}") };
    request
}

fn body(request: &Request) -> &str {
    core::str::from_utf8(request.body()).unwrap()
}
