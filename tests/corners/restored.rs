//! What comes back from a store: what is free to check again is checked.

use oauth_proto::{
    Action, Adopted, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Event, KeySet, Login, Request,
    RestoreError, SavedSession, ServerMetadata, Session,
};
use serde_json::{json, Value};

use crate::id_token::{id_token, token, CLIENT_ID, ISSUER, NONCE};
use crate::{answer, at, entropy, log_in, request, JSON};

const REDIRECT: &str = "com.example.app:/callback";
const STATE: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

/// The stored form of a session with this ID token in it.
fn with_id_token(session: &Session, id_token: &str) -> SavedSession {
    let mut form = serde_json::to_value(session.save()).unwrap();
    form["id_token"] = id_token.into();
    serde_json::from_value(form).unwrap()
}

/// Whoever can write into the store cannot make the app show another server's word, or another app's.
#[test]
fn a_stored_id_token_is_of_this_server_and_for_this_client() {
    let mut session = log_in(&AuthorizationRequest::new().scope("openid"), "AT", 0);
    let of = |claims: Value| id_token(Some(NONCE), 0, claims);
    for (claims, is_ours) in [
        (json!({}), true),
        (json!({ "aud": [CLIENT_ID] }), true),
        (json!({ "aud": [CLIENT_ID, CLIENT_ID], "azp": CLIENT_ID }), true),
        // Its times were checked when it came.
        (json!({ "exp": 1, "nbf": 9_000_000_000_u64 }), true),
        (json!({ "iss": "https://evil.example.com" }), false),
        (json!({ "iss": format!("{ISSUER}/") }), false),
        (json!({ "iss": 7 }), false),
        (json!({ "aud": "another client" }), false),
        (json!({ "aud": ["another client"] }), false),
        (json!({ "aud": [] }), false),
        (json!({ "aud": [CLIENT_ID, "another client"] }), false),
        (json!({ "aud": [CLIENT_ID, "another client"], "azp": CLIENT_ID }), false),
        (json!({ "azp": "another client" }), false),
        (json!({ "sub": "" }), false),
    ] {
        let form = || with_id_token(&session, &of(claims.clone()));
        let restored = Session::restore(session.client().clone(), form()).map(drop);
        assert_eq!(restored, if is_ours { Ok(()) } else { Err(RestoreError::Malformed) }, "{claims}");
    }
    for missing in ["iss", "aud", "sub"] {
        let mut claims = json!({ "iss": ISSUER, "sub": "u", "aud": CLIENT_ID });
        claims.as_object_mut().unwrap().remove(missing);
        let form = with_id_token(&session, &token(&claims));
        assert_eq!(
            Session::restore(session.client().clone(), form).map(drop),
            Err(RestoreError::Malformed),
            "{missing}"
        );
    }
    // Nor by another process.
    let before = serde_json::to_value(session.save()).unwrap();
    let mut form = before.clone();
    form["revision"] = 9.into();
    form["id_token"] = of(json!({ "iss": "https://evil.example.com" })).into();
    assert_eq!(session.adopt(serde_json::from_value(form.clone()).unwrap()), Err(RestoreError::Malformed));
    assert_eq!(serde_json::to_value(session.save()).unwrap(), before);
    form["id_token"] = before["id_token"].clone();
    assert_eq!(session.adopt(serde_json::from_value(form).unwrap()), Ok(Adopted::Newer));
}

#[test]
fn a_trusted_audience_is_trusted_from_the_store_too() {
    let session = log_in(&AuthorizationRequest::new().scope("openid"), "AT", 0);
    let form = || with_id_token(&session, &id_token(Some(NONCE), 0, json!({ "aud": [CLIENT_ID, "api"] })));
    let client = crate::builder().trusted_audience("api").build().unwrap();
    assert!(Session::restore(client, form()).is_ok());
    assert!(Session::restore(crate::client(), form()).is_err());
}

fn by_issuer() -> Client {
    let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
    builder(server).build().unwrap()
}

fn builder(server: AuthorizationServer) -> ClientBuilder {
    Client::builder(server, CLIENT_ID, REDIRECT).accept_id_tokens_on_tls_alone()
}

fn document(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token", "jwks_uri": "https://as.example.com/jwks",
    });
    change(&mut document);
    document
}

/// As if it came from a store.
fn metadata(change: impl FnOnce(&mut Value)) -> ServerMetadata {
    serde_json::from_value(json!({ "fetched_at": 0, "document": document(change).to_string() })).unwrap()
}

/// The stored form of a login that found its server.
fn saved_login(change: impl FnOnce(&mut Value)) -> Value {
    let mut login = Login::new(by_issuer(), AuthorizationRequest::new().scope("openid")).unwrap();
    let Ok(Action::SendRequest(sent)) = login.handle(Event::Start(entropy()), at(0)) else { panic!() };
    let found = document(|_| {}).to_string();
    assert!(login.handle(answer(sent.id(), 200, &JSON, &found), at(0)).is_ok());
    let mut form = serde_json::to_value(login.save()).unwrap();
    let kept = &mut form["metadata"]["document"];
    let mut document = serde_json::from_str(kept.as_str().unwrap()).unwrap();
    change(&mut document);
    *kept = document.to_string().into();
    form
}

fn resume(client: Client, form: Value) -> Result<Request, RestoreError> {
    let mut login = Login::resume(client, serde_json::from_value(form).unwrap(), at(1))?;
    let redirect = format!("{REDIRECT}?code=C&state={STATE}");
    match login.handle(Event::RedirectReceived(&redirect), at(1)) {
        Ok(Action::SendRequest(sent)) => Ok(sent),
        other => panic!("{other:?}"),
    }
}

/// No other server takes over in the middle (RFC 9700 §4.4.2), and no other metadata in place of what does not do.
#[test]
fn a_saved_login_goes_on_with_its_own_metadata_or_not_at_all() {
    let newer = || {
        by_issuer()
            .with_metadata(&metadata(|document| document["token_endpoint"] = "https://as.example.com/new".into()))
    };
    let sent = resume(by_issuer(), saved_login(|_| {})).unwrap();
    assert_eq!(sent.url(), "https://as.example.com/token");
    let sent = resume(newer().unwrap(), saved_login(|_| {})).unwrap();
    assert_eq!(sent.url(), "https://as.example.com/token", "as it was when the user was sent there");
    let damages: [fn(&mut Value); 6] = [
        |document| document["issuer"] = "https://evil.example.com".into(),
        |document| document["issuer"] = Value::Null,
        |document| document["token_endpoint"] = "http://as.example.com/token".into(),
        |document| document["token_endpoint"] = Value::Null,
        |document| document["jwks_uri"] = "http://as.example.com/jwks".into(),
        |document| document["authorization_endpoint"] = "javascript:alert(1)".into(),
    ];
    for damage in damages {
        let by_hand = || {
            AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")
                .and_then(|server| server.issuer(ISSUER))
                .unwrap()
        };
        for client in [by_issuer(), newer().unwrap(), builder(by_hand()).build().unwrap()] {
            assert_eq!(resume(client, saved_login(damage)).map(drop), Err(RestoreError::Malformed));
        }
    }
}

/// The app was updated while the browser was open, and has its endpoints by hand now.
#[test]
fn a_login_that_found_its_server_goes_on_by_hand_with_the_same_server_alone() {
    let by_hand = |authorize: &str, token: &str| {
        let server = AuthorizationServer::new(authorize, token).and_then(|server| server.issuer(ISSUER)).unwrap();
        builder(server).build().unwrap()
    };
    let (authorize, token) = ("https://as.example.com/authorize", "https://as.example.com/token");
    assert!(resume(by_hand(authorize, token), saved_login(|_| {})).is_ok());
    for client in [by_hand(authorize, "https://as.example.com/other"), by_hand("https://as.example.com/other", token)] {
        assert_eq!(resume(client, saved_login(|_| {})).map(drop), Err(RestoreError::OtherClient));
    }
}

#[test]
fn what_was_kept_with_plain_http_is_not_used() {
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
    ] {
        let bad = metadata(|document| document[name] = "http://as.example.com/x".into());
        let error = by_issuer().with_metadata(&bad).unwrap_err();
        assert!(error.to_string().starts_with(name), "{error}");
    }
    // Keys of another place are of nobody: here they do not even come into question.
    for place in ["http://as.example.com/jwks", "https://as.example.com/jwks/", "https://evil.example.com/jwks", ""] {
        let mut kept = serde_json::to_value(
            KeySet::parse("https://as.example.com/jwks", crate::keys::jwks(&[1]).as_bytes(), at(0)).unwrap(),
        )
        .unwrap();
        kept["jwks_uri"] = place.into();
        let keys: KeySet = serde_json::from_value(kept).unwrap();
        let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
        let client = Client::builder(server, CLIENT_ID, REDIRECT)
            .signature_verifier(crate::keys::Verifier)
            .id_token_algorithms(&[oauth_proto::Algorithm::EdDsa])
            .build()
            .and_then(|client| client.with_metadata(&metadata(|_| {})))
            .unwrap()
            .with_keys(keys);
        let mut login = Login::new(client, AuthorizationRequest::new().scope("openid")).unwrap();
        assert!(login.handle(Event::Start(entropy()), at(0)).is_ok());
        let redirect = format!("{REDIRECT}?code=C&state={STATE}");
        let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&redirect), at(0)) else { panic!() };
        let claims = json!({ "iss": ISSUER, "sub": "u", "aud": CLIENT_ID, "iat": 0, "exp": 3600, "nonce": NONCE });
        let body = json!({
            "access_token": "AT", "token_type": "Bearer", "id_token": crate::keys::signed(&claims, Some(1), 1),
        });
        let Ok(Action::SendRequest(sent)) = login.handle(answer(sent.id(), 200, &JSON, &body.to_string()), at(0))
        else {
            panic!("{place:?}: believed")
        };
        assert_eq!(sent.url(), "https://as.example.com/jwks");
    }
}

/// By the client's own word its revocation and logout are known, and the rest is not.
#[test]
fn a_session_whose_server_is_not_known_says_so_and_not_that_it_has_no_refresh_token() {
    let server = AuthorizationServer::from_issuer(ISSUER)
        .and_then(|server| server.revocation_endpoint("https://as.example.com/revoke"))
        .and_then(|server| server.end_session_endpoint("https://as.example.com/logout"))
        .unwrap();
    let tokens = || {
        let [access, refresh] = ["AT1", "RT1"].map(oauth_proto::Secret::new);
        oauth_proto::Tokens::from_parts(access, Some(refresh), Some(at(1000)), "a")
    };
    let client = builder(server).build().unwrap();
    let mut session = Session::new(client.clone(), tokens());
    let bearer = crate::ready(session.access(at(0)));
    for access in [session.access(at(2000)), session.refused(&bearer, 401, &crate::REFUSED, at(2000)).unwrap()] {
        let oauth_proto::Access::Refused { error, retry_at: None } = access else { panic!("{access:?}") };
        assert_eq!(error.code(), "server_unknown");
    }
    // Once its metadata is there, it goes on.
    let client = client.with_metadata(&metadata(|_| {})).unwrap();
    let mut session = Session::new(client, tokens());
    assert_eq!(request(session.access(at(2000))).url(), "https://as.example.com/token");
}
