//! Response headers, in the forms in which HTTP stacks have them.

use std::collections::BTreeMap;

use oauth_proto::token::parse_response;
use oauth_proto::{Headers, Response};

use crate::at;

/// Every form is read by the same rules: names in any case, the first of several values, nothing for a name that is not there.
#[track_caller]
fn check<'a>(headers: impl Into<Headers<'a>>) {
    let response = Response::new(200, headers, b"");
    assert_eq!(response.header("CONTENT-type"), Some("application/json"));
    assert_eq!(response.header("x"), Some("1"));
    assert_eq!(response.header("content"), None);
}

fn owned<V>(value: impl Fn(&str) -> V) -> [(String, V); 3] {
    [("Content-Type", "application/json"), ("x", "1"), ("X", "2")].map(|(name, text)| (name.to_owned(), value(text)))
}

#[test]
fn slices_arrays_and_vectors_of_text_and_of_octets() {
    let text = [("Content-Type", "application/json"), ("x", "1"), ("X", "2")];
    check(&text);
    check(text.as_slice());
    check(&text.to_vec());
    let octets = text.map(|(name, value)| (name, value.as_bytes()));
    check(&octets);
    check(octets.as_slice());
    check(&octets.to_vec());
    let text = owned(str::to_owned);
    check(&text);
    check(text.as_slice());
    check(&text.to_vec());
    let octets = owned(|text| text.as_bytes().to_vec());
    check(&octets);
    check(octets.as_slice());
    check(&octets.to_vec());
    check(Headers::from(&octets));
}

/// Names that live for ever, and values that do not.
fn of(value: &str) -> impl Iterator<Item = (&'static str, &str)> {
    [("content-type", value), ("X", "1")].into_iter()
}

#[test]
fn whatever_can_be_iterated_over() {
    let text = owned(str::to_owned);
    check(Headers::from_fn(&|| text.iter().map(|(name, value)| (name, value))));
    let mixed = || text.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    check(Headers::from_fn(&mixed));
    let map: BTreeMap<_, _> = owned(|text| text.as_bytes().to_vec()).into_iter().take(2).collect();
    check(Headers::from_fn(&|| map.iter()));
    let local = String::from("application/json");
    check(Headers::from_fn(&|| of(&local)));
}

#[test]
fn none_at_all() {
    assert_eq!(Response::new(200, Headers::NONE, b"").header("x"), None);
    assert_eq!(Response::new(200, &Vec::<(String, String)>::new(), b"").header("x"), None);
    assert_eq!(Response::new(200, Headers::from_fn(&std::iter::empty::<(&str, &str)>), b"").header("x"), None);
}

/// It is not taken for one that is not there: an answer without a content type is read, one of an unknown type is not.
#[test]
fn a_value_that_is_not_utf_8_is_there_and_reads_as_empty() {
    const BODY: &[u8] = br#"{"access_token":"A","token_type":"Bearer"}"#;
    #[track_caller]
    fn check<'a>(headers: impl Into<Headers<'a>>) {
        let response = Response::new(200, headers, BODY);
        assert_eq!((response.header("content-type"), response.header("x")), (Some(""), Some("\u{e9}")));
        assert_eq!(parse_response(&response, at(0)).unwrap_err().code(), "unexpected_content_type");
    }
    let octets = [("Content-Type", &b"application/json; \xff"[..]), ("x", "\u{e9}".as_bytes())];
    check(&octets);
    check(&octets.map(|(name, value)| (name.to_owned(), value.to_vec())));
    check(Headers::from_fn(&|| octets.iter().copied()));
    #[cfg(feature = "http")]
    {
        let mut map = http::HeaderMap::new();
        for (name, value) in octets {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, http::HeaderValue::from_bytes(value).unwrap());
        }
        check(&map);
        check(Headers::from_fn(&|| map.iter()));
    }
}

/// So that an answer can be held across an `await`, and headers for ever serve where others do for a while.
#[test]
fn headers_go_from_thread_to_thread() {
    fn check<T: Send + Sync + Copy>(_: T) {}
    check(Headers::NONE);
    let for_a_while = String::from("x");
    let mut headers = Headers::NONE;
    assert_eq!(Response::new(200, headers, b"").header("x"), None);
    let list = [(for_a_while.as_str(), "1")];
    headers = Headers::from(&list);
    assert_eq!(Response::new(200, headers, b"").header("x"), Some("1"));
}
