//! What an API's claims challenge asks for (Microsoft Entra: continuous access evaluation, authentication contexts).

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use oauth_proto::challenge::{advice, parse, Advice};

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

/// RFC 9110 §5.6.1.2: a list may have empty elements anywhere, before the first parameter too.
#[test]
fn empty_elements_before_the_first_parameter_count_for_nothing() {
    let step_up = Advice::StepUp { acr_values: None, max_age: Some(60), claims: None };
    for start in
        ["Bearer ", "Bearer ,", "Bearer,", "Bearer , ", "Bearer, ", "Bearer ,, ,\t, ", "bearer\t,", "Basic, Bearer,"]
    {
        let line = format!("{start}error=\"insufficient_user_authentication\", max_age=\"60\"");
        assert_eq!(advice(401, &[&line]), step_up, "{line}");
        let line = format!("{start}error = insufficient_user_authentication ,, max_age\t=60,");
        assert_eq!(advice(401, &[&line]), step_up, "{line}");
    }
}

/// No challenge begins as a parameter does, and what is none is another challenge.
#[test]
fn parameters_belong_to_the_scheme_before_them() {
    let read = |line: &str| {
        let challenges = parse(line).map_err(|_| line.to_owned())?;
        let of = |challenge: &oauth_proto::challenge::Challenge<'_>| {
            let parameters: Vec<_> = challenge.parameters().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} {}", challenge.scheme(), challenge.token68().map_or(parameters.join(","), str::to_owned))
        };
        Ok::<_, String>(challenges.iter().map(of).collect::<Vec<_>>())
    };
    for (line, expected) in [
        ("Bearer, a=1, b=2, Basic", &["Bearer a=1,b=2", "Basic "][..]),
        ("Basic, Bearer, a=1", &["Basic ", "Bearer a=1"]),
        ("Basic , Bearer a=1, , b=2", &["Basic ", "Bearer a=1,b=2"]),
        ("Basic, Negotiate abc==, Bearer ,a=1", &["Basic ", "Negotiate abc==", "Bearer a=1"]),
        ("Basic ,Bearer", &["Basic ", "Bearer "]),
    ] {
        assert_eq!(read(line).unwrap(), expected, "{line}");
    }
    // A scheme has a token68 or parameters, a parameter has a scheme and stands there once, and only spaces part the two.
    for line in ["Negotiate abc==, a=1", ", a=1", "a=1", "Bearer, a=1, A=2", "Bearer, a=", "Bearer, =1", "Bearer\ta=1"]
    {
        assert!(read(line).is_err(), "{line}");
    }
    let many = |count: usize| {
        let list: Vec<_> = (0..count).map(|index| format!("p{index}=1")).collect();
        format!("Bearer,{}", list.join(","))
    };
    assert!(read(&many(64)).is_ok() && read(&many(65)).is_err());
}
