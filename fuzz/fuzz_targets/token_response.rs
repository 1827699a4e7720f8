// Invariant: tokens are accepted only from a successful response that is not a web page, whose body another parser reads as an
// object with exactly these tokens and no error.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use oauth_proto::token::{parse_response, TokenResponse, MAX_TOKEN_BYTES};
use oauth_proto::{Response, UnixTime};
use serde_json::value::RawValue;

/// The first octet selects the status, the second the headers; the rest is the body.
const STATUSES: [u16; 14] = [200, 400, 401, 429, 503, 500, 302, 307, 201, 403, 0, 999, 304, 204];
const HEADERS: [&[(&str, &str)]; 8] = [
    &[("Content-Type", "application/json")],
    &[("Content-Type", "application/json;charset=UTF-8"), ("Retry-After", "30")],
    &[],
    &[("Content-Type", "text/html"), ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")],
    &[("content-type", "application/vnd.example+json"), ("Date", "Sun, 06 Nov 1994 08:49:07 GMT")],
    &[("Content-Type", "application/json-seq"), ("Retry-After", "-1")],
    &[("Content-Type", "text/plain; charset=utf-8"), ("Location", "/token")],
    &[("Content-Type", "application/x-www-form-urlencoded")],
];

fuzz_target!(|data: &[u8]| {
    let [status, headers, body @ ..] = data else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let headers = usize::from(*headers) % HEADERS.len();
    let response = Response::new(status, HEADERS[headers], body);
    match parse_response(&response, UnixTime::from_secs(1_000)) {
        Ok(tokens) => {
            assert!((200..=299).contains(&status) && ![3, 5, 7].contains(&headers));
            accepted(body, &tokens);
        }
        Err(error) => {
            assert!(error.is_fatal(), "an answer of the token endpoint is never just ignored");
            assert!(!error.to_string().is_empty());
        }
    }
});

fn accepted(body: &[u8], tokens: &TokenResponse<'_>) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).unwrap();
    let text = |name: &str| -> Option<String> { serde_json::from_str::<Option<_>>(body.get(name)?.get()).unwrap() };
    assert_eq!(text("access_token").as_deref(), Some(tokens.access_token()));
    assert!(text("token_type").unwrap().eq_ignore_ascii_case("bearer"));
    assert!(body.get("error").is_none_or(|error| error.get() == "null"));
    for (name, token) in [("refresh_token", tokens.refresh_token()), ("id_token", tokens.id_token())] {
        assert_eq!(text(name).as_deref().filter(|token| !token.is_empty()), token);
    }
    for token in [Some(tokens.access_token()), tokens.refresh_token(), tokens.id_token()].into_iter().flatten() {
        assert!(!token.is_empty() && token.bytes().all(|octet| (0x20..=0x7e).contains(&octet)));
    }
    for text in [Some(tokens.access_token()), tokens.refresh_token(), tokens.scope()].into_iter().flatten() {
        assert!(text.len() <= MAX_TOKEN_BYTES);
    }
    assert_eq!(tokens.access_token().trim(), tokens.access_token(), "it goes into a header");
    assert!(tokens.expires_in().is_none_or(|seconds| seconds <= TokenResponse::MAX_EXPIRES_IN));
}
