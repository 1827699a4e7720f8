//! What goes onto the wire comes off it again: every encoder against an independent decoder, or against its own.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use oauth_proto::pkce::CodeVerifier;
use oauth_proto::redirect::{from_form_post, parse, Expected, RedirectUri};
use oauth_proto::token::parse_response;
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Error, Event, Headers, Login, Request, Response,
    RestoreError, SavedLogin, SavedSession, Secret, Session, Tokens, UnixTime,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest, Just, Strategy};
use proptest::{array, option, prop_oneof};
use url::form_urlencoded;

use super::cases;
use crate::support::{at, awaiting, client, entropy, exchanging, redirect, server, state, verifier, REDIRECT_URI};

/// Any text, and often one that an encoder may get wrong.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,24}",
        "[ +&=%#?;/:@\"\\\\'<>~.*_-]{1,16}",
        "[%+&=a-fA-F0-9]{1,16}",
        any::<String>().prop_filter("an empty value counts as left out", |text| !text.is_empty()),
    ]
}

/// Names that no setter and no login has for itself.
fn names() -> impl Strategy<Value = String> {
    prop_oneof!["ext-[a-z]{1,6}", "[ +&=%#\\u{e9}\\u{20ac}]{1,6}"]
}

/// A code, a token: one or more of `%x20-7E`.
fn vschars() -> impl Strategy<Value = String> {
    "[ -~]{1,60}"
}

/// The same, as a header takes it.
fn header_token() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,58}[!-~])?"
}

fn form(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes).into_owned().collect()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn an_authorization_url_decodes_to_what_was_asked_for(
        extra in btree_map(names(), text(), 0..5),
        audience in text(),
        hint in option::of(text()),
        scope in option::of("[!#-\\[\\]-~]{1,8}( [!#-\\[\\]-~]{1,8}){0,3}"),
        client_id in "[ -~\\u{e9}]{1,20}",
    ) {
        let client = Client::new(server(), &client_id, REDIRECT_URI).unwrap();
        let mut request = AuthorizationRequest::new().audience(&audience);
        let mut expected: BTreeMap<String, String> = extra.clone();
        for (name, value) in &extra {
            request = request.parameter(name, value);
        }
        expected.insert("audience".into(), audience);
        if let Some(hint) = hint {
            request = request.login_hint(&hint);
            expected.insert("login_hint".into(), hint);
        }
        if let Some(scope) = scope {
            request = request.scope(&scope);
            expected.insert("scope".into(), request.requested_scope().into());
        }
        let challenge = CodeVerifier::new(&verifier(1)).unwrap().challenge();
        let fixed = [
            ("response_type", "code"),
            ("client_id", &client_id),
            ("redirect_uri", REDIRECT_URI),
            ("state", &state(1)),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        expected.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut login = Login::new(client, request).unwrap();
        let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy(1)), at(0)) else { panic!("no URL") };
        prop_assert!(url.bytes().all(|octet| octet.is_ascii_graphic()));
        let decoded = form(url.split_once('?').unwrap().1.as_bytes());
        prop_assert_eq!(decoded.len(), expected.len());
        prop_assert_eq!(decoded.into_iter().filter(|(name, _)| name != "nonce").collect::<BTreeMap<_, _>>(), expected);
    }

    #[test]
    fn a_form_and_a_json_token_request_say_the_same(
        code in vschars(),
        secret in "[ -~\\u{e9}\\u{20ac}]{1,20}",
        extra in btree_map(names(), text(), 0..4),
        resources in vec("https://[a-z]{1,5}\\.example/[a-z%&=?+]{0,8}", 0..2),
    ) {
        let build = |json: bool| {
            let mut builder = Client::builder(server(), "ap:p&", REDIRECT_URI).client_secret_post(&secret);
            for (name, value) in &extra {
                builder = builder.token_parameter(name, value);
            }
            if json { builder.json_token_requests() } else { builder }.build().unwrap()
        };
        let ask = || resources.iter().fold(AuthorizationRequest::new(), |request, uri| request.resource(uri));
        let (by_form, by_json) = (exchange(build(false), ask(), &code), exchange(build(true), ask(), &code));
        let pairs = form(by_form.body());
        let decoded: BTreeMap<String, String> = pairs.iter().cloned().collect();
        prop_assert_eq!(pairs.len(), decoded.len(), "a name comes twice");
        prop_assert_eq!(&decoded, &serde_json::from_slice::<BTreeMap<String, String>>(by_json.body()).unwrap());
        prop_assert_eq!(&decoded["code"], &code);
        prop_assert_eq!(&decoded["client_secret"], &secret);
        prop_assert_eq!(&decoded["code_verifier"], &verifier(1));
        prop_assert_eq!(&decoded["redirect_uri"], REDIRECT_URI);
        prop_assert!(extra.iter().all(|(name, value)| decoded[name] == *value));
    }

    #[test]
    fn a_basic_header_decodes_to_id_and_secret(
        id in "[ -~\\u{e9}\\u{1f511}]{1,20}",
        secret in "[ -~\\u{e9}\\u{1f511}]{1,20}",
    ) {
        let client = Client::builder(server(), &id, REDIRECT_URI).client_secret_basic(&secret).build().unwrap();
        let request = exchange(client, AuthorizationRequest::new(), "C1");
        let header = request.headers().find(|(name, _)| *name == "authorization").unwrap().1;
        let pair = Base64::decode_vec(header.strip_prefix("Basic ").unwrap()).unwrap();
        let (first, second) = core::str::from_utf8(&pair).unwrap().split_once(':').unwrap();
        let decode = |half: &str| form(format!("half={half}").as_bytes()).remove(0).1;
        prop_assert_eq!((decode(first), decode(second)), (id, secret));
    }

    #[test]
    fn a_code_comes_out_of_the_redirect_it_was_put_into(
        code in vschars(),
        state in "[A-Za-z0-9_-]{1,43}",
        extra in vec(("ext-[a-z]{1,5}", any::<String>()), 0..4),
        posted in any::<bool>(),
    ) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&extra).append_pair("code", &code).append_pair("state", &state);
        let query = query.finish();
        let url = if posted { from_form_post(REDIRECT_URI, &query) } else { redirect(&query) };
        let redirect_uri = RedirectUri::new(REDIRECT_URI).unwrap();
        let expected = Expected { redirect_uri: &redirect_uri, state: &state, issuer: None, iss_required: false };
        let response = parse(&url, &expected).unwrap();
        let received = response.into_code();
        prop_assert_eq!(received.reveal(), code);
    }

    #[test]
    fn tokens_come_out_of_the_answer_they_were_put_into(
        access in header_token(),
        refresh in option::of(vschars()),
        scope in option::of("[ -~]{0,20}"),
        expires_in in option::of(any::<u32>()),
        unknown in any::<String>(),
    ) {
        let body = serde_json::json!({
            "unknown": unknown, "access_token": access, "token_type": "BEARER", "expires_in": expires_in,
            "refresh_token": refresh, "scope": scope, "more": { "access_token": [1, 2] },
        })
        .to_string();
        let response = Response::new(200, Headers::NONE, body.as_bytes());
        let tokens = parse_response(&response, at(0)).unwrap();
        prop_assert_eq!(tokens.access_token(), access);
        prop_assert_eq!(tokens.refresh_token(), refresh.as_deref());
        prop_assert_eq!(tokens.scope(), scope.as_deref());
        prop_assert_eq!(tokens.expires_in(), expires_in.map(u64::from));
    }

    #[test]
    fn a_saved_login_is_resumed_as_it_was(
        scope in option::of("[!#-\\[\\]-~]{1,8}( [!#-\\[\\]-~]{1,8}){0,3}"),
        extra in btree_map(names(), text(), 0..4),
        resources in vec("https://[a-z]{1,5}\\.example/[a-z%&=?+]{0,8}", 0..3),
        max_age in option::of(any::<u64>()),
    ) {
        let mut request = resources.iter().fold(AuthorizationRequest::new(), |request, uri| request.resource(uri));
        request = extra.iter().fold(request, |request, (name, value)| request.parameter(name, value));
        request = scope.iter().fold(request, |request, scope| request.scope(scope));
        request = max_age.iter().fold(request, |request, seconds| request.max_age(*seconds));
        let login = awaiting(client(), request);
        let text = serde_json::to_string(&login.save()).unwrap();
        let saved: SavedLogin = serde_json::from_str(&text).unwrap();
        let resumed = Login::resume(client(), saved, at(1)).unwrap();
        prop_assert_eq!(serde_json::to_string(&resumed.save()).unwrap(), text);
        let url = |login: &Login| match login.pending_action() {
            Some(Action::OpenUrl(url)) => form(url.split_once('?').unwrap().1.as_bytes()),
            other => panic!("{other:?}"),
        };
        let sorted = |mut pairs: Vec<_>| { pairs.sort(); pairs };
        prop_assert_eq!(sorted(url(&login)), sorted(url(&resumed)));
    }

    #[test]
    fn a_saved_session_is_restored_as_it_was(
        access in prop_oneof![3 => vschars(), 1 => any::<String>()],
        refresh in option::of(prop_oneof![3 => vschars(), 1 => any::<String>()]),
        scope in prop_oneof![3 => "[!#-~]{1,8}( [!#-~]{1,8}){0,3}", 1 => "[ -~]{0,3}[\\x00-\\x7f]{0,2}"],
        expires_at in option::of(any::<u64>()),
    ) {
        let expires_at = expires_at.map(UnixTime::from_secs);
        let is_visible = |text: &str| text.chars().all(|c| (' '..='~').contains(&c));
        let is_token = |text: &String| !text.is_empty() && is_visible(text);
        let is_scope_token = |text: &&str| !text.is_empty() && text.chars().all(|c| ('!'..='~').contains(&c) && !"\"\\".contains(c));
        let secret = |text: &String| Secret::new(text.as_str());
        let tokens = Tokens::from_parts(secret(&access), refresh.as_ref().map(secret), expires_at, &scope);
        let session = Session::new(client(), tokens);
        let text = serde_json::to_string(&session.save()).unwrap();
        let restored = Session::restore(client(), serde_json::from_str::<SavedSession>(&text).unwrap()).unwrap();
        prop_assert_eq!(serde_json::to_string(&restored.save()).unwrap(), text.as_str());
        prop_assert_eq!(restored.scope(), session.scope());
        // What no server sends was left out.
        let mut form: serde_json::Value = serde_json::from_str(&text).unwrap();
        let fits = |token: &String| is_token(token) && token.trim_matches(' ') == *token;
        prop_assert_eq!(form["access_token"].as_str(), Some(access.as_str()).filter(|_| fits(&access)));
        prop_assert_eq!(form["refresh_token"].as_str(), refresh.as_ref().filter(|token| is_token(token)).map(String::as_str));
        let kept: Vec<_> = scope.split(' ').filter(is_scope_token).collect();
        prop_assert_eq!(session.scope(), if fits(&access) { kept.join(" ") } else { String::new() });
        // In a form it is not: somebody else has written it.
        form["access_token"] = access.as_str().into();
        form["refresh_token"] = refresh.clone().into();
        form["scope"] = scope.as_str().into();
        let good = fits(&access) && refresh.as_ref().is_none_or(is_token) && is_visible(&scope);
        let restored = Session::restore(client(), serde_json::from_value(form).unwrap());
        prop_assert_eq!(restored.map(|_| ()), if good { Ok(()) } else { Err(RestoreError::Malformed) });
    }

    #[test]
    fn a_date_in_retry_after_is_so_many_seconds(
        now in 0_u64..253_402_300_799,
        wait in 0_u64..5000,
        form in prop_oneof![Just(0), Just(2)],
        with_date in any::<bool>(),
    ) {
        let later = http_date(now + wait, form);
        let date = http_date(now, 0);
        let all = [("Retry-After", later.as_str()), ("Date", date.as_str())];
        let headers = if with_date { &all[..] } else { &all[..1] };
        // Without a Date the time given counts, and with one it does not.
        let given = UnixTime::from_secs(if with_date { 12 } else { now });
        let error = parse_response(&Response::new(503, headers, b""), given).unwrap_err();
        let Error::Refused(refused) = error else { panic!("{error}") };
        prop_assert_eq!(refused.retry_after(), Some(wait.min(3600)), "{}", later);
    }

    #[test]
    fn a_verifier_is_what_was_made_of_its_octets(octets in array::uniform32(any::<u8>()), other in "[A-Za-z0-9._~-]{43,128}") {
        let verifier = CodeVerifier::from_octets(&octets).unwrap();
        prop_assert_eq!(base64ct::Base64UrlUnpadded::decode_vec(verifier.reveal()).unwrap(), octets);
        let same = CodeVerifier::new(verifier.reveal()).unwrap();
        prop_assert_eq!(same.challenge(), verifier.challenge());
        let other = CodeVerifier::new(&other).unwrap();
        prop_assert!(other.challenge() != verifier.challenge());
    }
}

/// The token request of a login that got this code.
fn exchange(client: Client, request: AuthorizationRequest, code: &str) -> Request {
    let mut login = awaiting(client, request);
    let code: String = form_urlencoded::byte_serialize(code.as_bytes()).collect();
    let url = redirect(&format!("code={code}&state={}", state(1)));
    match login.handle(Event::RedirectReceived(&url), at(0)) {
        Ok(Action::SendRequest(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// An HTTP date (RFC 9110 §5.6.7), counted day by day: 0 is IMF-fixdate, 2 is asctime.
fn http_date(seconds: u64, form: u8) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (mut days, clock) = (seconds / 86_400, seconds % 86_400);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days % 7).unwrap()];
    let leap = |year: u64| year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (day, month) = (days + 1, MONTHS[month]);
    let clock = format!("{:02}:{:02}:{:02}", clock / 3600, clock / 60 % 60, clock % 60);
    match form {
        0 => format!("{weekday}, {day:02} {month} {year} {clock} GMT"),
        _ => format!("{weekday} {month} {day:2} {clock} {year}"),
    }
}

/// The servers here have no query of their own; one that has keeps it.
#[test]
fn the_endpoints_own_query_stays_in_front() {
    let server =
        AuthorizationServer::new("https://as.example.com/authorize?tenant=a%26b", "https://as.example.com/token");
    let client = Client::new(server.unwrap(), "app", REDIRECT_URI).unwrap();
    let mut login = Login::new(client, AuthorizationRequest::new().audience("x&y=z")).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy(1)), at(0)) else { panic!("no URL") };
    let pairs = form(url.split_once('?').unwrap().1.as_bytes());
    assert_eq!(pairs[0], ("tenant".to_owned(), "a&b".to_owned()));
    assert!(pairs.contains(&("audience".to_owned(), "x&y=z".to_owned())));
    let (_, request) = exchanging(crate::support::client(), AuthorizationRequest::new());
    assert_eq!(request.url(), "https://as.example.com/token");
}
