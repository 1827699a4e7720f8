//! What is stored, by threads and processes, and what a sign-out leaves.

use oauth_proto::{
    Access, Adopted, Delivered, Error, Event, LoginRequired, Over, SavedSession, Secret, Session, SessionAction,
    SessionPhase, SignOut, Tokens,
};

use crate::{answer, at, client, new_tokens, none, ready, request, session, stored_refresh_token, tokens, T0};

fn stored(session: &Session) -> SavedSession {
    serde_json::from_str(&serde_json::to_string(&session.save()).unwrap()).unwrap()
}

#[test]
fn anothers_login_in_the_store_changes_nothing() {
    let mut alice = session();
    let bearer = ready(alice.access(at(T0)));
    // Bob's login was made 5,000 s before hers, or after.
    for expires_at in [T0 - 1400, T0 + 9000] {
        let bob =
            Tokens::from_parts(Secret::new("BOB"), Some(Secret::new("RT-BOB")), Some(at(expires_at)), "read write");
        let mut bob = Session::new(client(), bob);
        let before = serde_json::to_string(&alice.save()).unwrap();
        assert_eq!(alice.adopt(stored(&bob)), Ok(Adopted::OtherLogin));
        assert_eq!(serde_json::to_string(&alice.save()).unwrap(), before);

        // The app goes over to it: nothing that was hers is answered with his.
        let told = bob.refused(&bearer, 401, none(), at(T0));
        assert!(matches!(told, Some(Access::LoginRequired(LoginRequired::OtherLogin))), "{told:?}");
        let headers = [("www-authenticate", r#"Bearer error="insufficient_scope", scope="admin""#)];
        let told = bob.refused(&bearer, 403, &headers, at(T0));
        assert!(matches!(told, Some(Access::LoginRequired(LoginRequired::OtherLogin))), "{told:?}");
    }
}

#[test]
fn what_is_stored_after_a_sign_out_is_nothing() {
    let (mut session, now) = (session(), T0 + 4000);
    let sent = request(session.access(at(now)));
    assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), now), Ok(SessionAction::Save)));
    // Before this thread comes to store, another one signs out.
    drop(session.sign_out(SignOut::new()));
    assert!(session.save().is_none());
}

#[test]
fn what_is_stored_late_is_not_old() {
    let (mut session, now) = (session(), T0 + 4000);
    for (number, now) in [(2, now), (3, now + 4000)] {
        let sent = request(session.access(at(now)));
        assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(number), now), Ok(SessionAction::Save)));
    }
    // Whichever thread comes first, both store the same.
    assert_eq!(stored_refresh_token(&session).as_deref(), Some("RT3"));
}

#[test]
fn of_one_login_the_newer_form_is_taken_and_the_older_is_not() {
    let (mut one, now) = (session(), T0 + 4000);
    let mut other = Session::restore(client(), stored(&one)).unwrap();
    let old = stored(&one);
    let sent = request(one.access(at(now)));
    assert!(matches!(answer(&mut one, sent.id(), 200, &new_tokens(2), now), Ok(SessionAction::Save)));
    assert_eq!(one.adopt(old), Ok(Adopted::NotNewer));
    assert_eq!(stored_refresh_token(&one).as_deref(), Some("RT2"));
    assert_eq!(other.adopt(stored(&one)), Ok(Adopted::Newer));
    assert_eq!(ready(other.access(at(now))).token().reveal(), "AT2");
    assert_eq!(other.adopt(stored(&one)), Ok(Adopted::NotNewer));
}

/// A sign-out while a refresh is under way.
fn signed_out() -> (Session, oauth_proto::Request) {
    let (mut session, now) = (session(), T0 + 4000);
    let refresh = request(session.access(at(now)));
    let SessionAction::SendRequest(revocation) = session.sign_out(SignOut::new()) else { panic!() };
    assert!(session.save().is_none());
    assert!(matches!(answer(&mut session, revocation.id(), 200, "", now), Ok(SessionAction::SignedOut)));
    assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)), "not all is known to be well");
    (session, refresh)
}

#[test]
fn what_comes_after_a_sign_out_is_revoked() {
    let (mut session, refresh) = signed_out();
    let action = answer(&mut session, refresh.id(), 200, &new_tokens(2), T0 + 4001);
    let Ok(SessionAction::SendRequest(revocation)) = action else { panic!("{action:?}") };
    assert_eq!(revocation.url(), "https://as.example.com/revoke");
    assert!(revocation.body().starts_with(b"token=RT2&"));
    assert_eq!(session.phase(), SessionPhase::SigningOut);
    assert!(matches!(session.access(at(T0 + 4001)), Access::LoginRequired(LoginRequired::SignedOut)));
    assert!(matches!(answer(&mut session, revocation.id(), 200, "", T0 + 4002), Ok(SessionAction::SignedOut)));
    assert_eq!(session.last_error(), None, "now all is well");
}

#[test]
fn what_never_came_is_told_as_not_revoked() {
    let (mut session, refresh) = signed_out();
    let action = session.handle(Event::SendFailed(refresh.id(), Delivered::Maybe), at(T0 + 4001));
    assert!(matches!(action, Ok(SessionAction::SignedOut)), "{action:?}");
    assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)));

    let (mut session, refresh) = signed_out();
    let action = session.handle(Event::SendFailed(refresh.id(), Delivered::No), at(T0 + 4001));
    assert!(matches!(action, Ok(SessionAction::SignedOut)), "{action:?}");
    assert_eq!(session.last_error(), None, "it did not reach the server");

    let (mut session, refresh) = signed_out();
    let action = answer(&mut session, refresh.id(), 400, r#"{"error":"invalid_grant"}"#, T0 + 4001);
    assert!(matches!(action, Ok(SessionAction::SignedOut)), "{action:?}");
    assert_eq!(session.last_error(), None, "it brought nothing");
}

#[test]
fn what_comes_while_the_sign_out_is_under_way_is_revoked_with_it() {
    let (mut session, now) = (session(), T0 + 4000);
    let refresh = request(session.access(at(now)));
    let SessionAction::SendRequest(first) = session.sign_out(SignOut::new()) else { panic!() };
    let action = answer(&mut session, refresh.id(), 200, &new_tokens(2), now);
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "whoever signs out carries on: {action:?}");
    let action = answer(&mut session, first.id(), 200, "", now);
    let Ok(SessionAction::SendRequest(second)) = action else { panic!("{action:?}") };
    assert!(second.body().starts_with(b"token=RT2&"));
    assert!(matches!(answer(&mut session, second.id(), 200, "", now), Ok(SessionAction::SignedOut)));
    assert_eq!(session.last_error(), None);
}

#[test]
fn a_stored_session_is_small() {
    let token = |octets: usize| Secret::new("x".repeat(octets));
    let tokens = Tokens::from_parts(token(40), Some(token(40)), Some(at(T0)), "openid profile offline_access");
    let text = serde_json::to_string(&Session::new(client(), tokens).save()).unwrap();
    assert!(text.len() <= 550, "{} octets without an ID token of 450: {text}", text.len());
    drop(self::tokens());
}

#[test]
fn a_refresh_in_the_air_is_remembered_through_the_end_of_a_grant_that_lives_again() {
    let (mut session, now) = (session(), T0 + 4000);
    let mut other = Session::restore(client(), stored(&session)).unwrap();
    let lost = request(session.access(at(now)));
    let later = crate::lose(&mut session, lost.id(), now).as_secs();
    let sent = request(session.access(at(later)));
    let ended = answer(&mut session, sent.id(), 400, r#"{"error":"invalid_grant"}"#, later);
    assert!(matches!(ended, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))), "{ended:?}");
    let sent = request(other.access(at(later)));
    assert!(matches!(answer(&mut other, sent.id(), 200, &new_tokens(2), later), Ok(SessionAction::Save)));
    assert_eq!(session.adopt(stored(&other)), Ok(Adopted::Newer));
    drop(session.sign_out(SignOut::new()));
    assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)), "what was lost may have brought another");
}
