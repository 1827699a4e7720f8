//! What comes of a refresh that was under way when the user signed out: a refresh token that it brings is revoked, too.

use oauth_proto::{
    AuthorizationServer, Client, Delivered, Error, Event, Over, Request, Secret, Session, SessionAction, SessionPhase,
    SignOut, Tokens,
};

use crate::{answer, at, body, entropy, later, request, revocation, GONE, JSON};

const NEW: &str = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#;
const BYE: &str = "com.example.app:/bye";
const STATE: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

fn client(revokes: bool) -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let mut server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
    if revokes {
        server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
    }
    crate::builder_at(server).post_logout_redirect_uri(BYE).build().unwrap()
}

/// A session whose refresh is under way.
fn refreshing(revokes: bool) -> (Session, Request) {
    let tokens = Tokens::from_parts(Secret::new("AT0"), Some(Secret::new("RT0")), Some(at(1000)), "a");
    let mut session = Session::new(client(revokes), tokens);
    let refresh = request(session.access(at(1000)));
    (session, refresh)
}

fn not_revoked(session: &Session) -> bool {
    session.last_error() == Some(&Error::Over(Over::NotRevoked))
}

/// The revocation of this token; its answer is a success, and this is what is next.
fn revoked(session: &mut Session, request: &Request, token: &str) -> SessionAction {
    assert!(body(request).starts_with(&format!("token={token}&token_type_hint=refresh_token&")), "{}", body(request));
    session.handle(answer(request.id(), 200, &[], ""), at(1001)).unwrap()
}

#[test]
fn tokens_that_come_while_the_server_is_told_are_revoked_next() {
    let (mut session, refresh) = refreshing(true);
    let first = revocation(session.sign_out(SignOut::new()));
    assert!(not_revoked(&session), "of what may come");
    assert_eq!(later(session.handle(answer(refresh.id(), 200, &JSON, NEW), at(1001))), 1001);
    assert!(not_revoked(&session), "until the server has been told");
    assert!(session.save().is_none());
    assert_eq!(revocation(session.pending_action().unwrap()).id(), first.id(), "one after the other");
    let second = revocation(revoked(&mut session, &first, "RT0"));
    assert_eq!(session.phase(), SessionPhase::SigningOut);
    assert!(matches!(revoked(&mut session, &second, "RT1"), SessionAction::SignedOut));
    assert_eq!((session.phase(), session.last_error()), (SessionPhase::SignedOut, None));
}

#[test]
fn tokens_that_come_while_the_user_is_in_the_browser_are_revoked_afterwards() {
    let (mut session, refresh) = refreshing(true);
    let first = revocation(session.sign_out(SignOut::new().logout(entropy())));
    assert!(matches!(revoked(&mut session, &first, "RT0"), SessionAction::OpenUrl(_)));
    assert_eq!(later(session.handle(answer(refresh.id(), 200, &JSON, NEW), at(1001))), 1001);
    assert_eq!(session.phase(), SessionPhase::LoggingOut);
    let back = session.handle(Event::RedirectReceived(&format!("{BYE}?state={STATE}")), at(1002)).unwrap();
    assert_eq!(session.phase(), SessionPhase::SigningOut);
    let second = revocation(back);
    assert!(matches!(revoked(&mut session, &second, "RT1"), SessionAction::SignedOut));
    assert!(session.last_error().is_none());
}

#[test]
fn tokens_that_come_after_the_sign_out_are_revoked_by_who_brings_them() {
    let (mut session, refresh) = refreshing(true);
    let first = revocation(session.sign_out(SignOut::new()));
    assert!(matches!(revoked(&mut session, &first, "RT0"), SessionAction::SignedOut));
    assert!(not_revoked(&session) && session.phase() == SessionPhase::SignedOut);
    let action = session.handle(answer(refresh.id(), 200, &JSON, NEW), at(9000)).unwrap();
    assert_eq!(session.phase(), SessionPhase::SigningOut);
    let second = revocation(action);
    assert!(matches!(revoked(&mut session, &second, "RT1"), SessionAction::SignedOut));
    assert!(session.last_error().is_none());
    let again = session.handle(answer(refresh.id(), 200, &JSON, NEW), at(9000));
    assert_eq!(again.unwrap_err().code(), "unknown_request");
}

/// Whether the app is told that a refresh token may live on, after the refresh came to this.
#[test]
fn the_app_is_told_what_may_live_on() {
    type Outcome = (u16, &'static str);
    let outcomes: [(Result<Outcome, Delivered>, bool); 9] = [
        (Ok((200, r#"{"access_token":"AT1","token_type":"Bearer"}"#)), false),
        (Ok((400, GONE)), false),
        (Ok((401, r#"{"error":"invalid_client"}"#)), false),
        (Ok((429, "")), false),
        (Err(Delivered::No), false),
        // It may have done its work before it failed, or its words were cut off.
        (Ok((503, "")), true),
        (Ok((504, "<html>")), true),
        (Ok((200, "{\"access_tok")), true),
        (Err(Delivered::Maybe), true),
    ];
    for (outcome, may_live_on) in outcomes {
        for late in [false, true] {
            let (mut session, refresh) = refreshing(true);
            let first = revocation(session.sign_out(SignOut::new()));
            if late {
                assert!(matches!(revoked(&mut session, &first, "RT0"), SessionAction::SignedOut));
            }
            let event = match outcome {
                Ok((status, body)) => answer(refresh.id(), status, &JSON, body),
                Err(delivered) => Event::SendFailed(refresh.id(), delivered),
            };
            let action = session.handle(event, at(1001)).unwrap();
            assert_eq!(matches!(action, SessionAction::SignedOut), late, "{outcome:?}: {action:?}");
            if !late {
                assert!(matches!(revoked(&mut session, &first, "RT0"), SessionAction::SignedOut));
            }
            assert_eq!(not_revoked(&session), may_live_on, "{outcome:?}");
            assert_eq!(session.phase(), SessionPhase::SignedOut);
        }
    }
}

/// An answer that was given up for lost may come all the same.
#[test]
fn tokens_of_a_refresh_that_was_lost_before_the_sign_out_or_after_it_are_revoked() {
    for lost_before in [false, true] {
        let (mut session, refresh) = refreshing(true);
        let lose = |session: &mut Session| {
            assert!(session.handle(Event::SendFailed(refresh.id(), Delivered::Maybe), at(1000)).is_ok());
        };
        if lost_before {
            lose(&mut session);
        }
        let first = revocation(session.sign_out(SignOut::new()));
        if !lost_before {
            lose(&mut session);
        }
        assert!(matches!(revoked(&mut session, &first, "RT0"), SessionAction::SignedOut));
        assert!(not_revoked(&session));
        let second = revocation(session.handle(answer(refresh.id(), 200, &JSON, NEW), at(1100)).unwrap());
        assert!(matches!(revoked(&mut session, &second, "RT1"), SessionAction::SignedOut));
        assert!(session.last_error().is_none(), "{lost_before}");
    }
}

/// There is nobody to tell.
#[test]
fn without_a_revocation_endpoint_a_late_refresh_token_lives_on() {
    let (mut session, refresh) = refreshing(false);
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SignedOut));
    assert!(not_revoked(&session));
    assert!(matches!(session.handle(answer(refresh.id(), 200, &JSON, NEW), at(1001)), Ok(SessionAction::SignedOut)));
    assert!(not_revoked(&session));
    // It brought none: what was there before is not known to live on, and could not be revoked either.
    let (mut session, refresh) = refreshing(false);
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SignedOut));
    assert!(session.handle(answer(refresh.id(), 400, &JSON, GONE), at(1001)).is_ok());
    assert!(session.last_error().is_none());
}

/// A late refresh token is tried as often as any other, and no longer.
#[test]
fn a_late_revocation_that_the_server_never_answers_ends() {
    let (mut session, refresh) = refreshing(true);
    let first = revocation(session.sign_out(SignOut::new()));
    assert!(matches!(revoked(&mut session, &first, "RT0"), SessionAction::SignedOut));
    let mut action = session.handle(answer(refresh.id(), 200, &JSON, NEW), at(1001)).unwrap();
    let (mut tries, mut now) = (0, 1001);
    loop {
        action = match action {
            SessionAction::SendRequest(request) => {
                tries += 1;
                session.handle(Event::SendFailed(request.id(), Delivered::Maybe), at(now)).unwrap()
            }
            SessionAction::RetryAt(time) => {
                now = time.as_secs();
                session.pending_action().unwrap()
            }
            SessionAction::SignedOut => break,
            other => panic!("{other:?}"),
        };
    }
    assert_eq!((tries, not_revoked(&session), session.phase()), (5, true, SessionPhase::SignedOut));
}
