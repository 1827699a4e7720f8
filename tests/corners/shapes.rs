//! How the types fit together in an app.

use std::error::Error;

use oauth_proto::{
    Access, AuthorizationRequest, Bearer, Headers, LoginRequired, Secret, Session, SessionPhase, Tokens, UnixTime,
};

use crate::{at, authorization, body, client, log_in, ready, request};

fn session(refresh_token: Option<&str>) -> Session {
    let tokens = Tokens::from_parts(Secret::new("AT0"), refresh_token.map(Secret::new), Some(at(1000)), "read");
    Session::new(client(), tokens)
}

/// As an app has it, with `?`.
fn bearer(session: &mut Session, now: UnixTime) -> Result<Bearer, Box<dyn Error + Send + Sync>> {
    match session.access(now) {
        Access::Ready(bearer) => Ok(bearer),
        Access::LoginRequired(why) => Err(why)?,
        Access::Refused { error, .. } => Err(error)?,
        Access::SendRequest(_) | Access::Verify(_) | Access::Wait(_) | Access::RetryAt(_) => Err("later".into()),
    }
}

#[test]
fn what_the_user_has_to_do_is_an_error_like_any_other() {
    let mut session = session(None);
    assert_eq!(bearer(&mut session, at(0)).unwrap().token().reveal(), "AT0");
    let error = bearer(&mut session, at(1000)).unwrap_err();
    assert_eq!(error.downcast_ref::<LoginRequired>(), Some(&LoginRequired::NoRefreshToken));
    assert!(error.to_string().contains("cannot be refreshed"), "{error}");
    let boxed: Box<dyn Error> = LoginRequired::OtherLogin.into();
    assert!(boxed.to_string().contains("logged in again"), "{boxed}");
}

/// For who wants to know how long a call may take, or hands the token on.
#[test]
fn a_bearer_tells_when_it_expires() {
    assert_eq!(ready(session(None).access(at(0))).expires_at(), Some(at(1000)));
    let mut session = Session::new(client(), Tokens::from_parts(Secret::new("AT0"), None, None, "read"));
    assert_eq!(ready(session.access(at(0))).expires_at(), None);
}

/// The session of a login has the client that the login had.
#[test]
fn a_login_becomes_its_session() {
    let wanted = AuthorizationRequest::new().scope("read");
    let mut session = log_in(&wanted, "AT1", 1000);
    assert_eq!((session.phase(), session.scope()), (SessionPhase::Active, "read"));
    let bearer = ready(session.access(at(1000)));
    assert_eq!(authorization(&bearer, "https://api.example.com/me").unwrap(), "Bearer AT1");
    assert!(body(&request(session.access(at(9000)))).contains("refresh_token=RT-AT1&"));
    assert_eq!(session.client().client_id(), "s6BhdRkqt3");
}

/// It was found by the issuer alone: nobody has to give the session what the login has found out.
#[cfg(feature = "openid")]
#[test]
fn the_session_of_a_login_knows_the_server_that_the_login_found() {
    use crate::id_token::{id_token, CLIENT_ID, ISSUER, NONCE};
    use oauth_proto::{Action, AuthorizationServer, Client, Event, Login};
    use serde_json::json;

    let server = AuthorizationServer::from_issuer(ISSUER).unwrap();
    let client = Client::builder(server, CLIENT_ID, "com.example.app:/callback").accept_id_tokens_on_tls_alone();
    let mut login = Login::new(client.build().unwrap(), AuthorizationRequest::new().scope("openid")).unwrap();
    let Ok(Action::SendRequest(sent)) = login.handle(Event::Start(crate::entropy()), at(0)) else { panic!() };
    let metadata = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
    });
    assert!(login.handle(crate::answer(sent.id(), 200, &crate::JSON, &metadata.to_string()), at(0)).is_ok());
    let tokens = json!({
        "access_token": "AT", "token_type": "Bearer", "refresh_token": "RT", "expires_in": 100,
        "id_token": id_token(Some(NONCE), 0, json!({})),
    });
    let mut session = crate::finish_with(login, &tokens.to_string(), 0);
    assert_eq!(request(session.access(at(91))).url(), "https://as.example.com/t");
}

/// In whichever form an HTTP stack has them.
#[test]
fn headers_of_an_api_come_in_any_form() {
    const NAME: &str = "WWW-Authenticate";
    const DEMAND: &str = "Bearer error=\"insufficient_scope\", scope=\"admin\"";
    fn check<'a>(headers: impl Into<Headers<'a>>) {
        let mut session = session(Some("RT0"));
        let bearer = ready(session.access(at(0)));
        let access = session.refused(&bearer, 403, headers, at(0));
        let Some(Access::LoginRequired(LoginRequired::InsufficientScope { request, .. })) = access else {
            panic!("{access:?}")
        };
        assert_eq!(request.requested_scope(), "read admin");
    }
    let lines = [("Date", "x"), (NAME, "Basic realm=\"x\""), (NAME, DEMAND)];
    check(&lines);
    check(&lines.map(|(name, value)| (name.to_owned(), value.to_owned())));
    check(&lines.map(|(name, value)| (name, value.as_bytes())).to_vec());
    check(Headers::from_fn(&|| lines.iter().copied()));
    #[cfg(feature = "http")]
    {
        let mut map = http::HeaderMap::new();
        for (_, value) in &lines[1..] {
            map.append(http::header::WWW_AUTHENTICATE, http::HeaderValue::from_static(value));
        }
        check(&map);
    }
}
