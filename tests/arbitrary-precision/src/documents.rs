use oauth_proto::{AuthorizationServer, ConfigError, KeySet, ResourceMetadata, ServerMetadata};

use crate::{at, json, ISSUER, NOW};

fn document(more: &str) -> String {
    format!(
        r#"{{"issuer":"{ISSUER}","authorization_endpoint":"https://as.example.com/a","token_endpoint":"https://as.example.com/t"{more}}}"#
    )
}

#[test]
fn numbers_of_metadata_are_skipped_or_named() {
    for number in ["7", "7.5", "-7e3", "18446744073709551616"] {
        let unknown = document(&format!(",\"x\":{number},\"response_modes_supported\":[{number},\"query\"]"));
        assert!(AuthorizationServer::from_metadata(ISSUER, unknown.as_bytes()).is_ok(), "{number}");
        assert!(ServerMetadata::from_response(ISSUER, &json(&unknown), at(NOW)).is_ok(), "{number}");
        for name in ["jwks_uri", "response_modes_supported", "require_pushed_authorization_requests"] {
            let wrong = document(&format!(",\"{name}\":{number}"));
            let error = AuthorizationServer::from_metadata(ISSUER, wrong.as_bytes()).unwrap_err();
            assert!(matches!(&error, ConfigError::Metadata { name: named, .. } if *named == name), "{number}: {error}");
        }
        let api = "https://api.example.com";
        let body = format!(r#"{{"resource":"{api}","authorization_servers":["{ISSUER}",{number}],"x":{number}}}"#);
        let metadata = ResourceMetadata::from_response(api, &json(&body), at(NOW)).unwrap();
        assert_eq!(metadata.authorization_servers(), [ISSUER]);
    }
}

#[test]
fn a_number_among_keys_is_none_and_costs_no_key() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","nbf":1.5}"#;
    for number in ["7", "7.5", "-7e3", "18446744073709551616"] {
        let wrong = key.replacen("\"OKP\"", number, 1);
        let set = format!(r#"{{"keys":[{number},{key},{wrong}],"x":{number}}}"#);
        assert_eq!(KeySet::parse("https://as.example.com/jwks", set.as_bytes(), at(NOW)).unwrap().len(), 1, "{number}");
    }
}
