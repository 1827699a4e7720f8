//! Status codes and headers are handed over as they come.

use crate::server::Server;
use crate::stacks::{each, to};

#[test]
fn redirects_are_not_followed() {
    for status in [300, 301, 302, 303, 304, 307, 308, 399] {
        each(|stack, method| {
            let elsewhere = Server::answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
            let location = format!("http://127.0.0.1:{}/elsewhere", elsewhere.port);
            for rest in ["Content-Length: 0\r\n\r\n", "Content-Length: 4\r\n\r\ngone"] {
                let server = Server::answers(format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n{rest}"));
                let answer = stack.send(&to(method, server.port)).unwrap();
                assert_eq!(answer.response().status(), status, "{stack:?} {method}");
                assert_eq!(answer.response().header("location"), Some(location.as_str()), "{stack:?} {method}");
                if status != 304 {
                    assert_eq!(answer.response().body().len(), rest.split_once("\r\n\r\n").unwrap().1.len());
                }
            }
            assert_eq!(elsewhere.connections(), 0, "{stack:?} {method}");
        });
    }
}

#[test]
fn any_status_is_a_response() {
    for status in [200, 201, 400, 401, 403, 404, 407, 408, 421, 425, 429, 499, 500, 502, 503, 599, 600, 999] {
        each(|stack, method| {
            let server = Server::answers(format!("HTTP/1.1 {status} X\r\nContent-Length: 4\r\n\r\nbody"));
            let answer = stack.send(&to(method, server.port)).unwrap();
            assert_eq!((answer.response().status(), answer.response().body()), (status, &b"body"[..]), "{stack:?}");
            assert_eq!(server.requests().len(), 1, "{stack:?} {method}: sent once");
        });
    }
}

#[test]
fn no_content() {
    each(|stack, method| {
        let server = Server::answers("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n");
        let answer = stack.send(&to(method, server.port)).unwrap();
        assert_eq!((answer.response().status(), answer.response().body()), (204, &b""[..]));
    });
}

#[test]
fn interim_responses_are_skipped() {
    each(|stack, method| {
        for interim in [
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
            "HTTP/1.1 102 P\r\n\r\n",
        ] {
            let server = Server::answers(format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
            let answer = stack.send(&to(method, server.port)).unwrap();
            assert_eq!((answer.response().status(), answer.response().body()), (200, &b"body"[..]), "{stack:?}");
        }
    });
}

#[test]
fn headers_that_are_not_text() {
    each(|stack, method| {
        let server = Server::answers(
            &b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9 \xff\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"[..],
        );
        let answer = stack.send(&to(method, server.port)).unwrap();
        assert_eq!(answer.response().header("retry-after"), Some("7"), "{stack:?}");
        assert_eq!(answer.response().header("x-name"), Some(""), "{stack:?}: it is there, but no text");
    });
}

#[test]
fn many_headers_and_repeated_ones() {
    each(|stack, method| {
        let many = (0..90).map(|index| format!("X-{index}: value {index}\r\n")).collect::<Vec<_>>().concat();
        let server = Server::answers(format!(
            "HTTP/1.1 401 No\r\n{many}WWW-Authenticate: DPoP\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"
        ));
        let answer = stack.send(&to(method, server.port)).unwrap();
        for index in 0..90 {
            assert_eq!(answer.response().header(&format!("x-{index}")), Some(format!("value {index}").as_str()));
        }
        assert_eq!(answer.response().header("www-authenticate"), Some("DPoP"), "{stack:?}: the first");
    });
}
