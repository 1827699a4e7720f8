//! When the grant ends by itself, as servers say it; and what lifetimes count from.

use oauth_proto::token::{parse_response, TokenResponse};
use oauth_proto::{Access, Action, AuthorizationRequest, Response, Session};

use crate::{answer, at, client, code_request, log_in, started, JSON};

const PREFIX: &str = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":60"#;

/// The lifetimes of the authorization and of the refresh token, of a response with these members.
fn lifetimes(members: &str) -> (Option<u64>, Option<u64>) {
    let body = format!("{PREFIX}{members}}}");
    let tokens = parse_response(&Response::new(200, &JSON, body.as_bytes()), at(0)).expect(members);
    assert_eq!(tokens.expires_in(), Some(60));
    (tokens.authorization_expires_in(), tokens.refresh_token_expires_in())
}

#[test]
fn a_server_may_say_when_the_grant_ends() {
    for (members, expected) in [
        ("", (None, None)),
        (r#","authorization_expires_in":7776000"#, (Some(7_776_000), None)),
        (r#","refresh_token_timeout":1209600"#, (None, Some(1_209_600))),
        (r#","refresh_token_expires_in":15897600"#, (None, Some(15_897_600))),
        (r#","refresh_expires_in":1800"#, (None, Some(1800))),
        (r#","refresh_expires_in":3,"refresh_token_expires_in":2,"refresh_token_timeout":1"#, (None, Some(1))),
        (r#","refresh_expires_in":3,"refresh_token_expires_in":2,"authorization_expires_in":4"#, (Some(4), Some(2))),
        (r#","authorization\u005fexpires_in":"5","refresh_expires_in":6.9"#, (Some(5), Some(6))),
    ] {
        assert_eq!(lifetimes(members), expected, "{members}");
    }
}

/// Keycloak says 0 and means never.
#[test]
fn what_cannot_be_read_ends_no_grant() {
    for value in
        ["0", "-1", "0.9", "-3600.5", "\"0\"", "\"\"", "\"-5\"", "\"soon\"", "null", "true", "[5]", "{\"in\":5}"]
    {
        let all = format!(
            r#","authorization_expires_in":{value},"refresh_token_timeout":{value},"refresh_token_expires_in":{value},"refresh_expires_in":{value}"#
        );
        assert_eq!(lifetimes(&all), (None, None), "{value}");
        let last = format!(r#","refresh_token_timeout":{value},"refresh_expires_in":8"#);
        assert_eq!(lifetimes(&last), (None, Some(8)), "the first that can be read: {value}");
    }
    let most = Some(TokenResponse::MAX_EXPIRES_IN);
    for value in ["1e300", "18446744073709551615", "\"99999999999999999999999\""] {
        let both = format!(r#","authorization_expires_in":{value},"refresh_token_timeout":{value}"#);
        assert_eq!(lifetimes(&both), (most, most), "{value}");
    }
}

/// What the tokens of a login show of their times.
fn shown(members: &str, now: u64) -> String {
    format!("{:?}", log_in(client(), AuthorizationRequest::new(), &format!("{PREFIX}{members}}}"), now))
}

#[test]
fn tokens_have_times_that_are_absolute() {
    let shown_with = shown(r#","authorization_expires_in":200,"refresh_token_timeout":300"#, 1000);
    for (name, time) in [("expires_at", 1060), ("authorization_expires_at", 1200), ("refresh_token_expires_at", 1300)] {
        assert!(shown_with.contains(&format!("{name}: {:?}", Some(at(time)))), "{name}: {shown_with}");
    }
    assert!(shown("", 1000).contains("refresh_token_expires_at: None"));
}

/// IPSIE: when the user is to be logged out here too.
#[cfg(feature = "openid")]
#[test]
fn an_id_token_may_say_when_the_user_is_to_be_logged_out() {
    use crate::id_token::{id_token, NONCE};
    use serde_json::{json, Value};

    let session_expiry = |value: Value| {
        let id_token = id_token(Some(NONCE), 0, json!({ "session_expiry": value }));
        let body = json!({ "access_token": "AT1", "token_type": "Bearer", "id_token": id_token }).to_string();
        let tokens = log_in(crate::openid_client(), AuthorizationRequest::new().scope("openid"), &body, 0);
        tokens.id_token().unwrap().session_expiry()
    };
    assert_eq!(session_expiry(json!(1_700_000_000)), Some(at(1_700_000_000)));
    assert_eq!(session_expiry(json!(1_700_000_000.9)), Some(at(1_700_000_000)));
    for other in [json!(null), json!("1700000000"), json!(-1), json!(true), json!([1]), json!({ "at": 1 })] {
        assert_eq!(session_expiry(other.clone()), None, "{other}");
    }
}

/// The lid is closed after the token request was sent at 20, and opened later: the tokens are as old as the request.
#[test]
fn a_laptop_that_slept_before_the_answer_has_old_tokens() {
    const LATEST: u64 = 20 + 600;
    let expires_at = |sleep: u64, expires_in: u64| {
        let (mut login, url) = started(client(), AuthorizationRequest::new(), 0);
        let sent = code_request(&mut login, &url, 20);
        let body = format!(
            r#"{{"access_token":"AT1","token_type":"Bearer","refresh_token":"RT1","expires_in":{expires_in},"refresh_token_timeout":86400}}"#
        );
        let Ok(Action::TokensReady(tokens)) = login.handle(answer(sent.id(), &body), at(20 + sleep)) else {
            panic!("no tokens")
        };
        let shown = format!("refresh_token_expires_at: {:?}", Some(at((20 + sleep).min(LATEST) + 86_400)));
        assert!(format!("{tokens:?}").contains(&shown), "{tokens:?}");
        (tokens.expires_at(), tokens)
    };
    // The model: what the server has, counted from when it got the request, within ten minutes of truth.
    for expires_in in [60, 3600, 86_400] {
        for sleep in [0, 1, 599, 600, 601, 3600, 8 * 3600, 30 * 86_400] {
            let (at_client, _) = expires_at(sleep, expires_in);
            let at_server = 20 + expires_in;
            assert_eq!(at_client, Some(at(at_server + sleep.min(600))), "{sleep} {expires_in}");
        }
    }
    // After eight hours a token of an hour is refreshed before it is used, and one of a day is not.
    let morning = at(20 + 8 * 3600);
    let (_, tokens) = expires_at(8 * 3600, 3600);
    assert!(matches!(Session::new(client(), tokens).access(morning), Access::SendRequest(_)));
    let (_, tokens) = expires_at(8 * 3600, 86_400);
    assert!(matches!(Session::new(client(), tokens).access(morning), Access::Ready(_)));
}
