//! Grants that end by themselves, as the server said they would.

use oauth_proto::{
    Access, AuthorizationRequest, Login, LoginRequired, Session, SessionAction, SessionPhase, SignOut, Target,
};

use crate::{answer, at, body, client, finish_with, ready, request, revocation, JSON, REFUSED};

const TOKENS: &str = r#"{"access_token":"AT0","token_type":"Bearer","expires_in":3600,"refresh_token":"RT0""#;

/// Of a login at 1000 with these members in its token response; the access token is good until 4600.
fn session(members: &str) -> Session {
    let login = Login::new(client(), AuthorizationRequest::new().scope("a")).unwrap();
    finish_with(login, &format!("{TOKENS}{members}}}"), 1000)
}

fn is_expired(access: &Access) -> bool {
    matches!(access, Access::LoginRequired(LoginRequired::GrantExpired))
}

/// Through the saved form, as the next process has it.
fn restored(session: &Session) -> Session {
    let form = serde_json::to_string(&session.save().expect("nothing is removed")).unwrap();
    Session::restore(client(), serde_json::from_str(&form).unwrap()).unwrap()
}

/// Renews the tokens, by an answer with these members.
fn renew(session: &mut Session, members: &str, sent_at: u64, now: u64) {
    let refresh = request(session.access(at(sent_at)));
    let tokens = format!(r#"{{"access_token":"AT1","token_type":"Bearer","expires_in":60{members}}}"#);
    let action = session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
}

/// draft-ietf-oauth-refresh-token-expiration: the authorization as a whole.
#[test]
fn after_the_authorization_has_ended_not_even_an_access_token_is_given() {
    let mut session = session(r#","authorization_expires_in":2000"#);
    let other = Target::own().scope("a").unwrap();
    for mut session in [restored(&session), restored(&restored(&session))] {
        assert_eq!(session.grant_expires_at(), Some(at(3000)));
        let bearer = ready(session.access(at(2999)));
        for now in [3000, 4539, 4540, 4600, 9_000_000, u64::MAX] {
            assert!(is_expired(&session.access(at(now))), "{now}");
            assert!(is_expired(&session.access_for(&other, at(now))), "{now}");
            assert!(is_expired(&session.refused(&bearer, 401, &REFUSED, at(now)).unwrap()), "{now}");
            // Nobody is asked, and nothing is removed.
            assert_eq!((session.phase(), session.last_error()), (SessionPhase::Active, None));
            assert!(session.save().is_some());
        }
    }
    // It is this device's clock that says so.
    assert!(is_expired(&session.access(at(9_000_000))));
    assert_eq!(ready(session.access(at(2000))).token().reveal(), "AT0");
    assert!(matches!(session.access_for(&other, at(2999)), Access::SendRequest(_)));
    let why = LoginRequired::GrantExpired;
    assert!(!why.is_final() && why.request().is_none());
    assert!(why.to_string().contains("if this device's clock is right"), "{why}");
}

/// The same draft, GitHub and others, and Keycloak: what ends is the refresh token, if it is not used.
#[test]
fn after_the_refresh_token_has_ended_the_access_token_is_given_while_it_is_good() {
    for member in ["refresh_token_timeout", "refresh_token_expires_in", "refresh_expires_in"] {
        let mut session = restored(&session(&format!(r#","{member}":2000"#)));
        assert_eq!(session.grant_expires_at(), Some(at(3000)), "{member}");
        let other = Target::own().scope("a").unwrap();
        for now in [2999, 3000, 4540, 4599] {
            let bearer = ready(session.access(at(now)));
            assert_eq!(bearer.token().reveal(), "AT0", "{member} at {now}");
            if now >= 3000 {
                // No other can be had, and this one may do for another call.
                assert!(is_expired(&session.access_for(&other, at(now))), "{member}");
                assert!(is_expired(&session.refused(&bearer, 401, &REFUSED, at(now)).unwrap()), "{member}");
            }
        }
        for now in [4600, 9_000_000] {
            assert!(is_expired(&session.access(at(now))), "{member}");
        }
        assert!(matches!(session.access_for(&other, at(2999)), Access::SendRequest(_)), "the clock was set right");
    }
}

/// IPSIE: when the user is to be logged out here too. Clocks differ by half a minute.
#[cfg(feature = "openid")]
#[test]
fn after_the_session_expiry_of_the_id_token_nothing_is_given() {
    let mut session = of_id_token(3000);
    for mut session in [restored(&session)] {
        assert_eq!(session.grant_expires_at(), Some(at(3000)));
        assert_eq!(ready(session.access(at(3029))).token().reveal(), "AT0");
        for now in [3030, 4600, 9_000_000] {
            assert!(is_expired(&session.access(at(now))), "{now}");
        }
    }
    assert!(is_expired(&session.access(at(9_000_000))));
    assert!(matches!(session.access(at(2000)), Access::Ready(_)));
}

/// Of a login at 1000, by whose ID token the session ends then.
#[cfg(feature = "openid")]
fn of_id_token(session_expiry: u64) -> Session {
    use crate::id_token::{id_token, NONCE};
    let id_token = id_token(Some(NONCE), 1000, serde_json::json!({ "session_expiry": session_expiry }));
    let login = Login::new(client(), AuthorizationRequest::new().scope("openid a")).unwrap();
    finish_with(login, &format!(r#"{TOKENS},"id_token":"{id_token}"}}"#), 1000)
}

/// What an ID token of a refresh says may be sooner; it is never later, as no refresh makes a session longer.
#[cfg(feature = "openid")]
#[test]
fn a_refresh_brings_the_end_of_the_session_nearer_and_never_further() {
    for (said, ends) in [(Some(90_000), 80_000), (Some(70_000), 70_000), (None, 80_000)] {
        let mut session = of_id_token(80_000);
        let more = said.map_or(serde_json::json!({}), |said| serde_json::json!({ "session_expiry": said }));
        let id_token = crate::id_token::id_token(None, 5000, more);
        renew(&mut session, &format!(r#","id_token":"{id_token}""#), 5000, 5000);
        assert!(session.last_error().is_none());
        assert_eq!(session.grant_expires_at(), Some(at(ends)), "{said:?}");
        assert_eq!(restored(&session).grant_expires_at(), Some(at(ends)), "{said:?}");
    }
}

#[test]
fn the_first_of_all_ends_the_grant() {
    for (members, first) in [
        ("", None),
        (r#","authorization_expires_in":500,"refresh_token_timeout":600"#, Some(1500)),
        (r#","authorization_expires_in":700,"refresh_token_timeout":600"#, Some(1600)),
        (r#","refresh_expires_in":0"#, None),
    ] {
        assert_eq!(session(members).grant_expires_at(), first.map(at), "{members}");
    }
}

/// Ends count from when they were heard: too early a one costs the user a login. What is not said of the authorization holds as
/// before; of a refresh token that was used it does not, nor of a new one.
#[test]
fn a_refresh_says_anew_when_the_grant_ends() {
    for (members, ends) in [
        ("", Some(90_000)),
        (r#","refresh_token":"RT0""#, Some(90_000)),
        (r#","refresh_token":"RT1""#, Some(90_000)),
        (r#","refresh_token":"RT1","refresh_token_timeout":100"#, Some(4670)),
        (r#","authorization_expires_in":100"#, Some(4670)),
        (r#","authorization_expires_in":900000,"refresh_token":"RT1""#, Some(904_570)),
    ] {
        let mut session = session(r#","authorization_expires_in":89000,"refresh_token_timeout":49000"#);
        renew(&mut session, members, 4540, 4570);
        assert_eq!(session.grant_expires_at(), ends.map(at), "{members}");
        assert_eq!(restored(&session).grant_expires_at(), ends.map(at), "{members}");
    }
}

/// A refresh that was sent before the end is waited for, and what it brings is taken.
#[test]
fn an_answer_after_the_end_is_taken() {
    let mut session = session(r#","refresh_token_timeout":3590"#);
    let refresh = request(session.access(at(4585)));
    assert!(matches!(session.access(at(4600)), Access::Wait(id) if id == refresh.id()));
    // If it does not come, no other is sent; but it may be late.
    for now in [4645, 9000] {
        assert!(is_expired(&session.access(at(now))), "{now}");
    }
    let tokens = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":36000,"refresh_token":"RT1"}"#;
    assert!(matches!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(9001)), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access(at(9001))).token().reveal(), "AT1");
}

/// The server may know a longer life than it said.
#[test]
fn a_grant_that_has_ended_is_revoked_all_the_same() {
    for member in ["authorization_expires_in", "refresh_token_timeout"] {
        let mut session = session(&format!(r#","{member}":2000"#));
        assert!(is_expired(&session.access(at(9000))), "{member}");
        let first = revocation(session.sign_out(SignOut::new()));
        assert!(body(&first).starts_with("token=RT0&"), "{member}");
        assert!(session.grant_expires_at().is_none());
    }
}

/// It has the end of the grant that it took over.
#[test]
fn the_end_is_adopted_with_the_tokens() {
    let mut one = session(r#","authorization_expires_in":5000"#);
    let mut other = restored(&one);
    renew(&mut other, r#","authorization_expires_in":100000"#, 4540, 4540);
    assert!(is_expired(&one.access(at(6000))));
    assert_eq!(one.adopt(other.save().unwrap()), Ok(oauth_proto::Adopted::Newer));
    assert_eq!(one.grant_expires_at(), Some(at(104_540)));
    assert!(matches!(one.access(at(6000)), Access::SendRequest(_)));
}

/// Used every hour, an idle timeout never ends: the server that does not repeat it has said nothing else.
#[test]
fn an_idle_timeout_is_extended_by_use() {
    let mut session = session(r#","refresh_token_timeout":2592000"#);
    for now in (4600..4600 + 60 * 24 * 3600).step_by(3600) {
        renew(&mut session, "", now, now);
    }
    assert_eq!(session.grant_expires_at(), None);
}

/// A device that slept while the refresh was under way: the refresh token that has just come is not taken for an old one.
#[test]
fn what_comes_after_a_sleep_has_its_time() {
    let mut session = session("");
    renew(&mut session, r#","refresh_token":"RT1","refresh_expires_in":1800"#, 4600, 8200);
    assert_eq!(session.grant_expires_at(), Some(at(10_000)));
    assert!(matches!(session.access(at(8200)), Access::Ready(_) | Access::SendRequest(_)));
}

/// A clock that was wrong when the end was heard: the app knows better, and the server is asked.
#[test]
fn the_server_is_asked_past_the_end_if_the_app_says_so() {
    let mut session = session(r#","refresh_token_timeout":5000"#);
    assert!(is_expired(&session.access(at(1_700_000_000))));
    session.ask_again();
    let refresh = request(session.access(at(1_700_000_000)));
    let tokens = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":60,"refresh_token_timeout":5000}"#;
    let answered = session.handle(answer(refresh.id(), 200, &JSON, tokens), at(1_700_000_000));
    assert!(matches!(answered, Ok(SessionAction::Save)));
    assert_eq!(session.grant_expires_at(), Some(at(1_700_005_000)));
    // Said before there was anything to doubt, it is forgotten.
    session.ask_again();
    drop(session.access(at(1_700_000_001)));
    assert!(is_expired(&session.access(at(1_700_009_000))));
}
