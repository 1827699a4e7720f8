//! The API call, and what becomes of the token on a redirect.

use oauth_proto::{Access, Client, ClientBuilder, ConfigError, LoginRequired, Secret, Session, Tokens, UnixTime};
use serde_json::{json, Value};

use crate::bearer_redirects::redirected;
use crate::support::{compare, only, run, server, text, texts, NOW, REDIRECT_URI};

#[test]
fn every_case() {
    run("bearer_request", |case| {
        only(case, &["name", "request", "expect", "alt", "basis", "source"])?;
        let request = &case["request"];
        only(
            request,
            &[
                "access_token",
                "token_type",
                "method",
                "url",
                "allowed_origins",
                "headers",
                "expires_at",
                "now",
                "response",
            ],
        )?;
        assert_eq!(request["token_type"], "bearer");
        let called = call(request)?;
        if request["response"].is_null() {
            return compare(case, &called);
        }
        assert!(called["ok"].is_object(), "the call that is redirected goes out: {called}");
        only(&request["response"], &["status", "location"])?;
        compare(case, &redirected(request))
    });
}

/// A session with the token of a case, for as long as the case says.
pub fn session(request: &Value) -> Result<Session, ConfigError> {
    let builder = Client::builder(server(), "s6BhdRkqt3", REDIRECT_URI);
    let builder = texts(&request["allowed_origins"]).into_iter().fold(builder, ClientBuilder::api_origin);
    let expires_at = request["expires_at"].as_u64().map(UnixTime::from_secs);
    let token = Secret::new(text(&request["access_token"]));
    Ok(Session::new(builder.build()?, Tokens::from_parts(token, None, expires_at, "")))
}

/// The header that the call gets.
fn call(request: &Value) -> Result<Value, String> {
    let now = request["now"].as_u64().map_or(NOW, UnixTime::from_secs);
    let mut session = session(request).map_err(|error| error.to_string())?;
    // A token that no header takes is refused when it comes: the session starts without one.
    let has_token = serde_json::to_value(session.save()).expect("a session")["access_token"].is_string();
    let bearer = match session.access(now) {
        Access::Ready(bearer) if has_token => bearer,
        Access::LoginRequired(LoginRequired::NoRefreshToken) => {
            return Ok(json!({ "error": if has_token { "token_expired" } else { "bad_token" } }));
        }
        other => return Err(format!("{other:?}")),
    };
    let names: Vec<_> = request["headers"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let method = text(&request["method"]);
    let headers = bearer.headers(method, text(&request["url"])).and_then(|headers| headers.beside(&names));
    Ok(match headers.map(Iterator::collect::<Vec<_>>) {
        Ok(headers) => {
            let [(name, value)] = &headers[..] else { return Err(format!("{headers:?}")) };
            json!({ "ok": { *name: value.as_str() } })
        }
        Err(error) => json!({ "error": error.code() }),
    })
}
