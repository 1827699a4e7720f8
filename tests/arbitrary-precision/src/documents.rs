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

/// A member may have any name, also that by which `serde_json` hands over numbers.
#[test]
fn a_document_kept_whole_is_read_as_without_the_feature() {
    let all = document(
        r#","$serde_json::private::Number":"1","x":{"$serde_json::private::Number":"2"},"n":1.5e3,"big":123456789012345678901234567890,"far":1e999,
        "scopes_supported":[7.5,"a",{"$serde_json::private::Number":"3"}],"claims_parameter_supported":1.0,"registration_endpoint":7"#,
    );
    let metadata = ServerMetadata::from_response(ISSUER, &json(&all), at(NOW)).unwrap();
    assert_eq!(metadata.get::<String>("$serde_json::private::Number"), Ok(Some("1".into())));
    assert_eq!(metadata.get::<f64>("n"), Ok(Some(1500.0)));
    assert!(metadata.get::<u64>("big").is_err() && metadata.get::<String>("n").is_err());
    assert_eq!(
        metadata.get::<serde_json::Number>("big").unwrap().unwrap().to_string(),
        "123456789012345678901234567890"
    );
    assert_eq!(metadata.scopes_supported(), Ok(Some(vec!["a".into()])));
    for error in [metadata.claims_parameter_supported().unwrap_err(), metadata.registration_endpoint().unwrap_err()] {
        assert_eq!(error.code(), "metadata");
    }
    let stored = serde_json::to_string(&metadata).unwrap();
    assert!(serde_json::from_str::<ServerMetadata>(&stored).unwrap() == metadata);
    let value: serde_json::Value = serde_json::from_str(&stored).unwrap();
    assert!(serde_json::from_value::<ServerMetadata>(value).unwrap() == metadata);
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
