//! A server at which each tenant has an issuer of its own: whose tokens are believed is as strict as with one issuer.

use oauth_proto::{
    Action, Algorithm, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Error, Event, KeySet, Login,
    LoginRequired, Request, RestoreError, ServerMetadata, Session, SessionAction,
};
use serde_json::{json, Value};

use crate::id_token::{id_token, CLIENT_ID, NONCE, USER};
use crate::keys::{signed, Verifier};
use crate::{answer, at, entropy, request, JSON};

const COMMON: &str = "https://login.example.com/common/v2.0";
const TEMPLATE: &str = "https://login.example.com/{tenantid}/v2.0";
const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const OTHER: &str = "contoso.example";
const REDIRECT: &str = "com.example.app:/callback";
const STATE: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
const JWKS_URI: &str = "https://login.example.com/common/keys";

fn issuer_of(tenant: &str) -> String {
    TEMPLATE.replace("{tenantid}", tenant)
}

fn server() -> AuthorizationServer {
    AuthorizationServer::from_issuer(COMMON).and_then(|server| server.issuer_template(TEMPLATE)).unwrap()
}

fn builder(server: AuthorizationServer) -> ClientBuilder {
    Client::builder(server, CLIENT_ID, REDIRECT).accept_id_tokens_on_tls_alone()
}

fn client() -> Client {
    builder(server()).build().unwrap()
}

fn metadata(issuer: &Value) -> String {
    json!({
        "issuer": issuer, "jwks_uri": JWKS_URI,
        "authorization_endpoint": "https://login.example.com/common/authorize",
        "token_endpoint": "https://login.example.com/common/token",
    })
    .to_string()
}

/// A login that waits for the redirect, by metadata with this issuer.
fn awaiting(client: Client, issuer: &Value) -> Result<Login, Error> {
    let mut login = Login::new(client, AuthorizationRequest::new().scope("openid offline_access")).unwrap();
    if let Action::SendRequest(sent) = login.handle(Event::Start(entropy()), at(0)).unwrap() {
        assert_eq!(sent.url(), format!("{COMMON}/.well-known/openid-configuration"));
        let Action::OpenUrl(_) = login.handle(answer(sent.id(), 200, &JSON, &metadata(issuer)), at(0))? else {
            panic!()
        };
    }
    Ok(login)
}

/// And one whose code is exchanged, the redirect with more parameters.
fn exchanging(login: &mut Login, more: &str) -> Result<Request, Error> {
    let redirect = format!("{REDIRECT}?code=C&state={STATE}{more}");
    let Action::SendRequest(sent) = login.handle(Event::RedirectReceived(&redirect), at(0))? else { panic!() };
    Ok(sent)
}

fn body(number: u32, id_token: &str) -> String {
    json!({
        "access_token": format!("AT{number}"), "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": format!("RT{number}"), "id_token": id_token,
    })
    .to_string()
}

fn log_in(client: Client, issuer: &Value, claims: Value) -> Result<Session, Error> {
    let mut login = awaiting(client, issuer)?;
    let sent = exchanging(&mut login, "")?;
    let body = body(1, &id_token(Some(NONCE), 0, claims));
    let Action::TokensReady(tokens) = login.handle(answer(sent.id(), 200, &JSON, &body), at(0))? else { panic!() };
    Ok(login.into_session(tokens))
}

fn of(tenant: &str) -> Value {
    json!({ "iss": issuer_of(tenant), "tid": tenant })
}

fn code<T>(result: Result<T, Error>) -> Option<&'static str> {
    result.err().map(|error| error.code())
}

#[test]
fn each_tenant_has_its_own_issuer() {
    for tenant in [TENANT, OTHER, "9"] {
        let session = log_in(client(), &json!(TEMPLATE), of(tenant)).unwrap();
        assert_eq!(session.id_token().unwrap().issuer(), issuer_of(tenant));
        assert_eq!(session.id_token().unwrap().subject(), USER);
    }
    // The same subject of another tenant is somebody else.
    let [one, other] = [TENANT, OTHER].map(|tenant| log_in(client(), &json!(TEMPLATE), of(tenant)).unwrap());
    assert!(!one.id_token().unwrap().is_same_user(other.id_token().unwrap()));
}

#[test]
fn a_token_says_its_tenant_twice_and_the_same() {
    for claims in [
        json!({ "iss": issuer_of(TENANT) }),
        json!({ "iss": issuer_of(TENANT), "tid": null }),
        json!({ "iss": issuer_of(TENANT), "tid": 7 }),
        json!({ "iss": issuer_of(TENANT), "tid": "" }),
        json!({ "iss": issuer_of(TENANT), "tid": [TENANT] }),
        json!({ "iss": issuer_of(TENANT), "tid": OTHER }),
        json!({ "iss": issuer_of(TENANT), "tid": TENANT.to_uppercase() }),
        json!({ "iss": COMMON, "tid": TENANT }),
        json!({ "iss": TEMPLATE, "tid": "{tenantid}" }),
        json!({ "iss": issuer_of(""), "tid": "" }),
        json!({ "iss": issuer_of("a/b"), "tid": "a/b" }),
        json!({ "iss": issuer_of(".."), "tid": ".." }),
        json!({ "iss": issuer_of("-"), "tid": "-" }),
        json!({ "iss": issuer_of("a%2Fb"), "tid": "a%2Fb" }),
        json!({ "iss": issuer_of("a?b"), "tid": "a?b" }),
        json!({ "iss": issuer_of("ä"), "tid": "ä" }),
        json!({ "iss": format!("{}/", issuer_of(TENANT)), "tid": TENANT }),
        json!({ "iss": format!("https://login.example.com/v2.0{TENANT}/v2.0"), "tid": TENANT }),
        json!({ "iss": format!("https://login.example.com.evil.example/{TENANT}/v2.0"), "tid": TENANT }),
        json!({ "iss": "https://login.example.com//v2.0", "tid": "" }),
        // Too short for both ends of the template.
        json!({ "iss": "https://login.example.com/v2.0", "tid": "" }),
    ] {
        let refused = log_in(client(), &json!(TEMPLATE), claims.clone());
        assert_eq!(code(refused), Some("id_token_issuer"), "{claims}");
    }
}

/// Without a template, `tid` is a claim like any other.
#[test]
fn without_a_template_nothing_is_another_issuers() {
    let client = || builder(AuthorizationServer::from_issuer(COMMON).unwrap()).build().unwrap();
    assert_eq!(code(log_in(client(), &json!(TEMPLATE), of(TENANT))), Some("bad_metadata"));
    assert_eq!(code(log_in(client(), &json!(COMMON), of(TENANT))), Some("id_token_issuer"));
    for tid in [json!(7), json!(["x"]), json!("x"), json!(null)] {
        assert!(log_in(client(), &json!(COMMON), json!({ "iss": COMMON, "tid": tid })).is_ok());
    }
}

#[test]
fn metadata_has_the_template_or_an_instance_of_it() {
    for issuer in [
        json!(null),
        json!(""),
        json!(format!("{TEMPLATE}/")),
        json!("https://login.example.com/{tenantId}/v2.0"),
        json!("https://login.example.com/a/b/v2.0"),
        json!("https://other.example.com/{tenantid}/v2.0"),
        json!("https://login.example.com/common"),
    ] {
        assert_eq!(code(awaiting(client(), &issuer).map(drop)), Some("bad_metadata"), "{issuer}");
    }
    // Of one tenant: that one alone may log in then.
    let own = json!(issuer_of(TENANT));
    assert!(log_in(client(), &own, of(TENANT)).is_ok());
    assert_eq!(code(log_in(client(), &own, of(OTHER))), Some("id_token_issuer"));
}

#[test]
fn tenants_may_be_named() {
    let client = || builder(server().tenants(&[TENANT, "9"]).unwrap()).build().unwrap();
    for tenant in [TENANT, "9"] {
        assert!(log_in(client(), &json!(TEMPLATE), of(tenant)).is_ok());
    }
    for tenant in [OTHER, "99", "common"] {
        assert_eq!(code(log_in(client(), &json!(TEMPLATE), of(tenant))), Some("id_token_issuer"), "{tenant}");
    }
    let metadata = awaiting(client(), &json!(issuer_of(OTHER)));
    assert_eq!(code(metadata.map(drop)), Some("bad_metadata"), "its tenant may not");
}

/// RFC 9207.
#[test]
fn a_redirects_iss_is_an_instance() {
    let parameter =
        |iss: &str| format!("&iss={}", url::form_urlencoded::byte_serialize(iss.as_bytes()).collect::<String>());
    for (metadata, iss, is_ours) in [
        (TEMPLATE, issuer_of(TENANT), true),
        (TEMPLATE, issuer_of(OTHER), true),
        (TEMPLATE, TEMPLATE.to_owned(), false),
        (TEMPLATE, issuer_of("a/b"), false),
        (TEMPLATE, "https://evil.example.com/a/v2.0".to_owned(), false),
        (&issuer_of(TENANT), issuer_of(TENANT), true),
        (&issuer_of(TENANT), issuer_of(OTHER), false),
    ] {
        let mut login = awaiting(client(), &json!(metadata)).unwrap();
        let result = exchanging(&mut login, &parameter(&iss));
        assert_eq!(code(result), (!is_ours).then_some("issuer_mismatch"), "{iss} at {metadata}");
    }
    // One that is promised, at a server that is set up by hand, whose template is all that is known of it.
    let promising = || by_hand().require_iss();
    assert_eq!(
        code(exchanging(&mut awaiting(builder(promising()).build().unwrap(), &json!(0)).unwrap(), "")),
        Some("issuer_missing")
    );
    let mut login = awaiting(builder(promising()).build().unwrap(), &json!(0)).unwrap();
    assert!(exchanging(&mut login, &parameter(&issuer_of(TENANT))).is_ok());
}

fn by_hand() -> AuthorizationServer {
    AuthorizationServer::new("https://login.example.com/common/authorize", "https://login.example.com/common/token")
        .and_then(|server| server.issuer_template(TEMPLATE))
        .unwrap()
}

#[test]
fn endpoints_may_be_set_by_hand() {
    let client = || builder(by_hand()).build().unwrap();
    assert!(log_in(client(), &json!(0), of(TENANT)).is_ok());
    assert_eq!(code(log_in(client(), &json!(0), json!({ "iss": COMMON, "tid": TENANT }))), Some("id_token_issuer"));
}

/// OpenID Connect Core §12.2.
#[test]
fn a_refresh_stays_with_the_logins_issuer() {
    let refreshed = |claims: Value| {
        let mut session = log_in(client(), &json!(TEMPLATE), of(TENANT)).unwrap();
        let sent = request(session.access(at(4000)));
        let body = body(2, &id_token(None, 4000, claims));
        let action = session.handle(answer(sent.id(), 200, &JSON, &body), at(4000)).unwrap();
        let error = session.last_error().map(Error::code);
        (action, error, session)
    };
    let (action, error, session) = refreshed(of(TENANT));
    assert!(matches!(action, SessionAction::Save) && error.is_none(), "{action:?}");
    assert_eq!(session.id_token().unwrap().issued_at(), at(4000));
    // Another tenant's tokens are somebody else's, whatever else is wrong with them.
    for claims in [
        of(OTHER),
        json!({ "iss": issuer_of(OTHER) }),
        json!({ "iss": issuer_of(TENANT), "tid": OTHER }),
        json!({ "iss": COMMON, "tid": "common", "exp": "soon" }),
        json!({ "iss": "https://evil.example.com/a/v2.0", "tid": "a" }),
    ] {
        let (action, ..) = refreshed(claims.clone());
        let SessionAction::LoginRequired(LoginRequired::GrantEnded(error)) = &action else {
            panic!("{claims}: {action:?}")
        };
        assert_eq!(error.code(), "id_token_issuer", "{claims}");
    }
    // Its own, with a fault.
    let (action, error, session) = refreshed(json!({ "iss": issuer_of(TENANT) }));
    assert!(matches!(action, SessionAction::Save), "{action:?}");
    assert_eq!((error, session.id_token().unwrap().issued_at()), (Some("id_token_issuer"), at(0)));
}

fn stored<T: serde::Serialize + serde::de::DeserializeOwned>(form: &T) -> T {
    serde_json::from_str(&serde_json::to_string(form).unwrap()).unwrap()
}

#[test]
fn what_is_stored_is_of_the_same_template_and_tenant() {
    let session = log_in(client(), &json!(TEMPLATE), of(TENANT)).unwrap();
    let found = session.client().metadata().unwrap().clone();
    let restore = |server: AuthorizationServer, metadata: &ServerMetadata| {
        let client = builder(server).build().unwrap().with_metadata(metadata).unwrap();
        Session::restore(client, stored(&session.save().unwrap())).map(|session| session.id_token().is_some())
    };
    assert_eq!(restore(server(), &stored(&found)), Ok(true));
    assert_eq!(restore(server().tenants(&[TENANT]).unwrap(), &found), Ok(true));
    assert_eq!(restore(server().tenants(&[OTHER]).unwrap(), &found), Err(RestoreError::Malformed));
    let of_other = metadata(&json!(issuer_of(OTHER)));
    let of_other: ServerMetadata = serde_json::from_value(json!({ "fetched_at": 0, "document": of_other })).unwrap();
    assert_eq!(restore(server(), &of_other), Err(RestoreError::Malformed));

    // Another template is another client, and so is none.
    let elsewhere = || server().issuer_template("https://login.example.com/{tenantid}/").unwrap();
    let plain = || AuthorizationServer::from_issuer(COMMON).unwrap();
    let login = awaiting(client(), &json!(TEMPLATE)).unwrap().save().unwrap();
    for other in [elsewhere(), plain()] {
        let client = builder(other).build().unwrap();
        assert_eq!(Login::resume(client.clone(), stored(&login), at(1)).map(drop), Err(RestoreError::OtherClient));
        let session = Session::restore(client, stored(&session.save().unwrap()));
        assert_eq!(session.map(drop), Err(RestoreError::OtherClient));
    }
    assert!(Login::resume(client(), stored(&login), at(1)).is_ok());
}

#[test]
fn what_is_no_template_is_told_at_configuration() {
    let server = || AuthorizationServer::from_issuer(COMMON).unwrap();
    for template in [
        "https://login.example.com/v2.0",
        "https://login.example.com/{tenant}/v2.0",
        "https://login.example.com/{tenantid}/{tenantid}",
        "https://login.example.com/{tenantid}/{x}",
        "https://login.example.com/x{tenantid}/v2.0",
        "https://login.example.com/{tenantid}x",
        "https://{tenantid}.example.com/v2.0",
        "https://{tenantid}/{tenantid}/v2.0",
        "https://{tenantid}",
        "https://login.example.com/?x=/{tenantid}/",
        "https://login.example.com/{tenantid}/v2.0?x",
        "https://login.example.com/{tenantid}/v2.0#x",
        "http://login.example.com/{tenantid}/v2.0",
        "http://127.0.0.1/{tenantid}/v2.0",
        "login.example.com/{tenantid}/v2.0",
        "/{tenantid}/v2.0",
        "{tenantid}",
        "",
    ] {
        let error = server().issuer_template(template).unwrap_err();
        assert_eq!(error.code(), "issuer", "{template}");
        assert!(error.to_string().starts_with("issuer: "), "{error}");
    }
    for template in ["https://login.example.com/{tenantid}", "https://sts.example.com/{tenantid}/", TEMPLATE] {
        assert!(server().issuer_template(template).is_ok(), "{template}");
    }
    let tests = AuthorizationServer::from_issuer_on_insecure_loopback("http://127.0.0.1:8080/common").unwrap();
    assert!(tests.issuer_template("http://127.0.0.1:8080/{tenantid}").is_ok());

    let error = server().tenants(&[TENANT]).unwrap_err();
    assert!(error.to_string().contains("issuer_template"), "{error}");
    for tenants in [&[][..], &[""], &["a/b"], &["{tenantid}"], &[TENANT, "."], &["a b"]] {
        assert_eq!(self::server().tenants(tenants).unwrap_err().code(), "issuer", "{tenants:?}");
    }
}

/// Microsoft: "Validate the signing key issuer".
#[test]
fn a_key_signs_for_the_tenant_that_it_names() {
    let key = |issuer: Value| {
        let set: Value = serde_json::from_str(&crate::keys::jwks(&[1])).unwrap();
        let mut key = set["keys"][0].clone();
        if issuer != json!("none") {
            key["issuer"] = issuer;
        }
        let set = json!({ "keys": [key] }).to_string();
        // As from a store, too: in a format with names, and in one without.
        let keys = KeySet::parse(JWKS_URI, set.as_bytes(), at(0)).unwrap();
        let keys: KeySet = postcard::from_bytes(&postcard::to_allocvec(&keys).unwrap()).unwrap();
        stored(&keys)
    };
    let builder = |server: AuthorizationServer| {
        Client::builder(server.id_token_signing_alg_values_supported(&["EdDSA"]), CLIENT_ID, REDIRECT)
            .signature_verifier(Verifier)
            .id_token_algorithms(&[Algorithm::EdDsa])
    };
    let log_in = |client: Client, metadata: &str, iss: &str, keys: KeySet| {
        let mut login = awaiting(client.with_keys(keys), &json!(metadata)).unwrap();
        let sent = exchanging(&mut login, "").unwrap();
        let claims = json!({
            "iss": iss, "tid": TENANT, "sub": USER, "aud": CLIENT_ID, "iat": 0, "exp": 3600, "nonce": NONCE,
        });
        let body = body(1, &signed(&claims, Some(1), 1));
        // The keys are young, so none are fetched in their place.
        login.handle(answer(sent.id(), 200, &JSON, &body), at(1)).map(|action| matches!(action, Action::TokensReady(_)))
    };
    let template = || builder(server()).build().unwrap();
    for (issuer, is_candidate) in [
        (json!(TEMPLATE), true),
        (json!(issuer_of(TENANT)), true),
        (json!("none"), true),
        (json!(null), true),
        (json!(issuer_of(OTHER)), false),
        (json!(COMMON), false),
        (json!(""), false),
        (json!(7), false),
        (json!([TEMPLATE]), false),
    ] {
        let done = log_in(template(), TEMPLATE, &issuer_of(TENANT), key(issuer.clone()));
        assert_eq!(done == Ok(true), is_candidate, "{issuer}: {done:?}");
        // Without a template it is not looked at.
        let plain = builder(AuthorizationServer::from_issuer(COMMON).unwrap()).build().unwrap();
        assert_eq!(log_in(plain, COMMON, COMMON, key(issuer.clone())), Ok(true), "{issuer}");
    }
}
