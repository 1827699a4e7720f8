//! `Over`: start a new login.

use oauth_proto::{AuthorizationRequest, Delivered, Error, Event, Over, SessionAction, SessionPhase, SignOut};

use super::check;
use crate::support::{at, awaiting, builder, client, exchanging, json, refresh, session};

#[test]
fn cancelled() {
    let mut login = awaiting(client(), AuthorizationRequest::new());
    let error = login.handle(Event::Cancelled, at(1)).unwrap_err();
    assert_eq!(error, Error::Over(Over::Cancelled));
    check(&error, "cancelled", true, &["start a new"]);
}

#[test]
fn expired() {
    let client = builder().login_timeout_secs(5).build().unwrap();
    let mut login = awaiting(client, AuthorizationRequest::new());
    assert!(!login.handle(Event::RedirectReceived("x:/"), at(5)).unwrap_err().is_fatal(), "the last second counts");
    let error = login.handle(Event::RedirectReceived("x:/"), at(6)).unwrap_err();
    assert_eq!(error, Error::Over(Over::Expired));
    check(&error, "expired", true, &["too long", "start a new"]);
}

#[test]
fn outcome_unknown() {
    let (mut login, request) = exchanging(client(), AuthorizationRequest::new());
    let error = login.handle(Event::SendFailed(request.id(), Delivered::Maybe), at(1)).unwrap_err();
    assert_eq!(error, Error::Over(Over::OutcomeUnknown));
    check(&error, "outcome_unknown", true, &["may have been used", "RFC 6749", "start a new login"]);
}

/// Nobody could be reached, as often as it was tried.
#[test]
fn not_revoked() {
    let mut session = session(client(), Some("RT0"));
    let SessionAction::SendRequest(mut request) = session.sign_out(SignOut::new()) else { panic!("no revocation") };
    for second in 1..5 {
        let failed = Event::SendFailed(request.id(), Delivered::Maybe);
        assert!(matches!(session.handle(failed, at(second)), Ok(SessionAction::RetryAt(_))));
        assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)), "until it works");
        let Some(SessionAction::SendRequest(again)) = session.pending_action() else { panic!("no more tries") };
        assert_ne!(again.id(), request.id());
        request = again;
    }
    let last = session.handle(Event::SendFailed(request.id(), Delivered::No), at(5));
    assert!(matches!(last, Ok(SessionAction::SignedOut)));
    let error = session.last_error().unwrap();
    assert_eq!((error, session.phase()), (&Error::Over(Over::NotRevoked), SessionPhase::SignedOut));
    check(error, "not_revoked", true, &["signed out here", "RFC 7009", "server's own pages"]);
}

/// What a refresh under way will bring, nobody knows; what a lost one has brought neither.
#[test]
fn not_revoked_yet() {
    let mut session = session(client(), Some("RT0"));
    let id = refresh(&mut session, at(3600));
    let SessionAction::SendRequest(request) = session.sign_out(SignOut::new()) else { panic!("no revocation") };
    let not_revoked = Some(&Error::Over(Over::NotRevoked));
    assert_eq!(session.last_error(), not_revoked);
    let done = session.handle(Event::ResponseReceived(request.id(), json(200, "")), at(3601));
    assert!(matches!(done, Ok(SessionAction::SignedOut)));
    assert_eq!(session.last_error(), not_revoked);
    // It never left: there is nothing to worry about.
    let late = session.handle(Event::SendFailed(id, Delivered::No), at(3602));
    assert!(matches!(late, Ok(SessionAction::SignedOut)), "{late:?}");
    assert_eq!((session.last_error(), session.phase()), (None, SessionPhase::SignedOut));
}
