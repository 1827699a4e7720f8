//! Events for every trigger.

use oauth_proto::session::transitions::SessionTrigger as Trigger;
use oauth_proto::{
    Access, Adopted, Delivered, Error, Event, Headers, Over, RequestId, Response, RestoreError, SessionAction,
    SessionPhase as Phase, SignOut,
};
use serde_json::{json, Value};

use super::session_scenes::{client_with, form, logout, revoking, tokens, way_back, Scene};
use crate::support::{html, json as answer, INVALID_GRANT, JSON};

/// Whether the session was to be left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    Taken,
    Refused,
}

const NO_TOKENS: [(u16, &str); 16] = [
    (400, r#"{"error":"invalid_client"}"#),
    (400, r#"{"error":"invalid_request"}"#),
    (400, r#"{"error":"invalid_target"}"#),
    (400, r#"{"error":"interaction_required"}"#),
    (400, r#"{"error":"Invalid_Grant"}"#),
    (500, INVALID_GRANT),
    (200, INVALID_GRANT),
    (302, ""),
    (503, ""),
    (200, "{}"),
    // A success that cannot be used.
    (200, r#"{"refresh_token":"RT7"}"#),
    (200, r#"{"access_token":"AT7","token_type":"mac"}"#),
    (200, r#"{"access_token":"A\nT","token_type":"Bearer","refresh_token":"RT7"}"#),
    // And one that cannot be read.
    (200, ""),
    (200, "[]"),
    (200, r#"{"access_token":"AT7","token_type":"Bearer","refresh_token":"RT"#),
];

fn signs_out(phase: Phase) -> bool {
    matches!(phase, Phase::SigningOut | Phase::LoggingOut | Phase::SignedOut)
}

pub fn variants(on: Trigger, from: Phase) -> usize {
    match on {
        // That one has brought a refresh token is seen at the end.
        Trigger::NoTokens if signs_out(from) => NO_TOKENS.len() - 6,
        Trigger::NoTokens => NO_TOKENS.len() + 2,
        Trigger::LateTokens if signs_out(from) => 4,
        Trigger::RedirectStray => 4,
        Trigger::NoAnswer
        | Trigger::InvalidGrant
        | Trigger::SignOut
        | Trigger::SignOutHere
        | Trigger::Returned
        | Trigger::ReturnedRevokeNext => 2,
        Trigger::Adopted if matches!(from, Phase::Active | Phase::Refreshing) => 2,
        Trigger::Revoked | Trigger::RevocationLater | Trigger::RevokedLogoutNext | Trigger::AdoptedNothing => 5,
        Trigger::UnknownRequest => 9,
        _ => 1,
    }
}

pub fn fire(scene: &mut Scene, on: Trigger, variant: usize) -> Fired {
    match on {
        Trigger::AccessFresh
        | Trigger::AccessTimedOut
        | Trigger::AccessTimedOutWaiting
        | Trigger::AccessDue
        | Trigger::Refused
        | Trigger::RefusedAgain => access(scene, on),
        Trigger::EndGrant => {
            let action = scene.session.end_grant(Error::Over(Over::Cancelled));
            assert!(matches!(&action, SessionAction::LoginRequired(why) if why.is_final()), "{action:?}");
        }
        Trigger::Adopted | Trigger::AdoptedNothing => return adopt(scene, on, variant),
        Trigger::SignOut | Trigger::SignOutInBrowser | Trigger::SignOutHere => sign_out(scene, on, variant),
        _ => {
            if let Some(error) = event(scene, on, variant) {
                assert!(!error.is_fatal(), "{on:?}, variant {variant}: {error}");
                return Fired::Refused;
            }
        }
    }
    Fired::Taken
}

fn access(scene: &mut Scene, on: Trigger) {
    let phase = scene.session.phase();
    let lives = matches!(phase, Phase::Active | Phase::Refreshing);
    match on {
        Trigger::AccessFresh => {
            let access = scene.session.access(scene.fresh);
            assert_eq!(matches!(access, Access::Ready(_)), lives, "{access:?}");
        }
        Trigger::AccessTimedOut => {
            let access = scene.session.access(scene.session.deadline().unwrap_or(scene.fresh));
            assert_eq!(matches!(access, Access::SendRequest(_)), phase == Phase::Refreshing, "{access:?}");
        }
        Trigger::AccessTimedOutWaiting => {
            let access = scene.session.access(scene.session.deadline().unwrap());
            assert!(matches!(access, Access::RetryAt(_)), "{access:?}");
        }
        Trigger::AccessDue => {
            let access = scene.session.access(scene.now);
            let is_ready = matches!(access, Access::Ready(_));
            assert_eq!(is_ready, phase == Phase::Refreshing, "it is good for ten more seconds: {access:?}");
        }
        _ => {
            let access = scene.refused();
            assert!(!matches!(access, Access::Ready(_)), "the token that was refused is handed out: {access:?}");
        }
    }
}

/// The stored form with other members.
fn changed(form: &Value, members: Value) -> Value {
    let mut form = form.clone();
    for (name, value) in members.as_object().unwrap() {
        assert!(form.get(name).is_some(), "{name}");
        form[name] = value.clone();
    }
    form
}

fn adopt(scene: &mut Scene, on: Trigger, variant: usize) -> Fired {
    let stored = &scene.stored;
    let theirs = match (on, variant) {
        (Trigger::Adopted, 0) => json!({ "revision": 9 << 20, "access_token": "AT9", "refresh_token": "RT9" }),
        // Another process got another refresh token for the same one before.
        (Trigger::Adopted, _) => json!({ "access_token": "AT9", "refresh_token": "RT9" }),
        (_, 0) => json!({}),
        (_, 1) => json!({ "revision": 0, "access_token": "AT9", "refresh_token": "RT9" }),
        (_, 2) => json!({ "login": "another", "revision": 9 << 20, "access_token": "AT9", "refresh_token": "RT9" }),
        (_, 3) => json!({ "client": "another's", "revision": 9 << 20 }),
        _ => json!({ "version": 1, "revision": 9 << 20 }),
    };
    let before = scene.session.phase();
    let result = scene.session.adopt(form(&changed(stored, theirs)));
    let expected = match (on, variant) {
        (Trigger::AdoptedNothing, 3) => Err(RestoreError::OtherClient),
        (Trigger::AdoptedNothing, 4) => Err(RestoreError::UnknownVersion),
        _ if signs_out(before) => Ok(Adopted::NotNewer),
        (Trigger::Adopted, _) => Ok(Adopted::Newer),
        (_, 2) => Ok(Adopted::OtherLogin),
        _ => Ok(Adopted::NotNewer),
    };
    assert_eq!(result, expected, "{on:?}, variant {variant}");
    if result == Ok(Adopted::Newer) {
        Fired::Taken
    } else {
        Fired::Refused
    }
}

fn sign_out(scene: &mut Scene, on: Trigger, variant: usize) {
    let before = scene.session.phase();
    let how = match (on, variant) {
        (Trigger::SignOutInBrowser, _) | (Trigger::SignOut, 1) => logout(),
        (Trigger::SignOutHere, 1) => SignOut::new().federated(),
        _ => SignOut::new(),
    };
    let action = scene.session.sign_out(how);
    match on {
        _ if signs_out(before) => {
            let pending = format!("{:?}", scene.session.pending_action().unwrap_or(SessionAction::SignedOut));
            assert_eq!(format!("{action:?}"), pending, "another sign-out");
        }
        Trigger::SignOut => assert!(matches!(action, SessionAction::SendRequest(_)), "{action:?}"),
        Trigger::SignOutInBrowser => assert!(matches!(action, SessionAction::OpenUrl(_)), "{action:?}"),
        _ => assert!(matches!(action, SessionAction::SignedOut), "{action:?}"),
    }
}

/// What goes through `handle`; gives the error with which it was refused.
fn event(scene: &mut Scene, on: Trigger, variant: usize) -> Option<Error> {
    let phase = scene.session.phase();
    // A refresh to answer: the last one that is open, or one that is answered already.
    let open = if phase == Phase::Refreshing || signs_out(phase) { scene.latest } else { scene.answered };
    let late = scene.lost.unwrap_or(scene.answered);
    match on {
        Trigger::Tokens => {
            // What comes after a sign-out is late.
            let id = if signs_out(phase) { scene.answered } else { open };
            scene.answer(id, answer(200, &tokens(2, 3600)))
        }
        Trigger::LateTokens => match variant {
            0 => scene.answer(late, answer(200, &tokens(5, 3600))),
            1 => scene.answer(open, answer(200, &tokens(5, 3600))),
            // After a sign-out it is only the refresh token that counts.
            2 => scene.answer(late, answer(200, r#"{"refresh_token":"RT7"}"#)),
            _ => scene.answer(open, answer(200, r#"{"token_type":"mac","refresh_token":"RT7"}"#)),
        },
        Trigger::NoTokens => match NO_TOKENS.get(variant) {
            Some((status, body)) => scene.answer(open, answer(*status, body)),
            None if variant == NO_TOKENS.len() => scene.answer(open, html(200, "<h1>log in</h1>")),
            None => scene.answer(open, Response::new(429, &[("retry-after", "5")], b"")),
        },
        Trigger::NoAnswer => {
            let delivered = [Delivered::No, Delivered::Maybe][variant];
            scene.session.handle(Event::SendFailed(open, delivered), scene.now).err()
        }
        Trigger::InvalidGrant => scene.answer(open, answer([400, 403][variant], INVALID_GRANT)),
        Trigger::SomebodyElses if signs_out(phase) => scene.answer(scene.answered, answer(200, &somebody_elses())),
        Trigger::SomebodyElses => scene.answer(open, answer(200, &somebody_elses())),
        Trigger::UnknownRequest => Some(unknown_request(scene, variant)),
        Trigger::Revoked => {
            let (status, body) = [(200, ""), (204, ""), (400, INVALID_GRANT), (404, "?"), (302, "")][variant];
            scene.answer(revocation_id(scene), answer(status, body))
        }
        Trigger::RevokedLogoutNext if variant == 0 => scene.answer(revocation_id(scene), answer(200, "")),
        Trigger::RevocationLater | Trigger::RevokedLogoutNext => {
            let id = revocation_id(scene);
            let event = match variant {
                0 => Event::ResponseReceived(id, Response::new(503, &JSON, b"")),
                1 => Event::ResponseReceived(id, Response::new(429, &[("retry-after", "9")], b"")),
                2 => Event::ResponseReceived(id, Response::new(500, Headers::NONE, b"")),
                3 => Event::SendFailed(id, Delivered::No),
                _ => Event::SendFailed(id, Delivered::Maybe),
            };
            scene.session.handle(event, scene.now).err()
        }
        Trigger::Returned | Trigger::ReturnedRevokeNext => {
            let back = way_back();
            let event = if variant == 0 { Event::RedirectReceived(&back) } else { Event::Cancelled };
            scene.session.handle(event, scene.now).err()
        }
        Trigger::RedirectStray => {
            let back = way_back();
            let (other_state, twice) = (back.clone() + "x", format!("{back}&state="));
            let stray = [other_state.as_str(), "com.example.app:/bye", "com.example.app:/callback?code=C", &twice];
            Some(scene.session.handle(Event::RedirectReceived(stray[variant]), scene.now).unwrap_err())
        }
        other => panic!("{other:?} is new"),
    }
}

/// Tokens with an ID token of another server.
fn somebody_elses() -> String {
    let mut body: Value = serde_json::from_str(&tokens(2, 3600)).unwrap();
    #[cfg(feature = "openid")]
    let id_token = crate::support::openid::id_token(|claims| claims["iss"] = "https://other.example.com".into());
    #[cfg(not(feature = "openid"))]
    let id_token = "";
    body["id_token"] = id_token.into();
    body.to_string()
}

fn unknown_request(scene: &mut Scene, variant: usize) -> Error {
    let other = RequestId::from_u64([0, u64::MAX, scene.latest.as_u64() ^ 1][variant % 3]);
    let body = tokens(2, 3600);
    let event = match variant / 3 {
        0 => Event::ResponseReceived(other, answer(200, &body)),
        1 => Event::ResponseReceived(other, answer(400, INVALID_GRANT)),
        _ => Event::SendFailed(other, Delivered::Maybe),
    };
    let error = scene.session.handle(event, scene.now).unwrap_err();
    assert_eq!(error.code(), "unknown_request");
    error
}

/// The revocation that is under way, or the one that a sign-out would send.
fn revocation_id(scene: &Scene) -> RequestId {
    match scene.session.phase() {
        Phase::SigningOut | Phase::LoggingOut => scene.revocation.unwrap_or(RequestId::from_u64(0)),
        _ => revoking(&client_with(true, false)).revocation.unwrap(),
    }
}
