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
    check(
        &error,
        "not_for_a_session",
        false,
        &["ResponseReceived", "SendFailed", "Verified", "VerifyFailed", "RedirectReceived", "Cancelled"],
    );
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

/// Nothing is done that the user could see.
#[cfg(feature = "openid")]
#[test]
fn no_crypto() {
    use oauth_proto::drive::{blocking, DriveError, OwnedResponse};
    use oauth_proto::{AuthorizationUrl, Delivered, Login, Phase, Request, UnixTime};

    use crate::support::openid::{by_action, request};

    struct Nobody;
    impl blocking::Transport for Nobody {
        fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
            panic!("{request:?} is sent");
        }
    }
    impl blocking::Browser for Nobody {
        type Error = ();
        fn open(&mut self, url: &AuthorizationUrl) -> Result<(), ()> {
            panic!("{url:?} is opened");
        }
        fn redirect(&mut self, _: UnixTime) -> Result<Option<String>, ()> {
            panic!("a redirect is waited for");
        }
    }
    impl blocking::Clock for Nobody {
        fn now(&self) -> UnixTime {
            at(0)
        }
        fn sleep_until(&self, time: UnixTime) {
            panic!("it waits until {time:?}");
        }
    }
    let mut login = Login::new(by_action(), request()).unwrap();
    let error = blocking::login(&mut login, entropy(1), &Nobody, &mut Nobody, &Nobody).unwrap_err();
    assert_eq!((&error, login.phase()), (&DriveError::Login(Error::Misuse(Misuse::NoCrypto)), Phase::Ready));
    check(&Error::Misuse(Misuse::NoCrypto), "no_crypto", false, &["drive::login_with", "SignatureVerifier"]);
}
