//! What servers say in place of tokens.

use oauth_proto::{Access, Error, LoginRequired, SessionAction, SessionPhase, Target};

use crate::{answer, ask_for, at, new_tokens, ready, request, sent_token, session, stored_refresh_token, DAY, T0};

fn error(word: &str) -> String {
    format!(r#"{{"error":"{word}"}}"#)
}

#[test]
fn who_has_to_act_is_told_so_at_once_and_nothing_more_is_sent() {
    for word in [
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
        "mfa_required",
        "insufficient_authorization",
        "unmet_authentication_requirements",
    ] {
        for status in [400, 401, 403] {
            let mut session = session();
            let sent = request(session.access(at(T0 + 3550)));
            let body = format!(r#"{{"error":"{word}","mfa_token":"canary"}}"#);
            let action = answer(&mut session, sent.id(), status, &body, T0 + 3550);
            let Ok(SessionAction::LoginRequired(why)) = action else { panic!("{word}: {action:?}") };
            assert!(
                !why.is_final() && why.request().is_some_and(|login| login.requested_scope() == "read write"),
                "{why}"
            );
            assert_eq!(why.code(), "user_must_act");
            assert_eq!(ready(session.access(at(T0 + 3551))).token().reveal(), "AT1", "{word}: it is good for a while");

            let (requests, told) = ask_for(&mut session, &Target::own(), T0 + 3600, DAY, 500, "");
            assert_eq!(requests, 0, "{word}: no timer asks again");
            let Access::LoginRequired(LoginRequired::UserMustAct { error: Error::Refused(refused), .. }) = told else {
                panic!("{word}: {told:?}")
            };
            assert_eq!(refused.oauth_error(), Some(word));
            let members: std::collections::BTreeMap<String, String> = refused.members().unwrap();
            assert_eq!(members["mfa_token"], "canary");
            assert_eq!(stored_refresh_token(&session).as_deref(), Some("RT1"), "the grant is kept");

            session.ask_again();
            let sent = request(session.access(at(T0 + 2 * DAY)));
            assert!(matches!(
                answer(&mut session, sent.id(), 200, &new_tokens(2), T0 + 2 * DAY),
                Ok(SessionAction::Save)
            ));
        }
    }
}

/// Refused three times, then once an hour at most, and the app is told each time it asks.
fn is_refused(status: u16, body: &str) -> Error {
    let mut session = session();
    let from = T0 + 4000;
    let (requests, told) = ask_for(&mut session, &Target::own(), from, 600, status, body);
    assert_eq!(requests, 3, "{status} {body}");
    let Access::Refused { error, retry_at: Some(retry_at) } = told else { panic!("{status} {body}: {told:?}") };
    assert!(retry_at >= at(from + 3600) && retry_at <= at(from + 3600 + 180), "{retry_at:?}");
    let (requests, _) = ask_for(&mut session, &Target::own(), from + 600, DAY, status, body);
    assert!((20..=24).contains(&requests), "{requests} requests in a day for {status} {body}");
    assert_eq!(session.phase(), SessionPhase::Active);
    assert_eq!(stored_refresh_token(&session).as_deref(), Some("RT1"), "the grant is kept");

    // The server comes round.
    session.ask_again();
    let sent = request(session.access(at(from + 2 * DAY)));
    assert_eq!(sent_token(&sent), "RT1");
    assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), from + 2 * DAY), Ok(SessionAction::Save)));
    error
}

#[test]
fn a_client_or_request_that_is_refused_is_told_so_and_not_asked_for_for_ever() {
    for word in ["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_request", "access_denied"]
    {
        for status in [400, 401] {
            let Error::Refused(refused) = is_refused(status, &error(word)) else { panic!("{word}") };
            assert_eq!((refused.oauth_error(), refused.status()), (Some(word), Some(status)));
        }
    }
}

#[test]
fn a_bare_4xx_is_a_refusal_too() {
    for (status, body) in
        [(404, ""), (404, "<html>not here"), (403, "<html>firewall"), (400, r#"{"message":"Bad Request"}"#)]
    {
        assert_eq!(is_refused(status, body).code(), "http_error");
    }
}

#[test]
fn dead_refresh_tokens_in_servers_own_words_are_the_apps_to_know() {
    // GitHub, Strava, league/oauth2-server.
    for (status, body) in [
        (
            200,
            r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#,
        ),
        (400, r#"{"message":"Bad Request","errors":[{"resource":"RefreshToken","field":"code","code":"invalid"}]}"#),
        (400, r#"{"error":"invalid_request","hint":"Token has been revoked"}"#),
    ] {
        let error = is_refused(status, body);
        let mut session = session();
        let (_, told) = ask_for(&mut session, &Target::own(), T0 + 4000, 600, status, body);
        let Access::Refused { error: told, .. } = told else { panic!("{told:?}") };
        assert_eq!(told, error);
        let action = session.end_grant(told);
        assert!(matches!(&action, SessionAction::LoginRequired(why @ LoginRequired::GrantEnded(_)) if why.is_final()));
        assert!(session.save().is_none(), "what was stored is to be removed");
        assert_eq!(session.phase(), SessionPhase::LoginRequired);
        let Access::LoginRequired(LoginRequired::GrantEnded(again)) = session.access(at(T0 + DAY)) else { panic!() };
        assert_eq!(again, error);
    }
}

#[test]
fn only_the_very_word_with_a_4xx_ends_a_grant() {
    for (status, body) in [
        (200, error("invalid_grant")),
        (500, error("invalid_grant")),
        (429, error("invalid_grant")),
        (400, error("Invalid_Grant")),
        (400, "<html>invalid_grant</html>".to_owned()),
        (400, r#"{"error":{"code":"invalid_grant"}}"#.to_owned()),
    ] {
        let mut session = session();
        let (_, told) = ask_for(&mut session, &Target::own(), T0 + 4000, 7200, status, &body);
        assert!(!matches!(told, Access::LoginRequired(_)), "{status} {body}: {told:?}");
        assert_eq!(stored_refresh_token(&session).as_deref(), Some("RT1"), "{status} {body}");
    }
}

#[test]
fn the_type_of_an_error_does_not_matter() {
    let mut session = session();
    let sent = request(session.access(at(T0 + 4000)));
    let headers = [("content-type", "text/html; charset=utf-8")];
    let response = oauth_proto::Response::new(400, &headers, br#" {"error":"invalid_grant"}"#);
    let action = session.handle(oauth_proto::Event::ResponseReceived(sent.id(), response), at(T0 + 4000));
    assert!(matches!(action, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))), "{action:?}");
}

#[test]
fn a_success_that_cannot_be_used_is_not_asked_for_again_and_again() {
    for body in [
        r#"{"token_type":"Bearer","refresh_token":"RT2"}"#,
        r#"{"access_token":"a\nb","token_type":"Bearer","refresh_token":"RT2"}"#,
    ] {
        let mut session = session();
        let (requests, told) = ask_for(&mut session, &Target::own(), T0 + 4000, 600, 200, body);
        assert_eq!(requests, 3, "{body}");
        assert!(matches!(told, Access::Refused { .. }), "{told:?}");
        assert_eq!(stored_refresh_token(&session).as_deref(), Some("RT2"), "the refresh token beside it is kept");
    }
}
