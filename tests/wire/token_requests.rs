//! Every request to the token and the revocation endpoint, for each format and each way to authenticate, in full.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use oauth_proto::pkce::CodeVerifier;
use oauth_proto::{AuthorizationRequest, Client, Request, Session, SignOut, Target};

use crate::{
    at, code_request, decoded, log_in, pairs, refresh_of, revocation_of, server, started, Pairs, REDIRECT_URI,
};

const ID: &str = "s6:& ü";
const SECRET: &str = "p\"\\=s";
const VENDOR: (&str, &str) = ("vendor\"x", "1\n\u{1}\"\\ü&");
const RESOURCE: &str = "https://api.example.com/?a=1&b";
const TOKENS: &str = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"R +\"1"}"#;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Form,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Authentication {
    None,
    Basic,
    Post,
}

fn client(format: Format, authentication: Authentication) -> Client {
    let builder = Client::builder(server(), ID, REDIRECT_URI).token_parameter(VENDOR.0, VENDOR.1);
    let builder = match format {
        Format::Form => builder,
        Format::Json => builder.json_token_requests(),
    };
    let builder = match authentication {
        Authentication::None => builder,
        Authentication::Basic => builder.client_secret_basic(SECRET),
        Authentication::Post => builder.client_secret_post(SECRET),
    };
    builder.build().unwrap()
}

/// Two resources: one access token is for one of them, the first (RFC 8707 §2.2).
fn wanted() -> AuthorizationRequest {
    AuthorizationRequest::new().scope("a b").resource(RESOURCE).resource("urn:b:c")
}

/// Holds a request against all that it must be; `own` are the pairs that are not the client's.
fn check(request: &Request, url: &str, format: Format, authentication: Authentication, own: &[(&str, &str)]) {
    let case = (url, format, authentication);
    assert_eq!((request.method(), request.url()), ("POST", url), "{case:?}");
    assert_eq!(request.max_response_bytes(), 1_048_576, "{case:?}");
    let content_type = match format {
        Format::Form => "application/x-www-form-urlencoded",
        Format::Json => "application/json",
    };
    let mut headers = vec![("content-type", content_type), ("accept", "application/json")];
    let authorization = format!("Basic {}", Base64::encode_string(b"s6%3A%26+%C3%BC:p%22%5C%3Ds"));
    let mut expected = pairs(own);
    match authentication {
        Authentication::None => expected.extend(pairs(&[("client_id", ID)])),
        Authentication::Basic => headers.push(("authorization", authorization.as_str())),
        Authentication::Post => expected.extend(pairs(&[("client_id", ID), ("client_secret", SECRET)])),
    }
    expected.sort();
    assert_eq!(request.headers().collect::<Vec<_>>(), headers, "{case:?}");
    let mut body: Pairs = match format {
        Format::Form => decoded(request.body()),
        Format::Json => {
            let members: BTreeMap<String, String> = serde_json::from_slice(request.body()).unwrap();
            members.into_iter().collect()
        }
    };
    body.sort();
    assert_eq!(body, expected, "{case:?}");
}

#[test]
fn every_request_is_what_it_should_be() {
    let octets: [u8; 32] = core::array::from_fn(|index| u8::try_from(index).unwrap());
    let verifier = CodeVerifier::from_octets(&octets).unwrap();
    for format in [Format::Form, Format::Json] {
        for authentication in [Authentication::None, Authentication::Basic, Authentication::Post] {
            let client = client(format, authentication);
            let (mut login, url) = started(client.clone(), wanted(), 0);
            let own = [
                ("grant_type", "authorization_code"),
                ("code", "C+1"),
                ("code_verifier", verifier.reveal()),
                ("redirect_uri", REDIRECT_URI),
                ("resource", RESOURCE),
                VENDOR,
            ];
            let token_url = "https://as.example.com/token";
            check(&code_request(&mut login, &url, 1), token_url, format, authentication, &own);

            let mut session = Session::new(client.clone(), log_in(client, wanted(), TOKENS, 0));
            let mut own =
                vec![("grant_type", "refresh_token"), ("refresh_token", "R +\"1"), ("resource", RESOURCE), VENDOR];
            check(&refresh_of(session.access(at(3600))), token_url, format, authentication, &own);
            own.push(("scope", "b"));
            let narrower = Target::own().scope("b").unwrap();
            let refresh = refresh_of(session.access_for(&narrower, session.deadline().unwrap().saturating_add(2)));
            check(&refresh, token_url, format, authentication, &own);

            let revocation = revocation_of(session.sign_out(SignOut::new()));
            let own = [("token", "R +\"1"), ("token_type_hint", "refresh_token")];
            check(&revocation, "https://as.example.com/revoke", Format::Form, authentication, &own);
        }
    }
}

/// With the token endpoint's own URL for revocation, too: the extra parameters are the token requests'.
#[test]
fn a_revocation_at_the_same_url_carries_no_token_parameter() {
    let server = server().revocation_endpoint("https://as.example.com/token").unwrap();
    let client = Client::builder(server, ID, REDIRECT_URI).token_parameter(VENDOR.0, VENDOR.1).build().unwrap();
    let mut session = Session::new(client.clone(), log_in(client, wanted(), TOKENS, 0));
    let revocation = revocation_of(session.sign_out(SignOut::new()));
    let own = [("token", "R +\"1"), ("token_type_hint", "refresh_token")];
    check(&revocation, "https://as.example.com/token", Format::Form, Authentication::None, &own);
}

#[test]
fn a_secret_goes_the_way_that_the_server_names() {
    for (methods, authentication) in [
        (None, Authentication::Basic),
        (Some(&["client_secret_post", "client_secret_basic"][..]), Authentication::Basic),
        (Some(&["client_secret_post"]), Authentication::Post),
    ] {
        let server = match methods {
            None => server(),
            Some(methods) => server().token_endpoint_auth_methods_supported(methods),
        };
        let client = Client::builder(server, ID, REDIRECT_URI).client_secret(SECRET).build().unwrap();
        let session = Session::new(client.clone(), log_in(client, AuthorizationRequest::new(), TOKENS, 0));
        let own = [("grant_type", "refresh_token"), ("refresh_token", "R +\"1")];
        let refresh = refresh_of({ session }.access(at(3600)));
        check(&refresh, "https://as.example.com/token", Format::Form, authentication, &own);
    }
}
