//! Several APIs from one login and one rotating refresh token: RFC 8707 §2.2.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use oauth_proto::{
    Access, AuthorizationRequest, Bearer, Error, LoginRequired, Request, Session, SessionAction, SessionPhase, Target,
};
use oauth_proto_interop::{
    assert_grant_ended, authorization_request, bearer_for, call, client, exchange, form_parameter, now, ready,
    refresh_of, renew, restored, saved, session, session_in, Http, Server, UserAgent, PRIVATE_USE,
};

/// A session whose grant is for both APIs.
fn session_for_both(server: &Server, person: &str) -> Session {
    let request = authorization_request(server).scope("write").resource(&server.files_resource());
    session_in(&mut UserAgent::new(person), client(server, PRIVATE_USE), request)
}

struct Apis {
    http: Http,
    messages: Target,
    files: Target,
    messages_url: String,
    files_url: String,
}

impl Apis {
    fn of(server: &Server) -> Self {
        Self {
            http: Http::new(),
            messages: Target::resource(&server.resource()).unwrap(),
            files: Target::resource(&server.files_resource()).unwrap(),
            messages_url: format!("{}/messages", server.api),
            files_url: format!("{}/files", server.files),
        }
    }

    /// What the API at `url` says to this token: the name of the token, or the status.
    fn get(&self, bearer: &Bearer, url: &str) -> Result<String, u16> {
        let reply = call(&self.http, bearer, "GET", url);
        match reply.status {
            200 => Ok(reply.body["jti"].as_str().unwrap().to_owned()),
            status => Err(status),
        }
    }
}

/// Which API a refresh is for.
fn resource_of(request: &Request) -> String {
    form_parameter(request, "resource").unwrap().replace("%3A", ":").replace("%2F", "/")
}

/// Each API takes its own token and refuses the other's (RFC 9068 §4).
#[test]
fn each_api_has_its_own_token() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session_for_both(&server, "anna");
    let messages = bearer_for(&mut session, &apis.http, &apis.messages, now());
    let files = bearer_for(&mut session, &apis.http, &apis.files, now());

    let first = apis.get(&messages, &apis.messages_url).unwrap();
    let second = apis.get(&files, &apis.files_url).unwrap();
    assert_ne!(first, second);
    assert_eq!(apis.get(&messages, &apis.files_url), Err(401));
    assert_eq!(apis.get(&files, &apis.messages_url), Err(401));

    // They are kept: whoever asks again gets the same.
    for (target, url, token) in [(&apis.messages, &apis.messages_url, first), (&apis.files, &apis.files_url, second)] {
        assert_eq!(apis.get(&ready(session.access_for(target, now())), url), Ok(token));
    }
}

/// The tokens of one API live 300 seconds, those of the other 120: a refresh for one leaves the other as it is. Every
/// refresh spends the one refresh token, and the next one has its successor.
#[test]
fn a_refresh_for_one_leaves_the_other_alone() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session_for_both(&server, "berta");
    let messages = bearer_for(&mut session, &apis.http, &apis.messages, now());
    let messages = apis.get(&messages, &apis.messages_url).unwrap();
    let files = bearer_for(&mut session, &apis.http, &apis.files, now());
    let mut seen = BTreeSet::from([apis.get(&files, &apis.files_url).unwrap()]);

    let mut refresh_tokens = BTreeSet::new();
    for _ in 0..3 {
        // The files' tokens have run out by then; the messages' have not.
        let time = now().saturating_add(150);
        let request = refresh_of(session.access_for(&apis.files, time));
        refresh_tokens.insert(form_parameter(&request, "refresh_token").unwrap());
        assert_eq!(resource_of(&request), server.files_resource());
        let meanwhile = ready(session.access_for(&apis.messages, time));
        assert_eq!(apis.get(&meanwhile, &apis.messages_url), Ok(messages.clone()));
        renew(&mut session, &apis.http, &request);

        let files = ready(session.access_for(&apis.files, now()));
        assert!(seen.insert(apis.get(&files, &apis.files_url).unwrap()), "the same token again");
        let after = ready(session.access_for(&apis.messages, time));
        assert_eq!(apis.get(&after, &apis.messages_url), Ok(messages.clone()));
    }
    assert_eq!(refresh_tokens.len(), 3);
}

/// One refresh is under way at a time, for whichever API: the refresh token works once. Who needs the other one waits for
/// it, and then gets a refresh of his own.
#[test]
fn one_refresh_at_a_time() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session_for_both(&server, "clara");
    let later = now().saturating_add(400);
    let request = refresh_of(session.access_for(&apis.files, later));
    let waits = session.access_for(&apis.messages, later);
    assert!(matches!(waits, Access::Wait(id) if id == request.id()), "{waits:?}");
    renew(&mut session, &apis.http, &request);
    let request = refresh_of(session.access_for(&apis.messages, later));
    renew(&mut session, &apis.http, &request);

    for (target, url) in [(&apis.messages, &apis.messages_url), (&apis.files, &apis.files_url)] {
        apis.get(&ready(session.access_for(target, now())), url).unwrap();
    }
}

/// A token that its API refuses is refreshed for that API alone, and where no refresh helps, the other one need not go
/// without.
#[test]
fn a_refusal_is_of_one_api() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session_for_both(&server, "dagmar");
    let files = bearer_for(&mut session, &apis.http, &apis.files, now());
    let messages = bearer_for(&mut session, &apis.http, &apis.messages, now());

    // As if the files' API had its own list of refused tokens.
    let invalid = [("www-authenticate", r#"Bearer error="invalid_token""#)];
    let Some(Access::SendRequest(request)) = session.refused(&files, 401, &invalid, now()) else {
        panic!("no refresh")
    };
    assert_eq!(resource_of(&request), server.files_resource());
    renew(&mut session, &apis.http, &request);
    let fresh = ready(session.access_for(&apis.files, now()));
    assert_ne!(apis.get(&fresh, &apis.files_url), apis.get(&files, &apis.files_url));
    let again = session.refused(&fresh, 401, &invalid, now());
    assert!(matches!(again, Some(Access::LoginRequired(LoginRequired::TokenRefused))), "{again:?}");

    let still = ready(session.access_for(&apis.messages, now()));
    assert_eq!(apis.get(&still, &apis.messages_url), apis.get(&messages, &apis.messages_url));
    let request = refresh_of(session.access_for(&apis.messages, now().saturating_add(400)));
    renew(&mut session, &apis.http, &request);
    apis.get(&ready(session.access_for(&apis.messages, now())), &apis.messages_url).unwrap();
}

/// A session of a login that named no API, so that any may be asked for later.
fn session_for_none(server: &Server, person: &str) -> Session {
    let request = AuthorizationRequest::new().scope("openid offline_access").prompt("consent");
    session_in(&mut UserAgent::new(person), client(server, PRIVATE_USE), request)
}

/// `invalid_target` (RFC 8707 §2): who asks for a resource that the server does not know is told so, and nobody else notices.
#[test]
fn an_unknown_resource_holds_up_nobody_else() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session_for_none(&server, "doris");
    let nowhere = Target::resource("https://nowhere.example.com/").unwrap();
    let request = refresh_of(session.access_for(&nowhere, now()));
    let SessionAction::RetryAt(time) = exchange(&mut session, &http, &request).unwrap() else { panic!("not later") };
    assert!(time <= now(), "nobody has to wait");
    let in_time = time.saturating_add(3000); // it is asked for again in an hour
    let Some(Error::Refused(refused)) = session.last_error() else { panic!("{:?}", session.last_error()) };
    assert_eq!((refused.oauth_error(), refused.status()), (Some("invalid_target"), Some(400)));
    let not_granted = |access: &Access| matches!(access, Access::LoginRequired(LoginRequired::TargetNotGranted { .. }));
    let access = session.access_for(&nowhere, in_time);
    assert!(not_granted(&access), "{access:?}");
    assert_eq!(session.phase(), SessionPhase::Active);

    let first = ready(session.access(now()));
    let request = refresh_of(session.access(now().saturating_add(400)));
    renew(&mut session, &http, &request);
    assert!(ready(session.access(now())).token().reveal() != first.token().reveal(), "the same access token");
    let access = session.access_for(&nowhere, in_time);
    assert!(not_granted(&access), "{access:?}");
}

/// This server spends the refresh token before it looks at the resource, so that `invalid_target` costs the grant. Nothing
/// can be done then; the next test is how it does not come to that.
#[test]
fn a_server_that_looks_at_the_resource_too_late() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session_for_none(&server, "gerda");
    let request = refresh_of(session.access_for(&apis.files, now()));
    let SessionAction::RetryAt(_) = exchange(&mut session, &apis.http, &request).unwrap() else { panic!("not later") };
    // What is there is still handed out.
    ready(session.access(now()));
    let request = refresh_of(session.access(now().saturating_add(400)));
    match exchange(&mut session, &apis.http, &request) {
        Ok(SessionAction::LoginRequired(why)) => assert_grant_ended(&why),
        other => panic!("the refresh token is good: {other:?}"),
    }
}

/// A resource that is not among those of the login is not asked for (RFC 8707 §2.2: what was granted, or less): it takes
/// another login, whose request is there. With its tokens both APIs agree. Until then the session goes on as it was.
#[test]
fn a_resource_that_was_not_asked_for_at_the_login() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session(&server, "hedwig");
    let why = match session.access_for(&apis.files, now()) {
        Access::LoginRequired(why) => why,
        other => panic!("no login but {other:?}"),
    };
    assert!(!why.is_final());
    let LoginRequired::TargetNotGranted { request } = why else { panic!("{why:?}") };
    apis.get(&ready(session.access(now())), &apis.messages_url).unwrap();
    let refresh = refresh_of(session.access(now().saturating_add(400)));
    renew(&mut session, &apis.http, &refresh);

    let mut session = session_in(&mut UserAgent::new("hedwig"), client(&server, PRIVATE_USE), request);
    for (target, url) in [(&apis.messages, &apis.messages_url), (&apis.files, &apis.files_url)] {
        let bearer = bearer_for(&mut session, &apis.http, target, now());
        apis.get(&bearer, url).unwrap();
    }
}

/// RFC 6749 §6: a narrower scope for one token alone. The API refuses what it leaves out.
#[test]
fn a_narrower_scope_for_one_token() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session_for_both(&server, "erna");
    let narrow = apis.messages.clone().scope("read").unwrap();
    let reader = bearer_for(&mut session, &apis.http, &narrow, now());
    let writer = bearer_for(&mut session, &apis.http, &apis.messages, now());
    assert_eq!(call(&apis.http, &reader, "GET", &apis.messages_url).body["scope"], "read");
    assert_eq!(call(&apis.http, &reader, "POST", &apis.messages_url).status, 403);
    assert_eq!(call(&apis.http, &writer, "POST", &apis.messages_url).body["scope"], "read write");
}

/// The process ends: the next one gets tokens for both APIs from what was stored.
#[test]
fn the_next_process_gets_tokens_for_both() {
    let server = Server::shared();
    let apis = Apis::of(&server);
    let mut session = session_for_both(&server, "frida");
    for target in [&apis.messages, &apis.files] {
        bearer_for(&mut session, &apis.http, target, now());
    }
    let form = saved(&session);
    drop(session);
    let mut session = restored(&server, &form);
    for (target, url) in [(&apis.files, &apis.files_url), (&apis.messages, &apis.messages_url)] {
        let bearer = bearer_for(&mut session, &apis.http, target, now());
        apis.get(&bearer, url).unwrap();
    }
}
