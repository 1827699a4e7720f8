//! A session over a network and before servers that misbehave: at a refresh, at the keys for a new ID token, at the userinfo endpoint,
//! at the API and at the sign-out. Nobody is logged out by any of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use oauth_proto::{
    Access, Client, Error, LoginRequired, Over, Session, SessionAction, SessionPhase, SignOut, UnixTime,
};
use oauth_proto_interop::{
    assert_grant_ended, authorization, authorization_request, authorization_server, client_of_issuer, exchange,
    form_parameter, identity_request, now, ready, refresh_of, restored, saved, session_in, try_to_call, Http, Proxy,
    Refusal, Server, Trouble, UserAgent, PRIVATE_USE,
};

const REFRESH: &str = "POST /token";
const KEYS: &str = "GET /jwks";
const USERINFO: &str = "GET /me";
const REVOCATION: &str = "POST /token/revocation";
const API: &str = "GET /messages";

const REFUSALS: [Refusal; 7] = [
    Refusal { status: 429, retry_after: Some(20), page: false },
    Refusal { status: 503, retry_after: Some(20), page: true },
    Refusal::of(503),
    Refusal::of(500),
    Refusal { status: 502, retry_after: None, page: true },
    Refusal::of(408),
    Refusal::of(425),
];
const LOST: [Trouble; 3] = [Trouble::AnswerDropped, Trouble::RequestDropped, Trouble::Cut];
const SLOW: Trouble = Trouble::Delayed(Duration::from_millis(1200));

fn all() -> impl Iterator<Item = Trouble> {
    REFUSALS.into_iter().map(Trouble::Refused).chain(LOST).chain([SLOW])
}

/// All that makes another try necessary, once and this often.
fn once_and(often: usize) -> impl Iterator<Item = (Trouble, usize)> {
    let in_vain = REFUSALS.into_iter().map(Trouble::Refused).chain(LOST);
    in_vain.flat_map(move |trouble| [(trouble, 1), (trouble, often)])
}

struct Scene {
    proxy: Proxy,
    server: Server,
    http: Http,
}

impl Scene {
    fn new() -> Self {
        let proxy = Proxy::listen();
        let server = Server::start_behind(&proxy);
        Self { proxy, server, http: Http::new() }
    }

    /// A session that may call the API by way of this proxy too.
    fn session(&self, person: &str, api: &Proxy) -> Session {
        let client = Client::builder(authorization_server(&self.server), "native-app", PRIVATE_USE);
        let client = client.api_origin(&self.server.api).api_origin(&api.origin).build().unwrap();
        session_in(&mut UserAgent::new(person), client, authorization_request(&self.server))
    }

    /// A session that is asked who the user is.
    fn identity(&self, person: &str) -> Session {
        session_in(&mut UserAgent::new(person), client_of_issuer(&self.server), identity_request())
    }

    /// Another access token than the one of `time`, as an app gets it; the time passes by itself.
    fn refresh(&self, session: &mut Session, time: &mut UnixTime) -> Refresh {
        let mut refresh = Refresh { waited: Vec::new(), refresh_tokens: Vec::new() };
        *time = time.saturating_add(400);
        for _ in 0..20 {
            assert!(session.save().is_some(), "nobody is logged out");
            match session.access(*time) {
                Access::Ready(_) => return refresh,
                Access::RetryAt(at) => {
                    refresh.waited.push(at.as_secs() - time.as_secs());
                    *time = at;
                }
                Access::SendRequest(request) => {
                    refresh.refresh_tokens.extend(form_parameter(&request, "refresh_token"));
                    drop(session.handle(self.http.send(&request).event(), *time).unwrap());
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("no end: {:?}", refresh.waited);
    }
}

struct Refresh {
    waited: Vec<u64>,
    refresh_tokens: Vec<String>,
}

/// A refresh is asked for again, by itself, with the same refresh token, and not before it is time. (What the server takes for a
/// theft is in `lost_answers`.)
#[test]
fn at_a_refresh() {
    let scene = Scene::new();
    scene.server.allow_grace(600);
    let api = Proxy::before(&scene.server.api);
    let (mut session, mut time) = (scene.session("anna", &api), now());
    for (trouble, times) in once_and(3) {
        scene.proxy.trouble(REFRESH, times, trouble);
        let Refresh { waited, refresh_tokens } = scene.refresh(&mut session, &mut time);
        assert_eq!(scene.proxy.still_ahead(), 0);
        assert_eq!(refresh_tokens.len(), times + 1, "{trouble:?}");
        assert!(refresh_tokens.iter().all(|token| *token == refresh_tokens[0]), "{trouble:?}");
        if let Trouble::Refused(Refusal { retry_after: Some(least), .. }) = trouble {
            assert!(waited.iter().all(|waited| *waited >= u64::from(least)), "{waited:?}");
        }
    }
    scene.proxy.trouble(REFRESH, 1, SLOW);
    let Refresh { waited, refresh_tokens } = scene.refresh(&mut session, &mut time);
    assert_eq!((refresh_tokens.len(), waited.len()), (1, 0));
}

/// Somebody else answers in the server's place: that ends no grant either, if it is over soon.
#[test]
fn not_found_at_a_refresh() {
    let scene = Scene::new();
    let api = Proxy::before(&scene.server.api);
    let (mut session, mut time) = (scene.session("berta", &api), now());
    for refusal in [Refusal::of(404), Refusal { status: 403, retry_after: None, page: true }] {
        scene.proxy.trouble(REFRESH, 1, Trouble::Refused(refusal));
        assert_eq!(scene.refresh(&mut session, &mut time).refresh_tokens.len(), 2);
    }
}

/// The keys of a new ID token cannot be had for a while: the access token is handed out meanwhile, and the ID token comes later.
#[test]
fn at_the_keys_of_a_new_id_token() {
    let scene = Scene::new();
    for trouble in all() {
        let (mut session, mut time) = (scene.identity("clara"), now());
        let before = session.id_token().unwrap().reveal().to_owned();
        scene.server.rotate_keys();
        scene.proxy.trouble(KEYS, 1, trouble);
        scene.refresh(&mut session, &mut time);
        // Whoever asks next fetches them, or waits for nobody.
        while session.id_token().unwrap().reveal() == before {
            match session.access(time) {
                Access::SendRequest(request) => {
                    assert_eq!(request.url(), scene.server.jwks_uri);
                    let action = session.handle(scene.http.send(&request).event(), time).unwrap();
                    if let SessionAction::RetryAt(at) = action {
                        time = at;
                    }
                }
                Access::Ready(_) => time = time.saturating_add(30),
                other => panic!("{other:?}"),
            }
            assert!(time < now().saturating_add(1000), "{trouble:?}: no end");
        }
        assert_eq!(scene.proxy.still_ahead(), 0, "{trouble:?}");
    }
}

/// A question to the userinfo endpoint costs nothing but its answer.
#[test]
fn at_the_userinfo_endpoint() {
    let scene = Scene::new();
    let mut session = scene.identity("doris");
    let id_token = session.id_token().unwrap().clone();
    for trouble in all().chain([Trouble::Refused(Refusal::of(404))]) {
        let request = ready(session.access(now())).userinfo_request().unwrap();
        scene.proxy.trouble(USERINFO, 1, trouble);
        let answer = scene.http.send(&request);
        assert_eq!(scene.proxy.still_ahead(), 0);
        match trouble {
            Trouble::Refused(refusal) => {
                let Err(Error::Refused(refused)) = id_token.userinfo(&answer.response(), now()) else { panic!() };
                assert_eq!(refused.status(), Some(refusal.status));
                assert_eq!(refused.retry_after(), refusal.retry_after.map(u64::from));
            }
            Trouble::Delayed(_) => assert_eq!(answer.status(), Some(200)),
            _ => assert_eq!(answer.status(), None),
        }
        let answer = scene.http.send(&request);
        assert_eq!(id_token.userinfo(&answer.response(), now()).unwrap().subject(), "doris");
        assert_eq!(session.phase(), SessionPhase::Active);
    }
}

/// What an API, or something before it, says with such a status is nothing about the token: there is no refresh and no login.
#[test]
fn at_the_api() {
    let scene = Scene::new();
    let api = Proxy::before(&scene.server.api);
    let mut session = scene.session("erna", &api);
    let url = format!("{}/messages", api.origin);
    scene.proxy.passed();
    for trouble in all().chain([404, 403].map(|status| Trouble::Refused(Refusal::of(status)))) {
        api.trouble(API, 1, trouble);
        for is_troubled in [true, false] {
            let bearer = ready(session.access(now()));
            let reply = try_to_call(&scene.http, authorization(&bearer, "GET", &url).as_str(), "GET", &url);
            match (trouble, is_troubled) {
                (Trouble::Refused(refusal), true) => {
                    let reply = reply.unwrap();
                    assert_eq!(reply.status, refusal.status);
                    let advice = session.refused(&bearer, reply.status, &reply.headers, now());
                    assert!(advice.is_none(), "{trouble:?}: {advice:?}");
                }
                (Trouble::Delayed(_), _) | (_, false) => assert_eq!(reply.unwrap().status, 200),
                (_, true) => assert!(reply.is_err(), "{trouble:?}: {reply:?}"),
            }
        }
        assert_eq!(api.still_ahead(), 0);
    }
    assert!(scene.proxy.passed().is_empty(), "nothing was asked of the authorization server");
}

/// Signed out here at once; the server is told when it can be told, and the refresh token is dead then.
#[test]
fn at_the_sign_out() {
    let scene = Scene::new();
    let api = Proxy::before(&scene.server.api);
    for (trouble, times) in once_and(4).chain([(SLOW, 1)]) {
        let mut session = scene.session("frida", &api);
        let copy = saved(&session);
        scene.proxy.trouble(REVOCATION, times, trouble);
        let waited = sign_out(&scene, &mut session);
        assert_eq!(session.last_error(), None, "{trouble:?}");
        assert_eq!(waited.len(), if trouble == SLOW { 0 } else { times }, "{trouble:?}");
        assert_eq!(scene.proxy.still_ahead(), 0);

        let mut thief = restored(&scene.server, &copy);
        let refresh = refresh_of(thief.access(now().saturating_add(400)));
        match exchange(&mut thief, &scene.http, &refresh) {
            Ok(SessionAction::LoginRequired(why)) => assert_grant_ended(&why),
            other => panic!("the refresh token lives: {other:?}"),
        }
    }
}

/// The server cannot be told, or will not listen: signed out here all the same, and the session says what it could not do.
#[test]
fn at_the_sign_out_for_good() {
    let scene = Scene::new();
    let api = Proxy::before(&scene.server.api);
    for (trouble, waits) in
        [(Trouble::Refused(Refusal::of(404)), 0), (Trouble::Refused(Refusal::of(503)), 4), (Trouble::RequestDropped, 4)]
    {
        let mut session = scene.session("gerda", &api);
        scene.proxy.trouble(REVOCATION, waits + 1, trouble);
        assert_eq!(sign_out(&scene, &mut session).len(), waits, "{trouble:?}");
        match (trouble, session.last_error().unwrap()) {
            (Trouble::Refused(refusal), Error::Refused(refused)) => assert_eq!(refused.status(), Some(refusal.status)),
            (Trouble::RequestDropped, error) => assert_eq!(error, &Error::Over(Over::NotRevoked)),
            (_, error) => panic!("{trouble:?}: {error:?}"),
        }
        assert_eq!(scene.proxy.still_ahead(), 0);
    }
}

/// To the end, as an app drives it; the time passes by itself. How long it waited each time.
fn sign_out(scene: &Scene, session: &mut Session) -> Vec<u64> {
    let (mut time, mut waited): (UnixTime, _) = (now(), Vec::new());
    let mut action = session.sign_out(SignOut::new());
    loop {
        let access = session.access(time);
        assert!(matches!(access, Access::LoginRequired(LoginRequired::SignedOut)), "{access:?}");
        action = match action {
            SessionAction::SendRequest(request) => session.handle(scene.http.send(&request).event(), time).unwrap(),
            SessionAction::RetryAt(at) => {
                waited.push(at.as_secs() - time.as_secs());
                time = at;
                session.pending_action().unwrap()
            }
            SessionAction::SignedOut => return waited,
            other => panic!("{other:?}"),
        };
    }
}
