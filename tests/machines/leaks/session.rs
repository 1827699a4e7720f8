//! A session through refreshes, refusals, failures and the sign-out, its server and its API echoing all they know.

use oauth_proto::challenge::{advice, parse};
use oauth_proto::logout::check_return;
use oauth_proto::redirect::RedirectUri;
use oauth_proto::{
    Access, Action, Client, Delivered, Error, Event, Login, LoginRequired, LogoutUrl, Request, RequestId, Response,
    RestoreError, SavedSession, Secret, Session, SessionAction, SessionPhase, SignOut, Target, Tokens, UnixTime,
};

use super::watch::Watch;
use super::{
    echo, id_token, request, secret_client, watch, ACCESS, CLIENT_SECRET, MFA_TOKEN, NEXT_ACCESS, NEXT_REFRESH, REFRESH,
};
use crate::support::{at, builder, client, entropy, redirect, refuse, server, state, JSON, REDIRECT_URI};

fn tokens() -> Tokens {
    Tokens::from_parts(Secret::new(ACCESS), Some(Secret::new(REFRESH)), Some(at(100)), "read write")
}

struct Watched {
    watch: Watch,
    session: Session,
}

impl Watched {
    fn new(basic: bool) -> Self {
        let (watch, session) = (watch(), Session::new(secret_client(basic), tokens()));
        watch.debug("Session", &session);
        Self { watch, session }
    }

    fn access(&mut self, now: UnixTime) -> Access {
        let access = self.session.access(now);
        self.see(&access);
        access
    }

    fn see(&self, access: &Access) {
        self.watch.debug("Session", &self.session);
        self.watch.debug("Access", access);
        self.watch.debug("SavedSession", &self.session.save());
        match access {
            Access::Ready(bearer) => {
                let headers = bearer.headers("GET", "https://api.example.com/me").unwrap();
                self.watch.debug("Bearer", bearer);
                self.watch.debug("Secret", bearer.token());
                self.watch.debug("CallHeaders", &headers);
                self.watch.debug("CallHeaders", &headers.clone().beside(["accept"]));
                for (name, value) in headers.clone() {
                    self.watch.debug("HeaderValue", &(name, &value));
                    assert!(self.watch.find(value.as_str()).is_some(), "the search sees nothing");
                }
                self.watch.error("BearerError", &headers.beside(["Authorization"]).unwrap_err());
                for url in ["https://evil.example/", "http://api.example.com/"] {
                    self.watch.error("BearerError", &bearer.headers("GET", url).unwrap_err());
                }
            }
            Access::SendRequest(request) => self.request(request),
            Access::LoginRequired(why) => self.login_required(why),
            Access::Refused { error, .. } => self.watch.error("Access::Refused", error),
            Access::Verify(_) | Access::Wait(_) | Access::RetryAt(_) => {}
        }
    }

    fn login_required(&self, why: &LoginRequired) {
        self.watch.error("LoginRequired", why);
        self.watch.debug("AuthorizationRequest", &why.request());
        if let LoginRequired::GrantEnded(error) | LoginRequired::UserMustAct { error, .. } = why {
            self.watch.error("why", error);
        }
    }

    fn request(&self, request: &Request) {
        self.watch.debug("Request", request);
        self.watch.text("the request's URL", request.url());
    }

    fn refresh(&mut self, now: UnixTime) -> RequestId {
        match self.access(now) {
            Access::SendRequest(request) => request.id(),
            other => panic!("{other:?}"),
        }
    }

    fn handle(&mut self, event: Event<'_>, now: UnixTime) -> Option<SessionAction> {
        self.watch.debug("Event", &event);
        let result = self.session.handle(event, now);
        self.watch.debug("Result<SessionAction, Error>", &result);
        self.watch.debug("Session", &self.session);
        if let Some(error) = self.session.last_error() {
            self.watch.error("last_error", error);
        }
        match result {
            Ok(action) => {
                match &action {
                    SessionAction::LoginRequired(why) => self.login_required(why),
                    SessionAction::OpenUrl(url) => self.watch.debug("LogoutUrl", url),
                    SessionAction::SendRequest(request) => self.request(request),
                    _ => {}
                }
                Some(action)
            }
            Err(error) => {
                self.watch.error("Error", &error);
                None
            }
        }
    }
}

fn new_tokens() -> String {
    serde_json::json!({
        "access_token": NEXT_ACCESS, "token_type": "Bearer", "refresh_token": NEXT_REFRESH, "id_token": id_token(),
        "expires_in": 100, "unknown": echo(),
    })
    .to_string()
}

#[test]
fn a_session_that_is_refreshed_and_signed_out_shows_nothing() {
    for basic in [false, true] {
        let mut watched = Watched::new(basic);
        assert!(matches!(watched.access(at(0)), Access::Ready(_)));
        let id = watched.refresh(at(200));
        assert!(matches!(watched.access(at(200)), Access::Wait(_)));
        let body = new_tokens();
        let answer = || Response::new(200, &JSON, body.as_bytes());
        assert!(watched.handle(Event::ResponseReceived(RequestId::from_u64(1), answer()), at(200)).is_none());
        let saved = watched.handle(Event::ResponseReceived(id, answer()), at(201));
        assert!(matches!(saved, Some(SessionAction::Save)));
        assert!(watched.handle(Event::ResponseReceived(id, answer()), at(202)).is_none());
        assert!(matches!(watched.access(at(202)), Access::Ready(_)));
        assert!(watched.handle(Event::RedirectReceived(&echo()), at(202)).is_none());

        let SessionAction::SendRequest(revocation) = watched.session.sign_out(SignOut::new()) else { panic!() };
        watched.request(&revocation);
        assert!(watched.handle(Event::ResponseReceived(id, answer()), at(203)).is_none());
        let body = echo();
        let later = Response::new(503, &JSON, body.as_bytes());
        assert!(matches!(
            watched.handle(Event::ResponseReceived(revocation.id(), later), at(203)),
            Some(SessionAction::RetryAt(_))
        ));
        let Some(SessionAction::SendRequest(revocation)) = watched.session.pending_action() else { panic!() };
        watched.handle(Event::ResponseReceived(revocation.id(), Response::new(200, &JSON, body.as_bytes())), at(205));
        assert!(matches!(watched.access(at(206)), Access::LoginRequired(_)));
    }
}

#[test]
fn a_refresh_that_fails_shows_nothing() {
    let echo = echo();
    let error = |error: &str| {
        serde_json::json!({
            "error": error, "error_description": echo, "error_uri": format!("https://x.example/{ACCESS}"),
            "mfa_token": MFA_TOKEN,
        })
        .to_string()
    };
    let odd_type = serde_json::json!({ "access_token": NEXT_ACCESS, "token_type": echo }).to_string();
    for (status, body) in [
        (400, error("invalid_grant")),
        (400, error("invalid_client")),
        (400, error("mfa_required")),
        (400, error("invalid_target")),
        (400, error(&echo)),
        (400, error(CLIENT_SECRET)),
        (500, error("invalid_grant")),
        (403, format!("<h1>{echo}</h1>")),
        (302, echo.clone()),
        (200, echo.clone()),
        (200, odd_type),
        (200, new_tokens() + "}"),
    ] {
        let mut watched = Watched::new(false);
        let id = watched.refresh(at(200));
        let headers =
            [("content-type", "application/json"), ("retry-after", echo.as_str()), ("location", echo.as_str())];
        let response = Response::new(status, &headers, body.as_bytes());
        assert!(watched.handle(Event::ResponseReceived(id, response), at(201)).is_some());
        if let Some(error @ Error::Refused(refused)) = watched.session.last_error() {
            watched.watch.debug("Refused", refused);
            let members = refused.members::<Vec<u8>>().map(drop);
            watched.watch.debug("the members of another type", &members);
            watched.watch.debug("SessionAction", &Session::new(client(), tokens()).end_grant(error.clone()));
        }
        let mut now = at(202);
        for _ in 0..4 {
            now = match watched.access(now) {
                Access::RetryAt(time) => time,
                Access::SendRequest(request) => {
                    let response = Response::new(status, &headers, body.as_bytes());
                    assert!(watched.handle(Event::ResponseReceived(request.id(), response), now).is_some());
                    now
                }
                _ => break,
            };
        }
    }
    for delivered in [Delivered::No, Delivered::Maybe] {
        let mut watched = Watched::new(true);
        let id = watched.refresh(at(200));
        assert!(watched.handle(Event::SendFailed(id, delivered), at(201)).is_some());
        let _ = watched.access(at(202));
    }
}

#[test]
fn what_an_api_echoes_is_not_shown() {
    let quoted = echo().replace('\\', "\\\\").replace('"', "\\\"");
    let lines = [
        format!("Bearer error=\"invalid_token\", error_description=\"{quoted}\""),
        format!("Bearer error=\"insufficient_scope\", scope=\"{quoted}\""),
        format!("Bearer error=\"insufficient_user_authentication\", acr_values=\"{quoted}\", max_age=\"5\""),
        format!("Bearer realm=\"{quoted}\", resource_metadata=\"https://x.example/{ACCESS}\""),
        format!("Bearer {quoted}\""),
        format!("Negotiate {}", ACCESS.trim_end_matches('=')),
    ];
    for line in &lines {
        let mut watched = Watched::new(false);
        let Access::Ready(bearer) = watched.access(at(0)) else { panic!("no token") };
        match parse(line) {
            Ok(challenges) => watched.watch.debug("Challenge", &challenges),
            Err(error) => watched.watch.error("MalformedChallenge", &error),
        }
        for status in [401, 403] {
            watched.watch.debug("Advice", &advice(status, &[line]));
            if let Some(access) = refuse(&mut watched.session, &bearer, status, &[line], at(1)) {
                watched.see(&access);
            }
        }
    }
}

#[test]
fn a_saved_session_and_why_it_is_refused_show_nothing() {
    let mut watched = Watched::new(false);
    let saved = watched.session.save().unwrap();
    let other = |token: &str, resource: &str| {
        serde_json::json!({
            "resource": resource, "audience": null, "target_scope": null, "checks_audience": false, "access_token": token,
            "scope": "read", "obtained_at": null, "expires_at": null,
        })
    };
    let tampered = |member: &str, value: serde_json::Value| {
        let mut json = serde_json::to_value(&saved).unwrap();
        json[member] = value;
        serde_json::from_value::<SavedSession>(json).unwrap()
    };
    for (saved, expected) in [
        (tampered("version", 7.into()), RestoreError::UnknownVersion),
        (tampered("client", REFRESH.into()), RestoreError::OtherClient),
        (tampered("access_token", format!("{ACCESS}\n").into()), RestoreError::Malformed),
        (tampered("refresh_token", format!("{REFRESH}\n").into()), RestoreError::Malformed),
        (tampered("scope", format!("{ACCESS}\n").into()), RestoreError::Malformed),
        (tampered("request", serde_json::json!([["state", REFRESH]])), RestoreError::Malformed),
        (tampered("others", serde_json::json!([other(ACCESS, "no uri")])), RestoreError::Malformed),
        (tampered("others", serde_json::json!([other(&format!("{ACCESS}\n"), "urn:a:b")])), RestoreError::Malformed),
    ] {
        watched.watch.debug("SavedSession", &saved);
        let error = Session::restore(secret_client(false), saved.clone()).unwrap_err();
        assert_eq!(error, expected);
        watched.watch.error("RestoreError", &error);
        watched.watch.debug("Result<Adopted, RestoreError>", &watched.session.adopt(saved));
    }
    assert!(watched.watch.find(&serde_json::to_string(&saved).unwrap()).is_some(), "the search sees nothing");
}

/// One token for each of three APIs, and a form with them in the hands of another process.
#[test]
fn a_session_with_tokens_for_several_apis_shows_none() {
    let mut watched = Watched::new(true);
    for (index, target) in [
        Target::resource("https://a.example.com/").unwrap(),
        Target::audience("https://b.example.com/").unwrap().scope("read").unwrap(),
        Target::own().scope("write").unwrap(),
    ]
    .iter()
    .enumerate()
    {
        watched.watch.debug("Target", target);
        let access = watched.session.access_for(target, at(10));
        watched.see(&access);
        let Access::SendRequest(request) = access else { panic!("{access:?}") };
        let body = new_tokens().replace(NEXT_ACCESS, &format!("{NEXT_ACCESS}{index}"));
        let answer = Response::new(200, &JSON, body.as_bytes());
        assert!(watched.handle(Event::ResponseReceived(request.id(), answer), at(10)).is_some());
        let access = watched.session.access_for(target, at(11));
        watched.see(&access);
        assert!(matches!(access, Access::Ready(_)));
    }
    let saved = watched.session.save().unwrap();
    watched.watch.debug("SavedSession", &saved);
    let mut other = Watched::new(true);
    other.watch.debug("Result<Adopted, RestoreError>", &other.session.adopt(saved));
    let access = other.access(at(12));
    assert!(matches!(access, Access::Ready(_)));
}

/// A login that has secrets in its request, and an API that wants another.
#[test]
fn the_request_of_the_login_to_make_shows_no_secret() {
    let mut login = Login::new(secret_client(false), request()).unwrap();
    assert!(login.handle(Event::Start(entropy(1)), at(0)).is_ok());
    let url = redirect(&format!("code=C1&state={}", state(1)));
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&url), at(0)) else { panic!() };
    let body = new_tokens();
    let answer = Response::new(200, &JSON, body.as_bytes());
    let Ok(Action::TokensReady(tokens)) = login.handle(Event::ResponseReceived(sent.id(), answer), at(0)) else {
        panic!()
    };
    let mut watched = Watched { watch: watch(), session: Session::new(secret_client(false), tokens) };
    watched.watch.debug("AuthorizationRequest", &watched.session.authorization_request());
    let Access::Ready(bearer) = watched.access(at(1)) else { panic!("no token") };
    for line in [
        "Bearer error=\"insufficient_scope\", scope=\"admin\"",
        "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\"",
    ] {
        let access = refuse(&mut watched.session, &bearer, 401, &[line], at(1)).unwrap();
        watched.see(&access);
        assert!(matches!(access, Access::LoginRequired(_)), "{access:?}");
    }
}

/// The logout URL has the ID token and the state in it, so it is for the browser alone.
fn logout_url(watched: &Watched, url: &LogoutUrl) {
    watched.watch.debug("LogoutUrl", url);
    watched.watch.debug("SessionAction", &watched.session.pending_action());
    assert!(watched.watch.find(url).is_some(), "the search sees nothing");
    for token in [ACCESS, REFRESH, NEXT_ACCESS, NEXT_REFRESH, CLIENT_SECRET] {
        assert!(!url.contains(&super::encoded(token)), "{token}");
    }
}

#[test]
fn a_logout_in_the_browser_shows_nothing() {
    for is_auth0 in [false, true] {
        let server = server().revocation_endpoint("https://as.example.com/revoke").unwrap();
        let server = if is_auth0 {
            server.auth0_logout_endpoint("https://as.example.com/v2/logout")
        } else {
            server.end_session_endpoint("https://as.example.com/logout")
        };
        let server = server.unwrap();
        let builder = Client::builder(server, "app", REDIRECT_URI).client_secret_post(CLIENT_SECRET);
        let client = builder.post_logout_redirect_uri("com.example.app:/bye").build().unwrap();
        let tokens = Tokens::from_parts(Secret::new(ACCESS), Some(Secret::new(REFRESH)), Some(at(100)), "read");
        let mut watched = Watched { watch: watch(), session: Session::new(client, tokens) };
        let id = watched.refresh(at(200));
        let body = new_tokens();
        let answer = Response::new(200, &JSON, body.as_bytes());
        assert!(watched.handle(Event::ResponseReceived(id, answer), at(200)).is_some());

        let how = SignOut::new().logout(entropy(1)).federated();
        watched.watch.debug("SignOut", &how);
        let action = watched.session.sign_out(how);
        watched.watch.debug("SessionAction", &action);
        let SessionAction::SendRequest(revocation) = action else { panic!("{action:?}") };
        watched.request(&revocation);
        let body = echo();
        let refusal = Response::new(400, &JSON, body.as_bytes());
        let Some(SessionAction::OpenUrl(url)) =
            watched.handle(Event::ResponseReceived(revocation.id(), refusal), at(201))
        else {
            panic!("nothing to open")
        };
        logout_url(&watched, &url);
        for stray in [echo(), format!("com.example.app:/bye?state={}", super::encoded(&echo()))] {
            assert!(watched.handle(Event::RedirectReceived(&stray), at(202)).is_none());
        }
        let back = format!("com.example.app:/bye?state={}&x={}", state(1), super::encoded(&echo()));
        let done = watched.handle(Event::RedirectReceived(&back), at(203));
        assert!(matches!(done, Some(SessionAction::SignedOut)), "{done:?}");
        // What the server said of the revocation is kept, and its words are not shown.
        assert_eq!(watched.session.phase(), SessionPhase::SignedOut);
        watched.watch.error("last_error", watched.session.last_error().unwrap());
        watched.watch.debug("Session", &watched.session);
    }
}

#[test]
fn why_a_return_is_refused_shows_nothing() {
    let (watch, state) = (watch(), state(1));
    let uri = RedirectUri::new("com.example.app:/bye").unwrap();
    for url in [
        echo(),
        format!("com.example.app:/bye?{}", super::encoded(&echo())),
        format!("com.example.app:/bye?state={}", super::encoded(&echo())),
        format!("com.example.app:/bye?state={state}&state={state}"),
    ] {
        watch.error("Error", &check_return(&url, &uri, &state).unwrap_err());
    }
    let problem = builder().post_logout_redirect_uri(&format!("http://x.example/{CLIENT_SECRET}")).build().unwrap_err();
    watch.error("ConfigError", &problem);
    let endpoint = server().end_session_endpoint(&format!("http://as.example.com/{CLIENT_SECRET}")).unwrap_err();
    watch.error("ConfigError", &endpoint);
}
