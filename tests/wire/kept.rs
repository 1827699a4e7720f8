//! Metadata documents are kept whole: what is stored, what is read by name, and what is wrong with a member nobody has used yet.

use oauth_proto::{
    AuthorizationRequest, AuthorizationServer, Client, ConfigError, Login, RequestId, ResourceMetadata, Response,
    Secret, ServerMetadata, Unfit,
};
use serde_json::{json, Value};

use crate::{at, CLIENT_ID, JSON, REDIRECT_URI};

const ISSUER: &str = "https://as.example.com";
const RESOURCE: &str = "https://api.example.com/v1";
const MEMBERS: &str = include_str!("../../src/wire/metadata/server_members.rs");

fn server_with(change: impl FnOnce(&mut Value)) -> ServerMetadata {
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token",
    });
    change(&mut document);
    server(&document.to_string()).unwrap()
}

fn server(document: &str) -> Result<ServerMetadata, oauth_proto::Error> {
    ServerMetadata::from_response(ISSUER, &Response::new(200, &JSON, document.as_bytes()), at(7))
}

fn resource_with(change: impl FnOnce(&mut Value)) -> ResourceMetadata {
    let mut document = json!({ "resource": RESOURCE, "authorization_servers": [ISSUER] });
    change(&mut document);
    let document = document.to_string();
    ResourceMetadata::from_response(RESOURCE, &Response::new(200, &JSON, document.as_bytes()), at(7)).unwrap()
}

type Read<T> = fn(&T) -> Result<Value, ConfigError>;

/// An accessor by its name.
macro_rules! accessors {
    ($type:ident: $($name:ident)*) => {
        [$((stringify!($name), (|metadata| metadata.$name().map(|value| json!(value))) as Read<$type>)),*]
    };
}

fn endpoints() -> Vec<(&'static str, Read<ServerMetadata>)> {
    accessors!(ServerMetadata:
        authorization_endpoint token_endpoint jwks_uri registration_endpoint revocation_endpoint introspection_endpoint
        userinfo_endpoint end_session_endpoint pushed_authorization_request_endpoint device_authorization_endpoint
        authorization_challenge_endpoint)
    .into()
}

fn texts() -> Vec<(&'static str, Read<ServerMetadata>)> {
    accessors!(ServerMetadata: service_documentation op_policy_uri op_tos_uri signed_metadata).into()
}

fn lists() -> Vec<(&'static str, Read<ServerMetadata>)> {
    accessors!(ServerMetadata:
        scopes_supported response_types_supported token_endpoint_auth_signing_alg_values_supported ui_locales_supported
        revocation_endpoint_auth_signing_alg_values_supported introspection_endpoint_auth_methods_supported
        introspection_endpoint_auth_signing_alg_values_supported code_challenge_methods_supported acr_values_supported
        subject_types_supported id_token_signing_alg_values_supported id_token_encryption_alg_values_supported
        id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported
        userinfo_encryption_alg_values_supported userinfo_encryption_enc_values_supported
        request_object_signing_alg_values_supported request_object_encryption_alg_values_supported
        request_object_encryption_enc_values_supported display_values_supported claims_supported claims_locales_supported
        dpop_signing_alg_values_supported introspection_signing_alg_values_supported
        introspection_encryption_alg_values_supported introspection_encryption_enc_values_supported
        refresh_token_expiration_types_supported)
    .into()
}

/// With what an absent one means.
fn lists_with_defaults() -> Vec<((&'static str, Read<ServerMetadata>), Value)> {
    accessors!(ServerMetadata:
        response_modes_supported grant_types_supported token_endpoint_auth_methods_supported
        revocation_endpoint_auth_methods_supported claim_types_supported)
    .into_iter()
    .zip([
        json!(["query", "fragment"]),
        json!(["authorization_code", "implicit"]),
        json!(["client_secret_basic"]),
        json!(["client_secret_basic"]),
        json!(["normal"]),
    ])
    .collect()
}

fn truths() -> Vec<((&'static str, Read<ServerMetadata>), bool)> {
    accessors!(ServerMetadata:
        claims_parameter_supported request_parameter_supported request_uri_parameter_supported
        require_request_uri_registration client_id_metadata_document_supported)
    .into_iter()
    .zip([false, false, true, false, false])
    .collect()
}

/// What a document is refused for if it is not as it must be, since the crate uses it.
const USED: [&str; 9] = [
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "revocation_endpoint",
    "userinfo_endpoint",
    "end_session_endpoint",
    "code_challenge_methods_supported",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
];

fn is_used(name: &str) -> bool {
    USED.contains(&name) || name == "response_modes_supported"
}

#[test]
fn every_accessor_is_tried_here() {
    let tried = endpoints().len() + texts().len() + lists().len() + lists_with_defaults().len() + truths().len();
    let there = MEMBERS.lines().filter(|line| line.trim() == "member! {").count();
    assert_eq!(tried, there);
}

#[test]
fn a_member_is_read_by_its_own_name() {
    for (name, read) in endpoints() {
        let url = json!(format!("https://as.example.com/{name}?x=1"));
        let found = read(&server_with(|document| document[name] = url.clone())).unwrap();
        assert_eq!(found, url, "{name}");
    }
    for (name, read) in texts() {
        let found = read(&server_with(|document| document[name] = "some \"text\"".into())).unwrap();
        assert_eq!(found, "some \"text\"", "{name}");
        assert_eq!(read(&server_with(|document| document[name] = "".into())), Ok(Value::Null), "{name}");
    }
    let with_defaults = lists_with_defaults();
    let all = lists().into_iter().chain(with_defaults.iter().map(|(accessor, _)| *accessor));
    for (name, read) in all {
        let found = read(&server_with(|document| document[name] = json!(["S256", 7, "b"]))).unwrap();
        assert_eq!(found, json!(["S256", "b"]), "{name}");
    }
    for ((name, read), _) in truths() {
        for truth in [true, false] {
            assert_eq!(read(&server_with(|document| document[name] = truth.into())).unwrap(), truth, "{name}");
        }
    }
}

#[test]
fn an_absent_member_is_what_its_specification_says() {
    let bare = server_with(|_| {});
    for (name, read) in endpoints().into_iter().chain(texts()).chain(lists()) {
        let is_required = matches!(name, "authorization_endpoint" | "token_endpoint");
        assert_eq!(read(&bare).unwrap().is_null(), !is_required, "{name}");
    }
    for ((name, read), default) in lists_with_defaults() {
        assert_eq!(read(&bare).unwrap(), default, "{name}");
        assert_eq!(read(&server_with(|document| document[name] = Value::Null)).unwrap(), default, "{name}");
    }
    for ((name, read), default) in truths() {
        assert_eq!(read(&bare).unwrap(), default, "{name}");
    }
    assert!(!bare.requires_signed_request_object() && !bare.requires_iss());
}

/// RFC 8414 §2: a secret is sent in the header unless the server lists other methods.
#[test]
fn without_a_list_of_methods_a_secret_is_sent_by_client_secret_basic() {
    let sent = |methods: Value| {
        let metadata = server_with(|document| document["token_endpoint_auth_methods_supported"] = methods);
        let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
        let client = Client::builder(server, CLIENT_ID, REDIRECT_URI).client_secret("s3cr3t").build().unwrap();
        let client = client.with_metadata(&metadata).unwrap();
        let endpoint = client.token_endpoint().unwrap();
        let request = endpoint.refresh_token(RequestId::from_u64(1), &Secret::new("RT"), None, &[]);
        let has_header = request.headers().any(|(name, _)| name == "authorization");
        has_header
    };
    assert!(sent(Value::Null) && sent(json!(["client_secret_post", "client_secret_basic"])));
    assert!(!sent(json!(["client_secret_post"])));
}

/// And the others can be used all the same.
#[test]
fn a_member_that_nothing_uses_costs_no_document() {
    let wrong =
        [json!(7), json!({ "x": [1] }), json!([[]]), json!("text"), json!(true), json!("http://as.example.com/x")];
    let (defaults, truths) = (lists_with_defaults(), truths());
    let kinds: [(&[usize], Vec<_>); 4] = [
        (&[0, 1, 2, 4], endpoints().into_iter().chain(texts()).collect()),
        (&[0, 1, 3, 4], lists()),
        (&[0, 1, 3, 4], defaults.iter().map(|(accessor, _)| *accessor).collect()),
        (&[0, 1, 2, 3], truths.iter().map(|(accessor, _)| *accessor).collect()),
    ];
    for (which, accessors) in kinds {
        for (name, read) in accessors.into_iter().filter(|(name, _)| !is_used(name)) {
            for value in which.iter().map(|index| &wrong[*index]) {
                let metadata = server_with(|document| document[name] = value.clone());
                let error = read(&metadata).unwrap_err();
                assert!(matches!(error, ConfigError::Metadata { name: named, .. } if named == name), "{name}: {error}");
                assert!(error.to_string().starts_with(&format!("{name}: has another type")), "{error}");
                let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
                let client = Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap().with_metadata(&metadata).unwrap();
                assert!(Login::new(client, AuthorizationRequest::new()).is_ok(), "{name}");
            }
        }
    }
}

#[test]
fn an_endpoint_that_is_not_https_is_unusable_by_its_name() {
    let bad = [
        "http://as.example.com/x",
        "http://127.0.0.1/x",
        "/x",
        "https://as.example.com/x#y",
        "javascript:alert(1)",
        "https://a@b.example",
    ];
    for (name, read) in endpoints() {
        for url in bad {
            let mut document = json!({
                "issuer": ISSUER,
                "authorization_endpoint": "https://as.example.com/authorize",
                "token_endpoint": "https://as.example.com/token",
            });
            document[name] = url.into();
            match server(&document.to_string()) {
                Ok(metadata) if !is_used(name) => {
                    let error = read(&metadata).unwrap_err();
                    assert!(
                        matches!(error, ConfigError::Endpoint { name: named, .. } if named == name),
                        "{name}: {error}"
                    );
                }
                Err(error) if is_used(name) => assert!(error.to_string().contains(name), "{name}: {error}"),
                other => panic!("{name} {url}: {other:?}"),
            }
        }
    }
}

/// As the rest of a server that was configured so, for tests.
#[test]
fn plain_http_on_this_machine_is_for_issuers_on_it() {
    let issuer = "http://127.0.0.1:8080";
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": "http://127.0.0.1:8080/authorize",
        "token_endpoint": "http://127.0.0.1:8080/token",
        "registration_endpoint": "http://127.0.0.1:8080/register",
        "introspection_endpoint": "http://as.example.com/introspect",
    });
    let stored = json!({ "fetched_at": 7, "document": document.to_string() });
    let metadata: ServerMetadata = serde_json::from_value(stored).unwrap();
    let server = AuthorizationServer::from_issuer_on_insecure_loopback(issuer).unwrap();
    let client = Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap().with_metadata(&metadata).unwrap();
    let metadata = client.metadata().unwrap();
    assert_eq!(metadata.registration_endpoint().unwrap().as_deref(), Some("http://127.0.0.1:8080/register"));
    assert!(metadata.introspection_endpoint().is_err());
}

#[test]
fn any_member_is_read_into_any_type() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Aliases {
        token_endpoint: String,
    }
    let metadata = server_with(|document| {
        document["mtls_endpoint_aliases"] = json!({ "token_endpoint": "https://mtls.example.com/token", "x": 1 });
        document["x"] = json!(7.5);
        document["none"] = Value::Null;
    });
    let aliases = Aliases { token_endpoint: "https://mtls.example.com/token".into() };
    assert_eq!(metadata.get("mtls_endpoint_aliases"), Ok(Some(aliases)));
    assert_eq!(metadata.get::<f64>("x"), Ok(Some(7.5)));
    assert_eq!(metadata.get::<&str>("issuer"), Ok(Some(ISSUER)));
    assert_eq!(metadata.get::<String>("none"), Ok(None));
    assert_eq!(metadata.get::<String>("token_endpoint "), Ok(None));
    assert_eq!(metadata.get::<String>("x"), Err(Unfit));
    let twice = r#"{"issuer":"https://as.example.com","authorization_endpoint":"https://as.example.com/a",
        "token_endpoint":"https://as.example.com/t","registration_endpoint":null,"x":1,
        "registration_endpoint":"https://as.example.com/r","x":1}"#;
    let twice = server(twice).unwrap();
    assert_eq!(twice.get::<u8>("x"), Err(Unfit));
    let error = twice.registration_endpoint().unwrap_err();
    assert!(error.to_string().contains("comes twice"), "{error}");

    let api = resource_with(|document| document["x"] = json!({ "token_endpoint": "y" }));
    assert_eq!(api.get("x"), Ok(Some(Aliases { token_endpoint: "y".into() })));
    assert_eq!(api.get::<String>("resource"), Ok(Some(RESOURCE.into())));
}

#[test]
fn an_apis_members_are_read_by_their_names() {
    let api = resource_with(|document| {
        document["bearer_methods_supported"] = json!(["header"]);
        document["jwks_uri"] = "https://api.example.com/jwks".into();
        document["resource_name"] = "An API".into();
        document["resource_documentation"] = "https://api.example.com/docs".into();
        document["resource_signing_alg_values_supported"] = json!(["ES256"]);
        document["dpop_signing_alg_values_supported"] = json!(["ES256", "EdDSA"]);
        document["dpop_bound_access_tokens_required"] = true.into();
        document["tls_client_certificate_bound_access_tokens"] = true.into();
        document["authorization_details_types_supported"] = json!(["payment"]);
        document["resource_policy_uri"] = "https://api.example.com/policy".into();
        document["resource_tos_uri"] = "https://api.example.com/tos".into();
        document["signed_metadata"] = "a.b.c".into();
        document["scopes_supported"] = json!(["a", "b"]);
    });
    assert_eq!(api.bearer_methods_supported(), Ok(Some(vec!["header".into()])));
    assert_eq!(api.jwks_uri(), Ok(Some("https://api.example.com/jwks".into())));
    assert_eq!(api.resource_name(), Ok(Some("An API".into())));
    assert_eq!(api.resource_documentation(), Ok(Some("https://api.example.com/docs".into())));
    assert_eq!(api.resource_signing_alg_values_supported(), Ok(Some(vec!["ES256".into()])));
    assert_eq!(api.dpop_signing_alg_values_supported(), Ok(Some(vec!["ES256".into(), "EdDSA".into()])));
    assert_eq!(api.dpop_bound_access_tokens_required(), Ok(true));
    assert_eq!(api.tls_client_certificate_bound_access_tokens(), Ok(true));
    assert_eq!(api.authorization_details_types_supported(), Ok(Some(vec!["payment".into()])));
    assert_eq!(api.resource_policy_uri(), Ok(Some("https://api.example.com/policy".into())));
    assert_eq!(api.resource_tos_uri(), Ok(Some("https://api.example.com/tos".into())));
    assert_eq!(api.signed_metadata(), Ok(Some("a.b.c".into())));
    assert_eq!(api.scopes_supported(), ["a", "b"]);
    assert_eq!((api.fetched_at(), api.age(at(10))), (at(7), 3));
    let bare = resource_with(|_| {});
    assert_eq!((bare.dpop_bound_access_tokens_required(), bare.jwks_uri()), (Ok(false), Ok(None)));
    let wrong = resource_with(|document| {
        for name in ["bearer_methods_supported", "resource_name", "dpop_bound_access_tokens_required"] {
            document[name] = json!({});
        }
        document["jwks_uri"] = "http://api.example.com/jwks".into();
    });
    for (name, error) in [
        ("bearer_methods_supported", wrong.bearer_methods_supported().unwrap_err()),
        ("resource_name", wrong.resource_name().unwrap_err()),
        ("dpop_bound_access_tokens_required", wrong.dpop_bound_access_tokens_required().unwrap_err()),
        ("jwks_uri", wrong.jwks_uri().unwrap_err()),
    ] {
        assert!(error.to_string().starts_with(name), "{error}");
    }
}

/// An app keeps what this version does not know for one that does.
#[test]
fn what_is_stored_is_the_whole_document() {
    let metadata = server_with(|document| document["x_new"] = json!({ "deep": [1, { "y": "z" }] }));
    let api = resource_with(|document| document["x_new"] = json!(["é", "\u{1f980}"]));
    let text = serde_json::to_string(&metadata).unwrap();
    let form: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(form["fetched_at"], 7);
    let document: Value = serde_json::from_str(form["document"].as_str().unwrap()).unwrap();
    assert_eq!(document["x_new"]["deep"][1]["y"], "z");
    assert_eq!(form.as_object().unwrap().len(), 2);

    let again: ServerMetadata = serde_json::from_str(&text).unwrap();
    assert!(again == metadata && again.get::<Value>("x_new").unwrap().unwrap()["deep"][0] == 1);
    let octets = postcard::to_allocvec(&(&metadata, &api)).unwrap();
    let (server, resource): (ServerMetadata, ResourceMetadata) = postcard::from_bytes(&octets).unwrap();
    assert!(server == metadata && resource == api, "in a format that does not name its members");
    assert_eq!(resource.get::<Vec<String>>("x_new").unwrap().unwrap(), ["é", "\u{1f980}"]);
    assert_eq!((resource.authorization_servers(), resource.resource()), (&[ISSUER.to_owned()][..], RESOURCE));
}

#[test]
fn a_byte_order_mark_is_not_kept() {
    let document =
        "\u{feff}{\"issuer\":\"https://as.example.com\",\"authorization_endpoint\":\"https://as.example.com/a\",\
        \"token_endpoint\":\"https://as.example.com/t\",\"x\":1}";
    let metadata = server(document).unwrap();
    assert_eq!(metadata.get::<u8>("x"), Ok(Some(1)));
    let text = serde_json::to_string(&metadata).unwrap();
    assert!(!text.contains('\u{feff}'));
    assert_eq!(serde_json::from_str::<ServerMetadata>(&text).unwrap().get::<u8>("x"), Ok(Some(1)));
}

#[test]
fn a_stored_form_that_is_damaged_is_refused() {
    let good = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token",
        "resource": RESOURCE,
    });
    let form = |document: &str| json!({ "fetched_at": 7, "document": document });
    assert!(serde_json::from_value::<ServerMetadata>(form(&good.to_string())).is_ok());
    assert!(serde_json::from_value::<ResourceMetadata>(form(&good.to_string())).is_ok());
    let with = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        document.to_string()
    };
    let nested = format!("{}{}", "[".repeat(32), "]".repeat(32));
    for document in [
        String::new(),
        "[]".into(),
        "{".into(),
        good.to_string() + "x",
        with("resource", json!(7)).replacen("\"issuer\":", "\"issuer\":7,\"issuer\":", 1),
        with("x", json!("x".repeat(oauth_proto::http::MAX_RESPONSE_BYTES))),
        good.to_string().replacen('{', &format!("{{\"x\":{nested},"), 1),
    ] {
        let error = serde_json::from_value::<ServerMetadata>(form(&document)).unwrap_err();
        assert_eq!(error.to_string(), "the stored metadata is damaged: fetch it again");
        let error = serde_json::from_value::<ResourceMetadata>(form(&document)).unwrap_err();
        assert_eq!(error.to_string(), "the stored metadata is damaged: fetch it again");
    }
    let evil = with("authorization_servers", json!(["http://as.example.com"]));
    assert!(serde_json::from_value::<ResourceMetadata>(form(&evil)).is_err());
}

/// RFC 9101 §10.5, and RFC 9126 §5: what cannot be done is said before the browser opens.
#[test]
fn a_server_that_wants_signed_requests_is_refused() {
    for (name, rule) in [("require_signed_request_object", "9101"), ("require_pushed_authorization_requests", "9126")] {
        for (value, is_refused) in
            [(json!(true), true), (json!("true"), true), (json!(false), false), (Value::Null, false)]
        {
            let metadata = server_with(|document| document[name] = value.clone());
            let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
            let client = Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap().with_metadata(&metadata).unwrap();
            let by_issuer = Login::new(client, AuthorizationRequest::new()).map(drop);
            let text = metadata.get::<Value>("issuer").map(|_| {
                let mut document = json!({
                    "issuer": ISSUER,
                    "authorization_endpoint": "https://as.example.com/authorize",
                    "token_endpoint": "https://as.example.com/token",
                });
                document[name] = value.clone();
                document.to_string()
            });
            let server = AuthorizationServer::from_metadata(ISSUER, text.unwrap().as_bytes()).unwrap();
            let client = Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap();
            assert_eq!(Login::new(client, AuthorizationRequest::new()).map(drop), by_issuer);
            match by_issuer {
                Err(ConfigError::Metadata { name: named, problem }) if is_refused => {
                    assert!(named == name && problem.contains(rule), "{named}: {problem}");
                }
                Ok(()) if !is_refused => {}
                other => panic!("{name} {value}: {other:?}"),
            }
        }
        let document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://as.example.com/authorize",
            "token_endpoint": "https://as.example.com/token",
            name: 7,
        });
        let error = server(&document.to_string()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
