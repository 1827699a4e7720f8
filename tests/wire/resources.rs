//! Whose metadata an API's are: compared exactly, or by the named rule. And where its tokens then go.

use oauth_proto::metadata::ResourceMatch;
use oauth_proto::{
    Access, AuthorizationRequest, BearerError, Client, Login, ResourceMetadata, Response, Secret, Session, Target,
    Tokens,
};
use serde_json::json;

use crate::{at, server, CLIENT_ID, JSON, REDIRECT_URI};

fn read(rule: ResourceMatch, called: &str, resource: &str) -> Result<ResourceMetadata, oauth_proto::Error> {
    let document = json!({ "resource": resource, "authorization_servers": ["https://as.example.com"] }).to_string();
    ResourceMetadata::from_response_as(rule, called, &Response::new(200, &JSON, document.as_bytes()), at(0))
}

const CALLED: &str = "https://api.example.com/v1/users?page=2";

#[test]
fn by_default_every_octet_counts() {
    for (called, resource, is_same) in [
        (CALLED, CALLED, true),
        ("https://api.example.com", "https://api.example.com", true),
        ("https://api.example.com", "https://api.example.com/", false),
        ("https://api.example.com/v1/", "https://api.example.com/v1", false),
        ("https://api.example.com/v1", "https://api.example.com:443/v1", false),
        ("https://api.example.com/v1", "https://API.example.com/v1", false),
        (CALLED, "https://api.example.com/v1/users", false),
    ] {
        assert_eq!(read(ResourceMatch::Exact, called, resource).is_ok(), is_same, "{called} {resource}");
        assert_eq!(read(ResourceMatch::default(), called, resource).is_ok(), is_same, "{called} {resource}");
        let document = json!({ "resource": resource }).to_string();
        let default = ResourceMetadata::from_response(called, &Response::new(200, &JSON, document.as_bytes()), at(0));
        assert_eq!(default.is_ok(), is_same, "{called} {resource}");
    }
}

#[test]
fn by_the_named_rule_a_parent_on_the_same_origin_counts() {
    let rule = ResourceMatch::SameOriginParent;
    for (called, resource) in [
        (CALLED, CALLED),
        (CALLED, "https://api.example.com/v1/users"),
        (CALLED, "https://api.example.com/v1/users/"),
        (CALLED, "https://api.example.com/v1/"),
        (CALLED, "https://api.example.com/v1"),
        (CALLED, "https://api.example.com/"),
        (CALLED, "https://api.example.com"),
        (CALLED, "https://api.example.com:443/v1"),
        (CALLED, "https://API.example.com/v1"),
        ("https://api.example.com/v1/#top", "https://api.example.com/v1"),
        ("https://api.example.com/v1", "https://api.example.com/v1/"),
        ("https://api.example.com", "https://api.example.com/"),
        ("https://api.example.com/", "https://api.example.com"),
        ("https://api.example.com?x=1", "https://api.example.com"),
        ("https://api.example.com:8443/v1/x", "https://api.example.com:8443/v1"),
    ] {
        let metadata = read(rule, called, resource).unwrap_or_else(|error| panic!("{called} {resource}: {error}"));
        assert_eq!(metadata.resource(), resource, "the document's own text");
    }
    for (called, resource) in [
        (CALLED, "https://api.example.com/v"),
        (CALLED, "https://api.example.com/v1/user"),
        (CALLED, "https://api.example.com/v1/users/7"),
        (CALLED, "https://api.example.com/v2"),
        (CALLED, "https://api.example.com/V1"),
        (CALLED, "https://api.example.com/v1?page=2"),
        (CALLED, "https://api.example.com/v1/users?page=3"),
        (CALLED, "https://api.example.com/v1/users//"),
        (CALLED, "https://api.example.com/%761"),
        (CALLED, "https://example.com/v1"),
        (CALLED, "https://api.example.com.evil.example/v1"),
        (CALLED, "https://evil.example/https://api.example.com/v1"),
        (CALLED, "https://api.example.com:8443/v1"),
        (CALLED, "http://api.example.com/v1"),
        (CALLED, "https://user@api.example.com/v1"),
        (CALLED, "https://api.example.com/v1/users/../.."),
        (CALLED, "urn:example:api"),
        ("http://api.example.com/v1", "https://api.example.com/v1"),
        ("https://api.example.com/a/../v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1%2Fusers", "https://api.example.com/v1"),
        ("api.example.com/v1", "https://api.example.com/v1"),
        ("", "https://api.example.com/v1"),
    ] {
        let error = read(rule, called, resource).expect_err(resource);
        assert!(error.is_fatal() && error.code() == "bad_metadata", "{called} {resource}: {error}");
        assert!(error.to_string().contains("resource: "), "{error}");
    }
}

/// Spellings that a URL parser and a server may read differently.
#[test]
fn the_named_rule_is_not_deceived_by_spellings() {
    let rule = ResourceMatch::SameOriginParent;
    for (called, resource) in [
        ("HTTPS://api.example.com/v1/x", "https://api.example.com/v1"),
        ("https://api.example.com:443", "https://api.example.com"),
        ("https://[2001:db8::1]:8443/v1", "https://[2001:DB8::1]:8443"),
        ("https://xn--bcher-kva.example/v1", "https://xn--bcher-kva.example/"),
        ("https://api.example.com/v1//x", "https://api.example.com/v1"),
        ("https://api.example.com/a%2fb/x", "https://api.example.com/a%2fb"),
        ("https://api.example.com/v1?next=https://evil.example/#@evil.example", "https://api.example.com/v1"),
        ("https://api.example.com?@evil.example/", "https://api.example.com"),
    ] {
        read(rule, called, resource).unwrap_or_else(|error| panic!("{called} {resource}: {error}"));
    }
    for (called, resource) in [
        // Another origin.
        ("https://api.example.com./v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1", "https://api.example.com./v1"),
        ("https://api.example.com#@evil.example/v1", "https://evil.example/v1"),
        ("https://api.example.com?@evil.example/v1", "https://evil.example/v1"),
        ("https://api.example.com\\@evil.example/v1", "https://evil.example/v1"),
        ("https://api.example.com\\@evil.example/v1", "https://api.example.com"),
        ("https://evil.example/v1", "https://api.example.com@evil.example/v1"),
        ("https://api.example.com@evil.example/v1", "https://evil.example/v1"),
        ("https://user:pass@api.example.com/v1", "https://api.example.com/v1"),
        ("https://[::1]/v1", "https://[::2]/v1"),
        ("https://[::ffff:127.0.0.1]/v1", "https://127.0.0.1/v1"),
        ("https://b\u{fc}cher.example/v1", "https://xn--bcher-kva.example/v1"),
        ("https://xn--bcher-kva.example/v1", "https://b\u{fc}cher.example/v1"),
        ("https://api.\u{ff45}xample.com/v1", "https://api.example.com/v1"),
        ("https://0x7f.1/v1", "https://127.0.0.1/v1"),
        // No URL as it is written.
        ("https://api.example.com:0443/v1", "https://api.example.com/v1"),
        ("https://api.example.com:/v1", "https://api.example.com/v1"),
        ("https://api.example.com:65536/v1", "https://api.example.com/v1"),
        ("https:/api.example.com/v1", "https://api.example.com/v1"),
        ("https:\\\\api.example.com/v1", "https://api.example.com/v1"),
        (" https://api.example.com/v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1\t/x", "https://api.example.com/v1"),
        ("https://api.exam\tple.com/v1", "https://api.example.com/v1"),
        ("https://%61pi.example.com/v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1/../admin", "https://api.example.com/v1"),
        ("https://api.example.com/v1/%2e%2E/admin", "https://api.example.com/v1"),
        ("https://api.example.com/v1/.%2e/admin", "https://api.example.com/v1"),
        ("https://api.example.com/v1\\..\\admin", "https://api.example.com/v1"),
        ("https://api.example.com/admin", "https://api.example.com/v1/../admin"),
        // Another path.
        ("https://api.example.com/%76%31/x", "https://api.example.com/v1"),
        ("https://api.example.com/v1;x/y", "https://api.example.com/v1"),
        ("https://api.example.com/a%2Fb/x", "https://api.example.com/a%2fb"),
        ("https://api.example.com/v1/x", "https://api.example.com/v1//"),
        ("https://api.example.com/x", "https://api.example.com//"),
        ("https://api.example.com/v1", "https://api.example.com/v1?"),
        ("https://api.example.com/v1?x#y", "https://api.example.com/v1?x"),
        ("https://api.example.com/v1", "https://api.example.com/v1#"),
    ] {
        let error = read(rule, called, resource).expect_err(&format!("{called} {resource}"));
        assert_eq!(error.code(), "bad_metadata", "{called} {resource}: {error}");
    }
}

#[test]
fn a_document_without_a_resource_says_so() {
    for document in ["{}", r#"{"resource":null,"authorization_servers":[]}"#] {
        let response = Response::new(200, &JSON, document.as_bytes());
        let error = ResourceMetadata::from_response("https://api.example.com", &response, at(0)).unwrap_err();
        assert!(error.to_string().contains("is missing in the metadata (RFC 9728 section 2)"), "{error}");
    }
}

/// What is sent is the document's text, and a token for it goes to its origin alone.
#[test]
fn tokens_stay_on_the_origin_of_the_resource() {
    let metadata = read(ResourceMatch::SameOriginParent, CALLED, "https://API.example.com:443/v1").unwrap();
    assert_eq!(metadata.origin(), "https://api.example.com");
    assert_eq!(metadata.target().as_resource(), Some("https://API.example.com:443/v1"));
    let client = Client::builder(server(), CLIENT_ID, REDIRECT_URI)
        .api_origin_for(&metadata.target(), &metadata.origin())
        .build()
        .unwrap();
    let request = AuthorizationRequest::new().resource(metadata.resource());
    let mut login = Login::new(client.clone(), request).unwrap();
    let opened = login.handle(oauth_proto::Event::Start(crate::entropy()), at(0)).unwrap();
    let oauth_proto::Action::OpenUrl(url) = opened else { panic!() };
    assert!(url.contains("&resource=https%3A%2F%2FAPI.example.com%3A443%2Fv1"), "{}", url.as_str());

    let tokens = Tokens::from_parts(Secret::new("AT"), Some(Secret::new("RT")), None, "a");
    let mut session = Session::new(client, tokens);
    let Access::SendRequest(refresh) = session.access_for(&metadata.target(), at(0)) else { panic!() };
    assert!(core::str::from_utf8(refresh.body())
        .unwrap()
        .contains("resource=https%3A%2F%2FAPI.example.com%3A443%2Fv1"));
    let body = br#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600}"#;
    let answer = oauth_proto::Event::ResponseReceived(refresh.id(), Response::new(200, &JSON, body));
    assert!(matches!(session.handle(answer, at(0)), Ok(oauth_proto::SessionAction::Save)));
    let Access::Ready(bearer) = session.access_for(&metadata.target(), at(0)) else { panic!() };
    assert!(bearer.headers("GET", CALLED).is_ok());
    for elsewhere in ["https://other.example.com/v1", "https://api.example.com:8443/v1", "http://api.example.com/v1"] {
        assert!(bearer.headers("GET", elsewhere).is_err(), "{elsewhere}");
    }
    let Access::Ready(own) = session.access_for(&Target::own(), at(0)) else { panic!() };
    assert_eq!(own.headers("GET", CALLED).map(drop), Err(BearerError::OriginNotAllowed), "it is for something else");
}
