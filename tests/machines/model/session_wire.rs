//! What the model's operations look like from outside: targets, answers, challenges, saved forms.

use std::sync::Arc;

use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Headers, Login, LoginRequired, Response,
    Target, Tokens, UnixTime,
};
use serde_json::{json, Value};

use super::login::octets;
use super::parameter;
use super::session::{Answer, Api, Return, Says, APIS};
use super::session_grant::{Asked, Grant};
use super::session_saved::Config;

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

/// The saved form of what the model has stored.
pub fn form(grant: &Grant, client: &str) -> Value {
    let own = grant.own();
    let mut pairs = vec![json!(["scope", grant.asked.scope])];
    pairs.retain(|_| !grant.asked.scope.is_empty());
    pairs.extend(grant.asked.acr_values.map(|values| json!(["acr_values", values])));
    assert!(!grant.asked.resource, "the own API would have another name");
    pairs.extend(grant.asked.max_age.map(|seconds| json!(["max_age", seconds.to_string()])));
    let others = APIS.into_iter().skip(1).filter_map(|api| {
        let (token, target) = (grant.slot(api).token.as_ref()?, target(api));
        Some(json!({
            "resource": target.as_resource(), "audience": target.as_audience(), "target_scope": target.as_scope(),
            "access_token": token.text, "scope": token.scope, "obtained_at": token.obtained_at,
            "expires_at": token.expires_at,
        }))
    });
    let mut form = json!({
        "version": 1, "client": client, "login": grant.login, "logged_in_at": grant.logged_in_at,
        "generation": grant.generation, "renewals": grant.renewals, "losses": grant.losses, "reusable": grant.reusable, "access_token": own.text,
        "refresh_token": grant.refresh_token, "scope": own.scope,
        "granted_scope": grant.granted_scope,
        "refresh_scope": Some(&grant.narrowed).filter(|scope| !scope.is_empty()),
        "obtained_at": own.obtained_at, "expires_at": own.expires_at, "request": pairs,
        "points": grant.asked.points, "others": others.collect::<Vec<_>>(),
    });
    if cfg!(feature = "openid") {
        let more = json!({ "id_token": null, "nonce": null, "requires_acr": false, "metadata": null });
        form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    form
}

/// With everything that has no order in one.
pub fn in_order(mut form: Value) -> Value {
    for member in ["others", "request"] {
        if let Some(list) = form[member].as_array_mut().filter(|list| list.len() > 1) {
            list.sort_by_key(Value::to_string);
        }
    }
    form
}

/// A login by this request, to the end or only begun.
pub fn begin(client: &Client, request: &AuthorizationRequest, now: UnixTime) -> (Login, String) {
    let mut login = Login::new(client.clone(), request.clone()).unwrap();
    match login.handle(Event::Start(Entropy::new(octets(1)).unwrap()), now) {
        Ok(Action::OpenUrl(url)) => (login, url.into_string()),
        other => panic!("{other:?}"),
    }
}

pub fn log_in(client: &Client, request: &AuthorizationRequest, tokens: &str, now: UnixTime) -> Tokens {
    let (mut login, url) = begin(client, request, now);
    let back = format!("com.example.app:/callback?code=C&state={}", parameter(&url, "state").unwrap());
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&back), now) else { panic!("{url}") };
    match login.handle(Event::ResponseReceived(sent.id(), Response::new(200, Headers::NONE, tokens.as_bytes())), now) {
        Ok(Action::TokensReady(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}

/// What a request asks for, as it shows in the URL and in the saved form.
fn asked(client: &Client, request: &AuthorizationRequest) -> Asked {
    let (login, url) = begin(client, request, UnixTime::from_secs(0));
    let saved = serde_json::to_value(login.save()).unwrap();
    Asked {
        scope: request.requested_scope().to_owned(),
        acr_values: parameter(&url, "acr_values").map(|values| {
            assert_eq!(values, "gold");
            "gold"
        }),
        max_age: parameter(&url, "max_age").map(|seconds| seconds.parse().unwrap()),
        resource: parameter(&url, "resource").is_some(),
        points: u8::try_from(saved["points"].as_u64().unwrap()).unwrap(),
    }
}

/// Why a login is required, and which.
pub fn reason(client: &Client, why: &LoginRequired) -> (String, Option<(Arc<AuthorizationRequest>, Asked)>) {
    let name = match why {
        LoginRequired::NoRefreshToken => "none",
        LoginRequired::GrantEnded(_) => "grant ended",
        LoginRequired::OutcomeUnknown => "outcome unknown",
        LoginRequired::TokenRefused => "token refused",
        LoginRequired::TargetNotGranted { request, .. }
        | LoginRequired::InsufficientScope { request, .. }
        | LoginRequired::StepUp { request, .. } => {
            let asked = asked(client, request);
            return (format!("{asked:?}"), Some((Arc::clone(request), asked)));
        }
        LoginRequired::DemandNotMet => "demand not met",
        LoginRequired::SignedOut => "signed out",
        other => panic!("{other:?}"),
    };
    (name.to_owned(), None)
}

pub fn challenge(says: Says) -> (u16, &'static [&'static str]) {
    match says {
        Says::Nothing => (401, &[]),
        Says::Bearer => (401, &["Bearer realm=\"api\""]),
        Says::InvalidToken => (401, &["Basic realm=\"x\"", "Bearer error=\"invalid_token\""]),
        Says::MoreScope => (403, &["Bearer error=\"insufficient_scope\", scope=\"admin\""]),
        Says::OtherScope => (403, &["Bearer error=\"insufficient_scope\", scope=\"write\""]),
        Says::SomeScope => (403, &["Bearer error=\"insufficient_scope\""]),
        Says::StepUp => {
            (401, &["Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\", max_age=\"5\""])
        }
        Says::AtOnce => (401, &["Bearer error=\"insufficient_user_authentication\", max_age=\"0\""]),
        Says::OtherScheme => (401, &["Basic realm=\"x\""]),
        Says::Malformed => (401, &["Bearer error=\"invalid_token"]),
        Says::MalformedTwice => (401, &["Bearer error=\"invalid_token\" realm", "="]),
        Says::NoChallenge => (401, &["", " , ,"]),
        Says::Metadata => (401, &["Bearer resource_metadata=\"https://api.example.com/.well-known/x\""]),
        Says::Forbidden => (403, &[]),
        Says::ForbiddenMalformed => (403, &["Bearer error=\"invalid_token"]),
        Says::ForbiddenMetadata => (403, &["Bearer resource_metadata=\"https://api.example.com/.well-known/x\""]),
        Says::ForbiddenBearer => (403, &["Bearer realm=\"api\""]),
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
    let json = |status, body: &str| (status, vec![("content-type", "application/json".to_owned())], body.to_owned());
    let refresh_token = refresh_token.map(|text| format!(",\"refresh_token\":\"{text}\"")).unwrap_or_default();
    match answer {
        Answer::Tokens { expires_in, scope, .. } => {
            let expires_in = expires_in.map_or("null".to_owned(), |seconds| seconds.to_string());
            let scope = scope.map(|text| format!(",\"scope\":\"{text}\"")).unwrap_or_default();
            json(200, &format!("{{\"access_token\":\"{access_token}\",\"token_type\":\"Bearer\",\"expires_in\":{expires_in}{refresh_token}{scope}}}"))
        }
        Answer::InvalidGrant => json(400, r#"{"error":"invalid_grant"}"#),
        Answer::InvalidGrantInOtherCase => json(400, r#"{"error":"INVALID_GRANT"}"#),
        Answer::InvalidGrantWith500 => json(500, r#"{"error":"invalid_grant"}"#),
        Answer::InvalidClient => json(401, r#"{"error":"invalid_client"}"#),
        Answer::InvalidTarget => json(400, r#"{"error":"invalid_target"}"#),
        Answer::Unavailable { retry_after } => {
            let retry_after = retry_after.map(|seconds| ("Retry-After", seconds.to_string()));
            (503, retry_after.into_iter().collect(), "<h1>later</h1>".into())
        }
        Answer::Html403 => (403, vec![("content-type", "text/html".into())], "<h1>invalid_grant</h1>".into()),
        Answer::Redirected => json(302, ""),
        Answer::Nothing => json(200, "{}"),
        Answer::Unreadable => json(200, "{\"access_token\":\"AT"),
        Answer::OnlyRefreshToken => json(200, &format!("{{\"token_type\":\"Bearer\"{refresh_token}}}")),
    }
}
