//! The app's own agent or client, set as the contract does not want it.

use oauth_native::transport::{Hyper, Reqwest, Ureq};
use oauth_proto::drive::Transport;
use oauth_proto::Delivered;

use crate::server::Server;
use crate::stacks::{settings, to, Stack, CODE, TIMEOUT};

fn redirecting(status: u16, elsewhere: &Server) -> Server {
    let location = format!("http://127.0.0.1:{}/elsewhere", elsewhere.port);
    Server::answers(format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
}

#[test]
fn an_agent_that_follows_redirects_and_makes_errors_of_statuses() {
    let stack = Stack::Ureq(Ureq::with_agent(ureq::Agent::new_with_defaults()).timeout(TIMEOUT));
    for method in ["GET", "POST"] {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = Server::answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            let answer = stack.send(&to(method, redirecting(status, &elsewhere).port)).unwrap();
            assert_eq!((answer.response().status(), elsewhere.connections()), (status, 0));
        }
        let server = Server::answers("HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nbody");
        assert_eq!(stack.send(&to(method, server.port)).unwrap().response().body(), b"body");
    }
}

#[test]
fn a_client_that_follows_redirects() {
    let stack = Stack::reqwest(Reqwest::with_client(reqwest::Client::new()).timeout(TIMEOUT));
    for method in ["GET", "POST"] {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = Server::answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            let server = redirecting(status, &elsewhere);
            let outcome = stack.send(&to(method, server.port)).map(|answer| answer.response().status());
            if method == "POST" && status > 303 {
                assert_eq!((outcome, elsewhere.connections()), (Ok(status), 0));
            } else {
                assert_eq!(outcome, Err(Delivered::Maybe), "{method} {status}");
            }
            assert!(!elsewhere.requests().concat().contains(CODE));
        }
    }
}

const _: () = {
    const fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<Ureq>();
    is_shared::<Reqwest>();
    is_shared::<Hyper>();
};

#[test]
fn many_tasks_share_a_transport() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = Server::answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let (transport, port) = (Reqwest::with_settings(&settings()).unwrap(), server.port);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let transport = transport.clone();
                tokio::spawn(async move { transport.send(&to("POST", port)).await.unwrap().response().status() })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 200);
        }
    });
    assert_eq!(server.requests().len(), 20);
}
