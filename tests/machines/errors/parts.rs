//! Errors of the parts: `EntropyError`, `BearerError`, `InvalidVerifier`, `MalformedChallenge`, `Unfit`.

use oauth_proto::challenge::{parse, MalformedChallenge, MAX_LINE_BYTES};
use oauth_proto::pkce::{CodeVerifier, InvalidVerifier};
use oauth_proto::{Access, BearerError, Entropy, EntropyError, Secret, Session, Tokens, Unfit};

use super::helps;
use crate::support::{at, client};

#[test]
fn entropy_repeated() {
    let parts = |first: u8, second: u8, third: u8| [[first; 32], [second; 32], [third; 32]].concat();
    for octets in [parts(1, 1, 2), parts(1, 2, 1), parts(2, 1, 1), parts(0, 0, 0)] {
        let error = Entropy::new(octets.try_into().unwrap()).unwrap_err();
        assert_eq!((error, error.code()), (EntropyError::Repeated, "entropy_repeated"));
        helps(&error, &["96 octets", "secure random number generator"]);
    }
    assert!(Entropy::new(parts(1, 2, 3).try_into().unwrap()).is_ok());
}

/// No operating system here lacks randomness, so this one is only read.
#[test]
fn entropy_unavailable() {
    assert_eq!(EntropyError::Unavailable.code(), "entropy_unavailable");
    helps(&EntropyError::Unavailable, &["operating system", "Entropy::new"]);
}

#[test]
fn entropy_length() {
    let octets: Vec<u8> = (0..=96).collect();
    for wrong in [&octets[..0], &octets[..95], &octets] {
        let error = Entropy::try_from(wrong).unwrap_err();
        assert_eq!((error, error.code()), (EntropyError::Length, "entropy_length"));
        helps(&error, &["96", "secure random number generator"]);
    }
    assert!(Entropy::try_from(&octets[..96]).is_ok());
    assert_eq!(Entropy::try_from([7; 96].as_slice()).unwrap_err(), EntropyError::Repeated);
}

fn authorization(token: &str, url: &str, headers: &[&str]) -> Result<String, BearerError> {
    let mut session = Session::new(client(), Tokens::from_parts(Secret::new(token), None, None, "read"));
    let Access::Ready(bearer) = session.access(at(0)) else { panic!("no token") };
    let mut headers = bearer.headers("GET", url)?.beside(headers)?;
    let (name, value) = headers.next().expect("one header");
    assert_eq!((name, headers.next().is_none()), ("authorization", true));
    Ok(value.as_str().to_owned())
}

#[track_caller]
fn check(result: Result<String, BearerError>, expected: BearerError, code: &str, words: &[&str]) {
    let error = result.expect_err("a header was made");
    assert_eq!((error, error.code()), (expected, code));
    helps(&error, words);
}

/// A token that no header takes is refused when it comes, so that none is ever handed out.
#[test]
fn a_token_that_no_header_takes_is_not_handed_out() {
    for token in ["", " ", " AT", "AT ", "A\tT", "AT\r\nHost: evil", "AT\u{e9}", "AT\u{7f}", "AT\0"] {
        let tokens = Tokens::from_parts(Secret::new(token), Some(Secret::new("RT")), None, "read");
        let mut session = Session::new(client(), tokens);
        assert!(matches!(session.access(at(0)), Access::SendRequest(_)), "{token:?}");
    }
    assert_eq!(authorization("AT", "https://api.example.com/me", &[]).unwrap(), "Bearer AT");
    // A space inside is one of the characters of an access token (RFC 6749 A.12), and of a header's value.
    assert_eq!(authorization("A T", "https://api.example.com/me", &["Accept"]).unwrap(), "Bearer A T");
}

#[test]
fn bearer_bad_url() {
    for url in ["http://api.example.com/me", "/me", "https://u@api.example.com/", "https://api.example.com/#x", ""] {
        check(authorization("AT", url, &[]), BearerError::BadUrl, "bad_url", &["https", "RFC 6750"]);
    }
}

#[test]
fn bearer_origin_not_allowed() {
    for url in ["https://api.example.com:8443/", "https://api.example.com.evil.example/", "https://example.com/"] {
        let result = authorization("AT", url, &[]);
        check(result, BearerError::OriginNotAllowed, "origin_not_allowed", &["ClientBuilder::api_origin"]);
    }
}

#[test]
fn bearer_duplicate_authorization() {
    let result = authorization("AT", "https://api.example.com/me", &["accept", "AUTHORIZATION"]);
    check(result, BearerError::DuplicateAuthorization, "duplicate_authorization", &["already", "remove it"]);
}

#[test]
fn invalid_verifier() {
    for text in ["A".repeat(42), "A".repeat(129), "A".repeat(42) + "+", "\u{e9}".repeat(43)] {
        let error = CodeVerifier::new(&text).unwrap_err();
        assert_eq!((error, error.code()), (InvalidVerifier, "invalid_verifier"));
        helps(&error, &["43 to 128", "RFC 7636"]);
    }
    assert!(CodeVerifier::from_octets(&[1; 31]).is_err() && CodeVerifier::from_octets(&[1; 97]).is_err());
}

#[test]
fn malformed_challenge() {
    let long = format!("Bearer realm=\"{}\"", "x".repeat(MAX_LINE_BYTES));
    for line in ["Bearer realm=\"x", "Bearer realm=\"x\" y=1", "=", "Bearer a=1, a=2", "Bearer a=\"\\\n\"", &long] {
        let error = parse(line).expect_err(line);
        assert_eq!((error, error.code()), (MalformedChallenge, "malformed_challenge"));
        helps(&error, &["malformed", "RFC 9110"]);
    }
}

#[test]
fn unfit() {
    let tokens = Tokens::from_parts(Secret::new("AT"), None, None, "read");
    let error = tokens.members::<u64>().expect_err("no response was kept");
    assert_eq!((error, error.code()), (Unfit, "unfit"));
    helps(&error, &["fit"]);
}
