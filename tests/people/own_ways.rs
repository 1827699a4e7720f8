//! Servers that have ways of their own, against the letter of a rule: a setting names the rule, and all others hold.

use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Entropy, Error, Event, Login, Request,
    Response, Session, SessionAction, SignOut, UnixTime,
};
use serde_json::{json, Value};

use crate::{answer, at, ready, request, JSON, T0};

fn builder() -> ClientBuilder {
    // No issuer and no `openid`: plain OAuth.
    Client::builder(crate::server(), "s6BhdRkqt3", "com.example.app:/callback")
}

fn exchanging(client: Client) -> (Login, Request) {
    let mut login = Login::new(client, AuthorizationRequest::new().scope("read")).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy), at(T0)) else { panic!() };
    let state = url.split("&state=").nth(1).unwrap()[..43].to_owned();
    let redirect = format!("com.example.app:/callback?code=C&state={state}");
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&redirect), at(T0)) else { panic!() };
    (login, sent)
}

fn body(number: u32, token_type: &Value) -> String {
    let mut body = json!({
        "access_token": format!("AT{number}"), "expires_in": 3600, "refresh_token": format!("RT{number}"),
    });
    if *token_type != json!("absent") {
        body["token_type"] = token_type.clone();
    }
    body.to_string()
}

/// A login at a server that says this of its tokens, and a refresh later.
fn log_in_and_refresh(client: Client, token_type: &Value) -> Result<Session, Error> {
    let (mut login, sent) = exchanging(client.clone());
    let body = body(1, token_type);
    let step = login.handle(Event::ResponseReceived(sent.id(), Response::new(200, &JSON, body.as_bytes())), at(T0));
    let Action::TokensReady(tokens) = step? else { panic!("no tokens") };
    let mut session = login.into_session(tokens);
    let now = T0 + 4000;
    let sent = request(session.access(at(now)));
    let action = answer(&mut session, sent.id(), 200, &self::body(2, token_type), now)?;
    assert!(matches!(action, SessionAction::Save), "{action:?}");
    assert_eq!(ready(session.access(at(now))).token().reveal(), "AT2");
    // What a refresh brings after a sign-out is known for what it is, too.
    let sent = request(session.access(at(now + 4000)));
    let SessionAction::SendRequest(first) = session.sign_out(SignOut::new()) else { panic!() };
    assert!(answer(&mut session, first.id(), 200, "", now + 4000).is_ok());
    let late = answer(&mut session, sent.id(), 200, &self::body(3, token_type), now + 4001);
    let Ok(SessionAction::SendRequest(revocation)) = late else { panic!("{late:?}") };
    assert!(revocation.body().starts_with(b"token=RT3&"));
    Ok(session)
}

/// The code is spent, and a server that was written by hand never said `token_type`.
#[test]
fn tokens_without_a_type_are_taken_where_the_app_says_so() {
    for token_type in [json!("absent"), json!(null), json!("")] {
        let strict = log_in_and_refresh(builder().build().unwrap(), &token_type).unwrap_err();
        assert_eq!(strict.code(), "missing_token_type");
        assert!(strict.to_string().contains("missing_token_type_is_bearer"), "{strict}");
        assert!(log_in_and_refresh(builder().missing_token_type_is_bearer().build().unwrap(), &token_type).is_ok());
    }
    // A type that is there counts.
    for (token_type, code) in [(json!("DPoP"), "unsupported_token_type"), (json!("bot"), "unsupported_token_type")] {
        let refused = log_in_and_refresh(builder().missing_token_type_is_bearer().build().unwrap(), &token_type);
        assert_eq!(refused.unwrap_err().code(), code);
    }
    let odd = log_in_and_refresh(builder().missing_token_type_is_bearer().build().unwrap(), &json!(["Bearer"]));
    assert_eq!(odd.unwrap_err().code(), "response_malformed");
    assert!(log_in_and_refresh(builder().missing_token_type_is_bearer().build().unwrap(), &json!("bearer")).is_ok());
    // The pure function has no settings.
    let body = body(1, &json!("absent"));
    let response = Response::new(200, &JSON, body.as_bytes());
    assert!(oauth_proto::token::parse_response(&response, UnixTime::from_secs(0)).is_err());
}

/// Slack's tokens are of the types `bot` and `user`.
#[test]
fn a_servers_own_word_for_bearer_is_taken_where_the_app_says_so() {
    let strict = log_in_and_refresh(builder().build().unwrap(), &json!("bot")).unwrap_err();
    assert!(strict.to_string().contains("token_type_as_bearer"), "{strict}");
    let client = || builder().token_type_as_bearer("bot").token_type_as_bearer("User").build().unwrap();
    for token_type in ["bot", "BOT", "user", "Bearer"] {
        assert!(log_in_and_refresh(client(), &json!(token_type)).is_ok(), "{token_type}");
    }
    for (token_type, code) in [
        (json!("bot "), "unsupported_token_type"),
        (json!("app"), "unsupported_token_type"),
        (json!("DPoP"), "unsupported_token_type"),
        (json!("absent"), "missing_token_type"),
        (json!(""), "missing_token_type"),
    ] {
        assert_eq!(log_in_and_refresh(client(), &token_type).unwrap_err().code(), code, "{token_type}");
    }
    for never in ["DPoP", "dpop", "N_A", "n_a", "MAC", "mac", "PoP", "", "b\"t", "bät"] {
        let error = builder().token_type_as_bearer("bot").token_type_as_bearer(never).build().unwrap_err();
        assert_eq!(error.code(), "client", "{never}");
        assert!(error.to_string().starts_with("token_type_as_bearer: "), "{error}");
    }
}

/// The server checks the header, and looks for the client in the body.
#[test]
fn basic_may_name_the_client_in_the_body_as_well() {
    let requests = |builder: ClientBuilder| {
        let client = builder.build().unwrap();
        let (_, exchange) = exchanging(client.clone());
        let mut session = Session::new(client, crate::tokens());
        let refresh = request(session.access(at(T0 + 4000)));
        let SessionAction::SendRequest(revocation) = session.sign_out(SignOut::new()) else { panic!() };
        [exchange, refresh, revocation]
    };
    let count = |request: &Request, text: &str| core::str::from_utf8(request.body()).unwrap().matches(text).count();
    let has_basic = |request: &Request| {
        request.headers().any(|(name, value)| name == "authorization" && value.starts_with("Basic "))
    };
    let basic = || builder().client_secret_basic("secret");
    for (builder, in_header, in_body) in [
        (basic(), true, 0),
        (basic().client_id_in_body(), true, 1),
        (basic().client_id_in_body().json_token_requests(), true, 1),
        (builder().client_secret("secret").client_id_in_body(), true, 1),
        (builder().client_secret_post("secret").client_id_in_body(), false, 1),
        (builder().client_secret_post("secret").client_id_in_body().json_token_requests(), false, 1),
        (builder().client_id_in_body(), false, 1),
        (builder().client_id_in_body().json_token_requests(), false, 1),
    ] {
        for request in requests(builder) {
            assert_eq!(has_basic(&request), in_header);
            assert_eq!(count(&request, "client_id"), in_body, "{:?}", core::str::from_utf8(request.body()));
            assert_eq!(count(&request, "s6BhdRkqt3"), in_body);
            // The secret is in one place.
            let secrets = usize::from(!in_header && count(&request, "client_secret") > 0);
            assert_eq!(count(&request, "client_secret"), secrets);
        }
    }
    let endpoints =
        AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let plain =
        Client::builder(endpoints, "a b", "com.example.app:/callback").client_secret_basic("s").client_id_in_body();
    let (_, exchange) = exchanging(plain.build().unwrap());
    assert_eq!(crate::parameters(&exchange)["client_id"], "a b");
}
