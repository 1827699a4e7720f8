//! Answers of the token endpoint: what is read as one, at a login and at a refresh alike, and what is called by its name when it
//! cannot be used.

use oauth_proto::token::{parse_response, TokenResponse};
use oauth_proto::{
    Access, Action, AuthorizationRequest, Error, Event, Refused, Response, Secret, Session, SessionAction, Tokens,
    Unfit, UnixTime, Violation,
};

use crate::{at, bearer, builder, client, code_request, refresh_of, started, JSON};

const TOKENS: &str = r#"{"access_token":"AT2","token_type":"Bearer","refresh_token":"RT2"}"#;
const MARK: &str = "\u{feff}";
/// A refresh is due at 1000.
const NOW: u64 = 1000;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// With `members` beside the two that must be there.
fn tokens_with(members: &str) -> String {
    format!(r#"{{"access_token":"AT2","token_type":"Bearer",{members}}}"#)
}

fn session() -> Session {
    Session::new(client(), Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(at(NOW)), "a"))
}

fn refresh_token(session: &Session) -> String {
    serde_json::to_value(session.save()).unwrap()["refresh_token"].as_str().unwrap().to_owned()
}

/// What a login makes of such an answer.
fn exchanged(response: Response<'_>) -> Result<Tokens, Error> {
    let (mut login, url) = started(builder().keep_token_response().build().unwrap(), AuthorizationRequest::new(), NOW);
    let sent = code_request(&mut login, &url, NOW);
    match login.handle(Event::ResponseReceived(sent.id(), response), at(NOW)) {
        Ok(Action::TokensReady(tokens)) => Ok(tokens),
        Ok(action) => panic!("{action:?}"),
        Err(error) => Err(error),
    }
}

/// What a session has after such an answer to a refresh. Until when it waits if there are no tokens.
fn refreshed(response: Response<'_>) -> (Session, Result<(), (Error, UnixTime)>) {
    let mut session = session();
    let sent = refresh_of(session.access(at(NOW)));
    match session.handle(Event::ResponseReceived(sent.id(), response), at(NOW)) {
        Ok(SessionAction::Save) if session.last_error().is_none() => {
            assert_eq!(bearer(session.access(at(NOW))).token().reveal(), "AT2");
            (session, Ok(()))
        }
        Ok(SessionAction::RetryAt(until)) => {
            let error = session.last_error().expect("an error").clone();
            (session, Err((error, until)))
        }
        other => panic!("{other:?}"),
    }
}

/// The one outcome at all three places where such an answer is read. The grant lives on, whatever it is.
#[track_caller]
fn outcome(status: u16, headers: Pairs<'_>, body: &str) -> Result<(), Error> {
    let response = Response::new(status, headers, body.as_bytes());
    let pure = parse_response(&response, at(NOW)).map(|tokens| assert_eq!(tokens.access_token(), "AT2"));
    let login = exchanged(response).map(|tokens| assert_eq!(tokens.access_token().reveal(), "AT2"));
    let (session, refresh) = refreshed(response);
    assert_eq!(login, pure, "{status} {headers:?} {body:?}");
    assert_eq!(refresh.map_err(|(error, _)| error), pure, "{status} {headers:?} {body:?}");
    assert!(session.save().is_some());
    pure
}

#[track_caller]
fn code(status: u16, headers: Pairs<'_>, body: &str) -> &'static str {
    outcome(status, headers, body).map_or_else(|error| error.code(), |()| "tokens")
}

#[track_caller]
fn refused(status: u16, headers: Pairs<'_>, body: &str) -> Refused {
    match outcome(status, headers, body) {
        Err(Error::Refused(refused)) => *refused,
        other => panic!("{status} {headers:?} {body}: {other:?}"),
    }
}

/// What servers call JSON.
const JSON_TYPES: [&str; 8] = [
    "application/json",
    "application/json;charset=UTF-8",
    "Application/JSON ; charset=utf-8",
    "application/token+json",
    "application/vnd.example.v1+JSON",
    "application/x-json",
    "text/json",
    "application/json, application/json",
];
/// What those call it that do not care.
const TEXT_TYPES: [&str; 6] = [
    "text/plain",
    "text/plain; charset=utf-8",
    "Text/Plain, application/json",
    "text/javascript",
    "application/javascript; charset=utf-8",
    "application/x-javascript",
];
const OTHER_TYPES: [&str; 13] = [
    "text/html",
    "text/html; charset=utf-8",
    "application/json, text/html",
    "application/xhtml+xml",
    "application/json-seq",
    "application/jsonp",
    "application/jwt",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/xml",
    "image/png",
    "*/*",
    "",
];

#[test]
fn tokens_are_read_if_they_are_json_of_a_type_that_may_be() {
    assert_eq!(code(200, &[], TOKENS), "tokens", "without a type");
    for content_type in JSON_TYPES.iter().chain(&TEXT_TYPES) {
        assert_eq!(code(200, &[("content-type", content_type)], TOKENS), "tokens", "{content_type}");
    }
    for content_type in OTHER_TYPES {
        assert_eq!(code(200, &[("content-type", content_type)], TOKENS), "unexpected_content_type", "{content_type}");
    }
}

#[test]
fn what_is_no_json_object_is_told_by_its_type() {
    for body in ["access_token=AT2&token_type=bearer", "<h1>Log in</h1>", "", "[]", "null", "\"AT2\""] {
        assert_eq!(code(200, &[], body), "response_malformed", "{body}");
        for content_type in JSON_TYPES {
            assert_eq!(
                code(200, &[("content-type", content_type)], body),
                "response_malformed",
                "{content_type} {body}"
            );
        }
        for content_type in TEXT_TYPES.iter().chain(&OTHER_TYPES) {
            let headers = [("content-type", *content_type)];
            assert_eq!(code(200, &headers, body), "unexpected_content_type", "{content_type} {body}");
        }
    }
    // It begins as an object.
    for content_type in JSON_TYPES.iter().chain(&TEXT_TYPES) {
        let headers = [("content-type", *content_type)];
        assert_eq!(code(200, &headers, r#"{"access_token":"AT2""#), "response_malformed", "{content_type}");
    }
}

/// It may be the only good one.
#[test]
fn a_refresh_token_beside_useless_tokens_is_kept_whatever_the_type_that_is_read() {
    let useless = r#"{"token_type":"Bearer","refresh_token":"RT2"}"#;
    let kept = |status: u16, content_type: &str, body: &str| {
        let (mut session, headers) = (session(), [("content-type", content_type)]);
        let sent = refresh_of(session.access(at(NOW)));
        let response = Response::new(status, &headers, body.as_bytes());
        assert!(session.handle(Event::ResponseReceived(sent.id(), response), at(NOW)).is_ok());
        refresh_token(&session)
    };
    for content_type in JSON_TYPES.iter().chain(&TEXT_TYPES) {
        assert_eq!(kept(200, content_type, useless), "RT2", "{content_type}");
        assert_eq!(kept(203, content_type, &[MARK, useless].concat()), "RT2", "{content_type}");
    }
    for content_type in OTHER_TYPES {
        assert_eq!(kept(200, content_type, useless), "RT1", "{content_type}");
    }
    assert_eq!(kept(302, "application/json", useless), "RT1");
    assert_eq!(kept(400, "application/json", useless), "RT1");
}

/// A hint takes no grant away (RFC 6749 §5.1 only recommends it).
#[test]
fn a_lifetime_that_cannot_be_read_is_none() {
    const MOST: Option<u64> = Some(TokenResponse::MAX_EXPIRES_IN);
    for (value, expected) in [
        ("\"soon\"", None),
        ("\"\"", None),
        ("\" 3600\"", None),
        ("\"3600.0\"", None),
        ("\"-1\"", None),
        ("null", None),
        ("true", None),
        ("false", None),
        ("{}", None),
        ("{\"seconds\":3600}", None),
        ("[]", None),
        ("[3600]", None),
        ("[\"3600\"]", None),
        ("3600", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("3599.9", Some(3599)),
        ("3.6e3", Some(3600)),
        ("0", Some(0)),
        ("-0", Some(0)),
        ("-5", Some(0)),
        ("-0.5", Some(0)),
        ("-1e30", Some(0)),
        ("18446744073709551615", MOST),
        ("18446744073709551616", MOST),
        ("1e30", MOST),
        ("\"99999999999999999999999\"", MOST),
    ] {
        let body = tokens_with(&format!(r#""expires_in":{value}"#));
        let response = Response::new(200, &JSON, body.as_bytes());
        let seconds = parse_response(&response, at(NOW)).map(|tokens| tokens.expires_in());
        assert_eq!(seconds, Ok(expected), "{value}");
        let expires_at = expected.map(|seconds| at(NOW + seconds));
        assert_eq!(exchanged(response).map(|tokens| tokens.expires_at()).unwrap(), expires_at, "{value}");
        // A session takes the tokens, and asks for others only if it knows when these end.
        let (mut session, outcome) = refreshed(response);
        assert_eq!(outcome, Ok(()), "{value}");
        let after = at(NOW + expected.unwrap_or(u64::MAX / 2) + 60);
        let is_known = matches!(session.access(after), Access::SendRequest(_));
        assert_eq!(is_known, expected.is_some(), "{value}");
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Vendor {
    region: String,
}

/// RFC 8259 §8.1.
#[test]
fn a_byte_order_mark_is_skipped_before_tokens_and_before_errors() {
    let vendor = || Ok(Vendor { region: "eu-1".into() });
    for content_type in ["application/json", "text/plain", "text/javascript"] {
        let headers = [("content-type", content_type)];
        for space in ["", " ", "\r\n\t"] {
            let body = [MARK, space, &tokens_with(r#""region":"eu-1""#)].concat();
            assert_eq!(code(200, &headers, &body), "tokens", "{content_type} {space:?}");
            let response = Response::new(200, &headers, body.as_bytes());
            assert_eq!(response.members(), vendor());
            assert_eq!(exchanged(response).unwrap().members(), vendor(), "{content_type} {space:?}");
            let body = [MARK, space, r#"{"error":"mfa_required","region":"eu-1"}"#].concat();
            let error = parse_response(&Response::new(400, &headers, body.as_bytes()), at(NOW)).err();
            let Some(Error::Refused(refused)) = error else { panic!("{error:?}") };
            assert_eq!((refused.oauth_error(), refused.members()), (Some("mfa_required"), vendor()));
        }
    }
    // One, and at the very beginning.
    for before in [[MARK, MARK], [" ", MARK], ["{}", MARK]] {
        let body = [before.concat().as_str(), TOKENS].concat();
        assert_eq!(code(200, &JSON, &body), "response_malformed", "{before:?}");
        assert_eq!(Response::new(200, &JSON, body.as_bytes()).members::<Vendor>(), Err(Unfit));
    }
    for mark in [&b"\xff\xfe"[..], b"\xfe\xff", b"\xef\xbb"] {
        let body = [mark, TOKENS.as_bytes()].concat();
        let error = parse_response(&Response::new(200, &JSON, &body), at(NOW)).err().unwrap();
        assert_eq!(error.code(), "response_malformed", "{mark:?}");
    }
}

#[test]
fn tokens_may_come_with_any_success() {
    for status in 200..=299 {
        assert_eq!(code(status, &JSON, TOKENS), "tokens", "{status}");
        // Without them it is none of another status either.
        for (headers, body, expected) in [
            (&JSON[..], "", "response_malformed"),
            (&[], "", "response_malformed"),
            (&JSON, "[]", "response_malformed"),
            (&JSON, "{}", "missing_access_token"),
            (&[("content-type", "text/plain")], "Created", "unexpected_content_type"),
            (&[("content-type", "text/html")], "<h1>Welcome</h1>", "unexpected_content_type"),
            (&[("content-type", "text/html")], TOKENS, "unexpected_content_type"),
        ] {
            assert_eq!(code(status, headers, body), expected, "{status} {body}");
        }
    }
    for status in [0, 100, 101, 199, 300, 399, 400, 404, 499, 600, 999] {
        assert_eq!(code(status, &JSON, TOKENS), "http_error", "{status}");
    }
}

/// Nobody is told to configure another URL unless there is one.
#[test]
fn a_redirect_is_one_that_says_where_to() {
    let location = ("location", "https://as.example.com/token/");
    for status in [300, 301, 302, 303, 307, 308, 399] {
        let error = outcome(status, &[location], TOKENS).unwrap_err();
        assert_eq!(error, Error::Violation(Violation::RedirectedResponse(status)));
        assert!(error.to_string().contains("configure the endpoint's final URL"), "{error}");
    }
    for (status, headers) in [(304, &[location][..]), (304, &[]), (300, &[]), (302, &JSON), (307, &[]), (399, &[])] {
        for body in ["", TOKENS, r#"{"error":"invalid_grant"}"#] {
            let refused = refused(status, headers, body);
            assert_eq!((refused.status(), refused.oauth_error(), refused.description()), (Some(status), None, None));
            let error = Error::Refused(Box::new(refused));
            assert_eq!((error.code(), error.is_fatal()), ("http_error", true));
            assert!(!error.to_string().contains("final URL"), "{error}");
            // From whatever answers in the server's place: another time, another answer.
            let (mut session, outcome) = refreshed(Response::new(status, headers, body.as_bytes()));
            let until = outcome.unwrap_err().1;
            assert!(until > at(NOW) && until < at(NOW + 600), "{until:?}");
            let again = refresh_of(session.access(until));
            assert!(crate::body(&again).contains("refresh_token=RT1&"));
        }
    }
}

#[test]
fn empty_tokens_are_none_and_a_missing_access_token_is_told() {
    for members in [r#""refresh_token":"","id_token":"""#, r#""refresh_token":null,"id_token":null,"scope":null"#] {
        let body = tokens_with(members);
        assert_eq!(code(200, &JSON, &body), "tokens", "{members}");
        let response = Response::new(200, &JSON, body.as_bytes());
        let tokens = parse_response(&response, at(NOW)).unwrap();
        assert_eq!((tokens.refresh_token(), tokens.id_token(), tokens.scope()), (None, None, None));
        assert_eq!(refresh_token(&refreshed(response).0), "RT1", "the old one stays in force");
    }
    for body in [r#"{"access_token":"","token_type":"Bearer"}"#, r#"{"access_token":null,"token_type":"Bearer"}"#] {
        assert_eq!(code(200, &JSON, body), "missing_access_token", "{body}");
    }
}

#[test]
fn a_member_of_a_wrong_type_is_named() {
    for (name, wrong) in [
        ("access_token", &["7", "true", "{}", "[]", "[\"AT2\"]", "\"\\u0000\"", "\"A\\nT\""][..]),
        ("token_type", &["7", "false", "{}", "[\"Bearer\"]"]),
        ("refresh_token", &["7", "true", "{}", "[\"RT2\"]", "\"\\u00e9\""]),
        ("scope", &["7", "true", "{}", "[7]", "\"a\\nb\""]),
        ("id_token", &["7", "true", "{}", "[]", "\"\\u0007\""]),
    ] {
        for wrong in wrong {
            // In place of the right one, if there is one.
            let mut body = serde_json::json!({ "access_token": "AT2", "token_type": "Bearer" });
            body[name] = serde_json::from_str(wrong).unwrap();
            let body = body.to_string();
            let error = outcome(200, &JSON, &body).unwrap_err();
            assert_eq!(error, Error::Violation(Violation::MemberMalformed(name)), "{body}");
            assert_eq!(error.code(), "response_malformed");
            let message = error.to_string();
            assert!(message.contains(name) && message.contains("tell the server's operator"), "{message}");
        }
    }
}

/// Of two, some other reader may take the other one (RFC 8259 §4).
#[test]
fn a_known_member_that_comes_twice_is_refused_and_an_unknown_one_is_skipped() {
    for name in ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "error"] {
        for values in ["\"x\",\"NAME\":\"x\"", "null,\"NAME\":null", "null,\"NAME\":\"x\""] {
            let body = format!(r#"{{"{name}":{}}}"#, values.replace("NAME", name));
            assert_eq!(code(200, &JSON, &body), "response_malformed", "{body}");
        }
    }
    assert_eq!(code(200, &JSON, &tokens_with(r#""x":1,"x":{"access_token":"other"},"x":[]"#)), "tokens");
}

/// The server may say otherwise later (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4, RFC 9110 §15.6).
#[test]
fn a_server_that_has_no_time_is_unavailable_and_a_login_is_told_to_begin_anew() {
    for status in (400..=599).filter(|status| ![408, 425, 429].contains(status) && *status < 500) {
        assert_eq!((code(status, &[], ""), refused(status, &[], "").is_transient()), ("http_error", false), "{status}");
    }
    for status in [408, 425, 429].into_iter().chain(500..=599) {
        for body in ["", "<h1>later</h1>", r#"{"error":"invalid_grant"}"#, r#"{"error":"slow_down"}"#] {
            let refused = refused(status, &[("retry-after", "900")], body);
            assert!(refused.is_transient(), "{status}");
            assert_eq!(refused.retry_after(), Some(900), "a code does not live that long");
            let error = Error::Refused(Box::new(refused));
            assert_eq!((error.code(), error.is_fatal()), ("unavailable", true), "{status} {body}");
            let message = error.to_string();
            assert!(message.contains("a login is started anew later") && !message.contains("try again"), "{message}");
        }
    }
}
