//! What a redirect says, and to whom it goes.

use oauth_proto::redirect::{parse, unproved_error, Expected, RedirectUri, MAX_REDIRECT_BYTES};
use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, Error, Event, Ignored, Phase};

use crate::{at, client, query_of, server, started, value_of, CLIENT_ID, REDIRECT_URI};

fn is_ours(redirect_uri: &str, url: &str) -> bool {
    let redirect_uri = RedirectUri::new(redirect_uri).expect(redirect_uri);
    let expected = Expected { redirect_uri: &redirect_uri, state: "S", issuer: None, iss_required: false };
    match parse(url, &expected) {
        Ok(response) => response.into_code().reveal() == "C",
        Err(error) => {
            assert_eq!(error, Error::Ignored(Ignored::NotOurRedirect), "{url}");
            false
        }
    }
}

/// Microsoft's iOS redirects add it, and the portal refuses the form that has it.
#[test]
fn of_a_scheme_of_its_own_a_final_slash_more_or_less_is_the_same() {
    for (one, other) in [
        ("msauth.com.example.app://auth", "msauth.com.example.app://auth/"),
        ("com.example.app:/cb", "com.example.app:/cb/"),
        ("com.example.app:cb", "com.example.app:cb/"),
        ("com.example.app:///cb", "com.example.app:/cb/"),
        ("com.example.app:", "com.example.app:/"),
        ("com.example.app://", "com.example.app:///"),
        ("com.example.app://auth:7", "com.example.app://AUTH:7/"),
    ] {
        for (ours, theirs) in [(one, other), (other, one), (one, one), (other, other)] {
            assert!(is_ours(ours, &format!("{theirs}?code=C&state=S")), "{ours} {theirs}");
            assert!(is_ours(ours, &format!("{theirs}?code=C&state=S#_=_")), "{ours} {theirs}");
            assert!(is_ours(&format!("{ours}?a=b/"), &format!("{theirs}?a=b/&code=C&state=S")), "{ours} {theirs}");
            assert!(!is_ours(&format!("{ours}?a=b"), &format!("{theirs}?a=b/&code=C&state=S")), "{ours} {theirs}");
        }
    }
}

#[test]
fn one_slash_no_more_and_nothing_else() {
    for (ours, theirs) in [
        ("com.example.app:/cb", "com.example.app:/cb//"),
        ("com.example.app:/cb//", "com.example.app:/cb"),
        ("com.example.app:/cb", "com.example.app:/cb/x"),
        ("com.example.app:/cb", "com.example.app:/CB/"),
        ("com.example.app:/cb", "com.example.app:/cb%2F"),
        ("com.example.app:/a/cb", "com.example.app:/a//cb"),
        ("com.example.app://auth", "com.example.app://auth2/"),
        ("com.example.app://auth", "com.example.app:/auth/"),
        ("com.example.app:/cb", "com.example.ap:/cb/"),
    ] {
        assert!(!is_ours(ours, &format!("{theirs}?code=C&state=S")), "{ours} {theirs}");
    }
}

/// Two paths of one host may be two apps (RFC 9700 §2.1); an empty path of http is `/` (RFC 3986 §6.2.3).
#[test]
fn https_and_loopback_stay_exact() {
    for (one, other) in [
        ("https://app.example.com/cb", "https://app.example.com/cb/"),
        ("http://127.0.0.1:5000/cb", "http://127.0.0.1:5000/cb/"),
        ("http://localhost:5000/cb", "http://localhost:5000/cb/"),
        ("HTTPS://app.example.com/cb", "https://app.example.com/cb/"),
        ("https://app.example.com/", "https://app.example.com//"),
    ] {
        for (ours, theirs) in [(one, other), (other, one)] {
            assert!(!is_ours(ours, &format!("{theirs}?code=C&state=S")), "{ours} {theirs}");
        }
    }
    assert!(is_ours("https://app.example.com", "https://app.example.com/?code=C&state=S"));
}

/// The words are cleaned as proved ones are, and the login goes on.
#[test]
fn an_error_without_state_is_told_and_not_believed() {
    let (mut login, url) = started(client(), AuthorizationRequest::new(), 0);
    let denied =
        "com.example.app:/callback?error=access_denied&error_description=No%0Aaccess%1B[2J+here&error_uri=javascript:x";
    let error = login.handle(Event::RedirectReceived(denied), at(1)).unwrap_err();
    assert_eq!((&error, login.phase()), (&Error::Ignored(Ignored::StateMissing), Phase::AwaitingRedirect));
    let said = unproved_error(denied, login.client().redirect_uri()).unwrap();
    assert_eq!(said.oauth_error(), Some("access_denied"));
    assert_eq!((said.description(), said.uri(), said.status()), (Some("Noaccess[2J here"), None, None));
    let state = value_of(&query_of(&url), "state").unwrap();
    let proved = format!("{denied}&state={state}");
    assert_eq!(login.handle(Event::RedirectReceived(&proved), at(2)).unwrap_err(), Error::Refused(Box::new(said)));
}

#[test]
fn what_says_no_error_is_told_as_none() {
    let redirect_uri = RedirectUri::new("com.example.app:/callback?a=1").unwrap();
    let said = |query: &str| unproved_error(&format!("com.example.app:/callback?{query}"), &redirect_uri);
    for query in
        ["a=1&error=x", "error=x&a=1&state=", "a=1&error=x&error_description=%FF&b&b", "a=1&error=x&code=C&iss=y"]
    {
        let said = said(query).expect(query);
        assert_eq!((said.oauth_error(), said.description()), (Some("x"), None), "{query}");
    }
    let long = format!("a=1&error=x&error_description={}", "d".repeat(MAX_REDIRECT_BYTES));
    for query in [
        "a=1",
        "a=1&error=",
        "a=1&error=%FF",
        "a=1&error=%22",
        "a=1&error=x&error=x",
        "a=1&error=x&error_uri=a&error_uri=b",
        "error=x",
        "a=1&error=x&state=S",
        "a=1&error=x&state=&state=S",
        &long,
    ] {
        assert!(said(query).is_none(), "{query:.80}");
    }
    assert!(unproved_error("com.example.other:/callback?a=1&error=x", &redirect_uri).is_none());
    assert!(unproved_error("", &redirect_uri).is_none());
}

/// By the parser and by a login; the issuer that is known is compared as ever.
#[test]
fn an_iss_is_compared_or_refused() {
    let of = |issuer: Option<&str>, iss: &str| {
        let server = match issuer {
            Some(issuer) => server().issuer(issuer).unwrap(),
            None => server(),
        };
        let (mut login, url) =
            started(Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap(), AuthorizationRequest::new(), 0);
        let state = value_of(&query_of(&url), "state").unwrap();
        let url = format!("{REDIRECT_URI}?code=C&state={state}&iss={iss}");
        let code = login.handle(Event::RedirectReceived(&url), at(1)).map_or_else(|error| error.code(), |_| "ok");
        (code, login.phase())
    };
    let right = "https%3A%2F%2Fas.example.com";
    assert_eq!(of(Some("https://as.example.com"), right), ("ok", Phase::ExchangingCode));
    assert_eq!(of(Some("https://as.example.com/"), right), ("issuer_mismatch", Phase::Failed));
    for iss in [right, "https%3A%2F%2Fevil.example", "x", "%FF"] {
        assert_eq!(of(None, iss), ("issuer_unknown", Phase::Failed), "{iss}");
    }
    assert_eq!(of(None, ""), ("ok", Phase::ExchangingCode), "what has no value is left out (RFC 6749 section 3.1)");
}

/// What the host is told in place of `percent-encode it`, and what is a pattern.
#[test]
fn a_host_is_written_in_punycode_and_is_one_host() {
    let message = |text: &str| RedirectUri::new(text).expect_err(text).to_string();
    for uri in
        ["https://b\u{fc}cher.example/cb", "HTTPS://b\u{fc}cher.example:8443", "https://b\u{fc}cher.example/c\u{e4}?x"]
    {
        assert!(message(uri).contains("punycode") && !message(uri).contains("percent"), "{}", message(uri));
        let refused = |result: Result<AuthorizationServer, oauth_proto::ConfigError>| result.unwrap_err().to_string();
        for message in [
            refused(AuthorizationServer::new(uri, "https://as.example.com/token")),
            refused(AuthorizationServer::new("https://as.example.com/authorize", uri)),
            refused(server().issuer(uri)),
            refused(server().revocation_endpoint(uri)),
            Client::builder(server(), CLIENT_ID, REDIRECT_URI).api_origin(uri).build().unwrap_err().to_string(),
        ] {
            assert!(message.contains("punycode, xn--"), "{message}");
        }
    }
    for uri in [
        "https://app.example.com/c\u{e4}",
        "https://app.example.com?x=\u{e4}",
        "com.example.app:/\u{e4}",
        "com.example.app://\u{e4}/cb",
    ] {
        assert!(message(uri).contains("percent-encode"), "{uri}: {}", message(uri));
    }
    let message_of_endpoint =
        AuthorizationServer::new("https://as.example.com/\u{e4}", "https://as.example.com/t").unwrap_err();
    assert!(message_of_endpoint.to_string().contains("percent-encode"), "{message_of_endpoint}");
    assert!(RedirectUri::new("https://xn--bcher-kva.example/cb").is_ok());

    for uri in [
        "https://*.example.com/cb",
        "https://*/cb",
        "https://app-*.example.com/cb",
        "http://127.0.0.1:*/cb",
        "http://localhost:*",
        "com.example.app://*/cb",
    ] {
        assert!(message(uri).contains("wildcard"), "{uri}: {}", message(uri));
        let logout = Client::builder(server(), CLIENT_ID, REDIRECT_URI).post_logout_redirect_uri(uri).build();
        assert!(logout.unwrap_err().to_string().contains("wildcard"), "{uri}");
    }
    for uri in ["https://app.example.com/a*b", "com.example.app:/cb?x=*"] {
        assert!(RedirectUri::new(uri).is_ok(), "{uri}");
    }
}
