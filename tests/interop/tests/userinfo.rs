//! The userinfo endpoint: OpenID Connect Core §5.3.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{Error, Session, Violation};
use oauth_proto_interop::{
    authorization_request, client_of_issuer, identity_request, now, ready, refresh_of, renew, session_in, Answer, Http,
    Server, UserAgent,
};
use serde_json::{json, Value};

fn session(server: &Server, person: &str) -> Session {
    session_in(&mut UserAgent::new(person), client_of_issuer(server), identity_request())
}

/// What the endpoint says to this session's access token.
fn userinfo(session: &mut Session, http: &Http) -> Answer {
    let bearer = ready(session.access(now()));
    let request = bearer.userinfo_request().unwrap();
    assert_eq!(request.method(), "GET");
    let answer = http.send(&request);
    assert_eq!(http.sent(), ["GET /me"]);
    answer
}

/// The person's claims, standard ones and one of the server's own, for the access token of the login and that of a refresh.
#[test]
fn claims() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "anna");
    for refreshed in [false, true] {
        if refreshed {
            let request = refresh_of(session.access(now().saturating_add(400)));
            renew(&mut session, &http, &request);
            http.sent();
        }
        let answer = userinfo(&mut session, &http);
        let userinfo = session.id_token().unwrap().userinfo(&answer.response(), now()).unwrap();
        assert_eq!(userinfo.subject(), "anna");
        assert_eq!(userinfo.standard_claims(), session.id_token().unwrap().standard_claims());
        assert_eq!(userinfo.standard_claims().name.as_deref(), Some("anna Müller"));
        let custom: Value = userinfo.claims().unwrap();
        assert_eq!(custom["https://example.com/roles"], json!(["reader", "editor"]));
        assert!(!format!("{userinfo:?}").contains("anna"));
    }
}

/// §5.3.2: an answer about somebody else is not taken, be it another person's or one that was changed on the way.
#[test]
fn another_person() {
    let server = Server::shared();
    let http = Http::new();
    let mut berta = session(&server, "berta");
    let mut clara = session(&server, "clara");
    let about_clara = userinfo(&mut clara, &http);
    let id_token = berta.id_token().unwrap().clone();
    let error = id_token.userinfo(&about_clara.response(), now()).unwrap_err();
    assert_eq!(error, Error::Violation(Violation::UserInfoSubject));

    for sub in [json!("Berta"), json!(""), json!(null), json!(["berta"])] {
        let changed = userinfo(&mut berta, &http).with("sub", &sub);
        let error = id_token.userinfo(&changed.response(), now()).unwrap_err();
        assert!(matches!(error, Error::Violation(_)), "{sub}: {error:?}");
    }
    id_token.userinfo(&userinfo(&mut berta, &http).response(), now()).unwrap();
}

/// §5.3.3: the access token is for an API. The server says so, and its words come through.
#[test]
fn an_access_token_for_an_api() {
    let server = Server::shared();
    let http = Http::new();
    let mut session =
        session_in(&mut UserAgent::new("doris"), client_of_issuer(&server), authorization_request(&server));
    let answer = userinfo(&mut session, &http);
    let error = session.id_token().unwrap().userinfo(&answer.response(), now()).unwrap_err();
    let Error::Refused(refused) = error else { panic!("{error:?}") };
    assert_eq!((refused.status(), refused.oauth_error()), (Some(401), Some("invalid_token")));
}

/// Nothing is asked of a server that has no such endpoint.
#[test]
fn no_endpoint() {
    let server = Server::start();
    server.change_metadata(&json!({ "userinfo_endpoint": null }));
    let mut session = session(&server, "erna");
    assert!(ready(session.access(now())).userinfo_request().is_none());
}
