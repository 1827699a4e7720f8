//! What must be a JSON object is one, and not a list of the same values in some order.

use oauth_proto::openid::id_token::Rules;
use oauth_proto::{Algorithm, IdTokenError, KeySet, KeySetError, RustCrypto, UnixTime};
use serde_json::json;

use crate::signing::{jwk, signed_text};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

#[test]
fn lists_are_no_tokens_and_no_keys() {
    let issuer = "https://as.example.com";
    let document = json!({ "keys": [jwk("ES256", "1")] }).to_string();
    let keys = KeySet::parse("https://as.example.com/jwks", document.as_bytes(), NOW).unwrap();
    let rules = Rules::new(issuer, "app").algorithms(&[Algorithm::Es256]);
    let check = |header: &str, payload: &str| {
        let token = signed_text("ES256", header, payload);
        rules.check(&token, &keys, &RustCrypto, NOW).map(|id_token| id_token.subject().to_owned())
    };

    let header = r#"{"alg":"ES256","kid":"1"}"#;
    let payload = r#"{"iss":"https://as.example.com","sub":"u","aud":"app","exp":1700000300,"iat":1700000000}"#;
    assert_eq!(check(header, payload), Ok("u".into()));
    assert_eq!(check(&format!(" \r\n\t{header} "), &format!(" \r\n\t{payload} ")), Ok("u".into()));
    for list in [r#"["ES256"]"#, r#"["ES256","1"]"#, r#"["ES256","1","JWT"]"#, r#" ["ES256","1","JWT",[]]"#, "[]"] {
        assert_eq!(check(list, payload), Err(IdTokenError::Malformed), "{list}");
    }
    let mut list = vec![json!(issuer), json!("u"), json!("app"), json!(1_700_000_300), json!(1_700_000_000)];
    // nbf, auth_time, nonce, azp, acr, amr, at_hash, c_hash, org_id, org_name, session_expiry
    for next in [
        json!(0),
        json!(0),
        json!("n"),
        json!("app"),
        json!("0"),
        json!([]),
        json!("h"),
        json!("h"),
        json!("o"),
        json!("o"),
    ] {
        assert_eq!(check(header, &json!(list).to_string()), Err(IdTokenError::Malformed), "{list:?}");
        list.push(next);
    }
    list.push(json!(0));
    assert_eq!(check(header, &json!(list).to_string()), Err(IdTokenError::Malformed), "{list:?}");

    let list = json!([[jwk("ES256", "1")]]).to_string();
    assert_eq!(KeySet::parse("https://as.example.com/jwks", list.as_bytes(), NOW), Err(KeySetError::Malformed));
}
