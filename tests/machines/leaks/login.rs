//! A login to the end and to every kind of failure, its server echoing all it knows.

use oauth_proto::{
    Action, Client, Delivered, Error, Event, Headers, Login, Phase, Request, RequestId, Response, RestoreError,
    SavedLogin, UnixTime,
};

use super::watch::Watch;
use super::{
    echo, encoded, id_token, request, right_redirect, secret_client, watch, ACCESS, CLIENT_SECRET, CODE, FORGED,
    MFA_TOKEN, REFRESH,
};
use crate::support::{at, entropy, redirect, state, verifier};

/// A login of which everything that can be seen is searched at every step.
struct Watched {
    watch: Watch,
    login: Login,
    basic: bool,
}

impl Watched {
    fn new(basic: bool) -> Self {
        let login = Login::new(secret_client(basic), request()).unwrap();
        Self { watch: watch(), login, basic }
    }

    fn handle(&mut self, event: Event<'_>, now: UnixTime) -> Result<Action, Error> {
        self.watch.debug("Event", &event);
        let result = self.login.handle(event, now);
        self.look();
        match &result {
            Ok(action) => self.action(action),
            Err(error) => self.error(error),
        }
        self.watch.debug("Result<Action, Error>", &result);
        result
    }

    fn look(&self) {
        self.watch.debug("Login", &self.login);
        self.watch.debug("Client", self.login.client());
        if let Some(saved) = self.login.save() {
            self.watch.debug("SavedLogin", &saved);
        }
        if let Some(action) = self.login.pending_action() {
            self.action(&action);
        }
    }

    fn action(&self, action: &Action) {
        self.watch.debug("Action", action);
        match action {
            Action::OpenUrl(url) => {
                self.watch.debug("AuthorizationUrl", url);
                let in_url = Watch::new(&[verifier(1).as_bytes(), CLIENT_SECRET.as_bytes()]);
                in_url.text("the authorization URL", url);
            }
            Action::SendRequest(request) => self.request(request),
            Action::Verify(_) | Action::RetryAt(_) => {}
            Action::TokensReady(tokens) => {
                self.watch.debug("Tokens", tokens);
                self.watch.debug("Secret", &(tokens.access_token(), tokens.refresh_token()));
                #[cfg(feature = "openid")]
                self.watch.debug("IdToken", &tokens.id_token());
            }
        }
    }

    fn request(&self, request: &Request) {
        self.watch.debug("Request", request);
        self.watch.text("the request's URL", request.url());
        let has_header = request.headers().any(|(name, _)| name == "authorization");
        assert_eq!(has_header, self.basic);
        for (name, value) in request.headers() {
            let secret = name == "authorization";
            assert_eq!(self.watch.find(value).is_some(), secret, "{name}");
        }
        // The search would find the secrets where they belong.
        assert!(self.watch.find(core::str::from_utf8(request.body()).unwrap()).is_some());
    }

    fn error(&self, error: &Error) {
        self.watch.error("Error", error);
        self.watch.text("the error's code", error.code());
        if let Error::Refused(refused) = error {
            self.watch.debug("Refused", refused);
            self.watch.display("Refused", refused);
        }
    }

    fn start(&mut self) {
        self.look();
        let Ok(Action::OpenUrl(_)) = self.handle(Event::Start(entropy(1)), at(0)) else { panic!("not started") };
    }

    fn exchange(&mut self) -> RequestId {
        self.start();
        let url = right_redirect();
        match self.handle(Event::RedirectReceived(&url), at(1)) {
            Ok(Action::SendRequest(request)) => request.id(),
            other => panic!("{other:?}"),
        }
    }

    fn fail(&mut self, event: Event<'_>, code: &str) {
        assert_eq!(self.handle(event, at(2)).unwrap_err().code(), code);
        assert_eq!(self.login.phase(), Phase::Failed);
        let url = right_redirect();
        assert_eq!(self.handle(Event::RedirectReceived(&url), at(3)).unwrap_err().code(), code);
    }

    /// Events that are refused, in any phase that is not over.
    fn refuse(&mut self) {
        let (state, forged) = (state(1), encoded(FORGED));
        let (body, id) = (echo(), RequestId::from_u64(5));
        let strays = [
            format!("https://evil.example/callback?code={forged}&state={state}"),
            redirect(&format!("code={forged}&state={state}&state={forged}")),
            redirect(&format!("code={forged}&state={forged}")),
            redirect(&format!("error={forged}&error_description={forged}")),
            redirect(&format!("code={}&state={state}", forged.repeat(4000))),
        ];
        for url in strays {
            assert!(!self.handle(Event::RedirectReceived(&url), at(1)).unwrap_err().is_fatal());
        }
        let response = Response::new(200, Headers::NONE, body.as_bytes());
        assert!(!self.handle(Event::ResponseReceived(id, response), at(1)).unwrap_err().is_fatal());
        assert!(!self.handle(Event::SendFailed(id, Delivered::Maybe), at(1)).unwrap_err().is_fatal());
    }
}

#[test]
fn a_login_that_succeeds_shows_nothing() {
    for basic in [false, true] {
        let mut watched = Watched::new(basic);
        watched.refuse();
        watched.start();
        watched.refuse();
        assert_eq!(watched.handle(Event::Start(entropy(1)), at(1)).unwrap_err().code(), "already_started");
        let url = right_redirect();
        let Ok(Action::SendRequest(request)) = watched.handle(Event::RedirectReceived(&url), at(1)) else { panic!() };
        watched.refuse();
        let again = watched.handle(Event::SendFailed(request.id(), Delivered::No), at(2));
        assert!(matches!(again, Ok(Action::SendRequest(_))));
        let body = serde_json::json!({
            "access_token": ACCESS, "token_type": "Bearer", "refresh_token": REFRESH, "id_token": id_token(),
            "scope": "openid", "unknown": echo(), "expires_in": 3600,
        })
        .to_string();
        let echoed = echo();
        let headers = [("content-type", "application/json"), ("x-echo", echoed.as_str())];
        let response = Response::new(200, &headers, body.as_bytes());
        let tokens = match watched.handle(Event::ResponseReceived(request.id(), response), at(3)) {
            Ok(Action::TokensReady(tokens)) => tokens,
            other => panic!("{other:?}"),
        };
        watched.refuse();
        assert_eq!(tokens.access_token().reveal(), ACCESS);
    }
}

#[test]
fn a_redirect_that_ends_a_login_shows_nothing() {
    let (state, echo) = (state(1), encoded(&echo()));
    let code = encoded(CODE);
    for (query, error) in [
        (
            format!("error={echo}&error_description={echo}&error_uri=https%3A%2F%2Fx.example%2F{code}&state={state}"),
            "authorization_error",
        ),
        (format!("error=access_denied&error_description={echo}&code={code}&state={state}"), "authorization_error"),
        (format!("error=%22{echo}&state={state}"), "redirect_malformed"),
        (format!("code={code}%0D%0A&state={state}"), "redirect_malformed"),
        (format!("state={state}&id_token={echo}&access_token={echo}"), "missing_code"),
    ] {
        let mut watched = Watched::new(false);
        watched.start();
        watched.fail(Event::RedirectReceived(&redirect(&query)), error);
    }
    for iss in ["", "&iss=https%3A%2F%2Fevil.example%2FcOdE.cAnArY%2F1%2Bx%3D%3D"] {
        let server = crate::support::server().issuer("https://as.example.com").unwrap().require_iss();
        let client = Client::builder(server, "app", crate::support::REDIRECT_URI).client_secret(CLIENT_SECRET);
        #[cfg(feature = "openid")]
        let client = client.accept_id_tokens_on_tls_alone();
        let login = Login::new(client.build().unwrap(), request()).unwrap();
        let mut watched = Watched { watch: watch(), login, basic: true };
        watched.start();
        let error = if iss.is_empty() { "issuer_missing" } else { "issuer_mismatch" };
        watched.fail(Event::RedirectReceived(&format!("{}{iss}", right_redirect())), error);
    }
}

#[test]
fn an_answer_that_ends_a_login_shows_nothing() {
    let echo = echo();
    let error = |error: &str| {
        serde_json::json!({
            "error": error, "error_description": echo, "error_uri": format!("https://x.example/{}", encoded(&echo)),
            "unknown": echo, "access_token": ACCESS, "token_type": echo, "mfa_token": MFA_TOKEN,
        })
        .to_string()
    };
    let tokens = |kind: &str, access: &str, id_token: Option<&str>| {
        serde_json::json!({ "access_token": access, "token_type": kind, "id_token": id_token, "u": echo }).to_string()
    };
    let id_token = &id_token();
    let (json, html) = ("application/json", "text/html");
    for (status, content_type, body, code) in [
        (400, json, error("invalid_grant"), "oauth_error"),
        (401, json, error(&echo), "oauth_error"),
        (200, json, error(CLIENT_SECRET), "oauth_error"),
        (200, json, error("\"quoted\""), "response_malformed"),
        (500, json, error(&echo), "unavailable"),
        (502, html, format!("<h1>{echo}</h1>"), "unavailable"),
        (404, html, format!("<h1>{echo}</h1>"), "http_error"),
        (200, html, format!("<h1>{echo}</h1>"), "unexpected_content_type"),
        (302, html, echo.clone(), "redirect_refused"),
        (200, json, echo.clone(), "response_malformed"),
        (200, json, format!("{}{{", tokens("Bearer", ACCESS, Some(id_token))), "response_malformed"),
        (200, json, tokens("Bearer", &format!("{ACCESS}\r\n"), Some(id_token)), "response_malformed"),
        (200, json, tokens(&echo, ACCESS, Some(id_token)), "unsupported_token_type"),
        (200, json, tokens("", ACCESS, Some(id_token)), "missing_token_type"),
        (200, json, tokens("Bearer", "", Some(id_token)), "missing_access_token"),
        (200, json, tokens("Bearer", ACCESS, None), "missing_id_token"),
        (200, json, echo.repeat(6000), "response_too_large"),
    ] {
        if code == "missing_id_token" && !cfg!(feature = "openid") {
            continue; // nobody asked for one
        }
        let mut watched = Watched::new(true);
        let id = watched.exchange();
        let url = right_redirect();
        let headers = [("content-type", content_type), ("location", url.as_str()), ("retry-after", echo.as_str())];
        watched.fail(Event::ResponseReceived(id, Response::new(status, &headers, body.as_bytes())), code);
    }
}

#[test]
fn a_login_that_is_over_shows_nothing() {
    let mut watched = Watched::new(false);
    let id = watched.exchange();
    watched.fail(Event::SendFailed(id, Delivered::Maybe), "outcome_unknown");
    for started in [false, true] {
        let mut watched = Watched::new(false);
        if started {
            watched.start();
        }
        watched.fail(Event::Cancelled, "cancelled");
    }
    let mut watched = Watched::new(false);
    watched.start();
    let url = right_redirect();
    assert_eq!(watched.handle(Event::RedirectReceived(&url), at(3601)).unwrap_err().code(), "expired");
}

#[test]
fn a_saved_login_and_why_it_is_refused_show_nothing() {
    let mut watched = Watched::new(false);
    watched.start();
    let saved = watched.login.save().unwrap();
    let tampered = |member: &str, value: serde_json::Value| {
        let mut json = serde_json::to_value(&saved).unwrap();
        json[member] = value;
        serde_json::from_value::<SavedLogin>(json).unwrap()
    };
    let client = || secret_client(false);
    for (client, saved, now, expected) in [
        (client(), tampered("version", 1.into()), at(1), RestoreError::UnknownVersion),
        (client(), tampered("client", CLIENT_SECRET.into()), at(1), RestoreError::OtherClient),
        (client(), saved.clone(), at(3601), RestoreError::Expired),
        (client(), tampered("state", CODE.into()), at(1), RestoreError::Malformed),
        (client(), tampered("request", serde_json::json!([["state", CODE]])), at(1), RestoreError::Malformed),
        (client(), tampered("nonce", verifier(1)[1..].into()), at(1), RestoreError::Malformed),
        (client(), tampered("nonce", verifier(1).into()), at(1), RestoreError::Malformed),
    ] {
        watched.watch.debug("SavedLogin", &saved);
        let error = Login::resume(client, saved, now).unwrap_err();
        assert_eq!(error, expected);
        watched.watch.error("RestoreError", &error);
    }
    assert!(watched.watch.find(&serde_json::to_string(&saved).unwrap()).is_some(), "the search sees nothing");
    assert_eq!(Login::resume(secret_client(true), saved, at(1)).unwrap().phase(), Phase::AwaitingRedirect);
}
