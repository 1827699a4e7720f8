//! No response: whether the request may have been delivered.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use oauth_proto::{Delivered, Request};

use crate::server::{Peer, Server};
use crate::stacks::{each, request, to, Stack, CODE, TIMEOUT};

/// Sends, and checks that it does not take longer than it may.
fn outcome(stack: &Stack, request: &Request) -> Delivered {
    let start = Instant::now();
    let outcome = stack.send(request).map(|answer| answer.response().status());
    assert!(start.elapsed() < TIMEOUT + Duration::from_secs(2), "{stack:?} took {:?}", start.elapsed());
    outcome.expect_err("no response")
}

/// A server that reads a request and then does this: the request may have been delivered.
fn maybe_after(serve: impl Fn(&mut Peer) + Send + Sync + Copy + 'static) {
    each(|stack, method| {
        let server = Server::start(move |peer| {
            peer.request();
            serve(peer);
        });
        assert_eq!(outcome(stack, &to(method, server.port)), Delivered::Maybe, "{stack:?} {method}");
        assert_eq!(server.requests().len(), 1, "{stack:?} {method}: sent once");
    });
}

#[test]
fn refused() {
    each(|stack, method| {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(outcome(stack, &to(method, port)), Delivered::No, "{stack:?} {method}");
    });
}

#[test]
fn name_not_found() {
    each(|stack, method| {
        assert_eq!(outcome(stack, &request(method, "https://name.invalid")), Delivered::No, "{stack:?} {method}");
    });
}

#[test]
fn closed_at_once() {
    each(|stack, method| {
        let server = Server::start(Peer::close);
        let delivered = outcome(stack, &to(method, server.port));
        // hyper may see the end of the connection before it takes up the request.
        if stack.is_ureq() || method == "GET" {
            assert_eq!(delivered, Delivered::Maybe, "{stack:?} {method}");
        }
    });
}

#[test]
fn reset_while_the_request_arrives() {
    each(|stack, method| {
        let server = Server::start(Peer::wait_for_bytes);
        assert_eq!(outcome(stack, &to(method, server.port)), Delivered::Maybe, "{stack:?} {method}");
    });
}

#[test]
fn closed_after_the_request() {
    maybe_after(Peer::close);
}

#[test]
fn silent_after_the_request() {
    maybe_after(Peer::be_silent);
}

#[test]
fn closed_in_the_head() {
    maybe_after(|peer| {
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: applica");
    });
}

#[test]
fn drips() {
    for start in ["HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"] {
        maybe_after(move |peer| {
            peer.send(start.as_bytes());
            while !peer.is_over() && peer.send(b"a") {
                thread::sleep(Duration::from_millis(30));
            }
        });
    }
}

#[test]
fn no_http() {
    for garbage in ["\0\u{1}\u{2}garbage\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc OK\r\n\r\n", "\r\n\r\n\r\n"]
    {
        maybe_after(move |peer| {
            peer.send(garbage.as_bytes());
        });
    }
}

#[test]
fn endless_head() {
    maybe_after(|peer| {
        peer.send(b"HTTP/1.1 200 OK\r\n");
        while !peer.is_over() && peer.send(&b"X-Header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(100)) {}
    });
    maybe_after(|peer| {
        peer.send(b"HTTP/1.1 200 OK\r\nX-Header: ");
        while !peer.is_over() && peer.send(&[b'a'; 10_000]) {}
    });
}

#[test]
fn endless_interim_responses() {
    maybe_after(|peer| {
        while !peer.is_over() && peer.send(&b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10)) {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

#[test]
fn body_breaks_off() {
    for start in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"acc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n{}\r\n",
    ] {
        maybe_after(move |peer| {
            peer.send(start.as_bytes());
        });
    }
}

#[test]
fn body_stalls() {
    for start in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc\r\n",
        "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":",
    ] {
        maybe_after(move |peer| {
            peer.send(start.as_bytes());
            peer.be_silent();
        });
    }
}

/// A server that does not speak TLS. Nothing but a handshake is sent to it.
fn no_tls(of_get_by_ureq: Delivered, serve: impl Fn(&mut Peer) + Send + Sync + Copy + 'static) {
    each(|stack, method| {
        let server = Server::start(serve);
        let delivered = outcome(stack, &request(method, &format!("https://127.0.0.1:{}", server.port)));
        let expected = if stack.is_ureq() && method == "GET" { of_get_by_ureq } else { Delivered::No };
        assert_eq!(delivered, expected, "{stack:?} {method}");
        let read = server.requests().concat();
        assert!(!read.contains("HTTP") && !read.contains(CODE), "{stack:?} {method}: sent in clear");
    });
}

#[test]
fn no_tls_but_http() {
    no_tls(Delivered::Maybe, |peer| {
        peer.wait_for_bytes();
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        peer.request();
    });
}

#[test]
fn no_tls_but_a_close() {
    no_tls(Delivered::Maybe, Peer::close);
    no_tls(Delivered::Maybe, Peer::wait_for_bytes);
}

#[test]
fn no_tls_but_silence() {
    no_tls(Delivered::No, |peer| {
        peer.request();
    });
}
