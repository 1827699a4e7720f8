//! Sessions in every phase, and events for every trigger.

use oauth_proto::session::SessionTrigger as Trigger;
use oauth_proto::{
    Access, Bearer, Client, Delivered, Error, Event, RequestId, Response, Session, SessionAction,
    SessionPhase as Phase, UnixTime,
};

use crate::support::{at, builder, client, html, json, refresh, server, session, INVALID_GRANT, JSON, REDIRECT_URI};

/// A session, what was handed out on the way, and the time.
pub struct Scene {
    pub session: Session,
    now: UnixTime,
    /// When the present token is fresh, whatever the time is.
    fresh: UnixTime,
    /// The last second in which the present token is good.
    last: UnixTime,
    bearer: Bearer,
    /// A request that has been answered.
    answered: RequestId,
    /// A refresh that was taken for lost.
    lost: Option<RequestId>,
    /// The request that was sent last.
    latest: RequestId,
}

impl Scene {
    pub fn seen(&self) -> String {
        let session = &self.session;
        let id_token = session.id_token().map(|token| token.reveal().to_owned());
        let seen = (session.phase(), session.deadline(), session.scope(), id_token, session.last_error());
        format!("{seen:?} {}", serde_json::to_string(&session.save()).unwrap())
    }

    fn handle(&mut self, id: RequestId, answer: Response<'_>) -> Option<Error> {
        self.session.handle(Event::ResponseReceived(id, answer), self.now).err()
    }

    fn bearer(&mut self) {
        let Access::Ready(bearer) = self.session.access(self.now) else { panic!("no token") };
        self.bearer = bearer;
    }

    fn refused(&mut self) -> Access {
        let lines = &["Bearer error=\"invalid_token\""];
        self.session.refused(&self.bearer, 401, lines, self.now).unwrap()
    }
}

const fn tokens(n: u8) -> &'static str {
    match n {
        1 => r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1"}"#,
        // Due, and gone, while its refusal would still count as one more.
        3 => r#"{"access_token":"AT1","token_type":"Bearer","expires_in":40,"refresh_token":"RT1"}"#,
        _ => r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600}"#,
    }
}

/// A fresh token that a refresh has brought; `after_refusal`, because the one before it was refused.
fn active(client: Client, after_refusal: bool) -> Scene {
    let mut session = session(client, Some("RT0"));
    let Access::Ready(bearer) = session.access(at(0)) else { panic!("no token") };
    let mut scene = Scene {
        session,
        now: at(10),
        fresh: at(10),
        last: at(10),
        bearer,
        answered: RequestId::from_u64(0),
        lost: None,
        latest: RequestId::from_u64(0),
    };
    let id = if after_refusal {
        let Access::SendRequest(request) = scene.refused() else { panic!("no refresh") };
        request.id()
    } else {
        scene.now = at(3590);
        scene.fresh = at(3590);
        refresh(&mut scene.session, scene.now)
    };
    let (body, lifetime) = if after_refusal { (tokens(3), 40) } else { (tokens(1), 3600) };
    assert!(scene.handle(id, json(200, body)).is_none());
    (scene.answered, scene.latest) = (id, id);
    scene.last = scene.fresh.saturating_add(lifetime - 1);
    scene.now = scene.now.saturating_add(5);
    scene.bearer();
    scene
}

/// Into the leeway of the present token, which is then due and still good.
fn when_due(mut scene: Scene) -> Scene {
    scene.now = scene.last;
    scene.bearer = match scene.session.access(scene.fresh) {
        Access::Ready(bearer) => bearer,
        other => panic!("{other:?}"),
    };
    scene
}

fn refreshing(scene: Scene) -> Scene {
    let mut scene = when_due(scene);
    scene.latest = refresh(&mut scene.session, scene.now);
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

fn unknown(scene: Scene) -> Scene {
    let mut scene = refreshing(scene);
    let failed = Event::SendFailed(scene.latest, Delivered::Maybe);
    assert!(scene.session.handle(failed, scene.now).is_ok());
    scene.lost = Some(scene.latest);
    scene
}

/// The grant has ended because two tokens were refused: the refresh token may live and is worth a revocation.
fn refused_twice(client: Client) -> Scene {
    let mut scene = active(client, true);
    assert!(matches!(scene.refused(), Access::LoginRequired(_)));
    scene
}

/// The server has said that the grant has ended.
fn ended(client: Client) -> Scene {
    let mut scene = refreshing(active(client, false));
    assert!(scene.handle(scene.latest, json(400, INVALID_GRANT)).is_none());
    scene
}

fn revoking() -> Scene {
    let mut scene = refreshing(active(client(), false));
    scene.lost = Some(scene.latest);
    scene.latest = scene.session.sign_out().unwrap().id();
    scene
}

/// The fifth revocation, which is the last one, is under way.
fn revoking_for_the_last_time() -> Scene {
    let mut scene = revoking();
    for (failed, status) in [503, 0, 429, 0].into_iter().enumerate() {
        let failure = match status {
            0 if failed == 1 => Event::SendFailed(scene.latest, Delivered::No),
            0 => Event::SendFailed(scene.latest, Delivered::Maybe),
            _ => Event::ResponseReceived(scene.latest, Response::new(status, &[], b"")),
        };
        assert!(matches!(scene.session.handle(failure, scene.now), Ok(SessionAction::RetryAt(_))), "{failed}");
        scene.latest = scene.session.sign_out().unwrap().id();
    }
    scene
}

fn signed_out() -> Scene {
    let mut scene = revoking();
    assert!(scene.handle(scene.latest, json(200, "")).is_none());
    scene
}

/// A client that has nowhere to revoke.
fn without_revocation() -> Client {
    Client::new(server(), "app", REDIRECT_URI).unwrap()
}

/// Sessions in this phase in which the trigger can be pulled.
pub fn bring(phase: Phase, on: Trigger) -> Vec<Scene> {
    let client = || if on == Trigger::SignOutHere { without_revocation() } else { client() };
    let after_refusal = on == Trigger::RefusedAgain;
    let plain = || active(client(), after_refusal);
    match phase {
        Phase::Active => vec![if on == Trigger::AccessDue { when_due(plain()) } else { plain() }],
        Phase::Refreshing => vec![refreshing(plain())],
        Phase::OutcomeUnknown => vec![unknown(plain())],
        // A minute later the token has served for too long to be refused again.
        Phase::Retrying if after_refusal => vec![retrying(plain())],
        Phase::Retrying => vec![retrying(plain()), retrying_late(plain())],
        Phase::LoginRequired if on == Trigger::SignOut => vec![refused_twice(client())],
        Phase::LoginRequired if on == Trigger::SignOutHere => {
            let with_a_place = builder().build().unwrap();
            vec![refused_twice(client()), ended(client()), ended(with_a_place)]
        }
        Phase::LoginRequired => vec![refused_twice(client()), ended(client())],
        Phase::SigningOut => match on {
            Trigger::RevocationLater | Trigger::NotDelivered | Trigger::MaybeDelivered => vec![revoking()],
            Trigger::RevocationGivenUp => vec![revoking_for_the_last_time()],
            _ => vec![revoking(), revoking_for_the_last_time()],
        },
        Phase::SignedOut => {
            let mut here = active(without_revocation(), false);
            assert!(here.session.sign_out().is_none());
            vec![signed_out(), here]
        }
        other => panic!("{other:?} is new"),
    }
}

const LATER: [(u16, &str); 6] = [
    (400, r#"{"error":"invalid_client"}"#),
    (400, r#"{"error":"Invalid_Grant"}"#),
    (500, INVALID_GRANT),
    (200, INVALID_GRANT),
    (302, ""),
    (200, "{}"),
];

pub fn variants(on: Trigger) -> usize {
    match on {
        Trigger::InvalidGrant => 2,
        Trigger::ResponseLater => LATER.len() + 2,
        Trigger::UnknownRequest => 9,
        Trigger::Revoked | Trigger::RevocationLater | Trigger::RevocationGivenUp => 5,
        _ => 1,
    }
}

/// Fires a trigger; gives the error with which it was refused.
pub fn fire(scene: &mut Scene, on: Trigger, variant: usize) -> Option<Error> {
    let latest = scene.latest;
    match on {
        Trigger::AccessFresh => {
            let access = scene.session.access(scene.fresh);
            let lives = matches!(
                scene.session.phase(),
                Phase::Active | Phase::Refreshing | Phase::OutcomeUnknown | Phase::Retrying
            );
            assert_eq!(matches!(access, Access::Ready(_)), lives, "{access:?}");
            None
        }
        Trigger::AccessTimedOut => {
            // Where no refresh is under way, none can time out.
            let _ = scene.session.access(scene.session.deadline().unwrap_or(scene.fresh));
            None
        }
        Trigger::AccessDue => {
            let _ = scene.session.access(scene.now);
            None
        }
        Trigger::Refused | Trigger::RefusedAgain => {
            let _ = scene.refused();
            None
        }
        Trigger::ResponseWithTokens => {
            // A lost refresh is the next trigger's; what is left then is an answer to what was answered before.
            let lost = scene.session.phase() == Phase::OutcomeUnknown;
            let id = if lost { scene.answered } else { refresh_id(scene) };
            scene.handle(id, json(200, tokens(2)))
        }
        Trigger::LateResponseWithTokens => scene.handle(scene.lost.unwrap_or(scene.answered), json(200, tokens(2))),
        Trigger::InvalidGrant if variant == 0 => scene.handle(refresh_id(scene), json(400, INVALID_GRANT)),
        Trigger::InvalidGrant => scene.handle(refresh_id(scene), json(403, INVALID_GRANT)),
        Trigger::ResponseLater => match LATER.get(variant) {
            Some((status, body)) => scene.handle(refresh_id(scene), json(*status, body)),
            None if variant == LATER.len() => scene.handle(refresh_id(scene), html(403, "<h1>no</h1>")),
            None => scene.handle(refresh_id(scene), Response::new(429, &[("retry-after", "5")], b"")),
        },
        Trigger::UnknownRequest => {
            let other = RequestId::from_u64([0, u64::MAX, latest.as_u64() ^ 1][variant % 3]);
            let event = match variant / 3 {
                0 => Event::ResponseReceived(other, json(200, tokens(2))),
                1 => Event::ResponseReceived(other, json(400, INVALID_GRANT)),
                _ => Event::SendFailed(other, Delivered::Maybe),
            };
            let error = scene.session.handle(event, scene.now).unwrap_err();
            assert_eq!(error.code(), "unknown_request");
            Some(error)
        }
        Trigger::NotDelivered => scene.session.handle(Event::SendFailed(latest, Delivered::No), scene.now).err(),
        Trigger::MaybeDelivered => scene.session.handle(Event::SendFailed(latest, Delivered::Maybe), scene.now).err(),
        Trigger::SignOut => {
            let _ = scene.session.sign_out();
            None
        }
        Trigger::SignOutHere => {
            let signing_out = scene.session.phase() == Phase::SigningOut;
            assert!(signing_out || scene.session.sign_out().is_none(), "there is something to revoke");
            None
        }
        Trigger::Revoked => {
            let (status, body) = [(200, ""), (400, INVALID_GRANT), (404, "?"), (302, ""), (200, tokens(2))][variant];
            scene.handle(revocation_id(scene), json(status, body))
        }
        Trigger::RevocationLater | Trigger::RevocationGivenUp => {
            let id = revocation_id(scene);
            let event = match variant {
                0 => Event::ResponseReceived(id, Response::new(503, &JSON, b"")),
                1 => Event::ResponseReceived(id, Response::new(429, &[("retry-after", "9")], b"")),
                2 => Event::ResponseReceived(id, Response::new(500, &[], b"")),
                3 => Event::SendFailed(id, Delivered::No),
                _ => Event::SendFailed(id, Delivered::Maybe),
            };
            scene.session.handle(event, scene.now).err()
        }
        other => panic!("{other:?} is new"),
    }
}

/// An answer to a refresh: to the last one there was, under way or not.
fn refresh_id(scene: &Scene) -> RequestId {
    match scene.session.phase() {
        Phase::SigningOut | Phase::SignedOut => scene.lost.unwrap_or(scene.answered),
        _ => scene.latest,
    }
}

/// The revocation that is under way, or the one that a sign-out would send.
fn revocation_id(scene: &Scene) -> RequestId {
    match scene.session.phase() {
        Phase::SigningOut => scene.latest,
        _ => revoking().latest,
    }
}
