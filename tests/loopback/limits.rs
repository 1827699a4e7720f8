//! Sizes at the limit and one octet above.

use std::fmt::Write;

use oauth_proto::loopback::{MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_LINE_BYTES};

use super::{outs, Out, FORM, HOST, REDIRECT_URI};

/// In pieces of several sizes, which must make no difference.
fn all(request: &str) -> Vec<Out> {
    let whole = outs(REDIRECT_URI, [request.as_bytes()]);
    for size in [1, 7, 4096] {
        assert!(outs(REDIRECT_URI, request.as_bytes().chunks(size)) == whole, "{size}");
    }
    whole.0
}

#[test]
fn the_start_line() {
    let request = |length: usize| {
        let around = "GET /cb? HTTP/1.1".len();
        format!("GET /cb?{} HTTP/1.1\r\n{HOST}\r\n", "q".repeat(length - around))
    };
    assert!(matches!(&all(&request(MAX_LINE_BYTES))[..], [Out::Redirect(url)] if url.len() > MAX_LINE_BYTES));
    assert_eq!(all(&request(MAX_LINE_BYTES + 1)), [Out::Closed(414)]);
    assert_eq!(all(&"A".repeat(MAX_LINE_BYTES + 1)), [Out::Closed(414)], "it is refused before it ends");
    assert_eq!(all(&"A".repeat(MAX_LINE_BYTES)), []);
}

#[test]
fn a_field_line() {
    let request = |length: usize| format!("GET /cb HTTP/1.1\r\n{HOST}Cookie: {}\r\n\r\n", "c".repeat(length - 8));
    assert!(matches!(&all(&request(MAX_LINE_BYTES))[..], [Out::Redirect(_)]));
    assert_eq!(all(&request(MAX_LINE_BYTES + 1)), [Out::Closed(431)]);
}

#[test]
fn the_head() {
    let request = |length: usize| {
        let mut head = format!("GET /cb HTTP/1.1\r\n{HOST}");
        while length - head.len() > 60_000 {
            write!(head, "Cookie: {}\r\n", "c".repeat(50_000)).unwrap();
        }
        let rest = length - head.len() - "Cookie: \r\n\r\n".len();
        format!("{head}Cookie: {}\r\n\r\n", "c".repeat(rest))
    };
    assert_eq!(request(MAX_HEAD_BYTES).len(), MAX_HEAD_BYTES);
    assert!(matches!(&all(&request(MAX_HEAD_BYTES))[..], [Out::Redirect(_)]));
    assert_eq!(all(&request(MAX_HEAD_BYTES + 1)), [Out::Closed(431)]);
    // Each request has the limit for itself.
    let icons = format!("GET /favicon.ico HTTP/1.1\r\n{HOST}Cookie: {}\r\n\r\n", "c".repeat(60_000)).repeat(6);
    assert_eq!(all(&icons), [(); 6].map(|()| Out::Open(404)));
}

#[test]
fn many_short_fields() {
    let (one, start) = ("a:\r\n", format!("GET /cb HTTP/1.1\r\n{HOST}"));
    let request = |count: usize| format!("{start}{}\r\n", one.repeat(count));
    let most = (MAX_HEAD_BYTES - start.len() - 2) / one.len();
    assert!(matches!(&all(&request(most))[..], [Out::Redirect(_)]));
    assert_eq!(all(&request(most + 1)), [Out::Closed(431)]);
    assert_eq!(all(&"\r\n".repeat(MAX_HEAD_BYTES)), [Out::Closed(431)], "empty lines before the request count");
}

#[test]
fn the_body() {
    let post = |length: &str| format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: {length}\r\n\r\n");
    let body = "b".repeat(MAX_BODY_BYTES);
    let request = post(&MAX_BODY_BYTES.to_string()) + &body;
    assert_eq!(all(&request), [Out::Redirect(format!("http://127.0.0.1:51004/cb?{body}"))]);
    for length in [
        (MAX_BODY_BYTES + 1).to_string(),
        u64::MAX.to_string(),
        "18446744073709551616".into(),
        "9".repeat(50_000),
        ["1", &"0".repeat(70)].concat(),
    ] {
        assert_eq!(all(&post(&length)), [Out::Closed(413)]);
    }
    assert_eq!(
        all(&(post("0000000000000000000000000000004") + "a=b&")),
        [Out::Redirect("http://127.0.0.1:51004/cb?a=b&".into())]
    );
}
