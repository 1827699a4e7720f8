//! What breaks HTTP, or is read in different ways by different servers: refused, and the connection closed.

use super::{all, Out, FORM, HOST};

fn refused(request: impl AsRef<[u8]>, status: u16, rule: &str) {
    let text = String::from_utf8_lossy(request.as_ref()).into_owned();
    assert_eq!(all(request), [Out::Closed(status)], "{rule}: {text}");
}

#[test]
fn start_lines() {
    for line in [
        "GET /cb",
        "GET",
        "",
        " ",
        "GET  /cb HTTP/1.1",
        "GET /cb  HTTP/1.1",
        " GET /cb HTTP/1.1",
        "GET /cb HTTP/1.1 ",
        "GET /cb HTTP/1.1 x",
        "GET /cb http/1.1",
        "GET /cb HTTP/11",
        "GET /cb HTTP/1.",
        "GET /cb HTTP/1.10",
        "GET /cb XTTP/1.1",
        "G(T /cb HTTP/1.1",
        "GET /cb#f HTTP/1.1",
        "SSH-2.0-OpenSSH_9.9",
        "EHLO mail",
    ] {
        // An empty line is skipped (RFC 9112 §2.2); then the first field is taken for the start line.
        refused(format!("{line}\r\n{HOST}\r\n"), 400, "RFC 9112 §3");
    }
    for version in ["2.0", "0.9", "1.2", "3.0"] {
        refused(format!("GET /cb HTTP/{version}\r\n{HOST}\r\n"), 505, "RFC 9110 §15.6.6");
    }
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "the preface of HTTP/2");
    for octet in (0..=0x1f).chain(0x7f..=0xff).filter(|octet| *octet != b'\r') {
        refused([b"GET /cb?a=", &[octet][..], b" HTTP/1.1\r\n"].concat(), 400, "RFC 9112 §3.2");
    }
}

#[test]
fn what_is_no_http_is_refused_at_its_first_octets() {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    refused(&hello[..1], 400, "TLS: no more is awaited");
    refused(hello, 400, "TLS");
    refused(b"\x00", 400, "NUL");
    refused(b"\x80.\x01", 400, "SSLv2");
    refused(b"\x05\x01\x00", 400, "SOCKS");
}

#[test]
fn ends_of_lines() {
    for request in [
        format!("GET /cb HTTP/1.1\n{HOST}\r\n"),
        format!("GET /cb HTTP/1.1\r\nA: b\n{HOST}\r\n"),
        format!("GET /cb HTTP/1.1\r\n{HOST}\n"),
        format!("\nGET /cb HTTP/1.1\r\n{HOST}\r\n"),
        format!("GET /cb\r HTTP/1.1\r\n{HOST}\r\n"),
        format!("GET /cb HTTP/1.1\r\nA: b\rc\r\n{HOST}\r\n"),
        format!("GET /cb HTTP/1.1\r\r\n{HOST}\r\n"),
        format!("GET /cb HTTP/1.1\r\n{HOST}\r\r\n"),
        format!("GET /cb HTTP/1.1\r\nA: b\0c\r\n{HOST}\r\n"),
    ] {
        refused(request, 400, "RFC 9112 §2.2, RFC 9110 §5.5");
    }
    for octet in (0..=0x1f).chain([0x7f]).filter(|octet| !b"\t\r".contains(octet)) {
        refused([b"GET /cb HTTP/1.1\r\nA: b", &[octet][..], b"c\r\n"].concat(), 400, "RFC 9110 §5.5");
    }
}

#[test]
fn fields() {
    for (field, rule) in [
        ("Host : 127.0.0.1:51004\r\n", "RFC 9112 §5.1"),
        ("A : b\r\n", "RFC 9112 §5.1"),
        ("A\t: b\r\n", "RFC 9112 §5.1"),
        ("A: b\r\n c\r\n", "RFC 9112 §5.2"),
        ("A: b\r\n\tc: d\r\n", "RFC 9112 §5.2"),
        (" A: b\r\n", "RFC 9112 §2.2"),
        (": b\r\n", "RFC 9110 §5.1"),
        ("A\r\n", "RFC 9112 §5"),
        ("A(: b\r\n", "RFC 9110 §5.1"),
        ("\u{e4}: b\r\n", "RFC 9110 §5.1"),
        (HOST, "RFC 9112 §3.2: a second one"),
        ("Host: evil\r\n", "RFC 9112 §3.2: a second one"),
    ] {
        for head in [format!("{HOST}{field}"), format!("{field}{HOST}")] {
            refused(format!("GET /cb HTTP/1.1\r\n{head}\r\n"), 400, rule);
        }
    }
    refused("GET /cb HTTP/1.1\r\n\r\n", 400, "RFC 9112 §3.2: no Host");
    refused("GET /cb HTTP/1.1\r\nX-Host: 127.0.0.1:51004\r\n\r\n", 400, "RFC 9112 §3.2: no Host");
}

#[test]
fn framing() {
    for lengths in [
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: \r\n",
        "Content-Length: +4\r\n",
        "Content-Length: -4\r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length: 4 4\r\n",
        "Content-Length: 4;\r\n",
        "Content-Length: 4.0\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nTransfer-Encoding:\r\n",
        "Content-Length: 4\r\nContent-Type: text/plain\r\n",
    ] {
        refused(format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}{lengths}\r\na=b&"), 400, "RFC 9112 §6.1, §6.3");
    }
    for fields in ["Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"] {
        for method in ["GET", "HEAD"] {
            refused(format!("{method} /cb HTTP/1.1\r\n{HOST}{fields}\r\nx"), 400, "RFC 9110 §9.3.1");
        }
    }
}
