//! What the server gets.

use oauth_native::transport::Settings;

use crate::server::Server;
use crate::stacks::{each, post, settings, to, Stack, CODE};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// Lines of the head, names in lower case, sorted, and the body.
fn parts(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let first = lines.next().unwrap().to_owned();
    let lower = |line: &str| line.split_once(": ").map(|(name, value)| format!("{}: {value}", name.to_lowercase()));
    let mut headers: Vec<String> = lines.map(|line| lower(line).unwrap()).collect();
    headers.sort();
    (first, headers, body.to_owned())
}

#[test]
fn get() {
    for stack in Stack::all(&settings()) {
        let server = Server::answers(OK);
        let request = to("GET", server.port);
        stack.send(&request).unwrap();
        let (first, headers, body) = parts(&server.requests()[0]);
        assert!(first.starts_with("GET /.well-known/") && first.ends_with(" HTTP/1.1"), "{first}");
        let expected = [
            "accept-encoding: identity",
            "accept: application/json",
            &format!("host: 127.0.0.1:{}", server.port),
            concat!("user-agent: oauth-native/", env!("CARGO_PKG_VERSION")),
        ];
        assert_eq!(headers, expected, "{stack:?}");
        assert_eq!(body, "");
    }
}

#[test]
fn post_with_a_secret() {
    for stack in Stack::all(&settings().user_agent("example-app/2.1 (\u{e9}\n)")) {
        let server = Server::answers(OK);
        let request = post(&format!("http://localhost:{}", server.port), Some("hunter2"));
        stack.send(&request).unwrap();
        let (first, headers, body) = parts(&server.requests()[0]);
        assert_eq!(first, "POST /token?a=b%20c HTTP/1.1");
        let authorization = request.headers().find(|(name, _)| *name == "authorization").unwrap().1;
        let expected = [
            "accept-encoding: identity",
            "accept: application/json",
            &format!("authorization: {authorization}"),
            &format!("content-length: {}", request.body().len()),
            "content-type: application/x-www-form-urlencoded",
            &format!("host: localhost:{}", server.port),
            "user-agent: example-app/2.1 ()",
        ];
        assert_eq!(headers, expected, "{stack:?}");
        assert_eq!(body.as_bytes(), request.body());
        assert!(body.contains(CODE));
    }
}

#[test]
fn nothing_of_one_request_is_in_the_next() {
    each(|stack, method| {
        let server = Server::start(|peer| {
            for _ in 0..2 {
                peer.request();
                peer.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}");
            }
        });
        for _ in 0..3 {
            stack.send(&to(method, server.port)).unwrap();
        }
        assert_eq!(server.connections(), 3, "{stack:?}: one for each request");
        assert!(!server.requests().concat().to_lowercase().contains("\r\ncookie:"), "{stack:?}");
    });
}

#[test]
fn debug_shows_no_proxy_and_no_agent() {
    let settings = Settings::default();
    let ureq = oauth_native::transport::Ureq::with_settings(&settings);
    let reqwest = oauth_native::transport::Reqwest::with_settings(&settings).unwrap();
    assert_eq!(format!("{ureq:?}"), "Ureq { timeout: 30s, .. }");
    let hyper = oauth_native::transport::Hyper::with_settings(&settings).unwrap();
    assert_eq!(format!("{reqwest:?}"), "Reqwest { timeout: 30s, .. }");
    assert_eq!(format!("{hyper:?}"), "Hyper { timeout: 30s, .. }");
}
