//! The receiver for redirects on loopback: what a browser may send and what anybody may, the answers octet for octet, and the
//! pages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod connections;
mod limits;
mod logins;
mod malformed;
mod pages;
mod properties;
mod requests;
mod sockets;

use oauth_proto::loopback::{Answer, Connection, Page, Receiver, Step};
use oauth_proto::redirect::RedirectUri;

const REDIRECT_URI: &str = "http://127.0.0.1:51004/cb";
const HOST: &str = "Host: 127.0.0.1:51004\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// What came out of a connection.
#[derive(Clone, Debug, PartialEq)]
enum Out {
    /// This URL was handed over, and answered with the test's page.
    Redirect(String),
    /// This status was answered, and the connection stays open.
    Open(u16),
    /// This status was answered, and the connection closes.
    Closed(u16),
}

fn receiver(redirect_uri: &str) -> Receiver {
    Receiver::new(&RedirectUri::new(redirect_uri).unwrap()).unwrap()
}

fn page() -> Page {
    Page::html(200, "<p>Test").unwrap()
}

/// Feeds what was read at once, and answers redirects, until more is needed or the connection closes. Whether it closes is
/// returned with what came out; the octets written are appended.
fn feed(connection: &mut Connection, mut octets: &[u8], outs: &mut Vec<Out>, written: &mut Vec<u8>) -> bool {
    loop {
        let before = octets.len();
        let answer = match connection.receive(&mut octets) {
            Step::NeedMore => {
                assert!(octets.is_empty(), "it needs more, and left some");
                return false;
            }
            Step::Answer(answer) => {
                outs.push(if answer.closes() { Out::Closed(status(&answer)) } else { Out::Open(status(&answer)) });
                answer
            }
            Step::Redirect(url) => {
                outs.push(Out::Redirect(url.to_string()));
                connection.answer(&page())
            }
        };
        assert!(octets.len() <= before);
        written.extend_from_slice(answer.octets());
        if answer.closes() {
            return true;
        }
    }
}

/// Everything that comes out of a connection on which these pieces arrive.
fn outs<'a>(redirect_uri: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Out>, Vec<u8>) {
    let (mut connection, mut outs, mut written) = (receiver(redirect_uri).connection(), Vec::new(), Vec::new());
    for piece in pieces {
        if feed(&mut connection, piece, &mut outs, &mut written) {
            break;
        }
    }
    (outs, written)
}

/// The same for one piece, which is also fed octet by octet: nothing may differ.
fn all(request: impl AsRef<[u8]>) -> Vec<Out> {
    all_at(REDIRECT_URI, request)
}

fn all_at(redirect_uri: &str, request: impl AsRef<[u8]>) -> Vec<Out> {
    let whole = outs(redirect_uri, [request.as_ref()]);
    let octets = outs(redirect_uri, request.as_ref().chunks(1));
    assert_eq!(whole, octets, "{}", String::from_utf8_lossy(request.as_ref()));
    whole.0
}

fn redirected(url: &str) -> Vec<Out> {
    vec![Out::Redirect(url.to_owned())]
}

fn status(answer: &Answer) -> u16 {
    head(answer.octets()).lines().next().and_then(|line| line.split(' ').nth(1)).map_or(0, |code| code.parse().unwrap())
}

fn head(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap().split("\r\n\r\n").next().unwrap()
}

fn body(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap().split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn field<'a>(octets: &'a [u8], name: &str) -> Option<&'a str> {
    head(octets)
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}
