//! `RestoreError`: why a saved form is not taken back.

use oauth_proto::{AuthorizationRequest, Client, Login, RestoreError, SavedLogin, SavedSession, Session, UnixTime};
use serde_json::Value;

use super::helps;
use crate::support::{at, awaiting, builder, client, server, session, state, verifier, REDIRECT_URI, START};

/// A saved login with one member changed.
fn saved(member: &str, value: impl Into<Value>) -> SavedLogin {
    let login = awaiting(client(), AuthorizationRequest::new());
    let mut json = serde_json::to_value(login.save()).unwrap();
    json[member] = value.into();
    serde_json::from_value(json).unwrap()
}

#[track_caller]
fn check(result: Result<Login, RestoreError>, expected: RestoreError, code: &str, words: &[&str]) {
    let error = result.expect_err("restored");
    assert_eq!((error, error.code()), (expected, code));
    helps(&error, words);
}

fn resume(saved: SavedLogin, now: UnixTime) -> Result<Login, RestoreError> {
    Login::resume(client(), saved, now)
}

#[test]
fn other_client() {
    let untouched = saved("version", 2);
    let other = Client::new(server(), "other", REDIRECT_URI).unwrap();
    check(Login::resume(other, untouched, at(1)), RestoreError::OtherClient, "other_client", &["another client"]);
    let session = session(client(), None).save().unwrap();
    let other = Client::new(server(), "app", "com.example.other:/callback").unwrap();
    assert_eq!(Session::restore(other, session).unwrap_err(), RestoreError::OtherClient);
}

#[test]
fn unknown_version() {
    let result = resume(saved("version", 1), at(1));
    check(result, RestoreError::UnknownVersion, "unknown_version", &["version", "start a new login"]);
    let mut json = serde_json::to_value(session(client(), None).save()).unwrap();
    json["version"] = 0.into();
    let session: SavedSession = serde_json::from_value(json).unwrap();
    assert_eq!(Session::restore(client(), session).unwrap_err(), RestoreError::UnknownVersion);
}

#[test]
fn expired() {
    assert!(resume(saved("version", 2), at(3600)).is_ok(), "the last second counts");
    check(resume(saved("version", 2), at(3601)), RestoreError::Expired, "expired", &["deadline", "start a new login"]);
}

#[test]
fn malformed() {
    let request = |name: &str| Value::from(vec![Value::from(vec![name, "x"])]);
    for damaged in [
        saved("state", ""),
        saved("state", state(1) + "AA"),
        saved("nonce", "?".repeat(43)),
        saved("code_verifier", &state(1)[1..]),
        saved("request", request("redirect_uri")),
        saved("request", request("")),
        // Octets that are not random: the verifier would be seen in the authorization URL.
        saved("state", verifier(1)),
        saved("nonce", verifier(1)),
        saved("code_verifier", state(1)),
        saved("nonce", state(1)),
    ] {
        check(resume(damaged, at(1)), RestoreError::Malformed, "malformed", &["damaged", "start a new login"]);
    }
}

#[test]
fn a_session_with_what_no_server_sends_is_malformed() {
    let restore = |member: &str, value: Value| {
        let mut json = serde_json::to_value(session(client(), Some("RT0")).save()).unwrap();
        json[member] = value;
        Session::restore(client(), serde_json::from_value(json).unwrap())
    };
    let tokens = if cfg!(feature = "openid") { 3 } else { 2 };
    for member in ["access_token", "refresh_token", "id_token"].into_iter().take(tokens) {
        for text in ["", "A\r\nT", "AT\0", "AT\u{7f}", "AT\u{e9}"] {
            assert_eq!(restore(member, text.into()).unwrap_err(), RestoreError::Malformed, "{member}: {text:?}");
        }
        if member != "id_token" {
            assert!(restore(member, "a ~b".into()).is_ok(), "{member}");
        }
    }
    for member in ["scope", "granted"] {
        for text in ["read\n", "\0", "read\u{7f}"] {
            assert_eq!(restore(member, text.into()).unwrap_err(), RestoreError::Malformed, "{member}: {text:?}");
        }
        assert!(restore(member, "".into()).is_ok(), "{member}");
    }
    for member in ["access_token", "refresh_token", "scope", "granted"] {
        assert!(restore(member, Value::Null).is_ok(), "{member}");
    }
}

/// The server was never found, or a client has stored it that knew it.
#[cfg(feature = "openid")]
#[test]
fn server_unknown() {
    use crate::support::openid::{issuer_only, keyed, metadata, ISSUER};
    let error = |session: &Session| Session::restore(issuer_only(), session.save().unwrap()).unwrap_err();
    let elsewhere = || oauth_proto::Tokens::from_parts(oauth_proto::Secret::new("AT"), None, None, "read");
    let unknown = Session::new(issuer_only(), elsewhere());
    assert_eq!((error(&unknown), error(&unknown).code()), (RestoreError::ServerUnknown, "server_unknown"));
    helps(&error(&unknown), &["no metadata", "Client::with_metadata"]);
    let document = metadata(ISSUER, |_| {});
    let metadata = oauth_proto::ServerMetadata::from_response(ISSUER, &crate::support::json(200, &document), at(0));
    let client = issuer_only().with_metadata(&metadata.unwrap()).unwrap();
    assert!(Session::restore(client, unknown.save().unwrap()).is_ok());
    // Another client's is another client's, whatever is missing.
    let other = Session::new(crate::support::client(), elsewhere());
    assert_eq!(error(&other), RestoreError::OtherClient);
    assert!(Session::new(keyed(), elsewhere()).save().is_some());
}

/// A form that was saved by another clock, or changed, waits no longer than a login that starts now.
#[test]
fn a_deadline_that_is_too_far_away_comes_nearer() {
    for deadline in [u64::MAX, START + 3602] {
        let login = resume(saved("deadline", deadline), at(1)).unwrap();
        assert_eq!(login.deadline(), Some(at(3601)));
    }
    assert_eq!(resume(saved("deadline", START + 3601), at(1)).unwrap().deadline(), Some(at(3601)));
    assert_eq!(resume(saved("deadline", START + 2), at(1)).unwrap().deadline(), Some(at(2)));
    let short = builder().login_timeout_secs(5).build().unwrap();
    let login = awaiting(short.clone(), AuthorizationRequest::new());
    let resumed = Login::resume(short, login.save().unwrap(), UnixTime::from_secs(0)).unwrap();
    assert_eq!(resumed.deadline(), Some(UnixTime::from_secs(5)));
}
