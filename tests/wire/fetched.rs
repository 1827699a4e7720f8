//! Documents that are fetched by their URL, whose servers know no type of theirs: metadata of a server and of an API, and keys. And
//! userinfo, which the server writes itself, as it does tokens.

use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Error, Event, KeySet, KeySetError, Login,
    ResourceMetadata, Response, ServerMetadata, UserInfo, Violation,
};
use serde_json::json;

use crate::id_token::{CLIENT_ID, ISSUER, NONCE, USER};
use crate::keys::{jwks, signed, Verifier};
use crate::{answer, at, code_request, entropy, started, JSON, REDIRECT_URI};

const RESOURCE: &str = "https://api.example.com/v1";
const JWKS_URI: &str = "https://as.example.com/jwks";
const MARK: &str = "\u{feff}";

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// What reads an answer, and a document that it reads.
type Reader = (fn(Response<'_>) -> Result<(), Error>, String);

fn server_metadata(response: Response<'_>) -> Result<(), Error> {
    let pure = ServerMetadata::from_response(ISSUER, &response, at(0)).map(drop);
    assert_eq!(discovered(response), pure.is_ok());
    pure
}

/// Whether a login by the issuer goes on with such an answer, instead of looking elsewhere.
fn discovered(response: Response<'_>) -> bool {
    let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
    let client = Client::builder(server, CLIENT_ID, REDIRECT_URI).accept_id_tokens_on_tls_alone().build().unwrap();
    let mut login = Login::new(client, AuthorizationRequest::new()).unwrap();
    let Ok(Action::SendRequest(sent)) = login.handle(Event::Start(entropy()), at(0)) else { panic!() };
    match login.handle(Event::ResponseReceived(sent.id(), response), at(0)) {
        Ok(Action::OpenUrl(_)) => true,
        Ok(Action::SendRequest(next)) if next.url().ends_with("/.well-known/oauth-authorization-server") => false,
        other => panic!("{other:?}"),
    }
}

fn resource_metadata(response: Response<'_>) -> Result<(), Error> {
    ResourceMetadata::from_response(RESOURCE, &response, at(0)).map(drop)
}

/// A login that needs the key.
fn keys(response: Response<'_>) -> Result<(), Error> {
    let server = crate::server().issuer(ISSUER).and_then(|server| server.jwks_uri(JWKS_URI)).unwrap();
    let server = server.id_token_signing_alg_values_supported(&["EdDSA"]);
    let client = Client::builder(server, CLIENT_ID, REDIRECT_URI).signature_verifier(Verifier).build().unwrap();
    let (mut login, url) = started(client, AuthorizationRequest::new().scope("openid"), 0);
    let sent = code_request(&mut login, &url, 0);
    let claims = json!({ "iss": ISSUER, "sub": USER, "aud": CLIENT_ID, "iat": 0, "exp": 3600, "nonce": NONCE });
    let tokens =
        json!({ "access_token": "AT", "token_type": "Bearer", "id_token": signed(&claims, Some(1), 1) }).to_string();
    let Ok(Action::SendRequest(fetch)) = login.handle(answer(sent.id(), &tokens), at(0)) else { panic!() };
    assert_eq!(fetch.url(), JWKS_URI);
    match login.handle(Event::ResponseReceived(fetch.id(), response), at(0)) {
        Ok(Action::TokensReady(_)) => Ok(()),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    }
}

fn userinfo(response: Response<'_>) -> Result<(), Error> {
    UserInfo::parse(USER, &response, at(0)).map(drop)
}

/// Those that are fetched by their URL.
fn documents() -> [Reader; 3] {
    let server = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
    });
    let resource = json!({ "resource": RESOURCE, "authorization_servers": [ISSUER], "scopes_supported": ["a"] });
    [(server_metadata, server.to_string()), (resource_metadata, resource.to_string()), (keys, jwks(&[1]))]
}

fn all() -> impl Iterator<Item = Reader> {
    documents().into_iter().chain([(userinfo as fn(Response<'_>) -> _, json!({ "sub": USER }).to_string())])
}

#[track_caller]
fn code(read: fn(Response<'_>) -> Result<(), Error>, status: u16, headers: Pairs<'_>, body: &str) -> &'static str {
    read(Response::new(status, headers, body.as_bytes())).map_or_else(|error| error.code(), |()| "read")
}

const OTHER_TYPES: [&str; 9] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/json-seq",
    "application/jwk-set",
    "application/jwt",
    "application/x-www-form-urlencoded",
    "application/xml",
    "image/png",
    "",
];
const JSON_TYPES: [&str; 6] = [
    "application/json",
    "application/json; charset=utf-8",
    "application/jwk-set+json",
    "application/x-json",
    "text/json",
    "application/json, application/json",
];
const TEXT_TYPES: [&str; 5] =
    ["text/plain", "text/plain;charset=utf-8", "text/javascript", "application/javascript", "application/x-javascript"];
const PAGES: [&str; 4] =
    ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml", "application/json, text/html"];

#[test]
fn a_document_is_read_whatever_its_type_unless_that_is_a_page() {
    for (read, document) in documents() {
        assert_eq!(code(read, 200, &[], &document), "read");
        for content_type in JSON_TYPES.iter().chain(&TEXT_TYPES).chain(&OTHER_TYPES) {
            assert_eq!(code(read, 200, &[("content-type", content_type)], &document), "read", "{content_type}");
        }
    }
    let [(server, document), (resource, metadata), (keys, jwks)] = documents();
    for page in PAGES {
        let headers = [("content-type", page)];
        assert_eq!(code(server, 200, &headers, &document), "unexpected_content_type", "{page}");
        assert_eq!(code(resource, 200, &headers, &metadata), "unexpected_content_type", "{page}");
        // Nobody shows a page there, and what is a set of keys is one.
        assert_eq!(code(keys, 200, &headers, &jwks), "read", "{page}");
    }
}

#[test]
fn what_is_no_object_is_told_by_its_type() {
    let [server, resource, keys] = documents();
    for body in ["<h1>Not here</h1>", "", "[]", "null"] {
        for read in [server.0, resource.0] {
            assert_eq!(code(read, 200, &[], body), "response_malformed", "{body}");
            for content_type in JSON_TYPES {
                let headers = [("content-type", content_type)];
                assert_eq!(code(read, 200, &headers, body), "response_malformed", "{content_type} {body}");
            }
            for content_type in TEXT_TYPES.iter().chain(&OTHER_TYPES).chain(&PAGES) {
                let headers = [("content-type", *content_type)];
                assert_eq!(code(read, 200, &headers, body), "unexpected_content_type", "{content_type} {body}");
            }
        }
        for content_type in JSON_TYPES.iter().chain(&TEXT_TYPES).chain(&OTHER_TYPES).chain(&PAGES) {
            let headers = [("content-type", *content_type)];
            assert_eq!(code(keys.0, 200, &headers, body), "response_malformed", "{content_type} {body}");
        }
    }
}

/// It begins as an object and is none, or there is more behind it.
#[test]
fn half_an_object_is_none() {
    let [server, resource, _] = documents();
    for (read, document) in [server, resource] {
        for body in [&document[..document.len() - 1], &[document.as_str(), "x"].concat()] {
            assert_eq!(code(read, 200, &JSON, body), "response_malformed");
            assert_eq!(code(read, 200, &[("content-type", "text/plain")], body), "response_malformed");
            let headers = [("content-type", "application/octet-stream")];
            assert_eq!(code(read, 200, &headers, body), "unexpected_content_type");
        }
    }
}

#[test]
fn userinfo_is_read_as_tokens_are() {
    let body = json!({ "sub": USER }).to_string();
    assert_eq!(code(userinfo, 200, &[], &body), "read");
    for content_type in JSON_TYPES.iter().chain(&TEXT_TYPES) {
        assert_eq!(code(userinfo, 200, &[("content-type", content_type)], &body), "read", "{content_type}");
    }
    for content_type in OTHER_TYPES.iter().chain(&PAGES).filter(|one| **one != "application/jwt") {
        let headers = [("content-type", *content_type)];
        assert_eq!(code(userinfo, 200, &headers, &body), "unexpected_content_type", "{content_type}");
    }
    for content_type in TEXT_TYPES {
        let headers = [("content-type", content_type)];
        assert_eq!(code(userinfo, 200, &headers, "sub=248289761001"), "unexpected_content_type", "{content_type}");
    }
    for body in ["", "[]", "null", "{"] {
        assert_eq!(code(userinfo, 200, &JSON, body), "response_malformed", "{body}");
    }
}

/// OpenID Connect Core §5.3.2. The URL is right, and so is the server.
#[test]
fn signed_userinfo_is_called_so() {
    for content_type in ["application/jwt", "Application/JWT; charset=utf-8", "application/jwt, application/jwt"] {
        for body in
            ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIyNDgyODk3NjEwMDEifQ.AA", "a.b.c.d.e", "", r#"{"sub":"248289761001"}"#]
        {
            let headers = [("content-type", content_type)];
            let error = userinfo(Response::new(200, &headers, body.as_bytes())).unwrap_err();
            assert_eq!(error, Error::Violation(Violation::UserInfoSigned), "{content_type}");
            assert_eq!(error.code(), "userinfo_signed");
            let message = error.to_string();
            assert!(message.contains("register the client without userinfo_signed_response_alg"), "{message}");
            assert!(message.contains("in the ID token") && !message.contains("URL"), "{message}");
        }
        // Of a refusal the type says nothing.
        assert_eq!(code(userinfo, 401, &[("content-type", content_type)], ""), "http_error");
    }
    // Nobody else sends one there.
    let tokens = Response::new(200, &[("content-type", "application/jwt")], b"a.b.c");
    let error = oauth_proto::token::parse_response(&tokens, at(0)).err().unwrap();
    assert_eq!(error.code(), "unexpected_content_type");
}

#[test]
fn any_success_will_do() {
    for (read, document) in all() {
        for status in [200, 201, 202, 203, 204, 206, 226, 299] {
            assert_eq!(code(read, status, &JSON, &document), "read", "{status} {document}");
            assert_eq!(code(read, status, &JSON, ""), "response_malformed", "{status} {document}");
        }
        for status in [0, 199, 404, 600] {
            assert_eq!(code(read, status, &JSON, &document), "http_error", "{status} {document}");
        }
    }
}

#[test]
fn a_redirect_is_one_that_says_where_to() {
    let location = ("location", "https://as.example.com/elsewhere");
    for (read, document) in all() {
        for status in [301, 302, 303, 307, 308] {
            let error = read(Response::new(status, &[location], document.as_bytes())).unwrap_err();
            assert_eq!(error, Error::Violation(Violation::RedirectedResponse(status)));
            assert_eq!(code(read, status, &[], &document), "http_error", "{status}");
        }
        let error = read(Response::new(304, &[location], document.as_bytes())).unwrap_err();
        assert_eq!(error.code(), "http_error");
        assert!(!error.to_string().contains("final URL"), "{error}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped_everywhere() {
    for (read, document) in all() {
        for content_type in ["application/json", "text/plain"] {
            let headers = [("content-type", content_type)];
            for before in ["\u{feff}", "\u{feff} \r\n\t"] {
                assert_eq!(
                    code(read, 200, &headers, &[before, &document].concat()),
                    "read",
                    "{content_type} {document}"
                );
            }
        }
        for before in [[MARK, MARK], [" ", MARK]] {
            let body = [before.concat(), document.clone()].concat();
            assert_eq!(code(read, 200, &JSON, &body), "response_malformed", "{before:?} {document}");
        }
    }
    let marked = [MARK, &jwks(&[1, 2])].concat();
    assert_eq!(KeySet::parse(JWKS_URI, marked.as_bytes(), at(0)).map(|keys| keys.len()), Ok(2));
    let twice = [MARK, &marked].concat();
    assert_eq!(KeySet::parse(JWKS_URI, twice.as_bytes(), at(0)), Err(KeySetError::Malformed));
}

/// RFC 9728 §2, by the name of the member.
#[test]
fn a_member_of_a_wrong_type_is_named() {
    let read = |name: &str, value: &serde_json::Value| {
        let mut document = json!({ "resource": RESOURCE, "authorization_servers": [ISSUER] });
        document[name] = value.clone();
        let body = document.to_string();
        ResourceMetadata::from_response(RESOURCE, &Response::new(200, &JSON, body.as_bytes()), at(0))
    };
    for (name, values) in [
        ("resource", [json!(7), json!([RESOURCE]), json!({})]),
        ("authorization_servers", [json!(ISSUER), json!(true), json!({ "0": ISSUER })]),
        ("scopes_supported", [json!("a b"), json!(7), json!({})]),
    ] {
        for value in values {
            let message = read(name, &value).unwrap_err().to_string();
            let expected =
                format!("the metadata cannot be used: {name}: has the wrong type (RFC 9728 section 2): tell");
            assert!(message.starts_with(&expected), "{message}");
        }
        let body =
            format!(r#"{{"resource":"{RESOURCE}","authorization_servers":[],"scopes_supported":[],"{name}":null}}"#);
        assert_eq!(code(resource_metadata, 200, &JSON, &body), "response_malformed", "{name} comes twice");
    }
    for name in ["authorization_servers", "scopes_supported"] {
        let metadata = read(name, &serde_json::Value::Null).unwrap();
        assert!(metadata.scopes_supported().is_empty(), "null is absent");
    }
    let mixed = read("authorization_servers", &json!([7, ISSUER, null])).unwrap();
    assert_eq!(mixed.authorization_servers(), [ISSUER], "what is no text names nobody");
    assert!(read("x", &json!({ "resource": [] })).is_ok());
}
