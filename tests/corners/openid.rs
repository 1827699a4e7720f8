//! What real servers write into their ID tokens and metadata.

use oauth_proto::openid::id_token::Rules;
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Event, KeySet, Login, Response, ServerMetadata, Session,
};
use serde_json::json;

use crate::id_token::{id_token, CLIENT_ID, ISSUER, NONCE};
use crate::{answer, at, authorization, client, entropy, ready, request, JSON};

/// Claims that count only if they are asked for may be anything else at other servers.
#[test]
fn claims_of_vendors_may_have_any_type() {
    let rules = Rules::new(ISSUER, CLIENT_ID);
    for (more, acr, amr) in [
        (json!({ "acr": 1, "amr": "pwd", "org_id": 7, "org_name": ["a"] }), None, &["pwd"][..]),
        (json!({ "acr": "1", "amr": ["pwd", "otp"], "org_id": null }), Some("1"), &["pwd", "otp"]),
        (json!({ "acr": null, "amr": [1], "org_name": {} }), None, &[]),
    ] {
        let checked = rules.check_on_tls_alone(&id_token(None, 100, more.clone()), at(100)).unwrap();
        assert_eq!((checked.acr(), checked.amr()), (acr, &amr.iter().map(ToString::to_string).collect::<Vec<_>>()[..]));
        assert_eq!((checked.org_id(), checked.org_name()), (None, None), "{more}");
        // Nor do they then count as what was asked for.
        for strict in [rules.organization(Some("a")), rules.organization(Some("org_7")), rules.essential_acr(Some("2"))]
        {
            assert!(strict.check_on_tls_alone(&id_token(None, 100, more.clone()), at(100)).is_err(), "{more}");
        }
    }
}

#[test]
fn null_is_absent_in_metadata() {
    let body = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
        "revocation_endpoint": null, "authorization_response_iss_parameter_supported": null,
        "require_pushed_authorization_requests": null, "code_challenge_methods_supported": null,
    });
    let body = body.to_string();
    let metadata = ServerMetadata::from_response(ISSUER, &Response::new(200, &JSON, body.as_bytes()), at(0)).unwrap();
    assert!(!metadata.requires_iss() && !metadata.requires_pushed_authorization_requests());
    assert!(AuthorizationServer::from_metadata(ISSUER, body.as_bytes()).is_ok());
}

/// More than five minutes are no difference of clocks.
#[test]
fn the_leeway_of_the_pure_rules_is_capped_too() {
    let token = id_token(None, 100, json!({ "exp": 200 }));
    let rules = Rules::new(ISSUER, CLIENT_ID).clock_leeway_secs(u64::MAX);
    assert!(rules.check_on_tls_alone(&token, at(499)).is_ok());
    assert_eq!(rules.check_on_tls_alone(&token, at(500)).unwrap_err().code(), "id_token_expired");
}

/// Granted scopes are data.
#[test]
fn scopes_are_told_against_what_was_asked_for() {
    let wanted = AuthorizationRequest::new().scope("openid profile read write");
    let mut login = Login::new(client(), wanted).unwrap();
    assert!(login.handle(Event::Start(entropy()), at(0)).is_ok());
    let redirect = "com.example.app:/callback?code=C&state=ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(redirect), at(0)) else { panic!() };
    let body = json!({
        "access_token": "AT", "token_type": "Bearer", "scope": "openid read admin",
        "id_token": id_token(Some(NONCE), 0, json!({})),
    });
    let Ok(Action::TokensReady(tokens)) = login.handle(answer(sent.id(), 200, &JSON, &body.to_string()), at(0)) else {
        panic!()
    };
    assert_eq!(tokens.scope_not_granted().collect::<Vec<_>>(), ["profile", "write"]);
    assert_eq!(tokens.scope_not_asked_for().collect::<Vec<_>>(), ["admin"]);
}

/// A hostile list does not fill the memory.
#[test]
fn lists_of_metadata_are_bounded() {
    let methods = vec!["S256"; 100_000];
    let body = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
        "code_challenge_methods_supported": methods, "response_modes_supported": vec!["query"; 10_000],
    });
    let body = body.to_string();
    let metadata = ServerMetadata::from_response(ISSUER, &Response::new(200, &JSON, body.as_bytes()), at(0)).unwrap();
    assert_eq!(metadata.code_challenge_methods_supported().unwrap().unwrap().len(), 1024);
}

/// Keys and metadata in a format that does not name its members.
#[test]
fn what_is_kept_is_kept_in_any_format() {
    let jwks = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"EC","crv":"P-256","kid":"1","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    let keys = KeySet::parse("https://as.example.com/jwks", jwks, at(7)).unwrap();
    assert_eq!(keys.len(), 2);
    let octets = postcard::to_allocvec(&keys).unwrap();
    assert_eq!(postcard::from_bytes::<KeySet>(&octets).unwrap(), keys);
}

/// The app's client keeps its settings; what the login found out is added.
#[test]
fn a_session_keeps_the_clients_settings() {
    let issuer_only = || {
        let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
        Client::builder(server, CLIENT_ID, "com.example.app:/callback").accept_id_tokens_on_tls_alone()
    };
    let mut login = Login::new(issuer_only().build().unwrap(), AuthorizationRequest::new().scope("openid")).unwrap();
    let Ok(Action::SendRequest(sent)) = login.handle(Event::Start(entropy()), at(0)) else { panic!() };
    let metadata = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
    });
    assert!(login.handle(answer(sent.id(), 200, &JSON, &metadata.to_string()), at(0)).is_ok());
    let redirect = "com.example.app:/callback?code=C&state=ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(redirect), at(0)) else { panic!() };
    let body = json!({
        "access_token": "AT", "token_type": "Bearer", "refresh_token": "RT", "expires_in": 100,
        "id_token": id_token(Some(NONCE), 0, json!({})),
    });
    let Ok(Action::TokensReady(tokens)) = login.handle(answer(sent.id(), 200, &JSON, &body.to_string()), at(0)) else {
        panic!()
    };
    assert!(tokens.metadata().is_some());
    let app = issuer_only().api_origin("https://api.example.com").leeway_secs(10).build().unwrap();
    let mut session = Session::new(app, tokens);
    let bearer = ready(session.access(at(89)));
    assert!(authorization(&bearer, "https://api.example.com/me").is_ok());
    assert_eq!(request(session.access(at(91))).url(), "https://as.example.com/t");
}

/// `azp` says for whom it was issued, and nothing of who else may take it for its own (OpenID Connect Core §3.1.3.7 rule 3).
#[test]
fn another_audience_has_to_be_trusted_whatever_azp_says() {
    let trusted = ["api".to_owned(), "other".to_owned()];
    let strict = Rules::new(ISSUER, CLIENT_ID);
    for (more, strictly, with_trust) in [
        (json!({ "aud": [CLIENT_ID, "api"], "azp": CLIENT_ID }), Some("id_token_audience"), None),
        (json!({ "aud": [CLIENT_ID, "api"] }), Some("id_token_audience"), None),
        (json!({ "aud": ["api", "other", CLIENT_ID], "azp": CLIENT_ID }), Some("id_token_audience"), None),
        (
            json!({ "aud": [CLIENT_ID, "api", "x"], "azp": CLIENT_ID }),
            Some("id_token_audience"),
            Some("id_token_audience"),
        ),
        (json!({ "aud": ["api"], "azp": CLIENT_ID }), Some("id_token_audience"), Some("id_token_audience")),
        (json!({ "aud": [CLIENT_ID, "api"], "azp": "api" }), Some("id_token_audience"), Some("id_token_azp")),
        (json!({ "aud": [CLIENT_ID, CLIENT_ID], "azp": CLIENT_ID }), None, None),
    ] {
        let token = id_token(None, 100, more.clone());
        let code =
            |rules: Rules<'_>| rules.check_on_tls_alone(&token, at(100)).err().map(oauth_proto::IdTokenError::code);
        assert_eq!((code(strict), code(strict.trusted_audiences(&trusted))), (strictly, with_trust), "{more}");
        // After a refresh likewise: the same audience as before is not yet a trusted one.
        if let Ok(before) = strict.trusted_audiences(&trusted).check_on_tls_alone(&token, at(100)) {
            assert_eq!(code(strict.after(Some(&before), None)), strictly, "{more}");
            assert_eq!(code(strict.trusted_audiences(&trusted).after(Some(&before), None)), with_trust, "{more}");
        }
    }
    let error =
        strict.check_on_tls_alone(&id_token(None, 100, json!({ "aud": [CLIENT_ID, "api"] })), at(100)).unwrap_err();
    assert!(error.to_string().contains("ClientBuilder::trusted_audience"), "{error}");
}

/// PKCE binds the code all the same (RFC 9700 §2.1.1).
#[test]
fn a_nonce_may_be_missing_where_the_app_says_so_and_never_be_another() {
    let log_in = |builder: oauth_proto::ClientBuilder, nonce: serde_json::Value| {
        let mut login = Login::new(builder.build().unwrap(), AuthorizationRequest::new().scope("openid")).unwrap();
        assert!(login.handle(Event::Start(entropy()), at(0)).is_ok());
        let redirect = "com.example.app:/callback?code=C&state=ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
        let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(redirect), at(0)) else { panic!() };
        let more = if nonce == "absent" { json!({}) } else { json!({ "nonce": nonce }) };
        let body = json!({
            "access_token": "AT", "token_type": "Bearer", "refresh_token": "RT", "expires_in": 100,
            "id_token": id_token(None, 0, more),
        });
        login.handle(answer(sent.id(), 200, &JSON, &body.to_string()), at(0)).map(drop).map_err(|error| error.code())
    };
    let lenient = || crate::builder().id_tokens_may_lack_nonce();
    assert_eq!(log_in(crate::builder(), json!("absent")), Err("id_token_nonce_missing"));
    assert_eq!(log_in(lenient(), json!("absent")), Ok(()));
    assert_eq!(log_in(lenient(), json!(NONCE)), Ok(()));
    for (nonce, code) in [
        (json!("another login's"), "id_token_nonce_mismatch"),
        (json!(""), "id_token_nonce_mismatch"),
        (json!(7), "id_token_malformed"),
    ] {
        assert_eq!(log_in(lenient(), nonce.clone()), Err(code), "{nonce}");
    }
}
