//! What is stored, by threads and processes, and what a sign-out leaves.

use oauth_proto::{
    Access, Adopted, Delivered, Error, Event, LoginRequired, Over, SavedSession, Secret, Session, SessionAction,
    SessionPhase, SignOut, Tokens,
};

use crate::{answer, at, client, new_tokens, none, ready, request, session, stored_refresh_token, T0};

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

#[test]
fn a_newer_form_with_the_same_refresh_token_is_no_second_flight() {
    let (mut session, now) = (session(), T0 + 4000);
    let mut newer = serde_json::to_value(session.save()).unwrap();
    newer["revision"] = 2.into();
    let sent = request(session.access(at(now)));
    assert_eq!(session.adopt(serde_json::from_value(newer).unwrap()), Ok(Adopted::Newer));
    let access = session.access(at(now));
    assert!(matches!(access, Access::Wait(id) if id == sent.id()), "one at a time: {access:?}");
    assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), now), Ok(SessionAction::Save)));
}

#[test]
fn as_long_as_the_server_was_not_told_the_sign_out_says_so() {
    // In airplane mode.
    let mut session = session();
    let SessionAction::SendRequest(revocation) = session.sign_out(SignOut::new()) else { panic!() };
    let failed = session.handle(Event::SendFailed(revocation.id(), Delivered::No), at(T0));
    assert!(matches!(failed, Ok(SessionAction::RetryAt(_))), "{failed:?}");
    assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)));

    // What came late was revoked in vain, whatever the server said of the other one.
    let (mut session, now) = (self::session(), T0 + 4000);
    let first = request(session.access(at(now)));
    let later = session.deadline().unwrap().as_secs();
    let second = request(session.access(at(later)));
    let SessionAction::SendRequest(revocation) = session.sign_out(SignOut::new()) else { panic!() };
    for (sent, number) in [(first, 2), (second, 3)] {
        let action = answer(&mut session, sent.id(), 200, &new_tokens(number), later);
        assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    }
    let next = |action| match action {
        Ok(SessionAction::SendRequest(request)) => request,
        other => panic!("{other:?}"),
    };
    let revocation = next(answer(&mut session, revocation.id(), 200, "", later));
    let revocation = next(answer(&mut session, revocation.id(), 400, r#"{"error":"unsupported_token_type"}"#, later));
    assert!(matches!(answer(&mut session, revocation.id(), 200, "", later), Ok(SessionAction::SignedOut)));
    let Some(Error::Refused(refused)) = session.last_error() else { panic!("{:?}", session.last_error()) };
    assert_eq!(refused.oauth_error(), Some("unsupported_token_type"));
}

#[test]
fn what_was_under_way_before_newer_tokens_came_is_revoked_too() {
    let (mut session, now) = (session(), T0 + 4000);
    let first = request(session.access(at(now)));
    let later = session.deadline().unwrap().as_secs();
    let second = request(session.access(at(later)));
    assert!(matches!(answer(&mut session, second.id(), 200, &new_tokens(3), later), Ok(SessionAction::Save)));
    let SessionAction::SendRequest(revocation) = session.sign_out(SignOut::new()) else { panic!() };
    assert!(matches!(answer(&mut session, revocation.id(), 200, "", later), Ok(SessionAction::SignedOut)));
    assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)), "nobody knows what became of the first");
    let action = answer(&mut session, first.id(), 200, &new_tokens(2), later);
    let Ok(SessionAction::SendRequest(revocation)) = action else { panic!("{action:?}") };
    assert!(revocation.body().starts_with(b"token=RT2&"));
    assert!(matches!(answer(&mut session, revocation.id(), 200, "", later), Ok(SessionAction::SignedOut)));
    assert_eq!(session.last_error(), None);
}

/// Eight threads on one session and one store, as the documentation of `Session` has it, and one that signs out.
#[test]
fn threads_share_one_session_and_leave_nothing_after_a_sign_out() {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::Mutex;

    struct Shared {
        session: Mutex<Session>,
        store: Mutex<Vec<Option<String>>>,
        sent: AtomicU32,
    }

    impl Shared {
        fn store(&self, session: &Session) {
            let text = session.save().map(|saved| serde_json::to_string(&saved).unwrap());
            self.store.lock().unwrap().push(text);
        }

        /// A token, or why there is none.
        fn token(&self, now: u64) -> Result<String, LoginRequired> {
            loop {
                let access = self.session.lock().unwrap().access(at(now));
                let sent = match access {
                    Access::Ready(bearer) => return Ok(bearer.token().reveal().to_owned()),
                    Access::LoginRequired(why) => return Err(why),
                    Access::Refused { error, .. } => panic!("{error}"),
                    Access::Verify(_) | Access::RetryAt(_) | Access::Wait(_) => {
                        std::thread::yield_now();
                        continue;
                    }
                    Access::SendRequest(request) => request,
                };
                let number = self.sent.fetch_add(1, Ordering::SeqCst) + 2;
                std::thread::yield_now();
                let mut session = self.session.lock().unwrap();
                let action = answer(&mut session, sent.id(), 200, &new_tokens(number), now);
                if let Ok(SessionAction::Save | SessionAction::LoginRequired(_)) = action {
                    self.store(&session);
                }
            }
        }
    }

    for _ in 0..20 {
        let (session, store) = (Mutex::new(session()), Mutex::default());
        let shared = Shared { session, store, sent: AtomicU32::new(0) };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 1..50 {
                        match shared.token(T0 + 4000 * round) {
                            Ok(token) => assert!(token.starts_with("AT"), "{token}"),
                            Err(why) => return assert_eq!(why, LoginRequired::SignedOut),
                        }
                    }
                });
            }
            scope.spawn(|| {
                while shared.sent.load(Ordering::SeqCst) < 20 {
                    std::thread::yield_now();
                }
                let mut session = shared.session.lock().unwrap();
                drop(session.sign_out(SignOut::new()));
                shared.store(&session);
            });
        });
        let store = shared.store.into_inner().unwrap();
        assert_eq!(store.last(), Some(&None), "nothing is stored after the sign-out");
        assert_eq!(store.iter().filter(|text| text.is_none()).count(), 1, "and it was stored once");
        let revision = |text: &Option<String>| {
            let saved: serde_json::Value = serde_json::from_str(text.as_deref()?).unwrap();
            saved["revision"].as_u64()
        };
        let revisions: Vec<_> = store.iter().filter_map(revision).collect();
        assert!(revisions.is_sorted(), "nothing older is stored after something newer: {revisions:?}");
    }
}
