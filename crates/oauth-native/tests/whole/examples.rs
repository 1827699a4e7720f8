//! The examples, as a user runs them: each a process, at the server of this test, with a browser that this test plays.

use std::env::{consts::EXE_SUFFIX, current_exe};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oauth_native::api::blocking::Api;
use oauth_native::store::File;
use oauth_native::transport::Ureq;
use oauth_native::SystemClock;
use oauth_proto::AuthorizationRequest;
use ureq::http::HeaderMap;

use crate::opened::Ends;
use crate::server::Server;
use crate::{get, Folder};

const WAIT: Duration = Duration::from_secs(20);

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with a browser that writes down which URL it was opened with.
fn folder(name: &str) -> Folder {
    let folder = Folder(std::env::temp_dir().join(format!("oauth-native-example-{name}-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).unwrap();
    let browser = folder.0.join("browser");
    std::fs::write(&browser, "#!/bin/sh\nprintf %s \"$1\" >url.new && mv url.new url\n").unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn run(example: &str, folder: &Path, arguments: &[&str]) -> Running {
    let tests = current_exe().unwrap();
    // Cargo puts examples beside the directory that this test runs from.
    let program = tests.ancestors().nth(2).unwrap().join("examples").join(format!("{example}{EXE_SUFFIX}"));
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(folder).env("BROWSER", folder.join("browser"));
    command.env("XDG_STATE_HOME", folder.join("state")).env("HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display())))
}

/// The URL that the browser was opened with.
fn opened(folder: &Path) -> String {
    let (url, since) = (folder.join("url"), Instant::now());
    while !url.exists() {
        assert!(since.elapsed() < WAIT, "no browser was opened");
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = std::fs::read_to_string(&url).unwrap();
    std::fs::remove_file(url).unwrap();
    text
}

/// Where the server sends the browser.
fn location(url: &str) -> String {
    get(url, &[]).unwrap().1["location"].to_str().unwrap().to_owned()
}

/// What the process has printed, when it has ended well.
fn printed(mut process: Running) -> (String, String) {
    let (since, mut out, mut err) = (Instant::now(), String::new(), String::new());
    while process.0.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < WAIT, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
    process.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    process.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(process.0.wait().unwrap().success(), "{out}{err}");
    (out, err)
}

#[test]
fn cli_survives_being_killed() {
    let (server, folder) = (Server::start(), folder("cli"));
    let me = format!("{}/me", server.origin);
    let arguments = [server.origin.as_str(), "s6BhdRkqt3", me.as_str()];
    let first = run("cli", &folder.0, &arguments);
    let url = opened(&folder.0);
    drop(first);
    // The user has logged in meanwhile: the browser finds nobody.
    let redirect = location(&url);
    assert!(get(&redirect, &[]).is_err());

    // The next run asks again; but the user reloads the page that could not be shown.
    let second = run("cli", &folder.0, &arguments);
    assert_eq!(opened(&folder.0), url);
    assert_eq!(get(&redirect, &[]).unwrap().0, 200);
    let (out, err) = printed(second);
    assert_eq!(out, "Bearer AT1\n");
    assert!(err.contains("within an hour"), "{err}");

    // From the file.
    assert_eq!(printed(run("cli", &folder.0, &arguments)), ("Bearer AT1\n".into(), String::new()));

    // The server has ended the grant: the user is asked, in the same run.
    {
        let mut state = server.state();
        (state.access_token, state.refresh_token) = (None, None);
    }
    let again = run("cli", &folder.0, &arguments);
    assert_eq!(get(&location(&opened(&folder.0)), &[]).unwrap().0, 200);
    assert_eq!(printed(again).0, "Bearer AT2\n");
    assert_eq!(server.state().faults.len(), 1, "the refresh token that the server had ended");
}

/// A repository that was cloned, for example, with a login in it whose code is sent to another server.
#[test]
fn what_lies_in_the_working_directory_is_not_used() {
    let (server, foreign, folder) = (Server::start(), Server::start(), folder("planted"));
    let store = Arc::new(File::new(folder.0.join("session.json")));
    let uri = crate::browser(&Arc::default()).redirect_uri();
    let request = AuthorizationRequest::new().scope("offline_access");
    let client = crate::client(&server, &uri);
    let ended = Api::open(client, request, Ureq::new(), SystemClock, store.clone(), &mut Ends(None));
    assert!(ended.is_err());
    let planted = store.pending_login().path().to_owned();
    let text = std::fs::read_to_string(&planted).unwrap();
    let text = text.replace(&format!("{}/token", server.origin), &format!("{}/token", foreign.origin));
    assert!(text.contains(&foreign.origin));
    std::fs::write(&planted, &text).unwrap();

    let me = format!("{}/me", server.origin);
    let process = run("cli", &folder.0, &[&server.origin, "s6BhdRkqt3", &me]);
    assert_eq!(get(&location(&opened(&folder.0)), &[]).unwrap().0, 200);
    assert_eq!(printed(process).0, "Bearer AT1\n");
    assert!(foreign.state().faults.is_empty(), "the code was sent to it");
    assert_eq!(std::fs::read_to_string(planted).unwrap(), text);
    assert!(!store.path().exists());
}

#[test]
fn service_has_ten_tasks() {
    let (server, folder) = (Server::start(), folder("service"));
    let me = format!("{}/me", server.origin);
    let arguments = [server.origin.as_str(), "s6BhdRkqt3", me.as_str()];
    let first = run("service", &folder.0, &arguments);
    assert_eq!(get(&location(&opened(&folder.0)), &[]).unwrap().0, 200);
    let line = |number: u32, token: &str| format!("task {number}: Bearer {token}\n");
    let lines = |token: &str| (0..10).fold(String::new(), |lines, number| lines + &line(number, token));
    assert_eq!(printed(first).0, lines("AT1"));

    // The token is refused: one refresh for all ten.
    server.state().access_token = None;
    assert_eq!(printed(run("service", &folder.0, &arguments)).0, lines("AT2"));
    let state = server.state();
    assert_eq!((state.refreshes, state.faults.len()), (1, 0));
}

/// The cookie that an answer sets.
fn cookie(headers: &HeaderMap) -> String {
    let line = headers["set-cookie"].to_str().unwrap();
    assert!(line.contains("; HttpOnly") && line.contains("; SameSite=Lax"), "{line}");
    line.split(';').next().unwrap().to_owned()
}

#[test]
fn axum_has_many_logins_at_a_time() {
    let (server, folder) = (Server::start(), folder("axum"));
    let me = format!("{}/me", server.origin);
    let mut app = run("axum", &folder.0, &[&server.origin, "s6BhdRkqt3", &me, "0"]);
    let mut origin = String::new();
    BufReader::new(app.0.stdout.take().unwrap()).read_line(&mut origin).unwrap();
    let origin = origin.trim_end();
    assert!(get(origin, &[]).unwrap().2.contains("/login"));

    let begin = || {
        let (status, headers, _) = get(&format!("{origin}/login"), &[]).unwrap();
        assert_eq!(status, 303);
        (cookie(&headers), headers["location"].to_str().unwrap().to_owned())
    };
    let (other, (login, url)) = (begin(), begin());
    assert!(other.0 != login && other.1 != url);
    let redirect = location(&url);
    // Not in a browser that began none, and not with another's state.
    assert_eq!(get(&redirect, &[]).unwrap().0, 400);
    let forged = redirect.replace("state=", "state=x");
    assert_eq!(get(&forged, &[("cookie", login.clone())]).unwrap().0, 502);
    let (status, headers, _) = get(&redirect, &[("cookie", login.clone())]).unwrap();
    assert_eq!((status, headers["location"].to_str().unwrap()), (303, "/"));
    // The code is sent once.
    assert_eq!(get(&redirect, &[("cookie", login)]).unwrap().0, 400);

    let session = [("cookie", cookie(&headers))];
    assert!(get(origin, &session).unwrap().2.contains("Bearer AT1"));
    server.state().access_token = None;
    assert!(get(origin, &session).unwrap().2.contains("Bearer AT2"));
    let out = ureq::post(&format!("{origin}/logout")).config().proxy(None).max_redirects(0).build();
    assert_eq!(out.header("cookie", &session[0].1).send_empty().unwrap().status(), 303);
    assert_eq!(server.state().revoked, ["RT2"]);
    assert!(get(origin, &session).unwrap().2.contains("/login"));

    // The other visitor's login has waited.
    let (status, headers, _) = get(&location(&other.1), &[("cookie", other.0)]).unwrap();
    assert_eq!(status, 303);
    // Strangers can begin logins: that costs the server nothing.
    assert_eq!(server.state().discoveries, 1);
    assert!(server.state().faults.is_empty());

    // The server has ended the grant: the visitor can log in again, and the old session is gone.
    let session = cookie(&headers);
    {
        let mut state = server.state();
        (state.access_token, state.refresh_token) = (None, None);
    }
    let (status, headers, page) = get(origin, &[("cookie", session.clone())]).unwrap();
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (401, "no-store"));
    assert!(page.contains("href=/login"), "{page}");
    let (login, url) = begin();
    let (status, headers, _) = get(&location(&url), &[("cookie", format!("{session}; {login}"))]).unwrap();
    assert_eq!(status, 303);
    assert_eq!(get(origin, &[("cookie", session)]).unwrap().0, 200);
    let (status, headers, page) = get(origin, &[("cookie", cookie(&headers))]).unwrap();
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (200, "no-store"));
    assert!(page.contains("Bearer AT"), "{page}");
}

/// A visitor who does not wait for the page: the refresh that it needs comes to its end all the same.
#[test]
fn axum_refreshes_for_visitors_who_hang_up() {
    let (server, folder) = (Server::start(), folder("hang-up"));
    let me = format!("{}/me", server.origin);
    let mut app = run("axum", &folder.0, &[&server.origin, "s6BhdRkqt3", &me, "0"]);
    let mut origin = String::new();
    BufReader::new(app.0.stdout.take().unwrap()).read_line(&mut origin).unwrap();
    let origin = origin.trim_end();
    let (_, headers, _) = get(&format!("{origin}/login"), &[]).unwrap();
    let redirect = location(headers["location"].to_str().unwrap());
    let (_, headers, _) = get(&redirect, &[("cookie", cookie(&headers))]).unwrap();
    let session = cookie(&headers);
    {
        let mut state = server.state();
        (state.access_token, state.refresh_takes) = (None, Duration::from_millis(400));
    }
    let host = origin.strip_prefix("http://").unwrap();
    let mut visitor = TcpStream::connect(host).unwrap();
    write!(visitor, "GET / HTTP/1.1\r\nHost: {host}\r\nCookie: {session}\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(visitor);
    std::thread::sleep(Duration::from_millis(100));
    // With the token that was on its way, and no other.
    let since = Instant::now();
    let mut page = get(origin, &[("cookie", session.clone())]).unwrap().2;
    while !page.contains("Bearer AT2") && since.elapsed() < WAIT {
        std::thread::sleep(Duration::from_millis(100));
        page = get(origin, &[("cookie", session.clone())]).unwrap().2;
    }
    let state = server.state();
    assert!(
        page.contains("Bearer AT2") && state.refreshes == 1 && state.faults.is_empty(),
        "{page} {:?}",
        state.faults
    );
}

/// Lines that are neither empty nor comments.
#[test]
fn they_are_short() {
    let lines =
        |code: &str| code.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).count();
    assert!(lines(include_str!("../../examples/cli.rs")) <= 30);
    assert!(lines(include_str!("../../examples/service.rs")) <= 40);
}
