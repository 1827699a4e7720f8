//! A refresh whose ID token is somebody else's: nothing of the answer is used, and the grant has ended. Every other fault costs
//! the ID token alone.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{Access, Action, Event, LoginRequired, RequestId, Session, SessionAction, SessionPhase, SignOut};
use serde_json::{json, Value};

use super::{body, last_error, ready, refresh_with, renewed, saved, session, subject, DUE};
use crate::model::keys::signed;
use crate::support::openid::{exchanging_with, on_tls_alone, request, token_body, USER};
use crate::support::{at, json as answer, pending, refresh};

/// Each claim that tells whose a token is, and what is said of another's.
fn of_somebody_else() -> [(&'static str, Value, &'static str); 7] {
    [
        ("sub", json!("another"), "id_token_sub_mismatch"),
        ("nonce", json!("n-0S6_WzA2Mj"), "id_token_nonce_mismatch"),
        ("aud", json!("other"), "id_token_audience"),
        ("aud", json!(["other", "another"]), "id_token_audience"),
        ("azp", json!("other"), "id_token_azp"),
        ("iss", json!("https://other.example.com"), "id_token_issuer"),
        ("iss", json!("https://as.example.com/"), "id_token_issuer"),
    ]
}

/// The answer with this ID token is a refresh's: the grant has ended, and all that came with it is nowhere.
#[track_caller]
fn ends(session: &mut Session, id_token: &str, code: &str) {
    let id = refresh(session, at(DUE));
    ends_by(session, id, id_token, code);
}

#[track_caller]
fn ends_by(session: &mut Session, id: RequestId, id_token: &str, code: &str) {
    let text = body(id_token);
    let action = session.handle(Event::ResponseReceived(id, answer(200, &text)), at(DUE));
    let Ok(SessionAction::LoginRequired(why @ LoginRequired::GrantEnded(_))) = action else {
        panic!("{code}: {action:?}")
    };
    assert!(why.is_final());
    assert_eq!((last_error(session), session.phase()), (Some(code), SessionPhase::LoginRequired));
    assert_eq!((session.save().is_none(), session.scope(), subject(session)), (true, "", None));
    // Neither the old refresh token nor the new one is ever sent, and neither access token is handed out.
    for now in [DUE, DUE + 5, 10 * DUE] {
        let access = session.access(at(now));
        assert!(matches!(&access, Access::LoginRequired(ended) if *ended == why), "{code}: {access:?}");
    }
    session.ask_again();
    assert!(matches!(session.access(at(DUE)), Access::LoginRequired(_)), "{code}");
    assert!(matches!(session.sign_out(SignOut::new()), SessionAction::SignedOut), "{code}: a token is sent");
}

#[test]
fn somebody_elses_id_token_ends_the_grant() {
    for (name, value, code) in of_somebody_else() {
        let mut claims = renewed();
        claims[name] = value;
        ends(&mut session(), &signed(&claims, Some(1), 1), code);
    }
}

/// What else is wrong with a token does not hide whose it is.
#[test]
fn a_token_that_is_otherwise_malformed_tells_whose_it_is() {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    for (name, value, code) in of_somebody_else() {
        let mut claims = renewed();
        claims[name] = value;
        let payload = encode(&claims.to_string());
        let mut late = claims.clone();
        late["exp"] = at(1).as_secs().into();
        let mut odd = claims.clone();
        (odd["exp"], odd["iat"], odd["email"]) = (json!("soon"), Value::Null, json!([1]));
        let bare = json!({ name: claims[name].clone() });
        for id_token in [
            signed(&late, Some(1), 1),
            signed(&odd, Some(1), 1),
            signed(&bare, Some(1), 1),
            signed(&claims, Some(9), 9),
            signed(&claims, Some(1), 9),
            format!("{}.{payload}.", encode(r#"{"alg":"none"}"#)),
            format!("{}.{payload}.AA", encode(r#"{"alg":"EdDSA","crit":["exp"]}"#)),
            format!("{}.{payload}.AA", encode("no header")),
            format!("?.{payload}.?"),
            format!(".{payload}."),
        ] {
            ends(&mut session(), &id_token, code);
        }
    }
}

/// The login was for one organization.
#[test]
fn another_organizations_token_is_somebody_elses() {
    for (asked, theirs) in [("org_1", "org_id"), ("my-org", "org_name")] {
        let mut login = exchanging_with(on_tls_alone(), request().organization(asked));
        let tokens = token_body(|claims| claims[theirs] = asked.into());
        let event = Event::ResponseReceived(pending(&login).id(), answer(200, &tokens));
        let Ok(Action::TokensReady(tokens)) = login.handle(event, at(0)) else { panic!("{asked}") };
        let mut session = login.into_session(tokens);
        let mut claims = renewed();
        claims[theirs] = "org_2".into();
        ends(&mut session, &signed(&claims, Some(1), 1), "id_token_organization");
    }
}

/// Of a refresh that was taken for lost, and of one for another API.
#[test]
fn a_late_answer_and_another_apis_are_held_to_the_same() {
    let mut other = renewed();
    other["sub"] = "another".into();
    let id_token = signed(&other, Some(1), 1);
    let mut late = session();
    let lost = refresh(&mut late, at(DUE));
    let _ = refresh(&mut late, at(DUE + 60));
    ends_by(&mut late, lost, &id_token, "id_token_sub_mismatch");
    let mut several = session();
    let target = oauth_proto::Target::resource("https://other.example.com/").unwrap();
    let Access::SendRequest(request) = several.access_for(&target, at(DUE)) else { panic!("no refresh") };
    ends_by(&mut several, request.id(), &id_token, "id_token_sub_mismatch");
}

/// A claim of another type says nothing of whose it is.
#[test]
fn claims_that_are_null_or_of_another_type_are_not_somebody_elses() {
    for (changes, code) in [
        (json!({ "nonce": null, "at_hash": null, "nbf": null, "auth_time": null }), None),
        (json!({ "azp": null, "c_hash": null }), None),
        (json!({ "org_id": null, "org_name": 1, "acr": null }), None),
        (json!({ "nonce": 1 }), Some("id_token_malformed")),
        (json!({ "sub": 1 }), Some("id_token_malformed")),
        (json!({ "aud": 1 }), Some("id_token_malformed")),
        (json!({ "iss": ["https://other.example.com"] }), Some("id_token_malformed")),
        (json!({ "sub": null, "iss": null, "aud": null }), Some("id_token_missing_claim")),
    ] {
        let mut session = session();
        let mut claims = renewed();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let action = refresh_with(&mut session, &claims, 1, 1, at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{changes}: {action:?}");
        assert_eq!((ready(&mut session, at(DUE)).as_str(), subject(&session)), ("AT2", Some(USER)), "{changes}");
        assert_eq!(last_error(&session), code, "{changes}");
        assert_eq!(session.id_token().unwrap().issued_at(), at(if code.is_none() { DUE } else { 0 }), "{changes}");
    }
}

/// The tokens came from the token endpoint itself, and an answer without any ID token would have been taken.
#[test]
fn every_other_fault_costs_the_id_token_alone() {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let with = |name: &str, value: Value| {
        let mut claims = renewed();
        claims[name] = value;
        signed(&claims, Some(1), 1)
    };
    let without = |name: &str| {
        let mut claims = renewed();
        claims.as_object_mut().unwrap().remove(name);
        signed(&claims, Some(1), 1)
    };
    let payload = encode(&renewed().to_string());
    for (id_token, code) in [
        ("a.b.c".into(), "id_token_malformed"),
        ("?".into(), "id_token_malformed"),
        (format!("{}.{payload}.", encode(r#"{"alg":"none"}"#)), "id_token_alg_not_allowed"),
        (format!("{}.{payload}.AA", encode(r#"{"alg":"EdDSA","crit":["exp"]}"#)), "id_token_crit"),
        ("a.b.c.d.e".into(), "id_token_encrypted"),
        (format!("{}.{}.AA", encode("{}"), "e".repeat(1 << 17)), "id_token_too_large"),
        (with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")), "id_token_at_hash"),
        (with("at_hash", json!("")), "id_token_at_hash"),
        (with("aud", json!(["app", "other"])), "id_token_audience"),
        (with("exp", json!(at(1).as_secs())), "id_token_expired"),
        (with("iat", json!(at(9 * DUE).as_secs())), "id_token_expired"),
        (without("sub"), "id_token_missing_claim"),
        (without("iss"), "id_token_missing_claim"),
        (without("aud"), "id_token_missing_claim"),
        (without("exp"), "id_token_missing_claim"),
    ] {
        let mut session = session();
        let before = saved(&session);
        let id = refresh(&mut session, at(DUE));
        let text = body(&id_token);
        let action = session.handle(Event::ResponseReceived(id, answer(200, &text)), at(DUE));
        assert!(matches!(action, Ok(SessionAction::Save)), "{code}: {action:?}");
        assert_eq!((last_error(&session), subject(&session)), (Some(code), Some(USER)));
        let after = saved(&session);
        assert_eq!((&after["refresh_token"], &after["access_token"]), (&json!("RT2"), &json!("AT2")), "{code}");
        assert_eq!(after["id_token"], before["id_token"], "{code}");
        for second in 0..30 {
            assert_eq!(ready(&mut session, at(DUE + second)), "AT2", "{code}: no keys are asked for");
        }
    }
}
