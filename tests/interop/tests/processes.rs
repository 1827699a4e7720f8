//! Two processes on one store: rotation and replay as RFC 9700 §4.14 has them, between two sessions of one login.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{
    Access, Adopted, Delivered, Event, RestoreError, Session, SessionAction, SessionPhase, SignOut, UnixTime,
};
use oauth_proto_interop::{
    assert_grant_ended, call, exchange, form_parameter, loaded, now, ready, refresh_of, renew, restored, saved,
    session, Http, Server,
};

/// A time at which the access token has run out.
fn later() -> UnixTime {
    now().saturating_add(400)
}

/// Refreshes, and gives what goes to the store.
fn refreshed(session: &mut Session, http: &Http) -> String {
    let request = refresh_of(session.access(later()));
    renew(session, http, &request)
}

fn is_taken(session: &mut Session, http: &Http, server: &Server) -> bool {
    let bearer = ready(session.access(now()));
    call(http, &bearer, "GET", &format!("{}/messages", server.api)).status == 200
}

/// A refreshes and stores; B adopts what it finds there, and refreshes with the token that A got; and so on, in turn.
#[test]
fn in_turn() {
    let server = Server::shared();
    let http = Http::new();
    let mut store = saved(&session(&server, "anna"));
    let (mut a, mut b) = (restored(&server, &store), restored(&server, &store));
    for _ in 0..2 {
        for session in [&mut a, &mut b] {
            let adopted = session.adopt(loaded(&store)).unwrap();
            // Not news for the first one to come, for it made the session from the same form.
            assert!(matches!(adopted, Adopted::Newer | Adopted::NotNewer));
            store = refreshed(session, &http);
            assert!(is_taken(session, &http, &server));
        }
    }
    assert_eq!(a.adopt(loaded(&store)).unwrap(), Adopted::Newer);
    assert_eq!(a.adopt(loaded(&store)).unwrap(), Adopted::NotNewer);
    assert!(is_taken(&mut a, &http, &server));
}

/// B needs no refresh of its own when A has just made one: it adopts the access token as well.
#[test]
fn one_refresh_serves_both() {
    let server = Server::shared();
    let http = Http::new();
    let mut a = session(&server, "berta");
    let mut b = restored(&server, &saved(&a));
    let store = refreshed(&mut a, &http);
    assert_eq!(b.adopt(loaded(&store)).unwrap(), Adopted::Newer);
    assert!(ready(b.access(now())).token().reveal() == ready(a.access(now())).token().reveal(), "another access token");
    // What is older than one's own is left where it is.
    let newest = refreshed(&mut b, &http);
    assert_eq!(b.adopt(loaded(&store)).unwrap(), Adopted::NotNewer);
    assert_eq!(a.adopt(loaded(&newest)).unwrap(), Adopted::Newer);
    refreshed(&mut a, &http);
}

/// Without adopting, B replays a spent refresh token, and the server ends the whole family. The user logs in anew, in A's
/// process: B does not take that login for its own, whose tokens it is not to write over, and goes over to it only by an act of
/// the app's own.
#[test]
fn without_adopting_the_grant_ends() {
    let server = Server::shared();
    let http = Http::new();
    let mut a = session(&server, "clara");
    let mut b = restored(&server, &saved(&a));
    let of_the_old_login = refreshed(&mut a, &http);

    let replay = refresh_of(b.access(later()));
    match exchange(&mut b, &http, &replay) {
        Ok(SessionAction::LoginRequired(why)) => assert_grant_ended(&why),
        other => panic!("the replay went through: {other:?}"),
    }
    assert!(b.save().is_none());
    assert_eq!(b.phase(), SessionPhase::LoginRequired);
    let request = refresh_of(a.access(later()));
    match exchange(&mut a, &http, &request) {
        Ok(SessionAction::LoginRequired(why)) => assert_grant_ended(&why),
        other => panic!("the family lives: {other:?}"),
    }

    let again = saved(&session(&server, "clara"));
    assert_eq!(b.adopt(loaded(&again)).unwrap(), Adopted::OtherLogin);
    assert_eq!(b.phase(), SessionPhase::LoginRequired);
    let mut b = restored(&server, &again);
    assert!(is_taken(&mut b, &http, &server));
    refreshed(&mut b, &http);
    // Nor is the login of before any business of the new one's.
    assert_eq!(b.adopt(loaded(&of_the_old_login)).unwrap(), Adopted::OtherLogin);
    assert!(is_taken(&mut b, &http, &server));
}

/// A died after sending: the store has the refresh token that was sent, and B sends it again. With a grace period that brings
/// tokens. Without one the server says that the grant is over, and B has it from the server alone.
#[test]
fn a_process_that_died_after_sending() {
    let server = Server::start();
    let http = Http::new();
    for grace in [60, 0] {
        server.allow_grace(grace);
        let mut a = session(&server, "doris");
        let store = saved(&a);
        let request = refresh_of(a.access(later()));
        assert_eq!(http.send(&request).status(), Some(200));
        assert_eq!(saved(&a), store, "nothing is to be written before a refresh is sent");
        drop(a);

        let mut b = restored(&server, &store);
        assert_eq!(b.phase(), SessionPhase::Active);
        let again = refresh_of(b.access(later()));
        assert_eq!(form_parameter(&again, "refresh_token"), form_parameter(&request, "refresh_token"));
        match (exchange(&mut b, &http, &again), grace) {
            (Ok(SessionAction::Save), 60) => {
                assert!(is_taken(&mut b, &http, &server));
                refreshed(&mut b, &http);
            }
            (Ok(SessionAction::LoginRequired(why)), 0) => assert_grant_ended(&why),
            (other, grace) => panic!("{grace} s of grace: {other:?}"),
        }
    }
}

/// A died before sending, or its request never arrived: B's refresh brings the tokens.
#[test]
fn a_process_that_died_before_sending() {
    let server = Server::shared();
    let http = Http::new();
    let mut a = session(&server, "erna");
    let _never_sent = refresh_of(a.access(later()));
    let mut b = restored(&server, &saved(&a));
    drop(a);
    refreshed(&mut b, &http);
    assert!(is_taken(&mut b, &http, &server));
}

/// An answer that comes after its refresh was given up is taken nevertheless: it has the only refresh token that is good.
#[test]
fn a_late_answer_is_taken() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "frida");
    let request = refresh_of(session.access(later()));
    let answer = http.send(&request);
    let lost = session.handle(Event::SendFailed(request.id(), Delivered::Maybe), later()).unwrap();
    assert!(matches!(lost, SessionAction::RetryAt(_)), "{lost:?}");
    assert_eq!(session.phase(), SessionPhase::Active);
    let late = session.handle(answer.event(), now()).unwrap();
    assert!(matches!(late, SessionAction::Save), "{late:?}");
    refreshed(&mut session, &http);
}

/// Signed out is signed out: what another process stored meanwhile does not bring the session back. And a form that was
/// changed is not taken.
#[test]
fn nothing_resurrects_a_signed_out_session() {
    let server = Server::shared();
    let http = Http::new();
    let mut a = session(&server, "gerda");
    let mut b = restored(&server, &saved(&a));
    let store = refreshed(&mut b, &http);
    let SessionAction::SendRequest(revocation) = a.sign_out(SignOut::new()) else { panic!("no revocation") };
    assert_eq!(a.adopt(loaded(&store)).unwrap(), Adopted::NotNewer);
    let action = exchange(&mut a, &http, &revocation).unwrap();
    assert!(matches!(action, SessionAction::SignedOut), "{action:?}");
    assert_eq!(a.adopt(loaded(&store)).unwrap(), Adopted::NotNewer);
    assert!(matches!(a.access(now()), Access::LoginRequired(_)));
    assert!(a.save().is_none());

    let other = store.replacen("\"version\":", "\"version\":9", 1);
    assert_eq!(b.adopt(loaded(&other)).unwrap_err(), RestoreError::UnknownVersion);
    assert!(is_taken(&mut b, &http, &server));
}
