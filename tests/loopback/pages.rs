//! The answers octet for octet, and what the pages say.

use oauth_proto::loopback::{Outcome, Page, Receiver, Step};
use oauth_proto::redirect::{parse, Expected, RedirectUri};
use oauth_proto::{ConfigError, Error, Ignored, Misuse, Over, Violation};

use super::{body, field, head, outs, receiver, HOST, REDIRECT_URI};

type Handled = Result<(), Error>;

fn answered(page: &Page) -> Vec<u8> {
    let mut connection = receiver(REDIRECT_URI).connection();
    let request =
        format!("GET /cb?code=CANARY1&state=CANARY2 HTTP/1.1\r\n{HOST}Cookie: CANARY3\r\nReferer: CANARY4\r\n\r\n");
    assert!(matches!(connection.receive(&mut request.as_bytes()), Step::Redirect(_)));
    connection.answer(page).into_octets()
}

fn refused(parameters: &str) -> Handled {
    let redirect_uri = RedirectUri::new(REDIRECT_URI).unwrap();
    let expected = Expected { redirect_uri: &redirect_uri, state: "S1", issuer: None, iss_required: false };
    let error = parse(&format!("{REDIRECT_URI}?state=S1&{parameters}"), &expected).unwrap_err();
    assert!(matches!(error, Error::Refused(_)));
    Err(error)
}

#[test]
fn an_answer_octet_for_octet() {
    let page = Page::html(200, "<!doctype html><title>Done</title>").unwrap();
    assert_eq!(
        std::str::from_utf8(&answered(&page)).unwrap(),
        "HTTP/1.1 200 OK\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         Cache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Connection: keep-alive\r\n\
         Content-Length: 34\r\n\
         \r\n\
         <!doctype html><title>Done</title>"
    );
}

#[test]
fn every_page_is_whole_and_safe() {
    let violation: Handled = Err(Error::Violation(Violation::CodeMissing));
    let handled: [Handled; 8] = [
        Ok(()),
        refused("error=access_denied&error_description=No"),
        violation,
        Err(Error::Over(Over::Expired)),
        Err(Error::Over(Over::Cancelled)),
        Err(Error::Ignored(Ignored::StateMismatch)),
        Err(Error::Ignored(Ignored::Finished)),
        Err(Error::Misuse(Misuse::AlreadyStarted)),
    ];
    let mut pages: Vec<Page> =
        handled.iter().flat_map(|handled| [Page::of(handled), Page::of_sign_out(handled)]).collect();
    pages.push(Page::not_awaited());
    pages.push(Page::elsewhere("https://app.example.com/done").unwrap());
    let mut answers: Vec<Vec<u8>> = pages.iter().map(answered).collect();
    for request in ["GET /CANARY1 HTTP/1.1\r\n", "PUT /cb?CANARY1 HTTP/1.1\r\n", "CANARY1 CANARY2\r\n"] {
        answers.push(outs(REDIRECT_URI, [[request, HOST, "CANARY3: x\r\n\r\n"].concat().as_bytes()]).1);
    }
    answers.push(outs(REDIRECT_URI, ["GET /cb?CANARY1 HTTP/1.1\r\nHost: CANARY2\r\n\r\n".as_bytes()]).1);
    for answer in answers {
        let (head, html) = (head(&answer), body(&answer));
        assert!(!head.contains("CANARY") && !html.contains("CANARY"), "{head}");
        for (name, value) in [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Length", html.len().to_string().as_str()),
        ] {
            assert_eq!(field(&answer, name), Some(value), "{head}");
        }
        let policy = field(&answer, "Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
        assert!(field(&answer, "Connection").is_some());
        for once in [
            "<!doctype html>\n<html lang=\"en\">",
            "<meta name=\"viewport\"",
            "<title>",
            "<h1>",
            "prefers-color-scheme:dark",
            "You can close this window.",
        ] {
            assert_eq!(html.matches(once).count(), 1, "{once} in {html}");
        }
        for never in ["<script", "http:", "https:", "url(", "@import", "<a ", "<img", "<link", "<form", "onload"] {
            assert!(!html.contains(never), "{never} in {html}");
        }
    }
}

#[test]
fn what_a_page_says() {
    let lost: Handled = Err(Error::Violation(Violation::IssuerMismatch));
    for (handled, outcome, status, login, sign_out) in [
        (Ok(()), Outcome::Accepted, 200, "<h1>Return to the app</h1>", "<h1>Signed out</h1>"),
        (
            refused("error=access_denied"),
            Outcome::Refused,
            200,
            "The server says: access_denied",
            "<h1>Signed out of the app</h1>",
        ),
        (lost, Outcome::Unusable, 400, "Reason: issuer_mismatch.", "Reason: issuer_mismatch."),
        (
            Err(Error::Over(Over::OutcomeUnknown)),
            Outcome::Unusable,
            400,
            "cannot use the server's answer",
            "outcome_unknown",
        ),
        (Err(Error::Over(Over::Expired)), Outcome::Unusable, 400, "took too long", "Reason: expired."),
        (
            Err(Error::Ignored(Ignored::StateMissing)),
            Outcome::NotOurs,
            400,
            "The app still waits",
            "The app still waits",
        ),
        (
            Err(Error::Ignored(Ignored::NotOurRedirect)),
            Outcome::NotOurs,
            400,
            "The app still waits",
            "The app still waits",
        ),
        (
            Err(Error::Ignored(Ignored::RedirectNotAwaited)),
            Outcome::NotAwaited,
            400,
            "no longer waits",
            "no longer waits",
        ),
        (Err(Error::Ignored(Ignored::Finished)), Outcome::NotAwaited, 400, "no longer waits", "no longer waits"),
        (Err(Error::Over(Over::Cancelled)), Outcome::NotAwaited, 400, "no longer waits", "no longer waits"),
    ] {
        assert_eq!(Outcome::of(&handled), outcome);
        assert_eq!(Outcome::of(&handled.as_ref().map(drop)), outcome, "as `drive` tells it");
        assert_eq!(answered(&Page::of(&handled.as_ref().map(drop))), answered(&Page::of(&handled)));
        for (page, text) in [(Page::of(&handled), login), (Page::of_sign_out(&handled), sign_out)] {
            assert_eq!(page.status(), status, "{handled:?}");
            let answer = answered(&page);
            assert!(head(&answer).starts_with(&format!("HTTP/1.1 {status} ")));
            assert!(body(&answer).contains(text), "{text} in {}", body(&answer));
        }
    }
}

#[test]
fn the_server_s_text_is_shown_as_text() {
    let description = "%3Cscript%3Ealert(1)%3C/script%3E+%26+%22%27%0d%0a%00%e2%80%ae";
    let answer = answered(&Page::of(&refused(&format!("error=<b>&error_description={description}"))));
    assert!(
        body(&answer).contains(
            "<p class=\"said\">The server says: &lt;b&gt;: &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;&#39;</p>"
        ),
        "{}",
        body(&answer)
    );
    assert_eq!(format!("{:?}", Page::of(&refused("error=CANARY"))), "Page { status: 200, .. }");
    let long = answered(&Page::of(&refused(&format!("error=x&error_description={}", "<".repeat(50_000)))));
    assert!(body(&long).contains("&lt;…</p>") && body(&long).matches("&lt;").count() < 300);
    assert!(long.len() < 5_000);
}

#[test]
fn pages_of_the_app() {
    let html = answered(&Page::html(418, String::from("<style>p{color:red}</style><p>Tea")).unwrap());
    assert!(html.starts_with(b"HTTP/1.1 418 \r\n") && html.ends_with(b"\r\n\r\n<style>p{color:red}</style><p>Tea"));
    assert!(field(&html, "Content-Security-Policy").unwrap().contains("style-src 'unsafe-inline'"));
    for status in [0, 100, 199, 204, 205, 300, 304, 399, 600, u16::MAX] {
        assert!(matches!(Page::html(status, ""), Err(ConfigError::Client { .. })), "{status}");
    }
    for status in [200, 299, 400, 599] {
        assert_eq!(Page::html(status, "").unwrap().status(), status);
    }
}

#[test]
fn on_to_the_web_site_of_the_app() {
    let answer = answered(&Page::elsewhere("https://app.example.com/done?x=1").unwrap());
    assert!(answer.starts_with(b"HTTP/1.1 303 See Other\r\n"));
    assert_eq!(field(&answer, "Location"), Some("https://app.example.com/done?x=1#"));
    assert!(Page::elsewhere("http://127.0.0.1:8080/").is_ok());
    for url in ["http://app.example.com/", "/done", "javascript:alert(1)", "https://a/\r\nX: y", "https://a/#f", ""] {
        assert!(matches!(Page::elsewhere(url), Err(ConfigError::Client { .. })), "{url}");
    }
}

#[test]
fn redirect_uris_that_no_listener_serves() {
    for uri in
        ["com.example.app:/cb", "https://127.0.0.1:51004/cb", "https://app.example.com/cb", "https://localhost/cb"]
    {
        let error = Receiver::new(&RedirectUri::new(uri).unwrap()).unwrap_err();
        assert!(matches!(error, ConfigError::RedirectUri { .. }), "{uri}");
        assert!(error.to_string().starts_with("redirect_uri: is not for a listener on this machine"), "{error}");
    }
    for uri in [
        "http://127.0.0.1/",
        "http://127.1.2.3:1/",
        "http://[::1]:51004",
        "http://localhost:51004/cb?tenant=1",
        "HTTP://127.0.0.1:1/",
    ] {
        assert!(Receiver::new(&RedirectUri::new(uri).unwrap()).is_ok(), "{uri}");
    }
    assert_eq!(format!("{:?}", receiver(REDIRECT_URI)), "Receiver { origin: \"http://127.0.0.1:51004\", .. }");
}
