//! Answers to refreshes that are cut off on their way. Only the server ends a grant: the session asks again, with the same
//! refresh token, and the server says whether that was good (RFC 9700 §4.14.2 has both kinds of server).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use oauth_proto::{
    Access, AuthorizationServer, Bearer, Client, LoginRequired, Session, SessionAction, SessionPhase, UnixTime,
};
use oauth_proto_interop::{
    assert_grant_ended, authorization_request, call, form_parameter, now, ready, refresh_of, saved, session_in, Http,
    Proxy, Server, UserAgent, PRIVATE_USE,
};

/// A time at which the access token has run out.
fn later() -> UnixTime {
    now().saturating_add(400)
}

/// A session whose refreshes go through the proxy.
fn session(server: &Server, proxy: &Proxy, person: &str) -> Session {
    let token_endpoint = server.token_endpoint.replace(&server.issuer, &proxy.origin);
    let known = AuthorizationServer::on_insecure_loopback(&server.authorization_endpoint, &token_endpoint)
        .and_then(|known| known.issuer(&server.issuer)?.require_iss().jwks_uri(&server.jwks_uri))
        .map(|known| known.id_token_signing_alg_values_supported(&["ES256"]))
        .unwrap();
    let client = Client::builder(known, "native-app", PRIVATE_USE).api_origin(&server.api).build().unwrap();
    session_in(&mut UserAgent::new(person), client, authorization_request(server))
}

/// As an app drives it, and the time passes by itself: the token, or the login that is required; the refresh tokens that were
/// sent; and what is stored.
struct Driven {
    outcome: Result<Bearer, LoginRequired>,
    refresh_tokens: Vec<String>,
    stored: Option<String>,
}

fn drive(session: &mut Session, mut time: UnixTime) -> Driven {
    let http = Http::new();
    let (mut refresh_tokens, mut stored) = (Vec::new(), Some(saved(session)));
    for _ in 0..20 {
        match session.access(time) {
            Access::Ready(bearer) => return Driven { outcome: Ok(bearer), refresh_tokens, stored },
            Access::LoginRequired(why) => return Driven { outcome: Err(why), refresh_tokens, stored },
            Access::RetryAt(at) => time = at,
            Access::SendRequest(request) => {
                refresh_tokens.extend(form_parameter(&request, "refresh_token"));
                let answer = http.send(&request);
                match session.handle(answer.event(), time).unwrap() {
                    SessionAction::Save | SessionAction::LoginRequired(_) => {
                        stored = session.save().map(|saved| serde_json::to_string(&saved).unwrap());
                    }
                    SessionAction::RetryAt(_) => {
                        assert_eq!(answer.status(), None, "nothing but the cut answers is tried again");
                        assert_eq!(session.phase(), SessionPhase::Active);
                        assert!(session.save().is_some());
                    }
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("no end: {refresh_tokens:?}");
}

/// A server with a grace period: however many answers are lost, the session goes on by itself, and nobody is asked to log in.
#[test]
fn with_a_grace_period() {
    let server = Server::start();
    server.allow_grace(60);
    let proxy = Proxy::before(&server.issuer);
    let mut session = session(&server, &proxy, "anna");
    let mut time = now();
    for lost in [1, 3] {
        time = time.saturating_add(400); // whatever it has got before has run out
        proxy.cut(lost);
        let before = server.requests("POST /token");
        let driven = drive(&mut session, time);
        assert_eq!(proxy.still_ahead(), 0);
        let bearer = driven.outcome.expect("tokens");
        assert_eq!(call(&Http::new(), &bearer, "GET", &format!("{}/messages", server.api)).status, 200);
        // One refresh token, again and again; the server saw it each time.
        assert_eq!(driven.refresh_tokens.len(), lost + 1);
        assert!(driven.refresh_tokens.iter().all(|token| *token == driven.refresh_tokens[0]));
        assert_eq!(server.requests("POST /token") - before, lost as u64 + 1);
        // What is stored is the new refresh token, and it is good.
        assert!(!driven.stored.unwrap().contains(&driven.refresh_tokens[0]));
    }
    let driven = drive(&mut session, time.saturating_add(400));
    assert!(driven.outcome.is_ok());
    assert_eq!(driven.refresh_tokens.len(), 1);
}

/// A server without one has replaced the refresh token, and takes the second try for a theft. It says `invalid_grant`: only then
/// is a login required, and what was stored is removed.
#[test]
fn without_a_grace_period() {
    let server = Server::start();
    let proxy = Proxy::before(&server.issuer);
    let mut session = session(&server, &proxy, "berta");
    proxy.cut(1);
    let driven = drive(&mut session, later());
    assert_eq!(proxy.still_ahead(), 0);
    assert_eq!(driven.refresh_tokens.len(), 2, "the lost one, and the one that the server refused");
    assert_grant_ended(&driven.outcome.unwrap_err());
    assert_eq!(driven.stored, None);
    assert_eq!(session.phase(), SessionPhase::LoginRequired);
}

/// The answer to a refresh is lost while the access token is still good: it is handed out until it has run out.
#[test]
fn a_good_token_is_handed_out_meanwhile() {
    let server = Server::start();
    server.allow_grace(60);
    let proxy = Proxy::before(&server.issuer);
    let mut session = session(&server, &proxy, "clara");
    let before = ready(session.access(now()));
    let expires_at = before.expires_at().unwrap();
    let soon = UnixTime::from_secs(expires_at.as_secs() - 5);
    let request = refresh_of(session.access(soon));
    // Nobody waits for it either.
    assert!(ready(session.access(soon)).token().reveal() == before.token().reveal());

    proxy.cut(1);
    let answer = Http::new().send(&request);
    assert_eq!((answer.status(), proxy.still_ahead()), (None, 0));
    let action = session.handle(answer.event(), soon).unwrap();
    let SessionAction::RetryAt(at) = action else { panic!("{action:?}") };
    assert!(soon < at && at <= soon.saturating_add(2), "{at:?}");
    let still = ready(session.access(soon));
    assert!(still.token().reveal() == before.token().reveal());
    assert_eq!(call(&Http::new(), &still, "GET", &format!("{}/messages", server.api)).status, 200);

    let again = refresh_of(session.access(at));
    assert_eq!(form_parameter(&again, "refresh_token"), form_parameter(&request, "refresh_token"));
    assert!(matches!(session.handle(Http::new().send(&again).event(), at), Ok(SessionAction::Save)));
    assert!(ready(session.access(expires_at)).token().reveal() != before.token().reveal());
}
