//! URLs that are read in another way than they are written, and other values that cannot work.

use oauth_proto::redirect::RedirectUri;
use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, Secret, Session, Tokens};

use crate::{at, authorization, builder, client, ready, server};

/// HTTP stacks and the URL parser agree on none of these.
#[test]
fn endpoints_are_what_they_look_like() {
    for url in [
        "https:///as.example.com/a",
        "https:////as.example.com/a",
        "https://@as.example.com/a",
        "https://:@as.example.com/a",
        "https://%61s.example.com/a",
        "https://as.example.com:/a",
        "https://as.example.com:0443/a",
        "https://as.example.com/a/../b",
        "https://127.1/a",
        "https:\\\\as.example.com/a",
    ] {
        assert!(AuthorizationServer::new(url, "https://as.example.com/token").is_err(), "{url}");
        assert!(AuthorizationServer::new("https://as.example.com/authorize", url).is_err(), "{url}");
        assert!(server().issuer(url).is_err(), "{url}");
    }
    for url in ["https://AS.example.com/a", "https://as.example.com:443", "https://[::1]:8443/a?b=/../c"] {
        assert!(AuthorizationServer::new(url, url).is_ok(), "{url}");
    }
}

#[test]
fn loopback_literals_are_literals() {
    for url in [
        "http://127.1/a",
        "http://0x7f.1/a",
        "http://0177.0.0.1/a",
        "http://2130706433/a",
        "http://127.0.0.1./a",
        "http://%31%32%37.0.0.1/a",
        "http:///127.0.0.1/a",
        "http://[0:0:0:0:0:0:0:1]/a",
        "http://[::ffff:127.0.0.1]/a",
        "http://localhost./a",
        "http://a.localhost/a",
        "http://localhost.evil.example/a",
        "http://xlocalhost/a",
        "http://localhost@evil.example/a",
        "http://%6cocalhost/a",
    ] {
        assert!(AuthorizationServer::on_insecure_loopback(url, url).is_err(), "{url}");
    }
    for url in ["http://127.0.0.1:8080/a", "http://[::1]/a", "http://localhost/a", "http://LocalHost:8080/a"] {
        assert!(AuthorizationServer::on_insecure_loopback(url, url).is_ok(), "{url}");
        let error = AuthorizationServer::new(url, url).unwrap_err();
        assert!(error.to_string().contains("on_insecure_loopback"), "{error}");
    }
}

/// The name of this machine is for tests too, wherever a literal is, and nowhere else.
#[test]
fn localhost_is_a_name_for_tests() {
    let server = |host: &str| {
        let [authorize, token, revoke] = ["authorize", "token", "revoke"].map(|path| format!("{host}/{path}"));
        AuthorizationServer::on_insecure_loopback(&authorize, &token)
            .and_then(|server| server.revocation_endpoint(&revoke))
            .and_then(|server| server.issuer(host))
            .unwrap()
    };
    let client = |host: &str, api: &str| {
        Client::builder(server(host), "s6BhdRkqt3", "com.example.app:/callback").api_origin(api).build()
    };
    let tests = client("http://localhost:8080", "http://localhost:3000").unwrap();
    let mut session = Session::new(tests, Tokens::from_parts(Secret::new("AT1"), None, None, "a"));
    let bearer = ready(session.access(at(0)));
    assert!(authorization(&bearer, "http://localhost:3000/me").is_ok());
    for url in
        ["http://localhost:3001/me", "http://localhost/me", "https://localhost:3000/me", "http://127.0.0.1:3000/me"]
    {
        assert_eq!(authorization(&bearer, url).unwrap_err().code(), "origin_not_allowed", "{url}");
    }
    assert!(client("http://127.0.0.1:8080", "http://a.localhost:3000").is_err());
    // A server with https alone has APIs with https alone.
    assert!(builder().api_origin("http://localhost:3000").build().is_err());
    let https = self::server();
    assert!(https.clone().issuer("http://localhost:8080").is_err());
    assert!(https.revocation_endpoint("http://localhost:8080/revoke").is_err());
}

#[test]
fn a_token_goes_to_no_url_that_is_read_in_another_way() {
    let mut session = Session::new(client(), Tokens::from_parts(Secret::new("AT1"), None, None, "a"));
    let bearer = ready(session.access(at(0)));
    for url in ["https:///api.example.com/me", "https://@api.example.com/me", "https://api%2eexample.com/me"] {
        assert_eq!(authorization(&bearer, url).unwrap_err().code(), "bad_url", "{url}");
    }
    assert!(authorization(&bearer, "https://API.example.com:443/me?x=../y").is_ok());
}

/// A login with one of these would wait until its timeout: the browser comes back to another form of it.
#[test]
fn redirect_uris_are_what_a_browser_comes_back_to() {
    for uri in [
        "http://127.1:5000/cb",
        "http://0x7f.1:5000/cb",
        "http://[0:0:0:0:0:0:0:1]:5000/cb",
        "http://127.0.0.1:05000/cb",
        "https://app.example.com/a/../cb",
        "https://app.example.com/./cb",
        "https://%61pp.example.com/cb",
    ] {
        assert!(RedirectUri::new(uri).is_err(), "{uri}");
    }
    for uri in ["http://127.0.0.1:5000/cb", "https://App.Example.com/cb", "com.example.app:/a/../cb"] {
        assert!(RedirectUri::new(uri).is_ok(), "{uri}");
    }
}

/// Each parameter of its own is looked for in every redirect, before it is known whose it is.
#[test]
fn a_redirect_uri_has_few_parameters_of_its_own() {
    let uri = |count: u32| {
        let own: Vec<_> = (0..count).map(|index| format!("a{index}=1")).collect();
        RedirectUri::new(&format!("com.example.app:/callback?{}", own.join("&")))
    };
    assert!(uri(16).is_ok());
    assert!(uri(17).is_err());
}

#[test]
fn an_authorization_endpoint_brings_no_other_request_in() {
    for query in ["x=1&x=2", "request=eyJ", "request_uri=urn:x", "response_mode=fragment", "%73tate=1"] {
        let endpoint = format!("https://as.example.com/authorize?{query}");
        assert!(AuthorizationServer::new(&endpoint, "https://as.example.com/token").is_err(), "{query}");
    }
}

#[test]
fn an_api_origin_is_an_origin() {
    for origin in ["https://api.example.com/v1", "https://api.example.com?x", "https://*.example.com"] {
        assert_eq!(builder().api_origin(origin).build().unwrap_err().code(), "client", "{origin}");
    }
    assert!(builder().api_origin("https://api.example.com/").build().is_ok());
}

#[test]
fn a_resource_is_an_absolute_uri() {
    for resource in ["foo/bar:baz", "1a:baz", "x", "https://api.example.com/#x", "https://api.example.com/ x"] {
        assert!(AuthorizationRequest::new().resource(resource).check().is_err(), "{resource}");
    }
    for resource in ["urn:example:api", "https://api.example.com/"] {
        assert!(AuthorizationRequest::new().resource(resource).check().is_ok(), "{resource}");
    }
}

#[test]
fn an_empty_name_or_value_is_told_from_one_that_is_set_twice() {
    let message = |builder: oauth_proto::ClientBuilder| builder.build().unwrap_err().to_string();
    assert!(message(builder().token_parameter("x", "")).contains("empty"));
    assert!(message(builder().token_parameter("x", "1").token_parameter("x", "2")).starts_with("x: is set twice"));
    let error = AuthorizationRequest::new().parameter("", "x").check().unwrap_err();
    assert!(error.to_string().starts_with("parameter: "), "{error}");
}
