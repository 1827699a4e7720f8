//! What the model's operations look like from outside: targets, answers, challenges, saved forms.

use oauth_proto::{AuthorizationServer, Client, Target};
use serde_json::{json, Value};

use super::session::{Answer, Api, Ends, Return, Says, APIS};
use super::session_grant::Grant;
use super::session_over::Config;

pub fn target(api: Api) -> Target {
    let target = match api {
        Api::Own => Ok(Target::own()),
        Api::A => Target::resource("https://a.example.com/"),
        Api::B => Target::audience("b & c").and_then(|target| target.scope("read")),
        Api::C => Target::own().scope("admin"),
    };
    target.unwrap()
}

pub fn client(config: Config) -> Client {
    let mut server =
        AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    if config.revokes {
        server = server.revocation_endpoint("https://as.example.com/revoke").unwrap();
    }
    if config.logs_out {
        server = server.end_session_endpoint("https://as.example.com/logout").unwrap();
    }
    let mut builder = Client::builder(server, "app", "com.example.app:/callback");
    if config.comes_back {
        builder = builder.post_logout_redirect_uri("com.example.app:/bye");
    }
    builder.build().unwrap()
}

/// The saved form of what the model has stored. The login asked for nothing, so that all that was granted is written out.
pub fn form(grant: &Grant, client: &str) -> Value {
    let own = grant.slot(Api::Own).token.as_ref();
    let others = APIS.into_iter().skip(1).filter_map(|api| {
        let (token, target) = (grant.slot(api).token.as_ref()?, target(api));
        Some(json!({
            "resource": target.as_resource(), "audience": target.as_audience(), "target_scope": target.as_scope(),
            "checks_audience": false, "access_token": token.text, "scope": token.scope,
            "obtained_at": token.obtained_at, "expires_at": token.expires_at,
        }))
    });
    let mut form = json!({
        "version": 2, "client": client, "login": grant.login, "revision": grant.revision, "since": null,
        "access_token": own.map(|own| &own.text), "refresh_token": grant.refresh_token,
        "scope": own.map(|own| &own.scope).filter(|scope| **scope != grant.scope), "granted": grant.scope,
        "obtained_at": own.and_then(|own| own.obtained_at), "expires_at": own.and_then(|own| own.expires_at),
        "ends": [null, grant.authorization_ends, grant.refresh_token_ends],
        "request": [], "others": others.collect::<Vec<_>>(),
    });
    if cfg!(feature = "openid") {
        let more = json!({ "id_token": null, "nonce": null, "acr": false });
        form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    form
}

/// With everything that has no order in one.
pub fn in_order(mut form: Value) -> Value {
    if let Some(list) = form.get_mut("others").and_then(Value::as_array_mut) {
        list.sort_by_key(Value::to_string);
    }
    form
}

pub fn challenge(says: Says) -> (u16, &'static [(&'static str, &'static str)]) {
    match says {
        Says::Nothing => (401, &[("Content-Type", "text/html")]),
        Says::InvalidToken => {
            (401, &[("WWW-Authenticate", "Basic realm=\"x\""), ("www-authenticate", "Bearer error=\"invalid_token\"")])
        }
        Says::MoreScope => (403, &[("WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"admin\"")]),
        Says::OtherScope => (403, &[("WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"write\"")]),
        Says::SomeScope => (403, &[("WWW-Authenticate", "Bearer error=\"insufficient_scope\"")]),
        Says::StepUp => {
            (401, &[("WWW-Authenticate", "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\"")])
        }
        Says::OtherScheme => (401, &[("WWW-Authenticate", "Basic realm=\"x\"")]),
        Says::Malformed => (401, &[("WWW-Authenticate", "Bearer error=\"invalid_token")]),
        Says::Forbidden => (403, &[("Content-Type", "text/html")]),
        Says::ForbiddenInvalidToken => (403, &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")]),
        Says::ForbiddenBearer => (403, &[("WWW-Authenticate", "Bearer realm=\"api\"")]),
    }
}

/// The `state` that entropy makes: its second 32 octets in base64url, without an implementation of that.
pub fn state(octets: &[u8; 96]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bit = |index: usize| {
        octets.get(32 + index / 8).filter(|_| index < 256).map_or(0, |octet| octet >> (7 - index % 8) & 1)
    };
    let digit = |index: usize| (0..6).fold(0, |value, offset| value << 1 | bit(index * 6 + offset));
    (0..43).map(|index| char::from(DIGITS[usize::from(digit(index))])).collect()
}

pub fn redirect(to: Return, state: &str) -> String {
    match to {
        Return::Right => format!("com.example.app:/bye?state={state}"),
        Return::OtherState => format!("com.example.app:/bye?state={state}A"),
        Return::NoState => "com.example.app:/bye".into(),
        Return::OtherUri => format!("com.example.app:/callback?code=C&state={state}"),
    }
}

type Wire = (u16, Vec<(&'static str, String)>, String);

pub fn wire(answer: Answer, access_token: &str, refresh_token: Option<&str>) -> Wire {
    let json = |status, body: Value| (status, vec![("content-type", "application/json".to_owned())], body.to_string());
    let plain = |status, body: &str| (status, Vec::new(), body.to_owned());
    match answer {
        Answer::Tokens { expires_in, scope, ends, .. } => {
            let (authorization, of_refresh_token) = match ends {
                Ends::Nothing => (None, None),
                Ends::Authorization(seconds) => (Some(seconds), None),
                Ends::RefreshToken(seconds) => (None, Some(seconds)),
            };
            let mut body = json!({
                "access_token": access_token, "token_type": "Bearer", "expires_in": expires_in, "scope": scope,
                "refresh_token": refresh_token, "authorization_expires_in": authorization,
                "refresh_token_expires_in": of_refresh_token,
            });
            body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            json(200, body)
        }
        Answer::InvalidGrant => json(400, json!({ "error": "invalid_grant" })),
        Answer::InvalidGrantInOtherCase => json(400, json!({ "error": "INVALID_GRANT" })),
        Answer::InvalidGrantWith500 => json(500, json!({ "error": "invalid_grant" })),
        Answer::InvalidClient => json(401, json!({ "error": "invalid_client" })),
        Answer::InvalidTarget => json(400, json!({ "error": "invalid_target" })),
        Answer::InteractionRequired => json(400, json!({ "error": "interaction_required" })),
        Answer::Unavailable { retry_after } => {
            let retry_after = retry_after.map(|seconds| ("Retry-After", seconds.to_string()));
            (503, retry_after.into_iter().collect(), "<h1>later</h1>".into())
        }
        Answer::Html403 => (403, vec![("content-type", "text/html".into())], "<h1>invalid_grant</h1>".into()),
        Answer::Redirected => (302, vec![("location", "https://as.example.com/new".into())], String::new()),
        Answer::Nothing => json(200, json!({})),
        Answer::Unreadable => plain(200, "{\"access_token\":\"AT"),
        Answer::OnlyRefreshToken => json(200, json!({ "token_type": "Bearer", "refresh_token": refresh_token })),
        Answer::OtherTokenType => {
            json(200, json!({ "access_token": access_token, "token_type": "mac", "refresh_token": refresh_token }))
        }
    }
}
