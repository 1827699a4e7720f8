//! An ID token of a key that the session does not know: the keys are fetched, and nobody waits for that.

use oauth_proto::{Access, Client, Delivered, Event, Headers, KeySet, Response, SessionAction, SessionPhase};

use super::{
    fetched_at, keys, keys_request, last_error, ready, refresh_with, refresh_with_new_key, renewed, saved, session,
    session_of, subject, unavailable, DUE,
};
use crate::model::keys::named;
use crate::support::openid::{self, keyed, keyed_builder, JWKS_URI, USER};
use crate::support::{at, json as answer};

#[test]
fn the_tokens_are_used_at_once_and_one_caller_fetches_the_keys() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    assert_eq!(session.id_token().unwrap().issued_at(), at(0), "it is not believed yet");
    let Access::SendRequest(request) = session.access(at(DUE)) else { panic!("no request for keys") };
    assert_eq!((request.method(), request.url(), request.body()), ("GET", JWKS_URI, &b""[..]));
    assert!(request.headers().all(|(name, _)| name == "accept"));
    for _ in 0..3 {
        assert_eq!(ready(&mut session, at(DUE)), "AT2", "the others are served");
    }
    assert_eq!((session.phase(), session.deadline()), (SessionPhase::Active, None), "it is no refresh");
}

#[test]
fn the_keys_show_that_it_is_good() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    let action = keys(&mut session, id, &[1, 2], at(DUE + 1));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!((session.id_token().unwrap().issued_at(), last_error(&session)), (at(DUE), None));
    assert_eq!(saved(&session)["id_token"].as_str(), session.id_token().map(oauth_proto::IdToken::reveal));
    assert_eq!((session.keys().map(KeySet::len), fetched_at(session.keys())), (Some(2), Some(at(DUE + 1))));
    assert_eq!(ready(&mut session, at(DUE + 1)), "AT2");
    // The answer comes again.
    assert_eq!(keys(&mut session, id, &[1, 2], at(DUE + 1)).unwrap_err().code(), "unknown_request");
}

/// Whose it is stays unknown: the one of before stays, and the tokens too.
#[test]
fn the_keys_have_none_for_it() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    let action = keys(&mut session, id, &[1, 3], at(DUE));
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    assert_eq!((subject(&session), last_error(&session)), (Some(USER), Some("id_token_key_not_found")));
    assert_eq!(session.id_token().unwrap().issued_at(), at(0));
    for second in 0..100 {
        assert_eq!(ready(&mut session, at(DUE + second)), "AT2", "no more keys are asked for");
    }
}

/// It is not believed, and that is all: the tokens came from the token endpoint itself, over TLS.
#[test]
fn the_keys_show_that_it_is_forged() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    let set = named(&[(2, 9)]);
    let action = session.handle(Event::ResponseReceived(id, answer(200, &set)), at(DUE));
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    assert_eq!((session.phase(), last_error(&session)), (SessionPhase::Active, Some("id_token_signature")));
    assert_eq!((subject(&session), session.id_token().unwrap().issued_at()), (Some(USER), at(0)));
    assert_eq!((ready(&mut session, at(DUE + 99)).as_str(), &saved(&session)["refresh_token"]), ("AT2", &"RT2".into()));
}

/// Young keys that say so may be replaced by now: they are asked for when they are old enough.
#[test]
fn young_keys_that_say_that_it_is_forged_are_fetched_again_later() {
    let mut session = with_keys_of(29, &[2]);
    let action = refresh_with(&mut session, &renewed(), 2, 9, at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!((ready(&mut session, at(DUE)).as_str(), subject(&session)), ("AT2", None));
    let id = keys_request(&mut session, at(DUE + 1));
    let action = keys(&mut session, id, &[2], at(DUE + 1));
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    assert_eq!((subject(&session), last_error(&session)), (None, Some("id_token_signature")));
}

#[test]
fn a_server_that_cannot_give_them_now_is_asked_later() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    let action = session.handle(Event::ResponseReceived(id, unavailable()), at(DUE));
    assert!(matches!(action, Ok(SessionAction::RetryAt(at)) if at == crate::support::at(DUE)), "{action:?}");
    assert_eq!(last_error(&session), Some("unavailable"));
    assert_eq!(ready(&mut session, at(DUE + 6)), "AT2", "nobody waits for keys");
    let again = keys_request(&mut session, at(DUE + 7));
    assert_ne!(again, id);
    assert!(matches!(keys(&mut session, again, &[2], at(DUE + 7)), Ok(SessionAction::Save)));
    assert_eq!((session.id_token().unwrap().issued_at(), last_error(&session)), (at(DUE), None));
}

#[test]
fn whatever_else_it_says_leaves_the_tokens() {
    for (response, code) in [
        (Response::new(404, Headers::NONE, b""), "http_error"),
        (Response::new(302, &[("location", "https://as.example.com/login")], b""), "redirect_refused"),
        (Response::new(200, Headers::NONE, b"<h1>keys</h1>"), "response_malformed"),
        (Response::new(200, Headers::NONE, b"[]"), "response_malformed"),
    ] {
        let mut session = session();
        refresh_with_new_key(&mut session);
        let id = keys_request(&mut session, at(DUE));
        let action = session.handle(Event::ResponseReceived(id, response), at(DUE));
        assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{code}: {action:?}");
        assert_eq!((ready(&mut session, at(DUE)).as_str(), last_error(&session)), ("AT2", Some(code)));
    }
}

/// To ask for keys twice does no harm.
#[test]
fn a_request_that_is_lost_is_sent_again() {
    for delivered in [Delivered::No, Delivered::Maybe] {
        let mut session = session();
        refresh_with_new_key(&mut session);
        let id = keys_request(&mut session, at(DUE));
        let action = session.handle(Event::SendFailed(id, delivered), at(DUE));
        assert!(matches!(action, Ok(SessionAction::RetryAt(at)) if at == crate::support::at(DUE)), "{action:?}");
        assert_eq!((session.phase(), last_error(&session)), (SessionPhase::Active, None));
        let again = keys_request(&mut session, at(DUE));
        assert!(matches!(keys(&mut session, again, &[2], at(DUE)), Ok(SessionAction::Save)));
    }
}

/// Nobody says what became of it.
#[test]
fn a_request_that_is_forgotten_is_sent_again_after_the_timeout() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    assert_eq!(ready(&mut session, at(DUE + 59)), "AT2");
    let again = keys_request(&mut session, at(DUE + 60));
    assert_ne!(again, id);
    assert_eq!(keys(&mut session, id, &[2], at(DUE + 61)).unwrap_err().code(), "unknown_request", "it is too late");
    assert!(matches!(keys(&mut session, again, &[2], at(DUE + 61)), Ok(SessionAction::Save)));
}

/// A clock that is set back does not hold it up for ever.
#[test]
fn a_clock_that_is_set_back_asks_again() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    let again = keys_request(&mut session, at(DUE - 1));
    assert_ne!(again, id);
}

#[test]
fn three_requests_are_all_that_one_id_token_is_worth() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let mut now = at(DUE);
    for _ in 0..3 {
        let id = keys_request(&mut session, now);
        assert!(session.handle(Event::ResponseReceived(id, unavailable()), now).is_ok());
        now = now.saturating_add(7);
    }
    for second in 0..100 {
        assert_eq!(ready(&mut session, now.saturating_add(second)), "AT2");
    }
    assert_eq!(session.id_token().unwrap().issued_at(), at(0));
    // The next ID token has three of its own.
    assert!(matches!(refresh_with(&mut session, &renewed(), 2, 2, at(2 * DUE)), Ok(SessionAction::Save)));
    let _ = keys_request(&mut session, at(2 * DUE));
}

/// A session of these keys, fetched so many seconds before its tokens are due.
fn with_keys_of(age: u64, numbers: &[u8]) -> oauth_proto::Session {
    let tokens = oauth_proto::Tokens::from_parts(
        oauth_proto::Secret::new("AT1"),
        Some(oauth_proto::Secret::new("RT1")),
        Some(at(3600)),
        "openid read",
    );
    oauth_proto::Session::new(keyed().with_keys(openid::keys(numbers, at(DUE - age))), tokens)
}

/// A key that the server has withdrawn is not believed for ever (OpenID Connect Core §10.1.1), nor one whose age nobody knows.
#[test]
fn keys_that_are_too_old_are_fetched_before_they_are_believed() {
    const DAY: u64 = 24 * 60 * 60;
    let now = at(DUE).as_secs();
    let session_with = |fetched_at: u64, client: Client| {
        let tokens = oauth_proto::Tokens::from_parts(
            oauth_proto::Secret::new("AT1"),
            Some(oauth_proto::Secret::new("RT1")),
            Some(at(3600)),
            "openid read",
        );
        let keys = openid::keys(&[1], oauth_proto::UnixTime::from_secs(fetched_at));
        oauth_proto::Session::new(client.with_keys(keys), tokens)
    };
    let an_hour = || keyed_builder().max_key_age_secs(3600).build().unwrap();
    for (fetched_at, client) in
        [(now - DAY - 1, keyed()), (now - 3601, an_hour()), (0, keyed()), (now + 61, keyed()), (u64::MAX, keyed())]
    {
        let mut session = session_with(fetched_at, client);
        let action = refresh_with(&mut session, &renewed(), 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
        assert_eq!(subject(&session), None, "{fetched_at}: it is not believed yet");
        let id = keys_request(&mut session, at(DUE));
        assert_eq!(ready(&mut session, at(DUE)), "AT2", "nobody waits for that");
        assert!(matches!(keys(&mut session, id, &[1], at(DUE)), Ok(SessionAction::Save)));
        assert_eq!(subject(&session), Some(USER));
    }
    for (fetched_at, client) in [(now - DAY, keyed()), (now - 3600, an_hour()), (now + 60, keyed())] {
        let mut session = session_with(fetched_at, client);
        let action = refresh_with(&mut session, &renewed(), 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
        assert_eq!(ready(&mut session, at(DUE)), "AT2");
        assert_eq!(subject(&session), Some(USER), "{fetched_at}");
    }
}

/// A server that has just replaced its keys, or one that names keys which it has not.
#[test]
fn keys_that_are_younger_than_half_a_minute_are_not_fetched_again() {
    let mut session = with_keys_of(29, &[1]);
    refresh_with_new_key(&mut session);
    assert_eq!(ready(&mut session, at(DUE)), "AT2");
    let id = keys_request(&mut session, at(DUE + 1));
    assert!(matches!(keys(&mut session, id, &[2], at(DUE + 1)), Ok(SessionAction::Save)));
    let mut session = with_keys_of(30, &[1]);
    refresh_with_new_key(&mut session);
    let _ = keys_request(&mut session, at(DUE));
}

/// A key of the same name that is another one now.
#[test]
fn old_keys_that_say_that_it_is_forged_are_fetched_again() {
    let mut session = session();
    let action = refresh_with(&mut session, &renewed(), 1, 2, at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    let id = keys_request(&mut session, at(DUE));
    let set = named(&[(1, 2)]);
    let action = session.handle(Event::ResponseReceived(id, answer(200, &set)), at(DUE));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!(session.id_token().unwrap().issued_at(), at(DUE));
}

/// The client may have newer keys than the login.
#[test]
fn keys_of_another_place_are_not_used() {
    let elsewhere = KeySet::parse("https://other.example.com/jwks", crate::model::keys::jwks(&[2]).as_bytes(), at(DUE));
    let tokens = openid::tokens(keyed());
    let client: Client = keyed_builder().build().unwrap().with_keys(elsewhere.unwrap());
    let mut session = oauth_proto::Session::new(client, tokens);
    refresh_with_new_key(&mut session);
    let _ = keys_request(&mut session, at(DUE));
}

/// An ID token that comes while another waits for keys takes its place.
#[test]
fn the_last_id_token_is_the_one_that_is_checked() {
    let mut session = session();
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    let mut second = renewed();
    (second["exp"], second["iat"]) = (at(9 * DUE).as_secs().into(), at(2 * DUE).as_secs().into());
    assert!(matches!(refresh_with_while_waiting(&mut session, &second), Ok(SessionAction::Save)));
    assert_eq!(keys(&mut session, id, &[2], at(2 * DUE)).unwrap_err().code(), "unknown_request");
    let id = keys_request(&mut session, at(2 * DUE));
    assert!(matches!(keys(&mut session, id, &[2], at(2 * DUE)), Ok(SessionAction::Save)));
    assert_eq!(session.id_token().unwrap().issued_at(), at(2 * DUE));
}

/// The keys are asked for once more on the way to the refresh.
fn refresh_with_while_waiting(
    session: &mut oauth_proto::Session,
    claims: &serde_json::Value,
) -> Result<SessionAction, oauth_proto::Error> {
    let _ = keys_request(session, at(2 * DUE));
    refresh_with(session, claims, 2, 2, at(2 * DUE))
}

/// One that is good at once makes an end of the wait for the one before.
#[test]
fn a_good_one_ends_the_wait() {
    let mut session = session_of(keyed());
    refresh_with_new_key(&mut session);
    let id = keys_request(&mut session, at(DUE));
    let _ = keys_request(&mut session, at(DUE + 3590));
    let mut good = renewed();
    good["exp"] = at(9 * DUE).as_secs().into();
    assert!(matches!(refresh_with(&mut session, &good, 1, 1, at(DUE + 3590)), Ok(SessionAction::Save)));
    assert_eq!(keys(&mut session, id, &[2], at(DUE + 3590)).unwrap_err().code(), "unknown_request");
    assert_eq!(ready(&mut session, at(DUE + 3590)), "AT2");
}
