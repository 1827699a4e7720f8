//! `ConfigError`: refused before anything is sent; the text names the value and says what to do.

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, ConfigError, Login};

use super::helps;
use crate::support::{builder, client, server, REDIRECT_URI};

#[track_caller]
fn check(error: &ConfigError, code: &str, words: &[&str]) {
    assert_eq!(error.code(), code, "{error}");
    helps(error, words);
}

#[test]
fn endpoint() {
    let error = AuthorizationServer::new("https://as.example.com/a", "http://as.example.com/t").unwrap_err();
    assert!(matches!(error, ConfigError::Endpoint { name: "token_endpoint", .. }));
    check(&error, "endpoint", &["token_endpoint: ", "use https"]);
    let error = server().revocation_endpoint("https://as.example.com/revoke#x").unwrap_err();
    check(&error, "endpoint", &["revocation_endpoint: ", "remove everything from '#' on"]);
}

/// Browsers and HTTP stacks would go to another place than the one that is written.
#[test]
fn an_endpoint_that_is_not_read_as_it_is_written() {
    for url in [
        "https:///as.example.com/a",
        "https://0x7f.1/a",
        "https://2130706433/a",
        "https://as.example.com:/a",
        "https://as.example.com:0443/a",
        "https://as.example.com/../a",
        "https://as.example.com/./a",
        "https://as.example.com/a/%2e%2e/b",
        "https://%61s.example.com/a",
        "https://u@as.example.com/a",
        "https://@as.example.com/a",
    ] {
        let refused = |result: Result<AuthorizationServer, ConfigError>, name: &str| {
            let error = result.expect_err(url);
            assert!(matches!(&error, ConfigError::Endpoint { name: other, .. } if *other == name), "{url}: {error}");
            helps(&error, &[name]);
        };
        let good = "https://as.example.com/x";
        refused(AuthorizationServer::new(url, good), "authorization_endpoint");
        refused(AuthorizationServer::new(good, url), "token_endpoint");
        refused(server().revocation_endpoint(url), "revocation_endpoint");
        let error = Client::new(server(), "app", url).expect_err(url);
        assert!(matches!(error, ConfigError::RedirectUri { .. }), "{url}: {error}");
        helps(&error, &["redirect_uri: "]);
        assert!(builder().api_origin(url.trim_end_matches("/a")).build().is_err(), "{url}");
    }
    for url in
        ["https://AS.example.com/a", "https://as.example.com:443/a", "https://[2001:db8::1]:8443/a/", "https://h"]
    {
        assert!(AuthorizationServer::new(url, url).is_ok() && Client::new(server(), "app", url).is_ok(), "{url}");
    }
}

/// A parameter must not be sent twice (RFC 6749 §3.1).
#[test]
fn an_authorization_endpoint_that_repeats_a_parameter() {
    for query in ["tenant=a&tenant=b", "tenant=a&t%65nant=a", "x&x"] {
        let url = format!("https://as.example.com/a?{query}");
        let error = AuthorizationServer::new(&url, "https://as.example.com/t").unwrap_err();
        check(&error, "endpoint", &["authorization_endpoint: ", "twice", "RFC 6749"]);
    }
    assert!(AuthorizationServer::new("https://as.example.com/a?x=1&X=1", "https://as.example.com/t").is_ok());
}

#[test]
fn issuer() {
    let error = server().issuer("https://as.example.com?tenant=1").unwrap_err();
    assert!(matches!(error, ConfigError::Issuer { .. }));
    check(&error, "issuer", &["issuer: ", "remove", "RFC 8414"]);
}

#[test]
fn metadata() {
    let error = AuthorizationServer::from_metadata("https://as.example.com", b"[]").unwrap_err();
    assert!(matches!(error, ConfigError::Metadata { name: "document", .. }));
    check(&error, "metadata", &["document: ", "RFC 8414"]);
    let error = server().code_challenge_methods_supported(&["plain"]).unwrap_err();
    check(&error, "metadata", &["S256", "use another server"]);
}

/// Nobody would check the ID token.
#[cfg(not(feature = "openid"))]
#[test]
fn openid_without_the_feature() {
    for scope in ["openid", "read openid"] {
        let error = Login::new(client(), AuthorizationRequest::new().scope(scope)).map(|_| ()).expect_err(scope);
        assert!(matches!(&error, ConfigError::Parameter { name, .. } if name == "scope"), "{error}");
        check(&error, "parameter", &["scope: ", "openid", "feature"]);
    }
}

#[cfg(feature = "openid")]
#[test]
fn resource() {
    for url in ["http://api.example.com", "https://api.example.com/#x", "api.example.com", ""] {
        let error = oauth_proto::ResourceMetadata::well_known_url(url).expect_err(url);
        assert!(matches!(error, ConfigError::Resource { .. }), "{url}: {error}");
        helps(&error, &["resource: "]);
        assert_eq!(error.code(), "resource");
    }
}

#[test]
fn redirect_uri() {
    let error = Client::new(server(), "app", "http://app.example.com/callback").unwrap_err();
    assert!(matches!(error, ConfigError::RedirectUri { .. }));
    check(&error, "redirect_uri", &["redirect_uri: ", "use https"]);
}

#[test]
fn a_redirect_uri_with_very_many_parameters() {
    let uri = |count: usize| {
        let query: Vec<String> = (0..count).map(|index| format!("p{index}=1")).collect();
        format!("{REDIRECT_URI}?{}", query.join("&"))
    };
    assert!(Client::new(server(), "app", &uri(16)).is_ok());
    let error = Client::new(server(), "app", &uri(17)).unwrap_err();
    check(&error, "redirect_uri", &["redirect_uri: ", "more than 16"]);
}

#[test]
fn a_timeout_of_nothing() {
    for builder in [builder().refresh_timeout_secs(0), builder().login_timeout_secs(0)] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, ConfigError::Client { name: "timeout", .. }));
        check(&error, "client", &["timeout", "seconds"]);
    }
    assert!(builder().refresh_timeout_secs(1).login_timeout_secs(1).build().is_ok());
}

#[test]
fn an_origin_with_more_than_an_origin() {
    for url in [
        "https://api.example.com/v1",
        "https://api.example.com//",
        "https://api.example.com/?x",
        "https://api.example.com?x",
        "https://*.example.com",
        "https://api.example.com/*",
    ] {
        let error = builder().api_origin(url).build().expect_err(url);
        assert!(matches!(error, ConfigError::Client { name: "api_origin", .. }), "{url}: {error}");
        check(&error, "client", &["api_origin: ", "scheme, host and port"]);
    }
    for url in ["https://api.example.com", "https://api.example.com/", "https://api.example.com:8443"] {
        assert!(builder().api_origin(url).build().is_ok(), "{url}");
    }
}

#[test]
fn a_client() {
    let error = Client::new(server(), "", REDIRECT_URI).unwrap_err();
    assert!(matches!(error, ConfigError::Client { name: "client_id", .. }));
    check(&error, "client", &["client_id: ", "as it was issued"]);
    let error = builder().api_origin("api.example.com").build().unwrap_err();
    check(&error, "client", &["api_origin: ", "https://"]);
}

#[test]
fn parameter() {
    let Err(error) = Login::new(client(), AuthorizationRequest::new().parameter("code_challenge", "x")) else {
        panic!()
    };
    assert!(matches!(&error, ConfigError::Parameter { name, .. } if name == "code_challenge"));
    check(&error, "parameter", &["code_challenge: ", "remove it"]);
}
