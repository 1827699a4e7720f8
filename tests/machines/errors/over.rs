//! `Over`: start a new login.

use oauth_proto::{AuthorizationRequest, Delivered, Error, Event, Over};

use super::check;
use crate::support::{at, awaiting, builder, client, exchanging};

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
