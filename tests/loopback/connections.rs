//! What happens on one connection over time: split input, keep-alive, pipelining, closing.

use oauth_proto::loopback::{Page, Step};

use super::{all, body, feed, field, outs, page, receiver, redirected, status, Out, FORM, HOST, REDIRECT_URI};

const URL: &str = "http://127.0.0.1:51004/cb?code=C1";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{HOST}\r\n")
}

fn redirect() -> Out {
    Out::Redirect(URL.to_owned())
}

#[test]
fn a_connection_that_says_nothing() {
    let mut connection = receiver(REDIRECT_URI).connection();
    for _ in 0..3 {
        assert!(matches!(connection.receive(&mut &b""[..]), Step::NeedMore));
    }
    assert!(!feed(&mut connection, get("/cb?code=C1").as_bytes(), &mut Vec::new(), &mut Vec::new()));
}

#[test]
fn split_in_two_at_every_octet() {
    let post = format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: 7\r\nExpect: 100-continue\r\n\r\ncode=C1");
    for request in [get("/cb?code=C1"), post] {
        let whole = outs(REDIRECT_URI, [request.as_bytes()]);
        assert_eq!(whole.0.last(), Some(&redirect()));
        for at in 0..=request.len() {
            let (one, other) = request.as_bytes().split_at(at);
            assert_eq!(outs(REDIRECT_URI, [one, b"", other]), whole, "{at}");
            let unfinished = outs(REDIRECT_URI, [one]).0;
            assert!(at == request.len() || !unfinished.contains(&redirect()), "{at}");
        }
    }
}

#[test]
fn one_after_the_other() {
    let redirects =
        [get("/favicon.ico"), "\r\n".into(), get("/cb?code=C1"), get("/favicon.ico"), get("/cb?code=C1")].concat();
    assert_eq!(all(&redirects), [Out::Open(404), redirect(), Out::Open(404), redirect()]);
    let post = format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: 7\r\n\r\ncode=C1");
    assert_eq!(all([post.as_str(), &get("/cb?code=C1"), &post, "GE"].concat()), [redirect(), redirect(), redirect()]);
}

#[test]
fn octets_of_the_next_request_are_left() {
    let requests = [get("/cb?code=C1"), get("/favicon.ico")].concat();
    let (mut connection, mut octets) = (receiver(REDIRECT_URI).connection(), requests.as_bytes());
    assert!(matches!(connection.receive(&mut octets), Step::Redirect(_)));
    assert_eq!(octets, get("/favicon.ico").as_bytes());
    assert!(!connection.answer(&page()).closes());
    assert!(matches!(connection.receive(&mut octets), Step::Answer(answer) if status(&answer) == 404));
    assert!(octets.is_empty());
}

#[test]
fn closing() {
    for (version, connection, closes) in [
        ("1.1", "", false),
        ("1.1", "Connection: keep-alive\r\n", false),
        ("1.1", "Connection: Close\r\n", true),
        ("1.1", "Connection: keep-alive , close\r\n", true),
        ("1.1", "Connection: upgrade\r\nConnection: close\r\n", true),
        ("1.1", "Connection: close\r\nConnection: upgrade, x\r\n", true),
        ("1.1", "Connection: closed\r\n", false),
        ("1.0", "", true),
        ("1.0", "Connection: Keep-Alive\r\n", false),
        ("1.0", "Connection: keep-alive, close\r\n", true),
    ] {
        let request = |path| format!("GET {path} HTTP/{version}\r\n{HOST}{connection}\r\n");
        let told = Some(if closes { "close" } else { "keep-alive" });
        // What comes after an answer that closes is not looked at.
        let requests = [request("/cb?code=C1"), get("/favicon.ico")].concat();
        let (outs_of_both, written) = outs(REDIRECT_URI, [requests.as_bytes()]);
        assert_eq!(field(&written, "Connection"), told, "{version} {connection}");
        assert_eq!(outs_of_both, if closes { vec![redirect()] } else { vec![redirect(), Out::Open(404)] });
        let (icon, written) = outs(REDIRECT_URI, [request("/favicon.ico").as_bytes()]);
        assert_eq!(field(&written, "Connection"), told);
        assert_eq!(icon, [if closes { Out::Closed(404) } else { Out::Open(404) }]);
    }
}

#[test]
fn http_1_0_has_no_host() {
    assert_eq!(all("GET /cb?code=C1 HTTP/1.0\r\n\r\n"), redirected(URL));
    assert_eq!(all("GET /cb?code=C1 HTTP/1.0\r\nHost: evil\r\n\r\n"), [Out::Closed(421)]);
}

#[test]
fn after_the_end_nothing_is_answered() {
    let mut connection = receiver(REDIRECT_URI).connection();
    assert!(feed(&mut connection, b"\x16", &mut Vec::new(), &mut Vec::new()));
    let request = get("/cb?code=C1");
    let mut octets = request.as_bytes();
    let Step::Answer(answer) = connection.receive(&mut octets) else { panic!("it is closed") };
    assert!(answer.closes() && answer.octets().is_empty() && octets.is_empty());
    assert!(connection.answer(&page()).into_octets().is_empty());
}

#[test]
fn a_redirect_is_answered_once() {
    let mut connection = receiver(REDIRECT_URI).connection();
    assert!(connection.answer(&page()).octets().is_empty(), "there was none");
    let Step::Answer(answer) = connection.receive(&mut get("/cb").as_bytes()) else { panic!("it is closed") };
    assert!(answer.octets().is_empty() && answer.closes());
    let mut connection = receiver(REDIRECT_URI).connection();
    assert!(matches!(connection.receive(&mut get("/cb").as_bytes()), Step::Redirect(_)));
    assert_eq!(body(connection.answer(&page()).octets()), "<p>Test");
    let second = connection.answer(&page());
    assert!(second.octets().is_empty() && second.closes());
}

#[test]
fn a_redirect_that_the_app_does_not_answer() {
    let mut connection = receiver(REDIRECT_URI).connection();
    assert!(matches!(connection.receive(&mut get("/cb").as_bytes()), Step::Redirect(_)));
    let request = get("/cb");
    let mut octets = request.as_bytes();
    let Step::Answer(answer) = connection.receive(&mut octets) else { panic!("it waits for its answer") };
    assert_eq!((status(&answer), answer.closes(), octets), (503, true, &b""[..]));
    assert!(connection.answer(&Page::not_awaited()).octets().is_empty());
}
