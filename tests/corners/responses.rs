//! Content types, and redirects of an API.

use oauth_proto::bearer::{follow, Follow};
use oauth_proto::token::parse_response;
use oauth_proto::Response;

use crate::at;

const TOKENS: &[u8] = br#"{"access_token":"A","token_type":"Bearer"}"#;

#[test]
fn every_value_of_a_content_type_must_be_json() {
    for (content_type, is_json) in [
        ("application/json, application/json", true),
        ("application/vnd.example+json", true),
        ("application/json, text/html", false),
        ("text/html, application/json", false),
        ("+json", false),
        ("application/+json", false),
        ("json", false),
        ("", false),
    ] {
        let headers = [("Content-Type", content_type)];
        let outcome = parse_response(&Response::new(200, &headers, TOKENS), at(0)).map(|_| ()).map_err(|e| e.code());
        assert_eq!(outcome, if is_json { Ok(()) } else { Err("unexpected_content_type") }, "{content_type}");
    }
}

#[cfg(feature = "http")]
#[test]
fn a_header_that_cannot_be_read_is_there_all_the_same() {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_bytes(b"text/html; title=\xe9").unwrap());
    let error = parse_response(&Response::new(200, &headers, TOKENS), at(0)).unwrap_err();
    assert_eq!(error.code(), "unexpected_content_type");
}

#[test]
fn a_redirect_of_an_api_keeps_no_fragment_and_takes_no_user_information() {
    let from = "https://api.example.com/me";
    assert_eq!(follow(from, true, Some("https://u:p@api.example.com/x")), Follow::No);
    let same = Follow::Yes { url: "https://api.example.com/x".into(), authorization: true };
    assert_eq!(follow(from, true, Some("/x#frag")), same);
    let elsewhere = Follow::Yes { url: "https://cdn.example.net/x".into(), authorization: false };
    assert_eq!(follow(from, true, Some("https://cdn.example.net/x#frag")), elsewhere);
}
