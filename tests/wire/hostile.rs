//! Metadata from servers that mean harm, and stored forms that were tampered with: what is read is what is there, and nothing
//! panics.

use oauth_proto::{AuthorizationServer, Response, ServerMetadata};
use serde_json::Value;

use crate::{at, JSON};

const ISSUER: &str = "https://as.example.com";
const REST: &str =
    r#""authorization_endpoint":"https://as.example.com/authorize","token_endpoint":"https://as.example.com/token""#;

fn read(document: &[u8]) -> Result<ServerMetadata, oauth_proto::Error> {
    ServerMetadata::from_response(ISSUER, &Response::new(200, &JSON, document), at(7))
}

/// A document with these members beside those that every document has.
fn with(members: &str) -> String {
    format!(r#"{{"issuer":"{ISSUER}",{REST},{members}}}"#)
}

#[test]
fn an_escaped_name_is_the_name_that_it_spells() {
    let document = format!(
        r#"{{"\u0069ssuer":"{ISSUER}",{REST},"\u0078":"https:\/\/as.example.com","re\u0067istration_endpoint":"https:\/\/as.example.com\/r"}}"#
    );
    let metadata = read(document.as_bytes()).unwrap();
    assert_eq!(metadata.issuer(), ISSUER);
    assert_eq!(metadata.get::<String>("x").unwrap().unwrap(), "https://as.example.com");
    assert_eq!(metadata.registration_endpoint().unwrap().unwrap(), "https://as.example.com/r");
    for twice in [r#""\u0069ssuer":"https://evil.example""#, r#""\u0074oken_endpoint":"https://evil.example/t""#] {
        assert_eq!(read(with(twice).as_bytes()).unwrap_err().code(), "response_malformed", "{twice}");
        assert!(AuthorizationServer::from_metadata(ISSUER, with(twice).as_bytes()).is_err(), "{twice}");
    }
    let twice = read(with(r#""x":1,"\u0078":2"#).as_bytes()).unwrap();
    assert!(twice.get::<u8>("x").is_err());
}

#[test]
fn odd_names_and_values_are_members_like_others() {
    for (members, name, value) in [
        (r#""$serde_json::private::Number":"1","x":2"#, "x", Some("2")),
        (r#""$serde_json::private::Number":"1""#, "$serde_json::private::Number", Some("\"1\"")),
        (r#""$serde_json::private::RawValue":"{""#, "$serde_json::private::RawValue", Some("\"{\"")),
        (r#""":3"#, "", Some("3")),
        (r#""a\u0000b":4"#, "a\0b", Some("4")),
        (r#""a\u0000b":4"#, "a", None),
        (r#""x":{"issuer":"https://evil.example"}"#, "x", Some(r#"{"issuer":"https://evil.example"}"#)),
        (r#""x":"\ud800","y":1"#, "y", Some("1")),
        (r#""x":1e999999,"y":123456789012345678901234567890,"z":5"#, "z", Some("5")),
    ] {
        let metadata = read(with(members).as_bytes()).unwrap_or_else(|error| panic!("{members}: {error}"));
        let found: Option<Value> = metadata.get(name).unwrap_or_else(|_| panic!("{members}"));
        assert_eq!(found, value.map(|value| serde_json::from_str(value).unwrap()), "{members}");
        let stored = serde_json::to_string(&metadata).unwrap();
        assert!(serde_json::from_str::<ServerMetadata>(&stored).unwrap() == metadata, "{members}");
        assert_eq!(metadata.issuer(), ISSUER);
    }
    let odd = read(
        with(r#""x":"\ud800","registration_endpoint":"\ud800","y":1e999999,"scopes_supported":[1e999999]"#).as_bytes(),
    )
    .unwrap();
    assert!(odd.get::<String>("x").is_err() && odd.get::<f32>("y").is_err());
    for error in [odd.registration_endpoint().unwrap_err(), odd.scopes_supported().unwrap_err()] {
        assert_eq!(error.code(), "metadata");
    }
}

#[test]
fn what_is_no_json_is_no_metadata() {
    let good = with(r#""x":"y""#);
    for bad in [
        [good.as_bytes(), b"\0"].concat(),
        [b"\0", good.as_bytes()].concat(),
        good.replace('y', "\u{7}").into_bytes(),
        [&good.as_bytes()[..good.len() - 2], b"\xff\"}"].concat(),
        [&good.as_bytes()[..good.len() - 2], b"\xed\xa0\x80\"}"].concat(),
        good.replacen("\"x\"", "\"\\ud800\"", 1).into_bytes(),
        good.replacen("\"y\"", "01", 1).into_bytes(),
        good.replacen("\"y\"", "NaN", 1).into_bytes(),
        good.replacen("\"y\"", "'y'", 1).into_bytes(),
        good.replacen("\"y\"", "\"y\",", 1).into_bytes(),
        [b"\xef\xbb\xbf\xef\xbb\xbf", good.as_bytes()].concat(),
    ] {
        assert!(read(&bad).is_err(), "{}", String::from_utf8_lossy(&bad));
    }
    assert!(read(good.as_bytes()).is_ok());
}

/// Every prefix, and every document with one octet changed, is read or refused.
#[test]
fn no_octet_that_is_changed_makes_a_panic() {
    let document = with(r#""registration_endpoint":"https://as.example.com/r","x":{"y":[1.5,"\u00e9",null]}"#);
    for end in 0..document.len() {
        assert!(read(&document.as_bytes()[..end]).is_err(), "{end}");
    }
    for at in 0..document.len() {
        for octet in [0, b'"', b'\\', b'{', b'[', b'9', b'-', 0x80, 0xff] {
            let mut octets = document.clone().into_bytes();
            octets[at] = octet;
            let Ok(metadata) = read(&octets) else { continue };
            let _ = (metadata.registration_endpoint(), metadata.get::<Value>("x"), metadata.get::<&str>("x"));
            let stored = serde_json::to_string(&metadata).unwrap();
            assert!(serde_json::from_str::<ServerMetadata>(&stored).unwrap() == metadata);
        }
    }
}

/// A megabyte of members is read, each in its place.
#[test]
fn a_large_document_is_kept_whole() {
    let room = oauth_proto::http::MAX_RESPONSE_BYTES - with("").len();
    let member = |index: usize| format!("\"m{index:06}\":{},", index % 10);
    let many: String = (0..room / member(0).len()).map(member).collect();
    let document = with(many.trim_end_matches(','));
    assert!(document.len() <= oauth_proto::http::MAX_RESPONSE_BYTES);
    let metadata = read(document.as_bytes()).unwrap();
    assert_eq!(metadata.get::<u8>("m000000"), Ok(Some(0)));
    let last = room / member(0).len() - 1;
    assert_eq!(metadata.get::<usize>(&format!("m{last:06}")), Ok(Some(last % 10)));
    assert_eq!(metadata.get::<u8>("m999999"), Ok(None));
    let stored = serde_json::to_string(&metadata).unwrap();
    assert!(serde_json::from_str::<ServerMetadata>(&stored).unwrap() == metadata);
    let padded = format!("{document}{}", " ".repeat(oauth_proto::http::MAX_RESPONSE_BYTES + 1 - document.len()));
    assert_eq!(read(padded.as_bytes()).unwrap_err().code(), "response_too_large");
}
