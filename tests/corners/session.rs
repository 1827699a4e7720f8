//! Refusals, waits, clocks and late answers.

use oauth_proto::{
    Access, Client, LoginRequired, Request, Secret, Session, SessionAction, SessionPhase, SignOut, Target, Tokens,
};

use crate::{
    answer, at, authorization, body, builder, client, is_patient, later, ready, request, revocation, told, GONE, JSON,
    REFUSED,
};

fn session_of(client: Client, expires_at: Option<u64>) -> Session {
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), expires_at.map(at), "a b");
    Session::new(client, tokens)
}

fn session(expires_at: Option<u64>) -> Session {
    session_of(client(), expires_at)
}

/// Without `expires_in` a 401 is the only sign of expiry (RFC 6749 §5.1), so it must work hour after hour.
#[test]
fn a_server_that_tells_no_expiry_logs_nobody_out() {
    let mut session = session(None);
    for hour in 1..5 {
        let bearer = ready(session.access(at(hour * 3600 - 100)));
        let refresh = request(session.refused(&bearer, 401, &REFUSED, at(hour * 3600)).unwrap());
        let tokens = format!(r#"{{"access_token":"AT{hour}x","token_type":"Bearer"}}"#);
        let saved = session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(hour * 3600 + 1));
        assert!(matches!(saved, Ok(SessionAction::Save)));
    }
}

#[test]
fn an_api_that_refuses_every_short_lived_token_is_not_asked_for_ever() {
    let mut session = session(None);
    let mut bearer = ready(session.access(at(0)));
    for round in 1..10 {
        // The API takes two seconds, and the token lives for three.
        match session.refused(&bearer, 401, &REFUSED, at(round * 2)).unwrap() {
            Access::SendRequest(refresh) => {
                let tokens = format!(r#"{{"access_token":"AT{round}x","token_type":"Bearer","expires_in":3}}"#);
                assert!(session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(round * 2)).is_ok());
                bearer = ready(session.access(at(round * 2)));
            }
            other => {
                assert!(matches!(other, Access::LoginRequired(LoginRequired::TokenRefused)), "{other:?}");
                assert_eq!(round, 2);
                return;
            }
        }
    }
    panic!("refreshed without end");
}

#[test]
fn a_server_that_asks_for_no_patience_is_given_some_all_the_same() {
    for retry_after in ["0", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let mut session = session(Some(10));
        let mut sent = 0;
        while let Access::SendRequest(refresh) = session.access(at(1_800_000_000)) {
            sent += 1;
            let headers = [("Retry-After", retry_after)];
            let _ = session.handle(answer(refresh.id(), 503, &headers, ""), at(1_800_000_000));
            assert_eq!(sent, 1, "a second request in the same second, {retry_after}");
        }
        assert!(matches!(session.access(at(1_800_000_002)), Access::SendRequest(_)));
    }
}

/// A call that was made before a new login came back with 401 after it: it is not repeated in the new user's name.
#[test]
fn a_token_of_another_login_says_nothing_of_this_one() {
    let bearer = ready(session(None).access(at(0)));
    let mut new = Session::new(client(), Tokens::from_parts(Secret::new("NEW"), Some(Secret::new("R")), None, "a"));
    let demand = told("Bearer error=\"insufficient_scope\", scope=\"c\"");
    for (status, headers) in [(401, &REFUSED), (403, &demand), (401, &demand)] {
        let access = new.refused(&bearer, status, headers, at(5));
        assert!(matches!(access, Some(Access::LoginRequired(LoginRequired::OtherLogin))), "{access:?}");
        assert_eq!(ready(new.access(at(5))).token().reveal(), "NEW");
    }
}

#[test]
fn a_403_with_a_pointer_to_metadata_is_about_no_token() {
    let mut session = session(None);
    let bearer = ready(session.access(at(0)));
    let lines = told("Bearer resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource\"");
    assert!(session.refused(&bearer, 403, &lines, at(1)).is_none());
    assert!(matches!(session.refused(&bearer, 401, &lines, at(1)), Some(Access::SendRequest(_))));
}

/// The first refresh timed out and a second was sent; the first one's tokens come late.
fn overtaken() -> (Session, Request) {
    let mut session = session(Some(1000));
    let first = request(session.access(at(1100)));
    let second = request(session.access(at(1200)));
    assert_ne!(first.id(), second.id());
    let tokens = r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#;
    assert!(matches!(session.handle(answer(first.id(), 200, &JSON, tokens), at(1201)), Ok(SessionAction::Save)));
    assert_eq!(
        session.phase(),
        SessionPhase::Refreshing,
        "the second one, with the old refresh token, is under way yet"
    );
    (session, second)
}

#[test]
fn what_a_server_says_of_a_refresh_token_of_before_ends_nothing() {
    let (mut session, second) = overtaken();
    let refused = session.handle(answer(second.id(), 400, &JSON, GONE), at(1202));
    assert_eq!(later(refused), 1202);
    assert_eq!((session.phase(), session.last_error()), (SessionPhase::Active, None));
    assert_eq!(ready(session.access(at(1204))).token().reveal(), "AT2");
    assert!(body(&request(session.access(at(4801)))).contains("refresh_token=RT2"));
}

/// The server's grace period answers both.
#[test]
fn tokens_of_both_of_two_overlapping_refreshes_are_kept() {
    let (mut session, second) = overtaken();
    let tokens = r#"{"access_token":"AT3","token_type":"Bearer","expires_in":3600,"refresh_token":"RT3"}"#;
    assert!(matches!(session.handle(answer(second.id(), 200, &JSON, tokens), at(1203)), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access(at(1204))).token().reveal(), "AT3");
    assert_eq!(session.phase(), SessionPhase::Active);
}

#[test]
fn a_refresh_timeout_of_zero_is_refused() {
    assert_eq!(builder().refresh_timeout_secs(0).build().unwrap_err().code(), "client");
    assert_eq!(builder().login_timeout_secs(0).build().unwrap_err().code(), "client");
}

#[test]
fn a_clock_that_stumbles_sends_no_refresh_token_twice() {
    let mut session = session(None);
    let bearer = ready(session.access(at(1000)));
    let refresh = request(session.refused(&bearer, 401, &REFUSED, at(1100)).unwrap());
    for now in [5, 1101, 7, 1159] {
        assert!(matches!(session.access(at(now)), Access::Wait(id) if id == refresh.id()), "at {now}");
    }
    assert!(matches!(session.access(at(1160)), Access::SendRequest(_)), "sixty seconds after it was sent it is lost");
}

#[test]
fn a_clock_that_is_set_back_for_good_frees_a_refresh_after_its_timeout() {
    let mut session = session(None);
    let bearer = ready(session.access(at(1000)));
    let _refresh = request(session.refused(&bearer, 401, &REFUSED, at(100_000)).unwrap());
    assert!(matches!(session.access(at(500)), Access::Wait(_)));
    assert!(matches!(session.access(at(559)), Access::Wait(_)));
    assert!(matches!(session.access(at(560)), Access::SendRequest(_)));
}

#[test]
fn a_clock_that_is_set_back_does_not_make_a_wait_longer() {
    let mut session = session(Some(10));
    let refresh = request(session.access(at(4000)));
    let wait = later(session.handle(answer(refresh.id(), 500, &[], ""), at(4000))) - 4000;
    assert!((1..=2).contains(&wait));
    // It begins anew.
    assert!(matches!(session.access(at(500)), Access::RetryAt(time) if time == at(500 + wait)));
    assert!(matches!(session.access(at(500 + wait)), Access::SendRequest(_)));
}

/// Whoever waits as the documentation says waits no longer than a refresh may take.
#[test]
fn the_deadline_follows_a_clock_that_is_set_back() {
    let mut session = session(None);
    let bearer = ready(session.access(at(1000)));
    let _refresh = request(session.refused(&bearer, 401, &REFUSED, at(100_000)).unwrap());
    assert_eq!(session.deadline(), Some(at(100_060)));
    // And once more.
    for now in [500, 200] {
        assert!(matches!(session.access(at(now)), Access::Wait(_)));
        assert_eq!(session.deadline(), Some(at(now + 60)));
    }
    assert!(matches!(session.access(session.deadline().unwrap()), Access::SendRequest(_)));
}

/// Threads read the clock, and come to the session in another order.
#[test]
fn a_clock_that_is_read_a_moment_before_ends_no_wait() {
    let mut session = session(Some(10));
    let refresh = request(session.access(at(1000)));
    let headers = [("Retry-After", "3600")];
    let wait = later(session.handle(answer(refresh.id(), 429, &headers, ""), at(1001))) - 1001;
    assert!(is_patient(3600, wait), "{wait}");
    // Nobody waits for much more than an hour, whatever their clock says.
    for now in [1000, 941, 1001, 1000 + wait] {
        assert!(matches!(session.access(at(now)), Access::RetryAt(time) if time == at(1001 + wait)), "{now}");
    }
    // Now it was set back, and what the server asked for is not forgotten.
    assert!(matches!(session.access(at(940)), Access::RetryAt(time) if time == at(940 + wait)));
    assert!(matches!(session.access(at(940 + wait)), Access::SendRequest(_)));
}

/// RFC 6749 §5.1: a scope that is left out is the one that was asked for, by that very request.
#[test]
fn the_scope_is_the_one_that_this_refresh_asked_for() {
    let mut session = session(Some(10));
    let others = |session: &Session| serde_json::to_value(session.save()).unwrap()["others"].clone();
    let refresh = request(session.access_for(&Target::own().scope("a").unwrap(), at(20)));
    assert!(body(&refresh).contains("&scope=a&"));
    let tokens = r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(21)).is_ok());
    assert_eq!((&others(&session)[0]["scope"], session.scope()), (&"a".into(), "a b"));
    // An empty one is said, and is none at all.
    let refresh = request(session.access_for(&Target::own().scope("b").unwrap(), at(20)));
    let tokens = r#"{"access_token":"AT3","token_type":"Bearer","scope":""}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(21)).is_ok());
    assert_eq!(others(&session)[1]["scope"], "");
}

#[test]
fn a_scope_of_blanks_is_no_scope() {
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(10)), " ");
    let mut session = Session::new(client(), tokens);
    assert!(Target::own().scope(" ").is_err());
    assert!(!body(&request(session.access(at(20)))).contains("scope"));
}

/// RFC 6749 appendix A.12 allows spaces in a token; one that was accepted can be sent, too.
#[test]
fn a_token_with_a_space_is_sent_as_it_is() {
    let mut session = session(Some(10));
    let refresh = request(session.access(at(20)));
    let tokens = r#"{"access_token":"A T","token_type":"Bearer","expires_in":3600}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(21)).is_ok());
    let bearer = ready(session.access(at(22)));
    assert_eq!(authorization(&bearer, "https://api.example.com/").unwrap(), "Bearer A T");
}

#[test]
fn signing_out_twice_is_one_sign_out() {
    let mut session = session(None);
    let first = revocation(session.sign_out(SignOut::new()));
    let again = revocation(session.sign_out(SignOut::new()));
    assert_eq!((first.id(), first.body()), (again.id(), again.body()));
    assert!(matches!(session.handle(answer(first.id(), 200, &[], ""), at(1)), Ok(SessionAction::SignedOut)));
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SignedOut));
    assert_eq!(session.phase(), SessionPhase::SignedOut);
}

#[test]
fn a_sign_out_that_the_server_never_answers_ends_all_the_same() {
    let mut session = session(None);
    let mut tries = 0;
    while let SessionAction::SendRequest(revocation) = session.sign_out(SignOut::new()) {
        tries += 1;
        assert!(session.handle(answer(revocation.id(), 503, &[], ""), at(tries)).is_ok());
    }
    assert_eq!((tries, session.phase()), (5, SessionPhase::SignedOut));
}

#[test]
fn an_api_that_demands_more_does_not_end_the_session() {
    let mut session = session(None);
    let bearer = ready(session.access(at(0)));
    let lines = told("Bearer error=\"insufficient_scope\", scope=\"c\"");
    let Some(Access::LoginRequired(why)) = session.refused(&bearer, 403, &lines, at(1)) else { panic!() };
    assert!(!why.is_final());
    assert!(matches!(session.access(at(2)), Access::Ready(_)));
    let _ = session.sign_out(SignOut::new());
    let Some(Access::LoginRequired(why)) = session.refused(&bearer, 403, &lines, at(3)) else { panic!() };
    assert_eq!((why.is_final(), why), (true, LoginRequired::SignedOut));
}
