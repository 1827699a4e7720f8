//! Sessions in every phase, in every way that a trigger needs them.

use oauth_proto::session::SessionTrigger as Trigger;
use oauth_proto::{
    Access, Adopted, AuthorizationServer, Bearer, Client, Delivered, Event, Headers, RequestId, Response, SavedSession,
    Session, SessionAction, SessionPhase as Phase, SignOut, Target, UnixTime,
};
use serde_json::Value;

use crate::support::{at, client, entropy, json, refresh, server, session, state, INVALID_GRANT, REDIRECT_URI, START};

/// A session, what was handed out on the way, and the time.
pub struct Scene {
    pub session: Session,
    pub now: UnixTime,
    /// When the present token is fresh, whatever the time is.
    pub fresh: UnixTime,
    /// The last second in which the present token is good.
    pub last: UnixTime,
    pub bearer: Bearer,
    /// A request that has been answered.
    pub answered: RequestId,
    /// A refresh that was taken for lost.
    pub lost: Option<RequestId>,
    /// The request that was sent last.
    pub latest: RequestId,
    /// What was stored when the present tokens came.
    pub stored: Value,
}

impl Scene {
    pub fn seen(&self) -> String {
        let session = &self.session;
        #[cfg(feature = "openid")]
        let id_token = session.id_token().map(|token| token.reveal().to_owned());
        #[cfg(not(feature = "openid"))]
        let id_token: Option<String> = None;
        let pending = format!("{:?}", session.pending_action());
        let seen = (session.phase(), session.deadline(), session.scope(), id_token, session.last_error(), pending);
        format!("{seen:?} {}", serde_json::to_string(&session.save()).unwrap())
    }

    pub fn answer(&mut self, id: RequestId, answer: Response<'_>) -> Option<oauth_proto::Error> {
        self.session.handle(Event::ResponseReceived(id, answer), self.now).err()
    }

    pub fn refused(&mut self) -> Access {
        let lines = &["Bearer error=\"invalid_token\""];
        self.session.refused(&self.bearer, 401, lines, self.now).unwrap()
    }

    /// The bearer of the present token.
    fn take_bearer(&mut self, now: UnixTime) {
        let Access::Ready(bearer) = self.session.access(now) else { panic!("no token") };
        self.bearer = bearer;
    }
}

pub const fn tokens(n: u8) -> &'static str {
    match n {
        1 => r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#,
        // Due, and gone, while its refusal would still count as one more.
        3 => r#"{"access_token":"AT1","token_type":"Bearer","expires_in":40,"refresh_token":"RT1"}"#,
        5 => r#"{"access_token":"AT5","token_type":"Bearer","expires_in":3600,"refresh_token":"RT5"}"#,
        _ => r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600}"#,
    }
}

/// A client that can revoke, send the browser to log out, both or neither.
pub fn client_with(revocation: bool, logout: bool) -> Client {
    let mut server: AuthorizationServer = server();
    if revocation {
        server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
    }
    if logout {
        server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
    }
    Client::builder(server, "app", REDIRECT_URI).post_logout_redirect_uri("com.example.app:/bye").build().unwrap()
}

/// A fresh token that a refresh has brought; `after_refusal`, because the one before it was refused.
fn active(client: Client, after_refusal: bool) -> Scene {
    // With the time of its login, so that other logins are before or after it.
    let mut stored = serde_json::to_value(session(client.clone(), Some("RT0")).save()).unwrap();
    stored["logged_in_at"] = START.into();
    let mut session = Session::restore(client, form(&stored)).unwrap();
    let Access::Ready(bearer) = session.access(at(0)) else { panic!("no token") };
    let none = RequestId::from_u64(0);
    let [now, fresh, last] = [at(10); 3];
    let mut scene = Scene { session, now, fresh, last, bearer, answered: none, lost: None, latest: none, stored };
    let id = if after_refusal {
        let Access::SendRequest(request) = scene.refused() else { panic!("no refresh") };
        request.id()
    } else {
        scene.now = at(3590);
        scene.fresh = at(3590);
        refresh(&mut scene.session, scene.now)
    };
    let (body, lifetime) = if after_refusal { (tokens(3), 40) } else { (tokens(1), 3600) };
    assert!(scene.answer(id, json(200, body)).is_none());
    (scene.answered, scene.latest) = (id, id);
    scene.last = scene.fresh.saturating_add(lifetime - 1);
    scene.now = scene.now.saturating_add(5);
    scene.stored = serde_json::to_value(scene.session.save()).unwrap();
    scene.take_bearer(scene.now);
    scene
}

pub fn form(json: &Value) -> SavedSession {
    serde_json::from_value(json.clone()).unwrap()
}

/// Into the leeway of the present token, which is then due and still good.
fn when_due(mut scene: Scene) -> Scene {
    scene.now = scene.last;
    scene.take_bearer(scene.fresh);
    scene
}

fn refreshing(scene: Scene) -> Scene {
    let mut scene = when_due(scene);
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

/// The last refresh has left the refresh token as it was.
fn refreshing_reusable(scene: Scene) -> Scene {
    let mut scene = refreshing(scene);
    assert!(scene.answer(scene.latest, json(200, tokens(2))).is_none());
    scene.now = scene.now.saturating_add(3599);
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

/// What [`refreshing_beside_a_wait`] waits for.
pub fn waiting() -> Target {
    Target::resource("https://other.example.com/").unwrap()
}

/// The server has asked for patience for one API; the refresh is for another.
fn refreshing_beside_a_wait(scene: Scene) -> Scene {
    let mut scene = when_due(scene);
    let Access::SendRequest(request) = scene.session.access_for(&waiting(), scene.now) else { panic!("no refresh") };
    let refusal = Response::new(403, &[("retry-after", "600")], b"");
    assert!(scene.answer(request.id(), refusal).is_none());
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

fn lose(mut scene: Scene) -> Scene {
    assert!(scene.session.handle(Event::SendFailed(scene.latest, Delivered::Maybe), scene.now).is_ok());
    scene.lost = scene.lost.or(Some(scene.latest));
    scene
}

/// A second refresh is under way, since the first one has not been answered in time.
fn retrying_late(scene: Scene) -> Scene {
    let mut scene = refreshing(scene);
    scene.lost = Some(scene.latest);
    scene.now = scene.now.saturating_add(60);
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

/// A second refresh is under way, since nobody knows what became of the first one.
fn retrying(scene: Scene) -> Scene {
    let mut scene = unknown(scene);
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

/// A third one is, since somebody has decided so.
fn retrying_again(scene: Scene) -> Scene {
    let mut scene = exhausted(scene);
    scene.session.try_again();
    scene.now = scene.now.saturating_add(1);
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

fn unknown(scene: Scene) -> Scene {
    lose(refreshing(scene))
}

fn exhausted(scene: Scene) -> Scene {
    lose(retrying(scene))
}

/// The refresh under way was sent with a refresh token that has been replaced meanwhile.
fn superseded(scene: Scene) -> Scene {
    let mut scene = scene;
    let late = scene.lost.unwrap();
    assert!(scene.answer(late, json(200, tokens(5))).is_none());
    scene.stored = serde_json::to_value(scene.session.save()).unwrap();
    scene
}

/// Another process has sent so many refreshes with our refresh token, and got no answer.
fn marked(scene: Scene, losses: u8) -> Scene {
    let mut scene = scene;
    let mut marked = scene.stored.clone();
    marked["losses"] = losses.into();
    assert_eq!(scene.session.adopt(form(&marked)), Ok(Adopted::NotNewer));
    scene
}

/// The server has said that the grant has ended.
fn ended(client: Client) -> Scene {
    let mut scene = refreshing(active(client, false));
    assert!(scene.answer(scene.latest, json(400, INVALID_GRANT)).is_none());
    scene
}

/// Another process was told so first, and this one after a restart.
fn ended_after_a_restart(client: Client) -> Scene {
    let mut scene = active(client.clone(), false);
    scene.session = Session::restore(client, form(&scene.stored)).unwrap();
    scene.now = scene.last;
    scene.latest = refresh(&mut scene.session, scene.now);
    assert!(scene.answer(scene.latest, json(400, INVALID_GRANT)).is_none());
    scene
}

pub fn logout() -> SignOut {
    SignOut::new().logout(entropy(3))
}

/// Where the browser comes back to after [`logout`].
pub fn way_back() -> String {
    format!("com.example.app:/bye?state={}", state(3))
}

/// The first revocation is under way.
pub fn revoking(client: Client) -> Scene {
    let mut scene = refreshing(active(client, false));
    scene.lost = Some(scene.latest);
    let SessionAction::SendRequest(request) = scene.session.sign_out(logout()) else { panic!("no revocation") };
    scene.latest = request.id();
    scene
}

/// The next revocation.
fn next_revocation(scene: &mut Scene) {
    let Some(SessionAction::SendRequest(request)) = scene.session.pending_action() else { panic!("no revocation") };
    scene.latest = request.id();
}

/// The fifth revocation, which is the last one, is under way.
fn revoking_for_the_last_time() -> Scene {
    let mut scene = revoking(client());
    for (failed, status) in [503, 0, 429, 0].into_iter().enumerate() {
        let failure = match status {
            0 if failed == 1 => Event::SendFailed(scene.latest, Delivered::No),
            0 => Event::SendFailed(scene.latest, Delivered::Maybe),
            _ => Event::ResponseReceived(scene.latest, Response::new(status, Headers::NONE, b"")),
        };
        assert!(matches!(scene.session.handle(failure, scene.now), Ok(SessionAction::RetryAt(_))), "{failed}");
        next_revocation(&mut scene);
    }
    scene
}

/// The browser has come back, and the revocation is tried again.
fn revoking_after_the_logout() -> Scene {
    let mut scene = logging_out_with(503);
    let back = scene.session.handle(Event::RedirectReceived(&way_back()), scene.now);
    assert!(matches!(back, Ok(SessionAction::RetryAt(_))), "{back:?}");
    next_revocation(&mut scene);
    scene
}

/// In the browser, after a revocation that was answered so.
fn logging_out_with(status: u16) -> Scene {
    let mut scene = revoking(client_with(true, true));
    assert!(scene.answer(scene.latest, json(status, "")).is_none());
    scene
}

/// In the browser, with nothing to revoke.
fn logging_out() -> Scene {
    let mut scene = ended(client_with(false, true));
    assert!(matches!(scene.session.sign_out(logout()), SessionAction::OpenUrl(_)));
    scene
}

fn signed_out() -> Scene {
    let mut scene = revoking(client());
    assert!(scene.answer(scene.latest, json(200, "")).is_none());
    scene
}

fn signed_out_here() -> Scene {
    let mut scene = active(client_with(false, false), false);
    assert!(matches!(scene.session.sign_out(SignOut::new()), SessionAction::SignedOut));
    scene
}

fn signed_out_in_the_browser() -> Scene {
    let mut scene = logging_out();
    assert!(scene.session.handle(Event::RedirectReceived(&way_back()), scene.now).is_ok());
    scene
}

/// Sessions in this phase in which the trigger can be pulled; none if it cannot be.
pub fn bring(phase: Phase, on: Trigger) -> Vec<Scene> {
    let clients = match on {
        Trigger::SignOut => vec![client(), client_with(true, true)],
        Trigger::SignOutInBrowser => vec![client_with(false, true)],
        Trigger::SignOutHere => vec![client_with(false, false), client_with(false, true)],
        _ => vec![client()],
    };
    clients.into_iter().flat_map(|client| bring_with(&client, phase, on)).collect()
}

fn bring_with(client: &Client, phase: Phase, on: Trigger) -> Vec<Scene> {
    let after_refusal = on == Trigger::RefusedAgain;
    let plain = || active(client.clone(), after_refusal);
    match phase {
        // One's own refresh is in the mark too, unless it was with an earlier refresh token.
        Phase::Refreshing if matches!(on, Trigger::Superseded | Trigger::MarkedOnce) => {
            vec![superseded(retrying(plain())), superseded(retrying_late(plain())), superseded(retrying_again(plain()))]
        }
        Phase::Refreshing if on == Trigger::MarkedTwice => vec![refreshing(plain()), superseded(retrying(plain()))],
        Phase::Retrying if on == Trigger::Superseded => vec![marked(superseded(retrying(plain())), 1)],
        Phase::Retrying if on == Trigger::SupersededExhausted => vec![marked(superseded(retrying(plain())), 2)],
        Phase::Refreshing if on == Trigger::LostReusable => vec![refreshing_reusable(plain())],
        Phase::Refreshing if on == Trigger::AccessTimedOutWaiting => vec![refreshing_beside_a_wait(plain())],
        // Only late tokens can have replaced the refresh token of one that is under way, and they take all losses away; a
        // refresh token that lives on has none; and what was sent once more is not to be sent again.
        _ if matches!(
            on,
            Trigger::Superseded | Trigger::SupersededExhausted | Trigger::LostReusable | Trigger::AccessTimedOutWaiting
        ) =>
        {
            vec![]
        }
        Phase::Active => vec![if on == Trigger::AccessDue { when_due(plain()) } else { plain() }],
        Phase::Refreshing => vec![refreshing(plain())],
        Phase::OutcomeUnknown => vec![unknown(plain())],
        // A minute later the token has served for too long to be refused again.
        Phase::Retrying if after_refusal => vec![retrying(plain()), retrying_again(plain())],
        Phase::Retrying => vec![retrying(plain()), retrying_late(plain()), retrying_again(plain())],
        Phase::Exhausted => vec![exhausted(plain())],
        // The refresh token is gone: there is nothing to revoke.
        Phase::LoginRequired if on == Trigger::SignOut => vec![],
        Phase::LoginRequired if on == Trigger::SignOutInBrowser => {
            vec![ended(client.clone()), ended(client_with(true, true))]
        }
        Phase::LoginRequired if on == Trigger::SignOutHere => {
            vec![ended(client.clone()), ended(client_with(true, true))]
        }
        Phase::LoginRequired => vec![ended(client.clone()), ended_after_a_restart(client.clone())],
        Phase::SigningOut => match on {
            Trigger::RevocationLater | Trigger::NotDelivered | Trigger::MaybeDelivered => {
                vec![revoking(client_with(true, false)), revoking_after_the_logout()]
            }
            Trigger::RevocationGivenUp => vec![revoking_for_the_last_time()],
            Trigger::RevokedLogoutNext => vec![revoking(client_with(true, true))],
            Trigger::Revoked => {
                vec![revoking(client_with(true, false)), revoking_for_the_last_time(), revoking_after_the_logout()]
            }
            _ => vec![revoking(client_with(true, true)), revoking_for_the_last_time(), revoking_after_the_logout()],
        },
        Phase::LoggingOut => match on {
            Trigger::Returned => vec![logging_out(), logging_out_with(200), logging_out_with(400)],
            Trigger::ReturnedRevokeNext => vec![logging_out_with(503), logging_out_with(429)],
            _ => vec![logging_out(), logging_out_with(200), logging_out_with(503)],
        },
        Phase::SignedOut => vec![signed_out(), signed_out_here(), signed_out_in_the_browser()],
        other => panic!("{other:?} is new"),
    }
}
