//! Every setting of a client has its effect, and at the very second.

use oauth_proto::{
    Access, AuthorizationRequest, Client, ClientBuilder, Error, Event, Login, LoginRequired, Over, Secret, Session,
    Tokens,
};

use crate::{at, bearer, builder, log_in, refresh_of, server, started, CLIENT_ID};

fn session(client: Client, expires_at: u64) -> Session {
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(expires_at)), "a");
    Session::new(client, tokens)
}

#[test]
fn a_refresh_is_due_within_the_leeway() {
    for (builder, leeway) in [(builder().leeway_secs(30), 30), (builder(), 60), (builder().leeway_secs(0), 0)] {
        let mut session = session(builder.build().unwrap(), 1000);
        assert_eq!(bearer(session.access(at(1000 - leeway - 1))).token().reveal(), "AT1", "{leeway}");
        assert!(matches!(session.access(at(1000 - leeway)), Access::SendRequest(_)), "{leeway}");
    }
}

#[test]
fn a_refresh_is_lost_after_its_timeout() {
    for (builder, timeout) in [(builder().refresh_timeout_secs(10), 10), (builder(), 60)] {
        let mut session = session(builder.build().unwrap(), 50);
        let refresh = refresh_of(session.access(at(100)));
        assert_eq!(session.deadline(), Some(at(100 + timeout)));
        assert!(matches!(session.access(at(100 + timeout - 1)), Access::Wait(id) if id == refresh.id()), "{timeout}");
        assert!(matches!(session.access(at(100 + timeout)), Access::SendRequest(_)), "{timeout}");
    }
}

#[test]
fn a_login_is_over_after_its_timeout() {
    for (builder, timeout) in [(builder().login_timeout_secs(10), 10), (builder(), 3600)] {
        let (mut login, _) = started(builder.build().unwrap(), AuthorizationRequest::new(), 100);
        assert_eq!(login.deadline(), Some(at(100 + timeout)));
        let mut redirect = |now| login.handle(Event::RedirectReceived("com.example.app:/x"), at(now)).unwrap_err();
        assert!(!redirect(100 + timeout).is_fatal(), "{timeout}");
        assert_eq!(redirect(101 + timeout), Error::Over(Over::Expired), "{timeout}");
    }
}

/// What an API demands goes into the next login, as far as the app lets it.
#[test]
fn an_api_demands_what_it_may_demand() {
    let demanded = |builder: ClientBuilder| {
        let mut session = session(builder.build().unwrap(), 1000);
        let token = bearer(session.access(at(0)));
        let headers = [("WWW-Authenticate", r#"Bearer error="insufficient_scope", scope="b c d""#)];
        match session.refused(&token, 403, &headers, at(0)) {
            Some(Access::LoginRequired(LoginRequired::InsufficientScope { scope, request })) => {
                assert_eq!(scope.as_deref(), Some("b c d"), "what was demanded is told in full");
                Some(request.requested_scope().to_owned())
            }
            Some(Access::LoginRequired(LoginRequired::DemandNotMet)) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(demanded(builder()).as_deref(), Some("a b c d"));
    assert_eq!(demanded(builder().demandable_scope("c x b")).as_deref(), Some("a b c"));
    assert_eq!(demanded(builder().demandable_scope("x")), None);
    assert_eq!(demanded(builder().demandable_scope("")), None);
}

#[test]
fn an_undotted_scheme_is_accepted_where_it_is_allowed() {
    let builder = |redirect_uri: &str| -> ClientBuilder { Client::builder(server(), CLIENT_ID, redirect_uri) };
    assert_eq!(builder("myapp:/cb").build().unwrap_err().code(), "redirect_uri");
    let client = builder("myapp:/cb").allow_undotted_scheme().build().unwrap();
    assert_eq!(client.redirect_uri().as_str(), "myapp:/cb");
    for uri in ["javascript:/cb", "data:/cb", "http://app.example.com/cb"] {
        assert!(builder(uri).allow_undotted_scheme().build().is_err(), "{uri}");
    }
    let tokens = r#"{"access_token":"AT1","token_type":"Bearer"}"#;
    assert_eq!(log_in(client, AuthorizationRequest::new(), tokens, 0).access_token().reveal(), "AT1");
}

#[cfg(feature = "openid")]
#[test]
fn the_id_token_is_the_one_that_came_last() {
    use crate::id_token::{id_token, NONCE};
    let client = crate::openid_client();
    let request = AuthorizationRequest::new().scope("openid offline_access");
    let body = |access_token: &str, id_token: Option<&str>| {
        serde_json::json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 100, "refresh_token": "RT1",
            "id_token": id_token,
        })
        .to_string()
    };
    let first = id_token(Some(NONCE), 0, serde_json::json!({ "name": "One" }));
    let second = id_token(None, 200, serde_json::json!({ "name": "Two" }));
    let tokens = log_in(client.clone(), request, &body("AT1", Some(&first)), 0);
    assert_eq!(tokens.id_token().map(oauth_proto::IdToken::reveal), Some(&*first));
    let mut session = Session::new(client, tokens);
    let id_token = |session: &Session| session.id_token().map(|token| token.reveal().to_owned());
    assert_eq!(id_token(&session).as_deref(), Some(&*first));
    for (now, answer) in [(200, body("AT2", Some(&second))), (400, body("AT3", None))] {
        let refresh = refresh_of(session.access(at(now)));
        crate::refreshed(&mut session, &refresh, &answer, now);
        assert_eq!(id_token(&session).as_deref(), Some(&*second));
        assert_eq!(session.id_token().unwrap().standard_claims().name.as_deref(), Some("Two"));
    }
    let _ = session.sign_out(oauth_proto::SignOut::new());
    assert_eq!(id_token(&session), None);
}

#[test]
fn getters_tell_what_was_set() {
    let client = builder().api_origin("https://api.example.com/").api_origin("https://b.example.com").build().unwrap();
    assert_eq!(client.client_id(), CLIENT_ID);
    assert_eq!(client.api_origins().len(), 2);
    let login = Login::new(client.clone(), AuthorizationRequest::new()).unwrap();
    assert_eq!(login.client().client_id(), CLIENT_ID);
    assert_eq!(session(client, 10).client().client_id(), CLIENT_ID);
}
