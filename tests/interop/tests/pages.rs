//! The tools of the other tests, and what the server does by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto_interop::{Landed, Person, Server, UserAgent};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorization_request(server: &Server, redirect_uri: &str) -> String {
    format!(
        "{}?response_type=code&client_id=native-app&redirect_uri={redirect_uri}&scope=openid&state=a\
         &code_challenge={CHALLENGE}&code_challenge_method=S256",
        server.authorization_endpoint
    )
}

/// The script finds its way through the login page and the consent page, and the response carries `code`, `state`
/// and `iss` and nothing else (RFC 9207 §2).
#[test]
fn the_pages_are_walked() {
    let server = Server::shared();
    let mut browser = UserAgent::new("walker");
    let url = authorization_request(&server, "com.example.app:%2Foauth2redirect");
    let landed = browser.walk(&url, Person::Allows).redirect();
    assert_eq!(browser.headings(), ["Sign-in", "Authorize"]);
    let (base, query) = landed.split_once('?').unwrap();
    assert_eq!(base, "com.example.app:/oauth2redirect");
    let names: Vec<_> = query.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
}

/// RFC 6749 §4.1.2.1: no redirect to a URI that is not registered, only a page.
#[test]
fn an_unregistered_redirect_uri_is_a_page() {
    let server = Server::shared();
    let url = authorization_request(&server, "com.example.other:%2Foauth2redirect");
    let landed = UserAgent::new("walker").walk(&url, Person::Allows);
    let Landed::Page { status: 400, body } = landed else { panic!("{landed:?}") };
    assert!(body.contains("invalid_redirect_uri"));
}
