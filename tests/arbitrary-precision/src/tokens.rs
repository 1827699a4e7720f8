use oauth_proto::token::{parse_response, TokenResponse};
use oauth_proto::{Error, Violation};

use crate::{at, json, NOW};

fn tokens(members: &str) -> Result<Option<u64>, Error> {
    let body = format!(r#"{{"access_token":"AT","token_type":"Bearer",{members}}}"#);
    parse_response(&json(&body), at(NOW)).map(|tokens| tokens.expires_in())
}

#[test]
fn lifetimes_may_be_any_numbers() {
    const MOST: u64 = TokenResponse::MAX_EXPIRES_IN;
    for (number, seconds) in [
        ("3600", 3600),
        ("0", 0),
        ("-0", 0),
        ("-5", 0),
        ("-9223372036854775808", 0),
        ("-9223372036854775809", 0),
        ("-1e30", 0),
        ("3599.9", 3599),
        ("0.5", 0),
        ("-0.5", 0),
        ("3.6e3", 3600),
        ("36E+2", 3600),
        ("36000000e-4", 3600),
        ("18446744073709551615", MOST),
        ("18446744073709551616", MOST),
        ("123456789012345678901234567890", MOST),
        ("1e300", MOST),
    ] {
        assert_eq!(tokens(&format!(r#""expires_in":{number}"#)), Ok(Some(seconds)), "{number}");
        let body = format!(r#"{{"access_token":"AT","token_type":"Bearer","refresh_expires_in":{number}}}"#);
        let read = parse_response(&json(&body), at(NOW)).unwrap().refresh_token_expires_in();
        assert_eq!(read, Some(seconds).filter(|seconds| *seconds > 0), "{number}");
    }
}

/// Unknown members may be anything; known ones that must be texts are named.
#[test]
fn numbers_where_texts_must_be_are_no_texts() {
    for number in ["7", "-7", "7.5", "7e2", "18446744073709551616"] {
        assert_eq!(tokens(&format!(r#""x":{number},"y":[{number},{{"z":{number}}}]"#)), Ok(None), "{number}");
        for (name, value) in [
            ("refresh_token", number.to_owned()),
            ("id_token", number.to_owned()),
            ("scope", number.to_owned()),
            ("scope", format!("[{number}]")),
            ("scope", format!("[\"a\",{number},\"b\"]")),
        ] {
            let error = tokens(&format!(r#""{name}":{value}"#)).unwrap_err();
            assert_eq!(error, Error::Violation(Violation::MemberMalformed(name)), "{value}");
        }
        let body = format!(r#"{{"error":{number}}}"#);
        assert_eq!(parse_response(&json(&body), at(NOW)).err().unwrap().code(), "http_error", "{number}");
    }
}

/// A number that no float holds is none, as it is without the feature.
#[test]
fn what_is_out_of_range_is_refused() {
    for number in ["1e400", "-1e400"] {
        let error = tokens(&format!(r#""expires_in":{number}"#)).unwrap_err();
        assert_eq!(error.code(), "response_malformed", "{number}");
        assert_eq!(tokens(&format!(r#""x":{number}"#)), Ok(None), "{number}");
    }
}

/// An object is one, whatever the names in it.
#[test]
fn objects_are_no_numbers() {
    for object in ["{}", r#"{"a":7.5}"#, r#"{"$serde_json::private::Number":"seven"}"#, r#"{"a":1,"b":{"c":2}}"#] {
        assert_eq!(tokens(&format!(r#""expires_in":{object}"#)), Ok(None), "{object}");
    }
}
