//! Sign-out: RFC 7009.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{Access, LoginRequired, SavedSession, Session, SessionAction};
use oauth_proto_interop::{client, exchange, now, refresh_of, session, Http, Server, PRIVATE_USE};

/// The revocation goes out, the server answers 200, and the refresh token is dead for whoever kept a copy.
#[test]
fn the_refresh_token_is_revoked() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "anna");
    let copy = serde_json::to_string(&session.save().unwrap()).unwrap();

    let request = session.sign_out().unwrap();
    assert_eq!(request.url(), server.revocation_endpoint);
    // The tokens are gone at once, whatever the server says.
    assert!(matches!(session.access(now()), Access::LoginRequired(LoginRequired::SignedOut)));
    assert!(session.save().is_none());
    let answer = http.send(&request);
    assert_eq!(answer.status(), Some(200));
    let action = session.handle(answer.event(), now()).unwrap();
    assert!(matches!(action, SessionAction::SignedOut), "{action:?}");
    assert!(matches!(session.access(now()), Access::LoginRequired(LoginRequired::SignedOut)));

    let copy: SavedSession = serde_json::from_str(&copy).unwrap();
    let mut session = Session::restore(client(&server, PRIVATE_USE), copy).unwrap();
    let refresh = refresh_of(session.access(now().saturating_add(400)));
    let action = exchange(&mut session, &http, &refresh).unwrap();
    assert!(matches!(action, SessionAction::LoginRequired(LoginRequired::GrantEnded(_))), "{action:?}");
}

/// RFC 7009 §2.2: revoking what is already revoked is a success.
#[test]
fn signing_out_twice() {
    let server = Server::shared();
    let http = Http::new();
    let mut session = session(&server, "berta");
    let copy = serde_json::to_string(&session.save().unwrap()).unwrap();
    let copy: SavedSession = serde_json::from_str(&copy).unwrap();
    let mut twin = Session::restore(client(&server, PRIVATE_USE), copy).unwrap();
    for session in [&mut session, &mut twin] {
        let request = session.sign_out().unwrap();
        let action = exchange(session, &http, &request).unwrap();
        assert!(matches!(action, SessionAction::SignedOut), "{action:?}");
        assert!(session.sign_out().is_none());
    }
}
