//! The program, told the issuer and no endpoint; and the ID tokens that it does not believe.

use crate::client::{parameter, Client};
use crate::program::rude_server;
use crate::server::CLIENT_ID;
use crate::visit::{assert_story, program, run, Visit};

/// What `cargo run --example login` does on a machine without a screen.
#[cfg(target_os = "linux")]
#[test]
fn without_arguments_the_user_is_greeted_by_name() {
    let mut command = program(&[]);
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""), "{out}");
    assert_story(&out, &["1. Log in", "Hello, Ada Lovelace (sub user-", "2. Call the API", "Done."]);
}

#[test]
fn an_issuer_is_all_that_it_needs() {
    let client = Client::patient();
    let mut visit = Visit::discovering(&client, &["--api-url", &client.server.url("/api/me")]);
    assert!(visit.url.starts_with(&client.server.url("/authorize?")), "{}", visit.url);
    assert_eq!(parameter(&visit.url, "scope").as_deref(), Some("openid profile email offline_access"));
    visit.log_in(&client);
    let logout = visit.next_url();
    assert!(logout.starts_with(&client.server.url("/logout?")), "{logout}");
    assert_eq!(client.get(&logout).status, 200, "and its id_token_hint is a good one");
    let run = visit.end();
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    let configuration = client.server.url("/.well-known/openid-configuration");
    let (token, jwks) = (client.server.url("/token"), client.server.url("/jwks"));
    let revoke = client.server.url("/revoke");
    assert_story(
        &run.out,
        &[
            "server issuer http://127.0.0.1:",
            "event Start",
            &format!("action SendRequest GET {configuration}"),
            "event ResponseReceived status 200",
            "action OpenUrl",
            &format!("action SendRequest POST {token}"),
            &format!("action SendRequest GET {jwks}"),
            "action TokensReady",
            "cache metadata fetched ",
            "cache keys fetched ",
            "Hello, alice (sub user-",
            "claim roles demo",
            "userinfo the same sub user-",
            "5. Sign out",
            &format!("action SendRequest POST {revoke}"),
            "action OpenUrl",
            "Done.",
        ],
    );
    assert!(
        run.out.lines().any(|line| line.ends_with(&format!("  {}", client.server.issuer))),
        "to the octet: {}",
        run.out
    );
    assert!(!run.out.contains("not granted"), "{}", run.out);
    run.assert_no_secret();
}

#[test]
fn nobody_is_greeted_without_openid() {
    let client = Client::patient();
    let visit = Visit::discovering(&client, &["--scope", "profile"]);
    visit.log_in(&client);
    let run = visit.end();
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_story(&run.out, &["action TokensReady", "no ID token, so nobody to greet"]);
    assert!(!run.out.contains("Hello") && !run.out.contains("/userinfo") && !run.out.contains("/jwks"), "{}", run.out);
}

#[test]
fn issuers_that_cannot_be_discovered() {
    const OTHER: &str = "200 OK\nContent-Type: application/json\n\n{\"issuer\":\"https://as.example.com\"}";
    let at = |issuer: &str| run(&["--issuer", issuer, "--client-id", CLIENT_ID]);
    at("http://as.example.com").assert_failed(1, &["--issuer is plain http", "--help"]);
    at(&rude_server(&["404 Not Found"])).assert_failed(1, &["no metadata at its well-known places", "check --issuer"]);
    at(&rude_server(&[OTHER])).assert_failed(1, &["broke a rule", "issuer", "check --issuer"]);
    // The issuer's own text counts.
    let client = Client::patient();
    at(&format!("{}/", client.server.issuer)).assert_failed(1, &["broke a rule", "a slash at the end"]);
}

#[test]
fn id_tokens_that_are_not_believed() {
    let (client, other) = (Client::patient(), Client::patient());
    let with = |jwks_uri: &str, alg: &str| {
        let more = ["--issuer", &client.server.issuer, "--jwks-uri", jwks_uri, "--id-token-alg", alg];
        let visit = Visit::start_asking(&client, "openid profile", &more);
        visit.log_in(&client);
        visit.end()
    };
    let jwks = client.server.url("/jwks");
    let run = with(&jwks, "ES256");
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_story(&run.out, &["Hello, alice (sub user-"]);
    // Signed with another algorithm than was agreed on, or by a key that is not the server's.
    let others = other.server.url("/jwks");
    for (jwks_uri, alg, advice) in [(&jwks, "RS256", "as --id-token-alg"), (&others, "ES256", "check --jwks-uri")] {
        let run = with(jwks_uri, alg);
        run.assert_failed(1, &["broke a rule", advice]);
        assert!(!run.out.contains("Hello"), "{}", run.out);
    }
    with(&client.server.url("/nothing"), "ES256").assert_failed(1, &["HTTP status 404", "--issuer"]);
}

#[test]
fn a_userinfo_endpoint_is_believed_about_the_same_user_alone() {
    const OTHER: &str = "200 OK\nContent-Type: application/json\n\n{\"sub\":\"somebody\",\"email\":\"e@example.com\"}";
    const REFUSED: &str = "401 Unauthorized\nWWW-Authenticate: Bearer error=\"invalid_token\"";
    let client = Client::patient();
    let with = |answers| {
        let (jwks, userinfo) = (client.server.url("/jwks"), format!("{}/userinfo", rude_server(answers)));
        let (issuer, keys) = (["--issuer", &client.server.issuer], ["--jwks-uri", &jwks, "--id-token-alg", "ES256"]);
        let more = [&issuer[..], &keys, &["--userinfo-endpoint", &userinfo]].concat();
        let visit = Visit::start_asking(&client, "openid profile", &more);
        visit.log_in(&client);
        visit.end()
    };
    let run = with(&[OTHER]);
    run.assert_failed(1, &["broke a rule"]);
    assert!(!run.out.contains("e@example.com"), "{}", run.out);
    let run = with(&[REFUSED]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_story(&run.out, &["Hello, alice", "userinfo refused status 401", "Done."]);
}

#[test]
fn id_tokens_that_could_not_be_checked_are_not_asked_for() {
    const ISSUER: [&str; 2] = ["--issuer", "https://as.example.com"];
    const KEYS: [&str; 2] = ["--jwks-uri", "https://as.example.com/jwks"];
    let with = |more: &[&[&str]]| {
        let endpoints =
            ["--authorization-endpoint", "https://as.example.com/", "--token-endpoint", "https://as.example.com/"];
        run(&[&endpoints[..], &["--client-id", "app", "--scope", "openid"], &more.concat()].concat())
    };
    with(&[]).assert_failed(1, &["--issuer is not set", "leave openid out"]);
    with(&[&ISSUER]).assert_failed(1, &["--jwks-uri is not set", "leave openid out"]);
    with(&[&ISSUER, &KEYS, &["--id-token-alg", "none"]]).assert_failed(1, &["--id-token-alg has none", "ES256"]);
    with(&[&ISSUER, &["--jwks-uri", "http://as.example.com/"]]).assert_failed(1, &["--jwks-uri is plain http"]);
}
