//! The refresh: RFC 6749 §6, rotation and replay as RFC 9700 §4.14 has them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use oauth_proto::{Access, Delivered, Event, Login, Session, SessionAction, Target, UnixTime};
use oauth_proto_interop::{
    assert_grant_ended, authorization_request, call, client, exchange, form_parameter, log_in, now, ready, refresh_of,
    renew, restored, saved, session, Http, Person, Server, UserAgent, PRIVATE_USE,
};

/// A time at which the access token has run out, though the server's clock says otherwise: the machine has no clock.
fn later() -> UnixTime {
    now().saturating_add(400)
}

/// Refreshes at a time when the access token has run out.
fn refresh(session: &mut Session, http: &Http) {
    let request = refresh_of(session.access(later()));
    renew(session, http, &request);
}

/// Each refresh brings a new access token and a new refresh token; the next one uses the newest, and the API takes the
/// new access token.
#[test]
fn rotation() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "renate");
    let mut access_tokens = BTreeSet::new();
    let mut refresh_tokens = BTreeSet::new();
    for _ in 0..3 {
        let bearer = ready(session.access(now()));
        let reply = call(&http, &bearer, "GET", &format!("{}/messages", server.api));
        assert_eq!((reply.status, &reply.body["sub"]), (200, &"renate".into()));
        access_tokens.insert(reply.body["jti"].as_str().unwrap().to_owned());

        let request = refresh_of(session.access(later()));
        refresh_tokens.insert(form_parameter(&request, "refresh_token").unwrap());
        renew(&mut session, &http, &request);
    }
    assert_eq!((access_tokens.len(), refresh_tokens.len()), (3, 3));
}

/// RFC 9700 §4.14.2: a session restored from a form older than the rotation uses the old refresh token. The server
/// refuses it, the session says that a login is required, and goes on saying so. The server ends the whole family, so the
/// session that had the newest token is over as well.
#[test]
fn replay_of_the_old_refresh_token() {
    let server = Server::shared();
    let http = Http::new();
    let mut newest = session(&server, "selma");
    let before_the_rotation = saved(&newest);
    refresh(&mut newest, &http);

    for session in [&mut restored(&server, &before_the_rotation), &mut newest] {
        let request = refresh_of(session.access(later()));
        let action = exchange(session, &http, &request).unwrap();
        let SessionAction::LoginRequired(why) = action else { panic!("no login required but {action:?}") };
        assert_grant_ended(&why);
        match session.access(later()) {
            Access::LoginRequired(why) => assert_grant_ended(&why),
            other => panic!("no login required but {other:?}"),
        }
    }
}

/// The form saved after the rotation is the one to go on from.
#[test]
fn the_newest_form_goes_on() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "thea");
    let request = refresh_of(session.access(later()));
    let newest = renew(&mut session, &http, &request);
    drop(session);
    let mut session = restored(&server, &newest);
    refresh(&mut session, &http);
}

/// Whoever asks while the refresh is under way waits for it, and all get the same access token.
#[test]
fn one_refresh_for_all() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "ulla");
    let request = refresh_of(session.access(later()));
    for _ in 0..10 {
        let access = session.access(later());
        assert!(matches!(access, Access::Wait(id) if id == request.id()), "{access:?}");
    }
    renew(&mut session, &http, &request);
    let url = format!("{}/messages", server.api);
    let first = call(&http, &ready(session.access(now())), "GET", &url);
    let second = call(&http, &ready(session.access(now())), "GET", &url);
    assert_eq!((first.status, &first.body["jti"]), (200, &second.body["jti"]));
}

/// A refresh that never left is asked for again, with the same refresh token; it is still good.
#[test]
fn a_refresh_that_never_left() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "vera");
    let request = refresh_of(session.access(later()));
    let token = form_parameter(&request, "refresh_token");
    let failed = session.handle(Event::SendFailed(request.id(), Delivered::No), later()).unwrap();
    let SessionAction::RetryAt(time) = failed else { panic!("not later but {failed:?}") };
    let again = refresh_of(session.access(time));
    assert_eq!(form_parameter(&again, "refresh_token"), token);
    renew(&mut session, &http, &again);
}

/// RFC 6749 §6: a refresh may ask for less than was granted. The access token has that scope alone, and the API refuses
/// the rest: no login is needed for that, for there is the wider one.
#[test]
fn narrower_scope() {
    let server = Server::shared();
    let http = Http::new();
    let client = client(&server, PRIVATE_USE);
    let mut login = Login::new(client, authorization_request(&server).scope("write")).unwrap();
    let tokens = log_in(&mut login, &mut UserAgent::new("wilma"), Person::Allows).unwrap();
    assert_eq!(tokens.scope(), "read write");
    let mut session = login.into_session(tokens);
    let url = format!("{}/messages", server.api);
    assert_eq!(call(&http, &ready(session.access(now())), "POST", &url).status, 200);

    let reading = Target::own().scope("read").unwrap();
    let request = refresh_of(session.access_for(&reading, now()));
    assert_eq!(form_parameter(&request, "scope").as_deref(), Some("read"));
    renew(&mut session, &http, &request);
    let bearer = ready(session.access_for(&reading, now()));
    assert_eq!(call(&http, &bearer, "GET", &url).body["scope"], "read");
    let reply = call(&http, &bearer, "POST", &url);
    assert_eq!(reply.status, 403);
    assert!(session.refused(&bearer, reply.status, &reply.headers, now()).is_none());
    // The other one is as it was, and so is the grant.
    assert_eq!(call(&http, &ready(session.access(now())), "POST", &url).status, 200);
    refresh(&mut session, &http);
    assert_eq!(call(&http, &ready(session.access(now())), "POST", &url).status, 200);
}
