//! Events for every trigger.

use oauth_proto::session::SessionTrigger as Trigger;
use oauth_proto::{
    Access, Adopted, Delivered, Error, Event, Headers, RequestId, Response, RestoreError, SessionAction,
    SessionPhase as Phase, SignOut,
};
use serde_json::{json, Value};

use super::session_scenes::{form, logout, revoking, tokens, waiting, way_back, Scene};
use crate::support::{client, html, json, INVALID_GRANT, JSON, START};

/// Whether the session was to be left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    Taken,
    Refused,
}

const LATER: [(u16, &str); 7] = [
    (400, r#"{"error":"invalid_client"}"#),
    (400, r#"{"error":"invalid_target"}"#),
    (400, r#"{"error":"Invalid_Grant"}"#),
    (500, INVALID_GRANT),
    (200, INVALID_GRANT),
    (302, ""),
    (200, "{}"),
];

/// A success that breaks a rule, and has a refresh token that is the only good one perhaps.
const BROKEN: [&str; 3] = [
    r#"{"refresh_token":"RT7"}"#,
    r#"{"access_token":"AT7","token_type":"mac","refresh_token":"RT7"}"#,
    r#"{"access_token":"A\nT","token_type":"Bearer","refresh_token":"RT7"}"#,
];

const UNREADABLE: [&str; 4] = ["", "{", "[]", r#"{"access_token":"AT7","token_type":"Bearer","refresh_token":"RT"#];

pub fn variants(on: Trigger) -> usize {
    match on {
        Trigger::LateResponseWithTokens => 1 + BROKEN.len(),
        Trigger::ResponseWithRefreshToken => BROKEN.len(),
        Trigger::ResponseUnreadable => UNREADABLE.len() + 1,
        Trigger::LostReusable
        | Trigger::InvalidGrant
        | Trigger::SignOut
        | Trigger::SignOutHere
        | Trigger::Returned
        | Trigger::ReturnedRevokeNext => 2,
        Trigger::ResponseLater => LATER.len() + 2,
        Trigger::Superseded | Trigger::SupersededExhausted | Trigger::Revoked => 6,
        Trigger::UnknownRequest => 9,
        // The same login, and a later and an earlier one: what is stored is what the user logged in with last.
        Trigger::Adopted | Trigger::AdoptedUnknown | Trigger::AdoptedExhausted => 3,
        Trigger::RevocationLater | Trigger::RevocationGivenUp | Trigger::RevokedLogoutNext => 5,
        Trigger::AdoptedNothing | Trigger::RedirectStray => 4,
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
        | Trigger::RefusedAgain => {
            access(scene, on);
            Fired::Taken
        }
        Trigger::TryAgain => {
            scene.session.try_again();
            Fired::Taken
        }
        Trigger::Adopted
        | Trigger::AdoptedUnknown
        | Trigger::AdoptedExhausted
        | Trigger::MarkedOnce
        | Trigger::MarkedTwice
        | Trigger::AdoptedNothing => adopt(scene, on, variant),
        Trigger::SignOut | Trigger::SignOutInBrowser | Trigger::SignOutHere => {
            sign_out(scene, on, variant);
            Fired::Taken
        }
        _ => match event(scene, on, variant) {
            None => Fired::Taken,
            Some(error) => {
                assert!(!error.is_fatal(), "{on:?}, variant {variant}: {error}");
                Fired::Refused
            }
        },
    }
}

fn access(scene: &mut Scene, on: Trigger) {
    let phase = scene.session.phase();
    let lives = [Phase::Active, Phase::Refreshing, Phase::OutcomeUnknown, Phase::Retrying, Phase::Exhausted];
    match on {
        Trigger::AccessFresh => {
            let access = scene.session.access(scene.fresh);
            assert_eq!(matches!(access, Access::Ready(_)), lives.contains(&phase), "{access:?}");
        }
        // Where no refresh is under way, none can time out.
        Trigger::AccessTimedOut => drop(scene.session.access(scene.session.deadline().unwrap_or(scene.fresh))),
        Trigger::AccessTimedOutWaiting => {
            let access = scene.session.access_for(&waiting(), scene.session.deadline().unwrap());
            assert!(matches!(access, Access::RetryAt(_)), "{access:?}");
        }
        Trigger::AccessDue => drop(scene.session.access(scene.now)),
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
    let newer = |losses: u8| match variant {
        0 => json!({ "generation": 9, "losses": losses, "access_token": "AT9", "refresh_token": "RT9" }),
        _ => {
            json!({ "login": "another", "logged_in_at": START + 2 - variant as u64 * 2, "generation": 0, "losses": losses,
                "access_token": "AT9", "refresh_token": "RT9" })
        }
    };
    let older = json!({ "generation": 0, "losses": 2, "access_token": "AT9", "refresh_token": "RT9" });
    let theirs = match on {
        Trigger::Adopted => changed(stored, newer(0)),
        Trigger::AdoptedUnknown => changed(stored, newer(1)),
        Trigger::AdoptedExhausted => changed(stored, newer(2)),
        Trigger::MarkedOnce => changed(stored, json!({ "losses": 1 })),
        Trigger::MarkedTwice => changed(stored, json!({ "losses": 2 })),
        _ => match variant {
            0 => stored.clone(),
            1 => changed(stored, older),
            2 => changed(stored, json!({ "client": "another's", "generation": 9 })),
            _ => changed(stored, json!({ "version": 2, "generation": 9 })),
        },
    };
    let before = scene.session.phase();
    let result = scene.session.adopt(form(&theirs));
    let signed_out = matches!(before, Phase::SigningOut | Phase::LoggingOut | Phase::SignedOut);
    let expected = match (on, variant) {
        (Trigger::AdoptedNothing, 2) => Err(RestoreError::OtherClient),
        (Trigger::AdoptedNothing, 3) => Err(RestoreError::UnknownVersion),
        (Trigger::Adopted | Trigger::AdoptedUnknown | Trigger::AdoptedExhausted, _) if !signed_out => {
            Ok(Adopted::Newer)
        }
        _ => Ok(Adopted::NotNewer),
    };
    assert_eq!(result, expected, "{on:?}, variant {variant}");
    if on == Trigger::AdoptedNothing || signed_out {
        Fired::Refused
    } else {
        Fired::Taken
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
    let signed_out = matches!(before, Phase::SigningOut | Phase::LoggingOut | Phase::SignedOut);
    match on {
        _ if signed_out => {
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
    let latest = scene.latest;
    match on {
        Trigger::ResponseWithTokens => scene.answer(under_way(scene), json(200, tokens(2))),
        Trigger::LateResponseWithTokens => {
            let body = variant.checked_sub(1).map_or(tokens(2), |broken| BROKEN[broken]);
            scene.answer(scene.lost.unwrap_or(scene.answered), json(200, body))
        }
        Trigger::ResponseWithRefreshToken => scene.answer(under_way(scene), json(200, BROKEN[variant])),
        Trigger::ResponseUnreadable => {
            let long = tokens(2).to_owned() + &" ".repeat(1024 * 1024);
            scene.answer(refresh_id(scene), json(200, UNREADABLE.get(variant).copied().unwrap_or(&long)))
        }
        Trigger::InvalidGrant => scene.answer(refresh_id(scene), json([400, 403][variant], INVALID_GRANT)),
        Trigger::ResponseLater => match LATER.get(variant) {
            Some((status, body)) => scene.answer(refresh_id(scene), json(*status, body)),
            None if variant == LATER.len() => scene.answer(refresh_id(scene), html(200, "<h1>log in</h1>")),
            None => scene.answer(refresh_id(scene), Response::new(429, &[("retry-after", "5")], b"")),
        },
        Trigger::Superseded | Trigger::SupersededExhausted => match variant {
            0 => scene.answer(latest, json(400, INVALID_GRANT)),
            1 => scene.answer(latest, json(503, "")),
            2 => scene.answer(latest, json(200, "{")),
            3 => scene.answer(latest, json(200, "{}")),
            4 => scene.session.handle(Event::SendFailed(latest, Delivered::No), scene.now).err(),
            _ => scene.session.handle(Event::SendFailed(latest, Delivered::Maybe), scene.now).err(),
        },
        Trigger::LostReusable if variant == 0 => {
            scene.session.handle(Event::SendFailed(latest, Delivered::Maybe), scene.now).err()
        }
        Trigger::LostReusable => scene.answer(latest, json(200, UNREADABLE[variant])),
        Trigger::UnknownRequest => Some(unknown_request(scene, variant)),
        Trigger::NotDelivered => scene.session.handle(Event::SendFailed(latest, Delivered::No), scene.now).err(),
        Trigger::MaybeDelivered => scene.session.handle(Event::SendFailed(latest, Delivered::Maybe), scene.now).err(),
        Trigger::Revoked => {
            let (status, body) =
                [(200, ""), (204, ""), (400, INVALID_GRANT), (404, "?"), (302, ""), (200, tokens(2))][variant];
            scene.answer(revocation_id(scene), json(status, body))
        }
        Trigger::RevokedLogoutNext if variant == 0 => scene.answer(revocation_id(scene), json(200, "")),
        Trigger::RevocationLater | Trigger::RevocationGivenUp | Trigger::RevokedLogoutNext => {
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
            let error = scene.session.handle(Event::RedirectReceived(stray[variant]), scene.now).unwrap_err();
            Some(error)
        }
        other => panic!("{other:?} is new"),
    }
}

fn unknown_request(scene: &mut Scene, variant: usize) -> Error {
    let other = RequestId::from_u64([0, u64::MAX, scene.latest.as_u64() ^ 1][variant % 3]);
    let event = match variant / 3 {
        0 => Event::ResponseReceived(other, json(200, tokens(2))),
        1 => Event::ResponseReceived(other, json(400, INVALID_GRANT)),
        _ => Event::SendFailed(other, Delivered::Maybe),
    };
    let error = scene.session.handle(event, scene.now).unwrap_err();
    assert_eq!(error.code(), "unknown_request");
    error
}

/// A refresh to answer: the last one there was, under way or not.
fn refresh_id(scene: &Scene) -> RequestId {
    match scene.session.phase() {
        Phase::SigningOut | Phase::LoggingOut | Phase::SignedOut => scene.lost.unwrap_or(scene.answered),
        _ => scene.latest,
    }
}

/// The same, but none that was lost: tokens of such a one are another trigger's.
fn under_way(scene: &Scene) -> RequestId {
    match scene.session.phase() {
        Phase::OutcomeUnknown | Phase::Exhausted => scene.answered,
        _ => refresh_id(scene),
    }
}

/// The revocation that is under way, or the one that a sign-out would send.
fn revocation_id(scene: &Scene) -> RequestId {
    match scene.session.phase() {
        Phase::SigningOut | Phase::LoggingOut => scene.latest,
        _ => revoking(client()).latest,
    }
}
