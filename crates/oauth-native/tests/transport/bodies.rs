//! Bodies that arrive: whole, too long, without end.

use oauth_native::transport::Settings;
use oauth_proto::drive::OwnedResponse;

use crate::server::Server;
use crate::stacks::{each_with, to, Stack};

const LIMIT: usize = 1024 * 1024;

/// Runs a test with each stack and method. Much is sent, and a busy machine may take its time.
fn each_patient(test: impl Fn(&Stack, &str)) {
    each_with(&Settings::new(), test);
}

fn answer(stack: &Stack, method: &str, server: &Server) -> OwnedResponse {
    stack.send(&to(method, server.port)).unwrap_or_else(|delivered| panic!("{stack:?} {method}: {delivered:?}"))
}

#[test]
fn whole() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}what comes after it",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n5;ext=1\r\na\":1}\r\n0\r\nTrailer: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n{\"a\":1}",
        "HTTP/1.0 200 OK\r\n\r\n{\"a\":1}",
        "HTTP/1.1 200\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
    ] {
        each_patient(|stack, method| {
            let server = Server::answers(response);
            let answer = answer(stack, method, &server);
            assert_eq!((answer.response().status(), answer.response().body()), (200, &b"{\"a\":1}"[..]), "{response}");
        });
    }
}

#[test]
fn as_long_as_it_may_be_and_longer() {
    for length in [LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 2, 3 * LIMIT] {
        each_patient(|stack, method| {
            let mut response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
            response.extend((0..length).map(|index| (index % 251).to_le_bytes()[0]));
            let server = Server::answers(response);
            let answer = answer(stack, method, &server);
            let body = answer.response().body();
            assert_eq!(body.len(), length.min(LIMIT + 1), "{stack:?} {method}");
            assert!(body.iter().enumerate().all(|(index, octet)| *octet == (index % 251).to_le_bytes()[0]));
        });
    }
}

#[test]
fn without_end() {
    for (head, piece) in [
        ("Content-Length: 99999999999\r\n", "aaaaaaaaaaaaaaaa".repeat(256)),
        ("Transfer-Encoding: chunked\r\n", format!("1000\r\n{}\r\n", "aaaaaaaaaaaaaaaa".repeat(256))),
        ("", "aaaaaaaaaaaaaaaa".repeat(256)),
    ] {
        each_patient(|stack, method| {
            let piece = piece.clone();
            let server = Server::start(move |peer| {
                peer.request();
                peer.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes());
                while !peer.is_over() && peer.send(piece.repeat(10).as_bytes()) {}
            });
            assert_eq!(answer(stack, method, &server).response().body().len(), LIMIT + 1, "{stack:?} {method}");
        });
    }
}
