//! Well-formed requests: which are handed over, and how the others are answered.

use super::{all, all_at, field, outs, redirected, Out, FORM, HOST, REDIRECT_URI};

const URL: &str = "http://127.0.0.1:51004/cb?code=C1&state=S1";

#[test]
fn a_browser_s_redirect() {
    let chromium = "GET /cb?code=C1&state=S1 HTTP/1.1\r\nHost: 127.0.0.1:51004\r\nConnection: keep-alive\r\n\
                    sec-ch-ua: \"Chromium\";v=\"140\"\r\nUpgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11)\r\n\
                    Accept: text/html,*/*;q=0.8\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n\
                    Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: de\tn\r\nCookie: a=b; c=\u{e4}\r\n\r\n";
    assert_eq!(all(chromium), redirected(URL));
}

#[test]
fn a_query_is_handed_over_as_it_is() {
    for query in
        ["", "?", "??", "?a", "?code=a%20b+c&&=%", "?code='|{}[]^`\\\"<>&x=/../?:@", "?state=S1&state=S2", "?error=x"]
    {
        let request = format!("GET /cb{query} HTTP/1.1\r\n{HOST}\r\n");
        assert_eq!(all(request), redirected(&format!("http://127.0.0.1:51004/cb{query}")));
    }
}

#[test]
fn absolute_targets() {
    for target in ["http://127.0.0.1:51004/cb?a", "HTTP://127.0.0.1:51004/cb?a"] {
        let request = format!("GET {target} HTTP/1.1\r\n{HOST}\r\n");
        assert_eq!(all(request), redirected("http://127.0.0.1:51004/cb?a"));
    }
    for target in ["http://evil:51004/cb?a", "https://127.0.0.1:51004/cb?a", "http://127.0.0.1:51004@evil/cb?a"] {
        assert_eq!(all(format!("GET {target} HTTP/1.1\r\n{HOST}\r\n")), [Out::Closed(421)], "{target}");
    }
    // Both count: the target is ours, `Host` is another's.
    assert_eq!(all("GET http://127.0.0.1:51004/cb?a HTTP/1.1\r\nHost: evil\r\n\r\n"), [Out::Closed(421)]);
}

#[test]
fn other_forms_of_target() {
    assert_eq!(all(format!("OPTIONS * HTTP/1.1\r\n{HOST}\r\n")), [Out::Closed(405)]);
    assert_eq!(all(format!("CONNECT 127.0.0.1:51004 HTTP/1.1\r\n{HOST}\r\n")), [Out::Closed(405)]);
    assert_eq!(all(format!("GET * HTTP/1.1\r\n{HOST}\r\n")), [Out::Closed(400)]);
    assert_eq!(all(format!("GET cb HTTP/1.1\r\n{HOST}\r\n")), [Out::Closed(400)]);
}

#[test]
fn other_paths() {
    for path in [
        "/",
        "/favicon.ico",
        "/.well-known/appspecific/com.chrome.devtools.json",
        "/cb/",
        "/CB",
        "/c%62",
        "//cb",
        "/cb;x",
    ] {
        assert_eq!(all(format!("GET {path}?code=C1&state=S1 HTTP/1.1\r\n{HOST}\r\n")), [Out::Open(404)], "{path}");
    }
}

#[test]
fn other_hosts() {
    // The names of DNS rebinding, of another port, and none of them in another case.
    for host in [
        "evil.example",
        "evil.example:51004",
        "localhost:51004",
        "127.0.0.1",
        "127.0.0.1:51005",
        "[::1]:51004",
        "",
        " ",
    ] {
        for path in ["/cb?code=C1&state=S1", "/favicon.ico"] {
            assert_eq!(all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")), [Out::Closed(421)], "{host}");
        }
    }
}

#[test]
fn the_host_of_the_redirect_uri() {
    for (redirect_uri, host, url) in [
        ("http://localhost:8080/cb", "LOCALHOST:8080", "http://localhost:8080/cb?a"),
        ("http://LocalHost:8080/cb", "localhost:8080", "http://LocalHost:8080/cb?a"),
        ("http://[::1]:8080/cb", "[::1]:8080", "http://[::1]:8080/cb?a"),
        ("http://127.0.0.1/cb", "127.0.0.1", "http://127.0.0.1/cb?a"),
        ("http://127.0.0.1:80/cb", "127.0.0.1", "http://127.0.0.1:80/cb?a"),
        ("http://127.0.0.1:80/cb?tenant=1", "127.0.0.1:80", "http://127.0.0.1:80/cb?a"),
    ] {
        assert_eq!(all_at(redirect_uri, format!("GET /cb?a HTTP/1.1\r\nhost:{host}\r\n\r\n")), redirected(url));
    }
    assert_eq!(
        all_at("http://localhost:8080/cb", "GET /cb HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"),
        [Out::Closed(421)]
    );
}

#[test]
fn blanks_around_values() {
    for blanks in ["", " ", "\t", " \t "] {
        let field = |name: &str, value: &str| format!("{name}:{blanks}{value}{blanks}\r\n");
        let fields = [
            field("Host", "127.0.0.1:51004"),
            field("Content-Type", "application/x-www-form-urlencoded"),
            field("Content-Length", "4"),
            field("Expect", "100-continue"),
            field("Connection", "close"),
        ];
        let outs = all(format!("POST /cb HTTP/1.1\r\n{}\r\na=b&GET", fields.concat()));
        assert_eq!(outs, [Out::Open(100), Out::Redirect("http://127.0.0.1:51004/cb?a=b&".into())], "{blanks:?}");
    }
}

#[test]
fn a_head_request_gets_the_head() {
    let of = |method| outs(REDIRECT_URI, [format!("{method} /cb?a HTTP/1.1\r\n{HOST}\r\n").as_bytes()]);
    let ((outs, written), (_, whole)) = (of("HEAD"), of("GET"));
    assert_eq!(outs, redirected("http://127.0.0.1:51004/cb?a"));
    assert_eq!(whole, [written.as_slice(), b"<p>Test"].concat());
    assert_eq!(field(&written, "Content-Length"), Some("7"));
    for (request, out) in [
        (format!("HEAD /other HTTP/1.1\r\n{HOST}\r\n"), Out::Open(404)),
        ("HEAD /cb HTTP/1.1\r\nHost: evil\r\n\r\n".into(), Out::Closed(421)),
        ("HEAD /cb HTTP/1.1\r\nA : b\r\n".into(), Out::Closed(400)),
        (format!("HEAD /cb HTTP/1.1\r\n{}", "a:\r\n".repeat(80_000)), Out::Closed(431)),
    ] {
        let (outs, written) = super::outs(REDIRECT_URI, [request.as_bytes()]);
        assert_eq!((outs, super::body(&written)), (vec![out], ""), "RFC 9110 §9.3.2");
    }
}

#[test]
fn other_methods() {
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "M-SEARCH", "!"] {
        let request = format!("{method} /cb?code=C1 HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nbody");
        let (outs, written) = super::outs(REDIRECT_URI, [request.as_bytes()]);
        assert_eq!((outs, field(&written, "Allow")), (vec![Out::Closed(405)], Some("GET, HEAD, POST")), "{method}");
        // A page of another origin learns nothing, and is not let in by a preflight.
        assert!(!super::head(&written).to_ascii_lowercase().contains("access-control"));
    }
}

fn post(fields: &str, body: &str) -> Vec<Out> {
    all(format!("POST /cb HTTP/1.1\r\n{HOST}{fields}\r\n{body}"))
}

#[test]
fn a_form_post() {
    let length = "Content-Length: 18\r\n";
    for media_type in ["", "; charset=UTF-8", " ;x"] {
        let fields = format!("{}{media_type}\r\nOrigin: null\r\n{length}", FORM.trim_end());
        assert_eq!(post(&fields, "code=C1&state=S1#x"), redirected("http://127.0.0.1:51004/cb?code=C1&state=S1%23x"));
    }
    assert_eq!(post(&format!("{FORM}Content-Length: 0\r\n"), ""), redirected("http://127.0.0.1:51004/cb?"));
    let own_query = format!("POST /cb?tenant=1 HTTP/1.1\r\n{HOST}{FORM}Content-Length: 6\r\n\r\ncode=C");
    assert_eq!(
        all_at("http://127.0.0.1:51004/cb?tenant=1", own_query),
        redirected("http://127.0.0.1:51004/cb?tenant=1&code=C")
    );
}

#[test]
fn a_form_post_that_is_refused() {
    let length = "Content-Length: 4\r\n";
    for (fields, status) in [
        (FORM.to_owned(), 411),
        (format!("{FORM}Transfer-Encoding: chunked\r\n"), 411),
        (length.to_owned(), 415),
        (format!("Content-Type: multipart/form-data\r\n{length}"), 415),
        (format!("Content-Type: text/plain; application/x-www-form-urlencoded\r\n{length}"), 415),
        (format!("Content-Type: application/x-www-form-urlencodedx\r\n{length}"), 415),
        (format!("{FORM}{length}Expect: 200-ok\r\n"), 417),
        (format!("{FORM}{length}Expect: 100-continue\r\nExpect: x\r\n"), 417),
        (format!("{FORM}{length}Expect: x\r\nExpect: 100-continue\r\n"), 417),
    ] {
        assert_eq!(post(&fields, "a=b&"), [Out::Closed(status)], "{fields}");
    }
    let not_text =
        [format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: 4\r\n\r\na=").as_bytes(), b"\xff\xfe"].concat();
    assert_eq!(all(not_text), [Out::Closed(400)]);
    assert_eq!(all(format!("POST /other HTTP/1.1\r\n{HOST}{FORM}{length}\r\nbody")), [Out::Closed(404)]);
}

#[test]
fn expect_continue() {
    let fields = format!("{FORM}Content-Length: 4\r\nExpect: 100-Continue\r\n");
    let url = || Out::Redirect("http://127.0.0.1:51004/cb?a=b&".to_owned());
    assert_eq!(post(&fields, "a=b&"), [Out::Open(100), url()]);
    assert_eq!(post(&fields, ""), [Out::Open(100)], "the body is asked for before it comes");
    // RFC 9110 §10.1.1: not in HTTP/1.0, and not without a body.
    let old = format!("POST /cb HTTP/1.0\r\n{HOST}{fields}\r\na=b&");
    assert_eq!(all(old), [url()]);
    assert_eq!(
        all(format!("GET /cb HTTP/1.1\r\n{HOST}Expect: 100-continue\r\n\r\n")),
        redirected("http://127.0.0.1:51004/cb")
    );
    let old = format!("POST /cb HTTP/1.0\r\n{HOST}{FORM}Content-Length: 4\r\nExpect: x\r\n\r\na=b&");
    assert_eq!(all(old), [url()]);
    let refused = format!("POST /cb HTTP/1.1\r\n{HOST}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(all(refused), [Out::Closed(415)], "a body that is refused is not asked for");
}
