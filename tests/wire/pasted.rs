//! What people paste in place of a redirect.

use oauth_proto::redirect::from_pasted;
use oauth_proto::{Action, AuthorizationRequest, Client, Error, Event, Ignored, Login, Phase};

use crate::{at, body, client, query_of, server, started, value_of, CLIENT_ID, REDIRECT_URI};

fn waiting() -> (Login, String) {
    let (login, url) = started(client(), AuthorizationRequest::new(), 0);
    let state = value_of(&query_of(&url), "state").unwrap();
    (login, state)
}

/// The body of the token request that a login makes of what was pasted.
#[track_caller]
fn exchanged(login: &mut Login, url: &str) -> String {
    match login.handle(Event::RedirectReceived(url), at(1)) {
        Ok(Action::SendRequest(request)) => body(&request).to_owned(),
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn a_login_goes_on_with_whatever_holds_code_and_state() {
    let (_, state) = waiting();
    let url = format!("{REDIRECT_URI}?code=C1&state={state}");
    let (start, end) = url.split_at(40);
    for pasted in [
        url.clone(),
        format!("  {url}\r\n"),
        format!("<{url}>"),
        format!("\"{url}\""),
        format!("'{url}'"),
        format!("`{url}`"),
        format!("\u{201c}{url}\u{201d}"),
        format!(" < \n{url}\n > "),
        format!("{start}\r\n   {end}"),
        format!("{start} {end}"),
        format!("\u{feff}{start}\u{200b}{end}\u{a0}"),
        format!("{url}#_=_"),
        url.replace("com.example.app", "COM.Example.App"),
        format!("com.example.app:///callback/?state={state}&code=C1"),
        format!("?code=C1&state={state}"),
        format!("code=C1&state={state}"),
        format!(" state={state}&session_state=x&code=C1#_=_\n"),
        format!("\"state={state}\n&code=C1\""),
        format!("C1#{state}"),
        format!(" C1#{state}\n"),
        format!("C1 #\n{state}"),
    ] {
        let (mut login, _) = waiting();
        let sent = exchanged(&mut login, &from_pasted(REDIRECT_URI, &pasted));
        assert!(sent.contains("&code=C1&"), "{pasted}: {sent}");
    }
}

/// Nothing that is pasted is believed more than what a browser brings.
#[test]
fn what_is_pasted_is_checked_as_any_redirect() {
    let (mut login, state) = waiting();
    for (pasted, expected) in [
        (format!("https://evil.example/?code=C1&state={state}"), Ignored::NotOurRedirect),
        (format!("com.example.other:/callback?code=C1&state={state}"), Ignored::NotOurRedirect),
        (format!("evil.example/callback?code=C1&state={state}"), Ignored::NotOurRedirect),
        (format!("evil.example?state={state}"), Ignored::NotOurRedirect),
        (format!("C1#{state}A"), Ignored::StateMismatch),
        (format!("C1#{state}#"), Ignored::StateMissing),
        ("C1#other".into(), Ignored::StateMismatch),
        ("code=C1&state=other".into(), Ignored::StateMismatch),
        ("C1".into(), Ignored::StateMissing),
        ("C1#".into(), Ignored::StateMissing),
        ("?error=access_denied".into(), Ignored::StateMissing),
        (String::new(), Ignored::StateMissing),
        (" \n".into(), Ignored::StateMissing),
        ("\"".into(), Ignored::StateMissing),
        ("com.example.app:".into(), Ignored::NotOurRedirect),
    ] {
        let url = from_pasted(REDIRECT_URI, &pasted);
        let error = login.handle(Event::RedirectReceived(&url), at(1)).unwrap_err();
        assert_eq!(error, Error::Ignored(expected), "{pasted:?} as {url}");
    }
}

#[test]
fn values_are_encoded_and_nothing_is_lost() {
    for (redirect_uri, pasted, url) in [
        ("com.app:/cb", "4/0Ab+c%2F=#st&a te", "com.app:/cb?code=4%2F0Ab%2Bc%252F%3D&state=st%26ate"),
        ("com.app:/cb", "a:b#s", "com.app:/cb?code=a%3Ab&state=s"),
        ("com.app:/cb", "a#b#s", "com.app:/cb?code=a%23b&state=s"),
        ("com.app:/cb", "abc==", "com.app:/cb?code=abc%3D%3D"),
        ("com.app:/cb", "\u{e4}#s", "com.app:/cb?code=%C3%A4&state=s"),
        ("com.app:/cb?x=1", "a#s", "com.app:/cb?x=1&code=a&state=s"),
        ("com.app:/cb?x=1", "?code=a&state=s", "com.app:/cb?x=1&code=a&state=s"),
        ("com.app:/cb", "?error=access_denied&state=s", "com.app:/cb?error=access_denied&state=s"),
        ("com.app:/cb", "code=a%2Bb&state=s", "com.app:/cb?code=a%2Bb&state=s"),
        // An apostrophe may be part of what was pasted, if there is one.
        ("com.app:/cb", "com.app:/cb?code=it's&state=s'", "com.app:/cb?code=it's&state=s'"),
        // What browsers hide.
        (
            "https://app.example.com/cb",
            "app.example.com/cb?code=a&state=s",
            "https://app.example.com/cb?code=a&state=s",
        ),
        ("http://localhost:8080/cb", "localhost:8080/cb?code=a&state=s", "http://localhost:8080/cb?code=a&state=s"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080/?code=a&state=s", "http://127.0.0.1:8080/?code=a&state=s"),
        ("https://[::1]:8443/cb", "[::1]:8443/cb?code=a&state=s", "https://[::1]:8443/cb?code=a&state=s"),
        ("https://app.example.com/cb", "http://app.example.com/cb?code=a", "http://app.example.com/cb?code=a"),
        ("com.app://cb", "cb/x#s", "com.app://cb?code=cb%2Fx&state=s"),
    ] {
        assert_eq!(from_pasted(redirect_uri, pasted), url, "{pasted}");
    }
}

#[test]
fn a_bare_code_is_taken_if_the_app_says_that_there_is_no_state() {
    for (pasted, sent) in [
        ("C1", "C1"),
        (" \"C1\"\n", "C1"),
        ("<4/0AbCd-_\n  EfGh>", "4%2F0AbCd-_EfGh"),
        ("a+b%41:c==", "a%2Bb%2541%3Ac%3D%3D"),
    ] {
        let (mut login, state) = waiting();
        let url = login.url_of_bare_code(pasted).expect(pasted);
        assert!(url.starts_with(REDIRECT_URI) && url.ends_with(&format!("&state={state}")));
        assert_eq!(login.phase(), Phase::AwaitingRedirect, "asking changes nothing");
        let body = exchanged(&mut login, &url);
        assert!(body.contains(&format!("&code={sent}&")), "{body}");
        assert!(body.contains("&code_verifier="), "{body}: PKCE is what is left");
    }
}

/// With a state, or a URL that has one, the login's own must not take its place.
#[test]
fn what_is_no_bare_code_is_none() {
    let (mut login, state) = waiting();
    for pasted in [
        "",
        " \n",
        "\"\"",
        "C\u{e4}",
        "C1#other",
        "C1#",
        "#C1",
        &format!("C1#{state}"),
        "?C1",
        "code=C1",
        "state=x",
        "code=C1&state=other",
        "com.example.app:/callback?code=C1&state=other",
        "com.example.app:C1",
        "https://evil.example/?code=C1",
        "?error=access_denied",
    ] {
        assert!(login.url_of_bare_code(pasted).is_none(), "{pasted}");
    }
    let url = login.url_of_bare_code("C1").unwrap();
    exchanged(&mut login, &url);
    assert!(login.url_of_bare_code("C1").is_none(), "a code has been accepted");

    let ready = Login::new(client(), AuthorizationRequest::new()).unwrap();
    assert!(ready.url_of_bare_code("C1").is_none(), "it has not been started");
    let (mut over, _) = waiting();
    assert!(over.handle(Event::Cancelled, at(1)).unwrap_err().is_fatal());
    assert!(over.url_of_bare_code("C1").is_none(), "it is over");

    // What the server promised, a bare code cannot bring (RFC 9207 §2.4).
    let server = server().issuer("https://as.example.com").unwrap();
    for (server, is_taken) in [(server.clone(), true), (server.require_iss(), false)] {
        let (login, _) = started(Client::new(server, CLIENT_ID, REDIRECT_URI).unwrap(), AuthorizationRequest::new(), 0);
        assert_eq!(login.url_of_bare_code("C1").is_some(), is_taken);
    }
}
