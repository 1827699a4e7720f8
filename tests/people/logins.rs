//! Logins of people whose phone has the wrong time, at servers that are busy.

use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, ClientBuilder, Delivered, Entropy, Error, Event, KeySet,
    Login, Phase, Request, Response, Tokens,
};
use serde_json::json;

use crate::id_token::{id_token, CLIENT_ID, ISSUER, NONCE, USER};
use crate::keys::{jwks, signed, Verifier};
use crate::{at, parameters, DAY, JSON, T0};

const JWKS_URI: &str = "https://as.example.com/jwks";
const REDIRECT_URI: &str = "com.example.app:/callback";

fn known() -> AuthorizationServer {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token");
    let server = server.and_then(|server| server.issuer(ISSUER)).and_then(|server| server.jwks_uri(JWKS_URI));
    server.unwrap().id_token_signing_alg_values_supported(&["EdDSA", "RS256"])
}

fn builder(server: AuthorizationServer) -> ClientBuilder {
    Client::builder(server, CLIENT_ID, REDIRECT_URI)
}

fn on_tls_alone() -> Client {
    builder(known()).accept_id_tokens_on_tls_alone().build().unwrap()
}

fn keyed() -> Client {
    builder(known()).signature_verifier(Verifier).build().unwrap()
}

fn started(client: Client, request: AuthorizationRequest, now: u64) -> (Login, Result<Action, Error>) {
    let mut login = Login::new(client, request).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let result = login.handle(Event::Start(entropy), at(now));
    (login, result)
}

/// The user has come back with a code.
fn exchanging(client: Client, request: AuthorizationRequest, now: u64) -> (Login, Request) {
    let (mut login, action) = started(client, request, now);
    let Ok(Action::OpenUrl(url)) = action else { panic!("{action:?}") };
    let request = come_back(&mut login, &url, now);
    (login, request)
}

fn come_back(login: &mut Login, url: &str, now: u64) -> Request {
    let state = url.split("&state=").nth(1).unwrap().split('&').next().unwrap();
    let redirect = format!("{REDIRECT_URI}?code=C1&state={state}&iss=https%3A%2F%2Fas.example.com");
    match login.handle(Event::RedirectReceived(&redirect), at(now)) {
        Ok(Action::SendRequest(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn openid() -> AuthorizationRequest {
    AuthorizationRequest::new().scope("openid")
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn answer(
    login: &mut Login,
    request: &Request,
    status: u16,
    headers: Pairs<'_>,
    body: &str,
    now: u64,
) -> Result<Action, Error> {
    login.handle(Event::ResponseReceived(request.id(), Response::new(status, headers, body.as_bytes())), at(now))
}

fn body(id_token: &str) -> String {
    json!({ "access_token": "AT1", "token_type": "Bearer", "expires_in": 3600, "id_token": id_token }).to_string()
}

#[track_caller]
fn tokens(result: Result<Action, Error>) -> Tokens {
    let Ok(Action::TokensReady(tokens)) = result else { panic!("no tokens: {result:?}") };
    assert_eq!(tokens.id_token().map(oauth_proto::IdToken::subject), Some(USER));
    tokens
}

/// When to come again, and with what.
#[track_caller]
fn later(login: &Login, result: &Result<Action, Error>) -> (u64, Request) {
    let Ok(Action::RetryAt(time)) = result else { panic!("no wait: {result:?}") };
    let Some(Action::SendRequest(request)) = login.pending_action() else { panic!("nothing to send") };
    (time.as_secs(), request)
}

/// The server's time is [`T0`]; `Tue, 14 Nov 2023 22:13:20 GMT`.
const DATE: (&str, &str) = ("Date", "Tue, 14 Nov 2023 22:13:20 GMT");

#[test]
fn a_phone_that_is_slow_by_a_minute_an_hour_or_a_day_logs_in() {
    for slow in [61, 3600, DAY] {
        let now = T0 - slow;
        let token = id_token(Some(NONCE), T0, json!({ "nbf": T0, "exp": T0 + 300 }));
        let (mut login, request) = exchanging(on_tls_alone(), openid(), now);
        let found = tokens(answer(&mut login, &request, 200, &[DATE, JSON[0]], &body(&token), now));
        assert_eq!(found.clock_offset_secs(), Some(i64::try_from(slow).unwrap()));
        // What the session counts, it counts by its own clock.
        assert_eq!(found.expires_at(), Some(at(now + 3600)));
    }
}

/// Scripts in a browser cannot see the `Date` of another site's answer.
#[test]
fn a_slow_phone_that_cannot_see_what_time_it_is_there_logs_in_too() {
    for slow in [61, 3600, 40 * DAY] {
        let now = T0 - slow;
        let token = id_token(Some(NONCE), T0, json!({ "nbf": T0, "exp": T0 + 300, "auth_time": T0 - 5 }));
        let (mut login, request) = exchanging(on_tls_alone(), openid().max_age(60), now);
        let found = tokens(answer(&mut login, &request, 200, &JSON, &body(&token), now));
        assert_eq!(found.clock_offset_secs(), None);
    }
}

#[test]
fn a_phone_that_is_fast_by_an_hour_or_a_day_logs_in() {
    for fast in [600, 3600, DAY] {
        let now = T0 + fast;
        let token = id_token(Some(NONCE), T0, json!({ "exp": T0 + 300, "auth_time": T0 - 5 }));
        let (mut login, request) = exchanging(on_tls_alone(), openid().max_age(60), now);
        let found = tokens(answer(&mut login, &request, 200, &[DATE, JSON[0]], &body(&token), now));
        assert_eq!(found.clock_offset_secs(), Some(-i64::try_from(fast).unwrap()));
    }
}

/// `max_age` is about the time before the user was asked: whoever then reads the consent page for long, or waits for a busy server, has
/// proved who they are recently all the same.
#[test]
fn whoever_has_just_typed_a_password_may_take_their_time_then() {
    let request = || openid().max_age(0);
    for (authenticated, taken, is_recent) in [
        (T0 + 5, 1500, true),
        (T0, 3500, true),
        (T0 - 59, 1500, true),
        (T0 - 62, 1500, false),
        (T0 - 1500, 1500, false),
    ] {
        let (mut login, action) = started(on_tls_alone(), request(), T0);
        let Ok(Action::OpenUrl(url)) = action else { panic!("{action:?}") };
        let sent = come_back(&mut login, &url, T0 + taken);
        let busy = answer(&mut login, &sent, 503, &[("Retry-After", "300")], "", T0 + taken);
        let (now, sent) = later(&login, &busy);
        let token = id_token(Some(NONCE), now, json!({ "auth_time": authenticated }));
        let result = answer(&mut login, &sent, 200, &JSON, &body(&token), now);
        match result {
            Ok(_) if is_recent => drop(tokens(result)),
            Err(error) if !is_recent => assert_eq!(error.code(), "id_token_auth_time_too_old"),
            other => panic!("{authenticated}, {taken}: {other:?}"),
        }
    }
}

/// A clock that is off by more is none: the device's own counts then, and the error says what to look at.
#[test]
fn a_phone_that_is_fast_by_more_than_a_day_is_told_to_look_at_its_clock() {
    let now = T0 + DAY + 1;
    let token = id_token(Some(NONCE), T0, json!({}));
    let (mut login, request) = exchanging(on_tls_alone(), openid(), now);
    let error = answer(&mut login, &request, 200, &[DATE, JSON[0]], &body(&token), now).unwrap_err();
    assert_eq!(error.code(), "id_token_expired");
    assert!(error.to_string().contains("clock"), "{error}");
}

/// Whatever the device says: by the server's own clock it had expired, or nobody knows that it is of this login.
#[test]
fn the_servers_clock_does_not_make_an_old_token_new() {
    for (now, token, code) in [
        (T0 - 3600, id_token(Some(NONCE), T0 - 7200, json!({ "exp": T0 - 61 })), "id_token_expired"),
        (T0 + 3600, id_token(Some(NONCE), T0 - 7200, json!({ "exp": T0 - 61 })), "id_token_expired"),
        (T0, id_token(Some("another"), T0 + 60, json!({})), "id_token_nonce_mismatch"),
        (T0, id_token(Some(NONCE), T0, json!({ "auth_time": T0 + 61 })), "id_token_auth_time_in_future"),
        (T0, id_token(Some(NONCE), T0, json!({ "auth_time": T0 - 121 })), "id_token_auth_time_too_old"),
        (T0 - 3600, id_token(Some(NONCE), T0, json!({ "auth_time": T0 - 121 })), "id_token_auth_time_too_old"),
    ] {
        let (mut login, request) = exchanging(on_tls_alone(), openid().max_age(60), now);
        let error = answer(&mut login, &request, 200, &[DATE, JSON[0]], &body(&token), now).unwrap_err();
        assert_eq!(error.code(), code, "{now}");
    }
}

#[test]
fn a_busy_server_gets_the_code_once_more_when_it_has_time() {
    for (status, headers, body_of_error, least, most) in [
        (429, &[("Retry-After", "7")][..], "", 7, 7),
        (503, &[("Retry-After", "120")], "<h1>maintenance</h1>", 120, 124),
        (503, &[], "", 1, 2),
        (408, &[], "", 1, 2),
        (425, &[], "", 1, 2),
        (400, &JSON, r#"{"error":"temporarily_unavailable"}"#, 1, 2),
    ] {
        let (mut login, first) = exchanging(on_tls_alone(), openid(), T0);
        let result = answer(&mut login, &first, status, headers, body_of_error, T0);
        let (time, second) = later(&login, &result);
        assert!((T0 + least..=T0 + most).contains(&time), "{status}: after {} s", time - T0);
        assert_eq!((second.url(), second.body()), (first.url(), first.body()));
        assert_ne!(second.id(), first.id());
        assert_eq!(login.phase(), Phase::ExchangingCode);
        // The first request has been answered; another answer to it says nothing.
        let token = body(&id_token(Some(NONCE), time, json!({})));
        let again = answer(&mut login, &first, 200, &JSON, &token, time);
        assert_eq!(again.unwrap_err().code(), "unknown_request");
        tokens(answer(&mut login, &second, 200, &JSON, &token, time));
    }
}

/// A server that is out of order for minutes is not asked every second, and gets the code for as long as it lives.
#[test]
fn a_server_that_stays_busy_is_asked_less_and_less_until_the_code_is_too_old() {
    let (mut login, mut request) = exchanging(on_tls_alone(), openid(), T0);
    let (mut now, mut requests) = (T0, 1);
    let error = loop {
        match answer(&mut login, &request, 503, &[], "", now) {
            Err(error) => break error,
            result => (now, request) = later(&login, &result),
        }
        requests += 1;
    };
    assert!((10..=25).contains(&requests) && now > T0 + 500 && now <= T0 + 600, "{requests} until {}", now - T0);
    assert!(error.is_fatal() && matches!(&error, Error::Refused(refused) if refused.is_transient()), "{error}");
    assert_eq!(error.code(), "unavailable", "no advice to try what has ended");
}

/// It may have used the code up.
#[test]
fn a_server_that_broke_over_the_code_does_not_get_it_again() {
    for status in [500, 502, 504] {
        let (mut login, request) = exchanging(on_tls_alone(), openid(), T0);
        let error = answer(&mut login, &request, status, &[("Retry-After", "1")], "", T0).unwrap_err();
        assert!(error.is_fatal(), "{status}: {error}");
    }
}

#[test]
fn keys_are_waited_for_however_long_the_server_has_none_and_the_tokens_are_kept() {
    let (mut login, request) = exchanging(keyed(), openid(), T0);
    let token = signed(&claims(), Some(1), 1);
    let Ok(Action::SendRequest(mut request)) = answer(&mut login, &request, 200, &JSON, &body(&token), T0) else {
        panic!("no keys are asked for")
    };
    let (mut now, mut waits) = (T0, Vec::new());
    for number in 0..100 {
        assert_eq!((request.url(), login.deadline()), (JWKS_URI, None));
        let result = match number % 4 {
            0 => login.handle(Event::SendFailed(request.id(), Delivered::Maybe), at(now)),
            1 => answer(&mut login, &request, 503, &[], "", now),
            2 => answer(&mut login, &request, 429, &[("Retry-After", "90")], "{}", now),
            _ => answer(&mut login, &request, 500, &[], "", now),
        };
        if number % 4 == 0 {
            let Ok(Action::SendRequest(same)) = result else { panic!("{result:?}") };
            assert_eq!(same.id(), request.id());
            continue;
        }
        let (time, next) = later(&login, &result);
        waits.push(time - now);
        (now, request) = (time, next);
    }
    assert!(now > T0 + 3600, "longer than any code lives");
    assert!(waits[0] <= 2 && waits.iter().all(|wait| (1..=92).contains(wait)), "{waits:?}");
    tokens(answer(&mut login, &request, 200, &JSON, &jwks(&[1]), now));
}

#[test]
fn whoever_does_not_want_to_wait_for_keys_cancels() {
    let (mut login, request) = exchanging(keyed(), openid(), T0);
    let token = signed(&claims(), Some(1), 1);
    let Ok(Action::SendRequest(request)) = answer(&mut login, &request, 200, &JSON, &body(&token), T0) else {
        panic!("no keys are asked for")
    };
    let result = answer(&mut login, &request, 503, &[], "", T0);
    later(&login, &result);
    assert_eq!(login.handle(Event::Cancelled, at(T0 + 1)).unwrap_err().code(), "cancelled");
}

fn claims() -> serde_json::Value {
    json!({ "iss": ISSUER, "sub": USER, "aud": CLIENT_ID, "iat": T0, "exp": T0 + 3600, "nonce": NONCE })
}

/// The server has a new key since a second, and the app fetched the keys two seconds ago.
#[test]
fn a_key_that_is_new_is_fetched_however_young_the_others_are() {
    for age in [0, 2, 29, 30, DAY] {
        let client = keyed().with_keys(KeySet::parse(JWKS_URI, jwks(&[2]).as_bytes(), at(T0 - age)).unwrap());
        let (mut login, request) = exchanging(client, openid(), T0);
        let token = body(&signed(&claims(), Some(1), 1));
        let result = answer(&mut login, &request, 200, &JSON, &token, T0);
        let Ok(Action::SendRequest(request)) = result else { panic!("{age}: {result:?}") };
        tokens(answer(&mut login, &request, 200, &JSON, &jwks(&[2, 1]), T0));
        // One fetch is what a login is worth.
        let client = keyed().with_keys(KeySet::parse(JWKS_URI, jwks(&[2]).as_bytes(), at(T0 - age)).unwrap());
        let (mut login, request) = exchanging(client, openid(), T0);
        let Ok(Action::SendRequest(request)) = answer(&mut login, &request, 200, &JSON, &token, T0) else { panic!() };
        let error = answer(&mut login, &request, 200, &JSON, &jwks(&[2]), T0).unwrap_err();
        assert_eq!(error.code(), "id_token_key_not_found");
    }
}

/// A key that the server has long withdrawn, and a store that never forgets.
#[test]
fn keys_that_are_too_old_are_not_believed() {
    let old = |at_time: u64| KeySet::parse(JWKS_URI, jwks(&[1]).as_bytes(), at(at_time)).unwrap();
    let token = body(&signed(&claims(), Some(1), 1));
    for (client, fetched_at, is_believed) in [
        (keyed(), 0, false),
        (keyed(), T0 - DAY - 1, false),
        (keyed(), T0 - DAY, true),
        (keyed(), T0 + 61, false),
        (builder(known()).signature_verifier(Verifier).max_key_age_secs(60).build().unwrap(), T0 - 61, false),
        (
            builder(known()).signature_verifier(Verifier).max_key_age_secs(90 * DAY).build().unwrap(),
            T0 - 60 * DAY,
            true,
        ),
    ] {
        let (mut login, request) = exchanging(client.with_keys(old(fetched_at)), openid(), T0);
        let result = answer(&mut login, &request, 200, &JSON, &token, T0);
        if is_believed {
            tokens(result);
            continue;
        }
        let Ok(Action::SendRequest(request)) = result else { panic!("{fetched_at}: {result:?}") };
        let found = tokens(answer(&mut login, &request, 200, &JSON, &jwks(&[1]), T0));
        assert_eq!(found.keys().map(KeySet::fetched_at), Some(at(T0)));
    }
}

/// Its signature decides; of several, the name does.
#[test]
fn the_only_key_of_a_server_needs_no_name() {
    let nameless = |numbers: &[u8]| jwks(numbers).replace(r#""kid":"k1","#, "").replace(r#""kid":"k2","#, "");
    for (names, signs, keys, code) in [
        (Some(1), 1, nameless(&[1]), None),
        (None, 1, nameless(&[1]), None),
        (Some(1), 2, nameless(&[1]), Some("id_token_signature")),
        (Some(1), 1, nameless(&[1, 2]), Some("id_token_key_not_found")),
        (Some(1), 1, jwks(&[2]), Some("id_token_key_not_found")),
    ] {
        assert!(!nameless(&[1, 2]).contains("kid"));
        let (mut login, request) = exchanging(keyed(), openid(), T0);
        let token = body(&signed(&claims(), names, signs));
        let Ok(Action::SendRequest(request)) = answer(&mut login, &request, 200, &JSON, &token, T0) else { panic!() };
        let result = answer(&mut login, &request, 200, &JSON, &keys, T0);
        match code {
            None => drop(tokens(result)),
            Some(code) => assert_eq!(result.unwrap_err().code(), code, "{keys}"),
        }
    }
}

fn metadata() -> String {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token",
        "jwks_uri": JWKS_URI,
        "id_token_signing_alg_values_supported": ["EdDSA"],
    })
    .to_string()
}

fn discovering() -> (Login, Request) {
    let client =
        builder(AuthorizationServer::from_issuer(ISSUER).unwrap()).signature_verifier(Verifier).build().unwrap();
    let (login, action) = started(client, openid(), T0);
    let Ok(Action::SendRequest(request)) = action else { panic!("{action:?}") };
    (login, request)
}

const FIRST: &str = "https://as.example.com/.well-known/openid-configuration";
const SECOND: &str = "https://as.example.com/.well-known/oauth-authorization-server";

/// Whatever is at the first place, it is no document: the second may have it.
#[test]
fn trouble_at_one_place_for_the_metadata_leads_to_the_next() {
    for (status, headers, body) in [
        (500, &[][..], ""),
        (502, &[("Content-Type", "text/html")], "<h1>Bad Gateway</h1>"),
        (503, &[("Retry-After", "60")], ""),
        (429, &JSON, "{}"),
        (404, &[], ""),
        (401, &[], ""),
        (302, &[("Location", "https://as.example.com/login")], ""),
        (200, &[("Content-Type", "text/html")], "<h1>Welcome</h1>"),
        (200, &JSON, "{\"issuer\":"),
        (200, &JSON, "[]"),
        (200, &JSON, ""),
    ] {
        let (mut login, request) = discovering();
        assert_eq!(request.url(), FIRST);
        let result = answer(&mut login, &request, status, headers, body, T0);
        let Ok(Action::SendRequest(request)) = result else { panic!("{status} {body}: {result:?}") };
        assert_eq!(request.url(), SECOND);
        let result = answer(&mut login, &request, 200, &JSON, &metadata(), T0);
        assert!(matches!(result, Ok(Action::OpenUrl(_))), "{status} {body}: {result:?}");
    }
}

#[test]
fn a_server_that_restarts_is_asked_for_its_metadata_again() {
    let (mut login, mut request) = discovering();
    let mut now = T0;
    for round in 0..20 {
        assert_eq!(request.url(), FIRST);
        let Ok(Action::SendRequest(second)) = answer(&mut login, &request, 503, &[], "", now) else { panic!() };
        let result = answer(&mut login, &second, 404, &[], "", now);
        let (time, next) = later(&login, &result);
        assert!(time > now && time <= now + 64, "{round}: {}", time - now);
        assert_ne!(next.id(), request.id());
        (now, request) = (time, next);
    }
    let result = answer(&mut login, &request, 200, &JSON, &metadata(), now);
    assert!(matches!(result, Ok(Action::OpenUrl(_))), "{result:?}");
}

/// Somebody waits, and no longer than they have for the whole login.
#[test]
fn a_server_that_never_comes_back_is_given_up_with_the_login() {
    let (mut login, mut request) = discovering();
    let (mut now, mut requests) = (T0, 1);
    let error = loop {
        match answer(&mut login, &request, 503, &[], "", now) {
            Err(error) => break error,
            Ok(Action::SendRequest(next)) => request = next,
            result => (now, request) = later(&login, &result),
        }
        requests += 1;
    };
    assert!(error.is_fatal() && matches!(&error, Error::Refused(refused) if refused.status() == Some(503)), "{error}");
    assert!(now > T0 + 3000 && now <= T0 + 3600 && requests < 300, "{requests} until {}", now - T0);
}

/// Nothing is there, and there will be nothing.
#[test]
fn a_server_without_metadata_is_not_waited_for() {
    for (first, code) in [("", "bad_metadata"), ("{\"issuer\":", "response_malformed")] {
        let (mut login, request) = discovering();
        let Ok(Action::SendRequest(request)) = answer(&mut login, &request, 200, &JSON, first, T0) else { panic!() };
        let result = answer(&mut login, &request, 404, &[], "", T0);
        let code = if first.is_empty() { "response_malformed" } else { code };
        assert_eq!(result.unwrap_err().code(), code);
    }
    let (mut login, request) = discovering();
    let Ok(Action::SendRequest(request)) = answer(&mut login, &request, 404, &[], "", T0) else { panic!() };
    assert_eq!(answer(&mut login, &request, 404, &[], "", T0).unwrap_err().code(), "bad_metadata");
}

/// Apple's and others list `form_post` alone, though they do what everybody does.
#[test]
fn response_modes_matter_to_whoever_sets_one() {
    let server = || known().response_modes_supported(&["form_post"]);
    let login = |request| Login::new(builder(server()).accept_id_tokens_on_tls_alone().build().unwrap(), request);
    assert!(login(openid()).is_ok());
    assert!(login(openid().response_mode(oauth_proto::ResponseMode::FormPost)).is_ok());
    assert!(login(openid().response_mode(oauth_proto::ResponseMode::Query)).is_err());
}

/// The request is what it was.
#[test]
fn what_is_sent_again_is_the_same_code() {
    let (mut login, request) = exchanging(on_tls_alone(), openid(), T0);
    let result = answer(&mut login, &request, 503, &[], "", T0);
    let (_, again) = later(&login, &result);
    assert_eq!(parameters(&again)["code"], "C1");
    assert_eq!(parameters(&again), parameters(&request));
    let lost = login.handle(Event::SendFailed(again.id(), Delivered::Maybe), at(T0 + 2));
    assert_eq!(lost.unwrap_err().code(), "outcome_unknown");
}
