//! A session through refreshes, refusals, failures and the sign-out, its server and its API echoing all they know.

use oauth_proto::challenge::{advice, parse};
use oauth_proto::{
    Access, Delivered, Event, Request, RequestId, Response, RestoreError, SavedSession, Secret, Session, SessionAction,
    Tokens, UnixTime,
};

use super::watch::Watch;
use super::{echo, secret_client, watch, ACCESS, CLIENT_SECRET, ID_TOKEN, NEXT_ACCESS, NEXT_REFRESH, REFRESH};
use crate::support::{at, JSON};

struct Watched {
    watch: Watch,
    session: Session,
}

impl Watched {
    fn new(basic: bool) -> Self {
        let tokens = Tokens::from_parts(Secret::new(ACCESS), Some(Secret::new(REFRESH)), Some(at(100)), "read write");
        let (watch, session) = (watch(), Session::new(secret_client(basic), tokens));
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
                let header = bearer.authorization("https://api.example.com/me", &[]).unwrap();
                self.watch.debug("Bearer", bearer);
                self.watch.debug("Secret", bearer.token());
                self.watch.debug("HeaderValue", &header);
                assert!(self.watch.find(header.as_str()).is_some(), "the search sees nothing");
                for (url, headers) in [
                    ("https://evil.example/", &[][..]),
                    ("http://api.example.com/", &[]),
                    ("https://api.example.com/", &["Authorization"]),
                ] {
                    self.watch.error("BearerError", &bearer.authorization(url, headers).unwrap_err());
                }
            }
            Access::SendRequest(request) => self.request(request),
            Access::LoginRequired(why) => {
                self.watch.debug("LoginRequired", why);
                self.watch.display("LoginRequired", why);
            }
            Access::Wait(_) | Access::RetryAt(_) => {}
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
                if let SessionAction::LoginRequired(why) = &action {
                    self.watch.display("LoginRequired", why);
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
        "access_token": NEXT_ACCESS, "token_type": "Bearer", "refresh_token": NEXT_REFRESH, "id_token": ID_TOKEN,
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
        assert!(matches!(saved, Some(SessionAction::Save(_))));
        assert!(watched.handle(Event::ResponseReceived(id, answer()), at(202)).is_none());
        assert!(matches!(watched.access(at(202)), Access::Ready(_)));
        assert!(watched.handle(Event::RedirectReceived(&echo()), at(202)).is_none());

        let revocation = watched.session.sign_out().unwrap();
        watched.request(&revocation);
        assert!(watched.handle(Event::ResponseReceived(id, answer()), at(203)).is_none());
        let body = echo();
        let later = Response::new(503, &JSON, body.as_bytes());
        assert!(matches!(
            watched.handle(Event::ResponseReceived(revocation.id(), later), at(203)),
            Some(SessionAction::RetryAt(_))
        ));
        let revocation = watched.session.sign_out().unwrap();
        watched.handle(Event::ResponseReceived(revocation.id(), Response::new(200, &JSON, body.as_bytes())), at(205));
        assert!(matches!(watched.access(at(206)), Access::LoginRequired(_)));
    }
}

#[test]
fn a_refresh_that_fails_shows_nothing() {
    let echo = echo();
    let error = |error: &str| {
        serde_json::json!({ "error": error, "error_description": echo, "error_uri": format!("https://x.example/{ACCESS}") })
            .to_string()
    };
    let odd_type = serde_json::json!({ "access_token": NEXT_ACCESS, "token_type": echo }).to_string();
    for (status, body) in [
        (400, error("invalid_grant")),
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
        let _ = watched.access(at(202));
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
            if let Some(access) = watched.session.refused(&bearer, status, &[line], at(1)) {
                watched.see(&access);
            }
        }
    }
}

#[test]
fn a_saved_session_and_why_it_is_refused_show_nothing() {
    let watched = Watched::new(false);
    let saved = watched.session.save().unwrap();
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
    ] {
        watched.watch.debug("SavedSession", &saved);
        let error = Session::restore(secret_client(false), saved).unwrap_err();
        assert_eq!(error, expected);
        watched.watch.error("RestoreError", &error);
    }
    assert!(watched.watch.find(&serde_json::to_string(&saved).unwrap()).is_some(), "the search sees nothing");
}
