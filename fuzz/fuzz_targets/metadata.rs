// Invariant: metadata is accepted only if it is of the issuer or resource it was fetched for and all its endpoints are https;
// then it can be used and stored.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_proto::metadata::{well_known_url, DiscoveryOrder, ResourceMatch, WellKnown};
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, ResourceMetadata, Response,
    ServerMetadata, UnixTime,
};
use serde_json::Value;
use url::Url;

/// The first octet selects status and headers. The first line is the issuer or the resource, the rest is the body.
const STATUSES: [u16; 8] = [200, 200, 200, 404, 302, 429, 201, 0];
const HEADERS: [&[(&str, &str)]; 6] = [
    &[("Content-Type", "application/json")],
    &[("content-type", "application/jwk-set+json; charset=utf-8"), ("Retry-After", "30")],
    &[],
    &[("Content-Type", "text/html")],
    &[("Content-Type", "text/plain"), ("Location", "/metadata")],
    &[("Content-Type", "application/octet-stream")],
];
const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let end = text.iter().position(|octet| *octet == b'\n').unwrap_or(text.len());
    let (name, body) = (&text[..end], text.get(end + 1..).unwrap_or_default());
    let Ok(name) = core::str::from_utf8(name) else { return };
    let status = STATUSES[usize::from(*choice) % STATUSES.len()];
    let headers = HEADERS[usize::from(*choice) / STATUSES.len() % HEADERS.len()];
    let response = Response::new(status, headers, body);
    places(name);
    server(name, status, body, &response);
    resource(name, status, body, &response);
});

/// Metadata are fetched from the host of the issuer or resource, and from no other.
fn places(name: &str) {
    let is_issuer = well_known_url(name, WellKnown::OpenIdConfiguration).is_ok();
    assert_eq!(is_issuer, AuthorizationServer::from_issuer(name).is_ok());
    for (place, word) in [
        (WellKnown::OpenIdConfiguration, "openid-configuration"),
        (WellKnown::OAuthAuthorizationServer, "oauth-authorization-server"),
        (WellKnown::OpenIdConfigurationInserted, "openid-configuration"),
    ] {
        let Ok(url) = well_known_url(name, place) else {
            assert!(!is_issuer);
            continue;
        };
        let (found, own) = (https(&url), https(name));
        assert_eq!((found.origin(), found.query(), own.query()), (own.origin(), None, None), "{url}");
        let path = own.path().strip_suffix('/').unwrap_or(own.path());
        let well_known = format!("/.well-known/{word}");
        let path = match place {
            WellKnown::OpenIdConfiguration => format!("{path}{well_known}"),
            _ => format!("{well_known}{path}"),
        };
        assert_eq!(found.path(), path, "{url}");
    }
    if let Ok(url) = ResourceMetadata::well_known_url(name) {
        let (found, own) = (https(&url), https(name));
        assert_eq!((found.origin(), found.query()), (own.origin(), own.query()), "{url}");
        let path = if own.path() == "/" { "" } else { own.path() };
        assert_eq!(found.path(), format!("/.well-known/oauth-protected-resource{path}"), "{url}");
    }
}

/// Every value is read as it is written.
fn https(text: &str) -> Url {
    let url = Url::parse(text).expect("a URL");
    assert_eq!((url.scheme(), url.fragment(), url.username(), url.password()), ("https", None, "", None), "{text}");
    url
}

fn server(issuer: &str, status: u16, body: &[u8], response: &Response<'_>) {
    let by_hand = AuthorizationServer::from_metadata(issuer, body);
    let metadata = match ServerMetadata::from_response(issuer, response, NOW) {
        Ok(metadata) => metadata,
        Err(error) => {
            assert!(error.is_fatal() && !error.to_string().is_empty());
            return;
        }
    };
    assert!((200..=299).contains(&status) && by_hand.is_ok(), "one way as well as the other");
    let document = object(body);
    assert_eq!(document["issuer"], issuer);
    assert_eq!((metadata.issuer(), metadata.age(NOW)), (issuer, 0));
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
    ] {
        // An empty value counts as absent.
        if let Some(url) = document[name].as_str().filter(|url| !url.is_empty()) {
            https(url);
        }
    }
    assert!(document["authorization_endpoint"].is_string() && document["token_endpoint"].is_string());
    let methods = document["code_challenge_methods_supported"].as_array();
    assert!(methods.is_none_or(|methods| methods.iter().any(|method| method == "S256")));

    let stored = serde_json::to_string(&metadata).unwrap();
    assert_eq!(serde_json::from_str::<ServerMetadata>(&stored).ok().as_ref(), Some(&metadata));
    every_member(&document, |name| metadata.get(name).ok());
    for url in [metadata.registration_endpoint(), metadata.pushed_authorization_request_endpoint()] {
        if let Ok(Some(url)) = url {
            https(&url);
        }
    }
    let client = |issuer: &str| {
        let server =
            AuthorizationServer::from_issuer(issuer).expect("an issuer").discovery_order(DiscoveryOrder::OAuthFirst);
        Client::new(server, "s6BhdRkqt3", "com.example.app:/callback").unwrap()
    };
    assert!(client("https://other.example").with_metadata(&metadata).is_err() || issuer == "https://other.example");
    let Ok(client) = client(issuer).with_metadata(&metadata) else { return };
    assert_eq!(client.metadata(), Some(&metadata));
    for request in [AuthorizationRequest::new(), AuthorizationRequest::new().scope("openid")] {
        log_in(client.clone(), request, &document);
    }
}

/// A login opens the endpoint that the document names, or says why it cannot.
fn log_in(client: Client, request: AuthorizationRequest, document: &Value) {
    let Ok(mut login) = Login::new(client, request) else { return };
    assert_ne!(document["require_pushed_authorization_requests"], true);
    assert_ne!(document["require_signed_request_object"], true);
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy), NOW) else {
        panic!("there is nothing to ask for")
    };
    assert!(url.starts_with(document["authorization_endpoint"].as_str().unwrap()));
    https(&url);
}

fn resource(called: &str, status: u16, body: &[u8], response: &Response<'_>) {
    let exact = ResourceMetadata::from_response(called, response, NOW);
    let Ok(metadata) = ResourceMetadata::from_response_as(ResourceMatch::SameOriginParent, called, response, NOW)
    else {
        assert!(exact.is_err(), "what is equal matches by any rule");
        return;
    };
    assert!((200..=299).contains(&status));
    assert_eq!(exact.is_ok(), metadata.resource() == called);
    let document = object(body);
    assert_eq!(document["resource"], metadata.resource(), "its own text");
    assert!(ResourceMetadata::well_known_url(metadata.resource()).is_ok());
    same_origin_parent(metadata.resource(), called);
    let stored = serde_json::to_string(&metadata).unwrap();
    assert_eq!(serde_json::from_str::<ResourceMetadata>(&stored).ok().as_ref(), Some(&metadata));
    every_member(&document, |name| metadata.get(name).ok());
    for (name, list) in
        [("authorization_servers", metadata.authorization_servers()), ("scopes_supported", metadata.scopes_supported())]
    {
        // Elements that are not strings are left out, and so are those after the 1,024th.
        let names = document[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        assert!(names.take(1024).eq(list), "{name}");
    }
    for issuer in metadata.authorization_servers() {
        https(issuer);
        assert!(AuthorizationServer::from_issuer(issuer).is_ok());
    }
}

/// The document, which may begin with a byte order mark.
fn object(body: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).unwrap();
    assert!(document.is_object());
    document
}

/// A token for the resource goes nowhere but to the origin that was called, and the resource is above it.
fn same_origin_parent(resource: &str, called: &str) {
    if resource == called {
        return;
    }
    let (own, called) = (https(resource), Url::parse(called).expect("a URL"));
    assert_eq!((own.origin(), own.query()), (called.origin(), None));
    let above = |url: &Url| format!("{}/", url.path().strip_suffix('/').unwrap_or(url.path()));
    assert!(above(&called).starts_with(&above(&own)), "{own} {called}");
}

/// What is there can be read, unless it comes twice.
fn every_member(document: &Value, read: impl Fn(&str) -> Option<Option<Value>>) {
    for (name, value) in document.as_object().unwrap().iter().take(64) {
        if let Some(found) = read(name) {
            assert_eq!(found.unwrap_or_default(), *value, "{name}");
        }
    }
}
