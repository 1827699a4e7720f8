//! The parts by themselves: configuration, pure functions, and the conversions for other crates.

use oauth_proto::pkce::CodeVerifier;
use oauth_proto::redirect::{parse, Expected, RedirectUri};
use oauth_proto::token::{parse_response, ClientAuthentication};
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, ConfigError, Entropy, Event, Headers, Login, RequestId,
    Response, Secret, Tokens,
};
use serde::Deserialize;

use super::{echo, id_token, request, right_redirect, secret_client, watch, ACCESS, CLIENT_SECRET, CODE, REFRESH};
use crate::support::{at, builder, entropy, exchanging, json, octets, server, state, verifier, REDIRECT_URI};

#[test]
fn configuration_shows_no_secret() {
    let watch = watch();
    watch.debug("ClientBuilder", &builder().client_secret(CLIENT_SECRET).token_parameter("ext", super::EXTRA));
    for basic in [false, true] {
        let client = secret_client(basic);
        watch.debug("Client", &client);
        watch.debug("TokenEndpoint", &client.token_endpoint());
        watch.debug("RedirectUri", client.redirect_uri());
        watch.debug("AuthorizationServer", client.server());
        watch.debug("api_origins", &client.api_origins());
    }
    watch.debug("AuthorizationRequest", &request());
    watch.debug("Secret", &Secret::new(CLIENT_SECRET));
    watch.debug("ClientAuthentication", &ClientAuthentication::ClientSecretBasic(Secret::new(CLIENT_SECRET)));
    watch.debug("ClientAuthentication", &ClientAuthentication::ClientSecretPost(Secret::new(CLIENT_SECRET)));
    watch.debug("Entropy", &entropy(1));
}

#[test]
fn what_is_wrong_with_a_configuration_shows_no_secret() {
    let watch = watch();
    let secret = |builder: oauth_proto::ClientBuilder| builder.build().unwrap_err();
    let url = format!("http://as.example.com/{CLIENT_SECRET}");
    let request = |request: AuthorizationRequest| request.check().unwrap_err();
    let errors: [ConfigError; 9] = [
        secret(builder().client_secret(&format!("{CLIENT_SECRET}\n"))),
        secret(builder().token_parameter("code", CODE)),
        secret(builder().token_parameter("ext", super::EXTRA).token_parameter("ext", super::EXTRA)),
        secret(builder().api_origin(&url)),
        secret(Client::builder(server(), "app", &url)),
        AuthorizationServer::new(&url, &url).unwrap_err(),
        AuthorizationServer::from_metadata("https://as.example.com", echo().as_bytes()).unwrap_err(),
        request(AuthorizationRequest::new().parameter("state", &state(1))),
        request(AuthorizationRequest::new().invitation(super::INVITATION).invitation(super::INVITATION)),
    ];
    for error in errors {
        watch.error("ConfigError", &error);
    }
    let octets = [octets(1)[..32].to_vec(), octets(1)[..64].to_vec()].concat().try_into().unwrap();
    watch.error("EntropyError", &Entropy::new(octets).unwrap_err());
    watch.error("InvalidVerifier", &CodeVerifier::new(&format!("{}\u{e9}", verifier(1))).unwrap_err());
}

#[test]
fn pure_functions_show_no_secret() {
    let (watch, state) = (watch(), state(1));
    let redirect_uri = RedirectUri::new(REDIRECT_URI).unwrap();
    let expected = Expected { redirect_uri: &redirect_uri, state: &state, issuer: None, iss_required: false };
    watch.debug("Expected", &expected);
    let url = right_redirect();
    let response = parse(&url, &expected).unwrap();
    watch.debug("AuthorizationResponse", &response);
    let code = response.into_code();
    watch.debug("AuthorizationCode", &code);
    let verifier = CodeVerifier::new(&verifier(1)).unwrap();
    watch.debug("CodeVerifier", &verifier);
    watch.debug("CodeChallenge", &verifier.challenge());
    watch.text("the challenge", verifier.challenge().as_str());

    let client = secret_client(true);
    let id = RequestId::from_u64(1);
    let endpoint = client.token_endpoint().unwrap();
    let refresh_token = Secret::new(REFRESH);
    for request in [
        endpoint.authorization_code(id, &code, &verifier, &[]),
        endpoint.refresh_token(id, &refresh_token, Some("read"), &[]),
        endpoint.revocation(id, &refresh_token, None).unwrap(),
    ] {
        watch.debug("Request", &request);
        watch.text("the request's URL", request.url());
    }
    let body = format!("{{\"access_token\":\"{ACCESS}\",\"token_type\":\"Bearer\",\"refresh_token\":\"{REFRESH}\"}}");
    let response = json(200, &body);
    watch.debug("Response", &response);
    watch.debug("TokenResponse", &parse_response(&response, at(0)).unwrap());
}

/// Tokens of a client that keeps the whole response.
fn kept_tokens() -> Tokens {
    let (mut login, request) = exchanging(secret_client(false), AuthorizationRequest::new());
    let body =
        serde_json::json!({ "access_token": ACCESS, "token_type": "Bearer", "id_token": id_token() }).to_string();
    match login.handle(Event::ResponseReceived(request.id(), Response::new(200, Headers::NONE, body.as_bytes())), at(0))
    {
        Ok(Action::TokensReady(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}

/// Somebody reads an ID token as if it were claims already.
#[test]
fn a_token_response_that_does_not_fit_a_type_shows_no_token() {
    #[derive(Debug, Deserialize)]
    struct Members {
        #[serde(rename = "id_token")]
        _claims: Claims,
    }
    #[derive(Debug, Deserialize)]
    struct Claims {}
    let tokens = kept_tokens();
    watch().error("the error of Tokens::members", &tokens.members::<Members>().unwrap_err());
}

/// Somebody lists the codes that are expected.
#[cfg(feature = "std")]
#[test]
fn a_redirect_that_does_not_fit_a_type_shows_no_code() {
    #[derive(Debug, Deserialize)]
    struct Parameters {
        #[serde(rename = "code")]
        _code: Kind,
    }
    #[derive(Debug, Deserialize)]
    enum Kind {
        Known,
    }
    let _ = Kind::Known;
    let error = oauth_proto::redirect::parameters::<Parameters>(&right_redirect()).unwrap_err();
    watch().error("the error of redirect::parameters", &error);
}

#[cfg(feature = "http")]
#[test]
fn the_http_crates_request_marks_the_authorization_as_sensitive() {
    let mut login = Login::new(secret_client(true), request()).unwrap();
    assert!(login.handle(Event::Start(entropy(1)), at(0)).is_ok());
    let Ok(Action::SendRequest(request)) = login.handle(Event::RedirectReceived(&right_redirect()), at(1)) else {
        panic!()
    };
    let request = http::Request::try_from(&request).unwrap();
    assert!(request.headers().contains_key("authorization"));
    watch().debug("HeaderMap", request.headers());
    watch().text("the URL", &request.uri().to_string());
}

#[cfg(not(feature = "http"))]
#[test]
fn a_login_that_never_began_shows_nothing() {
    watch().debug("Login", &Login::new(secret_client(true), request()).unwrap());
}
