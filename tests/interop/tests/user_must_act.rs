//! A refresh is answered with an error for which the user has to act (OpenID Connect Core §3.1.2.6): the grant lives on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{Access, Error, LoginRequired, SessionAction, SessionPhase, UnixTime};
use oauth_proto_interop::{
    call, client, exchange, form_parameter, now, ready, refresh_of, renew, saved, session, session_in, Http, Server,
    UserAgent, PRIVATE_USE,
};
use serde_json::json;

/// A time at which the access token has run out.
fn later() -> UnixTime {
    now().saturating_add(400)
}

/// What the app dealt with by other means than a login: it says so, and the session goes on with the refresh token it had.
#[test]
fn ask_again_goes_on() {
    let server = Server::start();
    let http = Http::new();
    let mut session = session(&server, "anna");
    let before = saved(&session);
    for error in ["interaction_required", "mfa_required", "consent_required", "login_required"] {
        server.refuse_once(&json!({ "error": error, "error_description": "See the user", "mfa_token": "Fe26.2" }));
        let request = refresh_of(session.access(later()));
        let action = exchange(&mut session, &http, &request).unwrap();
        let SessionAction::LoginRequired(why) = action else { panic!("{action:?}") };
        assert!(!why.is_final());
        let LoginRequired::UserMustAct { error: said, .. } = &why else { panic!("{why:?}") };
        let Error::Refused(refused) = said else { panic!("{said:?}") };
        assert_eq!((refused.oauth_error(), refused.status()), (Some(error), Some(400)));
        let members: serde_json::Value = refused.members().unwrap();
        assert_eq!(members["mfa_token"], "Fe26.2");

        // Whoever asks is told the same, and nothing is sent, however late it is.
        for time in [later(), later().saturating_add(1_000_000)] {
            let Access::LoginRequired(again) = session.access(time) else { panic!("sent") };
            assert_eq!(again.code(), "user_must_act");
        }
        assert_eq!((session.phase(), saved(&session)), (SessionPhase::Active, before.clone()));

        session.ask_again();
        let again = refresh_of(session.access(later()));
        assert_eq!(form_parameter(&again, "refresh_token"), form_parameter(&request, "refresh_token"));
        drop(session.handle(oauth_proto::Event::SendFailed(again.id(), oauth_proto::Delivered::No), later()));
        session.ask_again();
    }
    let request = refresh_of(session.access(later()));
    renew(&mut session, &http, &request);
    let reply = call(&http, &ready(session.access(now())), "GET", &format!("{}/messages", server.api));
    assert_eq!((reply.status, &reply.body["sub"]), (200, &"anna".into()));
}

/// The login to make comes with it, and gives what the one before gave.
#[test]
fn the_login_to_make() {
    let server = Server::start();
    let http = Http::new();
    let mut session = session(&server, "berta");
    server.refuse_once(&json!({ "error": "interaction_required" }));
    let request = refresh_of(session.access(later()));
    let Ok(SessionAction::LoginRequired(why)) = exchange(&mut session, &http, &request) else { panic!("no login") };
    let request = why.request().unwrap();
    let mut next = session_in(&mut UserAgent::new("berta"), client(&server, PRIVATE_USE), request.clone());
    assert_eq!(next.scope(), session.scope());
    let request = refresh_of(next.access(later()));
    renew(&mut next, &http, &request);
    assert_eq!(call(&http, &ready(next.access(now())), "GET", &format!("{}/messages", server.api)).status, 200);
}
