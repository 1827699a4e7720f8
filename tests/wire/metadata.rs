//! What is read of a server's metadata document, by the app's own hand, by the pure function and by a login alike: what counts as
//! absent, and what is named when it cannot be used.

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, ConfigError, Login, RequestId, Secret};
use serde_json::{json, Value};

use crate::{CLIENT_ID, REDIRECT_URI};

const ISSUER: &str = "https://as.example.com";

/// A member of each endpoint, list and truth that is known, as it should be.
fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token",
        "revocation_endpoint": "https://as.example.com/revoke",
        "end_session_endpoint": "https://as.example.com/logout",
        "jwks_uri": "https://as.example.com/jwks",
        "userinfo_endpoint": "https://as.example.com/userinfo",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": false,
    })
}

fn with(name: &str, value: &Value) -> String {
    let mut document = document();
    document[name] = value.clone();
    document.to_string()
}

/// The one outcome of all who read it.
#[track_caller]
fn read(document: &str) -> Result<AuthorizationServer, ConfigError> {
    let server = AuthorizationServer::from_metadata(ISSUER, document.as_bytes());
    for outcome in [fetched::pure(document), fetched::login(document)] {
        let is_same = match (&outcome, &server) {
            (Ok(()), server) => server.is_ok(),
            (Err(oauth_proto::Violation::Metadata(error)), Err(own)) => **error == *own,
            // By hand there is no answer that could be at fault.
            (Err(error), Err(own)) => {
                *error == oauth_proto::Violation::ResponseMalformed
                    && matches!(own, ConfigError::Metadata { name: "document", .. })
            }
            _ => false,
        };
        assert!(is_same, "{document}: {outcome:?} and {server:?}");
    }
    server
}

mod fetched {
    use oauth_proto::{Action, AuthorizationRequest, Error, Event, Login, Response, ServerMetadata, Violation};

    use super::{AuthorizationServer, Client, CLIENT_ID, ISSUER, REDIRECT_URI};
    use crate::{at, entropy, JSON};

    fn violation(error: Error) -> Violation {
        let Error::Violation(violation) = error else { panic!("{error:?}") };
        violation
    }

    pub fn pure(document: &str) -> Result<(), Violation> {
        let response = Response::new(200, &JSON, document.as_bytes());
        ServerMetadata::from_response(ISSUER, &response, at(0)).map(drop).map_err(violation)
    }

    /// The server has no other document.
    pub fn login(document: &str) -> Result<(), Violation> {
        let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
        let client = Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap();
        let mut login = Login::new(client, AuthorizationRequest::new()).unwrap();
        let mut action = login.handle(Event::Start(entropy()), at(0));
        let (mut status, mut body) = (200, document);
        loop {
            match action {
                Ok(Action::SendRequest(sent)) => {
                    let response = Response::new(status, &JSON, body.as_bytes());
                    action = login.handle(Event::ResponseReceived(sent.id(), response), at(0));
                    (status, body) = (404, "");
                }
                Ok(Action::OpenUrl(_)) => return Ok(()),
                Err(error) => return Err(violation(error)),
                Ok(other) => panic!("{other:?}"),
            }
        }
    }
}

/// Whether a refresh token of this server's can be revoked.
fn revokes(server: AuthorizationServer) -> bool {
    let builder = Client::builder(server, CLIENT_ID, REDIRECT_URI);
    #[cfg(feature = "openid")]
    let builder = builder.accept_id_tokens_on_tls_alone();
    let client = builder.build().unwrap();
    let endpoint = client.token_endpoint().unwrap();
    endpoint.revocation(RequestId::from_u64(1), &Secret::new("RT"), None).is_some()
}

#[test]
fn an_optional_endpoint_that_is_empty_is_none() {
    assert!(revokes(read(&document().to_string()).unwrap()));
    for empty in [json!(""), Value::Null] {
        for name in ["revocation_endpoint", "end_session_endpoint", "jwks_uri", "userinfo_endpoint"] {
            let server = read(&with(name, &empty)).unwrap();
            assert_eq!(revokes(server), name != "revocation_endpoint", "{name}: {empty}");
        }
    }
    // Whatever else it is, it must be an endpoint.
    for name in ["revocation_endpoint", "end_session_endpoint", "jwks_uri", "userinfo_endpoint"] {
        for bad in [" ", "/revoke", "http://as.example.com/revoke", "none"] {
            let error = read(&with(name, &json!(bad))).unwrap_err();
            assert!(
                matches!(&error, ConfigError::Endpoint { name: named, .. } if *named == name),
                "{name} {bad}: {error}"
            );
        }
    }
}

/// Without it there is no way to log the user out at the server, and no key.
#[cfg(feature = "openid")]
#[test]
fn an_endpoint_that_is_empty_is_not_used() {
    use crate::keys::Verifier;
    use oauth_proto::{Session, SignOut, Tokens};
    let sign_out = |end_session_endpoint: &str| {
        let mut document = document();
        document["end_session_endpoint"] = end_session_endpoint.into();
        document["revocation_endpoint"] = "".into();
        let server = read(&document.to_string()).unwrap();
        let client = Client::builder(server, CLIENT_ID, REDIRECT_URI).accept_id_tokens_on_tls_alone().build().unwrap();
        let tokens = Tokens::from_parts(Secret::new("AT"), None, None, "a");
        let action = Session::new(client, tokens).sign_out(SignOut::new().logout(crate::entropy()));
        matches!(action, oauth_proto::SessionAction::OpenUrl(_))
    };
    assert_eq!([sign_out("https://as.example.com/logout"), sign_out("")], [true, false]);
    let build = |jwks_uri: &str| {
        let server = read(&with("jwks_uri", &json!(jwks_uri))).unwrap();
        let server = server.id_token_signing_alg_values_supported(&["EdDSA"]);
        let client = Client::builder(server, CLIENT_ID, REDIRECT_URI).signature_verifier(Verifier).build();
        client.and_then(|client| Login::new(client, AuthorizationRequest::new().scope("openid")))
    };
    assert!(build("https://as.example.com/jwks").is_ok());
    let error = build("").unwrap_err();
    assert!(error.to_string().contains("AuthorizationServer::jwks_uri"), "{error}");
}

#[test]
fn a_required_member_that_is_empty_is_missing() {
    for name in ["issuer", "authorization_endpoint", "token_endpoint"] {
        let mut without = document();
        without.as_object_mut().unwrap().remove(name);
        for document in [with(name, &json!("")), with(name, &Value::Null), without.to_string()] {
            let error = read(&document).unwrap_err();
            let ConfigError::Metadata { name: named, problem } = error else { panic!("{name}: {error}") };
            assert_eq!(named, name);
            assert!(problem.contains("is missing") && problem.contains("AuthorizationServer::new"), "{problem}");
        }
    }
}

/// Known members, and values that are of another type.
fn wrong() -> Vec<(&'static str, Vec<Value>)> {
    let texts =
        [json!(7), json!(-7.5), json!(true), json!({}), json!([]), json!(["https://as.example.com/x"])].to_vec();
    let lists = [json!(7), json!(true), json!({}), json!("S256"), json!("")].to_vec();
    let truths = [json!(1), json!("yes"), json!("True"), json!(""), json!({}), json!([true])].to_vec();
    let kinds = [
        (
            texts,
            &[
                "issuer",
                "authorization_endpoint",
                "token_endpoint",
                "revocation_endpoint",
                "end_session_endpoint",
                "jwks_uri",
                "userinfo_endpoint",
            ][..],
        ),
        (
            lists,
            &[
                "id_token_signing_alg_values_supported",
                "response_modes_supported",
                "code_challenge_methods_supported",
                "token_endpoint_auth_methods_supported",
            ],
        ),
        (truths, &["authorization_response_iss_parameter_supported", "require_pushed_authorization_requests"]),
    ];
    let each = kinds.into_iter().flat_map(|(values, names)| names.iter().map(move |name| (*name, values.clone())));
    each.collect()
}

#[test]
fn a_member_of_a_wrong_type_is_named() {
    let known = document();
    assert_eq!(wrong().len(), known.as_object().unwrap().len());
    for (name, values) in wrong() {
        for value in values {
            let error = read(&with(name, &value)).unwrap_err();
            let ConfigError::Metadata { name: named, problem } = error else { panic!("{name}: {error}") };
            assert_eq!(named, name, "{value}");
            assert!(
                problem.contains("has the wrong type (RFC 8414 section 2): tell the server's operator"),
                "{problem}"
            );
        }
    }
}

/// Of two that are wrong, the one that comes first is named; and what is unknown may be anything.
#[test]
fn only_known_members_matter() {
    let both = document().to_string().replacen('{', r#"{"x":[{}],"issuer":7,"#, 1);
    assert_eq!(read(&both).unwrap_err().code(), "metadata", "it has the issuer twice");
    let mut one = document();
    one["scopes_supported"] = json!(7);
    one["claims_supported"] = json!({ "issuer": 7 });
    assert!(read(&one.to_string()).is_ok());
    let twice = one.to_string().replacen('{', r#"{"x":1,"x":2,"#, 1);
    assert!(read(&twice).is_ok());
}

#[test]
fn a_known_member_that_comes_twice_is_refused() {
    for (name, value) in document().as_object().unwrap() {
        let twice = document().to_string().replacen('{', &format!("{{\"{name}\":{value},"), 1);
        let error = read(&twice).unwrap_err();
        assert!(matches!(error, ConfigError::Metadata { name: "document", .. }), "{name}: {error}");
        let null = document().to_string().replacen('{', &format!("{{\"{name}\":null,"), 1);
        assert!(read(&null).is_err(), "{name}");
    }
}

/// Some servers write it so.
#[test]
fn a_truth_may_be_a_text() {
    for (text, truth) in [("true", true), ("false", false)] {
        for value in [json!(text), json!(truth)] {
            let document = with("require_pushed_authorization_requests", &value);
            let server = AuthorizationServer::from_metadata(ISSUER, document.as_bytes()).unwrap();
            let builder = Client::builder(server, CLIENT_ID, REDIRECT_URI);
            #[cfg(feature = "openid")]
            let builder = builder.accept_id_tokens_on_tls_alone();
            let login = Login::new(builder.build().unwrap(), AuthorizationRequest::new());
            assert_eq!(login.is_err(), truth, "{value}: it must push, and cannot");
            {
                let document = with("authorization_response_iss_parameter_supported", &value);
                let response = oauth_proto::Response::new(200, &crate::JSON, document.as_bytes());
                let metadata = oauth_proto::ServerMetadata::from_response(ISSUER, &response, crate::at(0)).unwrap();
                assert_eq!(metadata.requires_iss(), truth, "{value}");
            }
        }
    }
}

/// It names nothing.
#[test]
fn what_is_no_text_in_a_list_is_left_out() {
    let methods =
        |list: Value| read(&with("code_challenge_methods_supported", &list)).map(drop).map_err(|e| e.to_string());
    assert_eq!(methods(json!([7, null, "S256", {}, ["plain"]])), Ok(()));
    for none in [json!([]), json!([7]), json!([["S256"]]), json!([{ "S256": true }]), json!(["plain", null])] {
        assert!(methods(none.clone()).unwrap_err().contains("does not name S256"), "{none}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let document = document().to_string();
    for before in ["\u{feff}", "\u{feff} \r\n"] {
        assert!(read(&[before, &document].concat()).is_ok());
    }
    for before in ["\u{feff}\u{feff}", " \u{feff}", "{}\u{feff}"] {
        assert!(read(&[before, &document].concat()).is_err());
    }
}

#[test]
fn what_is_no_object_is_no_document() {
    for document in
        ["", "[]", "null", "\"\"", "7", "{", "<h1>Welcome</h1>", r#"{"issuer":"https://as.example.com"} {}"#]
    {
        let error = read(document).unwrap_err();
        assert!(matches!(error, ConfigError::Metadata { name: "document", .. }), "{document}: {error}");
        assert!(error.to_string().contains("fetch it from the issuer's well-known URL"), "{error}");
    }
}
