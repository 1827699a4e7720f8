//! Sessions in every phase, in every way that a trigger needs them.

use oauth_proto::session::transitions::SessionTrigger as Trigger;
use oauth_proto::{
    Access, Bearer, Client, Delivered, Event, Headers, RequestId, Response, SavedSession, Session, SessionAction,
    SessionPhase as Phase, SignOut, UnixTime,
};
use serde_json::{json, Value};

use crate::support::{
    at, bearer, entropy, json as answer, refresh, refuse, server, session, state, INVALID_GRANT, REDIRECT_URI, START,
};

/// A session, what was handed out on the way, and the time.
pub struct Scene {
    pub session: Session,
    pub now: UnixTime,
    /// When the present token is fresh, whatever the time is.
    pub fresh: UnixTime,
    pub bearer: Bearer,
    /// A request that has been answered.
    pub answered: RequestId,
    /// A refresh whose answer was lost.
    pub lost: Option<RequestId>,
    /// The refresh that was sent last.
    pub latest: RequestId,
    pub revocation: Option<RequestId>,
    /// What was stored when the present tokens came.
    pub stored: Value,
}

impl Scene {
    pub fn seen(&self) -> String {
        let session = &self.session;
        let seen = (session.phase(), session.deadline(), session.scope(), session.last_error());
        format!("{seen:?} {:?} {}", session.pending_action(), serde_json::to_string(&session.save()).unwrap())
    }

    pub fn answer(&mut self, id: RequestId, answer: Response<'_>) -> Option<oauth_proto::Error> {
        self.session.handle(Event::ResponseReceived(id, answer), self.now).err()
    }

    pub fn refused(&mut self) -> Access {
        refuse(&mut self.session, &self.bearer, 401, &["Bearer error=\"invalid_token\""], self.now).unwrap()
    }
}

/// A new access token, and a new refresh token too.
pub fn tokens(number: u8, expires_in: u64) -> String {
    json!({
        "access_token": format!("AT{number}"), "token_type": "Bearer", "expires_in": expires_in,
        "refresh_token": format!("RT{number}"),
    })
    .to_string()
}

/// A client that can revoke, send the browser to log out, both or neither.
pub fn client_with(revocation: bool, logout: bool) -> Client {
    let mut server = server();
    if revocation {
        server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
    }
    if logout {
        server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
    }
    #[cfg(feature = "openid")]
    {
        use crate::support::openid::{ISSUER, JWKS_URI};
        server = server.issuer(ISSUER).unwrap().jwks_uri(JWKS_URI).unwrap();
    }
    let builder = Client::builder(server, "app", REDIRECT_URI).post_logout_redirect_uri("com.example.app:/bye");
    #[cfg(feature = "openid")]
    let builder = builder.accept_id_tokens_on_tls_alone();
    builder.build().unwrap()
}

/// A token that a refresh has brought, at the time 10, for an hour; `after_refusal`, because the one before it was refused, and
/// for 40 seconds: it is due, and gone, while its refusal would still be one too many.
fn active(client: &Client, after_refusal: bool) -> Scene {
    // Of a login that asked who the user is.
    let mut stored = serde_json::to_value(session(client.clone(), Some("RT0")).save()).unwrap();
    (stored["request"], stored["since"]) = (json!([["scope", "openid read"]]), START.into());
    stored["expires_at"] = if after_refusal { Value::Null } else { at(65).as_secs().into() };
    let mut session = Session::restore(client.clone(), form(&stored)).unwrap();
    let (now, fresh, none) = (at(10), at(12), RequestId::from_u64(0));
    let before = bearer(&mut session, at(0));
    let id = if after_refusal {
        let Some(Access::SendRequest(request)) = refuse(&mut session, &before, 401, &[], now) else { panic!() };
        request.id()
    } else {
        refresh(&mut session, now)
    };
    let body = tokens(1, if after_refusal { 40 } else { 3600 });
    assert!(matches!(session.handle(Event::ResponseReceived(id, answer(200, &body)), now), Ok(SessionAction::Save)));
    let stored = serde_json::to_value(session.save()).unwrap();
    let bearer = bearer(&mut session, fresh);
    let (lost, revocation) = (None, None);
    Scene { session, now: at(15), fresh, bearer, answered: id, lost, latest: none, revocation, stored }
}

pub fn form(json: &Value) -> SavedSession {
    serde_json::from_value(json.clone()).unwrap()
}

/// Into the leeway of the present token, which is then due and still good.
fn when_due(mut scene: Scene) -> Scene {
    let expires_at = scene.bearer.expires_at().unwrap().as_secs();
    scene.now = UnixTime::from_secs(expires_at - 10);
    scene
}

fn refreshing(scene: Scene) -> Scene {
    let mut scene = when_due(scene);
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

/// Nobody knows what became of the last refresh, and it is time for the next one.
fn after_a_loss(scene: Scene) -> Scene {
    let mut scene = refreshing(scene);
    let failed = scene.session.handle(Event::SendFailed(scene.latest, Delivered::Maybe), scene.now);
    let Ok(SessionAction::RetryAt(next)) = failed else { panic!("{failed:?}") };
    (scene.lost, scene.now) = (Some(scene.latest), next);
    scene
}

fn refreshing_after_a_loss(scene: Scene) -> Scene {
    let mut scene = after_a_loss(scene);
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

/// So many were lost that the next one waits for longer than an answer may take.
fn refreshing_after_many_losses(scene: Scene) -> Scene {
    let mut scene = after_a_loss(scene);
    for _ in 0..8 {
        scene.latest = refresh(&mut scene.session, scene.now);
        let failed = scene.session.handle(Event::SendFailed(scene.latest, Delivered::Maybe), scene.now);
        let Ok(SessionAction::RetryAt(next)) = failed else { panic!("{failed:?}") };
        scene.now = next;
    }
    scene.latest = refresh(&mut scene.session, scene.now);
    scene
}

/// The server has said that the grant has ended.
fn ended(client: &Client) -> Scene {
    let mut scene = refreshing_after_a_loss(active(client, false));
    assert!(scene.answer(scene.latest, answer(400, INVALID_GRANT)).is_none());
    scene.answered = scene.latest;
    scene
}

/// The app has said so.
fn ended_by_the_app(client: &Client) -> Scene {
    let mut scene = refreshing_after_a_loss(active(client, false));
    let _ = scene.session.end_grant(oauth_proto::Error::Over(oauth_proto::Over::Cancelled));
    scene
}

pub fn logout() -> SignOut {
    SignOut::new().logout(entropy(3))
}

/// Where the browser comes back to after [`logout`].
pub fn way_back() -> String {
    format!("com.example.app:/bye?state={}", state(3))
}

/// The first revocation is under way; two refreshes may bring tokens yet.
pub fn revoking(client: &Client) -> Scene {
    let mut scene = refreshing_after_a_loss(active(client, false));
    let SessionAction::SendRequest(request) = scene.session.sign_out(logout()) else { panic!("no revocation") };
    scene.revocation = Some(request.id());
    scene
}

/// The next revocation.
fn next_revocation(scene: &mut Scene) {
    let Some(SessionAction::SendRequest(request)) = scene.session.pending_action() else { panic!("no revocation") };
    scene.revocation = Some(request.id());
}

/// The fifth revocation, which is the last one, is under way.
fn revoking_for_the_last_time(client: &Client) -> Scene {
    let mut scene = revoking(client);
    for failed in 0..4 {
        let id = scene.revocation.unwrap();
        let failure = match failed {
            0 => Event::SendFailed(id, Delivered::No),
            1 => Event::SendFailed(id, Delivered::Maybe),
            _ => Event::ResponseReceived(id, Response::new(503, Headers::NONE, b"")),
        };
        assert!(matches!(scene.session.handle(failure, scene.now), Ok(SessionAction::RetryAt(_))), "{failed}");
        next_revocation(&mut scene);
    }
    scene
}

/// The browser has come back, and the revocation is tried again.
fn revoking_after_the_logout() -> Scene {
    let mut scene = logging_out_after(503);
    let back = scene.session.handle(Event::RedirectReceived(&way_back()), scene.now);
    assert!(matches!(back, Ok(SessionAction::RetryAt(_))), "{back:?}");
    next_revocation(&mut scene);
    scene
}

/// In the browser, after a revocation that was answered so.
fn logging_out_after(status: u16) -> Scene {
    let mut scene = revoking(&client_with(true, true));
    assert!(scene.answer(scene.revocation.unwrap(), answer(status, "")).is_none());
    scene
}

/// A refresh token has come late.
fn with_late_tokens(mut scene: Scene) -> Scene {
    let late = scene.lost.unwrap();
    assert!(scene.answer(late, answer(200, &tokens(7, 60))).is_none());
    scene
}

/// In the browser, with nothing to revoke.
fn logging_out() -> Scene {
    let mut scene = ended(&client_with(false, true));
    assert!(matches!(scene.session.sign_out(logout()), SessionAction::OpenUrl(_)));
    scene
}

fn signed_out() -> Scene {
    let mut scene = revoking(&client_with(true, false));
    assert!(scene.answer(scene.revocation.unwrap(), answer(200, "")).is_none());
    scene
}

fn signed_out_in_the_browser() -> Scene {
    let mut scene = logging_out_after(200);
    assert!(scene.session.handle(Event::RedirectReceived(&way_back()), scene.now).is_ok());
    scene
}

fn signed_out_here() -> Scene {
    let mut scene = active(&client_with(false, false), false);
    assert!(matches!(scene.session.sign_out(SignOut::new()), SessionAction::SignedOut));
    scene
}

/// Sessions in this phase in which the trigger can be pulled; none if it cannot be.
pub fn bring(phase: Phase, on: Trigger) -> Vec<Scene> {
    if on == Trigger::SomebodyElses && !cfg!(feature = "openid") {
        return Vec::new();
    }
    let clients = match on {
        Trigger::SignOut => vec![client_with(true, false), client_with(true, true)],
        Trigger::SignOutInBrowser => vec![client_with(false, true)],
        Trigger::SignOutHere => vec![client_with(false, false), client_with(false, true)],
        _ => vec![client_with(true, false)],
    };
    clients.iter().flat_map(|client| bring_with(client, phase, on)).collect()
}

fn bring_with(client: &Client, phase: Phase, on: Trigger) -> Vec<Scene> {
    let plain = || active(client, on == Trigger::RefusedAgain);
    match phase {
        Phase::Refreshing if on == Trigger::AccessTimedOutWaiting => vec![refreshing_after_many_losses(plain())],
        _ if on == Trigger::AccessTimedOutWaiting => Vec::new(),
        Phase::Active if on == Trigger::AccessDue => vec![when_due(plain()), after_a_loss(plain())],
        Phase::Active if on == Trigger::LateTokens => vec![after_a_loss(plain())],
        Phase::Active => vec![plain()],
        Phase::Refreshing if on == Trigger::LateTokens => vec![refreshing_after_a_loss(plain())],
        Phase::Refreshing => vec![refreshing(plain()), refreshing_after_a_loss(plain())],
        // The refresh token is gone: there is nothing to revoke.
        Phase::LoginRequired if on == Trigger::SignOut => Vec::new(),
        Phase::LoginRequired => vec![ended(client), ended_by_the_app(client)],
        Phase::SigningOut => match on {
            Trigger::RevokedLogoutNext => vec![revoking(&client_with(true, true))],
            Trigger::Revoked => vec![
                revoking(&client_with(true, false)),
                revoking_for_the_last_time(&client_with(true, false)),
                revoking_after_the_logout(),
            ],
            Trigger::RevocationLater => vec![revoking(&client_with(true, false)), revoking_after_the_logout()],
            _ => vec![
                revoking(&client_with(true, true)),
                revoking_for_the_last_time(&client_with(true, false)),
                revoking_after_the_logout(),
            ],
        },
        Phase::LoggingOut => match on {
            Trigger::Returned => vec![logging_out(), logging_out_after(200), logging_out_after(400)],
            Trigger::ReturnedRevokeNext => {
                let late = [200, 503].map(|status| with_late_tokens(logging_out_after(status)));
                late.into_iter().chain([503, 429].map(logging_out_after)).collect()
            }
            Trigger::LateTokens => vec![logging_out_after(200), logging_out_after(503)],
            _ => vec![logging_out(), logging_out_after(200), logging_out_after(503)],
        },
        Phase::SignedOut if on == Trigger::LateTokens => vec![signed_out(), signed_out_in_the_browser()],
        Phase::SignedOut => vec![signed_out(), signed_out_here(), signed_out_in_the_browser()],
        other => panic!("{other:?} is new"),
    }
}
