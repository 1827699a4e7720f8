//! The program itself, run as a user runs it: its lines, its exit codes, and what it must never print.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::client::{parameter, Client};
use crate::visit::{assert_story, program, run, Run, Visit};

#[test]
fn the_whole_story() {
    let run = run(&["--no-browser", "--user", "Zoë <b>"]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_eq!(run.err, "");
    assert_story(
        &run.out,
        &[
            "server authorization http://127.0.0.1:",
            "listen redirect URI http://127.0.0.1:",
            "listen after the logout http://127.0.0.1:",
            "1. Log in",
            "event Start",
            "action SendRequest GET http://127.0.0.1:",
            "event ResponseReceived status 200",
            "action OpenUrl http://127.0.0.1:",
            "http://127.0.0.1:",
            "event RedirectReceived",
            "refused state_mismatch not ours, still waiting",
            "event RedirectReceived",
            "action SendRequest POST http://127.0.0.1:",
            "event ResponseReceived status 200",
            "action SendRequest GET http://127.0.0.1:",
            "event ResponseReceived status 200",
            "action TokensReady",
            "cache metadata fetched ",
            "cache keys fetched ",
            "scope not granted address",
            "Hello, Zoë <b> (sub user-",
            "claim roles demo",
            "2. Call the API",
            "access Ready",
            "api status 200",
            "api body {\"scope\":\"openid profile email offline_access\",\"user\":\"Zoë <b>\"}",
            "userinfo GET http://127.0.0.1:",
            "userinfo the same sub user-",
            "3. The access token expires",
            "waiting",
            "api status 401 Bearer realm=\"example\", error=\"invalid_token\", error_description=\"the token has expired\"",
            "4. Refresh, and call again",
            "action SendRequest POST http://127.0.0.1:",
            "event ResponseReceived status 200",
            "action Save rotated",
            "access Ready",
            "api status 200",
            "user still Zoë <b>, by an ID token of ",
            "5. Sign out",
            "action SendRequest POST http://127.0.0.1:",
            "event ResponseReceived status 200",
            "action OpenUrl http://127.0.0.1:",
            "event RedirectReceived",
            "refused state_mismatch not ours, still waiting",
            "event RedirectReceived",
            "action SignedOut",
            "access LoginRequired signed_out",
            "api status 401",
            "Done.",
        ],
    );
    run.assert_no_secret();
    // The access token of the login lived longer than that: the ID token came with the refresh.
    let age = run.out.split("by an ID token of ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(age.parse::<u64>().unwrap() < 5, "{}", run.out);
}

#[test]
fn a_user_who_says_no() {
    let run = run(&["--no-browser", "--deny"]);
    run.assert_failed(1, &["access_denied: the user said no", "run again and press 'Log in'"]);
    assert!(!run.out.contains("/token"), "{}", run.out);
}

#[test]
fn help() {
    let run = run(&["--help"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.contains("--authorization-endpoint"));
}

#[test]
fn wrong_options_end_with_two() {
    for (arguments, said) in [
        (&["--brwoser"][..], "unknown option \"--brwoser\""),
        (&["somewhere"], "unknown option \"somewhere\""),
        (&["--user"], "--user needs a value"),
        (&["--user", "--deny"], "--user needs a value"),
        (&["--user="], "--user needs a value"),
        (&["--user=a", "--user", "b"], "--user is given twice"),
        (&["--deny=yes"], "--deny takes no value"),
        (&["--timeout", "soon"], "--timeout needs a number of seconds"),
        (&["--wait", "0"], "--wait needs a number of seconds"),
        (&["--token-endpoint", "https://as.example.com/token"], "--client-id"),
        (&["--scope", "openid"], "--authorization-endpoint"),
        (&["--end-session-endpoint", "https://as.example.com/logout"], "--authorization-endpoint"),
        (&["--prompt", "consent"], "--authorization-endpoint"),
        (&["--issuer", "https://as.example.com"], "--client-id"),
        (&["--client-id", "app"], "--issuer"),
        (&["--client-id", "app", "--issuer", "https://as.example.com", "--user", "b"], "for the embedded server"),
        (
            &["--client-id", "app", "--issuer", "https://as.example.com", "--token-endpoint", "https://a"],
            "--issuer, or",
        ),
    ] {
        run(arguments).assert_failed(2, &[said, "--help"]);
    }
}

#[test]
fn wrong_configurations_end_with_one() {
    let with = |authorization: &str, more: &[&str]| {
        let token = "https://as.example.com/token";
        let base = ["--authorization-endpoint", authorization, "--token-endpoint", token, "--client-id", "app"];
        run(&[&base[..], more].concat())
    };
    let https = "https://as.example.com/authorize";
    with("http://as.example.com/authorize", &[])
        .assert_failed(1, &["--authorization-endpoint is plain http", "127.0.0.1", "--help"]);
    with(https, &["--redirect-uri", "javascript:alert(1)"])
        .assert_failed(1, &["--redirect-uri has", "com.example.app:/"]);
    with(https, &["--redirect-uri", "myapp:/cb"]).assert_failed(1, &["--redirect-uri has a scheme without a dot"]);
    with(https, &["--api-url", "http://api.example.com/me"])
        .assert_failed(1, &["--api-url is plain http", "https URL"]);
    with(https, &["--api-url", "api.example.com"]).assert_failed(1, &["--api-url"]);
    let (end_session, auth0) = ("--end-session-endpoint", "--auth0-logout-endpoint");
    for option in [end_session, auth0] {
        with(https, &[option, "http://as.example.com/logout"]).assert_failed(1, &[&format!("{option} is plain http")]);
    }
    let logout = "https://as.example.com/logout";
    with(https, &[end_session, logout, "--post-logout-redirect-uri", "myapp:/cb"])
        .assert_failed(1, &["--post-logout-redirect-uri has a scheme without a dot", "com.example.app:/"]);
    with(https, &[end_session, logout, auth0, logout]).assert_failed(2, &["use one"]);
    with(https, &["--post-logout-redirect-uri", "com.example.app:/out"]).assert_failed(2, &[end_session, auth0]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/callback", taken.local_addr().unwrap());
    with(https, &["--redirect-uri", &uri]).assert_failed(1, &[&uri, "another program may hold the port"]);
}

#[test]
fn a_real_server_by_options() {
    let client = Client::patient();
    let (revoke, me) = (client.server.url("/revoke"), client.server.url("/api/me"));
    let more = ["--issuer", &client.server.issuer, "--revocation-endpoint", &revoke, "--api-url", &me];
    let visit = Visit::start(&client, &client.server.url("/token"), &more);
    visit.log_in(&client);
    let run = visit.end();
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_story(
        &run.out,
        &["action TokensReady", "api status 200", "that is", "5. Sign out", "action SignedOut", "Done."],
    );
    run.assert_no_secret();
}

#[test]
fn a_sign_out_that_the_server_refuses() {
    let client = Client::patient();
    let visit =
        Visit::start(&client, &client.server.url("/token"), &["--revocation-endpoint", &client.server.url("/nothing")]);
    visit.log_in(&client);
    visit.end().assert_failed(1, &["revocation with status 404", "check --revocation-endpoint"]);
}

#[test]
fn an_api_that_wants_another_token() {
    let client = Client::patient();
    let more = ["--api-url", &client.server.url("/api/me"), "--wait", "1"];
    // Asked for without the audience, the token is not for this API.
    let visit = Visit::start_without_audience(&client, &more);
    visit.log_in(&client);
    let run = visit.end();
    run.assert_failed(1, &["the API refused a fresh access token", "--audience"]);
    assert_eq!(run.out.matches("status 401").count(), 2, "one refresh, and no loop: {}", run.out);
}

#[test]
fn a_token_endpoint_that_nobody_serves() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}/token");
    let client = Client::patient();
    let visit = Visit::start(&client, &endpoint, &[]);
    visit.log_in(&client);
    let run = visit.end();
    run.assert_failed(1, &[&format!("{endpoint} could not be reached"), "check the address"]);
    assert_eq!(run.out.matches("SendFailed").count(), 3, "{}", run.out);
}

#[test]
fn a_token_endpoint_that_hangs_up() {
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/token", rude.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in rude.incoming() {
            read_request(&stream.unwrap());
        }
    });
    let client = Client::patient();
    let visit = Visit::start(&client, &endpoint, &[]);
    visit.log_in(&client);
    let run = visit.end();
    run.assert_failed(1, &["the answer was lost", "run again"]);
    assert_eq!(run.out.matches("SendFailed").count(), 1, "a code goes out once: {}", run.out);
}

/// All of a request: a connection that is closed with some of it unread is reset, and the answer may be lost with it.
fn read_request(stream: &TcpStream) {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    for line in stream.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let _ = std::io::copy(&mut stream.take(length), &mut std::io::sink());
}

/// A server that says these things, one after the other, and then the last of them again and again.
pub fn rude_server(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let last = answers.last().copied().unwrap_or("");
        let answers = answers.iter().copied().chain(std::iter::repeat(last));
        for (stream, answer) in listener.incoming().zip(answers) {
            let mut stream = stream.unwrap();
            read_request(&stream);
            let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
            let head = head.replace('\n', "\r\n");
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        }
    });
    format!("http://{address}")
}

#[test]
fn token_endpoints_that_answer_badly() {
    const SERVED: &str = "200 OK\nContent-Type: text/html\n\n<h1>Log in to the hotel's network</h1>";
    let cases: [(&[&str], &[&str]); 4] = [
        (&["500 Oops"], &["HTTP status 500", "run again later"]),
        (
            &["401 Unauthorized\nContent-Type: application/json\n\n{\"error\":\"invalid_client\"}"],
            &["invalid_client", "--client-id"],
        ),
        (&[SERVED], &["broke a rule", "check the endpoints"]),
        (&["307 Temporary Redirect\nLocation: http://127.0.0.1:1/"], &["redirect", "check the endpoints"]),
    ];
    for (answers, words) in cases {
        let client = Client::patient();
        let visit = Visit::start(&client, &format!("{}/token", rude_server(answers)), &[]);
        visit.log_in(&client);
        visit.end().assert_failed(1, words);
    }
}

#[test]
fn apis_that_answer_badly_or_not_at_all() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let cases = [(nobody, "could not be reached"), (rude_server(&["500 Oops"]), "500")];
    for (origin, words) in cases {
        let client = Client::patient();
        let visit =
            Visit::start(&client, &client.server.url("/token"), &["--api-url", &format!("{origin}/me"), "--wait", "1"]);
        visit.log_in(&client);
        visit.end().assert_failed(1, &[words]);
    }
}

/// A browser that writes down what it was told to open.
#[cfg(target_os = "linux")]
#[test]
fn the_system_browser_gets_the_url_as_one_argument() {
    use std::os::unix::fs::PermissionsExt;

    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (script, opened) = (directory.join("browser"), directory.join("opened"));
    let text = format!("#!/bin/sh\necho \"$#\" \"$1\" > '{0}.new' && mv '{0}.new' '{0}'\n", opened.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();

    let child = program(&["--timeout", "60"]).env("BROWSER", &script).spawn().unwrap();
    let tries = (0..600).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        std::fs::read_to_string(&opened).ok()
    });
    let (count, url) = tries.as_deref().expect("the browser was started").trim().split_once(' ').unwrap();
    assert_eq!(count, "1");
    // The server is the program's own, so this client has another: only its way of logging in is used.
    let client = Client::patient();
    let page = client.get(url);
    assert_eq!(page.status, 200);
    let (origin, _) = url.split_once("/authorize").unwrap();
    let redirect = client.decide_at(origin, &page, "alice", "deny");
    client.get(&redirect.header);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    run.assert_failed(1, &["access_denied"]);
    assert!(!run.out.lines().any(|line| line.starts_with("http")), "the URL is for the browser alone: {}", run.out);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn nobody_comes_back_from_the_browser() {
    let client = Client::new(Duration::from_secs(60), Duration::from_secs(60));
    let visit = Visit::start(&client, &client.server.url("/token"), &["--timeout", "1"]);
    visit.end().assert_failed(1, &["no redirect came back", "register exactly http://127.0.0.1:", "--timeout"]);
}

#[test]
fn a_redirect_to_a_private_use_scheme_is_pasted() {
    let client = Client::patient();
    let more = ["--redirect-uri", "com.example.app:/callback"];
    let mut visit = Visit::start(&client, &client.server.url("/token"), &more);
    let state = parameter(&visit.url, "state").unwrap();
    visit.paste("com.example.app:/callback?code=forged&state=forged");
    visit.paste(&format!("  com.example.app:/callback?error=access_denied&state={state} "));
    let run = visit.end();
    run.assert_failed(1, &["access_denied", "run again and press 'Log in'"]);
    assert_story(
        &run.out,
        &["event RedirectReceived com.example.app:/callback?code=…&state=…", "refused state_mismatch"],
    );

    let visit = Visit::start(&client, &client.server.url("/token"), &more);
    visit.end().assert_failed(1, &["standard input ended"]);
}
