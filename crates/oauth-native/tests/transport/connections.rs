//! Connections that the app's own agent or client keeps for the next request.

use std::thread;
use std::time::Duration;

use oauth_native::transport::{Reqwest, Ureq};
use oauth_proto::Delivered;
use reqwest::redirect::Policy;

use crate::server::Server;
use crate::stacks::{to, Stack, TIMEOUT};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn keeping() -> [Stack; 2] {
    let agent = ureq::Agent::new_with_defaults();
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    [
        Stack::Ureq(Ureq::with_agent(agent).timeout(TIMEOUT)),
        Stack::reqwest(Reqwest::with_client(client).timeout(TIMEOUT)),
    ]
}

#[test]
fn are_kept() {
    for stack in keeping() {
        let server = Server::start(|peer| while !peer.request().is_empty() && peer.send(OK) {});
        for method in ["GET", "POST", "POST", "GET"] {
            stack.send(&to(method, server.port)).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!((server.connections(), server.requests().len()), (1, 4), "{stack:?}");
    }
}

#[test]
fn closed_between_two_requests() {
    for stack in keeping() {
        for method in ["GET", "POST"] {
            let server = Server::start(|peer| {
                peer.request();
                peer.send(OK);
            });
            for _ in 0..3 {
                stack.send(&to(method, server.port)).unwrap();
                thread::sleep(Duration::from_millis(50));
            }
            assert_eq!((server.connections(), server.requests().len()), (3, 3), "{stack:?} {method}");
        }
    }
}

#[test]
fn closed_or_reset_upon_the_second_request() {
    for stack in keeping() {
        for method in ["GET", "POST"] {
            for is_read in [true, false] {
                let server = Server::start(move |peer| {
                    peer.request();
                    peer.send(OK);
                    if is_read {
                        peer.request();
                    } else {
                        peer.wait_for_bytes();
                    }
                });
                stack.send(&to(method, server.port)).unwrap();
                thread::sleep(Duration::from_millis(20));
                let second = stack.send(&to(method, server.port)).map(|answer| answer.response().status());
                assert_eq!(second, Err(Delivered::Maybe), "{stack:?} {method} {is_read}");
                assert_eq!(server.connections(), 1, "{stack:?} {method}: not sent again");
            }
        }
    }
}

/// The server closes at the moment when the next request comes: whatever the outcome, it is told truly, and no `POST` comes
/// twice.
#[test]
fn closed_at_the_moment_of_the_next_request() {
    for stack in keeping() {
        for round in 0..60 {
            let server = Server::start(move |peer| {
                peer.request();
                peer.send(OK);
                if peer.index == 0 {
                    thread::sleep(Duration::from_micros(round * 20));
                    peer.close();
                } else {
                    peer.request();
                }
            });
            stack.send(&to("POST", server.port)).unwrap();
            thread::sleep(Duration::from_micros(600));
            let second = stack.send(&to("POST", server.port)).map(|answer| answer.response().status());
            let delivered = server.requests().len() - 1;
            match second {
                Ok(status) => assert_eq!((status, delivered), (200, 1), "{stack:?}"),
                Err(Delivered::No) => assert_eq!(delivered, 0, "{stack:?}"),
                Err(Delivered::Maybe) => assert!(delivered <= 1, "{stack:?}"),
            }
        }
    }
}
