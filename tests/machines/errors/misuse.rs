//! `Misuse`: the caller's code must change. None is fatal.

use oauth_proto::{AuthorizationRequest, Client, Error, Event, Misuse, SessionAction, SignOut};

use super::check;
use crate::support::{at, awaiting, client, entropy, server, session, REDIRECT_URI};

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
    check(&error, "not_for_a_session", false, &["ResponseReceived", "SendFailed", "RedirectReceived", "Cancelled"]);
}

/// The sign-out holds, and says what it could not do.
#[test]
fn no_logout_endpoint() {
    let client = Client::new(server(), "app", REDIRECT_URI).unwrap();
    let mut session = session(client, Some("RT0"));
    assert!(matches!(session.sign_out(SignOut::new().logout(entropy(1))), SessionAction::SignedOut));
    let error = session.last_error().unwrap();
    assert_eq!(error, &Error::Misuse(Misuse::NoLogoutEndpoint));
    check(error, "no_logout_endpoint", false, &["no logout endpoint", "end_session_endpoint"]);
}

/// A client that knows its server's issuer alone, and tokens from elsewhere.
#[cfg(feature = "openid")]
#[test]
fn server_unknown() {
    use crate::support::openid::issuer_only;
    use oauth_proto::Access;
    let mut session = session(issuer_only(), Some("RT0"));
    assert!(matches!(session.access(at(10)), Access::Ready(_)), "the access token is good");
    let Access::Refused { error, retry_at: None } = session.access(at(3600)) else { panic!("something is sent") };
    assert_eq!(error, Error::Misuse(Misuse::ServerUnknown));
    check(&error, "server_unknown", false, &["issuer", "Client::with_metadata"]);
    assert!(session.save().is_some());
}
