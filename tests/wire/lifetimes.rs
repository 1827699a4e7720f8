//! When the grant ends by itself, as servers say it; and what lifetimes count from.

use oauth_proto::token::{parse_response, TokenResponse};
use oauth_proto::{AuthorizationRequest, Response};

use crate::{at, client, log_in, JSON};

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
