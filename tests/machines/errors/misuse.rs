//! `Misuse`: the caller's code must change. None is fatal.

use oauth_proto::{AuthorizationRequest, Error, Event, Misuse};

use super::check;
use crate::support::{at, awaiting, client, entropy, session};

#[test]
fn already_started() {
    let mut login = awaiting(client(), AuthorizationRequest::new());
    let error = login.handle(Event::Start(entropy(2)), at(1)).unwrap_err();
    assert_eq!(error, Error::Misuse(Misuse::AlreadyStarted));
    check(&error, "already_started", false, &["new Login"]);
}

#[test]
fn not_for_a_session() {
    let error = session(client(), None).handle(Event::Cancelled, at(0)).unwrap_err();
    assert_eq!(error, Error::Misuse(Misuse::NotForASession));
    check(&error, "not_for_a_session", false, &["ResponseReceived", "SendFailed"]);
}
