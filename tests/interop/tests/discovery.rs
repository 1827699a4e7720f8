//! The server is found by its issuer: OpenID Connect Discovery 1.0, RFC 8414, RFC 9207.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::redirect::from_form_post;
use oauth_proto::{
    Action, Algorithm, AuthorizationServer, Client, Error, Event, IdTokenError, Ignored, Login, Phase, Request,
    ResponseMode, Violation,
};
use oauth_proto_interop::{
    client_of_issuer, entropy, identity_request, issuer_alone, log_in, log_in_over, now, parameter, request_of,
    tokens_after, Http, Landed, Person, Server, UserAgent, PRIVATE_USE,
};
use serde_json::json;

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// A login that was started, and what it wants to be sent: it asks for the metadata.
fn started(client: Client) -> (Login, Request) {
    let mut login = Login::new(client, identity_request()).unwrap();
    let request = request_of(login.handle(Event::Start(entropy()), now()));
    assert_eq!(login.phase(), Phase::Discovering);
    assert_eq!((request.method(), request.body()), ("GET", &b""[..]));
    (login, request)
}

/// What comes of the discovery: the URL for the browser, or an error that ends the login.
fn discovered(login: &mut Login, http: &Http, request: &Request) -> Result<String, Error> {
    let mut action = login.handle(http.send(request).event(), now())?;
    loop {
        action = match action {
            Action::SendRequest(request) => login.handle(http.send(&request).event(), now())?,
            Action::OpenUrl(url) => return Ok(url.as_str().to_owned()),
            other => panic!("neither busy nor without a browser: {other:?}"),
        };
    }
}

/// The discovery of a server that says something else than it does.
fn refused(server: &Server) -> Error {
    let (mut login, request) = started(client_of_issuer(server));
    let error = discovered(&mut login, &Http::new(), &request).unwrap_err();
    assert!(error.is_fatal());
    assert_eq!(login.phase(), Phase::Failed);
    error
}

/// One document, and everything is known: the endpoints, the algorithms, the form post, and that there will be an `iss`.
#[test]
fn one_document() {
    let server = Server::shared();
    let http = Http::new();
    let (mut login, request) = started(client_of_issuer(&server));
    assert_eq!(request.url(), format!("{}{OPENID}", server.issuer));
    assert!(login.client().metadata().is_none());
    let url = discovered(&mut login, &http, &request).unwrap();
    assert_eq!(http.sent(), [format!("GET {OPENID}")]);
    assert!(url.starts_with(&server.authorization_endpoint));
    let metadata = login.client().metadata().unwrap();
    assert_eq!(metadata.issuer(), server.issuer);
    assert!(metadata.age(now()) <= 5);

    let landed = UserAgent::new("anna").walk(&url, Person::Allows).redirect();
    let request = request_of(login.handle(Event::RedirectReceived(&landed), now()));
    assert_eq!(request.url(), server.token_endpoint);
    tokens_after(&mut login, &http, &request).unwrap();
    assert_eq!(http.sent(), ["POST /token", "GET /jwks"]);
}

/// A server that has the document of RFC 8414 alone is found there.
#[test]
fn the_other_document() {
    let server = Server::start();
    server.hide(&[OPENID]);
    let http = Http::new();
    let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
    log_in_over(&http, &mut login, &mut UserAgent::new("berta"), Person::Allows).unwrap();
    let sent = [format!("GET {OPENID}"), format!("GET {OAUTH}"), "POST /token".to_owned(), "GET /jwks".to_owned()];
    assert_eq!(http.sent(), sent);

    server.hide(&[OPENID, OAUTH]);
    let error = refused(&server);
    assert!(matches!(error, Error::Violation(Violation::Metadata(_))), "{error:?}");
}

/// RFC 8414 §3.3: the document must be about the issuer that was asked for, to the letter. The server is the same without
/// the slash at the end; the issuer is not.
#[test]
fn another_issuer() {
    let server = Server::start();
    let with_slash = AuthorizationServer::from_issuer_on_insecure_loopback(&format!("{}/", server.issuer)).unwrap();
    let (mut login, request) = started(Client::new(with_slash, "native-app", PRIVATE_USE).unwrap());
    assert_eq!(request.url(), format!("{}{OPENID}", server.issuer));
    let error = discovered(&mut login, &Http::new(), &request).unwrap_err();
    assert!(matches!(error, Error::Violation(Violation::Metadata(_))), "{error:?}");
    assert_eq!(login.phase(), Phase::Failed);

    for issuer in [format!("{}/", server.issuer), "https://honest.example.com".to_owned()] {
        server.change_metadata(&json!({ "issuer": issuer }));
        let error = refused(&server);
        assert!(matches!(error, Error::Violation(Violation::Metadata(_))), "{issuer}: {error:?}");
    }
}

/// An issuer that ends with a slash, as Auth0's do: there is one slash before `.well-known`, and both are needed in `iss`.
#[test]
fn an_issuer_with_a_slash_at_its_end() {
    let server = Server::start_with_path("/");
    assert!(server.issuer.ends_with('/'));
    let http = Http::new();
    let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
    let tokens = log_in_over(&http, &mut login, &mut UserAgent::new("anna"), Person::Allows).unwrap();
    assert_eq!(http.sent(), ["GET /.well-known/openid-configuration", "POST /token", "GET /jwks"]);
    assert_eq!(tokens.id_token().unwrap().issuer(), server.issuer);

    let without = AuthorizationServer::from_issuer_on_insecure_loopback(server.issuer.trim_end_matches('/')).unwrap();
    let (mut login, request) = started(Client::new(without, "native-app", PRIVATE_USE).unwrap());
    let error = discovered(&mut login, &http, &request).unwrap_err();
    assert!(matches!(error, Error::Violation(Violation::Metadata(_))), "{error:?}");
}

/// An issuer with a path, as those with several tenants have: three places, one after the other.
#[test]
fn an_issuer_with_a_path() {
    let server = Server::start_with_path("/tenants/one");
    let places = [
        "/tenants/one/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/tenants/one",
        "/.well-known/openid-configuration/tenants/one",
    ];
    for nothing in 0..places.len() {
        server.hide(&places[..nothing]);
        let http = Http::new();
        let mut login = Login::new(client_of_issuer(&server), identity_request()).unwrap();
        let tokens = log_in_over(&http, &mut login, &mut UserAgent::new("berta"), Person::Allows).unwrap();
        assert_eq!(tokens.id_token().unwrap().issuer(), server.issuer);
        let mut sent: Vec<_> = places[..=nothing].iter().map(|place| format!("GET {place}")).collect();
        sent.extend(["POST /tenants/one/token".to_owned(), "GET /tenants/one/jwks".to_owned()]);
        assert_eq!(http.sent(), sent);
    }
}

/// Documents that a login cannot work with, or must not.
#[test]
fn documents_that_will_not_do() {
    let server = Server::start();
    let truth = json!({
        "issuer": server.issuer,
        "token_endpoint": server.token_endpoint,
        "jwks_uri": server.jwks_uri,
        "authorization_endpoint": server.authorization_endpoint,
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "require_pushed_authorization_requests": null,
    });
    for lie in [
        json!({ "issuer": null }),
        json!({ "token_endpoint": null }),
        json!({ "jwks_uri": null }),
        json!({ "authorization_endpoint": "http://honest.example.com/auth" }),
        json!({ "token_endpoint": "http://honest.example.com/token" }),
        json!({ "jwks_uri": "http://honest.example.com/jwks" }),
        json!({ "code_challenge_methods_supported": ["plain"] }),
        json!({ "id_token_signing_alg_values_supported": ["HS256", "none"] }),
        json!({ "require_pushed_authorization_requests": true }),
    ] {
        server.change_metadata(&truth);
        server.change_metadata(&lie);
        let error = refused(&server);
        assert!(matches!(error, Error::Violation(_)), "{lie}: {error:?}");
    }
    server.change_metadata(&truth);
    let (mut login, request) = started(client_of_issuer(&server));
    discovered(&mut login, &Http::new(), &request).unwrap();
}

/// The algorithms are those that the metadata names, and RS256 if it names none (OpenID Connect Core §3.1.3.7 rule 7). This
/// client's ID tokens are signed with ES256.
#[test]
fn algorithms() {
    let server = Server::start();
    let log_in_with = |client: Client| {
        let mut login = Login::new(client, identity_request()).unwrap();
        log_in(&mut login, &mut UserAgent::new("anna"), Person::Allows)
    };
    let refused = Err(Error::Violation(Violation::IdToken(IdTokenError::AlgorithmNotAllowed)));
    for (names, is_refused) in
        [(json!(null), true), (json!(["RS256", "EdDSA"]), true), (json!(["RS256", "ES256"]), false)]
    {
        server.change_metadata(&json!({ "id_token_signing_alg_values_supported": names }));
        let outcome = log_in_with(client_of_issuer(&server)).map(drop);
        assert_eq!(outcome, if is_refused { refused.clone() } else { Ok(()) }, "{names}");
    }
    // What the client says counts for more.
    server.change_metadata(&json!({ "id_token_signing_alg_values_supported": null }));
    let builder = Client::builder(issuer_alone(&server), "native-app", PRIVATE_USE);
    log_in_with(builder.id_token_algorithms(&[Algorithm::Es256]).build().unwrap()).unwrap();
}

/// The metadata promises the form post, and it comes.
#[test]
fn form_post() {
    let server = Server::shared();
    let http = Http::new();
    let redirect_uri = "http://127.0.0.1:51004/callback";
    let client = Client::new(issuer_alone(&server), "native-app", redirect_uri).unwrap();
    let mut login = Login::new(client, identity_request().response_mode(ResponseMode::FormPost)).unwrap();
    let request = request_of(login.handle(Event::Start(entropy()), now()));
    let url = discovered(&mut login, &http, &request).unwrap();
    assert_eq!(parameter(&url, "response_mode").as_deref(), Some("form_post"));
    let landed = UserAgent::new("clara").walk(&url, Person::Allows);
    let Landed::Form { action, fields } = landed else { panic!("no form but {landed:?}") };
    let encode = |text: &str| text.replace('%', "%25").replace(':', "%3A").replace('/', "%2F");
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let redirect = from_form_post(&action, &body.join("&"));
    let request = request_of(login.handle(Event::RedirectReceived(&redirect), now()));
    tokens_after(&mut login, &http, &request).unwrap();
}

/// The metadata says that there is no form post: the login that asks for one ends before the browser opens.
#[test]
fn no_form_post() {
    let server = Server::start();
    server.change_metadata(&json!({ "response_modes_supported": ["query", "fragment"] }));
    let request = identity_request().response_mode(ResponseMode::FormPost);
    let mut login = Login::new(client_of_issuer(&server), request).unwrap();
    let request = request_of(login.handle(Event::Start(entropy()), now()));
    let error = discovered(&mut login, &Http::new(), &request).unwrap_err();
    assert!(error.is_fatal(), "{error:?}");
    assert_eq!(login.phase(), Phase::Failed);
}

/// RFC 9207 §2.4: the metadata promises `iss`. A response that lost it, or has another's, does not get through, whether the
/// person agreed or not; without the promise one that has none is taken.
#[test]
fn the_promise_of_iss() {
    let server = Server::start();
    let iss = format!("&iss={}", server.issuer.replace(':', "%3A").replace('/', "%2F"));
    let http = Http::new();
    for (without, violation) in
        [("", Violation::IssuerMissing), ("&iss=https%3A%2F%2Fx.example", Violation::IssuerMismatch)]
    {
        for person in [Person::Allows, Person::Cancels] {
            let (mut login, request) = started(client_of_issuer(&server));
            let url = discovered(&mut login, &http, &request).unwrap();
            let landed = UserAgent::new("doris").walk(&url, person).redirect();
            assert!(landed.contains(&iss), "{landed}");
            let error = login.handle(Event::RedirectReceived(&landed.replace(&iss, without)), now()).unwrap_err();
            assert_eq!(error, Error::Violation(violation.clone()));
        }
    }

    server.change_metadata(&json!({ "authorization_response_iss_parameter_supported": null }));
    let (mut login, request) = started(client_of_issuer(&server));
    let url = discovered(&mut login, &http, &request).unwrap();
    let landed = UserAgent::new("doris").walk(&url, Person::Allows).redirect();
    let request = request_of(login.handle(Event::RedirectReceived(&landed.replace(&iss, "")), now()));
    tokens_after(&mut login, &http, &request).unwrap();
}

/// No redirect is awaited while the metadata is, and the answer of another login is not taken.
#[test]
fn the_discovery_waits_for_its_own_answer() {
    let server = Server::shared();
    let http = Http::new();
    let (mut login, request) = started(client_of_issuer(&server));
    let (_other, foreign) = started(client_of_issuer(&server));
    let redirect = format!("{PRIVATE_USE}?code=a&state=b");
    let early = login.handle(Event::RedirectReceived(&redirect), now()).unwrap_err();
    assert!(matches!(early, Error::Ignored(Ignored::RedirectNotAwaited)), "{early:?}");
    let error = login.handle(http.send(&foreign).event(), now()).unwrap_err();
    assert!(matches!(error, Error::Ignored(Ignored::UnknownRequest)), "{error:?}");
    discovered(&mut login, &http, &request).unwrap();
}
