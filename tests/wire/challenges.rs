//! What an API's claims challenge asks for (Microsoft Entra: continuous access evaluation, authentication contexts).

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use oauth_proto::challenge::{advice, Advice};

fn line(claims: &str) -> String {
    let uri = "https://login.microsoftonline.com/common/oauth2/authorize";
    format!(r#"Bearer realm="", authorization_uri="{uri}", error="insufficient_claims", claims="{claims}""#)
}

/// The decoded claims of a step-up that asks for nothing else.
#[track_caller]
fn claims(status: u16, encoded: &str) -> Option<String> {
    match advice(status, &[&line(encoded)]) {
        Advice::StepUp { acr_values: None, max_age: None, claims: Some(claims) } => Some(claims.as_str().to_owned()),
        Advice::Refresh if status == 401 => None,
        Advice::None if status == 403 => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn examples_of_microsoft() {
    for (encoded, decoded) in [
        (
            "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ==",
            r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#,
        ),
        (
            "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiY3AxIn19fQ==",
            r#"{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}"#,
        ),
    ] {
        assert_eq!(claims(401, encoded).as_deref(), Some(decoded));
        assert_eq!(claims(401, encoded.trim_end_matches('=')).as_deref(), Some(decoded));
    }
}

#[test]
fn either_alphabet_padded_or_not_and_of_every_length() {
    for text in ["{}", r#"{"a":1}"#, r#"{"a":12}"#, r#"{"a":"???>>>~~~"}"#, "{\"\u{e9}\u{fff}\":\"\u{1f511}\"}", " {} "]
    {
        let octets = text.as_bytes();
        for encoded in [
            Base64::encode_string(octets),
            Base64Unpadded::encode_string(octets),
            Base64Url::encode_string(octets),
            Base64UrlUnpadded::encode_string(octets),
        ] {
            assert_eq!(claims(401, &encoded).as_deref(), Some(text), "{encoded}");
            assert_eq!(claims(403, &encoded).as_deref(), Some(text), "{encoded}");
        }
    }
}

/// Then all that is known is that the token does not do.
#[test]
fn what_is_no_json_object_is_not_asked_for() {
    let nested = format!("{}1{}", "{\"a\":".repeat(33), "}".repeat(33));
    for octets in [&b""[..], b"[]", b"null", b"1", b"{", b"{}{}", b"{\"a\":\"\xff\"}", b"not json", nested.as_bytes()] {
        let encoded = Base64::encode_string(octets);
        assert_eq!((claims(401, &encoded), claims(403, &encoded)), (None, None), "{encoded}");
    }
    for encoded in ["e30===", "e30=e30=", "=", "{}", "e3 0", "e31", "\u{e9}"] {
        assert_eq!((claims(401, encoded), claims(403, encoded)), (None, None), "{encoded}");
    }
    assert_eq!(advice(401, &["Bearer error=\"insufficient_claims\""]), Advice::Refresh);
    assert_eq!(advice(403, &["Bearer error=\"insufficient_claims\""]), Advice::None);
}

#[test]
fn no_other_error_and_no_other_scheme_has_claims() {
    let other = |from: &str, to: &str| advice(401, &[&line("e30=").replace(from, to)]);
    let step_up = Advice::StepUp { acr_values: None, max_age: None, claims: None };
    assert_eq!(other("insufficient_claims", "insufficient_user_authentication"), step_up);
    assert_eq!(other("insufficient_claims", "invalid_token"), Advice::Refresh);
    assert_eq!(other("insufficient_claims", "Insufficient_Claims"), Advice::Authenticate);
    assert_eq!(other("Bearer", "Basic"), Advice::None);
}

/// Nobody knows what a server puts there.
#[test]
fn claims_are_shown_by_their_accessor_alone() {
    let advice = advice(401, &[&line("eyJzZWNyZXQiOjF9")]);
    assert!(format!("{advice:?}").contains("claims") && !format!("{advice:?}").contains("secret"));
}
