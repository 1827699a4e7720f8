//! How much a server may send, and what comes of more.

use oauth_proto::http::MAX_RESPONSE_BYTES;
use oauth_proto::token::MAX_TOKEN_BYTES;
use oauth_proto::{Access, Error, Secret, Session, SessionAction, Tokens};
use serde_json::json;

use crate::{answer, at, authorization, client, later, ready, request, JSON};

fn session() -> Session {
    Session::new(client(), Tokens::from_parts(Secret::new("AT0"), Some(Secret::new("RT0")), Some(at(1000)), "a"))
}

/// What comes of these tokens, the error's code, and the refresh token that is kept.
fn refreshed(body: &str) -> (Session, bool, Option<&'static str>, String) {
    let mut session = session();
    let refresh = request(session.access(at(1000)));
    let action = session.handle(answer(refresh.id(), 200, &JSON, body), at(1000));
    let is_saved = matches!(action, Ok(SessionAction::Save));
    assert!(is_saved || later(action) > 1000);
    let code = session.last_error().map(Error::code);
    let kept = serde_json::to_value(session.save()).unwrap()["refresh_token"].as_str().unwrap().to_owned();
    (session, is_saved, code, kept)
}

fn tokens(access_token: usize, refresh_token: usize, scope: usize) -> String {
    json!({
        "access_token": "A".repeat(access_token), "refresh_token": "R".repeat(refresh_token),
        "scope": "s".repeat(scope), "token_type": "Bearer",
    })
    .to_string()
}

#[test]
fn the_longest_tokens_are_taken_stored_and_sent() {
    let (session, is_saved, code, kept) = refreshed(&tokens(MAX_TOKEN_BYTES, MAX_TOKEN_BYTES, MAX_TOKEN_BYTES));
    assert_eq!((is_saved, code, kept.len()), (true, None, MAX_TOKEN_BYTES));
    let form = serde_json::to_string(&session.save()).unwrap();
    let mut restored = Session::restore(client(), serde_json::from_str(&form).unwrap()).unwrap();
    let bearer = ready(restored.access(at(1000)));
    let header = authorization(&bearer, "https://api.example.com/me").unwrap();
    assert_eq!(header.len(), "Bearer ".len() + MAX_TOKEN_BYTES);
}

/// A new refresh token that can be kept is, since the old one may be spent.
#[test]
fn a_token_that_is_too_long_is_not_taken() {
    let (most, more) = (MAX_TOKEN_BYTES, MAX_TOKEN_BYTES + 1);
    for (body, kept_bytes) in [(tokens(more, most, 1), most), (tokens(1, most, more), most), (tokens(1, more, 1), 3)] {
        let (mut session, is_saved, code, kept) = refreshed(&body);
        assert_eq!((is_saved, code, kept.len()), (kept_bytes == most, Some("response_too_large"), kept_bytes));
        assert!(!matches!(session.access(at(1000)), Access::Ready(_)));
        assert!(matches!(session.access(at(1002)), Access::SendRequest(_)), "it may be a whim");
    }
}

/// New tokens may be in it, so it is as if the answer had been lost.
#[test]
fn an_answer_that_is_too_large_or_too_deep_is_lost() {
    let large = format!("{}{}", tokens(1, 1, 1), " ".repeat(MAX_RESPONSE_BYTES));
    let deep = format!(r#"{{"refresh_token":"RT1","x":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    for body in [large, deep] {
        let (mut session, is_saved, code, kept) = refreshed(&body);
        assert_eq!((is_saved, code, kept.as_str()), (false, Some("response_too_large"), "RT0"));
        // For as long as it takes.
        let mut now = 1002;
        for _ in 0..10 {
            let refresh = request(session.access(at(now)));
            now = later(session.handle(answer(refresh.id(), 200, &JSON, &body), at(now)));
        }
        assert!(session.save().is_some());
    }
}
