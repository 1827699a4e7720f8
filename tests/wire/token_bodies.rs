//! Resources and typed parameters in the bodies of token requests.

use oauth_proto::{Client, RequestId, Secret};

use crate::{body, builder, decoded, pairs, CLIENT_ID};

const FIXED: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("refresh_token", "RT1")];

fn refresh_body(client: &Client, scope: Option<&str>, resources: &[&str]) -> Vec<u8> {
    let resources: Vec<String> = resources.iter().map(|resource| (*resource).to_owned()).collect();
    let endpoint = client.token_endpoint().unwrap();
    endpoint.refresh_token(RequestId::from_u64(1), &Secret::new("RT1"), scope, &resources).body().to_vec()
}

#[test]
fn resources_of_a_json_body_are_none_or_a_text_or_an_array() {
    let client = builder().json_token_requests().build().unwrap();
    let resource = |resources: &[&str]| {
        let body: serde_json::Value = serde_json::from_slice(&refresh_body(&client, None, resources)).unwrap();
        body.get("resource").cloned()
    };
    assert_eq!(resource(&[]), None);
    assert_eq!(resource(&["urn:a:\"b"]), Some("urn:a:\"b".into()));
    assert_eq!(resource(&["urn:a:b", "urn:c:d", "urn:e:f"]), Some(vec!["urn:a:b", "urn:c:d", "urn:e:f"].into()));
}

#[test]
fn resources_of_a_form_are_a_pair_each() {
    let client = builder().build().unwrap();
    let mut expected = pairs(&FIXED);
    expected.extend(pairs(&[("resource", "urn:a:b"), ("resource", "urn:c:d&"), ("client_id", CLIENT_ID)]));
    assert_eq!(decoded(&refresh_body(&client, None, &["urn:a:b", "urn:c:d&"])), expected);
}

#[test]
fn a_scope_of_nothing_is_not_sent() {
    let client = builder().build().unwrap();
    let mut expected = pairs(&FIXED);
    expected.extend(pairs(&[("client_id", CLIENT_ID)]));
    assert_eq!(decoded(&refresh_body(&client, Some(""), &[])), expected);
    expected.insert(2, ("scope".into(), "a b".into()));
    assert_eq!(decoded(&refresh_body(&client, Some("a b"), &[])), expected);
}

#[test]
fn without_an_endpoint_there_is_no_revocation_and_without_a_hint_there_is_none() {
    let server = oauth_proto::AuthorizationServer::new("https://as.example.com/a", "https://as.example.com/t").unwrap();
    let client = Client::new(server, CLIENT_ID, "com.example.app:/callback").unwrap();
    let (id, token) = (RequestId::from_u64(7), Secret::new("T 1"));
    assert!(client.token_endpoint().unwrap().revocation(id, &token, None).is_none());
    let request = builder().build().unwrap().token_endpoint().unwrap().revocation(id, &token, None).unwrap();
    assert_eq!((request.id(), body(&request)), (id, "token=T+1&client_id=s6BhdRkqt3"));
}

#[cfg(feature = "std")]
#[test]
fn typed_token_parameters_arrive() {
    #[derive(serde::Serialize)]
    struct Vendor<'a> {
        tenant: &'a str,
        #[serde(rename = "x-version")]
        version: u8,
        absent: Option<u8>,
    }
    let vendor = Vendor { tenant: "a & ü", version: 3, absent: None };
    let typed = [("tenant", "a & ü"), ("x-version", "3"), ("last", "1")];
    let builder = || builder().token_parameters(&vendor).token_parameter("last", "1");
    let mut expected = pairs(&FIXED);
    expected.extend(pairs(&[("client_id", CLIENT_ID)]));
    expected.extend(pairs(&typed));
    assert_eq!(decoded(&refresh_body(&builder().build().unwrap(), None, &[])), expected);

    let json = refresh_body(&builder().json_token_requests().build().unwrap(), None, &[]);
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    for (name, value) in typed {
        assert_eq!(json[name], value);
    }
    let refused = |builder: oauth_proto::ClientBuilder| builder.build().unwrap_err().to_string();
    assert!(refused(crate::builder().token_parameters(&7)).starts_with("token_parameters: "));
    assert!(refused(crate::builder().token_parameters(&[("code", "x")])).starts_with("code: "));
}
