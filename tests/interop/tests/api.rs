//! The API call: RFC 6750, RFC 9068, RFC 9470.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use oauth_proto::{Access, Action, AuthorizationRequest, Bearer, Event, Login, LoginRequired, Session};
use oauth_proto_interop::{
    authorization, authorization_request, call, call_with, client, client_builder, entropy, log_in, now, parameter,
    ready, refresh_of, renew, session, session_in, Http, Person, Reply, Server, UserAgent, PRIVATE_USE,
};

fn url(server: &Server, path: &str) -> String {
    format!("{}{path}", server.api)
}

/// The header of a bearer, with one character of the signature changed.
fn damaged(authorization: &str) -> String {
    let (head, signature) = authorization.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{head}.{first}{}", &signature[1..])
}

fn assert_refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.challenges().len(), 1);
    assert!(reply.challenges()[0].contains(words), "{reply:?}");
}

/// RFC 6750 §2.1: the access token goes in the header, and the API checks it and takes it.
#[test]
fn the_access_token_is_taken() {
    let server = Server::shared();
    let mut session = session(&server, "anna");
    let reply = call(&Http::new(), &ready(session.access(now())), "GET", &url(&server, "/messages"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["sub"], "anna");
    assert_eq!(reply.body["scope"], "read");
}

/// RFC 6750 §3.1: a token that was damaged on its way is a 401 `invalid_token`. The session advises one refresh, shared
/// by all who were refused with that token; the new token is taken.
#[test]
fn a_damaged_token_leads_to_one_refresh() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "berta");
    let bearer = ready(session.access(now()));
    let url = url(&server, "/messages");
    let authorization = authorization(&bearer, "GET", &url);

    let reply = call_with(&http, &damaged(authorization.as_str()), "GET", &url);
    assert_refused(&reply, 401, r#"error="invalid_token""#);
    let refresh = refresh_of(session.refused(&bearer, reply.status, &reply.headers, now()).unwrap());
    let also = session.refused(&bearer, reply.status, &reply.headers, now()).unwrap();
    assert!(matches!(also, Access::Wait(id) if id == refresh.id()), "{also:?}");

    renew(&mut session, &http, &refresh);
    // Who comes late with the old token gets the new one.
    let late = ready(session.refused(&bearer, reply.status, &reply.headers, now()).unwrap());
    assert_eq!(call(&http, &late, "GET", &url).status, 200);
}

/// An API that refuses the fresh token too: who called it is told so, there is no loop of refreshes, and whoever calls another
/// API gets the token all the same.
#[test]
fn a_second_refusal_is_a_login() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "clara");
    let url = url(&server, "/never");

    let bearer = ready(session.access(now()));
    let reply = call(&http, &bearer, "GET", &url);
    assert_refused(&reply, 401, r#"error="invalid_token""#);
    let refresh = refresh_of(session.refused(&bearer, reply.status, &reply.headers, now()).unwrap());
    renew(&mut session, &http, &refresh);

    let fresh = ready(session.access(now()));
    let reply = call(&http, &fresh, "GET", &url);
    assert_refused(&reply, 401, r#"error="invalid_token""#);
    let advice = session.refused(&fresh, reply.status, &reply.headers, now()).unwrap();
    assert!(matches!(advice, Access::LoginRequired(LoginRequired::TokenRefused)), "{advice:?}");
    let others = ready(session.access(now()));
    assert_eq!(call(&http, &others, "GET", &self::url(&server, "/messages")).status, 200);
}

/// RFC 6750 §3.1: `insufficient_scope` names the scope that is missing, and the advice has the login to make: what was
/// granted and what is demanded. With its token the API agrees. Until then the session goes on as it was.
#[test]
fn insufficient_scope() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "doris");
    let bearer = ready(session.access(now()));
    let url = url(&server, "/messages");
    let reply = call(&http, &bearer, "POST", &url);
    assert_refused(&reply, 403, r#"error="insufficient_scope""#);
    let advice = session.refused(&bearer, reply.status, &reply.headers, now()).unwrap();
    let Access::LoginRequired(why) = advice else { panic!("{advice:?}") };
    assert!(!why.is_final());
    let LoginRequired::InsufficientScope { scope, request } = why else { panic!("{why:?}") };
    assert_eq!(scope.unwrap().as_str(), "write");
    let requested: BTreeSet<_> = request.requested_scope().split(' ').collect();
    assert_eq!(requested, BTreeSet::from(["offline_access", "openid", "read", "write"]));
    assert_eq!(call(&http, &ready(session.access(now())), "GET", &url).status, 200);

    let mut session = session_in(&mut UserAgent::new("doris"), client(&server, PRIVATE_USE), request);
    let bearer = ready(session.access(now()));
    assert_eq!(call(&http, &bearer, "POST", &url).status, 200);
    assert_eq!(call(&http, &bearer, "GET", &url).status, 200);
    // Its refresh token is as good.
    let request = refresh_of(session.access(now().saturating_add(400)));
    renew(&mut session, &http, &request);
    assert_eq!(call(&http, &ready(session.access(now())), "POST", &url).status, 200);
}

/// The API demands a scope that the server never grants: the logins for it come to an end, and the session goes on.
#[test]
fn a_demand_that_no_login_meets() {
    let server = Server::shared();
    let http = Http::new();
    let client = client(&server, PRIVATE_USE);
    let mut browser = UserAgent::new("dora");
    let mut request = Arc::new(authorization_request(&server));
    for logins in 1..6 {
        let mut session = session_in(&mut browser, client.clone(), request);
        let bearer = ready(session.access(now()));
        let reply = call(&http, &bearer, "GET", &url(&server, "/admin"));
        assert_refused(&reply, 403, r#"scope="admin""#);
        match session.refused(&bearer, reply.status, &reply.headers, now()) {
            Some(Access::LoginRequired(LoginRequired::InsufficientScope { request: next, .. })) => request = next,
            Some(Access::LoginRequired(LoginRequired::DemandNotMet)) => {
                assert!(logins > 1, "no login was made for it");
                let bearer = ready(session.access(now()));
                assert_eq!(call(&http, &bearer, "GET", &url(&server, "/messages")).status, 200);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("one login after the other");
}

/// What the API says about the authentication, and the login to make.
fn step_up_of(reply: &Reply, session: &mut Session, bearer: &Bearer) -> Arc<AuthorizationRequest> {
    assert_refused(reply, 401, r#"error="insufficient_user_authentication""#);
    let advice = session.refused(bearer, reply.status, &reply.headers, now()).unwrap();
    let Access::LoginRequired(why) = advice else { panic!("{advice:?}") };
    assert!(!why.is_final());
    let LoginRequired::StepUp { request, .. } = why else { panic!("{why:?}") };
    request
}

/// RFC 9470 §3 and §4: the API wants another authentication; the advice is a login that says so, and with its token the
/// API agrees.
#[test]
fn step_up() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "erna");
    let url = url(&server, "/vault");
    let bearer = ready(session.access(now()));
    let request = step_up_of(&call(&http, &bearer, "GET", &url), &mut session, &bearer);

    let client = client(&server, PRIVATE_USE);
    let mut login = Login::new(client.clone(), Arc::clone(&request)).unwrap();
    let Ok(Action::OpenUrl(opened)) = login.handle(Event::Start(entropy()), now()) else { panic!("no URL") };
    assert_eq!(parameter(opened.as_str(), "acr_values").as_deref(), Some("phr"));
    assert_eq!(parameter(opened.as_str(), "max_age").as_deref(), Some("60"));

    let mut session = session_in(&mut UserAgent::new("erna"), client, request);
    assert_eq!(call(&http, &ready(session.access(now())), "GET", &url).status, 200);
}

/// RFC 9470 §4: the API wants a login of just now. The server sees `max_age` and asks for the password again, in the same
/// browser, which would not need it otherwise.
#[test]
fn step_up_to_a_recent_login() {
    let server = Server::shared();
    let http = Http::new();
    let url = url(&server, "/safe");
    let client = client(&server, PRIVATE_USE);
    let mut browser = UserAgent::new("emma");
    let mut session = session_in(&mut browser, client.clone(), authorization_request(&server));
    let signed_in = now();
    while now() <= signed_in.saturating_add(4) {
        thread::sleep(Duration::from_millis(100));
    }
    let bearer = ready(session.access(now()));
    let request = step_up_of(&call(&http, &bearer, "GET", &url), &mut session, &bearer);
    let mut session = session_in(&mut browser, client, request);
    assert_eq!(browser.headings(), ["Sign-in", "Authorize", "Sign-in", "Authorize"]);
    assert_eq!(call(&http, &ready(session.access(now())), "GET", &url).status, 200);
}

/// An access token of three seconds: the session refreshes by itself when the time has come, and the API, by its own clock,
/// refuses the old token and takes the new one.
#[test]
fn an_expired_token_is_refreshed() {
    let server = Server::shared();
    let http = Http::new();
    let client = client_builder(&server, PRIVATE_USE).leeway_secs(0).build().unwrap();
    let request = AuthorizationRequest::new()
        .scope("openid offline_access read")
        .prompt("consent")
        .resource(&server.brief_resource());
    let mut login = Login::new(client.clone(), request).unwrap();
    let tokens = log_in(&mut login, &mut UserAgent::new("frida"), Person::Allows).unwrap();
    let expires_at = tokens.expires_at().unwrap();
    assert!(expires_at <= now().saturating_add(3));
    let mut session = Session::new(client, tokens);
    let url = url(&server, "/brief/messages");
    let bearer = ready(session.access(now()));
    assert_eq!(call(&http, &bearer, "GET", &url).status, 200);

    while now() <= expires_at {
        thread::sleep(Duration::from_millis(100));
    }
    let reply = call(&http, &bearer, "GET", &url);
    assert_refused(&reply, 401, r#"error_description="The access token expired""#);
    let refresh = refresh_of(session.access(now()));
    renew(&mut session, &http, &refresh);
    assert_eq!(call(&http, &ready(session.access(now())), "GET", &url).status, 200);
}

/// RFC 8707 §2.2, RFC 9068 §4: a token of one resource is no token of another.
#[test]
fn the_audience_is_checked() {
    let server = Server::shared();
    let mut session = session(&server, "gerda");
    let reply = call(&Http::new(), &ready(session.access(now())), "GET", &url(&server, "/brief/messages"));
    assert_refused(&reply, 401, r#"error="invalid_token""#);
}

/// RFC 6750 §5.3: the access token goes to the API's origin alone, not even to another port of the same host.
#[test]
fn the_token_stays_with_its_api() {
    let server = Server::shared();
    let mut session = session(&server, "herta");
    let bearer = ready(session.access(now()));
    let url = url(&server, "/messages");
    assert!(bearer.headers("GET", &url).unwrap().beside(["accept"]).is_ok());
    for elsewhere in [format!("{}/messages", server.issuer), "https://api.example.com/messages".to_owned()] {
        assert!(bearer.headers("GET", &elsewhere).is_err(), "{elsewhere}");
    }
    // RFC 6750 §2: one method of sending the token, so no second header.
    assert!(bearer.headers("GET", &url).unwrap().beside(["Authorization"]).is_err());
}
