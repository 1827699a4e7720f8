//! Requests to the token endpoint and the revocation endpoint: by the request builder, and by the machines.

use base64ct::{Base64, Encoding};
use oauth_proto::pkce::CodeVerifier;
use oauth_proto::redirect::{parse, AuthorizationCode, Expected};
use oauth_proto::{
    Access, AuthorizationRequest, AuthorizationServer, Client, ConfigError, Request, RequestId, Secret, Session,
    SessionAction, SignOut, Target, Tokens,
};
use serde_json::{json, Value};

use crate::config_errors::refused;
use crate::support::{
    body, compare, decode, exchange, only, pairs, redirect, run, started, state, text, texts, value_of, By, NOW,
    REDIRECT_URI,
};

const AUTHORIZATION_ENDPOINT: &str = "https://server.example.com/authorize";
const TOKEN_ENDPOINT: &str = "https://server.example.com/token";

#[test]
fn every_case_by_the_request_builder() {
    run("token_request", |case| {
        if text(&case["name"]) == "metadata-post-only" {
            only(case, &["name", "rule", "expect", "basis", "source"])?;
            return compare(case, &json!({ "rule": metadata_post_only() }));
        }
        only(case, &["name", "request", "expect", "basis", "source", "note"])?;
        let request = &case["request"];
        let client = match client(request) {
            Ok(client) => client,
            Err(error) => return compare(case, &refused("token_request", case, &error)?),
        };
        check(&built(&client, request)?, &case["expect"])
    });
}

/// A login asks for one resource and a session for none; a session revokes a refresh token under that name; and one case
/// is about a client.
const WITHOUT_A_MACHINE: [&str; 4] =
    ["code-with-resource", "refresh-with-resource", "revocation-access-token-no-hint", "metadata-post-only"];

#[test]
fn every_case_by_a_machine() {
    run("token_request", |case| {
        let (request, expect) = (&case["request"], &case["expect"]);
        if WITHOUT_A_MACHINE.contains(&text(&case["name"])) {
            return Ok(By::Nothing);
        }
        match client(request) {
            Ok(client) => check(&driven(client, request)?, expect),
            Err(error) => compare(case, &refused("token_request", case, &error)?),
        }
    });
}

fn client(request: &Value) -> Result<Client, ConfigError> {
    let endpoint = text(&request["token_endpoint"]);
    let mut server = match text(&request["kind"]) {
        "revocation" => {
            AuthorizationServer::new(AUTHORIZATION_ENDPOINT, TOKEN_ENDPOINT)?.revocation_endpoint(endpoint)?
        }
        _ => AuthorizationServer::new(AUTHORIZATION_ENDPOINT, endpoint)?,
    };
    let (method, secret) = (text(&request["auth"]), request["client_secret"].as_str().unwrap_or_default());
    if !["none", "client_secret_basic", "client_secret_post"].contains(&method) {
        // Only the server can name a method that there is no method for.
        server = server.token_endpoint_auth_methods_supported(&[method]);
    }
    let redirect_uri = request["redirect_uri"].as_str().unwrap_or(REDIRECT_URI);
    let builder = Client::builder(server, text(&request["client_id"]), redirect_uri);
    match method {
        "none" => builder,
        "client_secret_basic" => builder.client_secret_basic(secret),
        "client_secret_post" => builder.client_secret_post(secret),
        _ => builder.client_secret(secret),
    }
    .build()
}

/// The request that the token endpoint makes of these values.
fn built(client: &Client, request: &Value) -> Result<Request, String> {
    const COMMON: [&str; 5] = ["kind", "token_endpoint", "auth", "client_id", "client_secret"];
    let (endpoint, id) = (client.token_endpoint().ok_or("no endpoint")?, RequestId::from_u64(1));
    let resources: Vec<_> = texts(&request["resource"]).into_iter().map(str::to_owned).collect();
    match text(&request["kind"]) {
        "authorization_code" => {
            only(request, &[&COMMON[..], &["code", "redirect_uri", "code_verifier", "resource"]].concat())?;
            let verifier = CodeVerifier::new(text(&request["code_verifier"])).map_err(|error| error.to_string())?;
            Ok(endpoint.authorization_code(id, &code(client, text(&request["code"])), &verifier, &resources))
        }
        "refresh_token" => {
            only(request, &[&COMMON[..], &["refresh_token", "scope", "resource"]].concat())?;
            let scope = texts(&request["scope"]).join(" ");
            let scope = request["scope"].is_array().then_some(scope.as_str());
            Ok(endpoint.refresh_token(id, &Secret::new(text(&request["refresh_token"])), scope, &resources))
        }
        "revocation" => {
            only(request, &[&COMMON[..], &["token", "token_type_hint"]].concat())?;
            let token = Secret::new(text(&request["token"]));
            endpoint.revocation(id, &token, request["token_type_hint"].as_str()).ok_or("no endpoint".into())
        }
        kind => Err(format!("there is no request of the kind {kind}")),
    }
}

/// A code comes from a checked redirect alone.
fn code(client: &Client, code: &str) -> AuthorizationCode {
    let expected = Expected { redirect_uri: client.redirect_uri(), state: &state(), issuer: None, iss_required: false };
    parse(&redirect(client.redirect_uri().as_str(), code), &expected).expect("a good redirect").into_code()
}

/// The request that a login or a session makes.
fn driven(client: Client, request: &Value) -> Result<Request, String> {
    let scope = texts(&request["scope"]).join(" ");
    let session = |token: &str| {
        let refresh_token = Some(Secret::new(token));
        Session::new(client.clone(), Tokens::from_parts(Secret::new("AT1"), refresh_token, Some(NOW), &scope))
    };
    let target =
        if scope.is_empty() { Target::own() } else { Target::own().scope(&scope).map_err(|e| e.to_string())? };
    match text(&request["kind"]) {
        "authorization_code" => {
            let (mut login, _) = started(client, AuthorizationRequest::new()).map_err(|error| error.to_string())?;
            Ok(exchange(&mut login, text(&request["code"])))
        }
        "refresh_token" => match session(text(&request["refresh_token"])).access_for(&target, NOW) {
            Access::SendRequest(request) => Ok(request),
            other => Err(format!("{other:?}")),
        },
        "revocation" => match session(text(&request["token"])).sign_out(SignOut::new()) {
            SessionAction::SendRequest(request) => Ok(request),
            other => Err(format!("{other:?}")),
        },
        kind => Err(format!("no machine makes a request of the kind {kind}")),
    }
}

fn check(request: &Request, expect: &Value) -> Result<By, String> {
    let ok = &expect["ok"];
    if !ok.is_object() {
        return Err("a refusal was expected, got a request".into());
    }
    only(
        ok,
        &[
            "method",
            "url",
            "headers",
            "body_pairs",
            "absent_headers",
            "absent_body",
            "basic_form_decoded",
            "authorization_equivalents",
        ],
    )?;
    assert_eq!((&ok["method"], &ok["url"]), (&json!(request.method()), &json!(request.url())));

    let headers: Vec<_> = request.headers().collect();
    let header = |name: &str| headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    for (name, value) in ok["headers"].as_object().unwrap() {
        if name == "authorization" {
            check_basic(header(name), ok)?;
        } else if header(name) != value.as_str() {
            return Err(format!("expected {name}: {value}, got {:?}", header(name)));
        }
    }
    for name in texts(&ok["absent_headers"]) {
        assert_eq!(header(name), None, "{name}");
    }

    let (mut sent, mut wanted) = (body(request), pairs(&ok["body_pairs"]));
    for name in texts(&ok["absent_body"]) {
        assert_eq!(value_of(&sent, name), None, "{name}");
    }
    sent.sort();
    wanted.sort();
    if sent == wanted {
        Ok(By::Expect)
    } else {
        Err(format!("expected {wanted:?}, got {sent:?}"))
    }
}

/// RFC 6749 §2.3.1: any spelling that decodes to the two halves is right. So are those that the file lists.
fn check_basic(header: Option<&str>, ok: &Value) -> Result<(), String> {
    let listed = [ok["headers"]["authorization"].as_str()].into_iter().flatten();
    for value in listed.chain(texts(&ok["authorization_equivalents"])).map(Some).chain([header]) {
        let halves = halves(value)?;
        if texts(&ok["basic_form_decoded"]) != halves {
            return Err(format!("expected {}, got {halves:?}", ok["basic_form_decoded"]));
        }
    }
    Ok(())
}

fn halves(header: Option<&str>) -> Result<[String; 2], String> {
    let encoded = header.and_then(|value| value.strip_prefix("Basic ")).ok_or("no Basic authorization")?;
    let decoded = String::from_utf8(Base64::decode_vec(encoded).map_err(|error| error.to_string())?).unwrap();
    let (id, secret) = decoded.split_once(':').ok_or("no colon")?;
    // A form decoder decodes a name without a value.
    let half = |raw: &str| decode(raw).first().map(|(name, _)| name.clone()).unwrap_or_default();
    Ok([half(id), half(secret)])
}

/// The method by which a secret is sent if the metadata names `client_secret_post` alone.
fn metadata_post_only() -> &'static str {
    let document = json!({
        "issuer": "https://server.example.com",
        "authorization_endpoint": AUTHORIZATION_ENDPOINT,
        "token_endpoint": TOKEN_ENDPOINT,
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    });
    let server = AuthorizationServer::from_metadata("https://server.example.com", document.to_string().as_bytes());
    let server = server.expect("good metadata");
    let basic = Client::builder(server.clone(), "c", REDIRECT_URI).client_secret_basic("s").build();
    assert!(basic.is_err(), "the server does not take it");
    let client = Client::builder(server, "c", REDIRECT_URI).client_secret("s").build().expect("a client");
    let endpoint = client.token_endpoint().expect("an endpoint");
    let request = endpoint.refresh_token(RequestId::from_u64(1), &Secret::new("RT1"), None, &[]);
    let in_header = request.headers().any(|(name, _)| name == "authorization");
    match (in_header, value_of(&body(&request), "client_secret").as_deref()) {
        (false, Some("s")) => "client_secret_post",
        (true, None) => "client_secret_basic",
        _ => "something else",
    }
}
