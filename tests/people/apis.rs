//! What APIs answer, and several of them.

use oauth_proto::{Access, LoginRequired, Secret, Session, SessionAction, Target, Tokens};

use crate::{answer, at, client, new_tokens, none, parameters, ready, request, session, stored_refresh_token, DAY, T0};

#[test]
fn one_route_that_refuses_every_token_disturbs_nobody_else() {
    let (mut session, mut rotations, mut told) = (session(), 0_u32, 0_u32);
    // Somebody calls that route every ten seconds, for a day; somebody else calls another one, just after.
    for now in (T0..T0 + DAY).step_by(10) {
        let mut access = Some(session.access(at(now)));
        while let Some(Access::SendRequest(sent)) = access {
            rotations += 1;
            assert!(matches!(
                answer(&mut session, sent.id(), 200, &new_tokens(rotations + 1), now),
                Ok(SessionAction::Save)
            ));
            access = Some(session.access(at(now)));
        }
        let bearer = ready(access.unwrap());
        match session.refused(&bearer, 401, none(), at(now)) {
            Some(Access::LoginRequired(LoginRequired::TokenRefused)) => told += 1,
            Some(Access::SendRequest(sent)) => {
                rotations += 1;
                let action = answer(&mut session, sent.id(), 200, &new_tokens(rotations + 1), now);
                assert!(matches!(action, Ok(SessionAction::Save)));
            }
            other => panic!("{other:?}"),
        }
        ready(session.access(at(now)));
    }
    // An hour's lifetime makes 24 of them.
    assert!(rotations < 24 + 40, "{rotations} rotations in a day");
    assert!(told > 8_000, "the caller is told: {told}");
}

#[test]
fn ten_callers_who_were_refused_share_one_refresh() {
    let mut session = session();
    let bearers: Vec<_> = (0..10).map(|_| ready(session.access(at(T0)))).collect();
    let sent = request(session.refused(&bearers[0], 401, none(), at(T0)).unwrap());
    for bearer in &bearers[1..] {
        let access = session.refused(bearer, 401, none(), at(T0));
        assert!(matches!(access, Some(Access::Wait(id)) if id == sent.id()), "{access:?}");
    }
    assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), T0), Ok(SessionAction::Save)));
    for bearer in &bearers {
        assert_eq!(ready(session.refused(bearer, 401, none(), at(T0)).unwrap()).token().reveal(), "AT2");
    }
}

#[test]
fn a_stray_401_without_a_refresh_token_is_forgotten() {
    let tokens = Tokens::from_parts(Secret::new("AT1"), None, Some(at(T0 + 3600)), "read");
    let mut session = Session::new(client(), tokens);
    let bearer = ready(session.access(at(T0)));
    let told = session.refused(&bearer, 401, none(), at(T0));
    assert!(matches!(told, Some(Access::LoginRequired(LoginRequired::NoRefreshToken))), "{told:?}");
    assert_eq!(ready(session.access(at(T0))).token().reveal(), "AT1", "it is valid everywhere else");
}

#[test]
fn any_401_is_worth_a_refresh_whatever_scheme_it_names() {
    for line in [
        "OAuth realm=\"x\"",
        "JWT realm=\"api\"",
        "Basic realm=\"x\"",
        "Bearer error=\"unterminated",
        "\u{1}",
        "Negotiate",
    ] {
        let mut session = session();
        let bearer = ready(session.access(at(T0)));
        let headers = [("WWW-Authenticate", line)];
        let access = session.refused(&bearer, 401, &headers, at(T0));
        assert!(matches!(access, Some(Access::SendRequest(_))), "{line}: {access:?}");
        let mut session = self::session();
        let bearer = ready(session.access(at(T0)));
        assert!(session.refused(&bearer, 403, &headers, at(T0)).is_none(), "a 403 says nothing of the kind");
    }
}

fn resource(name: &str) -> Target {
    Target::resource(&format!("https://{name}.example/")).unwrap()
}

#[test]
fn what_ends_for_one_api_goes_on_for_the_other() {
    for word in [r#"{"error":"invalid_grant","suberror":"basic_action"}"#, r#"{"error":"invalid_target"}"#] {
        let (mut session, now) = (session(), T0);
        let (a, b) = (resource("a"), resource("b"));
        let sent = request(session.access_for(&b, at(now)));
        assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), now), Ok(SessionAction::Save)));

        let sent = request(session.access_for(&a, at(now)));
        assert_eq!(parameters(&sent)["resource"], "https://a.example/");
        assert!(matches!(answer(&mut session, sent.id(), 400, word, now), Ok(SessionAction::RetryAt(_))));
        assert_eq!(ready(session.access_for(&b, at(now))).token().reveal(), "AT2", "b's token is as good as it was");
        assert_eq!(ready(session.access(at(now))).token().reveal(), "AT1");

        if word.contains("invalid_grant") {
            // Whether the grant is dead, the login's own refresh says.
            let sent = request(session.access_for(&a, at(now)));
            assert!(!parameters(&sent).contains_key("resource"));
            assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(3), now), Ok(SessionAction::Save)));
        }
        let access = session.access_for(&a, at(now));
        let Access::LoginRequired(LoginRequired::TargetNotGranted { request: login }) = access else {
            panic!("{access:?}")
        };
        assert_eq!(login.resources(), ["https://a.example/"]);
    }
}

#[test]
fn a_grant_that_is_dead_is_found_dead_by_who_asks_for_one_api_alone() {
    let (mut session, now) = (session(), T0);
    let a = resource("a");
    let sent = request(session.access_for(&a, at(now)));
    assert!(matches!(
        answer(&mut session, sent.id(), 400, r#"{"error":"invalid_grant"}"#, now),
        Ok(SessionAction::RetryAt(_))
    ));
    let sent = request(session.access_for(&a, at(now)));
    let action = answer(&mut session, sent.id(), 400, r#"{"error":"invalid_grant"}"#, now);
    assert!(matches!(action, Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(_)))), "{action:?}");
}

#[test]
fn the_server_is_asked_for_what_the_login_asked_for_before_the_user_is() {
    // A login for two APIs, and an answer that names the scope of one, as Entra ID's does.
    let login = oauth_proto::AuthorizationRequest::new().scope("api://one/read api://two/read offline_access");
    let mut login = oauth_proto::Login::new(client(), login).unwrap();
    let entropy = oauth_proto::Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let Ok(oauth_proto::Action::OpenUrl(url)) = login.handle(oauth_proto::Event::Start(entropy), at(T0)) else {
        panic!()
    };
    let state = url.split("&state=").nth(1).unwrap()[..43].to_owned();
    let redirect = format!("com.example.app:/callback?code=C&state={state}");
    let step = login.handle(oauth_proto::Event::RedirectReceived(&redirect), at(T0));
    let Ok(oauth_proto::Action::SendRequest(sent)) = step else { panic!() };
    let body = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1","scope":"api://one/read"}"#;
    let response = oauth_proto::Response::new(200, &crate::JSON, body.as_bytes());
    let step = login.handle(oauth_proto::Event::ResponseReceived(sent.id(), response), at(T0));
    let Ok(oauth_proto::Action::TokensReady(tokens)) = step else { panic!() };
    let mut session = login.into_session(tokens);

    let second = Target::own().scope("api://two/read offline_access").unwrap();
    let sent = request(session.access_for(&second, at(T0)));
    assert_eq!(parameters(&sent)["scope"], "api://two/read offline_access");
    assert!(matches!(answer(&mut session, sent.id(), 200, &new_tokens(2), T0), Ok(SessionAction::Save)));
    assert_eq!(ready(session.access_for(&second, at(T0))).token().reveal(), "AT2");
    assert_eq!(stored_refresh_token(&session).as_deref(), Some("RT2"));
}
