//! Sequences of events around a refresh. Each script does what its case says in words, and ends with the words of the
//! outcome, which it has checked.

use oauth_proto::{
    Access, Action, AuthorizationRequest, Delivered, Error, Event, Ignored, LoginRequired, Over, Request, RequestId,
    Response, Secret, Session, SessionAction, SessionPhase, SignOut, Tokens, UnixTime,
};
use serde_json::{json, Value};

use crate::support::{
    cases, client, exchange, ready, run_scripts, started, stored_refresh_token, text, Host, Script, NOW,
};

const SCRIPTS: &[(&str, Script)] = &[
    ("near-expiry-refreshes", near_expiry_refreshes),
    ("expired-no-refresh-token", expired_no_refresh_token),
    ("hundred-concurrent-needs-one-request", hundred_concurrent_needs_one_request),
    ("invalid-grant-is-final", invalid_grant_is_final),
    ("late-duplicate-response", late_duplicate_response),
    ("response-for-unknown-request", response_for_unknown_request),
    ("network-error-then-need-again", network_error_then_need_again),
    ("lost-response-then-invalid-grant", lost_response_then_invalid_grant),
    ("timeout-then-late-success", timeout_then_late_success),
    ("429-retry-after", retry_after_429),
    ("503-retry-after-date", retry_after_date_503),
    ("500-keeps-token", html_500_keeps_token),
    ("403-html-keeps-token", html_403_keeps_token),
    ("api-403-insufficient-scope-no-refresh", api_403_insufficient_scope_no_refresh),
    ("api-401-other-scheme-no-refresh", api_401_other_scheme_one_refresh),
    ("refresh-while-login-pending", refresh_while_login_pending),
    ("clock-moved-back", clock_moved_back),
    ("restored-session-expired", restored_session_expired),
    ("logout-during-refresh-revokes", logout_during_refresh_revokes),
    ("revocation-503-keeps-pending", revocation_503_keeps_pending),
    ("revocation-200-any-body", revocation_200_any_body),
];

#[test]
fn every_case() {
    run_scripts("refresh_sequences", SCRIPTS);
}

#[test]
fn every_setup_is_one_that_the_scripts_make() {
    let known = [
        "access token AT1 expires at t=1000, refresh token RT1, skew allowance 60 s, scope 'a b'",
        "access token AT1 expires at t=1000, refresh token RT1, skew allowance 60 s, scope 'a b', DPoP key K",
        "AT1 expired, no refresh token",
        "session restored from storage at t=5000: AT1 expired at 1000, RT1",
    ];
    for case in cases("refresh_sequences") {
        assert!(known.contains(&text(&case["setup"])), "{}", case["name"]);
    }
}

const EXPIRED: UnixTime = UnixTime::from_secs(1100);
const NEW_TOKENS: &[u8] = br#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#;
const INVALID_GRANT: &[u8] = br#"{"error":"invalid_grant"}"#;
const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const HTML: &[(&str, &str)] = &[("Content-Type", "text/html")];

/// A session and what it had sent.
struct Scene {
    session: Session,
    host: Host,
}

impl Scene {
    /// AT1 until t=1000, RT1, scope `a b`; the client's leeway is 60 s unless it is set.
    fn new() -> Self {
        let tokens =
            Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(UnixTime::from_secs(1000)), "a b");
        Self { session: Session::new(client(), tokens), host: Host::default() }
    }

    /// Somebody needs a token, and a refresh with this refresh token is sent for it.
    fn refresh(&mut self, now: UnixTime, refresh_token: &str) -> RequestId {
        let Access::SendRequest(request) = self.session.access(now) else { panic!("a refresh is due") };
        let id = self.host.send(&request);
        assert_eq!(self.host.last("refresh_token").as_deref(), Some(refresh_token));
        assert_eq!(self.session.phase(), SessionPhase::Refreshing);
        id
    }

    fn answer(
        &mut self,
        id: RequestId,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
        now: UnixTime,
    ) -> Result<SessionAction, Error> {
        self.session.handle(Event::ResponseReceived(id, Response::new(status, headers, body)), now)
    }

    /// New tokens arrive: they are handed out for storing before anybody gets the new access token.
    fn renew(&mut self, id: RequestId, now: UnixTime) {
        let action = self.answer(id, 200, JSON, NEW_TOKENS, now);
        assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
        let saved = serde_json::to_value(self.session.save()).unwrap();
        assert_eq!((&saved["access_token"], &saved["refresh_token"]), (&json!("AT2"), &json!("RT2")));
    }

    /// The request of this id fails: the time at which the next one may be sent.
    fn fail(&mut self, id: RequestId, delivered: Delivered, now: UnixTime) -> UnixTime {
        let action = self.session.handle(Event::SendFailed(id, delivered), now);
        let Ok(SessionAction::RetryAt(time)) = action else { panic!("{action:?}") };
        assert!(time <= now.saturating_add(2), "the first time it is a moment");
        time
    }

    /// The server says that the grant is over: nobody gets a token any more, and the refresh token is gone.
    fn end_grant(&mut self, id: RequestId) {
        let action = self.answer(id, 400, JSON, INVALID_GRANT, EXPIRED);
        let Ok(SessionAction::LoginRequired(why)) = action else { panic!("{action:?}") };
        assert!(matches!(&why, LoginRequired::GrantEnded(error) if error.code() == "oauth_error"), "{why}");
        let access = self.session.access(EXPIRED.saturating_add(3600));
        assert!(matches!(&access, Access::LoginRequired(again) if *again == why), "{access:?}");
        assert!(matches!(self.session.sign_out(SignOut::new()), SessionAction::SignedOut), "nothing is left to revoke");
    }

    /// Somebody needs a token and gets this one.
    fn gets(&mut self, now: UnixTime, token: &str) {
        assert_eq!(ready(&mut self.session, now).token().reveal(), token);
    }

    fn sign_out(&mut self) -> Request {
        let action = self.session.sign_out(SignOut::new());
        let SessionAction::SendRequest(request) = action else { panic!("{action:?}") };
        self.host.send(&request);
        assert_eq!(request.url(), "https://as.example.com/revoke");
        assert_eq!(self.host.last("token").as_deref(), Some("RT1"));
        assert!(self.session.save().is_none(), "local tokens are gone at once");
        request
    }

    fn is_signed_out(&mut self, now: UnixTime) {
        assert!(matches!(self.session.access(now), Access::LoginRequired(LoginRequired::SignedOut)));
    }

    fn outcome(&self, outcome: &str) -> Value {
        json!({
            "token_requests": self.host.count("refresh_token"),
            "outcome": outcome,
            "stored_refresh_token": stored_refresh_token(&self.session),
        })
    }
}

fn is_unknown(result: Result<SessionAction, Error>) {
    assert_eq!(result.unwrap_err(), Error::Ignored(Ignored::UnknownRequest));
}

fn near_expiry_refreshes() -> Value {
    let mut scene = Scene::new();
    scene.gets(UnixTime::from_secs(939), "AT1");
    let now = UnixTime::from_secs(950);
    let id = scene.refresh(now, "RT1");
    scene.renew(id, now);
    scene.gets(now, "AT2");
    scene.outcome("AT2 given")
}

fn expired_no_refresh_token() -> Value {
    let tokens = Tokens::from_parts(Secret::new("AT1"), None, Some(UnixTime::from_secs(1000)), "a b");
    let mut scene = Scene { session: Session::new(client(), tokens), host: Host::default() };
    assert!(matches!(scene.session.access(EXPIRED), Access::LoginRequired(LoginRequired::NoRefreshToken)));
    scene.outcome("login required")
}

fn hundred_concurrent_needs_one_request() -> Value {
    let mut scene = Scene::new();
    let id = scene.refresh(EXPIRED, "RT1");
    for _ in 1..100 {
        assert!(matches!(scene.session.access(EXPIRED), Access::Wait(other) if other == id));
    }
    scene.renew(id, EXPIRED);
    for _ in 0..100 {
        scene.gets(EXPIRED, "AT2");
    }
    scene.outcome("all 100 get AT2")
}

fn invalid_grant_is_final() -> Value {
    let mut scene = Scene::new();
    let id = scene.refresh(EXPIRED, "RT1");
    scene.end_grant(id);
    scene.outcome("both: login required; no second request with RT1")
}

fn late_duplicate_response() -> Value {
    let mut scene = Scene::new();
    let id = scene.refresh(EXPIRED, "RT1");
    scene.renew(id, EXPIRED);
    let saved = serde_json::to_value(scene.session.save()).unwrap();
    is_unknown(scene.answer(id, 200, JSON, NEW_TOKENS, EXPIRED));
    assert_eq!(serde_json::to_value(scene.session.save()).unwrap(), saved);
    scene.outcome("second delivery ignored; RT2 stored once")
}

fn response_for_unknown_request() -> Value {
    let (mut scene, now) = (Scene::new(), UnixTime::from_secs(100));
    is_unknown(scene.answer(RequestId::from_u64(1), 200, JSON, NEW_TOKENS, now));
    scene.gets(now, "AT1");
    scene.outcome("ignored; AT1 / RT1 unchanged")
}

fn network_error_then_need_again() -> Value {
    // Whether or not the request may have arrived.
    let outcomes = [Delivered::No, Delivered::Maybe].map(|delivered| {
        let mut scene = Scene::new();
        let first = scene.refresh(EXPIRED, "RT1");
        let later = scene.fail(first, delivered, EXPIRED);
        assert_eq!(later == EXPIRED, delivered == Delivered::No, "what was not delivered costs no wait");
        let second = scene.refresh(later, "RT1");
        assert_ne!(first, second);
        scene.renew(second, later);
        scene.gets(later, "AT2");
        scene.outcome("second request carries RT1 again; B gets AT2")
    });
    let [not_delivered, maybe_delivered] = outcomes;
    assert_eq!(not_delivered, maybe_delivered);
    maybe_delivered
}

fn lost_response_then_invalid_grant() -> Value {
    let mut scene = Scene::new();
    let first = scene.refresh(EXPIRED, "RT1");
    let later = scene.fail(first, Delivered::Maybe, EXPIRED);
    let second = scene.refresh(later, "RT1");
    scene.end_grant(second);
    scene.outcome("login required; RT1 dropped; no third request")
}

fn timeout_then_late_success() -> Value {
    let mut scene = Scene::new();
    let first = scene.refresh(EXPIRED, "RT1");
    let later = scene.fail(first, Delivered::Maybe, EXPIRED);
    let second = scene.refresh(later, "RT1");
    scene.renew(first, later);
    let action = scene.answer(second, 400, JSON, INVALID_GRANT, later);
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "of RT1, it says nothing about RT2: {action:?}");
    assert_eq!(scene.session.phase(), SessionPhase::Active);
    scene.gets(later, "AT2");
    let mut outcome = scene.outcome(
        "R1's late success is accepted or R2 fails: either tokens AT2/RT2 are kept or login required; never a mix, \
         never RT1 again",
    );
    assert_eq!(outcome["stored_refresh_token"], "RT2");
    outcome["stored_refresh_token"] = json!("RT2 or none");
    outcome
}

/// The server asks for this much patience: nobody has anything sent before that, nor waits for much longer.
fn patience(scene: &mut Scene, action: Result<SessionAction, Error>, asked: u64) {
    let Ok(SessionAction::RetryAt(until)) = action else { panic!("{action:?}") };
    let wait = until.saturating_since(EXPIRED);
    assert!((asked..=asked + asked / 32 + 1).contains(&wait), "{wait}");
    for seconds in [0, 10, asked - 1] {
        let access = scene.session.access(EXPIRED.saturating_add(seconds));
        assert!(matches!(access, Access::RetryAt(at) if at == until), "{access:?}");
    }
}

fn retry_after_429() -> Value {
    let mut scene = Scene::new();
    let id = scene.refresh(EXPIRED, "RT1");
    let action = scene.answer(id, 429, &[("Retry-After", "30")], b"", EXPIRED);
    patience(&mut scene, action, 30);
    let later = EXPIRED.saturating_add(31);
    let id = scene.refresh(later, "RT1");
    scene.renew(id, later);
    scene.gets(later, "AT2");
    scene.outcome("A and B fail as transient (no request before t+30); C's need sends the second request and gets AT2")
}

fn retry_after_date_503() -> Value {
    let mut scene = Scene::new();
    let id = scene.refresh(EXPIRED, "RT1");
    let headers = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT")];
    let action = scene.answer(id, 503, &headers, b"", EXPIRED);
    patience(&mut scene, action, 60);
    scene.outcome("B fails as transient without a request")
}

/// An answer that is not OAuth's: the code of the error that is kept.
fn html(scene: &mut Scene, status: u16) -> &'static str {
    let id = scene.refresh(EXPIRED, "RT1");
    let action = scene.answer(id, status, HTML, b"<html></html>", EXPIRED);
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    let error = scene.session.last_error().expect("a reason");
    let Error::Refused(refused) = error else { panic!("{error}") };
    assert_eq!((refused.status(), refused.oauth_error()), (Some(status), None));
    error.code()
}

fn html_500_keeps_token() -> Value {
    let mut scene = Scene::new();
    assert_eq!(html(&mut scene, 500), "unavailable");
    scene.outcome("transient error; RT1 kept")
}

fn html_403_keeps_token() -> Value {
    let mut scene = Scene::new();
    assert_eq!(html(&mut scene, 403), "http_error");
    scene.outcome("http_error 403; RT1 kept")
}

fn api_403_insufficient_scope_no_refresh() -> Value {
    let (mut scene, now) = (Scene::new(), UnixTime::from_secs(100));
    let bearer = ready(&mut scene.session, now);
    let challenge = r#"Bearer error="insufficient_scope", scope="a b c""#;
    let access = scene.session.refused(&bearer, 403, &[("WWW-Authenticate", challenge)], now);
    let Some(Access::LoginRequired(LoginRequired::InsufficientScope { scope: Some(needed), request })) = access else {
        panic!("{access:?}")
    };
    assert_eq!(needed.as_str(), "a b c");
    assert_eq!(request.requested_scope(), "a b c", "what was granted, and what is demanded");
    scene.gets(now, "AT1");
    scene.outcome("error to the caller with the needed scope")
}

fn api_401_other_scheme_one_refresh() -> Value {
    let (mut scene, now) = (Scene::new(), UnixTime::from_secs(100));
    let bearer = ready(&mut scene.session, now);
    let basic = &[("WWW-Authenticate", "Basic realm=x")];
    let Some(Access::SendRequest(refresh)) = scene.session.refused(&bearer, 401, basic, now) else {
        panic!("a refresh")
    };
    let id = scene.host.send(&refresh);
    scene.renew(id, now);
    let bearer = ready(&mut scene.session, now);
    let access = scene.session.refused(&bearer, 401, basic, now);
    assert!(matches!(access, Some(Access::LoginRequired(LoginRequired::TokenRefused))), "{access:?}");
    scene.gets(now, "AT2");
    scene.outcome("one refresh attempt")
}

fn refresh_while_login_pending() -> Value {
    let mut scene = Scene::new();
    let (mut login, _) = started(client(), AuthorizationRequest::new().scope("a b")).unwrap();
    let id = scene.refresh(EXPIRED, "RT1");
    scene.renew(id, EXPIRED);
    scene.gets(EXPIRED, "AT2");
    let request = exchange(&mut login, "C1");
    scene.host.send(&request);
    scene.gets(EXPIRED, "AT2");
    let body = br#"{"access_token":"AT3","token_type":"Bearer","expires_in":3600,"refresh_token":"RT3"}"#;
    let answer = Event::ResponseReceived(request.id(), Response::new(200, JSON, body));
    let Ok(Action::TokensReady(tokens)) = login.handle(answer, NOW) else { panic!("tokens") };
    scene.session = Session::new(client(), tokens);
    scene.gets(NOW, "AT3");
    let mut outcome =
        scene.outcome("refresh and login do not disturb each other; after the login its tokens replace the session");
    assert_eq!(outcome["stored_refresh_token"], "RT3");
    outcome["stored_refresh_token"] = json!("tokens of the login");
    outcome
}

fn clock_moved_back() -> Value {
    let mut scene = Scene::new();
    scene.gets(UnixTime::from_secs(500), "AT1");
    scene.outcome("AT1 given (will be refused by the API and refreshed then); no panic on negative durations")
}

fn restored_session_expired() -> Value {
    let stored = serde_json::to_string(&Scene::new().session.save()).unwrap();
    let saved = serde_json::from_str(&stored).unwrap();
    let now = UnixTime::from_secs(5000);
    let session = Session::restore(client(), saved).expect("the same client");
    let mut scene = Scene { session, host: Host::default() };
    let id = scene.refresh(now, "RT1");
    scene.renew(id, now);
    scene.gets(now, "AT2");
    scene.outcome("AT2 given; new state must be stored before or when AT2 is given")
}

fn logout_during_refresh_revokes() -> Value {
    let mut scene = Scene::new();
    let id = scene.refresh(EXPIRED, "RT1");
    let revocation = scene.sign_out();
    scene.is_signed_out(EXPIRED);
    // R1 may have brought a refresh token that nobody knows.
    assert_eq!(scene.session.last_error(), Some(&Error::Over(Over::NotRevoked)));
    let action = scene.answer(id, 200, JSON, NEW_TOKENS, EXPIRED);
    assert!(matches!(action, Ok(SessionAction::RetryAt(at)) if at == EXPIRED), "{action:?}");
    assert_eq!(scene.session.last_error(), Some(&Error::Over(Over::NotRevoked)), "until the server has been told");
    scene.is_signed_out(EXPIRED);
    let action = scene.answer(revocation.id(), 200, &[], b"", EXPIRED);
    let Ok(SessionAction::SendRequest(revocation)) = action else { panic!("{action:?}") };
    scene.host.send(&revocation);
    assert_eq!(scene.host.last("token").as_deref(), Some("RT2"));
    let action = scene.answer(revocation.id(), 200, &[], b"", EXPIRED);
    assert!(matches!(action, Ok(SessionAction::SignedOut)), "{action:?}");
    assert!(scene.session.last_error().is_none());
    scene.outcome("revocation of RT1 is sent; A fails; RT2 that R1 brings late is revoked, too")
}

fn revocation_503_keeps_pending() -> Value {
    let mut scene = Scene::new();
    let request = scene.sign_out();
    let action = scene.answer(request.id(), 503, &[("Retry-After", "5")], b"", EXPIRED);
    let Ok(SessionAction::RetryAt(until)) = action else { panic!("{action:?}") };
    assert!((5..=6).contains(&until.saturating_since(EXPIRED)), "{until:?}");
    scene.is_signed_out(EXPIRED);
    let Some(SessionAction::SendRequest(again)) = scene.session.pending_action() else {
        panic!("the revocation again")
    };
    assert_ne!(again.id(), request.id());
    scene.outcome("local tokens are gone; revocation may be retried after 5 s")
}

fn revocation_200_any_body() -> Value {
    let mut scene = Scene::new();
    let request = scene.sign_out();
    let action = scene.answer(request.id(), 200, HTML, b"<html>anything", EXPIRED);
    assert!(matches!(action, Ok(SessionAction::SignedOut)), "{action:?}");
    assert_eq!(scene.session.phase(), SessionPhase::SignedOut);
    assert!(scene.session.last_error().is_none());
    scene.outcome("done; body ignored")
}
