//! Signing out: revocation, logout in the browser, and everything that comes late.

use oauth_proto::{
    AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Delivered, Error, Event, Over, Request, Secret,
    Session, SessionAction, SessionPhase, SignOut, Target, Tokens,
};

use crate::id_token::id_token;
use crate::{answer, at, body, entropy, is_patient, later, log_in_to, ready, request, revocation, GONE, JSON};

const BYE: &str = "com.example.app:/bye";
const STATE: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

fn client(revokes: bool, logs_out: bool, back: Option<&str>) -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token");
    let mut server = server.unwrap();
    if revokes {
        server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
    }
    if logs_out {
        server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
    }
    let builder = crate::builder_at(server);
    back.into_iter().fold(builder, ClientBuilder::post_logout_redirect_uri).build().unwrap()
}

fn session(client: Client) -> Session {
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(1000)), "a");
    Session::new(client, tokens)
}

fn logout() -> SignOut {
    SignOut::new().logout(entropy())
}

fn is_open(action: &SessionAction) -> bool {
    matches!(action, SessionAction::OpenUrl(_))
}

fn pending(session: &Session) -> Request {
    revocation(session.pending_action().expect("something is pending"))
}

/// The browser does not wait for a server that asks for patience, and the revocation is not forgotten over the browser.
#[test]
fn a_revocation_is_tried_again_after_the_logout() {
    let mut session = session(client(true, true, Some(BYE)));
    let first = revocation(session.sign_out(logout()));
    assert_eq!(body(&first), "token=RT1&token_type_hint=refresh_token&client_id=s6BhdRkqt3");
    let early = session.handle(Event::RedirectReceived(&format!("{BYE}?state={STATE}")), at(10)).unwrap_err();
    assert_eq!((early.code(), session.phase()), ("redirect_not_awaited", SessionPhase::SigningOut));
    // A week is too long: an hour is the most that a server is given.
    let action = session.handle(answer(first.id(), 503, &[("Retry-After", "604800")], ""), at(10)).unwrap();
    assert!(is_open(&action), "{action:?}");
    assert_eq!(session.last_error().map(Error::code), Some("unavailable"));
    let duplicate = session.handle(answer(first.id(), 200, &[], ""), at(11)).unwrap_err();
    assert_eq!(duplicate.code(), "unknown_request");
    let back = format!("{BYE}?state={STATE}");
    let action = session.handle(Event::RedirectReceived(&back), at(20)).unwrap();
    assert!(is_patient(3600, later(Ok(action)) - 10));
    assert_eq!(session.phase(), SessionPhase::SigningOut);
    let again = session.handle(Event::RedirectReceived(&back), at(21)).unwrap_err();
    assert_eq!(again.code(), "redirect_not_awaited");

    let second = pending(&session);
    assert_ne!(second.id(), first.id());
    assert_eq!((second.body(), pending(&session).id()), (first.body(), second.id()));
    let done = session.handle(answer(second.id(), 200, &[], ""), at(3610)).unwrap();
    assert!(matches!(done, SessionAction::SignedOut));
    assert_eq!((session.phase(), session.last_error()), (SessionPhase::SignedOut, None));
}

/// RFC 7009 §2.2 has 200; what else is a success is one.
#[test]
fn any_success_has_revoked() {
    for (status, error) in [(200, None), (204, None), (299, None), (302, Some("http_error")), (400, Some("http_error"))]
    {
        let mut session = session(client(true, false, None));
        let first = revocation(session.sign_out(SignOut::new()));
        let done = session.handle(answer(first.id(), status, &[], ""), at(10));
        assert!(matches!(done, Ok(SessionAction::SignedOut)), "{status}: {done:?}");
        assert_eq!(session.last_error().map(Error::code), error, "{status}");
    }
}

/// If the wait is over when the browser is back, there is nothing to wait for.
#[test]
fn a_revocation_whose_time_has_come_is_sent_at_once() {
    let mut session = session(client(true, true, Some(BYE)));
    let first = revocation(session.sign_out(logout()));
    assert!(is_open(&session.handle(answer(first.id(), 429, &[("Retry-After", "5")], ""), at(10)).unwrap()));
    let action = session.handle(Event::Cancelled, at(16)).unwrap();
    assert_ne!(revocation(action).id(), first.id());
}

#[test]
fn five_revocations_are_sent_with_or_without_a_logout_in_between() {
    for logs_out in [false, true] {
        let mut session = session(client(true, logs_out, Some(BYE)));
        let mut next = Some(revocation(session.sign_out(logout())));
        let (mut sent, mut now) = (0, 10);
        while let Some(request) = next {
            sent += 1;
            let mut action = session.handle(answer(request.id(), 500, &[], ""), at(now)).unwrap();
            if is_open(&action) {
                assert!(logs_out && sent == 1);
                action = session.handle(Event::Cancelled, at(now)).unwrap();
            }
            next = match action {
                SessionAction::RetryAt(time) => {
                    let (least, wait) = (1 << (sent - 1), time.as_secs() - now);
                    assert!((least..=2 * least).contains(&wait), "1 to 2 seconds, 2 to 4, 4 to 8, 8 to 16: {wait}");
                    now = time.as_secs();
                    Some(pending(&session))
                }
                SessionAction::SignedOut => None,
                other => panic!("{other:?}"),
            };
        }
        assert_eq!((sent, session.phase()), (5, SessionPhase::SignedOut));
        assert_eq!(session.last_error().map(Error::code), Some("unavailable"));
    }
}

#[test]
fn what_a_server_asks_for_is_clamped() {
    for (retry_after, seconds) in [
        ("30", Some(30)),
        ("3600", Some(3600)),
        ("3601", Some(3600)),
        ("18446744073709551616", Some(3600)),
        ("Thu, 01 Jan 1970 00:20:00 GMT", Some(200)),
        ("Fri, 01 Jan 2100 00:00:00 GMT", Some(3600)),
        ("-5", None),
        ("soon", None),
        ("", None),
    ] {
        let headers = [("Retry-After", retry_after)];
        let mut signing_out = session(client(true, false, None));
        let first = revocation(signing_out.sign_out(SignOut::new()));
        let mut refreshing = session(client(true, false, None));
        let refresh = request(refreshing.access(at(1000)));
        for (session, request) in [(&mut signing_out, first), (&mut refreshing, refresh)] {
            let wait = later(session.handle(answer(request.id(), 503, &headers, ""), at(1000))) - 1000;
            // What cannot be read asks for nothing, and gets the first wait of our own.
            assert!(
                seconds.map_or((1..=2).contains(&wait), |seconds| is_patient(seconds, wait)),
                "{retry_after}: {wait}"
            );
        }
    }
}

/// Then nothing comes back, so nothing is waited for.
#[test]
fn without_a_uri_to_come_back_to_only_the_user_ends_it() {
    let mut session = session(client(false, true, None));
    let SessionAction::OpenUrl(url) = session.sign_out(logout()) else { panic!() };
    assert!(!url.contains("state"), "{}", url.as_str());
    for redirect in [format!("{BYE}?state={STATE}"), "com.example.app:/callback".into(), String::new()] {
        let error = session.handle(Event::RedirectReceived(&redirect), at(1)).unwrap_err();
        assert_eq!(error.code(), "redirect_not_awaited");
    }
    assert!(is_open(&session.pending_action().unwrap()));
    assert!(matches!(session.handle(Event::Cancelled, at(2)), Ok(SessionAction::SignedOut)));
    assert_eq!(session.handle(Event::Cancelled, at(3)).unwrap_err().code(), "not_for_a_session");
}

/// The port that was bound is in the URL that the browser was sent to.
#[test]
fn a_loopback_return_comes_to_the_very_port() {
    let mut session = session(client(false, true, Some("http://127.0.0.1:5005/bye")));
    assert!(is_open(&session.sign_out(logout())));
    for place in
        ["127.0.0.1:5006", "127.0.0.1", "localhost:5005", "[::1]:5005", "127.0.0.1:05005", "127.0.0.1:5005:5005"]
    {
        let url = format!("http://{place}/bye?state={STATE}");
        let error = session.handle(Event::RedirectReceived(&url), at(1)).unwrap_err();
        assert_eq!(error.code(), "not_our_redirect", "{place}");
    }
    let url = format!("http://127.0.0.1:5005/bye?state={STATE}");
    assert!(matches!(session.handle(Event::RedirectReceived(&url), at(2)), Ok(SessionAction::SignedOut)));
}

/// A login's redirect that comes late is not the return, even where both have one URI.
#[test]
fn a_login_does_not_end_a_logout() {
    let mut session = session(client(false, true, Some("com.example.app:/callback")));
    assert!(is_open(&session.sign_out(logout())));
    let login = "com.example.app:/callback?code=C&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(session.handle(Event::RedirectReceived(login), at(1)).unwrap_err().code(), "state_mismatch");
    // What the server adds, an error even, is not looked at: the user has been there.
    let back = format!("com.example.app:/callback?error=server_error&state={STATE}");
    assert!(matches!(session.handle(Event::RedirectReceived(&back), at(2)), Ok(SessionAction::SignedOut)));
}

#[test]
fn nothing_is_left_of_the_tokens_but_what_the_server_must_see() {
    let wanted = AuthorizationRequest::new().scope(if cfg!(feature = "openid") { "openid a" } else { "a" });
    let mut session = log_in_to(client(true, true, Some(BYE)), &wanted, "AT1", 0);
    let api = Target::resource("https://other.example.com/").unwrap();
    let refresh = request(session.access_for(&api, at(10)));
    let id_token = id_token(None, 10, serde_json::json!({}));
    let tokens = serde_json::json!({
        "access_token": "AT2", "token_type": "Bearer", "refresh_token": "RT2", "id_token": id_token,
    });
    assert!(session.handle(answer(refresh.id(), 200, &JSON, &tokens.to_string()), at(10)).is_ok());
    assert_eq!(ready(session.access_for(&api, at(10))).token().reveal(), "AT2");
    let late = request(session.access(at(3599)));
    let first = revocation(session.sign_out(logout()));
    assert_eq!(body(&first), "token=RT2&token_type_hint=refresh_token&client_id=s6BhdRkqt3");
    assert!(session.save().is_none() && session.scope().is_empty());
    #[cfg(feature = "openid")]
    assert!(session.id_token().is_none());
    assert!(session.deadline().is_none() && session.authorization_request().is_none());
    // It brought nothing new.
    let tokens = r#"{"access_token":"AT3","token_type":"Bearer"}"#;
    assert_eq!(later(session.handle(answer(late.id(), 200, &JSON, tokens), at(1000))), 1000);
    let error = session.handle(answer(late.id(), 200, &JSON, tokens), at(1000)).unwrap_err();
    assert_eq!(error.code(), "unknown_request");
    let Ok(SessionAction::OpenUrl(url)) = session.handle(answer(first.id(), 200, &[], ""), at(1001)) else { panic!() };
    assert_eq!(url.contains(&format!("id_token_hint={id_token}")), cfg!(feature = "openid"));
    assert!(["AT1", "AT2", "RT1", "RT2"].iter().all(|token| !url.contains(token)));
    assert!(matches!(session.handle(Event::Cancelled, at(1002)), Ok(SessionAction::SignedOut)));
    assert!(session.pending_action().is_none());
}

/// How far a sign-out goes is decided once.
#[test]
fn another_call_changes_nothing() {
    let mut session = session(client(true, true, Some(BYE)));
    let first = revocation(session.sign_out(SignOut::new()));
    let again = revocation(session.sign_out(logout()));
    assert_eq!(first.id(), again.id());
    assert!(matches!(session.handle(answer(first.id(), 200, &[], ""), at(1)), Ok(SessionAction::SignedOut)));
    assert!(matches!(session.sign_out(logout()), SessionAction::SignedOut));
    assert_eq!((session.phase(), session.last_error()), (SessionPhase::SignedOut, None));
}

/// With no refresh token the access token is what can be revoked; of a grant that has ended, nothing.
#[test]
fn what_there_is_is_revoked() {
    let tokens = Tokens::from_parts(Secret::new("AT1"), None, None, "a");
    let first = revocation(Session::new(client(true, false, None), tokens).sign_out(SignOut::new()));
    assert_eq!(body(&first), "token=AT1&token_type_hint=access_token&client_id=s6BhdRkqt3");

    let with_id_token = |client: Client| {
        let wanted = AuthorizationRequest::new().scope(if cfg!(feature = "openid") { "openid" } else { "a" });
        let mut session = log_in_to(client, &wanted, "AT1", 10);
        let refresh = request(session.access(at(9000)));
        assert!(session.handle(answer(refresh.id(), 400, &JSON, GONE), at(9000)).is_ok());
        session
    };
    let mut ended = with_id_token(client(true, false, None));
    assert!(matches!(ended.sign_out(SignOut::new()), SessionAction::SignedOut));
    // The user's session at the server may live on, and the server is told whose it is.
    let mut ended = with_id_token(client(true, true, Some(BYE)));
    let SessionAction::OpenUrl(url) = ended.sign_out(logout()) else { panic!() };
    assert_eq!(url.contains("id_token_hint=eyJ"), cfg!(feature = "openid"), "{}", url.as_str());
}

/// What a refresh may have spent is revoked all the same: the server knows what came of it.
#[test]
fn a_session_whose_refreshes_were_lost_is_revoked() {
    let mut session = session(client(true, false, None));
    let mut now = 1000;
    for _ in 0..2 {
        let refresh = request(session.access(at(now)));
        now = later(session.handle(Event::SendFailed(refresh.id(), Delivered::Maybe), at(now)));
    }
    let first = revocation(session.sign_out(SignOut::new()));
    assert!(body(&first).starts_with("token=RT1&"));
    // They may have brought another refresh token, of which nobody will hear.
    assert!(matches!(session.handle(answer(first.id(), 200, &[], ""), at(now)), Ok(SessionAction::SignedOut)));
    assert_eq!(session.last_error(), Some(&Error::Over(Over::NotRevoked)));
}

/// What was set by hand is known, though the server's metadata was never fetched.
#[cfg(feature = "openid")]
#[test]
fn endpoints_that_were_set_by_hand_are_used_without_metadata() {
    let session = |revokes: bool, logs_out: bool| {
        let mut server = AuthorizationServer::from_issuer(crate::id_token::ISSUER).unwrap();
        if revokes {
            server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
        }
        if logs_out {
            server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
        }
        session(crate::builder_at(server).post_logout_redirect_uri(BYE).build().unwrap())
    };
    let mut both = session(true, true);
    let sent = revocation(both.sign_out(logout()));
    assert_eq!(sent.url(), "https://as.example.com/revoke");
    assert_eq!(body(&sent), "token=RT1&token_type_hint=refresh_token&client_id=s6BhdRkqt3");
    assert_eq!(both.pending_action().map(revocation).map(|pending| pending.id()), Some(sent.id()));
    let action = both.handle(answer(sent.id(), 200, &[], ""), at(1)).unwrap();
    let SessionAction::OpenUrl(url) = &action else { panic!("{action:?}") };
    assert!(url.starts_with("https://as.example.com/logout?"), "{}", url.as_str());
    let back = format!("{BYE}?state={STATE}");
    let action = both.handle(Event::RedirectReceived(&back), at(2)).unwrap();
    assert!(matches!(action, SessionAction::SignedOut), "{action:?}");
    assert_eq!(both.last_error(), None, "the server knows");

    let mut revokes = session(true, false);
    let sent = revocation(revokes.sign_out(SignOut::new()));
    assert!(matches!(revokes.handle(answer(sent.id(), 200, &[], ""), at(1)), Ok(SessionAction::SignedOut)));
    assert_eq!(revokes.last_error(), None);
    // Nobody to tell, and the browser is sent all the same.
    let mut logs_out = session(false, true);
    assert!(is_open(&logs_out.sign_out(logout())));
    assert_eq!(logs_out.last_error(), Some(&Error::Over(Over::NotRevoked)));
}
