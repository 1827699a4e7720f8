//! Proxies from the environment. Each test runs once more in a process of its own, whose environment names a proxy.

use std::env;
use std::process::Command;

use oauth_native::transport::{Reqwest, Ureq};
use oauth_proto::Delivered;
use reqwest::redirect::Policy;

use crate::server::Server;
use crate::stacks::{each, request, to, Stack, TIMEOUT};

const PROXY: &str = "OAUTH_NATIVE_TEST_PROXY";

/// Runs one test of this file in a process with the environment of a user behind a proxy.
fn again(test: &str, variable: &str, proxy: &Server) {
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env(PROXY, &url)
        .env(variable, &url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{test} {variable}: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn not_for_loopback() {
    if env::var_os(PROXY).is_none() {
        for variable in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy"] {
            let proxy = Server::answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            again("proxies::not_for_loopback", variable, &proxy);
            assert_eq!(proxy.connections(), 0, "{variable}");
        }
        return;
    }
    each(|stack, method| {
        let server = Server::answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!(stack.send(&to(method, server.port)).unwrap().response().status(), 200);
        // No TLS there; the proxy would count a connection.
        assert!(stack.send(&request(method, &format!("https://127.0.0.1:{}", server.port))).is_err());
    });
    let server = Server::answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let stack = Stack::Ureq(Ureq::with_agent(ureq::Agent::new_with_defaults()));
    assert_eq!(stack.send(&to("POST", server.port)).unwrap().response().status(), 200);
    let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let stack = Stack::reqwest(Reqwest::with_client(client).timeout(TIMEOUT));
    assert_eq!(stack.send(&to("POST", server.port)).unwrap().response().status(), 200);
}

#[test]
fn for_everything_else() {
    if env::var_os(PROXY).is_none() {
        for variable in ["ALL_PROXY", "HTTPS_PROXY"] {
            let proxy = Server::answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            again("proxies::for_everything_else", variable, &proxy);
            let requests = proxy.requests();
            assert_eq!(requests.len(), 6, "{variable}: {requests:?}");
            for request in requests {
                assert!(request.starts_with("CONNECT name.invalid:443 HTTP/1.1\r\n"), "{request}");
            }
        }
        return;
    }
    each(|stack, method| {
        let outcome = stack.send(&request(method, "https://name.invalid")).map(|answer| answer.response().status());
        assert_eq!(outcome, Err(Delivered::No), "{stack:?} {method}: the proxy refuses");
    });
}
