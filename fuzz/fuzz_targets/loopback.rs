// Invariant: a URL is handed over only from a request that a simple reader reads in the same way, with the redirect URI's `Host`;
// how the octets are split makes no difference; no answer contains anything of the request.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use oauth_proto::loopback::{Page, Receiver, Step};
use oauth_proto::redirect::RedirectUri;

/// The first octet selects the redirect URI, the second the size of the pieces; the rest is what the connection brings.
const REDIRECT_URIS: [(&str, &str, &str); 3] = [
    ("http://127.0.0.1:51004/cb", "127.0.0.1:51004", "/cb"),
    ("http://[::1]:51004", "[::1]:51004", "/"),
    ("http://localhost/cb?tenant=1", "localhost", "/cb"),
];

/// What came out.
#[derive(Debug, PartialEq)]
enum Out {
    /// A URL, and where its request begins and ends.
    Redirect(String, Range<usize>),
    Answer(Vec<u8>),
}

fuzz_target!(|data: &[u8]| {
    let [choice, size, octets @ ..] = data else { return };
    let (redirect_uri, host, path) = REDIRECT_URIS[usize::from(*choice) % REDIRECT_URIS.len()];
    let receiver = Receiver::new(&RedirectUri::new(redirect_uri).unwrap()).unwrap();
    let outs = run(&receiver, octets, octets.len().max(1));
    assert_eq!(outs, run(&receiver, octets, usize::from(*size).max(1)), "another split, another result");
    for out in &outs {
        match out {
            Out::Redirect(url, place) => assert_eq!(*url, read(&octets[place.clone()], host, path)),
            Out::Answer(answer) => check(answer),
        }
    }
});

fn run(receiver: &Receiver, octets: &[u8], size: usize) -> Vec<Out> {
    let (mut connection, mut outs, mut begin, mut taken) = (receiver.connection(), Vec::new(), 0, 0);
    for piece in octets.chunks(size) {
        let mut rest = piece;
        loop {
            let before = rest.len();
            let step = connection.receive(&mut rest);
            taken += before - rest.len();
            let answer = match step {
                Step::NeedMore => {
                    assert!(rest.is_empty());
                    break;
                }
                Step::Answer(answer) => answer,
                Step::Redirect(url) => {
                    outs.push(Out::Redirect(url.to_string(), begin..taken));
                    connection.answer(&Page::not_awaited())
                }
            };
            let closes = answer.closes();
            if !answer.octets().starts_with(b"HTTP/1.1 100 ") {
                begin = taken;
            }
            outs.push(Out::Answer(answer.into_octets()));
            if closes {
                return outs;
            }
        }
    }
    outs
}

/// The URL that a request says, read by string functions alone.
fn read(request: &[u8], host: &str, path: &str) -> String {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.trim_start_matches("\r\n").split_once("\r\n\r\n").expect("a whole head");
    let mut lines = head.split("\r\n");
    let start: Vec<_> = lines.next().unwrap().split(' ').collect();
    let [method, target, version] = start[..] else { panic!("three parts") };
    let fields: Vec<_> = lines.map(|line| line.split_once(':').expect("a field")).collect();
    let values = |name: &str| -> Vec<String> {
        let named = fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim().to_ascii_lowercase()).collect()
    };
    assert!(head.chars().all(|c| "\r\n\t".contains(c) || !c.is_ascii_control()));
    assert_eq!(head.matches(['\r', '\n']).count(), 2 * head.matches("\r\n").count());
    assert!(fields.iter().all(|(name, _)| !name.is_empty() && !name.contains([' ', '\t'])));

    let own: &[String] = &[host.to_owned(), format!("{host}:80"), format!("{host}:")];
    let own = if host.ends_with(":51004") { &own[..1] } else { own };
    match &values("host")[..] {
        [one] => assert!(own.contains(one), "{one}"),
        hosts => assert!(hosts.is_empty() && version == "HTTP/1.0"),
    }
    let rest = if target.starts_with('/') {
        target
    } else {
        let (scheme, rest) = target.split_once("://").expect("an absolute target");
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        assert!(scheme.eq_ignore_ascii_case("http") && own.contains(&authority.to_ascii_lowercase()));
        rest
    };
    let written = rest.split('?').next().unwrap();
    assert!(written == path || written.is_empty() && path == "/");

    assert!(values("transfer-encoding").is_empty());
    match &values("content-length")[..] {
        [length] => assert_eq!(length.parse(), Ok(body.len())),
        lengths => assert!(lengths.is_empty() && body.is_empty()),
    }
    let url = format!("http://{host}{rest}");
    match method {
        "GET" | "HEAD" => url,
        "POST" => {
            assert!(values("content-type")[0].starts_with("application/x-www-form-urlencoded"));
            format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, body.replace('#', "%23"))
        }
        _ => panic!("another method"),
    }
}

/// An answer is framed, and says nothing of the request.
fn check(answer: &[u8]) {
    let answer = std::str::from_utf8(answer).expect("pages are text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 ") && !answer.contains("CANARY"));
    if head != "HTTP/1.1 100 Continue" {
        let length = head.split("Content-Length: ").nth(1).expect("a length");
        assert!(body.is_empty() || length == body.len().to_string());
    }
}
