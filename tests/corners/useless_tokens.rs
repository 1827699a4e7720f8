//! Tokens that the server gives on purpose and that are of no use: they are not handed out, and not asked for again and again.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{Access, Error, Secret, Session, SessionAction, Target, Tokens};

use crate::{answer, at, body, client, ready, request, JSON};

const DAY: u64 = 24 * 3600;

fn session() -> Session {
    let tokens = Tokens::from_parts(Secret::new("OWN"), Some(Secret::new("RT0")), Some(at(500)), "a b");
    Session::new(client(), tokens)
}

fn refresh_token(session: &Session) -> String {
    serde_json::to_value(session.save()).unwrap()["refresh_token"].as_str().unwrap().to_owned()
}

/// Holds a session against all that must come of such an answer to a refresh for this target.
fn check(target: &Target, access_token: &str, token_type: &str, code: &str) {
    let useless = |refresh_token: &str| {
        format!(
            r#"{{"access_token":"{access_token}","token_type":"{token_type}","expires_in":3600,"refresh_token":"{refresh_token}"}}"#
        )
    };
    let mut session = session();
    // The login's own is about to expire.
    let now = if *target == Target::own() { 450 } else { 10 };
    let refresh = request(session.access_for(target, at(now)));
    let action = session.handle(answer(refresh.id(), 200, &JSON, &useless("RT1")), at(now));
    assert!(matches!(action, Ok(SessionAction::Save)), "the refresh token was replaced: {action:?}");
    assert_eq!((refresh_token(&session).as_str(), session.last_error().map(Error::code)), ("RT1", Some(code)));
    assert_eq!(ready(session.access(at(now))).token().reveal(), "OWN", "what there was is as good as before");
    // No refresh token is spent for another of its kind, however often somebody needs one.
    for seconds in (500..DAY).step_by(600) {
        let access = session.access_for(target, at(seconds));
        let Access::Refused { error, retry_at: None } = access else { panic!("{access:?}") };
        assert_eq!(error.code(), code);
    }
    // Another target has nothing to do with it.
    let other = Target::resource("https://other.example.com/").unwrap();
    let refresh = request(session.access_for(&other, at(DAY)));
    assert!(body(&refresh).contains("refresh_token=RT1&"));
    let tokens = r#"{"access_token":"OTHER","token_type":"Bearer"}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(DAY)).is_ok());
    assert_eq!(ready(session.access_for(&other, at(DAY))).token().reveal(), "OTHER");
    assert!(matches!(session.access_for(target, at(DAY)), Access::Refused { retry_at: None, .. }));
    // The server was set right, or was not.
    for (spent, fresh) in [("RT1", "RT2"), ("RT2", "RT3")] {
        session.ask_again();
        let refresh = request(session.access_for(target, at(DAY)));
        assert!(body(&refresh).contains(&format!("refresh_token={spent}&")));
        let action = session.handle(answer(refresh.id(), 200, &JSON, &useless(fresh)), at(DAY));
        assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
        assert!(matches!(session.access_for(target, at(DAY + 7200)), Access::Refused { retry_at: None, .. }));
    }
    session.ask_again();
    let refresh = request(session.access_for(target, at(DAY)));
    let tokens = r#"{"access_token":"GOOD","token_type":"Bearer"}"#;
    assert!(session.handle(answer(refresh.id(), 200, &JSON, tokens), at(DAY)).is_ok());
    assert_eq!(ready(session.access_for(target, at(DAY))).token().reveal(), "GOOD");
    assert!(session.last_error().is_none());
}

/// `N_A` is what RFC 8693 §2.2.1 has for a token that is no access token.
#[test]
fn a_token_of_an_unknown_type_is_not_handed_out_nor_asked_for_again() {
    for target in [Target::own(), Target::own().scope("a").unwrap(), Target::resource("urn:a:b").unwrap()] {
        for token_type in ["N_A", "mac", "DPoP"] {
            check(&target, "T", token_type, "unsupported_token_type");
        }
    }
}

/// An access token that is a JWT for this audience (RFC 9068 §2.2).
fn jwt(audience: &str) -> String {
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let claims = serde_json::json!({ "iss": "https://as.example.com", "aud": audience }).to_string();
    [part(r#"{"typ":"at+jwt","alg":"RS256"}"#), part(&claims), part("signature")].join(".")
}

/// Auth0 gives a token for the login's own API where its policies do not name another.
#[test]
fn a_jwt_for_another_audience_is_not_handed_out_nor_asked_for_again() {
    let api = "https://api.example.com/";
    for target in [
        Target::audience(api).unwrap().check_jwt_audience(),
        Target::resource(api).unwrap().check_jwt_audience(),
        Target::audience(api).unwrap().scope("a").unwrap().check_jwt_audience(),
    ] {
        check(&target, &jwt("https://other.example.com/"), "Bearer", "access_token_audience");
    }
}

/// Of what is no JWT nobody can tell, and who does not ask for the check gets none.
#[test]
fn a_token_that_may_be_for_the_api_is_handed_out() {
    let api = "https://api.example.com/";
    let checked = Target::audience(api).unwrap().check_jwt_audience();
    for (target, token) in [
        (&checked, jwt(api)),
        (&checked, "opaque".to_owned()),
        (&Target::audience(api).unwrap(), jwt("https://other.example.com/")),
        (&Target::own().check_jwt_audience(), jwt("https://other.example.com/")),
    ] {
        let mut session = session();
        let refresh = request(session.access_for(target, at(450)));
        let tokens = format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#);
        assert!(matches!(session.handle(answer(refresh.id(), 200, &JSON, &tokens), at(450)), Ok(SessionAction::Save)));
        assert_eq!(ready(session.access_for(target, at(450))).token().reveal(), token);
        // The next process finds it by the same target.
        let form = serde_json::to_string(&session.save()).unwrap();
        let mut restored = Session::restore(client(), serde_json::from_str(&form).unwrap()).unwrap();
        assert_eq!(ready(restored.access_for(target, at(450))).token().reveal(), token);
    }
}
